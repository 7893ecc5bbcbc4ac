"""A plan whose products are taken two factors at a time, with a name for what each of them gives.

`W V x` costs a matrix product where it stands in one sum over two indices, and two products with a vector where `V x`
has a name; so does a product with a matrix beside other factors, `(W h) * (U x)`. What has a name is computed like any
other value of its step: products with matrices that stay the same are done in tiles.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import Expr, Indexed, Number, Symbol

from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    Role,
    Term,
    Variable,
    accesses,
    index_sizes,
    indices_in,
    name_of,
    t,
    term_indices,
    time_of,
)
from rnnsym.kernels.arrays import parameters
from rnnsym.kernels.backends.native.phases import product_of
from rnnsym.kernels.fast.forms import is_plain, split_matvec
from rnnsym.kernels.fast.regions import Pass, Plan, Region
from rnnsym.kernels.fast.stages import Stage
from rnnsym.kernels.schedule import GENERIC
from rnnsym.language.syntax import free_name
from rnnsym.language.timing import Interval, shifted


def contracted(cut: Plan) -> Plan:
    """The plan with a name for each product that is part of another one, or stands beside other factors."""
    variables = {**cut.variables}
    for name in fixed(cut):  # the same at all steps and for all examples: as good as a parameter
        variables[name] = replace(variables[name], role=Role.PARAMETER)
    names = Names(variables)
    once = frozenset(equation.name for equation in (*cut.before, *cut.between))
    forward, backward = (
        Pass(tuple(names.region(region, once) for region in part.regions)) for part in (cut.forward, cut.backward)
    )
    return replace(cut, variables=names.variables, forward=forward, backward=backward)


def fixed(cut: Plan) -> frozenset[str]:
    """Parameters, and what is computed of them alone before the first step."""
    found = set(parameters(cut.program))
    for equation in cut.before:
        if equation.time is None and equation.reads <= found:
            found.add(equation.name)
    return frozenset(found)


@dataclass
class Names:
    """Gives names to products. `known`: those of the region at hand, by what they are."""

    variables: dict[str, Variable]
    known: dict[object, Expr] = field(default_factory=dict)
    made: list[Equation] = field(default_factory=list)

    def region(self, region: Region, once: frozenset[str]) -> Region:
        """The stages, with what has a name before what reads it, and the sums. once: what is set outside as well."""
        self.known.clear()
        stages = []
        for stage in region.stages:
            found: list[Equation] = []
            for equation in stage.equations:
                changed = self._equation(_without_ends(equation, region, once, self.variables))
                found += [*self._taken(), changed]
            stages.append(Stage(stage.loop, tuple(found)))
        sums = tuple(self._equation(equation) for equation in region.sums)
        if self.made:
            stages.append(Stage(False, self._taken()))
        return replace(region, stages=tuple(stages), sums=sums)

    def _taken(self) -> tuple[Equation, ...]:
        made, self.made = tuple(self.made), []
        return made

    def _equation(self, equation: Equation) -> Equation:
        return replace(equation, terms=tuple(self._term(term, equation) for term in equation.terms))

    def _term(self, term: Term, equation: Equation) -> Term:
        """The term with names for its inner products."""
        if term.when is not None or any(not is_plain(factor) for factor in term.factors):
            return term
        if any(found.time is not None and not found.time.has(t) for found in accesses(term, self.variables)):
            return term
        while True:
            split = self._matvec(term, equation)
            group = split or self._cheaper(term, equation)
            if group is None:
                return term
            rest = tuple(factor for factor in term.factors if factor not in group)
            term = replace(term, factors=(*rest, self._named(group, rest, term, equation)))

    def _matvec(self, term: Term, equation: Equation) -> tuple[Expr, ...] | None:
        """Factors that are to be one value: of a product with a fixed matrix that is no more than that."""
        if product_of(term, equation, self.variables) is not None:
            return None
        split = split_matvec(replace(term, over=()), equation, self.variables)
        if split is None or not self._is_fixed(split.matrix):
            return None
        index = next(iter(term_indices(term) - set(equation.indices)))
        touching = tuple(factor for factor in term.factors if index in indices_in(factor))
        if all(isinstance(factor, Number) for factor in split.rest) and not term.over:
            return tuple(factor for factor in touching if not self._is_fixed(factor))
        return touching

    def _cheaper(self, term: Term, equation: Equation) -> tuple[Expr, ...] | None:
        """Factors that share a summed index and take less time as a product of their own."""
        inside = {index for index in term_indices(term) if not _is_time(index, term)}
        found: list[tuple[int, int, str, tuple[Expr, ...]]] = []
        for index in inside - set(equation.indices):
            group = tuple(factor for factor in term.factors if index in indices_in(factor))
            own = {i for factor in group for i in indices_in(factor)}
            rest = {i for factor in term.factors if factor not in group for i in indices_in(factor)}
            left = own & (rest | set(equation.indices))
            timed = any(self.variables[one.name].timed for one in accesses(Term(group), self.variables))
            if len(own) < len(inside) and timed:
                found.append((len(own), len(left), str(index), group))
        return min(found)[3] if found else None

    def _named(self, group: tuple[Expr, ...], rest: tuple[Expr, ...], term: Term, equation: Equation) -> Expr:
        """The element of a value that is the product of some factors, summed over what no other factor has."""
        outside = {i for factor in rest for i in indices_in(factor)} | set(equation.indices)
        kept = sorted({i for factor in group for i in indices_in(factor)} & outside, key=INDICES.index)
        summed = sorted({i for factor in group for i in indices_in(factor)} - outside, key=INDICES.index)
        places: dict[Expr, Expr] = dict(zip([*kept, *summed], INDICES, strict=False))
        factors = tuple(factor.xreplace(places) for factor in group)
        key = frozenset(factors), len(kept)
        if key not in self.known:
            sizes = index_sizes(term, self.variables)
            hint = "_".join(dict.fromkeys(["m", *(one.name for one in accesses(Term(group), self.variables))]))
            variable = Variable(self._free(hint), tuple(sizes[i] for i in kept), True, Role.INTERMEDIATE)
            self.variables[variable.name] = variable
            interval = equation.interval or dict(term.over)[t]
            made = Equation(variable, GENERIC, INDICES[: len(kept)], (Term(factors),), interval)
            self.known[key] = variable.at(t, *made.indices)
            made = self._equation(made)
            self.made.append(made)
        return self.known[key].xreplace(dict(zip(INDICES, kept, strict=False)))

    def _is_fixed(self, factor: Expr) -> bool:
        """Whether a factor is an element of a matrix that stays the same."""
        if not isinstance(factor, Indexed) or len(factor.indices) != 2:
            return False
        return self.variables[name_of(factor)].role is Role.PARAMETER

    def _free(self, hint: str) -> str:
        return free_name(hint, self.variables)


def _is_time(index: Symbol, term: Term) -> bool:
    return any(index == other for other, _ in term.over)


def _without_ends(equation: Equation, region: Region, once: frozenset[str], variables: dict[str, Variable]) -> Equation:
    """Terms that are there wherever the step that they come from exists, at all steps: beyond the ends it is zero."""
    if equation.interval is None:
        return equation
    own = {e.name for e in region.equations if e.variable.adjoint_of is not None} - once

    def whole(term: Term) -> Term:
        others = [
            (found.name, time_of(found.time).offset)
            for found in accesses(term, variables)
            if found.time is not None and found.time.has(t) and time_of(found.time).offset * region.direction < 0
        ]
        if term.when is None or len(others) != 1 or others[0][0] not in own:
            return term
        name, offset = others[0]
        linear = sum(isinstance(factor, Indexed) and name_of(factor) == name for factor in term.factors) == 1
        low, high = region.interval.low, region.interval.high
        there = Interval(low, shifted(high, -offset)) if offset > 0 else Interval(shifted(low, -offset), high)
        return replace(term, when=None) if term.when == there and linear else term

    return replace(equation, terms=tuple(whole(term) for term in equation.terms))
