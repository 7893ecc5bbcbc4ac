"""Models against the cells of other people's packages, with drawn weights; what is not installed is skipped."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import rnnsym
from rnnsym.checks.data import draw
from rnnsym.library import declaration, find

from .peers import PEERS, package


@pytest.mark.parametrize("name", PEERS)
def test_a_cell_computes_what_a_package_computes(name: str) -> None:
    peer, model = PEERS[name], rnnsym.load(name)
    package("torch")
    params, inputs, _ = draw(model, 11, length=5, batch=2, sizes=peer.sizes)
    if peer.needs != "fla":  # which wants hardware when imported as a whole
        package(peer.needs)
    params = {key: 1 / (1 + np.exp(-value)) if key in peer.within else value for key, value in params.items()}
    params, inputs = (
        {key: 0 * value if key in peer.zero else value for key, value in given.items()} for given in (params, inputs)
    )
    expected = peer.run(SimpleNamespace(**params), inputs)
    kernel = rnnsym.generate(model)
    found = kernel.module.predict(params, {key: value for key, value in inputs.items() if key != "target"})
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=peer.digits, atol=peer.digits)


def test_what_is_said_to_give_the_same_numbers_is_what_is_run() -> None:
    said = set()
    for name in rnnsym.available():
        remarks = declaration(find(name).read_text("utf-8"), find(name)).compared.items()
        # ONNX's own implementation is run in tests/test_derivations.py.
        said |= {name for place, remark in remarks if "same numbers" in remark and not place.startswith("onnx/")}
    assert said == set(PEERS)
