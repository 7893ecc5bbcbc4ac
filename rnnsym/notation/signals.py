"""The section with error signals: the double sum over times in matrix notation."""

from __future__ import annotations

from dataclasses import replace

from rnnsym.calculus.signals import gathered, passed_back, signal_of
from rnnsym.equations.indexed import INDICES, Equation, Kind, Role, Term, Variable
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval
from rnnsym.notation.content import lines_of
from rnnsym.notation.renderers import Line
from rnnsym.notation.story import Story

GENERIC = Time("t", 0)


class SignalStory(Story):
    """The sections that every form with sums over steps has; with `kept`, of paths of so many steps."""

    kept: int | str | None = None
    full = True

    def span(self) -> tuple[str, str]:
        """The times at which states reach the loss."""
        assert self.chain.counted is not None
        return str(self.printer.end(self.chain.counted.low)), str(self.printer.end(self.chain.counted.high))

    def approximate(self, text: str) -> str:
        """The gradient without some of its paths."""
        number = str(self.kept)
        return f"[{text}]_{number}" if self.text else rf"\left[{text}\right]_{{{number}}}"

    def low_end(self, first: str = "") -> str:
        """Where the kept paths start: max(1, t - K + 1)."""
        end = self.span()[1] if self.last_only else "t"
        shift = f"-{self.kept - 1}" * (self.kept > 1) if isinstance(self.kept, int) else f"-{self.kept}+1"
        first = first or str(self.chain.times.low)
        return (
            end
            if self.kept == 1 and first == str(self.chain.times.low)
            else f"{'max' if self.text else chr(92) + 'max'}({first}, {end}{shift})"
        )

    def matrices(self) -> None:
        """The same with error signals: vectors that go back from step to step."""
        printer, back = self.printer, self.printer.back
        self.out.heading("In matrices")
        if self.full:
            name = next(iter(self.chain.states))
            signal = self.math(printer.error(name, printer.letter(back)))
            means = (
                f"the derivative of {self.math(printer.loss)}"
                if self.last_only
                else f"the derivative of {self.math(self.variable(self.chain.timed_loss))}"
                if self.chain.timed_loss
                else f"what the states of time {self.math('t')} add to the derivative of {self.math(printer.loss)}"
            )
            about = self.math(self.variable(name, back))
            if self.last_only:
                self.say(f"{signal} is {means} with respect to {about}, along all paths: the adjoint of {about}.")
            else:
                beyond = self.math(f"{printer.letter(back)} > t")
                self.say(f"{signal} is {means} with respect to {about}, along all paths; it is zero for {beyond}.")
        self.show(*self.signal_lines())
        left = self.gradient if self.kept is None else lambda text: self.approximate(self.gradient(text))
        gradients = [Line(left(self.own(name)), self.gathered_sum(name)) for name in self.chain.parameters]
        self.say("The gradient adds them up:" if len(gradients) == 1 else "The gradients add them up:")
        self.show(*gradients)
        if self.full and not self.last_only and self.kept is None:
            name = next(iter(self.chain.states))
            bar = self.content.variables.get(f"bar({name})")
            if bar is not None:
                with printer.at_time(back):
                    adjoint = printer.leaf(bar, GENERIC)
                signal = printer.error(name, printer.letter(back))
                total = printer.summed("t", self.moment(back), "T", signal)
                self.say(
                    f"The sum {self.math(f'{adjoint} = {total}')} is the adjoint of the recurrence form, which needs "
                    "one pass backwards instead of one for each loss."
                )

    def signal_lines(self) -> list[Line]:
        """The start of each signal at its own time, and the way back."""
        found = []
        for name in reversed(list(self.chain.states)):
            found += self.signal_start(name)
        for name in reversed(list(self.chain.states)):
            found += self.signal_back(name)
        return found

    def signal_start(self, name: str) -> list[Line]:
        variable = signal_of(self.chain.step.variables[name], self.chain.step.system.loss)
        inside = tuple(replace(term, when=None) for lag, term in passed_back(self.chain.step, name) if not lag)
        lines = []
        starts = [e.terms for e in self.chain.effects() if e.variable.partial and e.variable.partial.by == name]
        for direct in starts or [()] * bool(inside):
            terms = (*(replace(term, when=None) for term in direct), *inside)
            one = Equation(variable, GENERIC, INDICES[: len(variable.shape)], terms, None)
            end = self.span()[1] if self.last_only else "t"
            with self.printer.at_time(end):
                right = self.printer.show(self.printer.builder.equation(one)).text
            lines.append(Line(self.printer.error(name, end), right))
        return lines

    def signal_back(self, name: str) -> list[Line]:
        """The signal of an earlier step; one line for each stretch of time on which steps are alike."""
        variable = signal_of(self.chain.step.variables[name], self.chain.step.system.loss)
        back = self.printer.back
        whole = Interval(self.chain.times.low, Time("T", -1))
        terms = tuple(_within(term, lag, self.chain.times) for lag, term in passed_back(self.chain.step, name))
        if not terms:
            return []
        one = Equation(variable, GENERIC, INDICES[: len(variable.shape)], terms, whole)
        lines = []
        with self.printer.at_time(back):
            for line in lines_of(one, self.out):
                limit = f"{self.printer.letter(back)} < {self.span()[1] if self.last_only else 't'}"
                shown = line.note and self.printer.letter(back) + line.note[1:]
                odd = any(term.when is not None for term in terms)
                lines.append(replace(line, note=f"{limit}, {shown}" if odd and shown else limit))
        return lines

    def start(self, when: Interval) -> str:
        """The first step of a sum: where the parameter is first used, or where the kept paths start."""
        first = str(self.printer.end(when.low))
        return first if self.kept is None else self.low_end(first)

    def gathered_sum(self, name: str) -> str:
        """The gradient of a parameter from the signals."""
        printer, back = self.printer, self.printer.back
        own = self.chain.step.variables[name]
        groups: dict[Interval | None, list[Term]] = {}
        for term in gathered(self.chain.step, name):
            groups.setdefault(term.when, []).append(replace(term, when=None))
        parts = []
        for when, terms in groups.items():
            one = Equation(_gradient_like(own), None, INDICES[: len(own.shape)], tuple(terms))
            assert when is not None
            end = self.span()[1] if self.last_only else "t"
            fixed = when.is_point and not when.low.anchor
            if fixed and self.kept is None:
                letter = str(when.low)
                with printer.at_time(letter):
                    inner = printer.show(printer.builder.equation(one))
                text = inner.text if inner.binding > 0 else printer.parentheses(inner.text)
            else:
                with printer.at_time(back):
                    inner = printer.show(printer.builder.equation(one))
                text = inner.text if inner.binding > 0 else printer.parentheses(inner.text)
                until = end if when.high == self.chain.times.high else f"min({end}, {when.high})"
                if fixed:
                    until = str(when.low)
                text = printer.summed(back, self.start(when), until, text)
            parts.append(text if self.last_only else printer.summed("t", *self.span(), text))
        own_part = (
            f"{printer.ratio(printer.loss, self.own(name), Kind.IMMEDIATE)} + " if self.chain.bypasses(name) else ""
        )
        return own_part + " + ".join(parts) if parts else own_part or "0"


def _gradient_like(own: Variable) -> Variable:
    return Variable(f"gathered({own.name})", own.shape, False, Role.PARTIAL)


def _within(term: Term, lag: int, times: Interval) -> Term:
    """A term without its range where that is all steps."""
    return replace(term, when=None) if term.when == times.shifted(-lag) else term
