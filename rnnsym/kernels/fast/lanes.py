"""Elementwise equations as single operations: what one call of a NumPy function does, on whole values."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sympy import (
    Add,
    Expr,
    Float,
    Integer,
    Mul,
    Number,
    Pow,
    Rational,
    Symbol,
    collect,
    cse,
    expand,
    numbered_symbols,
)

from rnnsym.equations.indexed import Equation, Variable, access, elements, time_of
from rnnsym.kernels.fast.forms import Irregular
from rnnsym.operations import Elementwise, operation_of


@dataclass(frozen=True)
class Lane:
    """One variable at the step of the loop plus `offset`; `temporary` values have names of their own."""

    name: str
    offset: int = 0
    temporary: bool = False


@dataclass(frozen=True)
class Constant:
    """A number as an operand."""

    value: Fraction | float


Operand = Lane | Constant


@dataclass(frozen=True)
class Operation:
    """`target = function(*sources)`, element by element; `function` is NumPy's name, or code with {0}, {1}, ..."""

    function: str
    target: Lane
    sources: tuple[Operand, ...]
    shape: tuple[Expr, ...]
    equation: Equation | None = None

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return tuple(source for source in self.sources if isinstance(source, Lane))

    @property
    def alike(self) -> tuple[object, ...]:
        """What operations have in common that may be one call."""
        constants = tuple(source if isinstance(source, Constant) else None for source in self.sources)
        return self.function, self.shape, constants


COMMUTATIVE = frozenset({"add", "multiply", "maximum", "minimum", "logaddexp"})
#: NumPy functions that take `out=`.
WITH_OUT = frozenset(
    "add subtract multiply divide negative reciprocal square sqrt exp expm1 log log1p tanh sin cos arctan floor abs "
    "sign maximum minimum logaddexp heaviside clip power".split()
)


def operations(equations: Sequence[Equation], variables: dict[str, Variable]) -> list[Operation]:
    """Elementwise equations as operations, in order; what several of them need is computed once."""
    return _Lowering(variables).lower(equations)


