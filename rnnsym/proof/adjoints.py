"""What is known of a model: its forward equations and its adjoints, as rules for rewriting.

The derived adjoint equations are true for every length and all sizes. A formula is proved from them by writing both
sides in terms of the adjoints of the states alone; these are then written out once more where that is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from sympy import Expr

from rnnsym.calculus.sweep import sweep
from rnnsym.calculus.visits import against, backwards
from rnnsym.claims.syntax import Moment
from rnnsym.claims.syntax import Variable as VariableNode
from rnnsym.equations.indexed import INDICES, Equation, Role, Term, Variable, accesses, time_of, whole_function
from rnnsym.equations.lowering import lower
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import point
from rnnsym.operations import OPERATIONS, Elementwise, Pairwise, operation_of
from rnnsym.proof.atoms import ZERO, Apply, Element, Polynomial, Product, enclosed, of_atom
from rnnsym.proof.lift import BOUND, ends, is_element, lifted, lifted_term, with_ones
from rnnsym.proof.polynomial import canonical, instantiated, powered
from rnnsym.proof.times import LENGTH, Context

GENERIC = Time("t", 0)


class UndecidedError(Exception):
    """Whether a term counts depends on a time: `letter` has to be split after `boundary`."""

    def __init__(self, letter: str, boundary: Moment) -> None:
        super().__init__(f"{letter} at {boundary}")
        self.letter = letter
        self.boundary = boundary


@dataclass(frozen=True)
class Piece:
    """A term of an adjoint equation: its value at time t, when it counts, and whether it is zero by itself else."""

    value: Polynomial
    when: tuple[Moment, Moment] | None
    ends_by_itself: bool
    is_source: bool  # no adjoint in it: where the loss enters


class Adjoints:
    """The forward equations and the adjoints of one model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.system = lower(model)
        state, _ = sweep(self.system)
        self.adjoints = tuple(state.adjoints)
        self.variables: dict[str, Variable] = {
            **self.system.variables,
            **{equation.name: equation.variable for equation in self.adjoints},
        }
        self.shortest = self.system.minimum_length
        self._pieces: dict[tuple[str, Time | None], tuple[Piece, ...]] = {}

    @cached_property
    def lagged(self) -> frozenset[str]:
        """The variables that some equation reads at another time: their adjoints are what others are written in."""
        found = set()
        for equation in self.system.equations:
            for term in equation.terms:
                for place in accesses(term, self.system.variables):
                    own = equation.time if not term.over else GENERIC
                    if place.time is not None and time_of(place.time) != own:
                        found.add(place.name)
        return frozenset(found)

    @cached_property
    def rank(self) -> dict[str, int]:
        """The order in which the reverse sweep meets the variables."""
        return {name: place for place, name in enumerate(backwards(self.system))}

    def first_time(self, name: str) -> Moment:
        """The earliest time, from 0 on, at which a variable has a value."""
        given = {known for known, time in self.model.given if not time.anchor and time.offset == 0}
        defined = {e.name for e in self.system.equations if e.time is not None and e.time == Time("", 0)}
        return Moment((), 0 if name in given | defined else 1)

    # Functions that have a name

    @cached_property
    def named_functions(self) -> dict[tuple[str, str], str]:
        """The variable that is a function of another, element by element or as a whole: ("tanh", "a") is h."""
        found: dict[tuple[str, str], str] = {}
        functions = {(e.name, e.time): self._function(e) for e in self.system.equations}
        for (name, time), function in functions.items():
            # A function with another equation at some time would not have this name there.
            same = all(other == function for (whose, _), other in functions.items() if whose == name)
            if function is not None and time in (GENERIC, None) and same:
                found[function] = name
        return found

    def _function(self, equation: Equation) -> tuple[str, str] | None:
        """The function that an equation is, and the variable of which it is one at the same time; None for others."""
        factor = function_of_one(equation)
        operation = None if factor is None else operation_of(factor)
        if operation is None:
            return None
        assert factor is not None
        argument = lifted(factor.args[0], frozenset(), self.variables)
        if not is_element(argument):
            return None
        atom = argument.terms[0][0].powers[0][0]
        own = () if equation.time is None else (moment_at(equation.time),)
        return (operation.name, atom.name) if isinstance(atom, Element) and atom.times == own else None

    def _has_name(self, equation: Equation) -> bool:
        """Whether an equation names a function of a variable: its name then stands wherever the function does."""
        return self._function(equation) is not None and equation.name in self.named_functions.values()

    def applied(self, function: str, argument: Polynomial, vector: bool, index: str) -> Polynomial:
        """A function of an argument: the variable that it is, where there is one."""
        if function == "step":  # the step at a is that at relu(a), and derivatives are written with the latter
            argument = self.known("relu", argument, "") or argument
        known = self.known(function, argument, index if vector else "")
        if known is None and function == "sqrt" and not is_element(argument):
            return powered(argument, Fraction(1, 2), argument.indices)
        operation = OPERATIONS[function]
        if isinstance(operation, Elementwise) and operation.holds:
            return argument  # in numbers it is its argument; only derivatives know better
        return known or of_atom(Apply(function, enclosed(argument), BOUND if vector else "", index if vector else ""))

    def known(self, function: str, argument: Polynomial, index: str) -> Polynomial | None:
        """The variable that is this function of this argument; None where there is none."""
        if len(argument.terms) != 1 or argument.terms[0][1] != 1 or len(argument.terms[0][0].powers) != 1:
            return None
        atom, power = argument.terms[0][0].powers[0]
        if not isinstance(atom, Element) or power != 1 or (function, atom.name) not in self.named_functions:
            return None
        name = self.named_functions[function, atom.name]
        indices = tuple(index if own == BOUND else own for own in atom.indices if own != BOUND or index)
        return of_atom(Element(name, atom.times, indices))

    @cached_property
    def definitions(self) -> tuple[tuple[str, tuple[str, ...], Polynomial], ...]:
        """The variables that sums of products define: their indices and values at time t."""
        found = []
        for equation in self.system.equations:
            if equation.time not in (GENERIC, None) or self._has_name(equation):
                continue
            if any(term.over for term in equation.terms) or equation.variable.role is Role.LOSS:
                continue
            value = self.forward_value(equation)
            found.append((equation.name, tuple(index.name for index in equation.indices), value))
        return tuple(found)

    def forward_value(self, equation: Equation) -> Polynomial:
        """The right side of a forward equation, functions that have names by their names."""
        free = frozenset(index.name for index in equation.indices)
        total = ZERO
        for term in equation.terms:
            total = total + lifted_term(term, free, self.variables)
        return self.with_names(total, free)

    def defined(self, variable: VariableNode, axes: tuple[str | None, ...], context: Context) -> Polynomial | None:
        """What the model says that a variable is; None where that is a function with an argument that has a name."""
        for equation in self.system.equations:
            if equation.name != variable.name or self._has_name(equation):
                continue
            indices = {index.name: axis for index, axis in zip(equation.indices, filter(None, axes), strict=False)}
            free = frozenset(axis for axis in axes if axis)
            if equation.time is None or variable.time is None:
                return canonical(instantiated(self.forward_value(equation), indices, {}).terms, free)
            fixed = equation.time.anchor != "t"
            if fixed and variable.time == ends(point(equation.time))[0]:
                return canonical(instantiated(self.forward_value(equation), indices, {}).terms, free)
            if not fixed and equation.interval and context.inside(variable.time, *ends(equation.interval)):
                value = instantiated(self.forward_value(equation), indices, {"t": variable.time})
                return canonical(value.terms, free)
        return None

    def with_names(self, value: Polynomial, free: frozenset[str]) -> Polynomial:
        """Functions of variables that have names of their own, by these."""
        raw = []
        for product, number in value.terms:
            powers = []
            for atom, power in product.powers:
                if isinstance(atom, Apply) and not atom.bound:
                    known = self.known(atom.function, atom.argument, "")
                    atom = known.terms[0][0].powers[0][0] if known else atom
                powers.append((atom, power))
            raw.append((Product(tuple(powers), product.over), number))
        return canonical(raw, free)

    # Adjoints

    def pieces(self, name: str, time: Time | None) -> tuple[Piece, ...] | None:
        """The terms of the adjoint of a variable, as an equation for all t, for a fixed time, or without time."""
        key = (name, time)
        if key not in self._pieces:
            equation = next((e for e in self.adjoints if e.variable.adjoint_of == name and e.time == time), None)
            if equation is None:
                return None
            self._pieces[key] = tuple(self._piece(term, equation) for term in equation.terms)
        return self._pieces[key]

    def _piece(self, term: Term, equation: Equation) -> Piece:
        free = frozenset(index.name for index in equation.indices)
        value = with_ones(self.with_names(lifted_term(term, free, self.variables), free), equation)
        reads = [place for place in accesses(term, self.variables) if self.variables[place.name].role is Role.ADJOINT]
        when = None if term.when is None else ends(term.when)
        by_itself = when is None
        if term.when is not None and equation.interval is not None and not term.when.is_point:
            for place in reads:
                ahead = 0 if place.time is None else time_of(place.time).offset
                late = term.when.high.anchor == "T" and -term.when.high.offset <= ahead and ahead > 0
                by_itself |= late and term.when.low == equation.interval.low
        return Piece(value, when, by_itself, not reads)

    def adjoint(self, element: Element, context: Context) -> Polynomial | None:
        """The adjoint of a variable by its equation; raises UndecidedError where terms depend on the time."""
        name = self.variables[element.name].adjoint_of
        assert name is not None
        indices = dict(zip((index.name for index in INDICES), element.indices, strict=False))
        if not element.times:
            found = self.pieces(name, None)
            return None if found is None else self._summed(found, indices, None, context)
        (moment,) = element.times
        time = self.fixed_time(element, context)
        if time is not None:
            return self._summed(self.pieces(name, time) or (), indices, moment_at(time), context)
        if self.beyond(element, context):
            return ZERO
        found = self.pieces(name, GENERIC)
        return None if found is None else self._summed(found, indices, moment, context)

    def fixed_time(self, element: Element, context: Context) -> Time | None:
        """The time at which an adjoint has an equation of its own, where it is read there."""
        name = self.variables[element.name].adjoint_of
        for equation in self.adjoints:
            if equation.variable.adjoint_of == name and equation.time not in (GENERIC, None):
                assert equation.time is not None
                point = moment_at(equation.time)
                if decided(element.times[0], (point, point), context):
                    return equation.time
        return None

    def beyond(self, element: Element, context: Context) -> bool:
        """Whether an adjoint is surely zero: it is read after the last step, or before there is its variable."""
        (moment,) = element.times
        one = Moment((), 1)
        starts = element.name in self.forwards or element.name in self.from_the_start
        before = starts and context.surely_to(moment, Moment((), 0))
        if not before and not context.surely_from(moment, LENGTH + one):
            return False
        return self.fixed_time(element, context) is None

    @cached_property
    def from_the_start(self) -> frozenset[str]:
        """What has no value before step 1, and is zero there as all is beyond its ends; adjoints with it."""
        early = {name for name, _ in self.model.given}
        early |= {e.name for e in self.system.equations if e.time is not None and e.time != GENERIC}
        names = {name for name, variable in self.system.variables.items() if variable.timed} - early
        return frozenset(names | {e.name for e in self.adjoints if e.variable.adjoint_of in names})

    @cached_property
    def forwards(self) -> frozenset[str]:
        """The adjoints that run forwards: of what is computed from the last step backwards."""
        return against(self.adjoints, self.system, -1)

    @cached_property
    def after_the_end(self) -> frozenset[str]:
        """The adjoints that are not zero after the last step: of what is handed in there."""
        one = Moment((), 1)
        return frozenset(
            e.name for e in self.adjoints
            if e.time is not None and moment_at(e.time).terms and (moment_at(e.time) - LENGTH - one).offset >= 0
        )  # fmt: skip

    def _summed(
        self, pieces: tuple[Piece, ...], indices: dict[str, str], moment: Moment | None, context: Context
    ) -> Polynomial:
        total = ZERO
        for piece in pieces:
            if moment is not None and piece.when is not None and not piece.ends_by_itself:
                if not decided(moment, piece.when, context):
                    continue
            elif moment is None and piece.when is not None:
                raise UndecidedError("T", Moment((), 0))
            # The equation of a fixed time has no t in it.
            total = total + instantiated(piece.value, indices, {} if moment is None else {"t": moment})
        return total

    def path(self, element: Element, context: Context) -> Polynomial | None:
        """The part of an adjoint at time k that comes from the loss at time tau: `path(h)[tau, k]`."""
        name = element.name[5:-1]
        tau, k = element.times
        one = Moment((), 1)
        if context.surely_from(k, tau + one):
            return ZERO
        here = context.inside(k, tau, tau)
        if here is None and not context.surely_to(k, tau - one):
            return None
        found = self.pieces(name, GENERIC)
        if found is None:
            return None
        indices = dict(zip((index.name for index in INDICES), element.indices, strict=False))
        total = ZERO
        for piece in found:
            if piece.is_source and not here:
                continue
            if piece.when is not None and not piece.ends_by_itself and not decided(k, piece.when, context):
                continue
            value = piece.value if piece.is_source else self._as_path(piece.value)
            total = total + instantiated(value, indices, {"t": k, "tau": tau})
        return total

    def _as_path(self, value: Polynomial) -> Polynomial:
        """A homogeneous term for one path: each adjoint by the path's own."""
        terms = []
        for product, number in value.terms:
            powers = tuple(
                (
                    Element(
                        f"path({self.variables[atom.name].adjoint_of})", (Moment.of("tau"), *atom.times), atom.indices
                    ),
                    p,
                )
                if isinstance(atom, Element) and atom.name in self.variables and self.variables[atom.name].adjoint_of
                else (atom, p)
                for atom, p in product.powers
            )
            terms.append((Product(powers, product.over), number))
        return Polynomial(tuple(terms))


def moment_at(time: Time) -> Moment:
    """A time of an equation."""
    return Moment(((time.anchor, 1),) if time.anchor else (), time.offset)


def function_of_one(equation: Equation) -> Expr | None:
    """The applied function where an equation is y = f(x). One of two arguments is written in those of one."""
    factor = whole_function(equation)
    if factor is None:
        return None
    operation = operation_of(factor)
    plain = isinstance(operation, Pairwise) or (isinstance(operation, Elementwise) and operation.holds)
    return None if plain else factor


def decided(moment: Moment, when: tuple[Moment, Moment], context: Context) -> bool:
    """Whether a term counts at a time; raises UndecidedError with the place to split at where that depends."""
    found = context.inside(moment, *when)
    if found is not None:
        return found
    letters = [letter for letter, _ in moment.terms if letter != "T"]
    if len(letters) != 1:
        raise UndecidedError("T", Moment((), 0))
    shift = moment - Moment.of(letters[0])
    one = Moment((), 1)
    if not context.surely_from(moment, when[0]):
        raise UndecidedError(letters[0], when[0] - one - shift)
    raise UndecidedError(letters[0], when[1] - shift)
