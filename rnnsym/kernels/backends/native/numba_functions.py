"""The fixed part of a Numba kernel that computes functions: of numbers, of vectors and of matrices."""

from __future__ import annotations

FUNCTIONS = r'''
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


@summed
def highest_of(n, x):
    apart()
    high = load(x, 0)
    for i in range(1, n):
        high = max_(high, load(x, i))
    for i in range(n):
        value = load(x, i)
        high = value if value != value else high
    return high


@compiled
def subtract(n, target, row, factor):
    """target -= factor * row."""
    apart()
    for j in range(n):
        put(target, j, take(target, j) - factor * take(row, j))


@summed
def inverse_of(n, x, y, order):
    """The inverse y of an n by n matrix x, by Gauss and Jordan with a choice of pivots; order: room for n numbers.

    A matrix that has none gives numbers that are not finite.
    """
    apart()
    copy(y, x, n * n)
    for k in range(n):
        best, row = k, y + k * n
        for i in range(k + 1, n):
            if abs(load(y + i * n, k)) > abs(load(y + best * n, k)):
                best = i
        store(order, k, R(best))
        if best != k:
            for j in range(n):
                kept = load(row, j)
                store(row, j, load(y + best * n, j))
                store(y + best * n, j, kept)
        scale = R(1) / load(row, k)
        store(row, k, R(1))
        for j in range(n):
            store(row, j, scale * load(row, j))
        for i in range(n):
            if i != k:
                factor = load(y + i * n, k)
                store(y + i * n, k, R(0))
                subtract(n, y + i * n, row, factor)
    for k in range(n - 1, -1, -1):
        best = int(load(order, k))
        if best != k:
            for i in range(n):
                kept = load(y + i * n, k)
                store(y + i * n, k, load(y + i * n, best))
                store(y + i * n, best, kept)
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