class _Lowering:
    def __init__(self, variables: dict[str, Variable]) -> None:
        self.variables = variables
        self.symbols: dict[Expr, Symbol] = {}
        self.lanes: dict[Symbol, Operand] = {}
        self.found: list[Operation] = []
        self.shapes = {name: variable.shape for name, variable in variables.items()}
        self.count = 0

    def lower(self, equations: Sequence[Equation]) -> list[Operation]:
        right = [
            cheapest(Add(*(self._closed(Mul(*term.factors, evaluate=True)) for term in equation.terms)))
            for equation in equations
        ]
        # Common parts, each just before it is first needed.
        shared, right = cse(right, symbols=numbered_symbols("shared"), order="canonical")
        waiting = dict(shared)
        for equation, expression in zip(equations, right, strict=True):
            target = Lane(equation.name)
            if expression in waiting:
                inner = waiting.pop(expression)
                self.lanes[expression] = target
                expression = inner
            self._need(expression, waiting)
            self._value(expression, target, equation)
        return self.found

    def _need(self, expression: Expr, waiting: dict[Symbol, Expr]) -> None:
        for symbol in sorted(expression.free_symbols & set(waiting), key=str):
            if symbol in waiting:
                inner = waiting.pop(symbol)
                if inner.is_number:
                    self.lanes[symbol] = Constant(_number(inner))
                    continue
                self._need(inner, waiting)
                lane = self._temporary()
                self.lanes[symbol] = self._value(inner, lane, None)

    def _closed(self, expression: Expr) -> Expr:
        """The expression with a symbol for each element."""
        mapping = {}
        for element in elements(expression):
            if element not in self.symbols:
                found = access(element, self.variables)
                symbol = Symbol(f"e{len(self.symbols)}", real=True)
                offset = 0 if found.time is None else time_of(found.time).offset
                self.symbols[element] = symbol
                self.lanes[symbol] = Lane(found.name, offset)
            mapping[element] = self.symbols[element]
        return expression.xreplace(mapping)

    def _temporary(self) -> Lane:
        self.count += 1
        return Lane(f"t{self.count}", 0, True)

    def _emit(self, function: str, sources: Iterable[Operand], target: Lane | None, equation: Equation | None) -> Lane:
        lane = target or self._temporary()
        sources = tuple(sources)
        shape = (
            next(self.shapes[source.name] for source in sources if isinstance(source, Lane))
            if any(isinstance(source, Lane) for source in sources)
            else self.variables[lane.name].shape
        )
        self.shapes[lane.name] = shape
        self.found.append(Operation(function, lane, sources, shape, equation))
        return lane

    def _operand(self, expression: Expr) -> Operand:
        return self._value(expression, None, None)

    def _value(self, expression: Expr, target: Lane | None, equation: Equation | None) -> Operand:
        """Emit what computes an expression; into `target` where one is given."""
        if isinstance(expression, Symbol):
            lane = self.lanes[expression]
            return lane if target is None else self._emit("copyto", (lane,), target, equation)
        if expression.is_number:
            constant = Constant(_number(expression))
            return constant if target is None else self._emit("copyto", (constant,), target, equation)
        if isinstance(expression, Add):
            return self._sum(expression, target, equation)
        if isinstance(expression, Mul):
            return self._product(expression, target, equation)
        if isinstance(expression, Pow):
            return self._power(expression, target, equation)
        operation = operation_of(expression)
        if not isinstance(operation, Elementwise):  # an identity that stays in a sum
            raise Irregular(f"{expression} is no function of single elements")
        return self._function(operation, self._operand(expression.args[0]), target, equation)

    def _sum(self, expression: Expr, target: Lane | None, equation: Equation | None) -> Operand:
        positive, negative = [], []
        for part in expression.args:
            if part.could_extract_minus_sign():
                negative.append(-part)
            else:
                positive.append(part)
        # Numbers first: 1 - x; and a number alone is added last.
        positive.sort(key=lambda part: not isinstance(part, Number) if negative else isinstance(part, Number))
        if not positive:
            return self._emit("negative", (self._operand(Add(*negative)),), target, equation)
        steps = [("add", part) for part in positive[1:]] + [("subtract", part) for part in negative]
        value: Operand = self._operand(positive[0])
        for number, (function, part) in enumerate(steps):
            last = number == len(steps) - 1
            operand = self._operand(part)
            value = self._emit(function, (value, operand), target if last else None, equation if last else None)
        return value

    def _product(self, expression: Expr, target: Lane | None, equation: Equation | None) -> Operand:
        above, below = [], []
        for factor in expression.args:
            if isinstance(factor, Pow) and factor.exp.is_negative:
                below.append(factor.base**-factor.exp)
            else:
                above.append(factor)
        sign = 1
        numbers = [factor for factor in above if isinstance(factor, Number)]
        above = [factor for factor in above if not isinstance(factor, Number)]
        # What is composed comes first, then what it is made of: (1 - s) s x takes no room beside the result's.
        above.sort(key=lambda factor: not factor.args)
        if above and above[0].args:
            inside = above[0].free_symbols
            above[1:] = sorted(above[1:], key=lambda factor: (not factor.args, factor not in inside))
        scale = Mul(*numbers)
        if scale == -1:
            sign, scale = -1, Integer(1)
        steps: list[tuple[str, Expr]] = [("multiply", factor) for factor in above[1:]]
        if scale != 1 and above:
            steps.append(("multiply", scale))
        steps += [("divide", factor) for factor in below]
        value: Operand = self._operand(above[0]) if above else Constant(_number(scale))
        for number, (function, factor) in enumerate(steps):
            last = number == len(steps) - 1 and sign > 0
            operand = self._operand(factor)
            value = self._emit(function, (value, operand), target if last else None, equation if last else None)
        if sign < 0:
            return self._emit("negative", (value,), target, equation)
        return value

    def _power(self, expression: Expr, target: Lane | None, equation: Equation | None) -> Operand:
        base = self._operand(expression.base)
        exponent = expression.exp
        if exponent == 2:
            return self._emit("multiply", (base, base), target, equation)
        if exponent == Rational(1, 2):
            return self._emit("sqrt", (base,), target, equation)
        if exponent == -1:
            return self._emit("divide", (Constant(Fraction(1)), base), target, equation)
        if exponent == 3:
            square = self._emit("multiply", (base, base), None, None)
            return self._emit("multiply", (square, base), target, equation)
        return self._emit("power", (base, self._operand(exponent)), target, equation)

    def _function(
        self, operation: Elementwise, argument: Operand, target: Lane | None, equation: Equation | None
    ) -> Operand:
        tree = ast.parse(operation.code.format(x="x"), mode="eval").body
        if not _is_calls(tree):
            return self._emit(operation.code.replace("{x}", "{0}"), (argument,), target, equation)
        return self._calls(tree, argument, target, equation)

    def _calls(self, tree: ast.expr, argument: Operand, target: Lane | None, equation: Equation | None) -> Operand:
        if isinstance(tree, ast.Name):
            return argument if target is None else self._emit("copyto", (argument,), target, equation)
        if isinstance(tree, ast.Constant):
            value = float(tree.value)  # type: ignore[arg-type]
            return Constant(Fraction(int(value)) if value.is_integer() else _number(Float(value)))
        if isinstance(tree, ast.UnaryOp):
            inner = self._calls(tree.operand, argument, None, None)
            if isinstance(inner, Constant):
                return Constant(-inner.value)
            return self._emit("negative", (inner,), target, equation)
        if isinstance(tree, ast.BinOp):
            function = BINARY[type(tree.op)]
            parts = [tree.left, tree.right]
            if function in COMMUTATIVE and isinstance(tree.left, ast.Constant):
                parts.reverse()
            return self._emit(function, [self._calls(part, argument, None, None) for part in parts], target, equation)
        assert isinstance(tree, ast.Call)
        assert isinstance(tree.func, ast.Attribute)
        return self._emit(tree.func.attr, [self._calls(a, argument, None, None) for a in tree.args], target, equation)


