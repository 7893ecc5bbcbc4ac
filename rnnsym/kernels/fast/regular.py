"""What every program goes through before it is cut into regions, whatever is printed from these: a program again.

First steps join their loops, matrices that are multiplied with parts side by side are cut into slices, and vectors of
which only parts are read are these parts.
"""

from __future__ import annotations

from rnnsym.kernels.fast.concat import sliced
from rnnsym.kernels.fast.merge import merged
from rnnsym.kernels.fast.split import unsplit
from rnnsym.kernels.schedule import Program


def regular(program: Program) -> Program:
    """The program as regions can be cut from it."""
    return unsplit(sliced(merged(program)))
