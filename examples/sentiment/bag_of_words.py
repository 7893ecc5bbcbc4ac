"""The baseline: logistic regression on which words occur, whatever their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from measure import accuracy
from reviews import Example, Vocabulary, Words

PENALTIES = (0.25, 0.5, 1.0, 2.0, 4.0)


class BagOfWords:
    """P(positive) = sigmoid(bias + sum of the weights of the different words in the sentence)."""

    def __init__(self, vocabulary: Vocabulary):
        self.vocabulary = vocabulary
        self.weights = np.zeros(len(vocabulary) + 1)  # the last one is the bias

    def fit(self, examples: Sequence[Example], penalty: float) -> BagOfWords:
        """Least cross-entropy plus penalty/2 * |weights|^2, by Newton's method.

        The problem is convex: there is one best fit, and nothing of it is left to chance or to a schedule.
        """
        place, number = self._occurrences([example.words for example in examples])
        target = np.array([example.target for example in examples])
        shrink = np.full(len(self.weights), penalty)
        shrink[-1] = 0.0  # the bias is free

        def scores(weights: np.ndarray) -> np.ndarray:
            return np.bincount(place, weights[number], len(target))

        def per_word(values: np.ndarray) -> np.ndarray:
            return np.bincount(number, values[place], len(self.weights))

        def curved(curvature: np.ndarray, weights: np.ndarray) -> np.ndarray:
            product: np.ndarray = per_word(curvature * scores(weights)) + shrink * weights
            return product

        for _ in range(50):
            p = sigmoid(scores(self.weights))
            gradient = per_word(p - target) + shrink * self.weights
            if np.abs(gradient).max() < 1e-4:
                break
            self.weights -= conjugate_gradients(partial(curved, p * (1 - p)), gradient)
        return self

    def predict(self, sentences: Sequence[Words]) -> np.ndarray:
        """P(positive) of each sentence."""
        place, number = self._occurrences(sentences)
        return sigmoid(np.bincount(place, self.weights[number], len(sentences)))

    def _occurrences(self, sentences: Sequence[Words]) -> tuple[np.ndarray, np.ndarray]:
        """For every sentence and every different word of it: the sentence's place, and the word's number."""
        bias = len(self.vocabulary)
        bags = [np.append(np.unique(self.vocabulary.encode(words)), bias) for words in sentences]
        return np.repeat(np.arange(len(bags)), [len(bag) for bag in bags]), np.concatenate(bags)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * z))


def conjugate_gradients(product: Callable[[np.ndarray], np.ndarray], right: np.ndarray) -> np.ndarray:
    """Nearly solve A @ x = right, for a positive definite A of which only the product with a vector is known."""
    x = np.zeros_like(right)
    rest = right.copy()
    direction = rest.copy()
    size = rest @ rest
    enough = 1e-2 * size  # squares: a tenth is left; the next Newton step makes up for it
    for _ in range(200):
        image = product(direction)
        step = size / (direction @ image)
        x += step * direction
        rest -= step * image
        size, previous = rest @ rest, size
        if size < enough:
            break
        direction = rest + size / previous * direction
    return x


def fit_tuned(
    vocabulary: Vocabulary, training: Sequence[Example], tuning: Sequence[Example], extra: Sequence[Example] = ()
) -> tuple[BagOfWords, float]:
    """The penalty that does best on the tuning reviews; then a fit on everything, tuning reviews included."""

    def score(penalty: float) -> float:
        model = BagOfWords(vocabulary).fit([*training, *extra], penalty)
        return accuracy(model.predict([example.words for example in tuning]), tuning)

    penalty = max(PENALTIES, key=score)
    return BagOfWords(vocabulary).fit([*training, *tuning, *extra], penalty), penalty
