"""Fast kernels: passes over a program in index notation, then a layout in memory, then a NumPy module."""

from __future__ import annotations

from dataclasses import replace

from rnnsym.equations.indexed import Equation
from rnnsym.kernels.fast.layout import layout
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.passes import Passes
from rnnsym.kernels.fast.regions import plan
from rnnsym.kernels.fast.writer import Writer
from rnnsym.kernels.schedule import Program
from rnnsym.notation.document import Content, printer_for

__all__ = ["Irregular", "Passes", "fast_source"]


def fast_source(content: Content, program: Program, passes: Passes | None = None) -> str:
    """`loss_and_grad` of a program, on many steps at once; empty where the program has no such form."""
    try:
        # What is truly sequential, apart from the rest.
        cut = plan(program, passes)
        # A place in memory for every value, so that few calls do all the work.
        places = layout(cut, passes)
        printer = printer_for(replace(content, system=replace(program.system, variables=cut.variables)), "text")

        def describe(equation: Equation) -> str:
            return f"{printer.left(equation)} = {printer.right(equation)}"

        # And written out.
        return Writer(content.model, places, describe).source()
    except Irregular:
        return ""
