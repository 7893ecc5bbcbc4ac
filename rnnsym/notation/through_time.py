"""The gradient as a sum over paths through time, as a document: states, split, paths, factors, matrices."""

from __future__ import annotations

from sympy import KroneckerDelta

from rnnsym.equations.indexed import INDICES, Kind
from rnnsym.language.syntax import Time
from rnnsym.notation.content import lines_of
from rnnsym.notation.renderers import Line
from rnnsym.notation.signals import SignalStory
from rnnsym.notation.telling import joined
from rnnsym.notation.tree import Plus

GENERIC = Time("t", 0)


class PathStory(SignalStory):
    """The sections of the paths form; with `kept`, of the sum over the paths of so many steps."""

    def write(self, detail: str, title: str) -> str:
        """The document at a level of detail."""
        self.full = detail != "result"
        self.out.title(f"{self.content.model.title}: {title}")
        if self.chain.counted is None or not self.chain.leads_on or not any(self.chain.immediate.values()):
            self.no_paths()
            return self.out.finish()
        if detail == "full":
            self.model()
        if self.full:
            self.states()
            self.split()
        if self.kept is None:
            self.paths()
        else:
            self.cut_paths()
        self.factors()
        self.effects_on_loss()
        if detail == "full" or len(self.chain.parameters) == 1:
            self.immediate_derivatives()
        self.matrices()
        return self.out.finish()

    def no_paths(self) -> None:
        """A model without steps, or a parameter that they do not use: the gradient as ever."""
        names = joined([self.math(self.own(name)) for name in self.chain.parameters])
        why = (
            "No state depends on the states before it, so no path leads back through time:"
            if self.chain.states and not self.chain.leads_on
            else f"No state depends on {names}, so no path leads back through time:"
            if self.chain.counted is not None
            else "No state that a step computes reaches the loss:"
            if self.chain.states
            else "The model has no state that a later step reads, so no path leads through time:"
        )
        self.say(f"{why} the derivative is that of one step.")
        wanted = [e for e in self.content.adjoints if e.variable.adjoint_of in self.chain.parameters]
        self.show(*(line for equation in wanted for line in lines_of(equation, self.out)))

    # 1

    def model(self) -> None:
        """The equations that all is derived from."""
        self.out.heading("Forward equations")
        self.show(*(line for equation in self.content.system.equations for line in lines_of(equation, self.out)))

    def states(self) -> None:
        """What a step hands on."""
        self.out.heading("States")
        names = [self.math(self.variable(name)) for name in self.chain.states]
        several = len(names) > 1
        text = (
            f"{joined(names)} are the states: the only variables that a later step reads."
            if several
            else f"{names[0]} is the state: the only variable that a later step reads."
        )
        if self.chain.joined:
            parts = [self.variable(name, "t", -back) for name, back in self.chain.blocks]
            why = "Together they are" if several else "Since steps read it at several lags, it stands beside copies:"
            self.say(f"{text} {why} the joint state")
            self.show(Line(self.state(), self.printer.stack(parts, self.printer.builder.rows)))
        else:
            self.say(text)
        shortest = self.content.shortest_length
        if shortest > 1:
            self.say(f"What follows is written for {self.math(self.printer.at_least(shortest))}.")

    # 2

    def split(self) -> None:
        """The chain rule at the last step."""
        printer, parameter = self.printer, self.parameter()
        self.out.heading("The derivative splits")
        each = f", for each parameter {self.math(parameter)}" if len(self.chain.parameters) > 1 else ""
        low, high = self.span()
        inner = self.ordered(
            self.effect(high if self.last_only else "t"), self.total(high if self.last_only else "t", parameter)
        )
        whole = inner if self.last_only else printer.summed("t", low, high, inner)
        step = self.ordered(self.jacobian("t"), self.total("t", parameter, -1))
        add = self.immediate("t", parameter)
        self.say(f"By the chain rule, with all paths into the loss{each}:")
        self.show(
            Line(self.gradient(parameter), self.with_own(whole)),
            Line(self.total("t", parameter), f"{add} + {step}"),
        )
        if not self.last_only and self.chain.timed_loss:
            loss = self.math(self.variable(self.chain.timed_loss))
            self.say(
                f"{self.flat(self.effect)} needs no chain through time: {loss} depends on the states of step "
                f"{self.math('t')} alone."
            )
        elif not (self.last_only and not self.chain.joined):
            self.say(f"{self.flat(self.effect)} holds all other states fixed.")
        mark = self.flat(lambda: self.immediate("t", parameter))
        self.say(
            f"{mark} is the immediate derivative: what step {self.math('t')} does with {self.math(parameter)} itself, "
            f"while {self.math(self.state('t', -1))} is held fixed. The total derivative "
            f"{self.flat(lambda: self.total('t', parameter))} has the earlier steps in it; in its place it would count "
            "them more than once."
        )

    def with_own(self, text: str) -> str:
        """The sum with what the parameter does to the loss beside the states, in front."""
        owns = self.own_parts()
        if not owns:
            return text
        return f"{self.printer.ratio(self.printer.loss, self.parameter(), Kind.IMMEDIATE)} + {text}"

    def own_parts(self) -> tuple[str, ...]:
        """The parameters that reach the loss beside the states too."""
        return tuple(name for name in self.chain.parameters if self.chain.bypasses(name))

    # 3

    def paths(self) -> None:
        """The recurrence put into itself."""
        printer, parameter, back = self.printer, self.parameter(), self.printer.back
        first = str(self.chain.times.low)
        self.out.heading("The sum over paths")
        lines = []
        if self.full:
            body = self.ordered(self.path("t", self.moment(back, 1)), self.immediate(back, parameter))
            lines.append(Line(self.total("t", parameter), printer.summed(back, first, "t", body)))
            start = self.flat(lambda: f"{self.total(str(int(first) - 1), parameter)} = 0")
            self.say(f"Put into itself, back to step {self.math(first)}, where {start}:")
        self.show(*lines, Line(self.gradient(parameter), self.double_sum(parameter)))
        if self.full:
            step, end = printer.letter(printer.step), self.moment(back, 1)
            order = f"{end}, \\dots, t" if not self.text else f"{end}, ..., t"
            if not self.transposes:
                order = f"t, t-1, \\dots, {end}" if not self.text else f"t, t-1, ..., {end}"
            names = "Every derivative stands transposed; the" if self.transposes else "The"
            equal = f"{printer.letter(back)} = t"
            self.say(
                f"{names} factors of the product stand from left to right for {self.math(f'{step} = {order}')}; "
                f"for {self.math(equal)} the product is the identity."
            )

    def double_sum(self, parameter: str, low: str = "") -> str:
        """dE/dW, one term for every pair of times."""
        printer, back = self.printer, self.printer.back
        end = self.span()[1] if self.last_only else "t"
        if not low and (only := self.only_step()) is not None:
            within, back = "", only
        else:
            within = printer.summed(back, low or str(self.chain.times.low), end, "")
        inner = self.ordered(self.effect(end), self.path(end, self.moment(back, 1)), self.immediate(back, parameter))
        if self.last_only:
            return self.with_own(within + inner)
        return self.with_own(printer.summed("t", *self.span(), within + inner))

    def only_step(self) -> str | None:
        """The one step that uses the parameter, where it is one."""
        if len(self.chain.parameters) > 1:
            return None
        reach = self.chain.reach(self.chain.parameters[0])
        return str(reach.low) if reach is not None and reach.is_point and not reach.low.anchor else None

    def cut_paths(self) -> None:
        """The part of the sum that truncated backpropagation keeps, and what it drops."""
        parameter, first, back = self.parameter(), self.chain.times.low.offset, self.printer.back
        self.out.heading("The truncated sum")
        count = self.math(str(self.kept))
        steps = "step" if self.kept == 1 else "steps"
        if self.full:
            last = self.math(self.span()[1] if self.last_only else "t")
            self.say(
                f"Of all paths from the loss of time {last} those are kept that lead through the last "
                f"{count} {steps} at "
                f"most: {self.math(self.printer.letter(back))} starts later."
            )
        self.show(Line(self.approximate(self.gradient(parameter)), self.double_sum(parameter, self.low_end())))
        self.say("What is dropped:")
        whole = self.gradient(parameter)
        self.show(Line(f"{whole} - {self.approximate(whole)}", self.dropped(parameter, first)))
        if self.full:
            self.say("It is small where the products of Jacobians over that many steps are small.")

    def dropped(self, parameter: str, first: int) -> str:
        """The sum over the paths that are left out."""
        printer, back = self.printer, self.printer.back
        end = self.span()[1] if self.last_only else "t"
        inner = self.ordered(self.effect(end), self.path(end, self.moment(back, 1)), self.immediate(back, parameter))
        body = printer.summed(back, str(first), f"{end}-{self.kept}", inner)
        if self.last_only:
            return body
        start = first + self.kept if isinstance(self.kept, int) else f"{self.kept}" + (f"+{first}" if first else "")
        return printer.summed("t", str(start), self.span()[1], body)

    # 4

    def factors(self, letter: str = "") -> None:
        """The Jacobians in closed form, of the running step or of step `letter`."""
        step, back = letter or self.printer.step, self.printer.back
        self.out.heading("The factors")
        lines = []
        if self.chain.joined and len(self.chain.blocks) <= 4:
            lines.append(Line(self.jacobian(step), self.block_matrix(step)))
        pairs = self.lines(self.chain.jacobians, step)
        tree = self.printer.tree(self.chain.jacobians[0])
        if not letter and not self.chain.joined and len(pairs) == 1 and not isinstance(tree, Plus):
            (pair,) = pairs
            product = self.closed_product(pair.right, step, back)
            pairs.append(Line(self.printer.ratio(self.state("t"), self.state(back), Kind.STEP), product))
        self.show(*lines, *pairs)

    def effects_on_loss(self) -> None:
        """The derivatives of the loss by the states."""
        if effects := self.effects():
            self.say("The loss reads the states of its own step:" if self.chain.timed_loss else "Into the loss:")
            self.show(*effects)
        own = [e for name in self.chain.parameters for e in self.chain.own(name) if e.terms]
        if own:
            self.say("Beside the states:")
            self.show(*(line for equation in reversed(own) for line in lines_of(equation, self.out)))

    def closed_product(self, factor: str, step: str, back: str) -> str:
        """dh[t]/dh[k] as the product of what the factors are."""
        ends = ("t", self.moment(back, 1))
        first, last = ends if not self.transposes else ends[::-1]
        return self.printer.product(first, last, factor, alone=True)

    def block_matrix(self, letter: str) -> str:
        """The Jacobian of the joint state by blocks."""
        present = {(p.of, p.by, p.lag) for e in self.chain.jacobians if (p := e.variable.partial) is not None}
        rows = []
        for name, back in self.chain.blocks:
            row = []
            for other, before in self.chain.blocks:
                if back:
                    row.append(self.printer.identity if (other, before) == (name, back - 1) else "0")
                elif (name, other, before + 1) in present:
                    above, below = self.variable(name, letter), self.variable(other, letter, -before - 1)
                    row.append(self.printer.ratio(above, below, Kind.STEP))
                else:
                    row.append("0")
            rows.append(row)
        if self.transposes:
            rows = [list(column) for column in zip(*rows, strict=True)]
        return self.printer.matrix(rows)

    # 5

    def immediate_derivatives(self, letter: str = "") -> None:
        """What a step does with each parameter, for single elements."""
        back = letter or self.printer.back
        self.out.heading("Immediate derivatives")
        every = [e for name in self.chain.parameters for e in self.chain.immediate[name]]
        lines = self.lines(every, back, matrices=False)
        self.show(*lines)
        if self.full and any(isinstance(f, KroneckerDelta) for e in every for term in e.terms for f in term.factors):
            self.explain_deltas()

    def explain_deltas(self) -> None:
        """What selects elements."""
        if self.elements.delta:
            sign = self.math(self.elements.where(*INDICES[:2]))
            self.say(f"{sign} is one where its indices are equal, else zero.")
