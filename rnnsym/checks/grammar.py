"""The grammar of random models: productions as data, read by the composer.

Each kind of expression has productions, simplest first, with holes in angle brackets. A hole names a kind and the sizes
of its value by letters: `<weight n m>` is a matrix, `<weight n k+j>` one that multiplies a concatenation. Letters that
a production does not know yet are drawn; `<1=gate n>` remembers what it becomes, for `<1>` later in the production.

Magnitudes are kept near one ("vector" is of order one, "linear" a short sum of weighted vectors), so that rounding
stays small, and no pole stands where a value may be zero.
"""

from __future__ import annotations

from rnnsym.operations import ELEMENTWISE

GRAMMAR: dict[str, tuple[str, ...]] = {
    # Vectors of order one.
    "vector": (
        "<known n>",
        "tanh(<linear n>)",
        "<gate n> * <vector n>",
        "<function>(<linear n>)",
        "softmax(<linear n>)",
        "<number> * <vector n>",
        "-<vector n>",
        "<vector n> - <vector n>",
        "<vector n> * <vector n>",
        "<scalar> * <vector n>",
        "<1=gate n> * <vector n> + (1 - <1>) * <vector n>",
        "silu(<linear n>)",
        "gelu(<linear n>)",
        "gelu_erf(<linear n>)",
        "mish(<vector n>)",
        "square(<vector n>)",
        "maximum(<vector n>, <linear n>)",
        "minimum(<vector n>, <linear n>)",
        "<vector n> / (1 + <vector n> ** 2)",
        "<vector n> / (1 + norm(<bias m> + <vector m>))",
        "(1.5 + tanh(<linear n>)) ** <power>",
        "<unbounded n>",
        "<jump>(<linear n>) * <vector n>",
        "1 / (1 + exp(-<linear n>))",
        "sqrt(0.5 + <vector n> ** 2)",
        "max(<vector n>, <scalar>)",
        "min(<number>, <linear n>)",
        "(1.5 + tanh(<linear n>)) ** <vector n>",
        "(1.5 + tanh(<linear n>)) ** <scalar>",
        "diag(<vector n>) @ <vector n>",
        "(I - outer(<vector n>, <vector n>)) @ <vector n>",
        "tanh(bilinear(<tensor n m k>, <vector m>, <vector k>))",
        "(<vector n> @ <vector m>.T) @ <bias m>",
        "tanh(layer_norm(<bias n> + <linear n>, <bias n>))",
        "stop_gradient(<vector n>) * <vector n>",
        "ones - <vector n>",
        "where(<vector n> < <linear n>, <vector n>, <vector n>)",
        "where(<scalar> >= <number>, <vector n>, <number>)",
        "clip(<linear n>, -<number>, <number>)",
        "mod(<linear n>, 1.5)",
        "round(<linear n>) * <vector n>",
        "tanh(<1=weight n m> @ <2=known m>) - tanh(<1> @ <2> + <bias n>)",
        "solve(I + outer(<1=vector n>, <1>), <vector n>)",
        "tanh(<weight n m> @ inv(2 * I + <1=weight m k> @ <1>.T) @ <vector m>)",
        "tanh(concat(<vector k>, <bias n> + <linear n>))[<size k>:]",
        "concat(<bias n> * <vector n>, <vector k>)[:<size n>]",
    ),
    # Pre-activations: weighted sums.
    "linear": (
        "<weight n m> @ <known m>",
        "<weight n m> @ <vector m> + <bias n>",
        "<weight n m> @ <vector m> + <weight n k> @ <vector k> + <bias n>",
        "<known m> @ <weight m n>",
        "<vector m> @ <weight m n> + <bias n>",
        "<linear n> - <vector n>",
        "<vector n>",
        "<bias n> * <vector n>",
        "<weight n k+j> @ concat(<vector k>, <vector j>)",
        "<matrix n m> @ <vector m>",
        "<vector m> @ <matrix m n>",
        "<weight n m> @ <weight m k> @ <vector k>",
        "outer(<vector n>, <vector m>) @ <bias m>",
        "<scalar> + <vector n>",
        "2 * <vector n> - <number>",
        "log_softmax(<linear n>)",
        "0.5 * rms_norm(<bias n> + <linear n>)",
        "normalize(<bias n> + <linear n>)",
        "(<bias m>.T @ <vector m>) * <vector n>",
        "swish(<linear n>)",
    ),
    "scalar": (
        "<known>",
        "sigmoid(dot(<bias m>, <vector m>))",
        "tanh(<vector m> @ <vector m>)",
        "mean(<vector m>)",
        "<scalar> * <scalar>",
        "1 - <scalar>",
        "sum(<vector m> * <vector m>) / 4",
        "squared_error(<vector m>, <vector m>)",
        "logsumexp(<linear m>)",
        "norm(<bias m> + <vector m>)",
        "mean(<matrix m k>)",
        "<scalar> / (1 + <scalar> ** 2)",
        "<factor> * <scalar> + <factor>",
        "<vector m>.T @ <vector m>",
        "var(<vector m>)",
        "<scalar> / size(<vector m>)",
        "max(<scalar>, <scalar>)",
        "cosine(<bias m> + <vector m>, <bias m> + <vector m>)",
        "max(<vector m>)",
        "min(<linear m>)",
    ),
    "matrix": (
        "<known n m>",
        "outer(<vector n>, <vector m>)",
        "<matrix m n>.T",
        "<number> * <matrix n m>",
        "tanh(<matrix n m>)",
        "<matrix n m> * <matrix n m>",
        "<matrix n m> - <matrix n m>",
        "<scalar> * <matrix n m>",
        "<weight n k> @ <matrix k m>",
        "<vector n> @ <vector m>.T",
        "diag(<vector n>) @ <matrix n m>",
        "<matrix n m> @ diag(<vector m>)",
        "<matrix n m> @ (I - <scalar> * outer(<vector m>, <vector m>))",
        "max(<matrix n m>, <matrix n m>)",
        "softmax(<matrix n m>)",
        "softmax(<matrix n m> + <weight n m>)",
    ),
    # Equations of states; `<lag ...>` is their own earlier value. Each is tied to a parameter of its own size: a state
    # that only reads itself and others would have no size that anything tells.
    "vector state": (
        "tanh(<weight n n> @ <lag n> + <weight n m> @ <known m> + <bias n>)",
        "<1=gate n> * <lag n> + (1 - <1>) * tanh(<linear n> + <bias n>)",
        "tanh(<lag n> @ <weight n n> + <linear n>)",
        "<damping> * <lag n> + <bias n> * <vector n>",
        "<gate n> * tanh(<linear n> - <bias n>) + <gate n> * <lag n>",
        "tanh(<weight n n> @ (<gate n> * <lag n>) + <linear n>)",
        "softmax(<bias n> + <linear n>)",
        "<weight n m> @ <known m>",
        "<function>(<weight n m> @ <vector m> + 0.5 * <lag n>)",
        "tanh(<linear n> + <bias n> * <lag n> * <lag n>)",
        "<vector n> * tanh(<bias n> + <vector n>)",
    ),
    "scalar state": (
        "tanh(<lag> + <scalar>)",
        "<factor> * <lag> + <scalar>",
        "sigmoid(<scalar>) * <lag> + tanh(<scalar>)",
    ),
    "matrix state": (
        "tanh(0.5 * <lag n m> + outer(<bias n> * <vector n>, <weight m k> @ <vector k>))",
        "<damping> * <lag n m> + outer(<bias n> * <vector n>, <bias m> * <vector m>)",
        "tanh(<weight n n> @ <lag n m> @ <weight m m> + <matrix n m>)",
        "<scalar> * <lag n m> - <weight n m> * outer(<vector n>, <vector m>)",
        "diag(<gate n>) @ <lag n m> + (<bias n> * <vector n>) @ (<bias m> * <vector m>).T",
        "<lag n m> @ (I - 0.5 * outer(<vector m>, <vector m>)) + <weight n m> * outer(<vector n>, <vector m>)",
        "softmax(<lag n m> + <weight n m> * outer(<vector n>, <vector m>))",
        "<damping> * <lag n m> @ inv(2 * I + outer(<1=vector m>, <1>)) + <weight n m> * outer(<vector n>, <vector m>)",
    ),
    "vector start": ("<bias n>", "0", "tanh(<linear n>)", "<vector n>", "0.5"),
    "scalar start": ("<factor>", "0", "<scalar>"),
    "matrix start": ("<weight n m>", "0", "outer(<bias n>, <bias m>)"),
    # Losses of one moment.
    "loss": (
        "squared_error(<target n>, <vector n>)",
        "cross_entropy(<target n>, softmax(<linear n>))",
        "-dot(<target n>, log_softmax(<linear n>))",
        "logsumexp(<linear n>) - <target n> @ <linear n>",
        "binary_cross_entropy(<target n>, sigmoid(<linear n>))",
        "square(<scalar> - <target>)",
        "sum(<vector n> ** 2) / 2",
        "mean(<target n> * <vector n>)",
        "0.1 * sum(abs(<target n> - <vector n>))",
        "squared_error(outer(<vector n>, <vector m>), <matrix n m>)",
        "<scalar>",
        "dot(<vector n>, <vector n>) + 0.5 * <scalar>",
    ),
}
#: Sums over time, written without an equation of their own for the steps.
INLINE_LOSSES = (
    "sum(squared_error(<moving n>, <known n>))",
    "mean(squared_error(<known n>, <moving n>))",
    "sum(cross_entropy(<moving n>, softmax(<linear n>)))",
    "mean(dot(<known n>, <moving n>)) / 2",
    "sum(<moving> * <known>) + mean(<known n> @ <moving n>)",
)
TOTALS = (
    "sum(E[t])",
    "mean(E[t])",
    "0.5 * sum(E[t]) + 0.1 * sum(<any> ** 2)",
    "mean(E[t]) + <scalar>",
    "sum(E[t]) / 2 - mean(E[t]) * <scalar>",
    "mean(2 * E[t])",
)
REGULARISERS = ("0.1 * sum(<any> ** 2)", "0.5 * mean(<any> ** 2)", "sum(sqrt(1 + <any> ** 2))", "0.1 * sum(abs(<any>))")
#: What is cut into two parts.
WHOLES = (
    "<weight k+j m> @ <vector m>",
    "tanh(<weight k+j m> @ <vector m> + <bias k+j>)",
    "concat(<vector k>, <vector j>)",
)
NUMBERS = ("0.5", "0.9", "0.25", "1.5", "1e-1", "2")
DAMPING = ("0.5", "0.9", "0.25")
POWERS = ("2", "0.5", "-1", "3", "1.5", "-2", "(1/3)", "-0.5")


def functions() -> tuple[str, ...]:
    """The elementwise functions with a bounded slope: they keep magnitudes."""
    return tuple(entry.name for entry in ELEMENTWISE if entry.slope)


def jumps() -> tuple[str, ...]:
    return tuple(entry.name for entry in ELEMENTWISE if entry.slope == 0)


def unbounded() -> tuple[str, ...]:
    """Applications of the functions without a bounded slope, to arguments where they are tame."""
    return tuple(
        f"{entry.name}(0.5 + sigmoid(<linear n>))" if entry.domain[0] == 0 else f"{entry.name}(0.3 * <vector n>)"
        for entry in ELEMENTWISE
        if entry.slope is None
    )
