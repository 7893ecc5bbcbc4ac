"""The fixed part of a C kernel that multiplies matrices: panels, register tiles, and sums over rows."""

from __future__ import annotations

PRODUCTS = r"""
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

/* What a tile of `tall` rows sums up: sum[i][.] = sum over k < depth of a[i][k] w[k][.]. Rows of a are `apart` numbers
   apart; where they are turned over, the numbers of a column lie side by side.

   Few rows are too few sums for the processor to be busy with: they have two of each, and several k a turn. More k a
   turn than one make a compiler run out of registers where there are many. */
INLINE void sums(V sum[TALL][ACROSS], const int tall, const int turned, const R *a, I apart, const R *w, I depth)
{
    const int split = tall < 3 ? 2 : 1, steps = tall < 3 ? 4 : 1;
    const I down = turned ? 1 : apart, right = turned ? tall : 1;
    V other[TALL][ACROSS];
    UNROLL for (int i = 0; i < tall; i++)
        UNROLL for (int v = 0; v < ACROSS; v++) sum[i][v] = other[i][v] = (V){0};
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
    if (split == 2)
        UNROLL for (int i = 0; i < tall; i++)
            UNROLL for (int v = 0; v < ACROSS; v++) sum[i][v] += other[i][v];
}

#if VECTOR_BYTES == 64
#define MORE_TILES(TILE) TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#else
#define MORE_TILES(TILE)
#endif
/* A tile of each height has code of its own. */
#define TILES(TILE) TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) MORE_TILES(TILE)

/* A tile of a product to `out`, whose rows are `wide` numbers apart; added to what is there where there is `more`. */
HELPER void tile(I tall, R *out, I wide, const R *a, I apart, const R *w, I depth, int more)
{
    V sum[TALL][ACROSS];
    switch (tall) {
#define TILE(count) \
    case count: \
        sums(sum, count, 0, a, apart, w, depth); \
        UNROLL for (int i = 0; i < count; i++) \
            UNROLL for (int v = 0; v < ACROSS; v++) { \
                R *const to = out + i * wide + v * LANES; \
                STORE(to, more ? LOAD(to) + sum[i][v] : sum[i][v]); \
            } \
        break;
        TILES(TILE)
#undef TILE
    }
}

/* out[i][.] += scale * a tile of a product whose left side is turned over. */
HELPER void add_tile(I tall, R *out, I wide, const R *turned, const R *w, I depth, R scale)
{
    V sum[TALL][ACROSS];
    switch (tall) {
#define TILE(count) \
    case count: \
        sums(sum, count, 1, turned, 0, w, depth); \
        UNROLL for (int i = 0; i < count; i++) \
            UNROLL for (int v = 0; v < ACROSS; v++) { \
                R *const to = out + i * wide + v * LANES; \
                STORE(to, LOAD(to) + scale * sum[i][v]); \
            } \
        break;
        TILES(TILE)
#undef TILE
    }
}

/* How many of `rest` come next, in pieces of at most `most` that are about equal. */
INLINE I piece(I rest, I most)
{
    const I count = (rest + most - 1) / most;
    return (rest + count - 1) / count;
}

/* Rows from `row` on of a product, in the columns of a panel. A piece of the panel stays in the nearest cache for all
   of these rows. */
HELPER void product(I rows, R *out, I wide, const Part *part, int parts, I row, I panel)
{
    int more = 0;
    for (const Part *end = part + parts; part < end; part++)
        for (I from = 0, depth; from < part->depth; from += depth, more = 1) {
            depth = piece(part->depth - from, DEEP);
            const R *a = part->a + row * part->stride + from, *w = part->w + (panel * part->depth + from) * WIDE;
            for (I q = 0, tall; q < rows; q += tall) {
                tall = piece(rows - q, TALL);
                tile(tall, out + q * wide, wide, a + q * part->stride, part->stride, w, depth, more);
            }
        }
}

/* A product of `rows` rows and n columns. */
HELPER void multiply(I rows, I n, R *out, const Part *part, int parts)
{
    for (I j = 0; j < n; j += WIDE)
        for (I r = 0, count; r < rows; r += count) {
            count = piece(rows - r, BLOCK);
            if (n - j >= WIDE) {
                product(count, out + r * n + j, n, part, parts, r, j / WIDE);
            } else {
                R sum[BLOCK * WIDE];
                product(count, sum, WIDE, part, parts, r, j / WIDE);
                for (I i = 0; i < count; i++) memcpy(out + (r + i) * n + j, sum + i * WIDE, sizeof(R) * (n - j));
            }
        }
}

/* Rows of a: (depth, n) as a left side turned over: tiles of columns, in each the numbers of a row side by side. */
HELPER void turn(R *turned, const R *a, I depth, I n)
{
    enum { NEAR = 16 }; /* rows that stay in the nearest cache while all their columns are read */
    for (I from = 0; from < depth; from += NEAR) {
        const I stop = depth - from < NEAR ? depth : from + NEAR;
        for (I i = 0, tall; i < n; i += tall) {
            tall = piece(n - i, TALL);
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
                tall = piece(n - i, TALL);
                R *const to = total + i * m + j;
                const R *const left = turned + i * rows + from * tall, *const right = panels + j * rows + from * WIDE;
                if (width == WIDE) {
                    add_tile(tall, to, m, left, right, depth, scale);
                } else {
                    R sum[TALL * WIDE] = {0};
                    add_tile(tall, sum, WIDE, left, right, depth, scale);
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
