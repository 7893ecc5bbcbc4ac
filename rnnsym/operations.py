"""The one table of operations.

An entry says everything that the rest of the program needs to know of an operation: its shapes, its mathematical
definition, its derivative (in terms of the output where it has such a form, as papers print it), how it is printed
and how NumPy computes it safely. There are three kinds:

- `Elementwise`: a function of one number, applied to each element;
- `VectorFunction`: a function of a whole vector, with its Jacobian in index notation;
- `Abbreviation`: short for an expression in the model's own language, and replaced by it.

The few `STRUCTURAL` names (sums, concat, outer) are part of the language itself: equations in index notation express
them directly, without a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import sympy
from sympy import Expr, Function, Integer, KroneckerDelta, Rational


class Numbers(Protocol):
    """What a definition may use: the functions of some kind of number (complex, mpmath, SymPy)."""

    exp: Callable[[Any], Any]
    log: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    sin: Callable[[Any], Any]
    cos: Callable[[Any], Any]
    arctan: Callable[[Any], Any]

    def select(self, x: Any, positive: Any, otherwise: Any) -> Any:
        """`positive` where (the real part of) x is above zero, else `otherwise`."""


@dataclass(frozen=True)
class Elementwise:
    """A function of one number.

    `derivative(x, y)` is in SymPy, with y standing for the output; `definition(numbers, x)` is what the independent
    checks evaluate, in any kind of number; `code` is NumPy source with `{x}` for the argument. `kinks` are the points
    without a derivative, `domain` the open interval of arguments, `slope` the largest derivative in size (None:
    unbounded), `image` the least and the largest value (or what values come close to), `letter` the name that a
    pre-activation gets.
    """

    name: str
    definition: Callable[[Numbers, Any], Any]
    derivative: Callable[[Expr, Expr], Expr]
    latex: str
    code: str
    text: str = ""
    kinks: tuple[Fraction, ...] = ()
    domain: tuple[float, float] = (float("-inf"), float("inf"))
    slope: Fraction | None = None
    image: tuple[Any, Any] = (-sympy.oo, sympy.oo)
    letter: str = "a"
    arity: tuple[int, int | None] = (1, 1)
    signature: str = "*->*"
    #: (f, a, b, c) where this function of x is a + b f(c x): kernels then share the calls of f.
    through: tuple[str, Rational, Rational, Rational] | None = None


@dataclass(frozen=True)
class VectorFunction:
    """A function of a vector whose elements depend on all elements of the argument.

    `jacobian(x, y, i, k)` gives d y[i] / d x[k] as a list of products of factors in index notation, where `x(k)` and
    `y(i)` are the elements; i is None where the output is a scalar. `simplex`: the output has elements above zero that
    sum to one.
    """

    name: str
    definition: Callable[[Numbers, Any], Any]
    jacobian: Callable[[Callable[..., Expr], Callable[..., Expr], Any, Any], list[tuple[Expr, ...]]]
    latex: str
    code: str
    signature: str
    text: str = ""
    letter: str = "a"
    arity: tuple[int, int | None] = (1, 1)
    simplex: bool = False


@dataclass(frozen=True)
class Abbreviation:
    """`name(parameters)` stands for `expansion`, an expression of the model's language."""

    name: str
    parameters: tuple[str, ...]
    expansion: str

    @property
    def arity(self) -> tuple[int, int]:
        return (len(self.parameters), len(self.parameters))


@dataclass(frozen=True)
class Structural:
    """An operation that index notation expresses by itself. `signature` reads like `(n),(m)->(n,m)`."""

    name: str
    signature: str
    arity: tuple[int, int | None]


Operation = Elementwise | VectorFunction | Abbreviation | Structural


def applied(name: str, argument: Expr) -> Expr:
    """The SymPy application of an operation of this table: `applied("tanh", x)`."""
    return FUNCTIONS[name](argument)


