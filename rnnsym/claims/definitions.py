r"""Which of several equations for one sequence defines it.

Authors give a sequence a name and then derive something about it: `\delta_t = \frac{\partial E}{\partial h_t}`, and
further down `\delta_{t-1} = ...`. Only one of them can be the definition. The others are claims, and have to hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Several
from dataclasses import replace

from rnnsym.claims.claim import Equation, Range
from rnnsym.claims.substitute import at_times
from rnnsym.claims.syntax import Derivative, Moment, Negative, Node, Sequence, Sum, Transpose, Variable, walk


def defined_once(equations: Several[Equation]) -> Iterator[Equation]:
    """The equations, of which those that define at all times what is defined already are claims."""
    main: dict[str, Equation] = {}
    for equation in equations:
        if equation.defines is not None and at_all_times(equation):
            before = main.setdefault(equation.defines, equation)
            if is_name(equation) and not is_name(before):
                main[equation.defines] = equation
    for equation in equations:
        definition = main.get(equation.defines or "", equation)
        if equation is definition or not at_all_times(equation):
            yield equation
        elif equation.left != definition.left or is_name(definition) or same_line(equation, definition):
            yield replace(equation, left=said_of(equation.left, definition))
        else:
            yield equation  # the same twice: told as an error


def beside_boundaries(equations: Several[Equation]) -> Iterator[tuple[Equation, str]]:
    """The equations, of which those about a derivative at all times leave out the times that others tell.

    With each, what that leaves out in words; empty where it is nothing.
    """
    for equation in equations:
        bottom = told(equation)
        letter = None if bottom is None or equation.ranges else single_letter(bottom.time)
        if bottom is None or bottom.time is None or letter is None:
            yield equation, ""
            continue
        low, high = None, None
        for other in equations:
            end = told(other)
            if other is equation or end is None or end.name != bottom.name or end.time is None or other.ranges:
                continue
            if end.time == Moment.of("T"):
                high = Moment.of("T", -1 - bottom.time.offset)
            elif not end.time.terms and end.time.offset >= 0:
                low = Moment((), end.time.offset + 1 - bottom.time.offset)
        if low is None and high is None:
            yield equation, ""
        else:
            limits = " and ".join(
                f"{letter} {sign} {end}" for sign, end in (("≥", low), ("≤", high)) if end is not None
            )
            yield (
                replace(equation, ranges=(Range(letter, low, high),)),
                (f"line {equation.span.line} is about {limits}, as another line tells the rest"),
            )


def before_the_last(equation: Equation) -> Equation:
    """An equation about a derivative at a time t that reads one at t+1, for t < T alone; others stay."""
    bottom = told(equation)
    letter = None if bottom is None or equation.ranges else single_letter(bottom.time)
    if bottom is None or bottom.time is None or letter is None:
        return equation
    own = bottom.time
    times = [node.bottom.time for node in walk(equation.right) if isinstance(node, Derivative)]
    times += [time for node in walk(equation.right) if isinstance(node, Sequence) for time in node.times]
    later = [time - own for time in times if time is not None and time.terms == own.terms]
    if not any(step.offset > 0 for step in later):
        return equation
    return replace(equation, ranges=(Range(letter, None, Moment.of("T", -1 - own.offset)),))


def told(equation: Equation) -> Variable | None:
    """The variable by which an equation tells the derivative of the total loss."""
    left = equation.left.operand if isinstance(equation.left, Transpose) else equation.left
    if not isinstance(left, Derivative) or left.top.time is not None or left.bottom.time is None:
        return None
    return left.bottom


def single_letter(time: Moment | None) -> str | None:
    """The letter of a time such as t or t-1, unless it is the length."""
    if time is None or len(time.terms) != 1 or time.terms[0][1] != 1 or time.terms[0][0] == "T":
        return None
    return time.terms[0][0]


def at_all_times(equation: Equation) -> bool:
    """Whether a definition is one for every time."""
    left = equation.left
    if not isinstance(left, Sequence) or equation.ranges:
        return False
    letters = [letter for time in left.times for letter, count in time.terms if count == 1 and letter != "T"]
    return len(letters) == len(set(letters)) == len(left.times) and all(len(time.terms) == 1 for time in left.times)


def same_line(one: Equation, other: Equation) -> bool:
    """Whether two equations are sides of one, a = b = c."""
    return one.span == other.span and one.given == other.given


def is_name(equation: Equation) -> bool:
    """Whether a definition gives a derivative a name, and says nothing else."""
    right = equation.right
    while isinstance(right, Transpose | Negative):
        right = right.operand
    return isinstance(right, Derivative)


def said_of(left: Node, definition: Equation) -> Node:
    """What an equation is about whose left side is defined elsewhere: the derivative that it names, or its value."""
    assert isinstance(left, Sequence)
    assert isinstance(definition.left, Sequence)
    if not is_name(definition):
        return Sum((left,), left.shape)
    times = {
        before.terms[0][0]: now - Moment((), before.offset)
        for before, now in zip(definition.left.times, left.times, strict=True)
    }
    return at_times(definition.right, times)
