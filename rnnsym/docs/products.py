"""The sum over paths in numbers: products of one-step Jacobians, and what each step adds to a gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rnnsym.calculus.through_time import ThroughTime, direct_name, through_time
from rnnsym.checks.symbolic import Evaluation
from rnnsym.docs.data import Array
from rnnsym.docs.formulas import OF
from rnnsym.docs.kinds import Kind, OptionError, Request, display
from rnnsym.docs.numbers import DATA, DIGITS, Worked, decimal
from rnnsym.language.syntax import Time


def products(request: Request) -> str:
    """For a model with one state that is read one step back: dh[T]/dh[k] as a product, and the shares of all steps."""
    parameter = request["of"]
    if parameter not in request.subject.parameters:
        raise OptionError(f"of: is one of the parameters {', '.join(request.subject.parameters)}")
    found = through_time(request.derivation.system, parameter)
    name = _state(found)
    if found.own or not found.immediate:
        raise OptionError(f"of: the gradient of {parameter} does not come through the states alone")
    worked = Worked(request)
    paths = Paths(found, name, worked)
    return "\n\n".join(
        (
            "**One step**, the Jacobian of the state by the state before:",
            display(paths.jacobians()),
            "**From the last step back**, the Jacobians multiplied:",
            display(paths.products()),
            "**The shares** of the steps, which add up to the gradient:",
            display(paths.shares()),
        )
    )


def _state(found: ThroughTime) -> str:
    """The one state."""
    partials = [e.variable.partial for e in found.jacobians]
    if len(partials) != 1 or partials[0] is None or partials[0].lag != 1:
        raise OptionError("products are printed for models with one state that is read one step back")
    return partials[0].of


class Paths:
    """The products along the chain of one state, as arrays, and as rows in print."""

    def __init__(self, found: ThroughTime, name: str, worked: Worked) -> None:
        self.worked, self.parameter = worked, found.parameter
        derivation = worked.request.derivation
        equations = (
            *derivation.system.equations,
            *derivation.adjoints,
            *found.jacobians,
            *found.immediate,
            *(equation for equation in found.direct if equation.variable.partial is not None),
        )
        values = Evaluation(worked.request.subject, equations, worked.data.params, worked.data.inputs)
        self.length = values.length
        self.state = derivation.content.variables[name]
        steps = range(1, self.length + 1)
        (jacobian,) = found.jacobians
        self.jacobian: dict[int, Array] = {t: values.value(jacobian.name, t) for t in steps}
        immediate = found.immediate[0].name
        direct = {t: values.value(direct_name(name), t) for t in steps}
        self.product: dict[int, Array] = {self.length: np.eye(len(direct[1]))}
        #: Of each step to the gradient: all losses from that step on, through the states, into the parameter's use.
        self.share: dict[int, Array] = {}
        carried = np.zeros(len(direct[1]))
        for t in reversed(steps):
            carried = direct[t] + (carried @ self.jacobian[t + 1] if t < self.length else 0)
            self.share[t] = np.tensordot(carried, values.value(immediate, t), axes=1)
            self.product[t - 1] = self.product[t] @ self.jacobian[t]

    def jacobians(self) -> Iterator[str]:
        for t in range(self.length, 0, -1):
            yield f"{self._by(t, t - 1)} &= {self.worked.value(self.jacobian[t])}"

    def products(self) -> Iterator[str]:
        for k in range(self.length - 2, -1, -1):
            chain = r" \, ".join(self._by(t, t - 1) for t in range(self.length, k, -1))
            norm = decimal(float(np.linalg.norm(self.product[k], 2)), self.worked.digits)
            yield (
                f"{self._by(self.length, k)} &= {chain} \\\\\n&= {self.worked.value(self.product[k])}"
                rf", \qquad \lVert \cdot \rVert = {norm}"
            )

    def shares(self) -> Iterator[str]:
        total = sum(self.share.values(), np.zeros(()))
        for t in range(self.length, 0, -1):
            yield f"t = {t}: \\quad & {self.worked.value(self.share[t])}"
        symbol = self.worked.leaf(self.worked.request.derivation.content.variables[self.parameter], None)
        yield f"{self.worked.printer.derivative(symbol)} = {{}} & {self.worked.value(total)}"

    def _by(self, t: int, k: int) -> str:
        above, below = (self.worked.leaf(self.state, Time("", step)) for step in (t, k))
        return rf"\frac{{\partial {above}}}{{\partial {below}}}"


KINDS = (
    Kind(
        "products",
        "the products of Jacobians with their numbers, and what each step adds to the gradient",
        products,
        (OF, DATA, DIGITS),
    ),
)
