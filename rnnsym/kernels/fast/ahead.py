"""A plan for the outputs alone: the forward region, and nothing that goes back."""

from __future__ import annotations

from dataclasses import replace

from rnnsym.kernels.fast.normal import Irregular, normal
from rnnsym.kernels.fast.passes import Passes
from rnnsym.kernels.fast.regions import Pass, Plan, Region, ordered
from rnnsym.kernels.fast.regular import regular
from rnnsym.kernels.fast.stages import staged
from rnnsym.kernels.schedule import Program
from rnnsym.language.timing import is_late


def plan_ahead(program: Program) -> Plan:
    """The stages of a program without a backward pass. Raises Irregular where it has no such form."""
    outputs = program.outputs
    program = regular(program)
    program = replace(program, variables=dict(program.variables))
    if set(outputs) - {equation.name for equation in program.forward}:
        raise Irregular("an output is cut into parts")
    found = ordered(program.forward, program, 1)
    loops = [number for number, block in enumerate(found) if block.interval is not None]
    if len(loops) != 1:
        raise Irregular("it has no loop over time, or more than one")
    (loop,) = loops
    if found[loop].direction < 0 or any(is_late(time) for _, time in program.given):
        raise Irregular("its recurrence runs backwards in time, or begins after the last step")
    before = tuple(e for block in found[:loop] for e in block.statements)
    after = tuple(e for block in found[loop + 1 :] for e in block.statements)
    work = normal(program, found[loop].statements, False, Passes())
    if any(term.over for equation in work.equations for term in equation.terms):
        raise Irregular("a step adds up over all steps")
    forward = Pass((Region(1, work.interval, staged(work.equations, program.variables)),))
    backward = Pass((Region(-1, work.interval, ()),))
    return Plan(program, program.variables, before, forward, after, backward, (), frozenset(), frozenset())
