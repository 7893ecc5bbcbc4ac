"""The steps of a derivation as sentences and formulas, for one level of detail."""

from __future__ import annotations

from dataclasses import replace

from sympy import Pow

from rnnsym.calculus.steps import REASONS, Step
from rnnsym.calculus.visits import GENERIC
from rnnsym.equations.indexed import access, indices_in, time_of
from rnnsym.language.syntax import Time
from rnnsym.notation.content import Content, lines_of
from rnnsym.notation.renderers import Line, Renderer, TextRenderer
from rnnsym.operations import OPERATIONS, Elementwise, Pairwise, VectorFunction, operation_of

#: What a rule is called in print, where that is not what it is called in a Step.
TITLES = {
    "name": "Names",
    "seed": "Start",
    "jacobian": "Jacobian of {function}",
    "chain rule": "Chain rule through {function}",
    "chain rule in a product": "Chain rule through {function}",
}
#: Rules that only print tells apart from those of a Step.
SENTENCES = REASONS | {
    "chain rule in a product": "{element} stands under {function} in {target}: {function} is "
    "differentiated, other factors stay.",
    "power rule": "{element} stands under a power in {target}: the power is differentiated, other factors stay.",
}


def tell(content: Content, detail: str, out: Renderer) -> None:
    """Write the steps: in outline one for each adjoint, in full every share; under a heading for each part."""
    place: str | None = None if content.part_of else ""
    for number, group in enumerate(groups(content.steps, detail), 1):
        part = content.part_of.get(group[0].action.subject, "") if group[0].action else ""
        if part != place:
            out.heading(f"Derivation: {part}" if part else "Derivation")
            place = part
        told = [Telling(content, step, out) for step in group]
        elements = list(dict.fromkeys(one.places["element"] for one in told))
        places = {**told[0].places, "element": joined(elements)}
        before = told[0].before if detail == "full" else []
        lines = before + [line for one in told for line in one.result]
        title = TITLES.get(told[0].rule, told[0].rule.capitalize())
        out.step(number, title.format(function=told[0].function), SENTENCES[told[0].rule].format(**places), lines)


def joined(parts: list[str]) -> str:
    """A list in a sentence."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def groups(told: tuple[Step, ...], detail: str) -> list[list[Step]]:
    """The steps that are told together: those that give names, and the parameters of one equation."""
    steps = settled(told)
    if detail == "outline":
        steps = [s for s in steps if (s.adjoint or not s.is_share) and s.rule not in ("name", "no contribution")]
    found: list[list[Step]] = []
    for step in steps:
        if found and _together(found[-1][-1], step):
            found[-1].append(step)
        else:
            found.append([step])
    return found


def _together(one: Step, other: Step) -> bool:
    if one.rule != other.rule:
        return False
    lone = bool(one.adjoint and other.adjoint)
    return one.rule == "name" or (one.rule == "shared parameter" and lone and one.equation == other.equation)


def settled(steps: tuple[Step, ...]) -> list[Step]:
    """The steps, where a share that is all of an adjoint is told as that adjoint at once."""
    found: list[Step] = []
    for step in steps:
        lone = bool(found) and found[-1].is_share and not (len(found) > 1 and _same_subject(found[-2], found[-1]))
        if step.rule in ("single contribution", "sum of contributions") and lone and _same_subject(found[-1], step):
            found[-1] = replace(found[-1], adjoint=step.result)
        else:
            found.append(step)
    return found


def _same_subject(one: Step, other: Step) -> bool:
    return one.action is not None and other.action is not None and one.action.subject == other.action.subject


class Telling:
    """One step in print: `rule` is a key of SENTENCES, `places` what its sentence is about."""

    def __init__(self, content: Content, step: Step, out: Renderer) -> None:
        self.step = step
        self.out = out
        self.variables = content.variables
        self.rule, function = self._rule()
        self.function = function.replace("_", "-")
        self.places = {"function": "", "element": "", "target": "", "subject": ""}
        action = step.action
        if action is not None:
            self.places["subject"] = self._leaf(action.subject, action.time)
            if action.element is not None:
                found = access(action.element, self.variables)
                self.places["element"] = self._leaf(found.name, None if found.time is None else time_of(found.time))
            if action.element is not None and step.equation is not None:
                self.places["target"] = self._leaf(step.equation.name, step.equation.time)
        if function:
            operation = OPERATIONS[function]
            assert isinstance(operation, Elementwise | Pairwise | VectorFunction)
            symbol = (
                operation.latex
                if not isinstance(operation, Pairwise)
                else operation.latex.split("(")[0] or rf"\mathrm{{{function}}}"
            )
            self.places["function"] = function if isinstance(out, TextRenderer) else out.math(symbol)

    def _leaf(self, name: str, time: Time | None) -> str:
        variable = self.variables[name]
        return self.out.math(self.out.printer.leaf(variable, time or (GENERIC if variable.timed else None)))

    def _rule(self) -> tuple[str, str]:
        """The rule, and the function that it is about."""
        step = self.step
        rule, function = step.rule, step.function
        if not step.is_share or step.equation is None or step.action is None or step.action.element is None:
            return rule, function
        element = step.action.element
        terms = [term for term in step.equation.terms if any(factor.has(element) for factor in term.factors)]
        if rule == "shared parameter" and step.equation.time != GENERIC:
            summed = any(indices_in(factor) - set(step.equation.indices) for term in terms for factor in term.factors)
            rule = "matrix product" if summed else "product rule" if len(terms[0].factors) > 1 else "sum rule"
        if rule not in ("product rule", "sum rule"):
            return rule, function
        holding = [factor for term in terms for factor in term.factors if factor.has(element)]
        operations = {operation.name for factor in holding if (operation := operation_of(factor)) is not None}
        if len(operations) == 1 and all(operation_of(factor) is not None for factor in holding):
            return "chain rule in a product", operations.pop()
        return ("power rule" if all(isinstance(factor, Pow) for factor in holding) else rule), function

    @property
    def before(self) -> list[Line]:
        """The equation that the rule is applied to."""
        equation, printer = self.step.equation, self.out.printer
        return (
            [Line(printer.left(equation), printer.right(equation))]
            if equation is not None and self.step.is_share
            else []
        )

    @property
    def result(self) -> list[Line]:
        """What comes of it."""
        if self.step.adjoint or not self.step.is_share:
            return [line for equation in self.step.adjoint or self.step.result for line in lines_of(equation, self.out)]
        (share,) = self.step.result
        printer = self.out.printer
        right = printer.right(share)
        sign, rest = (printer.minus, right[len(printer.minus) :]) if right.startswith(printer.minus) else ("+", right)
        when = next((term.when for term in share.terms if term.when is not None), None)
        note = "" if when is None else self.out.times(printer.range(when))
        return [Line(printer.left(share), f"{printer.dots} {sign} {rest}", note)]
