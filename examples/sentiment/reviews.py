"""The movie reviews: reading, tokens, labels, the split, and the vocabulary."""

from __future__ import annotations

import gzip
import html
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data" / "reviews.tsv.gz"
UNDECIDED = 0.5  # |rating| below this, on a scale from -4 to 4: the raters saw neither praise nor blame
NEGATIONS = frozenset({"not", "n't", "never", "no", "nor", "neither", "none", "nobody", "nothing", "without", "hardly"})

Words = tuple[str, ...]
# "isn't" gives "is" and "n't", "movie's" gives "movie" and "'s": a negation is one word, whatever it hangs on.
TOKEN = re.compile(r"n't\b|(?<=\w)'\w+|\w+?(?=n't\b)|\w+|\.+|[,;:!?]")


@dataclass(frozen=True)
class Example:
    """A sentence with its target: the probability that it is positive."""

    words: Words
    target: float
    group: str  # examples of one group share what decides them, so they count as one observation
    generated: bool = False

    @property
    def positive(self) -> bool:
        return self.target > 0.5


def tokenise(text: str) -> Words:
    text = html.unescape(text).lower().replace("’", "'").replace("''", " ")
    words = ["." if word.startswith(".") else word for word in TOKEN.findall(text)]
    while words and words[-1] == ".":  # most reviews end with a full stop, some do not: it says nothing
        words.pop()
    return tuple(words)


def read(path: Path = DATA) -> list[Example]:
    """The reviews that praise or blame, each once.

    The target grades the mean rating r of some twenty raters, 1 / (1 + exp(-r)): mild praise (r = 1) has target
    0.73, a rave (r = 3.5) has 0.97. It is positive where r is.
    """
    examples: dict[str, Example] = {}
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            rating, text = line.rstrip("\n").split("\t")
            words = tokenise(text)
            key = " ".join(word for word in words if word[0].isalnum())
            if abs(float(rating)) < UNDECIDED or not key or key in examples:
                continue
            examples[key] = Example(words, float(1 / (1 + np.exp(-float(rating)))), key)
    return list(examples.values())


def split(examples: Iterable[Example]) -> tuple[list[Example], list[Example], list[Example]]:
    """Training, tuning and held-out reviews: 70, 10 and 20 per cent.

    A checksum of the words decides, so a review is on the same side whatever else is in the file, and two reviews
    that differ in punctuation alone cannot be on two sides.
    """
    training: list[Example] = []
    tuning: list[Example] = []
    held_out: list[Example] = []
    for example in examples:
        lot = zlib.crc32(example.group.encode()) % 10
        (held_out if lot < 2 else tuning if lot == 2 else training).append(example)
    return training, tuning, held_out


def has_negation(example: Example) -> bool:
    return not NEGATIONS.isdisjoint(example.words)


class Vocabulary:
    """Numbers for words. Number 0 stands for every word that was not seen twice in training."""

    def __init__(self, examples: Iterable[Example], at_least: int = 2):
        counts: Counter[str] = Counter()
        for example in examples:
            counts.update(example.words)
        known = sorted(word for word, count in counts.items() if count >= at_least)
        self.number = {word: number for number, word in enumerate(known, start=1)}

    def __len__(self) -> int:
        return len(self.number) + 1

    def encode(self, words: Words) -> np.ndarray:
        return np.array([self.number.get(word, 0) for word in words], dtype=np.intp)
