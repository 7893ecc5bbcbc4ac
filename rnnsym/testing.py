"""Hypothesis strategies: random well-formed models, and random data to go with them.

For tests of code that takes models, ours and a user's. hypothesis comes with the extra: `pip install rnnsym[testing]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import note
from hypothesis import strategies as st

from rnnsym.checks.compose import Composer
from rnnsym.checks.data import draw as draw_data
from rnnsym.checks.kits import Array
from rnnsym.errors import ModelError
from rnnsym.language.model import Model

#: The simplest first, so that failing examples shrink to short sequences and single examples.
LENGTHS = (3, 4, 5, 6, 1, 2)
BATCHES = (1, 2, 3)


@dataclass(frozen=True)
class Problem:
    """A model with data: params `(rows, columns)`, sequences `(T, B, size)`, other inputs `(B, size)`.

    `sizes` are the numbers that the model's symbolic sizes stand for; `length` is T, `batch` B.
    """

    model: Model
    params: Mapping[str, Array]
    inputs: Mapping[str, Array]
    sizes: Mapping[str, int]
    length: int
    batch: int


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Random well-formed models: several states, lags, gates, boundary equations, read-outs, decoders and losses.

    >>> from hypothesis import given, settings
    >>> @settings(max_examples=3, database=None)
    ... @given(models())
    ... def test(model: Model) -> None:
    ...     assert model.losses
    >>> test()

    The text of each is at `model.text`. Failing examples shrink to few states and plain expressions.
    """
    composed = Composer(lambda options: draw(st.sampled_from(options))).compose()
    # Printed with a failing example: enough to write the model down in a test.
    note(f"{composed.text}\nsizes={composed.sizes}, inputs={composed.inputs}")
    try:
        return Model(composed.text, composed.sizes, inputs=composed.inputs, name="drawn")
    except ModelError as error:
        raise AssertionError(f"a drawn model was rejected: {error}") from error


@st.composite
def problems(draw: st.DrawFn, max_batch: int = BATCHES[-1]) -> Problem:
    """A random model with parameters and inputs: sizes that differ, and nonzero initial states and biases.

    >>> from hypothesis import given, settings
    >>> @settings(max_examples=3, database=None)
    ... @given(problems())
    ... def test(problem: Problem) -> None:
    ...     assert all(len(problem.inputs[name]) == problem.length for name in problem.model.sequences)
    >>> test()
    """
    model = draw(models())
    length = max(draw(st.sampled_from(LENGTHS)), model.timing.minimum_length) if model.timed else 1
    batch = draw(st.sampled_from([size for size in BATCHES if size <= max_batch]))
    seed = draw(st.integers(0, 2**16))
    note(f"draw(model, seed={seed}, length={length}, batch={batch})")
    params, inputs, sizes = draw_data(model, seed, length=length, batch=batch)
    return Problem(model, params, inputs, sizes, length, batch)
