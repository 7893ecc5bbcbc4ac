"""Wrong coefficients: the derivative of another function, one value in the place of another, a matrix transposed."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Integer, KroneckerDelta, Symbol

from rnnsym.equations.indexed import Role, Select, access, elements, indices_in, t, whole_function
from rnnsym.equations.products import tidy
from rnnsym.operations import ELEMENTWISE, Elementwise, VectorFunction, operation_of
from rnnsym.verify.functions.edit import Edit, Link
from rnnsym.verify.functions.links import constant, inner, is_parameter
from rnnsym.verify.functions.network import Network
from rnnsym.verify.functions.words import coefficient_text, element_text, link_text, node_text

#: Functions whose derivatives are taken for one another, beside those that the model itself uses.
CONFUSED = ("tanh", "sigmoid", "relu")


def functions_of(network: Network) -> set[str]:
    """The functions of one number that a model uses for a whole variable."""
    whole = [whole_function(equation) for equation in network.values.system.equations]
    return {
        found.func.__name__ for found in whole if found is not None and isinstance(operation_of(found), Elementwise)
    }


# Activation derivatives


def derivatives(network: Network) -> Iterator[Edit]:
    """The derivative of a function is missing, taken at the wrong place, taken twice, or that of another function."""
    slopes = [(link, whole_function(link.equation)) for link in network.links]
    elementwise = [(link, f) for link, f in slopes if f is not None and isinstance(operation_of(f), Elementwise)]
    for link, function in elementwise:
        for said, factors in _wrong_slopes(network, link, function, element_text(network, link.equation.target)):
            yield Edit(
                "derivative", f"in {node_text(network, link.source)}, {said}", 1, coefficients={link.number: factors}
            )
    for name in dict.fromkeys(function.func.__name__ for _, function in elementwise):
        chosen = [(link, function) for link, function in elementwise if function.func.__name__ == name]
        if len(chosen) < 2:
            continue
        every = [list(_wrong_slopes(network, link, function, "y")) for link, function in chosen]
        for position, (said, _) in enumerate(every[0]):
            replaced = {link.number: wrong[position][1] for (link, _), wrong in zip(chosen, every, strict=True)}
            yield Edit("derivative", f"wherever {name} is used, {said}", 1, coefficients=replaced)
    if len({function.func.__name__ for _, function in elementwise}) > 1:
        missing: dict[int, tuple[Expr, ...]] = {link.number: (Integer(1),) for link, _ in elementwise}
        yield Edit("derivative", "the derivative of every activation function is missing", 1, coefficients=missing)
    yield from _inner_slopes(network)
    yield from _vector_slopes(network)


def _wrong_slopes(network: Network, link: Link, function: Expr, output: str) -> Iterator[tuple[str, tuple[Expr, ...]]]:
    """Plausible wrong derivatives of y = f(a) in words, with `output` for y, and as factors."""
    name, y, a = function.func.__name__, link.equation.target, function.args[0]
    slope = link.factors
    yield f"the derivative of {name} is missing", (Integer(1),)
    at_output = tuple(factor.xreplace({y: function.func(y)}) for factor in slope)
    yield (
        f"the derivative of {name} is taken at the output instead of the pre-activation ({name} is applied twice)",
        at_output,
    )
    yield (
        f"the derivative of {name}, which is written for the output, is given the pre-activation",
        tuple(factor.xreplace({y: a}) for factor in slope),
    )
    yield f"the derivative of {name} is applied twice", tuple(factor for factor in slope for _ in range(2))
    place = Symbol("a_", real=True)
    for other in ELEMENTWISE:
        if other.name == name or other.name not in {*CONFUSED, *functions_of(network)}:
            continue
        wrong = other.derivative(place, Symbol("y_", real=True)).xreplace({Symbol("y_", real=True): y, place: a})
        yield f"the derivative of {other.name} stands for that of {name}", tidy((wrong,))
    for text, wrong in (
        (output, y),
        (f"1 - {output}", 1 - y),
        (f"(1 - {output})²", (1 - y) ** 2),
        (f"1 + {output}²", 1 + y**2),
    ):
        yield f"{text} stands for the derivative of {name}", (wrong,)


def slopes_left_out(network: Network) -> Iterator[Edit]:
    """The derivative of a function is there for some of what it reads, and left out for the rest."""
    functions = {
        link.receiver: link.source
        for link in network.links
        if (function := whole_function(link.equation)) is not None and isinstance(operation_of(function), Elementwise)
    }
    groups: dict[str, dict[int, str]] = {}
    for link in network.links:
        output = functions.get(link.source)
        if output is None or is_parameter(network, link):
            continue  # a gradient of a parameter that is made with another adjoint is said so
        name = element_text(network, link.place.element)
        for where in (f"{name} from {node_text(network, link.source)}", f"{name}"):
            groups.setdefault(where, {})[link.number] = output
    for where, senders in groups.items():
        text = f"in what is passed back to {where}, the derivative of the activation function is missing"
        yield Edit("derivative", text, 1, senders=senders)


def _inner_slopes(network: Network) -> Iterator[Edit]:
    """The slope of a function inside a product, as in o[t] tanh(c[t]): missing, or at another place."""
    for link in inner(network):
        if whole_function(link.equation) is not None:
            continue
        for factor in link.term.factors:
            operation = operation_of(factor)
            if not isinstance(operation, Elementwise) or not factor.has(link.place.element):
                continue
            slope = factor.fdiff()
            argument = factor.args[0]
            said = f"in {link_text(network, link)}, the derivative of {operation.name}"
            rest = _without(link.factors, slope)
            if rest is None:
                continue
            at_output = slope.xreplace({argument: factor})
            yield Edit("derivative", f"{said} is missing", 1, coefficients={link.number: rest or (Integer(1),)})
            yield Edit(
                "derivative",
                f"{said} is taken at the output ({operation.name} is applied twice)",
                1,
                coefficients={link.number: (*rest, at_output)},
            )
            bare = slope.xreplace({factor: argument})
            yield Edit(
                "derivative",
                f"{said} is taken with {coefficient_text((argument,))} for {coefficient_text((factor,))}",
                1,
                coefficients={link.number: (*rest, bare)},
            )
            target = link.equation.target
            yield Edit(
                "derivative",
                f"{said} is taken with {element_text(network, target)} for {coefficient_text((factor,))}",
                1,
                coefficients={link.number: (*rest, slope.xreplace({factor: target}))},
            )
            yield Edit("derivative", f"{said} is applied twice", 1, coefficients={link.number: (*rest, slope, slope)})
            yield Edit(
                "derivative",
                f"{said} is replaced by the function itself",
                2,
                coefficients={link.number: (*rest, factor)},
            )


def _without(factors: tuple[Expr, ...], gone: Expr) -> tuple[Expr, ...] | None:
    """The factors but those of `gone`; None where it is not among them."""
    left = list(factors)
    for part in tidy((gone,)):
        if part not in left:
            return None
        left.remove(part)
    return tuple(left)


def _vector_slopes(network: Network) -> Iterator[Edit]:
    """The Jacobian of softmax: missing, or its diagonal alone."""
    for name in dict.fromkeys(link.source for link in network.links):
        links = [link for link in network.links if link.source == name and whole_function(link.equation) is not None]
        function = whole_function(links[0].equation) if links else None
        if function is None or not isinstance(operation_of(function), VectorFunction):
            continue
        with_delta = [link for link in links if any(isinstance(f, KroneckerDelta) for f in link.factors)]
        others = [link for link in links if link not in with_delta]
        for link in with_delta:
            delta = next(f for f in link.factors if isinstance(f, KroneckerDelta))
            word = f"the derivative of {function.func.__name__}"
            y = link.equation.target
            yield Edit(
                "derivative", f"{word} is missing", 1, coefficients={link.number: (delta,)}, scales=constant(others, 0)
            )
            also = {}
            for part in links:
                own = part.equation.target.xreplace(dict(zip(part.equation.indices, part.place.indices, strict=True)))
                also[part.number] = (*part.factors, own, 1 - own)
            yield Edit("derivative", f"{word} is multiplied by y (1 - y) once more", 1, coefficients=also)
            yield Edit(
                "derivative",
                f"{word} is its diagonal y (1 - y) alone",
                1,
                coefficients={link.number: (y, 1 - y, delta)},
                scales=constant(others, 0),
            )


# Operands


def operands(network: Network) -> Iterator[Edit]:
    """One value stands for another: an earlier or later one, another variable's, a function for its argument."""
    everywhere: dict[str, tuple[int, dict[int, tuple[Expr, ...]]]] = {}
    for link in network.links:
        if link.source == network.values.system.loss:
            continue
        to_parameter = is_parameter(network, link)
        where = f"the gradient of {link.receiver}" if to_parameter else f"the path from {link_text(network, link)}"
        for said, factors, rank in _replacements(network, link):
            yield Edit("operand", f"in {where}, {said}", rank, coefficients={link.number: factors})
            group = said + (" in the gradients of the parameters" if to_parameter else "")
            everywhere.setdefault(group, (rank, {}))[1].setdefault(link.number, factors)
    for said, (rank, chosen) in everywhere.items():
        if len(chosen) > 1:
            yield Edit(
                "operand", said if "parameters" in said else f"{said} wherever it is needed", rank, coefficients=chosen
            )


