"""Other models, made by edits of this one's equations: it may be their gradient that a function returns.

A hand-written function computes its own forward pass. Where its gradients are right for another model, such as a gated
unit with z and 1 - z exchanged or another loss, the other equation is named.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from rnnsym.checks.kits import Array
from rnnsym.checks.numeric import complex_step, loss
from rnnsym.errors import RnnsymError, Span
from rnnsym.language.expand import expand, rebuild
from rnnsym.language.model import Model
from rnnsym.language.readings import solve_shapes
from rnnsym.language.syntax import (
    Binary,
    Call,
    Definition,
    Expression,
    Number,
    Reference,
    Time,
    Transpose,
    children,
    walk,
)
from rnnsym.language.timing import analyse
from rnnsym.language.writing import written
from rnnsym.operations import OPERATIONS, Elementwise
from rnnsym.verify.functions.result import Explanation
from rnnsym.verify.functions.search import FACTORS
from rnnsym.verify.functions.trials import Trial, errors

NOWHERE = Span(1, 0, 0)
#: Of more gates of one form than these, the orders are too many to try.
MOST_GATES = 4
ONE = Number(Fraction(1), NOWHERE)
#: Functions that are taken for one another.
ACTIVATIONS = ("tanh", "sigmoid", "relu")
#: Losses that are taken for one another; each takes a target and an output.
LOSSES = ("squared_error", "cross_entropy", "binary_cross_entropy")


#: How far arrays are moved for a first look at a candidate, how close its loss has to change as was said, and how many
#: candidates are tried where the loss that is returned is the model's own.
STEP, CLOSE, FEW = 2.0**-14, 1e-3, 48


class Other(NamedTuple):
    """Another model: what is different, and its definitions."""

    text: str
    definitions: tuple[Definition, ...]


def other_models(model: Model) -> Iterator[Other]:
    """Models that differ from this one in one equation, or in two variables exchanged."""
    for position, definition in enumerate(model.definitions):
        seen = {str(written(definition.value))}
        for value in _other_values(model, definition):
            text = written(value)
            if text not in seen:
                seen.add(text)
                changed = (
                    *model.definitions[:position],
                    Definition(definition.target, value, definition.span),
                    *model.definitions[position + 1 :],
                )
                yield Other(f"{definition.target} = {text}", changed)
    yield from _reordered(model)
    yield from _exchanged(model)


def _other_values(model: Model, definition: Definition) -> Iterator[Expression]:
    """Other right sides for one equation."""
    value = definition.value
    complements = {written(inner): inner for node in walk(value) if (inner := _complement(node)) is not None}
    for shown, inner in complements.items():
        yield _mapped(value, functools.partial(_complemented, shown, inner))
    for node in walk(value):
        for replaced in _local(model, node):
            yield _with(value, node, replaced)


def _complement(node: Expression) -> Expression | None:
    """X, where the node is 1 - X."""
    match node:
        case Binary("-", Number(value), inner) if value == 1:
            return inner
    return None


def _complemented(shown: str, inner: Expression, node: Expression) -> Expression | None:
    """X for 1 - X, and 1 - X for X."""
    found = _complement(node)
    if found is not None and written(found) == shown:
        return inner
    return Binary("-", ONE, inner, NOWHERE) if written(node) == shown else None


def _local(model: Model, node: Expression) -> Iterator[Expression]:
    """What may stand in the place of one part of an equation."""
    match node:
        case Call(function, (operand,)) if isinstance(OPERATIONS[function], Elementwise):
            yield operand
            yield from (Call(other, (operand,), NOWHERE) for other in ACTIVATIONS if other != function)
        case Call(function, (target, output)) if function in LOSSES:
            for other in LOSSES:
                yield Call(other, (target, output), NOWHERE)
                for squashed in ("softmax", "sigmoid"):
                    yield Call(other, (target, Call(squashed, (output,), NOWHERE)), NOWHERE)
        case Binary("@", left, Binary("*", one, other)):
            yield Binary("*", one, Binary("@", left, other, NOWHERE), NOWHERE)
            yield Binary("*", other, Binary("@", left, one, NOWHERE), NOWHERE)
            yield Binary("@", left, one, NOWHERE)
            yield Binary("@", left, other, NOWHERE)
        case Binary("*", factor, Binary("@", left, other)) | Binary("*", Binary("@", left, other), factor):
            yield Binary("@", left, Binary("*", factor, other, NOWHERE), NOWHERE)
            yield Binary("@", left, other, NOWHERE)
        case Binary("*", factor, Binary("+", Binary("@", left, other), rest)):
            product = Binary("@", left, Binary("*", factor, other, NOWHERE), NOWHERE)
            yield Binary("+", product, rest, NOWHERE)
            yield Binary("+", Binary("*", factor, Binary("@", left, other, NOWHERE), NOWHERE), rest, NOWHERE)
        case Binary("+", left, right):
            yield from (left, right, Binary("-", left, right, NOWHERE))
        case Binary("-", left, right):
            yield from (left, Binary("+", left, right, NOWHERE))
        case Binary("*", left, right):
            yield from (left, right, Binary("+", left, right, NOWHERE))
        case Reference(name, Time("t", offset)) if name in model.defined and offset in (0, -1):
            yield Reference(name, Time("t", -1 - offset), NOWHERE)
            if not offset and model.shapes[name]:
                yield from (Call(other, (node,), NOWHERE) for other in ("tanh", "sigmoid"))
    if isinstance(node, Reference) and model.shapes[node.name]:
        shape = model.shapes[node.name]
        if node.time is None and len(shape) == 2 and shape[0] == shape[1]:
            yield Transpose(node, NOWHERE)
        if node.time is not None and node.name in model.defined:
            for other in model.defined:
                if other != node.name and model.shapes[other] == shape and other in model.timed:
                    yield Reference(other, node.time, NOWHERE)


def _exchanged(model: Model) -> Iterator[Other]:
    """Two variables of the same shape exchanged wherever they are read, as gates stacked in another order."""
    names = [d.target.name for d in model.definitions if d.target.name in model.timed and model.shapes[d.target.name]]
    unique = list(dict.fromkeys(names))
    for position, one in enumerate(unique):
        for other in unique[position + 1 :]:
            if model.shapes[one] != model.shapes[other]:
                continue
            swap = {one: other, other: one}

            def exchange(node: Expression, swap: Mapping[str, str] = swap) -> Expression | None:
                return (
                    Reference(swap[node.name], node.time, NOWHERE)
                    if isinstance(node, Reference) and node.name in swap
                    else None
                )

            changed = tuple(Definition(d.target, _mapped(d.value, exchange), d.span) for d in model.definitions)
            yield Other(f"{one} and {other} exchanged", changed)


def _reordered(model: Model) -> Iterator[Other]:
    """Gates of one form with each other's parameters, as where their matrices are stacked in another order."""
    alike: dict[str, list[int]] = {}
    for position, definition in enumerate(model.definitions):
        if _parameters(model, definition):
            erased = _mapped(definition.value, functools.partial(_erased, model))
            alike.setdefault(written(erased), []).append(position)
    for places in alike.values():
        if len(places) > MOST_GATES:
            continue
        for order in itertools.permutations(places):
            if order == tuple(places):
                continue
            definitions = list(model.definitions)
            said = []
            for place, source in zip(places, order, strict=True):
                own, others = (_parameters(model, model.definitions[n]) for n in (place, source))
                swap = dict(zip(own, others, strict=True))
                value = _mapped(model.definitions[place].value, functools.partial(_renamed, swap))
                definitions[place] = Definition(model.definitions[place].target, value, definitions[place].span)
                if place != source:
                    said.append(f"{model.definitions[place].target} with those of {model.definitions[source].target}")
            yield Other(f"the gates in another order: by their parameters, {', '.join(said)}", tuple(definitions))


