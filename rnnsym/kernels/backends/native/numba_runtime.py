"""The fixed part of a Numba kernel: memory by address, BLAS, elementary functions, and sums over rows."""

from __future__ import annotations

RUNTIME = r'''
# ---- Memory by address: a place is the number of an element, counted from address 0. ----

R = np.{dtype}
ITEM = np.dtype(R).itemsize
REAL = types.{dtype}
NOWHERE = 0
#: Sums may be added up in any order; elementary functions are computed as they stand.
summed = njit(fastmath={{"contract", "reassoc", "nsz"}}, error_model="numpy", nogil=True, cache=KEPT)
compiled = njit(fastmath={{"contract", "nsz"}}, error_model="numpy", nogil=True, cache=KEPT)
function = njit(fastmath={{"contract"}}, error_model="numpy", nogil=True, cache=KEPT, forceinline=True)


def _pointer(context, builder, place, position):
    """The address of an element."""
    start = builder.mul(place, ir.Constant(place.type, ITEM))
    return builder.gep(builder.inttoptr(start, context.get_value_type(REAL).as_pointer()), [position])


def _disjoint(builder):
    """What marks values that no other access of the same loop touches, so that the loop can work on many at once."""
    module = builder.module
    domain = module.add_metadata(["values"])
    return module.add_metadata([module.add_metadata(["written", domain])])


def _reader(apart):
    @intrinsic
    def read(typing, place, position):
        def code(context, builder, signature, arguments):
            value = builder.load(_pointer(context, builder, *arguments), align=ITEM)
            if apart:
                value.set_metadata("noalias", _disjoint(builder))
            return value

        return REAL(types.intp, types.intp), code

    return read


def _writer(apart):
    @intrinsic
    def write(typing, place, position, value):
        def code(context, builder, signature, arguments):
            stored = builder.store(arguments[2], _pointer(context, builder, *arguments[:2]), align=ITEM)
            if apart:
                stored.set_metadata("alias.scope", _disjoint(builder))
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, REAL), code

    return write


#: `take` and `put` are for loops in which what is written is not read at another place.
load, take = _reader(False), _reader(True)
store, put = _writer(False), _writer(True)


@intrinsic
def apart(typing):
    """Keeps the function that calls it out of others."""

    def code(context, builder, signature, arguments):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), code


@summed
def zero(target, count):
    apart()
    for k in range(count):
        store(target, k, R(0))


@summed
def copy(target, source, count):
    """Upwards, so that the places may overlap where the target comes first."""
    apart()
    for k in range(count):
        store(target, k, load(source, k))


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


@compiled
def product(rows, width, depth, left, left_apart, right, right_apart, turned, before, out, out_apart, gemm, gemv):
    """out = before * out + left @ right, of (rows, depth) and (depth, width); turned: right is (width, depth)."""
    apart()
    if rows == 1 and turned:
        _gemv(gemv, (TURNED, depth, width, R(1), right, right_apart, left, 1, before, out, 1))
    elif rows == 1:
        _gemv(gemv, (PLAIN, width, depth, R(1), right, right_apart, left, 1, before, out, 1))
    else:
        kind, one = TURNED if turned else PLAIN, R(1)
        _gemm(gemm, (kind, PLAIN, width, rows, depth, one, right, right_apart, left, left_apart, before, out, out_apart))


@compiled
def add_outer(total, rows, left, left_apart, n, right, right_apart, m, scale, gemm):
    """total += scale * left.T @ right, of (rows, n) and (rows, m)."""
    apart()
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


@summed
def pack(out, out_apart, matrix, depth, width, down, right, scale):
    """scale * matrix as part of another: element (k, j) is at matrix[k * down + j * right]."""
    apart()
    for k in range(depth):
        for j in range(width):
            store(out + k * out_apart, j, scale * load(matrix + k * down, j * right))


# ---- Elementary functions: without branches, so that loops over them work on many numbers at once. ----

{numbers}

@intrinsic
def power(typing, rounded):
    """2**(n-1), where n stands in the lowest bits of a rounded number."""

    def code(context, builder, signature, arguments):
        bits = ir.IntType(8 * ITEM)
        exponent = builder.shl(builder.bitcast(arguments[0], bits), ir.Constant(bits, MANTISSA))
        whole = builder.add(exponent, ir.Constant(bits, BIAS << MANTISSA))
        return builder.bitcast(whole, context.get_value_type(REAL))

    return REAL(REAL), code


@function
def reduced(x):
    """x as n ln 2 + r: gives exp(r) - 1, and 2**(n-1)."""
    turned = x * R(1.44269504088896340736) + ROUNDING
    whole = turned - ROUNDING
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
{polynomial}
    return q * (r * r) + r, power(turned)


@function
def exp_(x):
    bounded = EXP_HIGH if x > EXP_HIGH else EXP_LOW if x < EXP_LOW else x
    small, half = reduced(bounded)
    value = (half + half * small) * R(2)
    return R(0) if x < EXP_LOW else R(np.inf) if x > EXP_HIGH else value


@function
def expm1_(x):
    bounded = EXP_HIGH if x > EXP_HIGH else R(-50) if x < R(-50) else x
    small, half = reduced(bounded)
    return (half * small + (half - R(0.5))) * R(2)


@function
def tanh_(x):
    bounded = TANH_HIGH if x > TANH_HIGH else -TANH_HIGH if x < -TANH_HIGH else x
    small, half = reduced(bounded + bounded)
    less = half * small + (half - R(0.5))  # (exp(2 x) - 1) / 2
    return less / (less + R(1))


@function
def max_(a, b):
    return b if b > a else a


@function
def min_(a, b):
    return b if b < a else a


@function
def sign_(x):
    return R(1) if x > 0 else R(-1) if x < 0 else x


@function
def log_sum_(a, b):
    high = max_(a, b)
    low = a + b - high
    return math.log1p(exp_(low - high)) + high


@summed
def softmax_of(n, x, y, log_y):
    """The softmax y of a row x, its logarithm log_y, and the logarithm of the sum of exponentials, without overflow."""
    apart()
    high = load(x, 0)
    for i in range(1, n):
        high = max_(high, load(x, i))
    sum = R(0)
    if y:
        for i in range(n):
            put(y, i, exp_(take(x, i) - high))
        for i in range(n):
            sum += load(y, i)
    else:
        for i in range(n):
            sum += exp_(load(x, i) - high)
    whole = high + math.log(sum)
    if log_y:
        for i in range(n):
            put(log_y, i, take(x, i) - whole)
    if y:
        scale = R(1) / sum
        for i in range(n):
            store(y, i, load(y, i) * scale)
    return whole
'''

