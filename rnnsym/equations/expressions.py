"""The element of an expression, as a sum of products of elements of variables.

A product may hold sums (`W[i, j] h[j]`); a sum inside anything else, and the argument of every function, is given a
name by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sympy import Add, Expr, Integer, KroneckerDelta, Mul, Pow, Rational, Symbol, pi

from rnnsym.equations.indexed import T, Term, Variable, fresh, indices_in, t
from rnnsym.equations.parts import Shape, complement_of, is_number, letter_of, result_letter, shape_of
from rnnsym.equations.products import Product, contract, indices_of
from rnnsym.language.syntax import (
    Binary,
    Call,
    Constant,
    Expression,
    Negative,
    Number,
    Reference,
    Slice,
    Transpose,
)
from rnnsym.operations import FUNCTIONS, OPERATIONS, Elementwise, Pairwise, Structural, VectorFunction

#: The element of each constant of the language.
CONSTANTS: dict[str, Callable[..., Expr]] = {
    "identity": KroneckerDelta,
    "ones": lambda index: Integer(1),
    "π": lambda *indices: pi,
    "steps_T": lambda *indices: T,
}


class Elements:
    """The elements of expressions.

    `variables` may grow while it is used; `named(expression, letter, indices)` gives the element of an expression under
    a name of its own.
    """

    def __init__(
        self,
        variables: Mapping[str, Variable],
        named: Callable[[Expression, str, tuple[Symbol, ...]], Expr],
    ) -> None:
        self.variables = variables
        self.named = named

    def shape(self, node: Expression) -> Shape:
        """The sizes of an expression."""
        return shape_of(node, {name: variable.shape for name, variable in self.variables.items()})

    def products(
        self, node: Expression, indices: tuple[Symbol, ...], taken: set[Symbol] | None = None
    ) -> list[Product]:
        """The element at `indices` of an expression; a scalar ignores them. Fresh indices avoid `taken`."""
        taken = (taken or set()) | set(indices)
        match node:
            case Number(value):
                return [Product((Rational(value.numerator, value.denominator),))]
            case Reference(name, time):
                return [Product((self.variables[name].at(time, *self._fit(node, indices)),))]
            case Negative(operand):
                return [Product((Integer(-1), *p.factors), p.over_time) for p in self.products(operand, indices, taken)]
            case Transpose(operand):
                return self.products(operand, indices[::-1], taken)
            case Binary("+", left, right):
                return self.products(left, indices, taken) + self.products(right, indices, taken)
            case Binary("-", left, right):
                return self.products(left, indices, taken) + self.products(Negative(right, node.span), indices, taken)
            case Binary("*", left, right):
                return self._multiplied(left, right, indices, taken)
            case Binary("/", left, right):
                return self._divided(left, right, indices, taken)
            case Binary("**", base, Number(value)):
                power = Rational(value.numerator, value.denominator)
                return [Product((Pow(self.element(base, indices, taken), power),))]
            case Binary("@", left, right):
                return self._matrix_product(left, right, self._fit(node, indices), taken)
            case Call():
                return self._call(node, indices, taken)
            case Constant():
                return [Product((CONSTANTS[node.function](*indices),))]
            case Slice():  # an equation of its own says how far its index runs
                return [Product((self.named(node, "a", indices),))]
        raise AssertionError(f"no rule for {node}")

    def _fit(self, node: Expression, indices: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
        """A scalar among vectors has no index: it is broadcast."""
        return indices if self.shape(node) else ()

    def element(self, node: Expression, indices: tuple[Symbol, ...], taken: set[Symbol]) -> Expr:
        """The element of an expression as one SymPy expression without hidden sums."""
        indices = self._fit(node, indices)
        found = self.products(node, indices, taken)
        if any(p.over_time or _sums(p, indices) for p in found):
            return self.named(node, "s", indices)
        return Add(*(Mul(*p.factors) for p in found))

    def _factor(self, node: Expression, indices: tuple[Symbol, ...], taken: set[Symbol]) -> Product:
        """An operand of a product: its factors one by one, or a sum as one factor."""
        indices = self._fit(node, indices)
        found = self.products(node, indices, taken)
        if len(found) == 1:
            return found[0]
        return Product((self.element(node, indices, taken),))

    def _multiplied(
        self, left: Expression, right: Expression, indices: tuple[Symbol, ...], taken: set[Symbol]
    ) -> list[Product]:
        for number, rest in ((left, right), (right, left)):
            if is_number(number):
                factor = self._factor(number, (), taken).factors
                return [Product(factor + p.factors, p.over_time) for p in self.products(rest, indices, taken)]
        one = self._factor(left, indices, taken)
        other = self._factor(right, indices, taken | indices_of(one))
        return [self._joined(one, other, right, indices)]

    def _joined(self, one: Product, other: Product, node: Expression, indices: tuple[Symbol, ...]) -> Product:
        if one.over_time and other.over_time:  # two sums over time cannot share t
            other = Product((self.named(node, "s", self._fit(node, indices)),))
        return Product(one.factors + other.factors, one.over_time or other.over_time)

    def _divided(
        self, left: Expression, right: Expression, indices: tuple[Symbol, ...], taken: set[Symbol]
    ) -> list[Product]:
        below = Pow(self.element(right, indices, taken), -1)
        above = (
            self.products(left, indices, taken)
            if is_number(right)
            else [self._factor(left, indices, taken | indices_in(below))]
        )
        return [p.times(below) for p in above]

    def _matrix_product(
        self, left: Expression, right: Expression, indices: tuple[Symbol, ...], taken: set[Symbol]
    ) -> list[Product]:
        rows = len(self.shape(left)) - 1
        (inner,) = fresh(taken, 1)
        one = self._factor(left, (*indices[:rows], inner), taken | {inner})
        other = self._factor(right, (inner, *indices[rows:]), taken | {inner} | indices_of(one))
        return [_contracted(self._joined(one, other, right, (inner, *indices[rows:])), {inner})]

    def _call(self, node: Call, indices: tuple[Symbol, ...], taken: set[Symbol]) -> list[Product]:
        operation = OPERATIONS[node.function]
        if node.function == "named":
            (argument,) = node.arguments
            return [Product((self.atom(argument, letter_of(argument), self._fit(node, indices)),))]
        if node.function == "sqrt" and is_number(node.arguments[0]):
            return [Product((Pow(self.element(node.arguments[0], (), taken), Rational(1, 2)),))]
        if isinstance(operation, Elementwise | Pairwise):
            letter = operation.letter
            if node.function == "log" and (part := complement_of(node.arguments[0])) is not None:
                # In log(1 - y) as it is, 1 - y is seen to cancel with that of the slope of a sigmoid.
                return [Product((FUNCTIONS["log"](1 - self.atom(part, letter, self._fit(part, indices))),))]
            every = (self.atom(part, letter, self._fit(part, indices)) for part in node.arguments)
            return [Product((FUNCTIONS[node.function](*every),))]
        if isinstance(operation, VectorFunction) or node.function == "concat":
            letter = result_letter(operation)
            return [Product((self.named(node, letter, self._fit(node, indices)),))]
        if isinstance(operation, Structural) and operation.indices is not None:
            return self._contraction(node, *operation.indices, self._fit(node, indices), taken)
        (argument,) = node.arguments
        match node.function:
            case "size":
                return [Product((Mul(*self.shape(argument)),))]
            case "sum_elements":
                return self._sum_elements(argument, taken)
            case "mean_elements":
                count = Mul(*self.shape(argument))
                return [Product((1 / count, *p.factors), p.over_time) for p in self._sum_elements(argument, taken)]
            case "sum_time":
                return self._sum_time(argument, indices, taken)
            case "mean_time":
                return [Product((1 / T, *p.factors), p.over_time) for p in self._sum_time(argument, indices, taken)]
        raise AssertionError(f"no rule for {node}")

    def _contraction(
        self,
        node: Call,
        inputs: tuple[tuple[str, ...], ...],
        outputs: tuple[str, ...],
        indices: tuple[Symbol, ...],
        taken: set[Symbol],
    ) -> list[Product]:
        """A sum of products by its signature; an index that stands twice in the result makes a diagonal."""
        places = dict(reversed(list(zip(outputs, indices, strict=True))))
        summed = [letter for letters in inputs for letter in letters if letter not in places]
        places |= dict(zip(dict.fromkeys(summed), fresh(taken, len(set(summed))), strict=True))
        taken = taken | set(places.values())
        result = Product(
            tuple(
                KroneckerDelta(places[letter], index)
                for letter, index in zip(outputs, indices, strict=True)
                if places[letter] != index
            )
        )
        for argument, letters in zip(node.arguments, inputs, strict=True):
            place = tuple(places[letter] for letter in letters)
            factor = self._factor(argument, place, taken)
            taken = taken | indices_of(factor)
            result = self._joined(result, factor, argument, place)
        result = _contracted(result, {places[letter] for letter in summed})
        return [result if result.factors else Product((Integer(1),))]

    def _sum_elements(self, summand: Expression, taken: set[Symbol]) -> list[Product]:
        shape = self.shape(summand)
        inner = fresh(taken, len(shape))
        found = []
        for product in self.products(summand, inner, taken | set(inner)):
            over = tuple(zip(inner, shape, strict=True))
            if any(isinstance(factor, KroneckerDelta) and set(factor.args) == set(inner) for factor in product.factors):
                # A diagonal has one index, and here it is known how far that one runs.
                product, over = _contracted(product, {inner[1]}), over[:1]
            # What does not depend on a summed index is added up as many times as the index has values.
            counts = tuple(size for index, size in over if index not in indices_of(product))
            found.append(Product(counts + product.factors, product.over_time))
        return found

    def _sum_time(self, summand: Expression, indices: tuple[Symbol, ...], taken: set[Symbol]) -> list[Product]:
        found = []
        for product in self.products(summand, indices, taken):
            if any(factor.has(t) for factor in product.factors):
                found.append(Product(product.factors, over_time=True))
            else:
                found.append(Product((T, *product.factors)))
        return found

    def atom(self, node: Expression, letter: str, indices: tuple[Symbol, ...]) -> Expr:
        """The argument of a function: a variable as it is, anything else under a name of its own."""
        if isinstance(node, Reference):
            return self.variables[node.name].at(node.time, *indices)
        if isinstance(node, Call) and node.function == "named":
            return self.atom(node.arguments[0], letter, indices)
        if is_number(node):
            return self.element(node, (), set())
        if isinstance(node, Call) and isinstance(OPERATIONS[node.function], VectorFunction):
            letter = result_letter(OPERATIONS[node.function])
        return self.named(node, letter, indices)


def _contracted(product: Product, summed: set[Symbol]) -> Product:
    """A product whose deltas in the summed indices are used up."""
    if not any(isinstance(factor, KroneckerDelta) for factor in product.factors):
        return product
    return replace(product, factors=contract(Term(product.factors), indices_of(product) - summed).factors)


def _sums(product: Product, indices: tuple[Symbol, ...]) -> bool:
    return bool(indices_of(product) - set(indices))
