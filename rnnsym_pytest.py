"""A pytest plugin: hand-written backward passes and formulas checked in a project's own tests.

def test_backward(rnnsym_verify):
    rnnsym_verify("lstm", my_backward)

The test fails with the diagnosis as its message. rnnsym itself is imported when the fixture is first used, so that
the plugin costs nothing where it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def rnnsym_verify() -> Callable[..., Any]:
    """A function `check(model, claim, strict=False, **options)` that fails the test where the claim does not hold.

    model: a `rnnsym.Model`, its equations as text, or the name of a model that rnnsym ships. claim: a function that
    returns gradients, judged by `rnnsym.verify_function`, or a formula, judged by `rnnsym.verify`. options:
    those of either. strict: whether a claim that holds under an assumption only fails as well. It returns the result.
    """
    return check


@pytest.fixture(scope="session")
def gradient_check() -> Callable[..., Any]:
    """The same as `rnnsym_verify`, for tests that read better so."""
    return check


def check(model: Any, claim: Any, strict: bool = False, **options: Any) -> Any:
    """Judge a claim, and fail the running test where it is wrong."""
    __tracebackhide__ = True
    import rnnsym
    from rnnsym.verify.verdict import Verdict

    if isinstance(model, str):
        model = rnnsym.Model(model) if "=" in model else rnnsym.load(model)
    judge: Any = rnnsym.verify_function if callable(claim) else rnnsym.verify
    result = judge(model, claim, **options)
    if not result.holds or (strict and result.verdict is Verdict.CONDITIONAL):
        pytest.fail(str(result), pytrace=False)
    return result
