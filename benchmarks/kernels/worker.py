"""One peer with one problem in a process of its own; commands come on standard input, answers go out as JSON."""

from __future__ import annotations

import json
import os
import sys
import time

name, cell, size, dtype, threads = sys.argv[1:6]
for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(variable, None)
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "THREADS"):
    os.environ[variable] = threads
if threads == "1" and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import gc  # noqa: E402
import resource  # noqa: E402

import numpy as np  # noqa: E402
from cells import problem  # noqa: E402
from peers import PEERS  # noqa: E402


def peak() -> float:
    """The most memory that this process has used so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def answer(**found: object) -> None:
    print(json.dumps(found), file=OUT, flush=True)


OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print must not mix with answers
#: Alone on a core, time of the processor is what a quiet machine would need; with threads it is the clock's.
CLOCK = time.process_time if threads == "1" else time.perf_counter

started = time.perf_counter()
data = problem(cell, size, dtype)
tiny = PEERS[name](problem(cell, (2, 3, 8, 8), dtype))
tiny()  # libraries load what they load late
del tiny
gc.collect()
before = peak()
started = time.perf_counter()
run = PEERS[name](data)
result = run()
answer(first=time.perf_counter() - started, memory=peak() - before)
for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    if command == "run":
        gc.collect()
        gc.disable()
        times = []
        for _ in range(int(argument)):
            begin = CLOCK()
            result = run()
            times.append(CLOCK() - begin)
        gc.enable()
        answer(times=times)
    elif command == "error":
        gradients = run.gradients(result) if hasattr(run, "gradients") else result[1]
        exact = PEERS["steps"](problem(cell, size, "float64")) if dtype == "float32" else None
        reference = exact()[1] if exact else PEERS["steps"](data)()[1]
        worst = max(
            (
                float(np.max(np.abs(np.asarray(gradients[key]) - reference[key])) / np.max(np.abs(reference[key])))
                for key in reference
                if key in gradients
            ),
            default=float("nan"),
        )
        answer(error=worst)
    else:
        break
