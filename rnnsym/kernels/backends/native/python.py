"""The statements of a compiled kernel in Python, as Numba compiles it: arrays are addresses, counted in elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import ClassVar

from rnnsym.kernels.backends.native.syntax import C, Syntax, indented

#: Functions whose code differs from that in C.
OTHER = {
    "reciprocal": "R(1) / {0}",
    "sqrt": "math.sqrt({0})",
    "log": "math.log({0})",
    "log1p": "math.log1p({0})",
    "sin": "math.sin({0})",
    "cos": "math.cos({0})",
    "arctan": "math.atan({0})",
    "floor": "R(math.floor({0}))",
    "erf": "math.erf({0})",
    "abs": "abs({0})",
    "heaviside": "(R(1) if {0} > 0 else R(0) if {0} < 0 else {1})",
    "power": "({0}) ** ({1})",
    "where": "({1} if {0} else {2})",
}


class Python(Syntax):
    """Python for Numba, as far as it differs from C."""

    name = "numba"
    columns = True
    zero_number = "R(0)"
    one = "R(1)"
    nowhere = "NOWHERE"
    calls: ClassVar[Mapping[str, str]] = {**C.calls, **OTHER}

    def number(self, value: Fraction | float) -> str:
        if isinstance(value, Fraction) and value.denominator == 1:
            return f"R({value.numerator})"
        return f"R({float(value)!r})"

    def real(self, code: str) -> str:
        return f"R({code})"

    def either(self, test: str, value: str, other: str) -> str:
        return f"({value} if {test} else {other})"

    def both(self, tests: Sequence[str]) -> str:
        return " and ".join(tests)

    def smaller(self, one: str, other: str) -> str:
        return f"min({one}, {other})"

    def larger(self, one: str, other: str) -> str:
        return f"max({one}, {other})"

    def comment(self, text: str) -> str:
        return f"# {text}"

    def statement(self, code: str) -> str:
        return code

    def whole(self, name: str, code: str) -> str:
        return f"{name} = {code}"

    def unused(self, name: str) -> list[str]:
        return []

    def scope(self, lines: Sequence[str]) -> list[str]:
        return list(lines)

    def test(self, test: str, lines: Sequence[str], otherwise: str = "") -> list[str]:
        return [*inside(f"if {test}:", lines), *(["else:", *indented([otherwise])] if otherwise else [])]

    def loop(
        self, index: str, stop: str, lines: Iterable[str], reduced: bool = False, apart: bool = False
    ) -> list[str]:
        return inside(f"for {index} in range({stop}):", lines)

    def through(self, index: str, low: str, high: str, lines: Iterable[str], by: str = "") -> list[str]:
        return inside(f"for {index} in range({low}, {high} + 1{', ' + by if by else ''}):", lines)

    def down(self, index: str, high: str, low: str, lines: Iterable[str], by: str = "") -> list[str]:
        return inside(f"for {index} in range({high}, {low} - 1, -{by or 1}):", lines)

    def total(self, name: str, lines: Sequence[str]) -> list[str]:
        return ["sum = R(0)", *lines, f"{name} = sum"]

    def load(self, start: str, position: str) -> str:
        return f"load({start}, {position})"

    def store(self, start: str, position: str, value: str, adding: bool = False) -> str:
        return f"store({start}, {position}, {f'load({start}, {position}) + ' if adding else ''}{value})"

    def zero(self, start: str, count: str) -> str:
        return f"zero({start}, {count})"

    def copy(self, target: str, source: str, count: str) -> str:
        return f"copy({target}, {source}, {count})"

    def move(self, target: str, source: str, count: str) -> str:
        return f"copy({target}, {source}, {count})"

    def field(self, name: str) -> str:
        return name

    def alias(self, name: str, field: str, constant: bool) -> list[str]:
        return [f"{name} = {field}"] if name != field else []

    def loss(self, start: str) -> list[str]:
        return ["total = 0.0", *self.loop("b", "B", [f"total += {self.load(start, 'b')}"]), "return total"]


PYTHON = Python()


def inside(head: str, lines: Iterable[str]) -> list[str]:
    """Lines inside a loop, a condition or a function."""
    lines = list(lines)
    bare = all(line.startswith("#") for line in lines)
    return [head, *indented([*lines, "pass"] if bare else lines)]
