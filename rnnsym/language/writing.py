"""Syntax trees as text of the language: what the reader reads back to the same tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Context, Decimal
from fractions import Fraction

from rnnsym.language.syntax import (
    Binary,
    Call,
    Constant,
    Definition,
    Expression,
    Negative,
    Number,
    Part,
    Reference,
    Slice,
    Transpose,
)

#: How tightly operators bind; a negation stands between products and powers.
LEVELS = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "**": 4}
NEGATIVE, WHOLE = 3, 5


def _called(function: str, arguments: list[str]) -> str:
    return f"{function}({', '.join(arguments)})"


def written(
    node: Expression,
    level: int = 0,
    refer: Callable[[Reference], str] = str,
    apply: Callable[[str, list[str]], str] = _called,
) -> str:
    """An expression in the language of models, in parentheses where an operator of `level` is next to it.

    refer: how references are written. apply: how a function of arguments is written.

    >>> from rnnsym.language.reader import read
    >>> print(written(read("h[t] = (1 - z[t]) * g[t] - (a[t] - W.T @ (r[t] * h[t-1])) ** 2 / 3")[0].value))
    (1 - z[t]) * g[t] - (a[t] - W.T @ (r[t] * h[t-1])) ** 2 / 3
    """
    match node:
        case Number(value):
            return number(value)
        case Reference():
            return refer(node)
        case Negative(operand):
            text = f"-{written(operand, NEGATIVE, refer, apply)}"
            return f"({text})" if level > 1 else text
        case Transpose(operand):
            return f"{written(operand, WHOLE, refer, apply)}.T"
        case Binary("**", base, exponent):
            text = f"{written(base, WHOLE, refer, apply)} ** {written(exponent, WHOLE, refer, apply)}"
            return f"({text})" if level > LEVELS["**"] else text
        case Binary(operator, left, right):
            own = LEVELS[operator]
            # `(a * B) @ c` keeps its parentheses: without them it may be read as `a * (B @ c)`.
            loose = operator == "@" and isinstance(left, Binary) and left.operator == "*"
            text = f"{written(left, own + loose, refer, apply)} {operator} {written(right, own + 1, refer, apply)}"
            return f"({text})" if own < level else text
        case Call(function, arguments):
            return apply(function, [written(argument, 0, refer, apply) for argument in arguments])
        case Constant(function):
            return f"{function}()"
        case Slice(operand, low, high):
            return f"({written(operand, WHOLE, refer, apply)})[{low}:{'' if high is None else high}]"
        case Part():
            raise AssertionError("a part is a slice once shapes are solved")


def equation(definition: Definition) -> str:
    """An equation as text.

    >>> from rnnsym.language.reader import read
    >>> equation(read("h[t]=W@h[t-1]")[0])
    'h[t] = W @ h[t-1]'
    """
    return f"{definition.target} = {written(definition.value)}"


def equations(definitions: Iterable[Definition]) -> Iterator[str]:
    """Equations as text; the parts of one vector stand in one line again.

    >>> from rnnsym.language.reader import read
    >>> list(equations(read("i[t], f[t] = split(a[t])")))
    ['i[t], f[t] = split(a[t])']
    """
    parts: list[Definition] = []
    for definition in definitions:
        if not isinstance(definition.value, Part):
            yield equation(definition)
            continue
        parts.append(definition)
        if len(parts) == len(definition.value.names):
            yield f"{', '.join(str(part.target) for part in parts)} = split({written(definition.value.operand)})"
            parts = []


def number(value: Fraction) -> str:
    """A number of the language, exactly: as a decimal where it has one that ends."""
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest > 1:
        return f"({value.numerator}/{value.denominator})"
    return format(Context(prec=400).divide(Decimal(value.numerator), Decimal(value.denominator)), "f")
