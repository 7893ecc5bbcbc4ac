"""From equations to a trained network: derive a recurrent network's gradients, export them, train on movie reviews.

python demo.py                                  the whole story, in about a minute
python demo.py --sentence "it is never dull"    and what the models make of a sentence of yours
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Protocol

# The matrices here are small, and with more threads NumPy spends its time waiting. Must be set before it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

import phrases
import reviews
from bag_of_words import fit_tuned
from measure import measure
from reviews import Example, Vocabulary, Words
from train import SentenceRNN, Settings, Trainer

KERNEL = Path(__file__).parents[2] / "build" / "many_to_one.py"
ARTICLE = ("this movie is good", "this movie is bad", "this movie is not good")
WIDTH = 100


class Model(Protocol):
    """Says how probable it is that a sentence is positive."""

    def predict(self, sentences: Sequence[Words]) -> np.ndarray: ...


@dataclass(frozen=True)
class Data:
    """What is trained on, and what is held out."""

    training: list[Example]
    tuning: list[Example]
    held_out: list[Example]
    phrases: list[Example]

    @property
    def learned(self) -> list[Example]:
        """What both models are trained on in the end."""
        return [*self.training, *self.tuning, *self.phrases]


def main() -> None:
    arguments = parse()
    start = time.perf_counter()
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH

    stage(console, "1. Equations in, gradients and a checked kernel out")
    if arguments.kernel is None:
        derive_check_export(console, KERNEL)
    kernel = load_kernel(arguments.kernel or KERNEL)

    stage(console, "2. Movie reviews, and phrases that show what “not” does")
    data = Data(*reviews.split(reviews.read()), phrases.training_phrases())
    describe(console, data)

    stage(console, "3. The baseline: a bag of words")
    vocabulary = Vocabulary(data.learned)
    baselines = fit_baselines(console, data, vocabulary)

    stage(console, "4. The exported kernel, trained")
    settings = replace(Settings(), seed=arguments.seed, epochs=arguments.epochs)
    rnn = train_rnn(console, kernel, data, vocabulary, settings)
    models = {"RNN": rnn, **baselines}

    stage(console, "5. What they have learned, measured on sentences that neither has seen")
    show_accuracy(console, data, models)

    stage(console, "6. Three sentences" + (", and yours" if arguments.sentence else ""))
    show_sentences(console, data, models, [*ARTICLE, *arguments.sentence])
    console.print(f"\n[dim]Seed {arguments.seed}, {time.perf_counter() - start:.0f} seconds in all.[/]")


def parse() -> argparse.Namespace:
    def sentence(text: str) -> str:
        if not reviews.tokenise(text):
            raise argparse.ArgumentTypeError("a sentence needs words")
        return text

    def whole(text: str, least: int = 0) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} on, not {text!r}")
        return int(text)

    parser = argparse.ArgumentParser(description="derive an RNN, export its gradients, train it on movie reviews")
    parser.add_argument("--sentence", action="append", default=[], type=sentence, help="try a sentence; repeatable")
    parser.add_argument(
        "--epochs", type=partial(whole, least=1), default=Settings.epochs, help="passes through the training data"
    )
    parser.add_argument("--seed", type=whole, default=Settings.seed, help="for everything that is random")
    parser.add_argument("--kernel", type=Path, metavar="FILE", help="train this exported kernel; derive nothing")
    return parser.parse_args()


def stage(console: Console, title: str) -> None:
    console.print()
    console.rule(f"[bold]{title}", align="left")


def say(console: Console, text: str) -> None:
    """Prints plain text, in which [t] is an index and not markup."""
    console.print(Text(text))


def derive_check_export(console: Console, path: Path) -> None:
    """All that this demo asks of rnnsym; what follows uses the exported file alone."""
    import rnnsym

    model = rnnsym.load("many_to_one")
    say(console, "rnnsym reads the equations of a network that has one answer for a sequence, and derives:\n")
    derivation = rnnsym.derive(model)
    say(console, derivation.to_text(detail="result"))

    say(console, "The same gradients by independent routes:\n")
    with console.status("checking"):
        report = rnnsym.crosscheck(model)
    say(console, str(report))
    if not report.passed:
        raise SystemExit("the routes disagree: nothing is exported")

    path.parent.mkdir(exist_ok=True)
    rnnsym.generate(model).save(path, force=True)
    lines = len(path.read_text(encoding="utf-8").splitlines())
    say(console, f"\nExported to {shown(path)}: {lines} lines that need NumPy alone. From here on rnnsym is not used.")


def load_kernel(path: Path) -> ModuleType:
    if not path.is_file():
        raise SystemExit(f"there is no kernel at {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is not a Python file")
    kernel = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kernel)
    return kernel


def describe(console: Console, data: Data) -> None:
    known = [*data.training, *data.tuning]
    praise = np.mean([example.positive for example in known])
    say(
        console,
        f"Film critics in a sentence or two, each rated by some twenty people (Hutto and Gilbert 2014): {len(known):,} "
        f"reviews to train on, {praise:.0%} of them positive, and {len(data.held_out):,} held out.",
    )
    say(
        console,
        "\nReviews alone do not teach what “not” does. So both models also get "
        f"{len(data.phrases):,} generated phrases with {len(phrases.ADJECTIVES)} adjectives, such as:",
    )
    for example in data.phrases[:: len(data.phrases) // 5][:5]:
        console.print(mark(example.positive), Text(" ".join(example.words)))
    say(
        console,
        "They change no adjective's word vector in the RNN: what a word means it learns from the reviews alone, and "
        "only the rule from the phrases.",
    )


def fit_baselines(console: Console, data: Data, vocabulary: Vocabulary) -> Mapping[str, Model]:
    """Fitted on the RNN's data; and, as the phrases are of little use to it, on the reviews alone."""
    with console.status("fitting"):
        same, penalty = fit_tuned(vocabulary, data.training, data.tuning, data.phrases)
        alone, _ = fit_tuned(vocabulary, data.training, data.tuning)
    say(
        console,
        f"Logistic regression on which of {len(vocabulary) - 1:,} words occur, on exactly the RNN's data, fitted to "
        f"the optimum; its penalty, {penalty:g}, is the best of five on a tenth of the reviews. And once more on the "
        "reviews alone, since the phrases can only confuse it.",
    )
    return {"bag of words": same, "bag, reviews alone": alone}


