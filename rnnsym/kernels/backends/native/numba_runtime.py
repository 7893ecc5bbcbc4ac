"""The fixed part of a Numba kernel: memory by address; then matrix products and functions."""

from __future__ import annotations

from rnnsym.kernels.backends.native.numba_functions import FUNCTIONS, NUMBERS, POLYNOMIALS
from rnnsym.kernels.backends.native.numba_products import PRODUCTS

MEMORY = r'''
# ---- Memory by address: a place is the number of an element, counted from address 0. ----

R = np.{dtype}
ITEM = np.dtype(R).itemsize
REAL = types.{dtype}
NOWHERE = 0
#: Sums may be added up in any order; elementary functions are computed as they stand.
summed = njit(fastmath={{"contract", "reassoc", "nsz"}}, error_model="numpy", nogil=True, cache=KEPT)
compiled = njit(fastmath={{"contract", "nsz"}}, error_model="numpy", nogil=True, cache=KEPT)
function = njit(fastmath={{"contract"}}, error_model="numpy", nogil=True, cache=KEPT, forceinline=True)
PLACE = types.intp
MORE = types.UniTuple(PLACE, 3)


def of_types(*kinds, fastmath={{"contract"}}):
    """Compiled for these types alone, and not for every number that it is called with anew.

    What is kept for the next process is loaded with the module, before `compute` is: Numba optimises copies of all that
    `compute` calls a second time, which has made wrong code of loops, and takes them only where nothing else is there.
    """
    return njit(types.void(*kinds), fastmath=fastmath, error_model="numpy", nogil=True, cache=KEPT)


def step(count):
    """A loop over elements; all that it is given are sizes and places."""
    return of_types(*[PLACE] * count, fastmath={{"contract", "nsz"}})


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
'''


def runtime(dtype: str) -> str:
    """The fixed text for a number type."""
    first, *rest = POLYNOMIALS[dtype]
    lines = [f"    q = R({first!r})", *(f"    q = q * r + R({number!r})" for number in rest)]
    return (MEMORY + PRODUCTS + FUNCTIONS).format(dtype=dtype, numbers=NUMBERS[dtype], polynomial="\n".join(lines))
