"""The demo's rules about its data, and the gradients of its word vectors."""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import rnnsym

EXAMPLE = Path(__file__).parents[2] / "examples" / "sentiment"
sys.path[:0] = [str(EXAMPLE), str(EXAMPLE / "data")]

import bag_of_words  # noqa: E402
import demo  # noqa: E402
import measure  # noqa: E402
import phrases  # noqa: E402
import prepare  # noqa: E402
import reviews  # noqa: E402
import train  # noqa: E402
from reviews import Example, Vocabulary  # noqa: E402

TEST_ADJECTIVES = {*phrases.TEST_POSITIVE, *phrases.TEST_NEGATIVE}
TINY = train.Settings(vector=3, hidden=4, epochs=2, batch=8, forget_unit=0.0, forget_word=0.0)


@pytest.fixture(scope="module")
def all_reviews() -> list[Example]:
    return reviews.read()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("kernel") / "many_to_one.py"
    rnnsym.generate(rnnsym.load("many_to_one")).save(path)
    return demo.load_kernel(path)


def sentences_of_the_tests() -> list[Example]:
    affirmed, negated = phrases.negation_test()
    other_affirmed, other_negated = phrases.negation_test(phrases.OTHER_WORDING)
    return [*affirmed, *negated, *phrases.order_test(), *other_affirmed, *other_negated]


# The reviews


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("This isn't good.", "this is n't good"),
        ("It can't miss, won’t it?", "it ca n't miss , wo n't it ?"),
        ("The ''best'' of Almod\u00f3var's 8 films...", "the best of almod\u00f3var 's 8 films"),
        ("Lovely &amp; amazing ... really", "lovely amazing . really"),
        ("'Stock up!'", "stock up !"),
        ("...", ""),
    ],
)
def test_tokens(text: str, words: str) -> None:
    assert reviews.tokenise(text) == tuple(words.split())


def test_reviews_praise_or_blame_and_come_once(all_reviews: list[Example]) -> None:
    assert len(all_reviews) == 10_070
    assert len({example.group for example in all_reviews}) == len(all_reviews)
    undecided = 1 / (1 + np.exp(-reviews.UNDECIDED))
    assert all(example.target >= undecided or example.target <= 1 - undecided for example in all_reviews)
    assert 0.48 < np.mean([example.positive for example in all_reviews]) < 0.52


