"""Equations in index notation: the one representation that calculus, printing, proof and kernels share.

Every element carries its indices: `h[t-1, j]`. In a product, an index that the left side does not have is summed; so
`a[t, i] = W[i, j] h[t-1, j]` is a matrix product, and a transpose is no more than where an index stands.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from sympy import Expr, Function, Indexed, IndexedBase, Integer, Mul, Symbol

from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval
from rnnsym.operations import Elementwise, Pairwise, operation_of

t = Symbol("t", integer=True)
#: The index of a sum over time in an equation that is itself about time t.
s = Symbol("s", integer=True)
T = Symbol("T", integer=True, positive=True)
#: Indices of elements. Their assumptions keep them apart from variables of the same name.
INDICES = tuple(Symbol(name, integer=True) for name in "ijklmnpqr") + tuple(
    Symbol(f"i{number}", integer=True) for number in range(1, 100)
)
INDEX_SET = frozenset(INDICES)


class Role(Enum):
    """What a variable is to the model."""

    PARAMETER = "parameter"
    INPUT = "input"  # handed in: a sequence, or an untimed value that is declared as an input
    DEFINED = "defined"  # the left side of an equation of the author's
    INTERMEDIATE = "intermediate"  # named by us: a pre-activation or another part of an equation
    LOSS = "loss"  # the total
    ADJOINT = "adjoint"  # the derivative of the total loss with respect to `adjoint_of`
    PARTIAL = "partial"  # the derivative of one variable with respect to another: see `Partial`


class Kind(Enum):
    """Which derivative of a variable at time t is meant."""

    STEP = "step"  # by a state at an earlier time, through what step t computes: the other states are held fixed
    IMMEDIATE = "immediate"  # by a parameter, where step t itself uses it: all earlier states are held fixed
    TOTAL = "total"  # by a parameter, through all earlier steps as well
    DIRECT = "direct"  # of the total loss, by a state or a parameter: all (other) states are held fixed
    SIGNAL = "signal"  # of the loss of one time, by a state at that time or before, along all paths
    TANGENT = "tangent"  # in the direction in which the parameters move, `by` is empty


@dataclass(frozen=True)
class Partial:
    """What a variable with the role PARTIAL is: the derivative of `of` at time t with respect to `by`.

    `lag`: `by` is taken at time t - lag; None for a parameter. Its axes are those of `of`, then those of `by`.
    """

    of: str
    by: str
    kind: Kind
    lag: int | None = None


@dataclass(frozen=True)
class Variable:
    """A named array. `shape` are its sizes, without time and batch."""

    name: str
    shape: tuple[Expr, ...]
    timed: bool
    role: Role
    adjoint_of: str | None = None
    label: str = ""  # what is shown for it, where that is not its name
    partial: Partial | None = None

    def at(self, time: Time | Expr | None, *indices: Expr) -> Expr:
        """The element with these indices, at this time: `h.at(t - 1, j)`."""
        places: tuple[Expr, ...] = indices if time is None else (time_expression(time), *indices)
        return IndexedBase(self.name)[places] if places else Symbol(self.name, real=True)


def time_expression(time: Time | Expr) -> Expr:
    """A time of the language as SymPy expression."""
    if isinstance(time, Expr):
        return time
    return {"t": t, "T": T, "": Integer(0)}[time.anchor] + time.offset


def time_of(expression: Expr) -> Time:
    """The other way round: `t - 1` is `Time("t", -1)`."""
    for anchor, symbol in (("t", t), ("T", T), ("s", s)):
        if expression.has(symbol):
            return Time(anchor, int(expression - symbol))
    return Time("", int(expression))


@dataclass(frozen=True)
class Term:
    """A product of factors in the author's order.

    `when` are the times of the equation at which the term is there (None: all of them); `over` are sums over time,
    each an index with its range.
    """

    factors: tuple[Expr, ...]
    when: Interval | None = None
    over: tuple[tuple[Symbol, Interval], ...] = ()

    @property
    def product(self) -> Expr:
        return Mul(*self.factors)

    def replaced(self, mapping: dict[Expr, Expr]) -> Term:
        """The same term with symbols exchanged."""
        return replace(self, factors=tuple(factor.xreplace(mapping) for factor in self.factors))


@dataclass(frozen=True)
class Equation:
    """`variable[time, indices] = sum of terms`, for the times of `interval` (None: the variable has no time).

    `source` is the line of the model's text from which it comes, 0 where it was derived.
    """

    variable: Variable
    time: Time | None
    indices: tuple[Symbol, ...]
    terms: tuple[Term, ...]
    interval: Interval | None = None
    source: int = field(default=0, compare=False)

    @property
    def target(self) -> Expr:
        return self.variable.at(self.time, *self.indices)

    @property
    def name(self) -> str:
        return self.variable.name

    @property
    def label(self) -> str:
        """`h[t]`, `h[0]`, `W`: how the equation is called in messages and steps."""
        return self.name if self.time is None else f"{self.name}[{self.time}]"

    @functools.cached_property
    def reads(self) -> frozenset[str]:
        """The names of the variables that the equation reads."""
        return frozenset(map(name_of, elements_of(self)))


@functools.lru_cache(maxsize=100_000)
def elements(expression: Expr) -> tuple[Expr, ...]:
    """The elements of variables in an expression, in SymPy's order: `Indexed`, and scalars without time."""
    # Scalar variables are real; indices, sizes and times are integers.
    if isinstance(expression, Indexed) or (
        isinstance(expression, Symbol) and expression.is_real and not expression.is_integer
    ):
        return (expression,)
    return tuple(dict.fromkeys(found for argument in expression.args for found in elements(argument)))


