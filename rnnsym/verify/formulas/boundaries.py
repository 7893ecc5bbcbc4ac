"""Times at which no equation of a claim gives a sequence, as where the value at the last step was forgotten."""

from __future__ import annotations

import numpy as np

from rnnsym.claims.claim import Equation
from rnnsym.claims.moments import Moments
from rnnsym.claims.syntax import Moment, Sequence, Variable
from rnnsym.verify.formulas.evaluate import Evaluator
from rnnsym.verify.formulas.result import Explanation
from rnnsym.verify.formulas.vocabulary import Vocabulary
from rnnsym.verify.formulas.writing import Writer


def missing_times(evaluator: Evaluator, equation: Equation) -> tuple[Moment, ...]:
    """The times at which no equation gives a sequence though it is not zero there, the late ones told from the end."""
    left, name = equation.left, equation.defines
    if name not in evaluator.truth or not isinstance(left, Sequence) or len(left.times) != 1:
        return ()
    world = evaluator.worlds[-1]
    moments = Moments(world.length)
    untold = [time for time in range(1, world.length + 1) if evaluator.best(left.name, (time,), moments) is None]
    return tuple(
        Moment((), time) if time <= world.length // 2 else Moment.of("T", time - world.length)
        for time in untold
        if np.any(evaluator.sequence(left.name, (time,)) != 0)
    )


def ungiven(name: str, times: tuple[Moment, ...], text: Writer) -> str:
    """That no equation gives a sequence at these times."""
    return (
        f"No equation gives {text.sequence(name)} at t = {', '.join(map(str, times))}, where it is not zero: "
        "what no equation gives is taken as zero."
    )


def given(
    name: str, times: tuple[Moment, ...], words: Vocabulary, target: Variable | None, latex: Writer, text: Writer
) -> Explanation:
    """What is said of such times, with the true equation that gives the sequence there, if one does."""
    true = [] if target is None else words.true_equations(target.name)
    found = [e for e in true if isinstance(e.left, Sequence) and e.left.times == times]
    sentence = ungiven(name, times, text)
    if not found:
        return Explanation(sentence, "", "")
    return Explanation(sentence, latex.equation(found[0]), text.equation(found[0]), "", 1)