#: Constants by number type: those of the C kernels.
NUMBERS = {
    "float32": """\
MANTISSA, BIAS = 23, 126
ROUNDING = R(12582912.0)  # 1.5 * 2**23: adding it rounds to a whole number
LN2_HIGH, LN2_LOW = R(0.693359375), R(-2.12194440054690583e-4)
EXP_HIGH, EXP_LOW, TANH_HIGH = R(88.72), R(-87.33), R(10.0)
""",
    "float64": """\
MANTISSA, BIAS = 52, 1022
ROUNDING = R(6755399441055744.0)  # 1.5 * 2**52: adding it rounds to a whole number
LN2_HIGH, LN2_LOW = R(6.93147180369123816490e-01), R(1.90821492927058770002e-10)
EXP_HIGH, EXP_LOW, TANH_HIGH = R(709.7), R(-708.39), R(20.0)
""",
}
POLYNOMIALS = {
    "float32": (
        0.0013939260878011030643,
        0.0083662247757583221497,
        0.041666383543575658136,
        0.16666546887832112926,
        0.50000000360546411109,
    ),
    "float64": (
        2.0920602372097080653e-9,
        2.5108341488960524819e-8,
        2.7557255335690022838e-7,
        2.7557246374086547887e-6,
        0.000024801587345664667457,
        0.00019841269883770475534,
        0.0013888888888874470436,
        0.0083333333333226653142,
        0.041666666666666685796,
        0.166666666666666751,
        0.49999999999999999994,
    ),
}


def runtime(dtype: str) -> str:
    """The fixed text for a number type."""
    first, *rest = POLYNOMIALS[dtype]
    lines = [f"    q = R({first!r})", *(f"    q = q * r + R({number!r})" for number in rest)]
    return RUNTIME.format(dtype=dtype, numbers=NUMBERS[dtype], polynomial="\n".join(lines))
