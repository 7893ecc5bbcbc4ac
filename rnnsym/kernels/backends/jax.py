"""The JAX backend: `lax.scan` for the loops, and a `loss` with our gradients as its derivative."""

from __future__ import annotations

from rnnsym.kernels.backends import frames
from rnnsym.kernels.backends.dialects import COMMON, SPLIT, Dialect, keyword_call
from rnnsym.kernels.backends.frameworks import Frame, FrameworkKernel
from rnnsym.kernels.backends.frameworks import kernel as kernel_of
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.schedule import Program
from rnnsym.notation.document import Content

JAX = Dialect(
    "jax",
    "jnp",
    COMMON | frozenset("arctan clip logaddexp heaviside concatenate einsum tensordot arange".split()),
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
    },
    {
        "split": SPLIT,
    },
    inline=True,
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
