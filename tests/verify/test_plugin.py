"""The pytest plugin, in tests of a project of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

PROJECT = '''
import numpy as np

MODEL = """
h[t] = tanh(w * h[t-1] + x[t])
E[t] = squared_error(d[t], h[t])
"""

def backward(params, inputs, later=True):
    h = [inputs["h[0]"]]
    for x in inputs["x"]:
        h.append(np.tanh(params["w"] * h[-1] + x))
    dw, dh = 0.0, 0.0
    for t in range(len(inputs["x"]), 0, -1):
        da = (dh * later + h[t] - inputs["d"][t - 1]) * (1 - h[t] ** 2)
        dw = dw + (da * h[t - 1]).sum(axis=0)
        dh = da * params["w"]
    return {"w": dw}

def one_step(params, inputs):
    return backward(params, inputs, later=False)

def zero_state(params, inputs):
    return backward(params, {**inputs, "h[0]": 0 * inputs["h[0]"]})

def test_right(rnnsym_verify):
    assert rnnsym_verify(MODEL, backward, sizes=None).holds

def test_wrong(gradient_check):
    gradient_check(MODEL, one_step)

def test_formula(rnnsym_verify):
    rnnsym_verify(MODEL, "dE/dw = sum(bar(h)[t] * (1 - h[t] ** 2) * h[t-1])")

def test_wrong_formula(rnnsym_verify):
    rnnsym_verify(MODEL, "dE/dw = sum(bar(h)[t] * (1 - h[t] ** 2) * h[t])")

def test_conditional(gradient_check):
    assert gradient_check(MODEL, zero_state).assumptions

def test_strict(gradient_check):
    gradient_check(MODEL, zero_state, strict=True)
'''


def test_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PROJECT)
    result = pytester.runpytest_inprocess("-p", "rnnsym_pytest", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(
        ["*one step only (the immediate derivative)*", "*stands where h?t-1? is needed*", "*initial states are zero*"]
    )


def test_plugin_is_light() -> None:
    """Loading the plugin imports nothing of rnnsym, of SymPy or NumPy."""
    code = "import sys, rnnsym_pytest; print([n for n in ('rnnsym', 'sympy', 'numpy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
