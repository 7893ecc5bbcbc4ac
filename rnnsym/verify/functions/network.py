"""The backward pass as a network of links, evaluated for many edited copies at once.

A link is one term of one local derivative: the equation c[t] = f[t] c[t-1] + ... has a link from c[t] to c[t-1] with
the coefficient f[t], and one from c[t] to f[t] with the coefficient c[t-1]. The adjoint of a value is the sum over its
links of coefficient times adjoint. An edit replaces or scales coefficients; since every copy is linear in them, all
copies pass through the network together, with one more axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Expr

from rnnsym.calculus.rules import partial_derivatives
from rnnsym.calculus.visits import influential
from rnnsym.checks.kits import Array
from rnnsym.checks.sizes import variable
from rnnsym.equations.indexed import Access, Equation, Term, accesses, indices_in
from rnnsym.language.timing import at_length
from rnnsym.verify.functions.edit import Edit, Instance, Limit, Link
from rnnsym.verify.functions.values import Node, Values

#: How many copies go through the network at a time: few enough for the cache, many enough to pay for a call.
CHUNK = 1500


class Network:
    """The links of a model for given data.

    arrays: the array in which the function keeps a parameter, where it keeps several as one, in their order.
    """

    def __init__(self, values: Values, arrays: Mapping[str, str] | None = None) -> None:
        self.values = values
        self.arrays = dict(arrays or {})
        self.blocks = tuple(self.arrays)
        self.batch = max((array.shape[0] for array in values.known.values()), default=1)
        self.links = tuple(self._links())
        self._coefficients: dict[Any, list[Array]] = {}
        self._formulas: dict[Any, str] = {}
        self._out: dict[Node, list[tuple[Link, int]]] = {}
        for link in self.links:
            for position, instance in enumerate(link.instances):
                self._out.setdefault(instance.source, []).append((link, position))
        self.order = self._backwards()

    def _backwards(self) -> list[Node]:
        """The values from the last to the first, each as late as it can be: what feeds the same stands together."""
        depth: dict[Node, int] = {}
        for node in self.values.order:
            receivers = (link.instances[position].receiver for link, position in self._out.get(node, ()))
            depth[node] = 1 + max((depth.get(receiver, 0) for receiver in receivers), default=0)
        latest_first = self.values.order[::-1]
        return sorted(latest_first, key=lambda node: -depth[node])

    def _forwards(self) -> list[Node]:
        """The same for a loop that runs forwards in time: step by step, before and after them what has no time."""
        timed = [place for place, node in enumerate(self.order) if node[1] is not None]
        head, tail = self.order[: timed[0]], [node for node in self.order[timed[0] :] if node[1] is None]
        steps = [node for node in self.order if node[1] is not None]
        return [*head, *sorted(steps, key=lambda node: node[1] or 0), *tail]

    def _links(self) -> Iterable[Link]:
        system = self.values.system
        counting = influential(system)
        number = 0
        for equation in system.equations:
            if equation.name not in counting:
                continue
            for term in equation.terms:
                for place in accesses(term, system.variables):
                    for factors in partial_derivatives(term, equation, place.element):
                        if factors == (0,):
                            continue
                        instances = tuple(self._instances(equation, term, place))
                        yield Link(number, equation, term, place, factors, instances)
                        number += 1

    def _instances(self, equation: Equation, term: Term, place: Access) -> Iterable[Instance]:
        length = self.values.length
        for time in (None,) if equation.interval is None else equation.interval.bounds(length):
            if term.when is None or time in term.when.bounds(length):
                for times in self.values.moments(term, time):
                    at = self.values.moment(place.time, times)
                    yield Instance((equation.name, time), (place.name, at), times)

    # Coefficients

    def coefficients(self, link: Link, factors: tuple[Expr, ...] | None = None) -> list[Array]:
        """The coefficient at each instance, with the axes (B, *indices of `letters`)."""
        key = (link.number, factors)
        if key not in self._coefficients:
            chosen = link.factors if factors is None else factors
            keep = self._kept(link, chosen)
            lengths = dict(zip(link.place.indices, self.values.lengths(self._shape(link)), strict=True))
            found = []
            with np.errstate(all="ignore"):
                for instance in link.instances:
                    array = self.values.product(chosen, keep, instance.times, link.equation, lengths)
                    full = [
                        lengths[index]
                        if size == 1 and index in lengths and index not in link.equation.indices
                        else size
                        for index, size in zip(keep, array.shape[1:], strict=True)
                    ]
                    found.append(np.broadcast_to(array, (self.batch, *full)))
            self._coefficients[key] = found
        return self._coefficients[key]

    def _shape(self, link: Link) -> tuple[Expr, ...]:
        return self.values.system.variables[link.receiver].shape

    def _kept(self, link: Link, factors: tuple[Expr, ...]) -> list[Any]:
        """The indices that a coefficient keeps: those that stand in it, and those that nothing else has."""
        inside = set().union(*(indices_in(factor) for factor in factors)) if factors else set()
        own = list(dict.fromkeys((*link.equation.indices, *link.place.indices)))
        return [index for index in own if index in inside or index not in link.equation.indices]

    def _formula(self, link: Link, factors: tuple[Expr, ...] | None) -> str:
        """The contraction in einsum's letters; the batch is summed for a parameter."""
        key = (link.number, factors)
        if key not in self._formulas:
            chosen = link.factors if factors is None else factors
            every = list(dict.fromkeys((*link.equation.indices, *link.place.indices)))
            letter = {index: chr(97 + position) for position, index in enumerate(every)}
            coefficient = "".join(letter[index] for index in self._kept(link, chosen))
            source = "".join(letter[index] for index in link.equation.indices)
            receiver = "".join(letter[index] for index in link.place.indices)
            batch = "" if link.receiver in self.values.model.parameters else "Y"
            self._formulas[key] = f"Y{coefficient},ZY{source}->Z{batch}{receiver}"
        return self._formulas[key]

    # The passes

    def gradients(self, keys: Sequence[str], edits: Sequence[tuple[Edit, ...]] = ((),)) -> dict[str, Array]:
        """The gradients of `keys` in each copy, `(copies, *shape)`; a copy is what its edits together make."""
        found: list[dict[str, Array]] = []
        rows: list[tuple[tuple[Edit, ...], tuple[Mapping[int, tuple[float, ...]], ...]]] = []
        starts: list[int] = []
        for number, chosen in enumerate(edits):
            combinations: list[tuple[Mapping[int, tuple[float, ...]], ...]] = [()]
            for edit in chosen:
                combinations = [(*before, part) for before in combinations for part in edit.parts]
            starts.append(len(rows))
            rows += [(chosen, combination) for combination in combinations]
            if len(rows) >= CHUNK or number == len(edits) - 1:
                part = self._passes(keys, rows)
                found.append({key: np.add.reduceat(array, starts, axis=0) for key, array in part.items()})
                rows, starts = [], []
        return {key: np.concatenate([part[key] for part in found]) for key in keys}

    def _passes(self, keys: Sequence[str], rows: Sequence[Any]) -> dict[str, Array]:
        """A few copies, those whose loop runs forwards by themselves."""
        ahead = np.array([any(edit.forwards for edit in chosen) for chosen, _ in rows], bool)
        if not ahead.any():
            return self._chunk(keys, rows)
        found: dict[str, Array] = {}
        for flag in (False, True):
            which = np.flatnonzero(ahead == flag).tolist()
            part = self._chunk(keys, [rows[n] for n in which], flag) if len(which) else {}
            for key, array in part.items():
                found.setdefault(key, np.empty((len(rows), *array.shape[1:])))[which] = array
        return found

    def _chunk(self, keys: Sequence[str], rows: Sequence[Any], ahead: bool = False) -> dict[str, Array]:
        copies = len(rows)
        plan = Plan(self, rows)
        adjoints: dict[Node, Array] = {(self.values.system.loss, None): np.ones((copies, self.batch))}
        for name, which in plan.from_one.items():
            shape = self.values.lengths(self.values.system.variables[name].shape)
            start = adjoints[name, self.values.length] = np.zeros((copies, self.batch, *shape))
            start[which] = 1.0
        carried: dict[Node, Array] = {}
        wanted = self._wanted(keys)
        with np.errstate(all="ignore"):
            for node in self._forwards() if ahead else self.order:
                plan.limit(node, adjoints, carried)
                if node in adjoints:
                    for link, position in self._out.get(node, ()):
                        into = carried if link.crosses_time else adjoints
                        self._pass(link, position, adjoints, into, plan, ahead)
            for node in list(carried):
                plan.limit(node, adjoints, carried)
        found = {key: self._collected(nodes, key, adjoints, copies) for key, nodes in wanted.items()}
        early = [row for row, (chosen, _) in enumerate(rows) if any(edit.stops_early for edit in chosen)]
        if early:
            for key, ((name, time), *_) in wanted.items():
                if time is not None and time < 1 and (name, time + 1) in adjoints:
                    found[key] = np.array(found[key])
                    found[key][early] = adjoints[name, time + 1][early]
        return found

    def _pass(
        self, link: Link, position: int, adjoints: dict[Node, Array], into: dict[Node, Array], plan: Plan,
        ahead: bool = False,
    ) -> None:  # fmt: skip
        """Add what one link passes back at one time."""
        instance = link.instances[position]
        source = adjoints[instance.source]
        result = np.einsum(self._formula(link, None), self.coefficients(link)[position], source)
        for edit, which in plan.replaced.get(link.number, ()):
            if position not in edit.only.get(link.number, (position,)):
                continue
            factors = edit.coefficients.get(link.number)
            sender = edit.senders.get(link.number)
            adjoint = source[which]
            if sender is not None:
                other = adjoints.get((sender, instance.source[1]))
                adjoint = np.zeros_like(adjoint) if other is None else other[which]
            changed = self.coefficients(link, factors)[position]
            if link.number in edit.arrays:
                changed = edit.arrays[link.number](changed)
            result[which] = np.einsum(self._formula(link, factors), changed, adjoint)
        scale = plan.scale(link, position)
        if scale is not None:
            result *= scale.reshape(-1, *(1,) * (result.ndim - 1))
        receiver = self._next(instance) if ahead and link.crosses_time else instance.receiver
        before = into.get(receiver)
        into[receiver] = result if before is None else before + result
        rows = plan.repeated.get(link.number)
        for time in range(1, instance.receiver[1] or 1) if rows else ():
            node = (link.receiver, time)
            into[node] = np.array(into[node]) if node in into else np.zeros_like(result)
            into[node][rows] += result[rows]

    def _next(self, instance: Instance) -> Node:
        """Where a loop forwards in time adds what belongs to an earlier step; to the first state, what is left over."""
        (name, early), late = instance.receiver, instance.source[1]
        if early is None or late is None:
            return instance.receiver
        return (name, 2 * late - early if 2 * late - early <= self.values.length else 0)

    def _wanted(self, keys: Sequence[str]) -> dict[str, list[Node]]:
        model, length = self.values.model, self.values.length
        given = {f"{name}[{time}]": (name, at_length(time, length)) for name, time in model.given}
        return {
            key: [(key, step) for step in range(1, length + 1)]
            if key in model.sequences
            else [given.get(key, (variable(key), None))]
            for key in keys
        }

    def _collected(self, nodes: list[Node], key: str, adjoints: Mapping[Node, Array], copies: int) -> Array:
        """The adjoint of one array of the data, with the axes (copies, T, B, ...)."""
        model = self.values.model
        shape = self.values.lengths(model.shapes[variable(key)])
        batch = () if key in model.parameters else (self.batch,)
        empty = np.zeros((copies, *batch, *shape))
        arrays = [np.broadcast_to(adjoints.get(node, empty), empty.shape) for node in nodes]
        return np.stack(arrays, axis=1) if key in model.sequences else np.asarray(arrays[0])


