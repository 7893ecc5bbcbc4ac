"""The forms of a gradient through time, as a person uses them: results of the methods of `rnnsym.Derivation`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rnnsym.calculus.agreement import adjoints_agree
from rnnsym.calculus.bounds import StepBound, step_bounds
from rnnsym.calculus.chains import Chain, chain, moved_by
from rnnsym.calculus.expand import expanded_gradient
from rnnsym.calculus.tangent import hessian_product
from rnnsym.equations.indexed import Equation, Term
from rnnsym.errors import RnnsymError
from rnnsym.notation.bounds import JacobianStory
from rnnsym.notation.content import Content
from rnnsym.notation.document import DETAILS, renderer_for
from rnnsym.notation.forward import ForwardStory
from rnnsym.notation.notebook import notebook_json
from rnnsym.notation.renderers import Line
from rnnsym.notation.second_order import write_product
from rnnsym.notation.story import LAYOUTS
from rnnsym.notation.style import Notation
from rnnsym.notation.through_time import PathStory


@dataclass(frozen=True)
class Form:
    """A document about one or several parameters of a derivation. Subclasses say which."""

    content: Content
    parameters: tuple[str, ...]

    def _write(self, style: str, detail: str, document: bool, notation: Notation | None) -> str:
        raise NotImplementedError

    def _checked(self, style: str, detail: str, document: bool, notation: Notation | None) -> str:
        if detail not in DETAILS:
            raise ValueError(f"detail is one of {', '.join(DETAILS)}, not {detail!r}")
        return self._write(style, detail, document, notation)

    def to_text(self, detail: str = "full", notation: Notation | None = None) -> str:
        """Unicode text for a terminal; detail is "result", "outline" or "full"."""
        return self._checked("text", detail, False, notation)

    def to_markdown(self, detail: str = "full", notation: Notation | None = None) -> str:
        """Markdown with KaTeX maths."""
        return self._checked("markdown", detail, False, notation)

    def to_latex(self, detail: str = "full", document: bool = True, notation: Notation | None = None) -> str:
        r"""LaTeX: a whole file, or with document=False a fragment to \input."""
        return self._checked("latex", detail, document, notation)

    def to_html(self, detail: str = "full", notation: Notation | None = None) -> str:
        """A page with MathML: it loads nothing from elsewhere."""
        return self._checked("html", detail, True, notation)

    def to_notebook(self, detail: str = "full", notation: Notation | None = None) -> str:
        """A Jupyter notebook as text, with cells that make the derivation again."""
        return notebook_json(self.content.model, self.to_markdown(detail, notation))

    def __str__(self) -> str:
        return self.to_text("result")

    def __repr__(self) -> str:
        return f"{type(self).__name__} of {self.content.model.name}: {', '.join(self.parameters)}"

    def _repr_markdown_(self) -> str:
        return self.to_markdown("outline")


@dataclass(frozen=True, repr=False)
class ChainForm(Form):
    """A form that is made of one-step derivatives; `chain` holds them in index notation."""

    @cached_property
    def chain(self) -> Chain:
        """The steps of the model with the derivatives of each."""
        return chain(self.content.step, self.parameters)


@dataclass(frozen=True, repr=False)
class Paths(ChainForm):
    """The gradient as a sum over paths through time: the result of `Derivation.paths` and `Derivation.truncated`.

    layout: "numerator" or "denominator". kept: the longest paths that count, a number or "K"; None for all.
    """

    layout: str = "numerator"
    kept: int | str | None = None

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise RnnsymError(f"layout is {' or '.join(map(repr, LAYOUTS))}, not {self.layout!r}")
        if isinstance(self.kept, bool) or (isinstance(self.kept, int) and self.kept < 1):
            raise RnnsymError(f"truncated backpropagation keeps at least 1 step, not {self.kept}")

    def _write(self, style: str, detail: str, document: bool, notation: Notation | None) -> str:
        story = PathStory(self.content, self.chain, style, document, notation, self.layout)
        if self.kept is None:
            return story.write(detail, "the gradient as a sum over paths")
        story.kept = story.printer.kept if isinstance(self.kept, str) else self.kept
        steps = "step" if story.kept == 1 else "steps"
        return story.write(detail, f"backpropagation truncated after {story.kept} {steps}")


@dataclass(frozen=True, repr=False)
class Forward(ChainForm):
    """Forward sensitivities, real-time recurrent learning: the result of `Derivation.forward`."""

    @cached_property
    def agrees(self) -> bool:
        """Whether its adjoints were found equal, as formulas, to those of the recurrence form."""
        return adjoints_agree(self.chain, self.content.adjoints)

    def _write(self, style: str, detail: str, document: bool, notation: Notation | None) -> str:
        totals = [e.variable for name in self.parameters for e in self.chain.step.total(name)]
        story = ForwardStory(self.content, self.chain, style, document, notation, more=totals)
        story.agrees = detail == "full" and self.agrees
        return story.write(detail, "the gradient forward in time")


@dataclass(frozen=True, repr=False)
class Jacobians(ChainForm):
    """The one-step Jacobians of all pairs of states, with bounds: the result of `Derivation.jacobians`."""

    layout: str = "numerator"

    @cached_property
    def bounds(self) -> tuple[StepBound, ...]:
        """A bound of the norm of each Jacobian."""
        return step_bounds(self.chain.step)

    def _write(self, style: str, detail: str, document: bool, notation: Notation | None) -> str:
        story = JacobianStory(self.content, self.chain, style, document, notation, self.layout)
        return story.write_bounds(detail, self.bounds)


@dataclass(frozen=True, repr=False)
class SecondOrder(Form):
    """The Hessian times a direction: the result of `Derivation.second_order`. `equations` are in index notation."""

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """Those of all that changes, forward ones first."""
        return hessian_product(self.content.system, self.content.adjoints, self.parameters)

    def _write(self, style: str, detail: str, document: bool, notation: Notation | None) -> str:
        return write_product(self.content, self.parameters, self.equations, style, detail, document, notation)


@dataclass(frozen=True, repr=False)
class Substituted(Form):
    """A gradient at a fixed length with every adjoint put in: the result of `Unrolled.substituted`."""

    length: int = 1

    @cached_property
    def expanded(self) -> tuple[Equation, tuple[Term, ...]]:
        """The equation of the gradient, and its terms; raises RnnsymError where they are too many."""
        return expanded_gradient(self.content.system, self.content.adjoints, self.parameters[0], self.length)

    @property
    def terms(self) -> tuple[Term, ...]:
        """One product for each path and each term on it."""
        return self.expanded[1]

    def _write(self, style: str, detail: str, document: bool, notation: Notation | None) -> str:
        out = renderer_for(self.content, style, document, notation)
        printer = out.printer
        name = self.parameters[0]
        own = self.expanded[0]
        sizes = dict(zip(own.indices, own.variable.shape, strict=True))
        right = ""
        for term in self.terms:
            text = printer.show(printer.builder.term(term, own.indices, sizes, True)).text
            if text.startswith(printer.minus):
                text = f" - {text[len(printer.minus) :]}" if right else text
            else:
                text = f" + {text}" if right else text
            right += text
        out.title(f"{self.content.model.title}: dE/d{name} for T = {self.length}, adjoints put in")
        out.equations([Line(printer.left(own), right or "0")])
        return out.finish()


def through_time_parameters(content: Content, name: str | None) -> tuple[str, ...]:
    """The parameter asked for, or all that the states depend on (all, where there are none)."""
    if name is not None:
        return (name,)
    return moved_by(content.step) or tuple(content.model.parameters)
