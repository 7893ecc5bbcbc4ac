"""What truly goes step by step: the body of a loop, and the views that each step works on."""

from __future__ import annotations

from dataclasses import dataclass

from rnnsym.equations.indexed import Equation
from rnnsym.kernels.fast.book import Book
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.forms import is_joined
from rnnsym.kernels.fast.joined import joined
from rnnsym.kernels.fast.kinds import COLUMN, PRODUCT
from rnnsym.kernels.fast.lanes import Constant, Lane
from rnnsym.kernels.fast.nodes import Gather, Spread
from rnnsym.kernels.fast.packs import Pack, Run, pieces
from rnnsym.kernels.fast.stacks import product_of, stack
from rnnsym.kernels.fast.stages import Stage


@dataclass(frozen=True)
class Loop:
    """A loop as lines. steps: the name of the views of all steps; names: what each of them holds.

    zipped: inputs whose rows go along, by the name of the array.
    """

    steps: str
    names: tuple[str, ...]
    body: tuple[str, ...]
    zipped: dict[str, str]

    def lines(self, cut: str, turn: str = "") -> list[str]:
        """The loop over the steps of a slice, backwards where `turn` is that."""
        pattern = ", ".join(self.names) + ("," if len(self.names) == 1 else "")
        if self.zipped:
            rows = ", ".join(f"{code}[{cut}]{turn}" for code in self.zipped)
            head = f"for ({pattern}), {', '.join(self.zipped.values())} in zip({self.steps}[{cut}]{turn}, {rows}):"
        else:
            head = f"for {pattern} in {self.steps}[{cut}]{turn}:"
        return [head, *("    " + line for line in self.body)]


def loop(draft: Draft, stage: Stage, number: int) -> Loop:
    """A stage as a loop over its steps; the number makes its name."""
    book = Book(draft)
    body: list[str] = []
    told: set[str] = set()
    by_name = {e.name: e for e in stage.equations}
    for call in draft.layout.calls[stage]:
        if isinstance(call, Pack):
            ready = [o.equation for o in call.operations if o.equation is not None and o.equation.name not in told]
            told |= {e.name for e in ready}
            body += draft.comments(ready)
            body.append(_pack(draft, call, book))
        elif isinstance(call, Spread):
            body += draft.comments([by_name[name] for name in call.targets if name in by_name])
            body += _spread(draft, call, book)
        elif isinstance(call, Gather):
            body += draft.comments([by_name[name] for name in (call.target,) if name in by_name])
            body += _gather(draft, call, book)
        else:
            body += draft.comments([call.equation])
            body += _plain_step(draft, call.equation, book)
    steps = f"steps_{number}"
    draft.made += [
        f"{steps} = [",
        "    (",
        *(f"        {view}," for view in book.views.values()),
        "    )",
        "    for now in range(span)",
        "]",
    ]
    draft.fields.append(steps)
    draft.views_a_step += len(book.views) + 1
    return Loop(steps, tuple(book.views), tuple(body), book.zipped)


def _pack(draft: Draft, pack: Pack, book: Book) -> str:
    runs = [run for run in (pack.target, *pack.sources) if isinstance(run, Run)]
    # Where the batch is one, all slabs of a call are one vector if they lie side by side.
    side_by_side = all(run.distance == 1 or pack.target.count == 1 for run in runs)
    form = "flat" if side_by_side else "lean"
    target = book.run(pack.target, [o.target for o in pack.operations], form)
    sources = []
    for source in pack.sources:
        if isinstance(source, Constant):
            sources.append(draft.constant(source.value))
        else:
            lanes = [s for o in pack.operations for s in o.lanes if _lies(draft, s, source)]
            sources.append(book.run(source, lanes[: source.count] if source.distance else lanes[:1], form))
    return draft.call(pack.function, sources, target)


def _lies(draft: Draft, lane: Lane, run: Run) -> bool:
    space, slot = draft.layout.spaces.address(lane)
    stops = range(run.first, run.first + run.distance * run.count, run.distance) if run.distance else [run.first]
    return space == run.space and slot in stops


def _spread(draft: Draft, call: Spread, book: Book) -> list[str]:
    vector = book.flat(call.vector)
    by_target = dict(zip(call.targets, call.matvecs, strict=True))
    lines = []
    places = draft.layout.spaces.places
    placed = [name for name in call.targets if draft.layout.kinds[name] == PRODUCT and name in places]
    for piece in pieces(placed, draft.layout.spaces):
        matrices = stack(draft, "spread", [by_target[name] for name in piece], call.shape)
        space, first = places[piece[0]].space, places[piece[0]].slot
        out = book.flat_run(Run(space, first, 1, len(piece)), piece)
        function = product_of(draft) if len(piece) > 1 else "dot"
        draft.functions.add("dot")
        lines.append(f"{function}({vector}, {matrices}, {out})")
    for name in call.targets:
        if name not in placed:
            matrices = stack(draft, "spread", [by_target[name]], call.shape)
            draft.functions.add("dot")
            function = product_of(draft) if draft.layout.kinds[name] == COLUMN else "dot"
            lines.append(f"{function}({vector}, {matrices}, {book.flat(Lane(name))})")
    return lines


def _gather(draft: Draft, call: Gather, book: Book) -> list[str]:
    lines: list[str] = []
    out = book.flat(Lane(call.target))
    draft.functions.add("dot")
    waiting, parts = list(zip(call.vectors, call.matvecs, strict=True)), []
    while waiting:  # a vector that several matrices multiply is taken once in each round
        by_vector = dict(reversed(waiting))
        waiting = [(name, matvec) for name, matvec in waiting if by_vector[name] is not matvec]
        parts += [
            (piece, [by_vector[name] for name in piece]) for piece in pieces(list(by_vector), draft.layout.spaces)
        ]
    for number, (piece, matvecs) in enumerate(parts):
        whole = draft.views.product_of_columns(piece) == "dot" and draft.layout.kinds[call.target] != COLUMN
        function = "dot" if whole else product_of(draft)  # dot wants one piece of memory
        matrices = stack(draft, "gather", matvecs, call.shape)
        columns = book.columns(piece)
        if number == 0:
            lines.append(f"{function}({columns}, {matrices}, {out})")
        else:
            draft.functions.add("add")
            lines.append(f"add({out}, {function}({columns}, {matrices}), {out})")
    return lines


def _plain_step(draft: Draft, equation: Equation, book: Book) -> list[str]:
    target = book.lane(Lane(equation.name))
    if is_joined(equation):
        return joined(draft, equation, target, lambda part: draft.plain_sum(part.terms, part, at=book))
    code = draft.plain_sum(equation.terms, equation, at=book)
    return [f"{target}[...] = {code}"]
