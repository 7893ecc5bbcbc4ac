"""One step of a model as a function of the states before it: its Jacobians, and what it does with each parameter.

A *state* is a variable that an equation reads at an earlier time. One step computes the states at time t from those
before; everything else that it computes on the way (gates, pre-activations) is put in by the chain rule, while a state
of the same step keeps its name. So the derivatives here are sums over the paths inside one step, and the derivatives
through time, in whichever form, are products and recurrences of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from sympy import Add, Expr, Integer, KroneckerDelta, Mul, Symbol

from rnnsym.calculus.rules import contract, partial_derivatives
from rnnsym.calculus.sweep import sweep
from rnnsym.calculus.visits import GENERIC
from rnnsym.equations.indexed import (
    INDICES,
    Access,
    Equation,
    Kind,
    Partial,
    Role,
    Select,
    Term,
    Variable,
    accesses,
    dependencies,
    indices_in,
    t,
    time_of,
    with_indices,
)
from rnnsym.equations.products import tidy
from rnnsym.equations.system import System
from rnnsym.errors import RnnsymError
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval, at_length, point


class NoStepError(RnnsymError):
    """A model that is not a chain of steps, each a function of the states before it."""


@dataclass(frozen=True)
class Regime:
    """Times at which the same equations hold; each equation is written for time t."""

    interval: Interval
    equations: Mapping[str, Equation]


@dataclass(frozen=True)
class Target:
    """What is differentiated by: a state `lag` steps back, or (lag None) a parameter."""

    name: str
    lag: int | None

    def is_read_by(self, found: Access) -> bool:
        """Whether an element, in an equation about time t, is one of this variable's."""
        return found.name == self.name and lag_of(found) == self.lag


def lag_of(found: Access) -> int | None:
    """How many steps before t an element stands; None where it has no time, or a fixed one."""
    time = None if found.time is None else time_of(found.time)
    return -time.offset if time is not None and time.anchor == "t" else None


