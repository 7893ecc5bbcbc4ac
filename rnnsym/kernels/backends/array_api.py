"""The array-API backend: the arrays of any library that follows the standard."""

from __future__ import annotations

from rnnsym.kernels.backends import frames
from rnnsym.kernels.backends.dialects import COMMON, LOOP, SPLIT, STACKED, Dialect, keyword_call
from rnnsym.kernels.backends.frameworks import Frame, FrameworkKernel
from rnnsym.kernels.backends.frameworks import kernel as kernel_of
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.schedule import Program
from rnnsym.notation.document import Content

ARRAY_API = Dialect(
    "array_api",
    "xp",
    COMMON | frozenset("clip logaddexp".split()),
    {
        "arctan": "xp.atan({0})",
        "heaviside": "xp.where({0} > 0, xp.ones_like({0}), xp.zeros_like({0}))",
        "concatenate": lambda arguments, keywords: f"xp.concat({arguments[0]}, axis={keywords.get('axis', '0')})",
        "tensordot": "xp.tensordot({0}, {1}, axes={axes})",
        "array": "{0}",
        "zeros": "xp.zeros({0}, dtype=dtype, device=device)",
        "broadcast_to": "xp.zeros({1}, dtype=dtype, device=device) + {0}",
        "arange": "xp.arange({0}, {1}, device=device)",
        "transpose": "xp.permute_dims({0}, {1})",
        "einsum": keyword_call("einsum"),
        "power": "xp.pow({0}, {1})",
        "eye": "xp.eye({0}, dtype=dtype, device=device)",
        "max": "xp.max({0}, axis={axis})",
        "softmax": "xp.exp(log_softmax({0}))",
        "log_softmax": "log_softmax({0})",
        "logsumexp": "logsumexp({0})",
    },
    {
        "split": SPLIT,
        "scan": LOOP.format(stack="namespace(*results[0]).stack"),
        "rows_together": STACKED.format(stack="namespace(rows[0]).stack", rest=", ..."),
        "log_softmax": '''def log_softmax(x):
    """Logarithms of the softmax along the last axis, without overflow."""
    return x - logsumexp(x)[..., None]
''',
        "logsumexp": '''def logsumexp(x):
    """The logarithm of the sum of exponentials along the last axis, without overflow."""
    xp = namespace(x)
    highest = xp.max(x, axis=-1, keepdims=True)
    return highest[..., 0] + xp.log(xp.sum(xp.exp(x - highest), axis=-1))
''',
        "erf": '''def erf(x):
    """The error function by its series with positive terms; beyond 6 it is 1 to the last digit."""
    xp = namespace(x)
    x = xp.clip(x, -6.0, 6.0)
    term = 1.1283791670955126 * x * xp.exp(-x * x)
    total = term
    for number in range(1, 130):
        term = term * (x * x) * (2.0 / (2 * number + 1))
        total = total + term
    return total
''',
        "einsum": '''def einsum(rule, *arrays):
    """A sum of products; `rule` names the axes of the arrays, and those of the result."""
    xp = namespace(*arrays)
    names, kept = rule.split("->")
    order = kept + "".join(sorted(set(names) - set(kept) - {","}))
    product = 1.0
    for axes, array in zip(names.split(","), arrays):
        array = xp.permute_dims(array, tuple(axes.index(axis) for axis in order if axis in axes))
        product = product * array[tuple(slice(None) if axis in axes else None for axis in order)]
    summed = tuple(range(len(kept), len(order)))
    return xp.sum(product, axis=summed) if summed else product
''',
    },
    whole_index=True,
)

FRAME = Frame(
    ARRAY_API,
    "any array library",
    "import numpy as np",
    "given[key]",
    "",
    device=True,
    needs="a library that follows the array API standard (2024.12), and NumPy for `init`",
    note=" The arrays may be of any one library.",
    helper=frames.NAMESPACE,
    opening="xp = namespace(*params.values(), *inputs.values())",
)


def kernel(content: Content, program: Program, base: Kernel) -> FrameworkKernel:
    """The kernel of a program; `base` is the NumPy kernel of the same model."""
    return kernel_of(FRAME, content, program, base)
