"""The path through the graph that a term of a derivation goes along, in words."""

from __future__ import annotations

from rnnsym.claims.syntax import Derivative, Moment, Node, Sequence, Variable, walk
from rnnsym.verify.formulas.vocabulary import Vocabulary


def path(term: Node, target: Variable, left: Node, words: Vocabulary) -> str:
    """`the path c[t] to c[t+1] through the factor f[t+1]`."""
    ends = [end for node in walk(term) if (end := adjoint_at(node, words)) is not None]
    if len(ends) != 1 or target.time is None:
        return ""
    name, time = ends[0]
    if time is None:
        return ""
    factors = [
        node for node in walk(term)
        if isinstance(node, Variable) and node.name != target.name and node.name in {*words.timed, *words.untimed}
    ]  # fmt: skip
    through = factors[0] if factors else None
    what = f"the path from {target.name}[{target.time}] to {name}[{time}]"
    if through is None:
        return what
    shown = through.name if through.time is None else f"{through.name}[{through.time}]"
    return f"{what} through {shown}"


def adjoint_at(node: Node, words: Vocabulary) -> tuple[str, Moment | None] | None:
    """The variable, at a time, whose adjoint a node is."""
    if isinstance(node, Sequence) and node.name in words.meanings:
        meaning = words.meanings[node.name]
        time = node.times[meaning.place] + Moment((), meaning.shift) if node.times else None
        return meaning.variable, time
    if isinstance(node, Derivative) and node.top.shape == (1, 1):
        return node.bottom.name, node.bottom.time
    return None
