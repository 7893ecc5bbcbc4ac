"""A layout written out: a workspace, and a function that runs all steps in it."""

from __future__ import annotations

import re
from collections.abc import Callable

from rnnsym.equations.indexed import Equation, Role, elements_of, name_of
from rnnsym.kernels.arrays import RESERVED, single
from rnnsym.kernels.fast.chunks import batch, fixed, is_fixed
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.frame import CLASSES, ENTIRE, FITTING, SEGMENTS, TEMPLATE, TRUNCATED, WHOLE
from rnnsym.kernels.fast.kinds import CARRIED
from rnnsym.kernels.fast.layout import Layout
from rnnsym.kernels.fast.loops import loop
from rnnsym.kernels.fast.names import WORDS
from rnnsym.kernels.fast.normal import Irregular, matvecs
from rnnsym.kernels.fast.ragged import masked
from rnnsym.kernels.fast.regions import Region
from rnnsym.kernels.fast.repeated import CHUNK_STEPS, PART_STEPS, named_once
from rnnsym.kernels.fast.stages import Stage
from rnnsym.kernels.fast.statements import cut_out, given, named_sizes, once, results, sequences, unpacked
from rnnsym.kernels.fast.sums import Sums
from rnnsym.kernels.fast.team import TEAM
from rnnsym.kernels.fast.text import BLOCK, FORWARD, PART, Rows, in_order, indented, literal
from rnnsym.kernels.fast.workspace import allocate
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval

#: The bytes of a view of an array, with its place in a tuple.
VIEW = 130


class Writer:
    """Writes one layout. `describe` gives an equation as a person reads it.

    Raises Irregular where the layout cannot be written in this form.
    """

    def __init__(self, model: Model, layout: Layout, describe: Callable[[Equation], str]) -> None:
        _check(layout)
        self.draft = Draft(model, layout, describe)

    def source(self) -> str:
        """The workspace and the function as source."""
        draft, plan = self.draft, self.draft.plan
        allocate(draft)
        # Slices of parameters are there before anything is made of them.
        cuts = [e for e in plan.before if e.variable.role is Role.PARAMETER]
        slices = [line for equation in cuts for line in cut_out(draft, equation)]
        before = [line for equation in plan.before if equation not in cuts for line in once(draft, equation)]
        draft.part = "steps"
        ahead, forward = _forward(draft)
        backward, totals = _backward(draft)
        draft.part = "between"
        between = [line for equation in plan.alone(plan.between) for line in once(draft, equation)]
        draft.part = "after"
        rest = [line for equation in plan.alone(plan.after) for line in once(draft, equation, totals)]
        read = {name_of(element) for equation in plan.after for element in elements_of(equation)}
        rest = [*(f"{draft.names.of(name)} = {code}" for name, code in totals.items() if name in read), *rest]
        handed = results(draft, totals)
        uncut = _uncut(draft)
        segments = [*_segments(draft, forward, between, backward, not uncut), *rest]
        work = [
            *given(draft),
            *slices,
            *before,
            *draft.prepared,
            *ahead,
            "",
            *_with_buffers(segments, draft.layout.passes.buffer),
            "",
            *handed,
        ]
        ends = [_ENDS] if any(re.search(r"\bends\b", line) for line in work) else []
        body = [*unpacked(draft), *(_THERE if draft.ragged.possible else []), *ends, *work]
        functions = [f"{name} = np.{name}" for name in sorted(draft.functions)]
        constants = [f"{name} = np.array({literal(value)}, DTYPE)" for value, name in draft.constants.items()]
        return (TEMPLATE + TEAM).format(
            sizes=indented(['T, B = sizes["T"], sizes["B"]', *named_sizes(draft)], 2),
            names_of_sizes=indented(named_sizes(draft), 1),
            chunks=indented(draft.chunks, 1),
            rooms=indented(_rooms(draft), 2),
            views=VIEW * draft.views_a_step,
            segments=WHOLE.format(reason=uncut) if uncut else SEGMENTS.format(shortest=_reach(draft)),
            pad=draft.layout.pad,
            lengths=indented(_lengths(draft), 2),
            truncated=_truncated(draft, draft.plan.program.loss in totals, uncut),
            made=indented(draft.made, 2),
            fields=indented([f"self.{name} = {name}" for name in draft.fields], 2),
            names="\n".join([*functions, *constants]),
            body=indented(body, 1),
            minimum=draft.model.timing.minimum_length,
            **_picked(draft),
        )


