"""Sums and products resolved: over time, and sums over elements."""

from __future__ import annotations

from sympy import Expr, Symbol

from rnnsym.claims import combine
from rnnsym.claims.functions import Functions
from rnnsym.claims.grammar import joined
from rnnsym.claims.indexed import free_elements
from rnnsym.claims.leaves import Scripts
from rnnsym.claims.lexicon import ONE, SCALAR, plain_name
from rnnsym.claims.syntax import Bound, Diagonal, IndexSum, Moment, Node, Ones, TimeProduct, TimeSum, free_letters
from rnnsym.claims.times import LENGTH, limits, sample
from rnnsym.claims.written import (
    ClaimError,
    Group,
    MalformedClaim,
    Name,
    Numeral,
    Relation,
    Run,
    Scripted,
    Written,
    every,
)
from rnnsym.equations.indexed import Role
from rnnsym.errors import Span

BIG = ("∑", "∏")
#: Letters that count time in scripts.
CLOCKS = frozenset("t T s k tau".split())
MOST_SUMS = 8


class Bigs(Functions):
    """Resolves the sums and products of one equation."""

    def _is_big(self, written: Written) -> bool:
        base = written.base if isinstance(written, Scripted) else written
        return isinstance(base, Name) and base.text in BIG

    def _big(self, written: Written, factors: list[Written], signs: list[str]) -> Node:
        """The sum or product of all factors that follow."""
        base: Written = written
        scripts: Scripts = ()
        if isinstance(written, Scripted):
            base, scripts = written.base, written.scripts
        assert isinstance(base, Name)
        if not factors:
            raise self.error("nothing stands behind this sign", written.span)
        if len(self.bound) >= MOST_SUMS:
            raise self.error(f"more than {MOST_SUMS} sums in each other are not read", written.span)
        below = [part for kind, parts in scripts if kind == "_" for part in parts]
        above = [part for kind, parts in scripts if kind == "^" for part in parts]
        if len(below) > 1 and not above and all(isinstance(part, Name) for part in below):
            inner = Scripted(base, (("_", tuple(below[1:])),), written.span)
            below, factors, signs = below[:1], [inner, *factors], ["", *signs]
        run = (
            factors[0]
            if len(factors) == 1
            else Run(tuple(factors), tuple(signs), joined(factors[0].span, factors[-1].span))
        )
        if not below and not above and base.text == "∑":
            return self._over_what_is_free(run, written.span)
        letter = index_of(below)
        if base.text == "∏" and isinstance(run, Run) and (rest := self._behind(run, letter)):
            inside = Run((written, *run.factors[:rest]), ("", *run.signs[: rest - 1]), run.span)
            group = Group("(", (inside,), "", run.span)
            return self.expression(Run((group, *run.factors[rest:]), run.signs[rest - 1 :], run.span))
        if letter is not None and letter in (self.letters.elements or ()):
            return self._over_elements(letter, base, below, above, run)
        return self._over_time(base, below, above, run, written.span)

    def _behind(self, run: Run, letter: str | None) -> int:
        """The place in a run where a product over a time ends; 0 where the whole run belongs to it.

        Before what has another time; before what has none and is no parameter; where that leaves no square matrix,
        behind the last place where it does.
        """
        having = [n for n, factor in enumerate(run.factors) if letter in letters_of(factor)]
        first = having[-1] + 1 if having else len(run.factors)
        end = behind(run, letter) or len(run.factors)
        end = next((n for n in range(first, end) if self._is_quantity(run.factors[n])), end)
        places = [n for n in range(end, first - 1, -1) if letter is not None and self._is_square(run, n, letter)]
        if first < len(run.factors) and places:
            end = places[0]
        return end if end < len(run.factors) else 0

    def _is_quantity(self, written: Written) -> bool:
        """Whether something that has no time is made of what the model computes or is given, and not of parameters."""
        found = (self.lexicon.spellings.get(name) for name in letters_of(written))
        variables = [self.lexicon.variable(name) for name in found if name is not None]
        return any(variable.role is not Role.PARAMETER and not variable.timed for variable in variables)

    def _is_square(self, run: Run, end: int, letter: str) -> bool:
        """Whether the first factors of a run make a square matrix."""
        inside = run.factors[0] if end == 1 else Run(run.factors[:end], run.signs[: end - 1], run.span)
        assumed = list(self.assumed)
        self.bound.append(letter)
        try:
            shape = self.expression(inside).shape
        except ClaimError:
            return False
        finally:
            self.bound.pop()
            self.assumed[:] = assumed
        return shape is not None and len(shape) == 2 and shape != SCALAR and shape[0] == shape[1]

    # Over elements

    def _collected(self, node: Node, letters: tuple[str, ...], span: Span) -> Node:
        """The array of the elements that a node is."""
        raise NotImplementedError

    def _over_elements(self, letter: str, base: Name, below: list[Written], above: list[Written], run: Written) -> Node:
        if base.text != "∑":
            raise self.error("a product over elements is not read", base.span)
        size = self._size_of_sum(below, above, base.span)
        self.bound.append(letter)
        before = len(self.opened)
        operand = self.expression(run)
        self.bound.pop()
        if len(self.opened) > before and operand.shape == SCALAR:
            gathered = self.opened[before]
            del self.opened[before:]
            return self._collected(IndexSum(letter, size, operand, SCALAR), gathered, run.span)
        if operand.shape != SCALAR:
            raise self.error(f"the sum over the elements {letter} takes single elements", run.span,
                             f"give what stands behind it an index {letter}, or leave the sum out")  # fmt: skip
        return IndexSum(letter, size, operand, SCALAR)

    def _size_of_sum(self, below: list[Written], above: list[Written], span: Span) -> Expr | None:
        """How many elements a sum is said to have; None where that is left open."""
        high = above[0] if above else None
        low: Written | None = None
        match below:
            case [Name()]:
                pass
            case [Relation((Name(), Name()), ("∈",))]:
                pass
            case [Relation((Name(), low), ("=",))]:
                pass
            case [Relation((Name(), low, high), ("=", ".."))]:
                pass
            case _:
                raise self.error("a sum over elements goes over all of them", span, "write j = 1 below, a size above")
        if low is not None and not (isinstance(low, Numeral) and low.value == 1):
            raise self.error("a sum over elements begins with the first one", span, "write j = 1 below, a size above")
        if high is None:
            return None
        size = self.lexicon.size(high)
        name = plain_name(high) if size is None else None
        if size is None and name is None:
            raise self.error("this is not a size", high.span)
        return size if name is None else Symbol(name)

    def _over_what_is_free(self, run: Written, span: Span) -> Node:
        """A sum that does not say over what: over all that the left side does not have."""
        operand = self.expression(run)
        outer = {*self.outer, *self.bound}
        elements = [letter for letter in free_elements(operand) if letter not in outer]
        times = [letter for letter in free_letters(operand) if letter not in outer]
        if not elements and not times:
            raise self.error("this sum does not say over what, and nothing behind it is free", span,
                             "write the index below it, as in \\sum_t")  # fmt: skip
        for letter in elements:
            operand = IndexSum(letter, None, operand, SCALAR)
        for letter in times:
            operand = TimeSum(letter, Moment((), 1), LENGTH, operand, operand.shape)
        told = [*(f"{letter} = 1..T" for letter in times), *(f"all elements {letter}" for letter in elements)]
        self.assumed.append(f"the sum in line {span.line} runs over {' and '.join(told)}")
        return operand

    # Over time

    def _over_time(self, base: Name, below: list[Written], above: list[Written], run: Written, span: Span) -> Node:
        letter, low, high, falling = limits(below, above, span, self.text)
        before = self.samples.get(letter)
        self.bound.append(letter)
        self.samples[letter] = (sample(low, self.samples) + sample(high, self.samples)) // 2
        operand = self.expression(run)
        self.bound.pop()
        if before is None:
            del self.samples[letter]
        else:
            self.samples[letter] = before
        if not above and isinstance(below[0], Name) and letter not in free_letters(operand):
            raise self.error(f"nothing behind this sign depends on the time {letter}", span,
                             f"where {letter} counts elements, give what stands behind it this index")  # fmt: skip
        if base.text == "∑":
            return TimeSum(letter, low, high, operand, operand.shape)
        shape = operand.shape
        if shape is not None and shape != SCALAR and len(shape) == 2 and ONE in shape:
            return self._elementwise(letter, low, high, falling, operand)
        if shape is not None and shape != SCALAR and (len(shape) != 2 or shape[0] != shape[1]):
            raise MalformedClaim(f"the factors of this product are {combine.told(shape)}: they have to be square",
                                 self.text, span)  # fmt: skip
        descending = falling or sample(low, self.samples) > sample(high, self.samples)
        if isinstance(operand, Diagonal) and not descending:  # these commute: the latest may stand first
            return TimeProduct(letter, high, low, True, operand, shape)
        return TimeProduct(letter, low, high, descending, operand, shape)

    def _elementwise(self, letter: str, low: Bound, high: Bound, falling: bool, operand: Node) -> Node:
        """The product of vectors, element by element: that of the matrices with them on their diagonals, times ones."""
        diagonal = combine.diagonal(operand)
        descending = falling or sample(low, self.samples) > sample(high, self.samples)
        ends = (low, high) if descending else (high, low)
        whole = TimeProduct(letter, *ends, True, diagonal, diagonal.shape)
        ones = Ones(operand.shape)
        return combine.chain((ones, whole) if operand.shape and operand.shape[0] == ONE else (whole, ones))


def behind(run: Run, letter: str | None) -> int:
    """The place in a run where a product over a time ends: before what has another time, and not this one.

    A matrix without time, as in the product of the diag(1 - h_j^2) W, belongs to it. 0: the whole run does.
    """
    having = [n for n, factor in enumerate(run.factors) if letter in letters_of(factor)]
    first = having[-1] + 1 if having else len(run.factors)
    for place in range(first, len(run.factors)):
        if run.signs[place - 1] in ("⊙", "⊘") or letters_of(run.factors[place]) & CLOCKS:
            return place
    return 0


def letters_of(written: Written) -> set[str]:
    """The names in an expression, and in the scripts of words such as h_t."""
    marks = {part for node in every(written) if isinstance(node, Scripted) for kind, parts in node.scripts
             if kind == "^" for part in parts}  # fmt: skip
    return {part for node in every(written) if isinstance(node, Name) and not (node.text == "T" and node in marks)
            for part in (node.text, *node.text.split("_")[1:])}  # fmt: skip


def index_of(below: list[Written]) -> str | None:
    """The letter that a sum or product runs over."""
    match below:
        case [Name(letter)] | [Relation((Name(letter), *_), _)]:
            return letter
        case _:
            return None