def test_no_review_is_on_two_sides(all_reviews: list[Example]) -> None:
    sides = [{example.group for example in side} for side in reviews.split(all_reviews)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == len(all_reviews)
    assert [len(side) for side in sides] == [7011, 1057, 2002]


def test_the_split_does_not_depend_on_order(all_reviews: list[Example]) -> None:
    shuffled = random.Random(0).sample(all_reviews, len(all_reviews))
    for side, again in zip(reviews.split(all_reviews), reviews.split(shuffled), strict=True):
        assert set(side) == set(again)


def test_prepared_lines_are_rating_and_text() -> None:
    assert prepare.table("7\t-0.66666667\tToo  \u00e9pic.\n8\t2\tFine\n") == "-0.67\tToo \u00e9pic.\n2.00\tFine\n"


def test_words_seen_once_are_unknown() -> None:
    vocabulary = Vocabulary([Example(("a", "b", "a"), 1.0, ""), Example(("c", "b"), 0.0, "")])
    assert vocabulary.encode(("a", "b", "c", "d")).tolist() == [1, 2, 0, 0]
    assert len(vocabulary) == 3


# The phrases


def test_no_training_phrase_has_an_adjective_of_the_test() -> None:
    assert not TEST_ADJECTIVES & phrases.ADJECTIVES
    assert not TEST_ADJECTIVES & {word for example in phrases.training_phrases() for word in example.words}


def test_no_test_sentence_is_trained_on(all_reviews: list[Example]) -> None:
    trained = {example.words for example in (*all_reviews, *phrases.training_phrases())}
    assert not trained & {example.words for example in sentences_of_the_tests()}


def test_test_sentences_differ() -> None:
    sentences = [example.words for example in sentences_of_the_tests()]
    assert len(set(sentences)) == len(sentences)


def test_adjectives_of_the_test_are_known_from_reviews(all_reviews: list[Example]) -> None:
    training, tuning, _ = reviews.split(all_reviews)
    counts = Counter(word for example in (*training, *tuning) for word in set(example.words))
    assert min(counts[adjective] for adjective in TEST_ADJECTIVES) >= 8
    assert min(counts[adjective] for adjective in phrases.ADJECTIVES) >= 4


def test_an_adjective_alone_says_nothing_in_the_phrases() -> None:
    examples = phrases.training_phrases()
    assert len({example.words for example in examples}) == len(examples)
    for adjective in phrases.ADJECTIVES:
        signs = [example.positive for example in examples if adjective in example.words]
        assert np.mean(signs) == 0.5
    assert np.mean([example.positive for example in sentences_of_the_tests()]) == 0.5


def test_other_order_is_the_same_bag_with_the_opposite_meaning() -> None:
    examples = phrases.order_test()
    for one, other in zip(examples[::2], examples[1::2], strict=True):
        assert Counter(one.words) == Counter(other.words)
        assert one.words != other.words
        assert one.positive != other.positive


@pytest.mark.parametrize(
    ("text", "positive"),
    [
        ("this movie is good", True),
        ("this movie is not good", False),
        ("this movie is n't bad", True),
        ("this movie is good , not bad", True),
        ("this movie is not good , it is bad", False),
        ("they did not give us an inept film", True),
        ("we watched nothing witty", False),
    ],
)
def test_what_test_sentences_mean(text: str, positive: bool) -> None:
    assert {" ".join(example.words): example.positive for example in sentences_of_the_tests()}[text] is positive


# The baseline and the measure


def test_bag_of_words_is_fitted_to_the_optimum() -> None:
    examples = phrases.training_phrases()
    model = bag_of_words.BagOfWords(Vocabulary(examples)).fit(examples, penalty=0.5)
    residual = model.predict([example.words for example in examples]) - [example.target for example in examples]
    for word, number in model.vocabulary.number.items():
        slope = sum(r for r, example in zip(residual, examples, strict=True) if word in example.words)
        assert abs(slope + 0.5 * model.weights[number]) < 1e-3


def test_bag_of_words_is_right_on_one_of_two_orders(all_reviews: list[Example]) -> None:
    examples = all_reviews[:500] + all_reviews[-500:]
    model = bag_of_words.BagOfWords(Vocabulary(examples)).fit(examples, penalty=1.0)
    order = phrases.order_test()
    assert measure.accuracy(model.predict([example.words for example in order]), order) == 0.5


def test_interval() -> None:
    examples = [Example((), 1.0, str(i)) for i in range(10)]
    ten = measure.measure(np.array([1.0] * 8 + [0.0] * 2), examples)
    assert (ten.accuracy, round(ten.low, 3), round(ten.high, 3)) == (0.8, 0.490, 0.943)  # Wilson, 8 of 10
    paired = [replace(example, group=str(i // 2)) for i, example in enumerate(examples)]
    five = measure.measure(np.array([1.0] * 8 + [0.0] * 2), paired)
    assert five.low < ten.low  # groups count once
    assert five.high > ten.high


# The network


def network(kernel: ModuleType, examples: list[Example], settings: train.Settings = TINY) -> train.SentenceRNN:
    model = train.SentenceRNN(kernel, Vocabulary(examples, at_least=1), settings)
    model.vectors += np.random.default_rng(7).normal(0, 0.5, model.vectors.shape)
    return model


def test_gradients_of_word_vectors_by_differences(kernel: ModuleType) -> None:
    # "a" stands twice in the first sentence, and in both.
    examples = [Example(("a", "b", "a", "c"), 0.8, ""), Example(("d", "a", "b", "b"), 0.1, "")]
    model = network(kernel, examples)
    batch = train.encode(examples, model.vocabulary)
    keep = np.array([[[2.0, 0.0, 1.0], [1.0, 2.0, 0.0]]])
    _, _, words, gradient = model.loss_and_grad(batch, keep)
    assert words.tolist() == [1, 2, 3, 4]
    for row, word in enumerate(words):
        for column in range(3):
            losses = []
            for step in (1e-5, -2e-5):
                model.vectors[word, column] += step
                losses.append(model.loss_and_grad(batch, keep)[0])
            model.vectors[word, column] += 1e-5
            assert gradient[row, column] == pytest.approx((losses[0] - losses[1]) / 2e-5, abs=1e-8)


def test_phrases_leave_the_vectors_of_their_adjectives_alone(kernel: ModuleType) -> None:
    phrase = Example(("it", "is", "dull"), 0.05, "dull", generated=True)
    for example, moved in ((phrase, False), (replace(phrase, generated=False), True)):
        model = network(kernel, [phrase])
        before = model.vectors.copy()
        train.Trainer(model, [example], TINY).run(lambda epoch, loss: None)
        changed = np.any(model.vectors != before, axis=1)
        assert changed[model.vocabulary.number["dull"]] == moved
        assert changed[model.vocabulary.number["it"]]


def test_an_epoch_has_every_sentence_once(kernel: ModuleType) -> None:
    examples = phrases.training_phrases()[:300]
    model = network(kernel, examples)
    trainer = train.Trainer(model, examples, TINY)
    batches = list(trainer.batches())
    assert len(batches) == trainer.per_epoch
    assert max(batch.numbers.shape[1] for batch in batches) == TINY.batch
    seen = Counter(tuple(column) for batch in batches for column in batch.numbers.T.tolist())
    assert seen == Counter(tuple(model.vocabulary.encode(example.words).tolist()) for example in examples)


def test_an_answer_does_not_depend_on_the_sentences_beside_it(kernel: ModuleType) -> None:
    sentences = [example.words for example in phrases.training_phrases()[:40]]
    model = network(kernel, phrases.training_phrases())
    together = model.predict(sentences)
    assert together == pytest.approx([float(model.predict([words])[0]) for words in sentences], abs=1e-12)


def test_training_learns_and_repeats(kernel: ModuleType) -> None:
    examples = phrases.training_phrases()[::5]
    settings = train.Settings(vector=8, hidden=8, epochs=3, rate=0.01)

    def losses(seed: int) -> list[float]:
        model = network(kernel, examples, replace(settings, seed=seed))
        result: list[float] = []
        train.Trainer(model, examples, replace(settings, seed=seed)).run(lambda epoch, loss: result.append(loss))
        return [*result, *model.predict([example.words for example in examples[:5]])]

    first = losses(0)
    assert first == losses(0)
    assert first != losses(1)
    assert first[2] < first[0]


def test_rows_that_a_batch_has_not_touched_stay() -> None:
    table = np.ones((4, 2))
    adam = train.Adam()
    adam.steps = 1
    adam.update("table", table, np.full((2, 2), 3.0), rate=0.1, rows=np.array([1, 3]))
    assert table[[0, 2]].tolist() == [[1, 1], [1, 1]]
    assert table[[1, 3]] == pytest.approx(np.full((2, 2), 0.9))  # the first step of Adam is the rate
