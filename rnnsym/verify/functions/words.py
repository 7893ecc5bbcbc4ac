"""Links and values in words, for diagnoses."""

from __future__ import annotations

from sympy import Expr, Indexed, KroneckerDelta, Mul, Symbol

from rnnsym.calculus.steps import tell
from rnnsym.calculus.sweep import sweep
from rnnsym.derivation import Derivation
from rnnsym.equations.indexed import INDEX_SET, Role, elements, name_of, time_of, whole_function
from rnnsym.equations.lowering import lower
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.verify.functions.edit import Link
from rnnsym.verify.functions.network import Network


def element_text(network: Network, element: Expr) -> str:
    """`c[t-1]`, `W`: an element without the indices of its vector."""
    name = name_of(element)
    if isinstance(element, Indexed) and network.values.system.variables[name].timed:
        return f"{name}[{time_of(element.indices[0])}]"
    return name


def node_text(network: Network, name: str) -> str:
    """A variable at time t; a pre-activation with what it is."""
    variable = network.values.system.variables[name]
    shown = f"{name}[t]" if variable.timed else name
    if variable.role is Role.INTERMEDIATE:
        for equation in network.values.system.equations:
            function = whole_function(equation)
            if function is not None and any(name_of(element) == name for element in elements(function)):
                return f"{shown} (the pre-activation of {equation.label})"
    return shown


def coefficient_text(factors: tuple[Expr, ...]) -> str:
    """The factors without the indices of their elements."""
    names = {}
    for factor in factors:
        for element in elements(factor):
            if isinstance(element, Indexed):
                first = element.indices[0]
                untimed = first in INDEX_SET
                names[element] = Symbol(name_of(element) if untimed else f"{name_of(element)}[{time_of(first)}]")
    number = Mul(*(factor for factor in factors if factor.is_Number))
    parts = [
        factor.xreplace(names) for factor in factors if not (factor.is_Number or isinstance(factor, KroneckerDelta))
    ]
    words = [f"({part})" if part.is_Add and len(parts) > 1 else str(part) for part in parts]
    if abs(number) != 1 or (not words and number != 1):
        words.insert(0, str(number))
    return ("-" if number == -1 and words != ["-1"] else "") + " ".join(words)


def link_text(network: Network, link: Link) -> str:
    """`c[t-1] to c[t] through f[t]`."""
    through = coefficient_text(link.factors)
    ends = f"{element_text(network, link.place.element)} to {node_text(network, link.source)}"
    return f"{ends} through {through}" if through and whole_function(link.equation) is None else ends


def kept_and_dropped(model: Model, parameter: str, steps: int) -> tuple[str, ...]:
    r"""What a truncated gradient holds and what it lacks, as sums over paths through time.

    >>> print(*kept_and_dropped(Model("h[t] = tanh(w * h[t-1])\nE[t] = h[t]", {"h": (), "w": ()}), "w", 2), sep="\n")
    kept: [∂E/∂w]_2 = Σ_{t=1..T} Σ_{k=max(1, t-1)..t} (∂E[t]/∂h[t]) (∏_{j=t..k+1} ∂h[j]/∂h[j-1]) (∂⁺h[k]/∂w)
    dropped: ∂E/∂w - [∂E/∂w]_2 = Σ_{t=3..T} Σ_{k=1..t-2} (∂E[t]/∂h[t]) (∏_{j=t..k+1} ∂h[j]/∂h[j-1]) (∂⁺h[k]/∂w)
    """
    try:
        system = lower(model)
        state, record = sweep(system)
        derivation = Derivation(model, system, tuple(state.adjoints), tell(system, record))
        lines = derivation.truncated(steps, parameter).to_text("result").splitlines()
    except RnnsymError:  # the model is not a chain of steps
        return ()
    sums = [line.strip() for line in lines if "∏" in line and "∂⁺" in line]
    return tuple(f"{said}: {line}" for said, line in zip(("kept", "dropped"), sums, strict=False))
