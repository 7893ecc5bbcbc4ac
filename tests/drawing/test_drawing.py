"""Pictures: the marked paths against a search of the model's own syntax, and the SVG against its geometry."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rnnsym
from rnnsym.drawing.drawing import Drawing
from rnnsym.drawing.svg import COLOURS
from rnnsym.language.model import Model
from rnnsym.language.syntax import Binary, Call, Expression, Reference, children, walk
from rnnsym.testing import models

Node = tuple[str, int | None]
SVG = "{http://www.w3.org/2000/svg}"
STACKED = """
h1[t] = tanh(W1 @ h1[t-1] + U1 @ x[t])
h2[t] = tanh(W2 @ h2[t-1] + U2 @ h1[t] + V @ h2[t-3])
y = softmax(sum(Q @ h2[t]) + c)
E = cross_entropy(target, y)
"""
HARD = "h[t] = step(W @ h[t-1]) + U @ h[t-1] + V @ x[t]\ny = V2 @ h[1]\nE = squared_error(d, h[T]) + dot(y, y)"
UNUSED = "h[t] = tanh(W @ h[t-1])\ny[t] = V @ x[t]\nz[t] = R @ y[t]\nE = squared_error(d, h[T-1])"
MODELS = [*(rnnsym.load(name) for name in rnnsym.available())]
MODELS += [Model(STACKED, inputs=("target",), name="stacked"), Model(HARD, inputs=("d",), name="hard")]
MODELS += [Model(UNUSED, inputs=("d",), name="unused")]


# The oracle: the model's syntax tree, and nothing of index notation.


def reads(
    node: Expression, time: int | None, length: int, passes: bool = True
) -> Iterator[tuple[str, int | None, bool]]:
    """What an expression reads at one time, each with whether a gradient passes."""
    if isinstance(node, Reference):
        at = None if node.time is None else node.time.offset + {"t": time or 0, "T": length, "": 0}[node.time.anchor]
        yield node.name, at, passes
    if isinstance(node, Call):
        passes = passes and node.function not in ("step", "sign", "size", "stop_gradient", "floor")
        if node.function.endswith("_time"):
            for moment in range(1, length + 1):
                for child in children(node):
                    yield from reads(child, moment, length, passes)
            return
    for child in children(node):
        yield from reads(child, time, length, passes)


def syntax_graph(model: Model, length: int) -> dict[Node, list[tuple[str, int | None, bool]]]:
    found: dict[Node, list[tuple[str, int | None, bool]]] = {}
    for piece in model.timing.pieces:
        times = [None] if piece.interval is None else list(piece.interval.bounds(length))
        for time in times:
            found[piece.name, time] = list(reads(piece.definition.value, time, length))
    return found


def expected_uses(model: Model, length: int, parameter: str) -> set[Node]:
    """The values that use a parameter and from which the gradient's way to the loss is open."""
    graph = syntax_graph(model, length)
    names = {definition.target.name for definition in model.losses}
    reached = {node for node in graph if node[0] in names}
    waiting = list(reached)
    while waiting:
        for name, time, passes in graph[waiting.pop()]:
            if passes and (name, time) in graph and (name, time) not in reached:
                reached.add((name, time))
                waiting.append((name, time))
    return {node for node in reached if any(name == parameter and passes for name, _, passes in graph[node])}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("length", [3, 4])
def test_marks_the_uses_that_the_loss_depends_on(model: Model, length: int) -> None:
    derivation = rnnsym.derive(model)
    for parameter in model.parameters:
        flow = derivation.draw(length, gradient=parameter).flow
        assert flow is not None
        expected = expected_uses(model, length, parameter)
        assert {(value.name, value.time) for value in flow.ends} == expected
        steps = [time for _, time in expected]
        assert flow.per_step == {time: steps.count(time) for time in steps}


def cancels(value: Expression) -> bool:
    """Whether something is compared with itself or taken from itself."""
    for node in walk(value):
        operands = node.arguments if isinstance(node, Call) else ()
        if isinstance(node, Binary) and node.operator == "-":
            operands = (node.left, node.right)
        if len(operands) > 1 and len(set(map(shown, operands))) < len(operands):
            return True
    return False