def _with_buffers(lines: list[str], numbers: int) -> list[str]:
    """Lines that run with short buffers of NumPy's."""
    return [
        "# NumPy copies rows that lie apart into its buffers, to make them one, but not into short buffers.",
        f"buffer = np.setbufsize({numbers}) if B > 1 else None",
        "try:",
        *("    " + line if line else "" for line in lines),
        "finally:",
        "    if B > 1:",
        "        np.setbufsize(buffer)",
    ]


#: The type without a sign of every type of whole numbers.
_UNSIGNED = 'UNSIGNED = {np.dtype(kind + size): np.dtype("u" + size) for kind in "iu" for size in "1248"}'


def _picked(draft: Draft) -> dict[str, str]:
    """What the frame says of inputs that may come as classes."""
    if not draft.picked:
        return {"picked": "", "classes": "", "fitting": "", "keep": ""}
    names = "".join(f'"{name}", ' for name in draft.picked).rstrip()
    told = "#: Inputs that may be classes, whole numbers (T, B), as they are."
    return {
        "picked": f"{told}\nPICKED = ({names})\n{_UNSIGNED}\n",
        "classes": CLASSES,
        "fitting": FITTING,
        "keep": ", picked=PICKED",
    }


def _rooms(draft: Draft) -> list[str]:
    """How many numbers all arrays take, as terms of a sum."""
    terms = [code if count == 1 else f"{count} * {code}" for code, count in draft.rooms.items()]
    most = sorted(draft.passing)
    if draft.buffered:
        buffer = f"8192 if B == 1 else {draft.layout.passes.buffer}"
        most.append(f"3 * min({buffer}, max(({', '.join(sorted(draft.buffered))},)))")
    if most:
        terms.append(f"max(({', '.join(most)},))")
    return [terms[0], *(f"+ {term}" for term in terms[1:])]


def _check(layout: Layout) -> None:
    plan = layout.plan
    if plan.forward.interval != Interval(Time("", 1), Time("T", 0)):
        raise Irregular("its loop does not run from step 1 to step T")
    alike = single(plan.program)
    for equation in (*plan.forward.equations, *plan.backward.equations):
        for one in matvecs(equation, plan.variables) or ():
            if one.matrix_name not in alike:
                raise Irregular(f"{one.matrix_name} is another matrix for each example")
    for name in sorted(layout.sizes & (WORDS | RESERVED)):
        raise Irregular(f"the size {name} has a name that the module uses itself")


#: The last step of each example.
_ENDS = "ends, each = (T, slice(None)) if lengths is None else (lengths, np.arange(B))"
#: What says, by step and example, whether the step is there.
_THERE = [
    "there = apart if lengths is None else (np.arange(T)[:, None] < lengths)[..., None].astype(DTYPE)",
    "if lengths is not None and apart is not None:",
    "    there *= apart",
]


def _lengths(draft: Draft) -> list[str]:
    """What is done first where examples have different lengths."""
    alone = "return _by_length(params, inputs, lengths, accumulate=accumulate, checkpoint=checkpoint)"
    if not draft.ragged.possible:
        return [alone]
    lines = ["lengths = _told(inputs, lengths)", "length = max(length, int(lengths.max()))"]
    if any(time.anchor for _, _, time in draft.fixed):
        lines = ["if checkpoint or (workspace is not None and workspace.segments > 1):", f"    {alone}", *lines]
    return lines


