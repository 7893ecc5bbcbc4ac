"""Derivatives resolved: fractions, gradients, and names with a d before them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from rnnsym.claims.arguments import CLOCKS
from rnnsym.claims.brief import shown
from rnnsym.claims.leaves import Leaves
from rnnsym.claims.lexicon import SCALAR, Lexicon
from rnnsym.claims.references import readings, taken_apart, without_d
from rnnsym.claims.syntax import Derivative, ElementIndex, Entry, Kind, Node, Variable
from rnnsym.claims.written import (
    Group,
    Name,
    Numeral,
    Over,
    Run,
    Scripted,
    Sign,
    Total,
    Written,
    product_of,
    transpose_of,
)
from rnnsym.errors import Span

#: Letters that stand before a name to make another: \delta h, dh, \nabla h, \partial h.
PREFIXES = ("delta", "d", "∇", "Delta", "∂")


class Derivatives(Leaves):
    """Resolves the derivatives of one equation."""

    # Derivatives

    def _sign(self, written: Written) -> Kind | None:
        """The kind of a derivative by its sign: ∂, d, or ∂⁺."""
        match written:
            case Name("∂"):
                return Kind.PARTIAL
            case Name("d" | "mathrmd"):
                return Kind.TOTAL
            case Scripted(Name("∂"), (("^", (Sign("+"),)),)):
                return Kind.IMMEDIATE
            case _:
                return None

    def _fraction(self, over: Over) -> Node | None:
        r"""`\frac{\partial y}{\partial x}`; None for an ordinary fraction."""
        match over.top, unstacked(over.bottom):
            case Run((first, top), ("",)), Run((second, bottom), ("",)) if self._sign(first) and self._sign(second):
                return self._derivative(self._sign(first), top, bottom, over.span)
        return None

    def _derivative(self, kind: Kind | None, top: Written, bottom: Written, span: Span) -> Node:
        assert kind is not None
        above, below = self._stripped(top), self._stripped(bottom)
        places: list[tuple[ElementIndex, ...]] = []
        ends: list[Variable] = []
        for part, written in ((above, top), (below, bottom)):
            inner = part.operand if isinstance(part, Entry) else part
            if not isinstance(inner, Variable):
                raise self.error("a derivative is that of one variable by another", written.span,
                                 "sequences that the claim defines cannot be differentiated")  # fmt: skip
            ends.append(inner)
            places.append(part.indices if isinstance(part, Entry) else ())
        whole = self._derived(kind, ends[0], ends[1], span)
        if not any(places):
            return whole
        if not places[1] and {index.letter for index in places[0]} & set(self.bound):
            places[1] = self._opened(ends[1])
        for end, place in zip(ends, places, strict=True):
            if len(place) != len(self.lexicon.variable(end.name).shape):
                raise self.error(f"{shown(end)} is a whole array in a derivative of single elements", span,
                                 "write both with their indices, or both whole")  # fmt: skip
        if self.layout == "denominator" and len(places[0]) == len(places[1]) == 1:
            places.reverse()
        return Entry(whole, (*places[0], *places[1]), SCALAR)

    def _opened(self, variable: Variable) -> tuple[ElementIndex, ...]:
        """Letters for a whole array, by which a single element is derived: the sum over that element gathers them."""
        axes = range(len(self.lexicon.variable(variable.name).shape))
        letters = [f"{variable.name}~{len(self.opened)}~{axis}" for axis in axes]
        self.opened.append(tuple(letters))
        return tuple(map(ElementIndex, letters))

    def _stripped(self, written: Written) -> Node:
        if isinstance(written, Group) and written.kind == "(" and len(written.parts) == 1:
            written = written.parts[0]
        if isinstance(written, Name | Scripted) and taken_apart(written) is not None:
            found = self.found(written, own=False)
            if found is not None and not found.operations:
                return self._leaf(found)
        return self.expression(written)

    def _derived(self, kind: Kind, top: Variable, bottom: Variable, span: Span) -> Node:
        if bottom.name == self.lexicon.loss:
            raise self.error("nothing depends on the total loss", span)
        is_loss = top.name == self.lexicon.loss or top.name in self.lexicon.step_losses
        if kind is Kind.PARTIAL and is_loss:
            kind = Kind.TOTAL
        assert top.shape is not None
        assert bottom.shape is not None
        if top.shape == SCALAR:
            return Derivative(kind, top, bottom, bottom.shape)
        if bottom.shape == SCALAR:
            return Derivative(kind, top, bottom, top.shape)
        ranks = [len(self.lexicon.variable(variable.name).shape) for variable in (top, bottom)]
        count, other = (shape[0] * shape[1] for shape in (top.shape, bottom.shape))
        if ranks == [1, 1]:
            rows, columns = (count, other) if self.layout == "numerator" else (other, count)
            return Derivative(kind, top, bottom, (rows, columns))
        if ranks == [1, 2] and self.layout == "numerator":
            return Derivative(kind, top, bottom, (count, *bottom.shape))
        raise self.error("the derivative of a vector by a matrix is read in numerator layout only" if ranks[0] == 1
                         else "the derivative of a matrix is not read", span)  # fmt: skip

    def _slashed(self, top: Written, bottom: Written) -> Node | None:
        """`dE/dW` in text, where each is one word."""
        above, below = without_d(top), without_d(bottom)
        if above is None or below is None or self.found(top):
            return None
        return self._derivative(Kind.TOTAL, above, below, top.span)

    def _nabla(self, written: Written, operand: Written) -> Node | None:
        r"""`\nabla_W E`, `\partial_W E`, `D_W E`."""
        match written:
            case Scripted(Name("∇" | "∂" | "D"), (("_", (bottom,)),)) if not self.found(written):
                found = self._derivative(Kind.TOTAL, operand, bottom, written.span)
                if isinstance(found, Entry) and isinstance(found.operand, Derivative):
                    return replace(found, operand=replace(found.operand, gradient=True))
                return replace(found, gradient=True) if isinstance(found, Derivative) else found
        return None

    def _with_prefix(self, written: Written, operand: Written) -> Node | None:
        r"""`\delta h_t`: a sequence of the claim, or else the adjoint of h."""
        if not isinstance(written, Name) or written.text not in PREFIXES or written.accents:
            return None
        found = self.found(operand, prefix=written.text)
        if found is not None:
            return self._operations(self._leaf(found), found.operations, operand.span)
        apart = written.text == "d" and written.span.stop != operand.span.start
        if apart or self.found(written) is not None:
            return None
        found = self.found(operand, own=False)
        return None if found is None else self._adjoint(found, operand.span)

    def _operator(self, over: Over, operand: Written) -> Node | None:
        r"""`\frac{\partial}{\partial W} E`."""
        match over.top, over.bottom:
            case top, Run((second, bottom), ("",)) if self._sign(top) and self._sign(second):
                return self._derivative(self._sign(top), operand, bottom, over.span)
        return None


def unstacked(bottom: Written) -> Written:
    r"""What stands below a derivative, \partial \mathrm{vec}(W) as \partial W: an index of vec(W) is a pair of W's."""
    match bottom:
        case Run((sign, Name("vec"), matrix), ("", "")):
            return Run((sign, matrix), ("",), bottom.span)
    return bottom


