"""The PyTorch backend: tensors on any device, an `autograd.Function` with our gradients, and a module around it."""

from __future__ import annotations

from rnnsym.kernels.backends import frames
from rnnsym.kernels.backends.dialects import COMMON, LOOP, STACKED, Dialect, Spelling, is_number
from rnnsym.kernels.backends.frameworks import Frame, FrameworkKernel
from rnnsym.kernels.backends.frameworks import kernel as kernel_of
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.schedule import Program
from rnnsym.notation.document import Content


def _bounded(name: str, bound: str) -> Spelling:
    """torch.maximum takes tensors alone; against a number it is a clamp."""

    def spelled(arguments: list[str], keywords: dict[str, str]) -> str:
        for one, other in (arguments, arguments[::-1]):
            if is_number(other):
                return f"torch.clamp({one}, {bound}={other})"
        return f"torch.{name}({', '.join(arguments)})"

    return spelled


TORCH = Dialect(
    "torch",
    "torch",
    COMMON | frozenset("arctan clip einsum".split()),
    {
        "maximum": _bounded("maximum", "min"),
        "minimum": _bounded("minimum", "max"),
        "heaviside": "(({0}) > 0).to(dtype)",
        "logaddexp": lambda arguments, _: (
            f"torch.logaddexp({arguments[0]}, torch.full_like({arguments[0]}, {arguments[1]}))"
            if is_number(arguments[1])
            else f"torch.logaddexp({', '.join(arguments)})"
        ),
        "concatenate": lambda arguments, keywords: f"torch.cat({arguments[0]}, dim={keywords.get('axis', '0')})",
        "tensordot": "torch.tensordot({0}, {1}, dims={axes})",
        "array": "{0}",
        "zeros": "torch.zeros({0}, dtype=dtype, device=device)",
        "broadcast_to": "torch.zeros({1}, dtype=dtype, device=device) + {0}",
        "arange": "torch.arange({0}, {1}, device=device)",
        "sum": lambda arguments, keywords: (
            "torch.sum(" + ", ".join([*arguments, *(f"dim={value}" for value in keywords.values())]) + ")"
        ),
        "transpose": "{0}.permute({1})",
        "power": "torch.pow({0}, {1})",
        "eye": "torch.eye({0}, dtype=dtype, device=device)",
        "erf": "torch.erf({0})",
        "max": lambda arguments, keywords: f"torch.amax({arguments[0]}, dim={keywords['axis']})",
        "softmax": "torch.softmax({0}, -1)",
        "log_softmax": "torch.log_softmax({0}, -1)",
        "logsumexp": "torch.logsumexp({0}, -1)",
        "split": lambda arguments, _: f"torch.split({arguments[0]}, [{', '.join(arguments[1:])}], -1)",
    },
    {"scan": LOOP.format(stack="torch.stack"), "rows_together": STACKED.format(stack="torch.stack", rest="")},
)

FRAME = Frame(
    TORCH,
    "PyTorch",
    "import numpy as np\nimport torch",
    "torch.as_tensor(given[key])",
    "torch.from_numpy",
    frames.TORCH_LOSS,
    "@torch.no_grad()\n",
    device=True,
)


def kernel(content: Content, program: Program, base: Kernel) -> FrameworkKernel:
    """The kernel of a program; `base` is the NumPy kernel of the same model."""
    return kernel_of(FRAME, content, program, base)
