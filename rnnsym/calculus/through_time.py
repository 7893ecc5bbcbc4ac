"""Gradients in the forms that need one-step Jacobians: sums over paths, truncated sums, forward sensitivities.

All of them say the same: with the states s[t] of a model, its one-step Jacobians J[t] = ds[t]/ds[t-1] and the
*immediate* derivative of s[k] with respect to a parameter W (what step k does with W itself, earlier states fixed),

    dE/dW = own + sum over t, sum over k <= t of  dE[t]/ds[t]  J[t] J[t-1] ... J[k+1]  immediate[k],

where dE[t]/ds[t] holds the other states fixed, and `own` is what W does to the loss beside the states. Adding the
products up from the left, by k downwards, is backpropagation through time; from the right, by t upwards, is real-time
recurrent learning (Williams and Zipser 1989). Cut to the last K factors it is truncated backpropagation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rnnsym.calculus.onestep import OneStep, Target, one_step
from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    Kind,
    Partial,
    Role,
    Term,
    Variable,
    accesses,
    t,
    time_expression,
)
from rnnsym.equations.system import System
from rnnsym.language.timing import Interval, is_outside


@dataclass(frozen=True)
class ThroughTime:
    """What the gradient of a parameter is made of, for a model that is a chain of steps.

    jacobians: ds[t]/ds[t-1] for each pair of states. immediate: what a step does with the parameter itself.
    direct: the derivatives of the loss that hold the states fixed, those of the states, of the parameter and of what
    lies between them and the loss. total: the recurrence of ds[t]/dW. gradient: the sum of direct times total.
    """

    parameter: str
    step: OneStep
    jacobians: tuple[Equation, ...]
    immediate: tuple[Equation, ...]
    direct: tuple[Equation, ...]
    total: tuple[Equation, ...]
    gradient: Equation

    @property
    def own(self) -> tuple[Equation, ...]:
        """What the parameter does to the loss beside the states; empty where it does nothing."""
        return tuple(e for e in self.direct if e.name == direct_name(self.parameter) and e.terms)

    @property
    def variables(self) -> dict[str, Variable]:
        """All variables of these equations."""
        every = (*self.jacobians, *self.immediate, *self.direct, *self.total, self.gradient)
        return {**self.step.system.variables, **{equation.name: equation.variable for equation in every}}

    @property
    def states(self) -> tuple[str, ...]:
        """The states through which the parameter reaches the loss, in the order in which a step computes them."""
        return tuple(self.step.states)


def direct_name(name: str) -> str:
    """How the derivative of the loss that holds the (other) states fixed is called."""
    return f"direct({name})"


def through_time(system: System, parameter: str) -> ThroughTime:
    """The parts of the gradient of one parameter.

    Raises NoStepError where the model is not a chain of steps.
    """
    step = one_step(system)
    immediate, total = step.immediate(parameter), step.total(parameter)
    direct = direct_derivatives(step, parameter)
    gradient = _gradient(step, parameter, direct, total)
    return ThroughTime(parameter, step, step.jacobians(), immediate, direct, total, gradient)


def direct_derivatives(step: OneStep, parameter: str) -> tuple[Equation, ...]:
    """The adjoints of the loss with all states held fixed, of the states, a parameter and what lies between.

    What no state depends on has the same adjoint as ever, and keeps its name; the others get one of their own.
    """
    loss_alone, adjoints = step.loss_alone
    wanted = {adjoint_name(name) for name in (*step.states, parameter)}
    waiting = set(wanted)
    variables = {**loss_alone.variables, **{e.name: e.variable for e in adjoints}}
    while waiting:
        found = {
            place.name
            for equation in adjoints
            if equation.name in waiting
            for term in equation.terms
            for place in accesses(term, variables)
            if variables[place.name].role is Role.ADJOINT
        }
        waiting = found - wanted
        wanted |= found
    shared = set(step.states) | (step.computing & set(loss_alone.variables)) | {parameter}
    names = {adjoint_name(name): direct_name(name) for name in shared}
    return tuple(_renamed(e, names, loss_alone) for e in adjoints if e.name in wanted)


def _renamed(equation: Equation, names: dict[str, str], system: System) -> Equation:
    """An equation with adjoints exchanged for derivatives that hold the states fixed."""
    variables = {adjoint_name(name): _direct(variable, system.loss) for name, variable in system.variables.items()}
    everything = {**system.variables, **{name: replace(v, name=name) for name, v in variables.items()}}
    terms = []
    for term in equation.terms:
        mapping = {
            found.element: variables[found.name].at(found.time, *found.indices)
            for found in accesses(term, everything)
            if found.name in names
        }
        terms.append(term.replaced(mapping))
    variable = variables[equation.name] if equation.name in names else equation.variable
    return replace(equation, variable=variable, terms=tuple(terms))


def _direct(variable: Variable, loss: str) -> Variable:
    return Variable(
        direct_name(variable.name),
        variable.shape,
        variable.timed,
        Role.PARTIAL,
        label=variable.label,
        partial=Partial(loss, variable.name, Kind.DIRECT, 0 if variable.timed else None),
    )


def _gradient(step: OneStep, parameter: str, direct: tuple[Equation, ...], total: tuple[Equation, ...]) -> Equation:
    """dE/dW as the sum over time of the direct derivatives times the total ones."""
    own = step.variables[parameter]
    indices = INDICES[: len(own.shape)]
    variable = Variable(adjoint_name(parameter), own.shape, False, Role.ADJOINT, parameter, own.label)
    terms = []
    for equation in direct:
        if equation.name == direct_name(parameter) and equation.terms:
            terms.append(Term((equation.variable.at(None, *indices),)))
    for state in step.states:
        if not any(e.variable.partial and e.variable.partial.of == state for e in total):
            continue
        summed = INDICES[len(indices) : len(indices) + len(step.variables[state].shape)]
        change = step.partial(state, Target(parameter, None), Kind.TOTAL)
        effect = _direct(step.variables[state], step.system.loss)
        for equation in direct:
            if equation.name != effect.name or not equation.terms or equation.interval is None:
                continue
            if is_outside(equation.interval.low):  # a value that is given
                continue
            when = _when(equation)
            time = time_expression(when.low) if when.is_point else t
            factors = (effect.at(time, *summed), change.at(time, *summed, *indices))
            terms.append(Term(factors, over=() if when.is_point else ((t, when),)))
    return Equation(variable, None, indices, tuple(terms))


def _when(equation: Equation) -> Interval:
    """The times at which the loss depends on a state directly."""
    assert equation.interval is not None
    times = {term.when for term in equation.terms}
    only = times.pop() if len(times) == 1 else None
    return only or equation.interval
