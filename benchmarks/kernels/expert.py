"""The best hand-written NumPy passes that we know, one for each of three cells: what a generated kernel is measured by.

Gates in slabs, one call for all of them; what no adjoint is needed for is computed for a chunk of steps at once; weight
gradients as one product for each chunk. Weights are kept in rows (inputs, gates * units) in an order of their own: the
conversion happens once in `make`, everything else is part of what is timed.
"""

# ruff: noqa
# mypy: ignore-errors

from __future__ import annotations

import numpy as np


class M:
    pass


dot, matmul, mul, add, sub, tanh, copyto = np.dot, np.matmul, np.multiply, np.add, np.subtract, np.tanh, np.copyto


def _chunk(B, H, item, slabs, target=600_000):
    return max(1, int(target / (B * H * item * slabs)))


def kw_auto(B, T, H, X, dt):
    """steps per weight-gradient GEMM: enough rows for GEMM efficiency, few enough that the deltas stay in L2"""
    return T if B == 1 else max(16, 512 // B)


def _cols(w, order, H):
    return np.ascontiguousarray(np.concatenate([w[..., k * H : (k + 1) * H] for k in order], -1))


def _uncols(w, order, H):
    o = [None] * len(order)
    for j, k in enumerate(order):
        o[k] = w[..., j * H : (j + 1) * H]
    return np.concatenate(o, -1)


# ------------------------------------------------------------------ LSTM, gate slabs (4,B,H) forward, row deltas (B,4H) backward
def make_lstm_slab(p, K, KZ, ut, KW=0):
    m = M()
    x, h0, c0, G = p["x"], p["h0"], p["c0"], p["G"]
    T, B, X = x.shape
    H = h0.shape[1]
    dt = x.dtype
    E = lambda *s: np.empty(s, dt)
    order = (2, 1, 0, 3)  # g f i o
    W, U, b = (_cols(p[k], order, H) for k in ("W", "U", "b"))
    small = B == 1
    KW = min(T, KW or kw_auto(B, T, H, X, dt))  # steps per weight-gradient GEMM
    K = min(KW, K or _chunk(B, H, dt.itemsize, 11))  # steps per coefficient chunk
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
        dW=_uncols(dW, order, H), dU=_uncols(dU, order, H), db=_uncols(db, order, H), dx=dx, dh0=D, dc0=DC
    )
    return m


