"""The steps of a derivation, told: which rule was applied to which equation, what came of it and why."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Indexed

from rnnsym.calculus.actions import Action, Outcome, State
from rnnsym.calculus.rules import Contribution, contribution
from rnnsym.calculus.sweep import apply
from rnnsym.calculus.visits import GENERIC
from rnnsym.equations.indexed import Equation, Role, access, time_of, whole_function
from rnnsym.equations.system import System
from rnnsym.language.timing import is_late
from rnnsym.operations import Elementwise, Pairwise, VectorFunction, operation_of

#: Rule, and the sentence that gives its reason; {element}, {target}, {subject} and {function} are filled in by print.
REASONS = {
    "name": "Parts of the equations get names of their own, so that their derivatives have names too.",
    "seed": "The derivative of the total loss with respect to itself is one.",
    "sum over time": "Each {element} counts once in the total loss.",
    "chain rule": "{target} is {function} of {element}, element by element: the adjoint is multiplied by the "
    "derivative.",
    "jacobian": "Every element of {target} depends on every element of {element}: the adjoint is multiplied by "
    "the transposed Jacobian of {function}.",
    "shared parameter": "All steps share {element}: what each of them passes back is added up.",
    "matrix product": "{element} enters {target} through a matrix product: the adjoint is multiplied by the "
    "transpose of the other factor.",
    "product rule": "{element} stands in a product in {target}: its factor is differentiated, other factors stay.",
    "sum rule": "{element} is a term of {target}: the adjoint is passed on with its sign.",
    "path through time": "{target} reads {element}, so that {subject} gets a share from a later step.",
    "path back through time": "{target} reads {element}, so that {subject} gets a share from an earlier step.",
    "sum of contributions": "Every equation that reads {subject} passes a share back; the shares are added up.",
    "single contribution": "One equation alone reads {subject}.",
    "before the first step": "{subject} stands before the first step: only later steps that read it count.",
    "after the last step": "{subject} stands after the last step: only earlier steps that read it count.",
    "no contribution": "The loss does not depend on {subject}.",
    "substitution": "{element} is known: with it put in, factors cancel.",
}


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    rule: a key of REASONS. equation: what the rule was applied to (None: to what was found before). result: the
    equations that came of it; for a contribution, the share of the adjoint of `action.subject`. shape: the sizes of it.
    `action` is all that is needed to take the step again.
    """

    number: int
    rule: str
    equation: Equation | None
    result: tuple[Equation, ...]
    shape: tuple[Expr, ...]
    action: Action | None
    function: str = ""
    adjoint: tuple[Equation, ...] = ()  # in print, the whole adjoint where this step's share is all of it

    @property
    def reason(self) -> str:
        """Why, as a sentence with places for names."""
        return REASONS[self.rule]

    @property
    def is_share(self) -> bool:
        """Whether the result is one contribution among several, not yet the whole adjoint."""
        return self.action is not None and self.action.rule == "contribution"


def tell(system: System, record: list[tuple[Action, Outcome]]) -> tuple[Step, ...]:
    """The record of a sweep as numbered steps, after the steps that named parts of the model's equations."""
    steps: list[tuple[str, Equation | None, tuple[Equation, ...], tuple[Expr, ...], Action | None, str]] = []
    for equation in system.equations:
        if equation.variable.role is Role.INTERMEDIATE:
            steps.append(("name", equation, (equation,), equation.variable.shape, None, ""))
    for action, outcome in record:
        after = outcome.after
        if isinstance(after, Contribution):
            if not after.terms:
                continue
            rule, function = _kind(system, action, outcome)
            share = _as_equation(system, after)
            steps.append((rule, outcome.before, (share,), share.variable.shape, action, function))
        else:
            (equation,) = after
            steps.append((_collected(action, equation), outcome.before, after, equation.variable.shape, action, ""))
    return tuple(Step(number, *step) for number, step in enumerate(steps, 1))


def _as_equation(system: System, found: Contribution) -> Equation:
    from rnnsym.calculus.rules import adjoint_of
    from rnnsym.equations.indexed import INDICES

    variable = system.variables[found.variable]
    return Equation(adjoint_of(variable), found.time, INDICES[: len(variable.shape)], found.terms)


def _collected(action: Action, equation: Equation) -> str:
    if action.rule == "seed":
        return "seed"
    if action.rule == "cancel":
        return "substitution"
    if not equation.terms:
        return "no contribution"
    if action.time is not None and not action.time.anchor and action.time.offset < 1:
        return "before the first step"
    if action.time is not None and is_late(action.time):
        return "after the last step"
    return "sum of contributions" if len(equation.terms) > 1 else "single contribution"


def _kind(system: System, action: Action, outcome: Outcome) -> tuple[str, str]:
    """Which rule of the calculus a contribution is an instance of."""
    equation, element = outcome.before, action.element
    assert equation is not None
    assert element is not None
    found = access(element, system.variables)
    (factors, *_) = [term.factors for term in equation.terms if any(factor.has(element) for factor in term.factors)]
    operation = operation_of(whole) if (whole := whole_function(equation)) is not None else None
    if isinstance(operation, VectorFunction):
        return "jacobian", operation.name
    if isinstance(operation, Elementwise | Pairwise):
        return "chain rule", operation.name
    if equation.variable.role is Role.LOSS and equation.time is None and found.time is not None and len(factors) == 1:
        return "sum over time", ""
    if found.time is None and equation.time is not None:
        return "shared parameter", ""
    if found.time is not None and equation.time == GENERIC and (read := time_of(found.time)).offset:
        if read.offset < 0:
            return "path through time", ""
        if read.anchor == "t":
            return "path back through time", ""
    if set(found.indices) - set(equation.indices) and any(
        isinstance(f, Indexed) and len(f.indices) > 2 - (not _timed(f, system)) for f in factors
    ):
        return "matrix product", ""
    return ("product rule" if len(factors) > 1 else "sum rule"), ""


def _timed(element: Indexed, system: System) -> bool:
    return access(element, system.variables).time is not None


class ReplayError(AssertionError):
    """A recorded step does not give its recorded result when it is taken again."""


def replay(system: System, steps: tuple[Step, ...]) -> tuple[Equation, ...]:
    """Take the steps again, from the system's equations alone; the adjoint equations that come of it.

    Raises ReplayError at the first step whose result differs from the recorded one.
    """
    state = State(system)
    for step in steps:
        if step.action is None:
            if step.equation not in system.equations:
                raise ReplayError(f"step {step.number}: {step.equation} is not an equation of the model")
            continue
        if step.action.rule == "contribution":
            equation = system.equations[step.action.equation]
            assert step.action.element is not None
            share = _as_equation(system, contribution(equation, step.action.element, system.variables))
            if (share,) != step.result:
                raise ReplayError(f"step {step.number} gives another share of {step.action.subject}")
        outcome = apply(step.action, state)
        if not isinstance(outcome.after, Contribution) and outcome.after != step.result:
            raise ReplayError(f"step {step.number} gives another equation for the adjoint of {step.action.subject}")
    return tuple(state.adjoints)
