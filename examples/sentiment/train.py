"""Training of an exported RNN kernel on sentences: word vectors, batches, Adam.

The kernel knows sequences of vectors, not words. Its gradient with respect to the input sequence x, which rnnsym
derives like any other, is what trains the word vectors: the gradient of a word's vector is the sum of the gradients
at the places where the word stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from phrases import ADJECTIVES
from reviews import Example, Vocabulary, Words

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Settings:
    """Chosen on the tuning reviews and on adjectives that are now in the training phrases, never on the tests."""

    vector: int = 48  # size of a word vector
    hidden: int = 48
    epochs: int = 20
    batch: int = 32
    rate: float = 2e-3
    clip: float = 5.0  # largest norm of a gradient; rarely reached
    forget_unit: float = 0.5  # share of the coordinates of the word vectors set to zero, one draw a sentence
    forget_word: float = 0.1  # share of the words replaced by the unknown word
    seed: int = 0


@dataclass(frozen=True)
class Batch:
    """Sentences of one length, so that no padding is needed and no answer depends on its neighbours."""

    numbers: np.ndarray  # (T, B) of word numbers
    targets: np.ndarray  # (B, 2): probability of negative, of positive
    fixed: np.ndarray  # (T, B): True where this sentence must not move this word's vector


class SentenceRNN:
    """An exported many-to-one kernel with a table of word vectors in front."""

    def __init__(self, kernel: ModuleType, vocabulary: Vocabulary, settings: Settings):
        self.kernel = kernel
        self.vocabulary = vocabulary
        self.params: Arrays = kernel.init(seed=settings.seed, m=settings.vector, n=settings.hidden, k=2)
        # From the identity the state begins as a running sum of what was read, which is a bag of words already, and
        # gradients reach the first word of a long review. From random matrices this network learns far less.
        self.params["W"] = np.eye(settings.hidden, dtype=self.params["W"].dtype)
        rng = np.random.default_rng(settings.seed)
        self.vectors = (0.05 * rng.standard_normal((len(vocabulary), settings.vector))).astype(self.params["U"].dtype)

    def inputs(self, vectors: np.ndarray) -> Arrays:
        """The kernel's inputs for word vectors (T, B, m): every sentence starts from the state 0."""
        return {"x": vectors, "h[0]": np.zeros((vectors.shape[1], len(self.params["W"])), vectors.dtype)}

    def predict(self, sentences: Sequence[Words]) -> np.ndarray:
        """P(positive) of each sentence."""
        result = np.empty(len(sentences))
        for places in by_length([len(words) for words in sentences]).values():
            numbers = np.stack([self.vocabulary.encode(sentences[place]) for place in places], axis=1)
            result[places] = self.kernel.predict(self.params, self.inputs(self.vectors[numbers]))["y"][:, 1]
        return result

    def loss_and_grad(
        self, batch: Batch, keep: np.ndarray | float = 1.0
    ) -> tuple[float, Arrays, np.ndarray, np.ndarray]:
        """The batch's loss; the gradients of the parameters; the words that occur, and their vectors' gradients."""
        x = self.vectors[batch.numbers] * keep
        loss, gradients = self.kernel.loss_and_grad(self.params, self.inputs(x) | {"target": batch.targets})
        at_places = np.where(batch.fixed[:, :, None], 0, gradients["x"] * keep)
        words, slot = np.unique(batch.numbers, return_inverse=True)
        per_word = np.zeros((len(words), x.shape[2]), x.dtype)
        np.add.at(per_word, slot.reshape(batch.numbers.shape), at_places)
        return float(loss), {name: gradients[name] for name in self.params}, words, per_word


def by_length(lengths: Sequence[int]) -> dict[int, list[int]]:
    places: dict[int, list[int]] = defaultdict(list)
    for place, length in enumerate(lengths):
        places[length].append(place)
    return places


def encode(examples: Sequence[Example], vocabulary: Vocabulary) -> Batch:
    """Examples of one length as a batch.

    A generated phrase leaves the vectors of its adjectives alone. So the meaning of a word comes from the reviews,
    and of the phrases only the rule remains to be learned; else the network learns "not dull" by heart, adjective
    by adjective, and then fails on adjectives that no phrase had.
    """
    numbers = np.stack([vocabulary.encode(example.words) for example in examples], axis=1)
    positive = np.array([example.target for example in examples])
    fixed = [[example.generated and word in ADJECTIVES for word in example.words] for example in examples]
    return Batch(numbers, np.stack([1 - positive, positive], axis=1), np.array(fixed).T)


