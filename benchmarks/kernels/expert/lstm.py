"""LSTM: gate slabs (4,B,H) forward, row deltas (B,4H) backward."""

# ruff: noqa
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from .slabs import M, chunk, kw_auto, cols, uncols, dot, matmul, mul, add, sub, tanh, copyto


def make_lstm_slab(p, K, KZ, ut, KW=0):
    m = M()
    x, h0, c0, G = p["x"], p["h0"], p["c0"], p["G"]
    T, B, X = x.shape
    H = h0.shape[1]
    dt = x.dtype
    E = lambda *s: np.empty(s, dt)
    order = (2, 1, 0, 3)  # g f i o
    W, U, b = (cols(p[k], order, H) for k in ("W", "U", "b"))
    small = B == 1
    KW = min(T, KW or kw_auto(B, T, H, X, dt))  # steps per weight-gradient GEMM
    K = min(KW, K or chunk(B, H, dt.itemsize, 11))  # steps per coefficient chunk
    KZ = min(T, KZ or max(1, 512 // B))  # steps per input-projection GEMM
    KW = -(-KW // K) * K
    if ut < 0:
        ut = 1 if not small else 0
    # ---- workspace (P is all that the forward pass leaves behind: 5 slabs per step, plus the outputs h)
    W4, U4, b4 = E(4, X, H), E(4, H, H), E(4, 1, H)
    Wr, Ur = E(X, 4 * H), E(H, 4 * H)  # B==1: rows and gemv
    scale = np.array([1, 0.5, 0.5, 0.5], dt)
    srow = np.repeat(scale, H)
    Z = E(KZ, 4, B, H) if small else E(4, KZ, B, H)
    P = E(T + 1, 5, B, H)  # P[t] = c_{t-1}, g, f, i, o
    Hs = E(T + 1, B, H)
    tmp4, tmp2, tH, tc1 = E(4, B, H), E(2, B, H), E(B, H), E(B, H)
    dZ = E(KW, B, 4 * H)
    F = E(K, 4, B, H)
    A = E(K, B, H)  # F = dc-factors of g,f,i and dh-factor of o
    D = E(B, H)
    DC = E(B, H)
    UT = E(4 * H, H)
    dW, dU, db, dx = E(X, 4 * H), E(H, 4 * H), E(4 * H), E(T, B, X)
    one_chunk = KW >= T
    gW, gU, gb = (dW, dU, db) if one_chunk else (E(X, 4 * H), E(H, 4 * H), E(4 * H))
    ones = np.ones(KW * B, dt)
    half = np.full((), 0.5, dt)
    one = np.full((), 1, dt)
    # ---- views, built once
    r1 = (lambda a: a.reshape(-1)) if small else (lambda a: a)
    x2 = x.reshape(T * B, X)
    H2 = Hs[:T].reshape(T * B, H)
    dZ2 = dZ.reshape(KW * B, 4 * H)
    dx2 = dx.reshape(T * B, X)
    Z2 = Z.reshape(KZ * B, 4 * H) if small else Z.reshape(4, KZ * B, H)
    tm = r1(tmp4)
    tt2, ta, tb, d1, dc1, th, tc = r1(tmp2), r1(tmp2[0]), r1(tmp2[1]), r1(D), r1(DC), r1(tH), r1(tc1)
    FW = []
    BW = []
    for t in range(T):
        z = Z[t % KZ] if small else Z[:, t % KZ]
        k = t % K
        w = t % KW
        FW.append(
            (
                r1(Hs[t]),
                r1(z),
                r1(P[t, 1:5]),
                r1(P[t, 2:5]),
                r1(P[t, 0:2]),
                r1(P[t, 2:4]),
                r1(P[t + 1, 0]),
                r1(P[t, 4]),
                r1(Hs[t + 1]),
            )
        )
        dz4 = dZ[w].reshape(4, H) if small else dZ[w].reshape(B, 4, H).transpose(1, 0, 2)
        BW.append(
            (
                r1(A[k]),
                (F[k, :3].reshape(3, H) if small else F[k, :3]),
                r1(F[k, 3]),
                dz4[:3],
                dz4[3],
                r1(P[t, 2]),
                r1(dZ[w]),
                r1(G[t - 1]) if t else None,
            )
        )
    FWc = [FW[a : a + KZ] for a in range(0, T, KZ)]
    Wt = W.T

    def run():
        # parameters: prescale the sigmoid gates by 1/2 (sigmoid(z) = tanh(z/2)/2 + 1/2), one slab per gate
        if small:
            mul(W, srow, Wr)
            mul(U, srow, Ur)
            bs = b * srow
        else:
            mul(W.reshape(X, 4, H).transpose(1, 0, 2), scale[:, None, None], W4)
            mul(U.reshape(H, 4, H).transpose(1, 0, 2), scale[:, None, None], U4)
            mul(b.reshape(4, 1, H), scale[:, None, None], b4)
        if ut:
            copyto(UT, U.T)
            ut_ = UT
        else:
            ut_ = U.T
        copyto(Hs[0], h0)
        copyto(P[0, 0], c0)
        # ---------------- forward
        for ci, steps in enumerate(FWc):
            a = ci * KZ * B
            n = len(steps) * B
            if small:
                dot(x2[a : a + n], Wr, Z2[:n])
                add(Z2[:n], bs, Z2[:n])
                mm = dot
                u = Ur
            else:
                zz = Z2[:, :n]
                matmul(x2[a : a + n], W4, zz)
                add(zz, b4, zz)
                mm = matmul
                u = U4
            for h, z, g4, s3, cg, fi, c1, o, h1 in steps:
                mm(h, u, tm)
                add(z, tm, g4)
                tanh(g4, g4)
                mul(s3, half, s3)
                add(s3, half, s3)
                mul(cg, fi, tt2)
                add(ta, tb, c1)
                tanh(c1, tc)
                mul(o, tc, h1)
        # ---------------- backward
        DC.fill(0)
        copyto(D, G[T - 1])
        first = True
        for wa in range((T - 1) // KW * KW, -1, -KW):
            we = min(T, wa + KW)
            for a in range(wa + (we - wa - 1) // K * K, wa - 1, -K):
                e = min(we, a + K)
                n = e - a
                # all Jacobian coefficients of the chunk at once (nothing here depends on the adjoints)
                P_, F_, A_ = P[a:e], F[:n], A[:n]
                s = P_[:, 2:5]
                f3 = F_[:, 1:4]
                f4 = F_[:, 3]
                sub(one, s, f3)
                mul(f3, s, f3)  # sigma' of f,i,o
                mul(f3[:, :2], P_[:, 0:2], f3[:, :2])  # f: c_{t-1} f' ; i: g i'
                tanh(P[a + 1 : e + 1, 0], A_)
                mul(f4, A_, f4)  # o: tanh(c) o'
                mul(A_, A_, A_)
                sub(one, A_, A_)
                mul(A_, P_[:, 4], A_)  # dh -> dc: o (1-tanh(c)^2)
                g = P_[:, 1]
                fg = F_[:, 0]
                mul(g, g, fg)
                sub(one, fg, fg)
                mul(fg, P_[:, 3], fg)  # g: i (1-g^2)
                for ak, f3k, fok, dz3, dzo, f, dzt, gt in BW[a:e][::-1]:
                    mul(d1, ak, th)
                    add(dc1, th, dc1)
                    mul(d1, fok, dzo)
                    mul(dc1, f3k, dz3)
                    mul(dc1, f, dc1)
                    dot(dzt, ut_, d1)
                    if gt is not None:
                        add(d1, gt, d1)
            # weight gradients: one GEMM each over the stacked deltas of the chunk
            q = dZ2[: (we - wa) * B]
            r = slice(wa * B, we * B)
            if first:
                dot(x2[r].T, q, dW)
                dot(H2[r].T, q, dU)
                dot(ones[: len(q)], q, db)
                first = False
            else:
                dot(x2[r].T, q, gW)
                dot(H2[r].T, q, gU)
                dot(ones[: len(q)], q, gb)
                add(dW, gW, dW)
                add(dU, gU, dU)
                add(db, gb, db)
            dot(q, Wt, dx2[r])

    m.run = run
    m.dx = dx
    m.grads = lambda: (dW, dU, db)
    m.canon = lambda: dict(
        dW=uncols(dW, order, H), dU=uncols(dU, order, H), db=uncols(db, order, H), dx=dx, dh0=D, dc0=DC
    )
    return m
