"""The leaves of a claim's formulas as polynomials: variables, the claim's own sequences, derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import sympy

from rnnsym.claims.claim import Equation
from rnnsym.claims.substitute import at_times
from rnnsym.claims.syntax import Derivative, Extreme, Kind, Moment, Node, Sequence, Variable
from rnnsym.errors import RnnsymError
from rnnsym.proof.adjoints import decided
from rnnsym.proof.atoms import (
    ONE,
    ZERO,
    Delta,
    Element,
    Polynomial,
    Size,
    constant,
    of_atom,
)
from rnnsym.proof.lift import size_value
from rnnsym.proof.polynomial import canonical, counted, fresh, instantiated, multiplied
from rnnsym.proof.theory import Theory
from rnnsym.proof.times import FIRST, LENGTH, Context, solved

#: An index for each axis of a node; None where the axis has one element.
Axes = tuple[str | None, ...]


class UnprovenError(RnnsymError):
    """A formula that the proof does not reach; it may be right."""


@dataclass(frozen=True)
class Meaning:
    """What a sequence of the claim is: `number` times the adjoint of `variable`, `shift` steps later.

    `path`: with two times, the part of that adjoint at the second time that comes from the loss at the first.
    """

    variable: str
    shift: int = 0
    number: Fraction = Fraction(1)
    path: bool = False


@dataclass(frozen=True)
class Leaves:
    """Translates what has no operands, in a context of times; `meanings` are of the claim's own sequences."""

    theory: Theory
    definitions: Mapping[str, tuple[Equation, ...]]
    meanings: Mapping[str, Meaning]
    partial: Kind
    layout: str
    inside: tuple[str, ...] = field(default=())

    def node(self, node: Node, axes: Axes, context: Context) -> Polynomial:
        """The element of any node."""
        raise NotImplementedError

    def fitted(self, node: Node, axes: Axes, context: Context) -> Polynomial:
        """A part of a sum or an elementwise product; what has one element counts for all."""
        return self.node(node, fitted(node, axes), context)

    def _time(self, moment: Moment) -> Polynomial:
        total = constant(moment.offset)
        for letter, count in moment.terms:
            total = total + of_atom(Size(f"@{letter}")).scaled(Fraction(count))
        return total

    def _element(self, variable: Variable, axes: Axes) -> Element:
        rank = len(self.theory.variables[variable.name].shape)
        times = () if variable.time is None else (variable.time,)
        return Element(variable.name, times, own_axes(rank, axes))

    # The claim's own sequences

    def _sequence(self, node: Sequence, axes: Axes, context: Context) -> Polynomial:
        meaning = self.meanings.get(node.name)
        if meaning is not None:
            return self._meant(node, meaning, axes, context)
        if node.name in self.inside:
            raise UnprovenError(f"{node.name} is defined by itself, and no adjoint of the model is equal to it")
        equation = self._defining(node, context)
        if equation is None:
            return ZERO
        assert isinstance(equation.left, Sequence)
        times: dict[str, Moment] = {}
        for own, wanted in zip(equation.left.times, node.times, strict=True) if not is_fixed(equation) else ():
            found = solved(own, wanted)
            if found is None:
                raise UnprovenError(f"the times of {node.name} cannot be told")
            times |= found
        inner = type(self)(
            self.theory, self.definitions, self.meanings, self.partial, self.layout, (*self.inside, node.name)
        )
        value = inner.fitted(at_times(equation.right, times, fresh), axes, context)
        given = (equation.given and not equation.ranges) or is_fixed(equation) or told_times(equation) is not None
        if not given and any(context.inside(wanted, FIRST, LENGTH) is None for wanted in node.times):
            self._check_ends(value, node, context)
        return value

    def _defining(self, node: Sequence, context: Context) -> Equation | None:
        """The equation that gives a sequence at a time; None where none does, so that it is zero.

        An equation for one time goes before the general one. Raises UndecidedError where it depends on the time which.
        """
        equations = self.definitions.get(node.name, ())
        fixed = [equation for equation in equations if is_fixed(equation)]
        general = [equation for equation in equations if not is_fixed(equation)]
        if any(equation.ranges and told_times(equation) is None and not covers_all(equation) for equation in general):
            raise UnprovenError(f"{node.name} is defined for some times only")
        partial = [equation for equation in general if told_times(equation) is not None]
        general = [equation for equation in general if equation not in partial]
        if len(general) > 1 or ((fixed or partial) and len(node.times) != 1):
            raise UnprovenError(
                f"{node.name} has {len(equations)} equations, and no adjoint of the model is equal to it"
            )
        for equation in fixed:
            assert isinstance(equation.left, Sequence)
            (point,) = equation.left.times
            if decided(node.times[0], (point, point), context):
                return equation
        for equation in partial:
            told = told_times(equation)
            if told is not None and decided(node.times[0], told, context):
                return equation
        outside = any(context.inside(wanted, FIRST, LENGTH) is False for wanted in node.times)
        return None if outside or not general else general[0]

    def _check_ends(self, value: Polynomial, node: Sequence, context: Context) -> None:
        """A sequence is zero beyond its ends: so must be what is put in for it."""
        for wanted in node.times:
            if context.inside(wanted, FIRST, LENGTH) is not None:
                continue
            late = context.surely_from(wanted, FIRST)
            for product, _ in value.terms:
                adjoint = any(
                    isinstance(atom, Element) and atom.name.startswith(("bar(", "path("))
                    and atom.times and context.within(product).surely_from(atom.times[-1], wanted)
                    for atom, _ in product.powers
                )  # fmt: skip
                if not (late and adjoint):
                    decided(wanted, (FIRST, LENGTH), context)  # split where it goes beyond its ends

    def _meant(self, node: Sequence, meaning: Meaning, axes: Axes, context: Context) -> Polynomial:
        rank = len(self.theory.variables[meaning.variable].shape)
        own = own_axes(rank, axes)
        shift = Moment((), meaning.shift)
        times = tuple(time + shift if place == len(node.times) - 1 else time for place, time in enumerate(node.times))
        for time in node.times:
            inside = context.inside(time, FIRST, LENGTH)
            if inside is False and not self._is_given_at(node):
                return ZERO  # where no equation gives it
            if inside is None and not context.surely_from(time, FIRST):
                decided(time, (FIRST, LENGTH), context)  # split where it may be read before the first step
        name = f"path({meaning.variable})" if meaning.path else f"bar({meaning.variable})"
        return of_atom(Element(name, times, own)).scaled(meaning.number)

    def _is_given_at(self, node: Sequence) -> bool:
        """Whether the claim has an equation for a sequence at just these times."""
        lefts = [equation.left for equation in self.definitions.get(node.name, ())]
        return all(time.is_constant for time in node.times) and any(
            isinstance(left, Sequence) and left.times == node.times for left in lefts
        )

    # Derivatives

    def _derivative(self, node: Derivative, axes: Axes, context: Context) -> Polynomial:
        theory, top, bottom = self.theory, node.top, node.bottom
        kind = self.partial if node.kind is Kind.PARTIAL else node.kind
        rank = len(theory.variables[bottom.name].shape)
        if top.name == theory.system.loss and kind is not Kind.IMMEDIATE:
            times = () if bottom.time is None else (bottom.time,)
            return of_atom(Element(f"bar({bottom.name})", times, own_axes(rank, axes)))
        is_state = theory.step is not None and top.name in theory.step.states
        if not theory.variables[top.name].shape and not is_state:
            return self._of_step_loss(node, own_axes(rank, axes), context)
        return self._between(node, kind, axes, context)

    def _of_step_loss(self, node: Derivative, indices: tuple[str, ...], context: Context) -> Polynomial:
        """The derivative of the loss of one step: of what lies between it and the states, or along one path."""
        theory, top, bottom = self.theory, node.top, node.bottom
        step = theory.step
        number = theory.number_of(top.name)
        if number is None or not number or bottom.time is None or top.time is None or step is None:
            raise UnprovenError(f"the derivative of {top.name} has no rule")
        same = bottom.time == top.time
        if same and bottom.name not in step.computing and bottom.name not in theory.lagged:
            return of_atom(Element(f"bar({bottom.name})", (bottom.time,), indices)).scaled(1 / number)
        if theory.losses_at_their_time:
            return of_atom(Element(f"path({bottom.name})", (top.time, bottom.time), indices)).scaled(1 / number)
        raise UnprovenError(f"the derivative of {top.name} by {bottom.name} has no rule")

    def _between(self, node: Derivative, kind: Kind, axes: Axes, context: Context) -> Polynomial:
        theory, top, bottom = self.theory, node.top, node.bottom
        ranks = len(theory.variables[top.name].shape), len(theory.variables[bottom.name].shape)
        if self.layout == "denominator" and ranks == (1, 1):
            axes = axes[::-1]
        indices = tuple(axis for axis in axes if axis)
        if len(indices) != sum(ranks):
            raise UnprovenError("a derivative by a scalar in a matrix product has no rule")
        if bottom.time is None:
            if kind is Kind.IMMEDIATE:
                found = theory.immediate(top.name, bottom.name)
                return self._closed(found, indices, top.time)
            if top.time is None:
                raise UnprovenError("the derivative of a value without time has no rule")
            return of_atom(Element(f"total({top.name},{bottom.name})", (top.time,), indices))
        if top.time is None:
            raise UnprovenError("the derivative of a value without time has no rule")
        lag = top.time - bottom.time
        if lag.terms:
            if theory.chain is None or {top.name, bottom.name} != {theory.chain[0]}:
                raise UnprovenError("the derivative over many steps has a rule for models with one state only")
            return theory.flow(top.time, bottom.time, *indices)
        if lag.offset == 0 and top.name == bottom.name:
            return of_atom(Delta(*sorted(indices))) if indices else ONE
        if lag.offset < 0:
            return ZERO
        if lag.offset > 1 and kind is not Kind.IMMEDIATE:
            raise UnprovenError("the derivative over several steps has no rule")
        if lag.offset == 1 and theory.step is not None and bottom.name not in theory.step.states:
            return self._through_states(top, bottom, indices)
        return self._closed(theory.jacobian(top.name, bottom.name, lag.offset), indices, top.time)

    def _through_states(self, top: Variable, bottom: Variable, indices: tuple[str, ...]) -> Polynomial:
        """What one step reads of the step before are its states: by way of them."""
        theory = self.theory
        assert theory.step is not None
        rank = len(theory.variables[top.name].shape)
        total = ZERO
        for state in theory.step.states:
            outer, inner = theory.jacobian(top.name, state, 1), theory.jacobian(state, bottom.name, 0)
            if outer is None or inner is None or not outer[1] or not inner[1]:
                continue
            middle = tuple(f"state{n}~" for n in range(len(theory.variables[state].shape)))
            late = self._closed(outer, (*indices[:rank], *middle), top.time)
            early = self._closed(inner, (*middle, *indices[rank:]), bottom.time)
            sizes = theory.variables[state].shape
            counts = {index: size_value(size) for index, size in zip(middle, sizes, strict=True)}
            late = counted(late, counts, late.indices | set(middle))
            total = total + multiplied(late, early, frozenset(indices), frozenset(middle))
        return total

    def _closed(
        self, found: tuple[tuple[str, ...], Polynomial] | None, indices: tuple[str, ...], time: Moment | None
    ) -> Polynomial:
        if found is None:
            raise UnprovenError("the model is not one chain of equal steps")
        times = {} if time is None else {"t": time}
        value = instantiated(found[1], dict(zip(found[0], indices, strict=True)), times)
        return canonical(value.terms, frozenset(indices))


