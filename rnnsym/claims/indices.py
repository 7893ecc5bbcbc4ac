r"""Which letters of an equation count elements, and which count time.

Nobody writes it down: the i of `h_{t,i}` counts elements since h has one time and one index, and the j of
`\sum_j W_{ij}` since W has two indices and no time. What such names leave open is settled by the bounds of sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rnnsym.claims.lexicon import Lexicon, moment
from rnnsym.claims.references import Found, Letters, letters_in, meanings, pieces, without_d
from rnnsym.claims.written import Group, Name, Numeral, Relation, Scripted, Statement, Written, every

TIME, ELEMENT = "time", "element"
#: Letters that count time in every text.
ALWAYS = ("t", "T", "tau")


def letters_of(
    statement: Statement, lexicon: Lexicon, sequences: Mapping[str, int], ranks: Mapping[str, int]
) -> frozenset[str]:
    """The letters of an equation that count elements."""
    return frozenset(letter for letter, role in roles(statement, lexicon, sequences, ranks).items() if role == ELEMENT)


def roles(
    statement: Statement, lexicon: Lexicon, sequences: Mapping[str, int], ranks: Mapping[str, int]
) -> dict[str, str]:
    """What each letter counts, as far as the equation tells."""
    known = dict.fromkeys(ALWAYS, TIME)
    nodes = [node for side in (statement.left, statement.right) for node in every(side) if has_scripts(node)]
    open_names = [
        options
        for node in dict.fromkeys(nodes)
        if (options := list(options_of(node, lexicon, sequences, Letters(None, ranks))))
    ]
    open_names += [found for node in nodes if (found := kronecker(node, statement.left, sequences))]
    bounds = [bound for node in nodes for bound in bounded(node, lexicon)]
    known |= {letter: role for letter, role, sure in bounds if sure}
    propagate(open_names, known)
    for letter, role, _ in bounds:
        if letter not in known:
            known[letter] = role
            propagate(open_names, known)
    return known


def kronecker(node: Written, left: Written, sequences: Mapping[str, int]) -> list[dict[str, str]]:
    r"""What the letters of `\delta_{ij}` count, where no sequence is called delta: elements, both of them."""
    match node:
        case Scripted(Name("delta", _, ()), (("_", (part,)),)) if node != left and "delta" not in sequences:
            names = [piece.text for piece in pieces(part) if isinstance(piece, Name)]
            return [dict.fromkeys(names, ELEMENT)] if len(names) == 2 and not set(names) & set(ALWAYS) else []
    return []


def has_scripts(node: Written) -> bool:
    """Whether a node is something with indices, in the text too: a_t."""
    return isinstance(node, Scripted) or (isinstance(node, Name) and "_" in node.text)


def options_of(
    node: Written, lexicon: Lexicon, sequences: Mapping[str, int], letters: Letters
) -> Iterator[dict[str, str]]:
    """Everything that a name may mean, as what its letters count."""
    found = list(meanings(node, lexicon, sequences, "", letters))
    if not found:
        bare = without_bar(node)
        bare = without_d(node) if bare is None else bare
        found = [] if bare is None else list(meanings(bare, lexicon, {}, "", letters))
    own = [meaning for meaning in found if meaning.own]
    for meaning in own or found:
        yield counted(meaning)


def counted(found: Found) -> dict[str, str]:
    """What the letters of one meaning count."""
    times = {letter: TIME for time in found.times for letter in time.letters}
    return times | {index.letter: ELEMENT for index in found.elements if index.letter not in times}


def script_letters(node: Scripted, kinds: str = "_^[") -> list[str]:
    """The letters in the scripts of something, in their order."""
    found = [
        letter
        for kind, parts in node.scripts
        if kind in kinds
        for part in parts
        for piece in pieces(part)
        for letter in sorted(letters_in(piece))
        if len(letter) == 1
    ]
    return list(dict.fromkeys(found))


def left_letters(left: Written) -> set[str]:
    """The letters in the scripts of a left side that may count something."""
    return {letter for node in every(left) if isinstance(node, Scripted) for letter in script_letters(node)}


def without_bar(node: Written) -> Written | None:
    """The name under the outermost bar."""
    match node:
        case Name(text, span, (*rest, "bar")):
            return Name(text, span, tuple(rest))
        case Scripted(Name() as base, scripts, span):
            inner = without_bar(base)
            return None if inner is None else Scripted(inner, scripts, span)
        case _:
            return None


def propagate(names: list[list[dict[str, str]]], known: dict[str, str]) -> None:
    """Add to `known` what the names leave no choice about."""
    progress = True
    while progress:
        progress = False
        for options in names:
            fitting = [option for option in options if all(known.get(letter, role) == role
                                                           for letter, role in option.items())]  # fmt: skip
            for letter in set(fitting[0]).intersection(*fitting) - set(known) if fitting else ():
                counts = {option[letter] for option in fitting}
                if len(counts) == 1:
                    known[letter] = counts.pop()
                    progress = True


def bounded(node: Written, lexicon: Lexicon) -> Iterator[tuple[str, str, bool]]:
    """The letters of a sum or product, what its bounds say that they count, and whether that is sure."""
    match node:
        case Scripted(Name("∑" | "∏"), scripts):
            pass
        case Scripted(Name()):
            return
        case Scripted():  # an element of what stands in brackets
            yield from ((letter, ELEMENT, False) for letter in script_letters(node, "_["))
            return
        case _:
            return
    below = [part for kind, parts in scripts if kind == "_" for part in parts]
    above = [part for kind, parts in scripts if kind == "^" for part in parts]
    for part in below:
        match part:
            case Relation((Name(letter), low, high), ("=", "..")):
                yield from bound_role(letter, low, high, lexicon)
            case Relation((Name(letter), low), ("=",)) if above:
                yield from bound_role(letter, low, above[0], lexicon)
            case Relation((Name(letter), Name()), ("∈",)):  # of a set that the text tells
                yield letter, ELEMENT, False
            case Relation(sides):
                yield from ((side.text, TIME, True) for side in sides if isinstance(side, Name) and side.text != "T")


def bound_role(letter: str, low: Written, high: Written, lexicon: Lexicon) -> Iterator[tuple[str, str, bool]]:
    """From 1 to a size: elements. Up to a time: time."""
    end = moment(high)
    if (
        isinstance(high, Group)
        or high == Name("infty", high.span)
        or (end is not None and {"t", "T"} & {name for name, _ in end.terms})
    ):
        yield letter, TIME, True
    elif isinstance(high, Name) and isinstance(low, Numeral) and low.value == 1:
        # A sum from 1 to k: k may be a size, or the other time of a path.
        yield letter, ELEMENT if lexicon.size(high) is not None else TIME, False
    else:
        of_elements = isinstance(high, Name) and isinstance(low, Numeral) and lexicon.size(high) is not None
        yield letter, ELEMENT if of_elements else TIME, False