ELEMENTWISE = (
    Elementwise(
        "tanh",
        lambda m, x: m.tanh(x),
        lambda x, y: 1 - y**2,
        r"\tanh",
        "np.tanh({x})",
        slope=Fraction(1),
        image=(-1, 1),
    ),
    Elementwise(
        "sigmoid",
        lambda m, x: 1 / (1 + m.exp(-x)),
        lambda x, y: y * (1 - y),
        r"\sigma",
        "0.5 + 0.5 * np.tanh(0.5 * {x})",  # 1 / (1 + exp(-x)) overflows
        text="σ",
        slope=Fraction(1, 4),
        image=(0, 1),
        through=("tanh", Rational(1, 2), Rational(1, 2), Rational(1, 2)),
    ),
    Elementwise(
        "relu",
        lambda m, x: m.select(x, x, 0 * x),
        lambda x, y: applied("step", y),
        r"\operatorname{relu}",
        "np.maximum({x}, 0.0)",
        kinks=(Fraction(0),),
        slope=Fraction(1),
        image=(0, sympy.oo),
    ),
    Elementwise(
        "leaky_relu",
        lambda m, x: m.select(x, x, x / 100),
        lambda x, y: Rational(1, 100) + Rational(99, 100) * applied("step", y),
        r"\operatorname{lrelu}",
        "np.maximum({x}, 0.01 * {x})",
        kinks=(Fraction(0),),
        slope=Fraction(1),
    ),
    Elementwise(
        "elu",
        lambda m, x: m.select(x, x, m.exp(m.select(x, 0 * x, x)) - 1),
        lambda x, y: applied("step", y) + (1 - applied("step", y)) * (1 + y),
        r"\operatorname{elu}",
        "np.where({x} > 0, {x}, np.expm1(np.minimum({x}, 0.0)))",
        slope=Fraction(1),
        image=(-1, sympy.oo),
    ),
    Elementwise(
        "softplus",
        lambda m, x: m.log(1 + m.exp(x)),
        lambda x, y: applied("sigmoid", x),
        r"\operatorname{softplus}",
        "np.logaddexp({x}, 0.0)",
        slope=Fraction(1),
        image=(0, sympy.oo),
    ),
    Elementwise(
        "log_sigmoid",
        lambda m, x: -m.log(1 + m.exp(-x)),
        lambda x, y: applied("sigmoid", -x),
        r"\operatorname{logsigmoid}",
        "-np.logaddexp(-{x}, 0.0)",
        slope=Fraction(1),
        image=(-sympy.oo, 0),
    ),
    Elementwise(
        "softsign",
        lambda m, x: x / (1 + m.select(x, x, -x)),
        lambda x, y: (1 - applied("abs", y)) ** 2,
        r"\operatorname{softsign}",
        "{x} / (1.0 + np.abs({x}))",
        slope=Fraction(1),
        image=(-1, 1),
    ),
    Elementwise(
        "hard_tanh",
        lambda m, x: m.select(1 - x, m.select(1 + x, x, 0 * x - 1), 0 * x + 1),
        lambda x, y: applied("step", 1 - applied("abs", y)),
        r"\operatorname{hardtanh}",
        "np.clip({x}, -1.0, 1.0)",
        kinks=(Fraction(-1), Fraction(1)),
        slope=Fraction(1),
        image=(-1, 1),
    ),
    Elementwise("exp", lambda m, x: m.exp(x), lambda x, y: y, r"\exp", "np.exp({x})", image=(0, sympy.oo)),
    Elementwise("log", lambda m, x: m.log(x), lambda x, y: 1 / x, r"\log", "np.log({x})", domain=(0.0, float("inf"))),
    Elementwise(
        "sqrt",
        lambda m, x: m.sqrt(x),
        lambda x, y: 1 / (2 * y),
        r"\operatorname{sqrt}",
        "np.sqrt({x})",
        text="√",
        domain=(0.0, float("inf")),
        image=(0, sympy.oo),
    ),
    Elementwise(
        "abs",
        lambda m, x: m.select(x, x, -x),
        lambda x, y: applied("sign", x),
        r"\operatorname{abs}",
        "np.abs({x})",
        kinks=(Fraction(0),),
        slope=Fraction(1),
        image=(0, sympy.oo),
    ),
    Elementwise(
        "sin",
        lambda m, x: m.sin(x),
        lambda x, y: applied("cos", x),
        r"\sin",
        "np.sin({x})",
        slope=Fraction(1),
        image=(-1, 1),
    ),
    Elementwise(
        "cos",
        lambda m, x: m.cos(x),
        lambda x, y: -applied("sin", x),
        r"\cos",
        "np.cos({x})",
        slope=Fraction(1),
        image=(-1, 1),
    ),
    Elementwise(
        "arctan",
        lambda m, x: m.arctan(x),
        lambda x, y: 1 / (1 + x**2),
        r"\arctan",
        "np.arctan({x})",
        slope=Fraction(1),
        image=(-sympy.pi / 2, sympy.pi / 2),
    ),
    # Piecewise constant: what derivatives of the functions with a kink are made of.
    Elementwise(
        "step",
        lambda m, x: m.select(x, 0 * x + 1, 0 * x),
        lambda x, y: Integer(0),
        r"\operatorname{step}",
        "np.heaviside({x}, 0.0)",
        kinks=(Fraction(0),),
        slope=Fraction(0),
        image=(0, 1),
    ),
    Elementwise(
        "sign",
        lambda m, x: m.select(x, 0 * x + 1, m.select(-x, 0 * x - 1, 0 * x)),
        lambda x, y: Integer(0),
        r"\operatorname{sign}",
        "np.sign({x})",
        kinks=(Fraction(0),),
        slope=Fraction(0),
        image=(-1, 1),
    ),
)