def is_fixed(equation: Equation) -> bool:
    """Whether an equation gives a sequence at one time, such as T."""
    left = equation.left
    return isinstance(left, Sequence) and bool(left.times) and all(time.is_constant for time in left.times)


def told_times(equation: Equation) -> tuple[Moment, Moment] | None:
    """The times of a sequence of one time that an equation gives, where it says them and they are not all."""
    left = equation.left
    if not isinstance(left, Sequence) or len(left.times) != 1 or len(equation.ranges) != 1 or covers_all(equation):
        return None
    (told,), (time,) = equation.ranges, left.times
    shift = time - Moment.of(told.letter)
    low, high = told.low or FIRST - shift, told.high or LENGTH - shift
    if shift.terms or isinstance(low, Extreme) or isinstance(high, Extreme):
        return None
    return low + shift, high + shift


def covers_all(equation: Equation) -> bool:
    """Whether an equation is told to hold at all times, from 1 to T."""
    left = equation.left
    if not isinstance(left, Sequence) or len(left.times) != len(equation.ranges):
        return False
    lows = {Moment.of(told.letter): (told.low or FIRST, told.high or LENGTH) for told in equation.ranges}
    return all(lows.get(time) == (FIRST, LENGTH) for time in left.times)


def is_scalar(shape: tuple[sympy.Expr, ...]) -> bool:
    """Whether a value has one element."""
    return all(size == 1 for size in shape)


def fitted(node: Node, axes: Axes) -> Axes:
    """The axes of a part that is broadcast: an axis of one element has no index."""
    assert node.shape is not None
    if is_scalar(node.shape):
        return (None,) * len(node.shape)
    return axes


def own_axes(rank: int, axes: Axes) -> tuple[str, ...]:
    """The indices of a variable among the axes of its node."""
    found = tuple(axis for axis in axes if axis)
    if len(found) != rank:
        raise UnprovenError("a size of one cannot be told from a vector here")
    return found