def _replacements(network: Network, link: Link) -> Iterator[tuple[str, tuple[Expr, ...], int]]:
    variables = network.values.system.variables
    whole = [element for factor in link.factors for element in elements(factor)]
    for element in dict.fromkeys(whole):
        place = access(element, variables)
        for other, rank in _alternatives(network, link, place.name, place.time):
            replaced = variables[other[0]].at(other[1], *place.indices)
            if replaced == element:
                continue
            factors = tuple(factor.xreplace({element: replaced}) for factor in link.factors)
            yield f"{element_text(network, replaced)} stands for {element_text(network, element)}", factors, rank
    for said, factors in _other_side(network, link):
        yield said, factors, 2
    for position, factor in enumerate(link.factors):
        if (turned := _without_matrix(network, link, factor)) is not None:
            changed = (*link.factors[:position], turned, *link.factors[position + 1 :])
            yield f"{coefficient_text((factor,))} is missing", changed, 2
        if (
            not factor.is_Number
            and not isinstance(factor, KroneckerDelta | Select)
            and whole_function(link.equation) is None
        ):
            rest = (*link.factors[:position], *link.factors[position + 1 :])
            if _fits(link, rest):
                yield f"{coefficient_text((factor,))} is missing", rest or (Integer(1),), 2
        if isinstance(operation_of(factor), Elementwise):
            changed = (*link.factors[:position], factor.args[0], *link.factors[position + 1 :])
            yield f"{coefficient_text((factor.args[0],))} stands for {coefficient_text((factor,))}", changed, 2
        if factor.is_Add or (factor in whole and variables[access(factor, variables).name].timed):
            other_factor = 1 - factor
            changed = (*link.factors[:position], other_factor, *link.factors[position + 1 :])
            yield f"{coefficient_text((other_factor,))} stands for {coefficient_text((factor,))}", changed, 3


