"""Abbreviations replaced by what they stand for, and every `sum` and `mean` settled to go over time or elements."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from rnnsym.errors import ModelError, Span
from rnnsym.language.reader import read
from rnnsym.language.syntax import (
    Binary,
    Call,
    Definition,
    Expression,
    Negative,
    Number,
    Part,
    Reference,
    Slice,
    Time,
    Transpose,
    children,
    references,
)
from rnnsym.operations import OPERATIONS, Abbreviation

#: What a name stands for where the model has no variable of that name.
CONSTANTS = {"I": "identity", "pi": "π", "T": "steps_T"}
#: What the number of a step is called: the first that is no variable of the model.
CLOCKS = ("time", "clock", *(f"time_{number}" for number in range(1, 1000)))


def expand(definitions: tuple[Definition, ...], text: str, declared: Iterable[str] = ()) -> tuple[Definition, ...]:
    """The same equations in the core language; `declared` are names that are variables in any case.

    >>> from rnnsym.language.reader import read
    >>> text = "L = mean(e[t])"
    >>> expand(read(text), text)[0].value.function
    'mean_time'
    """
    every = [node for d in definitions for node in (d.target, *references(d.value))]
    variables = {d.target.name for d in definitions} | {node.name for node in every if node.time} | set(declared)
    constants = {name: function for name, function in CONSTANTS.items() if name not in variables}
    taken = {node.name for node in every}
    return counted(
        tuple(
            Definition(found.target, _settle(_named(_expanded(found.value), constants), found.target, text), found.span)
            for found in definitions
        ),
        next(name for name in CLOCKS if name not in taken),
        text,
    )


def counted(definitions: tuple[Definition, ...], clock: str, text: str) -> tuple[Definition, ...]:
    """`t` as a number is a variable that counts the steps.

    >>> from rnnsym.language.reader import read
    >>> text = "h[t] = h[t-1] + x[t] / t"
    >>> [str(found.target) for found in expand(read(text), text)]
    ['h[t]', 'time[0]', 'time[t]']
    """
    first: Span | None = None

    def replaced(node: Expression, target: Reference, summed: bool) -> Expression:
        nonlocal first
        if isinstance(node, Reference) and node.name == "t":
            if not summed and (target.time is None or target.time.anchor != "t"):
                raise ModelError(
                    "t is a number where an equation holds for every t, and in sums over time", text, node.span
                )
            first = first or node.span
            return Call("stop_gradient", (Reference(clock, Time("t", 0), node.span),), node.span)
        inner = summed or (isinstance(node, Call) and node.function.endswith("_time"))
        return rebuild(node, [replaced(child, target, inner) for child in children(node)])

    found = tuple(Definition(d.target, replaced(d.value, d.target, False), d.span) for d in definitions)
    if first is None:
        return definitions
    zero, one = Number(Fraction(0), first), Number(Fraction(1), first)
    before = Reference(clock, Time("t", -1), first)
    return (
        *found,
        Definition(Reference(clock, Time("", 0), first), Call("sum_elements", (zero,), first), first),
        Definition(Reference(clock, Time("t", 0), first), Binary("+", before, one, first), first),
    )


def _named(node: Expression, constants: Mapping[str, str]) -> Expression:
    """The names of constants replaced by the functions without arguments that they are."""
    if isinstance(node, Reference) and node.name in constants:
        return Call(constants[node.name], (), node.span)
    return rebuild(node, [_named(child, constants) for child in children(node)])


def _expanded(node: Expression) -> Expression:
    node = rebuild(node, [_expanded(child) for child in children(node)])
    if isinstance(node, Call) and node.function == "outer" and len(node.arguments) == 3:
        return Call("outer_product", node.arguments, node.span)
    if isinstance(node, Call):
        operation = OPERATIONS[node.function]
        if isinstance(operation, Abbreviation):
            forms = {len(parameters): (parameters, expansion) for parameters, expansion in operation.forms}
            parameters, expansion = forms[len(node.arguments)]
            body = _body(expansion)
            uses = [found.name for found in references(body)]
            values = {
                name: _shared(argument) if uses.count(name) > 1 else argument
                for name, argument in zip(parameters, node.arguments, strict=True)
            }
            # An expansion may itself use abbreviations.
            return _expanded_body(body, values, node.span)
    return node


def _shared(argument: Expression) -> Expression:
    """What an abbreviation uses more than once, as something with a name."""
    plain = isinstance(argument, Reference | Number) or (isinstance(argument, Call) and argument.function == "named")
    return argument if plain else Call("named", (argument,), argument.span)


@functools.cache
def _body(expansion: str) -> Expression:
    return _expanded(read(f"value = {expansion}")[0].value)


def _expanded_body(node: Expression, values: dict[str, Expression], span: Span) -> Expression:
    if isinstance(node, Reference):
        return values[node.name]
    parts = [_expanded_body(child, values, span) for child in children(node)]
    return rebuild(node, parts, span)


def _settle(node: Expression, target: Reference, text: str) -> Expression:
    """`sum(e[t])` in an equation without t goes over time, any other sum over elements."""
    in_time = target.time is not None and target.time.anchor == "t"
    node = rebuild(node, [_settle(child, target, text) for child in children(node)])
    if isinstance(node, Call) and node.function in ("sum", "mean"):
        over_time = not in_time and bool(free_times(node.arguments[0]))
        return Call(f"{node.function}_{'time' if over_time else 'elements'}", node.arguments, node.span)
    if isinstance(node, Call) and node.function.endswith("_time"):
        if in_time:
            raise ModelError(
                "a sum over time cannot stand in an equation for every t",
                text,
                node.span,
                "write it as an equation of its own, without a time index on the left",
            )
        if not free_times(node.arguments[0]):
            raise ModelError("a sum over time needs something with [t] in it", text, node.span)
    return node


def free_times(node: Expression) -> list[Reference]:
    """The references at a time t that no sum over time binds, and t itself."""
    if isinstance(node, Call) and node.function.endswith("_time"):
        return []
    if isinstance(node, Reference):
        return [node] if node.name == "t" or (node.time is not None and node.time.anchor == "t") else []
    return [found for child in children(node) for found in free_times(child)]


def rebuild(node: Expression, parts: list[Expression], span: Span | None = None) -> Expression:
    """A node of the same kind over other operands."""
    place = span or node.span
    match node:
        case Negative():
            return Negative(parts[0], place)
        case Transpose():
            return Transpose(parts[0], place)
        case Binary(operator):
            return Binary(operator, parts[0], parts[1], place)
        case Call(function):
            return Call(function, tuple(parts), place)
        case Number(value):
            return Number(value, place)
        case Slice() | Part():
            return replace(node, operand=parts[0], span=place)
        case _:
            return node