def shown(node: Expression) -> str:
    """An expression without its place in the text."""
    return re.sub(r"span=Span\([^)]*\)", "", repr(node))


@given(models(), st.data())
def test_marks_of_drawn_models(model: Model, data: st.DataObject) -> None:
    length = max(3, model.timing.minimum_length)
    assume(model.parameters)
    # What cancels, as in squared_error(h[t], h[t]), has no path; the search over the syntax does not see that.
    assume(not any(cancels(definition.value) for definition in model.definitions))
    parameter = data.draw(st.sampled_from(model.parameters))
    derivation = rnnsym.derive(model)
    check_picture(derivation.draw(length, gradient=parameter, detail=data.draw(st.sampled_from(["states", "full"]))))
    states = derivation.draw(length, gradient=parameter).flow
    assert states is not None
    assert {(value.name, value.time) for value in states.ends} == expected_uses(model, length, parameter)


def test_a_step_stops_the_gradient() -> None:
    drawing = rnnsym.derive(Model(HARD, inputs=("d",))).draw(3, gradient="W")
    assert drawing.flow is not None
    assert not drawing.flow.ends
    assert 'class="chip used"' not in drawing.svg
    assert "no path leads back from" in drawing.svg


def test_paths_of_the_plain_network() -> None:
    """From E into W at step k: through E[t] for each t from k to T, and one way back from there."""
    flow = rnnsym.derive(rnnsym.load("rnn")).draw(5, gradient="W").flow
    assert flow is not None
    assert flow.paths == {1: 5, 2: 4, 3: 3, 4: 2, 5: 1}


def test_edges_of_both_details() -> None:
    model = Model("h[t] = tanh(W @ h[t-1] + R @ h[t-2])\nE = squared_error(d, h[T])", inputs=("d",))
    shown = {
        detail: {
            f"{e.source} {e.parameter} {e.target}" for e in rnnsym.derive(model).draw(2, detail=detail).graph.edges
        }
        for detail in ("states", "full")
    }
    assert shown["states"] == {
        "h[0] W h[1]", "h[-1] R h[1]", "h[1] W h[2]", "h[0] R h[2]", "h[2] None E", "d None E",
    }  # fmt: skip
    assert shown["full"] == {
        "h[0] W a[1]", "h[-1] R a[1]", "h[1] W a[2]", "h[0] R a[2]", "a[1] None h[1]", "a[2] None h[2]", "h[2] None E",
        "d None E",
    }  # fmt: skip


# The picture


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("detail", ["states", "full"])
def test_pictures(model: Model, detail: str) -> None:
    derivation = rnnsym.derive(model)
    for gradient in (None, model.parameters[0]):
        check_picture(derivation.draw(4 if model.timed else 3, gradient, detail))


