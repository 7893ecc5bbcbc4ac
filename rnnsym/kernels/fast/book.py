"""The operands of the calls in a loop, as views that are made once."""

from __future__ import annotations

from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.kinds import CARRIED, CHUNK, OUTPUT, ROWS, SEQUENCE, UNTIMED
from rnnsym.kernels.fast.lanes import Lane
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.packs import Run
from rnnsym.kernels.fast.text import plus, shape_code, words


class Book:
    """The views that a loop uses: those that change with the step are handed to it, the others are made before.

    Where the batch is one, calls work on views without the batch axis: `flat` makes a vector of slabs that lie side by
    side, `lean` leaves a row for each.

    views: what changes with the step, in `now`, by its name. zipped: inputs whose rows go along, by the array's name.
    """

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.views: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self.zipped: dict[str, str] = {}

    def _named(self, hint: str, code: str) -> str:
        if code not in self.codes:
            name = self.draft.names.fresh(hint)
            self.codes[code] = name
            if "now" in words(code):
                self.views[name] = code
            else:
                self.draft.view(name, code)
        return self.codes[code]

    def run(self, run: Run, lanes: list[Lane], form: str) -> str:
        """Slabs of a space, or a value that lies by itself, as an operand of a call."""
        if " " in run.space:
            return self.flat(lanes[0])
        names = [_shown(lane) for lane in lanes][: run.count]
        form = "flat" if run.count == 1 or not run.distance else form
        return self._named("_".join(dict.fromkeys(names))[:32], f"{form}({self.draft.views.at_step(run)})")

    def lane(self, lane: Lane) -> str:
        """One variable at one step, with its batch axis."""
        return self._operand(lane, "{}")

    def flat(self, lane: Lane) -> str:
        """One variable at one step as calls take it."""
        return self._operand(lane, "flat({})")

    def flat_run(self, run: Run, names: list[str]) -> str:
        """Neighbouring slabs as a matrix product leaves them."""
        return self._named("_".join(names)[:32], f"flat({self.draft.views.at_step(run)})")

    def columns(self, piece: list[str]) -> str:
        """Neighbouring columns at one step as a matrix product takes them."""
        draft = self.draft
        place = draft.layout.spaces.places[piece[0]]
        size = shape_code(draft.layout.shapes[piece[0]])[0]
        cut = f", {place.slot} * {size}:{place.slot + len(piece)} * {size}"
        if len(piece) == len(draft.layout.spaces.orders[place.space]):
            cut = ""
        code = f"flat({draft.names.space(place.space)}_wide[now % block * B:(now % block + 1) * B{cut}])"
        return self._named("_".join(piece)[:32], code)

    def _operand(self, lane: Lane, form: str) -> str:
        source = self._source(lane)
        if self.draft.layout.kinds[lane.name] in (SEQUENCE, OUTPUT):
            return self._row(source, whole=form == "{}")
        if self._is_fixed(lane):
            return source
        return self._named(_shown(lane), form.format(source))

    def _row(self, code: str, whole: bool) -> str:
        """The row of an input, or of its gradient, at one step: it goes along with the steps.

        whole: with its batch axis, otherwise as calls take it.
        """
        if whole:
            return self.zipped.setdefault(code, f"{code}_whole")
        line = f"{code}_rows = {code}.reshape(steps, -1) if B == 1 else {code}"
        if line not in self.draft.entering:
            self.draft.entering.append(line)
        return self.zipped.setdefault(f"{code}_rows", f"{code}_now")

    def _is_fixed(self, lane: Lane) -> bool:
        return self.draft.layout.kinds[lane.name] == UNTIMED and lane.name not in self.draft.layout.spaces.places

    def _source(self, lane: Lane) -> str:
        """Source for one variable, in `now` where it changes with the step."""
        draft = self.draft
        name = draft.layout.owners.get(lane.name, lane.name)
        kind = draft.layout.kinds[name]
        code = draft.names.of(name)
        place = draft.layout.spaces.places.get(name)
        if kind == UNTIMED and place is None:
            return code
        if place is not None:
            return draft.views.at_step(Run(place.space, place.slot + place.stride * lane.offset, 0, 1))
        if kind == ROWS:
            return f"{code}[{plus('now', draft.views.shift(lane.offset))}]"
        if lane.offset and kind != CARRIED:
            raise Irregular(f"{name} is read at another step")
        if kind in (SEQUENCE, OUTPUT):
            return code
        if kind == CHUNK:
            forward = {e.name for e in draft.plan.forward.equations}
            chunk = "part" if name in draft.views.inner else "rows" if name in forward else "block"
            return f"{code}[now % {chunk}]"
        return code


def _shown(lane: Lane) -> str:
    return lane.name + ("_before" if lane.offset < 0 else "_after" if lane.offset > 0 else "")
