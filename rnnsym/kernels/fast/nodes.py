"""What the steps of a loop are made of: products with matrices, single operations, equations as they stand."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Indexed

from rnnsym.equations.indexed import Equation, Variable, accesses, name_of, t, time_of
from rnnsym.kernels.fast.kinds import COLUMN, GATES, only
from rnnsym.kernels.fast.lanes import Lane, Operation
from rnnsym.kernels.fast.normal import Matvec, matvecs
from rnnsym.kernels.fast.packs import Pack
from rnnsym.kernels.fast.regions import Plan


@dataclass(frozen=True)
class Spread:
    """One vector times several matrices: the targets lie side by side."""

    vector: Lane
    matvecs: tuple[Matvec, ...]
    targets: tuple[str, ...]
    shape: tuple[Expr, ...]


@dataclass(frozen=True)
class Gather:
    """Several vectors, side by side, times their matrices, summed in one target."""

    vectors: tuple[str, ...]
    matvecs: tuple[Matvec, ...]
    target: str
    shape: tuple[Expr, ...]


@dataclass(frozen=True)
class Plain:
    """An equation that is written as it is."""

    equation: Equation


Node = Operation | Spread | Gather | Plain
Call = Pack | Spread | Gather | Plain


def prefixed(operation: Operation, prefix: str) -> Operation:
    """The operation with names for its passing values that no other loop has."""

    def renamed(lane: Lane) -> Lane:
        return Lane(prefix + lane.name, lane.offset, True) if lane.temporary else lane

    sources = tuple(renamed(s) if isinstance(s, Lane) else s for s in operation.sources)
    return Operation(operation.function, renamed(operation.target), sources, operation.shape, operation.equation)


def alike(node: object) -> object:
    """What operations have in common that may be one call; None for what is a call by itself."""
    return node.alike if isinstance(node, Operation) else None


def targets_of(node: Node) -> tuple[str, ...]:
    """What a node computes."""
    if isinstance(node, Operation):
        return (node.target.name,)
    if isinstance(node, Spread):
        return node.targets
    return (node.target,) if isinstance(node, Gather) else (node.equation.name,)


def sources_of(node: Node, variables: dict[str, Variable]) -> tuple[Lane, ...]:
    """What a node reads, and at which step."""
    if isinstance(node, Operation):
        return node.lanes
    if isinstance(node, Spread):
        return (node.vector,)
    if isinstance(node, Gather):
        return tuple(Lane(name) for name in node.vectors)
    return tuple(
        Lane(found.name, 0 if found.time is None else time_of(found.time).offset)
        for term in node.equation.terms
        for found in accesses(term, variables)
    )


# What matrix products for many steps take together


def chunk_groups(
    plan: Plan, kinds: dict[str, str], variables: dict[str, Variable], shapes: dict[str, tuple[Expr, ...]]
) -> list[tuple[str, ...]]:
    """Variables that matrix products for many steps take or give together."""
    found: list[tuple[str, ...]] = []
    gates: dict[object, list[str]] = {}
    for equation in plan.forward.equations:
        if kinds[equation.name] == GATES:
            for term in equation.terms:
                for one in matvecs(only(equation, term), variables) or ():
                    key = one.vector, shapes[equation.name], plan.numbers[equation.name]
                    gates.setdefault(key, []).append(equation.name)
    found += [tuple(names) for names in gates.values()]
    sums: dict[object, list[str]] = {}
    for equation in plan.backward.sums:
        pair = outer_pair(equation)
        if pair is not None and kinds[name_of(pair[0])] == COLUMN:
            name = name_of(pair[0])
            sums.setdefault((pair[1], shapes[name], plan.numbers[name]), []).append(name)
    found += [tuple(names) for names in sums.values()]
    for stage in plan.backward.stages:
        for equation in () if stage.loop else stage.equations:
            products = matvecs(equation, variables) or ()
            names = tuple(name_of(p.vector) for p in products)
            if names and all(kinds[name] == COLUMN for name in names):
                found.append(names)
    return found


def outer_pair(equation: Equation) -> tuple[Indexed, Indexed] | None:
    """The two values of a sum over time of outer products, a[t, i] b[t, j], in standard indices."""
    if len(equation.indices) != 2 or len(equation.terms) != 1 or len(equation.terms[0].factors) != 2:
        return None
    row, column = equation.indices
    found: dict[Expr, Indexed] = {}
    for factor in equation.terms[0].factors:
        if not isinstance(factor, Indexed) or len(factor.indices) != 2 or not factor.indices[0].has(t):
            return None
        found[factor.indices[1]] = factor
    if set(found) != {row, column}:
        return None
    return found[row], found[column].xreplace({column: row})