def train_rnn(
    console: Console, kernel: ModuleType, data: Data, vocabulary: Vocabulary, settings: Settings
) -> SentenceRNN:
    rnn = SentenceRNN(kernel, vocabulary, settings)
    trainer = Trainer(rnn, data.learned, settings)
    weights = sum(array.size for array in rnn.params.values())
    say(
        console,
        f"{settings.hidden} hidden units, {weights:,} weights, {rnn.vectors.size:,} numbers in the word vectors. Adam "
        "follows the gradients that the exported file computes; ∂E/∂x[t] is what trains the word vectors.",
    )
    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(bar_width=40),
        TextColumn("loss {task.fields[loss]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=settings.epochs, loss="...")
        trainer.run(lambda epoch, loss: progress.update(task, completed=epoch, loss=f"{loss:.3f}"))
    return rnn


def show_accuracy(console: Console, data: Data, models: Mapping[str, Model]) -> None:
    affirmed, negated = phrases.negation_test()
    other = [example for examples in phrases.negation_test(phrases.OTHER_WORDING) for example in examples]
    tests = {
        "held-out reviews": data.held_out,
        "  those with a negation": [example for example in data.held_out if reviews.has_negation(example)],
        "affirmed: this movie is A": affirmed,
        "negated: this movie is not A": negated,
        "same words, other order": phrases.order_test(),
        "other wording": other,
    }
    table = Table("right, in per cent", "sentences", *models, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, examples in tests.items():
        sentences = [example.words for example in examples]
        cells = [str(measure(model.predict(sentences), examples)) for model in models.values()]
        table.add_row(name, f"{len(examples):,}", *cells)
    console.print(table)
    praise, blame = (" ".join(example.words) for example in phrases.order_test()[:2])
    adjectives = len(phrases.TEST_POSITIVE + phrases.TEST_NEGATIVE)
    say(
        console,
        f"\nIn brackets the 95% interval. From the third row on, the {adjectives} adjectives are in no training "
        "phrase, and all sentences with the same adjectives count as one in the interval.",
    )
    say(
        console,
        f"\nSame words, other order: “{praise}” is praise, “{blame}” is blame; to a bag of words they are one. "
        f"Other wording: forms that no training phrase has, such as “{' '.join(other[-1].words)}”.",
    )


def show_sentences(console: Console, data: Data, models: Mapping[str, Model], sentences: Sequence[str]) -> None:
    table = Table("probability that it is positive", *models, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    words = [reviews.tokenise(sentence) for sentence in sentences]
    said = [model.predict(words) for model in models.values()]
    for sentence, *probabilities in zip(sentences, *said, strict=True):
        table.add_row(Text(sentence), *(percentage(p) for p in probabilities))
    console.print(table)
    with_good = [example.positive for example in (*data.training, *data.tuning) if "good" in example.words]
    say(
        console,
        f"\nNo training phrase has “good” or “bad”. And “good” is faint praise among critics: of the {len(with_good)} "
        f"training reviews with that word, {np.mean(with_good):.0%} are positive.",
    )


def mark(positive: bool) -> Text:
    return Text("  + ", "green") if positive else Text("  - ", "red")


def percentage(probability: float) -> Text:
    return Text(f"{probability:.0%}", "green" if probability > 0.5 else "red")


def shown(path: Path) -> Path:
    """The path as seen from here, where it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    main()