def _softmax(m: Numbers, x: Any) -> Any:
    weights = m.exp(x)
    return weights / weights.sum(axis=-1, keepdims=True)


VECTOR_FUNCTIONS = (
    VectorFunction(
        "softmax",
        _softmax,
        lambda x, y, i, k: [(y(k), KroneckerDelta(i, k)), (Integer(-1), y(k), y(i))],
        r"\mathrm{softmax}",
        "softmax({x})",
        "(n)->(n)",
        letter="o",
        simplex=True,
    ),
    VectorFunction(
        "log_softmax",
        lambda m, x: x - m.log(m.exp(x).sum(axis=-1, keepdims=True)),
        lambda x, y, i, k: [(KroneckerDelta(i, k),), (Integer(-1), applied("exp", y(k)))],
        r"\operatorname{logsoftmax}",
        "log_softmax({x})",
        "(n)->(n)",
        letter="o",
    ),
    VectorFunction(
        "logsumexp",
        lambda m, x: m.log(m.exp(x).sum(axis=-1)),
        lambda x, y, i, k: [(applied("exp", x(k) - y()),)],
        r"\operatorname{logsumexp}",
        "logsumexp({x})",
        "(n)->()",
        letter="o",
    ),
)

ABBREVIATIONS = (
    Abbreviation("square", ("a",), "a ** 2"),
    Abbreviation("norm", ("a",), "sqrt(dot(a, a))"),
    Abbreviation("silu", ("a",), "a * sigmoid(a)"),
    Abbreviation("gelu", ("a",), "0.5 * a * (1 + tanh(0.7978845608028654 * (a + 0.044715 * a ** 3)))"),
    Abbreviation("maximum", ("a", "b"), "b + relu(a - b)"),
    Abbreviation("minimum", ("a", "b"), "a - relu(a - b)"),
    Abbreviation("squared_error", ("a", "b"), "sum_elements((b - a) ** 2) / 2"),
    Abbreviation("cross_entropy", ("a", "b"), "-dot(a, log(b))"),
    Abbreviation("binary_cross_entropy", ("a", "b"), "-sum_elements(a * log(b)) - sum_elements((1 - a) * log(1 - b))"),
)

STRUCTURAL = (
    # `sum` and `mean` go over time or over elements; reading a model settles which, and writes one of the others.
    Structural("sum", "*->*", (1, 1)),
    Structural("mean", "*->*", (1, 1)),
    Structural("sum_time", "*->*", (1, 1)),
    Structural("mean_time", "*->*", (1, 1)),
    Structural("sum_elements", "*->()", (1, 1)),
    Structural("mean_elements", "*->()", (1, 1)),
    Structural("dot", "(n),(n)->()", (2, 2)),
    Structural("outer", "(n),(m)->(n,m)", (2, 2)),
    Structural("concat", "(n),...->(+)", (2, None)),
)

OPERATIONS: dict[str, Operation] = {
    operation.name: operation for operation in (*ELEMENTWISE, *VECTOR_FUNCTIONS, *ABBREVIATIONS, *STRUCTURAL)
}


#: Functions of functions that lose accuracy computed one after the other, and what computes them safely.
COMPOSITIONS: dict[tuple[str, str], str] = {
    ("log", "softmax"): "log_softmax",
    ("log", "sigmoid"): "log_sigmoid",
}


def _sympy_function(name: str, derivative: Callable[[Expr, Expr], Expr] | None) -> Any:
    """A SymPy function that stays as written and, where elementwise, differentiates by the table."""

    def fdiff(self: Any, argindex: int = 1) -> Expr:
        assert derivative is not None, f"{name} is a vector function: its Jacobian is not elementwise"
        return derivative(self.args[0], self)

    return type(name, (Function,), {"fdiff": fdiff, "nargs": 1, "eval": classmethod(lambda cls, *arguments: None)})


#: The SymPy function of each operation that has one.
FUNCTIONS: dict[str, Any] = {entry.name: _sympy_function(entry.name, entry.derivative) for entry in ELEMENTWISE} | {
    entry.name: _sympy_function(entry.name, None) for entry in VECTOR_FUNCTIONS
}


def operation_of(expression: Expr) -> Elementwise | VectorFunction | None:
    """The table's entry for an applied function, or None."""
    if not isinstance(expression, sympy.Function):
        return None
    entry = OPERATIONS.get(expression.func.__name__)
    return entry if isinstance(entry, Elementwise | VectorFunction) else None
