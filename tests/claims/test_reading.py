"""How claims are read: many spellings of the same, names settled by the model, and errors that show the place."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import rnnsym
from rnnsym import Model
from rnnsym.claims.brief import shown
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.document import formulas
from rnnsym.claims.interpret import Outcome, decide
from rnnsym.claims.match import read
from rnnsym.claims.syntax import Derivative, Kind, Sequence, TimeProduct, TimeSum, walk
from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.verify.formulas.files import check_file
from rnnsym.verify.verdict import Verdict

MODEL = Model("""
a[t] = W_hh @ h[t-1] + U @ x[t] + b
h[t] = tanh(a[t])
yhat[t] = softmax(V @ h[t])
E[t] = cross_entropy(y[t], yhat[t])
""")
RECURRENT = "dE/dW_hh = Σ_{t=1..T} (dE/da[t] @ h[t-1]ᵀ)"


def equations(claim: Claim) -> list[str]:
    return [f"{shown(equation.left)} = {shown(equation.right)}" for equation in claim.equations]


def one(source: str, **options: Any) -> Equation:
    (equation,) = read(source, MODEL, **options).equations
    return equation


@pytest.mark.parametrize(
    "source",
    [
        r"\frac{\partial E}{\partial W_{hh}} = \sum_{t=1}^T \bar{a}_t h_{t-1}^{\mathsf T}",
        r"\partial E / \partial W_{hh} = \sum_{t} \bar{\mathbf{a}}_t \mathbf{h}_{t-1}^T",
        r"\dfrac{dE}{dW_{hh}} = \sum_{t} \frac{\partial E}{\partial a_t} h_{t-1}^\intercal",
        r"\nabla_{W_{hh}} E = \sum_{1 \le t \le T} \nabla_{a_t} E \, {h^{(t-1)}}^\top",
        r"\frac{\mathrm{d} E}{\mathrm{d} W_{\mathrm{hh}}} = \sum\nolimits_{t \geq 1} \bar{a}_t h_{t-1}^\top",
        r"\frac{\partial}{\partial \boldsymbol{W}_{hh}} E = \sum_{0 < t < T+1} \overline{a}_t \otimes h_{t-1}",
        r"\frac{\partial \mathcal{L}}{\partial W_{h,h}} = \sum_t \bar a^t (h^{t-1})^\top",
        "∂E/∂W_hh = Σ_{t=1..T} ā[t] h[t-1]ᵀ",
        "dE/dW_hh = sum(dE/da[t] @ h[t-1].T)",
        "∂E/∂W_{hh} = ∑_t ā_t h_{t−1}ᵀ",
        "dE/dW_hh = sum(outer(bar(a)[t], h[t-1]))",
        "\\begin{align}\n\\frac{\\partial E}{\\partial W_{hh}}\n &= \\sum_{t=1}^{T} \\bar{a}_t\n h_{t-1}^\\top,\\tag{4}\\label{w}\n\\end{align}",
    ],
)
def test_one_gradient_in_many_spellings(source: str) -> None:
    assert equations(read(source, MODEL)) == [RECURRENT]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\delta_t = W_{hh}^T h_t", "delta[t] = (W_hhᵀ @ h[t])"),  # a transpose, not a time
        (r"\delta_t = (W_{hh}^\top)^{T-t} h_t", "delta[t] = (W_hhᵀ^T-t @ h[t])"),  # a power of a matrix
        (r"\delta_t = h^T", "delta[t] = h[T]"),  # the last state
        (r"\delta_t = h_0", "delta[t] = h[0]"),
        (r"\delta_t = \tanh^2 a_t", "delta[t] = tanh(a[t])^2"),
        (r"\delta_t = \tanh(a_t)^2", "delta[t] = tanh(a[t])^2"),
        (r"\delta_t = \tanh'(a_t) \odot h_t^2", "delta[t] = (tanh'(a[t]) ⊙ h[t]^2)"),
        (r"\delta_t = V^\top (\hat{y}_t - y_t) \odot h_t", "delta[t] = ((Vᵀ @ (yhat[t] + -y[t])) ⊙ h[t])"),
        (r"\delta^{(t)}_{k-1} = W_{hh}^\top h_k", "delta[t, k-1] = (W_hhᵀ @ h[k])"),
        (r"\delta_{t,k} = h_k", "delta[t, k] = h[k]"),
        (r"\delta h_t = h_t", "deltah[t] = h[t]"),
        (r"dh_t = h_t", "dh[t] = h[t]"),
        (r"\delta_t = [h_t; x_t]", "delta[t] = [h[t]; x[t]]"),
        (r"\delta_t = \begin{bmatrix} h_t \\ x_t \end{bmatrix}", "delta[t] = [h[t]; x[t]]"),
        (r"\delta_t = \tfrac{1}{2} h_t", "delta[t] = (1/2 · h[t])"),
        (r"\delta_t = \frac{h_t}{1 + h_t^2}", "delta[t] = h[t]/(1 + h[t]^2)"),
        (r"\delta_t = \mathbf{1} - h_t", "delta[t] = (𝟏 + -h[t])"),
        (r"\delta_t = (\mathbb{1}^\top h_t) h_t", "delta[t] = ((𝟏ᵀ @ h[t]) · h[t])"),
        (r"\delta_t = \big( h_t - \Bigl( h_{t-1} \Bigr) \big)", "delta[t] = (h[t] + -h[t-1])"),
        (r"\delta_t = \sigma(h_t)", "delta[t] = sigmoid(h[t])"),
        (r"\delta_t = \operatorname{softmax}(V h_t)", "delta[t] = softmax((V @ h[t]))"),
        (r"\delta_t = \sum_{k=\max(1,t-1)}^{t} h_k", "delta[t] = Σ_{k=max(1, t-1)..t} h[k]"),
    ],
)
def test_what_is_ambiguous_is_settled_by_the_model(source: str, expected: str) -> None:
    assert equations(read(source, MODEL)) == [expected]


def test_juxtaposition_binds_tighter_unless_only_the_other_reading_fits() -> None:
    found = one(r"\frac{\partial E}{\partial W_{hh}} = \sum_t \bar{h}_t \odot (1 - h_t^2) h_{t-1}^\top")
    assert shown(found.right) == "Σ_{t=1..T} ((dE/dh[t] ⊙ (1 + -h[t]^2)) @ h[t-1]ᵀ)"


@pytest.mark.parametrize(
    ("product", "descending", "outcome"),
    [
        (r"\prod_{j=t}^{k+1}", True, Outcome.HOLDS),
        (r"\prod_{t \ge j > k}", True, Outcome.HOLDS),
        (r"\prod_{j=k+1}^{t}", False, Outcome.FAILS),
    ],
)
def test_products_run_as_their_bounds_do(product: str, descending: bool, outcome: Outcome) -> None:
    claim = read(rf"\frac{{\partial h_t}}{{\partial h_k}} = {product} \operatorname{{diag}}(1 - h_j^2) W_{{hh}}", MODEL)
    (found,) = [node for node in walk(claim.equations[0].right) if isinstance(node, TimeProduct)]
    assert found.descending is descending
    assert decide(claim, MODEL, [(3, 0)]) is outcome


def test_kinds_of_derivative_are_kept_apart() -> None:
    source = r"\sum_t \frac{d h_t}{d U} = \sum_t \frac{\partial^{+} h_t}{\partial U} + \sum_t \frac{\partial h_t}{\partial U}"
    (equation,) = read(source, MODEL).equations
    kinds = [
        node.kind for side in (equation.left, equation.right) for node in walk(side) if isinstance(node, Derivative)
    ]
    assert kinds == [Kind.TOTAL, Kind.IMMEDIATE, Kind.PARTIAL]


def test_a_derivative_beside_a_column_is_turned_into_a_row() -> None:
    source = r"\frac{\partial E_t}{\partial h_{t-1}} = \frac{\partial E_t}{\partial h_t} \frac{\partial h_t}{\partial h_{t-1}}"
    assert decide(read(source, MODEL), MODEL) is Outcome.HOLDS
    assert (
        decide(read(rf"({source.partition('=')[0]})^\top = {source.partition('=')[2]}", MODEL), MODEL) is Outcome.HOLDS
    )


def test_a_transposed_derivative_on_the_left_may_be_a_column() -> None:
    right = r"\left(\frac{\partial E_t}{\partial h_t}\right)^\top = h_t - y_t"
    model = Model("h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(y[t], h[t])")
    assert decide(read(right, model), model) is Outcome.HOLDS
    with pytest.raises(MalformedClaim, match="left side"):
        read(r"(\nabla_{h_t} E)^\top = h_t - y_t", model)


def test_layout_transposes_jacobians() -> None:
    source = r"\frac{\partial h_t}{\partial h_{t-1}} = W_{hh}^\top \operatorname{diag}(1 - h_t^2)"
    assert decide(read(source, MODEL), MODEL, [(3, 0)]) is Outcome.FAILS
    assert decide(read(source, MODEL, layout="denominator"), MODEL, [(3, 0)]) is Outcome.HOLDS


def test_where_names_functions_and_sequences() -> None:
    claim = read(
        r"\delta_t = f'(a_t) \odot e_t", MODEL, where="f = \\tanh\n" + r"e_t = \frac{\partial E}{\partial h_t}"
    )
    assert equations(claim) == ["e[t] = dE/dh[t]", "delta[t] = (tanh'(a[t]) ⊙ e[t])"]
    assert [equation.given for equation in claim.equations] == [True, False]
    assert claim.sequences == ("e", "delta")


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        (r"\quad t = T, \dots, 1", ("1", "T")),
        (r"\qquad \text{for } t < T", (None, "T-1")),
        (r",\quad 1 \le t \le T-1", ("1", "T-1")),
        (r"\tag*{$t = 1, 2, \dots, T$}", ("1", "T")),
        (r"\quad t \in \{1, \dots, T\}", ("1", "T")),
        (r"\quad (t > 1)", ("2", None)),
    ],
)
def test_ranges_beside_an_equation(note: str, expected: tuple[str | None, str | None]) -> None:
    equation = one(rf"\delta_t = h_t {note}")
    assert shown(equation.right) == "h[t]"
    ends = [(found.low and str(found.low), found.high and str(found.high)) for found in equation.ranges]
    assert ends == [expected]


def test_what_is_said_of_one_time_has_that_time() -> None:
    equation = one(r"\delta_t = h_t && t = T")
    assert (shown(equation.left), shown(equation.right), equation.ranges) == ("delta[T]", "h[T]", ())


def test_cases_are_equations_of_their_own() -> None:
    claim = read(
        r"""\delta_t = \begin{cases} \bar{h}_T & \text{if } t = T \\ \bar{h}_t & \text{otherwise} \end{cases}
        \frac{\partial E}{\partial b} = \sum_t (1 - h_t^2) \odot \delta_t""",
        MODEL,
    )
    assert equations(claim)[:2] == ["delta[T] = dE/dh[T]", "delta[t] = dE/dh[t]"]
    assert decide(claim, MODEL, [(3, 0)]) is Outcome.HOLDS


def test_rows() -> None:
    model = Model("h[t] = tanh(h[t-1] @ W)\nE[t] = squared_error(y[t], h[t])")
    source = r"\frac{\partial E}{\partial W} = \sum_t h_{t-1}^\top (\bar{h}_t \odot (1 - h_t^2))"
    assert decide(read(source, model, convention="rows"), model) is Outcome.HOLDS
    with pytest.raises(MalformedClaim):
        read(source, model)


def test_a_sequence_says_which_variable_it_is_named_after() -> None:
    claim = read(r"\delta h_t = h_t \\ \bar{a}_t = h_t \\ \gamma_t = h_t", MODEL)
    assert dict(claim.adjoints) == {"deltah": "h", "abar": "a"}
    assert all(isinstance(equation.left, Sequence) for equation in claim.equations)


# Whole files

DOCUMENTS = {
    "tex": r"""\documentclass{article} % W = 0
