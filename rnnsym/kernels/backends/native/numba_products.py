"""The fixed part of a Numba kernel that multiplies matrices: BLAS, panels, register tiles, and sums over rows."""

from __future__ import annotations

PRODUCTS = r'''
# ---- Matrix products, by the BLAS of SciPy. ----

LETTER = {{"float32": "s", "float64": "d"}}[np.dtype(R).name]
GEMM, GEMV = (get_cython_function_address("scipy.linalg.cython_blas", LETTER + name) for name in ("gemm", "gemv"))


def _by_reference(context, builder, arguments, types_):
    """Addresses of values, as Fortran takes them; letters are given by their code."""
    found = []
    for value, kind in zip(arguments, types_):
        if kind == "array":
            start = builder.mul(value, ir.Constant(value.type, ITEM))
            found.append(builder.inttoptr(start, ir.IntType(8).as_pointer()))
            continue
        if kind == "letter":
            value = builder.trunc(value, ir.IntType(8))
        elif kind == "count":
            value = builder.trunc(value, ir.IntType(32))
        with builder.goto_entry_block():
            room = builder.alloca(value.type)
        builder.store(value, room)
        found.append(builder.bitcast(room, ir.IntType(8).as_pointer()))
    return found


def _blas(*kinds):
    @intrinsic
    def call(typing, address, arguments):
        def code(context, builder, signature, values):
            given = [builder.extract_value(values[1], k) for k in range(len(kinds))]
            given = _by_reference(context, builder, given, kinds)
            kind = ir.FunctionType(ir.VoidType(), [one.type for one in given]).as_pointer()
            builder.call(builder.inttoptr(values[0], kind), given)
            return context.get_dummy_value()

        numbers = types.Tuple([REAL if kind == "real" else types.intp for kind in kinds])
        return types.void(types.intp, numbers), code

    return call


_gemm = _blas(
    "letter", "letter", "count", "count", "count", "real", "array", "count", "array", "count", "real", "array", "count"
)
_gemv = _blas("letter", "count", "count", "real", "array", "count", "array", "count", "real", "array", "count")
PLAIN, TURNED = ord("N"), ord("T")


# A matrix that many rows are multiplied by, one step after the other, is put into panels of WIDE columns once a call;
# tiles of up to TALL rows and WIDE columns then stay in registers. For single rows, and for sums over time, BLAS is
# as fast.

FEATURES = dict(get_host_cpu_features())
VECTOR = 64 if FEATURES.get("avx512f") else 32 if FEATURES.get("avx") else 16
LANES = VECTOR // ITEM
WIDE, TALL = 2 * LANES, 12 if VECTOR == 64 else 6


@intrinsic
def move(typing, target, source, scale):
    """One vector of LANES numbers, times a number."""

    def code(context, builder, signature, arguments):
        real = context.get_value_type(REAL)
        vector = ir.VectorType(real, LANES)
        to, source = (
            builder.inttoptr(builder.mul(place, ir.Constant(place.type, ITEM)), vector.as_pointer())
            for place in arguments[:2]
        )
        scaled = builder.fmul(builder.load(source, align=ITEM), _repeated(builder, arguments[2], vector))
        builder.store(scaled, to, align=ITEM)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, REAL), code


@intrinsic
def tile(typing, tall, left, down, right, panel, depth, adding, out, out_apart):
    """out = left @ panel for `tall` rows and WIDE columns, or out += where `adding` is not 0.

    Element (i, k) of the left side is at left[i * down + k * right].
    """

    def code(context, builder, signature, arguments):
        tall, *arguments = arguments
        end = builder.append_basic_block()
        choice = builder.switch(tall, end)
        for count in range(1, TALL + 1):
            start = builder.append_basic_block()
            choice.add_case(ir.Constant(tall.type, count), start)
            builder.position_at_end(start)
            _tile(count, context.get_value_type(REAL), builder, *arguments)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 9), code


def _tile(tall, real, builder, left, down, right, panel, depth, adding, out, out_apart):
    """The instructions for a tile of so many rows."""
    vector, index = ir.VectorType(real, LANES), left.type

    def number(value):
        return ir.Constant(index, value)

    def at(place):
        return builder.inttoptr(builder.mul(place, number(ITEM)), real.as_pointer())

    def vectors(start, position):
        """Pointers to the vectors from a position on."""
        places = [builder.add(position, number(v * LANES)) for v in range(2)]
        return [builder.bitcast(builder.gep(start, [place]), vector.as_pointer()) for place in places]

    rows = [at(builder.add(left, builder.mul(down, number(i)))) for i in range(tall)]
    results = [vectors(at(builder.add(out, builder.mul(out_apart, number(i)))), number(0)) for i in range(tall)]
    weights, empty = at(panel), ir.Constant(vector, [0.0] * LANES)
    kept = builder.icmp_signed("!=", adding, number(0))
    before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(loop)
    builder.position_at_end(loop)
    k = builder.phi(index)
    sums = [[builder.phi(vector) for _ in row] for row in results]
    panel_row = [builder.load(p, align=ITEM) for p in vectors(weights, builder.mul(k, number(WIDE)))]
    position = builder.mul(k, right)
    added = []
    for row, own in zip(rows, sums):
        x = _repeated(builder, builder.load(builder.gep(row, [position]), align=ITEM), vector)
        products = [builder.fmul(x, w, flags=("contract",)) for w in panel_row]
        added.append([builder.fadd(old, new, flags=("contract",)) for old, new in zip(own, products)])
    following = builder.add(k, number(1))
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
    k.add_incoming(number(0), before)
    k.add_incoming(following, loop)
    for row, result in zip(sums, added):
        for phi, other in zip(row, result):
            phi.add_incoming(empty, before)
            phi.add_incoming(other, loop)
    builder.position_at_end(after)
    first = [[builder.select(kept, builder.load(p, align=ITEM), empty) for p in row] for row in results]
    # What was there is added at the end: sums of sums keep errors small.
    for row, start, targets in zip(added, first, results):
        for value, old, target in zip(row, start, targets):
            builder.store(builder.fadd(old, value), target, align=ITEM)


def _repeated(builder, value, vector):
    """A vector of one number."""
    single = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


@of_types(*[PLACE] * 11)
def panel_product(rows, width, depth, left, left_apart, in_tiles, panels, adding, out, out_apart, spare):
    """out = left @ the matrix in panels, or out +=; spare: room for a tile that is not full.

    in_tiles: the left side is as turn() leaves it.
    """
    apart()
    for j in range(0, width, WIDE):
        panel = panels + j * depth
        w = min(WIDE, width - j)
        r = 0
        while r < rows:
            count = (rows - r + TALL - 1) // TALL
            tall = (rows - r + count - 1) // count
            a, down, right = left + r * left_apart, left_apart, 1
            if in_tiles:
                a, down, right = left + r * depth, 1, tall
            to, to_apart, more = out + r * out_apart + j, out_apart, adding
            if w < WIDE:
                to, to_apart, more = spare, WIDE, 0
            tile(tall, a, down, right, panel, depth, more, to, to_apart)
            if w < WIDE:
                for i in range(tall):
                    for c in range(w):
                        value = load(spare, i * WIDE + c)
                        if adding:
                            value += load(out + (r + i) * out_apart + j, c)
                        store(out + (r + i) * out_apart + j, c, value)
            r += tall


@of_types(*[PLACE] * 13, MORE)
def product(B, rows, width, depth, left, left_apart, right, right_apart, turned, panels, adding, out, out_apart, more):
    """out = left @ right, or out +=, of (rows, depth) and (depth, width); turned: right is (width, depth).

    Where there is one example, right is read as it is, otherwise in panels. more: BLAS, and room for a tile.
    """
    apart()
    gemm, gemv, spare = more
    before = R(1) if adding else R(0)
    if B > 1:
        panel_product(rows, width, depth, left, left_apart, 0, panels, adding, out, out_apart, spare)
    elif rows == 1 and turned:
        _gemv(gemv, (TURNED, depth, width, R(1), right, right_apart, left, 1, before, out, 1))
    elif rows == 1:
        _gemv(gemv, (PLAIN, width, depth, R(1), right, right_apart, left, 1, before, out, 1))
    else:
        kind, one = TURNED if turned else PLAIN, R(1)
        given = (kind, PLAIN, width, rows, depth, one, right, right_apart, left, left_apart, before, out, out_apart)
        _gemm(gemm, given)


@of_types(*[PLACE] * 11, REAL)
def pack(B, out, whole_depth, whole_width, row, column, matrix, depth, width, down, right, scale):
    """scale * matrix as part of another, from a row and a column on: element (k, j) is at matrix[k * down + j * right].

    The other one lies in rows where there is one example, otherwise in panels.
    """
    apart()
    for k in range(depth):
        if B == 1:
            start = out + (row + k) * whole_width + column
            for j in range(width):
                put(start, j, scale * take(matrix + k * down, j * right))
            continue
        j = 0
        while j < width:
            panel, lane = divmod(column + j, WIDE)
            stop = min(width, j + WIDE - lane)
            start = out + panel * WIDE * whole_depth + (row + k) * WIDE + lane - j
            if stop - j == WIDE and right == 1:
                move(start + j, matrix + k * down + j, scale)
                move(start + j + LANES, matrix + k * down + j + LANES, scale)
                j = stop
                continue
            for c in range(j, stop):
                put(start, c, scale * take(matrix + k * down, c * right))
            j = stop


@of_types(*[PLACE] * 5)
def turn(out, matrix, matrix_apart, depth, width):
    """A matrix of (depth, width) as a left side turned over: tiles of columns, the numbers of a row side by side."""
    apart()
    i = 0
    while i < width:
        count = (width - i + TALL - 1) // TALL
        tall = (width - i + count - 1) // count
        to = out + i * depth
        # Whole vectors, of which the next row overwrites what is too much; the last row has nothing behind it.
        safe = depth - 1 if width >= 2 * LANES else 0
        for k in range(safe):
            move(to + k * tall, matrix + k * matrix_apart + i, R(1))
            if TALL > LANES:
                move(to + k * tall + LANES, matrix + k * matrix_apart + i + LANES, R(1))
        for k in range(safe, depth):
            for r in range(tall):
                store(to + k * tall, r, load(matrix + k * matrix_apart + i, r))
        i += tall


@of_types(*[PLACE] * 9, REAL, PLACE, PLACE, MORE)
def add_outer(B, total, rows, left, left_apart, n, right, right_apart, m, scale, turned, panels, more):
    """total += scale * left.T @ right, of (rows, n) and (rows, m)."""
    apart()
    gemm, gemv, spare = more
    if B > 1:
        turn(turned, left, left_apart, rows, n)
        pack(B, panels, rows, m, 0, 0, right, rows, m, right_apart, 1, scale)
        panel_product(n, m, rows, turned, 0, 1, panels, 1, total, m, spare)
    else:
        _gemm(gemm, (PLAIN, TURNED, m, n, rows, scale, right, right_apart, left, left_apart, R(1), total, m))


@summed
def add_rows(total, rows, values, values_apart, n, scale):
    """total += scale * the sum of rows."""
    apart()
    for j in range(0, n, 64):
        w = min(64, n - j)
        part = np.zeros(64, R)
        for r in range(rows):
            start = values + r * values_apart + j
            for c in range(w):
                part[c] += load(start, c)
        for c in range(w):
            store(total, j + c, load(total, j + c) + scale * part[c])
'''
