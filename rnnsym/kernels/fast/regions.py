"""What a fast kernel computes, and where: regions of steps, in stages that run for many steps at once or in order.

Each pass has a region for every way through the steps that its recurrences need: one upwards and one backwards for a
recurrence that runs upwards in time, more where others run downwards. The forward pass leaves behind what the backward
pass needs. The backward pass begins with what no recurrence needs (outputs, losses), computes again what is cheaper to
compute than to keep, and adds up the sums over time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Indexed, Integer

from rnnsym.equations.indexed import (
    Equation,
    T,
    Term,
    Variable,
    elements,
    name_of,
    t,
)
from rnnsym.kernels.fast.directions import (
    at_their_time,
    awaited,
    in_parts,
    key,
    reads_beyond,
    recurrent,
    waits,
    ways,
    with_which,
)
from rnnsym.kernels.fast.ends import continued, is_continued
from rnnsym.kernels.fast.normal import Irregular, normal, without_multiples
from rnnsym.kernels.fast.passes import Passes
from rnnsym.kernels.fast.regular import regular
from rnnsym.kernels.fast.rewrites import accesses_of, computed_again, folded, renamed
from rnnsym.kernels.fast.stages import Stage, staged
from rnnsym.kernels.fast.totals import bare_sums, check_sums, goes_along, inlined, mixed, written_out
from rnnsym.kernels.schedule import Block, Program, blocks
from rnnsym.language.order import OrderError
from rnnsym.language.timing import Interval


@dataclass(frozen=True)
class Region:
    """Steps of an interval, upwards (direction 1) or downwards (-1): the stages in order, then sums over its times.

    first: the single statements that are done before, because these steps wait for them.
    """

    direction: int
    interval: Interval
    stages: tuple[Stage, ...]
    sums: tuple[Equation, ...] = ()
    first: tuple[Equation, ...] = ()

    @property
    def equations(self) -> tuple[Equation, ...]:
        return tuple(equation for stage in self.stages for equation in stage.equations)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(equation.name for equation in self.equations)


@dataclass(frozen=True)
class Pass:
    """Regions one after the other."""

    regions: tuple[Region, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        return tuple(stage for region in self.regions for stage in region.stages)

    @property
    def equations(self) -> tuple[Equation, ...]:
        return tuple(equation for region in self.regions for equation in region.equations)

    @property
    def sums(self) -> tuple[Equation, ...]:
        return tuple(equation for region in self.regions for equation in region.sums)

    @property
    def first(self) -> tuple[Equation, ...]:
        return tuple(equation for region in self.regions for equation in region.first)

    @property
    def interval(self) -> Interval:
        """All regions go through the same steps."""
        return self.regions[0].interval


@dataclass(frozen=True)
class Plan:
    """A whole kernel: single statements (`before`, `between`, `after`) around the two passes.

    Some of those in `between` and `after` stand before a region of the pass before: they are in its `first`, too.
    variables: all of them, also those that the passes named. kept: what a region leaves for those after it and for the
    statements after the forward pass. carried: what a step of a loop hands to the next one alone.
    """

    program: Program
    variables: dict[str, Variable]
    before: tuple[Equation, ...]
    forward: Pass
    between: tuple[Equation, ...]
    backward: Pass
    after: tuple[Equation, ...]
    kept: frozenset[str]
    carried: frozenset[str]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """For what the steps compute, the number of the region in its pass."""
        return {
            equation.name: number
            for part in (self.forward, self.backward)
            for number, region in enumerate(part.regions)
            for equation in region.equations
        }

    def alone(self, statements: tuple[Equation, ...]) -> tuple[Equation, ...]:
        """Those of `between` or `after` that stand before no region."""
        placed = (*self.forward.first, *self.backward.first)
        return tuple(equation for equation in statements if equation not in placed)

    def runs_up(self, name: str) -> bool:
        """Whether a value of the backward pass is computed upwards in time."""
        return any(region.direction > 0 and name in region.names for region in self.backward.regions)

    @property
    def whole(self) -> str:
        """Why all steps are needed at once; nothing where it goes once upwards through them, and once downwards."""
        up, down = ([region.direction for region in part.regions] for part in (self.forward, self.backward))
        if (up, down) == ([1], [-1]):
            return ""
        if len(up) > 1 or len(down) > 1:
            return "its recurrences go through all steps one after the other"
        return "its recurrence runs backwards in time"

    @property
    def written(self) -> Program:
        """The program with the equations of the plan: what is written as it stands is found by it."""
        return replace(
            self.program,
            variables=self.variables,
            forward=(*self.before, *self.forward.equations),
            backward=(*self.between, *self.backward.equations, *self.backward.sums, *self.after),
        )


def plan(program: Program, passes: Passes | None = None) -> Plan:
    """The regions and stages of a program. Raises Irregular where it has no such form."""
    passes = passes or Passes()
    program = regular(program)
    program = replace(program, variables=dict(program.variables))
    variables = program.variables
    before, steps, between = _cut(program.forward, program, 1)
    early, adjoints, after = _cut(program.backward, program, -1)
    adjoints = tuple(at_their_time(e, after, variables) for e in adjoints)
    for equation in adjoints:
        if reads_beyond(equation, after, variables):
            raise Irregular(f"{equation.label} reads single values among those of the steps")
    early, moved = _put_off(early, (*adjoints, *(e for e in after if _adds_up(e))))
    after = (*moved, *after)
    between = written_out(between, program.loss, (*steps, *early, *adjoints, *after))
    parts = mixed(between, {program.loss}, variables)
    between, waiting = tuple(own[0] for own in parts), [rest for own in parts for rest in own[1:]]
    parts = mixed(after, {e.name for e in after if e.time is None}, variables)
    after = (*(part for own in parts for part in own), *waiting)
    steps = normal(program, steps, False, passes).equations
    wanted = {
        equation.name for equation in program.backward if variables[equation.name].adjoint_of in program.sequences
    }
    sums = tuple(e for e in after if all(term.over for term in e.terms))
    edges = tuple(e for e in after if e not in sums)
    cycles = recurrent(adjoints)
    simple = [e for e in edges if e.name in cycles and is_continued(e, adjoints, cycles[e.name])]
    apart = {name for e in edges if e not in simple for name in e.reads}
    summed = {name for e in sums for name in e.reads}
    work = normal(program, without_multiples(adjoints, variables, wanted | apart | summed), True, passes)
    adjoints, interval = work.equations, work.interval
    for equation in (*steps, *adjoints):
        if any(term.over for term in equation.terms):
            raise Irregular(f"{equation.label} adds up over all steps")
    if steps[0].interval != interval:
        raise Irregular("forward and backward equations hold at different steps")
    check_sums(sums, interval)
    edges = tuple(continued(e, work) if e in simple else e for e in edges)
    totals = tuple(e for e in between if e.terms and all(term.over for term in e.terms))
    check_sums(totals, interval)
    between = tuple(e for e in between if e not in totals)
    added = {e.name for e in totals}
    if any(e.reads & added for e in (*steps, *between, *early, *adjoints)):
        raise Irregular("a sum over all steps is read before they are done")
    adjoints, sums = bare_sums(adjoints, sums, steps, variables, interval)
    steps, totals = inlined(steps, totals, (*adjoints, *sums, *edges, *between, *early))
    # Outputs and losses are computed with the backward pass, unless something reads them before or at another time.
    core = _closure(set(recurrent(steps)) | _read_elsewhere(steps, between + early, adjoints), steps)
    late = tuple(e for e in steps if e.name not in core)
    steps = tuple(e for e in steps if e.name in core)
    single = (*sums, *totals, *edges, *between, *early)
    again = computed_again(steps, (*late, *adjoints), single, variables) if passes.recompute else ()
    rest = {e.name for e in again}
    again, late, adjoints, sums, totals, edges = renamed((again, late, adjoints, sums, totals, edges), again, variables)
    second = (*again, *late, *adjoints)
    if passes.fold:
        steps, scaled = folded(steps, (*second, *sums, *totals, *edges, *between, *early), variables)
        before = (*before, *scaled)
    needed = {name for e in (*second, *sums, *totals, *edges, *between, *early) for name in e.reads}
    lagged = {
        found.name for e in steps for found in accesses_of(e, variables) if found.time is not None and found.time != t
    }
    kept = frozenset((needed | lagged) & {e.name for e in steps} - rest)
    forward = _pass(steps, between, (), variables, interval, 1, frozenset(e.name for e in steps))
    backward = _pass(
        second, edges, (*totals, *sums), variables, interval, -1, frozenset(), work.followers, program.loss
    )
    held = _held(forward, (), variables) | _held(backward, edges, variables)
    carried = frozenset(n for region in backward.regions for n in _carried(region, backward, edges, variables))
    return Plan(program, variables, before, forward, (*between, *early), backward, edges, kept | held, carried)


def _pass(
    equations: tuple[Equation, ...],
    singles: tuple[Equation, ...],
    sums: tuple[Equation, ...],
    variables: dict[str, Variable],
    interval: Interval,
    usual: int,
    kept: frozenset[str],
    followers: Iterable[str] = (),
    loss: str = "",
) -> Pass:
    """Equations in regions, and each sum over time with the last of what it adds up; the loss term by term."""
    middle = awaited((*singles, *sums), equations, variables)
    equations, found = in_parts(equations, ways(equations, middle, sums, variables, usual, kept), variables, kept)
    adding: list[list[Equation]] = [[] for _ in found]
    for equation in sums:
        groups: dict[int, list[Term]] = {}
        for term in equation.terms:
            groups.setdefault(with_which(term, found, variables) or 0, []).append(term)
        if equation.name != loss:
            groups = {max(groups): list(equation.terms)}
        if max(groups) == len(found):
            raise Irregular(f"{equation.label} adds up what is read before it is computed")
        for number, terms in groups.items():
            adding[number].append(replace(equation, terms=tuple(terms)))
    return Pass(
        tuple(
            Region(
                way.direction,
                interval,
                staged(tuple(e for e in equations if e.name in way.names), variables, followers),
                tuple(own),
                tuple(e for e in middle if key(e) in way.first and e not in sums),
            )
            for way, own in zip(found, adding, strict=True)
        )
    )


def ordered(equations: tuple[Equation, ...], program: Program, direction: int) -> tuple[Block, ...]:
    """Equations in blocks of an interval each, in order. Raises Irregular where they wait for each other."""
    try:
        return blocks(equations, program, direction)
    except OrderError:
        raise Irregular("in its regular form its equations wait for each other") from None


def _cut(
    equations: tuple[Equation, ...], program: Program, direction: int
) -> tuple[tuple[Equation, ...], tuple[Equation, ...], tuple[Equation, ...]]:
    """The statements before the loops over time, in them, and between or after them."""
    found = ordered(equations, program, direction)
    loops = [number for number, block in enumerate(found) if block.interval is not None]
    if not loops:
        raise Irregular("it has no loop over time")
    parts: tuple[list[Equation], list[Equation], list[Equation]] = ([], [], [])
    before, steps, after = parts
    for number, block in enumerate(found):
        if block.interval is not None:
            steps += block.statements
            continue
        for equation in block.statements:
            late = number > loops[0] and (number > loops[-1] or waits(equation, steps + after, program.variables))
            (after if late else before).append(equation)
    return tuple(before), tuple(steps), tuple(after)


# Names and reads


def _adds_up(equation: Equation) -> bool:
    return any(term.over for term in equation.terms)


def _put_off(
    early: tuple[Equation, ...], steps: tuple[Equation, ...]
) -> tuple[tuple[Equation, ...], tuple[Equation, ...]]:
    """Early statements that steps need, and those that can wait: sums over time, and what reads them.

    Such a sum is added up with the others.
    """
    needed = _closure({name for equation in steps for name in equation.reads}, early)
    moved: list[Equation] = []
    for equation in early:
        added = [term for term in equation.terms if term.over]
        waiting = (added and all(map(goes_along, added))) or equation.reads & {e.name for e in moved}
        if waiting and equation.name not in needed:
            moved.append(equation)
    return tuple(e for e in early if e not in moved), tuple(moved)


def _closure(names: set[str], equations: tuple[Equation, ...]) -> set[str]:
    """The names, and what their equations read on the way to them."""
    reads = {e.name: e.reads for e in equations}
    waiting = list(names)
    found = set(names)
    while waiting:
        for name in reads.get(waiting.pop(), set()) - found:
            found.add(name)
            waiting.append(name)
    return found


def _read_elsewhere(
    steps: tuple[Equation, ...], once: tuple[Equation, ...], adjoints: tuple[Equation, ...]
) -> set[str]:
    """What single statements between the passes read, and what is read at another step than its own."""
    own = {e.name for e in steps}
    found = {name for e in once for name in e.reads}
    for equation in (*steps, *adjoints):
        for term in equation.terms:
            for factor in term.factors:
                for element in elements(factor):
                    if isinstance(element, Indexed) and element.indices and element.indices[0] != t:
                        found.add(name_of(element))
    return found & own


# What lives longer than its step


def _carried(
    region: Region, backward: Pass, edges: tuple[Equation, ...], variables: dict[str, Variable]
) -> frozenset[str]:
    """What the next step reads, inside its own loop alone: one place in memory is enough for it."""
    handed, end = t - region.direction, (Integer(1) if region.direction < 0 else T)
    found: set[str] = set()
    for stage in region.stages:
        if stage.loop:
            own = {e.name for e in stage.equations}
            for e in stage.equations:
                found |= {f.name for f in accesses_of(e, variables) if f.name in own and f.time == handed}
    for equation in (*backward.equations, *backward.sums, *edges):
        inside = any(stage.loop and equation in stage.equations for stage in region.stages)
        for access in accesses_of(equation, variables):
            last = equation in edges and access.time == end
            if access.name in found and not last and (access.time != handed or not inside):
                found.discard(access.name)
    return frozenset(found)


def _held(part: Pass, edges: tuple[Equation, ...], variables: dict[str, Variable]) -> set[str]:
    """What one region computes and another one reads, or a statement after it far from the step that it ends with."""
    found: set[str] = set()
    for region in part.regions:
        own = {e.name for e in region.equations}
        for other in part.regions:
            if other is not region:
                found |= {name for e in (*other.equations, *other.sums) for name in e.reads & own}
        for read in (f for e in edges for f in accesses_of(e, variables) if f.name in own):
            if read.time is not None and (read.time != T if region.direction > 0 else read.time.has(T)):
                found.add(read.name)
    return found
