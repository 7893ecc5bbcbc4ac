"""What is known of the shapes so far, and how shapes travel upwards: from the parts of an expression to the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from sympy import Expr, expand

from rnnsym.errors import ModelError
from rnnsym.language.settle import is_inner, is_outer
from rnnsym.language.sizes import (
    RANKS,
    SCALAR,
    Shape,
    Size,
    SizeClash,
    SizeDeclaration,
    UndecidedSizes,
    rank_name,
    show,
    summands,
    unify,
)
from rnnsym.language.syntax import (
    Binary,
    Call,
    Constant,
    Definition,
    Expression,
    Negative,
    Number,
    Part,
    Reference,
    Slice,
    Transpose,
    references,
    walk,
)
from rnnsym.operations import (
    OPERATIONS,
    ROWS,
    Pairwise,
    Structural,
    VectorFunction,
    gives_scalar,
    is_like_argument,
    is_numeral,
)


class Inference:
    """What is known of the shapes so far, and the rules by which more becomes known."""

    def __init__(
        self,
        definitions: tuple[Definition, ...],
        declared: Mapping[str, SizeDeclaration],
        text: str,
        inputs: Iterable[str],
        ranks: Mapping[str, int] | None = None,
    ) -> None:
        self.definitions = definitions
        self.text = text
        self.nodes = [node for definition in definitions for node in walk(definition.value)]
        read = [node for d in definitions for node in (d.target, *references(d.value))]
        self.names = list(dict.fromkeys(node.name for node in read))
        self.timed = {node.name for node in read if node.time is not None}
        #: What is a vector where nothing says otherwise: a value of each step, or of each example.
        self.vectors = self.timed | set(inputs)
        self.known: dict[str, Shape] = {}
        self.declared = {**dict.fromkeys(self._constants(), ()), **declared}
        self.interned: dict[str | int, Size] = {}
        self.own_sizes: dict[tuple[int | str, ...], Size] = {}
        #: Whether something has become known since shapes began to travel through all equations.
        self.changed = False
        #: Sums of sizes that have to be equal, and are not yet known well enough.
        self.undecided: list[tuple[Size, Size, Expression, str]] = []
        #: Whether the open operands of `a * b` take the shape of the result, for want of anything better.
        self.assuming = False
        #: Shapes of expressions, and scalars that are so for a reason: asked for again and again. By identity, since
        #: equal expressions at two places may have two shapes; the expression stands there too, so that it is kept.
        self.inferred: dict[int, tuple[Expression, Shape | None]] = {}
        self.fixing: dict[int, tuple[Expression, bool]] = {}
        for name, sizes in self.declared.items():
            sizes = sizes if isinstance(sizes, tuple) else (sizes,)
            self.known[name] = tuple(self._declared(name, size) for size in sizes)
        for name, rank in (ranks or {}).items():
            self.known[name] = tuple(Size(name) for _ in range(rank))
        #: The variables that defaults settled, in their order.
        self.guessed: list[str] = []

    def _constants(self) -> Iterable[str]:
        """What numbers alone define, and no time: `alpha = 0.5` is a scalar."""
        for name in self.names:
            values = [d.value for d in self.definitions if d.target.name == name]
            numbers = all(
                not isinstance(node, Reference) and not (isinstance(node, Call) and not is_numeral(node.function))
                for value in values
                for node in walk(value)
            )
            if values and numbers and name not in self.timed:
                yield name

    def _declared(self, owner: str, value: str | int) -> Size:
        parts = [self.interned.setdefault(part, Size(owner, value=part)) for part in summands(value)]
        return parts[0] if len(parts) == 1 else Size(owner, parts=tuple(parts))

    def learn(self, name: str, shape: Shape) -> None:
        """What shape a variable has; shapes that were inferred without it are forgotten."""
        self.known[name] = shape
        self.changed = True
        self.inferred = {}

    @contextmanager
    def assumption(self) -> Iterator[None]:
        """Inside, the open operands of `a * b` take the shape of the result."""
        self.assuming, self.inferred = True, {}
        yield
        self.assuming, self.inferred = False, {}

    def travel(self) -> None:
        """Shapes go through all equations, up and down, until nothing changes."""
        self.changed = True
        while self.changed:
            self.changed = False
            self.inferred = {}
            self.undecided.clear()
            for definition in self.definitions:
                shape = self.infer(definition.value)
                if shape != SCALAR or self.fixes(definition.value):
                    self.expect(definition.target, shape)
                self.expect(definition.value, self.known.get(definition.target.name))

    def open_places(self) -> Iterable[Expression]:
        return (node for node in self.nodes if self.infer(node) is None)

    def rank(self, node: Expression) -> int | None:
        """How many axes an expression has, as far as it is known."""
        shape = self.infer(node)
        return None if shape is None else len(shape)

    # Upwards: the shape of an expression from its parts, or None

    def infer(self, node: Expression) -> Shape | None:
        """The shape of an expression as far as it is known by now; on the way, what has to be equal becomes so."""
        kept = self.inferred
        if id(node) not in kept:
            shape = self._inferred(node)
            if kept is not self.inferred:  # more became known on the way
                return shape
            kept[id(node)] = (node, shape)
        return kept[id(node)][1]

    def _inferred(self, node: Expression) -> Shape | None:
        match node:
            case Number():
                return SCALAR
            case Reference(name):
                return self.known.get(name)
            case Negative(operand):
                return self.infer(operand)
            case Transpose(operand):
                shape = self.infer(operand)
                return None if shape is None else shape[::-1]
            case Binary("@", left, right):
                if is_outer(left, right, self.rank):
                    return (*(self.infer(left) or ()), *(self.infer(right) or ()))
                return self._product(node, self.infer(left), self.infer(right))
            case Binary("**", base):
                return self.infer(base)
            case Binary(_, left, right):
                return self._combined(node, self.infer(left), self.infer(right))
            case Call():
                return self._called(node)
            case Slice():
                return self._sliced(node)
            case Part():
                return self._part(node)
            case Constant():
                raise AssertionError("constants get their sizes when all shapes are solved")

    def _product(self, node: Binary, left: Shape | None, right: Shape | None) -> Shape | None:
        for shape in (left, right):
            if shape == SCALAR and not is_inner(node.left, self.rank):
                raise self.error(
                    "@ multiplies matrices and vectors, and one side here is a scalar", node, "write * for scalars"
                )
        if left is None or right is None:
            return None
        if not left or not right:
            return left or right
        self.equal(left[-1], right[0], node)
        return (*left[:-1], *right[1:])

    def _combined(self, node: Expression, left: Shape | None, right: Shape | None) -> Shape | None:
        if left is None or right is None:
            # Whatever the other is, a scalar or of the same shape: next to a vector the result is one.
            return left or right or None
        if not left or not right:
            return left or right
        self.same(left, right, node)
        return left

    def _sliced(self, node: Slice) -> Shape:
        low, high = node.low, node.high
        shape = self._vector(node.operand, "a slice is taken of a vector")
        if high is None:
            mine = self.own_size(node)
            if low == 0:
                self.equal(shape[0], mine, node)
            else:
                rest = self.own_size(node, (*self._pieces(low, node), mine), "whole")
                self.equal(shape[0], rest, node)
            return (mine,)
        pieces = self._pieces(high - low, node)
        return (pieces[0] if len(pieces) == 1 else self.own_size(node, tuple(pieces)),)

    def sum_with_rest(self, node: Slice) -> Size:
        """The size of a vector of which a slice leaves a rest."""
        assert node.high is not None
        rest = self.own_size(node, letter="rest")
        return self.own_size(node, (*self._pieces(node.high, node), rest), "whole")

    def _pieces(self, size: Expr, node: Expression) -> list[Size]:
        """The sizes of which a bound of a slice is the sum."""
        found = []
        for name, count in expand(size).as_coefficients_dict().items():
            if count < 0:
                raise self.error("this slice ends before it begins", node, "write  a[t][n : n + m]")
            value: str | int = int(count) if name == 1 else str(name)
            found += [self._declared(_owner(node), value)] * (1 if name == 1 else int(count))
        if not found:
            raise self.error("this slice is empty", node, "write  a[t][n : n + m]")
        return found

    def _part(self, node: Part) -> Shape:
        for name in node.names:
            if name not in self.known:
                self.learn(name, (Size(name),))
            if len(self.known[name]) > 1:
                raise self.error(f"{name} is a {rank_name(self.known[name])}, and split gives vectors", node)
        one = self._declared("a number", 1)
        parts = tuple(self.known[name][0] if self.known[name] else one for name in node.names)
        (shape,) = self._vector(node.operand, "split takes a vector")
        self.equal(shape, self.own_sizes.setdefault(node.names, Size(node.names[0], parts=parts)), node)
        return SCALAR if self.known[node.names[node.place]] == SCALAR else (parts[node.place],)

    def _vector(self, node: Expression, rule: str) -> Shape:
        """The shape of what has to be a vector."""
        shape = self.infer(node)
        if shape is None:
            shape = (self.own_size(node),)
            self.expect(node, shape)
        if len(shape) != 1:
            raise self.error(f"{rule}, and this is a {rank_name(shape)}", node)
        return shape

    def _called(self, node: Call) -> Shape | None:
        shapes = [self.infer(argument) for argument in node.arguments]
        operation = OPERATIONS[node.function]
        if is_like_argument(node.function):
            return shapes[0]
        if isinstance(operation, Pairwise):
            return self._combined(node, *shapes)
        if node.function in ("sum_elements", "mean_elements", "size"):
            return SCALAR
        if node.function == "dot" and any(len(shape or ()) == 2 for shape in shapes):
            for argument, shape in zip(node.arguments, reversed(shapes), strict=True):
                self.expect(argument, shape)  # the sum of all products of their elements
            return SCALAR
        if node.function == "dot" and shapes == [None, None] and node.arguments[0] == node.arguments[1]:
            return SCALAR  # a norm, of a vector or a matrix
        if node.function in ROWS and (shapes[0] is None or len(shapes[0]) == 2):
            return shapes[0]  # a matrix, or open: a default settles it
        if isinstance(operation, Structural) and operation.indices is not None:
            return self._contracted(node, shapes, *operation.indices)
        if isinstance(operation, VectorFunction) and len(operation.indices[1]) > 1:
            return self._contracted(node, shapes, *operation.indices)
        assert isinstance(operation, VectorFunction | Structural)
        vectors: list[Shape] = []
        for argument, shape in zip(node.arguments, shapes, strict=True):
            if node.function == "concat" and shape == SCALAR:
                vectors.append((self._declared("a number", 1),))  # a number is one element
                continue
            if shape is not None and len(shape) != 1:
                what = "a scalar" if not shape else "a matrix"
                raise self.error(f"{node.function} takes vectors, and this is {what}", argument)
            # An open argument is a vector, of a size of its own until more is known of it.
            own = (self.own_size(argument),)
            self.expect(argument, own)
            vectors.append(shape or own)
        outputs = operation.signature.split("->")[1]
        if outputs == "(+)":
            return (self.own_size(node, tuple(size for (size,) in vectors)),)
        return SCALAR if outputs == "()" else vectors[0]

    def _contracted(
        self, node: Call, shapes: list[Shape | None], inputs: tuple[tuple[str, ...], ...], outputs: tuple[str, ...]
    ) -> Shape:
        """A sum of products: each letter of its signature is a size."""
        for argument, shape, letters in zip(node.arguments, shapes, inputs, strict=True):
            if shape is not None and len(shape) != len(letters):
                wanted = (
                    RANKS[len(letters)][1] if len(set(map(len, inputs))) == 1 else f"a {RANKS[len(letters)][0]} here"
                )
                raise self.error(f"{node.function} takes {wanted}, and this is a {rank_name(shape)}", argument)
            self.expect(argument, tuple(self.own_size(node, letter=letter) for letter in letters))
        return tuple(self.own_size(node, letter=letter) for letter in outputs)

    def own_size(self, node: Expression, parts: Shape = (), letter: str = "") -> Size:
        """The size that an expression has by itself: always the same one, or the shapes would never settle."""
        return self.own_sizes.setdefault((id(node), letter), Size(_owner(node), parts=parts))

    def expect(self, node: Expression, shape: Shape | None) -> None:
        """Say what an expression has to be: see `Solver`."""
        raise NotImplementedError

    def fixes(self, node: Expression) -> bool:
        """Whether a scalar expression is one for a reason of its own: not a number, not a declared scalar."""
        if id(node) not in self.fixing:
            fixing = any(
                (isinstance(found, Reference) and found.name not in self.declared)
                or (isinstance(found, Call) and gives_scalar(found.function) and not is_numeral(found.function))
                for found in walk(node)
            )
            self.fixing[id(node)] = (node, fixing)
        return self.fixing[id(node)][1]

    # Equality

    def same(self, one: Shape, other: Shape, node: Expression) -> None:
        if len(one) != len(other):
            raise self.error(
                f"a {rank_name(one)} {show(one)} stands where a {rank_name(other)} {show(other)} is needed",
                node,
                self.bindings(),
            )
        for mine, yours in zip(one, other, strict=True):
            self.equal(mine, yours, node)

    def equal(self, one: Size, other: Size, node: Expression) -> None:
        try:
            self.changed |= unify(one, other)
        except UndecidedSizes as clash:
            self.undecided.append((one, other, node, f"sizes clash: {clash}"))
        except SizeClash as clash:
            raise self.error(f"sizes clash: {clash}", node, self.bindings()) from None

    # Messages

    def error(self, problem: str, node: Expression, advice: str = "") -> ModelError:
        return ModelError(problem, self.text, node.span, advice)

    def bindings(self) -> str:
        """Every shape that is known so far, the declared ones marked."""
        lines = ["shapes so far:"]
        for name in self.names:
            label = f"{name}[t]" if name in self.timed else name
            shape = show(self.known[name]) if name in self.known else "open"
            lines.append(f"  {label}: {shape}{'   (declared)' if name in self.declared else ''}")
        return "\n".join(lines)


def _owner(node: Expression) -> str:
    return next((found.name for found in references(node)), "a number")
