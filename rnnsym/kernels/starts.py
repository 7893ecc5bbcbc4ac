"""Where training starts: what a parameter does in the equations says whether it may start at zero.

Zero is right for what is added: a bias changes nothing until something is learned. What divides has to start elsewhere,
and what multiplies as well: a factor of zero lets nothing through, neither values nor gradients. One leaves alone what
it multiplies or divides. Beside `1 - alpha`, alpha is a share, and both shares have to count: one half. A vector in a
product of vectors is a row of weights, and is drawn like a matrix.
"""

from __future__ import annotations

from collections.abc import Iterator

from rnnsym.language.model import Model
from rnnsym.language.syntax import Binary, Call, Expression, Negative, Number, Reference, Slice, Transpose, children
from rnnsym.operations import OPERATIONS, Elementwise, Structural

#: What a role asks for, None for drawn weights; the first of a parameter's roles counts.
STARTS = {"divides": 1.0, "weighs": None, "shares": 0.5, "scales": 1.0}
#: All that counts for a matrix, which is drawn otherwise.
OF_MATRICES = {"divides"}


def starts(model: Model) -> dict[str, float | None]:
    """The values at which parameters start, None for weights to be drawn; what is missing is a bias, or a matrix.

    >>> starts(Model("h[t] = h[t-1] + tanh(W @ h[t-1] + b) / tau" + chr(10) + "E[t] = sum(h[t] ** 2)"))
    {'tau': 1.0}
    """
    found: dict[str, set[str]] = {name: set() for name in model.param_keys}
    for definition in model.core:
        for name, role in _roles(definition.value, ""):
            if name in found:
                found[name].add(role)
    return {
        # A number among the factors of weights scales them.
        name: STARTS["scales" if role == "weighs" and not model.shapes[name] else role]
        for name, has in found.items()
        for role in [next((role for role in STARTS if role in has), "")]
        if role and (len(model.shapes[name]) < 2 or role in OF_MATRICES)
    }


#: The line of a generated `init` that makes a parameter, {make} of it: without and with such starts.
PLAIN = """        bound = 1.0 / np.sqrt(dimensions[-1]) if len(dimensions) > 1 else 0.0
        params[name] = {make}random.uniform(-bound, bound, dimensions).astype({dtype}){end}"""
STARTED = """        start = STARTS.get(name, None if len(dimensions) > 1 else 0.0)
        bound = 1.0 / np.sqrt(dimensions[-1]) if start is None else 0.0
        drawn = random.uniform(-bound, bound, dimensions)
        params[name] = {make}(drawn if start is None else np.full(dimensions, start)).astype({dtype}){end}"""
TABLE = """#: Where parameters start that multiply, divide or (None) weigh: zero would let nothing through.
STARTS = {table}
"""


def written(model: Model, make: str, dtype: str) -> dict[str, str]:
    """What a template's `init` says of the starts of a model's parameters: a table, a line of words, and code."""
    found = starts(model)
    words = "weights uniform within 1 / sqrt(columns), the others at STARTS, or zero"
    if not found:
        words = "matrices uniform within 1 / sqrt(columns), the rest zero"
    table = "{" + ", ".join(f'"{name}": {start}' for name, start in found.items()) + "}"
    code = (STARTED if found else PLAIN).format(make=make, end=")" if make.endswith("(") else "", dtype=dtype)
    return {"starts": TABLE.format(table=table) if found else "", "started": words, "start": code}


def _roles(node: Expression, role: str) -> Iterator[tuple[str, str]]:
    """Names, and what they do to what stands beside them; `role` is what the whole node does."""
    match node:
        case Reference(name):
            yield name, role
        case Negative(operand) | Transpose(operand) | Slice(operand) | Call("named", (operand,)):
            yield from _roles(operand, role)
        case Binary("*", left, right):
            # A factor of a divisor divides, and a factor of weights is one of them.
            inner = role if role in ("divides", "weighs") else "scales"
            yield from (*_roles(left, inner), *_roles(right, inner))
        case Binary("/", left, right):
            yield from (*_roles(left, role if role == "divides" else "scales"), *_roles(right, "divides"))
        case Binary("-", Number(), Reference(name)):
            yield name, "shares"
        case Binary("@", left, right) | Call("dot" | "outer", (left, right)):
            yield from (*_roles(left, "weighs"), *_roles(right, "weighs"))
        case Binary("**", base, Number(exponent)):
            needs = exponent < 0 or exponent.denominator > 1
            yield from _roles(base, "divides" if needs else role if role == "divides" else "")
        case Call(function, arguments):
            entry = OPERATIONS[function]
            needs = isinstance(entry, Elementwise) and entry.domain[0] == 0
            several = isinstance(entry, Structural) and len(arguments) > 1 and function != "concat"
            if isinstance(entry, Elementwise) and 0 in entry.kinks and isinstance(arguments[0], Reference):
                yield arguments[0].name, "scales"  # relu(a) has no gradient at zero
                return
            for argument in arguments:
                yield from _roles(argument, "divides" if needs else "weighs" if several else "")
        case _:
            for child in children(node):
                yield from _roles(child, "divides" if role == "divides" else "")
