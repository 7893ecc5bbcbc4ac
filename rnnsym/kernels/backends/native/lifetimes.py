"""How long the values of a planned program live: for all steps, or for those of one chunk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rnnsym.equations.indexed import Equation, Variable, accesses, dependencies, time_of
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.regions import Plan
from rnnsym.kernels.schedule import Program
from rnnsym.language.timing import Interval


def live(program: Program) -> Program:
    """The program without values that neither the loss nor a gradient nor an output needs."""
    ends = [*program.outputs, *(equation.name for equation in program.backward)]
    ends += [] if program.outputs else [program.loss]
    names = dependencies(ends, (*program.forward, *program.backward), program.variables)
    return replace(program, forward=tuple(equation for equation in program.forward if equation.name in names))


def chunked_rows(
    cut: Plan, readers: dict[str, list[tuple[Equation, int | None]]], variables: dict[str, Variable]
) -> dict[str, tuple[int, int]]:
    """Variables that live for a chunk of steps: how many rows before and after it are read."""
    found: dict[str, tuple[int, int]] = {}
    given = {*(name for name, _ in cut.program.given), *cut.program.outputs}
    # What a single statement gives a variable at one time stands beside its rows, unless the caller has a place for it.
    once = {e.name for e in (*cut.before, *cut.between)}
    once |= {e.name for e in cut.after if f"{e.variable.adjoint_of}[{e.time}]" not in cut.program.wanted}
    for region in (*cut.forward.regions, *cut.backward.regions):
        inside = {id(e) for e in (*region.equations, *region.sums)}
        for equation in region.equations:
            name, low, high = equation.name, 0, 0
            # What is handed out whole is kept whole.
            fits = name not in given and name not in once and variables[name].adjoint_of not in cut.program.wanted
            for reader, offset in readers.get(name, []):
                if id(reader) in inside and offset is not None:
                    if offset * region.direction > 0:
                        raise Irregular(f"{name} is read before its chunk is computed")
                    low, high = min(low, offset), max(high, offset)
                elif not (reader in cut.after and region.direction < 0 and _reads_first(reader, name, cut, variables)):
                    fits = False
            if fits:
                found[name] = (-low, high)
    return found


def _reads_first(reader: Equation, name: str, cut: Plan, variables: dict[str, Variable]) -> bool:
    """Whether all that an equation reads of a variable is its value at the first step."""
    first: Interval = cut.backward.interval
    return all(
        found.time is not None and not found.time.free_symbols and time_of(found.time) == first.low
        for term in reader.terms
        for found in accesses(term, variables)
        if found.name == name
    )


def rows_beyond(equations: Iterable[Equation], variables: dict[str, Variable]) -> dict[str, int]:
    """How many rows after time T are read, or would be where a condition did not forbid it."""
    found: dict[str, int] = {}
    for equation in equations:
        for term in equation.terms:
            ranges = {str(index): interval for index, interval in term.over}
            for one in accesses(term, variables):
                if one.time is None:
                    continue
                time = time_of(one.time)
                if time.anchor == "T":
                    beyond = time.offset
                elif time.anchor:
                    interval = ranges.get(time.anchor) or term.when or equation.interval
                    if interval is None or interval.high.anchor != "T":
                        continue
                    beyond = interval.high.offset + time.offset
                else:
                    continue
                if beyond > 0:
                    found[one.name] = max(found.get(one.name, 0), beyond)
    return found
