"""Vanilla tanh RNN with softmax and cross-entropy."""

# ruff: noqa
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from .slabs import M, chunk, kw_auto, dot, mul, add, sub, tanh, copyto


def make_rnn_slab(p, K, KZ, ut, KW=0):
    m = M()
    x, h0, y, W, U, b, Wy, by = (p[k] for k in ("x", "h0", "y", "W", "U", "b", "Wy", "by"))
    T, B, X = x.shape
    H = h0.shape[1]
    V = Wy.shape[1]
    dt = x.dtype
    E = lambda *s: np.empty(s, dt)
    K = min(T, KW or K or kw_auto(B, T, H, X, dt))
    small = B == 1
    if ut < 0:
        ut = 1 if not small else 0
    Hs = E(T + 1, B, H)
    Z = E(K, B, H)
    D = E(K, B, H)
    dHs = E(K, B, H)
    tmp = E(B, H)
    DH = E(B, H)
    UT = E(H, H)
    Pr = E(K, B, V)
    dW, dU, db, dWy, dby, dx = E(X, H), E(H, H), E(H), E(H, V), E(V), E(T, B, X)
    out = [dW, dU, db, dWy, dby]
    tmps = out if K >= T else [np.empty_like(a) for a in out]
    one = np.full((), 1, dt)
    ones = np.ones(K * B, dt)
    onesV = np.ones(V, dt)
    ar = np.arange(K * B)
    x2, H1, H2, dx2 = x.reshape(T * B, X), Hs[:T].reshape(T * B, H), Hs[1:].reshape(T * B, H), dx.reshape(T * B, X)
    Z2, P2, dH2 = Z.reshape(K * B, H), Pr.reshape(K * B, V), dHs.reshape(K * B, H)
    yf = y.reshape(-1)
    mx = E(K * B, 1)
    sm = E(K * B)
    r1 = (lambda a: a.reshape(-1)) if small else (lambda a: a)
    FW = [(r1(Hs[t]), r1(Z[t % K]), r1(Hs[t + 1])) for t in range(T)]
    BW = [(r1(dHs[t % K]), r1(D[t % K])) for t in range(T)]
    tm, d1 = r1(tmp), r1(DH)
    FWc = [FW[a : a + K] for a in range(0, T, K)]

    def run():
        copyto(Hs[0], h0)
        if ut:
            copyto(UT, U.T)
            ut_ = UT
        else:
            ut_ = U.T
        loss = 0.0
        for ci, steps in enumerate(FWc):
            a = ci * K * B
            n = len(steps) * B
            zz = Z2[:n]
            dot(x2[a : a + n], W, zz)
            add(zz, b, zz)
            for h, z, h1 in steps:
                dot(h, U, tm)
                add(z, tm, h1)
                tanh(h1, h1)
        DH.fill(0)
        first = True
        for a in range((T - 1) // K * K, -1, -K):
            e = min(T, a + K)
            n = (e - a) * B
            r = slice(a * B, e * B)
            d = D[: e - a]
            hh = Hs[a + 1 : e + 1]
            q = P2[:n]
            # output layer, softmax, cross-entropy and their gradients, batched over the chunk while it is in cache
            dot(H2[r], Wy, q)
            add(q, by, q)
            np.maximum.reduce(q, 1, None, mx[:n], True)
            sub(q, mx[:n], q)
            loss -= float(q[ar[:n], yf[r]].sum(dtype=np.float64))
            np.exp(q, q)
            dot(q, onesV, sm[:n])
            loss += float(np.log(sm[:n]).sum(dtype=np.float64))
            np.reciprocal(sm[:n], sm[:n])
            mul(q, sm[:n, None], q)
            q[ar[:n], yf[r]] -= 1
            dh = dH2[:n]
            dot(q, Wy.T, dh)
            mul(hh, hh, d)
            sub(one, d, d)
            for gt, dk in BW[a:e][::-1]:
                add(gt, d1, gt)
                mul(gt, dk, gt)
                dot(gt, ut_, d1)  # gt: dL/dh_t -> delta_t in place
            g = out if first else tmps
            on = ones[:n]
            dot(x2[r].T, dh, g[0])
            dot(H1[r].T, dh, g[1])
            dot(on, dh, g[2])
            dot(H2[r].T, q, g[3])
            dot(on, q, g[4])
            if not first:
                for o_, t_ in zip(out, tmps):
                    add(o_, t_, o_)
            first = False
            dot(dh, W.T, dx2[r])
        m.loss = loss

    m.run = run
    m.dx = dx
    m.grads = lambda: out
    m.canon = lambda: dict(dW=dW, dU=dU, db=db, dWy=dWy, dby=dby, dx=dx, dh0=DH, loss=m.loss)
    return m
