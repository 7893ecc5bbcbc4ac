"""Choosing links of a network, and scales for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rnnsym.verify.functions.edit import Link
from rnnsym.verify.functions.network import Network


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
