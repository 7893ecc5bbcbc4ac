"""One equation as loops over its indices: whatever is no part of a phase."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr, Function, Indexed, KroneckerDelta, Number, Symbol

from rnnsym.equations.indexed import (
    Equation,
    Select,
    Term,
    Variable,
    access,
    accesses,
    elements,
    index_sizes,
    indices_in,
    s,
    t,
    term_indices,
    time_of,
    whole_function,
)
from rnnsym.kernels.backends.native.expressions import factor_code, index_name, size_code
from rnnsym.kernels.backends.native.storage import Place, Storage
from rnnsym.kernels.backends.native.syntax import C, Syntax
from rnnsym.kernels.backends.native.whole import function_lines
from rnnsym.kernels.schedule import GENERIC
from rnnsym.kernels.when import time_code
from rnnsym.language.timing import Interval
from rnnsym.operations import VectorFunction, operation_of


def condition(when: Interval, at: str, syntax: Syntax, whole: Interval | None = None) -> str:
    """A test for `at` being one of the times `when`, for one of the times `whole`; empty where it always is."""
    if when == whole:
        return ""
    if when.is_point:
        return f"{at} == {time_code(when.low)}"
    tests = []
    if whole is None or whole.low != when.low:
        tests.append(f"{at} >= {time_code(when.low)}")
    if whole is None or whole.high != when.high:
        tests.append(f"{at} <= {time_code(when.high)}")
    return syntax.both(tests)


#: Factors that share summed indices, with these indices.
Groups = list[tuple[list[Expr], set[Symbol]]]


@dataclass(frozen=True)
class Nest:
    """Writes equations as loops. `storage` knows where everything is."""

    storage: Storage
    variables: dict[str, Variable]
    syntax: Syntax = C

    def target(self, equation: Equation) -> Place:
        return self.storage.of(equation.name, None if equation.time in (None, GENERIC) else equation.time)

    def lines(self, equation: Equation, accumulate: tuple[str, str] | None = None) -> list[str]:
        """The loops of an equation; `accumulate`: add the times between two C expressions to what is there."""
        place = self.target(equation)
        start = place.at("t" if equation.time == GENERIC else time_code(equation.time) if equation.time else "")
        function = whole_function(equation)
        if isinstance(operation_of(function) if function is not None else None, VectorFunction):
            return function_lines(self, equation)
        syntax = self.syntax
        indices = [index_name(index) for index in equation.indices]
        position = self._position(place, indices)
        sizes = dict(zip(equation.indices, equation.variable.shape, strict=True))
        plain = all(term.when is None and not term.over for term in equation.terms) and place.batch
        lines: list[str] = []
        if not accumulate and not plain:
            lines += self._zeros(place, start)
        simple = [term for term in equation.terms if self._is_simple(term, equation)] if place.batch else []
        if simple:
            lines += syntax.loop("b", "B", self._together(simple, equation, (start, position), plain))
        others = [term if accumulate else _apart(term) for term in equation.terms if term not in simple]
        for number, term in enumerate(others):
            body = self._term(term, equation, sizes, (start, position), plain and not simple and not number)
            each = place.batch or self._is_summed(term, equation)
            body = syntax.loop("b", "B", body) if each else syntax.scope(body)
            for index, interval in reversed(term.over):
                low, high = accumulate or (time_code(interval.low), time_code(interval.high))
                body = syntax.through(str(index), low, high, body)
            if term.when is not None:
                at = "t" if equation.time == GENERIC else time_code(equation.time or GENERIC)
                test = condition(term.when, at, syntax, equation.interval)
                body = syntax.test(test, body) if test else body
            lines += body
        if not equation.terms and plain:
            lines += self._zeros(place, start)
        return lines

    def _zeros(self, place: Place, start: str) -> list[str]:
        """Zeros for one row; what lies beside it in the same array stays."""
        if not place.stride:
            return [self.syntax.zero(start, place.row)]
        return self.syntax.loop("b", "B", [self.syntax.zero(f"{start} + b * {place.apart}", place.size)])

    def _is_summed(self, term: Term, equation: Equation) -> bool:
        """Whether a term of a target without a batch is the sum over the batch: every example adds to a gradient.

        What is the same for all examples is not, nor what follows from a gradient that is such a sum already.
        """
        read = [self.row(one.element)[0] for one in accesses(term, self.variables)]
        if any(place.batch for place in read):
            return True
        adjoint = equation.variable.adjoint_of is not None
        return adjoint and not any(place.variable.adjoint_of is not None for place in read)

    def _position(self, place: Place, indices: list[str]) -> str:
        """Where an element is in its row of the batch."""
        flat = ""
        for index, size in zip(indices, place.variable.shape, strict=True):
            inner = f"({flat})" if "+" in flat else flat
            flat = f"{inner} * {size_code(size)} + {index}" if flat else index
        if not place.batch:
            return flat or "0"
        if place.apart == "1":
            return "b"
        return f"b * {place.apart} + {flat}" if flat else "b"

    # Terms

    def _is_simple(self, term: Term, equation: Equation) -> bool:
        """Whether a term is a product for each element of the target, with no sum and no test."""
        if term.when is not None or term.over or any(factor.has(Select) for factor in term.factors):
            return False
        return term_indices(term) <= set(equation.indices)

    def _together(self, terms: list[Term], equation: Equation, at: tuple[str, str], fresh: bool) -> list[str]:
        """Simple terms in one loop."""
        names = {index: index_name(index) for index in equation.indices}
        products = [
            " * ".join(factor_code(factor, lambda e: self._element(e, names), self.syntax) for factor in term.factors)
            for term in terms
        ]
        value = " + ".join(product or self.syntax.one for product in products)
        return self._over([self.syntax.store(*at, value, not fresh)], equation)

    def _over(self, lines: list[str], equation: Equation, outer: bool = True) -> list[str]:
        """The loops over the indices of the target, or those over the last one alone; no element is read by another."""
        pairs = list(zip(equation.indices, equation.variable.shape, strict=True))
        for position, (index, size) in enumerate(reversed(pairs)):
            if outer or not position:
                lines = self.syntax.loop(index_name(index), size_code(size), lines, apart=not position)
        return lines

    def _term(
        self, term: Term, equation: Equation, sizes: dict[Symbol, Expr], at: tuple[str, str], fresh: bool
    ) -> list[str]:
        """The loops of one product over the target's indices; sums that need no target index come first.

        at: where its value goes. fresh: it sets what others add to.
        """
        syntax = self.syntax
        own = _all_sizes(term, {**index_sizes(term, self.variables), **sizes})
        names = {index: index_name(index) for index in term_indices(term) | set(equation.indices)}
        tests: list[str] = []
        aliases: dict[Symbol, Symbol] = {}
        bound: set[Symbol] = set(equation.indices)
        for select in [factor for factor in term.factors if isinstance(factor, Select)]:
            whole, part, offset, _ = select.args
            shift = size_code(offset)
            if whole in bound and part not in bound:
                names[part] = f"({names[whole]} - {shift})"
                tests += [f"{names[whole]} >= {shift}", f"{names[part]} < {size_code(own[part])}"]
                bound.add(part)
            elif whole not in bound:
                # Where both are summed, the sum over the part is left.
                aliases[whole] = part
                names[whole] = f"({names[part]} + {shift})"
            else:
                tests.append(f"{names[whole]} == {names[part]} + {shift}")
        factors = [factor for factor in term.factors if not isinstance(factor, Select)]
        groups = self._groups(factors, bound, aliases)
        if not tests and not aliases and self._is_strided(groups, equation):
            return self._by_rows(groups, equation, own, at, fresh)
        before: list[str] = []
        inside: list[str] = []
        parts: list[str] = []
        dependent = {
            index
            for index in term_indices(term)
            if names[index] != index_name(index) and aliases.get(index, equation) not in own.keys() - bound
        } | set(equation.indices)
        for number, (group, summed) in enumerate(groups):
            code = " * ".join(factor_code(factor, lambda e: self._element(e, names), syntax) for factor in group)
            if not summed:
                parts.append(code)
                continue
            free = not any(indices_in(factor) & dependent for factor in group)
            name = f"sum_{number}"
            body = [syntax.statement(f"sum += {code}")]
            for position, index in enumerate(_inner_first(summed, group)):
                body = syntax.loop(index_name(index), size_code(own[index]), body, reduced=not position)
            lines = syntax.total(name, body)
            (before if free else inside).extend(lines)
            parts.append(name)
        statement = [*inside, syntax.store(*at, " * ".join(parts) or syntax.one, not fresh)]
        if tests:
            otherwise = syntax.store(*at, syntax.zero_number) if fresh else ""
            statement = syntax.test(syntax.both(tests), statement, otherwise)
        if not inside:
            return [*before, *self._over(statement, equation)]
        for index in reversed(equation.indices):
            statement = syntax.loop(index_name(index), size_code(sizes[index]), statement)
        return [*before, *statement]

    def _is_strided(self, groups: Groups, equation: Equation) -> bool:
        """Whether a term is one sum over the rows of arrays whose columns the target has."""
        summed = [indices for _, indices in groups if indices]
        if len(summed) != 1 or not equation.indices:
            return False
        (indices,), column = summed, equation.indices[-1]
        factors = [(factor, own) for group, own in groups for factor in group]
        if any(
            factor.has(Function) if own else not isinstance(factor, Indexed | Number | Symbol)
            for factor, own in factors
        ):
            return False  # it would be computed for every row
        wide = [
            element.indices[-1]
            for factor, own in factors
            for element in elements(factor)
            if isinstance(element, Indexed) and column in element.indices and indices & set(element.indices)
        ]
        return bool(wide) and all(last == column for last in wide)

    def _by_rows(
        self, groups: Groups, equation: Equation, sizes: dict[Symbol, Expr], at: tuple[str, str], fresh: bool
    ) -> list[str]:
        """The loops of such a sum, row by row."""
        syntax = self.syntax
        summed = {index for _, indices in groups for index in indices}
        names = {one: index_name(one) for one in (*equation.indices, *summed)}
        factors = [factor for group, _ in groups for factor in group]
        code = " * ".join(factor_code(factor, lambda e: self._element(e, names), syntax) for factor in factors)
        lines = self._over([syntax.store(*at, code, True)], equation, False)
        for index in _inner_first(summed, factors):
            lines = syntax.loop(index_name(index), size_code(sizes[index]), lines)
        if fresh:
            lines = [*self._over([syntax.store(*at, syntax.zero_number)], equation, False), *lines]
        for other, size in reversed(list(zip(equation.indices, equation.variable.shape, strict=True))[:-1]):
            lines = syntax.loop(index_name(other), size_code(size), lines)
        return lines

    def _groups(self, factors: list[Expr], bound: set[Symbol], aliases: dict[Symbol, Symbol]) -> Groups:
        """Factors that share summed indices, with these indices; those without any stand alone."""
        groups: Groups = []
        for factor in factors:
            summed = {aliases.get(index, index) for index in indices_in(factor)} - bound
            merged = [factor]
            rest = []
            for other, indices in groups:
                if indices & summed:
                    merged = [*other, *merged]
                    summed |= indices
                else:
                    rest.append((other, indices))
            groups = [*rest, (merged, summed)]
        return groups

    def _element(self, element: Expr, names: dict[Symbol, str]) -> str:
        if element in names:  # the index itself
            return names[element]
        found = access(element, self.variables)
        place, start = self.row(element)
        indices = [names[index] if index in names else str(index) for index in found.indices]
        return self.syntax.load(start, self._position(place, indices))

    def row(self, element: Expr) -> tuple[Place, str]:
        """Where the row of an element begins."""
        found = access(element, self.variables)
        if found.time is None:
            place = self.storage.of(found.name, None)
            return place, place.at("")
        time = time_of(found.time)
        place = self.storage.of(found.name, time if time.anchor not in ("t", "s") else None)
        if not time.anchor:
            return place, place.at(str(time.offset))
        return place, place.at(time.anchor, time.offset)


def _apart(term: Term) -> Term:
    """A sum over time with an index that no loop around it has: Python's loops have no names of their own."""
    return (
        replace(term.replaced({t: s}), over=tuple((s if index == t else index, when) for index, when in term.over))
        if [index for index, _ in term.over] == [t]
        else term
    )


def _inner_first(summed: set[Symbol], factors: list[Expr]) -> list[Symbol]:
    """Summed indices, first the one along which most of the elements lie side by side, counting their indices."""

    def weight(index: Symbol) -> int:
        found = (e for factor in factors for e in elements(factor) if isinstance(e, Indexed))
        return sum(len(e.indices) for e in found if e.indices[-1] == index)

    return sorted(summed, key=lambda index: (-weight(index), str(index)))


def _all_sizes(term: Term, sizes: dict[Symbol, Expr]) -> dict[Symbol, Expr]:
    """With how far the indices run that only a KroneckerDelta has."""
    for factor in term.factors:
        for delta in factor.atoms(KroneckerDelta):
            for one, other in (delta.args, delta.args[::-1]):
                if other in sizes:
                    sizes.setdefault(one, sizes[other])
    return sizes
