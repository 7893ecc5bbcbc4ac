"""Blocks of the forms through time, in any notation, and of flows."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import rnnsym
from rnnsym.docs.charts import Series, line_chart, standalone, together
from rnnsym.docs.filling import KINDS, filled, written
from rnnsym.docs.flows import flows_back, shown
from rnnsym.docs.heat import heat_map, level
from rnnsym.docs.kinds import OptionError
from rnnsym.docs.pages import page
from rnnsym.docs.through_time import recurrent_parameter
from rnnsym.forms import Form

END = "<!-- /rnnsym -->"
VANILLA = rnnsym.Model("h[t] = tanh(U @ x[t] + W @ h[t-1])\nE[t] = squared_error(y[t], h[t])", {"x": "m", "h": "n"})
SECTIONS = ("Sum over paths", "Jacobians and bounds", "Forward in time (RTRL)", "Second order", "Gradient flow")


def block(folder: Path, options: str) -> str:
    return filled(f"<!-- rnnsym: {options} -->\n{END}\n", folder / "page.md")


# Forms


@pytest.mark.parametrize("name", ["paths", "truncated", "forward", "second", "jacobians"])
@pytest.mark.parametrize("detail", ["result", "outline", "full"])
def test_a_block_holds_what_the_derivation_prints(name: str, detail: str) -> None:
    derivation = rnnsym.derive(VANILLA)
    forms: dict[str, Form] = {
        "paths": derivation.paths("W"),
        "truncated": derivation.truncated(None, "W"),
        "forward": derivation.forward("W"),
        "second": derivation.second_order("W"),
        "jacobians": derivation.jacobians(),
    }
    form = forms[name]
    options = {} if name == "jacobians" else {"of": "W"}
    found = written(name, VANILLA, detail=detail, format="text", **options)
    assert found.startswith("```text\n")
    assert form.to_text(detail).strip() in found
    markdown = written(name, VANILLA, detail=detail, level="4", **options)
    displays = re.findall(r"\$\$\n.*?\n\$\$", form.to_markdown(detail), re.DOTALL)
    assert displays
    assert re.findall(r"\$\$\n.*?\n\$\$", markdown, re.DOTALL) == displays
    assert not re.search(r"^#{1,3} ", markdown, re.MULTILINE)


def test_options_reach_the_form() -> None:
    assert written("truncated", VANILLA, of="W", keep="3") != written("truncated", VANILLA, of="W")
    assert r"\sum_{k=\max(1, t-2)}^{t}" in written("truncated", VANILLA, of="W", keep="3", detail="result")
    numerator = written("paths", VANILLA, of="W", detail="result")
    denominator = written("paths", VANILLA, of="W", detail="result", layout="denominator")
    assert r"\prod_{j=t}^{k+1}" in numerator
    assert r"\prod_{j=k+1}^{t}" in denominator
    # Three paths at T = 2: two into the first step, which read h[0] there, and one into the second.
    put_in = written("substituted", VANILLA, of="W", steps="2")
    assert [put_in.count(rf"h_{step}^\top") for step in (0, 1)] == [2, 1]


def test_a_form_of_equations_in_a_comment(tmp_path: Path) -> None:
    text = f"<!-- rnnsym: form=jacobians sizes=x:m,h:n\n{VANILLA.text.replace('tanh', 'sigmoid')}\n-->\n{END}\n"
    found = filled(text, tmp_path / "page.md")
    assert r"\tfrac{1}{4} \left\lVert W \right\rVert" in found
    assert "sufficient" in found


# Notation


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("adjoint=nabla", r"\nabla_{h_T} E"),
        ("adjoint=leibniz", r"\frac{\partial E}{\partial h_T}"),
        ("time=superscript", r"h^{(T)}"),
        ("adjoint=delta hadamard=circ", r"\circ"),
        ("vectors=rows", r"\bar{a}_{t+1} W"),
        ("indices=yes", r"\sum_{"),
        ("symbols=h:s,W:W_{hh}", r"W_{hh}^\top"),
        ("symbols=h:s,W:W_{h,h}", r"\bar{s}_T"),
        ("transpose=mathsf", r"^{\mathsf{T}}"),
        ("bold=yes", r"\bm{W}"),
    ],
)
def test_a_notation_is_chosen_in_the_comment(tmp_path: Path, options: str, expected: str) -> None:
    (tmp_path / "model.txt").write_text(VANILLA.text, encoding="utf-8")
    name = "adjoints" if "hadamard" in options else "gradient of=h"
    assert expected in block(tmp_path, f"model.txt form={name} {options}")
    assert expected not in block(tmp_path, f"model.txt form={name}")


def test_every_kind_with_a_notation_takes_one() -> None:
    given = {"gradient": {"of": "h"}, "symbol": {"of": "h"}, "substituted": {"of": "W"}}
    for kind in KINDS.values():
        if kind.notation:
            plain = written(kind.name, VANILLA, **given.get(kind.name, {}))
            other = written(kind.name, VANILLA, symbols=r"h:\eta", **given.get(kind.name, {}))
            assert plain != other, kind.name
            assert r"\eta" in other, kind.name


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("form=paths of=Q", "no parameter 'Q'"),
        ("form=paths layout=sideways", "layout is one of numerator, denominator"),
        ("form=truncated keep=0", "keep is a whole number from 1"),
        ("form=jacobians of=W", "no option 'of'"),
        ("form=gradients adjoint=hat", "adjoint is one of bar, leibniz, nabla, delta"),
        ("form=gradients symbols=W", "symbols is a list such as"),
        ("form=gradients symbols=W:{x", "do not close"),
        ("form=gradients symbols=W:U", "U"),
        ("form=source bold=yes", "no option 'bold'"),
        ("form=flow length=1", "length is a whole number from 2"),
        ("form=flow models=lstm,gru,elman", "at most 2 others"),
        ("form=flow file=../flow.svg", "below the folder"),
    ],
)
def test_an_option_that_cannot_be_is_an_error(tmp_path: Path, options: str, expected: str) -> None:
    (tmp_path / "model.txt").write_text(VANILLA.text, encoding="utf-8")
    with pytest.raises(rnnsym.RnnsymError, match=re.escape(expected)):
        block(tmp_path, f"model.txt {options}")


# Pages


@pytest.mark.parametrize(("text", "parameter"), [
    (VANILLA.text, "W"),
    ("h[t] = tanh(U @ x[t] + w * h[t-1])\nE[t] = squared_error(y[t], h[t])", "U"),
    ("h[t] = tanh(U @ x[t])\nE[t] = squared_error(y[t], h[t])", None),
    ("h[t] = tanh(W @ h[t-1] + h[t-1] * h[1])\nh[1] = x[1]\nE[t] = squared_error(y[t], h[t])", None),
])  # fmt: skip
def test_one_parameter_stands_for_all(text: str, parameter: str | None) -> None:
    assert recurrent_parameter(rnnsym.Model(text)) == parameter


def test_pages_have_the_forms_where_there_are_states() -> None:
    text = page(rnnsym.load("gru"))
    assert all(f"## {title}\n" in text for title in SECTIONS)
    assert "Shown for $W_r$" in text
    without = page(rnnsym.load("feedforward"))
    assert not [title for title in SECTIONS if f"## {title}\n" in without]


# Flows


def test_the_table_of_a_flow_holds_its_numbers() -> None:
    found = rnnsym.flow(VANILLA, length=12, sizes={"n": 5, "m": 5}, seed=3)
    text = written("flow", VANILLA, length="12", size="5", seed="3")
    (row,) = re.findall(r"^\| `model` \| (.*) \|$", text, re.MULTILINE)
    *numbers, bound = row.split(" | ")
    assert numbers == [shown(found.decay()[distance]) for distance in (1, 2, 5, 10)]
    assert found.slope_bound is not None
    assert bound == f"≤ {found.slope_bound:.3f} a step"
    assert text == written("flow", VANILLA, length="12", size="5", seed="3")
    assert text != written("flow", VANILLA, length="12", size="5", seed="3", scale="0.5")


def test_the_curve_of_a_flow_is_its_decay() -> None:
    text = written("flow", VANILLA, length="10", size="4")
    found = rnnsym.flow(VANILLA, length=10, sizes={"n": 4, "m": 4})
    line = re.findall(r'<polyline class="line s1" points="([^"]+)"', text)[0]
    heights = np.array([float(point.split(",")[1]) for point in line.split()])
    logarithms = np.log10(found.decay())
    slope = (heights[-1] - heights[0]) / (logarithms[-1] - logarithms[0])
    np.testing.assert_allclose(heights - heights[0], slope * (logarithms - logarithms[0]), atol=0.1)


def test_parameters_can_be_set_and_several_models_compared(tmp_path: Path) -> None:
    open_gates = block(tmp_path, "lstm form=flow length=10 size=4 set=b_f:5")
    assert open_gates != block(tmp_path, "lstm form=flow length=10 size=4")
    several = block(tmp_path, "rnn form=flow models=lstm,gru length=6 size=3 file=figures/flow.svg")
    assert "![Flow of gradients](figures/flow.svg)" in several
    assert len(re.findall(r"^\| `\w+`", several, re.MULTILINE)) == 5  # the LSTM has two states


def test_a_heat_map_covers_every_pair_once() -> None:
    norms = np.full((5, 5), np.nan)
    for t in range(5):
        for k in range(t + 1):
            norms[t, k] = 10.0 ** -(t - k)
    picture = heat_map(norms, "a & b", width=126)  # cells of 20
    root = ElementTree.fromstring(picture)
    paths = [path for path in root if "cell" in path.get("class", "")]
    assert [len(re.findall("M", path.get("d", ""))) for path in paths] == [1, 2, 3, 4, 5]
    areas = [
        float(across) * float(up)
        for path in paths
        for across, up in re.findall(r"h([\d.]+)v([\d.]+)", path.get("d", ""))
    ]
    assert sum(areas) == pytest.approx(15 * 20 * 20)


def test_powers_of_ten_are_told_apart() -> None:
    assert [level(value) for value in (1.0, 1 - 1e-12, 0.99, 10.0, 1e9, 1e-12, float("nan"))] == [
        0, 0, -1, 1, 3, None, None,
    ]  # fmt: skip


def test_charts_together_are_one_picture() -> None:
    chart = line_chart([Series("a", [0, 1], [0, 1])], "up", "x", width=100)
    both = ElementTree.fromstring(together([[chart, chart], [chart]], "all"))
    assert both.attrib["viewBox"] == "0 0 200 112"
    assert [(part.attrib["x"], part.attrib["y"]) for part in both] == [("0", "0"), ("100", "0"), ("0", "56")]
    alone = ElementTree.fromstring(standalone(together([[chart]], "all")))
    assert ".cell" in (alone[0].text or "")


def test_flows_need_a_step_before() -> None:
    assert flows_back(VANILLA, 4, 2)
    assert not flows_back(rnnsym.load("feedforward"), 4, 2)
    with pytest.raises(rnnsym.RnnsymError, match="no flow through time"):
        written("flow", rnnsym.load("feedforward"))
    with pytest.raises(OptionError):
        written("flow", VANILLA, size="0")
