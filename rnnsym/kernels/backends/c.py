"""The C backend: one C99 file without dependencies, and a Python module beside it that compiles and calls it."""

from __future__ import annotations

import errno
import textwrap
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends.compiled import CompiledKernel, statements
from rnnsym.kernels.backends.native.ahead import ADVANCE, PREDICT
from rnnsym.kernels.backends.native.calls import FUNCTIONS, GRADIENTS, METHODS, team
from rnnsym.kernels.backends.native.frame import FLAGS, WRAPPER, c_name, c_source, sizes_of, table
from rnnsym.kernels.backends.native.panels import PanelWriter
from rnnsym.kernels.backends.native.storage import apart, plain
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.numpy_code import size_code
from rnnsym.kernels.outputs import is_stream, outputs_alone, state, targets
from rnnsym.kernels.schedule import Program
from rnnsym.kernels.template import CHECKS
from rnnsym.notation.document import Content
from rnnsym.version import __version__


@dataclass(frozen=True)
class CKernel(CompiledKernel):
    """A kernel in C. `source` is the C file; `wrapper` is the Python module that compiles and calls it."""

    wrapper: str = ""

    @cached_property
    def module(self) -> types.ModuleType:
        """The wrapper as a module that knows the C file's text."""
        module = Kernel(self.name, self.wrapper, self.shapes, self.sizes, self.dtype).module
        module.__dict__["SOURCE"] = self.source
        return module

    def loss_and_grad(
        self, params: Mapping[str, Any], inputs: Mapping[str, Any], **length: int
    ) -> tuple[float, dict[str, Any]]:
        """The loss, and its gradient with respect to every parameter and input, by the same keys.

        Raises RnnsymError where no C compiler is found, or where it fails.
        """
        self._check_options(length)
        try:
            return self.module.loss_and_grad(params, inputs, **length)  # type: ignore[no-any-return]
        except RuntimeError as error:
            raise RnnsymError(str(error)) from None

    def predict(self, params: Mapping[str, Any], inputs: Mapping[str, Any], **length: int) -> dict[str, Any]:
        """The outputs and states for inputs without targets. Raises RnnsymError as `loss_and_grad` does."""
        if not hasattr(self.module, "predict"):
            return super().predict(params, inputs, **length)
        try:
            return self.module.predict(params, inputs, **length)  # type: ignore[no-any-return]
        except RuntimeError as error:
            raise RnnsymError(str(error)) from None

    def save(self, path: str | Path, force: bool = False) -> Path:
        """Write the C file, and the wrapper beside it with the ending .py: both or none."""
        from rnnsym.files import write_text

        path, beside = Path(path).with_suffix(".c"), Path(path).with_suffix(".py")
        if path.exists() and not force:
            raise FileExistsError(
                errno.EEXIST, "the file is there already, and is not overwritten without force", str(path)
            )
        new = not beside.exists()
        write_text(beside, self.wrapper, force=force)
        try:
            return write_text(path, self.source, force=force)
        except OSError:
            if new:
                beside.unlink(missing_ok=True)
            raise


def kernel(content: Content, program: Program, base: Kernel) -> CKernel:
    """The program in C; `base` is the NumPy kernel of the same model, whose shapes and sizes it has."""
    model = content.model
    found, outputs = (
        statements(PanelWriter, content, one, lambda text: text.replace("*/", "* /"))
        for one in (program, outputs_alone(model, program))
    )
    handed = {key: (*place.leading, *map(size_code, place.variable.shape)) for key, place in outputs.outputs}
    keys = (*model.param_keys, *model.input_keys)
    step = ADVANCE.format(state=state(model))
    wrapper = WRAPPER + CHECKS
    wrapper = wrapper.format(
        title=model.title,
        equations=textwrap.indent(model.text, "    "),
        version=__version__,
        dtype=base.dtype,
        name=c_name(model),
        flags=repr([*FLAGS, *(["-DSINGLE"] if base.dtype == "float32" else [])]),
        parameters=table({key: base.shapes[key] for key in model.param_keys}),
        inputs=table({key: base.shapes[key] for key in model.input_keys}),
        gradients=repr(tuple(program.wanted)),
        sizes=repr(dict(base.sizes)),
        outputs=table(handed),
        targets=repr(targets(model, program)),
        order=repr(sizes_of(found, outputs)),
        fields=repr({key: plain(key) for key in keys} | apart(handed)),
        minimum=(minimum := model.timing.minimum_length),
        methods=METHODS,
        calls=FUNCTIONS.format(minimum=minimum),
        gradients_of=GRADIENTS.format(minimum=minimum),
        predict="".join(
            [PREDICT.format(minimum=minimum)] * bool(handed) + [step] * (bool(handed) and is_stream(model, program))
        ),
        team=team(minimum),
    )
    source = c_source(model, found, outputs if handed else None, base.dtype)
    return CKernel(model.name, source, base.shapes, base.sizes, base.dtype, wrapper=wrapper, reference=base)
