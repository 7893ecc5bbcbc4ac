r"""What stands on paper, before anybody has asked what it means: names with scripts, runs of factors, sums.

Whether `W^T` is a transpose, `a_t b_t` a product and `\delta_k` a sequence at time k is not decided here; that takes
the model's symbols.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from rnnsym.errors import RnnsymError, Span, excerpt


class ClaimError(RnnsymError):
    """A claim that cannot be read, with the place in its text."""

    def __init__(self, problem: str, text: str = "", span: Span | None = None, advice: str = "") -> None:
        self.problem, self.text, self.span, self.advice = problem, text, span, advice
        rows = [problem, *(excerpt(text, span) if span is not None else []), *([advice] if advice else [])]
        super().__init__("\n".join(rows))


class MalformedClaim(ClaimError):
    """A claim whose shapes do not fit."""


@dataclass(frozen=True)
class Numeral:
    """A number."""

    value: Fraction
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Name:
    """A letter or a word: `h`, `delta`, `tanh`, `∂`, `∑`, `top`; with its accents, as in `y` with `hat`."""

    text: str
    span: Span = field(compare=False)
    accents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """What stands in brackets: `kind` is one of ( [ ‖ and matrix; several parts are separated by commas or rows."""

    kind: str
    parts: tuple[Written, ...]
    separator: str
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Scripted:
    """Something with subscripts, superscripts, primes and transposes, in the order in which they are written.

    `scripts` are pairs of a kind (`_`, `^`, `'`, `T` and `[` for an index in brackets) and the parts.
    """

    base: Written
    scripts: tuple[tuple[str, tuple[Written, ...]], ...]
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Run:
    """Factors side by side. `signs[i]` stands before `factors[i + 1]`: empty, or one of `· @ * / ⊗ ⊙ ⊘`."""

    factors: tuple[Written, ...]
    signs: tuple[str, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Total:
    """Terms with their signs."""

    terms: tuple[tuple[str, Written], ...]
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Over:
    """A fraction."""

    top: Written
    bottom: Written
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Root:
    """A square root."""

    operand: Written
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Relation:
    """Several things with signs between them: `t = 1`, `t = 1 .. T`, `1 : n`."""

    sides: tuple[Written, ...]
    signs: tuple[str, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Sign:
    """A sign alone in a script, or before something: `+`, `⊙ 2`."""

    sign: str
    operand: Written | None
    span: Span = field(compare=False)


Written = Numeral | Name | Group | Scripted | Run | Total | Over | Root | Relation | Sign


@dataclass(frozen=True)
class Note:
    """A range of validity beside an equation, as a compact string: `t=T,…,1`, `t<T`."""

    text: str
    span: Span = field(compare=False)


@dataclass(frozen=True)
class Statement:
    """One equation as written: two sides and what stands beside it.

    sign: = in general, += and -= where an algorithm adds to what is there, ← where it gives another value, ∝ where
    only a factor is missing.
    """

    left: Written
    right: Written
    notes: tuple[Note, ...]
    span: Span = field(compare=False)
    sign: str = "="


def product_of(factors: tuple[Written, ...], span: Span) -> Written:
    """Factors side by side; one alone as it is."""
    return factors[0] if len(factors) == 1 else Run(factors, ("",) * (len(factors) - 1), span)


def transpose_of(written: Written) -> Written:
    """The transpose of something, in brackets."""
    span = written.span
    return Scripted(Group("(", (written,), "", span), (("^", (Name("top", span),)),), span)


def parts_of(node: Written) -> tuple[Written, ...]:
    """The parts of a node, left to right."""
    match node:
        case Group(_, parts):
            return parts
        case Scripted(base, scripts):
            return (base, *(part for _, parts in scripts for part in parts))
        case Run(factors):
            return factors
        case Total(terms):
            return tuple(term for _, term in terms)
        case Over(top, bottom):
            return (top, bottom)
        case Root(operand):
            return (operand,)
        case Relation(sides):
            return sides
        case Sign(_, operand) if operand is not None:
            return (operand,)
        case _:
            return ()


def with_parts(node: Written, parts: tuple[Written, ...]) -> Written:
    """The same node over other parts, as `parts_of` gives them."""
    match node:
        case Group():
            return replace(node, parts=parts)
        case Run():
            return replace(node, factors=parts)
        case Scripted(_, scripts):
            rest = iter(parts[1:])
            return replace(
                node, base=parts[0], scripts=tuple((kind, tuple(next(rest) for _ in own)) for kind, own in scripts)
            )
        case Total(terms):
            return replace(node, terms=tuple((sign, part) for (sign, _), part in zip(terms, parts, strict=True)))
        case Over():
            return replace(node, top=parts[0], bottom=parts[1])
        case Root() | Sign():
            return replace(node, operand=parts[0]) if parts else node
        case Relation():
            return replace(node, sides=parts)
        case _:
            return node


def every(node: Written) -> Iterator[Written]:
    """The node and everything below it; without recursion, since the text comes from anybody."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(parts_of(found)))