def is_element(expression: Expr) -> bool:
    """Whether an expression is one element, with nothing around it."""
    return elements(expression) == (expression,)


def name_of(element: Expr) -> str:
    """The variable of an element."""
    return str(element.base.label.name if isinstance(element, Indexed) else element.name)


def elements_in(term: Term) -> list[Expr]:
    """The elements that a term reads, in the order of its factors."""
    return [element for factor in term.factors for element in elements(factor)]


def elements_of(equation: Equation) -> list[Expr]:
    """The elements that an equation reads."""
    return [element for term in equation.terms for element in elements_in(term)]


@dataclass(frozen=True)
class Access:
    """A variable read by a term: `time` is its time index (None: it has none), `indices` those of the element."""

    name: str
    time: Expr | None
    indices: tuple[Expr, ...]
    element: Expr


def access(element: Expr, variables: dict[str, Variable]) -> Access:
    """What an element says."""
    name = name_of(element)
    places: tuple[Expr, ...] = element.indices if isinstance(element, Indexed) else ()
    if variables[name].timed:
        return Access(name, places[0], tuple(places[1:]), element)
    return Access(name, None, tuple(places), element)


def accesses(term: Term, variables: dict[str, Variable]) -> Iterator[Access]:
    """The distinct elements that a term reads, in the order of its factors."""
    seen = set()
    for factor in term.factors:
        for element in elements(factor):
            if element not in seen:
                seen.add(element)
                yield access(element, variables)


def dependencies(names: Iterable[str], equations: Iterable[Equation], variables: dict[str, Variable]) -> frozenset[str]:
    """These variables, and all that the equations read on the way to them, directly or not."""
    defining: dict[str, list[Equation]] = {}
    for equation in equations:
        defining.setdefault(equation.name, []).append(equation)
    found = set(names)
    waiting = list(found)
    while waiting:
        read = {p.name for e in defining.get(waiting.pop(), []) for term in e.terms for p in accesses(term, variables)}
        waiting += read - found
        found |= read
    return frozenset(found)


@functools.lru_cache(maxsize=100_000)
def indices_in(expression: Expr) -> frozenset[Symbol]:
    """The element indices that occur in an expression."""
    if isinstance(expression, Symbol):
        return frozenset({expression}) & INDEX_SET
    return frozenset().union(*(indices_in(argument) for argument in expression.args))


def term_indices(term: Term) -> set[Symbol]:
    """The element indices of a term, summed and free."""
    return {index for factor in term.factors for index in indices_in(factor)}


def fresh(taken: set[Symbol], count: int) -> tuple[Symbol, ...]:
    """The first `count` indices that are not taken."""
    return tuple(index for index in INDICES if index not in taken)[:count]


def with_indices(term: Term, mapping: dict[Symbol, Expr], taken: set[Symbol]) -> Term:
    """Rename indices by `mapping`; summed indices that would collide with `taken` move out of the way."""
    moving = term_indices(term) - set(mapping)
    used = {symbol for value in mapping.values() for symbol in indices_in(value)} | taken
    clashing = sorted(moving & used, key=str)
    free = fresh(used | moving, len(clashing))
    return term.replaced({**mapping, **dict(zip(clashing, free, strict=True))})


def index_sizes(term: Term, variables: dict[str, Variable]) -> dict[Symbol, Expr]:
    """How far each element index of a term runs."""
    sizes: dict[Symbol, Expr] = {}
    for found in accesses(term, variables):
        for index, size in zip(found.indices, variables[found.name].shape, strict=True):
            if index in INDEX_SET:
                sizes.setdefault(index, size)
    for select in (select for factor in term.factors for select in factor.atoms(Select)):
        sizes.setdefault(select.args[1], select.args[3])
    return sizes


def whole_function(equation: Equation) -> Expr | None:
    """The applied function where an equation is y = f(x), element by element or for the whole vector.

    A sum hidden in it, over an index or over time, makes it something else: y = f(x[1]) + f(x[2]) + ... So does the
    sum over a batch that a kernel forms for the gradient of a parameter.
    """
    if equation.variable.role is Role.ADJOINT:
        return None
    if len(equation.terms) != 1 or len(equation.terms[0].factors) != 1 or equation.terms[0].over:
        return None
    (factor,) = equation.terms[0].factors
    operation = operation_of(factor)
    if operation is None or (
        isinstance(operation, Elementwise | Pairwise) and indices_in(factor) - set(equation.indices)
    ):
        return None
    return factor


class Select(Function):  # type: ignore[misc]
    """`Select(i, j, offset, size)` is 1 where i = j + offset, else 0: where element j of a part stands in a whole.

    `size` is the part's: j may stand in no other factor, as in the sum of a slice.
    """

    nargs = 4

    @classmethod
    def eval(cls, *arguments: Expr) -> None:
        """Stay as written, also for offset 0: i and j run over different sizes."""
