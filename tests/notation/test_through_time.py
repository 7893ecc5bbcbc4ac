"""What the documents of the forms through time print is right: read as text, evaluated, compared with other routes."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import rnnsym
from rnnsym import Model, derive, library, load
from rnnsym.calculus.agreement import adjoints_agree
from rnnsym.calculus.onestep import NoStepError
from rnnsym.checks.data import draw
from rnnsym.checks.symbolic import Evaluation
from rnnsym.errors import RnnsymError
from rnnsym.notation.story import Story
from rnnsym.notation.through_time import PathStory

from .formulas import Reader, printed_equations
from .reading import Sheet

NAMES = library.available()
#: A piece of a matrix: `W[1:n,:]`.
CUT = r"(\w+)\[([^\s,\]]*:[^\s,\]]*),([^\s,\]]*:[^\s,\]]*)\]"
LENGTH = 4


class Look(Sheet):
    """Evaluates printed right sides whose variables are looked up."""

    def __init__(self, lookup: Callable[[str, int | None], Any], values: Evaluation) -> None:
        self.lookup = lookup
        self.given, self.equations, self.rows = {}, {}, False
        self.length = values.length
        self.sizes = {str(size): number for size, number in values.sizes.items()}

    def value(self, name: str, time: int | None) -> Any:
        found = np.asarray(self.lookup(name, time), float)
        return float(found.ravel()[0]) if found.size == 1 else found.reshape(-1, 1) if found.ndim == 1 else found


class Case:
    """A model with data, its derivation, and values of anything by the equations in index notation."""

    def __init__(self, name: str, parameter: str) -> None:
        self.model = load(name) if name in NAMES else Model(name)
        self.derivation = derive(self.model)
        self.parameter = parameter
        self.form = self.derivation.paths(parameter)
        chain = self.form.chain
        params, inputs, _ = draw(self.model, 3, length=LENGTH, batch=None)
        self.given = params, inputs
        equations = (*self.derivation.system.equations, *self.derivation.adjoints, *chain.jacobians)
        every = (*equations, *(e for e in chain.immediate[parameter]), *chain.direct)
        unique = list({(e.name, str(e.interval), str(e.terms)): e for e in every}.values())
        self.values = Evaluation(self.model, unique, params, inputs)
        self.story = PathStory(self.derivation.content, chain, "text")
        self.sizes = {str(symbol): number for symbol, number in self.values.sizes.items()}
        #: How many elements the states have; parts of the identity are parts of one of this size.
        self.state = sum(int(np.prod(self.values.value(name, 1).shape)) for name in chain.states)
        self.cuts: list[tuple[str, str, str]] = []
        self.texts = {text: variable for variable, text in self.story.printer.names.texts.items()}

    def look(self, name: str, time: int | None) -> Any:
        """A variable by its printed name."""
        plain = unicodedata.normalize("NFD", name)
        if plain.startswith("J__"):
            above, below, lag = plain[3:].split("__")
            return self.values.value(f"step({above},{below}[t-{lag}])", time)
        if plain.startswith("C__"):
            matrix, rows, columns = self.cuts[int(plain[3:])]
            whole = np.eye(self.state) if matrix == "I" else self.values.value(matrix, None)
            return whole[self.part(rows), self.part(columns)]
        if name.startswith("bar("):
            return self.values.value(name, time)
        if "\u0304" in plain:
            return self.values.value(f"bar({self.texts[plain.replace(chr(0x304), '')]})", time)
        return self.values.value(self.texts.get(name, name), time)

    def part(self, text: str) -> slice:
        """`n+1:2n` as a slice."""
        first, last = (self.number(end) if end else None for end in text.split(":"))
        return slice(None if first is None else first - 1, last)

    def number(self, size: str) -> int:
        """A size as a number."""
        parts = (re.fullmatch(r"(\d*)(.*)", part) for part in size.split("+"))
        return sum(int(part[1] or 1) * self.sizes.get(part[2], 1) for part in parts if part)

    def compute(self, text: str, letter: str, at: int, signals: Callable[[str, int], Any] | None = None) -> Any:
        """The value of a printed right side, where `letter` is the time `at`."""
        text = re.sub(rf"∂(\w+)\[{letter}\]/∂(\w+)\[{letter}-(\d)\]", r"J__\1__\2__\3[t]", text)
        text = re.sub(r"δ(?:_(\w+?))?(?:⁽ᵗ⁾)?\[", lambda found: f"delta__{found[1] or 'only'}[", text)
        self.cuts = re.findall(CUT, text)
        for number in range(len(self.cuts)):
            text = re.sub(CUT, f"C__{number}", text, count=1)
        text = re.sub(rf"\[{letter}(?=[-+\]])", "[t", text)

        def lookup(name: str, time: int | None) -> Any:
            if name.startswith("delta__"):
                assert signals is not None
                assert time is not None
                return signals(name.removeprefix("delta__"), time)
            return self.look(name, time)

        return Look(lookup, self.values).compute(Reader(text).formula(), {"t": at})

    @property
    def gradient(self) -> Any:
        return self.values.value(f"bar({self.parameter})", None)


def close(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * max(1e-3, float(np.abs(other).max(initial=0))))


CASES = {
    ("rnn", "W"), ("rnn", "U"), ("rnn", "b"), ("lstm", "W_f"), ("lstm", "b_i"), ("lstm", "U_o"), ("gru", "W_g"), ("gru", "W_r"),
    ("gru", "b_z"), ("gru_reset_after", "W_g"), ("elman", "W"), ("jordan", "W"), ("many_to_one", "W"), ("one_to_many", "W"),
    ("one_to_many", "U"),
    ("h[t] = tanh(W @ h[t-2] + V @ h[t-1] + b)\nE[t] = squared_error(d[t], h[t])", "W"),
    ("h[t] = tanh(W @ concat(h[t-1], x[t]) + b)\nE = mean(squared_error(d[t], h[t]))", "W"),
    ("h[t] = tanh(W @ h[t-1][:n] + V @ h[t-1][n:])\nE[t] = squared_error(d[t], h[t])", "W"),
    ("h[t] = tanh(concat(v * h[t-1][n:], W @ h[t-1][:n]))\nE[t] = squared_error(d[t], A @ h[t])", "W"),
    ("h[t] = concat(tanh(W @ h[t-1]), h[t-1][:n])\nE[t] = squared_error(d[t], h[t])", "W"),
    ("a[t] = tanh(W @ a[t-1] + U @ b[t-1])\nb[t] = sigmoid(V @ a[t] + R @ b[t-1])\nE[t] = squared_error(d[t], b[t])", "R"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "parameter"), sorted(CASES))
def test_printed_jacobians_and_effects(name: str, parameter: str) -> None:
    """diag(1 - h²) W and the like, as arrays, are what the equations in index notation give."""
    case = Case(name, parameter)
    lines = case.story.lines(case.form.chain.jacobians, "j")
    assert len(lines) == len(case.form.chain.jacobians) > 0
    for line, equation in zip(lines, case.form.chain.jacobians, strict=True):
        expected = case.values.value(equation.name, 3)
        found = case.compute(line.right, "j", 3)
        if np.ndim(found) == 0:
            expected = expected.ravel()[0]
        close(found, expected)
    for equation in case.form.chain.effects():
        (line,) = [line for line in case.story.effects() if f"[{'T' if 'T' in line.left else 't'}])ᵀ" in line.left][:1]
        at = LENGTH if "T" in line.left else 2
        if len(case.form.chain.effects()) == 1:
            found = case.compute(line.right.replace("[T]", "[t]"), "t", at)
            close(np.ravel(found), np.ravel(case.values.value(equation.name, at)))


@pytest.mark.parametrize(("name", "parameter"), sorted(CASES))
def test_printed_signals_give_the_gradient(name: str, parameter: str) -> None:
    """The start of each signal, the way back and the double sum, read from the text alone."""
    case = Case(name, parameter)
    story = case.story
    end = LENGTH if story.last_only else None
    starts: dict[str, str] = {}
    backs: dict[str, str] = {}
    for line in story.signal_lines():
        match = re.fullmatch(r"δ(?:_(\w+?))?(?:⁽ᵗ⁾)?\[(\w)\]", line.left)
        assert match
        assert "k = " not in line.note
        (backs if line.note else starts)[match[1] or "only"] = line.right
    memo: dict[tuple[str, int, int], Any] = {}
    sizes = {name: case.values.value(name, 1).size for name in case.form.chain.states}

    def signal(state: str, step: int, last: int) -> Any:
        if step > last:
            only = next(iter(sizes)) if state == "only" else case.texts[state]
            return np.zeros(sizes[only])
        if (state, step, last) not in memo:
            known = starts if step == last else backs
            text = known.get(state)
            letter = story.printer.back if step < last else "T" if story.last_only else "t"
            value: Any = np.zeros(sizes[next(iter(sizes)) if state == "only" else case.texts[state]])
            if text is not None:
                value = case.compute(text, letter, step, partial(signal_until, last))
            memo[state, step, last] = np.ravel(value)
        return memo[state, step, last]

    def signal_until(last: int, state: str, step: int) -> Any:
        return signal(state, step, last)

    back = story.printer.back
    match = re.fullmatch(rf"(Σ_\{{t=1\.\.T\}} )?(Σ_\{{{back}=1\.\.(?:t|T)\}} )?(.*)", story.gathered_sum(parameter))
    assert match
    assert bool(match[1]) == (end is None)
    total: Any = 0.0
    for last in range(1, LENGTH + 1) if match[1] else (LENGTH,):
        for step in range(1, last + 1) if match[2] else (1,):
            total = total + case.compute(match[3], back, step, partial(signal_until, last))
    close(np.reshape(total, case.gradient.shape), case.gradient)


#: Too large to be multiplied out, or with more than six summed indices, in all orders of which products are compared.
TOO_LARGE = {"attention_additive", "attention_intra", "lstm_layer_norm", "lstm_mogrifier"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in TOO_LARGE])
def test_both_routes_to_the_adjoints_are_equal_formulas(name: str) -> None:
    derivation = derive(load(name))
    form = derivation.forward()
    if form.chain.leads_on:
        assert form.agrees
        # A term less, and they are not.
        states = {f"bar({state})" for state in form.chain.states}
        broken = tuple(
            e
            if e.name not in states or not e.terms
            else type(e)(e.variable, e.time, e.indices, e.terms[1:], e.interval)
            for e in derivation.adjoints
        )
        assert not adjoints_agree(form.chain, broken)


def test_the_second_order_form_reads_as_it_is_derived() -> None:
    derivation = derive(load("rnn"))
    text = derivation.second_order("W").to_text("result")
    found = {left: right for left, right, _ in printed_equations(text)}
    assert found["ȧ[t]"] == "Ẇ h[t-1] + W ḣ[t-1]"
    assert found["ḣ[t]"] == "(1 - h[t]²) ⊙ ȧ[t]"
    assert found["dot(ā)[t]"] == "-2 h[t] ⊙ h̄[t] ⊙ ḣ[t] + (1 - h[t]²) ⊙ dot(h̄)[t]"
    assert found["dot(W̄)"] == "Σ_{t=1..T} ā[t] ḣ[t-1]ᵀ + Σ_{t=1..T} dot(ā)[t] h[t-1]ᵀ"
    assert "dot(Ū)" not in found


@pytest.mark.parametrize(("name", "parameter", "length"), [("rnn", "W", 2), ("lstm", "b_o", 2), ("gru", "U_z", 2)])
def test_a_gradient_with_every_adjoint_put_in(name: str, parameter: str, length: int) -> None:
    model = load(name)
    derivation = derive(model)
    params, inputs, _ = draw(model, 3, length=length, batch=None)
    values = Evaluation(model, (*derivation.system.equations, *derivation.adjoints), params, inputs)
    form = derivation.unroll(length).substituted(parameter)
    own, terms = form.expanded
    put_in = type(own)(own.variable, None, own.indices, terms)
    alone = Evaluation(model, (*derivation.system.equations, put_in), params, inputs)
    close(alone.value(own.name, None), values.value(own.name, None))
    ((_, right, _),) = printed_equations(form.to_text())
    texts = {
        text: variable
        for variable, text in Story(derivation.content, derivation.paths().chain, "text").printer.names.texts.items()
    }
    found = Look(lambda shown, at: values.value(texts[shown], at), values).compute(Reader(right).formula(), {})
    close(np.reshape(found, values.value(own.name, None).shape), values.value(own.name, None))


def test_too_many_paths_are_refused() -> None:
    with pytest.raises(RnnsymError, match="more than 200 terms"):
        str(derive(load("lstm")).unroll(6).substituted("W_f"))


def test_requests_that_make_no_sense() -> None:
    derivation = derive(load("rnn"))
    with pytest.raises(KeyError, match="no parameter 'w'"):
        derivation.paths("w")
    with pytest.raises(RnnsymError, match="layout is 'numerator' or 'denominator'"):
        derivation.paths("W", layout="rows")
    with pytest.raises(RnnsymError, match="at least 1 step"):
        derivation.truncated(0, "W")
    with pytest.raises(ValueError, match="detail is one of"):
        derivation.paths("W").to_text("all")
    chainless = Model("h[t] = tanh(W @ h[t-1])\ng[t] = tanh(V @ g[t-1] + h[T])\nE[t] = squared_error(d[t], g[t])")
    with pytest.raises(NoStepError, match="not a chain of steps"):
        derive(chainless).paths("W").to_text()


# What is printed


RNN = (
    r"\frac{\partial E}{\partial W} &= \sum_{t=1}^{T} \sum_{k=1}^{t} \frac{\partial E_t}{\partial h_t} "
    r"\left(\prod_{j=t}^{k+1} \frac{\partial h_j}{\partial h_{j-1}}\right) \frac{\partial^{+} h_k}{\partial W}"
)


def test_the_double_sum_of_the_textbooks() -> None:
    derivation = derive(load("rnn"))
    assert RNN in derivation.paths("W").to_latex()
    denominator = derivation.paths("W", layout="denominator").to_latex()
    assert (
        r"\sum_{k=1}^{t} \frac{\partial^{+} h_k}{\partial W} \left(\prod_{j=k+1}^{t} "
        r"\frac{\partial h_j}{\partial h_{j-1}}\right) \frac{\partial E_t}{\partial h_t}"
    ) in denominator
    assert r"\frac{\partial h_j}{\partial h_{j-1}} &= W^\top \operatorname{diag}(1 - h_j^2)" in denominator
    text = derivation.truncated(None, "W").to_text()
    assert "Σ_{k=max(1, t-K+1)..t}" in text
    assert "Σ_{t=K+1..T} Σ_{k=1..t-K}" in text
    assert "Σ_{k=max(1, t-2)..t}" in derivation.truncated(3, "W").to_text()


def test_no_path_through_time() -> None:
    assert "No state depends on V" in derive(load("rnn")).paths("V").to_text()
    assert "∂E/∂V = Σ_{t=1..T} ō[t] h[t]ᵀ" in derive(load("rnn")).paths("V").to_text()
    assert "no path leads through time" in derive(load("feedforward")).paths().to_text()


def test_what_a_parameter_does_beside_the_states() -> None:
    model = Model("h[t] = tanh(W @ h[t-1])\nE = sum(squared_error(d[t], W.T @ h[t])) + 0.1 * sum(W ** 2)")
    text = derive(model).paths("W").to_text()
    assert "∂E/∂W = ∂⁺E/∂W + Σ_{t=1..T} Σ_{k=1..t}" in text
    assert "∂⁺E/∂W = 0.2 W + Σ_{t=1..T} h[t] s̄[t]ᵀ" in text


def test_truncated_sums_are_the_sums_over_the_last_paths() -> None:
    """Signals and Jacobians agree about what is kept, and the printed limit of the sum is that of what is kept."""
    case = Case("lstm", "W_f")
    step = {}
    states = ("c", "h")
    sizes = [case.values.value(name, 1).size for name in states]
    for at in range(1, LENGTH + 1):
        step[at] = np.block([[case.values.value(f"step({a},{b}[t-1])", at) for b in states] for a in states])
    kept: Any = 0.0
    for last in range(1, LENGTH + 1):
        row = np.concatenate([np.zeros(sizes[0]), case.values.value("direct(h)", last)])
        for k in range(last, max(1, last - 2 + 1) - 1, -1):
            own = [case.values.value(f"immediate({name},W_f)", k) for name in states]
            kept = kept + np.tensordot(row, np.concatenate(own), axes=1)
            row = row @ step[k]
    assert not np.allclose(kept, case.gradient)
    text = case.derivation.truncated(2, "W_f").to_text("result")
    right = next(right for left, right, _ in printed_equations(text) if left == "[∂E/∂W_f]_2" and "⊙" in right)
    match = re.fullmatch(r"Σ_\{t=1\.\.T\} Σ_\{k=max\(1, t-1\)\.\.t\} (.*)", right)
    assert match
    story = case.story
    lines = {(line.left, bool(line.note)): line.right for line in story.signal_lines()}

    def signal(last: int, state: str, at: int) -> Any:
        if at > last:
            return np.zeros(sizes[states.index(state)])
        letter = "t" if at == last else "k"
        return np.ravel(case.compute(lines[f"δ_{state}⁽ᵗ⁾[{letter}]", at < last], letter, at, partial(signal, last)))

    total: Any = 0.0
    for last in range(1, LENGTH + 1):
        for k in range(max(1, last - 1), last + 1):
            total = total + case.compute(match[1], "k", k, partial(signal, last))
    close(total, kept)


def test_the_joint_state_has_a_letter_of_its_own() -> None:
    model = Model("s[t] = tanh(W @ s[t-1] + k[t])\nk[t] = tanh(U @ k[t-1])\nE[t] = squared_error(d[t], s[t])")
    text = derive(model).paths("U").to_text()
    assert "q[t] = [s[t]; k[t]]" in text
    assert "Σ_{l=1..t}" in text
    assert "Σ_{k=" not in text


def test_it_takes_no_time() -> None:
    derivation = derive(load("lstm"))
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        derivation.paths().to_latex()
        best = min(best, time.perf_counter() - start)
    assert best < 2  # a quarter of that on a quiet machine


def test_results_are_deterministic() -> None:
    one, other = (rnnsym.derive(rnnsym.load("gru")).paths().to_text() for _ in range(2))
    assert one == other


def test_the_jacobian_of_a_tensor_is_written_by_elements() -> None:
    model = Model("h[t] = tanh(bilinear(W, h[t-1], x[t]))\nE[t] = squared_error(d[t], h[t])")
    text = derive(model).jacobians().to_text("result")
    line = next(line for line in text.splitlines() if "∂h[j]/∂h[j-1] =" in line)
    assert re.search(r"Σ_\{\w\} \(1 - h\[j,\w\]²\) W\[\w,\w,\w\] x\[j,\w\]", line), line
