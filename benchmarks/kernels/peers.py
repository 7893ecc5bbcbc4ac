"""Who is measured: each takes a problem and gives a function that returns the loss and the gradients."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from cells import Arrays, Problem, loss

Run = Callable[[], tuple[float, Arrays]]


def generated(p: Problem, checkpoint: bool | None = None) -> Run:
    """The generated NumPy kernel, with a workspace; targets as classes, which the expert's takes too."""
    import rnnsym

    kernel = rnnsym.generate(p.model, dtype=str(p.inputs["x"].dtype), gradients=p.wanted).module
    inputs = p.classes
    workspace = kernel.workspace(p.params, inputs, checkpoint=checkpoint)
    return lambda: kernel.loss_and_grad(p.params, inputs, workspace=workspace, checkpoint=checkpoint)


def team(p: Problem) -> Run:
    """The same with the examples split over threads; NumPy's own are one each."""
    from threadpoolctl import threadpool_limits

    import rnnsym

    kernel = rnnsym.generate(p.model, dtype=str(p.inputs["x"].dtype), gradients=p.wanted).module
    inputs = p.classes
    threadpool_limits(1)
    threads = kernel.Team(p.params, inputs, int(os.environ.get("THREADS", "1")))
    return lambda: threads.loss_and_grad(p.params, inputs)


def compiled(p: Problem, backend: str) -> Run:
    """A generated kernel that is compiled, with a workspace; several threads share the examples of a batch."""
    import rnnsym

    kernel = rnnsym.generate(p.model, dtype=str(p.inputs["x"].dtype), gradients=p.wanted, backend=backend).module
    threads = int(os.environ.get("THREADS", "1"))
    if threads > 1 and p.inputs["x"].shape[1] > 1:
        team = kernel.Team(p.params, p.inputs, threads)
        return lambda: team.loss_and_grad(p.params, p.inputs)
    workspace = kernel.workspace(p.params, p.inputs)
    return lambda: kernel.loss_and_grad(p.params, p.inputs, workspace=workspace)


def steps(p: Problem) -> Run:
    """The same equations one step and one gate at a time, fresh arrays: as in most hand-written passes."""
    import rnnsym

    kernel = rnnsym.generate(p.model, dtype=str(p.inputs["x"].dtype), gradients=p.wanted, optimize=False).module
    return lambda: kernel.loss_and_grad(p.params, p.inputs)


def expert(p: Problem) -> Run:
    """The best NumPy pass that we could write by hand, one for each of rnn, lstm and gru."""
    from expert import make

    return make(p)


def autograd(p: Problem) -> Run:
    """HIPS autograd; what comes from x is computed for all steps at once."""
    import autograd.numpy as anp
    from autograd import value_and_grad

    def scan(step: Any, states: Any, u: Arrays) -> Any:
        rows = []
        for t in range(p.inputs["x"].shape[0]):
            states = step(states, {gate: value[t] for gate, value in u.items()})
            rows.append(states[0])
        return anp.stack(rows)

    fixed = {key: value for key, value in p.inputs.items() if key not in p.wanted}
    wanted = {key: value for key, value in {**p.params, **p.inputs}.items() if key in p.wanted}
    function = value_and_grad(lambda q: loss(anp, p.cell, q, {**q, **fixed}, scan))
    return lambda: function(wanted)


def jax(p: Problem) -> Run:
    """JAX, compiled: the gradient of a `lax.scan`."""
    if os.environ.get("THREADS") == "1":
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax as j
    import jax.numpy as jnp

    j.config.update("jax_enable_x64", True)

    def scan(step: Any, states: Any, u: Arrays) -> Any:
        def body(state: Any, now: Any) -> Any:
            state = step(state, now)
            return state, state[0]

        return j.lax.scan(body, states, u)[1]

    fixed = {key: jnp.asarray(value) for key, value in p.inputs.items() if key not in p.wanted}
    wanted = {key: jnp.asarray(value) for key, value in {**p.params, **p.inputs}.items() if key in p.wanted}
    function = j.jit(j.value_and_grad(lambda q, f: loss(jnp, p.cell, q, {**q, **f}, scan)))

    def run() -> tuple[float, Arrays]:
        value, gradients = function(wanted, fixed)
        j.block_until_ready(gradients)
        return float(value), {key: np.asarray(array) for key, array in gradients.items()}

    return run


def jax_derived(p: Problem) -> Run:
    """JAX with the derived backward pass: the generated kernel in its arrays."""
    if os.environ.get("THREADS") == "1":
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax as j
    import jax.numpy as jnp

    import rnnsym

    j.config.update("jax_enable_x64", True)
    kernel = rnnsym.generate(p.model, dtype=str(p.inputs["x"].dtype), gradients=p.wanted, backend="jax").module
    params, inputs = ({key: jnp.asarray(value) for key, value in group.items()} for group in (p.params, p.inputs))

    def run() -> tuple[float, Arrays]:
        value, gradients = kernel.loss_and_grad(params, inputs)
        j.block_until_ready(gradients)
        return float(value), {key: np.asarray(array) for key, array in gradients.items()}

    return run


