"""What is known of a model: its forward equations, its adjoints and its one-step Jacobians, as rules for rewriting.

The derived adjoint equations are true for every length and all sizes. A formula is proved from them by writing both
sides in terms of the adjoints of the states alone; these are then written out once more where that is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from rnnsym.calculus.onestep import NoStepError, OneStep, Regime, Target, _Step, one_step
from rnnsym.calculus.sweep import backwards, sweep
from rnnsym.calculus.through_time import direct_derivatives, direct_name
from rnnsym.claims.syntax import Moment
from rnnsym.claims.syntax import Variable as VariableNode
from rnnsym.equations.indexed import INDICES, Equation, Role, Term, Variable, accesses, time_of, whole_function
from rnnsym.equations.lowering import lower
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import WHOLE, point
from rnnsym.operations import operation_of
from rnnsym.proof.lift import BOUND, ends, lifted, lifted_term
from rnnsym.proof.polynomial import (
    ZERO,
    Apply,
    Element,
    Polynomial,
    Product,
    canonical,
    enclosed,
    instantiated,
    multiplied,
    of_atom,
    replaced,
)
from rnnsym.proof.times import FIRST, LENGTH, Context

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


class Theory:
    """The rules of one model."""

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
    def step(self) -> OneStep | None:
        """The model as a chain of steps, where it is one."""
        try:
            return one_step(self.system)
        except NoStepError:
            return None

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

    # Functions that have a name

    @cached_property
    def named_functions(self) -> dict[tuple[str, str], str]:
        """The variable that is a function of another, element by element or as a whole: ("tanh", "a") is h."""
        found = {}
        for equation in self.system.equations:
            factor = whole_function(equation)
            operation = None if factor is None else operation_of(factor)
            if operation is None or equation.time not in (GENERIC, None):
                continue
            assert factor is not None
            argument = lifted(factor.args[0], frozenset(), self.variables)
            (atom, power), *rest = argument.terms[0][0].powers
            alone = len(argument.terms) == 1 and not rest and power == 1 and argument.terms[0][1] == 1
            if alone and isinstance(atom, Element) and (not atom.times or atom.times == (Moment.of("t"),)):
                found[operation.name, atom.name] = equation.name
        return found

    def applied(self, function: str, argument: Polynomial, vector: bool, index: str) -> Polynomial:
        """A function of an argument: the variable that it is, where there is one."""
        known = self.known(function, argument, index if vector else "")
        return known or of_atom(Apply(function, enclosed(argument), BOUND if vector else "", index if vector else ""))

    def known(self, function: str, argument: Polynomial, index: str) -> Polynomial | None:
        """The variable that is this function of this argument; None where there is none."""
        if len(argument.terms) != 1 or argument.terms[0][1] != 1 or len(argument.terms[0][0].powers) != 1:
            return None
        atom, power = argument.terms[0][0].powers[0]
        if not isinstance(atom, Element) or power != 1 or (function, atom.name) not in self.named_functions:
            return None
        name = self.named_functions[function, atom.name]
        indices = tuple(index if own == BOUND else own for own in atom.indices)
        return of_atom(Element(name, atom.times, indices))

    @cached_property
    def definitions(self) -> tuple[tuple[str, tuple[str, ...], Polynomial], ...]:
        """The variables that sums of products define: their indices and values at time t."""
        found = []
        for equation in self.system.equations:
            if equation.time not in (GENERIC, None) or whole_function(equation) is not None:
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
            if equation.name != variable.name or whole_function(equation) is not None:
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
        value = self.with_names(lifted_term(term, free, self.variables), free)
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
        if context.surely_from(moment, LENGTH + Moment((), 1)):
            return ZERO
        early = not moment.terms and moment.offset < 1
        found = self.pieces(name, Time("", moment.offset) if early else GENERIC)
        if found is None:
            return None
        return self._summed(found, indices, None if early else moment, context)

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

    # Steps

    def jacobian(self, of: str, by: str, lag: int) -> tuple[tuple[str, ...], Polynomial] | None:
        """The derivative of a variable at time t by another at t - lag, through step t alone, with its indices."""
        return self._closed(of, Target(by, lag))

    def immediate(self, of: str, parameter: str) -> tuple[tuple[str, ...], Polynomial] | None:
        """What step t does with a parameter itself."""
        return self._closed(of, Target(parameter, None))

    def _closed(self, of: str, target: Target) -> tuple[tuple[str, ...], Polynomial] | None:
        step, regime = self.step, self.whole_step
        if step is None or regime is None or (of not in regime.equations and self.variables[of].timed):
            return None
        free = INDICES[: len(self.variables[of].shape) + len(self.variables[target.name].shape)]
        names = tuple(index.name for index in free)
        inner = _Step(step, regime, target)
        variables = {**self.variables}
        for state in step.states:
            variable = step.partial(state, target, inner.kind)
            variables[variable.name] = variable
        total = ZERO
        for term in inner.terms(of):
            total = total + lifted_term(term, frozenset(names), variables)

        def rule(element: Element, product: Product) -> Polynomial | None:
            variable = variables.get(element.name)
            if variable is None or variable.partial is None:
                return None
            found = self._closed(variable.partial.of, target)
            if found is None:
                return None
            return instantiated(found[1], dict(zip(found[0], element.indices, strict=True)), {"t": element.times[0]})

        return names, self.with_names(replaced(total, rule, frozenset(names)), frozenset(names))

    @cached_property
    def whole_step(self) -> Regime | None:
        """The equations of a step, what leads to the loss included; None where they are not the same at every step."""
        if self.step is None or len(self.step.regimes) > 1:
            return None
        general = {e.name: e for e in self.system.equations if e.time == GENERIC}
        fixed = {e.name for e in self.system.equations if e.time not in (GENERIC, None)}
        kept = {name: equation for name, equation in general.items() if name not in fixed}
        return Regime(WHOLE, kept) if set(self.step.states) <= set(kept) else None

    @cached_property
    def direct(self) -> dict[str, tuple[Piece, ...]]:
        """The derivative of the loss by each state, the others held fixed."""
        if self.step is None or not self.step.states:
            return {}
        found = {}
        equations = direct_derivatives(self.step, next(iter(self.step.states)))
        for state in self.step.states:
            own = [e for e in equations if e.name == direct_name(state) and e.time == GENERIC]
            if own:
                found[state] = tuple(self._piece(term, own[0]) for term in own[0].terms)
        return found

    @cached_property
    def chain(self) -> tuple[str, Polynomial] | None:
        """The one state of a model whose step depends on nothing else before, and its Jacobian with indices i and j."""
        step = self.step
        if step is None or list(step.states.values()) != [1] or len(step.regimes) > 1:
            return None
        (state,) = step.states
        found = self.jacobian(state, state, 1)
        return None if found is None or len(found[0]) != 2 else (state, found[1])

    def flow(self, late: Moment, early: Moment, row: str, column: str) -> Polynomial:
        """The derivative of a chain's state by an earlier one; where all steps are equal, of their number alone."""
        assert self.chain is not None
        state, jacobian = self.chain
        times = (late, early) if jacobian.letters else (late - early,)
        return of_atom(Element(f"flow({state})", times, (row, column)))

    def by_flow(self, element: Element) -> Polynomial | None:
        """The adjoint of a chain's state, or a parameter, as a sum over paths: direct derivatives times flows."""
        if self.chain is None or element.name[4:-1] not in self.variables:
            return None
        state, _ = self.chain
        name = element.name[4:-1]
        at_state = name == state and bool(element.times)
        if not at_state and self.variables[name].role is not Role.PARAMETER:
            return None
        free = frozenset(element.indices)
        k = element.times[0] if at_state else Moment.of("k~")
        row, column = "row~", element.indices[0] if at_state else "column~"
        whole = frozenset({*free, row, column})
        value = multiplied(
            self.directly(state, Moment.of("tau~"), (row,)), self.flow(Moment.of("tau~"), k, row, column), whole
        )
        if at_state:
            over: tuple[tuple[str, Moment, Moment], ...] = (("tau~", k, LENGTH),)
        else:
            found = self.immediate(state, name)
            if found is None:
                return None
            immediate = instantiated(found[1], dict(zip(found[0], (column, *element.indices), strict=True)), {"t": k})
            value = multiplied(value, canonical(immediate.terms, whole), whole)
            over = (("tau~", FIRST, LENGTH), ("k~", FIRST, Moment.of("tau~")))
        raw = [(Product(product.powers, (*over, *product.over)), number) for product, number in value.terms]
        return canonical(raw, free) + (ZERO if at_state else self.beside_states(name, element.indices))

    def by_totals(self, element: Element) -> Polynomial | None:
        """The gradient of a parameter as the sum over time of direct derivatives times total ones."""
        name = element.name[4:-1]
        if element.times or self.step is None or self.variables[name].role is not Role.PARAMETER:
            return None
        free = frozenset(element.indices)
        total = self.beside_states(name, element.indices)
        for state in self.step.states:
            inner = tuple(f"row{n}~" for n in range(len(self.variables[state].shape)))
            change = of_atom(Element(f"total({state},{name})", (Moment.of("tau~"),), (*inner, *element.indices)))
            whole = frozenset({*free, *inner})
            value = multiplied(self.directly(state, Moment.of("tau~"), inner), change, whole)
            raw = [(Product(p.powers, (("tau~", FIRST, LENGTH), *p.over)), number) for p, number in value.terms]
            total = total + canonical(raw, free)
        return total

    def directly(self, state: str, time: Moment, indices: tuple[str, ...]) -> Polynomial:
        """The derivative of the loss by a state at a time, the other states held fixed."""
        total = ZERO
        for piece in self.direct.get(state, ()):
            if piece.when is not None and not piece.ends_by_itself:
                raise UndecidedError("T", Moment((), 0))
            names = (index.name for index in INDICES)
            total = total + instantiated(piece.value, dict(zip(names, indices, strict=False)), {"t": time})
        return total

    def beside_states(self, parameter: str, indices: tuple[str, ...]) -> Polynomial:
        """What a parameter does to the loss with all states held fixed."""
        if self.step is None:
            return ZERO
        total = ZERO
        for equation in direct_derivatives(self.step, parameter):
            if equation.name == direct_name(parameter):
                for term in equation.terms:
                    value = self._piece(term, equation).value
                    names = (index.name for index in equation.indices)
                    total = total + instantiated(value, dict(zip(names, indices, strict=True)), {})
        return total

    def total(self, element: Element, context: Context) -> Polynomial | None:
        """The total derivative of a state by a parameter: what the step does, and what earlier states bring along."""
        state, parameter = element.name[6:-1].split(",")
        (time,) = element.times
        step = self.step
        if step is None or not context.surely_from(time, FIRST):
            return None
        rank = len(self.variables[state].shape)
        row, rest = element.indices[:rank], element.indices[rank:]
        free = frozenset(element.indices)
        found = self.immediate(state, parameter)
        total = (
            ZERO
            if found is None
            else instantiated(found[1], dict(zip(found[0], element.indices, strict=True)), {"t": time})
        )
        total = canonical(total.terms, free)
        for before, longest in step.states.items():
            for lag in range(1, longest + 1):
                jacobian = self.jacobian(state, before, lag)
                if jacobian is None or not jacobian[1]:
                    continue
                inner = tuple(f"row{n}~" for n in range(len(self.variables[before].shape)))
                value = instantiated(jacobian[1], dict(zip(jacobian[0], (*row, *inner), strict=True)), {"t": time})
                early = of_atom(Element(f"total({before},{parameter})", (time - Moment((), lag),), (*inner, *rest)))
                total = total + multiplied(canonical(value.terms, free | set(inner)), early, free, frozenset(inner))
        return total

    @cached_property
    def losses_at_their_time(self) -> bool:
        """Whether the loss of step t depends on the states of step t alone, beside what came before them."""
        if self.step is None:
            return False
        outside = [e for e in self.system.equations if e.name not in self.step.computing and e.time is not None]
        return all(
            place.time is None or time_of(place.time) == equation.time
            for equation in outside
            for term in equation.terms
            for place in accesses(term, self.system.variables)
            if self.system.defining(place.name)
        )

    def number_of(self, loss: str) -> Fraction | None:
        """What the adjoint of a timed loss is, where it is a number: 1 for a sum over time."""
        found = self.pieces(loss, GENERIC)
        if found is None or len(found) != 1 or len(found[0].value.terms) != 1:
            return None
        product, number = found[0].value.terms[0]
        return number if not product.powers else None


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
