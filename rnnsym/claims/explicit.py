r"""Jacobians whose elements are told one by one, as those of two units: a matrix of numbers, row by row."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from rnnsym.claims.lexicon import Lexicon
from rnnsym.claims.references import readings, taken_apart
from rnnsym.claims.written import Group, Numeral, Over, Run, Scripted, Statement, Total, Written, every, parts_of


def one_by_one(statement: Statement, lexicon: Lexicon, layout: str) -> list[Statement]:
    """A statement about a Jacobian as statements about the elements that are told; any other one as it is."""
    rows = table(statement.right)
    match statement.left:
        case Over(Run((over, top), ("",)), Run((under, bottom), ("",))) if rows:
            pass
        case _:
            return [statement]
    cells = [cell for row in rows for cell in row]
    vectors = is_vector(top, lexicon) and is_vector(bottom, lexicon)
    if not vectors or not any(map(numbers_in, cells)) or any(map(adds_up, cells)):
        return [statement]
    found = []
    for row, parts in enumerate(rows, 1):
        for column, cell in enumerate(parts, 1):
            first, second = (row, column) if layout == "numerator" else (column, row)
            above, below = element(top, first), element(bottom, second)
            span = statement.span
            left = Over(Run((over, above), ("",), span), Run((under, below), ("",), span), span)
            found.append(replace(statement, left=left, right=cell))
    return found


def table(written: Written) -> list[tuple[Written, ...]]:
    """The rows of a matrix of several rows and columns."""
    if not isinstance(written, Group) or written.kind != "matrix" or written.separator == "&":
        return []
    rows = [part.parts for part in written.parts if isinstance(part, Group) and part.separator == "&"]
    return rows if len(rows) == len(written.parts) > 1 and len(set(map(len, rows))) == 1 else []


def is_vector(written: Written, lexicon: Lexicon) -> bool:
    """Whether something is a whole vector of the model at a time."""
    apart = taken_apart(written)
    for reading in readings(*apart) if apart is not None else ():
        name = lexicon.named(reading.spelling)
        if name is not None and not reading.operations and not reading.elements:
            return len(lexicon.variable(name).shape) == 1 and len(reading.times) == 1
    return False


def element(written: Written, number: int) -> Written:
    """An element of a vector at a time."""
    assert isinstance(written, Scripted)
    (kind, parts), *rest = written.scripts
    return replace(written, scripts=((kind, (*parts, Numeral(Fraction(number), written.span))), *rest))


def numbers_in(written: Written) -> bool:
    """Whether a numbered element stands in a formula."""
    return any(
        isinstance(node, Scripted)
        and any(isinstance(p, Numeral) for kind, ps in node.scripts if kind == "_" for p in ps)
        for node in every(written)
    )


def adds_up(written: Written) -> bool:
    """Whether several elements are added up: a sum over all of so many units, which holds for these alone."""
    return any(isinstance(node, Total) and sum(map(numbers_in, parts_of(node))) > 1 for node in every(written))
