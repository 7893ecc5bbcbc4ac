"""A model's equations in index notation, with a name for every pre-activation.

A product of elements may hold sums (`W[i, j] h[j]`); a sum inside anything else, and the argument of every function,
gets an equation and a name of its own, so that its adjoint has one too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from sympy import Add, Expr, Integer, KroneckerDelta, Mul, Pow, Rational, Symbol, pi

from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    Role,
    Select,
    T,
    Term,
    Variable,
    elements_of,
    fresh,
    indices_in,
    name_of,
    t,
)
from rnnsym.equations.parts import Shape, binds_time, is_number, letter_of, result_letter, shape_of
from rnnsym.equations.products import Product, contract
from rnnsym.equations.products import indices_of as _indices
from rnnsym.equations.products import tidy as tidy
from rnnsym.language.model import Model
from rnnsym.language.syntax import (
    Binary,
    Call,
    Constant,
    Expression,
    Negative,
    Number,
    Reference,
    Slice,
    Time,
    Transpose,
    references,
    walk,
)
from rnnsym.language.timing import WHOLE, Interval, Piece
from rnnsym.operations import FUNCTIONS, OPERATIONS, Elementwise, Pairwise, Structural, VectorFunction

#: The element of each constant of the language.
CONSTANTS: dict[str, Callable[..., Expr]] = {
    "identity": KroneckerDelta,
    "ones": lambda index: Integer(1),
    "π": lambda *indices: pi,
    "steps_T": lambda *indices: T,
}


@dataclass(frozen=True)
class System:
    """Named equations in index notation, and the variables that they speak of."""

    variables: dict[str, Variable]
    equations: tuple[Equation, ...]
    loss: str
    minimum_length: int
    #: The inputs with a value at every step, also where the equations are found to need them at some steps only.
    sequences: tuple[str, ...]
    #: The single values that are handed in, such as ("h", Time("", 0)).
    given: tuple[tuple[str, Time], ...]
    #: The parameters that are not learned.
    fixed: frozenset[str] = frozenset()

    def defining(self, name: str) -> tuple[Equation, ...]:
        """The equations that define a variable, boundary equations included."""
        return tuple(equation for equation in self.equations if equation.name == name)

    @cached_property
    def readers(self) -> dict[str, list[tuple[int, Expr]]]:
        """By variable: the positions of the equations that read it, each with the element that it reads."""
        found: dict[str, list[tuple[int, Expr]]] = {}
        for position, equation in enumerate(self.equations):
            for element in dict.fromkeys(elements_of(equation)):
                found.setdefault(name_of(element), []).append((position, element))
        return found


@lru_cache(maxsize=64)  # for a model that is derived, printed, checked: all of them begin here
def lower(model: Model) -> System:
    r"""The model in index notation.

    >>> from rnnsym.language.model import Model
    >>> system = lower(Model("h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(d[t], h[t])"))
    >>> for equation in system.equations:
    ...     print(equation.target, "=", " + ".join(str(term.product) for term in equation.terms))
    a[t, i] = W[i, j]*h[t - 1, j]
    h[t, i] = tanh(a[t, i])
    E[t] = (-d[t, i] + h[t, i])**2/2
    E_total = E[t]
    """
    first = Lowering(model, {})
    first.run()
    names = shortened(first.named, set(model.names))
    if not names:
        return first.system()
    second = Lowering(model, names)
    second.run()
    return second.system()


def shortened(named: Mapping[str, str], taken: set[str]) -> dict[str, str]:
    """`a_h` becomes `a` where no other variable has a pre-activation of that letter."""
    owners: dict[str, list[str]] = {}
    for name, letter in named.items():
        owners.setdefault(letter, []).append(name)
    return {names[0]: letter for letter, names in owners.items() if len(names) == 1 and letter not in taken}


class Lowering:
    """One pass over the model's pieces. `renamed` exchanges the names given to intermediates."""

    def __init__(self, model: Model, renamed: Mapping[str, str]) -> None:
        self.model = model
        self.renamed = renamed
        self.named: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.equations: list[Equation] = []
        self.variables: dict[str, Variable] = {}
        self.memo: dict[tuple[Expression, Time | None, Interval | None], str] = {}
        self.piece: Piece = model.timing.pieces[0]
        for name in model.names:
            role = Role.DEFINED if name in model.defined else Role.PARAMETER if name in model.param_keys else Role.INPUT
            self.variables[name] = Variable(name, model.shapes[name], name in model.timed, role)

    def run(self) -> None:
        for piece in self.model.timing.pieces:
            self.piece = piece
            target = piece.definition.target
            self._add(self.variables[target.name], piece.definition.value)
        self._add_total()

    def system(self) -> System:
        """What came of the pass."""
        model = self.model
        return System(
            self.variables,
            tuple(self.equations),
            self.loss,
            model.timing.minimum_length,
            model.sequences,
            model.given,
            frozenset(model.fixed),
        )

    # Equations

    def _add(self, variable: Variable, value: Expression) -> None:
        """Append the equation `variable = value`; what it needs named comes before it."""
        time, interval = self.piece.definition.target.time, self.piece.interval
        indices = INDICES[: len(variable.shape)]
        if isinstance(value, Slice) and value.low == 0 and value.high is None:
            value = value.operand
        terms = tuple(
            contract(Term(tidy(p.factors), over=((t, WHOLE),) if p.over_time else ()), set(indices))
            for p in self._whole(value, indices)
        )
        self.equations.append(
            Equation(variable, time, indices, terms, interval, source=self.piece.definition.span.line)
        )

    def _whole(self, value: Expression, indices: tuple[Symbol, ...]) -> list[Product]:
        """The right side of an equation: the one place where a vector function or a concatenation may stand."""
        if isinstance(value, Call):
            operation = OPERATIONS[value.function]
            if isinstance(operation, VectorFunction):
                # The argument's index is bound: softmax(o[k])[i] is element i of the function of the whole vector.
                bound = fresh(set(indices), len(operation.indices[0][0]))
                argument = self._atom(value.arguments[0], operation.letter, bound)
                return [Product((FUNCTIONS[value.function](argument),))]
            if value.function == "concat":
                return self._concatenation(value, indices[0])
        if isinstance(value, Slice):
            (whole,) = fresh(set(indices), 1)
            return [Product((Select(whole, indices[0], value.low), self._whole_of(value, whole)))]
        return self.products(value, indices)

    def _concatenation(self, value: Call, index: Symbol) -> list[Product]:
        found: list[Product] = []
        offset: Expr = Integer(0)
        for argument in value.arguments:
            (part,) = fresh({index}, 1)
            products = self.products(argument, (part,), {index})
            if not all(any(part in indices_in(factor) for factor in product.factors) for product in products):
                # `concat(x, 1 - z)`: an equation of its own says how far the 1 reaches.
                products = [Product((self._named(argument, "a", (part,)),))]
            found += [Product((Select(index, part, offset), *product.factors)) for product in products]
            offset = offset + self.shape(argument)[0]
        return found

    def _add_total(self) -> None:
        """The total loss: the sum of all losses over all their times."""
        losses = self.model.losses
        if len(losses) == 1 and losses[0].target.time is None:
            self.loss = losses[0].target.name
            self.variables[self.loss] = replace(self.variables[self.loss], role=Role.LOSS)
            return
        names = list(dict.fromkeys(definition.target.name for definition in losses))
        self.loss = f"{names[0]}_total" if len(names) == 1 or "E" in self.model.names else "E"
        while self.loss in self.variables:
            self.loss += "_"
        variable = Variable(self.loss, (), False, Role.LOSS, label=names[0] if len(names) == 1 else "E")
        self.variables[self.loss] = variable
        terms = []
        for definition in losses:
            piece = next(p for p in self.model.timing.pieces if p.definition is definition)
            element = self.variables[definition.target.name].at(definition.target.time)
            summed = piece.interval is not None and not piece.interval.is_point
            terms.append(Term((element,), over=((t, piece.interval),) if summed and piece.interval else ()))
        self.equations.append(Equation(variable, None, (), tuple(terms)))

    # Expressions as sums of products

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
                return self._constant(node, indices)
            case Slice():  # an equation of its own says how far its index runs
                return [Product((self._named(node, "a", indices),))]
        raise AssertionError(f"no rule for {node}")

    def _fit(self, node: Expression, indices: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
        """A scalar among vectors has no index: it is broadcast."""
        return indices if self.shape(node) else ()

    def element(self, node: Expression, indices: tuple[Symbol, ...], taken: set[Symbol]) -> Expr:
        """The element of an expression as one SymPy expression without hidden sums."""
        indices = self._fit(node, indices)
        found = self.products(node, indices, taken)
        if any(p.over_time or _sums(p, indices) for p in found):
            return self._named(node, "s", indices)
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
        other = self._factor(right, indices, taken | _indices(one))
        return [self._joined(one, other, right, indices)]

    def _joined(self, one: Product, other: Product, node: Expression, indices: tuple[Symbol, ...]) -> Product:
        if one.over_time and other.over_time:  # two sums over time cannot share t
            other = Product((self._named(node, "s", self._fit(node, indices)),))
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
        other = self._factor(right, (inner, *indices[rows:]), taken | {inner} | _indices(one))
        return [_contracted(self._joined(one, other, right, (inner, *indices[rows:])), {inner})]

    def _call(self, node: Call, indices: tuple[Symbol, ...], taken: set[Symbol]) -> list[Product]:
        operation = OPERATIONS[node.function]
        if node.function == "named":
            return self._share(node, indices)
        if node.function == "sqrt" and is_number(node.arguments[0]):
            return [Product((Pow(self.element(node.arguments[0], (), taken), Rational(1, 2)),))]
        if isinstance(operation, Elementwise | Pairwise):
            letter = operation.letter
            every = (self._atom(part, letter, self._fit(part, indices)) for part in node.arguments)
            return [Product((FUNCTIONS[node.function](*every),))]
        if isinstance(operation, VectorFunction) or node.function == "concat":
            letter = result_letter(operation)
            return [Product((self._named(node, letter, self._fit(node, indices)),))]
        if isinstance(operation, Structural) and operation.indices is not None:
            return self._contraction(node, *operation.indices, self._fit(node, indices), taken)
        return getattr(self, f"_{node.function}")(node, indices, taken)  # type: ignore[no-any-return]

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
            taken = taken | _indices(factor)
            result = self._joined(result, factor, argument, place)
        result = _contracted(result, {places[letter] for letter in summed})
        return [result if result.factors else Product((Integer(1),))]

    def _whole_of(self, node: Slice, index: Symbol) -> Expr:
        """What a slice is cut from: under a name of which nothing but slices at this time are read."""
        operand = node.operand
        if isinstance(operand, Reference):
            every = [found for d in self.model.core for found in references(d.value) if found.name == operand.name]
            cut = [
                found.operand
                for d in self.model.core
                for found in walk(d.value)
                if isinstance(found, Slice) and found.operand == operand
            ]
            if len(cut) == len(every):
                return self.variables[operand.name].at(operand.time, index)
        return self._named(replace(node, low=Integer(0), high=None), "a", (index,))

    def _share(self, node: Call, indices: tuple[Symbol, ...]) -> list[Product]:
        (argument,) = node.arguments
        return [Product((self._atom(argument, letter_of(argument), self._fit(node, indices)),))]

    def _size(self, node: Call, indices: tuple[Symbol, ...], taken: set[Symbol]) -> list[Product]:
        return [Product((Mul(*self.shape(node.arguments[0])),))]

    def _constant(self, node: Constant, indices: tuple[Symbol, ...]) -> list[Product]:
        return [Product((CONSTANTS[node.function](*indices),))]

    def _sum_elements(self, node: Call, indices: tuple[Symbol, ...], taken: set[Symbol]) -> list[Product]:
        shape = self.shape(node.arguments[0])
        inner = fresh(taken, len(shape))
        found = []
        for product in self.products(node.arguments[0], inner, taken | set(inner)):
            over = tuple(zip(inner, shape, strict=True))
            if any(isinstance(factor, KroneckerDelta) and set(factor.args) == set(inner) for factor in product.factors):
                # A diagonal has one index, and here it is known how far that one runs.
                product, over = _contracted(product, {inner[1]}), over[:1]
            # What does not depend on a summed index is added up as many times as the index has values.
            counts = tuple(size for index, size in over if index not in _indices(product))
            found.append(Product(counts + product.factors, product.over_time))
        return found

    def _mean_elements(self, node: Call, indices: tuple[Symbol, ...], taken: set[Symbol]) -> list[Product]:
        count = Mul(*self.shape(node.arguments[0]))
        return [Product((1 / count, *p.factors), p.over_time) for p in self._sum_elements(node, indices, taken)]

    def _sum_time(self, node: Call, indices: tuple[Symbol, ...], taken: set[Symbol]) -> list[Product]:
        found = []
        for product in self.products(node.arguments[0], indices, taken):
            if any(factor.has(t) for factor in product.factors):
                found.append(Product(product.factors, over_time=True))
            else:
                found.append(Product((T, *product.factors)))
        return found

    def _mean_time(self, node: Call, indices: tuple[Symbol, ...], taken: set[Symbol]) -> list[Product]:
        return [Product((1 / T, *p.factors), p.over_time) for p in self._sum_time(node, indices, taken)]

    # Names for parts

    def _atom(self, node: Expression, letter: str, indices: tuple[Symbol, ...]) -> Expr:
        """The argument of a function: a variable as it is, anything else under a name of its own."""
        if isinstance(node, Reference):
            return self.variables[node.name].at(node.time, *indices)
        if isinstance(node, Call) and node.function == "named":
            return self._atom(node.arguments[0], letter, indices)
        if is_number(node):
            return self.element(node, (), set())
        if isinstance(node, Call) and isinstance(OPERATIONS[node.function], VectorFunction):
            letter = result_letter(OPERATIONS[node.function])
        return self._named(node, letter, indices)

    def _named(self, node: Expression, letter: str, indices: tuple[Symbol, ...]) -> Expr:
        """The element of an expression under a name; the same expression gets the same name."""
        timed = any(
            isinstance(found, Reference) and found.time is not None and found.time.anchor == "t" for found in walk(node)
        )
        inside_sum = timed and self.piece.definition.target.time != Time("t", 0)
        time = Time("t", 0) if inside_sum and not binds_time(node) else self.piece.definition.target.time
        # The same expression at other times is another variable: a[1..T-1] has no value at T.
        interval = WHOLE if inside_sum and not binds_time(node) else self.piece.interval
        key = (node, time, interval)
        if key not in self.memo:
            variable = self._new_variable(node, letter, time)
            self.memo[key] = variable.name
            outer = self.piece
            if inside_sum and not binds_time(node):
                self.piece = replace(
                    outer,
                    definition=replace(outer.definition, target=replace(outer.definition.target, time=time)),
                    interval=WHOLE,
                )
            self._add(variable, node)
            self.piece = outer
        return self.variables[self.memo[key]].at(time, *indices)

    def _new_variable(self, node: Expression, letter: str, time: Time | None) -> Variable:
        owner = self.piece.definition.target.name
        shape = self.shape(node)
        for number in range(1, 1000):
            label = f"{letter}_{owner}_{number}" if number > 1 else f"{letter}_{owner}"
            name = self.renamed.get(label, label)
            existing = self.variables.get(name)
            if existing is None and name not in self.model.names:
                self.named[label] = letter
                self.owners[name] = owner
                self.variables[name] = Variable(name, shape, time is not None, Role.INTERMEDIATE)
                return self.variables[name]
            # Boundary equations share the names of the general one.
            alike = existing is not None and existing.shape == shape and existing.timed == (time is not None)
            if existing is not None and alike and self.owners.get(name) == owner and not self._taken(name, time):
                return existing
        raise AssertionError("names ran out")

    def _taken(self, name: str, time: Time | None) -> bool:
        """Whether a name stands for something at this time already, or is about to."""
        defined = any(equation.name == name and equation.time == time for equation in self.equations)
        return defined or any(found == name and key[1] == time for key, found in self.memo.items())

    def shape(self, node: Expression) -> Shape:
        """The sizes of an expression."""
        return shape_of(node, {name: variable.shape for name, variable in self.variables.items()})


def _contracted(product: Product, summed: set[Symbol]) -> Product:
    """A product whose deltas in the summed indices are used up."""
    if not any(isinstance(factor, KroneckerDelta) for factor in product.factors):
        return product
    return replace(product, factors=contract(Term(product.factors), _indices(product) - summed).factors)


def _sums(product: Product, indices: tuple[Symbol, ...]) -> bool:
    return bool(_indices(product) - set(indices))
