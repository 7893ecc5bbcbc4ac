"""Pairs of formulas judged twice: by the canonical form, and by numbers."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

import numpy as np
from drawn_formulas import MODEL, Maker, changed, rewritten

from rnnsym.claims.brief import shown
from rnnsym.claims.claim import Claim
from rnnsym.claims.interpret import Interpreter, drawn_data
from rnnsym.claims.syntax import Kind, Moment, Node
from rnnsym.equations.lowering import lower
from rnnsym.proof.polynomial import canonical
from rnnsym.proof.proven import Assumption
from rnnsym.proof.rewriting import Rewriting
from rnnsym.proof.theory import Theory
from rnnsym.proof.times import FIRST, LENGTH, Context
from rnnsym.proof.translate import Translator

LENGTH_TRIED = 4


@dataclass(frozen=True)
class Verdict:
    """What both say of a pair."""

    one: Node
    other: Node
    proved: bool
    equal_in_numbers: bool

    def __str__(self) -> str:
        return f"{shown(self.one)}\n  = {shown(self.other)}"


@cache
def theory() -> Theory:
    return Theory(MODEL)


@cache
def numbers(seed: int) -> Interpreter:
    data = drawn_data(MODEL, seed, LENGTH_TRIED)
    return Interpreter(Claim((), ""), MODEL, lower(MODEL), data, LENGTH_TRIED)


def judged(seed: int) -> Verdict:
    """One pair: the second formula is the first rewritten, and in two of three pairs changed somewhere."""
    rng = random.Random(seed)
    one = Maker(rng).formula()
    other = rewritten(one, rng)
    if rng.random() < 2 / 3:
        other = changed(other, rng)
    return Verdict(one, other, proved(one, other), equal(one, other))


def proved(one: Node, other: Node) -> bool:
    translator = Translator(theory(), {}, {}, Kind.TOTAL, "numerator")
    context = Context((("t", FIRST + Moment((), 1), LENGTH - Moment((), 1)),), 4)
    assert one.shape is not None
    names = iter("ij")
    axes = tuple(None if size == 1 else next(names) for size in one.shape)
    free = frozenset(axis for axis in axes if axis)
    difference = translator.node(one, axes, context) - translator.node(other, axes, context)
    return not Rewriting(theory(), Assumption()).reduced(canonical(difference.terms, free), free, context)


def equal(one: Node, other: Node) -> bool:
    for seed in (1, 2):
        for t in (2, 3):
            times = {"t": t, "T": LENGTH_TRIED}
            left, right = (numbers(seed).value(node, times) for node in (one, other))
            if not np.allclose(left, right, rtol=1e-9, atol=1e-11 * max(1.0, float(np.abs(left).max()))):
                return False
    return True
