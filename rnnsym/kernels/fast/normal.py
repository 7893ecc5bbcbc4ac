"""A program in normal form: what is truly sequential stands apart, in small equations.

After it every equation inside a recurrence is of one of three kinds:

- a sum of matrix-vector products, `m[t] = W_1 v_1[t-1] + W_2 v_2[t-1]`, and nothing else;
- elementwise: every factor carries the indices of the target;
- anything else, as it was.

What does not depend on the recurrence is named and leaves it (`p[t] = U x[t] + b`, the coefficients of the adjoints),
and an adjoint that is a mere multiple of another is written as that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sympy import Add, Expr, Indexed, Integer, Mul, Number, Symbol

from rnnsym.equations.indexed import (
    INDICES,
    Equation,
    Role,
    Term,
    Variable,
    accesses,
    elements,
    elements_of,
    indices_in,
    name_of,
    t,
    term_indices,
    time_of,
    whole_function,
    with_indices,
)
from rnnsym.kernels.fast.directions import recurrent
from rnnsym.kernels.fast.forms import (
    COLUMN,
    ROW,
    Irregular,
    Matvec,
    Split,
    has_parts,
    is_elementwise,
    is_joined,
    is_plain,
    matvec_of,
    matvecs,
    split_matvec,
)
from rnnsym.kernels.fast.passes import Passes
from rnnsym.kernels.schedule import GENERIC, Program
from rnnsym.language.syntax import free_name
from rnnsym.language.timing import Interval, shifted

__all__ = [
    "Irregular",
    "Matvec",
    "Normal",
    "Split",
    "is_elementwise",
    "matvec_of",
    "matvecs",
    "normal",
    "split_matvec",
    "without_multiples",
]


@dataclass
class Normal:
    """The equations while they are put into normal form: `backward` says whether they are adjoints."""

    variables: dict[str, Variable]
    backward: bool
    interval: Interval
    passes: Passes = field(default_factory=Passes)
    equations: tuple[Equation, ...] = ()
    added: list[Equation] = field(default_factory=list)
    #: Multiples of an adjoint of a recurrence that the recurrence does not need itself.
    followers: set[str] = field(default_factory=set)
    names: dict[object, Expr] = field(default_factory=dict)
    #: By variable and delay: the value of a step that the variable takes over that much earlier (below 0: later).
    carried: dict[tuple[str, int], Expr] = field(default_factory=dict)

    def name(self, hint: str) -> str:
        """A name that is not taken."""
        return free_name(hint, self.variables)

    def named(self, key: object, hint: str, like: Variable, terms: tuple[Term, ...]) -> Expr:
        """The element at (t, i) of a new variable that is the sum of `terms`; the same one for the same key."""
        if key not in self.names:
            variable = Variable(self.name(hint), like.shape, True, Role.INTERMEDIATE)
            self.variables[variable.name] = variable
            indices = INDICES[: len(like.shape)]
            self.added.append(Equation(variable, GENERIC, indices, terms, self.interval))
            self.names[key] = variable.at(t, *indices)
        return self.names[key]


def normal(program: Program, sources: tuple[Equation, ...], backward: bool, passes: Passes | None = None) -> Normal:
    """Equations at every step in normal form; the variables that it names are added to those of the program."""
    work = Normal(program.variables, backward, _common_interval(sources), passes or Passes())
    cycles = recurrent(sources)
    for equation in sources if backward else ():
        # A multiple of an adjoint of a recurrence is computed with it, from a coefficient that is known before.
        if equation.name not in cycles and _is_multiple(equation, sources):
            followed = [name_of(e) for e in elements_of(equation) if name_of(e) in cycles]
            if followed and not term_indices(equation.terms[0]) - set(equation.indices):
                cycles[equation.name] = cycles[followed[0]]
                work.followers.add(equation.name)
    changed = [_separated(e, cycles[e.name], work) if e.name in cycles else e for e in sources]
    work.equations = (*changed, *work.added)
    return work


def _common_interval(sources: tuple[Equation, ...]) -> Interval:
    intervals = {equation.interval for equation in sources}
    if len(intervals) != 1 or any(equation.time != GENERIC for equation in sources):
        raise Irregular("its equations hold at different times")
    (interval,) = intervals
    assert interval is not None
    return interval


# One equation of a recurrence


def _separated(equation: Equation, cycle: frozenset[str], work: Normal) -> Equation:
    """An equation of a recurrence with everything named that can leave it, or that a matrix product needs apart."""
    inside: list[Term] = []
    outside: list[Term] = []
    for term in equation.terms:
        reads = {found.name for found in accesses(term, work.variables)}
        leaves = not reads & cycle and (work.passes.hoist or term.when is not None)
        (outside if leaves else inside).append(term)
    if is_joined(equation) or has_parts(replace(equation, terms=tuple(inside))):
        for term in equation.terms:
            _check_when(term, equation, cycle, work)
        return replace(equation, terms=tuple(replace(term, when=None) for term in equation.terms))
    for term in inside:
        _check_when(term, equation, cycle, work)
    inside = [replace(term, when=None) for term in inside]
    parts = _grouped(equation, [_standard(term, equation) for term in inside], cycle, work)
    outside = [_standard(term, equation) for term in outside]
    if outside and not _is_bare(outside, equation, work):
        hint = f"p_{equation.name}"
        outside = [Term((work.named((hint,), hint, equation.variable, tuple(outside)),))]
    indices = INDICES[: len(equation.indices)]
    return replace(equation, indices=indices, terms=(*outside, *parts))


def _standard(term: Term, equation: Equation) -> Term:
    """The term with the target's indices in standard names."""
    mapping = dict(zip(equation.indices, INDICES, strict=False))
    return with_indices(term, mapping, set()) if any(key != value for key, value in mapping.items()) else term


