"""What is known of a model that is a chain of steps: Jacobians, flows over many steps, total derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property

from rnnsym.calculus.onestep import NoStepError, OneStep, Regime, StepDerivatives, Target, one_step
from rnnsym.calculus.through_time import direct_derivatives, direct_name
from rnnsym.claims.syntax import Moment
from rnnsym.equations.indexed import INDICES, Role, accesses, time_of
from rnnsym.language.timing import WHOLE
from rnnsym.proof.adjoints import GENERIC, Adjoints, Piece, UndecidedError
from rnnsym.proof.atoms import ONE, ZERO, Delta, Element, Polynomial, Product, of_atom
from rnnsym.proof.lift import lifted_term
from rnnsym.proof.polynomial import canonical, instantiated, multiplied, replaced
from rnnsym.proof.times import FIRST, LENGTH, Context


class Theory(Adjoints):
    """The rules of one model."""

    @cached_property
    def step(self) -> OneStep | None:
        """The model as a chain of steps, where it is one."""
        try:
            return one_step(self.system)
        except NoStepError:
            return None

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
        inner = StepDerivatives(step, regime, target)
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
        """The one state of a model whose step depends on nothing else before, and its Jacobian with indices i and j.

        The Jacobian of a state that is a number has none.
        """
        step = self.step
        if step is None or list(step.states.values()) != [1] or len(step.regimes) > 1:
            return None
        (state,) = step.states
        found = self.jacobian(state, state, 1)
        return None if found is None or len(found[0]) not in (0, 2) else (state, found[1])

    def flow(self, late: Moment, early: Moment, *indices: str) -> Polynomial:
        """The derivative of a chain's state by an earlier one; where all steps are equal, of their number alone."""
        assert self.chain is not None
        state, jacobian = self.chain
        if late == early:
            return of_atom(Delta(*sorted(indices))) if indices else ONE
        times = (late, early) if jacobian.letters else (late - early,)
        return of_atom(Element(f"flow({state})", times, indices))

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
        vector = bool(self.variables[state].shape)
        row = ("row~",) if vector else ()
        column = () if not vector else element.indices[:1] if at_state else ("column~",)
        whole = frozenset({*free, *row, *column})
        step = ONE
        if not at_state:
            found = self.immediate(state, name)
            if found is None:
                return None
            step = instantiated(found[1], dict(zip(found[0], (*column, *element.indices), strict=True)), {"t": k})
            step = canonical(step.terms, whole)
        raw = []
        for direct, tau in self.directly(state, row):
            value = multiplied(direct, self.flow(tau, k, *row, *column), whole)
            over = () if tau == LENGTH else (("tau~", k if at_state else FIRST, LENGTH),)
            if not at_state:
                value = multiplied(value, step, whole)
                over = (*over, ("k~", FIRST, tau))
            raw += [(Product(product.powers, (*over, *product.over)), number) for product, number in value.terms]
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
            for direct, tau in self.directly(state, inner):
                at_end = instantiated(change, {}, {"tau~": tau})
                over = () if tau == LENGTH else (("tau~", FIRST, LENGTH),)
                value = multiplied(direct, at_end, whole)
                raw = [(Product(p.powers, (*over, *p.over)), number) for p, number in value.terms]
                total = total + canonical(raw, free)
        return total

    def directly(self, state: str, indices: tuple[str, ...]) -> Iterator[tuple[Polynomial, Moment]]:
        """The derivative of the loss by a state, the other states held fixed: at all times tau~, and at T alone."""
        for piece in self.direct.get(state, ()):
            tau = Moment.of("tau~")
            if piece.when == (LENGTH, LENGTH):
                tau = LENGTH
            elif piece.when is not None and not piece.ends_by_itself:
                raise UndecidedError("T", Moment((), 0))
            names = (index.name for index in INDICES)
            yield instantiated(piece.value, dict(zip(names, indices, strict=False)), {"t": tau}), tau

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