\begin{document}
With $t = 1$ and $h_t$ as above,
$$\delta_t = \bar{h}_t \odot (1 - h_t^2).$$
So % $$b = 0$$
\begin{align}
  \frac{\partial E}{\partial b} &= \sum_t \delta_t, \\
  \frac{\partial E}{\partial U} &= \sum_t \delta_t
     x_t^\top .
\end{align}
\end{document}
""",
    "md": r"""# A claim
With $t = 1$, and `b = 0`:

$$
\delta_t = \bar{h}_t \odot (1 - h_t^2)
$$
and so $\frac{\partial E}{\partial b} = \sum_t \delta_t$ and $\frac{\partial E}{\partial U} = \sum_t \delta_t x_t^\top$.

```python
b = 0
```
""",
    "txt": """A claim
=======

delta[t] = dE/dh[t] * (1 - h[t]**2)    for t = 1..T
dE/db = sum(delta[t])
dE/dU = sum(delta[t] @ x[t].T)
""",
}


@pytest.mark.parametrize(("kind", "lines"), [("tex", [4, 7, 8]), ("md", [5, 7, 7]), ("txt", [4, 5, 6])])
def test_the_maths_of_a_file_is_found_and_prose_is_not(kind: str, lines: list[int], tmp_path: Path) -> None:
    path = tmp_path / f"claim.{kind}"
    path.write_text(DOCUMENTS[kind], encoding="utf-8")
    found = check_file(MODEL, str(path))
    assert [equation.line for equation in found.equations] == lines
    assert found.verdict is Verdict.PROVED


def test_errors_in_a_file_show_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "claim.md"
    path.write_text("One.\n\nTwo: $$\\frac{\\partial E}{\\partial Z} = 0$$ three", encoding="utf-8")
    with pytest.raises(ClaimError) as raised:
        check_file(MODEL, str(path))
    assert "  3 |      $$\\frac{\\partial E}{\\partial Z} = 0$$" in str(raised.value)


# Errors


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (r"\delta_t = \foo h_t", r"the command \\foo is not known"),
        (r"\delta_t = h_t \odto x_t", r"did you mean \\odot"),
        (r"\delta_t = (h_t", "the equation ends too early"),
        (r"\frac{\partial E}{\partial W = 1", "expected '}'"),
        (r"\frac{\partial E}{\partial Z} = 1", "the name 'Z' is neither the model's nor defined"),
        (r"\delta_t = h \odot x_t", "h has a time index"),
        (r"\delta_{t,i} = \sum_j U_{ij} h_{t,j}", "the index j runs over n_x elements"),
        (r"\delta_t = h_t + x_t", "n_a × 1 and x.t. is n_x × 1: they cannot be added up"),
        (r"\delta_t = U h_t", "the matrix product needs n_x = n_a"),
        (r"\delta_t = h_t \odot x_t^\top", "they cannot be multiplied elementwise"),
        (r"\frac{\partial E}{\partial b} = \sum_t x_t", "the left side"),
        (r"\delta_t = \delta_t", "is neither the model.s nor defined in the claim"),
        (r"\delta_t = h_t \quad t \approx 3", "the command .approx is not known"),
        (r"h_t", "here is no '='"),
        ("", "here is no equation"),
        ("δ_t = \u0430 h_t", "CYRILLIC SMALL LETTER A"),
        ("delta[t] = (lambda: 1)()", "':' does not fit here"),
        ('\\delta_t = __import__("os").system("x")', "QUOTATION MARK"),
        (r"\delta_t = \frac{\partial \delta_t}{\partial h_t}", "sequences that the claim defines cannot be"),
    ],
)
def test_errors_say_what_and_where(source: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message) as raised:
        read(source, MODEL)
    assert "^" in str(raised.value) or not source


SLICED = rnnsym.Model("v[t] = concat(u[t], h[t-1])\nh[t] = tanh(W @ v[t])\nE[t] = squared_error(y[t], h[t])")
PARTS = r"""\bar{h}_t = h_t - y_t + [\bar{v}_{t+1}]_{m+1:m+n}
\bar{v}_t = W^\top ((1 - h_t^2) \odot \bar{h}_t)
"""


def test_elements_that_are_not_there() -> None:
    model = rnnsym.Model(SLICED.text, sizes={"h": ("n",), "u": ("m",)})
    assert rnnsym.verify(model, PARTS + r"\frac{\partial E}{\partial u_t} = [\bar{v}_t]_{1:m}").holds
    for wrong in ("1:m+n+1", "0:m", "1:2n"):
        result = rnnsym.verify(model, PARTS + rf"\frac{{\partial E}}{{\partial u_t}} = [\bar{{v}}_t]_{{{wrong}}}")
        assert result.verdict is Verdict.MALFORMED
        assert "are not all there: there are m + n" in result.problem
    result = rnnsym.verify(model, PARTS.replace(r"\bar{v}_{t+1}", r"\bar{h}_{t+1}"))
    assert "the elements m + 1 to m + n are not all there: there are n" in result.problem


def test_ones_are_as_long_as_all_that_is_added() -> None:
    """A vector times ones fits as a vector times the number one, and then not beside a vector of another size."""
    text = "s[t] = sum(exp(x[t]))\ny[t] = exp(x[t]) / s[t]\nh[t] = W @ y[t]\nE[t] = squared_error(d[t], h[t])"
    lines = r"""\bar{s}_t = -h_t