def _truncated(draft: Draft, each: bool, uncut: str) -> str:
    """The function for truncated gradients; `each`: whether there is a loss at every step."""
    ends = [time for part, _, time in draft.fixed if part == "between"]
    starts = [time for part, _, time in draft.fixed if part == "after"]
    if draft.plan.whole:
        return ENTIRE.format(reason=uncut)
    if uncut or any(time.offset for time in ends):
        return ENTIRE.format(reason="it reads values at fixed steps")
    if not draft.ragged.possible or (each and ends):
        return ENTIRE.format(reason="the losses of single steps are not apart in it")
    alone = "return _by_length(params, inputs, lengths, accumulate=accumulate, truncate=steps)"
    ready = []
    if not each:  # the last steps of examples of different lengths do not lie in one window
        ready = ["if lengths is not None:", f"    {alone}"]
    firsts = "range(1, steps + 1)" if each else "((T - 1) % steps + 1,)"
    # What acts on several steps at once, such as h[-1] with a lag of two, acts in several windows.
    several = any(time.offset > 1 for time in starts)
    without = tuple(key for key in draft.plan.program.wanted if "[" in key) if several else ()
    return TRUNCATED.format(firsts=firsts, apart=indented(ready, 1), without=without)


def _segments(draft: Draft, forward: list[str], between: list[str], backward: list[str], cut: bool) -> list[str]:
    """The passes over one segment of the steps after the other, as the workspace says."""
    if between:
        between = ["if number == segments - 1:", *("    " + line for line in between)]
    return [
        "# The steps in one segment, or in several: forward, and again with the backward pass from the last one on.",
        "first, loss = True, 0.0",
        "for number, back in w.visits:",
        "    origin = w.cuts[number]",
        "    steps = w.cuts[number + 1] - origin",
        "    w.enter(number, steps, back)",
        *("    " + line for line in (*sequences(draft), *draft.entering)),
        "",
        *("    " + line if line else "" for line in forward),
        "    if not back:",
        "        w.leave(steps)",
        "        continue",
        "",
        *("    " + line if line else "" for line in (*_kept_ended(draft), *between, *backward)),
        *(["    if apart is not None:", "        w.leave(steps)"] if cut else []),
    ]


def _kept_ended(draft: Draft) -> list[str]:
    """Rows of the forward pass that vanish beyond the end of an example."""
    rows, lines = Rows("", "steps", "", "steps"), []
    for name in sorted(draft.ragged.kept):
        lines += masked(draft.views.rows_of(name, 0, rows), rows, len(draft.layout.shapes[name]))
    return lines


def _uncut(draft: Draft) -> str:
    """Why the steps cannot be done in segments: what is read while another segment is there."""
    if draft.plan.whole:
        return draft.plan.whole
    for part, name, time in draft.fixed:
        if part == "steps" or (part == "between" and time.anchor != "T") or (part == "after" and time.anchor):
            return f"{name} is read at time {time} while other steps are computed"
    return ""


def _reach(draft: Draft) -> int:
    """How many steps a segment has at least: as far as anything is read from either end."""
    fixed = [1 - time.offset if time.anchor else time.offset for _, _, time in draft.fixed]
    return max([draft.layout.pad, draft.layout.lead, 1, *fixed])


def _forward(draft: Draft) -> tuple[list[str], list[str]]:
    """What is done once before all segments, and the forward pass of one."""
    ahead: list[str] = []
    found: list[str] = []
    loops = 0
    for region in draft.plan.forward.regions:
        lines: list[str] = []
        for stage in region.stages:
            if stage.loop:
                loops += 1
                lines += loop(draft, stage, loops).lines("start:stop", "" if region.direction > 0 else "[::-1]")
            else:
                same = [e for e in stage.equations if is_fixed(draft, e)]
                for equation in same:
                    ahead += draft.comment(equation) + fixed(draft, equation)
                lines += batch(draft, [e for e in stage.equations if e not in same], FORWARD)
        lines = named_once(draft, lines, CHUNK_STEPS)
        found += [
            *([""] if found else []),
            *_first(draft, region, {}),
            f"# Forward, a chunk of steps at a time{'' if region.direction > 0 else ', from the last one on'}.",
            f"for start in {in_order(region.direction, 'rows')}:",
            "    stop = min(steps, start + rows)",
            *(["    count = stop - start"] if any("count" in line for line in lines) else []),
            *("    " + line for line in lines),
        ]
    return ahead, found


