"""A model's derivation, as a person uses it: look a gradient up, read the steps, print it, unroll it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from rnnsym.calculus.rules import adjoint_name
from rnnsym.calculus.steps import Step, replay
from rnnsym.calculus.visits import nodes
from rnnsym.drawing.drawing import Drawing, draw
from rnnsym.equations.indexed import Equation
from rnnsym.equations.system import System
from rnnsym.errors import RnnsymError, suggestion
from rnnsym.forms import Forward, Jacobians, Paths, SecondOrder, Substituted, through_time_parameters
from rnnsym.language.model import Model
from rnnsym.language.order import order
from rnnsym.language.syntax import Time
from rnnsym.language.timing import at_length, is_outside
from rnnsym.notation.bibliography import bibtex
from rnnsym.notation.document import Content, active, lines_of, renderer_for, write
from rnnsym.notation.notebook import notebook_json
from rnnsym.notation.printers import Printer
from rnnsym.notation.renderers import Line, Renderer, notebook
from rnnsym.notation.style import Notation


@dataclass(frozen=True)
class Formula:
    """The derivative of the total loss with respect to one variable.

    `equations` hold it in index notation; printing gives matrix notation.
    """

    content: Content
    equations: tuple[Equation, ...]

    def _lines(self, format: str, notation: Notation | None = None) -> tuple[Renderer, list[Line]]:
        out = renderer_for(self.content, format, notation=notation)
        return out, [line for equation in self.equations for line in lines_of(equation, out)]

    def to_text(self, notation: Notation | None = None) -> str:
        """Unicode text, one line for each stretch of time."""
        _, lines = self._lines("text", notation)
        return "\n".join(f"{line.left} = {line.right}" + (f"   {line.note}" if line.note else "") for line in lines)

    def to_latex(self, notation: Notation | None = None) -> str:
        """LaTeX without delimiters; rows are separated by a double backslash."""
        _, lines = self._lines("latex", notation)
        return " \\\\\n".join(
            f"{line.left} = {line.right}" + (rf" \quad {line.note}" if line.note else "") for line in lines
        )

    def to_markdown(self, notation: Notation | None = None) -> str:
        """A display of maths between dollars."""
        out, lines = self._lines("markdown", notation)
        out.equations(lines)
        return out.finish()

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_latex_(self) -> str:
        """Maths between dollars, as notebooks want it."""
        _, lines = self._lines("latex")
        return notebook(lines)


@dataclass(frozen=True)
class Derivation:
    r"""Backpropagation through time, derived: the result of `rnnsym.derive`.

    model: what was derived. system: its equations in index notation. adjoints: the derived equations, of the same
    kind. steps: how they came about, in order.

    >>> from rnnsym import Model, derive
    >>> d = derive(Model("h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(y[t], h[t])"))
    >>> print(d["W"])
    ∂E/∂W = Σ_{t=1..T} ā[t] h[t-1]ᵀ
    """

    model: Model
    system: System
    adjoints: tuple[Equation, ...]
    steps: tuple[Step, ...]

    @cached_property
    def content(self) -> Content:
        return Content(self.model, self.system, self.adjoints, self.steps)

    def __getitem__(self, key: str) -> Formula:
        """The derivative with respect to a variable: `d["W"]`, `d["h"]`, `d["h[0]"]`, `d["a"]`."""
        name, _, rest = key.partition("[")
        found = [e for e in self.adjoints if e.name == adjoint_name(name)]
        if rest:
            found = [e for e in found if e.time is not None and f"{name}[{e.time}]" == key.replace(" ", "")]
        elif any(e.time == Time("t", 0) for e in found):
            found = [e for e in found if e.time == Time("t", 0)]
        if not found:
            raise UnknownVariableError(
                f"no derivative with respect to {key!r}; "
                + (suggestion(key, self.keys()) or f"there are: {', '.join(self.keys())}")
            )
        return Formula(self.content, tuple(found))

    def keys(self) -> tuple[str, ...]:
        """The names that have a derivative."""
        return tuple(dict.fromkeys(self._keys()))

    def _keys(self) -> Iterator[str]:
        for equation in self.adjoints:
            name = equation.variable.adjoint_of or ""
            fixed = equation.time is not None and (not equation.time.anchor or is_outside(equation.time))
            yield f"{name}[{equation.time}]" if fixed else name

    def replay(self) -> tuple[Equation, ...]:
        """Take every step again from the model's equations; raises ReplayError where one gives another result."""
        return replay(self.system, self.steps)

    def unroll(self, length: int) -> Unrolled:
        """The equations and their gradients at t = 1..length, step by step."""
        shortest = self.system.minimum_length
        if length < shortest:
            raise RnnsymError(f"{self.model.name} needs at least {shortest} step{'s' * (shortest > 1)}, not {length}")
        return Unrolled(self, length)

    # Forms through time

    def paths(self, name: str | None = None, layout: str = "numerator") -> Paths:
        r"""The gradient as a sum over paths through time, of one parameter or of all that the states depend on.

        layout: "numerator" writes dh/dW with the axes of h first, "denominator" all derivatives transposed. Raises
        NoStepError for a model that is not a chain of steps.

        >>> from rnnsym import Model, derive
        >>> d = derive(Model("h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(y[t], h[t])"))
        >>> print(next(line.strip() for line in d.paths("W").to_text("result").splitlines() if "∏" in line))
        ∂E/∂W = Σ_{t=1..T} Σ_{k=1..t} (∂E[t]/∂h[t]) (∏_{j=t..k+1} ∂h[j]/∂h[j-1]) (∂⁺h[k]/∂W)
        """
        return Paths(self.content, self._moving(name), layout)

    def truncated(self, steps: int | None = None, name: str | None = None, layout: str = "numerator") -> Paths:
        """What truncated backpropagation keeps of the sum over paths, the last `steps` (None: K), and what it drops."""
        return Paths(self.content, self._moving(name), layout, "K" if steps is None else steps)

    def forward(self, name: str | None = None) -> Forward:
        """Forward sensitivities (real-time recurrent learning), and why they give the same gradient."""
        return Forward(self.content, self._moving(name))

    def jacobians(self, layout: str = "numerator") -> Jacobians:
        """The one-step Jacobians of all pairs of states, with bounds of their norms."""
        return Jacobians(self.content, self._moving(None), layout)

    def second_order(self, name: str | None = None) -> SecondOrder:
        """The product of the Hessian with a direction, of one parameter or of all together."""
        return SecondOrder(self.content, tuple(self.model.parameters) if name is None else self._moving(name))

    def _moving(self, name: str | None) -> tuple[str, ...]:
        """The parameter asked for, or all that the states depend on."""
        if name is not None and name not in self.model.parameters:
            known = self.model.parameters
            hint = suggestion(name, known) or f"there are: {', '.join(known)}"
            raise UnknownVariableError(f"{self.model.name} has no parameter {name!r}; {hint}")
        if not self.model.parameters:
            raise RnnsymError(f"{self.model.name} has no parameters")
        return through_time_parameters(self.content, name)

    def draw(self, length: int = 3, gradient: str | None = None, detail: str = "states") -> Drawing:
        r"""The graph unrolled to `length` steps, as a picture in SVG; notebooks show it.

        gradient: a parameter (`"W"`), a variable (`"h"`) or a value (`"h[0]"`); every path that the gradient takes
        back from the loss into it is marked. detail: "states" draws the variables that the author names, "full" the
        pre-activations and other named parts too. Raises RnnsymError for a length or name that the model does not have.

        >>> from rnnsym import Model, derive
        >>> d = derive(Model("h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(y[t], h[t])"))
        >>> drawing = d.draw(length=3, gradient="W")
        >>> drawing.flow.per_step, drawing.flow.paths
        ({1: 1, 2: 1, 3: 1}, {1: 3, 2: 2, 3: 1})
        """
        return draw(self.model, self.system, length, gradient, detail)

    def to_text(self, detail: str = "full", notation: Notation | None = None) -> str:
        """Unicode text for a terminal; detail is "result", "outline" or "full"."""
        return write(self.content, "text", detail, notation=notation)

    def to_markdown(self, detail: str = "full", notation: Notation | None = None) -> str:
        """Markdown with KaTeX maths."""
        return write(self.content, "markdown", detail, notation=notation)

    def to_latex(self, detail: str = "full", document: bool = True, notation: Notation | None = None) -> str:
        r"""LaTeX: a whole file, or with document=False a fragment to \input."""
        return write(self.content, "latex", detail, document, notation)

    def to_html(self, detail: str = "full", notation: Notation | None = None) -> str:
        """A page with MathML: it loads nothing from elsewhere."""
        return write(self.content, "html", detail, notation=notation)

    def to_notebook(self, detail: str = "full", notation: Notation | None = None) -> str:
        """A Jupyter notebook as text: the document, and cells that make the derivation again and check it."""
        return notebook_json(self.model, self.to_markdown(detail, notation))

    def cite(self) -> str:
        """BibTeX of the sources that the model declares; empty where there are none."""
        return bibtex(self.model.sources)

    def __str__(self) -> str:
        return self.to_text("result")

    def __repr__(self) -> str:
        return f"Derivation of {self.model.name}: {', '.join(self.keys())}"

    def _repr_markdown_(self) -> str:
        return self.to_markdown("outline")

    def _repr_latex_(self) -> str:
        """The result as one formula: a notebook cannot show sections."""
        out = renderer_for(self.content, "latex")
        adjoints, gradients = self.content.result()
        return notebook([line for equation in (*adjoints, *gradients) for line in lines_of(equation, out)])


