r"""Which of several equations for one sequence defines it.

Authors give a sequence a name and then derive something about it: `\delta_t = \frac{\partial E}{\partial h_t}`, and
further down `\delta_{t-1} = ...`. Only one of them can be the definition. The others are claims, and have to hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Several
from dataclasses import replace

from rnnsym.claims.syntax import Derivative, Equation, Moment, Node, Sequence, Sum, Transpose, Variable


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
    right = equation.right.operand if isinstance(equation.right, Transpose) else equation.right
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
    return shifted(definition.right, times)


def shifted(node: Node, times: dict[str, Moment]) -> Node:
    """A derivative, perhaps transposed, at other times."""
    match node:
        case Transpose(operand):
            return replace(node, operand=shifted(operand, times))
        case Derivative(_, top, bottom):
            return replace(node, top=at(top, times), bottom=at(bottom, times))
    return node


def at(variable: Variable, times: dict[str, Moment]) -> Variable:
    """A variable at another time."""
    return variable if variable.time is None else replace(variable, time=variable.time.moved(times))
