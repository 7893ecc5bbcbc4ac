"""Index notation: every equation for one element, and sums over the other indices with their limits."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, Symbol

from rnnsym.equations.indexed import Equation, Select, Term, index_sizes, indices_in, whole_function
from rnnsym.notation.builder import Builder, ElementBuilder, constants, ends_in_time_sum
from rnnsym.notation.parts import Axes
from rnnsym.notation.tree import Applied, Entry, Minus, Node, SizeSum, TimeSum, minus, plus
from rnnsym.operations import VectorFunction, operation_of


class IndexBuilder(ElementBuilder):
    """Builds the right side of an equation for one element of its left side."""

    def equation(self, equation: Equation) -> Node:
        function = whole_function(equation)
        operation = None if function is None else operation_of(function)
        if function is not None and isinstance(operation, VectorFunction):
            vectors = Builder(self.variables, self.rows)
            inner = Applied(operation, vectors.factor(function.args[0]).node)
            return Entry(inner, equation.indices) if equation.indices else inner
        sizes = dict(zip(equation.indices, equation.variable.shape, strict=True))
        parts = [self.term(term, equation.indices, sizes) for term in equation.terms]
        return plus(tuple(sorted(parts, key=ends_in_time_sum)))

    def term(self, term: Term, free: Axes, sizes: Mapping[Symbol, Expr], full: bool = False) -> Node:
        """One term: sums over time, then factors without summed indices, then the sums over those."""
        sizes = {**index_sizes(term, self.variables), **sizes}
        inner, outer = constants(_without_selects(term, free))
        if len(free) == 2:  # an outer product reads from row to column
            places = {index: place for place, index in enumerate(free)}
            inner = tuple(sorted(inner, key=lambda f: min((places.get(i, 2) for i in indices_in(f)), default=-1)))
        summed = sorted({index for factor in inner for index in indices_in(factor)} - set(free), key=str)
        before = tuple(factor for factor in inner if not indices_in(factor) & set(summed))
        number, parts = self.numbered(tuple(factor for factor in inner if factor not in before) if summed else inner)
        node = self._assembled(number, parts, ())
        negative = isinstance(node, Minus)
        node = node.operand if isinstance(node, Minus) else node
        if summed:
            node = SizeSum(tuple((index, sizes[index]) for index in summed), node)
            node = self._assembled(*self.numbered(before), (), node) if before else node
            negative ^= isinstance(node, Minus)
            node = node.operand if isinstance(node, Minus) else node
        for index, interval in term.over:
            node = TimeSum(index, interval, node)
        node = self._assembled(*self.numbered(outer), (), node) if outer else node
        return minus(node) if negative else node


def _without_selects(term: Term, free: Axes) -> Term:
    """The term where an element of a concatenation that is summed over is one of its part: `W[i, j + n] x[j]`."""
    for select in [factor for factor in term.factors if isinstance(factor, Select)]:
        whole, own, offset, _ = select.args
        if whole not in free:
            rest = tuple(factor for factor in term.factors if factor is not select)
            term = Term(tuple(factor.xreplace({whole: own + offset}) for factor in rest), term.when, term.over)
    return term
