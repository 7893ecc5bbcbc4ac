"""Forward sensitivities (real-time recurrent learning) as a document, and why they give the same gradient."""

from __future__ import annotations

from math import prod

from sympy import Add, Expr, Integer, Mul

from rnnsym.calculus.onestep import Target
from rnnsym.calculus.rules import adjoint_of
from rnnsym.calculus.signals import local
from rnnsym.equations.indexed import INDICES, Equation, Kind
from rnnsym.language.syntax import Time
from rnnsym.notation.content import lines_of
from rnnsym.notation.renderers import Line
from rnnsym.notation.through_time import PathStory

GENERIC = Time("t", 0)


class ForwardStory(PathStory):
    """The sections of the forward form; `agrees`: the adjoints of both routes were found to be equal as formulas."""

    agrees = False

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
        self.recurrence()
        self.factors("t")
        self.effects_on_loss()
        if self.full:
            self.single_elements()
        else:
            self.immediate_derivatives("t")
        if self.full:
            self.cost()
            self.proof()
            if self.agrees:
                self.say(
                    "These lines, built from one-step derivatives, and the adjoints of the "
                    "recurrence form, found by the "
                    "reverse sweep, were compared as formulas: they are equal for every length and all sizes."
                )
        return self.out.finish()

    def recurrence(self) -> None:
        """dh/dW from step to step, and the gradient that adds up beside it."""
        parameter = self.parameter()
        self.out.heading("Forward in time")
        before = str(self.chain.times.low.offset - 1)
        mark = self.flat(lambda: self.immediate("t", parameter))
        if self.full:
            each = "" if len(self.chain.parameters) == 1 else f", for each parameter {self.math(parameter)}"
            self.say(
                f"Every step carries the derivative of its state along{each}; {mark} is the immediate derivative, with "
                f"{self.math(self.state('t', -1))} held fixed:"
            )
        starts = [Line(self.total(before, parameter), "0")]
        step = self.ordered(self.jacobian("t"), self.total("t", parameter, -1))
        here = Line(self.total("t", parameter), f"{self.immediate('t', parameter)} + {step}")
        end = self.span()[1] if self.last_only else "t"
        inner = self.ordered(self.effect(end), self.total(end, parameter))
        whole = inner if self.last_only else self.printer.summed("t", *self.span(), inner)
        self.show(*starts, here, Line(self.gradient(parameter), self.with_own(whole)))
        if len(self.chain.states) > 1:
            self.say("By parts:")
            self.show(*(line for name in self.chain.parameters[:1] for line in self.parts(parameter)))
        if self.full and not self.last_only:
            self.say(
                "The sum grows as the steps go by: nothing of earlier steps is kept, and "
                f"{self.math('T')} need not be known."
            )

    def parts(self, parameter: str) -> list[Line]:
        """The recurrence for each state by itself."""
        lines = []
        present = {(p.of, p.by, p.lag) for e in self.chain.jacobians if (p := e.variable.partial) is not None}
        used = {
            e.variable.partial.of
            for name in self.chain.parameters
            for e in self.chain.immediate[name]
            if e.variable.partial is not None
        }
        for name in self.chain.states:
            parts = [self.printer.ratio(self.variable(name), parameter, Kind.IMMEDIATE)] if name in used else []
            for other, longest in self.chain.states.items():
                for lag in range(1, longest + 1):
                    if (name, other, lag) in present:
                        back = self.variable(other, "t", -lag)
                        jacobian = self.printer.ratio(self.variable(name), back, Kind.STEP)
                        parts.append(self.ordered(jacobian, self.printer.ratio(back, parameter, Kind.TOTAL)))
            left = self.printer.ratio(self.variable(name), parameter, Kind.TOTAL)
            lines.append(Line(left, " + ".join(parts) or "0"))
        return lines

    def single_elements(self) -> None:
        """The recurrence in index notation."""
        self.out.heading("For single elements")
        step = self.chain.step
        totals = [e for name in self.chain.parameters for e in step.total(name)]
        immediate = [e for name in self.chain.parameters for e in self.chain.immediate[name]]
        lines = self.lines(totals, "t", matrices=False)
        self.show(*lines)
        self.show(*self.lines((*self.chain.jacobians, *immediate), "t", matrices=False))
        self.explain_deltas()

    def cost(self) -> None:
        """Numbers kept and multiplications made, in sizes."""
        self.out.heading("Memory and cost")
        printer = self.printer
        variables = self.chain.step.system.variables
        n = Add(*(Mul(*variables[name].shape) for name, _ in self.chain.blocks))
        rows: list[tuple[str, ...]] = []
        for name in self.chain.parameters:
            count: Expr = prod(variables[name].shape, start=Integer(1))
            rows.append(
                (
                    self.math(self.own(name)),
                    self.math(printer.size((n * count).expand())),
                    self.math(printer.size((n**2 * count).expand())),
                )
            )
        self.out.table(("parameter", "numbers kept", "multiplications in a step"), rows)
        every = self.math(printer.size(n))
        self.say(
            f"The state has {every} numbers. Backpropagation keeps the states of all {self.math('T')} "
            f"steps instead, and its cost "
            "for all parameters together is a small multiple of that of the forward pass."
        )

    def proof(self) -> None:
        """Why the sum is that of backpropagation through time."""
        self.out.heading("Why this is the gradient of backpropagation through time")
        printer, parameter = self.printer, self.parameter()
        first, low = str(self.chain.times.low), self.chain.times.low.offset

        def start() -> str:
            return f"{self.total(str(low - 1), parameter)} = 0"

        def weight(offset: int = 0, time: str = "t") -> str:
            return printer.subscripted(printer.weight, self.moment(time, offset))

        def jacobian(offset: int = 0) -> str:
            above, below = self.state("t", offset), self.state("t", offset - 1)
            return self.bracketed(printer.ratio(above, below, Kind.STEP))

        change = self.bracketed(self.total("t", parameter))
        before = self.bracketed(self.total("t", parameter, -1))
        fraction = printer.ratio(printer.loss, self.state("t"), Kind.IMMEDIATE)
        effect = self.bracketed(fraction)
        immediate = self.bracketed(self.immediate("t", parameter))
        flip = printer.transposed
        following = printer.ratio(self.state("t", 1), self.state("t"), Kind.STEP)
        back = f"{flip(printer.parentheses(following))} {weight(1)}"
        ends = (first, "T")
        moved = f"{flip(weight())} {jacobian()}"
        rest = f"{flip(weight())} - {flip(weight(1))} {jacobian(1)}"
        end = self.math(weight(1, "T") + " = 0")
        steps = [
            (
                "Weights",
                f"Let {end} and, backwards in time,",
                [Line(weight(), f"{flip(printer.parentheses(fraction))} + {back}")],
            ),
            (
                "Put in",
                "So what stands before the total derivatives is a difference:",
                [
                    Line(effect, rest),
                    Line(
                        printer.summed("t", *ends, f"{effect} {change}"),
                        printer.summed("t", *ends, f"{printer.parentheses(rest)} {change}"),
                    ),
                ],
            ),
            (
                "Shift",
                (
                    f"In the second part, {self.math('t+1')} is called {self.math('t')}. Its first "
                    f"term is zero, because {self.flat(start)}, "
                    f"and its last one, because {end}:"
                ),
                [
                    Line(
                        "",
                        printer.summed(
                            "t", *ends, printer.parentheses(f"{flip(weight())} {change} - {moved} {before}")
                        ),
                    )
                ],
            ),
            (
                "Recurrence",
                "The recurrence forward in time leaves the immediate derivative:",
                [
                    Line(f"{change} - {jacobian()} {before}", immediate),
                    Line(
                        printer.summed("t", *ends, f"{effect} {change}"),
                        printer.summed("t", *ends, f"{flip(weight())} {immediate}"),
                    ),
                ],
            ),
        ]
        if self.within_step():
            steps.append(self.inside_step(parameter, weight()))
        for number, (title, sentence, lines) in enumerate(steps, 1):
            self.out.step(number, title, " ".join(sentence.split()), lines)
        self.out.step(len(steps) + 1, "Adjoints", self.last_step(), self.adjoint_lines())

    def inside_step(self, parameter: str, weight: str) -> tuple[str, str, list[Line]]:
        """From the weights to the adjoints, where states of one step read each other."""
        printer = self.printer
        inner, local, bar = (
            printer.subscripted(name, "t") for name in (printer.inner, printer.local, printer.joint_bar)
        )
        immediate = self.bracketed(self.immediate("t", parameter))
        flip = printer.transposed
        sentence = (
            "The adjoint of a state that another state of the same step reads has that path in it too; the "
            "weights hold "
            f"all states of their step fixed. {self.math(inner)} holds the derivatives of the states by others of the "
            f"same step, {self.math(local)} what each state's own equation does with {self.math(parameter)}, and "
            f"{self.math(bar)} the adjoints of all states:"
        )
        lines = [
            Line(bar, f"{weight} + {flip(inner)} {bar}"),
            Line(self.immediate("t", parameter), f"{local} + {inner} {immediate}"),
            Line(f"{flip(weight)} {immediate}", f"{flip(bar)} ({printer.identity} - {inner}) {immediate}"),
            Line("", f"{flip(bar)} {local}"),
        ]
        return "Within a step", sentence, lines

    def last_step(self) -> str:
        """What the weights are in the recurrence form."""
        weight = self.math(self.printer.letter(self.printer.weight))
        if not self.within_step():
            return (
                f"{weight} obeys the recurrence of the adjoint, with the same end, so it is the adjoint; and the "
                f"sum is "
                "the gradient of the recurrence form:"
            )
        return "The adjoints obey these recurrences, and the sum is the gradient of the recurrence form:"

    def adjoint_lines(self) -> list[Line]:
        """The adjoints of the states with what lies between put in, and the gradient that they give."""
        lines = []
        for name in reversed(list(self.chain.states)):
            adjoint = adjoint_of(self.chain.step.system.variables[name])
            terms = self.chain.adjoint_terms(name)
            if terms:
                whole = Equation(adjoint, GENERIC, INDICES[: len(adjoint.shape)], terms, self.chain.times)
                lines += [line for line in lines_of(whole, self.out) if line.right != "0"]
        return lines

    def within_step(self) -> list[tuple[str, str]]:
        """Pairs of states of which the first is read by the second at the same step."""
        return [
            (name, e.variable.partial.of)
            for name in self.chain.states
            for e in local(self.chain.step, Target(name, 0))
            if e.variable.partial is not None
        ]