@dataclass(frozen=True)
class OneStep:
    """A system, seen as a chain of steps.

    states: each with its longest lag, in the order in which a step computes them.
    """

    system: System
    states: Mapping[str, int]
    #: Derivatives that are known already: every form asks for the same ones again.
    known: dict[Target, tuple[Equation, ...]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def variables(self) -> dict[str, Variable]:
        return self.system.variables

    @cached_property
    def regimes(self) -> tuple[Regime, ...]:
        """The stretches of time on which a step is the same function, from the first to the last."""
        wanted = sorted(self.computing)
        offsets = [abs(end.offset) for e in self._timed() if e.interval for end in (e.interval.low, e.interval.high)]
        long = 2 * (max(offsets, default=0) + 5)
        found: list[tuple[Interval, dict[str, Equation]]] = []
        first = min((e.interval.low.offset for e in self._timed() if e.interval), default=1)
        for number in range(min(first, 1), long + 1):
            active = {name: e for name in wanted for e in self.system.defining(name) if _holds(e, number, long)}
            time = Time("T", number - long) if number > long // 2 else Time("", number)
            if not any(state in active for state in self.states):
                continue
            if found and found[-1][1] == active:
                found[-1] = (Interval(found[-1][0].low, time), active)
            else:
                found.append((point(time), active))
        return tuple(
            Regime(interval, {name: in_frame(equation, self.variables) for name, equation in active.items()})
            for interval, active in found
        )

    def _timed(self) -> Iterator[Equation]:
        return (e for name in self.computing for e in self.system.defining(name) if e.interval is not None)

    @cached_property
    def computing(self) -> frozenset[str]:
        """The variables that the states are computed from, states included."""
        found = set(self.states)
        waiting = list(found)
        while waiting:
            for equation in self.system.defining(waiting.pop()):
                for term in equation.terms:
                    for place in accesses(term, self.variables):
                        if place.name not in found and self.system.defining(place.name):
                            found.add(place.name)
                            waiting.append(place.name)
        return frozenset(found)

    @cached_property
    def loss_alone(self) -> tuple[System, tuple[Equation, ...]]:
        """The loss as a function of the states, all handed in, and its adjoints."""
        system = cut(self)
        state, _ = sweep(system)
        return system, tuple(state.adjoints)

    # Derivatives

    def jacobians(self) -> tuple[Equation, ...]:
        """The derivative of every state with respect to every state before it that it depends on."""
        targets = [Target(name, lag) for name, longest in self.states.items() for lag in range(1, longest + 1)]
        return tuple(e for target in targets for e in self.derivatives(target))

    def immediate(self, parameter: str) -> tuple[Equation, ...]:
        """What a parameter does within one step, to every state: `∂⁺h[t]/∂W`."""
        return self.derivatives(Target(parameter, None))

    def derivatives(self, target: Target) -> tuple[Equation, ...]:
        """The derivatives of all states with respect to one target, in closed form, for each regime."""
        if target not in self.known:
            found = []
            for regime in self.regimes:
                step = StepDerivatives(self, regime, target)
                found += [equation for state in self.states if (equation := step.equation(state)) is not None]
            self.known[target] = _joined(found)
        return self.known[target]

    def total(self, parameter: str) -> tuple[Equation, ...]:
        """The recurrence of `dh[t]/dW`: what the step adds, and what the states before it bring along."""
        own = {(e.variable.partial.of, e.interval): e for e in self.immediate(parameter) if e.variable.partial}
        found = []
        for regime in self.regimes:
            for state in self.states:
                if state in regime.equations:
                    found.append(self._total(state, parameter, regime, own))
        return _joined(found)

    def _total(
        self, state: str, parameter: str, regime: Regime, own: Mapping[tuple[str, Interval | None], Equation]
    ) -> Equation:
        variable = self.partial(state, Target(parameter, None), Kind.TOTAL)
        rank = len(self.variables[state].shape)
        indices = INDICES[: len(variable.shape)]
        here, there = indices[:rank], indices[rank:]
        terms = []
        immediate = self.partial(state, Target(parameter, None), Kind.IMMEDIATE)
        if any(of == state and _covers(interval, regime.interval) for of, interval in own):
            terms.append(Term((immediate.at(t, *indices),)))
        for before, longest in self.states.items():
            for lag in range(1, longest + 1):
                target = Target(before, lag)
                if StepDerivatives(self, regime, target).equation(state) is None:
                    continue
                summed = INDICES[len(indices) : len(indices) + len(self.variables[before].shape)]
                jacobian = self.partial(state, target, Kind.STEP).at(t, *here, *summed)
                earlier = self.partial(before, Target(parameter, None), Kind.TOTAL).at(t - lag, *summed, *there)
                terms.append(Term((jacobian, earlier)))
        return Equation(variable, GENERIC, indices, tuple(terms), regime.interval)

    def partial(self, of: str, target: Target, kind: Kind) -> Variable:
        """The variable that a derivative is."""
        by = target.name if target.lag is None else f"{target.name}[t-{target.lag}]"
        return Variable(
            f"{kind.value}({of},{by})",
            (*self.variables[of].shape, *self.variables[target.name].shape),
            True,
            Role.PARTIAL,
            partial=Partial(of, target.name, kind, target.lag),
        )


def one_step(system: System) -> OneStep:
    """The states of a system, and its steps.

    Raises NoStepError where a step reads a computed value of a later time, or of one fixed time: then it is no function
    of the states just before it.
    """
    lags: dict[str, int] = {}
    for equation in system.equations:
        for term in in_frame(equation, system.variables).terms:
            for found in accesses(term, system.variables):
                lag = lag_of(found)
                if lag is not None and lag < 0 and system.defining(found.name):
                    raise NoStepError(
                        f"{equation.label} reads a later value, {found.name}[t{-lag:+d}], so the model is not a chain "
                        "of steps forwards in time; ask for the recurrence form, which needs none"
                    )
                if lag and system.defining(found.name):
                    lags[found.name] = max(lag, lags.get(found.name, 0))
    order = list(dict.fromkeys(equation.name for equation in system.equations if equation.name in lags))
    step = OneStep(system, {name: lags[name] for name in order})
    for equation in system.equations:
        if equation.name in step.computing:
            _check(equation, system)
    return step


def _check(equation: Equation, system: System) -> None:
    for term in in_frame(equation, system.variables).terms:
        for found in accesses(term, system.variables):
            time = None if found.time is None else time_of(found.time)
            fixed = time is not None and time.anchor != "t"
            over_time = bool(term.over)
            if (fixed or over_time) and system.defining(found.name):
                when = "all times" if over_time else f"time {time}"
                raise NoStepError(
                    f"{equation.label} reads {found.name} at {when}, so the model is not a chain of steps; "
                    "ask for the recurrence form, which needs none"
                )


def in_frame(equation: Equation, variables: dict[str, Variable]) -> Equation:
    """An equation for one fixed time, written for time t."""
    if equation.time is None or equation.time == GENERIC:
        return equation
    own = equation.time
    mapping = {}
    for term in equation.terms:
        for found in accesses(term, variables):
            time = None if found.time is None else time_of(found.time)
            if time is not None and time.anchor == own.anchor:
                mapping[found.element] = variables[found.name].at(t + time.offset - own.offset, *found.indices)
    terms = tuple(term.replaced(mapping) for term in equation.terms)
    return replace(equation, time=GENERIC, terms=terms)


def _holds(equation: Equation, number: int, length: int) -> bool:
    return equation.interval is None or number in equation.interval.bounds(length)


def _covers(interval: Interval | None, other: Interval) -> bool:
    """Whether one stretch of time contains another."""
    long = 1000
    if interval is None:
        return True
    return at_length(interval.low, long) <= at_length(other.low, long) and at_length(other.high, long) <= at_length(
        interval.high, long
    )


def _joined(equations: list[Equation]) -> tuple[Equation, ...]:
    """Equations that differ only in their stretch of time, and follow each other, as one."""
    found: list[Equation] = []
    for equation in equations:
        for place, other in enumerate(found):
            same = (other.variable, other.terms) == (equation.variable, equation.terms)
            if same and other.interval is not None and equation.interval is not None:
                found[place] = replace(other, interval=Interval(other.interval.low, equation.interval.high))
                break
        else:
            found.append(equation)
    return tuple(found)


class StepDerivatives:
    """The derivatives of what one step computes, with respect to one target."""

    def __init__(self, step: OneStep, regime: Regime, target: Target) -> None:
        self.step = step
        self.regime = regime
        self.target = target
        self.kind = Kind.IMMEDIATE if target.lag is None else Kind.STEP
        self.shape = step.variables[target.name].shape
        self.memo: dict[str, tuple[Term, ...]] = {}

    def equation(self, state: str) -> Equation | None:
        """The derivative of a state; None where it does not depend on the target."""
        terms = self.terms(state)
        if not terms:
            return None
        variable = self.step.partial(state, self.target, self.kind)
        return Equation(variable, GENERIC, INDICES[: len(variable.shape)], terms, self.regime.interval)

    def _free(self, name: str) -> tuple[tuple[Symbol, ...], tuple[Symbol, ...]]:
        """The indices of a derivative: those of the variable, and those of the target."""
        rank = len(self.step.variables[name].shape)
        return INDICES[:rank], INDICES[rank : rank + len(self.shape)]

    def terms(self, name: str) -> tuple[Term, ...]:
        """The derivative of a variable at time t, summed over all paths within the step."""
        if name not in self.memo:
            own, by = self._free(name)
            found = []
            for place, outer in self._partials(name, own, by):
                taken = {*own, *by}.union(*(indices_in(factor) for factor in outer))
                for inner in self._inner(place, by, taken):
                    term = Term(tidy((*outer, *inner)))
                    found.append(contract(self._first_element(term, place), {*own, *by}))
            self.memo[name] = tuple(term for term in found if term.factors != (0,))
        return self.memo[name]

    def _first_element(self, term: Term, place: Access) -> Term:
        """The term where a part of one element is read: the index of a part, which nothing else may hold, is 1."""
        shape = self.step.variables[place.name].shape
        single = {index: Integer(1) for index, size in zip(place.indices, shape, strict=True) if size == 1}
        selects = {factor: factor.xreplace(single) for factor in term.factors if isinstance(factor, Select)}
        return replace(term, factors=tuple(selects.get(factor, factor) for factor in term.factors))

    def _partials(
        self, name: str, own: tuple[Symbol, ...], by: tuple[Symbol, ...]
    ) -> Iterator[tuple[Access, tuple[Expr, ...]]]:
        """Every element that the equation of a variable reads, with the partial derivative by it."""
        equation = self.regime.equations.get(name)
        if equation is None:
            untimed = [found for found in self.step.system.defining(name) if found.time is None]
            if not untimed:
                return
            (equation,) = untimed
        moved = tuple(with_indices(term, dict(zip(own, own, strict=True)), {*own, *by}) for term in equation.terms)
        equation = replace(equation, terms=moved)
        whole: dict[Expr, list[tuple[Expr, ...]]] = {}
        places: dict[Expr, Access] = {}
        for term in equation.terms:
            for found in accesses(term, self.step.variables):
                if self._depends(found):
                    places[found.element] = found
                    whole.setdefault(found.element, []).extend(partial_derivatives(term, equation, found.element))
        for element, products in whole.items():
            for product in _gathered(products, set(own)):
                yield places[element], product

    def _depends(self, found: Access) -> bool:
        if self.target.is_read_by(found):
            return True
        if found.time is not None and lag_of(found) != 0:
            return False
        return bool(self.step.system.defining(found.name)) and bool(self.terms(found.name))

    def _inner(self, found: Access, by: tuple[Symbol, ...], taken: set[Symbol]) -> Iterator[tuple[Expr, ...]]:
        """The derivative of an element by the target, as products of factors; sums run over indices not `taken`."""
        if self.target.is_read_by(found):
            yield tuple(KroneckerDelta(one, other) for one, other in zip(found.indices, by, strict=True)) or (
                Integer(1),
            )
            return
        if found.name in self.step.states:
            variable = self.step.partial(found.name, self.target, self.kind)
            yield (variable.at(t, *found.indices, *by),)
            return
        its_own, its_by = self._free(found.name)
        mapping = dict(zip((*its_own, *its_by), (*found.indices, *by), strict=True))
        for term in self.terms(found.name):
            yield with_indices(term, mapping, taken | indices_of(found)).factors


def indices_of(found: Access) -> set[Symbol]:
    """The element indices of an access."""
    return set().union(*(indices_in(index) for index in found.indices)) if found.indices else set()


def _gathered(products: list[tuple[Expr, ...]], own: set[Symbol]) -> list[tuple[Expr, ...]]:
    """Several elementwise derivatives by the same element as one factor: g ⊙ dz - h ⊙ dz is (g - h) ⊙ dz."""
    plain = [p for p in products if all(indices_in(factor) <= own for factor in p)]
    if len(plain) < 2:
        return products
    return [(Add(*(Mul(*product) for product in plain)),), *(p for p in products if p not in plain)]


def cut(step: OneStep) -> System:
    """The loss as a function of the states alone: what computes them is left out, and they are handed in."""
    system = step.system
    rest = tuple(equation for equation in system.equations if equation.name not in step.states)
    needed = dependencies([system.loss], rest, system.variables)
    equations = tuple(equation for equation in rest if equation.name in needed)
    variables = {
        name: replace(variable, role=Role.INPUT) if name in step.states else variable
        for name, variable in system.variables.items()
        if name in needed or name in step.states or not system.defining(name)
    }
    sequences = (*system.sequences, *step.states)
    return replace(system, variables=variables, equations=equations, sequences=sequences)