class Adam:
    """Kingma and Ba (2015), for named arrays; of a table, only the rows that a batch has touched are updated."""

    def __init__(self, fast: float = 0.9, slow: float = 0.999):
        self.fast, self.slow, self.steps = fast, slow, 0
        self.means: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def update(self, name: str, array: np.ndarray, gradient: np.ndarray, rate: float, rows: np.ndarray | slice) -> None:
        if name not in self.means:
            self.means[name] = np.zeros_like(array), np.zeros_like(array)
        mean, square = self.means[name]
        mean[rows] = self.fast * mean[rows] + (1 - self.fast) * gradient
        square[rows] = self.slow * square[rows] + (1 - self.slow) * gradient**2
        unbiased = np.sqrt(square[rows] / (1 - self.slow**self.steps)) + 1e-8
        array[rows] -= rate / (1 - self.fast**self.steps) * mean[rows] / unbiased


class Trainer:
    """Adam on shuffled batches with a falling rate, and the mean of the network over the second half of training."""

    def __init__(self, model: SentenceRNN, examples: Sequence[Example], settings: Settings):
        self.model, self.settings = model, settings
        self.groups = [
            encode([examples[place] for place in places], model.vocabulary)
            for _, places in sorted(by_length([len(example.words) for example in examples]).items())
        ]
        self.rng = np.random.default_rng([settings.seed, 1])
        self.adam = Adam()
        self.per_epoch: int = sum(-(-group.numbers.shape[1] // settings.batch) for group in self.groups)
        self.sentences = len(examples)

    def batches(self) -> Iterator[Batch]:
        """Every sentence once, in batches of one length each, in random order."""
        size = self.settings.batch
        batches = []
        for group in self.groups:
            order = self.rng.permutation(group.numbers.shape[1])
            batches += [(group, order[start : start + size]) for start in range(0, len(order), size)]
        for place in self.rng.permutation(len(batches)):
            group, chosen = batches[place]
            yield Batch(group.numbers[:, chosen], group.targets[chosen], group.fixed[:, chosen])

    def run(self, after_epoch: Callable[[int, float], None]) -> None:
        """Trains; calls after_epoch(number, mean loss of a sentence)."""
        model, settings = self.model, self.settings
        trained = {**model.params, "vectors": model.vectors}
        mean = {name: np.zeros_like(array) for name, array in trained.items()}
        first_averaged = settings.epochs // 2
        for epoch in range(settings.epochs):
            loss = sum(self.step(batch) for batch in self.batches())
            if epoch >= first_averaged:
                for name, array in trained.items():
                    mean[name] += array / (settings.epochs - first_averaged)
            after_epoch(epoch + 1, loss / self.sentences)
        for name, array in trained.items():
            array[...] = mean[name]

    def step(self, batch: Batch) -> float:
        settings, model = self.settings, self.model
        known = np.where(self.rng.random(batch.numbers.shape) < settings.forget_word, 0, batch.numbers)
        # One draw of the coordinates for a whole sentence: else the words' sum would average it away.
        kept = self.rng.random((1, known.shape[1], settings.vector)) >= settings.forget_unit
        keep = (kept / (1 - settings.forget_unit)).astype(model.vectors.dtype)
        loss, gradients, words, per_word = model.loss_and_grad(Batch(known, batch.targets, batch.fixed), keep)

        # The loss is a sum. Divided by the full batch size, a sentence weighs the same in a smaller batch.
        norm = np.sqrt(sum(np.sum(g**2) for g in (*gradients.values(), per_word))) / settings.batch
        scale = min(1.0, settings.clip / (norm + 1e-12)) / settings.batch
        rate = self.rate()
        self.adam.steps += 1
        for name, gradient in gradients.items():
            self.adam.update(name, model.params[name], scale * gradient, rate, slice(None))
        self.adam.update("vectors", model.vectors, scale * per_word, rate, words)
        return loss

    def rate(self) -> float:
        """Rises over the first epoch, then falls in a straight line to zero."""
        done = self.adam.steps
        rising = min(1.0, (done + 1) / self.per_epoch)
        return self.settings.rate * rising * (1 - done / (self.per_epoch * self.settings.epochs))
