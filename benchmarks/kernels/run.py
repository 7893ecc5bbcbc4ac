"""How long a generated kernel takes, beside what people would use instead.

    python benchmarks/kernels/run.py [--cells lstm gru] [--sizes s1 s32] [--dtypes float32] [--threads 1 2] [-o FILE.md]

Every peer works in a process of its own; rounds go in turn, A B C A B C; reported are medians of the rounds' lower
quartiles, as ratios to `expert`, where there is one, else to `generated`. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from cells import CELLS, SIZES  # noqa: E402
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


def table(rows: list[tuple[Any, ...]], peers: list[str]) -> str:
    lines = ["| cell | size | type | threads | " + " | ".join(peers) + " |"]
    lines.append("|---|---|---|---" + "|---" * len(peers) + "|")
    for cell, size, dtype, threads, found in rows:
        base = reference(found)
        entries = [f"{found[p]['seconds'] / base:.2f}" if p in found else "" for p in peers]
        name = f"{cell} | {', '.join(map(str, SIZES[size]))} | {dtype} | {threads}"
        lines.append(f"| {name} | " + " | ".join(entries) + " |")
    return "\n".join(lines)


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
    parser.add_argument("-o", "--output", type=Path, help="write the table as Markdown")
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
    summary = [geometric(rows, "generated", peer) for peer in options.peers if peer != "generated"]
    text = "\n".join(
        [
            table(rows, options.peers),
            "",
            *(f"- {line}" for line in summary if line),
            "",
            f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores",
        ]
    )
    print("\n" + text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