def _other_side(network: Network, link: Link) -> Iterator[tuple[str, tuple[Expr, ...]]]:
    """A vector that is multiplied before a matrix product instead of after it, or after instead of before."""
    variables = network.values.system.variables
    own, receiver = link.equation.indices, link.place.indices
    if len(own) != 1 or len(receiver) != 1 or variables[link.source].shape != variables[link.receiver].shape:
        return
    other = {own[0]: receiver[0], receiver[0]: own[0]}
    for position, factor in enumerate(link.factors):
        every = elements(factor)
        if every and all(access(e, variables).time is not None and indices_in(e) <= set(other) for e in every):
            turned = factor.xreplace({e: e.xreplace(other) for e in every})
            rest = (*link.factors[:position], turned, *link.factors[position + 1 :])
            if any(set(other) <= indices_in(f) for f in link.factors):
                yield f"{coefficient_text((factor,))} is on the other side of the matrix product", rest


def _without_matrix(network: Network, link: Link, factor: Expr) -> Expr | None:
    """What is left where a square matrix is forgotten; None for any other factor."""
    variables = network.values.system.variables
    if factor not in elements(factor) or len(access(factor, variables).indices) != 2:
        return None
    place = access(factor, variables)
    rows, columns = variables[place.name].shape
    own, receiver = set(link.equation.indices), set(link.place.indices)
    crosses = len(own & set(place.indices)) == len(receiver & set(place.indices)) == 1
    return KroneckerDelta(*place.indices) if rows == columns and crosses and place.time is None else None


def _fits(link: Link, factors: tuple[Expr, ...]) -> bool:
    """Whether a product without some factor still has an element for each of source and receiver."""
    inside = set().union(*(indices_in(factor) for factor in factors)) if factors else set()
    own, receiver = set(link.equation.indices), set(link.place.indices)
    return own <= inside | receiver and receiver <= inside | own


def _alternatives(
    network: Network, link: Link, name: str, time: Expr | None
) -> Iterator[tuple[tuple[str, Expr | None], int]]:
    """What may be mistaken for a value: the same at another step, or another variable of the same shape."""
    variables = network.values.system.variables
    own = variables[name]
    if time is not None and time.has(t):
        for offset in (-1, 0, 1):
            yield (name, t + offset), 2
    for other in variables.values():
        if other.name == name or other.shape != own.shape or other.timed != own.timed or other.role is Role.LOSS:
            continue
        if not own.timed and (own.role is Role.PARAMETER) != (other.role is Role.PARAMETER):
            continue
        yield (other.name, time), 3
        if time is not None and time == t and other.role is Role.DEFINED:
            yield (other.name, t - 1), 4


def transposes(network: Network) -> Iterator[Edit]:
    """A square matrix stands for its transpose."""
    found = {}
    for link in inner(network):
        for element in dict.fromkeys(e for factor in link.factors for e in elements(factor)):
            place = access(element, network.values.system.variables)
            shape = network.values.system.variables[place.name].shape
            if place.time is None and len(shape) == 2 and shape[0] == shape[1]:
                turned = network.values.system.variables[place.name].at(None, *place.indices[::-1])
                found[link.number] = tuple(factor.xreplace({element: turned}) for factor in link.factors)
                yield Edit(
                    "transpose",
                    f"{place.name} stands for its transpose in the path from {link_text(network, link)}",
                    2,
                    coefficients={link.number: found[link.number]},
                )
    if len(found) > 1:
        yield Edit(
            "transpose",
            "every square weight matrix stands for its transpose in the backward pass",
            1,
            coefficients=found,
        )
