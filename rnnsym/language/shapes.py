"""The shape of every variable, solved by unification from the equations and what is declared.

Shapes travel both ways through an equation until nothing changes. Where that leaves a variable open, the first
default that applies settles one variable (`DEFAULTS`, in this order), and the shapes travel again.
"""

from __future__ import annotations

from sympy import Expr

from rnnsym.errors import ModelError
from rnnsym.language.defaults import DEFAULTS, slice_leaves_a_rest
from rnnsym.language.sizes import is_open, leaves, to_sympy, unify_in_order
from rnnsym.language.solver import Solver
from rnnsym.language.syntax import Expression, Reference


def solved(solver: Solver) -> dict[str, tuple[Expr, ...]]:
    """The shape of each variable, as SymPy sizes.

    Raises ModelError where two sizes clash, or where nothing fixes a shape; the message lists what is known.
    """
    _solve(solver)
    _name_sizes(solver)
    return {name: tuple(map(to_sympy, solver.known[name])) for name in solver.names}


def _solve(solver: Solver) -> None:
    """Until every shape is known: shapes travel, then one default settles something."""
    while True:
        solver.travel()
        if all(name in solver.known for name in solver.names) and not any(solver.open_places()):
            if not slice_leaves_a_rest(solver) and not _decide_sums(solver):
                return
            continue
        before = set(solver.known)
        if not any(default(solver) for default in DEFAULTS):
            raise _undetermined(solver)
        solver.guessed += [name for name in solver.known if name not in before]


def _decide_sums(solver: Solver) -> bool:
    """`p[t], q[t] = split(concat(a[t], b[t]))`: where nothing else tells, parts are equal in order."""
    for one, other, node, problem in solver.undecided:
        if unify_in_order(one, other):
            return True
        raise solver.error(problem, node, solver.bindings())
    return False


def _name_sizes(solver: Solver) -> None:
    """Names for the sizes that have none yet: after the vectors that have them alone, before sums and matrices."""
    taken = {size for size in solver.interned if isinstance(size, str)}

    def place(name: str) -> tuple[bool, ...]:
        shape = solver.known[name]
        return len(shape) != 1, *(bool(size.root().parts) for size in shape)

    for name in sorted(solver.names, key=place):
        for leaf in (leaf for size in solver.known[name] for leaf in leaves(size) if is_open(leaf)):
            labels = (f"n_{name}{number}" for number in ("", *range(2, len(taken) + 3)))
            leaf.value = next(label for label in labels if label not in taken)
            taken.add(leaf.value)


def sizes_of(solver: Solver, node: Expression) -> tuple[Expr, ...]:
    """The shape of an expression once all is solved."""
    shape = solver.infer(node)
    assert shape is not None, "every shape is known by now"
    for leaf in (leaf for size in shape for leaf in leaves(size) if is_open(leaf)):
        raise solver.error(
            f"nothing says how many elements {leaf.owner} has here",
            node,
            "give the expression a name, and declare its size",
        )
    return tuple(map(to_sympy, shape))


def _undetermined(solver: Solver) -> ModelError:
    node = next(node for node in solver.nodes if isinstance(node, Reference) and node.name not in solver.known)
    return solver.error(
        f"the shape of {node.name} does not follow from the equations",
        node,
        f'declare it: sizes={{"{node.name}": "n"}} for a vector, ("n", "m") for a matrix, () for a scalar\n'
        + solver.bindings(),
    )
