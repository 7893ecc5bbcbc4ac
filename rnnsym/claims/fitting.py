"""The two sides of an equation made to fit each other: whole arrays, of one shape, laid out alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sympy import Expr

from rnnsym.claims.brief import shown
from rnnsym.claims.claim import Equation, Range
from rnnsym.claims.combine import Misfit, add, diagonal, filled, told, widened
from rnnsym.claims.elements import lifted
from rnnsym.claims.indexed import Sizes, Unwritable, is_indexed, settled
from rnnsym.claims.lexicon import ONE, SCALAR
from rnnsym.claims.moved import at_one_time, forwards
from rnnsym.claims.references import WHOLE, Letters
from rnnsym.claims.syntax import (
    Derivative,
    Entry,
    Negative,
    Node,
    Number,
    Ones,
    Open,
    Power,
    Product,
    Quotient,
    TimeProduct,
    TimeSum,
    Transpose,
    Way,
    free_letters,
    walk,
)
from rnnsym.claims.times import told_range
from rnnsym.claims.written import ClaimError, MalformedClaim, Statement

#: Said where a Jacobian is told by the vector on its diagonal.
ON_THE_DIAGONAL = "a vector stands for the matrix with it on its diagonal where a Jacobian is told"


@dataclass
class Pending:
    """An equation on its way: as written, and as far as it is settled."""

    statement: Statement
    text: str
    given: bool
    elementwise: bool  # whether a power is: in the model's language it always is
    letters: Letters = WHOLE

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """The times that its notes tell."""
        return tuple(found for note in self.statement.notes if (found := told_range(note, self.text)) is not None)

    def equation(self, left: Node, right: Node) -> Equation:
        """Its two sides as an equation, with the line that it stands in."""
        span = self.statement.span
        source = self.text.split("\n")[span.line - 1].strip() if self.text else ""
        return forwards(at_one_time(Equation(left, right, self.ranges, span, source, self.given)))


@dataclass(frozen=True)
class Fitted:
    """Two sides that fit, and how what was left open was taken."""

    left: Node
    right: Node
    assumed: tuple[str, ...] = ()


def fitted(pending: Pending, left: Node, right: Node, sizes: dict[str, Expr]) -> Fitted:
    """Both sides of an equation, fitted to each other; raises MalformedClaim where their shapes do not fit."""
    assumed: tuple[str, ...] = ()
    try:
        if is_indexed(left) or is_indexed(right):
            left, right = whole(left, right, sizes)
        shape = left.shape or right.shape
        left, right = filled(left, shape), filled(right, shape)
        left, right = laid_out(left, right.shape), widened(right, left.shape)
        if is_diagonal_of(left, right):
            right = as_diagonal(right)
            assumed = (ON_THE_DIAGONAL,)
        if left.shape == right.shape:
            add((left, right))
        elif not is_constant(right):  # a number may stand for an array of equal elements
            raise Misfit(f"the left side {shown(left)} is {told(left.shape)} and the right side is {told(right.shape)}")
    except Misfit as misfit:
        raise MalformedClaim(str(misfit), pending.text, pending.statement.span) from None
    except Unwritable as problem:
        raise ClaimError(str(problem), pending.text, pending.statement.span) from None
    return Fitted(left, right, assumed)


def whole(left: Node, right: Node, sizes: dict[str, Expr]) -> tuple[Node, Node]:
    """An equation between elements as one between vectors or matrices; adds to the author's names for sizes."""
    Sizes(settled(left, right), dict(sizes))
    for side in (left, right):
        for node in walk(side):
            if isinstance(node, Entry) and node.operand.shape is None:
                raise Unwritable(f"nothing tells the shape of {shown(node.operand)}")
    return lifted(left, right, sizes)


def check_complete(pending: Pending, found: Fitted) -> None:
    """Raise ClaimError where a shape is open, or a sum runs over the length."""
    for side in (found.left, found.right):
        for node in walk(side):
            if node.shape is None:
                raise ClaimError(
                    f"nothing tells the shape of {shown(node)}", pending.text, pending.statement.span,
                    "give its value at one time, as in \\delta_T = ..., or name it after a variable, as in \\delta h_t",
                )  # fmt: skip
        if any(isinstance(node, TimeSum | TimeProduct) and node.index == "T" for node in walk(side)):
            raise ClaimError("T is the length here, and cannot run", pending.text, pending.statement.span,
                             "give the index of the sum another letter")  # fmt: skip


def check_letters(pending: Pending, left: Node, right: Node) -> None:
    """Raise ClaimError where the end of a range is a time that nothing tells."""
    ranges, sides = pending.ranges, (left, right)
    known = {"T", *(told.letter for told in ranges), *(letter for side in sides for letter in free_letters(side))}
    ends = [end for told in ranges for end in (told.low, told.high) if end is not None]
    unknown = sorted({letter for end in ends for letter in end.letters} - known)
    if unknown:
        raise ClaimError(
            f"nothing tells the time {unknown[0]} in the range", pending.text, pending.statement.notes[0].span,
            "the length is T: write t = T, \\dots, 1",
        )  # fmt: skip


def laid_out(left: Node, wanted: Open) -> Node:
    r"""The derivative of a number by a vector as the right side has it: `\frac{\partial E}{\partial h}` may be a row.

    A gradient written with a nabla or a bar is laid out as its variable is, and stays.
    """
    inner = left.operand if isinstance(left, Transpose) else left
    if left.shape is None or wanted is None or len(wanted) != 2 or left.shape != wanted[::-1] or left.shape == wanted:
        return left
    if not isinstance(inner, Derivative) or inner.gradient or 1 not in left.shape:
        return left
    return inner if isinstance(left, Transpose) else Transpose(left, wanted)


def is_diagonal_of(left: Node, right: Node) -> bool:
    """Whether a Jacobian is told by a vector, as the slopes of a function applied element by element are."""
    if not isinstance(left, Derivative) or left.shape is None or right.shape is None or left.shape == SCALAR:
        return False
    square = len(left.shape) == 2 and left.shape[0] == left.shape[1]
    return square and left.top.shape != SCALAR and right.shape in ((left.shape[0], ONE), (ONE, left.shape[0]))


def as_diagonal(vector: Node) -> Node:
    """The matrix with a vector on its diagonal; a product of vectors is made of one already."""
    match vector:
        case Product(Way.MATRIX, (TimeProduct() as whole, Ones())) | Product(
            Way.MATRIX, (Ones(), TimeProduct() as whole)
        ):
            return whole
    return diagonal(vector)


def is_constant(node: Node) -> bool:
    """Whether an expression is a number, which has no shape of its own."""
    return all(isinstance(part, Number | Negative | Quotient | Product | Power) for part in walk(node))