# ------------------------------------------------------------------ GRU
def make_gru_slab(p, K, KZ, ut, KW=0):
    m = M()
    x, h0, G = p["x"], p["h0"], p["G"]
    T, B, X = x.shape
    H = h0.shape[1]
    dt = x.dtype
    E = lambda *s: np.empty(s, dt)
    ow = (2, 0, 1)  # W: n r z ; U: r z n
    W, b = _cols(p["W"], ow, H), _cols(p["b"], ow, H)
    U, bn = p["U"].copy(), p["bn"].copy()
    KW = min(T, KW or kw_auto(B, T, H, X, dt))
    K = min(KW, K or _chunk(B, H, dt.itemsize, 9))
    KZ = min(T, KZ or max(1, 512 // B))
    KW = -(-KW // K) * K
    small = B == 1
    if ut < 0:
        ut = 1 if not small else 0
    W3, U3, b3 = E(3, X, H), E(3, H, H), E(3, 1, H)
    Wr, Ur = E(X, 3 * H), E(H, 3 * H)
    sw = np.array([1, 0.5, 0.5], dt)
    su = np.array([0.5, 0.5, 1], dt)
    swr, sur = np.repeat(sw, H), np.repeat(su, H)
    Z = E(KZ, 4, B, H) if small else E(4, KZ, B, H)  # n r z | bn (constant slab, so that ONE add serves r, z and hn)
    Q = E(T, 4, B, H)
    Hs = E(T + 1, B, H)  # Q[t] = r, z, hn, n   (all that is saved, plus h)
    dn_ = E(B, H)
    dZ = E(KW, B, 4 * H)
    F = E(K, 4, B, H)
    DH = E(B, H)
    tH = E(B, H)
    UT = E(3 * H, H)
    t3 = E(3, B, H)
    dW, dU, db, dx = E(X, 3 * H), E(H, 3 * H), E(4 * H), E(T, B, X)
    one_chunk = KW >= T
    gW, gU, gb = (dW, dU, db) if one_chunk else (E(X, 3 * H), E(H, 3 * H), E(4 * H))
    half = np.full((), 0.5, dt)
    one = np.full((), 1, dt)
    ones = np.ones(KW * B, dt)
    x2 = x.reshape(T * B, X)
    H2 = Hs[:T].reshape(T * B, H)
    dZ2 = dZ.reshape(KW * B, 4 * H)
    dx2 = dx.reshape(T * B, X)
    Z2 = None if small else Z.reshape(4, KZ * B, H)
    r1 = (lambda a: a.reshape(-1)) if small else (lambda a: a)
    FW = []
    BW = []
    for t in range(T):
        k = t % KZ
        kb = t % K
        w = t % KW
        zt = Z[k] if small else Z[:, k]
        FW.append(
            (
                r1(Hs[t]),
                r1(Q[t, :3]),
                r1(zt[1:4]),
                r1(Q[t, :2]),
                r1(zt[0]),
                r1(Q[t, 0]),
                r1(Q[t, 1]),
                r1(Q[t, 2]),
                r1(Q[t, 3]),
                r1(Hs[t + 1]),
            )
        )
        dz4 = dZ[w].reshape(4, H) if small else dZ[w].reshape(B, 4, H).transpose(1, 0, 2)
        BW.append(
            (
                F[kb].reshape(4, H) if small else F[kb],
                dz4,
                r1(dZ[w, :, H:]) if small else dZ[w, :, H:],
                r1(Q[t, 1]),
                r1(G[t - 1]) if t else None,
            )
        )
    d1, th, dn, tq = r1(DH), r1(tH), r1(dn_), r1(t3)
    FWc = [FW[a : a + KZ] for a in range(0, T, KZ)]
    Wt = W.T
    Zr = E(KZ * B, 3 * H) if small else None

    def run():
        if small:
            mul(W, swr, Wr)
            bs = b * swr
            mul(U, sur, Ur)
            copyto(Z[:, 3], bn)
        else:
            mul(W.reshape(X, 3, H).transpose(1, 0, 2), sw[:, None, None], W3)
            mul(U.reshape(H, 3, H).transpose(1, 0, 2), su[:, None, None], U3)
            mul(b.reshape(3, 1, H), sw[:, None, None], b3)
            copyto(Z[3], bn)
        if ut:
            copyto(UT, U.T)
            ut_ = UT
        else:
            ut_ = U.T
        copyto(Hs[0], h0)
        for ci, steps in enumerate(FWc):
            a = ci * KZ * B
            n = len(steps) * B
            if small:
                dot(x2[a : a + n], Wr, Zr[:n])
                add(Zr[:n], bs, Z.reshape(KZ, 4 * H)[:n, : 3 * H])
                mm = dot
                u = Ur
            else:
                zz = Z2[:3, :n]
                matmul(x2[a : a + n], W3, zz)
                add(zz, b3, zz)
                mm = matmul
                u = U3
            for h, q, zz_, rz, zn, r, z, qn, nn, h1 in steps:
                mm(h, u, tq)
                add(tq, zz_, q)
                tanh(rz, rz)
                mul(rz, half, rz)
                add(rz, half, rz)
                mul(r, qn, nn)
                add(nn, zn, nn)
                tanh(nn, nn)
                sub(h, nn, dn)
                mul(z, dn, dn)
                add(dn, nn, h1)
        copyto(DH, G[T - 1])
        first = True
        for wa in range((T - 1) // KW * KW, -1, -KW):
            we = min(T, wa + KW)
            for a in range(wa + (we - wa - 1) // K * K, wa - 1, -K):
                e = min(we, a + K)
                n = e - a
                F_, q = F[:n], Q[a:e]
                rz = q[:, :2]
                N = q[:, 3]
                fn, frz, fh = F_[:, 0], F_[:, 1:3], F_[:, 3]
                fr = F_[:, 1]
                fz = F_[:, 2]
                sub(one, rz, frz)
                mul(N, N, fn)
                sub(one, fn, fn)
                mul(fn, fz, fn)  # n: (1-z)(1-n^2)
                mul(frz, rz, frz)
                mul(fr, q[:, 2], fr)
                sub(Hs[a:e], N, fh)
                mul(fz, fh, fz)  # z: (h-n) z'
                mul(fr, fn, fr)  # r: hn r' n-factor
                mul(fn, q[:, 0], fh)  # hn: n*r
                for fk, dz4, dzh, zk, gt in BW[a:e][::-1]:
                    mul(d1, fk, dz4)
                    mul(d1, zk, th)
                    dot(dzh, ut_, d1)
                    add(d1, th, d1)
                    if gt is not None:
                        add(d1, gt, d1)
            q = dZ2[: (we - wa) * B]
            r = slice(wa * B, we * B)
            on = ones[: len(q)]
            if first:
                dot(x2[r].T, q[:, : 3 * H], dW)
                dot(H2[r].T, q[:, H:], dU)
                dot(on, q, db)
                first = False
            else:
                dot(x2[r].T, q[:, : 3 * H], gW)
                dot(H2[r].T, q[:, H:], gU)
                dot(on, q, gb)
                add(dW, gW, dW)
                add(dU, gU, dU)
                add(db, gb, db)
            dot(q[:, : 3 * H], Wt, dx2[r])

    m.run = run
    m.dx = dx
    m.grads = lambda: (dW, dU, db)
    m.canon = lambda: dict(dW=_uncols(dW, ow, H), dU=dU, db=_uncols(db[: 3 * H], ow, H), dbn=db[3 * H :], dx=dx, dh0=DH)
    return m


# ------------------------------------------------------------------ vanilla tanh RNN + softmax cross-entropy
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


GATES = {"lstm": "ifgo", "gru": "rzn", "rnn": "h"}


def make(problem):
    """The pass for a problem of `cells.problem`, as a function that gives the loss and the gradients by key."""
    cell, gates = problem.name, GATES[problem.name]
    params, inputs = problem.params, problem.inputs
    p = {
        "x": inputs["x"],
        "h0": inputs["h[0]"],
        "W": np.concatenate([params[f"U_{k}"].T for k in gates], 1),
        "U": np.concatenate([params[f"W_{k}"].T for k in gates], 1),
        "b": np.concatenate([params[f"b_{k}"] for k in gates]),
    }
    if cell == "rnn":
        p |= {"y": problem.labels, "Wy": np.ascontiguousarray(params["V"].T), "by": params["c"]}
    else:
        p["G"] = inputs["G"]
    if cell == "lstm":
        p["c0"] = inputs["c[0]"]
    if cell == "gru":
        p["bn"] = params["d_n"]
    made = {"lstm": make_lstm_slab, "gru": make_gru_slab, "rnn": make_rnn_slab}[cell](p, 0, 0, -1, 0)
    units = p["h0"].shape[1]

    def run():
        made.run()
        return made

    def gradients(_):
        found = made.canon()
        cut = {k: slice(n * units, (n + 1) * units) for n, k in enumerate(gates)}
        result = {"x": found["dx"], "h[0]": found["dh0"]}
        for k in gates:
            result[f"U_{k}"], result[f"W_{k}"] = found["dW"][:, cut[k]].T, found["dU"][:, cut[k]].T
            result[f"b_{k}"] = found["db"][cut[k]]
        names = {"dc0": "c[0]", "dbn": "d_n", "dby": "c"}
        result |= {names[key]: found[key] for key in names if key in found}
        if "dWy" in found:
            result["V"] = found["dWy"].T
        return result

    run.gradients = gradients
    return run
