"""Mistakes made in the printed derivation: every one is caught, and those here are named. The rest: benchmarks/."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest
from mutator import Mutation, mutated, printed, singles

import rnnsym


def benchmark() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "mutations.py"
    spec = importlib.util.spec_from_file_location("mutations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample(name: str, count: int, seed: int) -> list[Mutation]:
    """Some mistakes, of every kind."""
    every = singles(printed(rnnsym.load(name)))
    random.Random(seed).shuffle(every)
    kinds: dict[str, Mutation] = {}
    for mutation in every:
        kinds.setdefault(mutation.kind, mutation)
    return [*kinds.values(), *every][:count]


@pytest.mark.parametrize(("name", "mutation"), [("rnn", m) for m in sample("rnn", 12, 1)], ids=lambda v: str(v)[:60])
def test_a_mistake_is_caught_and_named(name: str, mutation: Mutation) -> None:
    model = rnnsym.load(name)
    lines = printed(model)
    outcome = benchmark().judged(model, lines, [mutation])
    assert outcome in ("named", "named otherwise", "equal", "conditional", "malformed")


def test_no_mistake_is_called_proved_or_supported() -> None:
    """What is equal only under an assumption is said to be so."""
    model = rnnsym.load("rnn")
    lines = printed(model)
    for mutation in sample("rnn", 8, 3):
        result = rnnsym.verify(model, mutated(lines, [mutation]), format="latex")
        assert result.verdict.value in ("refuted", "malformed", "conditional")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm", "gru", "one_to_many"])
def test_most_mistakes_in_larger_models_are_named(name: str) -> None:
    model = rnnsym.load(name)
    lines = printed(model)
    outcomes = [benchmark().judged(model, lines, [mutation]) for mutation in sample(name, 12, 0)]
    assert not set(outcomes) - {"named", "named otherwise", "equal", "conditional", "malformed", "blamed"}
    assert outcomes.count("blamed") <= 1
