"""Cells as packages of other people compute them: what they are called there, and which weights are which.

A peer takes a model's parameters and inputs, and gives the sequences that the package computes, by the model's names.
Nothing here is needed to run rnnsym; what is not installed is not compared.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

Arrays = Mapping[str, Any]
Params = SimpleNamespace


@dataclass(frozen=True)
class Peer:
    """How a package computes a model: `run(params, inputs)` gives sequences (T, B, n) by the model's names.

    `sizes` are those that the package wants equal. A name in `within` is a number between 0 and 1 there, one in `zero`
    a parameter or an initial state that it does not have. `digits` are fewer where it computes in single precision.
    """

    needs: str
    run: Callable[[Params, Arrays], Arrays]
    sizes: Mapping[str, int] = field(default_factory=dict)
    within: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    digits: float = 1e-11


def package(name: str) -> ModuleType:
    """A package that is not ours; what needs it is skipped where it is not installed."""
    return pytest.importorskip(name)  # type: ignore[no-any-return]


def file_of(name: str, path: str) -> ModuleType:
    """One file of a package, which as a whole wants hardware to be imported."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"{name} is not installed")
    place = Path(found.submodule_search_locations[0]) / path
    spec = importlib.util.spec_from_file_location(place.stem, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tensor(array: Any) -> Any:
    return package("torch").as_tensor(np.asarray(array, dtype=np.float64))


def put(cell: Any, weights: Mapping[str, tuple[Any, ...]]) -> None:
    """Sets a cell's weights, each made of blocks that stand one below the other; all other biases become zero."""
    torch = package("torch")
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            if name in weights:
                value = tensor(np.concatenate([np.atleast_1d(block) for block in weights[name]]))
                parameter.copy_(value.reshape(parameter.shape))
            elif "bias" in name:
                parameter.copy_(torch.zeros_like(parameter))


def steps(cell: Any, x: Any, state: Any) -> Iterator[Any]:
    """A cell of torch over a sequence: all that it gives at each step; of a pair the state is the whole."""
    for now in tensor(x):
        state = cell(now, state)
        yield state


def stacked(values: Any) -> Any:
    return np.stack([value.detach().numpy() for value in values])


def recurrent(
    cell: str,
    weights: Callable[[Params], Mapping[str, tuple[Any, ...]]],
    states: tuple[str, ...],
    x: str = "x",
    numbers: tuple[str, ...] = (),
    **options: Any,
) -> Callable[[Params, Arrays], Arrays]:
    """A cell of torchrecurrent with one state, or with two; `numbers` are parameters that it has as plain numbers."""

    def run(p: Params, inputs: Arrays) -> Arrays:
        torch = package("torch")
        blocks = weights(p)
        n = inputs[f"{states[0]}[0]"].shape[-1]
        chosen = options | {name: float(getattr(p, numbers_of(name))) for name in numbers}
        made = getattr(package("torchrecurrent"), cell)(inputs[x].shape[-1], n, **chosen).to(torch.float64)
        put(made, blocks)
        start = tuple(tensor(inputs[f"{name}[0]"]) for name in states)
        found = list(steps(made, inputs[x], start if len(start) > 1 else start[0]))
        if len(states) == 1:
            return {states[0]: stacked(found)}
        return {name: stacked([both[place] for both in found]) for place, name in enumerate(states)}

    def numbers_of(name: str) -> str:
        return {"dt": "Delta"}.get(name, name)

    return run


def logit(p: Any) -> Any:
    return np.log(p / (1 - p))


def gates(p: Params, kind: str, letters: str) -> tuple[Any, ...]:
    """`gates(p, "W", "ifzo")`: W_i, W_f, W_z, W_o."""
    return tuple(getattr(p, f"{kind}_{letter}") for letter in letters)


def of_torch(kind: str, weights: Callable[[Params], Mapping[str, tuple[Any, ...]]], states: tuple[str, ...], **options: Any) -> Callable[[Params, Arrays], Arrays]:  # fmt: skip
    """A layer of torch.nn over the whole sequence."""

    def run(p: Params, inputs: Arrays) -> Arrays:
        torch = package("torch")
        n = inputs[f"{states[0]}[0]"].shape[-1]
        made = getattr(torch.nn, kind)(inputs["x"].shape[-1], n, **options).to(torch.float64)
        put(made, weights(p))
        start = tuple(tensor(inputs[f"{name}[0]"])[None] for name in states)
        found, _ = made(tensor(inputs["x"]), start if len(start) > 1 else start[0])
        return {states[0]: found.detach().numpy()}

    return run


def stacked_of_torch(p: Params, inputs: Arrays) -> Arrays:
    torch = package("torch")
    made = torch.nn.RNN(inputs["x"].shape[-1], inputs["h[0]"].shape[-1], num_layers=2).to(torch.float64)
    put(made, {f"{name}_l{layer}": (getattr(p, f"{ours}_{layer + 1}"),) for layer in (0, 1) for name, ours in {"weight_ih": "U", "weight_hh": "W", "bias_ih": "b"}.items()})  # fmt: skip
    found, _ = made(tensor(inputs["x"]), tensor(np.stack([inputs["g[0]"], inputs["h[0]"]])))
    return {"h": found.detach().numpy()}


def projected_of_torch(p: Params, inputs: Arrays) -> Arrays:
    torch = package("torch")
    r, c = inputs["r[0]"], inputs["c[0]"]
    made = torch.nn.LSTM(inputs["x"].shape[-1], c.shape[-1], proj_size=r.shape[-1]).to(torch.float64)
    weights = {f"weight_{theirs}_l0": tuple(getattr(p, f"W_{gate}{ours}") for gate in "ifco") for theirs, ours in {"ih": "x", "hh": "r"}.items()}  # fmt: skip
    put(made, weights | {"weight_hr_l0": (p.W_rm,), "bias_ih_l0": gates(p, "b", "ifco")})
    found, _ = made(tensor(inputs["x"]), (tensor(r)[None], tensor(c)[None]))
    return {"r": found.detach().numpy()}


def one_head(*arrays: Any) -> tuple[Any, ...]:
    """Sequences (T, B, d) as (B, T, heads, d)."""
    return tuple(tensor(array).swapaxes(0, 1)[:, :, None] for array in arrays)


def projected(p: Params, inputs: Arrays) -> tuple[Any, Any, Any]:
    return tuple(inputs["x"] @ getattr(p, f"W_{letter}").T for letter in "QKV")


def sigmoid(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


def deltanet(p: Params, inputs: Arrays) -> Arrays:
    q, k, v = projected(p, inputs)
    k = k / np.linalg.norm(k, axis=-1, keepdims=True)
    q, k, v = (array.swapaxes(1, 2) for array in one_head(q, k, v))
    beta = tensor(sigmoid(inputs["x"] @ p.w_beta)).swapaxes(0, 1)[:, None]
    # The package divides q by the root of its size, and keeps the state the other way round.
    run = file_of("fla", "ops/delta_rule/naive.py").delta_rule_recurrence
    o, _ = run(q * q.shape[-1] ** 0.5, k, v, beta, initial_state=tensor(inputs["S[0]"]).swapaxes(1, 2)[:, None])
    return {"o": o[:, 0].swapaxes(0, 1).numpy()}


def gated_deltanet(p: Params, inputs: Arrays) -> Arrays:
    q, k, v = projected(p, inputs)
    q, k, v = one_head(q, k / np.linalg.norm(k, axis=-1, keepdims=True), v)
    alpha, beta = (
        tensor(sigmoid(inputs["x"] @ getattr(p, f"w_{name}"))).swapaxes(0, 1)[..., None] for name in ("alpha", "beta")
    )
    run = file_of("fla", "ops/gated_delta_rule/naive.py").naive_recurrent_gated_delta_rule
    state = tensor(inputs["S[0]"]).swapaxes(1, 2)[:, None]
    o, _ = run(q, k, v, beta, alpha.log(), scale=1.0, initial_state=state)
    return {"o": o[:, :, 0].swapaxes(0, 1).numpy()}


def gla(p: Params, inputs: Arrays) -> Arrays:
    torch = package("torch")
    q, k, v = one_head(*projected(p, inputs))
    gate = torch.nn.functional.logsigmoid(tensor(inputs["x"] @ p.W_alpha1.T @ p.W_alpha2.T + p.b_alpha)) / 16
    run = file_of("fla", "ops/gla/naive.py").naive_recurrent_gla
    o, _ = run(q * q.shape[-1] ** 0.5, k, v, gate.swapaxes(0, 1)[:, :, None], tensor(inputs["S[0]"])[:, None])
    return {"o": o[:, :, 0].swapaxes(0, 1).numpy()}


def retnet(p: Params, inputs: Arrays) -> Arrays:
    q, k, v = one_head(*projected(p, inputs))
    torch = package("torch")
    decay = torch.full(q.shape[:3], float(np.log(p.gamma)), dtype=torch.float64)
    run = file_of("fla", "ops/simple_gla/naive.py").naive_recurrent_simple_gla
    o, _ = run(q, k, v, decay, scale=1.0, initial_state=tensor(inputs["S[0]"])[:, None])
    return {"o": o[:, :, 0].swapaxes(0, 1).numpy()}


def mamba2(p: Params, inputs: Arrays) -> Arrays:
    x = inputs["x"]
    step = np.log1p(np.exp(x @ p.w_Delta + p.b_Delta))
    q, k, v = one_head(x @ p.W_C.T, x @ p.W_B.T, x * step[..., None])
    decay = tensor(-np.exp(p.A_log) * step).swapaxes(0, 1)[..., None]
    run = file_of("fla", "ops/simple_gla/naive.py").naive_recurrent_simple_gla
    y, _ = run(q, k, v, decay, scale=1.0, initial_state=tensor(inputs["h[0]"]).swapaxes(1, 2)[:, None])
    return {"y": y[:, :, 0].swapaxes(0, 1).numpy() + p.D * x}


def gsa(p: Params, inputs: Arrays) -> Arrays:
    q, k, v = one_head(*projected(p, inputs))
    keep = sigmoid(inputs["x"] @ p.W_alpha.T) ** 0.125
    slots, decay = one_head(1 - keep, np.log(keep))
    start = (tensor(inputs["K[0]"]).swapaxes(1, 2)[:, None], tensor(inputs["V[0]"])[:, None])
    o, _ = file_of("fla", "ops/gsa/naive.py").naive_recurrent_gsa(q, k, v, slots, decay, 1.0, start)
    return {"o": o[:, :, 0].swapaxes(0, 1).numpy()}


def rwkv7(p: Params, inputs: Arrays) -> Arrays:
    x = inputs["x"]
    a, decay = sigmoid(x @ p.W_a.T + p.b_a), -np.exp(-0.5) * sigmoid(x @ p.W_w.T + p.b_w)
    k = x @ p.W_k.T
    kappa = p.xi * k / np.linalg.norm(p.xi * k, axis=-1, keepdims=True)
    given = (x @ p.W_r.T * np.sqrt(k.shape[-1]), k * (1 + (a - 1) * p.alpha), x @ p.W_v.T, -kappa, a * kappa, decay)
    run = file_of("fla", "ops/generalized_delta_rule/dplr/naive.py").dplr_recurrence
    found, _ = run(
        *(array.swapaxes(1, 2).float() for array in one_head(*given)),
        initial_state=tensor(inputs["S[0]"]).swapaxes(1, 2)[:, None],
    )
    return {"p": found[:, 0].swapaxes(0, 1).numpy()}


def linear_attention(p: Params, inputs: Arrays) -> Arrays:
    elu = package("torch").nn.functional.elu
    q, k, v = one_head(*projected(p, inputs))
    run = file_of("fla", "ops/linear_attn/naive.py").naive_recurrent_linear_attn
    start = (tensor(inputs["S[0]"])[:, None].float(), tensor(inputs["z[0]"])[:, None, None].float())
    y, _ = run(elu(q) + 1, elu(k) + 1, v, scale=1.0, initial_state=start, normalize=True)
    return {"y": y[:, :, 0].swapaxes(0, 1).numpy()}


def slstm(p: Params, inputs: Arrays) -> Arrays:
    torch = package("torch")
    step = package("xlstm.blocks.slstm.src.vanilla.slstm").slstm_forward_pointwise
    W, R, b = (tensor(np.concatenate(gates(p, kind, "ifzo"))) for kind in "WRb")
    states, found = torch.stack([tensor(inputs[f"{name}[0]"]) for name in "hcnm"]), []
    for now in tensor(inputs["x"]):
        states, _ = step(now @ W.T, states[0] @ R.T, b, states, {})
        found.append(states[0])
    return {"h": stacked(found)}


def mlstm(p: Params, inputs: Arrays) -> Arrays:
    step = package("xlstm.blocks.mlstm.backends").recurrent_step_stabilized_simple
    x, root = inputs["x"], np.sqrt(p.W_q.shape[0])
    q, k, v = (x @ getattr(p, f"W_{name}").T + getattr(p, f"b_{name}") * (root if name == "k" else 1) for name in "qkv")
    i, f = (x @ getattr(p, f"w_{name}") + getattr(p, f"b_{name}") for name in "if")
    o = sigmoid(x @ p.W_o.T + p.b_o)
    state = (
        tensor(inputs["C[0]"]).swapaxes(1, 2)[:, None],
        tensor(inputs["n[0]"])[:, None, :, None],
        tensor(np.zeros((x.shape[1], 1, 1, 1))),
    )
    found = []
    for t in range(len(x)):
        heads = (tensor(array[t])[:, None, None] for array in (q, k, v))
        numbers = (tensor(array[t])[:, None, None, None] for array in (i, f))
        h, state = step(*state, *heads, *numbers, eps=0.0)
        found.append(o[t] * h[:, 0, 0].numpy())
    return {"h": np.stack(found)}


def mamba(p: Params, inputs: Arrays) -> Arrays:
    kind, torch = package("mambapy.mamba"), package("torch")
    x = tensor(inputs["x"]).swapaxes(0, 1)
    delta = torch.nn.functional.softplus(x @ tensor(p.W_Delta).T + tensor(p.b_Delta))
    A, B, C = -torch.exp(tensor(p.L)), x @ tensor(p.W_B).T, x @ tensor(p.W_C).T
    run = kind.MambaBlock.selective_scan_seq
    sizes = SimpleNamespace(d_inner=p.L.shape[0], d_state=p.L.shape[1])
    y = run(SimpleNamespace(config=sizes), x, delta, A, B, C, tensor(p.D))
    return {"y": y.swapaxes(0, 1).numpy()}


def cfc(p: Params, inputs: Arrays) -> Arrays:
    torch = package("torch")
    made = package("ncps.torch.cfc_cell").CfCCell(inputs["I"].shape[-1], inputs["x[0]"].shape[-1], backbone_layers=0)
    made = made.to(torch.float64)
    sides = {"ff1": "g", "ff2": "h", "time_a": "f"}
    weights = {f"{name}.weight": (np.hstack([getattr(p, f"U_{ours}"), getattr(p, f"W_{ours}")]),) for name, ours in sides.items()}  # fmt: skip
    weights["time_b.weight"] = (0 * np.hstack([p.U_f, p.W_f]),)
    put(made, weights | {f"{name}.bias": (getattr(p, f"b_{ours}"),) for name, ours in sides.items()})
    state, found = tensor(inputs["x[0]"]), []
    for now, span in zip(tensor(inputs["I"]), tensor(inputs["s"]), strict=True):
        state, _ = made(now, state, span[:, None])
        found.append(state)
    return {"x": stacked(found)}


def intersection(p: Params, inputs: Arrays) -> Arrays:
    torch = package("torch")
    n = inputs["h[0]"].shape[-1]
    made = package("torchrecurrent").IntersectionRNNCell(n, n).to(torch.float64)
    put(made, {
        "weight_ih": (p.W_yx, p.W_hx, p.W_gyx, p.W_ghx),
        "weight_hh": (p.W_yh, p.W_hh, p.W_gyh, p.W_ghh),
        "bias_ih": (p.b_y, p.b_h, p.b_gy, p.b_gh),
    })  # fmt: skip
    state, found = tensor(inputs["h[0]"]), []
    for now in tensor(inputs["x"]):
        y, state = made(now, state)
        found.append(y)
    return {"y": stacked(found)}


TORCH, CELLS = "torch", "torchrecurrent"
SINGLE = 2e-5
PEERS: dict[str, Peer] = {
    "rnn": Peer(TORCH, of_torch("RNN", lambda p: {"weight_ih_l0": (p.U,), "weight_hh_l0": (p.W,), "bias_ih_l0": (p.b,)}, ("h",))),
    "many_to_one": Peer(TORCH, of_torch("RNN", lambda p: {"weight_ih_l0": (p.U,), "weight_hh_l0": (p.W,), "bias_ih_l0": (p.b,)}, ("h",))),
    "rnn_relu": Peer(TORCH, of_torch("RNN", lambda p: {"weight_ih_l0": (p.U,), "weight_hh_l0": (p.W,), "bias_ih_l0": (p.b,)}, ("h",), nonlinearity="relu")),
    "irnn": Peer(TORCH, of_torch("RNN", lambda p: {"weight_ih_l0": (p.V,), "weight_hh_l0": (p.W,), "bias_ih_l0": (p.b,)}, ("h",), nonlinearity="relu")),
    "stacked": Peer(TORCH, stacked_of_torch, {"l": 3, "n": 3}),
    "lstm": Peer(TORCH, of_torch("LSTM", lambda p: {"weight_ih_l0": gates(p, "U", "ifgo"), "weight_hh_l0": gates(p, "W", "ifgo"), "bias_ih_l0": gates(p, "b", "ifgo")}, ("h", "c"))),
    "lstm_projected": Peer(TORCH, projected_of_torch, {"n_c": 4, "n_r": 2}, zero=("w_ic", "w_fc", "w_oc")),
    "gru_reset_after": Peer(TORCH, of_torch("GRU", lambda p: {"weight_ih_l0": gates(p, "U", "rzg"), "weight_hh_l0": gates(p, "W", "rzg"), "bias_ih_l0": gates(p, "b", "rzg"), "bias_hh_l0": (0 * p.b_r, 0 * p.b_z, p.d_g)}, ("h",))),
    "antisymmetric": Peer(CELLS, recurrent("AntisymmetricRNNCell", lambda p: {"weight_ih": (p.V_h,), "weight_hh": (p.W_h,), "bias_ih": (p.b_h,)}, ("h",), numbers=("epsilon", "gamma"))),
    "brc": Peer(CELLS, recurrent("BRCell", lambda p: {"weight_ih": (p.U_a, p.U_c, p.U), "weight_hh": (p.w_a, p.w_c)}, ("h",))),
    "nbrc": Peer(CELLS, recurrent("NBRCell", lambda p: {"weight_ih": (p.U_a, p.U_c, p.U), "weight_hh": (p.W_a, p.W_c)}, ("h",))),
    "star": Peer(CELLS, recurrent("STARCell", lambda p: {"weight_ih": (p.W_z, p.W_x), "weight_hh": (p.W_h,), "bias_ih": (p.b_z, p.b_k)}, ("h",))),
    "cornn": Peer(CELLS, recurrent("coRNNCell", lambda p: {"weight_ih": (p.V,), "weight_hh": (p.W,), "weight_ch": (p.Omega,), "bias_ih": (p.b,)}, ("y", "z"), "u", ("dt", "gamma", "epsilon"))),
    "fastrnn": Peer(CELLS, recurrent("FastRNNCell", lambda p: {"weight_ih": (p.W,), "weight_hh": (p.U,), "bias_ih": (p.b,), "alpha": (logit(p.alpha),), "beta": (logit(p.beta),)}, ("h",), nonlinearity="sigmoid"), within=("alpha", "beta")),
    "fastgrnn": Peer(CELLS, recurrent("FastGRNNCell", lambda p: {"weight_ih": (p.W,), "weight_hh": (p.U,), "bias_ih": (p.b_z, p.b_h), "zeta": (logit(p.zeta),), "nu": (logit(p.nu),)}, ("h",), nonlinearity="sigmoid"), within=("zeta", "nu")),
    "indrnn": Peer(CELLS, recurrent("IndRNNCell", lambda p: {"weight_ih": (p.W,), "vector_u": (p.u,), "bias_ih": (p.b,)}, ("h",), nonlinearity="relu")),
    "intersection": Peer(CELLS, intersection, {"m": 3, "n": 3}),
    "janet": Peer(CELLS, recurrent("JANETCell", lambda p: {"weight_ih": (p.W_f, p.W_c), "weight_hh": (p.U_f, p.U_c), "bias_ih": (p.b_f, p.b_c)}, ("h", "c"), beta=1.0)),
    "light_gru": Peer(CELLS, recurrent("LiGRUCell", lambda p: {"weight_ih": (p.W_z, p.W_h), "weight_hh": (p.U_z, p.U_h), "bias_ih": (p.b_z, p.b_h)}, ("h",))),
    "lstm_multiplicative": Peer(CELLS, recurrent("MultiplicativeLSTMCell", lambda p: {"weight_ih": (p.W_mx, p.W_ix, p.W_fx, p.W_hx, p.W_ox), "weight_hh": (p.W_mh,), "weight_mh": (p.W_im, p.W_fm, p.W_hm, p.W_om)}, ("h", "c")), {"l": 3, "n": 3}),
    "lstm_peephole": Peer(CELLS, recurrent("PeepholeLSTMCell", lambda p: {"weight_ih": gates(p, "W", "ifzo"), "weight_hh": gates(p, "R", "ifzo"), "weight_ph": gates(p, "p", "ifo"), "bias_ih": gates(p, "b", "ifzo")}, ("y", "c"))),
    "mgu": Peer(CELLS, recurrent("MGUCell", lambda p: {"weight_ih": (p.W_f[:, len(p.b_f):], p.W_h[:, len(p.b_f):]), "weight_hh": (p.W_f[:, : len(p.b_f)], p.W_h[:, : len(p.b_f)]), "bias_ih": (p.b_f, p.b_h)}, ("h",))),
    "minimal_rnn": Peer(CELLS, recurrent("MinimalRNNCell", lambda p: {"weight_ih": (p.W_x,), "weight_hh": (p.U_h,), "weight_mm": (p.U_z,), "bias_ih": (p.b_z,), "bias_hh": (p.b_u,)}, ("h",))),
    "mut3": Peer(CELLS, recurrent("MUT3Cell", lambda p: {"weight_ih": (p.W_xz, p.W_xr, p.W_xh), "weight_hh": (p.W_hz, p.W_hr, p.W_hh), "bias_ih": (p.b_z, p.b_r, p.b_h)}, ("h",))),
    # There the input goes through a matrix first, where the paper takes it as it is: the identity.
    "mut1": Peer(CELLS, recurrent("MUT1Cell", lambda p: {"weight_ih": (p.W_xz, p.W_xr, np.eye(len(p.b_h))), "weight_hh": (p.W_hr, p.W_hh), "bias_ih": (p.b_z, p.b_r, 0 * p.b_h), "bias_hh": (0 * p.b_h, p.b_h)}, ("h",))),
    "mut2": Peer(CELLS, recurrent("MUT2Cell", lambda p: {"weight_ih": (p.W_xz, np.eye(len(p.b_h)), p.W_xh), "weight_hh": (p.W_hz, p.W_hr, p.W_hh), "bias_ih": (p.b_z, p.b_r, p.b_h)}, ("h",))),
    "ran": Peer(CELLS, recurrent("RANCell", lambda p: {"weight_ih": (p.W_cx, p.W_ix, p.W_fx), "weight_hh": (p.W_ih, p.W_fh), "bias_ih": (p.b_i, p.b_f)}, ("h", "c"))),
    "ugrnn": Peer(CELLS, recurrent("UGRNNCell", lambda p: {"weight_ih": (p.W_cx, p.W_gx), "weight_hh": (p.W_ch, p.W_gh), "bias_ih": (p.b_c, p.b_g)}, ("h",))),
    "cfc": Peer("ncps", cfc),
    "deltanet": Peer("fla", deltanet, digits=SINGLE),
    "gated_deltanet": Peer("fla", gated_deltanet, digits=SINGLE),
    "gla": Peer("fla", gla, digits=SINGLE),
    "mamba2": Peer("fla", mamba2, digits=SINGLE),
    "gsa": Peer("fla", gsa, digits=SINGLE),
    "rwkv7": Peer("fla", rwkv7, digits=SINGLE),
    "linear_attention": Peer("fla", linear_attention, digits=SINGLE),
    "retnet": Peer("fla", retnet, within=("gamma",), digits=SINGLE),
    "slstm": Peer("xlstm", slstm),
    "mlstm": Peer("xlstm", mlstm),
    "mamba": Peer("mambapy", mamba, zero=("h[0]",)),
}  # fmt: skip
