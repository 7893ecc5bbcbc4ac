"""What an equation could be made of: variables, sequences, derivatives of functions, terms of the true derivation.

The true derivation is printed and read back, so that its terms are trees of the same kind as the claim's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.match import read
from rnnsym.claims.substitute import at_times, mapped
from rnnsym.claims.syntax import (
    Call,
    Derivative,
    Kind,
    Moment,
    Negative,
    Node,
    Number,
    Power,
    Prime,
    Product,
    Quotient,
    Sequence,
    Shape,
    Sum,
    TimeSum,
    Variable,
    Way,
    free_letters,
    walk,
)
from rnnsym.claims.written import ClaimError
from rnnsym.equations.indexed import Role, whole_function
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.notation.document import lines_of, renderer_for
from rnnsym.notation.style import Notation
from rnnsym.operations import ELEMENTWISE, Elementwise, operation_of
from rnnsym.pipeline import derive
from rnnsym.verify.formulas.leaves import Meaning

ONE = Number(Fraction(1), SCALAR)
#: How often a quantity that the author has no name for is replaced by what it is made of.
DEPTH = 2


@dataclass(frozen=True)
class Activation:
    """A variable that is a function of another, element by element."""

    output: str
    function: str
    argument: str


class Vocabulary:
    """The quantities that one claim about one model may speak of."""

    def __init__(self, claim: Claim, model: Model, system: System, meanings: Mapping[str, Meaning]) -> None:
        self.claim, self.model, self.system, self.meanings = claim, model, system, dict(meanings)
        self._factors: dict[tuple[Shape, Moment | None], tuple[Node, ...]] = {}
        self._terms: dict[tuple[Shape, Moment | None, Moment | None], tuple[Node, ...]] = {}
        #: Sequences under the variable that they are the adjoint of.
        self.names: dict[str, tuple[str, Meaning]] = {}
        for name, meaning in meanings.items():
            self.names.setdefault(meaning.variable, (name, meaning))

    def shape(self, name: str) -> Shape:
        sizes = tuple(self.system.variables[name].shape)
        if len(sizes) == 2:
            return sizes
        if not sizes:
            return SCALAR
        return (SCALAR[0], sizes[0]) if self.claim.convention == "rows" else (sizes[0], SCALAR[0])

    @cached_property
    def timed(self) -> list[str]:
        """The variables with a time, losses aside."""
        return [name for name in self._quantities if self.system.variables[name].timed]

    @cached_property
    def single(self) -> list[str]:
        """The variables without a time that are no parameters: inputs, and what is computed once."""
        return [name for name in self._quantities if not self.system.variables[name].timed]

    @cached_property
    def _quantities(self) -> list[str]:
        losses = {definition.target.name for definition in self.model.losses}
        every = self.system.variables.values()
        return [
            v.name for v in every if v.role not in (Role.ADJOINT, Role.LOSS, Role.PARAMETER) and v.name not in losses
        ]

    @cached_property
    def untimed(self) -> list[str]:
        return [v.name for v in self.system.variables.values() if v.role is Role.PARAMETER]

    def quantities(self, time: Moment | None) -> list[str]:
        """The variables, parameters aside, that have a value at a time; or those that have no time."""
        return self.single if time is None else self.timed

    def variable(self, name: str, time: Moment | None) -> Variable:
        return Variable(name, time, self.shape(name), self.system.variables[name].label)

    # Leaves of a shape

    def variables(self, shape: Shape, time: Moment | None) -> Iterator[Node]:
        """Variables of a shape at a time, or without one."""
        for name in [*self.untimed, *self.single] if time is None else self.timed:
            if self.shape(name) == shape:
                yield self.variable(name, time)

    def factors(self, shape: Shape, time: Moment | None) -> Iterator[Node]:
        """Variables of a shape that a term may be multiplied by element by element."""
        for name in self.quantities(time):
            if self.shape(name) == shape:
                yield self.variable(name, time)

    def sequences(self, shape: Shape, times: tuple[Moment, ...]) -> Iterator[Node]:
        """The claim's own sequences of a shape."""
        for name in self.claim.sequences:
            left = next(equation.left for equation in self.claim.equations if equation.defines == name)
            assert isinstance(left, Sequence)
            if left.shape == shape and len(left.times) == len(times):
                yield Sequence(name, times, shape)

    def adjoints(self, shape: Shape, time: Moment | None) -> Iterator[Node]:
        """Derivatives of the total loss, each under the author's name where it has one."""
        for name in self.quantities(time):
            if self.shape(name) == shape:
                yield self.adjoint(name, time)

    def adjoint(self, name: str, time: Moment | None, outer: Moment | None = None) -> Node:
        """The adjoint of a variable, as the author calls it."""
        shape = self.shape(name)
        if name in self.names:
            own, meaning = self.names[name]
            if time is None:
                return Sequence(own, (), shape)
            at = time - Moment((), meaning.shift)
            if meaning.loss_place is None:
                return Sequence(own, (at,), shape)
            if outer is not None:
                times = (outer, at) if meaning.loss_place == 0 else (at, outer)
                return Sequence(own, times, shape)
        loss = Variable(self.system.loss, None, SCALAR, self.system.variables[self.system.loss].label)
        return Derivative(Kind.TOTAL, loss, self.variable(name, time), shape, gradient=True)

    # Activations

    @cached_property
    def activations(self) -> list[Activation]:
        """The variables that are functions of their pre-activation."""
        found = []
        for equation in self.system.equations:
            factor = whole_function(equation)
            operation = None if factor is None else operation_of(factor)
            if isinstance(operation, Elementwise) and factor is not None and factor.args[0].args:
                argument = factor.args[0]
                name = str(argument.base.label.name) if hasattr(argument, "base") else ""
                if name in self.system.variables:
                    found.append(Activation(equation.name, operation.name, name))
        return list(dict.fromkeys(found))

    @cached_property
    def softmaxes(self) -> frozenset[str]:
        """The variables that are the softmax of something."""
        wholes = ((equation.name, whole_function(equation)) for equation in self.system.equations)
        operations = ((name, None if factor is None else operation_of(factor)) for name, factor in wholes)
        return frozenset(
            name for name, operation in operations if operation is not None and operation.name == "softmax"
        )

    @cached_property
    def functions(self) -> list[str]:
        """The elementwise functions that the model uses, and the two that everybody uses."""
        every = {entry.name for entry in ELEMENTWISE}
        used = [
            operation.name
            for equation in self.system.equations
            for term in equation.terms
            for factor in term.factors
            for part in factor.atoms(*(type(factor),)) | {factor}
            if (operation := operation_of(part)) is not None and operation.name in every
        ]
        parts = [part for equation in self.claim.equations for part in walk(equation.right)]
        inner = [part.function for part in parts if isinstance(part, Call | Prime)]
        return list(dict.fromkeys([*used, *(f for f in inner if f in every), "tanh", "sigmoid"]))

    def _activations(self, shape: Shape, time: Moment | None) -> Iterator[Activation]:
        for activation in self.activations:
            if self.shape(activation.output) == shape and activation.output in self.quantities(time):
                yield activation

    def slopes(self, shape: Shape, time: Moment | None) -> Iterator[Node]:
        """Derivatives of activations, as papers write them, at a time."""
        for activation in self._activations(shape, time):
            yield self.slope(activation, time)
        if "tanh" not in self.functions:
            return
        arguments = {activation.argument for activation in self.activations}
        for name in self.quantities(time):
            given = self.system.variables[name].role is Role.INPUT
            if self.shape(name) == shape and not given and name not in arguments:
                yield difference(ONE, square(Call("tanh", self.variable(name, time), shape)), shape)

    def slope(self, activation: Activation, time: Moment | None) -> Node:
        """1 - h**2 and the like."""
        output = self.variable(activation.output, time)
        shape = output.shape
        assert shape is not None
        if activation.function == "tanh":
            return difference(ONE, square(output), shape)
        if activation.function == "sigmoid":
            return Product(Way.HADAMARD, (output, difference(ONE, output, shape)), shape)
        return Prime(activation.function, self.variable(activation.argument, time), shape)

    def complements(self, shape: Shape, time: Moment | None) -> Iterator[Node]:
        """1 - z for every variable that an author may interpolate with."""
        for activation in self._activations(shape, time):
            yield difference(ONE, self.variable(activation.output, time), shape)

    def images(self, shape: Shape, time: Moment | None) -> Iterator[Node]:
        """Functions of variables, such as tanh(c)."""
        for function in self.functions:
            for name in self.quantities(time):
                if self.shape(name) == shape and self.system.variables[name].role is not Role.INPUT:
                    yield Call(function, self.variable(name, time), shape)

    # The true derivation

    @cached_property
    def truth(self) -> dict[str, list[Equation]]:
        """The true equations for every adjoint and gradient, by the variable."""
        found: dict[str, list[Equation]] = {}
        convention = self.claim.convention
        try:
            claim = read(printed_result(self.model, convention), self.model, convention=convention, format="text")
        except ClaimError:
            return {}

        def plain(node: Node) -> Node | None:
            if isinstance(node, Sequence) and node.name in claim.adjoints:
                loss = Variable(self.system.loss, None, SCALAR, self.system.variables[self.system.loss].label)
                behind = self.variable(claim.adjoints[node.name], node.times[0] if node.times else None)
                return Derivative(Kind.TOTAL, loss, behind, behind.shape, gradient=True)
            return None

        for equation in claim.equations:
            left, right = mapped(equation.left, plain), mapped(equation.right, plain)
            if isinstance(left, Derivative):
                found.setdefault(left.bottom.name, []).append(replace(equation, left=left, right=right))
        return found

    def true_equations(self, name: str) -> list[Equation]:
        """The true equations of a variable's adjoint, in the author's names."""
        return [replace(e, left=self.named(e.left), right=self.named(e.right)) for e in self.truth.get(name, [])]

    def named(self, node: Node, outer: Moment | None = None) -> Node:
        """The author's names for adjoints."""

        def change(part: Node) -> Node | None:
            if isinstance(part, Derivative) and part.top.name == self.system.loss and part.top.time is None:
                return self.adjoint(part.bottom.name, part.bottom.time, outer)
            return None

        return mapped(node, change)

    def terms(self, shape: Shape, time: Moment | None, outer: Moment | None = None) -> tuple[Node, ...]:
        """The summands of true adjoints of a shape, at a time or without one, in the author's names."""
        key = (shape, time, outer)
        if key not in self._terms:
            self._terms[key] = tuple(self._terms_at(*key))
        return self._terms[key]

    def _terms_at(self, shape: Shape, time: Moment | None, outer: Moment | None) -> Iterator[Node]:
        seen: set[Node] = set()
        for name in self.truth:
            if self.shape(name) != shape:
                continue
            for equation in self.truth[name]:
                for part in self._summands(equation.right, DEPTH):
                    if time is None and "t" in free_letters(part):
                        continue
                    found = self.named(part if time is None else at_times(part, {"t": time}), outer)
                    if found not in seen and not isinstance(found, Number):
                        seen.add(found)
                        yield found

    def true_factors(self, shape: Shape, time: Moment | None) -> tuple[Node, ...]:
        """What the true derivation multiplies by element by element, single names aside, at a time or without one."""
        key = (shape, time)
        if key not in self._factors:
            found: dict[Node, None] = {}
            for factor in self._true_factors:
                timeless = "t" not in free_letters(factor)
                if factor.shape == shape and timeless == (time is None):
                    found.setdefault(self.named(factor if time is None else at_times(factor, {"t": time})))
            self._factors[key] = tuple(found)
        return self._factors[key]

    def true_divisors(self, time: Moment | None) -> tuple[Node, ...]:
        """What the true derivation divides by, at a time or without one."""
        divisors = [d for d in self._true_divisors if ("t" not in free_letters(d)) == (time is None)]
        return tuple(self.named(d if time is None else at_times(d, {"t": time})) for d in divisors)

    @cached_property
    def _true_divisors(self) -> tuple[Node, ...]:
        nodes = (node for equations in self.truth.values() for e in equations for node in walk(e.right))
        return tuple(dict.fromkeys(node.bottom for node in nodes if isinstance(node, Quotient)))

    @cached_property
    def _true_factors(self) -> tuple[Node, ...]:
        nodes = (node for equations in self.truth.values() for e in equations for node in walk(e.right))
        products = (node for node in nodes if isinstance(node, Product) and node.way is Way.HADAMARD)
        parts = (part for product in products for part in product.parts)
        return tuple(dict.fromkeys(part for part in parts if not isinstance(part, Variable | Sequence | Derivative)))

    def _summands(self, node: Node, depth: int) -> Iterator[Node]:
        parts = node.parts if isinstance(node, Sum) else (node,)
        for part in parts:
            inner = part.operand if isinstance(part, Negative) else part
            if isinstance(inner, TimeSum):
                continue
            if isinstance(inner, Sum):
                yield from self._summands(inner, depth)
                continue
            yield inner
            for other in distributed(inner):
                yield from self._summands(other, depth)
            if depth:
                for other in self._unnamed(inner):
                    yield from self._summands(other, depth - 1)

    def _unnamed(self, node: Node) -> Iterator[Node]:
        """A summand with an adjoint that the author has no name for replaced by what that is."""
        for part in walk(node):
            if not isinstance(part, Derivative) or part.bottom.name in self.names:
                continue
            for equation in self.truth.get(part.bottom.name, []):
                left = equation.left
                assert isinstance(left, Derivative)
                if part.bottom.time is None:
                    yield exchanged(node, part, equation.right)
                    continue
                if left.bottom.time is None or "t" not in left.bottom.time.letters:
                    continue
                moment = part.bottom.time - (left.bottom.time - Moment.of("t"))
                inner = at_times(equation.right, {"t": moment})
                yield exchanged(node, part, inner)
            return


