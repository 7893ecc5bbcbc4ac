"""How long a generated kernel takes, beside what people would use instead.

    python benchmarks/kernels/run.py [--cells lstm gru] [--sizes s1 s32] [--dtypes float32] [--into FILE#NAME]

Every peer works in a process of its own; rounds go in turn, A B C A B C; reported are medians of the rounds' lower
quartiles, as ratios to `expert`, where there is one, else to `generated`. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from cells import CELLS, SIZES  # noqa: E402
from pages import add_output, deliver  # noqa: E402
from peers import ONLY, PEERS  # noqa: E402
from report import TABLES, Row, report  # noqa: E402


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
    rows: list[Row] = []
    for threads in options.threads:
        for cell in options.cells:
            for size in options.sizes:
                for dtype in options.dtypes:
                    peers = [p for p in options.peers if cell in ONLY.get(p, CELLS)]
                    found = measure(cell, size, dtype, threads, peers, options.rounds, options.budget)
                    row = Row(cell, SIZES[size], dtype, threads, found)
                    rows.append(row)
                    print(f"{cell} {size} {dtype} threads={threads}", flush=True)
                    for name, f in found.items():
                        print(
                            f"   {name:10s} {f['seconds'] * 1e3:9.3f} ms  x{row.ratio(name):5.2f}"
                            f"  first {f['first']:.2f} s  memory {f['memory']:.0f} MB  error {f['error']:.0e}",
                            flush=True,
                        )
    deliver(report(rows, options.peers, options.tables), options)


if __name__ == "__main__":
    main()
