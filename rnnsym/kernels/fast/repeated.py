"""Views that the lines of a chunk write out more than once: made once, under a name."""

from __future__ import annotations

import re
from collections import Counter

from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.kinds import SEQUENCE
from rnnsym.kernels.fast.text import words

#: What says which steps a chunk has, and which ones a part of it.
CHUNK_STEPS = frozenset({"start", "stop", "count"})
PART_STEPS = frozenset({"low", "high", "size"})


def named_once(draft: Draft, lines: list[str], steps: frozenset[str]) -> list[str]:
    """The lines with a name for every view of these steps that they take twice or more.

    Where reshaping may copy, the copy must not be older than what is read: only whole rows of one array are reshaped
    under a name.
    """
    inputs = [draft.names.of(name) for name, kind in draft.layout.kinds.items() if kind == SEQUENCE]
    bases = {*draft.fields, *inputs}
    solid = {*draft.solid, *inputs}
    reshaped = r"(?P<reshaped>\.reshape\((?:[^()]|\([^()]*\))*\))?"
    pattern = re.compile(rf"(?<![\w.])(?P<base>[A-Za-z_]\w*)\[(?P<index>[^\[\]]*)\]{reshaped}(?!\s*[-+*/]?=[^=])")
    allowed = {*CHUNK_STEPS, *steps, *draft.layout.sizes, "B"}

    def found(line: str) -> list[tuple[str, str, str]]:
        """The views in a line that may have a name: the code, the array, the index."""
        views = []
        for match in pattern.finditer("" if line.lstrip().startswith(("#", "gates = ")) else line):
            base, index, code = match["base"], match["index"], match[0]
            if match["reshaped"] and (base not in solid or "," in index):
                code = code.removesuffix(match["reshaped"])
            names = {word for word in words(index) if not word.isdigit()}
            if base in bases and names & steps and names <= allowed:
                views.append((code, base, index))
        return views

    counts = Counter(view for line in lines for view in found(line))
    # What is reshaped is named before what is a part of it.
    for code, base, index in sorted((view for view, count in counts.items() if count > 1), key=lambda v: -len(v[0])):
        once = re.compile(rf"(?<![\w.]){re.escape(code)}(?!\s*[-+*/]?=[^=])")
        own = [number for number, line in enumerate(lines) if (code, base, index) in found(line)]
        if sum(len(once.findall(lines[number])) for number in own) < 2:
            continue
        name = draft.names.fresh(_hint(draft, base, index, code))
        at = next(n for n in range(own[0], -1, -1) if lines[n] and not lines[n].startswith((" ", "else", "elif")))
        for number in own:
            lines[number] = once.sub(name, lines[number])
        lines = [*lines[:at], f"{name} = {code}", *lines[at:]]
    return lines


def _hint(draft: Draft, base: str, index: str, code: str) -> str:
    """What a view is called: by the variables in it, where it is slabs of several; else by its array."""
    order = next((o for s, o in draft.layout.spaces.orders.items() if draft.names.space(s) == base), None)
    slots = index.partition(", ")[2]
    if order is not None and re.fullmatch(r"\d+(:\d+)?", slots):
        first, _, stop = slots.partition(":")
        return "_".join(order[int(first) : int(stop or int(first) + 1)])[:32] + "_here"
    return f"{base}_rows" if ".reshape" in code else f"{base}_here"
