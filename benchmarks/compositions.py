"""Every shipped model in every composition: what loads, derives, and has the gradients of the complex step, also where
the examples of a batch have different lengths.

    python benchmarks/compositions.py [MODEL ...]

A line for each combination that fails, and for each that is refused: the model, the composition, and why. A composition
may refuse a model, as a network without time; whether the reason is a good one, the reader judges.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import rnnsym
from rnnsym import Kernel, Model
from rnnsym.checks.data import draw
from rnnsym.checks.numeric import complex_step, holds_values, relative_difference
from rnnsym.errors import ModelError

COMPOSITIONS: dict[str, Callable[[Model], Model]] = {
    "stack": lambda model: rnnsym.stack(model, 2),
    "stack, residual": lambda model: rnnsym.stack(model, 3, residual=True),
    "stack, dropout": lambda model: rnnsym.stack(model, 2, dropout=True),
    "stack, shared": lambda model: _sharing(model),
    "bidirectional": rnnsym.bidirectional,
    "encoder_decoder": lambda model: rnnsym.encoder_decoder(model, model),
    "masked": rnnsym.masked,
    "many-to-many, Huber": lambda model: rnnsym.task(model, "many-to-many", loss="huber"),
    "many-to-many, weights and smoothing": lambda model: rnnsym.task(model, weights=True, smoothing=0.1),
    "many-to-many, binary": lambda model: rnnsym.task(model, loss="binary-cross-entropy"),
    "many-to-one, classes": lambda model: rnnsym.task(model, "many-to-one", loss="cross-entropy"),
    "many-to-one, absolute": lambda model: rnnsym.task(model, "many-to-one", loss="absolute"),
    "one-to-many": lambda model: rnnsym.task(model, "one-to-many"),
    "masked task": lambda model: rnnsym.masked(rnnsym.task(model, "many-to-one")),
    "further loss": lambda model: rnnsym.with_loss(model, f"penalty = 0.1 * sum({model.parameters[0]} ** 2)"),
    "in both directions and layers": lambda model: rnnsym.stack(rnnsym.bidirectional(model), 2),
}
ALLOWED = 1e-9


def _sharing(model: Model) -> Model:
    """Two layers that share the first parameter which fits both."""
    refused = ModelError(f"{model.name} has no parameters")
    for name in model.parameters:
        try:
            return rnnsym.stack(model, 2, shared=[name])
        except ModelError as error:
            refused = error
    raise refused


def wrong(model: Model) -> str:
    """What is wrong with the gradients of a kernel; an empty text where nothing is."""
    shortest = model.timing.minimum_length
    length = max(3, shortest)
    params, inputs, sizes = draw(model, 5, length=length, batch=3)
    rnnsym.derive(model).to_text("result")
    kernel = rnnsym.generate(model, sizes)
    _, gradients = kernel.loss_and_grad(params, inputs, length=length)
    if not holds_values(model):
        error = relative_difference(complex_step(model, params, inputs, length=length), gradients)
        if not error < ALLOWED:
            return f"the gradients are off by {error:.1e}"
    if not model.sequences:
        return ""
    lengths = [max(shortest, length - 1), length, shortest]
    _, found = kernel.loss_and_grad(params, inputs, lengths=np.array(lengths))
    error = relative_difference(_alone(model, kernel, params, inputs, lengths), found)
    return "" if error < ALLOWED else f"with lengths {lengths}, the gradients are off by {error:.1e}"


def _alone(model: Model, kernel: Kernel, params: Any, inputs: Any, lengths: list[int]) -> dict[str, Any]:
    """The gradients of the examples of a batch, each taken by itself at its own length."""
    total = {key: np.zeros_like(value) for key, value in (params | inputs).items() if key not in model.fixed}
    for number, length in enumerate(lengths):
        one = slice(number, number + 1)
        places = {key: (slice(length), one) if key in model.sequences else (one,) for key in inputs}
        own = {key: value[places[key]] for key, value in inputs.items()}
        _, gradients = kernel.loss_and_grad(params, own, length=length)
        for key, value in gradients.items():
            total[key][places.get(key, ())] += value
    return total


def main(names: list[str]) -> int:
    tried = failed = refused = 0
    for name in names or rnnsym.available():
        model = rnnsym.load(name)
        for label, compose in COMPOSITIONS.items():
            tried += 1
            try:
                composed = compose(model)
            except ModelError as error:
                refused += 1
                print(f"{name}, {label}: refused, {str(error).splitlines()[0]}", flush=True)
                continue
            try:
                problem = wrong(composed)
            except Exception as error:
                problem = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            if problem:
                failed += 1
                print(f"{name}, {label}: {problem}", flush=True)
    print(f"{tried} combinations: {failed} failed, {refused} refused")
    return failed > 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
