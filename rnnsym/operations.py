"""The one table of operations.

An entry says everything that the rest of the program needs to know of an operation: its shapes, its mathematical
definition, its derivative (in terms of the output where it has such a form, as papers print it), how it is printed
and how NumPy computes it safely. `rnnsym.operation_kinds` says what an entry of each kind holds.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from sympy import Expr, Function, Integer, KroneckerDelta, Rational, Wild

from rnnsym.operation_kinds import Abbreviation as Abbreviation
from rnnsym.operation_kinds import Elementwise as Elementwise
from rnnsym.operation_kinds import Numbers as Numbers
from rnnsym.operation_kinds import Operation as Operation
from rnnsym.operation_kinds import Pairwise as Pairwise
from rnnsym.operation_kinds import Structural as Structural
from rnnsym.operation_kinds import VectorFunction as VectorFunction


def applied(name: str, *arguments: Expr) -> Expr:
    """The SymPy application of an operation of this table: `applied("tanh", x)`."""
    return FUNCTIONS[name](*arguments)


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
    Elementwise(
        "erf",
        lambda m, x: m.erf(x),
        lambda x, y: 2 / sympy.sqrt(sympy.pi) * applied("exp", -(x**2)),
        r"\operatorname{erf}",
        "erf({x})",
        image=(-1, 1),
    ),
    Elementwise(
        "hard_sigmoid",
        lambda m, x: m.select(2 * x + 5, m.select(5 - 2 * x, (2 * x + 5) / 10, 0 * x + 1), 0 * x),
        lambda x, y: applied("step", y) * applied("step", 1 - y) / 5,
        r"\operatorname{hardsigmoid}",
        "np.clip(0.2 * {x} + 0.5, 0.0, 1.0)",
        kinks=(Fraction(-5, 2), Fraction(5, 2)),
        slope=Fraction(1, 5),
        image=(0, 1),
    ),
    Elementwise(
        "stop_gradient",
        lambda m, x: m.held(x),
        lambda x, y: Integer(0),
        r"\operatorname{sg}",
        "{x}",
        text="sg",
        holds=True,
    ),
    # Piecewise constant. Derivatives of the functions with a kink are made of the last two.
    Elementwise(
        "floor",
        lambda m, x: m.floor(x),
        lambda x, y: Integer(0),
        r"\operatorname{floor}",
        "np.floor({x})",
        kinks=tuple(map(Fraction, range(-9, 10))),  # and so on
        slope=Fraction(0),
    ),
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
    weights = m.exp(x - m.offset(x))
    return weights / weights.sum(axis=-1, keepdims=True)


def _logsumexp(m: Numbers, x: Any) -> Any:
    offset = m.offset(x)
    return offset + m.log(m.exp(x - offset).sum(axis=-1, keepdims=True))


def _largest(m: Numbers, x: Any) -> Any:
    found = x[..., 0]
    for place in range(1, x.shape[-1]):
        found = m.select(x[..., place] - found, x[..., place], found)
    return found


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
        lambda m, x: x - _logsumexp(m, x),
        lambda x, y, i, k: [(KroneckerDelta(i, k),), (Integer(-1), applied("exp", y(k)))],
        r"\operatorname{logsoftmax}",
        "log_softmax({x})",
        "(n)->(n)",
        letter="o",
    ),
    VectorFunction(
        "logsumexp",
        lambda m, x: _logsumexp(m, x)[..., 0],
        lambda x, y, i, k: [(applied("exp", x(k) - y()),)],
        r"\operatorname{logsumexp}",
        "logsumexp({x})",
        "(n)->()",
        letter="o",
    ),
    VectorFunction(
        "max_elements",
        _largest,
        lambda x, y, i, k: [(1 - applied("step", y() - x(k)),)],
        r"\max",
        "np.max({x}, axis=-1)",
        "(n)->()",
        text="max",
    ),
)


def _inverse(m: Numbers, x: Any) -> Any:
    """Gauss and Jordan without a choice of pivots, which any kind of number can do, also one without an order."""
    size = x.shape[-1]
    left, right = 1 * x, 0 * x + np.eye(size, dtype=int)
    for place in range(size):
        column = left[..., :, place : place + 1] - np.eye(size, dtype=int)[:, place : place + 1]
        pivot = left[..., place : place + 1, place : place + 1]
        rows = [part[..., place : place + 1, :] / pivot for part in (left, right)]
        left, right = (part - column * row for part, row in zip((left, right), rows, strict=True))
    return right


MATRIX_FUNCTIONS = (
    VectorFunction(
        "inverse",
        _inverse,
        lambda x, y, i, k: [(Integer(-1), y(i[0], k[0]), y(k[1], i[1]))],
        r"{x}^{{-1}}",
        "np.linalg.inv({x})",
        "(n,n)->(n,n)",
        text="{x}⁻¹",
        letter="M",
    ),
    VectorFunction(
        "softmax_rows",
        _softmax,
        lambda x, y, i, k: [
            (y(*k), KroneckerDelta(i[0], k[0]), KroneckerDelta(i[1], k[1])),
            (Integer(-1), y(*k), y(*i), KroneckerDelta(i[0], k[0])),
        ],
        r"\mathrm{softmax}",
        "softmax({x})",
        "(n,m)->(n,m)",
        text="softmax",
        letter="O",
    ),
)

#: What some functions of vectors are for a matrix: the same of each of its rows.
ROWS = {"softmax": "softmax_rows"}

PAIRWISE = (
    Pairwise(
        "maximum",  # where both are equal, the second counts
        lambda m, x, y: m.select(x - y, x, y),
        lambda x, y, z: (applied("step", x - y), 1 - applied("step", x - y)),
        lambda x, y: y + applied("relu", x - y),
        r"\max({x}, {y})",
        "np.maximum({x}, {y})",
        "max({x}, {y})",
    ),
    Pairwise(
        "minimum",
        lambda m, x, y: m.select(x - y, y, x),
        lambda x, y, z: (1 - applied("step", x - y), applied("step", x - y)),
        lambda x, y: x - applied("relu", x - y),
        r"\min({x}, {y})",
        "np.minimum({x}, {y})",
        "min({x}, {y})",
    ),
    Pairwise(
        "power",
        lambda m, x, y: m.exp(y * m.log(x)),
        lambda x, y, z: (y * z / x, applied("log", x) * z),
        lambda x, y: applied("exp", y * applied("log", x)),
        r"({x})^{{{y}}}",
        "np.power({x}, {y})",
        "pow({x}, {y})",
        positive=True,
    ),
)

ABBREVIATIONS = (
    Abbreviation("square", ("a",), "a ** 2"),
    Abbreviation("norm", ("a",), "sqrt(dot(a, a))"),
    Abbreviation("normalize", ("a",), "a / named(norm(a))"),
    Abbreviation("cosine", ("a", "b"), "dot(a, b) / (norm(a) * norm(b))"),
    Abbreviation("var", ("a",), "mean_elements((a - named(mean_elements(a))) ** 2)"),
    Abbreviation(
        "layer_norm",
        ("a",),
        "(a - named(mean_elements(a))) / named(sqrt(var(a) + 0.00001))",
        more=((("a", "gain"), "gain * layer_norm(a)"), (("a", "gain", "shift"), "gain * layer_norm(a) + shift")),
    ),
    Abbreviation(
        "rms_norm",
        ("a",),
        "a / named(sqrt(mean_elements(a ** 2) + 0.00001))",
        more=((("a", "gain"), "gain * rms_norm(a)"),),
    ),
    Abbreviation("silu", ("a",), "a * sigmoid(a)"),
    Abbreviation("swish", ("a",), "a * sigmoid(a)"),
    Abbreviation("mish", ("a",), "a * tanh(softplus(a))"),
    Abbreviation("gelu", ("a",), "0.5 * a * (1 + tanh(0.7978845608028654 * (a + 0.044715 * a ** 3)))"),
    Abbreviation("gelu_erf", ("a",), "0.5 * a * (1 + erf(0.7071067811865476 * a))"),
    Abbreviation("mod", ("a", "b"), "a - b * floor(a / b)"),
    Abbreviation("round", ("a",), "floor(a + 0.5)"),
    Abbreviation("where", ("a", "b", "c"), "a * b + (1 - a) * c"),
    Abbreviation("clip", ("a", "b", "c"), "minimum(maximum(a, b), c)"),
    Abbreviation("inv", ("a",), "inverse(a)"),
    Abbreviation("solve", ("a", "b"), "inverse(a) @ b"),
    Abbreviation("max", ("a", "b"), "maximum(a, b)", more=((("a",), "max_elements(a)"),)),
    Abbreviation("min", ("a", "b"), "minimum(a, b)", more=((("a",), "-max_elements(-a)"),)),
    Abbreviation("squared_error", ("a", "b"), "sum_elements((b - a) ** 2) / 2", loss=True),
    Abbreviation("cross_entropy", ("a", "b"), "-dot(a, log(b))", loss=True),
    Abbreviation(
        "binary_cross_entropy", ("a", "b"), "-sum_elements(a * log(b)) - sum_elements((1 - a) * log(1 - b))", loss=True
    ),
)

STRUCTURAL = (
    # `sum` and `mean` go over time or over elements; reading a model settles which, and writes one of the others.
    Structural("sum", "*->*", (1, 1)),
    Structural("mean", "*->*", (1, 1)),
    Structural("sum_time", "*->*", (1, 1)),
    Structural("mean_time", "*->*", (1, 1)),
    Structural("sum_elements", "*->()", (1, 1)),
    Structural("mean_elements", "*->()", (1, 1)),
    Structural("size", "*->()", (1, 1)),
    Structural("named", "*->*", (1, 1)),  # its argument gets a name in the derivation
    Structural("dot", "(i),(i)->()", (2, 2)),
    Structural("outer", "(i),(j)->(i,j)", (2, 3)),  # of three vectors it is the next one
    Structural("outer_product", "(i),(j),(k)->(i,j,k)", (3, 3)),
    Structural("diag", "(i)->(i,i)", (1, 1)),
    Structural("bilinear", "(i,j,k),(j),(k)->(i)", (3, 3)),
    Structural("identity", "->(i,i)", (0, 0)),
    Structural("ones", "->(i)", (0, 0)),
    Structural("π", "->()", (0, 0)),
    Structural("steps_T", "->()", (0, 0)),
    Structural("concat", "(i),...->(+)", (2, None)),
)

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (*ELEMENTWISE, *PAIRWISE, *VECTOR_FUNCTIONS, *MATRIX_FUNCTIONS, *ABBREVIATIONS, *STRUCTURAL)
}

#: The functions that compare a target with an output.
LOSSES = frozenset(entry.name for entry in ABBREVIATIONS if entry.loss)

#: Functions of functions that lose accuracy computed one after the other, and what computes them safely.
COMPOSITIONS: dict[tuple[str, str], str] = {
    ("log", "softmax"): "log_softmax",
    ("log", "sigmoid"): "log_sigmoid",
}


def _sympy_function(name: str, derivatives: Callable[..., tuple[Expr, ...]] | None, count: int = 1) -> Any:
    """A SymPy function that stays as written and, where elementwise, differentiates by the table."""

    def fdiff(self: Any, argindex: int = 1) -> Expr:
        assert derivatives is not None, f"{name} is a vector function: its Jacobian is not elementwise"
        return derivatives(*self.args, self)[argindex - 1]

    return type(name, (Function,), {"fdiff": fdiff, "nargs": count, "eval": classmethod(lambda cls, *arguments: None)})


def _single(derivative: Callable[[Expr, Expr], Expr]) -> Callable[[Expr, Expr], tuple[Expr, ...]]:
    return lambda x, y: (derivative(x, y),)


#: The SymPy function of each operation that has one.
FUNCTIONS: dict[str, Any] = {
    **{entry.name: _sympy_function(entry.name, _single(entry.derivative)) for entry in ELEMENTWISE},
    **{entry.name: _sympy_function(entry.name, entry.derivatives, 2) for entry in PAIRWISE},
    **{entry.name: _sympy_function(entry.name, None) for entry in (*VECTOR_FUNCTIONS, *MATRIX_FUNCTIONS)},
}


_X, _P = Wild("x"), Wild("p", properties=[lambda found: found.is_Rational and found > 0 and not found.is_Integer])
#: Expressions that lose accuracy as they are written, and what computes them safely.
SAFE_FORMS: tuple[tuple[Expr, Expr], ...] = (
    (applied("log", 1 - applied("sigmoid", _X)), applied("log_sigmoid", -_X)),
    (applied("sigmoid", _X) ** _P, applied("exp", _P * applied("log_sigmoid", _X))),
)


def operation_of(expression: Expr) -> Elementwise | Pairwise | VectorFunction | None:
    """The table's entry for an applied function, or None."""
    if not isinstance(expression, sympy.Function):
        return None
    entry = OPERATIONS.get(expression.func.__name__)
    return entry if isinstance(entry, Elementwise | Pairwise | VectorFunction) else None


def is_like_argument(function: str) -> bool:
    """Whether a function gives something of the shape of its argument, whatever that is."""
    operation = OPERATIONS[function]
    return isinstance(operation, Elementwise | Structural) and operation.signature == "*->*"


def is_numeral(function: str) -> bool:
    """Whether a function without arguments is a number, such as π."""
    operation = OPERATIONS[function]
    return operation.arity == (0, 0) and gives_scalar(function)


def gives_scalar(function: str) -> bool:
    """Whether a function gives a scalar, whatever its arguments are."""
    operation = OPERATIONS[function]
    return isinstance(operation, VectorFunction | Structural) and operation.signature.endswith("->()")
