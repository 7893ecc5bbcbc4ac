"""The whole way of the data, from equations to a derivation, a kernel and a check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from rnnsym.calculus.steps import tell
from rnnsym.calculus.sweep import sweep
from rnnsym.derivation import Derivation
from rnnsym.equations.lowering import lower
from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends import BACKENDS
from rnnsym.kernels.fast import Passes
from rnnsym.kernels.hessian import product_program
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.module import write_module
from rnnsym.kernels.optimizers import with_optimizer
from rnnsym.kernels.safe import safe_forms
from rnnsym.kernels.schedule import program, schedule, share_functions
from rnnsym.language.model import Model

if TYPE_CHECKING:
    from rnnsym.checks.report import Report


def derive(model: Model) -> Derivation:
    r"""Derive backpropagation through time for a model: every gradient, every step recorded.

    The length T and all sizes stay symbolic.

    >>> d = derive(Model("h[t] = tanh(W @ h[t-1] + b)\nE[t] = squared_error(y[t], h[t])"))
    >>> print(d["b"])
    ∂E/∂b = Σ_{t=1..T} ā[t]
    """
    return _derived(model)


@lru_cache(maxsize=64)  # a model is not changed, and what is printed, generated and checked is one derivation
def _derived(model: Model) -> Derivation:
    # The model's equations in index notation: every pre-activation named, time and sizes symbolic.
    system = lower(model)
    # One reverse sweep over them: the adjoint of each variable, and a record of every rule that was applied.
    state, record = sweep(system)
    # The record as steps that can be read, and taken again.
    return Derivation(model, system, tuple(state.adjoints), tell(system, record))


def generate(
    model: Model,
    sizes: Mapping[str, int] | None = None,
    dtype: str = "float64",
    hessian: bool = False,
    gradients: Iterable[str] | None = None,
    optimize: bool = True,
    like: str | None = None,
    optimizer: str | None = None,
    backend: str = "numpy",
    passes: Passes | None = None,
) -> Kernel:
    r"""Generate a kernel: a self-contained NumPy module with `init`, `forward`, `backward` and `loss_and_grad`.

    sizes: numbers for symbolic sizes, for `init`; the code itself takes sizes from the arrays that it is given.
    dtype: "float64" or "float32". hessian: add `hessian_product`, the Hessian of the loss times a direction.
    gradients: the parameters and inputs whose gradients are wanted, by key (`W`, `x`, `h[0]`); all if not given. With
        like=, the arrays of the framework and the inputs.
    optimize: let `loss_and_grad` work on many steps at once, in a workspace; without it, it goes step by step.
    like: a framework for which the model has a bridge, such as "torch": the kernel's parameters are its arrays.
    optimizer: add a function that takes a step: "descent", "momentum", "rmsprop" or "adam"; and `clip` for gradients.
    backend: what the kernel is written for, one of `rnnsym.kernels.backends.BACKENDS`; all have `loss_and_grad`.
    passes: which passes of the optimiser are taken, all if not given.

    >>> kernel = generate(Model("h[t] = tanh(W @ h[t-1] + b)\nE[t] = squared_error(y[t], h[t])"), sizes={"n_h": 3})
    >>> kernel.shapes["y"]
    ('T', 'B', 'n_h')
    >>> kernel.init(seed=0)["W"].shape
    (3, 3)

    Raises RnnsymError for an unknown dtype, size, gradient or backend.
    """
    if backend not in BACKENDS:
        raise RnnsymError(f"the backends are {', '.join(BACKENDS)}, not {backend!r}")
    extras = {"hessian": hessian, "optimize=False": not optimize, "like": like, "optimizer": optimizer}
    refused = [name for name, value in extras.items() if value and name not in BACKENDS[backend].extras]
    if refused:
        raise RnnsymError(f"for the numpy backend alone, not for {backend}: {', '.join(refused)}")
    if dtype not in ("float64", "float32"):
        raise RnnsymError(f"dtype is float64 or float32, not {dtype!r}")
    chosen_arrays = None if gradients is None else tuple(gradients)
    if like and chosen_arrays is not None:
        from rnnsym.bridges.code import own_gradients

        gradients = own_gradients(model, like, chosen_arrays)
    # The same equations and adjoints that the derivation prints.
    derivation = derive(model)
    # Those that the gradients need, with functions shared and computed in their safe form.
    needed = share_functions(safe_forms(program(derivation.system, derivation.adjoints, _wanted(model, gradients))))
    # Ordered into blocks: before, in and after the loops over time.
    plan = schedule(needed)
    # And written out, each line under the equation that it computes.
    product = product_program(derivation.system, derivation.adjoints, model.parameters) if hessian else None
    kernel = write_module(
        derivation.content, plan, sizes or {}, dtype, product, optimize and backend == "numpy", passes
    )
    # What translates parameters, and what moves them, stands at the end.
    if like:
        from rnnsym.bridges.code import like as kernel_like

        kernel = kernel_like(kernel, model, like, chosen_arrays)
    if optimizer:
        kernel = with_optimizer(kernel, optimizer)
    # Or the same equations for another library.
    return BACKENDS[backend].make(derivation.content, needed, kernel)


def _wanted(model: Model, gradients: Iterable[str] | None) -> tuple[str, ...]:
    keys = (*model.parameters, *model.input_keys)
    if gradients is None:
        return keys
    chosen = tuple(gradients)
    for key in chosen:
        if key not in keys:
            raise RnnsymError(f"{model.name} has no parameter or input {key!r}; it has: {', '.join(keys)}")
    return tuple(key for key in keys if key in chosen)


def crosscheck(model: Model, seed: int = 0, length: int = 4) -> Report:
    r"""Check that symbolic, generated and numeric gradients agree, by independent routes.

    >>> crosscheck(Model("h[t] = tanh(W @ h[t-1] + b)\nE[t] = squared_error(y[t], h[t])")).passed
    True
    """
    from rnnsym.checks.report import check

    # The derived equations evaluated element by element, and the generated kernel, ...
    derivation, kernel = derive(model), generate(model)
    # ... against oracles that know the model's syntax tree alone.
    return check(model, derivation, kernel, seed=seed, length=length)
