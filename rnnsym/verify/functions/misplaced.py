"""Adjoints in the wrong place: blocks of gates stacked in another order, a loop in the wrong direction."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from rnnsym.equations.indexed import Role, elements, name_of, whole_function
from rnnsym.verify.functions.edit import Edit, Link
from rnnsym.verify.functions.links import is_parameter
from rnnsym.verify.functions.network import Network

#: Of more blocks than these only two at a time are exchanged.
MOST_BLOCKS = 4


def orders(network: Network) -> Iterator[Edit]:
    """The blocks of gates that are kept as one array have another order in the backward pass."""
    for group in stacked(network):
        names = [block_name(network, name) for name in group]
        links = [link for link in network.links if link.source in group and link.instances]
        shares = [link for link in links if is_parameter(network, link)]
        what = ", ".join(dict.fromkeys(f"d{name}" for name in whole_names(network, shares)))
        for order in rearranged(group):
            senders = dict(zip(group, order, strict=True))
            moved = [names[group.index(name)] for name in order]
            said = f"are in the order {', '.join(moved)}; the forward pass has {', '.join(names)}"
            own = f"the blocks of {what} {said}" if network.arrays else f"the gradients of the gates' parameters {said}"
            for chosen, text in (
                (shares, own),
                (links, f"the blocks of the gates {said}, where they are multiplied by a matrix, too"),
            ):
                changed = {link.number: senders[link.source] for link in chosen if senders[link.source] != link.source}
                yield Edit("order", text, 1, senders=changed, detail={"order": tuple(moved)})


def stacked(network: Network) -> Iterator[list[str]]:
    """Pre-activations of one shape that parameters of like shapes lead to, in the order in which these are stacked."""
    variables = network.values.system.variables
    links = [link for link in network.links if is_parameter(network, link) and link.instances]
    groups: dict[object, list[str]] = {}
    for name in dict.fromkeys(link.source for link in links):
        own = variables[name]
        if not own.timed or own.role not in (Role.INTERMEDIATE, Role.DEFINED):
            continue
        kinds = sorted(str(variables[link.receiver].shape) for link in links if link.source == name)
        groups.setdefault((own.shape, tuple(kinds)), []).append(name)
    for group in groups.values():
        if len(group) > 1:
            yield sorted(group, key=lambda name: min(place(network, link) for link in links if link.source == name))


def place(network: Network, link: Link) -> int:
    """The place of a parameter's block in the array in which the function keeps it."""
    return network.blocks.index(link.receiver) if link.receiver in network.blocks else len(network.blocks)


def rearranged(group: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Every other order of a few; of many, those in which two are exchanged."""
    if len(group) <= MOST_BLOCKS:
        yield from list(itertools.permutations(group))[1:]
        return
    for one, other in itertools.combinations(range(len(group)), 2):
        order = list(group)
        order[one], order[other] = order[other], order[one]
        yield tuple(order)


def block_name(network: Network, name: str) -> str:
    """A gate by its name: that of the function of its pre-activation."""
    for equation in network.values.system.equations:
        function = whole_function(equation)
        if function is not None and any(name_of(element) == name for element in elements(function)):
            return equation.name
    return name


def whole_names(network: Network, links: Sequence[Link]) -> Iterator[str]:
    """What the function calls the arrays of these parameters; their own names where they are kept apart."""
    for link in links:
        yield network.arrays.get(link.receiver, link.receiver)


def forwards(network: Network) -> Iterator[Edit]:
    """The loop of the backward pass runs forwards in time."""
    if network.values.length > 1 and any(link.crosses_time for link in network.links):
        said = "the loop of the backward pass runs forwards in time: what belongs to step t-1 is added at step t+1"
        yield Edit("loop", said, 1, forwards=True)
