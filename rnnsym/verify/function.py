"""Judging a hand-written backward pass: a Python function that returns gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.verify.function_behaviour import behaviour
from rnnsym.verify.function_calls import LOSSES, Blocks, Convention, Function, MalformedError, Returned
from rnnsym.verify.function_relations import (
    EXACT,
    Pair,
    backwards,
    clipped,
    clipped_norm,
    clipped_to_norm,
    exchanged,
    multiple,
    transposed,
)
from rnnsym.verify.function_result import Counterexample, Explanation, FunctionResult, GradientVerdict, Relation
from rnnsym.verify.function_trials import (
    ASSUMPTIONS,
    LARGE,
    ONE_HOT,
    SUM_TO_ONE,
    TOLERANCE,
    Assumption,
    Subject,
    Trial,
    errors,
    smallest,
)


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
    r"""Judge a hand-written backward pass: is each gradient that it returns the true one, and if not, what is wrong?

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
    >>> result.verdict
    'refuted'
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
    >>> verify_function(model, adapt(model, rows, names={"V": "A"}, transpose=["V"])).verdict
    'supported'
    """
    convention = Convention(
        model, layout, batch, dict(names or {}), outputs, tuple(transpose), dict(stack or {}), tuple(indices)
    )

    def adapted(params: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        found = convention.called(function, params, inputs)
        return found.gradients if found.loss is None else (found.loss, found.gradients)

    return adapted


@dataclass
class Examination:
    """One run of `verify_function`: what was found so far."""

    subject: Subject
    diagnose: bool
    trials: tuple[Trial, ...] = ()
    returned: list[Returned] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    diagnosis: list[Explanation] = field(default_factory=list)

    def result(self) -> FunctionResult:
        """The examination, from the first call to the verdict."""
        self.trials = self.subject.trials()
        try:
            self.returned = [self.subject.call(trial) for trial in self.trials]
            self.problems += dict.fromkeys(note for one in self.returned for note in one.notes)
            self.problems += behaviour(self.subject, self.trials[0], self.trials[1], self.returned[0])
        except MalformedError as problem:
            self.problems.append(str(problem))
            if len(self.returned) < len(self.trials):
                return FunctionResult(self.subject.model.name, "malformed", problems=tuple(self.problems))
        relations = self._relations()
        wrong = [key for key, relation in relations.items() if relation is None or relation.kind != "exact"]
        conditional: tuple[str, ...] = ()
        if wrong and self.diagnose:
            conditional = self._under_assumptions(wrong)
        elif not wrong:
            relations |= self._large(relations)
            conditional = tuple(key for key, relation in relations.items() if relation is EXACT or relation) if self.assumptions else ()
        return self._verdict(relations, conditional)

    # What is equal

    def _errors(self) -> dict[str, float]:
        """The largest error of each gradient over all data sets."""
        every = [errors(one.gradients, trial.gradients) for one, trial in zip(self.returned, self.trials, strict=True)]
        return {key: max(found.get(key, float("inf")) for found in every) for key in self.returned[0].gradients}

    def _pairs(self, key: str) -> list[Pair]:
        return [
            Pair(trial, one.gradients[key], trial.gradients[key])
            for one, trial in zip(self.returned, self.trials, strict=True)
        ]

    def _relations(self) -> dict[str, Relation | None]:
        """The relation of each gradient, where one is found without looking into the derivation."""
        found: dict[str, Relation | None] = {}
        gradients = [one.gradients for one in self.returned]
        common = clipped_norm(gradients, self.trials)
        for key, wrong in self._errors().items():
            pairs = self._pairs(key)
            if wrong <= TOLERANCE:
                found[key] = EXACT
                continue
            found[key] = (
                common
                or multiple(pairs, self.subject.loss)
                or clipped(pairs)
                or clipped_to_norm(pairs)
                or transposed(pairs)
                or exchanged(key, gradients, self.trials)
                or backwards(pairs)
            )
        return found
