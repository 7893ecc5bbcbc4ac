"""Claims about single elements: read, proved, and never proved when an index is wrong."""

from __future__ import annotations

import random
import re

import pytest
from documents import read_document

from rnnsym import Model, Notation, available, derive, load, verify
from rnnsym.claims.brief import shown
from rnnsym.claims.match import read
from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.proof.leaves import UnprovenError
from rnnsym.proof.prover import prove
from rnnsym.verify import Verdict

RNN = Model("""
a[t] = W @ h[t-1] + U @ x[t] + b
h[t] = tanh(a[t])
E[t] = squared_error(y[t], h[t])
""")
CLASSIFIER = Model(
    """
h[t] = tanh(W @ h[t-1] + U @ x[t] + b)
o[t] = V @ h[t]
p[t] = softmax(o[t])
E[t] = cross_entropy(y[t], p[t])
""",
    sizes={"h": "n", "x": "m", "o": "k"},
)
RECURRENT = "dE/dW = Σ_{t=1..T} (dE/da[t] @ h[t-1]ᵀ)"
DELTA = r"""\delta_{t,i} = (1 - h_{t,i}^2) \left( h_{t,i} - y_{t,i} + \sum_j W_{ji} \delta_{t+1,j} \right)
\frac{\partial E}{\partial W_{ij}} = \sum_{t=1}^T \delta_{t,i} h_{t-1,j}"""


@pytest.mark.parametrize(
    "source",
    [
        r"\frac{\partial E}{\partial W_{ij}} = \sum_t \bar a_{t,i} h_{t-1,j}",
        r"\frac{\partial E}{\partial W_{i,j}} = \sum_{t=1}^{T} \bar a_i^{(t)} h_j^{(t-1)}",
        r"\frac{\partial E}{\partial W_{kl}} = \sum_t \bar a_{k}^t \, h^{t-1}_l",
        r"\frac{\partial E}{\partial W_{ij}} = \sum_t \bar a_{i,t} h_{j,t-1}",
        r"\left( \frac{\partial E}{\partial W} \right)_{ij} = \sum_t (\bar a_t h_{t-1}^\top)_{ij}",
        r"\nabla_{W_{ij}} E = \sum_t \frac{\partial E}{\partial a_{t,i}} h_{t-1,j}",
        r"\frac{\partial E}{\partial W_{ij}} = \sum_t \sum_l \delta_{il} \bar a_{t,l} h_{t-1,j}",
        "∂E/∂W[i,j] = Σ_{t=1..T} ā[t,i] h[t-1,j]",
        "dE/dW[i,j] = sum(dE/da[t,i] * h[t-1,j])",
    ],
)
def test_one_gradient_in_many_spellings(source: str) -> None:
    claim = read(source, RNN)
    (equation,) = claim.equations
    assert len(prove(claim, RNN).equations) == 1
    assert shown(equation.left) in ("dE/dW", "∂E/∂W")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\bar a_{t,i} = (1 - h_{t,i}^2) \bar h_{t,i}", "((1 + -h[t]^2) ⊙ dE/dh[t])"),
        (r"\bar h_{t,i} = \sum_j W_{ji} \bar a_{t,j}", "(Wᵀ @ dE/da[t])"),
        (r"\gamma_{t,i} = h_{t,i} \sum_j h_{t,j} y_{t,j}", "((h[t]ᵀ @ y[t]) · h[t])"),
        (r"\gamma_{t,i} = \sum_j h_{t,j} b_i", "(sum_elements(h[t]) · b)"),
        (r"\gamma_{t,i,j} = h_{t,i} W_{ij} b_j", "(diag(h[t]) @ W @ diag(b))"),
        (r"\gamma_{t,i,j} = h_{t,j} W_{ij}", "(W @ diag(h[t]))"),
        (r"\gamma_{t,i,j} = \sum_l W_{il} h_{t,l} W_{jl}", "(W @ diag(h[t]) @ Wᵀ)"),
        (r"\gamma_{t,i} = W_{ii} h_{t,i}", "(((W ⊙ I) @ 𝟏) ⊙ h[t])"),
        (r"\gamma_{t,i} = \sum_j (\delta_{ij} - h_{t,i} h_{t,j}) b_j", "((I + -(h[t] @ h[t]ᵀ)) @ b)"),
        (r"\gamma_{t,i} = \tanh(\sum_j W_{ij} h_{t,j} + b_i)", "tanh(((W @ h[t]) + b))"),
        (r"\gamma_{t,i} = \frac{h_{t,i}}{\sum_j h_{t,j}^2}", "h[t]/sum_elements(h[t]^2)"),
    ],
)
def test_elements_become_vectors_and_matrices(source: str, expected: str) -> None:
    assert shown(read(source, RNN).equations[0].right) == expected


