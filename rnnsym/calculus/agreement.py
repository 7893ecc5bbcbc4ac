"""Two routes to the adjoints of the states, compared as formulas.

The reverse sweep goes from equation to equation and names every adjoint on its way; the sums over paths are made from
one-step derivatives, which the chain rule builds forwards. Both must say the same. Here the adjoints between the states
are put in, products are multiplied out, and summed indices get canonical names: equal sums of equal products are equal
for all sizes and all times.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import permutations

from sympy import Add, Expr, Mul, Pow, Symbol, expand

from rnnsym.calculus.chains import Chain
from rnnsym.calculus.rules import adjoint_name, adjoint_of, substituted
from rnnsym.equations.indexed import INDICES, Access, Equation, Role, Term, Variable, accesses, indices_in, t
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval, at_length

#: More summed indices than this would take too many renamings to compare.
MOST = 6
#: More renamings of monomials than this take too long.
LARGEST = 2_000
LONG = 1000

Sum = Counter[tuple[Expr, int, tuple[object, ...]]]


def adjoints_agree(chain: Chain, adjoints: tuple[Equation, ...]) -> bool:
    """Whether the adjoint of each state by the reverse sweep is that by one-step derivatives, as formulas.

    False also where they are too large to be multiplied out.
    """
    variables = {**chain.variables, **{e.name: e.variable for e in adjoints}}
    inside = {adjoint_name(name) for name in chain.step.computing}
    swept = {e.name: e for e in adjoints if e.name in inside and e.time in (None, Time("t", 0))}
    # A state that does not reach the loss has no adjoint, or one that is zero.
    silent = {adjoint_name(name) for name in chain.states} - {name for name, e in swept.items() if e.terms}
    built = {
        adjoint_name(name): _without(_built(chain, name), silent, variables)
        for name in chain.states
        if adjoint_name(name) not in silent
    }
    states = {adjoint_name(name) for name in chain.states}
    built |= {e.name: e for e in chain.direct if e.variable.role is Role.PARTIAL}
    for name in states - silent:
        free = set(built[name].indices)
        both = [_put_in(one[name], one, variables, states) for one in (swept, built)]
        if any(sum(_renamings(term, free) for term in terms) > LARGEST for terms in both):
            return False
        ways = [_canonical(terms, free, chain.times) for terms in both]
        if ways[0] != ways[1]:
            return False
    return True


def _built(chain: Chain, name: str) -> Equation:
    """The adjoint of a state from one-step derivatives."""
    variable = chain.step.system.variables[name]
    terms = chain.adjoint_terms(name)
    return Equation(adjoint_of(variable), Time("t", 0), INDICES[: len(variable.shape)], terms, chain.times)


def _without(equation: Equation, silent: set[str], variables: dict[str, Variable]) -> Equation:
    """An equation without the terms that hold an adjoint which is zero."""
    kept = [term for term in equation.terms if not any(p.name in silent for p in accesses(term, variables))]
    return replace(equation, terms=tuple(kept))


def _put_in(
    equation: Equation, known: dict[str, Equation], variables: dict[str, Variable], states: set[str]
) -> list[Term]:
    """The terms of an adjoint, with those of the same step put in."""
    free = set(equation.indices)
    waiting = [replace(term, when=term.when or equation.interval) for term in equation.terms]
    found: list[Term] = []
    while waiting:
        term = waiting.pop()
        place = next((p for p in accesses(term, variables) if p.name in known and _is_inside(p, known, states)), None)
        if place is None:
            found.append(term)
            continue
        other = known[place.name]
        shift = 0 if place.time is None else int(place.time - t)
        for product in other.terms:
            when = product.when or other.interval
            moved = None if when is None else when.shifted(-shift)
            plain = replace(product, when=None)
            for new in substituted(Term(term.factors), place.element, (plain,), free, other.indices):
                joint = _both(term.when, moved)
                if new.factors != (0,) and not _never(joint):
                    waiting.append(Term(new.factors, joint, (*term.over, *product.over)))
    return found


def _is_inside(place: Access, known: dict[str, Equation], states: set[str]) -> bool:
    """Whether an adjoint belongs to the same step: those of later steps stay, by way of the states."""
    if place.time is None:
        return known[place.name].time is None
    if not place.time.has(t):
        return False
    return place.time == t or place.name not in states


def _both(one: Interval | None, other: Interval | None) -> Interval | None:
    """The times in both; None stands for all times."""
    if one is None or other is None:
        return one or other
    low = max(one.low, other.low, key=lambda time: at_length(time, LONG))
    return Interval(low, min(one.high, other.high, key=lambda time: at_length(time, LONG)))


def _never(when: Interval | None) -> bool:
    return when is not None and at_length(when.low, LONG) > at_length(when.high, LONG)


def _canonical(terms: list[Term], free: set[Symbol], times: Interval) -> Sum:
    """A sum of products as monomials with their times and coefficients."""
    found: Sum = Counter()
    for term in terms:
        when = _both(term.when, times)
        if when is None or _never(when):
            continue
        for monomial in Add.make_args(expand(Mul(*term.factors))):
            number, rest = monomial.as_coeff_Mul()
            # One count for each time: stretches of time may be cut differently on both sides.
            key = _least(rest, free)
            for step in _sample(when):
                found[key, step, term.over] += number
    return Counter({key: value for key, value in found.items() if value != 0})


def _renamings(term: Term, free: set[Symbol]) -> int:
    """How many products a comparison looks at, at most, for one term."""
    product = Mul(*term.factors)
    return _monomials(product) * math.factorial(min(len(indices_in(product) - free), MOST))


def _monomials(expression: Expr) -> int:
    """How many monomials an expression has at most, multiplied out."""
    if isinstance(expression, Add):
        return sum(_monomials(part) for part in expression.args)
    if isinstance(expression, Mul):
        return math.prod(_monomials(part) for part in expression.args)
    if isinstance(expression, Pow) and expression.exp.is_Integer and expression.exp > 0:
        return int(_monomials(expression.base) ** int(expression.exp))
    return 1


def _sample(when: Interval) -> list[int]:
    """The times near both ends and one between: what holds there holds at all times between."""
    low, high = at_length(when.low, LONG), at_length(when.high, LONG)
    near = [*range(-20, 21), LONG // 2, *range(LONG - 20, LONG + 21)]
    return [step for step in near if low <= step <= high]


def _least(product: Expr, free: set[Symbol]) -> Expr:
    """The product with its summed indices renamed: the same for all that differ in names only."""
    summed = sorted(indices_in(product) - free, key=str)
    if not summed or len(summed) > MOST:
        return product
    names = [index for index in INDICES if index not in free][: len(summed)]
    candidates = (product.xreplace(dict(zip(summed, order, strict=True))) for order in permutations(names))
    return min(candidates, key=str)
