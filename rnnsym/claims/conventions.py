r"""Conventions of print that authors take for granted, said in the words of the language.

A sum reaches as far as its index does, `\sum_t \hat{y}_t - y_t`; the last step may be called tau; `e^x` is exp.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rnnsym.claims.bigs import CLOCKS, index_of, letters_of
from rnnsym.claims.grammar import joined
from rnnsym.claims.lexicon import Lexicon, spelled
from rnnsym.claims.written import (
    Group,
    Name,
    Numeral,
    Relation,
    Run,
    Scripted,
    Statement,
    Total,
    Written,
    every,
    parts_of,
    transpose_of,
    with_parts,
)

#: What the last step is called, where nothing else has this name.
LENGTHS = frozenset("tau N L n K".split())
#: The base of the natural logarithm, where nothing else has this name.
EULER = "e"


@dataclass(frozen=True)
class Spelled:
    """Statements in the words of the language, what was taken for granted, and the length that they state."""

    statements: tuple[Statement, ...]
    assumed: tuple[str, ...] = ()
    length: int | None = None


def spelled_out(statements: Iterable[Statement], lexicon: Lexicon, own: set[str]) -> Spelled:
    """The statements of a claim without these conventions. own: the names that the claim defines."""
    found, length = without_length(untransposed(s, lexicon) for s in statements)
    assumed: list[str] = []
    last = name_of_length(found, lexicon, own)
    if last is not None:
        found = [replace(s, left=called(s.left, last), right=called(s.right, last)) for s in found]
        assumed.append(f"{last} is the last step T")
    if EULER not in own and lexicon.named(EULER) is None and EULER not in lexicon.sizes:
        found = [replace(s, left=exponentials(s.left), right=exponentials(s.right)) for s in found]
    for place, statement in enumerate(found):
        right = reaching(statement.right, letters_of(statement.left))
        if right != statement.right:
            found[place] = replace(statement, right=right)
            assumed.append(f"the sum in line {statement.span.line} reaches over all that has its index")
    return Spelled(tuple(found), tuple(assumed), length)


def untransposed(statement: Statement, lexicon: Lexicon) -> Statement:
    r"""What is said of the transpose of a sequence that the claim defines, `\delta_t^T = ...`, said of the sequence."""
    match statement.left:
        case Scripted(Name() as base, scripts, span) if len(scripts) > 1 and lexicon.named(spelled(base)) is None:
            kept = tuple(script for script in scripts if not turns(script))
            if len(kept) == len(scripts) - 1 and any(kind in "_[" for kind, _ in kept):
                return replace(statement, left=Scripted(base, kept, span), right=transpose_of(statement.right))
    return statement


def turns(script: tuple[str, tuple[Written, ...]]) -> bool:
    """Whether a script marks a transpose."""
    kind, parts = script
    return kind == "T" or (
        kind == "^" and len(parts) == 1 and isinstance(parts[0], Name) and parts[0].text in ("T", "top")
    )


# The last step


def without_length(statements: Iterable[Statement]) -> tuple[list[Statement], int | None]:
    """The statements without those such as T = 3, and that number."""
    found, length = [], None
    for statement in statements:
        match statement.left, statement.right:
            case Name("T", _, ()), Numeral(value) if value.denominator == 1 and value > 0 and statement.sign == "=":
                length = int(value)
            case _:
                found.append(statement)
    return found, length


def name_of_length(statements: list[Statement], lexicon: Lexicon, own: set[str]) -> str | None:
    """The letter at which sums over time end, where T stands nowhere and the left sides say nothing else of it."""
    ends: list[str] = []
    for statement in statements:
        for node in every(statement.right):
            if isinstance(node, Scripted) and isinstance(node.base, Name) and node.base.text == "∑":
                ends += end_of(node)
        if set(ends) & bound_letters(statement):
            return None
    names = dict.fromkeys(ends) or dict.fromkeys(told_beside(statements))
    if len(names) != 1:
        return None
    (name,) = names
    taken = name in own or name in lexicon.sizes or lexicon.named(name) is not None
    return None if taken or any(says_more(statement, name) for statement in statements) else name


def told_beside(statements: list[Statement]) -> Iterator[str]:
    r"""The tau of a left side that stands there with t too: \nabla_{h^{(\tau)}} E beside \nabla_{h^{(t)}} E."""
    lefts = {statement.left for statement in statements}
    for left in lefts:
        name = "tau"
        if name in letters_of(left) and exchanged(left, name, "t") in lefts:
            yield name


def exchanged(written: Written, name: str, other: str) -> Written:
    """An expression with another letter."""
    if isinstance(written, Name):
        return replace(written, text=other) if written.text == name else written
    return with_parts(written, tuple(exchanged(part, name, other) for part in parts_of(written)))


def end_of(big: Scripted) -> Iterator[str]:
    """The letter at which a sum over time ends."""
    below = [part for kind, parts in big.scripts if kind == "_" for part in parts]
    above = [part for kind, parts in big.scripts if kind == "^" for part in parts]
    if index_of(below) not in CLOCKS:
        return
    for part in (*above, *(side for one in below if isinstance(one, Relation) for side in one.sides[2:])):
        if isinstance(part, Name) and part.text in LENGTHS:
            yield part.text


def bound_letters(statement: Statement) -> set[str]:
    """The letters over which the sums and products of a statement run."""
    bigs = (node for node in every(statement.right) if isinstance(node, Scripted) and isinstance(node.base, Name))
    indices = (
        index_of([part for kind, parts in big.scripts if kind == "_" for part in parts])
        for big in bigs if big.base.text in ("∑", "∏")  # type: ignore[union-attr]
    )  # fmt: skip
    return {index for index in indices if index is not None}


def says_more(statement: Statement, name: str) -> bool:
    """Whether a letter that may be the last step is another time: T stands beside it, or a sum is told by it."""
    both = (statement.left, statement.right)
    marks = {id(part) for side in both for node in every(side) if isinstance(node, Scripted)
             for kind, parts in node.scripts if kind == "^" for part in parts}  # fmt: skip
    times = [node for side in both for node in every(side)
             if isinstance(node, Name) and node.text == "T" and id(node) not in marks]  # fmt: skip
    summed = any(name in end_of(node) for node in every(statement.right) if isinstance(node, Scripted))
    return bool(times) or (summed and name in letters_of(statement.left))


def called(written: Written, name: str) -> Written:
    """An expression in which the last step is called T."""
    if isinstance(written, Name) and written.text == name and not written.accents:
        return replace(written, text="T")
    if isinstance(written, Name) and f"_{name}" in written.text:  # a word of the text
        return replace(written, text="_".join("T" if part == name else part for part in written.text.split("_")))
    inner = with_parts(written, tuple(called(part, name) for part in parts_of(written)))
    if not isinstance(inner, Scripted) or (isinstance(inner.base, Name) and inner.base.text in ("∑", "∏")):
        return inner
    scripts = zip(inner.scripts, (parts for _, parts in written.scripts), strict=True)  # type: ignore[union-attr]
    return replace(inner, scripts=tuple((kind, bracketed(parts, before)) for (kind, parts), before in scripts))


def bracketed(parts: tuple[Written, ...], before: tuple[Written, ...]) -> tuple[Written, ...]:
    """Scripts that were changed in brackets: a bare T above would be a transpose."""
    return tuple(
        part if part == old else Group("(", (part,), "", part.span) for part, old in zip(parts, before, strict=True)
    )


# Labels


def gates(statements: Iterable[Statement], lexicon: Lexicon) -> set[str]:
    """The letters that name a variable with a time and stand as an index nowhere: labels, where a sequence has them."""
    nodes = [
        node for s in statements for side in (s.left, s.right) for node in every(side) if isinstance(node, Scripted)
    ]
    known = [node for node in nodes if isinstance(node.base, Name)
             and (node.base.text in ("∑", "∏") or lexicon.named(spelled(node.base)) is not None)]  # fmt: skip
    counting = {letter for node in known for _, parts in node.scripts for part in parts for letter in letters_of(part)}
    brackets = {letter for s in statements for side in (s.left, s.right) for node in every(side)
                if isinstance(node, Relation) for letter in letters_of(node)}  # fmt: skip
    letters = {name for name in lexicon.model.timed if len(name) == 1}
    return letters - {part for found in counting for part in found} - brackets


# Exponentials


def exponentials(written: Written) -> Written:
    """An expression in which e^x is the function of x."""
    inner = with_parts(written, tuple(map(exponentials, parts_of(written))))
    match inner:
        case Scripted(Name("e", _, ()) as base, (("^", (exponent,)),), span) if not is_mark(exponent):
            argument = Group("(", (exponent,), "", exponent.span)
            return Group("(", (Run((replace(base, text="exp"), argument), ("",), span),), "", span)
    return inner


def is_mark(exponent: Written) -> bool:
    """Whether a superscript says when or how, and is no exponent."""
    return isinstance(exponent, Name) and exponent.text in {"top", "prime", "T", *CLOCKS}


# How far a sum reaches


def reaching(written: Written, known: set[str]) -> Written:
    """An expression in which each sum over time has behind it all that has its index. known: letters with a meaning."""
    match written:
        case Total(terms):
            return over_following(replace(written, terms=tuple((sign, reaching(t, known)) for sign, t in terms)), known)
        case Run(factors) if (letter := summed_by(factors[0])) is not None:
            inner = {*known, letter}
            return replace(written, factors=(factors[0], *(reaching(part, inner) for part in factors[1:])))
        case Scripted(base):
            return replace(written, base=reaching(base, known)) if isinstance(base, Group) else written
    return with_parts(written, tuple(reaching(part, known) for part in parts_of(written)))


def summed_by(written: Written) -> str | None:
    """The letter of a sum over time."""
    if isinstance(written, Scripted) and isinstance(written.base, Name) and written.base.text == "∑":
        letter = index_of([part for kind, parts in written.scripts if kind == "_" for part in parts])
        return letter if letter in CLOCKS else None
    return None


def over_following(total: Total, known: set[str]) -> Written:
    """A sum of terms, of which one that is a sum over time takes in the next ones that have its index."""
    terms = list(total.terms)
    for place, (sign, term) in enumerate(terms[:-1]):
        letter = summed_by(term.factors[0]) if isinstance(term, Run) else None
        if not isinstance(term, Run) or letter is None or letter in known or sign == "-":
            continue
        last = place
        while last + 1 < len(terms) and letter in letters_of(terms[last + 1][1]) - summed_in(terms[last + 1][1]):
            last += 1
        if last == place:
            continue
        first = (
            term.factors[1] if len(term.factors) == 2 else replace(term, factors=term.factors[1:], signs=term.signs[1:])
        )
        span = joined(first.span, terms[last][1].span)
        inside = Group("(", (Total((("+", first), *terms[place + 1 : last + 1]), span),), "", span)
        whole = Run((term.factors[0], inside), ("",), joined(term.span, span))
        kept = (*terms[:place], ("+", whole), *terms[last + 1 :])
        return whole if len(kept) == 1 else replace(total, terms=kept)
    return total


def summed_in(written: Written) -> set[str]:
    """The letters of the sums over time in an expression."""
    return {letter for node in every(written) if (letter := summed_by(node)) is not None}
