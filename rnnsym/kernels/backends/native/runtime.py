"""The fixed part of a C kernel: number type, vectors, elementary functions, and the matrix products."""

from __future__ import annotations

RUNTIME = r"""
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
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
    BLOCK = 48,
    DEEP = 128
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

/* ---- Matrix products. ---- */

/* Rows a[0 .. depth) at a distance of `stride` numbers, times a matrix that pack() has put into panels. */
typedef struct { const R *a; I stride; const R *w; I depth; } Part;

HELPER size_t panels(I columns, I depth) { return (size_t)((columns + WIDE - 1) / WIDE) * WIDE * depth; }

/* Two vectors with their numbers by turns: the first half of what comes out, and the second. */
#if VECTOR_BYTES && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLES
#if VECTOR_BYTES == 16 && !defined(SINGLE)
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 2)
#define SECOND(a, b) __builtin_shufflevector(a, b, 1, 3)
#elif VECTOR_BYTES == 16 || (VECTOR_BYTES == 32 && !defined(SINGLE))
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define SECOND(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#elif VECTOR_BYTES == 32 || !defined(SINGLE)
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define SECOND(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SECOND(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif
#endif
#endif

#ifdef SHUFFLES
/* out[k * WIDE + l] = scale * rows[l * right + k] for LANES rows, of which those from `count` on are zero. */
INLINE void pack_square(R *out, const R *rows, I right, I count, R scale)
{
    V now[LANES], next[LANES];
    UNROLL for (int l = 0; l < LANES; l++) now[l] = l < count ? scale * LOAD(rows + l * right) : (V){0};
    UNROLL for (int round = 1; round < LANES; round *= 2) {
        UNROLL for (int l = 0; l < LANES / 2; l++) {
            next[2 * l] = FIRST(now[l], now[l + LANES / 2]);
            next[2 * l + 1] = SECOND(now[l], now[l + LANES / 2]);
        }
        UNROLL for (int l = 0; l < LANES; l++) now[l] = next[l];
    }
    UNROLL for (int l = 0; l < LANES; l++) STORE(out + l * WIDE, now[l]);
}
#endif

/* scale * matrix as panels of WIDE columns: element (k, j) is at matrix[k * down + j * right]. */
HELPER void pack(R *out, const R *matrix, I depth, I columns, I down, I right, R scale)
{
    for (I j = 0; j < columns; j += WIDE) {
        const I width = columns - j < WIDE ? columns - j : WIDE;
        I k = 0;
#ifdef SHUFFLES
        if (down == 1)
            for (; k + LANES <= depth; k += LANES, out += LANES * WIDE)
                for (int v = 0; v < ACROSS; v++)
                    pack_square(out + v * LANES, matrix + k + (j + v * LANES) * right, right, width - v * LANES, scale);
#endif
        for (; k < depth; k++, out += WIDE) {
            const R *from = matrix + k * down + j * right;
            if (right == 1 && width == WIDE)
                UNROLL for (int v = 0; v < ACROSS; v++) STORE(out + v * LANES, scale * LOAD(from + v * LANES));
            else
                for (I c = 0; c < width; c++) out[c] = scale * from[c * right];
            for (I c = width; c < WIDE; c++) out[c] = 0;
        }
    }
}

/* What a tile of `tall` rows sums up: sum[i][.] = sum over parts and k of a[i * down + k * right] w[k][.].

   Few rows are too few sums for the processor to be busy with: they have two of each, and several k a turn. More k a
   turn than one make a compiler run out of registers where there are many. */
INLINE void sums(V sum[TALL][ACROSS], const int tall, const Part *part, int parts, I row, I panel, const int across)
{
    const int split = tall < 3 ? 2 : 1, steps = tall < 3 ? 4 : 1;
    V other[TALL][ACROSS];
    UNROLL for (int i = 0; i < tall; i++)
        UNROLL for (int v = 0; v < ACROSS; v++) sum[i][v] = other[i][v] = (V){0};
    for (const Part *end = part + parts; part < end; part++) {
        /* A product with a transposed left side (`across`) reads it down its columns. */
        const I right = across ? part->stride : 1, down = across ? 1 : part->stride, depth = part->depth;
        const R *a = part->a + row * down, *w = part->w + panel * WIDE * depth;
        I k = 0;
        for (; k + steps <= depth; k += steps, w += steps * WIDE)
            UNROLL for (int u = 0; u < steps; u++) {
                const V w0 = LOAD(w + u * WIDE), w1 = LOAD(w + u * WIDE + LANES);
                UNROLL for (int i = 0; i < tall; i++) {
                    const R x = a[i * down + (k + u) * right];
                    V *const to = u % split ? other[i] : sum[i];
                    to[0] += x * w0;
                    to[1] += x * w1;
                }
            }
        for (; k < depth; k++, w += WIDE) {
            const V w0 = LOAD(w), w1 = LOAD(w + LANES);
            UNROLL for (int i = 0; i < tall; i++) {
                const R x = a[i * down + k * right];
                sum[i][0] += x * w0;
                sum[i][1] += x * w1;
            }
        }
    }
    if (split == 2)
        UNROLL for (int i = 0; i < tall; i++)
            UNROLL for (int v = 0; v < ACROSS; v++) sum[i][v] += other[i][v];
}

/* Rows in the next tile, so that tiles are about equally tall. */
INLINE I tile_of(I rows)
{
    const I count = (rows + TALL - 1) / TALL;
    return (rows + count - 1) / count;
}

#if VECTOR_BYTES == 64
#define MORE_TILES(TILE) TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#else
#define MORE_TILES(TILE)
#endif
/* A tile of each height has code of its own. */
#define TILES(TILE) TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) MORE_TILES(TILE)

/* Rows [row, row + tall) of a product, in the columns of a panel: rows of `out` are `apart` numbers apart. */
HELPER void product(I tall, R *out, I apart, const Part *part, int parts, I row, I panel)
{
    V sum[TALL][ACROSS];
    switch (tall) {
#define TILE(count) \
    case count: \
        sums(sum, count, part, parts, row, panel, 0); \
        UNROLL for (int i = 0; i < count; i++) \
            UNROLL for (int v = 0; v < ACROSS; v++) STORE(out + i * apart + v * LANES, sum[i][v]); \
        break;
        TILES(TILE)
#undef TILE
    }
}

/* A product of `rows` rows and n columns. A panel of the matrix stays in the nearest cache for a block of rows. */
HELPER void multiply(I rows, I n, R *out, const Part *part, int parts)
{
    for (I j = 0; j < n; j += WIDE)
        for (I r = 0; r < rows; r += BLOCK) {
            const I stop = rows - r < BLOCK ? rows : r + BLOCK;
            for (I q = r, tall; q < stop; q += tall) {
                tall = tile_of(stop - q);
                if (n - j >= WIDE) {
                    product(tall, out + q * n + j, n, part, parts, q, j / WIDE);
                } else {
                    R sum[TALL * WIDE];
                    product(tall, sum, WIDE, part, parts, q, j / WIDE);
                    for (I i = 0; i < tall; i++) memcpy(out + (q + i) * n + j, sum + i * WIDE, sizeof(R) * (n - j));
                }
            }
        }
}

/* out[i][.] += scale * a tile of a product whose left side is turned over. */
HELPER void add_product(I tall, R *out, I apart, R scale, const Part *part)
{
    V sum[TALL][ACROSS];
    switch (tall) {
#define TILE(count) \
    case count: \
        sums(sum, count, part, 1, 0, 0, 1); \
        UNROLL for (int i = 0; i < count; i++) \
            UNROLL for (int v = 0; v < ACROSS; v++) { \
                R *const to = out + i * apart + v * LANES; \
                STORE(to, LOAD(to) + scale * sum[i][v]); \
            } \
        break;
        TILES(TILE)
#undef TILE
    }
}

/* Rows of a: (depth, n) as a left side turned over: tiles of columns, in each the numbers of a row side by side. */
HELPER void turn(R *turned, const R *a, I depth, I n)
{
    enum { NEAR = 16 }; /* rows that stay in the nearest cache while all their columns are read */
    for (I from = 0; from < depth; from += NEAR) {
        const I stop = depth - from < NEAR ? depth : from + NEAR;
        for (I i = 0, tall; i < n; i += tall) {
            tall = tile_of(n - i);
            I k = from;
            R *out = turned + i * depth + k * tall;
#if VECTOR_BYTES
            /* Whole vectors, of which the next row overwrites what is too much; the last rows have none behind them. */
            enum { VECTORS = (TALL + LANES - 1) / LANES };
            if (n >= VECTORS * LANES)
                for (; k < stop && (depth - k) * tall >= VECTORS * LANES; k++, out += tall)
                    UNROLL for (int v = 0; v < VECTORS; v++) STORE(out + v * LANES, LOAD(a + k * n + i + v * LANES));
#endif
            for (; k < stop; k++, out += tall)
                for (I r = 0; r < tall; r++) out[r] = a[k * n + i + r];
        }
    }
}

/* total[i][j] += scale * sum over rows of a[row][i] b[row][j]: turn() took a: (rows, n), and pack() b: (rows, m). */
HELPER void add_outer(R *total, I rows, const R *turned, I n, const R *panels, I m, R scale)
{
    for (I from = 0; from < rows; from += DEEP) {
        const I depth = rows - from < DEEP ? rows - from : DEEP;
        for (I j = 0; j < m; j += WIDE) {
            const I width = m - j < WIDE ? m - j : WIDE;
            for (I i = 0, tall; i < n; i += tall) {
                tall = tile_of(n - i);
                R *const to = total + i * m + j;
                const Part part = {turned + i * rows + from * tall, tall, panels + j * rows + from * WIDE, depth};
                if (width == WIDE) {
                    add_product(tall, to, m, scale, &part);
                } else {
                    R sum[TALL * WIDE] = {0};
                    add_product(tall, sum, WIDE, scale, &part);
                    for (I r = 0; r < tall; r++)
                        for (I c = 0; c < width; c++) to[r * m + c] += sum[r * WIDE + c];
                }
            }
        }
    }
}

/* total[i] += scale * sum over rows of a[row][i]; the sum of the rows comes first, which keeps errors small. */
HELPER void add_rows(R *restrict total, I rows, const R *restrict a, I n, R scale)
{
    for (I j = 0; j < n; j += 64) {
        const I w = n - j < 64 ? n - j : 64;
        R part[64] = {0};
        for (I r = 0; r < rows; r++)
            VECTORISED for (I c = 0; c < w; c++) part[c] += a[r * n + j + c];
        for (I c = 0; c < w; c++) total[j + c] += scale * part[c];
    }
}
"""
