r"""Parameters with a copy for each step: by \partial W^{(t)} textbooks mean what step t adds to the gradient.

>>> model = Model("h[t] = tanh(W @ h[t-1])" + chr(10) + "E[t] = squared_error(y[t], h[t])")
>>> print(with_copies(model, ["W"]).text)
h[t] = tanh(W_at[t] @ h[t-1])
E[t] = squared_error(y[t], h[t])
W_at[t] = W
"""

from __future__ import annotations

from collections.abc import Sequence

from rnnsym.language.model import Model
from rnnsym.language.syntax import free_name, references


class Copied(Model):
    """A model in which every step uses copies of some parameters, by name: the gradient by one is that step's part."""

    copies: dict[str, str]


def with_copies(model: Model, names: Sequence[str]) -> Model:
    """The same model where each step uses a copy of its own of some parameters; all the copies are equal."""
    copies = {name: free_name(f"{name}_at", model.names) for name in names}
    rows = model.text.split("\n")
    every_step = [d for d in model.definitions if d.target.time is not None and d.target.time.anchor == "t"]
    places = {(node.span, node.name) for d in every_step for node in references(d.value) if node.name in copies}
    for span, name in sorted(places, key=lambda place: (place[0].line, place[0].start), reverse=True):
        row = rows[span.line - 1]
        rows[span.line - 1] = f"{row[: span.start]}{copies[name]}[t]{row[span.start + len(name) :]}"
    used = [name for name in names if any(name == other for _, other in places)]
    text = "\n".join([*rows, *(f"{copies[name]}[t] = {name}" for name in used)])
    sizes = {**model.sizes, **{name: declared(model, name) for name in used if name not in model.sizes}}
    found = Copied(
        text, sizes, inputs=model.inputs, fixed=model.fixed,
        loss=[definition.target.name for definition in model.losses], name=model.name, symbols=model.symbols,
    )  # fmt: skip
    found.copies = {name: copies[name] for name in used}
    return found


def declared(model: Model, name: str) -> tuple[str | int, ...]:
    """The shape of a parameter as a declaration."""
    return tuple(int(size) if size.is_number else str(size) for size in model.shapes[name])