def _check_when(term: Term, equation: Equation, cycle: frozenset[str], work: Normal) -> None:
    """A term of a recurrence is there at every step, or wherever the step that it reads exists."""
    if term.when is None:
        return
    assert equation.interval is not None
    offsets = {
        time_of(found.time).offset
        for found in accesses(term, work.variables)
        if found.name in cycle and found.time is not None and found.time.has(t)
    }
    for offset in offsets:
        low, high = (shifted(end, -offset) for end in (equation.interval.low, equation.interval.high))
        there = Interval(equation.interval.low, high) if offset > 0 else Interval(low, equation.interval.high)
        if work.backward and offset and term.when == there:
            return
    raise Irregular(f"a part of {equation.label} is there at some steps only")


def _is_bare(terms: list[Term], equation: Equation, work: Normal) -> bool:
    """Whether the part from outside is one value of the same shape, which needs no name of its own."""
    if len(terms) != 1 or terms[0].when is not None or len(terms[0].factors) != 1:
        return False
    (factor,) = terms[0].factors
    return (
        isinstance(factor, Indexed)
        and work.variables[name_of(factor)].timed
        and indices_in(factor) == set(INDICES[: len(equation.indices)])
    )


def _grouped(equation: Equation, terms: list[Term], cycle: frozenset[str], work: Normal) -> list[Term]:
    """The terms of a recurrence: matrix products apart, and what comes from another step under one name."""
    if whole_function(equation) is not None:
        return terms
    delays: dict[int, list[Term]] = {}
    for term in terms:
        delay, moved = _own_step(term, cycle, work)
        delays.setdefault(delay, []).append(moved)
    kept: list[Term] = []
    for delay, group in delays.items():
        parts = _parts(equation, group, cycle, work, whole=len(terms) == 1 == len(equation.terms) and not delay)
        if not delay:
            kept += parts
            continue
        if len(parts) == 1 and len(parts[0].factors) == 1 and name_of(parts[0].factors[0]) not in cycle:
            (element,) = parts[0].factors
        else:
            element = work.named(("q", equation.name, delay), f"q_{equation.name}", equation.variable, tuple(parts))
        work.carried[equation.name, delay] = element
        step = 1 if delay > 0 else -1
        for earlier in range(1, abs(delay)):  # handed on from step to step
            inner = (Term((element.xreplace({t: t + step}),)),)
            element = work.named(("d", element), f"q_{equation.name}_{earlier}", equation.variable, inner)
        kept.append(_delayed(Term((element,)), step))
    return kept


