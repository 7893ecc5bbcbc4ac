"""Fast kernels: passes over a program in index notation, then a layout in memory, then a NumPy module."""

from __future__ import annotations

from dataclasses import replace

from rnnsym.equations.indexed import Equation
from rnnsym.kernels.fast.concat import sliced
from rnnsym.kernels.fast.layout import layout
from rnnsym.kernels.fast.merge import merged
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.passes import Passes
from rnnsym.kernels.fast.regions import plan
from rnnsym.kernels.fast.split import unsplit
from rnnsym.kernels.fast.writer import Writer
from rnnsym.kernels.schedule import Program, blocks
from rnnsym.language.timing import is_late
from rnnsym.notation.document import Content, printer_for

__all__ = ["Irregular", "Passes", "fast_source"]


def fast_source(content: Content, program: Program, passes: Passes | None = None) -> str:
    """`loss_and_grad` of a program, on many steps at once; empty where the program has no such form."""
    if _runs_back(program):
        return ""
    try:
        # Matrices that are multiplied with parts side by side are cut; what is truly sequential, apart from the rest.
        cut = plan(unsplit(sliced(merged(program))), passes)
        # A place in memory for every value, so that few calls do all the work.
        places = layout(cut, passes)
        printer = printer_for(replace(content, system=replace(program.system, variables=cut.variables)), "text")

        def describe(equation: Equation) -> str:
            return f"{printer.left(equation)} = {printer.right(equation)}"

        # And written out.
        return Writer(content.model, places, describe).source()
    except Irregular:
        return ""


def _runs_back(program: Program) -> bool:
    """Whether a recurrence runs backwards in time, or a value after the last step is read: not in this form yet."""
    late = [time for _, time in program.given] + [e.time for e in (*program.forward, *program.backward) if e.time]
    turned = (block for block in blocks(program.forward, program, 1) if block.interval and block.direction < 0)
    return any(map(is_late, late)) or next(turned, None) is not None
