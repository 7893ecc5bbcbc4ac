"""A model as a chain of steps, with all that the sums over its paths are made of, for several parameters at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Indexed, IndexedBase, Symbol

from rnnsym.calculus.onestep import OneStep, lag_of
from rnnsym.calculus.rules import adjoint_name, adjoint_of
from rnnsym.calculus.signals import passed_back, signal_of
from rnnsym.calculus.through_time import direct_derivatives, direct_name
from rnnsym.equations.indexed import Equation, Role, Term, Variable, accesses, elements, name_of, t
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval, at_length

#: A length beyond all special cases at both ends.
LONG = 1000


@dataclass(frozen=True)
class Chain:
    """A model's steps, and what the gradients of `parameters` are made of.

    jacobians: the derivatives of the states by the states before. immediate: what one step does with each parameter.
    direct: the derivatives of the loss by the states, all others fixed, and what lies between them and the loss.
    """

    step: OneStep
    parameters: tuple[str, ...]
    jacobians: tuple[Equation, ...]
    immediate: Mapping[str, tuple[Equation, ...]]
    direct: tuple[Equation, ...]

    @property
    def states(self) -> Mapping[str, int]:
        """The states with their longest lags."""
        return self.step.states

    @property
    def leads_on(self) -> bool:
        """Whether a state depends on those before it; where later steps only read them, no path goes on."""
        return bool(self.jacobians)

    @property
    def joined(self) -> bool:
        """Whether a step hands on more than one vector."""
        return len(self.states) > 1 or max(self.states.values(), default=1) > 1

    @property
    def blocks(self) -> tuple[tuple[str, int], ...]:
        """The parts of the joint state: each state, with copies of it for its longer lags."""
        return tuple((name, back) for name, longest in self.states.items() for back in range(longest))

    @cached_property
    def variables(self) -> dict[str, Variable]:
        """All variables of these equations."""
        every = [*self.jacobians, *(e for found in self.immediate.values() for e in found), *self.direct]
        every += [equation for name in self.parameters for equation in self.own(name)]
        known = self.step.system.variables
        signals = [signal_of(known[name], self.step.system.loss) for name in self.states]
        adjoints = [adjoint_of(known[name]) for name in self.states]
        made = [*(equation.variable for equation in every), *signals, *adjoints]
        return {**known, **{variable.name: variable for variable in made}}

    @cached_property
    def times(self) -> Interval:
        """The times at which the states are computed."""
        return Interval(self.step.regimes[0].interval.low, self.step.regimes[-1].interval.high)

    def effects(self) -> tuple[Equation, ...]:
        """The derivatives of the loss by the states that are not zero."""
        names = {direct_name(name) for name in self.states}
        return tuple(e for e in self.direct if e.name in names and e.terms)

    @cached_property
    def counted(self) -> Interval | None:
        """The times at which a state that is computed reaches the loss beside the later states."""
        ranges = []
        for equation in self.effects():
            whole = equation.interval or self.times
            inner = [term.when or whole for term in equation.terms]
            ranges += [_common(one, self.times) for one in inner]
        ranges = [one for one in ranges if at_length(one.low, LONG) <= at_length(one.high, LONG)]
        return _around(ranges) if ranges else None

    def reach(self, parameter: str) -> Interval | None:
        """The steps that use a parameter."""
        ranges = [e.interval for e in self.immediate[parameter] if e.interval is not None]
        return _around(ranges) if ranges else None

    def adjoint_terms(self, name: str) -> tuple[Term, ...]:
        """The adjoint of a state from one-step derivatives: what lies between the states is put in."""
        known = self.step.system.variables
        names = {signal_of(known[other], "").name: adjoint_name(other) for other in self.states}
        terms = [_renamed(term, names) for _, term in passed_back(self.step, name)]
        for equation in self.direct:
            if equation.name == direct_name(name):
                terms = [replace(term, when=term.when or equation.interval) for term in equation.terms] + terms
        return tuple(replace(term, when=None if term.when == self.times else term.when) for term in terms)

    def own(self, parameter: str) -> tuple[Equation, ...]:
        """What a parameter does to the loss beside the states, with what lies between that `direct` does not have."""
        if not self.bypasses(parameter):
            return ()
        known = {equation.name for equation in self.direct} | {direct_name(name) for name in self.states}
        return tuple(e for e in direct_derivatives(self.step, parameter) if e.name not in known)

    def bypasses(self, parameter: str) -> bool:
        """Whether a parameter reaches the loss beside the states too."""
        return parameter in self._before_loss

    @cached_property
    def _before_loss(self) -> frozenset[str]:
        """The variables that the loss depends on, by ways that lead through no state."""
        system, waiting, seen = self.step.system, [self.step.system.loss], {self.step.system.loss}
        while waiting:
            for equation in system.defining(waiting.pop()):
                for term in equation.terms:
                    for place in accesses(term, system.variables):
                        if place.name not in seen and place.name not in self.states:
                            seen.add(place.name)
                            waiting.append(place.name)
        return frozenset(seen)

    @cached_property
    def timed_loss(self) -> str:
        """The variable E[t] where the loss is its sum over time, and a state reaches E of its own time only; else ''.

        Terms of the loss that no state reaches do not count.
        """
        system = self.step.system
        found = []
        for equation in system.defining(system.loss):
            for term in equation.terms:
                reads = [place for place in accesses(term, system.variables) if place.name in self._after]
                if not reads:
                    continue
                alone = len(reads) == 1 and term.factors == (reads[0].element,) and len(term.over) == 1
                if not alone or term.over[0][0] != t or reads[0].time != t or system.variables[reads[0].name].shape:
                    return ""
                found.append(reads[0].name)
        return found[0] if len(found) == 1 and self._at_once(found[0]) else ""

    @cached_property
    def _after(self) -> frozenset[str]:
        """The variables that depend on a state, states included."""
        found = set(self.states)
        while True:
            more = {
                equation.name
                for equation in self.step.system.equations
                if equation.name not in found
                for term in equation.terms
                if any(place.name in found for place in accesses(term, self.step.system.variables))
            }
            if not more:
                return frozenset(found)
            found |= more

    def _at_once(self, name: str) -> bool:
        """Whether a variable reads the states of its own time only, on whatever way."""
        waiting, seen = [name], {name}
        while waiting:
            for equation in self.step.system.defining(waiting.pop()):
                for term in equation.terms:
                    for place in accesses(term, self.step.system.variables):
                        if place.name not in self._after:
                            continue
                        if lag_of(place) != 0 or equation.time != Time("t", 0):
                            return False
                        if place.name not in seen | set(self.states):
                            seen.add(place.name)
                            waiting.append(place.name)
        return True


def chain(step: OneStep, parameters: Iterable[str]) -> Chain:
    """A system's steps, with what the gradients of these parameters are made of."""
    names = tuple(parameters)
    immediate = {name: step.immediate(name) for name in names}
    every = direct_derivatives(step, names[0]) if step.states else ()
    states = {direct_name(name) for name in step.states}
    needed, waiting = set(states), set(states)
    variables = {**step.variables, **{e.name: e.variable for e in every}}
    while waiting:
        read = {
            place.name
            for equation in every
            if equation.name in waiting
            for term in equation.terms
            for place in accesses(term, variables)
            if variables[place.name].role in (Role.ADJOINT, Role.PARTIAL)
        }
        waiting = read - needed
        needed |= read
    return Chain(step, names, step.jacobians(), immediate, tuple(e for e in every if e.name in needed))


def moved_by(step: OneStep) -> tuple[str, ...]:
    """The parameters that the states depend on, in the model's order."""
    return tuple(
        variable.name
        for variable in step.system.variables.values()
        if variable.role is Role.PARAMETER and variable.name not in step.system.fixed and step.immediate(variable.name)
    )


def _renamed(term: Term, names: Mapping[str, str]) -> Term:
    """A term with variables called by other names."""
    mapping = {
        element: IndexedBase(names[name_of(element)])[element.indices]
        if isinstance(element, Indexed)
        else Symbol(names[name_of(element)], real=True)
        for factor in term.factors
        for element in elements(factor)
        if name_of(element) in names
    }
    return term.replaced(mapping)


def _common(one: Interval, other: Interval) -> Interval:
    low = max(one.low, other.low, key=lambda time: at_length(time, LONG))
    return Interval(low, min(one.high, other.high, key=lambda time: at_length(time, LONG)))


def _around(ranges: list[Interval]) -> Interval:
    low = min((one.low for one in ranges), key=lambda time: at_length(time, LONG))
    return Interval(low, max((one.high for one in ranges), key=lambda time: at_length(time, LONG)))
