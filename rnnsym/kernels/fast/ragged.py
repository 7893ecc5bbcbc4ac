"""Examples of different lengths in one batch: what has to vanish beyond the end of each.

The adjoint equations are linear: nothing flows back from beyond an example's end if nothing enters there. So the terms
by which the loss enters are set to zero at those steps, and all else stays as it is. What is read at the last step is
read at the last step of each example.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Indexed, Symbol

from rnnsym.equations.indexed import Equation, Role, T, Term, elements_in, name_of, t
from rnnsym.kernels.fast.kinds import ROWS, SEQUENCE, SLAB
from rnnsym.kernels.fast.layout import Layout
from rnnsym.kernels.fast.normal import is_elementwise
from rnnsym.kernels.fast.regions import Plan
from rnnsym.kernels.fast.text import Rows

#: The name of the array of ones and zeros, (T, B, 1); None where all examples are of one length.
THERE = "there"


@dataclass(frozen=True)
class Ragged:
    """Whose rows are set to zero beyond the end: where they are computed for many steps, where an input comes in, and
    after the forward pass.

    possible: whether that is all that it takes; otherwise examples of one length are computed together.
    """

    computed: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    possible: bool = False


def there(rows: Rows, rank: int) -> str:
    """The ones and zeros for some steps, for values with so many axes of their own."""
    first = f"origin + {rows.low}" if rows.low else "origin"
    axes = ", :, 0" if rank == 0 else ", :, :, None" if rank == 2 else ""
    return f"{THERE}[{first}:origin + {rows.high}{axes}]"


def masked(target: str, rows: Rows, rank: int) -> list[str]:
    """Lines that set rows to zero where an example has ended."""
    return [f"if {THERE} is not None:", f"    {target} *= {there(rows, rank)}"]


def ragged(layout: Layout) -> Ragged:
    """What examples of different lengths need in a layout."""
    plan = layout.plan
    linear = _linear(plan)
    if plan.whole or _counts_steps(plan) or not _sums_vanish(plan, linear):
        return Ragged()
    batch = {e.name: e for s in plan.backward.stages if not s.loop for e in s.equations}
    computed = {name for name, e in batch.items() if name in linear and _entering(e, linear)}
    inputs, kept = set(), set()
    for stage in plan.backward.stages:
        for equation in stage.equations if stage.loop else ():
            for term in _entering(equation, linear) if equation.name in linear else ():
                name = _bare(term)
                if name in batch:
                    computed.add(name)
                elif layout.kinds.get(name) == SEQUENCE:
                    inputs.add(name)
                elif layout.kinds.get(name) in (ROWS, SLAB) and name not in plan.program.sequences:
                    kept.add(name)
                else:
                    return Ragged()
    # Elementwise equations are computed together: what reads such a value is set to zero after it.
    follow = {n: e.reads for n, e in batch.items() if n in linear and is_elementwise(e, plan.variables)}
    while reached := {name for name, reads in follow.items() if reads & computed and name not in computed}:
        computed |= reached
    return Ragged(frozenset(computed), frozenset(inputs), frozenset(kept), True)


def _linear(plan: Plan) -> set[str]:
    """The adjoints, and what is named in them that vanishes with them."""
    equations = plan.backward.equations
    found = {e.name for e in equations if e.variable.role is Role.ADJOINT}
    while True:
        more = {e.name for e in equations if e.name not in found and any(_reads(term, found) for term in e.terms)}
        if not more:
            return found
        found |= more


def _reads(term: Term, names: set[str]) -> bool:
    return any(name_of(element) in names for element in elements_in(term))


def _entering(equation: Equation, linear: set[str]) -> list[Term]:
    """The terms by which the loss enters."""
    return [term for term in equation.terms if not _reads(term, linear)]


def _bare(term: Term) -> str:
    """The name of the one value at this step that a term consists of, or nothing."""
    values = [factor for factor in term.factors if not factor.is_number]
    if len(values) != 1 or not isinstance(values[0], Indexed) or values[0].indices[0] != t or term.when is not None:
        return ""
    return name_of(values[0])


def _sums_vanish(plan: Plan, linear: set[str]) -> bool:
    """Whether every sum over time but the loss's own is one of adjoints."""
    return all(
        equation.name == plan.program.loss or all(_reads(term, linear) for term in equation.terms)
        for equation in plan.backward.sums
    )


def _counts_steps(plan: Plan) -> bool:
    """Whether the number of steps counts in an equation, as in a mean over time."""
    every = (
        *plan.before, *plan.forward.equations, *plan.between, *plan.backward.equations, *plan.backward.sums, *plan.after
    )  # fmt: skip
    for equation in every:
        for term in equation.terms:
            if term.over and not any(factor.has(t) for factor in term.factors):
                return True
            if any(_without_elements(factor).has(T) for factor in term.factors):
                return True
    return False


def _without_elements(factor: Expr) -> Expr:
    return factor.xreplace({element: Symbol("element") for element in factor.atoms(Indexed)})
