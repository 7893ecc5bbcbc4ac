"""JAX, PyTorch and array-API modules: one writer, and for each library what it says in its own way."""

from __future__ import annotations

import re
import textwrap
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from rnnsym.equations.indexed import Equation
from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends import frames
from rnnsym.kernels.backends.dialects import Dialect
from rnnsym.kernels.backends.functional.parts import PartWriter
from rnnsym.kernels.backends.functional.writer import Writer as PlanWriter
from rnnsym.kernels.backends.stepwise import stepwise
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.regions import Plan, plan
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.schedule import Program, schedule
from rnnsym.kernels.starts import written
from rnnsym.kernels.writer import Writer as ModuleWriter
from rnnsym.language.model import Model
from rnnsym.notation.document import Content, printer_for
from rnnsym.version import __version__

INDENT = "    "
WIDTH = 112


@dataclass(frozen=True)
class Frame:
    """What stands around the computation in a module of one library."""

    dialect: Dialect
    library: str
    imports: str
    convert: str  # an array that was handed in, `given[key]`
    make: str  # what makes an array of a NumPy one
    loss: str = ""  # the loss for the library's own differentiation
    decorator: str = ""
    device: bool = False
    needs: str = ""  # what the module needs, where that is more than the library
    note: str = ""
    helper: str = ""
    opening: str = ""  # the first statement