def _parts(equation: Equation, terms: list[Term], cycle: frozenset[str], work: Normal, whole: bool) -> list[Term]:
    """Terms of one step: those that are matrix products summed under one name, the others elementwise."""
    standard = replace(equation, indices=INDICES[: len(equation.indices)])
    kept: list[Term] = []
    products: list[Matvec] = []
    for term in terms:
        split = split_matvec(term, standard, work.variables)
        if split is None:
            kept.append(term)
            continue
        numbers = tuple(factor for factor in split.rest if isinstance(factor, Number))
        rest = tuple(factor for factor in split.rest if not isinstance(factor, Number))
        matvec = Matvec(Mul(*numbers), split.matrix, _vector(split, equation, work))
        if rest:
            element = _matvec_sum((replace(matvec, scale=Integer(1)),), equation, work)
            kept.append(Term((*numbers, *rest, element)))
        else:
            products.append(matvec)
    kept = _with_coefficients(kept, equation, cycle, work)
    # Matrices that all examples share, and those of single examples.
    shared = tuple(m for m in products if work.variables[m.matrix_name].role is not Role.INPUT)
    groups = [group for group in (shared, tuple(m for m in products if m not in shared)) if group]
    if whole and not kept and len(groups) < 2:
        return [matvec.term for matvec in products]
    return [*kept, *(Term((_matvec_sum(group, equation, work),)) for group in groups)]


def _own_step(term: Term, cycle: frozenset[str], work: Normal) -> tuple[int, Term]:
    """A term that reads adjoints of another step, moved to that step, and by how many steps."""
    if not work.backward:
        return 0, term
    offsets = {
        time_of(found.time).offset
        for found in accesses(term, work.variables)
        if found.name in cycle and found.time is not None and found.time.has(t)
    }
    if not offsets and not {found.name for found in accesses(term, work.variables)} & cycle:
        return 0, term
    if len(offsets) != 1:
        raise Irregular("an adjoint is not linear in the adjoints of one step")
    (delay,) = offsets
    return delay, term.replaced({t: t - delay}) if delay else term


def _delayed(term: Term, delay: int) -> Term:
    return term.replaced({t: t + delay}) if delay else term


def _vector(split: Split, equation: Equation, work: Normal) -> Indexed:
    """The vector of a matrix product as one value; a product of several gets a name."""
    if len(split.vector) == 1 and isinstance(split.vector[0], Indexed):
        return split.vector[0]
    factors = tuple(factor.xreplace({COLUMN: ROW}) for factor in split.vector)
    size = work.variables[name_of(split.matrix)].shape[tuple(split.matrix.indices).index(COLUMN)]
    like = replace(equation.variable, shape=(size,))
    names = "_".join(dict.fromkeys(name_of(e) for factor in factors for e in elements(factor)))
    return work.named(("v", frozenset(factors)), names, like, (Term(factors),)).xreplace({ROW: COLUMN})


def _matvec_sum(group: tuple[Matvec, ...], equation: Equation, work: Normal) -> Expr:
    size = work.variables[group[0].matrix_name].shape[tuple(group[0].matrix.indices).index(ROW)]
    like = replace(equation.variable, shape=(size,))
    hint = f"m_{equation.name}" if len(group) > 1 else f"m_{group[0].matrix_name}"
    return work.named(("m", frozenset(group)), hint, like, tuple(one.term for one in group))


