"""What is what in a model, by its graph: states, the output of its cell, its input, the cell and what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from sympy.utilities.iterables import strongly_connected_components

from rnnsym.errors import ModelError, suggestion
from rnnsym.language.model import Model
from rnnsym.language.syntax import Binary, Definition, Reference, Time, references, walk
from rnnsym.language.writing import written


class Anatomy:
    """The graph of a model's variables, and the parts that compositions speak of.

    >>> cell = Anatomy(Model('''
    ...     h[t] = tanh(W @ h[t-1] + U @ x[t])
    ...     y[t] = V @ h[t]
    ...     E[t] = squared_error(d[t], y[t])
    ... '''))
    >>> cell.output(), cell.input("h"), sorted(cell.states)
    ('h', 'x', ['h'])
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        #: For each variable with an equation, the variables that its equations read.
        self.reads: dict[str, set[str]] = {name: set() for name in model.names if name in model.defined}
        for definition in model.definitions:
            self.reads[definition.target.name] |= {node.name for node in references(definition.value)}
        self.losses = frozenset(definition.target.name for definition in model.losses)

    # The graph

    @cached_property
    def recurrent(self) -> frozenset[str]:
        """The variables that depend on their own values at other times."""
        edges = [(name, other) for name, others in self.reads.items() for other in others if other in self.reads]
        found: set[str] = set()
        for component in strongly_connected_components((list(self.reads), edges)):
            if len(component) > 1 or (component[0], component[0]) in edges:
                found |= set(component)
        return frozenset(found)

    @cached_property
    def states(self) -> dict[str, int]:
        """The recurrent variables that are read at another time, with the direction in which they run: 1 or -1."""
        found: dict[str, int] = {}
        for definition in self.model.definitions:
            reader = definition.target
            for node in references(definition.value):
                if node.name in self.recurrent and reader.name in self.recurrent and node.time is not None:
                    assert reader.time is not None
                    same = node.time.anchor == reader.time.anchor
                    offset = node.time.offset - reader.time.offset if same else 0
                    if offset and self._needs(node.name, reader.name):
                        found.setdefault(node.name, 1 if offset < 0 else -1)
        return found

    def _needs(self, name: str, other: str) -> bool:
        return other in self.ancestors([name])

    def direction(self, name: str) -> int | None:
        """In which direction of time a variable comes to its end; None where it mixes both, 0 where it has none."""
        component = {other for other in self.recurrent if self._needs(name, other) and self._needs(other, name)}
        own = {direction for state, direction in self.states.items() if state in component}
        if not own:
            below = {self.direction(other) for other in self.reads.get(name, ()) if other in self.reads} - {0}
            if len(below) > 1 or None in below:
                return None
            own = {direction for direction in below if direction}
        return next(iter(own), 0)

    def at_end(self, name: str, names: Mapping[str, str] | None = None) -> str:
        """A variable when its direction of time has come to the end, as text in which variables have new `names`.

        One that mixes both directions is put together from what each of them ends with.
        """
        direction = self.direction(name)
        own = [d.value for d in self.model.definitions if d.target.name == name]
        if direction is None and len(own) == 1:
            reads = {node for node in references(own[0]) if node.name in self.reads}
            if all(node.time == Time("t", 0) for node in reads):
                ends = {node: self.at_end(node.name, names) for node in reads}
                kept = names or {}
                return f"({written(own[0], refer=lambda node: ends.get(node) or kept.get(node.name, str(node)))})"
        return f"{(names or {}).get(name, name)}[{1 if direction == -1 else 'T'}]"

    def ancestors(self, names: Iterable[str]) -> frozenset[str]:
        """The variables with equations that these depend on, and these themselves."""
        found: set[str] = set()
        waiting = [name for name in names if name in self.reads]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [other for other in self.reads[name] if other in self.reads]
        return frozenset(found)

    # The parts of a composition

    def output(self, chosen: str | None = None) -> str:
        """The variable that hands the cell's states on: the first through which alone they reach the loss."""
        model = self.model
        candidates = [name for name in self.reads if name in model.timed and name not in self.losses]
        if chosen is not None:
            if chosen not in candidates:
                raise ModelError(
                    f"output: {model.name} computes no sequence '{chosen}'",
                    advice=suggestion(chosen, candidates) or f"it computes {', '.join(candidates) or 'none'}",
                )
            return chosen
        gates = [name for name in candidates if self.recurrent and self._is_gate(name)]
        if not gates:
            if not candidates:
                raise ModelError(f"{model.name} computes nothing at every step t that a composition could hand on")
            why = "leaves open which variable is its output" if self.recurrent else "has no recurrence"
            known = ", ".join(candidates)
            raise ModelError(
                f"{model.name} {why}", advice=f'name it, for example output="{candidates[-1]}"; it computes {known}'
            )
        vectors = [name for name in gates if len(model.shapes[name]) == 1]  # S[t] @ q[t] rather than the matrix S
        ordered = sorted(vectors or gates, key=lambda name: len(self.ancestors([name])))
        found = ordered[0]
        for name in ordered[1:]:
            if self._goes_on(found, name):
                found = name
        return found

    def _is_gate(self, name: str) -> bool:
        """Whether all ways from the states to the loss lead through a variable."""
        found: set[str] = set()
        waiting = list(self.losses)
        while waiting:
            reached = waiting.pop()
            if reached not in found and reached != name and reached in self.reads:
                found.add(reached)
                waiting += self.reads[reached]
        return not found & self.recurrent and bool(self.ancestors([name]) & self.recurrent)

    def input(self, output: str, chosen: str | None = None) -> str:
        """The input sequence from which an output is computed; scalars beside vectors are masks and weights."""
        model = self.model
        cell = self.ancestors([output])
        read = [name for name in model.sequences if any(name in self.reads[other] for other in cell)]
        if chosen is not None:
            if chosen not in read:
                known = f"it reads {', '.join(read)}" if read else "it reads none"
                raise ModelError(
                    f"input: {output} of {model.name} reads no sequence '{chosen}'",
                    advice=suggestion(chosen, read) or known,
                )
            return chosen
        arrays = [name for name in read if model.shapes[name]] or read
        if len(arrays) > 1:  # masks and places in a memory are multiplied by no weights
            arrays = [name for name in arrays if any(self._is_weighed(name, other) for other in cell)] or arrays
        if len(arrays) != 1:
            many = f"reads several sequences: {', '.join(arrays)}" if arrays else "reads no sequence that is handed in"
            raise ModelError(
                f"{output} of {model.name} {many}",
                advice=f'name the one that a layer hands on, for example input="{(arrays or ["x"])[0]}"',
            )
        return arrays[0]

    def _is_weighed(self, name: str, reader: str) -> bool:
        """Whether an equation for `reader` multiplies a sequence, or what holds it, by a matrix of parameters."""
        return any(
            isinstance(node, Binary) and node.operator == "@"
            and any(isinstance(one, Reference) and one.name in self.model.param_keys
                    and any(found.name == name for found in references(other))
                    for one, other in ((node.left, node.right), (node.right, node.left)))
            for definition in self.model.definitions if definition.target.name == reader
            for node in walk(definition.value)
        )  # fmt: skip

    def _goes_on(self, name: str, other: str) -> bool:
        """Whether a cell goes on beyond a gate: `h = r * c + (1 - r) * x` mixes what it holds with the input again."""
        reads, model = self.reads[other], self.model
        beside = self.ancestors(reads - {name}) | (reads - {name})
        handed = {key for own in beside for key in {own, *self.reads.get(own, ())} if key in model.sequences}
        return (
            name in reads
            and model.shapes[name] == model.shapes[other]
            and bool(handed)
            and not self._is_weighed(name, other)
        )

    def cell(self, output: str) -> tuple[list[Definition], list[Definition]]:
        """The equations that an output needs, and the others."""
        inside = self.ancestors([output])
        own = [definition for definition in self.model.definitions if definition.target.name in inside]
        return own, [definition for definition in self.model.definitions if definition.target.name not in inside]

    def parameters(self, definitions: Iterable[Definition]) -> list[str]:
        """The parameters that equations read."""
        read = {node.name for definition in definitions for node in references(definition.value)}
        return [name for name in self.model.parameters if name in read]
