"""Thousands of random models, each derived, replayed, generated and compared with the complex step.

    python benchmarks/drawn_models.py 2000 [--first 0]

Prints how many agree, the largest difference, and the text of every model that does not. Exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import random
import sys

from rich.progress import track

from rnnsym import Model, derive, generate
from rnnsym.checks import numeric
from rnnsym.checks.compose import Composed, Composer
from rnnsym.checks.data import draw
from rnnsym.checks.symbolic import derived_gradients
from rnnsym.errors import RnnsymError

#: Difference relative to the largest element of the gradient.
ALLOWED = 1e-11


def composed(seed: int) -> Composed:
    """The random model of a seed."""
    source = random.Random(seed)
    return Composer(lambda options: options[source.randrange(len(options))]).compose()


def difference(drawn: Composed, seed: int) -> float:
    """How far kernel and derived equations are from the complex step, with the steps replayed on the way."""
    model = Model(drawn.text, drawn.sizes, inputs=drawn.inputs)
    derivation, kernel = derive(model), generate(model)
    if derivation.replay() != derivation.adjoints:
        raise AssertionError("the steps do not give the derivation again")
    derivation.to_text()
    derivation.to_latex()
    length = max(3 + seed % 3, model.timing.minimum_length)
    params, inputs, _ = draw(model, seed, length=length, batch=1 + seed % 3)
    expected = numeric.complex_step(model, params, inputs, length=length)
    loss, gradients = kernel.loss_and_grad(params, inputs, length=length)
    reference = numeric.loss(model, params, inputs, length=length)
    return max(
        numeric.relative_difference(gradients, expected),
        numeric.relative_difference(derived_gradients(derivation, params, inputs, length), expected),
        abs(loss - reference) / max(1.0, abs(reference)),
    )


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("count", type=int, nargs="?", default=2000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    options = parser.parse_args()
    worst, bad = 0.0, 0
    for seed in track(range(options.first, options.first + options.count), "models", transient=True):
        drawn = composed(seed)
        try:
            found = difference(drawn, seed)
        except (RnnsymError, AssertionError, LookupError, ValueError, TypeError) as error:
            found, problem = float("inf"), f"{type(error).__name__}: {error}"
        else:
            problem = f"difference {found:.1e}"
            worst = max(worst, found)
        if found > ALLOWED:
            bad += 1
            print(f"seed {seed}: {problem}\n{drawn.text}\nsizes={drawn.sizes}, inputs={drawn.inputs}\n")
    print(f"{options.count - bad} of {options.count} models agree; largest difference of these {worst:.1e}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
