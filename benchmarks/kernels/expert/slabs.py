"""What the passes share: NumPy functions by short names, the length of chunks, and weights with the gates in another order."""

# ruff: noqa
# mypy: ignore-errors

from __future__ import annotations

import numpy as np


class M:
    pass


dot, matmul, mul, add, sub, tanh, copyto = np.dot, np.matmul, np.multiply, np.add, np.subtract, np.tanh, np.copyto


def chunk(B, H, item, slabs, target=600_000):
    return max(1, int(target / (B * H * item * slabs)))


def kw_auto(B, T, H, X, dt):
    """steps per weight-gradient GEMM: enough rows for GEMM efficiency, few enough that the deltas stay in L2"""
    return T if B == 1 else max(16, 512 // B)


def cols(w, order, H):
    return np.ascontiguousarray(np.concatenate([w[..., k * H : (k + 1) * H] for k in order], -1))


def uncols(w, order, H):
    o = [None] * len(order)
    for j, k in enumerate(order):
        o[k] = w[..., j * H : (j + 1) * H]
    return np.concatenate(o, -1)