@pytest.mark.parametrize(
    ("model", "claim", "verdict"),
    [
        (RNN, DELTA, Verdict.PROVED),
        (
            RNN,
            DELTA.replace("h_{t,i}^2", "(h_i^{(t)})^2").replace("_{t,i}", "_i^{(t)}").replace("_{t+1,j}", "_j^{(t+1)}"),
            Verdict.PROVED,
        ),
        (RNN, DELTA.replace(r"\sum_j", r"\sum_{j=1}^{N}"), Verdict.PROVED),
        (RNN, DELTA.replace("W_{ji}", "W_{ij}"), Verdict.REFUTED),
        (RNN, r"\frac{\partial h_{t,i}}{\partial h_{t-1,j}} = (1 - h_{t,i}^2) W_{ij}", Verdict.PROVED),
        (RNN, r"\frac{\partial h_{t,i}}{\partial h_{t-1,j}} = (1 - h_{t,i}^2) W_{ji}", Verdict.REFUTED),
        (RNN, r"\frac{\partial h_{t,i}}{\partial a_{t,j}} = \delta_{ij} (1 - h_{t,j}^2)", Verdict.PROVED),
        (RNN, r"\frac{\partial a_{t,i}}{\partial a_{t-1,j}} = W_{ij} (1 - h_{t-1,j}^2)", Verdict.PROVED),
        (RNN, r"\frac{\partial a_{t,i}}{\partial a_{t-1,j}} = W_{ij} (1 - h_{t-1,i}^2)", Verdict.REFUTED),
        # Real-time recurrent learning, as it was first published: three indices.
        (RNN, r"\frac{\partial^+ h_{t,i}}{\partial W_{jk}} = \delta_{ij} (1 - h_{t,i}^2) h_{t-1,k}", Verdict.PROVED),
        (
            RNN,
            (
                r"\frac{d h_{t,i}}{d W_{jk}} = (1 - h_{t,i}^2) \left( \delta_{ij} h_{t-1,k} "
                r"+ \sum_l W_{il} \frac{d h_{t-1,l}}{d W_{jk}} \right)"
            ),
            Verdict.PROVED,
        ),
        (
            RNN,
            (
                r"\frac{d h_{t,i}}{d W_{jk}} = (1 - h_{t,i}^2) \left( \delta_{ij} h_{t,k} "
                r"+ \sum_l W_{il} \frac{d h_{t-1,l}}{d W_{jk}} \right)"
            ),
            Verdict.REFUTED,
        ),
        (CLASSIFIER, r"\frac{\partial p_{t,i}}{\partial o_{t,j}} = p_{t,i} (\delta_{ij} - p_{t,j})", Verdict.PROVED),
        (CLASSIFIER, r"\frac{\partial p_{t,i}}{\partial o_{t,j}} = p_{t,i} (\delta_{ij} - p_{t,i})", Verdict.REFUTED),
        (CLASSIFIER, r"\frac{\partial E}{\partial V_{ki}} = \sum_t (p_{t,k} - y_{t,k}) h_{t,i}", Verdict.CONDITIONAL),
        (CLASSIFIER, r"E_t = -\sum_{i=1}^{k} y_{t,i} \log p_{t,i}", Verdict.PROVED),
    ],
)
def test_verdicts(model: Model, claim: str, verdict: Verdict) -> None:
    assert verify(model, claim).verdict is verdict


