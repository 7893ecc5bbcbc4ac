"""A total derivative claimed and the immediate one written: the paths through other states are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rnnsym.claims.claim import Equation
from rnnsym.claims.combine import Misfit, add, chain
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.syntax import Derivative, Kind, Moment, Node, TimeProduct, Variable, free_letters
from rnnsym.claims.written import ClaimError
from rnnsym.equations.indexed import Role
from rnnsym.verify.formulas.evaluate import Evaluator
from rnnsym.verify.formulas.result import Explanation
from rnnsym.verify.formulas.samples import equal
from rnnsym.verify.formulas.vocabulary import Vocabulary
from rnnsym.verify.formulas.writing import Writer


def immediate_for_total(
    evaluator: Evaluator, equation: Equation, words: Vocabulary, latex: Writer, text: Writer
) -> Explanation | None:
    """What is said of an equation for a total derivative whose right side is the immediate one; None for any other."""
    left = equation.left
    if not isinstance(left, Derivative) or left.kind is Kind.IMMEDIATE or left.top.shape == SCALAR:
        return None
    top, bottom = left.top, left.bottom
    if top.time is None:
        return None
    alone = along_one_state(left) if steps_between(left) is None else replace(left, kind=Kind.IMMEDIATE)
    if alone is None or not same_everywhere(evaluator, equation, alone, equation.right):
        return None
    whole = replace(left, kind=Kind.TOTAL)
    through = [
        name for name in words.timed if words.system.variables[name].role is not Role.INPUT and name != bottom.name
    ]
    shown = f"The derivative of {text.show(top)} by {text.show(bottom)}"
    what = "is the immediate one here" if isinstance(alone, Derivative) else "is the product of the immediate ones here"
    sentence = f"{shown} {what}, where the total one is needed: the paths through other values are missing"
    if steps_between(left) != 1 or bottom.time is None:
        return Explanation(f"{sentence}.", "", "", text.show(equation.right), 1)
    paths = list(beside(evaluator, equation, whole, through, words))
    if not paths:
        return Explanation(f"{sentence}.", "", "", text.show(equation.right), 1)
    right = add((equation.right, *(path for _, path in paths)))
    if not same_everywhere(evaluator, equation, whole, right):
        return Explanation(f"{sentence}.", "", "", text.show(equation.right), 1)
    corrected = replace(equation, right=right)
    names = ", ".join(text.show(words.variable(name, bottom.time)) for name, _ in paths)
    return Explanation(f"{sentence}: {names}.", latex.equation(corrected), text.equation(corrected), "", 1)


def steps_between(left: Derivative) -> int | None:
    """How many steps lie between the two times of a derivative; 0 for a parameter, None where that is open."""
    if left.bottom.time is None:
        return 0
    assert left.top.time is not None
    distance = left.top.time - left.bottom.time
    return None if distance.terms else distance.offset


def along_one_state(left: Derivative) -> Node | None:
    """The product of the immediate derivatives of one state by itself a step before."""
    top, bottom = left.top, left.bottom
    if top.name != bottom.name or top.time is None or bottom.time is None:
        return None
    here, before = Moment.of("j"), Moment.of("j", -1)
    step = replace(left, kind=Kind.IMMEDIATE, top=replace(top, time=here), bottom=replace(bottom, time=before))
    taken = {*free_letters(left)}
    if "j" in taken:
        return None
    return TimeProduct("j", top.time, bottom.time + Moment((), 1), True, step, left.shape)


def beside(
    evaluator: Evaluator, equation: Equation, whole: Derivative, names: list[str], words: Vocabulary
) -> Iterator[tuple[str, Node]]:
    """The paths of a total derivative over one step that lead through other values of the step before."""
    top, bottom = whole.top, whole.bottom
    assert bottom.time is not None
    for name in names:
        through = words.variable(name, bottom.time)
        first = jacobian(Kind.IMMEDIATE, top, through, evaluator.claim.layout)
        second = jacobian(Kind.TOTAL, through, bottom, evaluator.claim.layout)
        try:
            product = chain((first, second) if evaluator.claim.layout == "numerator" else (second, first))
            if product.shape == whole.shape and np.any(evaluator.value(product, evaluator.everywhere(equation))):
                yield name, product
        except (Misfit, ClaimError, KeyError, ValueError):
            continue


def jacobian(kind: Kind, top: Variable, bottom: Variable, layout: str) -> Derivative:
    """The derivative of one vector by another, with the numerator's or the denominator's elements in its rows."""
    assert top.shape is not None
    assert bottom.shape is not None
    rows, columns = (shape[0] * shape[1] for shape in (top.shape, bottom.shape))
    shape = (rows, columns) if layout == "numerator" else (columns, rows)
    return Derivative(kind, top, bottom, shape)


def same_everywhere(evaluator: Evaluator, equation: Equation, one: Node, other: Node) -> bool:
    """Whether two expressions agree wherever an equation holds, and are not zero throughout."""
    scope = evaluator.everywhere(equation)
    try:
        values = [
            np.broadcast_to(v, (scope.count, *v.shape[1:])) for v in (evaluator.value(n, scope) for n in (one, other))
        ]
        return bool(np.any(values[0])) and equal(*np.broadcast_arrays(*values))
    except (ClaimError, KeyError, ValueError):
        return False
