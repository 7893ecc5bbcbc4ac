"""The JAX backend: `lax.scan` for the loops, and a `loss` with our gradients as its derivative."""

from __future__ import annotations

from rnnsym.kernels.backends import frames
from rnnsym.kernels.backends.dialects import COMMON, SPLIT, Dialect, keyword_call
from rnnsym.kernels.backends.frameworks import Frame, FrameworkKernel
from rnnsym.kernels.backends.frameworks import kernel as kernel_of
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.schedule import Program
from rnnsym.notation.document import Content

IN_PARTS = '''#: Steps that are done together: as many as have so many rows, at least so many steps.
ROWS, STEPS = 512, 16


def in_parts(part, length, batch, state, reverse=False):
    """The state after `part(start, count, state)` for all steps, some at a time, in order."""
    most = min(length, max(STEPS, ROWS // batch))
    size = next((size for size in range(most, most // 2, -1) if length % size == 0), most)
    whole, rest = divmod(length, size)
    if rest and reverse:
        state = part(whole * size, rest, state)
    if whole == 1:
        state = part(0, size, state)
    else:

        def body(number, state):
            return part((whole - 1 - number if reverse else number) * size, size, state)

        state = lax.fori_loop(0, whole, body, state)
    return state if reverse or not rest else part(whole * size, rest, state)
'''

EACH_STEP = '''def each_step(step, carry, rows, results, count, reverse=False):
    """`step(carry, row)` for each step in order: the last carry, and arrays with the results put in.

    A row is one of each array; with every array stands where the first of its rows is.
    """
    places = [first for _, first in results]

    def body(number, state):
        carry, arrays = state
        k = count - 1 - number if reverse else number
        row = [lax.dynamic_index_in_dim(array, first + k, keepdims=False) for array, first in rows]
        carry, values = step(carry, row)
        put = lax.dynamic_update_index_in_dim
        return carry, [put(array, value, first + k, 0) for array, value, first in zip(arrays, values, places)]

    return lax.fori_loop(0, count, body, (carry, [array for array, _ in results]))
'''

ROWS = '''def rows(array, start, count):
    """So many rows of an array."""
    return lax.dynamic_slice_in_dim(array, start, count)
'''

PUT = '''def put(array, values, start):
    """An array with other rows from `start` on."""
    return lax.dynamic_update_slice_in_dim(array, values, start, 0)
'''

ROOM = '''def room(number, shape, dtype):
    """An array that is filled later."""
    # Each of another number: of equal ones XLA makes one and copies it.
    return jnp.full(shape, number, dtype)
'''

IN_ROWS = '''def in_rows(matrix):
    """A matrix whose rows lie one after the other: products do not turn it again."""
    return lax.optimization_barrier(matrix)
'''

OUTER = '''def outer(a, b):
    """The sum over steps and examples of the outer products of what two arrays have there."""
    # Turned on its own, not while it is multiplied: that is slower.
    turned = lax.optimization_barrier(a.reshape(-1, a.shape[-1]).T)
    return turned @ b.reshape(-1, b.shape[-1])
'''

JAX = Dialect(
    "jax",
    "jnp",
    COMMON | frozenset("arctan clip logaddexp heaviside concatenate einsum tensordot arange max".split()),
    {
        "zeros": "jnp.zeros({0}, dtype)",
        "broadcast_to": "jnp.zeros({1}, dtype) + {0}",
        "array": "{0}",
        "transpose": "jnp.transpose({0}, {1})",
        "power": "jnp.power({0}, {1})",
        "eye": "jnp.eye({0}, dtype=dtype)",
        "erf": "lax.erf({0})",
        "softmax": "jax.nn.softmax({0})",
        "log_softmax": "jax.nn.log_softmax({0})",
        "logsumexp": "jax.nn.logsumexp({0}, axis=-1)",
        "scan": keyword_call("lax.scan"),
        "tensordot": lambda arguments, words: (
            f"outer({', '.join(arguments)})"
            if words["axes"] == "([0, 1], [0, 1])"
            else f"jnp.tensordot({', '.join(arguments)}, axes={words['axes']})"
        ),
    },
    {
        "in_parts": IN_PARTS,
        "each_step": EACH_STEP,
        "rows": ROWS,
        "put": PUT,
        "room": ROOM,
        "in_rows": IN_ROWS,
        "outer": OUTER,
        "split": SPLIT,
    },
    inline=True,
    in_parts=True,
)

FRAME = Frame(
    JAX,
    "JAX",
    "from functools import partial\n\nimport jax\nimport jax.numpy as jnp\nimport numpy as np\nfrom jax import lax",
    "jnp.asarray(given[key])",
    "jnp.asarray",
    frames.JAX_LOSS,
    '@partial(jax.jit, static_argnames="length")\n',
)


def kernel(content: Content, program: Program, base: Kernel) -> FrameworkKernel:
    """The kernel of a program; `base` is the NumPy kernel of the same model."""
    return kernel_of(FRAME, content, program, base)
