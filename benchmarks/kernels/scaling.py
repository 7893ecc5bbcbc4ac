"""How time and memory of generated NumPy kernels grow with the length and the batch, and what checkpoints cost.

    python benchmarks/kernels/scaling.py [--cells rnn lstm gru] [--limit 5000] [--into FILE#NAME]

Memory is what NumPy asks for during one call without a workspace, beside what `memory` of the kernel predicts.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"
for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(variable, None)
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np  # noqa: E402
from cells import CELLS, problem  # noqa: E402
from pages import add_output, deliver  # noqa: E402
from report import machine  # noqa: E402

import rnnsym  # noqa: E402

LENGTHS = (50, 100, 200, 500, 1000, 2000, 5000)
BATCHES = (1, 4, 16, 64, 256)
UNITS, FEATURES = 64, 64


def seconds(call: Any) -> float:
    """The lower quartile of the processor's time for a call."""
    call()
    times = []
    while len(times) < 5 or (sum(times) < 1.0 and len(times) < 50):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return float(np.quantile(times, 0.25))


def measured(cell: str, batch: int, length: int, checkpoint: bool | None = None) -> tuple[float, int, int]:
    """Seconds for a call with a workspace; bytes predicted, and taken at most by a call without one."""
    p = problem(cell, (batch, length, UNITS, FEATURES), "float32")
    kernel = rnnsym.generate(p.model, dtype="float32", gradients=p.wanted).module
    inputs = p.classes
    workspace = kernel.workspace(p.params, inputs, checkpoint=checkpoint)
    taken = seconds(lambda: kernel.loss_and_grad(p.params, inputs, workspace=workspace, checkpoint=checkpoint))
    sizes = {"n": UNITS, "m": FEATURES, **({"k": FEATURES} if p.labels is not None else {})}
    predicted = kernel.memory(length, batch, checkpoint=checkpoint, **sizes)
    tracemalloc.start()
    kernel.loss_and_grad(p.params, inputs, checkpoint=checkpoint)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return taken, predicted, most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=["rnn", "lstm", "gru"], choices=CELLS)
    parser.add_argument("--limit", type=int, default=max(LENGTHS), help="the longest sequence")
    add_output(parser)
    options = parser.parse_args()
    lines = ["| cell | B | T | checkpoint | µs per step | MB predicted | MB taken | ratio |", "|---" * 8 + "|"]
    for cell in options.cells:
        problems = [(16, length, None) for length in LENGTHS if length <= options.limit]
        problems += [(batch, 100, None) for batch in BATCHES if batch != 16] + [(16, 1000, True)]
        for batch, length, checkpoint in problems:
            taken, predicted, most = measured(cell, batch, length, checkpoint)
            lines.append(
                f"| {cell} | {batch} | {length} | {'√T' if checkpoint else ''} | {taken / length * 1e6:.1f} |"
                f" {predicted / 1e6:.2f} | {most / 1e6:.2f} | {most / predicted:.3f} |"
            )
            print(lines[-1], flush=True)
    deliver("\n".join([*lines, "", f"n = m = {UNITS}, float32. {machine()}"]), options)


if __name__ == "__main__":
    main()
