"""The ways in which a hand-written backward pass goes wrong, as edits of a network's links.

Each family below is a generator; a new kind of mistake is a new family. An edit is made of the derived equations
alone, so that it serves any model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from sympy import Expr, Integer, KroneckerDelta, Symbol

from rnnsym.checks.kits import Array
from rnnsym.equations.indexed import Role, Select, access, elements, indices_in, t, whole_function
from rnnsym.equations.lowering import tidy
from rnnsym.operations import ELEMENTWISE, Elementwise, VectorFunction, operation_of
from rnnsym.verify.function_network import Edit, Link, Network
from rnnsym.verify.function_words import coefficient_text, element_text, link_text, node_text


def every_edit(network: Network) -> list[Edit]:
    """All edits, each once, the likelier first."""
    found: dict[Any, Edit] = {}
    for family in FAMILIES:
        for edit in family(network):
            key = (
                frozenset(edit.coefficients.items()),
                frozenset((number, text) for number in edit.arrays for text in (edit.text,)),
                frozenset((n, scale) for n, scale in edit.scales.items() if any(x != 1.0 for x in scale)),
                frozenset(edit.senders.items()),
                tuple(frozenset(part.items()) for part in edit.parts),
                edit.stops_early,
            )
            if key not in found:
                found[key] = edit
    return sorted(found.values(), key=lambda edit: edit.rank)


# What links there are


def is_parameter(network: Network, link: Link) -> bool:
    """Whether a link leads to a parameter: one term of the sum for its gradient."""
    return link.receiver in network.values.model.parameters


def inner(network: Network) -> list[Link]:
    """The links between values, from the loss inwards."""
    loss = network.values.system.loss
    return [link for link in network.links if not is_parameter(network, link) and link.source != loss]


def outer(network: Network) -> list[Link]:
    """The links to parameters."""
    return [link for link in network.links if is_parameter(network, link)]


def constant(links: Iterable[Link], scale: float) -> dict[int, tuple[float, ...]]:
    """The same scale at all times."""
    return {link.number: (scale,) * len(link.instances) for link in links}


def at_times(link: Link, chosen: Callable[[int], bool]) -> tuple[float, ...]:
    """One at the times of the source that are chosen, else zero."""
    return tuple(1.0 if i.source[1] is None or chosen(i.source[1]) else 0.0 for i in link.instances)


def inside_sum(link: Link) -> tuple[int | None, ...]:
    """The time of each instance of a link from a sum over time: that of its receiver."""
    return tuple(instance.receiver[1] for instance in link.instances)


# Through time


def truncation(network: Network) -> Iterator[Edit]:
    """Each loss looks back a few steps only; or the sequence is cut in pieces."""
    length = network.values.length
    crossing = [link for link in network.links if link.crosses_time]
    if not crossing:
        return
    for kept in range(1, length):
        parts = []
        for last, seed in _seeds(network):
            cut = {
                link.number: tuple(
                    1.0 if (i.source[1] or 0) <= last and (i.receiver[1] or 0) > last - kept else 0.0 for i in link.instances
                )
                for link in crossing
            }
            parts.append({**cut, **seed})
        immediate = kept == 1
        text = (
            "one step only (the immediate derivative): every path through time is missing"
            if immediate
            else f"truncated: each loss is followed back over the last {kept} steps; what passes from earlier ones is dropped"
        )
        yield Edit("immediate" if immediate else "truncated", text, 0, parts=tuple(parts), detail={"steps": kept})
    for size in range(2, length):
        cut = {
            link.number: tuple(
                1.0 if (max(i.receiver[1] or 0, 1) - 1) // size == ((i.source[1] or 1) - 1) // size else 0.0
                for i in link.instances
            )
            for link in crossing
        }
        yield Edit(
            "truncated",
            f"truncated: the sequence is cut in pieces of {size} steps, and nothing is passed back from one to the one before",
            1,
            scales=cut,
            detail={"piece": size},
        )


def _seeds(network: Network) -> list[tuple[int, dict[int, tuple[float, ...]]]]:
    """One pass for the loss of each step: the time of the loss, and the links that leave out the others."""
    total = [link for link in network.links if link.source == network.values.system.loss]
    times = sorted({time for link in total for time in inside_sum(link) if time is not None})
    if not times or any(time is None for link in total for time in inside_sum(link)):
        return [(network.values.length, {})]
    return [
        (last, {link.number: tuple(float(time == last) for time in inside_sum(link)) for link in total}) for last in times
    ]


def states(network: Network) -> Iterator[Edit]:
    """Nothing is passed back to earlier steps through one of the states."""
    crossing = [link for link in network.links if link.crosses_time]
    for name in dict.fromkeys(link.receiver for link in crossing):
        chosen = [link for link in crossing if link.receiver == name]
        yield Edit("path", f"no path through time leads through {name}: nothing is passed back to {name}[t-1]", 1, scales=constant(chosen, 0))
        for source in dict.fromkeys(link.source for link in chosen):
            if sum(link.source == source for link in chosen) > 1:
                some = [link for link in chosen if link.source == source]
                yield Edit("path", f"the path from {name}[t-1] to {node_text(network, source)} is missing", 1, scales=constant(some, 0))


def losses(network: Network) -> Iterator[Edit]:
    """The loss of some steps is left out."""
    length = network.values.length
    total = [link for link in network.links if link.source == network.values.system.loss and link.receiver != network.values.system.loss]
    total = [link for link in total if all(time is not None for time in inside_sum(link))]
    if not total:
        return
    for said, kept in (
        ("only the loss of the last step is counted", lambda time: time == length),
        ("only the loss of the first step is counted", lambda time: time == 1),
        ("the loss of the last step is left out", lambda time: time != length),
        ("the loss of the first step is left out", lambda time: time != 1),
    ):
        yield Edit("loss", said, 1, scales={link.number: tuple(float(kept(x)) for x in inside_sum(link)) for link in total})


def loops(network: Network) -> Iterator[Edit]:
    """The loop backwards in time is one step short."""
    length = network.values.length
    links = [link for link in network.links if link.source != network.values.system.loss]
    if length < 2 or not any(i.source[1] is not None for link in links for i in link.instances):
        return
    for said, kept, early in (
        ("the loop backwards stops before step 1", lambda time: time != 1, True),
        ("the loop backwards leaves out step T", lambda time: time != length, False),
    ):
        scales = {link.number: at_times(link, kept) for link in links}
        yield Edit("loop", said, 1, scales=scales, stops_early=early)


# Single paths


def paths(network: Network) -> Iterator[Edit]:
    """An edge of the graph that is missing, has the wrong sign, or is counted twice."""
    for link in inner(network):
        said = link_text(network, link)
        yield Edit("path", f"the path from {said} is missing", 1, scales=constant([link], 0))
        yield Edit("sign", f"the path from {said} has the wrong sign", 2, scales=constant([link], -1))
        yield Edit("factor", f"the path from {said} is counted twice", 4, scales=constant([link], 2))
        yield Edit("factor", f"the path from {said} is counted half", 4, scales=constant([link], 0.5))
    by_edge: dict[tuple[str, str, Expr | None], list[Link]] = {}
    for link in inner(network):
        by_edge.setdefault((link.source, link.receiver, link.place.time), []).append(link)
    for links in by_edge.values():
        if len(links) > 1:
            said = f"{element_text(network, links[0].place.element)} to {node_text(network, links[0].source)}"
            yield Edit("path", f"the path from {said} is missing", 1, scales=constant(links, 0))
            yield Edit("sign", f"the path from {said} has the wrong sign", 2, scales=constant(links, -1))
    for name in dict.fromkeys(link.source for link in inner(network)):
        links = [link for link in inner(network) if link.source == name]
        yield Edit("sign", f"the derivative through {node_text(network, name)} has the wrong sign", 2, scales=constant(links, -1))


# Activation derivatives


def derivatives(network: Network) -> Iterator[Edit]:
    """The derivative of a function is missing, taken at the wrong place, taken twice, or that of another function."""
    slopes = [(link, whole_function(link.equation)) for link in network.links]
    elementwise = [(l, f) for l, f in slopes if f is not None and isinstance(operation_of(f), Elementwise)]
    for link, function in elementwise:
        for said, factors in _wrong_slopes(link, function, element_bare(link.equation.target)):
            yield Edit("derivative", f"in {node_text(network, link.source)}, {said}", 1, coefficients={link.number: factors})
    for name in dict.fromkeys(function.func.__name__ for _, function in elementwise):
        chosen = [(link, function) for link, function in elementwise if function.func.__name__ == name]
        if len(chosen) < 2:
            continue
        every = [list(_wrong_slopes(link, function, "y")) for link, function in chosen]
        for position, (said, _) in enumerate(every[0]):
            replaced = {link.number: wrong[position][1] for (link, _), wrong in zip(chosen, every, strict=True)}
            yield Edit("derivative", f"wherever {name} is used, {said}", 1, coefficients=replaced)
    yield from _inner_slopes(network)
    yield from _vector_slopes(network)


def _wrong_slopes(link: Link, function: Expr, output: str) -> Iterator[tuple[str, tuple[Expr, ...]]]:
    """Plausible wrong derivatives of y = f(a) in words, with `output` for y, and as factors."""
    name, y, a = function.func.__name__, link.equation.target, function.args[0]
    slope = link.factors
    yield f"the derivative of {name} is missing", (Integer(1),)
    at_output = tuple(factor.xreplace({y: function.func(y)}) for factor in slope)
    yield f"the derivative of {name} is taken at the output instead of the pre-activation ({name} is applied twice)", at_output
    yield (
        f"the derivative of {name}, which is written for the output, is given the pre-activation",
        tuple(factor.xreplace({y: a}) for factor in slope),
    )
    yield f"the derivative of {name} is applied twice", tuple(factor for factor in slope for _ in range(2))
    place = Symbol("a_", real=True)
    for other in ELEMENTWISE:
        if other.name == name or other.name in ("step", "sign") or not other.slope:
            continue
        wrong = other.derivative(place, Symbol("y_", real=True)).xreplace({Symbol("y_", real=True): y, place: a})
        yield f"the derivative of {other.name} stands for that of {name}", tidy((wrong,))
    for text, wrong in ((output, y), (f"1 - {output}", 1 - y), (f"(1 - {output})²", (1 - y) ** 2), (f"1 + {output}²", 1 + y**2)):
        yield f"{text} stands for the derivative of {name}", (wrong,)


def element_bare(element: Expr) -> str:
    """`f[t]` for an element of f at time t."""
    name = str(element.base.label) if hasattr(element, "base") and hasattr(element, "indices") else str(element)
    return f"{name}[t]" if hasattr(element, "indices") and element.has(t) else name


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
            yield Edit("derivative", f"{said} is taken at the output ({operation.name} is applied twice)", 1, coefficients={link.number: (*rest, at_output)})
            bare = slope.xreplace({factor: argument})
            yield Edit("derivative", f"{said} is taken with {coefficient_text((argument,))} for {coefficient_text((factor,))}", 1, coefficients={link.number: (*rest, bare)})
            target = link.equation.target
            yield Edit("derivative", f"{said} is taken with {element_bare(target)} for {coefficient_text((factor,))}", 1, coefficients={link.number: (*rest, slope.xreplace({factor: target}))})
            yield Edit("derivative", f"{said} is applied twice", 1, coefficients={link.number: (*rest, slope, slope)})
            yield Edit("derivative", f"{said} is replaced by the function itself", 2, coefficients={link.number: (*rest, factor)})


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
            yield Edit("derivative", f"{word} is missing", 1, coefficients={link.number: (delta,)}, scales=constant(others, 0))
            yield Edit("derivative", f"{word} is its diagonal y (1 - y) alone", 1, coefficients={link.number: (y, 1 - y, delta)}, scales=constant(others, 0))


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
            yield Edit("operand", said if "parameters" in said else f"{said} wherever it is needed", rank, coefficients=chosen)


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
        if not factor.is_Number and not isinstance(factor, KroneckerDelta | Select) and whole_function(link.equation) is None:
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


def _fits(link: Link, factors: tuple[Expr, ...]) -> bool:
    """Whether a product without some factor still has an element for each of source and receiver."""
    inside = set().union(*(indices_in(factor) for factor in factors)) if factors else set()
    own, receiver = set(link.equation.indices), set(link.place.indices)
    return own <= inside | receiver and receiver <= inside | own


def _alternatives(network: Network, link: Link, name: str, time: Expr | None) -> Iterator[tuple[tuple[str, Expr | None], int]]:
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
                yield Edit("transpose", f"{place.name} stands for its transpose in the path from {link_text(network, link)}", 2, coefficients={link.number: found[link.number]})
    if len(found) > 1:
        yield Edit("transpose", "every square weight matrix stands for its transpose in the backward pass", 1, coefficients=found)


# Sums


def sums(network: Network) -> Iterator[Edit]:
    """The sum over time or over the batch for a parameter is not taken, or taken as a mean."""
    length, batch = network.values.length, network.batch
    links = outer(network)
    groups: list[tuple[str, list[Link]]] = []
    for name in dict.fromkeys(link.receiver for link in links):
        groups.append((f"the gradient of {name}", [link for link in links if link.receiver == name]))
    vectors = [link for link in links if len(network.values.system.variables[link.receiver].shape) == 1]
    matrices = [link for link in links if link not in vectors]
    groups += [("the gradients of all vectors of parameters", vectors), ("the gradients of all matrices", matrices)]
    groups.append(("the gradients of all parameters", links))
    for said, chosen in groups:
        if not chosen:
            continue
        rank = 1 if len(chosen) == 1 or chosen is links else 2
        if length > 1 and all(i.source[1] is not None for link in chosen for i in link.instances):
            for words, kept in (
                ("holds step 1 alone instead of the sum over time", lambda time: time == 1),
                ("holds step T alone instead of the sum over time", lambda time: time == length),
                ("leaves out step 1", lambda time: time != 1),
                ("leaves out step T", lambda time: time != length),
            ):
                verb = words if said.count("gradients") == 0 else words.replace("holds", "hold").replace("leaves", "leave")
                yield Edit("sum", f"{said} {verb}", rank, scales={link.number: at_times(link, kept) for link in chosen})
        for words, factor in (("time", 1 / length), ("the batch", 1 / batch), ("time and batch", 1 / length / batch)):
            yield Edit("mean", f"{said}: averaged over {words} instead of summed", rank, scales=constant(chosen, factor))
        yield Edit("sign", f"{said}: the wrong sign", rank, scales=constant(chosen, -1))
        for words, example in (("first", 0), ("last", -1)):
            yield Edit(
                "sum",
                f"{said}: only the {words} example of the batch is counted",
                rank,
                arrays={link.number: _one_example(example) for link in chosen},
            )


def _one_example(number: int) -> Callable[[Array], Array]:
    def only(coefficient: Array) -> Array:
        found = np.zeros_like(coefficient)
        found[number] = coefficient[number]
        return found

    return only


def deltas(network: Network) -> Iterator[Edit]:
    """A parameter's gradient, or a path, takes the adjoint of another variable."""
    variables = network.values.system.variables
    for link in outer(network):
        own = variables[link.source]
        for other in variables.values():
            if other.name != own.name and other.shape == own.shape and other.timed == own.timed and other.role in (Role.DEFINED, Role.INTERMEDIATE):
                yield Edit(
                    "delta",
                    f"the gradient of {link.receiver} is made with the adjoint of {node_text(network, other.name)} instead of that of {node_text(network, own.name)}",
                    2,
                    senders={link.number: other.name},
                )


FAMILIES: tuple[Callable[[Network], Iterator[Edit]], ...] = (
    truncation,
    states,
    losses,
    loops,
    paths,
    derivatives,
    sums,
    transposes,
    deltas,
    operands,
)
