"""How much one step can stretch a gradient at most, from the weights and the slopes of the activations alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Indexed, Mul

from rnnsym.calculus.visits import GENERIC
from rnnsym.dynamics.probe import states_of
from rnnsym.equations.indexed import Access, Equation, Term, accesses, name_of, time_of
from rnnsym.equations.lowering import lower
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.operations import Elementwise, operation_of

Array = NDArray[np.float64]


def slope_bound(model: Model, params: Mapping[str, Array], length: int = 4) -> float | None:
    """A number g with `||ds[t]/ds[t-1]|| <= g` for the joint state s at every step, whatever the inputs are.

    For h[t] = tanh(W h[t-1] + ...) it is the norm of W times the largest slope of tanh, 1. None where no such number
    follows from the weights alone: a gate multiplies by a value, or a slope has no bound.

    >>> text = "h[t] = sigmoid(W @ h[t-1] + U @ x[t])" + chr(10) + "E[t] = squared_error(d[t], h[t])"
    >>> float(slope_bound(Model(text), {"W": 2 * np.eye(3), "U": np.ones((3, 2))}))
    0.5
    """
    system = lower(model)
    states = states_of(model, length)
    # Other equations at a boundary, or several lags, would each need a bound of their own.
    if any(lags > 1 for lags in states.values()) or any(len(_timed(system, name)) != 1 for name in states):
        return None
    columns = []
    for source in states:
        bounds = [_stretch(system, params, target, source) for target in states]
        if any(bound is None for bound in bounds):
            return None
        columns.append([bound or 0.0 for bound in bounds])
    # The norm of the blocks' norms bounds the norm of the whole.
    return float(np.linalg.norm(np.array(columns), 2))


def _timed(system: System, name: str) -> list[Equation]:
    return [e for e in system.defining(name) if e.interval is not None and not _before(e)]


def _before(equation: Equation) -> bool:
    return equation.time is not None and not equation.time.anchor and equation.time.offset < 1


def _stretch(system: System, params: Mapping[str, Array], target: str, source: str) -> float | None:
    """A bound of the derivative of `target` with respect to `source` one step before, through all of one step."""

    @cache
    def through(name: str) -> float | None:
        total = 0.0
        equations = _timed(system, name)
        for equation in equations:
            for term in equation.terms:
                for place in accesses(term, system.variables):
                    inner = reach(place.name, _lag(equation, place))
                    if inner == 0.0:
                        continue
                    own = _factor(equation, term, place, system, params)
                    if inner is None or own is None or len(equations) > 1:
                        return None
                    total += own * inner
        return total

    def reach(name: str, lag: int | None) -> float | None:
        return through(name) if lag == 0 else 1.0 if lag == 1 and name == source else 0.0

    return through(target)


def _lag(equation: Equation, place: Access) -> int | None:
    """How many steps back an equation for all t reads; None for what is read at no lag."""
    if place.time is None or equation.time != GENERIC or time_of(place.time).anchor != "t":
        return None
    return -time_of(place.time).offset


def _factor(equation: Equation, term: Term, place: Access, system: System, params: Mapping[str, Array]) -> float | None:
    """A bound of the partial derivative of a term with respect to one element, as an operator norm."""
    holding = [factor for factor in term.factors if factor.has(place.element)]
    if term.over or len(holding) != 1:
        return None
    slope = _slope(holding[0], place.element)
    rest = [factor for factor in term.factors if factor is not holding[0]]
    weights = [factor for factor in rest if not factor.is_Number]
    if slope is None or len(weights) > 1:
        return None
    number = slope * abs(float(Mul(*(factor for factor in rest if factor.is_Number))))
    inner, outer = place.indices, equation.indices
    if not weights:
        return number if inner == outer else None
    weight = weights[0]
    if not isinstance(weight, Indexed) or name_of(weight) not in params:
        return None
    array = np.asarray(params[name_of(weight)])
    if len(inner) == len(outer) == 1 and weight.indices in ((*outer, *inner), (*inner, *outer)):
        return number * float(np.linalg.norm(array, 2))
    return number * float(np.abs(array).max()) if weight.indices == outer == inner else None


def _slope(factor: Expr, element: Expr) -> float | None:
    """The largest slope of a factor as a function of the element: 1 where it is the element itself."""
    if factor == element:
        return 1.0
    operation = operation_of(factor)
    if isinstance(operation, Elementwise) and operation.slope is not None and factor.args[0] == element:
        return float(operation.slope)
    return None
