"""A schedule written out as a self-contained NumPy module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from rnnsym.equations.indexed import Equation
from rnnsym.errors import RnnsymError
from rnnsym.kernels.fast import Passes, fast_source
from rnnsym.kernels.hessian import with_product
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.schedule import Program, Schedule
from rnnsym.kernels.writer import Writer
from rnnsym.notation.document import Content, printer_for
from rnnsym.notation.printers import Printer
from rnnsym.notation.story import printer_of
from rnnsym.version import __version__


def write_module(
    content: Content,
    schedule: Schedule,
    sizes: Mapping[str, int],
    dtype: str,
    product: Program | None = None,
    fast: bool = True,
    passes: Passes | None = None,
) -> Kernel:
    """The kernel of a schedule; with the `product` of the Hessian and a direction, where its program is given.

    fast: `loss_and_grad` works on many steps at once, where the equations have that form.
    """
    content = replace(content, system=schedule.program.system)
    printer = printer_for(content, "text")
    if product is not None:
        printer = printer_of(content, product.variables, "text", None, "", False)
    quick = fast_source(content, schedule.program, passes) if fast else ""
    describe = partial(_described, printer=printer)
    writer = Writer(content.model, schedule, describe, sizes, dtype, __version__, quick)
    known = {str(symbol) for shape in content.model.shapes.values() for size in shape for symbol in size.free_symbols}
    for name, value in sizes.items():
        if name not in known:
            raise RnnsymError(f"{content.model.name} has no size {name!r}; its sizes are: {', '.join(sorted(known))}")
        if value < 1:
            raise RnnsymError(f"size {name} has to be a positive whole number, not {value!r}")
    for name in sorted(content.model.untold_sizes - set(sizes)):
        raise RnnsymError(f"no parameter and no input tells the size {name}: generate(model, sizes={{{name!r}: ...}})")
    keys = (*content.model.param_keys, *content.model.input_keys)
    shapes = {key: writer.shape(key) for key in keys}
    source = writer.source()
    if product is not None:
        source = with_product(writer, product, source)
    return Kernel(content.model.name, source, shapes, dict(sizes), dtype)


def _described(equation: Equation, printer: Printer) -> str:
    """An equation as the comment above its code."""
    return f"{printer.left(equation)} = {printer.right(equation)}"
