"""The fixed part of a C kernel: number type, vectors and elementary functions; then the matrix products."""

from __future__ import annotations

from rnnsym.kernels.backends.native.products import PRODUCTS

RUNTIME = r"""
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

/* GCC takes half of such a vector by itself; the loops over functions here gain from the whole. */
#if defined(__AVX512F__) && defined(__GNUC__) && __GNUC__ >= 8 && !defined(__clang__)
#pragma GCC target("prefer-vector-width=512")
#endif

typedef ptrdiff_t I;

/* Vectors of the compiler where it has them, single numbers where it has not. */
#if defined(__GNUC__) && !defined(PLAIN)
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
typedef R V __attribute__((vector_size(VECTOR_BYTES)));
typedef R V_IN_MEMORY __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(R)), may_alias));
#define LOAD(p) ((V)*(const V_IN_MEMORY *)(p))
#define STORE(p, v) (*(V_IN_MEMORY *)(p) = (V_IN_MEMORY)(v))
#define INLINE static inline __attribute__((always_inline))
#define HELPER static __attribute__((unused))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define VECTORISED _Pragma("clang loop vectorize(enable)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#define VECTORISED _Pragma("GCC ivdep")
#endif
#else
#define VECTOR_BYTES 0
typedef R V;
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
#define INLINE static inline
#define HELPER static
#define UNROLL
#define VECTORISED
#endif
/* Before a loop that adds up `sum`: the order of the additions is free. */
#if defined(__GNUC__)
#define REDUCED _Pragma("omp simd reduction(+:sum)")
#define HIGHEST _Pragma("omp simd reduction(max:high)")
#else
#define REDUCED
#define HIGHEST
#endif

/* A matrix product is made in tiles of up to TALL rows and WIDE columns, which stay in registers; BLOCK rows share
   a panel of WIDE columns while it is in the cache; sums go over DEEP rows at a time. */
enum {
    LANES = VECTOR_BYTES ? VECTOR_BYTES / sizeof(R) : 1,
    ACROSS = 2,
    WIDE = LANES * ACROSS,
    TALL = VECTOR_BYTES == 64 ? 12 : 6,
    BLOCK = 96,
    DEEP = 256
};

/* ---- Elementary functions: without branches, so that loops over them are vectorised; NaN stays NaN. ---- */

#ifdef SINGLE
typedef uint32_t Bits;
#define MANTISSA 23
#define ROUNDING ((R)12582912.0) /* 1.5 * 2**23: adding it rounds to a whole number */
#define LN2_HIGH ((R)0.693359375)
#define LN2_LOW ((R)-2.12194440054690583e-4)
#define EXP_HIGH ((R)88.72)
#define EXP_LOW ((R)-87.33)
#define TANH_HIGH ((R)10.0)
#define F(name) name##f
#else
typedef uint64_t Bits;
#define MANTISSA 52
#define ROUNDING ((R)6755399441055744.0) /* 1.5 * 2**52 */
#define LN2_HIGH ((R)6.93147180369123816490e-01)
#define LN2_LOW ((R)1.90821492927058770002e-10)
#define EXP_HIGH ((R)709.7)
#define EXP_LOW ((R)-708.39)
#define TANH_HIGH ((R)20.0)
#define F(name) name
#endif

/* x as n ln 2 + r: gives exp(r) - 1, and 2**(n-1) in *half. */
INLINE R reduced(R x, R *half)
{
    union { R value; Bits bits; } n;
    n.value = x * (R)1.44269504088896340736 + ROUNDING;
    const R whole = n.value - ROUNDING;
    const R r = (x - whole * LN2_HIGH) - whole * LN2_LOW;
#ifdef SINGLE
    n.bits = (n.bits << MANTISSA) + ((Bits)126 << MANTISSA);
    R q = (R)0.0013939260878011030643;
    q = q * r + (R)0.0083662247757583221497;
    q = q * r + (R)0.041666383543575658136;
    q = q * r + (R)0.16666546887832112926;
    q = q * r + (R)0.50000000360546411109;
#else
    n.bits = (n.bits << MANTISSA) + ((Bits)1022 << MANTISSA);
    R q = (R)2.0920602372097080653e-9;
    q = q * r + (R)2.5108341488960524819e-8;
    q = q * r + (R)2.7557255335690022838e-7;
    q = q * r + (R)2.7557246374086547887e-6;
    q = q * r + (R)0.000024801587345664667457;
    q = q * r + (R)0.00019841269883770475534;
    q = q * r + (R)0.0013888888888874470436;
    q = q * r + (R)0.0083333333333226653142;
    q = q * r + (R)0.041666666666666685796;
    q = q * r + (R)0.166666666666666751;
    q = q * r + (R)0.49999999999999999994;
#endif
    *half = n.value;
    return q * (r * r) + r;
}

INLINE R exp_(R x)
{
    R half;
    const R bounded = x > EXP_HIGH ? EXP_HIGH : x < EXP_LOW ? EXP_LOW : x;
    const R small = reduced(bounded, &half);
    const R value = (half + half * small) * (R)2;
    return x < EXP_LOW ? (R)0 : x > EXP_HIGH ? (R)INFINITY : value;
}

INLINE R expm1_(R x)
{
    R half;
    const R bounded = x > EXP_HIGH ? EXP_HIGH : x < (R)-50 ? (R)-50 : x;
    const R small = reduced(bounded, &half);
    return (half * small + (half - (R)0.5)) * (R)2;
}

INLINE R tanh_(R x)
{
    R half;
    const R bounded = x > TANH_HIGH ? TANH_HIGH : x < -TANH_HIGH ? -TANH_HIGH : x;
    const R small = reduced(bounded + bounded, &half);
    const R less = half * small + (half - (R)0.5); /* (exp(2 x) - 1) / 2 */
    return less / (less + (R)1);
}

INLINE R max_(R a, R b) { return b > a ? b : a; }
INLINE R min_(R a, R b) { return b < a ? b : a; }
INLINE R sign_(R x) { return x > 0 ? (R)1 : x < 0 ? (R)-1 : x; }
INLINE R log_sum_(R a, R b)
{
    const R high = max_(a, b), low = a + b - high;
    return F(log1p)(exp_(low - high)) + high;
}

/* The softmax y of a row x, its logarithm log_y, and the logarithm of the sum of exponentials, without overflow. */
HELPER R softmax_of(I n, const R *restrict x, R *restrict y, R *restrict log_y)
{
    R high = x[0], sum = 0;
    HIGHEST for (I i = 1; i < n; i++) high = x[i] > high ? x[i] : high;
    if (y) {
        REDUCED for (I i = 0; i < n; i++) {
            y[i] = exp_(x[i] - high);
            sum += y[i];
        }
    } else {
        REDUCED for (I i = 0; i < n; i++) sum += exp_(x[i] - high);
    }
    const R scale = (R)1 / sum, whole = high + F(log)(sum);
    if (log_y) {
        VECTORISED for (I i = 0; i < n; i++) log_y[i] = x[i] - whole;
    }
    if (y) {
        VECTORISED for (I i = 0; i < n; i++) y[i] *= scale;
    }
    return whole;
}

HELPER R highest_of(I n, const R *x)
{
    R high = x[0];
    HIGHEST for (I i = 1; i < n; i++) high = x[i] > high ? x[i] : high;
    for (I i = 0; i < n; i++) high = x[i] != x[i] ? x[i] : high;
    return high;
}

/* The inverse y of an n by n matrix x, by Gauss and Jordan with a choice of pivots; order: room for n numbers.
   A matrix that has none gives numbers that are not finite. */
HELPER void inverse_of(I n, const R *x, R *y, R *order)
{
    memcpy(y, x, sizeof(R) * n * n);
    for (I k = 0; k < n; k++) {
        I best = k;
        for (I i = k + 1; i < n; i++) best = F(fabs)(y[i * n + k]) > F(fabs)(y[best * n + k]) ? i : best;
        order[k] = (R)best;
        for (I j = 0; j < n && best != k; j++) {
            const R kept = y[k * n + j];
            y[k * n + j] = y[best * n + j];
            y[best * n + j] = kept;
        }
        R *const row = y + k * n;
        const R scale = (R)1 / row[k];
        row[k] = 1;
        VECTORISED for (I j = 0; j < n; j++) row[j] *= scale;
        for (I i = 0; i < n; i++) {
            R *const other = y + i * n;
            const R factor = other[k];
            if (i == k) continue;
            other[k] = 0;
            VECTORISED for (I j = 0; j < n; j++) other[j] -= factor * row[j];
        }
    }
    for (I k = n - 1; k >= 0; k--) {
        const I best = (I)order[k];
        for (I i = 0; i < n && best != k; i++) {
            const R kept = y[i * n + k];
            y[i * n + k] = y[i * n + best];
            y[i * n + best] = kept;
        }
    }
}
"""

RUNTIME += PRODUCTS