def _with_coefficients(terms: list[Term], equation: Equation, cycle: frozenset[str], work: Normal) -> list[Term]:
    """What multiplies an adjoint, under a name: one coefficient for each adjoint, known for many steps at once."""
    if not work.backward or not work.passes.split:
        return terms
    known = {name_of(element) for key, element in work.names.items() if isinstance(key, tuple) and key[0] in ("m", "q")}
    kept: list[Term] = []
    coefficients: dict[Expr, list[tuple[Expr, ...]]] = {}
    for term in terms:
        own = [factor for factor in term.factors if {name_of(e) for e in elements(factor)} & (cycle | known)]
        rest = tuple(factor for factor in term.factors if factor not in own)
        if len(own) == 1 and isinstance(own[0], Indexed) and _is_forward(rest, equation, work):
            coefficients.setdefault(own[0], []).append(rest)
        else:
            kept.append(term)
    for adjoint, parts in coefficients.items():
        if len(parts) == 1 and (not parts[0] or (len(parts[0]) == 1 and isinstance(parts[0][0], Indexed | Number))):
            kept.append(Term((*parts[0], adjoint)))
            continue
        key = ("k", Add(*(Mul(*part) for part in parts)))
        inner = tuple(Term(part or (Integer(1),)) for part in parts)
        kept.append(Term((work.named(key, f"k_{equation.name}", equation.variable, inner), adjoint)))
    return kept


def _is_forward(factors: tuple[Expr, ...], equation: Equation, work: Normal) -> bool:
    """Whether factors are elementwise values of the target's shape."""
    indices = INDICES[: len(equation.indices)]
    places = {
        tuple(e.indices[1:] if work.variables[name_of(e)].timed else e.indices) if isinstance(e, Indexed) else None
        for factor in factors
        for e in elements(factor)
    }
    return places <= {indices} and all(is_plain(factor) for factor in factors)


# Adjoints that are multiples of another


def without_multiples(
    equations: tuple[Equation, ...], variables: dict[str, Variable], keep: set[str]
) -> tuple[Equation, ...]:
    """Adjoints that are one product with another adjoint, written as that wherever they are only multiplied.

    The equation of such an adjoint goes where nothing else reads it, unless its name is in `keep`.
    """
    for multiple in [e for e in equations if _is_multiple(e, equations)]:
        multiple = next(e for e in equations if e.name == multiple.name)
        equations = tuple(
            e
            if e.name == multiple.name
            else replace(e, terms=tuple(_substituted(term, multiple, e) for term in e.terms))
            for e in equations
        )
    while True:
        read = {name_of(e) for equation in equations for e in elements_of(equation) if equation.name != name_of(e)}
        rest = tuple(e for e in equations if e.name in read | keep or not _is_multiple(e, equations))
        if len(rest) == len(equations):
            return rest
        equations = rest


def _is_multiple(equation: Equation, equations: tuple[Equation, ...]) -> bool:
    """Whether an adjoint is a product of one other adjoint of the same step with forward values."""
    if equation.time != GENERIC or len(equation.terms) != 1 or equation.terms[0].when or equation.terms[0].over:
        return False
    if sum(other.name == equation.name for other in equations) > 1:
        return False
    factors = equation.terms[0].factors
    adjoints = [f for f in factors if {name_of(e) for e in elements(f)} & {o.name for o in equations}]
    if len(adjoints) != 1 or not isinstance(adjoints[0], Indexed) or adjoints[0].indices[0] != t:
        return False
    return name_of(adjoints[0]) != equation.name and all(is_plain(factor) for factor in factors)


def _substituted(term: Term, multiple: Equation, reader: Equation) -> Term:
    """The term with the multiple written out, unless it is summed with it (a matrix product needs it whole)."""
    for position, factor in enumerate(term.factors):
        if isinstance(factor, Indexed) and name_of(factor) == multiple.name and not term.over:
            places = factor.indices[1:]
            if set(places) & (term_indices(term) - set(reader.indices)):
                return term
            mapping: dict[Symbol, Expr] = dict(zip(multiple.indices, places, strict=True))
            inner = with_indices(multiple.terms[0], mapping, term_indices(term) | set(reader.indices))
            inner = inner.replaced({t: factor.indices[0]})
            return replace(term, factors=(*term.factors[:position], *inner.factors, *term.factors[position + 1 :]))
    return term
