"""Written expressions resolved: every name settled, every product of a kind, every shape as far as it is known."""

from __future__ import annotations

from fractions import Fraction

from rnnsym.claims import combine
from rnnsym.claims.derivatives import PREFIXES
from rnnsym.claims.functions import Functions
from rnnsym.claims.grammar import joined
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.references import Found, defined, find, taken_apart
from rnnsym.claims.strength import combined
from rnnsym.claims.syntax import (
    Call,
    Node,
    Number,
    TimeProduct,
    TimeSum,
    free_letters,
)
from rnnsym.claims.times import limits, sample
from rnnsym.claims.written import (
    ClaimError,
    Group,
    MalformedClaim,
    Name,
    Numeral,
    Over,
    Root,
    Run,
    Scripted,
    Total,
    Written,
)
from rnnsym.errors import Span

BIG = ("∑", "∏")
MOST_SUMS = 8


class Resolver(Functions):
    """Resolves the expressions of one equation."""

    # Left sides

    def is_known(self, left: Written) -> bool:
        """Whether a left side is made of the model's names alone."""
        try:
            self.expression(left)
        except MalformedClaim:
            raise
        except ClaimError:
            return False
        if isinstance(left, Run) and len(left.factors) == 2:  # \delta h_t could be read as an adjoint
            return self._prefixed(left) is None
        name = taken_apart(left)
        return not (name is not None and "bar" in name[0].accents and find(left, self.lexicon, {}) is None)

    def definition(self, left: Written) -> Found | None:
        """What a left side defines."""
        if isinstance(left, Run) and len(left.factors) == 2:
            prefix = self._prefixed(left)
            return None if prefix is None else defined(left.factors[1], self.lexicon, prefix)
        return defined(left, self.lexicon)

    def _prefixed(self, left: Run) -> str | None:
        first, second = left.factors
        is_prefix = isinstance(first, Name) and first.text in PREFIXES and not left.signs[0] and not first.accents
        return first.text if is_prefix and isinstance(first, Name) and taken_apart(second) else None

    def order(self, left: Node) -> None:
        """Of several times on a left side the first is taken to be the latest."""
        for place, letter in enumerate(free_letters(left)):
            self.samples.setdefault(letter, 800 // 2**place)

    # Expressions

    def expression(self, written: Written) -> Node:
        """An expression."""
        match written:
            case Numeral(value):
                return Number(value, SCALAR)
            case Total(terms):
                parts = [self._signed(sign, self.expression(term)) for sign, term in terms]
                return self.made(written.span, combine.add, parts)
            case Run():
                return self._run(written)
            case Group():
                return self._group(written)
            case Over(top, bottom):
                found = self._fraction(written)
                return found or self.made(written.span, combine.quotient, self.expression(top), self.expression(bottom))
            case Root(operand):
                inner = self.expression(operand)
                return Call("sqrt", inner, inner.shape)
            case Name() | Scripted(Name()):
                return self._reference(written)
            case Scripted(base, scripts):
                return self._scripted(base, scripts, written.span)
        raise self.error("this has no meaning here", written.span)

    def _signed(self, sign: str, node: Node) -> Node:
        return combine.negative(node) if sign == "-" else node

    def _group(self, group: Group) -> Node:
        parts = [self.expression(part) for part in group.parts]
        if group.kind == "‖":
            return self._norm(parts[0], 1)
        if len(parts) == 1:
            return parts[0]
        if group.kind == "(" and group.separator == ",":
            raise self.error("a list has no meaning here", group.span)
        return self.made(group.span, combine.stack, parts, group.separator in (",", "&"))

    def _norm(self, operand: Node, power: int) -> Node:
        square = Call("sum_elements", combine.hadamard((operand, operand)), SCALAR)
        return square if power == 2 else Call("sqrt", square, SCALAR)

    def _scripted(self, base: Written, scripts: tuple[tuple[str, tuple[Written, ...]], ...], span: Span) -> Node:
        if isinstance(base, Group) and base.kind == "‖":
            powers = [part for kind, parts in scripts if kind == "^" for part in parts]
            if powers and powers != [Numeral(Fraction(2), span)]:
                raise self.error("only the square of a norm is read", span)
            return self._norm(self.expression(base.parts[0]), 2 if powers else 1)
        return self._operations(self.expression(base), scripts, span)

    # Runs of factors

    def _run(self, run: Run) -> Node:
        factors, signs = list(run.factors), ["", *run.signs]
        nodes: list[Node] = []
        between: list[str] = []
        place = 0
        while place < len(factors):
            between.append(signs[place])
            node, place = self._next(factors, signs, place)
            nodes.append(node)
        return self.made(run.span, combined, nodes, between[1:])

    def _next(self, factors: list[Written], signs: list[str], place: int) -> tuple[Node, int]:
        """The node that begins at a place, and the place after it."""
        written = factors[place]
        rest = len(factors) - place - 1
        tight = rest > 0 and signs[place + 1] == ""
        if rest >= 3 and signs[place + 1 : place + 4] == ["", "/", ""] and self._sign(factors[place + 2]):
            kind = self._sign(written)
            if kind is not None:
                return self._derivative(kind, factors[place + 1], factors[place + 3], written.span), place + 4
        if rest >= 1 and signs[place + 1] == "/" and (slashed := self._slashed(written, factors[place + 1])):
            return slashed, place + 2
        if self._is_big(written):
            return self._big(written, factors[place + 1 :], signs[place + 2 :]), len(factors)
        if tight and (gradient := self._nabla(written, factors[place + 1])):
            return gradient, place + 2
        if tight and (prefixed := self._with_prefix(written, factors[place + 1])):
            return prefixed, place + 2
        if tight and (applied := self._applied(written, factors[place + 1])):
            return applied, place + 2
        if tight and isinstance(written, Over) and (operated := self._operator(written, factors[place + 1])):
            return operated, place + 2
        return self.expression(written), place + 1

    # Sums and products over time

    def _is_big(self, written: Written) -> bool:
        base = written.base if isinstance(written, Scripted) else written
        return isinstance(base, Name) and base.text in BIG

    def _big(self, written: Written, factors: list[Written], signs: list[str]) -> Node:
        base: Written = written
        scripts: tuple[tuple[str, tuple[Written, ...]], ...] = ()
        if isinstance(written, Scripted):
            base, scripts = written.base, written.scripts
        assert isinstance(base, Name)
        if not factors:
            raise self.error("nothing stands behind this sign", written.span)
        below = [part for kind, parts in scripts if kind == "_" for part in parts]
        above = [part for kind, parts in scripts if kind == "^" for part in parts]
        letter, low, high, falling = limits(below, above, written.span, self.text)
        before = self.samples.get(letter)
        if len(self.bound) >= MOST_SUMS:
            raise self.error(f"more than {MOST_SUMS} sums in each other are not read", written.span)
        self.bound.append(letter)
        self.samples[letter] = (sample(low, self.samples) + sample(high, self.samples)) // 2
        run = (
            factors[0]
            if len(factors) == 1
            else Run(tuple(factors), tuple(signs), joined(factors[0].span, factors[-1].span))
        )
        operand = self.expression(run)
        self.bound.pop()
        if before is None:
            del self.samples[letter]
        else:
            self.samples[letter] = before
        if not above and isinstance(below[0], Name) and letter not in free_letters(operand):
            raise self.error(f"nothing behind this sign depends on the time {letter}", written.span,
                             "sums over elements are not read: write whole vectors and matrices")  # fmt: skip
        if base.text == "∑":
            return TimeSum(letter, low, high, operand, operand.shape)
        shape = operand.shape
        if shape is not None and shape != SCALAR and (len(shape) != 2 or shape[0] != shape[1]):
            raise MalformedClaim(f"the factors of this product are {combine.told(shape)}: they have to be square",
                                 self.text, written.span)  # fmt: skip
        descending = falling or sample(low, self.samples) > sample(high, self.samples)
        return TimeProduct(letter, low, high, descending, operand, shape)
