"""Sequences of different lengths in one batch: a mask says which steps of an example are there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rnnsym.composition.anatomy import Anatomy
from rnnsym.composition.assembly import Assembly, parsed
from rnnsym.errors import ModelError
from rnnsym.language.expand import free_times, rebuild
from rnnsym.language.model import Model
from rnnsym.language.syntax import Call, Definition, Expression, Part, Reference, Time, children, references
from rnnsym.language.writing import written


def masked(model: Model, *, mask: str | None = None) -> Model:
    """A model for batches of sequences that are padded to one length.

    mask: the name of an input sequence of scalars, 1 at the steps of an example and 0 at those added to fill it up;
    `mask`, or `present` where the model has a mask of its own.
    Where it is 0, states keep their value, and losses count nothing; a mean over time goes over the steps that are
    there.
    So `h[T]` is the state after the last step that is there, and padding costs no gradient. The padding follows the
    sequence; its numbers do not matter, as long as they are finite.

    >>> rnn = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])" + chr(10) + "E[t] = squared_error(d[t], h[t])")
    >>> print(masked(rnn).text)
    h[t] = mask[t] * tanh(W @ h[t-1] + U @ x[t]) + (1 - mask[t]) * h[t-1]
    E[t] = mask[t] * squared_error(d[t], h[t])
    """
    if mask is None:
        mask = next(name for name in ("mask", "present", "is_there") if name not in model.names)
    if mask in model.names:
        raise ModelError(f"{model.name} has a variable '{mask}' already", advice='name the mask, for example mask="m"')
    anatomy = Anatomy(model)
    losses = {d.target.name for d in model.losses}
    held = dict(anatomy.states)
    starts = []
    for name in _read_at_the_end(model, anatomy) - set(held) - losses:
        held[name] = 1
        starts.append(name)
    definitions = []
    for definition in _cut_open(model, set(held)):
        name, time = definition.target.name, definition.target.time
        value = _means(definition.value, definition.target, mask)
        if time is not None and name in losses:
            value = _parsed(f"{mask}[{time}] * {{}}", value) if time.anchor == "t" else value
        elif time is not None and name in held and (neighbour := _before(time, held[name])) is not None:
            text = f"{mask}[{time}] * {{}} + (1 - {mask}[{time}]) * {name}[{neighbour}]"
            value = _parsed(text, value)
        definitions.append(replace(definition, value=value))
    made = Assembly(model)
    made.add(model, definitions)
    for name in starts:
        if not any(d.target.name == name and d.target.time == Time("", 0) for d in definitions):
            made.definitions += parsed(f"{name}[0] = 0")
    made.shapes[mask] = ()
    made.parts = [replace(part, names=part.names | {mask}) if n == 0 else part for n, part in enumerate(model.parts)]
    made.bridge(model, {})
    return made.model(
        f"{model.name}_masked", f"{model.title}, for sequences of different lengths", [*losses], model.summary
    )


def _cut_open(model: Model, held: set[str]) -> Iterator[Definition]:
    """The equations of a model; parts of a vector as slices of it where one of them keeps its value under a mask."""
    solved = {definition.target: definition for definition in model.core}
    for definition in model.definitions:
        parts = definition.value.names if isinstance(definition.value, Part) else ()
        yield solved[definition.target] if held & set(parts) else definition


def _before(time: Time, direction: int) -> Time | None:
    """The time from which a state is kept; None for one with which it begins."""
    if time.anchor == "t":
        return Time("t", -direction)
    if direction == 1:
        return Time("T", time.offset - 1) if time.anchor == "T" and time.offset < 1 else None
    return Time("", time.offset + 1) if not time.anchor and time.offset > 0 else None


def _read_at_the_end(model: Model, anatomy: Anatomy) -> set[str]:
    """The computed sequences that are read at a time counted from the end, where padding stands."""
    return {
        node.name
        for definition in model.definitions
        for node in references(definition.value)
        if node.time is not None and node.time.anchor == "T" and node.time.offset < 1 and node.name in anatomy.reads
    }


def _means(node: Expression, target: Reference, mask: str) -> Expression:
    """Sums and means over time, over the steps that are there."""
    if (
        isinstance(node, Call)
        and node.function in ("sum", "mean", "sum_time", "mean_time")
        and not (target.time is not None and target.time.anchor == "t")
        and free_times(node.arguments[0])
    ):
        total = _parsed(f"sum_time({mask}[t] * {{}})", node.arguments[0])
        return total if node.function.startswith("sum") else _parsed(f"{{}} / sum_time({mask}[t])", total)
    parts = [_means(child, target, mask) for child in children(node)]
    return rebuild(node, parts) if parts else node


def _parsed(template: str, value: Expression) -> Expression:
    """A template read with an expression in its place."""
    return parsed(f"value = {template.format(f'({written(value)})')}")[0].value
