"""Wrong coefficients: the derivative of another function, one value in the place of another, a matrix transposed."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Integer, KroneckerDelta, Symbol

from rnnsym.equations.indexed import Role, Select, T, access, elements, indices_in, t, whole_function
from rnnsym.equations.products import tidy
from rnnsym.operations import ELEMENTWISE, Elementwise, VectorFunction, operation_of
from rnnsym.verify.functions.links import constant, inner, is_parameter
from rnnsym.verify.functions.network import Edit, Link, Network
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


def stale(network: Network) -> Iterator[Edit]:
    """Values of the last step stand for those of every step, as of variables that a loop forwards has left behind."""
    if network.values.length < 2:
        return
    variables = network.values.system.variables
    by_name = dict.fromkeys(
        place.name
        for link in network.links
        for factor in link.factors
        for place in (access(element, variables) for element in elements(factor))
        if place.time == t and variables[place.name].role is Role.DEFINED
    )
    crossing = {link.receiver for link in network.links if link.crosses_time}
    gates = [name for name in by_name if name not in crossing]
    plain = [link for link in network.links if whole_function(link.equation) is None]
    groups = [[name] for name in by_name] + ([gates] if len(gates) > 1 else [])
    for names in groups + ([list(by_name)] if list(by_name) not in groups else []):
        shown = ", ".join(f"{name}[t]" for name in names)
        verb = "stands" if len(names) == 1 else "stand"
        text = f"what {', '.join(names)} had at the last step {verb} for {shown} at every step"
        for links, where in ((network.links, ""), (plain, ", but for the derivatives of functions")):
            chosen = {}
            for link in links:
                every = [access(e, variables) for factor in link.factors for e in elements(factor)]
                last = {
                    place.element: variables[place.name].at(T, *place.indices)
                    for place in every
                    if place.name in names and place.time == t
                }
                if last:
                    chosen[link.number] = tuple(factor.xreplace(last) for factor in link.factors)
            yield Edit("operand", text + where, 2, coefficients=chosen)


def late_errors(network: Network) -> Iterator[Edit]:
    """The error of the last step stands for that of every step."""
    variables = network.values.system.variables
    total = network.values.system.loss
    losses = {link.receiver for link in network.links if link.source == total and variables[link.receiver].timed}
    after = [link for link in network.links if link.source in losses]
    for _ in range(2):  # what a loss is made of may have a name
        inner = {link.receiver for link in after if variables[link.receiver].role is Role.INTERMEDIATE}
        after += [link for link in network.links if link.source in inner and link not in after
                  and variables[link.source].shape != ()]  # fmt: skip
        found = {}
        for link in after:
            places = [access(element, variables) for factor in link.factors for element in elements(factor)]
            last = {p.element: variables[p.name].at(T, *p.indices) for p in places if p.time == t}
            if last and not is_parameter(network, link):
                found[link.number] = tuple(factor.xreplace(last) for factor in link.factors)
        if found and network.values.length > 1:
            text = "the error of the last step stands for that of every step, in what the loss passes back"
            yield Edit("operand", text, 2, coefficients=found)


def wrapped(network: Network) -> Iterator[Edit]:
    """The last value stands for the initial one, as index -1 of a list does that holds steps 1 to T alone."""
    variables = network.values.system.variables
    if network.values.length < 2:
        return
    every: dict[str, dict[int, tuple[Expr, ...]]] = {}
    first: dict[int, frozenset[int]] = {}
    for link in network.links:
        places = [access(element, variables) for factor in link.factors for element in elements(factor)]
        early = [place for place in places if place.time is not None and place.time == t - 1]
        where = frozenset(n for n, instance in enumerate(link.instances) if instance.source[1] == 1)
        for name in dict.fromkeys(place.name for place in early) if where else ():
            last = {place.element: variables[name].at(T, *place.indices) for place in early if place.name == name}
            every.setdefault(name, {})[link.number] = tuple(factor.xreplace(last) for factor in link.factors)
            first[link.number] = where
    for name, chosen in every.items():
        text = f"in step 1, {name}[T] stands for {name}[0]"
        outer = {number: new for number, new in chosen.items() if is_parameter(network, network.links[number])}
        told = ((chosen, "wherever it is needed"), (outer, "in the gradients of the parameters"))
        for some, where_told in told:
            only = {number: first[number] for number in some}
            yield Edit("operand", f"{text} {where_told} (index -1 of a list)", 1, coefficients=some, only=only)


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
