"""Kinds of blocks with pictures: activation functions, a training, a fading gradient, the unrolled graph."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import PurePosixPath

import numpy as np
import sympy

from rnnsym.checks.kits import FloatKit
from rnnsym.docs.charts import Series, figure, line_chart, standalone
from rnnsym.docs.data import Array, DataFile, read
from rnnsym.docs.kinds import Kind, Option, OptionError, Request, choice, named, numbers, table, whole, words
from rnnsym.docs.numbers import DATA, decimal
from rnnsym.drawing.drawing import LONGEST
from rnnsym.dynamics.jacobians import kernel_of
from rnnsym.language.model import Model
from rnnsym.operations import OPERATIONS, Elementwise
from rnnsym.pipeline import generate

#: Where activation functions are drawn.
REACH, POINTS = 4.0, 121


def activations(request: Request) -> str:
    """Each function with its derivative: a table of formulas, and a chart for each."""
    entries = []
    for name in request["of"]:
        entry = OPERATIONS.get(name)
        if not isinstance(entry, Elementwise):
            raise OptionError(f"of: {name} is not a function of one number")
        entries.append(entry)
    a, y = sympy.symbols("a y")
    rows = [
        (
            entry.name,
            f"$y = {entry.latex}(a)$",
            rf"$\frac{{dy}}{{da}} = {sympy.latex(entry.derivative(a, y))}$",
            slope(entry),
        )
        for entry in entries
    ]
    charts = "\n".join(figure(curve(entry), f"{entry.name} and its derivative") for entry in entries)
    head = ("function", "definition", "derivative, in terms of the output", "largest slope")
    return f'{table(head, rows)}\n\n<div class="charts">\n{charts}\n</div>'


def slope(entry: Elementwise) -> str:
    return "unbounded" if entry.slope is None else str(entry.slope)


def curve(entry: Elementwise) -> str:
    """A function and its derivative, the second by the complex step from the first."""
    x = np.linspace(max(-REACH, entry.domain[0] + 0.05), min(REACH, entry.domain[1]), POINTS)
    step = 1e-20
    value = entry.definition(FloatKit(), x + 1j * step)
    lines = (("derivative", value.imag / step), (entry.name, value.real))
    return line_chart(
        [Series(label, list(x), list(y)) for label, y in reversed(lines)],
        f"{entry.name} and its derivative from {x[0]:g} to {x[-1]:g}",
        "a",
        width=380,
    )


def training(request: Request) -> str:
    """Gradient descent on the sentences of a data file: the loss, and what the network makes of each sentence."""
    file = read(request.subject, request["data"], request.folder)
    if not file.examples or file.words is None:
        raise OptionError(f"data: {file.path} needs examples and [words]")
    kernel, steps = file.kernel, file.steps
    batches = [file.sentence(*pair).batch for pair in file.examples]
    before = params = file.start
    losses = []
    for _ in range(steps):
        found = [kernel.loss_and_grad(params, batch) for batch in batches]
        losses.append(sum(loss for loss, _ in found) / len(found))
        rate = file.rate / len(found)
        params = {name: value - rate * sum(gradients[name] for _, gradients in found) for name, value in params.items()}
    fall = f"from {losses[0]:.3f} to {losses[-1]:.3f}"
    chart = line_chart(
        [Series("mean loss", list(range(1, steps + 1)), losses)],
        f"The mean loss falls {fall}",
        "steps of gradient descent",
    )
    rows = [
        (f"“{sentence}”", label, seen, *(chance(file, p, sentence, label) for p in (before, params)))
        for seen, pairs in (("yes", file.examples), ("no", file.held_out))
        for sentence, label in pairs
    ]
    last = file.words.classes[-1]
    head = ("sentence", "label", "trained on", f"P({last}) before", f"P({last}) after")
    caption = f"The mean loss over the {len(batches)} sentences, {fall}."
    return f"{figure(chart, caption)}\n\n{table(head, rows, numeric=3)}"


def chance(file: DataFile, params: dict[str, Array], sentence: str, label: str) -> str:
    """The probability of the last class."""
    found = file.kernel.predict(params, file.sentence(sentence, label).batch)
    assert file.words is not None
    if file.words.output not in found:
        raise OptionError(f"data: {file.path}: output is one of {', '.join(found)}")
    return decimal(float(np.ravel(found[file.words.output])[-1]), 3)


def fading(request: Request) -> str:
    """How much of the gradient is left, step by step backwards from the end."""
    models = [request.subject, *(named(name, request.folder) for name in request["models"])]
    if len(models) > 1 and len(request["scales"]) > 1:
        raise OptionError("scales: several of them go with one model")
    series = [
        Series(
            model.title if len(models) > 1 else f"{request['of']} × {scale:g}",
            list(range(request["length"])),
            _norms(model, request, scale),
        )
        for model in models
        for scale in request["scales"]
    ]
    title = f"Norm of the gradient by {request['by']}, over the distance from the last step"
    chart = line_chart(series, title, "steps back from the end", log=True)
    return placed(request, chart, standalone(chart), title)


def _norms(model: Model, request: Request, scale: float) -> list[float]:
    """The norm of the gradient by an input sequence, from the last step to the first."""
    size, length, by, of = (request[name] for name in ("size", "length", "by", "of"))
    if by not in model.sequences:
        raise OptionError(f"by: is one of the input sequences {', '.join(model.sequences)}")
    shapes = kernel_of(model).shapes
    symbols = {part for shape in shapes.values() for part in shape} - {"T", "B"}
    kernel = generate(model, sizes=dict.fromkeys(symbols, size))
    random = np.random.default_rng(request["seed"])
    params = kernel.init(request["seed"])
    for name, value in request["set"].items():
        if name in params:
            params[name] = np.full_like(params[name], value)
    for name, value in params.items():
        if fnmatch(name, of) and value.shape == (size, size):
            # Orthogonal, so that every singular value is the scale and nothing else matters.
            params[name] = scale * np.linalg.qr(random.standard_normal((size, size)))[0]
    inputs = {
        key: 0.1 * random.standard_normal([{"T": length, "B": 1}.get(part, size) for part in shapes[key]])
        for key in model.input_keys
    }
    _, gradients = kernel.loss_and_grad(params, inputs)
    return [float(norm) for norm in np.linalg.norm(gradients[by][::-1, 0], axis=-1)]


def constants(text: str) -> dict[str, float]:
    """Reads `b_f:2,c:0`."""
    found = {}
    for part in words(text):
        name, _, value = part.partition(":")
        found[name] = numbers(value)[0]
    return found


def drawing(request: Request) -> str:
    """The unrolled graph."""
    found = request.derivation.draw(request["steps"], request["gradient"] or None, request["detail"])
    return placed(request, found.svg.strip(), found.svg, f"{request.subject.title}, unrolled")


def placed(request: Request, inside: str, alone: str, title: str) -> str:
    """A picture inside the page, or where `file=` is given as a file beside it."""
    name, caption = request["file"], request["caption"]
    if not name:
        return figure(inside, caption)
    path = PurePosixPath(name)
    if path.suffix != ".svg" or path.is_absolute() or ".." in path.parts:
        raise OptionError("file: is a name such as figures/flow.svg, below the folder of the page")
    target = request.folder / path
    if request.pictures.get(target, alone) != alone:
        raise OptionError(f"file: {name} is written by another block of the page already")
    request.pictures[target] = alone
    return f"![{title}]({name})" + (f"\n\n*{caption}*" if caption else "")


PLACE = (
    Option("caption", "below the picture", ""),
    Option("file", "an SVG file beside the page, as in figures/flow.svg; without it the picture is in the page", ""),
)

KINDS = (
    Kind(
        "drawing",
        "the graph unrolled, with the paths of a gradient where one is asked for",
        drawing,
        (
            Option("steps", "the length T", "3", whole(1, LONGEST)),
            Option("gradient", "the variable whose backward paths are marked", ""),
            Option("detail", "states, or full with pre-activations", "states", choice("states", "full")),
            *PLACE,
        ),
    ),
    Kind(
        "activations",
        "functions with their derivatives, as formulas and curves",
        activations,
        (Option("of", "names of functions, as in of=tanh,relu", read=words),),
        needs_model=False,
    ),
    Kind("training", "gradient descent on the sentences of a data file", training, (DATA,)),
    Kind(
        "fading",
        "the norm of a gradient over the distance from the last step",
        fading,
        (
            Option("by", "the input sequence whose gradient is shown", "x"),
            Option("of", "the recurrent matrices, as in W_*: each is set to an orthogonal one times the scale", "W"),
            Option("scales", "the scales, as in 0.5,1", "1", numbers),
            Option("models", "other models to compare with", "", words),
            Option("set", "parameters filled with a number, as in b_f:2", "", constants),
            Option("length", "T", "50", whole(2, 500)),
            Option("size", "of every vector", "16", whole(1, 256)),
            Option("seed", "of the numbers drawn", "0", whole(0, 10**6)),
            *PLACE,
        ),
    ),
)