\bar{x}_t = y_t \odot (\bar{s}_t \mathbf{1} + W^\top (h_t - d_t))
\nabla_W E = \sum_t (h_t - d_t) y_t^\top"""
    assert rnnsym.verify(rnnsym.Model(text), lines).verdict is Verdict.MALFORMED


@pytest.mark.parametrize(
    "source",
    [
        r"\delta_t = " + "(" * 5000 + "h_t" + ")" * 5000,
        r"\delta_t = " + r"\frac{1}{" * 3000 + "h_t" + "}" * 3000,
        r"\delta_t = " + r"\hat " * 3000 + "h_t",
        r"\delta_t = " + r"\sum_t " * 3000 + "h_t",
        r"\delta_t = " + " + ".join(["h_t"] * 10_000),
        r"\delta_t = h_t^{99999999999999999999}",
        r"\delta_t = W_{hh}^{T-9999999999} h_t",
        r"\delta_t = h_t" + "^2" * 3000,
        r"\delta_t = " + "9" * 100_000 + " h_t",
        r"\delta_t = h" + "_{t" * 2000,
        "δ_t = h" + "\u0304" * 5000 + "_t",
        r"\tag{" * 1000,
        "x = 1\n" * 100_000,
    ],
    ids=lambda source: source[:20],
)
def test_hostile_texts_are_refused_in_bounded_time(source: str) -> None:
    begin = time.process_time()
    with pytest.raises(ClaimError):
        read(source, MODEL)
    assert time.process_time() - begin < 10


@pytest.mark.parametrize("kind", ["tex", "md"])
@pytest.mark.parametrize(
    "opening", [r"\[", r"\(", "<!--", r"\begin{align}", "$", "`", "%", "~~~", "```\n", "\n~~~~a\n"]
)
def test_files_that_close_nothing_take_no_longer(kind: str, opening: str) -> None:
    begin = time.process_time()
    assert not formulas(opening * (1_000_000 // len(opening)) + "x=", f".{kind}").strip()
    assert time.process_time() - begin < 10


def test_long_formulas_are_read() -> None:
    source = r"\delta_t = " + " + ".join(["h_t"] * 1000)
    assert len(read(source, MODEL).equations) == 1
    assert isinstance(one(r"\frac{\partial E}{\partial b} = \sum_t \bar{a}_t").right, TimeSum)


SYMBOLS = Model(
    "z[t] = tanh(W @ z[t-1] + Omega @ x[t])\nh[t] = h[t-1] + step_size * z[t]\nE[t] = squared_error(target[t], h[t])",
    {"step_size": (), "x": "m", "z": "n"},
    symbols={"Omega": r"\mathcal{W}", "step_size": r"\Delta t"},
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (r"\bar{z}_t = \Delta t \, \bar{h}_t + W^\top \bar{a}_{t+1}", True),
        (r"\bar{z}_t = \Delta t \, \bar{h}_t + \mathcal{W}^\top \bar{a}_{t+1}", False),
        (r"\frac{\partial E}{\partial \mathcal{W}} = \sum_t \bar{a}_t x_t^\top", True),
        (r"\frac{\partial E}{\partial \mathcal{W}} = \sum_t \bar{a}_t z_{t-1}^\top", False),
        (r"\frac{\partial E}{\partial target_t} = target_t - h_t", True),
    ],
)
def test_names_of_several_signs_and_letters_of_another_type(text: str, holds: bool) -> None:
    if "bar{z}" in text:
        text += "\n" + r"\bar{h}_t = h_t - target_t + \bar{h}_{t+1}" + "\n" + r"\bar{a}_t = (1 - z_t^2) \odot \bar{z}_t"
    try:
        verdict = rnnsym.verify(SYMBOLS, text).verdict
    except MalformedClaim:
        verdict = None
    assert (str(verdict) == "proved") == holds


def test_numbers_below_are_layers_where_there_is_no_time() -> None:
    model = Model("h = tanh(W @ x + b)\np = V @ h\nE = squared_error(y, p)", inputs=("x", "y"))
    text = r"""
        \delta_2 = p - y
        \delta_1 = (1 - h^2) \odot V^\top \delta_2
        \frac{\partial E}{\partial V} = \delta_2 h^\top
        \frac{\partial E}{\partial W} = \delta_1 x^\top"""
    assert str(rnnsym.verify(model, text).verdict) == "proved"
    assert str(rnnsym.verify(model, text.replace("- y", "+ y")).verdict) == "refuted"