@dataclass(frozen=True)
class FrameworkKernel(Kernel):
    """A kernel in the arrays of a library: `loss_and_grad` takes and gives these."""

    backend: str = ""

    @cached_property
    def module(self) -> types.ModuleType:
        """The source as a module. Raises RnnsymError where the library is not installed."""
        try:
            return Kernel(self.name, self.source, self.shapes, self.sizes, self.dtype).module
        except ImportError as error:
            raise RnnsymError(
                f"the {self.backend} backend runs with {error.name}, which is not installed: pip install {error.name}"
            ) from error

    def loss(self, params: Mapping[str, Any], inputs: Mapping[str, Any], **length: int) -> Any:
        """The loss alone, for the library's own differentiation, where it has one."""
        if not hasattr(self.module, "loss"):
            raise RnnsymError(f"the {self.backend} backend has no differentiation of its own: loss_and_grad gives both")
        return self.module.loss(params, inputs, **length)

    def loss_and_grad(
        self, params: Mapping[str, Any], inputs: Mapping[str, Any], **options: Any
    ) -> tuple[float, dict[str, Any]]:
        """The loss, and its gradient with respect to every parameter and input, by the same keys.

        accumulate=: a dictionary of arrays by parameter, to which the gradients of the parameters are added as well;
        where arrays do not change, others take their places in it. lengths=: the length of each example, whole
        numbers. length=: T where no sequence gives it. Raises RnnsymError for other options.
        """
        lengths, added = options.pop("lengths", None), options.pop("accumulate", None)
        self._check_options(options)
        if lengths is None:
            loss, gradients = self.module.loss_and_grad(params, inputs, **options)
        else:
            loss, gradients = self.module.ragged(params, inputs, lengths)
        if added is not None:
            for key in params:
                if key in gradients and key in added:
                    added[key] += gradients[key]
        return loss, gradients

    @cached_property
    def _options(self) -> frozenset[str]:
        return (super()._options or frozenset()) | {"lengths", "accumulate"}

    def forward(self, params: Mapping[str, Any], inputs: Mapping[str, Any], **length: int) -> Any:
        raise self._missing("forward")

    def predict(self, params: Mapping[str, Any], inputs: Mapping[str, Any], **length: int) -> Any:
        raise self._missing("predict")

    def advance(self, params: Mapping[str, Any], state: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        raise self._missing("advance")

    def _missing(self, function: str) -> RnnsymError:
        return RnnsymError(f"the {self.backend} backend has loss_and_grad alone; {function} is in the NumPy kernel")


def kernel(frame: Frame, content: Content, program: Program, base: Kernel) -> FrameworkKernel:
    """The kernel of a program in a library's arrays; shapes, sizes and type are those of `base`."""
    text = source(frame, content, program, base.sizes, base.dtype)
    return FrameworkKernel(base.name, text, base.shapes, base.sizes, base.dtype, backend=frame.dialect.name)


def source(frame: Frame, content: Content, program: Program, sizes: Mapping[str, int], dtype: str) -> str:
    """The module of a program."""
    dialect = frame.dialect
    module = ModuleWriter(content.model, schedule(program), lambda equation: "", sizes, dtype, __version__)
    lines, gradients = _computation(content, program, dialect)
    body = [piece for line in (*_named_sizes(lines, gradients, program), *lines) for piece in _wrapped(line)]
    results = [f'{INDENT * 2}"{key}": {code},' for key, code in gradients.items()]
    if frame.opening:
        body.insert(0, frame.opening)
    every = tuple(gradients) == (*content.model.param_keys, *content.model.input_keys)
    wanted = "every parameter and every input" if every else ", ".join(gradients)
    constants = "" if every else f"Everything but {wanted} counts as a constant."
    minimum = program.minimum_length
    device = ", device" if frame.device else ""
    begin = written(content.model, f"{frame.make}(", f'"{dtype}"')
    text = frames.HEAD.format(
        **begin,
        title=content.model.title,
        library=frame.library,
        needs=frame.needs or frame.library,
        imports=frame.imports,
        version=__version__,
        equations=textwrap.indent(content.model.text, INDENT),
        header=module._header(),
        parameters=module._table(content.model.param_keys, module._parameter_shape),
        inputs=module._table(content.model.input_keys, module._input_shape),
        sizes=module._literal(module.sizes),
    )
    text += frames.INIT.format(made=f"as {'NumPy arrays' if not frame.make else 'arrays of ' + frame.library}", **begin)
    if frame.loss:
        text += frame.loss.format(
            minimum=minimum,
            constants=constants or "It is differentiated with respect to all.",
            learned=repr(tuple(key for key in content.model.param_keys if key in gradients)),
        )
    text += frames.LOSS_AND_GRAD.format(
        decorator=frame.decorator,
        minimum=minimum,
        wanted=wanted,
        note=frame.note,
        device=device,
        length=module.length(),
        batch=module.batch(),
        body="\n".join(INDENT + line if line else "" for line in body).rstrip() + "\n",
        gradients="\n".join(results),
    )
    text += frames.RAGGED.format(
        opening=f"{INDENT}{frame.opening}\n" if frame.opening else "",
        longer=dialect.code("np.concatenate([value, np.zeros_like(beyond)], axis=0)"),
        wider=dialect.code("np.concatenate([known, value], axis=axis)"),
    )
    told = frames.TOLD.replace("SHORTEST_SEQUENCE", str(minimum))
    helpers = [*dialect.used_helpers(text), told, frames.CHECKED.format(minimum=minimum, convert=frame.convert, device=(
        ", getattr(every[first], \"device\", None)" if frame.device else ""
    ))]  # fmt: skip
    if frame.helper:
        helpers.insert(0, frame.helper)
    return re.sub(r"\n{4,}", "\n\n\n", text + "\n\n".join(helpers))


def _computation(content: Content, program: Program, dialect: Dialect) -> tuple[list[str], dict[str, str]]:
    """Statements, and what the gradients are called: on many steps at once where there is such a form."""
    try:
        cut = plan(program)
        printer = printer_for(replace(content, system=replace(program.system, variables=cut.variables)), "text")

        def describe(equation: Equation) -> str:
            return f"{printer.left(equation)} = {printer.right(equation)}"

        lines, gradients = _body(content.model, cut, describe, dialect)
        return [_translated(line, dialect) for line in lines], {k: dialect.code(c) for k, c in gradients.items()}
    except Irregular:
        return stepwise(content, program, dialect)


def _body(
    model: Model, cut: Plan, describe: Callable[[Equation], str], dialect: Dialect
) -> tuple[list[str], dict[str, str]]:
    """A plan in parts where the library takes it so, and it has such a form; else all steps at once."""
    if dialect.in_parts:
        with suppress(Irregular):
            return PartWriter(model, cut, describe, dialect.inline).body()
    return PlanWriter(model, cut, describe, dialect.inline).body()


def _named_sizes(lines: list[str], gradients: Mapping[str, str], program: Program) -> list[str]:
    """The sizes that the code mentions."""
    words = set(
        re.findall(r"\w+", "\n".join([*(x for x in lines if not x.strip().startswith("#")), *gradients.values()]))
    )
    names = {str(s) for variable in program.variables.values() for size in variable.shape for s in size.free_symbols}
    return [f'{name} = sizes["{name}"]' for name in sorted(names & words)]


def _translated(line: str, dialect: Dialect) -> str:
    """One line in the dialect; comments, and what is Python alone, stay."""
    code = line.strip()
    space = line[: len(line) - len(line.lstrip())]
    if not code or code.startswith(("#", "def ", "for ", "if ")):
        return line
    if code.startswith("return "):
        return f"{space}return {dialect.code(code[len('return ') :])}"
    return space + dialect.code(code)


def _wrapped(line: str) -> list[str]:
    """A line in several, where it is long: comments between words, code between what stands in its last brackets."""
    code = line.lstrip()
    space = line[: len(line) - len(code)]
    if len(line) <= WIDTH:
        return [line]
    if code.startswith("#"):
        return textwrap.wrap(line, WIDTH, subsequent_indent=f"{space}# ", break_long_words=False)
    if code[-1] == ",":
        *rows, last = _wrapped(line[:-1])
        return [*rows, f"{last},"]
    left, _, right = code.partition(" = ")
    if right.isidentifier():
        names = textwrap.wrap(f"{left},", WIDTH, initial_indent=space + INDENT, subsequent_indent=space + INDENT)
        return [f"{space}(", *names, f"{space}) = {right}"]
    depth, cuts = 0, []
    quoted = False
    for position in range(len(code) - 1, -1, -1):
        quoted ^= code[position] == '"'
        if quoted:
            continue
        depth += (code[position] in ")]") - (code[position] in "([")
        if depth == 1 and code[position] == ",":
            cuts.append(position + 1)
        if depth == 0:
            break
    if code[-1] not in ")]" or depth:
        return [line]
    stops = [position + 1, *reversed(cuts), len(code) - 1]
    parts = [code[start:stop].strip() for start, stop in pairwise(stops)]
    rows = [""]
    for part in filter(None, parts):
        if rows[-1] and len(space) + len(INDENT) + len(rows[-1]) + len(part) >= WIDTH:
            rows.append("")
        rows[-1] += (" " if rows[-1] else "") + part
    inner = [piece for row in rows for piece in _wrapped(f"{space}{INDENT}{row}")]
    return [*_wrapped(space + code[: position + 1]), *inner, space + code[-1]]
