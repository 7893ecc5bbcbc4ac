"""What a document is about, and its equations as displayed lines, each with the times at which it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from rnnsym.calculus.onestep import OneStep, one_step
from rnnsym.calculus.steps import Step
from rnnsym.calculus.visits import against
from rnnsym.equations.indexed import (
    Equation,
    Role,
    Term,
    Variable,
    accesses,
    elements,
    name_of,
    t,
    time_expression,
    time_of,
)
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.language.syntax import Binary, Call, Constant, Expression, Negative, Reference, Slice, Time, Transpose, walk
from rnnsym.language.timing import Interval, point
from rnnsym.notation.printers import active
from rnnsym.notation.renderers import Line, Renderer
from rnnsym.operations import OPERATIONS, Pairwise, Structural, gives_scalar

GENERIC = Time("t", 0)


@dataclass(frozen=True)
class Content:
    """What a document is about: plain data from the earlier stages."""

    model: Model
    system: System
    adjoints: tuple[Equation, ...]
    steps: tuple[Step, ...]

    @cached_property
    def step(self) -> OneStep:
        """The system as a chain of steps; raises NoStepError where it is none."""
        return one_step(self.system)

    @cached_property
    def variables(self) -> dict[str, Variable]:
        """The variables of the equations and of their adjoints."""
        return {**self.system.variables, **{equation.name: equation.variable for equation in self.adjoints}}

    @cached_property
    def against(self) -> frozenset[str]:
        """What is computed against the usual direction of time: states that run backwards, and their adjoints."""
        if not any(_reads_later(definition.value) for definition in self.model.core):
            return frozenset()
        system = self.system
        return against(system.equations, system, 1) | against(self.adjoints, system, -1)

    @cached_property
    def rows(self) -> bool:
        """Whether the author writes vectors as rows: multiplied by matrices from the right only."""
        sides = [side for definition in self.model.core for side in _vector_sides(definition.value, self.model)]
        return bool(sides) and set(sides) == {"left"}

    @cached_property
    def shortest_length(self) -> int:
        """The shortest sequence for which the equations are right as they are printed; shorter ones are to be unrolled.

        In a short sequence the special cases at both ends fall together: one time has terms of both, or a line for T-2
        is about a time before the first step, which has a line of its own.
        """
        shortest = self.system.minimum_length
        for equation in self.adjoints:
            if equation.interval is None or all(term.when is None for term in equation.terms):
                continue
            printed = [(whole, terms) for whole, terms in regions(equation) if whole is not None]
            for length in range(shortest, 2 * (_farthest(equation) + 5)):
                if not self._is_right(equation, printed, length):
                    shortest = length + 1
        return shortest

    def _is_right(self, equation: Equation, printed: list[tuple[Interval, tuple[Term, ...]]], length: int) -> bool:
        """Whether the stretches of time as they are printed say what holds in a sequence of this length."""
        assert equation.interval is not None
        inside = equation.interval.bounds(length)
        if not {number for whole, _ in printed for number in whole.bounds(length)} <= set(inside):
            return False
        for number in inside:
            found = [terms for whole, terms in printed if number in whole.bounds(length)]
            right = {id(term) for term in active(equation, number, length)}  # the equation's own, as all terms here
            if len(found) != 1 or not right <= {id(term) for term in found[0]}:
                return False
            extra = (term for term in found[0] if id(term) not in right)
            if not all(_is_beyond(term, number, length, self.variables) for term in extra):
                return False
        return True

    @cached_property
    def part_of(self) -> dict[str, str]:
        """For each variable and adjoint the title of the part of the model that it belongs to; empty without parts."""
        titles = {name: part.title for part in self.model.parts for name in part.names}
        if not titles:
            return {}
        lines = {d.span.line: titles.get(d.target.name, "") for d in self.model.definitions}
        own = {e.name: titles.get(e.name) or lines.get(e.source, "") for e in reversed(self.system.equations)}
        # The total stands with the losses that it adds up.
        own |= {name: self.model.parts[-1].title for name, title in own.items() if not title}
        return {**titles, **own, **{e.name: {**titles, **own}[e.variable.adjoint_of or ""] for e in self.adjoints}}

    def by_part(self, equations: list[Equation], backwards: bool = False) -> list[tuple[str, list[Equation]]]:
        """Equations under the titles of their parts; all together under none where the model has no parts."""
        if not self.part_of:
            return [("", equations)]
        order = [part.title for part in self.model.parts][:: -1 if backwards else 1]
        found = [(title, [e for e in equations if self.part_of[e.name] == title]) for title in order]
        return [(title, own) for title, own in found if own]

    def result(self) -> tuple[list[Equation], list[Equation]]:
        """The adjoints that the gradients need, and the gradients of parameters, initial values and inputs."""
        model = self.model
        wanted = [(name, None) for name in model.parameters] + list(model.given)
        gradients = [e for key in wanted for e in self.adjoints if (e.variable.adjoint_of, e.time) == key]
        inputs = (*model.sequences, *model.inputs)
        gradients += [
            e for name in inputs for e in self.adjoints if e.variable.adjoint_of == name and e not in gradients
        ]
        used: set[str] = set()
        waiting = gradients
        while waiting:
            more = {name for equation in waiting for name in _adjoints_read(equation)} - used
            used |= more
            waiting = [equation for equation in self.adjoints if equation.name in more]
        return [e for e in self.adjoints if e.name in used and e not in gradients], gradients


def _reads_later(value: Expression) -> bool:
    return any(
        isinstance(n, Reference) and n.time is not None and n.time.offset > 0 and n.time.anchor for n in walk(value)
    )


def _vector_sides(value: Expression, model: Model) -> Iterator[str]:
    """On which side of a matrix each vector stands."""
    for node in walk(value):
        if isinstance(node, Binary) and node.operator == "@":
            left, right = (len(_shape(operand, model)) for operand in (node.left, node.right))
            if left != right:
                yield "left" if left == 1 else "right"


def _shape(node: Expression, model: Model) -> tuple[object, ...]:
    """As many entries as an expression has axes."""
    match node:
        case Reference(name):
            return model.shapes[name]
        case Negative(operand) | Transpose(operand) | Binary("**", operand):
            return _shape(operand, model)
        case Binary("@", left, right):
            return (*_shape(left, model)[:-1], *_shape(right, model)[1:])
        case Binary(_, left, right):
            return _shape(left, model) or _shape(right, model)
        case Call(function, arguments):
            shapes = [_shape(argument, model) for argument in arguments]
            operation = OPERATIONS[function]
            if isinstance(operation, Structural) and operation.indices is not None:
                return operation.indices[1]
            if isinstance(operation, Pairwise):
                return shapes[0] or shapes[1]
            return () if gives_scalar(function) else shapes[0]
        case Constant(_, shape):
            return shape
        case Slice():
            return (1,)
        case _:
            return ()


def _adjoints_read(equation: Equation) -> set[str]:
    """The adjoints that stand on the right side of an equation."""
    names = {name_of(e) for term in equation.terms for factor in term.factors for e in elements(factor)}
    return {name for name in names if name.startswith("bar(")}


# Equations with the times at which they hold


def lines_of(equation: Equation, out: Renderer) -> list[Line]:
    """An equation as lines: one, or one for each stretch of time on which other terms count."""
    printer = out.printer
    lines = []
    # A change of a variable runs with the variable itself.
    partial = equation.variable.partial
    against = (partial.of if partial is not None else equation.name) in printer.against
    backwards = (equation.variable.role is Role.ADJOINT) != against
    stretches = regions(equation, printer.length)
    for interval, terms in reversed(stretches) if against else stretches:
        part = Equation(equation.variable, equation.time, equation.indices, terms, interval, equation.source)
        if interval is not None and interval.is_point and equation.time == GENERIC:
            part = at_point(part, interval.low)
        note = ""
        if interval is not None and not interval.is_point:
            note = out.times(printer.range(Interval(interval.high, interval.low) if backwards else interval))
        lines.append(Line(printer.left(part), printer.right(part), note))
    return lines


def at_point(equation: Equation, time: Time) -> Equation:
    """An equation for all t, at one of them."""
    terms = tuple(term.replaced({t: time_expression(time)}) for term in equation.terms)
    return Equation(equation.variable, time, equation.indices, terms, point(time), equation.source)


def regions(equation: Equation, length: int | None = None) -> list[tuple[Interval | None, tuple[Term, ...]]]:
    """The stretches of time on which the same terms count, from the last to the first.

    For a `length` that is not known, as they are for a long sequence.
    """
    interval = equation.interval
    if interval is None or interval.is_point or all(term.when is None for term in equation.terms):
        return [(interval, equation.terms)]
    long = length or 2 * (_farthest(equation) + 5)
    found: list[tuple[Interval, tuple[Term, ...]]] = []
    for number in interval.bounds(long):
        terms = active(equation, number, long)
        time = Time("T", number - long) if length is None and number > long // 2 else Time("", number)
        if found and found[-1][1] == terms:
            found[-1] = (Interval(found[-1][0].low, time), terms)
        else:
            found.append((point(time), terms))
    return [(whole, terms) for whole, terms in reversed(found)]


def _farthest(equation: Equation) -> int:
    """How far from the ends of time something special happens."""
    ends = [end for term in equation.terms if term.when is not None for end in (term.when.low, term.when.high)]
    return max(abs(end.offset) for end in ends)


def _is_beyond(term: Term, number: int, length: int, variables: dict[str, Variable]) -> bool:
    """Whether a term holds an adjoint beyond the steps 1..T, which makes it zero."""
    for found in accesses(term, variables):
        if found.time is not None and variables[found.name].adjoint_of is not None:
            time = time_of(found.time)
            moment = {"t": number, "T": length, "": 0}.get(time.anchor, 0) + time.offset
            if moment > length or (moment < 1 and time.anchor == "t"):
                return True
    return False
