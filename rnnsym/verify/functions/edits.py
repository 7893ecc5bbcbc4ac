"""The ways in which a hand-written backward pass goes wrong, as edits of a network's links.

Each family below is a generator; a new kind of mistake is a new family. An edit is made of the derived equations
alone, so that it serves any model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sympy import Expr, Integer

from rnnsym.checks.kits import Array
from rnnsym.equations.indexed import Role, elements, whole_function
from rnnsym.verify.functions.edit import Edit, Limit, Link
from rnnsym.verify.functions.links import at_times, constant, inner, inside_sum, is_parameter, outer
from rnnsym.verify.functions.misplaced import forwards, orders
from rnnsym.verify.functions.network import Network
from rnnsym.verify.functions.other_steps import late_errors, shifted, stale, wrapped
from rnnsym.verify.functions.replaced import derivatives, operands, slopes_left_out, transposes
from rnnsym.verify.functions.words import element_text, link_text, node_text


def half_waves(network: Network) -> list[Edit]:
    """A relu that is applied to the gradient itself, in the place of its derivative: no edit of a link alone."""
    found = []
    for link in network.links:
        function = whole_function(link.equation)
        if function is not None and function.func.__name__ == "relu":
            own = element_text(network, link.equation.target)
            said = f"the gradient of {own} is set to zero where it is negative itself"
            text = f"{said}, instead of where {node_text(network, link.receiver)} is"
            limit = Limit(link.source, 0.0, False, positive=True)
            found.append(Edit("derivative", text, 1, coefficients={link.number: (Integer(1),)}, limit=limit))
    return found


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
                edit.limit,
                edit.repeated,
                edit.forwards,
                (edit.added_up, edit.never_reset, edit.from_one),
                edit.detail.get("last"),
                frozenset(edit.only.items()),
            )
            if key not in found:
                found[key] = edit
    return sorted(found.values(), key=lambda edit: edit.rank)


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
                    1.0 if (i.source[1] or 0) <= last and (i.receiver[1] or 0) > last - kept else 0.0
                    for i in link.instances
                )
                for link in crossing
            }
            parts.append({**cut, **seed})
        immediate = kept == 1
        text = (
            "one step only (the immediate derivative): every path through time is missing"
            if immediate
            else f"truncated: each loss is followed back over the last {kept} steps only"
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
            f"truncated: the sequence is cut in pieces of {size} steps, and nothing is passed back between them",
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
        (last, {link.number: tuple(float(time == last) for time in inside_sum(link)) for link in total})
        for last in times
    ]


def states(network: Network) -> Iterator[Edit]:
    """Nothing is passed back to earlier steps through one of the states."""
    crossing = [link for link in network.links if link.crosses_time]
    for name in dict.fromkeys(link.receiver for link in crossing):
        chosen = [link for link in crossing if link.receiver == name]
        yield Edit(
            "path",
            f"no path through time leads through {name}: nothing is passed back to {name}[t-1]",
            1,
            scales=constant(chosen, 0),
        )
        for source in dict.fromkeys(link.source for link in chosen):
            if sum(link.source == source for link in chosen) > 1:
                some = [link for link in chosen if link.source == source]
                yield Edit(
                    "path",
                    f"the path from {name}[t-1] to {node_text(network, source)} is missing",
                    1,
                    scales=constant(some, 0),
                )


def added_up(network: Network) -> Iterator[Edit]:
    """What is passed back from step to step is never set to zero: += in the place of =."""
    names = tuple(dict.fromkeys(link.receiver for link in network.links if link.crosses_time))
    for chosen in [(name,) for name in names] + ([names] if len(names) > 1 else []):
        shown = ", ".join(f"{name}[t]" for name in chosen)
        text = f"what later steps pass back to {shown} is added up over all of them (+= for =), not set anew each step"
        yield Edit("loop", text, 1, added_up=frozenset(chosen))
        text = f"the adjoint of {shown} is never set anew: that of step t+1 is still in that of step t"
        yield Edit("loop", text, 2, never_reset=frozenset(chosen))
    for name in names:
        yield Edit("loop", f"the adjoint of {name}[T] starts at 1 instead of 0", 2, from_one=frozenset((name,)))


def overwritten(network: Network) -> Iterator[Edit]:
    """Two paths lead to a state, and one is written over the other instead of added."""
    length = network.values.length
    for name in dict.fromkeys(link.receiver for link in network.links if link.crosses_time):
        shown = f"{name}[t]"
        here = [link for link in inner(network) if link.receiver == name and not link.crosses_time]
        late = [link for link in network.links if link.receiver == name and link.crosses_time]
        last = {link.number: tuple(float(i.receiver[1] in (length, 0)) for i in link.instances) for link in here}
        first = {link.number: tuple(float((i.receiver[1] or 0) < 1) for i in link.instances) for link in late}
        kept, lost = f"what later steps pass back to {shown}", f"what step t itself passes back to {shown}"
        yield Edit("path", f"{kept} is written over {lost}, not added to it", 1, scales=last)
        yield Edit("path", f"{lost} is written over {kept}, not added to it", 1, scales=first)
        for link in here if len(here) > 1 else ():
            said = f"the path from {link_text(network, link)} is there at the last step only"
            yield Edit("path", said, 2, scales={link.number: last[link.number]})


def losses(network: Network) -> Iterator[Edit]:
    """The loss of some steps is left out."""
    length = network.values.length
    total = [
        link
        for link in network.links
        if link.source == network.values.system.loss and link.receiver != network.values.system.loss
    ]
    total = [link for link in total if all(time is not None for time in inside_sum(link))]
    if not total:
        return
    for said, step, counted in (
        ("only the loss of the last step is counted", length, True),
        ("only the loss of the first step is counted", 1, True),
        ("the loss of the last step is left out", length, False),
        ("the loss of the first step is left out", 1, False),
    ):
        kept = {link.number: tuple(float((time == step) == counted) for time in inside_sum(link)) for link in total}
        yield Edit("loss", said, 1, scales=kept)


def repeated(network: Network) -> Iterator[Edit]:
    """The gradient of a loss that reads the last step alone, added at every step of the loop."""
    length = network.values.length
    for link in network.links if length > 1 else ():
        at_end = all(i.source[1] is None and i.receiver[1] == length for i in link.instances)
        if at_end and link.instances and not is_parameter(network, link):
            said = f"the gradient that {node_text(network, link.source)} passes back to {link.receiver}[T]"
            yield Edit(
                "loss",
                f"{said} is added at every step, not at the last one alone",
                1,
                repeated=frozenset((link.number,)),
            )


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
    for steps in range(1, length):
        late = range(length - steps + 1, length + 1)
        scales = {link.number: at_times(link, late.__contains__) for link in links}
        said = f"the loop backwards runs over the last {steps} steps only, and leaves out what comes before"
        yield Edit("truncated", said, 1, scales=scales, stops_early=True, detail={"last": steps})


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
    by_end: dict[tuple[str, Expr | None], dict[str, list[Link]]] = {}
    for (source, receiver, time), links in by_edge.items():
        by_end.setdefault((receiver, time), {})[source] = links
    for ways in by_end.values():
        for source, links in ways.items() if len(ways) > 2 else ():
            others = [link for other, some in ways.items() if other != source for link in some]
            end = element_text(network, links[0].place.element)
            shown = ", ".join(f"{name}[t]" for name in ways)
            said = f"of the paths from {end} to {shown}, only that to {source}[t] is there"
            yield Edit("path", said, 2, scales=constant(others, 0))
    for name in dict.fromkeys(link.source for link in inner(network)):
        links = [link for link in inner(network) if link.source == name]
        yield Edit(
            "sign",
            f"the derivative through {node_text(network, name)} has the wrong sign",
            2,
            scales=constant(links, -1),
        )


# Sums


def sums(network: Network) -> Iterator[Edit]:
    """The sum over time or over the batch for a parameter is not taken, or taken as a mean."""
    length, batch = network.values.length, network.batch
    links = outer(network)
    groups: list[tuple[str, list[Link]]] = []
    for name in dict.fromkeys(link.receiver for link in links):
        groups.append((f"the gradient of {name}", [link for link in links if link.receiver == name]))
    by_operand: dict[tuple[str, ...], list[Link]] = {}
    for link in links:
        read = [element_text(network, element) for factor in link.factors for element in elements(factor)]
        by_operand.setdefault(tuple(read), []).append(link)
    for some in by_operand.values():
        names = list(dict.fromkeys(link.receiver for link in some))
        if len(names) > 1:
            groups.append((f"the gradients of {', '.join(names)}", some))
    vectors = [link for link in links if len(network.values.system.variables[link.receiver].shape) == 1]
    matrices = [link for link in links if link not in vectors]
    groups += [("the gradients of all vectors of parameters", vectors), ("the gradients of all matrices", matrices)]
    groups.append(("the gradients of all parameters", links))
    for said, chosen in groups:
        if not chosen:
            continue
        rank = 1 if len(chosen) == 1 or chosen is links else 2
        timed = [link for link in chosen if all(i.source[1] is not None for i in link.instances)]
        if length > 1 and timed and (len(timed) == len(chosen) or len(groups) - groups.index((said, chosen)) <= 3):
            for words, kept in (
                ("holds step 1 alone instead of the sum over time", lambda time: time == 1),
                ("holds step T alone instead of the sum over time", lambda time: time == length),
                ("leaves out step 1", lambda time: time != 1),
                ("leaves out step T", lambda time: time != length),
            ):
                verb = (
                    words if said.count("gradients") == 0 else words.replace("holds", "hold").replace("leaves", "leave")
                )
                yield Edit("sum", f"{said} {verb}", rank, scales={link.number: at_times(link, kept) for link in timed})
        for words, factor in (("time", 1 / length), ("the batch", 1 / batch), ("time and batch", 1 / length / batch)):
            yield Edit(
                "mean", f"{said}: averaged over {words} instead of summed", rank, scales=constant(chosen, factor)
            )
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
            if (
                other.name != own.name
                and other.shape == own.shape
                and other.timed == own.timed
                and other.role in (Role.DEFINED, Role.INTERMEDIATE)
            ):
                wrong, right = node_text(network, other.name), node_text(network, own.name)
                said = f"the gradient of {link.receiver} is made with the adjoint of {wrong} instead of that of {right}"
                yield Edit("delta", said, 2, senders={link.number: other.name})


FAMILIES: tuple[Callable[[Network], Iterator[Edit]], ...] = (
    truncation,
    states,
    added_up,
    overwritten,
    losses,
    repeated,
    loops,
    paths,
    derivatives,
    slopes_left_out,
    sums,
    transposes,
    deltas,
    operands,
    stale,
    shifted,
    wrapped,
    late_errors,
    orders,
    forwards,
)
