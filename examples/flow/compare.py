"""How gradients flow through three cells, before and after training on movie reviews.

python examples/flow/compare.py                  writes tables and a figure to build/flow, in under a minute
python examples/flow/compare.py --epochs 10      trains for longer

A vanilla network, an LSTM and a GRU read the same sentences. Along held-out reviews of one length, the Jacobians of
each joint state and their products say how much of a gradient at the last word reaches the earlier ones.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

# The matrices here are small, and with more threads NumPy spends its time waiting. Must be set before it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "sentiment"))

import numpy as np
import rnnsym
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rnnsym.dynamics.plots import save

import reviews
from reviews import Example, Vocabulary
from train import Arrays, SentenceRNN, Settings, Trainer

OUTPUT = Path(__file__).parents[2] / "build" / "flow"
READ_OUT = "\ny = softmax(V @ h[T] + c_y)\nE = cross_entropy(target, y)"
CELLS = {
    "vanilla RNN": "h[t] = tanh(W @ h[t-1] + U @ x[t] + b)",
    "LSTM": """
        i[t] = sigmoid(W_i @ h[t-1] + U_i @ x[t] + b_i)
        f[t] = sigmoid(W_f @ h[t-1] + U_f @ x[t] + b_f)
        o[t] = sigmoid(W_o @ h[t-1] + U_o @ x[t] + b_o)
        g[t] = tanh(W_g @ h[t-1] + U_g @ x[t] + b_g)
        c[t] = f[t] * c[t-1] + i[t] * g[t]
        h[t] = o[t] * tanh(c[t])""",
    "GRU": """
        r[t] = sigmoid(W_r @ h[t-1] + U_r @ x[t] + b_r)
        z[t] = sigmoid(W_z @ h[t-1] + U_z @ x[t] + b_z)
        g[t] = tanh(W_g @ (r[t] * h[t-1]) + U_g @ x[t] + b_g)
        h[t] = z[t] * h[t-1] + (1 - z[t]) * g[t]""",
}
SETTINGS = Settings(vector=24, hidden=24, epochs=4, forget_unit=0.2)
WORDS, SENTENCES = 20, 8  # of the held-out reviews along which gradients flow
DISTANCES = (1, 5, 10, 19)


class Reader(SentenceRNN):
    """A cell that reads sentences, from random matrices as the kernel draws them."""

    def __init__(self, model: rnnsym.Model, vocabulary: Vocabulary, settings: Settings):
        self.model = model
        self.kernel = rnnsym.generate(model).module
        self.vocabulary = vocabulary
        self.hidden = settings.hidden
        self.params = self.kernel.init(seed=settings.seed, m=settings.vector, n=settings.hidden, k=2)
        random = np.random.default_rng(settings.seed)
        # Wider than the demo's vectors, so that states move from the start, as they do after training.
        self.vectors = 0.3 * random.standard_normal((len(vocabulary), settings.vector))

    def inputs(self, vectors: np.ndarray) -> Arrays:
        """The kernel's inputs for word vectors (T, B, m): every state starts from 0."""
        given = [f"{name}[{moment}]" for name, moment in self.model.given]
        return {"x": vectors} | {key: np.zeros((vectors.shape[1], self.hidden)) for key in given}

    def flow(self, sentences: list[Example], name: str) -> rnnsym.Flow:
        """How gradients flow along sentences of one length."""
        numbers = np.stack([self.vocabulary.encode(example.words) for example in sentences], axis=1)
        positive = np.array([example.target for example in sentences])
        inputs = self.inputs(self.vectors[numbers]) | {"target": np.stack([1 - positive, positive], axis=1)}
        return rnnsym.flow(self.model, params=self.params, inputs=inputs, name=name)


def cell(equations: str, name: str) -> rnnsym.Model:
    lines = "\n".join(line.strip() for line in equations.splitlines())
    return rnnsym.Model(lines + READ_OUT, {"x": "m", "h": "n", "y": "k"}, inputs=("target",), name=name)


def compare(settings: Settings, console: Console) -> tuple[list[rnnsym.Flow], dict[str, float]]:
    """The flows of the three cells, initial and trained, and how many held-out reviews each gets right."""
    training, tuning, held_out = reviews.split(reviews.read())
    vocabulary = Vocabulary([*training, *tuning])
    along = [example for example in held_out if len(example.words) == WORDS][:SENTENCES]
    flows, right = [], {}
    with Progress(console=console, transient=True) as progress:
        for name, equations in CELLS.items():
            reader = Reader(cell(equations, name.replace(" ", "_")), vocabulary, settings)
            flows.append(reader.flow(along, f"{name}, initial"))
            task = progress.add_task(f"training the {name}", total=settings.epochs)
            Trainer(reader, [*training, *tuning], settings).run(lambda *_, task=task: progress.advance(task))
            flows.append(reader.flow(along, f"{name}, trained"))
            answers = reader.predict([example.words for example in held_out])
            right[name] = float(np.mean((answers > 0.5) == [example.positive for example in held_out]))
    return flows, right


def show(flows: list[rnnsym.Flow], right: dict[str, float], console: Console) -> None:
    table = Table("mean of |ds(t)/ds(t-d)|", *(f"d = {distance}" for distance in DISTANCES))
    for flow in flows:
        table.add_row(flow.name, *(f"{flow.decay()[distance]:.2g}" for distance in DISTANCES))
        if len(flow.blocks) > 1:
            for state in flow.blocks:
                values = (f"{flow.decay(state)[distance]:.2g}" for distance in DISTANCES)
                table.add_row(f"  {state} → {state}", *values, style="dim")
    console.print(table)
    console.print("Held-out reviews right: " + ", ".join(f"{name} {share:.1%}" for name, share in right.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=SETTINGS.epochs, help=f"default: {SETTINGS.epochs}")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("-o", "--output", type=Path, default=OUTPUT, help="a folder (default: build/flow)")
    arguments = parser.parse_args()
    console = Console(highlight=False)
    start = time.perf_counter()
    flows, right = compare(replace(SETTINGS, epochs=arguments.epochs, seed=arguments.seed), console)
    show(flows, right, console)
    for path in save(flows, arguments.output, force=True):
        console.print(str(path))
    console.print(f"{time.perf_counter() - start:.0f} seconds")


if __name__ == "__main__":
    main()