class Plan:
    """Which copies are edited at which link."""

    def __init__(self, network: Network, rows: Sequence[Any]) -> None:
        self.copies = len(rows)
        by_edit: dict[int, tuple[Edit, list[int]]] = {}
        scaled: dict[int, list[tuple[int, tuple[float, ...]]]] = {}
        for row, (chosen, parts) in enumerate(rows):
            for edit in chosen:
                if edit.replaced:
                    by_edit.setdefault(id(edit), (edit, []))[1].append(row)
                for number, numbers in edit.scales.items():
                    scaled.setdefault(number, []).append((row, numbers))
            for part in parts:
                for number, numbers in part.items():
                    scaled.setdefault(number, []).append((row, numbers))
        self.replaced: dict[int, list[tuple[Edit, Array]]] = {}
        for edit, which in by_edit.values():
            for number in edit.replaced:
                self.replaced.setdefault(number, []).append((edit, np.array(which)))
        self.repeated = _rows(rows, lambda edit: edit.repeated)
        self._limits: dict[str, list[tuple[int, Limit]]] = {}
        for row, (chosen, _) in enumerate(rows):
            for edit in chosen:
                if edit.limit is not None:
                    self._limits.setdefault(edit.limit.variable, []).append((row, edit.limit))
        self._added_up = _rows(rows, lambda edit: edit.added_up)
        self._never_reset = _rows(rows, lambda edit: edit.never_reset)
        self.from_one = _rows(rows, lambda edit: edit.from_one)
        self._before: dict[str, Array] = {}
        self._last: dict[str, Array] = {}
        self._scales: dict[int, Array] = {}
        for number, entries in scaled.items():
            table = np.ones((len(network.links[number].instances), self.copies))
            for row, numbers in entries:
                table[:, row] *= numbers
            self._scales[number] = table

    def limit(self, node: Node, adjoints: dict[Node, Array], carried: dict[Node, Array]) -> None:
        """Add what arrived from later steps to the adjoint of a value, each clipped in the copies that ask for it."""
        late = carried.pop(node, None)
        if late is not None and node[0] in self._added_up:
            rows = self._added_up[node[0]]
            late = np.array(late)
            late[rows] += self._before[node[0]][rows] if node[0] in self._before else 0.0
            self._before[node[0]] = late
        for row, limit in self._limits.get(node[0], ()):
            for array in (late,) if limit.carried else ():
                if array is not None:
                    limit.cut(array[row, ...])
        if late is not None:
            adjoints[node] = adjoints[node] + late if node in adjoints else late
        if node[0] in self._never_reset and node in adjoints:
            rows = self._never_reset[node[0]]
            adjoints[node] = np.array(adjoints[node])
            adjoints[node][rows] += self._last[node[0]][rows] if node[0] in self._last else 0.0
            self._last[node[0]] = adjoints[node]
        for row, limit in self._limits.get(node[0], ()):
            if not limit.carried and node in adjoints:
                adjoints[node] = np.array(adjoints[node])
                limit.cut(adjoints[node][row, ...])

    def scale(self, link: Link, position: int) -> Array | None:
        """The factor of each copy, None where it is one for all."""
        table = self._scales.get(link.number)
        return None if table is None else table[position]


def _rows(rows: Sequence[Any], named: Callable[[Edit], Iterable[Any]]) -> dict[Any, list[int]]:
    """The copies in which an edit names something, by what it names."""
    found: dict[Any, list[int]] = {}
    for row, (chosen, _) in enumerate(rows):
        for name in {name for edit in chosen for name in named(edit)}:
            found.setdefault(name, []).append(row)
    return found