class UnknownVariableError(RnnsymError, KeyError):
    """A derivation was asked for something that it does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


def _tight(match: re.Match[str]) -> str:
    """Maths without the spaces that LaTeX ignores: all but those that end a command before a letter."""
    return re.sub(r"(\\[A-Za-z]+ (?=[A-Za-z]))| ", lambda space: space[1] or "", match[0])


@dataclass(frozen=True)
class Unrolled:
    """The equations of a derivation at t = 1..length: every time step named, none inlined."""

    derivation: Derivation
    length: int

    def forward(self) -> Iterator[tuple[Equation, int | None]]:
        """The forward equations with the time step of each, in the order of computation."""
        yield from self._stepped(self.derivation.system.equations, range(1, self.length + 1))

    def backward(self) -> Iterator[tuple[Equation, int | None]]:
        """The adjoint equations, from the last step to the first, then gradients."""
        from rnnsym.notation.document import result

        adjoints, gradients = result(self.derivation.content)
        yield from self._stepped(tuple(adjoints), range(self.length, 0, -1))
        # The gradient of an input has the same form at every step: one line says it.
        general = [e for e in gradients if e.time == Time("t", 0)]
        yield from self._stepped(tuple(e for e in gradients if e not in general), range(1, self.length + 1))
        yield from ((e, None) for e in general)

    def _stepped(
        self, equations: tuple[Equation, ...] | list[Equation], times: range
    ) -> Iterator[tuple[Equation, int | None]]:
        if self.derivation.content.against:
            yield from self._by_blocks(tuple(equations), times.step)
            return
        before = [e for e in equations if e.interval is not None and at_length(e.interval.high, self.length) < 1]
        inside = [e for e in equations if e.interval is not None and e not in before]
        after = [e for e in equations if e.interval is None]
        early = [(e, e.time.offset if e.time else None) for e in before]
        steps = [
            (e, t) for t in times for e in inside if e.interval is not None and t in e.interval.bounds(self.length)
        ]
        backwards = times.step < 0
        yield from (steps if backwards else early)
        yield from (early if backwards else steps)
        yield from ((e, None) for e in after)

    def _by_blocks(self, equations: tuple[Equation, ...], usual: int) -> Iterator[tuple[Equation, int | None]]:
        """Equations some of which run forwards in time and some backwards, in an order of computation."""
        system = self.derivation.system
        for block in order(nodes(equations, self.derivation.content.variables), usual, system.minimum_length):
            members = [equations[position] for position in block.members]
            if not block.loop:
                times = [None if e.interval is None else at_length(e.interval.low, self.length) for e in members]
                yield from zip(members, times, strict=True)
            for t in range(1, self.length + 1)[:: block.direction or 1] if block.loop else ():
                yield from ((e, t) for e in members if e.interval is not None and t in e.interval.bounds(self.length))

    def _lines(self, out: Renderer, equations: Iterator[tuple[Equation, int | None]]) -> list[Line]:
        printer: Printer = out.printer
        printer.length = self.length
        lines = []
        for equation, time in equations:
            printer.at = time
            if time is not None and equation.time == Time("t", 0):
                equation = Equation(
                    equation.variable, equation.time, equation.indices, active(equation, time, self.length)
                )
            if time is None and equation.time == Time("t", 0):
                lines += lines_of(equation, out)
            else:
                lines.append(Line(printer.left(equation), printer.right(equation)))
        printer.at = None
        return lines

    def substituted(self, name: str) -> Substituted:
        """The gradient of a parameter with every adjoint put in: one term for each path, for reading at small lengths.

        Raises RnnsymError, when it is printed, for more terms than anyone reads.
        """
        if name not in self.derivation.model.parameters:
            self.derivation._moving(name)
        return Substituted(self.derivation.content, (name,), self.length)

    def _write(self, format: str, document: bool = False, notation: Notation | None = None) -> str:
        out = renderer_for(self.derivation.content, format, document, notation)
        out.title(f"{self.derivation.model.title}, unrolled for T = {self.length}")
        out.heading("Forward")
        out.equations(self._lines(out, self.forward()))
        out.heading("Backward")
        out.equations(self._lines(out, self.backward()))
        return out.finish()

    def to_text(self, detail: str = "full", notation: Notation | None = None) -> str:
        """Unicode text; there is one level of detail."""
        return self._write("text", notation=notation)

    def to_markdown(self, detail: str = "full", notation: Notation | None = None) -> str:
        """Markdown with KaTeX maths."""
        return self._write("markdown", notation=notation)

    def to_latex(self, detail: str = "full", document: bool = False, notation: Notation | None = None) -> str:
        r"""LaTeX, as a fragment to \input or as a whole file; set tight, since it grows with every step."""
        text = self._write("latex", document, notation)
        return re.sub(r"(?<=\\begin\{align\*\}\n).*?(?=\\end\{align\*\})", _tight, text, flags=re.S)

    def to_html(self, detail: str = "full", notation: Notation | None = None) -> str:
        """A page with MathML: it loads nothing from elsewhere."""
        return self._write("html", notation=notation)

    def to_notebook(self, detail: str = "full", notation: Notation | None = None) -> str:
        """A Jupyter notebook as text: the document, and cells that make the derivation again and check it."""
        return notebook_json(self.derivation.model, self.to_markdown(notation=notation), f".unroll({self.length})")

    def __str__(self) -> str:
        return self.to_text()

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_latex_(self) -> str:
        """All equations as one formula: a notebook cannot show sections."""
        out = renderer_for(self.derivation.content, "latex")
        return notebook([*self._lines(out, self.forward()), *self._lines(out, self.backward())])
