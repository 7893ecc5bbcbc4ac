"""Judging a hand-written backward pass: a Python function that returns gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.verify.functions.calls import LOSSES, Blocks, Convention, Function
from rnnsym.verify.functions.examination import Examination
from rnnsym.verify.functions.result import FunctionResult
from rnnsym.verify.functions.trials import Subject


def verify_function(
    model: Model,
    function: Function,
    *,
    layout: str = "rows",
    batch: str = "batched",
    loss: str = "sum",
    names: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | Sequence[str] = (),
    transpose: Iterable[str] = (),
    stack: Mapping[str, Blocks] | None = None,
    indices: Iterable[str] = (),
    sizes: Mapping[str, int] | None = None,
    diagnose: bool = True,
) -> FunctionResult:
    r"""Judge a hand-written backward pass: each gradient, and what is wrong where it is not right.

    function: called as `function(params, inputs)` with two dictionaries of arrays by the names of the model's
    equations: params `(rows, columns)` and `(rows,)`; inputs: sequences `(T, B, size)`, values given at one time such
    as "h[0]" `(B, size)`. It returns a dictionary of gradients by the same names ("dW" for "W" will do), for any
    subset of them, or `(loss, dictionary)`. The arrays are copies, and drawn anew: the function has to compute its own
    forward pass from them.

    layout: "columns" for arrays `(n, B)`, vectors among the parameters as `(n, 1)`. batch: "single" for a function
    that takes one example, without the axis B; it is called for each. loss: over what the function's loss is taken:
    "sum" (over time and batch), "mean", "mean_time", "mean_batch". names, outputs, transpose, stack, indices: see
    `adapt`. sizes: numbers for symbolic sizes, for a function that works for these alone. diagnose: whether to look
    for what is wrong.

    Raises RnnsymError for an option that makes no sense; whatever the function itself does ends in a verdict.

    >>> import numpy as np
    >>> from rnnsym import Model
    >>> model = Model("h[t] = tanh(w * h[t-1] + x[t])\nE[t] = squared_error(d[t], h[t])", sizes={"h": "n", "w": "n"})
    >>> def backward(params, inputs):
    ...     h = [inputs["h[0]"]]
    ...     for x in inputs["x"]:
    ...         h.append(np.tanh(params["w"] * h[-1] + x))
    ...     dw = np.zeros_like(params["w"])
    ...     for t in range(len(inputs["x"]), 0, -1):
    ...         dw += ((h[t] - inputs["d"][t - 1]) * (1 - h[t] ** 2) * h[t - 1]).sum(axis=0)
    ...     return {"w": dw}
    >>> result = verify_function(model, backward)
    >>> print(result.verdict)
    refuted
    >>> result.gradients["w"].relation.kind
    'immediate'
    """
    if loss not in LOSSES:
        raise RnnsymError(f"loss is {', '.join(map(repr, LOSSES))}, not {loss!r}")
    convention = Convention(
        model, layout, batch, dict(names or {}), outputs, tuple(transpose), dict(stack or {}), tuple(indices)
    )
    return Examination(Subject(model, function, convention, loss, dict(sizes or {})), diagnose).result()


def adapt(
    model: Model,
    function: Function,
    *,
    layout: str = "rows",
    batch: str = "batched",
    names: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | Sequence[str] = (),
    transpose: Iterable[str] = (),
    stack: Mapping[str, Blocks] | None = None,
    indices: Iterable[str] = (),
) -> Function:
    r"""A function of another calling convention, wrapped so that it keeps to that of `verify_function` and of kernels.

    layout: "columns" where the function has arrays `(n, B)`; its vector parameters are then `(n, 1)`.
    batch: "single" where it takes one example, without the axis B.
    names: what it calls parameters and inputs, where that differs: `{"W": "Whh", "h[0]": "hprev"}`.
    outputs: what it calls gradients, where that is another name still, `{"W": "dWhh"}`; or, where it returns a tuple
        instead of a dictionary, the model's names in that order.
    transpose: the matrices that it keeps transposed, for `x @ W`.
    stack: matrices that it keeps as one, block by block: `{"W": [["W_i", "U_i"], ["W_f", "U_f"]]}`. What is listed in
        `transpose` is transposed before.
    indices: inputs that it wants as the index of the one in a one-hot vector.

    >>> import numpy as np
    >>> from rnnsym import Model
    >>> model = Model("y[t] = V @ x[t]\nE[t] = squared_error(d[t], y[t])")
    >>> def rows(params, inputs):  # x @ A
    ...     dy = inputs["x"] @ params["A"] - inputs["d"]
    ...     return {"dA": np.einsum("tbi,tbj->ij", inputs["x"], dy)}
    >>> print(verify_function(model, adapt(model, rows, names={"V": "A"}, transpose=["V"])).verdict)
    supported
    """
    convention = Convention(
        model, layout, batch, dict(names or {}), outputs, tuple(transpose), dict(stack or {}), tuple(indices)
    )

    def adapted(params: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        found = convention.called(function, params, inputs)
        return found.gradients if found.loss is None else (found.loss, found.gradients)

    return adapted