def check_picture(drawing: Drawing) -> None:
    """Well-formed, inside its frame, no box on a box, no text on a text, and no edge through a box."""
    root = ElementTree.fromstring(drawing.svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    boxes = [rectangle(found) for found in root.iter(f"{SVG}rect") if "box" in found.attrib["class"]]
    texts = [extent(found) for found in root.iter(f"{SVG}text")]
    edges = [list(points(found.attrib["d"])) for found in root.iter(f"{SVG}path") if "edge" in found.attrib["class"]]
    assert len(boxes) == len(drawing.graph.values)
    assert len(edges) == len(drawing.graph.edges)
    for left, top, right, bottom in [*boxes, *texts]:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height
    for one, other in combinations(boxes, 2):
        assert not overlap(one, other)
    for one, other in combinations(texts, 2):
        assert not overlap(one, other)
    on_edges = np.array([point for edge in edges for point in edge]).reshape(-1, 1, 2)
    assert (on_edges >= 0).all()
    assert (on_edges <= (width, height)).all()
    corners = np.array(boxes)
    assert not ((corners[:, :2] + 1 < on_edges) & (on_edges < corners[:, 2:] - 1)).all(axis=-1).any()


Extent = tuple[float, float, float, float]


def rectangle(element: ElementTree.Element) -> Extent:
    x, y, width, height = (float(element.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def extent(element: ElementTree.Element) -> Extent:
    """Where a text stands at most: characters as wide as those of common serif fonts."""
    size = float(element.attrib["font-size"])
    x, y = float(element.attrib["x"]), float(element.attrib["y"])
    width = (len(element.text or "")) * 0.46 * size
    for span in element.iter(f"{SVG}tspan"):
        letters = [c for c in span.text or "" if not unicodedata.combining(c)]
        width += sum(0.3 if c in "ijlt,.:' " else 0.5 if c.islower() else 0.68 for c in letters) * float(
            span.attrib.get("font-size", size)
        )
    left = x - width / 2 if element.attrib.get("text-anchor") == "middle" else x
    return left, y - 0.7 * size, left + width, y + 0.2 * size


def overlap(one: Extent, other: Extent) -> bool:
    return min(one[2], other[2]) > max(one[0], other[0]) and min(one[3], other[3]) > max(one[1], other[1])


def points(path: str) -> Iterator[tuple[float, float]]:
    """Points along an SVG path of straight lines and Bezier curves."""
    here = (0.0, 0.0)
    for command, rest in re.findall(r"([MLQCV])([^MLQCV]*)", path):
        numbers = [float(part) for part in rest.split()]
        if command == "V":
            numbers = [here[0], *numbers]
        control = [here, *zip(numbers[::2], numbers[1::2], strict=True)]
        if command == "M":
            control = control[1:]
        for part in range(21):
            yield bezier(control, part / 20)
        here = control[-1]


def bezier(control: list[tuple[float, float]], share: float) -> tuple[float, float]:
    while len(control) > 1:
        control = [(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share) for (x0, y0), (x1, y1) in pairwise(control)]
    return control[0]


def test_picture_is_accessible_and_deterministic() -> None:
    derivation = rnnsym.derive(rnnsym.load("lstm"))
    drawing = derivation.draw(gradient="W_i")
    again = rnnsym.derive(rnnsym.load("lstm")).draw(gradient="W_i")
    assert drawing.svg == again.svg == drawing._repr_svg_()
    root = ElementTree.fromstring(drawing.svg)
    assert root.attrib["role"] == "img"
    ids = {found.attrib["id"]: found.text for found in root if "id" in found.attrib}
    titles = [ids[name] for name in root.attrib["aria-labelledby"].split()]
    assert titles[0] == "Long short-term memory, unrolled for T = 3"
    assert "i[2] reads h[1] by W_i, x[2] by U_i" in (titles[1] or "")
    assert "prefers-color-scheme:dark" in drawing.svg
    assert drawing.svg != derivation.draw(gradient="W_f").svg


@pytest.mark.parametrize("shade", [0, 1])
def test_words_stand_out(shade: int) -> None:
    """Contrast of at least 4.5, as the accessibility guidelines ask of text."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    pairs = [("ink", name) for name in ("paper", "given", "state", "part", "loss", "chip")]
    pairs += [("paper", "flow"), ("line", "paper")]
    for one, other in pairs:
        light, dark = sorted((luminance(COLOURS[name][shade]) for name in (one, other)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (one, other)


def test_names_have_subscripts_and_accents() -> None:
    model = Model(
        "alpha_in[t] = tanh(W_hh @ alpha_in[t-1])\nyhat[t] = V @ alpha_in[t]\nE[t] = squared_error(yhat[t], x[t])"
    )
    svg = rnnsym.derive(model).draw(2).svg
    assert '<tspan font-style="italic">α</tspan>' in svg
    assert ">ŷ</tspan>" in svg
    assert re.search(r'<tspan dy="[\d.]+" font-size="[\d.]+" font-style="italic">in</tspan>', svg)


def test_what_cannot_be_drawn() -> None:
    derivation = rnnsym.derive(rnnsym.load("rnn"))
    with pytest.raises(rnnsym.RnnsymError, match="did you mean"):
        derivation.draw(gradient="WW")
    with pytest.raises(rnnsym.RnnsymError, match='detail="full"'):
        derivation.draw(gradient="a")
    with pytest.raises(rnnsym.RnnsymError, match="nothing called"):
        derivation.draw(gradient="h[9]")
    with pytest.raises(rnnsym.RnnsymError, match="1 to 12 steps, not 40"):
        derivation.draw(40)
    with pytest.raises(rnnsym.RnnsymError, match="states or full"):
        derivation.draw(detail="none")