BINARY: dict[type, str] = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}


def _is_calls(tree: ast.expr) -> bool:
    """Whether code is made of NumPy functions that take `out=`, sums and products alone."""
    if isinstance(tree, ast.Name | ast.Constant):
        return True
    if isinstance(tree, ast.UnaryOp):
        return isinstance(tree.op, ast.USub) and _is_calls(tree.operand)
    if isinstance(tree, ast.BinOp):
        return type(tree.op) in BINARY and _is_calls(tree.left) and _is_calls(tree.right)
    return (
        isinstance(tree, ast.Call)
        and isinstance(tree.func, ast.Attribute)
        and tree.func.attr in WITH_OUT
        and not tree.keywords
        and all(_is_calls(argument) for argument in tree.args)
    )


def _number(number: Expr) -> Fraction | float:
    if isinstance(number, Rational):
        return Fraction(int(number.p), int(number.q))
    exact = Fraction(float(number))
    return exact if exact.denominator <= 1024 else float(number)


# The form of an expression with the fewest operations


def cheapest(expression: Expr) -> Expr:
    """The same polynomial with as few operations as collecting its terms gives: z h + (1 - z) g is g + z (h - g)."""
    candidates = [expression]
    if isinstance(expression, Add) and len(expression.free_symbols) <= 8:
        flat = expand(expression, power_base=False, power_exp=False, log=False)
        candidates += [flat, *(collect(flat, symbol) for symbol in sorted(expression.free_symbols, key=str))]
    return min(candidates, key=cost)


def cost(expression: Expr) -> int:
    """How many operations an expression takes."""
    if not expression.args:
        return 0
    inner = sum(cost(argument) for argument in expression.args)
    if isinstance(expression, Add):
        return inner + len(expression.args) - 1
    if isinstance(expression, Mul):
        return inner + len([a for a in expression.args if a != -1]) - 1
    if isinstance(expression, Pow):
        return inner + 1
    return inner + 2
