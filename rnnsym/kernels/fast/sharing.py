"""Values of a chunk that lie in the place of another one, which they are computed from and nothing else reads."""

from __future__ import annotations

from sympy import Expr, Indexed

from rnnsym.equations.indexed import Equation, Variable, accesses, elements, name_of, t, whole_function
from rnnsym.kernels.fast.forms import is_elementwise, matvec_of
from rnnsym.kernels.fast.kinds import CHUNK, COLUMN, SEQUENCE
from rnnsym.kernels.fast.regions import Plan
from rnnsym.kernels.fast.stages import Stage

#: Functions of a vector that share their exponentials: one call gives both.
SHARED = ("softmax", "log_softmax")


def shared_rows(plan: Plan, kinds: dict[str, str], shapes: dict[str, tuple[Expr, ...]]) -> dict[str, str]:
    """By variable, the one whose rows it uses: values of the backward pass that a chunk has at once."""
    variables = plan.variables
    batch = [
        e
        for stage in plan.backward.stages
        if not stage.loop
        for e in stage.equations
        if kinds[e.name] == CHUNK and not is_elementwise(e, variables)
    ]
    every = (*plan.forward.equations, *plan.between, *plan.backward.equations, *plan.backward.sums, *plan.after)
    owners: dict[str, str] = {}
    for old in batch:
        readers = [e for e in every if old.name in e.reads]
        new = _successor(readers, kinds, variables)
        if new is None or new not in batch or shapes[new.name] != shapes[old.name]:
            continue
        read = [found for e in readers for term in e.terms for found in accesses(term, variables)]
        if all(found.time == t for found in read if found.name == old.name) and new.name not in owners:
            owners[new.name] = owners.get(old.name, old.name)
    return owners | _before_columns(plan, kinds, shapes)


def _before_columns(plan: Plan, kinds: dict[str, str], shapes: dict[str, tuple[Expr, ...]]) -> dict[str, str]:
    """Values that a loop turns into a column that stands alone, step by step: they lie where that comes to lie."""
    columns = [name for name, kind in kinds.items() if kind == COLUMN]
    alone = {name for name in columns if sum(shapes[other] == shapes[name] for other in columns) == 1}
    owners: dict[str, str] = {}
    for stage in plan.backward.stages:
        if not stage.loop:
            continue
        now = {
            e.name: {f.name for term in e.terms for f in accesses(term, plan.variables) if f.time == t}
            for e in stage.equations
        }
        for column in stage.equations:
            if column.name not in alone:
                continue
            needed = _needed(column.name, now)
            for old in _read_in(plan, stage, kinds):
                readers = {name for name, read in now.items() if old in read}
                if shapes[old] == shapes[column.name] and readers <= needed and column.name not in owners.values():
                    owners[old] = column.name
    return owners


def _needed(name: str, now: dict[str, set[str]]) -> set[str]:
    """What has to be computed in a step so that a value of the step is there, with that."""
    found, waiting = {name}, [name]
    while waiting:
        more = (now[waiting.pop()] & set(now)) - found
        found |= more
        waiting += more
    return found


def _read_in(plan: Plan, stage: Stage, kinds: dict[str, str]) -> list[str]:
    """Values of a chunk, not elementwise, that only the equations of a loop read, and at their own step."""
    found = []
    every = (*plan.forward.equations, *plan.between, *plan.backward.equations, *plan.backward.sums, *plan.after)
    for other in plan.backward.stages:
        for equation in () if other.loop else other.equations:
            if kinds[equation.name] != CHUNK or is_elementwise(equation, plan.variables):
                continue
            readers = [e for e in every if equation.name in e.reads]
            read = [f for e in readers for term in e.terms for f in accesses(term, plan.variables)]
            same = all(f.time == t for f in read if f.name == equation.name)
            if readers and same and all(e in stage.equations for e in readers):
                found.append(equation.name)
    return found


def _successor(readers: list[Equation], kinds: dict[str, str], variables: dict[str, Variable]) -> Equation | None:
    """The value that may lie where another one lay that these equations read, and no others."""
    functions = [whole_function(e) for e in readers]
    if readers and all(
        f is not None and f.func.__name__ in SHARED and isinstance(f.args[0], Indexed) for f in functions
    ):
        # The logarithms are computed first.
        first = [e for e, f in zip(readers, functions, strict=True) if f is not None and f.func.__name__ == SHARED[1]]
        return (first or readers)[0] if len(readers) <= len(SHARED) and len(first) <= 1 else None
    if len(readers) != 1 or functions[0] is not None:
        return None
    (reader,) = readers
    for term in reader.terms:
        if term.when is not None or term.over or matvec_of(term, reader, variables) is not None:
            return None
    # An input that comes as classes is looked up after the other terms are there.
    inputs = {name for name in reader.reads if kinds.get(name) == SEQUENCE}
    for term in reader.terms:
        names = [name_of(e) for f in term.factors for e in elements(f)]
        own = [f for f in term.factors if isinstance(f, Indexed) and name_of(f) in inputs]
        at_places = any(f.indices[1:] == reader.target.indices[1:] for f in own)
        if at_places and len(names) > len(own):
            return None
    return reader
