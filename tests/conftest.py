"""Hypothesis profiles, and which shipped models stand for all of them in tests of one part of the program.

`dev` while working; `ci` draws more, the same for everyone, and without a time limit.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from rnnsym import Model, available

settings.register_profile("dev", deadline=None, max_examples=30)
settings.register_profile(
    "ci", deadline=None, derandomize=True, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

#: Tests that take every shipped model take these by default, and the others where slow tests are wanted: all of the
#: library goes the whole way in tests/library.
REPRESENTATIVE = {
    "elman", "feedforward", "gru", "gru_reset_after", "jordan", "lstm", "many_to_one", "neuron", "one_to_many", "rnn",
}  # fmt: skip
LIBRARY = Path(__file__).parent / "library"


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is marked as slow
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is about a shipped model that others stand for."""
    others = set(available()) - REPRESENTATIVE
    for item in items:
        values = item.callspec.params.values() if hasattr(item, "callspec") else ()
        names = {
            value.name if isinstance(value, Model) else value for value in values if isinstance(value, str | Model)
        }
        if names & others and LIBRARY not in item.path.parents:
            item.add_marker(pytest.mark.slow)
