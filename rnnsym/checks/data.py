"""Data for checking a model: drawn so that a wrong gradient shows.

With T = 1, equal sizes, zero initial states or targets that sum to one, most wrong formulas pass. So: T of three and
more, sizes that differ pairwise, and everything drawn from continuous distributions around zero, scaled so that nothing
saturates.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from sympy import Expr, Symbol

from rnnsym.checks.kits import Array
from rnnsym.checks.numeric import kink_margin, loss
from rnnsym.checks.sizes import size_number, variable
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.language.syntax import Binary, Call, Expression, Number, Reference, walk
from rnnsym.operations import OPERATIONS, Elementwise

SCALE = 0.5
#: Where a function's domain asks for it. Below one, so that log(1 - y) has a value too.
POSITIVE = (0.3, 0.7)
#: Nearer to a kink than this, central differences would step over it.
MARGIN = 2e-3
LARGEST_LOSS = 1e6
TRIES = 12


class Data(NamedTuple):
    """What a model is evaluated on: params `(rows, columns)`; inputs: sequences `(T, B, size)`, others `(B, size)`."""

    params: dict[str, Array]
    inputs: dict[str, Array]
    sizes: dict[str, int]


def draw(
    model: Model,
    seed: int | np.random.Generator,
    length: int = 4,
    batch: int | None = 1,
    sizes: Mapping[str, int] | None = None,
) -> Data:
    """Random parameters and inputs for a model; `batch=None` leaves the batch axis out.

    length: T, raised to what the model needs. sizes: numbers for symbolic sizes, where wanted; the others are small
    and all different. Raises RnnsymError where the loss has no finite value at any data tried.

    >>> model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])" + chr(10) + "E[t] = squared_error(target[t], h[t])")
    >>> params, inputs, sizes = draw(model, seed=0)
    >>> sizes
    {'n_h': 2, 'n_x': 3}
    >>> {key: array.shape for key, array in (params | inputs).items()}
    {'W': (2, 2), 'U': (2, 3), 'x': (4, 1, 3), 'target': (4, 1, 2), 'h[0]': (1, 2)}
    """
    rng = np.random.default_rng(seed)
    bound = draw_sizes(model, rng, sizes)
    steps = max(length, model.timing.minimum_length)
    positive = positive_variables(model)
    best: Data | None = None
    widest = 0.0
    for attempt in range(TRIES):
        # Nothing but the distance from kinks was wrong so far, if a draw was kept: then the scale is right.
        scale = SCALE if best else SCALE / 2 ** (attempt // 2)
        everything = best is None and attempt >= TRIES // 2
        data = _draw(model, rng, steps, batch, bound, set(model.names) if everything else positive, scale)
        with np.errstate(all="ignore"):
            size = abs(loss(model, data.params, data.inputs, length=steps))
            margin = kink_margin(model, data.params, data.inputs, length=steps)
        if size <= LARGEST_LOSS and margin > widest:
            best, widest = data, margin
        if best and widest >= MARGIN:
            return best
    if best is None:
        raise RnnsymError(
            f"no data were found for which the loss of {model.name} is finite; "
            "look for a logarithm, root or division of something that may be negative or zero"
        )
    return best


def _draw(
    model: Model,
    rng: np.random.Generator,
    length: int,
    batch: int | None,
    sizes: Mapping[str, int],
    positive: set[str],
    scale: float,
) -> Data:
    def numbers(name: str, leading: tuple[int, ...]) -> Array:
        shape = (*leading, *(size_number(size, sizes) for size in model.shapes[name]))
        return rng.uniform(*POSITIVE, shape) if name in positive else rng.normal(0.0, scale, shape)

    examples = () if batch is None else (batch,)
    params = {name: numbers(name, ()) for name in model.param_keys}
    inputs = {
        key: numbers(variable(key), (length, *examples) if key in model.sequences else examples)
        for key in model.input_keys
    }
    return Data(params, inputs, dict(sizes))


def draw_sizes(model: Model, rng: np.random.Generator, wanted: Mapping[str, int] | None = None) -> dict[str, int]:
    """Numbers for the symbolic sizes, by name: small and, with those of the concatenations, pairwise different."""
    every = list(dict.fromkeys(size for name in model.names for size in model.shapes[name]))
    symbols = list(dict.fromkeys(symbol for size in every for symbol in _symbols(size)))
    known = dict(wanted or {})
    unknown = set(known) - {symbol.name for symbol in symbols}
    if unknown:
        raise RnnsymError(
            f"the model has no size {', '.join(sorted(unknown))}; it has {', '.join(s.name for s in symbols) or 'none'}"
        )
    open_names = [symbol.name for symbol in symbols if symbol.name not in known]
    rng.shuffle(open_names)
    for name in open_names:
        before = _coincidences(every, known)  # sizes that are wanted equal may stay so
        known[name] = next(n for n in itertools.count(2) if _coincidences(every, known | {name: n}) == before)
    return {symbol.name: known[symbol.name] for symbol in symbols}


def _coincidences(every: list[Expr], known: Mapping[str, int]) -> int:
    """How many of the sizes that are settled so far equal another one."""
    settled = [size_number(size, known) for size in every if all(symbol.name in known for symbol in _symbols(size))]
    return len(settled) - len(set(settled))


def _symbols(size: Expr) -> list[Symbol]:
    return sorted(size.free_symbols, key=str)


# Domains


def positive_variables(model: Model) -> set[str]:
    """The parameters and inputs that stand directly where a positive number is needed.

    >>> sorted(positive_variables(Model("E[t] = sum(log(x[t]) + 1 / y[t] + z[t] ** -0.5 + w[t])")))
    ['x', 'y', 'z']
    """
    found: set[str] = set()
    for definition in model.core:
        for node in walk(definition.value):
            found.update(name for operand in _restricted(node) for name in _plain(operand))
    return found - model.defined


def _restricted(node: Expression) -> Iterator[Expression]:
    """The operands of a node that have to be positive."""
    match node:
        case Call(function, (operand,)):
            entry: Any = OPERATIONS[function]
            if isinstance(entry, Elementwise) and entry.domain[0] == 0:
                yield operand
        case Binary("/", _, right):
            yield right
        case Binary("**", base, Number(exponent)) if exponent < 0 or exponent.denominator > 1:
            yield base


def _plain(node: Expression) -> Iterator[str]:
    """The variables that an operand is, or is a sum, product or complement of."""
    match node:
        case Reference(name):
            yield name
        case Binary("*" | "/" | "+", left, right) | Binary("-", Number() as left, right):
            yield from (*_plain(left), *_plain(right))
