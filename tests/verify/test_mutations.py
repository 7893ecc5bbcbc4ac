"""Mistakes made in the printed derivation: every one is caught, and those here are named. The rest: benchmarks/."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import mutator
import pytest
import tree_mutator
from formula import Unparsed, parsed, written
from mutator import Mutation, mutated, printed, whole

import rnnsym
from rnnsym.claims.interpret import Outcome, decide
from rnnsym.claims.match import read


def benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "mutations.py"
    spec = importlib.util.spec_from_file_location("mutations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample(name: str, count: int, seed: int) -> list[Mutation]:
    """Some mistakes of both mutators, of as many kinds as there is room for."""
    found: list[Mutation] = []
    for source in (mutator, tree_mutator):
        every = source.singles(printed(rnnsym.load(name)))
        random.Random(seed).shuffle(every)
        kinds: dict[str, Mutation] = {}
        for mutation in every:
            kinds.setdefault(mutation.kind, mutation)
        found += [*kinds.values(), *every][: count // 2]
    return found


@pytest.mark.parametrize(("name", "mutation"), [("rnn", m) for m in sample("rnn", 12, 1)], ids=lambda v: str(v)[:60])
def test_a_mistake_is_caught_and_named(name: str, mutation: Mutation) -> None:
    model = rnnsym.load(name)
    lines = printed(model)
    outcome = benchmark().judged(model, lines, [mutation])
    assert outcome in ("named", "named otherwise", "equal", "conditional")
    if outcome == "equal":
        assert decide(read(mutated(lines, [mutation]), model, format="latex"), model) is Outcome.HOLDS


def test_slips_of_the_pen_are_told_with_their_place() -> None:
    """Never a traceback, never a proof of what is wrong in numbers."""
    model = rnnsym.load("rnn")
    lines = printed(model)
    slips = tree_mutator.slips(whole(lines), random.Random(5))
    for _ in range(12):
        outcome = benchmark().tried(model, lines, next(slips), [])["came"]
        assert outcome in ("named", "equal", "conditional", "malformed", "unreadable")


@pytest.mark.parametrize("name", ["lstm", "mlstm", "s4d", "attention_dot"])
def test_printed_formulas_are_written_back_as_they_were(name: str) -> None:
    for _, right, _ in printed(rnnsym.load(name)):
        try:
            tree = parsed(right)
        except Unparsed:
            continue
        assert written(tree) == right


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm", "gru", "one_to_many"])
def test_most_mistakes_in_larger_models_are_named(name: str) -> None:
    model = rnnsym.load(name)
    lines = printed(model)
    outcomes = [benchmark().judged(model, lines, [mutation]) for mutation in sample(name, 12, 0)]
    assert not set(outcomes) - {"named", "named otherwise", "equal", "conditional", "restored", "blamed"}
    assert outcomes.count("blamed") <= 1
