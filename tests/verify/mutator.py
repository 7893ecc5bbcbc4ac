"""Mistakes made in the LaTeX of a printed derivation, as people make them: by crossing out and writing something else.

It works on text alone and shares nothing with the search for what was done.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rnnsym import Model, derive
from rnnsym.notation.document import lines_of, renderer_for

#: Equations as left side, right side and note.
Lines = list[tuple[str, str, str]]
NAME = r"(?<![\\A-Za-z])(?:\\bar\{[A-Za-z]\}|\\mathrm\{\w+\}|[A-Za-z])"
TIMED = re.compile(rf"{NAME}_(?:\{{(?:[\w]+,)?t(?:[+-]\d)?\}}|t)")
PLAIN = re.compile(r"(?<![\\A-Za-z{])[A-Z](?:_\{?\w+\}?)?(?=\^\\top| |$)")


@dataclass(frozen=True)
class Mutation:
    """A line of a claim with a mistake in it. note: its new times; drop: the line is left out."""

    kind: str
    line: int
    text: str
    note: str | None = None
    drop: bool = False

    @property
    def plain(self) -> bool:
        """Whether nothing but the right side is another one."""
        return self.note is None and not self.drop


def printed(model: Model) -> Lines:
    """The derived equations in LaTeX: left side, right side and note."""
    content = derive(model).content
    out = renderer_for(content, "latex")
    return [(line.left, line.right, line.note) for part in content.result() for e in part for line in lines_of(e, out)]


def whole(lines: Lines) -> str:
    """The lines as a claim."""
    return "\n".join(f"{left} = {right}" + (rf" \quad {note}" if note else "") for left, right, note in lines)


def mutations(line: int, right: str) -> Iterator[Mutation]:
    """Every mistake that can be made in a right side."""
    for kind, text in (
        *dropped(right), *signs(right), *transposed(right), *retimed(right), *derivatives(right), *renamed(right),
        *factors(right), *bounds(right), *constants(right), *parentheses(right),
    ):  # fmt: skip
        if text != right:
            yield Mutation(kind, line, text)


def top_level(text: str, separators: tuple[str, ...]) -> list[str]:
    """A text split at separators outside brackets, these kept."""
    found, depth, start, place = [], 0, 0, 0
    while place < len(text):
        depth += (text[place] in "({[") - (text[place] in ")}]")
        hit = next((s for s in separators if not depth and text.startswith(s, place)), None)
        if hit and place > start:
            found += [text[start:place], hit]
            start = place = place + len(hit)
        else:
            place += 1
    return [*found, text[start:]]


def dropped(right: str) -> Iterator[tuple[str, str]]:
    """A summand forgotten."""
    head, body = prefix(right)
    parts = top_level(body, (" + ", " - "))
    for place in range(0, len(parts), 2):
        if len(parts) > 1:
            rest = parts[:]
            if place:
                del rest[place - 1 : place + 1]
            else:
                sign = "-" if rest[1] == " - " else ""
                del rest[:2]
                rest[0] = sign + rest[0]
            yield "dropped summand", head + "".join(rest)


def prefix(right: str) -> tuple[str, str]:
    r"""A leading sum over time, and what stands behind it."""
    match = re.match(r"\\sum_\{t=\w+\}\^\{[^}]*\} ", right)
    return (match[0], right[match.end() :]) if match else ("", right)


def signs(right: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r" [+-] ", right):
        other = " - " if match[0] == " + " else " + "
        yield "sign", right[: match.start()] + other + right[match.end() :]


def transposed(right: str) -> Iterator[tuple[str, str]]:
    for match in PLAIN.finditer(right):
        rest = right[match.end() :]
        if rest.startswith(r"^\top"):
            yield "transpose", right[: match.end()] + rest.removeprefix(r"^\top")
        elif rest.startswith(" "):
            yield "transpose", right[: match.end()] + r"^\top" + rest


def retimed(right: str) -> Iterator[tuple[str, str]]:
    for match in TIMED.finditer(right):
        for before, after in (
            ("t+1}", "t}"),
            ("t-1}", "t}"),
            ("t}", "t-1}"),
            ("t}", "t+1}"),
            ("_t", "_{t-1}"),
            ("_t", "_{t+1}"),
        ):
            if match[0].endswith(before) and not (before == "t}" and re.search(r"[+-]", match[0])):
                new = match[0][: -len(before)] + after
                new = re.sub(r"_\{t\}$", "_t", new)
                yield "time", right[: match.start()] + new + right[match.end() :]


def derivatives(right: str) -> Iterator[tuple[str, str]]:
    tanh = re.compile(r"\(1 - (?P<x>\S+) \\odot (?P=x)\)")
    sigmoid = re.compile(r"(?P<x>[^\s()]+) \\odot \(1 - (?P=x)\)")
    for match in tanh.finditer(right):
        x = match["x"]
        for new in (rf"{x} \odot (1 - {x})", f"(1 - {x})", rf"\tanh({x})"):
            yield "activation derivative", right[: match.start()] + new + right[match.end() :]
    for match in sigmoid.finditer(right):
        x = match["x"]
        for new in (rf"(1 - {x} \odot {x})", x, f"(1 - {x})"):
            yield "activation derivative", right[: match.start()] + new + right[match.end() :]
    for match in re.finditer(r"\\tanh\^2\((?P<x>[^\s()]+)\)", right):
        yield (
            "activation derivative",
            right[: match.start()] + rf"{match['x']} \odot {match['x']}" + right[match.end() :],
        )
    for match in re.finditer(r"\\tanh\((?P<x>[^\s()]+)\)", right):
        yield "activation derivative", right[: match.start()] + match["x"] + right[match.end() :]


def renamed(right: str) -> Iterator[tuple[str, str]]:
    """A label or letter confused with another one in the same line."""
    places = {match[0]: match for pattern in (PLAIN, TIMED) for match in reversed(list(pattern.finditer(right)))}
    for one in sorted(places):
        for other in sorted(places):
            if one != other and (one[0] == other[0] or not (one[0].isupper() or other[0].isupper())):
                start, end = places[one].span()
                yield "operand", right[:start] + other + right[end:]


def factors(right: str) -> Iterator[tuple[str, str]]:
    """An elementwise factor forgotten."""
    head, body = prefix(right)
    terms = top_level(body, (" + ", " - "))
    for number in range(0, len(terms), 2):
        parts = top_level(terms[number], (r" \odot ",))
        for place in range(0, len(parts), 2):
            if len(parts) > 1 and r"\sum" not in parts[place]:
                rest = parts[:]
                del rest[max(place - 1, 0) : max(place - 1, 0) + 2]
                yield "dropped factor", head + "".join([*terms[:number], "".join(rest), *terms[number + 1 :]])


def bounds(right: str) -> Iterator[tuple[str, str]]:
    if r"\sum_{t=1}^{T}" in right:
        yield "bounds", right.replace(r"\sum_{t=1}^{T}", r"\sum_{t=2}^{T}")
        yield "bounds", right.replace(r"\sum_{t=1}^{T}", r"\sum_{t=1}^{T-1}")
        yield "missing sum", right.replace(r"\sum_{t=1}^{T} ", "")


def constants(right: str) -> Iterator[tuple[str, str]]:
    head, body = prefix(right)
    bracketed = f"({body})" if len(top_level(body, (" + ", " - "))) > 1 or body.startswith("-") else body
    yield "constant", rf"{head}2 {bracketed}"
    yield "constant", rf"{head}\frac{{1}}{{2}} {bracketed}"
    if head:
        yield "mean", rf"\frac{{1}}{{T}} {right}"


def parentheses(right: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r"\((?!\d)([^()]* [+-] [^()]*)\) \\odot", right):
        yield "parentheses", right[: match.start()] + match[1] + r" \odot" + right[match.end() :]


def mutated(lines: Lines, chosen: list[Mutation]) -> str:
    """The claim with these mistakes in it."""
    new: dict[int, tuple[str, str, str]] = dict(enumerate(lines))
    for mutation in chosen:
        left, _, note = new[mutation.line]
        new[mutation.line] = (left, mutation.text, note if mutation.note is None else mutation.note)
    for mutation in chosen:
        if mutation.drop:
            new.pop(mutation.line, None)
    return whole(list(new.values()))


def singles(lines: Lines) -> list[Mutation]:
    """All single mistakes in a derivation, each once."""
    return [m for line, (_, right, _) in enumerate(lines) for m in dict.fromkeys(mutations(line, right))]


def doubles(lines: Lines, count: int, seed: int = 0) -> list[list[Mutation]]:
    """Pairs of mistakes, half of them in one line."""
    rng = random.Random(seed)
    found: list[list[Mutation]] = []
    every = singles(lines)
    while len(found) < count:
        first = rng.choice(every)
        if rng.random() < 0.5:
            second = rng.choice(list(mutations(first.line, first.text)) or [first])
            if second.text not in (first.text, lines[first.line][1]):
                found.append([Mutation(f"{first.kind} + {second.kind}", first.line, second.text)])
        else:
            second = rng.choice(every)
            if second.line != first.line:
                found.append([first, second])
    return found
