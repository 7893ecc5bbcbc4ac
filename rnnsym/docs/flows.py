"""The kind of block that shows how gradients flow through time: Jacobians multiplied along a trajectory."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from rnnsym.docs.charts import Series, line_chart, standalone, together
from rnnsym.docs.curves import PLACE, constants, placed
from rnnsym.docs.heat import heat_map, scale
from rnnsym.docs.kinds import Kind, Option, OptionError, Request, named, numbers, table, whole, words
from rnnsym.dynamics.flow import Flow
from rnnsym.dynamics.flow import flow as flow_of
from rnnsym.dynamics.jacobians import kernel_of
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model

#: How wide the map of one model is where one, two or three stand in a figure.
WIDTHS = (300, 240, 172)
#: The distances of the table.
MARKS = (1, 2, 5, 10, 20, 50, 100)
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def flow(request: Request) -> str:
    """Heat maps, the decay over the distance, and the numbers."""
    models = [request.subject, *(named(name, request.folder) for name in request["models"])]
    if len(models) > len(WIDTHS):
        raise OptionError(f"models: at most {len(WIDTHS) - 1} others stand side by side")
    chosen = (request["length"], request["size"], request["seed"], request["scale"][0])
    flows = [_flow(model, *chosen, tuple(request["set"].items())) for model in models]
    series = _by_model(flows) if len(flows) > 1 else _by_state(flows[0])
    title = "Norm of the derivative of the state by an earlier one, over the distance"
    picture = together(
        [
            [heat_map(found.norms, found.name, WIDTHS[len(flows) - 1]) for found in flows],
            [scale([found.norms for found in flows])],
            [line_chart(series, title, "distance t − k", "‖ds[t]/ds[k]‖", log=True)],
        ],
        f"Flow of gradients: {', '.join(found.name for found in flows)}",
    )
    return f"{placed(request, picture, standalone(picture), 'Flow of gradients')}\n\n{numbers_of(flows)}"


@lru_cache(maxsize=16)
def _flow(
    model: Model, length: int, size: int, seed: int, factor: float, filled: tuple[tuple[str, float], ...] = ()
) -> Flow:
    """The flow of a model whose sizes are all the same, along a drawn trajectory."""
    symbols = sorted({str(s) for shape in model.shapes.values() for one in shape for s in one.free_symbols})
    sizes = dict.fromkeys(symbols, size)
    params = {
        key: array * factor if array.ndim == 2 else array for key, array in kernel_of(model).init(seed, **sizes).items()
    }
    params |= {key: np.full_like(params[key], value) for key, value in filled if key in params}
    return flow_of(model, length, sizes, seed, params=params, name=model.name)


def _by_model(flows: list[Flow]) -> list[Series]:
    distance = list(range(flows[0].length + 1))
    return [Series(found.name, distance, list(found.decay())) for found in flows]


def _by_state(found: Flow) -> list[Series]:
    """The joint state, each state alone where there are two, and the product of the norms of single steps."""
    distance = list(range(found.length + 1))
    states = list(found.blocks) if len(found.blocks) == 2 else []
    return [
        Series("state" if len(found.blocks) == 1 else "all states", distance, list(found.decay())),
        *(Series(f"{name} by {name}", distance, list(found.decay(name))) for name in states),
        Series("bound", distance, list(found.bound())),
    ]


def numbers_of(flows: list[Flow]) -> str:
    """The mean norm by distance, for the joint state and for each state; and what weights alone bound."""
    marks = [distance for distance in MARKS if distance <= flows[0].length]
    rows = []
    for found in flows:
        bound = found.slope_bound
        rows.append(
            (f"`{found.name}`", *_cells(found.decay(), marks), "no bound" if bound is None else f"≤ {bound:.3f} a step")
        )
        if len(found.blocks) > 1:
            rows += [
                (f"`{found.name}`, {name} by {name}", *_cells(found.decay(name), marks), "") for name in found.blocks
            ]
    return table(("mean norm", *(f"t − k = {mark}" for mark in marks), "by weights alone"), rows, numeric=1)


def _cells(decay: np.ndarray, marks: list[int]) -> list[str]:
    return [shown(float(decay[mark])) for mark in marks]


def shown(value: float) -> str:
    """A number with two digits that count.

    >>> shown(0.9), shown(12.3), shown(2.26e-7), shown(0.0)
    ('0.90', '12', '2.3·10⁻⁷', '0')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:#.2g}".rstrip(".") if abs(value) < 100 else f"{value:.0f}"
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits}·10{str(int(power)).translate(RAISED)}"


def flows_back(model: Model, length: int, size: int) -> bool:
    """Whether a flow can be shown: some variable is read at an earlier step, and a trajectory can be computed."""
    try:
        _flow(model, length, size, 0, 1.0)
    except RnnsymError:
        return False
    return True


KINDS = (
    Kind(
        "flow",
        "how gradients flow through time: norms of products of Jacobians, as picture and numbers",
        flow,
        (
            Option("models", "others to compare with, as in models=lstm,gru", "", words),
            Option("length", "T", "30", whole(2, 200)),
            Option("size", "of every vector", "12", whole(1, 64)),
            Option("seed", "of parameters and inputs", "0", whole(0, 10**6)),
            Option("scale", "the factor of the initial matrices", "1", numbers),
            Option("set", "parameters filled with a number, as in b_f:2", "", constants),
            *PLACE,
        ),
    ),
)
