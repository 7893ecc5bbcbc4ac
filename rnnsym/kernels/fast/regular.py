"""What every program goes through before it is cut into regions, whatever is printed from these: a program again.

First steps join their loops, matrices that are multiplied with parts side by side are cut into slices, and vectors of
which only parts are read are these parts.
"""

from __future__ import annotations

from rnnsym.kernels.fast.concat import sliced
from rnnsym.kernels.fast.forms import Irregular
from rnnsym.kernels.fast.merge import merged
from rnnsym.kernels.fast.split import unsplit
from rnnsym.kernels.schedule import Program, blocks
from rnnsym.language.timing import is_late


def regular(program: Program) -> Program:
    """The program as regions can be cut from it. Raises Irregular where its recurrence runs backwards in time."""
    if _runs_back(program):
        raise Irregular("its recurrence runs backwards in time, or begins after the last step")
    return unsplit(sliced(merged(program)))


def _runs_back(program: Program) -> bool:
    """Whether a recurrence runs backwards in time, or a value after the last step is read: not in this form yet."""
    late = [time for _, time in program.given] + [e.time for e in (*program.forward, *program.backward) if e.time]
    turned = (block for block in blocks(program.forward, program, 1) if block.interval and block.direction < 0)
    return any(map(is_late, late)) or next(turned, None) is not None