def torch(p: Problem) -> Run:
    """PyTorch: its built-in layer where there is one, else the same steps on tensors."""
    import torch as th

    th.set_num_threads(int(os.environ.get("THREADS", "1")))
    tensors = {
        key: th.from_numpy(np.array(value)).requires_grad_(key in p.wanted)
        for key, value in {**p.params, **p.inputs}.items()
    }
    names = p.wanted
    leaves = [tensors[key] for key in names]
    order = {"rnn": "h", "lstm": "ifgo", "gru": "rzn"}.get(p.name)

    def named(found: Arrays) -> Arrays:
        """The gradients by the names of the equations; a layer has all gates in one."""
        gradients = {key: array.numpy() for key, array in found.items()}
        if order is None:
            return gradients
        for letter, layers in (("U", "weight_ih_l0"), ("W", "weight_hh_l0"), ("b", "bias_ih_l0"), ("d", "bias_hh_l0")):
            parts = np.split(gradients.pop(layers), len(order))
            gradients |= {f"{letter}_{gate}": part for gate, part in zip(order, parts, strict=True)}
        return {key: array.reshape(p.inputs.get(key, array).shape) for key, array in gradients.items()}

    if order is None:

        def hidden() -> Any:
            u = {k: tensors["x"] @ tensors[f"U_{k}"].T + tensors[f"b_{k}"] for k in p.cell.gates}
            states = tuple(tensors[f"{state}[0]"] for state in p.cell.states)
            rows = []
            for t in range(tensors["x"].shape[0]):
                states = p.cell.step(th, tensors, states, {k: value[t] for k, value in u.items()})
                rows.append(states[0])
            return th.stack(rows)

    else:
        units, features = p.params[f"U_{order[0]}"].shape
        layer = {"rnn": th.nn.RNN, "lstm": th.nn.LSTM, "gru": th.nn.GRU}[p.name](features, units)
        layer = layer.to(tensors["x"].dtype)
        with th.no_grad():
            layer.weight_ih_l0.copy_(th.cat([tensors[f"U_{k}"] for k in order]))
            layer.weight_hh_l0.copy_(th.cat([tensors[f"W_{k}"] for k in order]))
            layer.bias_ih_l0.copy_(th.cat([tensors[f"b_{k}"] for k in order]))
            layer.bias_hh_l0.zero_()
            if p.name == "gru":
                layer.bias_hh_l0[2 * units :] = tensors["d_n"]
        parts = dict(layer.named_parameters())
        tensors |= parts
        names = [*parts, *(key for key in p.wanted if key in p.inputs or key in ("V", "c"))]
        leaves = [tensors[key] for key in names]
        states = tuple(tensors[f"{state}[0]"][None] for state in p.cell.states)

        def hidden() -> Any:
            return layer(tensors["x"], states if len(states) > 1 else states[0])[0]

    classes = None if p.labels is None else th.from_numpy(p.labels).reshape(-1)

    def run() -> tuple[float, Arrays]:
        h = hidden()
        if classes is not None:
            o = h @ tensors["V"].T + tensors["c"]
            total = th.nn.functional.cross_entropy(o.reshape(len(classes), -1), classes, reduction="sum")
        else:
            total = (h * tensors["G"]).sum()
        return float(total), dict(zip(names, th.autograd.grad(total, leaves), strict=True))

    run.gradients = lambda result: named(result[1])  # type: ignore[attr-defined]
    return run


def products(p: Problem) -> Run:
    """Nothing but the matrix products that cannot be avoided, of the expert's shapes and order."""
    batch = p.inputs["x"].shape[1]
    length, units, features = p.inputs["x"].shape[0], p.inputs["h[0]"].shape[1], p.inputs["x"].shape[2]
    dtype, gates = p.inputs["x"].dtype, sum(f"W_{k}" in p.params for k in p.cell.gates)
    block = min(length, max(16, 512 // batch))
    rows = min(length, max(1, 512 // batch))
    random = np.random.default_rng(0)

    def drawn(*shape: int) -> Any:
        return (0.1 * random.standard_normal(shape)).astype(dtype)

    h, deltas, hidden = drawn(batch, units), drawn(block * batch, gates * units), drawn(block * batch, units)
    back, into = drawn(gates * units, units), drawn(gates * units, features)
    x = p.inputs["x"].reshape(length * batch, features)
    d_x, one = np.empty((length * batch, features), dtype), np.empty((batch, units), dtype)
    side = batch > 1 and gates > 1
    w, u = (drawn(gates, units, units), drawn(gates, features, units)) if side else (
        drawn(units, gates * units), drawn(features, gates * units))  # fmt: skip
    z = np.empty((gates, batch, units) if side else (batch, gates * units), dtype)
    wide = np.empty((gates, rows * batch, units) if side else (rows * batch, gates * units), dtype)
    product = np.matmul if side else np.dot
    out = drawn(features, units) if p.cell.outputs else None

    def run() -> tuple[float, Arrays]:
        for start in range(0, length, rows):
            count = min(rows, length - start) * batch
            product(x[start * batch : start * batch + count], u, wide[:, :count] if side else wide[:count])
        for _ in range(length):
            product(h, w, z)
        for start in range(0, length, block):
            steps = min(block, length - start)
            count = steps * batch
            part = slice(start * batch, start * batch + count)
            if out is not None:
                o = np.dot(hidden[:count], out.T)
                np.dot(o, out)
                np.dot(o.T, hidden[:count])
            for _ in range(steps):
                np.dot(deltas[:batch], back, one)
            np.dot(deltas[:count].T, x[part])
            np.dot(deltas[:count].T, hidden[:count])
            np.dot(deltas[:count], into, d_x[part])
        return 0.0, {}

    return run


PEERS: dict[str, Callable[[Problem], Run]] = {
    "generated": generated,
    "c": partial(compiled, backend="c"),
    "numba": partial(compiled, backend="numba"),
    "team": team,
    "checkpointed": partial(generated, checkpoint=True),
    "steps": steps,
    "expert": expert,
    "products": products,
    "torch": torch,
    "jax": jax,
    "jax_derived": jax_derived,
    "autograd": autograd,
}
#: Who can only do the cells that it has built in.
ONLY = {"expert": ("rnn", "lstm", "gru")}
