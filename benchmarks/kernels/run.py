"""How long a generated kernel takes, beside what people would use instead.

    python benchmarks/kernels/run.py [--cells lstm gru] [--sizes s1 s32] [--dtypes float32] [--into FILE#NAME]

Every peer works in a process of its own; rounds go in turn, A B C A B C; reported are medians of the rounds' lower
quartiles, as ratios to `expert`, where there is one, else to `generated`. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
CPU = Path("/proc/cpuinfo")
sys.path.insert(0, str(HERE))

from cells import CELLS, SIZES  # noqa: E402
from pages import add_output, deliver  # noqa: E402
from peers import ONLY, PEERS  # noqa: E402


class Worker:
    """A peer in its process."""

    def __init__(self, name: str, *problem: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), name, *problem],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE)])},
        )

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line else {}

    def ask(self, command: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def measure(cell: str, size: str, dtype: str, threads: int, peers: list[str], rounds: int, budget: float) -> Any:
    """For each peer: seconds, the first call, memory in MB, and the largest relative error of a gradient."""
    workers, found = {}, {}
    for name in peers:
        worker = Worker(name, cell, size, dtype, str(threads))
        first = worker.read()
        if not first:
            worker.close()
            continue
        workers[name], found[name] = worker, first
    times: dict[str, list[float]] = {name: [] for name in workers}
    each = {name: worker.ask("run 2")["times"][-1] for name, worker in workers.items()}
    for _ in range(rounds):
        for name, worker in workers.items():
            count = max(3, min(200, int(budget / max(each[name], 1e-6))))
            times[name].append(float(np.quantile(worker.ask(f"run {count}")["times"][1:], 0.25)))
    for name, worker in workers.items():
        found[name] |= {"seconds": statistics.median(times[name]), **worker.ask("error")}
        worker.close()
    return found


def reference(found: dict[str, Any]) -> float:
    """The seconds that all others are divided by: the expert's, else the generated kernel's, else the first peer's."""
    name = next((name for name in ("expert", "generated") if name in found), next(iter(found)))
    return found[name]["seconds"]


def table(rows: list[tuple[Any, ...]], peers: list[str], entry: Callable[[dict[str, Any], str], str]) -> str:
    """A row for each problem, a column for each peer."""
    lines = ["| cell | size | type | threads | " + " | ".join(peers) + " |"]
    lines.append("|---|---|---|---" + "|---" * len(peers) + "|")
    for cell, size, dtype, threads, found in rows:
        name = f"{cell} | {', '.join(map(str, SIZES[size]))} | {dtype} | {threads}"
        lines.append(f"| {name} | " + " | ".join(entry(found, p) if p in found else "" for p in peers) + " |")
    return "\n".join(lines)


def machine() -> str:
    """The processor, and the versions of what was measured."""
    model = (
        next(
            (line.partition(":")[2].strip() for line in CPU.read_text().splitlines() if line.startswith("model name")),
            platform.processor(),
        )
        if CPU.exists()
        else platform.processor()
    )
    versions = []
    for package in ("numpy", "torch", "jax", "autograd", "numba"):
        with contextlib.suppress(PackageNotFoundError):
            versions.append(f"{package} {version(package)}")
    return f"{model}, {os.cpu_count()} cores; Python {platform.python_version()}, {', '.join(versions)}"


#: Who is compared with whom over all problems.
PAIRS = (
    ("generated", "expert"),
    ("generated", "torch"),
    ("generated", "jax"),
    ("generated", "autograd"),
    ("numba", "expert"),
    ("c", "expert"),
    ("c", "torch"),
    ("jax_derived", "jax"),
)
#: What is reported of each peer, under which title.
TABLES: dict[str, Callable[[dict[str, Any], str], str]] = {
    "Time": lambda found, peer: f"{found[peer]['seconds'] / reference(found):.2f}",
    "Milliseconds": lambda found, peer: f"{found[peer]['seconds'] * 1e3:.3g}",
    "First call, seconds": lambda found, peer: f"{found[peer]['first']:.2f}",
    "Memory, MB": lambda found, peer: f"{found[peer]['memory']:.0f}",
    "Largest relative error of a gradient": lambda found, peer: f"{found[peer]['error']:.0e}",
}


def geometric(rows: list[tuple[Any, ...]], one: str, other: str) -> str:
    ratios = [f[one]["seconds"] / f[other]["seconds"] for *_, f in rows if one in f and other in f]
    if not ratios:
        return ""
    return f"{one} / {other}: {np.exp(np.mean(np.log(ratios))):.2f} in geometric mean, at most {max(ratios):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=list(CELLS), choices=CELLS)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=SIZES)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=0.3, help="seconds for each peer and round")
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES, metavar="TITLE")
    add_output(parser)
    options = parser.parse_args()
    rows: list[tuple[Any, ...]] = []
    for threads in options.threads:
        for cell in options.cells:
            for size in options.sizes:
                for dtype in options.dtypes:
                    peers = [p for p in options.peers if cell in ONLY.get(p, CELLS)]
                    found = measure(cell, size, dtype, threads, peers, options.rounds, options.budget)
                    rows.append((cell, size, dtype, threads, found))
                    print(f"{cell} {size} {dtype} threads={threads}", flush=True)
                    for name, f in found.items():
                        ratio = f["seconds"] / reference(found)
                        print(
                            f"   {name:10s} {f['seconds'] * 1e3:9.3f} ms  x{ratio:5.2f}  first {f['first']:.2f} s"
                            f"  memory {f['memory']:.0f} MB  error {f['error']:.0e}",
                            flush=True,
                        )
    summary = [geometric(rows, one, other) for one, other in PAIRS]
    text = "\n\n".join(
        [
            *(f"**{title}**\n\n{table(rows, options.peers, TABLES[title])}" for title in options.tables),
            "\n".join(f"- {line}" for line in summary if line),
            machine(),
        ]
    )
    deliver(text, options)


if __name__ == "__main__":
    main()
