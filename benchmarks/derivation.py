"""How long a derivation takes, beside SymPy differentiating the same network element by element.

    python benchmarks/derivation.py

Prints medians of several runs in one process, and ratios measured side by side; nothing is asserted.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from rich.console import Console
from rich.table import Table

import rnnsym


def median(action: Callable[[], Any], runs: int = 7) -> float:
    """Seconds that an action takes: the median, after one run that is not counted."""
    action()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def first(action: Callable[[], Any]) -> float:
    """Seconds that an action takes the first time."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def scalar_sympy(length: int, size: int = 2) -> list[sympy.Expr]:
    """dE/dW of h[t] = tanh(W h[t-1] + U x[t] + b) with softmax cross-entropy, by SymPy on scalar symbols."""

    def array(name: str, *shape: int) -> Any:
        return np.array([sympy.Symbol(f"{name}{index}") for index in np.ndindex(*shape)]).reshape(shape)

    w, u, v, b, c = (
        array("W", size, size),
        array("U", size, size),
        array("V", size, size),
        array("b", size),
        array("c", size),
    )
    h, loss = array("h", size), sympy.Integer(0)
    for step in range(1, length + 1):
        h = np.array([sympy.tanh(a) for a in w @ h + u @ array(f"x{step}_", size) + b])
        o = v @ h + c
        total = sum(sympy.exp(element) for element in o)
        loss -= sum(array(f"d{step}_", size) * np.array([sympy.log(sympy.exp(element) / total) for element in o]))
    return [sympy.diff(loss, parameter) for parameter in w.ravel()]


def main() -> None:
    """Print the tables."""
    console = Console()
    names = rnnsym.available()
    table = Table("model", "first, s", "median, s", "steps", title="Derivation with symbolic T and sizes")
    for name in names:
        start = first(lambda name=name: rnnsym.derive(rnnsym.load(name)))  # type: ignore[misc]
        derivation = rnnsym.derive(rnnsym.load(name))
        again = median(lambda name=name: rnnsym.derive(rnnsym.load(name)))  # type: ignore[misc]
        table.add_row(name, f"{start:.3f}", f"{again:.3f}", str(len(derivation.steps)))
    console.print(table)

    derivation = rnnsym.derive(rnnsym.load("rnn"))
    table = Table(
        "T", "seconds", "characters of LaTeX", "SymPy, size 2, dE/dW: seconds", "ratio", title="Vanilla RNN, unrolled"
    )
    for length in (1, 2, 4, 8, 16, 32, 100, 1000):
        own = median(lambda length=length: derivation.unroll(length).to_latex(), 3)  # type: ignore[misc]
        size = len(derivation.unroll(length).to_latex())
        peer = first(lambda length=length: scalar_sympy(length)) if length <= 4 else None  # type: ignore[misc]
        cells = (f"{peer:.2f}", f"{peer / own:.0f}") if peer is not None else ("", "")
        table.add_row(str(length), f"{own:.4f}", str(size), *cells)
    console.print(table)


if __name__ == "__main__":
    main()