def is_stacked(left: Written) -> bool:
    r"""Whether a left side has the columns of a matrix below each other: vec(X), \partial E / \partial vec(W)."""
    match left:
        case Run((Name("vec"), _), ("",)):
            return True
        case Over(_, bottom):
            return unstacked(bottom) is not bottom
    return False


def multiplied_out(run: Run) -> tuple[Run, Written | None]:
    r"""(P ⊗ Q) vec(Z) as the matrix whose columns it stacks, Q Z P^T; and what stands there without vec, a column."""
    for place, factor in enumerate(run.factors):
        if not isinstance(factor, Group) or len(factor.parts) != 1 or not isinstance(factor.parts[0], Run):
            continue
        before, inside, behind = run.factors[:place], factor.parts[0], run.factors[place + 1 :]
        if inside.signs.count("⊗") != 1 or set(inside.signs) > {"", "⊗"} or not behind or set(run.signs) > {""}:
            continue
        if not all(isinstance(one, Numeral | Over) or is_sum(one) for one in before):
            continue
        middle = inside.signs.index("⊗") + 1
        first, second = inside.factors[:middle], inside.factors[middle:]
        column = behind[1:] if is_vec(behind[0]) else behind
        factors = (*before, *second, *column, transpose_of(product_of(first, inside.span)))
        own = None if is_vec(behind[0]) else product_of(behind, run.span)
        return Run(factors, ("",) * (len(factors) - 1), run.span), own
    return run, None


def is_vec(written: Written) -> bool:
    return isinstance(written, Name) and written.text == "vec"


def is_sum(written: Written) -> bool:
    """Whether something is a sum sign, with its bounds."""
    return is_sum(written.base) if isinstance(written, Scripted) else isinstance(written, Name) and written.text == "∑"


def is_stacked_throughout(right: Written) -> bool:
    """Whether each summand of a right side is a vector with the columns of a matrix below each other."""
    match right:
        case Total(terms):
            return all(is_stacked_throughout(term) for _, term in terms)
        case Run(factors, signs):
            called = any(isinstance(factor, Name) and factor.text == "vec" for factor in factors)
            return called or "⊗" in signs or any(map(is_stacked_throughout, factors))
        case Group(_, (inner,)):
            return is_stacked_throughout(inner)
        case Numeral(value):
            return value == 0
    return is_stacked(right)


# Copies of parameters


def copied(node: Written, lexicon: Lexicon) -> Iterator[str]:
    r"""The parameter by whose copy at one step something is derived: `\partial W^{(t)}` below, `\nabla_{W^{(t)}}`."""
    bottoms: tuple[Written, ...] = ()
    match node:
        case Over(_, Run((Name("∂" | "d"), bottom), ("",))):
            bottoms = (bottom,)
        case Scripted(Name("∇" | "D"), (("_", (bottom,)),)):
            bottoms = (bottom,)
        case Run(factors, signs) if "/" in signs:
            pairs = itertools.pairwise(factors)
            bottoms = tuple(b for a, b in pairs if a == Name("∂", b.span))
            words = (without_d(b) for sign, b in zip(signs, factors[1:], strict=True) if sign == "/")
            bottoms += tuple(word for word in words if word is not None)
    for bottom in bottoms:
        apart = taken_apart(bottom)
        for reading in readings(*apart) if apart is not None else ():
            name = lexicon.named(reading.spelling)
            clocks = [time for time in reading.times if {letter for letter, _ in time.terms} & CLOCKS]
            if name in lexicon.model.parameters and len(clocks) == len(reading.times) == 1 and not reading.operations:
                yield name
                break
