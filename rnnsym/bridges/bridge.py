"""Parameters of a model as a framework keeps them, and the other way round.

A model says in `bridges` which of its parameters are which blocks of which arrays; nothing here knows a framework or a
model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Expr, Symbol

from rnnsym.bridges.layout import Layout, Placed, Shape, blocks, parse, placed, shape
from rnnsym.errors import RnnsymError, ShapeError, suggestion
from rnnsym.language.model import Model

#: What stands for the places in the names of arrays that a single cell leaves open.
ALONE = {"layer": "0"}


@dataclass(frozen=True)
class SizeRule:
    """How a size is read off an array: size `axis` of `key`, less `known`, over `count`."""

    size: Symbol
    key: str
    axis: int
    known: Expr
    count: int


@dataclass(frozen=True)
class Bridge:
    """Between the parameters of a model and a framework's arrays; made by `bridge`."""

    model: Model
    framework: str
    layouts: Mapping[str, Layout]

    @property
    def own(self) -> tuple[str, ...]:
        """The parameters that have a place in the framework's arrays; the others keep their names."""
        named = {block.name for layout in self.layouts.values() for block in blocks(layout)}
        return tuple(name for name in self.model.parameters if name in named)

    @property
    def shapes(self) -> dict[str, Shape]:
        """The sizes of the framework's arrays, and of the parameters that have no place there."""
        found = {key: shape(layout, self.model.shapes) for key, layout in self.layouts.items()}
        return found | {name: self.model.shapes[name] for name in self.model.parameters if name not in self.own}

    def places(self) -> dict[str, list[tuple[str, Placed]]]:
        """For each parameter where it stands: the arrays and the places in them."""
        found: dict[str, list[tuple[str, Placed]]] = {name: [] for name in self.own}
        for key, layout in self.layouts.items():
            for place in placed(layout, self.model.shapes):
                found[place.block.name].append((key, place))
        return found

    def size_rules(self) -> list[SizeRule]:
        """How the sizes that tell the places are read off the arrays, in an order in which that works."""
        shapes = {key: own for key, own in self.shapes.items() if key in self.layouts}
        wanted = {symbol for own in shapes.values() for size in own for symbol in size.free_symbols}
        rules: list[SizeRule] = []
        while missing := wanted - {rule.size for rule in rules}:
            rule = next(
                (
                    SizeRule(symbol, key, axis, size - count * symbol, int(count))
                    for key, own in shapes.items()
                    for axis, size in enumerate(own)
                    for symbol in sorted(missing & size.free_symbols, key=str)
                    if (count := size.coeff(symbol)).is_Integer and not (size.free_symbols & missing) - {symbol}
                ),
                None,
            )
            if rule is None:
                names = ", ".join(sorted(map(str, missing)))
                raise RnnsymError(f"the arrays of {self.framework} do not tell the sizes {names}")
            rules.append(rule)
        return rules

    # Arrays

    def take(self, arrays: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        """The model's parameters from a framework's arrays, such as a state dict; vectors that it lacks are zero.

        `prefix` stands before every name there: `"rnn."`. Raises ShapeError for arrays that lack or do not fit.
        """
        found = self._found(arrays, prefix)
        sizes = self._sizes(found)
        params: dict[str, Any] = {}
        for name, places in self.places().items():
            total: Any = 0
            for key, place in places:
                part = found[key][self._index(place, sizes)]
                part = part.T if place.block.turned else part
                total = total - part if place.block.negative else total + part
            params[name] = np.array(total)
        return params | {name: found[name] for name in self.model.parameters if name not in self.own and name in found}

    def give(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The framework's arrays from the model's parameters; one with several places stands in the first of them."""
        return self._arrays(params, once=True)

    def gradients(self, gradients: Mapping[str, Any]) -> dict[str, Any]:
        """The gradients by the framework's arrays from those by the model's parameters; inputs keep theirs."""
        return self._arrays(gradients, once=False)

    def _arrays(self, params: Mapping[str, Any], once: bool) -> dict[str, Any]:
        sizes = {}
        for name in self.own:
            if name not in params:
                raise ShapeError(f"params lacks '{name}'")
            for size, number in zip(self.model.shapes[name], np.shape(params[name]), strict=True):
                if isinstance(size, Symbol):
                    sizes[size] = number
        some = np.asarray(params[self.own[0]])
        found = {
            key: np.zeros(tuple(int(size.xreplace(sizes)) for size in shape(layout, self.model.shapes)), some.dtype)
            for key, layout in self.layouts.items()
        }
        for name, places in self.places().items():
            for key, place in places[:1] if once else places:
                value = np.asarray(params[name])
                value = value.T if place.block.turned else value
                found[key][self._index(place, sizes)] = -value if place.block.negative else value
        return found | {name: value for name, value in params.items() if name not in self.own}

    def _found(self, arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        """The arrays by their names without prefix."""
        found = {}
        lacking = []
        for key, own in self.shapes.items():
            if prefix + key in arrays:
                found[key] = np.asarray(arrays[prefix + key])
                if found[key].ndim != len(own):
                    raise ShapeError(f"{prefix + key} has the shape {found[key].shape}, expected {_shown(own)}")
            elif key in self.layouts:
                lacking.append(key)
        for key in lacking:
            if not _is_vector(self.layouts[key], self.model):
                hint = suggestion(prefix + key, arrays) or f"there are: {', '.join(arrays)}"
                raise ShapeError(f"there is no array '{prefix + key}', of shape {_shown(self.shapes[key])}; {hint}")
        if lacking:
            sizes = self._sizes(found)
            for key in lacking:
                found[key] = np.zeros(tuple(int(size.xreplace(sizes)) for size in self.shapes[key]))
        return found

    def _sizes(self, arrays: Mapping[str, Any]) -> dict[Expr, int]:
        """The numbers that the sizes stand for; raises ShapeError where arrays do not agree."""
        sizes: dict[Expr, int] = {}
        for rule in self.size_rules():
            if rule.key in arrays:
                sizes[rule.size] = (arrays[rule.key].shape[rule.axis] - int(rule.known.xreplace(sizes))) // rule.count
        for key, array in arrays.items():
            if key in self.layouts:
                wanted = tuple(int(size.xreplace(sizes)) for size in self.shapes[key])
                if array.shape != wanted:
                    known = ", ".join(f"{size} = {number}" for size, number in sizes.items())
                    raise ShapeError(
                        f"{key} has the shape {array.shape}, expected {_shown(self.shapes[key])} with {known}"
                    )
        return sizes

    @staticmethod
    def _index(place: Placed, sizes: Mapping[Expr, int]) -> tuple[int | slice, ...]:
        return tuple(
            slice(*(int(end.xreplace(sizes)) for end in entry)) if isinstance(entry, tuple) else int(entry)
            for entry in place.place
        )


def bridge(model: Model, framework: str) -> Bridge:
    """Between a model's parameters and the arrays of a framework, such as "torch", "keras" or "onnx".

    >>> model = Model('''
    ...     h[t] = tanh(W @ h[t-1] + U @ x[t] + b)
    ...     E[t] = squared_error(d[t], h[t])
    ... ''', sizes={"x": "m", "h": "n"}, bridges={"ours": {"kernel": "U.T; W.T", "bias": "b"}})
    >>> ours = bridge(model, "ours")
    >>> ours.shapes
    {'kernel': (m + n, n), 'bias': (n,)}
    >>> params = ours.take({"kernel": np.arange(15.0).reshape(5, 3), "bias": np.zeros(3)})
    >>> params["U"].shape, params["W"].shape
    ((3, 2), (3, 3))

    Raises RnnsymError where the model says nothing of the framework, and ModelError where what it says does not fit.
    """
    if framework not in model.bridges:
        known = ", ".join(model.bridges) or "none"
        hint = suggestion(framework, model.bridges)
        raise RnnsymError(
            f"{model.name} does not say how {framework} keeps its parameters; it has bridges for {known}"
            + (f"; {hint}" if hint else "")
        )
    arrays = {
        re.sub(r"\{(\w+)\}", lambda found: ALONE.get(found[1], ""), key): parse(text)
        for key, text in model.bridges[framework].items()
    }
    found = Bridge(model, framework, arrays)
    _ = found.shapes, found.places()
    return found


def _is_vector(layout: Layout, model: Model) -> bool:
    return all(len(model.shapes[block.name]) < 2 for block in blocks(layout))


def _shown(own: Shape) -> str:
    return f"({', '.join(map(str, own))}{',' if len(own) == 1 else ''})"
