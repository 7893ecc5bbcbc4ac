"""GRU: candidate, reset and update in slabs; the candidate has a bias of its own inside the reset."""

# ruff: noqa
# mypy: ignore-errors

from __future__ import annotations

import numpy as np

from .slabs import M, chunk, kw_auto, cols, uncols, dot, matmul, mul, add, sub, tanh, copyto


def make_gru_slab(p, K, KZ, ut, KW=0):
    m = M()
    x, h0, G = p["x"], p["h0"], p["G"]
    T, B, X = x.shape
    H = h0.shape[1]
    dt = x.dtype
    E = lambda *s: np.empty(s, dt)
    ow = (2, 0, 1)  # W: n r z ; U: r z n
    W, b = cols(p["W"], ow, H), cols(p["b"], ow, H)
    U, bn = p["U"].copy(), p["bn"].copy()
    KW = min(T, KW or kw_auto(B, T, H, X, dt))
    K = min(KW, K or chunk(B, H, dt.itemsize, 9))
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
    m.canon = lambda: dict(dW=uncols(dW, ow, H), dU=dU, db=uncols(db[: 3 * H], ow, H), dbn=db[3 * H :], dx=dx, dh0=DH)
    return m