def printed_result(model: Model, convention: str) -> str:
    """The derived adjoints and gradients as text, one equation a line; vectors are "columns" or "rows".

    Those are among them that were put into others: an author may write them.
    """
    content = derive(model).content
    out = renderer_for(content, "text", notation=Notation(vectors=convention))
    told = [equation for equation in content.adjoints if equation.variable.adjoint_of != content.system.loss]
    lines = [line for equation in told for line in lines_of(equation, out)]
    return "\n".join(f"{line.left} = {line.right}" + (f"   {line.note}" if line.note else "") for line in lines)


def distributed(node: Node) -> Iterator[Node]:
    """The summands of an elementwise product with a sum of adjoints in it: a path may be missing in that sum."""
    if not isinstance(node, Product) or node.way is not Way.HADAMARD:
        return
    for place, part in enumerate(node.parts):
        if isinstance(part, Sum) and any(isinstance(inner, Derivative | Sequence) for inner in walk(part)):
            for own in part.parts:
                inner = own.operand if isinstance(own, Negative) else own
                yield replace(node, parts=(*node.parts[:place], inner, *node.parts[place + 1 :]))
            return


def exchanged(node: Node, part: Node, other: Node) -> Node:
    """A tree with one of its parts exchanged."""
    return mapped(node, lambda found: other if found is part else None)


def square(node: Node) -> Node:
    return Power(node, Fraction(2), False, node.shape)


def difference(one: Node, other: Node, shape: Shape) -> Node:
    return Sum((one, Negative(other, other.shape)), shape)
