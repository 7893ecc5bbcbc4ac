"""The one-step Jacobians as a document, with bounds of their norms: what vanishes, explodes or is carried."""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Indexed

from rnnsym.calculus.bounds import BoundTerm, Norm, StepBound
from rnnsym.equations.indexed import Kind, indices_in
from rnnsym.notation.parts import Part, hadamard
from rnnsym.notation.renderers import Line
from rnnsym.notation.through_time import PathStory


class JacobianStory(PathStory):
    """The sections of the Jacobians and their bounds."""

    def write_bounds(self, detail: str, bounds: tuple[StepBound, ...]) -> str:
        """The document at a level of detail."""
        self.full = detail != "result"
        self.out.title(f"{self.content.model.title}: one-step Jacobians")
        if not self.chain.states:
            self.say("The model has no state that a later step reads, so there is no Jacobian through time.")
            return self.out.finish()
        if not self.chain.leads_on:
            self.say("No state depends on the states before it, so all Jacobians through time are zero.")
            return self.out.finish()
        if self.full:
            self.states()
        self.factors()
        known = [bound for bound in bounds if bound.terms is not None]
        if known:
            self.out.heading("Bounds")
            if self.full:
                self.say(
                    f"{self.math(self.printer.norm_of('A', ''))} is the spectral norm of a matrix, "
                    f"its largest singular "
                    f"value; {self.math(self.printer.norm_of('v', 'largest'))} the largest size of an element. Every "
                    "product is bounded by the product of the norms of its factors. A state that is given is taken to "
                    "keep to the range of those that a step computes."
                )
            self.show(*(self.bound_line(bound) for bound in known))
            self.over_time(known)
        self.carried(bounds)
        return self.out.finish()

    def bound_line(self, bound: StepBound) -> Line:
        """One bound: a norm, and what it does not exceed."""
        step = self.printer.step
        with self.printer.at_time(step):
            left = self.printer.leaf(bound.equation.variable, bound.equation.time)
            right = " + ".join(map(self.bound_text, bound.terms or ())) or "0"
        return Line(
            self.printer.norm_of(left, ""), right, self.note(bound.equation.interval, step), self.printer.at_most
        )

    def bound_text(self, term: BoundTerm) -> str:
        """A number times norms."""
        number = self.printer.number_text(term.number)
        norms = [self.norm_text(norm) for norm in term.norms]
        return " ".join([number] * (term.number != 1 or not norms) + norms)

    def norm_text(self, norm: Norm) -> str:
        """One norm in print."""
        text = self.inner_text(norm.expression)
        return self.printer.norm_of(text, "" if norm.kind in ("spectral", "step", "length") else norm.kind)

    def inner_text(self, expression: Expr) -> str:
        """A matrix by its name, or an elementwise expression as a vector."""
        if isinstance(expression, Indexed) and len(indices_in(expression)) == 2:
            axes = tuple(index for index in expression.indices if index in indices_in(expression))
            return self.printer.show(self.printer.builder.leaf(expression, axes)).text
        number, parts = self.printer.builder.numbered((expression,))
        vectors = [Part(part.node, part.axes, part.divides) for part in parts]
        text = self.printer.show(hadamard(vectors)).text
        return text if number in (1, -1) else f"{self.printer.number_text(abs(number))} {text}"

    def over_time(self, bounds: list[StepBound]) -> None:
        """What the bound of one step says of many: where the state is one vector."""
        if self.chain.joined or len(bounds) != 1:
            return
        (bound,) = bounds
        terms = bound.terms or ()
        back = self.printer.letter(self.printer.back)
        left = self.printer.norm_of(self.printer.ratio(self.state("t"), self.state(back), Kind.STEP), "")
        whole = " + ".join(map(self.bound_text, terms))
        if any(term.changes for term in terms) or not any(term.norms for term in terms):
            return
        alone = len(terms) == 1 and len(terms[0].norms) == 1 and terms[0].number == 1
        grouped = whole if alone else self.printer.parentheses(whole)
        self.say("So over several steps")
        self.show(Line(left, self.printer.power_of(grouped, f"t-{back}"), "", self.printer.at_most))
        if not self.full:
            return
        below, above = self.math(f"{whole} < 1"), self.math(f"{whole} > 1")
        self.say(
            f"Where {below}, the derivative vanishes at least as fast as a geometric sequence: this "
            f"is sufficient. "
            f"It can explode only where {above}: this is necessary, and not sufficient (Pascanu, "
            f"Mikolov and Bengio 2013)."
        )

    def carried(self, bounds: tuple[StepBound, ...]) -> None:
        """The parts of the Jacobians that hand elements on by themselves, and their product over time."""
        step, back = self.printer.step, self.printer.back
        lines = []
        for bound in bounds:
            partial = bound.equation.variable.partial
            if partial is None or partial.of != partial.by or partial.lag != 1 or not bound.carries:
                continue
            with self.printer.at_time(step):
                carry = replace(bound.equation, terms=bound.carries)
                tree = self.printer.builder.equation(carry)
                text = self.printer.show(self.turn(tree)).text
            if len(bound.carries) > 1:
                text = self.printer.parentheses(text)
            product = self.printer.product("t", self.moment(back, 1), text, alone=True)
            ratio = self.printer.ratio(self.variable(partial.of), self.variable(partial.by, back), Kind.STEP)
            lines.append(Line(self.printer.only_carried(ratio), product))
        if lines:
            self.out.heading("What is carried")
            if self.full:
                self.say(
                    "Diagonal terms hand each element on to itself, past all weights. Along this path alone the "
                    "derivative is the product of these factors:"
                )
            self.show(*lines)