@pytest.mark.parametrize("time", ["subscript", "superscript"])
@pytest.mark.parametrize("name", available())
def test_what_is_printed_in_index_notation_is_proved(name: str, time: str) -> None:
    model = load(name)
    notation = Notation(indices=True, time=time)
    derivation = derive(model)
    for text, kind in (
        (derivation.to_latex("result", notation=notation), "tex"),
        (derivation.to_text("result", notation=notation), "txt"),
    ):
        claim = read_document(text, model, kind)
        proof = prove(claim, model)
        assert len(proof.equations) == len(claim.equations) > 5


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (r"\bar h_{t,i} = W_{ji} \bar a_{t,j}", "the index j stands on the right side only"),
        (r"\frac{\partial E}{\partial W_{ij}} = \sum_t \bar a_{t,i} h_{t-1,k}", "the index k stands on the right side"),
        (r"\frac{\partial E}{\partial h_{t,i}} = \sum_j U_{ji} \bar a_{t,j}", "the index i runs over"),
        (r"\bar a_{t,i} = (1 - h_{t,i}^2) \odot \bar h_t", "cannot be|whole array beside single elements"),
        (r"\frac{\partial E}{\partial W_{i}} = \sum_t \bar a_{t,i}", "the index of W cannot be read|no time index"),
    ],
)
def test_indices_that_do_not_fit(source: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        read(source, RNN)


def test_a_size_that_is_another_is_told() -> None:
    wrong = r"\frac{\partial E}{\partial h_{t,i}} = \sum_{j=1}^{m} V_{ji} \bar o_{t,j}"
    with pytest.raises(MalformedClaim, match="the sum up to m"):
        read(wrong, CLASSIFIER)


def mutants(claim: str, rng: random.Random) -> str:
    """One slip of the kind that index notation invites."""
    kind = rng.randrange(4)
    if kind == 0:
        places = [m.span(1) for m in re.finditer(r"_\{(?:t[^,}]*,)?([ijkl]{1,3})\}", claim.partition("=")[2])]
        start, stop = rng.choice(places)
        offset = claim.index("=") + 1
        old = claim[offset + start : offset + stop]
        new = old[::-1] if len(old) > 1 else rng.choice("ijl".replace(old, ""))
        return claim[: offset + start] + new + claim[offset + stop :]
    if kind == 1:
        sums = [m.span() for m in re.finditer(r"\\sum_(\{j=1\}\^\{?\w+\}?|\w)", claim)]
        start, stop = rng.choice(sums)
        return claim[:start] + claim[stop:]
    times = [m.span() for m in re.finditer(r"(?<=_\{)t([+-]1)?(?=,)", claim.partition("=")[2])]
    offset = claim.index("=") + 1
    start, stop = rng.choice(times)
    old = claim[offset + start : offset + stop]
    new = rng.choice([time for time in ("t", "t-1", "t+1") if time != old])
    return claim[: offset + start] + new + claim[offset + stop :]


CLAIMS = [
    (RNN, DELTA),
    (RNN, r"\bar h_{t,i} = h_{t,i} - y_{t,i} + \sum_j W_{ji} \bar a_{t+1,j}"),
    (RNN, r"\frac{\partial a_{t,i}}{\partial a_{t-1,j}} = \sum_l W_{il} \delta_{lj} (1 - h_{t-1,j}^2)"),
    (RNN, r"\frac{\partial E}{\partial W_{ij}} = \sum_t \sum_l \bar h_{t,l} \delta_{li} (1 - h_{t,l}^2) h_{t-1,j}"),
    (CLASSIFIER, r"\bar h_{t,i} = \sum_j V_{ji} \bar o_{t,j} + \sum_l W_{li} (1 - h_{t+1,l}^2) \bar h_{t+1,l}"),
]


def test_no_slip_in_an_index_is_proved() -> None:
    rng = random.Random(5)
    tried = proved = 0
    for model, claim in CLAIMS:
        right = prove(read(claim, model), model)
        assert right.equations
        for wrong in sorted({mutants(claim, rng) for _ in range(20)} - {claim}):
            tried += 1
            try:
                prove(read(wrong, model), model)
            except (ClaimError, UnprovenError):
                continue
            proved += 1
            assert wrong in EQUAL, wrong
    assert tried > 35
    assert proved < tried / 4


#: Slips that change nothing: a Kronecker delta makes two indices the same.
EQUAL = {
    CLAIMS[2][1].replace("h_{t-1,j}", "h_{t-1,l}"),
    CLAIMS[3][1].replace("h_{t,l}^2", "h_{t,i}^2"),
    CLAIMS[3][1].replace(r"\bar h_{t,l}", r"\bar h_{t,i}"),
    CLAIMS[2][1].replace(r"\delta_{lj}", r"\delta_{jl}"),
    CLAIMS[3][1].replace(r"\delta_{li}", r"\delta_{il}"),
}
