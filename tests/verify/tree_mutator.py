r"""Mistakes made in the tree of a printed formula, and slips of the pen in its text.

It knows neither the model nor the search for what was done: a name is a letter with scripts, an upper-case letter or
one that stands before others is taken for a matrix.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from formula import (
    FUNCTIONS,
    Big,
    Chain,
    Elementwise,
    Factor,
    Fraction,
    Sum,
    Unparsed,
    parsed,
    parts_of,
    with_parts,
    written,
)
from mutator import Lines, Mutation

Found = Iterator[tuple[str, Any]]
TIME = re.compile(r"(?<=[_,{])(?P<time>[tT](?:[+-]\d)?)(?=\}|$)|(?<=_)(?P<alone>[tT])(?![A-Za-z])")
NAME = re.compile(r"(?:\\bar\{)?(?P<letter>\\?[A-Za-z]+(?:\{\w+\})?)\}?")


def mutations(line: int, right: str, names: tuple[Factor, ...] = ()) -> Iterator[Mutation]:
    """Every mistake in a right side. names: those of the whole derivation, of which a wrong one may be taken."""
    try:
        tree = parsed(right)
    except Unparsed:
        return
    seen = {right}
    for kind, changed in everywhere(tree, names):
        text = written(changed)
        if text not in seen:
            seen.add(text)
            yield Mutation(kind, line, text)


def everywhere(node: Any, names: tuple[Factor, ...], top: bool = True) -> Found:
    """Every change of a tree."""
    yield from changes(node, names)
    if top and not isinstance(node, Big):
        yield from (("coefficient", changed) for changed in scaled(node))
    parts = parts_of(node)
    for place, part in enumerate(parts):
        for kind, changed in everywhere(part, names, isinstance(node, Sum | Big)):
            yield kind, with_parts(node, (*parts[:place], changed, *parts[place + 1 :]))


def changes(node: Any, names: tuple[Factor, ...]) -> Found:
    """What can be done to a node, its parts aside."""
    match node:
        case Sum():
            yield from of_sum(node)
        case Elementwise():
            yield from of_elementwise(node)
        case Chain():
            yield from of_chain(node)
        case Big():
            yield from of_big(node)
        case Fraction(_, top, bottom):
            yield "fraction upside down", replace(node, top=bottom, bottom=top)
            yield "dropped factor", replace(node, top=Factor("1"))
            yield "dropped divisor", top
        case Factor():
            yield from of_factor(node, names)


def without(parts: tuple[Any, ...], place: int) -> tuple[Any, ...]:
    return (*parts[:place], *parts[place + 1 :])


def scaled(node: Any) -> Iterator[Any]:
    for number in (Factor("2"), Fraction(r"\frac", Factor("1"), Factor("2"))):
        yield Chain((number, node), (r" \, ",))


def of_sum(node: Sum) -> Found:
    for place, part in enumerate(node.parts):
        flipped = "-" if node.signs[place] == "+" else "+"
        yield "sign", replace(node, signs=(*node.signs[:place], flipped, *node.signs[place + 1 :]))
        if len(node.parts) > 1:
            rest = Sum(without(node.signs, place), without(node.parts, place))
            yield "dropped summand", rest.parts[0] if rest.signs == ("+",) else rest
            yield "summand twice", Sum((*node.signs, node.signs[place]), (*node.parts, part))
    if len(node.parts) == 2 and node.signs == ("+", "-"):
        one, other = node.parts
        yield "difference turned", replace(node, parts=(other, one))
        if one == Factor("1"):
            yield from slopes(other)


def slopes(other: Any) -> Found:
    """Where 1 - y**2 stands, or 1 - y."""
    if isinstance(other, Factor) and re.search(r"\^2$", other.scripts):
        base = replace(other, scripts=other.scripts.removesuffix("^2"))
        yield "activation derivative", Elementwise((base, Sum(("+", "-"), (Factor("1"), base))), (r"\odot",))
        yield "activation derivative", other
    elif isinstance(other, Factor) and not other.inner:
        square = replace(other, scripts=other.scripts + "^2")
        yield "activation derivative", Sum(("+", "-"), (Factor("1"), square))
        yield "activation derivative", Sum(("+", "-"), (Factor("1"), Factor(r"\tanh", other, ("(", ")"))))


def of_elementwise(node: Elementwise) -> Found:
    if len(node.parts) == 2:
        yield "product for elementwise", Chain(node.parts, (" ",))
    for place, part in enumerate(node.parts):
        rest = without(node.parts, place)
        signs = without(node.signs, max(place - 1, 0))
        yield "dropped factor", rest[0] if len(rest) == 1 else Elementwise(rest, signs)
        if place:
            turned = r"\oslash" if node.signs[place - 1] == r"\odot" else r"\odot"
            new = (*node.signs[: place - 1], turned, *node.signs[place:])
            yield "product for quotient", replace(node, signs=new)
        yield "factor twice", Elementwise((*node.parts, part), (*node.signs, r"\odot"))
        if isinstance(part, Sum) and part.parts[0] != Factor("1"):  # parentheses left out
            around = [*node.parts]
            last = Elementwise((part.parts[-1], *around[place + 1 :]), node.signs[place:])
            first = Elementwise((*around[:place], part.parts[0]), node.signs[:place])
            ends = (
                first if place else part.parts[0],
                *part.parts[1:-1],
                last if around[place + 1 :] else last.parts[0],
            )
            if part.signs[0] == "+":
                yield "parentheses", replace(part, parts=ends)


def of_chain(node: Chain) -> Found:
    for place in range(len(node.parts)):
        rest = without(node.parts, place)
        spaces = without(node.spaces, max(place - 1, 0))
        yield "dropped factor", rest[0] if len(rest) == 1 else Chain(rest, spaces)
        if place:
            parts = (*node.parts[: place - 1], node.parts[place], node.parts[place - 1], *node.parts[place + 1 :])
            if not isinstance(node.parts[place], Big):
                yield "order", replace(node, parts=parts)
                turned = tuple(
                    transpose(part) if number in (place - 1, place) else part for number, part in enumerate(parts)
                )
                yield "transposed product", replace(node, parts=turned)
    if len(node.parts) == 2 and not isinstance(node.parts[1], Big):
        yield "elementwise for product", Elementwise(node.parts, (r"\odot",))


def transpose(part: Any) -> Any:
    if not isinstance(part, Factor):
        return part
    if part.scripts.endswith(r"^\top"):
        return replace(part, scripts=part.scripts.removesuffix(r"^\top"))
    if "^" in part.scripts:
        return Factor("", part, ("(", ")"), r"^\top")
    return replace(part, scripts=part.scripts + r"^\top")


def of_big(node: Big) -> Found:
    yield "missing sum", node.part
    for before, after in (("{t=1}", "{t=2}"), ("{t=1}", "{t=0}"), ("^{T}", "^{T-1}"), ("^{T}", "^{T+1}")):
        if before in node.head:
            yield "bounds", replace(node, head=node.head.replace(before, after))
    mean = Fraction(r"\frac", Factor("1"), Factor("T"))
    yield "mean", Chain((mean, node), (r" \, ",))
    yield "coefficient", Chain((Factor("2"), node), (r" \, ",))


def of_factor(node: Factor, names: tuple[Factor, ...]) -> Found:
    if node.inner is not None:
        yield from of_bracket(node)
    if node.core.isdigit():
        for number in {int(node.core) + 1, 2 * int(node.core)} - {int(node.core)}:
            yield "number", replace(node, core=str(number))
        return
    yield from retimed(node)
    if node.scripts.endswith(r"^\top"):
        yield "transpose", replace(node, scripts=node.scripts.removesuffix(r"^\top"))
    elif node.inner is None and "^" not in node.scripts and is_matrix(node.core):
        yield "transpose", replace(node, scripts=node.scripts + r"^\top")
    for before, after in (("^2", ""), ("^2", "^3"), ("", "^2")):
        bare = node.core not in FUNCTIONS and "^" not in node.scripts and node.inner is None
        if node.scripts.endswith(before) and (before or bare):
            yield "exponent", replace(node, scripts=node.scripts.removesuffix(before) + after)
    if node.inner is None:
        yield from renamed(node, names)


def is_matrix(core: str) -> bool:
    found = NAME.fullmatch(core)
    return found is not None and found["letter"][:1].isupper()


def of_bracket(node: Factor) -> Found:
    if node.core.startswith(r"\operatorname{diag}"):
        yield "missing diag", node.inner
    elif node.is_function:
        yield "function left out", node.inner
        squared = re.search(r"\^\{?2\}?$", node.core)
        if squared:
            base = node.core[: squared.start()]
            yield "activation derivative", replace(node, core=base)
            yield (
                "activation derivative",
                replace(node.inner, scripts=node.inner.scripts + "^2")
                if isinstance(node.inner, Factor) and node.inner.inner is None
                else node.inner,
            )
        for one, other in ((r"\tanh", r"\sigma"), (r"\sigma", r"\tanh")):
            if node.core.startswith(one):
                yield "other function", replace(node, core=node.core.replace(one, other))


def retimed(node: Factor) -> Found:
    for match in TIME.finditer(node.scripts):
        letter, shift = match[0][0], int(match[0][1:] or "0")
        options = {(letter, shift + 1), (letter, shift - 1), (letter, -shift), ("T" if letter == "t" else "t", shift)}
        for other, moved in sorted(options - {(letter, shift), ("T", 1)}):
            time = other + (f"{moved:+d}" if moved else "")
            start, end = match.span()
            braces = len(time) > 1 and node.scripts[start - 1] == "_"
            text = f"{{{time}}}" if braces else time
            yield "time", replace(node, scripts=node.scripts[:start] + text + node.scripts[end:])


def renamed(node: Factor, names: tuple[Factor, ...]) -> Found:
    """Another name of the derivation with the same time and transpose: a gate, weight, or the value for its adjoint."""
    own = plain(node)
    if not own[0]:
        return
    for found in names:
        new = plain(found)
        if new[1] == own[1] and new[0] != own[0] and alike(node.core, found.core):
            yield "operand", replace(found, scripts=found.scripts + node.scripts[len(own[2]) :])
    bar = re.fullmatch(r"\\bar\{(.*)\}", node.core)
    if bar:
        yield "value for adjoint", replace(node, core=bar[1])
        letter = bar[1] + own[2]
        yield (
            "immediate",
            Factor(rf"\frac{{\partial^{{+}} E}}{{\partial {letter}}}", scripts=node.scripts[len(own[2]) :]),
        )


def plain(node: Any) -> tuple[str, str, str]:
    r"""A name without its time, its time, and the scripts that hold both: `W^\top` is W."""
    if not isinstance(node, Factor) or not NAME.fullmatch(node.core) or node.core in FUNCTIONS:
        return "", "", ""
    below = node.scripts[: subscript(node.scripts)]
    time = TIME.search(below)
    return node.core + TIME.sub("", below), time[0] if time else "", below


def subscript(scripts: str) -> int:
    """Where the subscript ends that scripts begin with."""
    if not scripts.startswith("_{"):
        return 2 * scripts.startswith("_")
    depth = 0
    for place, sign in enumerate(scripts):
        depth += (sign == "{") - (sign == "}")
        if place > 1 and not depth:
            return place + 1
    raise Unparsed(scripts)


def alike(one: str, other: str) -> bool:
    """Whether names are of one kind: adjoints with adjoints, matrices with matrices."""
    return (r"\bar" in one) == (r"\bar" in other) and is_matrix(one) == is_matrix(other)


def names_in(lines: Lines) -> tuple[Factor, ...]:
    """The names in a derivation, transposes aside."""
    found: dict[Factor, None] = {}

    def walk(node: Any) -> None:
        if isinstance(node, Factor) and plain(node)[0]:
            found.setdefault(Factor(node.core, scripts=plain(node)[2]))
        for part in parts_of(node):
            walk(part)

    for _, right, _ in lines:
        try:
            walk(parsed(right))
        except Unparsed:
            continue
    return tuple(found)


def of_lines(lines: Lines) -> Iterator[Mutation]:
    """Mistakes in the times at which an equation is said to hold, and a boundary value left out."""
    for line, (left, right, note) in enumerate(lines):
        if left.endswith("_T") and right != "0":
            yield Mutation("missing boundary", line, "", drop=True)
        for before, after in (("t = T,", "t = T-1,"), ("t = T-1,", "t = T-2,"), (r"\dots, 1", r"\dots, 2")):
            if before in note:
                yield Mutation("range", line, right, note=note.replace(before, after))


def singles(lines: Lines) -> list[Mutation]:
    """All single mistakes in a derivation."""
    names = names_in(lines)
    found = [m for line, (_, right, _) in enumerate(lines) for m in mutations(line, right, names)]
    return [*found, *of_lines(lines)]


def doubles(lines: Lines, count: int, seed: int = 0) -> list[list[Mutation]]:
    """Pairs of mistakes, half of them in one line; each kind as likely as the others."""
    rng = random.Random(seed)
    names = names_in(lines)
    by_kind: dict[str, list[Mutation]] = {}
    for mutation in singles(lines):
        by_kind.setdefault(mutation.kind, []).append(mutation)
    found: list[list[Mutation]] = []
    while len(found) < count:
        first = rng.choice(by_kind[rng.choice(sorted(by_kind))])
        if len(found) % 2 and first.plain:
            more = list(mutations(first.line, first.text, names))
            second = rng.choice(more) if more else first
            if second.text not in (first.text, lines[first.line][1]):
                found.append([Mutation(f"{first.kind} + {second.kind}", first.line, second.text)])
        else:
            second = rng.choice(by_kind[rng.choice(sorted(by_kind))])
            if second.line != first.line:
                found.append([first, second])
    return found


def slips(text: str, rng: random.Random) -> Iterator[str]:
    """Slips of the pen without end: a sign deleted, doubled, replaced by another of the text, or two exchanged."""
    tokens = re.findall(r"\\[A-Za-z]+|\\.|\n|[^\S\n]+|\d+|.", text)
    places = [place for place, token in enumerate(tokens) if not token.isspace()]
    while True:
        place, new = rng.choice(places), list(tokens)
        what = rng.randrange(4)
        if what == 0:
            del new[place]
        elif what == 1:
            new.insert(place, new[place])
        elif what == 2:
            new[place] = tokens[rng.choice(places)]
        else:
            other = places[(places.index(place) + 1) % len(places)]
            new[place], new[other] = new[other], new[place]
        if new != tokens:
            yield "".join(new)
