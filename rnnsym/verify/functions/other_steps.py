"""Values of another step: of the last one, of a neighbour, from the wrong end of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sympy import Expr

from rnnsym.equations.indexed import Access, Role, T, access, elements, t, whole_function
from rnnsym.verify.functions.edit import Edit, Link
from rnnsym.verify.functions.links import is_parameter
from rnnsym.verify.functions.network import Network


def stored(network: Network) -> tuple[list[str], list[str]]:
    """The values of a step that coefficients are made of; and of these the gates, which the next states are made of."""
    variables = network.values.system.variables
    by_name = dict.fromkeys(
        place.name
        for link in network.links
        for place in read(network, link)
        if place.time == t and variables[place.name].role is Role.DEFINED
    )
    crossing = {link.receiver for link in network.links if link.crosses_time}
    inside, size = set(crossing), 0
    while len(inside) > size:
        size = len(inside)
        inside |= {link.receiver for link in network.links if link.source in inside}
    return list(by_name), [name for name in by_name if name in inside and name not in crossing]


def read(network: Network, link: Link) -> list[Access]:
    """What the coefficient of a link is made of."""
    return [access(e, network.values.system.variables) for factor in link.factors for e in elements(factor)]


def put_in(link: Link, elements: Mapping[Expr, Expr]) -> tuple[Expr, ...]:
    """The coefficient of a link with other elements in it."""
    return tuple(factor.xreplace(elements) for factor in link.factors)


def shifted(network: Network) -> Iterator[Edit]:
    """The gates of another step, as of a list that is read at t+1 or t-1; where there is none, those of the step."""
    length, variables = network.values.length, network.values.system.variables
    gates = stored(network)[1]
    for step in (1, -1) if length > 1 and gates else ():
        chosen, only = {}, {}
        for link in network.links:
            other = {
                place.element: variables[place.name].at(t + step, *place.indices)
                for place in read(network, link)
                if place.name in gates and place.time == t
            }
            if other:
                chosen[link.number] = put_in(link, other)
                only[link.number] = frozenset(
                    n for n, i in enumerate(link.instances) if 1 <= (i.source[1] or 0) + step <= length
                )
        names = ", ".join(gates)
        text = (
            f"what {names} had one step {'later' if step > 0 else 'before'} {'stands' if len(gates) == 1 else 'stand'}"
        )
        yield Edit("operand", f"{text} for {', '.join(f'{g}[t]' for g in gates)}", 2, coefficients=chosen, only=only)


def stale(network: Network) -> Iterator[Edit]:
    """Values of the last step stand for those of every step, as of variables that a loop forwards has left behind."""
    if network.values.length < 2:
        return
    variables = network.values.system.variables
    by_name, gates = stored(network)
    yield from _one_array(network, by_name)
    plain = [link for link in network.links if whole_function(link.equation) is None]
    groups = [[name] for name in by_name] + ([gates] if len(gates) > 1 else [])
    for names in groups + ([list(by_name)] if list(by_name) not in groups else []):
        shown = ", ".join(f"{name}[t]" for name in names)
        verb = "stands" if len(names) == 1 else "stand"
        text = f"what {', '.join(names)} had at the last step {verb} for {shown} at every step"
        for links, where in ((network.links, ""), (plain, ", but for the derivatives of functions")):
            chosen = {}
            for link in links:
                every = read(network, link)
                last = {
                    place.element: variables[place.name].at(T, *place.indices)
                    for place in every
                    if place.name in names and place.time == t
                }
                if last:
                    chosen[link.number] = put_in(link, last)
            yield Edit("operand", text + where, 2, coefficients=chosen)


def _one_array(network: Network, names: list[str]) -> Iterator[Edit]:
    """A list that holds one and the same array at all its places, which was changed in place: its last value."""
    variables = network.values.system.variables
    for name in names:
        chosen, only = {}, {}
        for link in network.links:
            places = [place for place in read(network, link) if place.name == name and place.time in (t, t - 1)]
            if places:
                last = {place.element: variables[name].at(T, *place.indices) for place in places}
                chosen[link.number] = put_in(link, last)
                early = any(place.time == t - 1 for place in places)
                only[link.number] = frozenset(
                    n for n, i in enumerate(link.instances) if not early or (i.source[1] or 2) > 1
                )
        if any(place.time == t - 1 and place.name == name for link in network.links for place in read(network, link)):
            text = f"{name}[T] stands for {name}[t] and {name}[t-1] at every step (one array, changed in place?)"
            yield Edit("operand", text, 2, coefficients=chosen, only=only)


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
            places = read(network, link)
            last = {p.element: variables[p.name].at(T, *p.indices) for p in places if p.time == t}
            if last and not is_parameter(network, link):
                found[link.number] = put_in(link, last)
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
        places = read(network, link)
        early = [place for place in places if place.time is not None and place.time == t - 1]
        where = frozenset(n for n, instance in enumerate(link.instances) if instance.source[1] == 1)
        for name in dict.fromkeys(place.name for place in early) if where else ():
            last = {place.element: variables[name].at(T, *place.indices) for place in early if place.name == name}
            every.setdefault(name, {})[link.number] = put_in(link, last)
            first[link.number] = where
    for name, chosen in every.items():
        text = f"in step 1, {name}[T] stands for {name}[0]"
        outer = {number: new for number, new in chosen.items() if is_parameter(network, network.links[number])}
        told = ((chosen, "wherever it is needed"), (outer, "in the gradients of the parameters"))
        for some, where_told in told:
            only = {number: first[number] for number in some}
            yield Edit("operand", f"{text} {where_told} (index -1 of a list)", 1, coefficients=some, only=only)
