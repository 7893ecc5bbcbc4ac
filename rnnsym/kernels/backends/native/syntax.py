"""How the statements of a compiled kernel are written: the same loops and sums, in C or in another language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import ClassVar

INDENT = "    "


def indented(lines: Iterable[str]) -> list[str]:
    """The lines one level further in."""
    return [INDENT + line if line else "" for line in lines]


def block(head: str, lines: Iterable[str]) -> list[str]:
    """A loop, a condition or a function of C around lines."""
    return [f"{head} {{", *indented(lines), "}"]


class Syntax:
    """C. Another language overrides what it says otherwise.

    Values in memory are read and written by where their row begins and the position in it; where it begins is a sum
    of a name and numbers, in elements, which is the same in every language.

    calls: NumPy functions by name; `{0}` is an argument that is a name or in parentheses.
    columns: whether vectors that one product reads together lie side by side in each row.
    """

    name = "C"
    columns = False
    zero_number = "(R)0"
    one = "(R)1"
    nowhere = "NULL"
    calls: ClassVar[Mapping[str, str]] = {
        "add": "{0} + {1}",
        "subtract": "{0} - {1}",
        "multiply": "{0} * {1}",
        "divide": "{0} / {1}",
        "negative": "-{0}",
        "copyto": "{0}",
        "reciprocal": "(R)1 / {0}",
        "square": "{0} * {0}",
        "sqrt": "F(sqrt)({0})",
        "exp": "exp_({0})",
        "expm1": "expm1_({0})",
        "log": "F(log)({0})",
        "log1p": "F(log1p)({0})",
        "tanh": "tanh_({0})",
        "sin": "F(sin)({0})",
        "cos": "F(cos)({0})",
        "arctan": "F(atan)({0})",
        "floor": "F(floor)({0})",
        "erf": "F(erf)({0})",
        "abs": "F(fabs)({0})",
        "sign": "sign_({0})",
        "maximum": "max_({0}, {1})",
        "minimum": "min_({0}, {1})",
        "logaddexp": "log_sum_({0}, {1})",
        "heaviside": "({0} > 0 ? (R)1 : {0} < 0 ? (R)0 : {1})",
        "clip": "max_(min_({0}, {2}), {1})",
        "power": "F(pow)({0}, {1})",
        "where": "({0} ? {1} : {2})",
    }

    # Numbers and tests

    def number(self, value: Fraction | float) -> str:
        """A number in the kernel's type."""
        if isinstance(value, Fraction) and value.denominator == 1:
            return f"(R){value.numerator}" if value >= 0 else f"(R)({value.numerator})"
        code = repr(float(value))
        return f"(R){code}" if not code.startswith("-") else f"(R)({code})"

    def real(self, code: str) -> str:
        """A whole number as one of the kernel's type."""
        return f"(R){code}"

    def either(self, test: str, value: str, other: str) -> str:
        return f"({test} ? {value} : {other})"

    def both(self, tests: Sequence[str]) -> str:
        return " && ".join(tests)

    def smaller(self, one: str, other: str) -> str:
        return f"{one} < {other} ? {one} : {other}"

    def larger(self, one: str, other: str) -> str:
        return f"{one} > {other} ? {one} : {other}"

    # Statements

    def comment(self, text: str) -> str:
        return f"/* {text} */"

    def statement(self, code: str) -> str:
        return f"{code};"

    def whole(self, name: str, code: str) -> str:
        """A whole number with a name."""
        return f"const I {name} = {code};"

    def unused(self, name: str) -> list[str]:
        """What keeps a compiler from complaining that a name may not be read."""
        return [f"(void){name};"]

    def scope(self, lines: Sequence[str]) -> list[str]:
        """Lines with names of their own."""
        return ["{", *indented(lines), "}"]

    def test(self, test: str, lines: Sequence[str], otherwise: str = "") -> list[str]:
        return [*block(f"if ({test})", lines), *([f"else {otherwise}"] if otherwise else [])]

    def loop(
        self, index: str, stop: str, lines: Iterable[str], reduced: bool = False, apart: bool = False
    ) -> list[str]:
        """From 0 to before `stop`; reduced: it adds up one sum in any order; apart: no turn reads what others write."""
        head = f"for (I {index} = 0; {index} < {stop}; {index}++)"
        return block(f"REDUCED {head}" if reduced else f"VECTORISED {head}" if apart else head, lines)

    def through(self, index: str, low: str, high: str, lines: Iterable[str], by: str = "") -> list[str]:
        """From `low` to `high` with both ends, one at a time or `by` so many."""
        return block(f"for (I {index} = {low}; {index} <= {high}; {index}{f' += {by}' if by else '++'})", lines)

    def down(self, index: str, high: str, low: str, lines: Iterable[str], by: str = "") -> list[str]:
        """The same downwards."""
        return block(f"for (I {index} = {high}; {index} >= {low}; {index}{f' -= {by}' if by else '--'})", lines)

    def total(self, name: str, lines: Sequence[str]) -> list[str]:
        """Lines that add to `sum`, whose result gets a name."""
        return [f"R {name};", "{", *indented(["R sum = 0;", *lines, f"{name} = sum;"]), "}"]

    # Memory

    def load(self, start: str, position: str) -> str:
        return f"{_enclosed(start)}[{position}]"

    def store(self, start: str, position: str, value: str, adding: bool = False) -> str:
        return f"{_enclosed(start)}[{position}] {'+=' if adding else '='} {value};"

    def zero(self, start: str, count: str) -> str:
        return f"memset({start}, 0, sizeof(R) * {count});"

    def copy(self, target: str, source: str, count: str) -> str:
        return f"memcpy({target}, {source}, sizeof(R) * {count});"

    def move(self, target: str, source: str, count: str) -> str:
        """A copy between places that may overlap, towards the beginning."""
        return f"memmove({target}, {source}, sizeof(R) * {count});"

    def field(self, name: str) -> str:
        """An array of the caller's."""
        return f"problem->{name}"

    def alias(self, name: str, field: str, constant: bool) -> list[str]:
        """A name for an array of the caller's."""
        return [f"{'const ' if constant else ''}R *const {name} = {self.field(field)};"]

    def loss(self, start: str) -> list[str]:
        """Hand out the sum of the losses of all examples."""
        lines = ["double total = 0;", f"for (I b = 0; b < B; b++) total += {start}[b];"]
        return [*lines, f"*{self.field('loss')} = total;"]


C = Syntax()


def _enclosed(start: str) -> str:
    return f"({start})" if "+" in start else start
