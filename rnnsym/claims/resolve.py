"""Written expressions resolved: every name settled, every product of a kind, every shape as far as it is known."""

from __future__ import annotations

from fractions import Fraction

from rnnsym.claims import combine
from rnnsym.claims.bigs import Bigs
from rnnsym.claims.combine import Misfit
from rnnsym.claims.derivatives import PREFIXES, is_stacked, multiplied_out
from rnnsym.claims.elements import collected
from rnnsym.claims.indexed import Unwritable, free_elements, is_indexed
from rnnsym.claims.leaves import Scripts
from rnnsym.claims.lexicon import ONE, SCALAR
from rnnsym.claims.references import Found, defined, pieces, taken_apart
from rnnsym.claims.strength import combined, is_matrix, side_by_side
from rnnsym.claims.syntax import Call, Node, Number, Product, Way, free_letters
from rnnsym.claims.written import (
    ClaimError,
    Group,
    MalformedClaim,
    Name,
    Numeral,
    Over,
    Relation,
    Root,
    Run,
    Scripted,
    Total,
    Written,
)
from rnnsym.errors import Span

#: What is said of a claim that is read so.
ELEMENTWISE = "vectors of one shape side by side are multiplied element by element"


class Resolver(Bigs):
    """Resolves the expressions of one equation."""

    # Left sides

    def is_known(self, left: Written) -> bool:
        """Whether a left side is made of the model's names alone."""
        try:
            self.expression(self.stack(left))
        except MalformedClaim:
            raise
        except ClaimError:
            return False
        if isinstance(left, Run) and len(left.factors) == 2:  # \delta h_t could be read as an adjoint
            return self._prefixed(left) is None
        name = taken_apart(left)
        return not (name is not None and "bar" in name[0].accents and self.found(left, own=False) is None)

    def definition(self, left: Written) -> Found | None:
        """What a left side defines."""
        if isinstance(left, Run) and len(left.factors) == 2:
            prefix = self._prefixed(left)
            return None if prefix is None else defined(left.factors[1], self.lexicon, prefix, self.letters)
        return defined(left, self.lexicon, "", self.letters)

    def _prefixed(self, left: Run) -> str | None:
        first, second = left.factors
        is_prefix = isinstance(first, Name) and first.text in PREFIXES and not left.signs[0] and not first.accents
        return first.text if is_prefix and isinstance(first, Name) and taken_apart(second) else None

    def stack(self, left: Written) -> Written:
        """A left side without vec; what stands beside it is then read as stacked, column by column."""
        self.stacked = is_stacked(left)
        if self.stacked:
            self.assumed.append("vec stacks columns")
        return left.factors[1] if isinstance(left, Run) and self.stacked else left

    def order(self, left: Node) -> None:
        """Of several times on a left side the first is taken to be the latest."""
        for place, letter in enumerate(free_letters(left)):
            self.samples.setdefault(letter, 800 // 2**place)
        self.left_shape = left.shape
        self.outer = {*free_letters(left), *free_elements(left)}

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
        if len(group.parts) == 1 and isinstance(group.parts[0], Relation):
            return self._bracket(group.parts[0])
        parts = [self.expression(part) for part in group.parts]
        if group.kind == "‖":
            return self._norm(parts[0], 1)
        if len(parts) == 1:
            return parts[0]
        if group.kind == "⟨" and len(parts) == 2:
            return self._in_angles(parts[0], parts[1], group.span)
        if group.kind == "(" and group.separator == ",":
            raise self.error("a list has no meaning here", group.span)
        return self.made(group.span, combine.stack, parts, group.separator in (",", "&"))

    def _in_angles(self, first: Node, second: Node, span: Span) -> Node:
        """An inner product, or an outer one where a matrix is told: texts write both so."""
        if self.left_shape is None:
            return Product(Way.MATRIX, (first, second), None)
        outer = ONE not in self.left_shape
        turned = (first, combine.transpose(second)) if outer else (combine.transpose(first), second)
        self.assumed.append(f"the angles in line {span.line} are an {'outer' if outer else 'inner'} product")
        return self.made(span, combine.chain, turned)

    def _norm(self, operand: Node, power: int) -> Node:
        square = Call("sum_elements", combine.hadamard((operand, operand)), SCALAR)
        return square if power == 2 else Call("sqrt", square, SCALAR)

    def _scripted(self, base: Written, scripts: Scripts, span: Span) -> Node:
        if isinstance(base, Group) and base.kind == "‖":
            powers = [part for kind, parts in scripts if kind == "^" for part in parts]
            if powers and powers != [Numeral(Fraction(2), span)]:
                raise self.error("only the square of a norm is read", span)
            return self._norm(self.expression(base.parts[0]), 2 if powers else 1)
        node = self.expression(base)
        if scripts[0][0] == "_" and isinstance(base, Group):
            letters = tuple(found.text for part in scripts[0][1] for found in pieces(part) if isinstance(found, Name))
            if is_indexed(node) and set(letters) == set(free_elements(node)) and len(set(letters)) == len(letters):
                return self._operations(self._collected(node, letters, span), scripts[1:], span)
        return self._operations(node, scripts, span)

    def _collected(self, node: Node, letters: tuple[str, ...], span: Span) -> Node:
        """Elements in brackets with their indices below: the array of these elements."""
        try:
            return self.made(span, collected, node, letters)
        except Unwritable as problem:
            raise self.error(str(problem), span) from None

    # Runs of factors

    def _run(self, run: Run) -> Node:
        run, column = multiplied_out(run) if self.stacked else (run, None)
        if column is not None and is_matrix(self.expression(column)):
            raise MalformedClaim("a matrix stands here, not its columns below each other", self.text, column.span,
                                 "write vec before it")  # fmt: skip
        factors, signs = list(run.factors), ["", *run.signs]
        nodes: list[Node] = []
        between: list[str] = []
        place = 0
        while place < len(factors):
            between.append(signs[place])
            node, place = self._next(factors, signs, place)
            nodes.append(node)
        if self.stacked and "⊗" in between:
            if len(nodes) > 2:
                raise self.error("beside vec, ⊗ stands between two factors", run.span, "write brackets around them")
            if all(node.shape is not None and node.shape[-1] == ONE for node in nodes):
                nodes.reverse()  # the columns of b a^T below each other are a ⊗ b
            elif self.left_shape is not None and len(self.left_shape) == 3:  # as many rows as what is derived
                nodes[1] = combine.filled(nodes[1], (self.left_shape[0], self.left_shape[0]))
        return self.made(run.span, self._beside if self.beside else combined, nodes, between[1:])

    def _beside(self, nodes: list[Node], signs: list[str]) -> Node:
        """A run in which vectors side by side may be multiplied element by element; that is said."""
        try:
            return combined(nodes, signs)
        except Misfit:
            found = side_by_side(nodes, signs)
            self.assumed.append(ELEMENTWISE)
            return found

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
        if tight and self.stacked and isinstance(written, Name) and written.text == "vec":
            return self.expression(factors[place + 1]), place + 2
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
