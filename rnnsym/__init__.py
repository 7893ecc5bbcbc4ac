"""Gradients of recurrent networks, from their equations.

model = rnnsym.load("lstm")           # or rnnsym.Model(equations)
derivation = rnnsym.derive(model)     # every gradient, step by step
kernel = rnnsym.generate(model)       # NumPy code that computes them
report = rnnsym.crosscheck(model)     # all of it checked by independent routes
flow = rnnsym.flow(model)             # how gradients fade or grow through time
result = rnnsym.verify(model, claim)  # a hand-derived gradient, judged and put right
result = rnnsym.verify_function(model, backward)   # a hand-written backward pass judged
deep = rnnsym.stack(rnnsym.bidirectional(model), 2)   # compositions are models again
"""

from typing import TYPE_CHECKING, Any

from rnnsym.composition.layers import bidirectional, encoder_decoder, stack
from rnnsym.composition.masks import masked
from rnnsym.composition.spec import load
from rnnsym.composition.tasks import task, tie, with_loss
from rnnsym.derivation import Derivation
from rnnsym.errors import ModelError, RnnsymError, ShapeError, UnknownModelError
from rnnsym.kernels.fast.passes import Passes
from rnnsym.kernels.kernel import Kernel
from rnnsym.language.model import Model
from rnnsym.library import available
from rnnsym.notation.style import Notation
from rnnsym.pipeline import crosscheck, derive, generate
from rnnsym.verify import verify
from rnnsym.version import __version__

if TYPE_CHECKING:
    from rnnsym.bridges.bridge import Bridge, bridge
    from rnnsym.composition.labels import ctc_inputs
    from rnnsym.dynamics.flow import Flow, flow
    from rnnsym.verify.functions.file import verify_file
    from rnnsym.verify.functions.result import FunctionResult
    from rnnsym.verify.functions.verify import adapt, verify_function

__all__ = [
    "Bridge",
    "Derivation",
    "Flow",
    "FunctionResult",
    "Kernel",
    "Model",
    "ModelError",
    "Notation",
    "Passes",
    "RnnsymError",
    "ShapeError",
    "UnknownModelError",
    "__version__",
    "adapt",
    "available",
    "bidirectional",
    "bridge",
    "crosscheck",
    "ctc_inputs",
    "derive",
    "encoder_decoder",
    "flow",
    "generate",
    "load",
    "masked",
    "stack",
    "task",
    "tie",
    "verify",
    "verify_file",
    "verify_function",
    "with_loss",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """What needs NumPy comes when it is asked for: importing rnnsym stays quick."""
        if name in ("Bridge", "bridge"):
            from rnnsym.bridges import bridge

            return getattr(bridge, name)
        if name == "ctc_inputs":
            from rnnsym.composition.labels import ctc_inputs

            return ctc_inputs
        if name in ("Flow", "flow"):
            from rnnsym.dynamics import flow

            return getattr(flow, name)
        if name in ("adapt", "verify_function"):
            from rnnsym.verify.functions import verify as function

            return getattr(function, name)
        if name == "verify_file":
            from rnnsym.verify.functions.file import verify_file

            return verify_file
        if name == "FunctionResult":
            from rnnsym.verify.functions.result import FunctionResult

            return FunctionResult
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