def _backward(draft: Draft) -> tuple[list[str], dict[str, str]]:
    """The backward pass of a segment, and by variable source for its sum over all steps."""
    found: list[str] = []
    totals: dict[str, str] = {}
    loops = sum(stage.loop for stage in draft.plan.forward.stages)
    for region in draft.plan.backward.regions:
        if found:
            found += ["", *_first(draft, region, totals), "first = True"]
        draft.choice = ""
        lines: list[str] = []
        inner = [e for e in region.equations if e.name in draft.views.inner]
        for stage in region.stages:
            if stage.loop:
                loops += 1
                lines += _part_by_part(draft, stage, region, inner, loops)
            else:
                lines += batch(draft, [e for e in stage.equations if e not in inner], BLOCK)
        lines = named_once(draft, [*lines, *Sums(draft, region, totals).lines()], CHUNK_STEPS)
        found += [
            *_cleared(draft, region),
            f"# Backward, a chunk of steps at a time{'' if region.direction < 0 else ', from the first one on'}.",
            f"for start in {in_order(region.direction, 'block')}:",
            "    stop = min(steps, start + block)",
            "    count = stop - start",
            *("    " + line for line in lines),
            "    first = False",
        ]
    return found, totals


def _part_by_part(draft: Draft, stage: Stage, region: Region, inner: list[Equation], number: int) -> list[str]:
    """A loop over a chunk, a part of it at a time: what is there for a part alone is computed before it."""
    up = region.direction > 0
    part = batch(draft, _needed(stage, inner), PART)
    part += loop(draft, stage, number).lines("low:high", "" if up else "[::-1]")
    part = named_once(draft, part, PART_STEPS)
    if any("size" in line for line in part):
        part.insert(0, "size = high - low")
    return [
        "for low in range(start, stop, part):"
        if up
        else "for low in range(start + (count - 1) // part * part, start - 1, -part):",
        "    high = min(stop, low + part)",
        *("    " + line for line in part),
    ]


def _first(draft: Draft, region: Region, totals: dict[str, str]) -> list[str]:
    """What a region waits for; `totals` are the sums over time that are there."""
    draft.part = "first"
    read = {name for equation in (*region.first, *region.equations) for name in equation.reads}
    lines = [f"{draft.names.of(name)} = {code}" for name, code in totals.items() if name in read]
    lines += [line for equation in region.first for line in once(draft, equation)]
    draft.part = "steps"
    return lines


def _cleared(draft: Draft, region: Region) -> list[str]:
    """What a loop hands on is zero before its first step."""
    own = [n for n, kind in draft.layout.kinds.items() if kind == CARRIED and n in region.names]
    if not own:
        return []
    return [
        "if number == segments - 1 or apart is not None:",
        f"    # Nothing comes from beyond the {'last' if region.direction < 0 else 'first'} step.",
        *(f"    {draft.views.slab_or_own(name)}.fill(0.0)" for name in own),
    ]


def _needed(stage: Stage, candidates: list[Equation]) -> list[Equation]:
    """Those of the candidates that a stage reads, or that these read."""
    found: list[Equation] = []
    waiting = list(stage.equations)
    while waiting:
        read = waiting.pop().reads
        more = [e for e in candidates if e.name in read and e not in found]
        found += more
        waiting += more
    return [e for e in candidates if e in found]