def _parameters(model: Model, definition: Definition) -> tuple[str, ...]:
    """The parameters of an equation in the order in which it names them."""
    found = (node.name for node in walk(definition.value) if isinstance(node, Reference))
    return tuple(dict.fromkeys(name for name in found if name in model.parameters))


def _erased(model: Model, node: Expression) -> Expression | None:
    """Parameters and functions without their names."""
    if isinstance(node, Reference) and node.name in model.parameters:
        return Reference("_", None, NOWHERE)
    if isinstance(node, Call) and isinstance(OPERATIONS[node.function], Elementwise):
        return Call("_", tuple(_mapped(a, functools.partial(_erased, model)) for a in node.arguments), NOWHERE)
    return None


def _renamed(names: Mapping[str, str], node: Expression) -> Expression | None:
    if isinstance(node, Reference) and node.name in names:
        return Reference(names[node.name], node.time, NOWHERE)
    return None


def _mapped(node: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """The tree with every node for which `change` has another one replaced, from the top."""
    replaced = change(node)
    if replaced is not None:
        return replaced
    parts = [_mapped(child, change) for child in children(node)]
    return rebuild(node, parts) if parts else node


def _with(tree: Expression, place: Expression, replaced: Expression) -> Expression:
    """The tree with one node, this very one, exchanged."""
    return _mapped(tree, lambda node: replaced if node is place else None)


def edited(model: Model, definitions: tuple[Definition, ...]) -> Model | None:
    """The model with other equations for the same variables; None where they make no sense."""
    found = copy.copy(model)
    _ = (model.parameters, model.input_keys, model.names, model.timed, model.defined)
    found.__dict__ |= {name: getattr(model, name) for name in ("parameters", "input_keys", "names", "timed", "defined")}
    # The shapes of variables stay: what is asked is only whether the equations fit.
    plain = {
        name: shape for name, shape in model.shapes.items() if all(size.is_Symbol or size.is_Integer for size in shape)
    }
    sizes = {name: tuple(int(n) if n.is_Integer else str(n) for n in shape) for name, shape in plain.items()}
    try:
        expanded = expand(definitions, model.text, (*model.sizes, *model.inputs))
        found.core = solve_shapes(expanded, sizes, model.text, model.inputs).definitions
        found.timing = analyse(found.core, model.text)
        found._check_order()
    except RnnsymError:
        return None
    if any(f"{name}[{time}]" not in model.input_keys for name, time in found.timing.given):
        return None
    names = {definition.target.name for definition in model.losses}
    found.losses = tuple(definition for definition in found.core if definition.target.name in names)
    return found


def gradient(model: Model, trial: Trial) -> dict[str, Array] | None:
    """The gradient of another model on a trial; None where it has none."""
    try:
        with np.errstate(all="ignore"):
            found = complex_step(model, trial.data.params, trial.data.inputs)
    except (RnnsymError, ValueError, AssertionError):
        return None
    return {key: array * trial.unit for key, array in found.items()}


def model_explanation(
    model: Model,
    trials: Sequence[Trial],
    returned: Sequence[Mapping[str, Array]],
    wrong: tuple[str, ...],
    loss_right: bool,
) -> Explanation | None:
    """The other model whose gradients these are, where there is one among those tried."""
    texts: list[str] = []
    for other in itertools.islice(other_models(model), FEW if loss_right else None):
        candidate = edited(model, other.definitions)
        if candidate is not None:
            factor = _factor(candidate, trials, returned)
            if factor is not None:
                texts.append(other.text + (f"; and {factor}" if factor else ""))
                if len(texts) == 3:
                    break
    if not texts:
        return None
    start = "the loss is the model's, but the gradients are" if loss_right else "the gradients are"
    said = [f"{start} those of another model, with {text}" for text in texts]
    return Explanation(("model",), (said[0],), wrong, tuple((text,) for text in said[1:]))


def _factor(candidate: Model, trials: Sequence[Trial], returned: Sequence[Mapping[str, Array]]) -> str | None:
    """What all gradients of a candidate have to be scaled with to be those returned, in words; None where nothing."""
    if not _plausible(candidate, trials[0], returned[0]):
        return None
    possible = list(FACTORS)
    for trial, gradients in zip(trials, returned, strict=True):
        true = gradient(candidate, trial)
        if true is None:
            return None
        possible = [
            factor
            for factor in possible
            if max(errors(gradients, {key: array * factor.of(trial) for key, array in true.items()}).values())
            <= trial.tolerance
        ]
        if not possible:
            return None
    return possible[0].text


def _plausible(candidate: Model, trial: Trial, returned: Mapping[str, Array]) -> bool:
    """Whether the candidate's loss changes in one random direction as the gradients say: two evaluations tell."""
    rng = np.random.default_rng(3)
    directions = {key: rng.normal(size=np.shape(array)) for key, array in returned.items()}
    parts = [float(np.vdot(returned[key], direction)) for key, direction in directions.items()]
    found = []
    for step in (STEP, -STEP):
        params, inputs = (
            {key: array + step * directions[key] if key in directions else array for key, array in arrays.items()}
            for arrays in (trial.data.params, trial.data.inputs)
        )
        try:
            with np.errstate(all="ignore"):
                found.append(trial.unit * loss(candidate, params, inputs))
        except (RnnsymError, ValueError, AssertionError):
            return False
    slope = (found[0] - found[1]) / (2 * STEP)
    size = max(sum(map(abs, parts)), 1e-12)
    return not np.isfinite(slope) or any(abs(f.of(trial) * slope - sum(parts)) < CLOSE * size for f in FACTORS)
