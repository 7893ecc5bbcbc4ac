"""Random well-formed recurrent models, written as text by a grammar.

`choose` makes every decision, so that hypothesis, a random generator or a list of fixed choices can drive it. The
models are well-formed by construction: an equation reads only what is known where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rnnsym.checks import grammar
from rnnsym.checks.places import Axis, Place, Shape, Variable, readable

HOLE = re.compile(r"<(?:(\d)=)?([a-z]+)((?: [a-z+]+)*)>|<(\d)>")
#: What stands around a whole argument, which needs no parentheses.
ALONE_BEFORE, ALONE_AFTER = re.compile(r"(^|\(|, )$"), re.compile(r"$|[),]")
LETTERS = ("n", "m", "p", "q")
TIME = re.compile(r"\[(t|T|)([+-]?\d+|)\]")


@dataclass(frozen=True)
class Composed:
    """A model's text, and what `Model` has to be told besides.

    `ranks` says what each variable was meant to be (0 a scalar, 1 a vector, 2 a matrix): for a test of the shapes that
    `Model` makes of the equations.
    """

    text: str
    sizes: dict[str, Any]
    inputs: tuple[str, ...]
    ranks: dict[str, int]


@dataclass
class Composer:
    """Writes one model. Every decision is a call of `choose`, whose first option is the simplest."""

    choose: Callable[[Sequence[Any]], Any]
    lines: list[str] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    parameters: list[Variable] = field(default_factory=list)
    inputs: list[Variable] = field(default_factory=list)
    axes: list[Axis] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    # The plan of a model

    def compose(self) -> Composed:
        """Inputs, layers of states (a later layer may decode an earlier one), read-outs and losses."""
        letters = LETTERS[: self.choose((2, 1, 3))]
        self.axes = [(letter,) for letter in letters]
        timed = not self.rarely()
        if timed and self.rarely():
            self.axes.append(_sum((letters[0],), (letters[-1],)))
        for _ in range(self.choose((1, 2))):
            self.input("x", self.any_shape(), timed)
        if self.rarely():
            self.input("s", self.any_shape(), timed=False)
        if self.rarely():
            self.untimed("k", self.choose(("vector", "matrix", "scalar")), Place(-1, ""))
        layers = self.choose((1, 1, 2))
        for layer in range(layers):
            # The even layers hold states, the odd ones what is read off the states when they are complete.
            first = len(self.lines)
            self.states(2 * layer, timed)
            if timed and self.rarely():  # a layer that runs backwards is one that runs forwards, seen in a mirror
                self.lines[first:] = [TIME.sub(mirrored, line) for line in self.lines[first:]]
            if self.rarely():
                self.read_out(2 * layer + 1, timed)
        for _ in range(self.choose((1, 1, 2, 3))):
            self.loss(2 * layers, timed)
        if timed and not self.has_sequence():
            target = self.input("target", (self.axes[0],), timed=True)
            loss = self.fill(
                f"squared_error({target.name}[t], <known n>)", {"n": self.axes[0]}, Place(2 * layers, "t"), 0
            )
            self.lines.append(f"{self.named('E')}[t] = {loss}")
        order = self.choose(("as written", "sorted", "reversed"))
        lines = {"as written": self.lines, "sorted": sorted(self.lines), "reversed": self.lines[::-1]}[order]
        inputs = tuple(found.name for found in self.inputs if self.mentions(found.name))
        every = (*self.variables, *self.parameters)
        ranks = {found.name: len(found.shape) for found in every if self.mentions(found.name)}
        return Composed("\n".join(lines), self.declarations(), inputs, ranks)

    def states(self, layer: int, timed: bool) -> None:
        """States that read each other at lags; what is written already, they read at the same time."""
        shapes = [self.any_shape() for _ in range(self.choose((1, 2, 3)))]
        states = [self.new("h", shape, layer, timed, ready=False) for shape in shapes]
        for state in states:
            kind = ("scalar", "vector", "matrix")[len(state.shape)]
            places = self.choose(((), (), ("0",), ("1",), ("T",), ("0", "1"), ("1", "T"))) if timed else ()
            for time in places:
                self.define(state, f"{kind} {'state' if time == 'T' else 'start'}", Place(layer, time, state), 1)
            depth = self.choose((1, 2, 3))
            self.define(state, f"{kind} state" if timed else kind, Place(layer, "t" if timed else "", state), depth)
            state.ready = True
            if self.rarely():
                self.cut(Place(layer, "t" if timed else ""))

    def cut(self, place: Place) -> None:
        """Two variables that are the parts of one vector."""
        first, second = (self.choose(self.plain_axes()) for _ in range(2))
        whole = self.fill(self.choose(grammar.WHOLES), {"k": first, "j": second}, place, 0)
        parts = [self.new("p", (axis,), place.layer, bool(place.time)) for axis in (first, second)]
        self.lines.append(f"{', '.join(part.reference('t') for part in parts)} = split({whole})")

    def read_out(self, layer: int, timed: bool) -> None:
        """A variable without time, made of what the layers below end with or amount to."""
        axis = self.choose(self.plain_axes())
        if not timed or self.flip():
            self.untimed("y", self.choose(("linear", "vector", "scalar")), Place(layer, ""))
            return
        template = self.choose(
            ("mean(<moving n>)", "sum(<moving n> * <known n>) / 4", "mean(tanh(<weight n m> @ <moving m>))")
        )
        text = self.fill(template, {"n": axis}, Place(layer, "t"), 0)
        found = self.new("m", (axis,), layer)
        self.lines.append(f"{found.name} = {text}")

    def untimed(self, prefix: str, kind: str, place: Place) -> None:
        shape = tuple(self.choose(self.plain_axes()) for _ in range({"scalar": 0, "matrix": 2}.get(kind, 1)))
        found = self.new(prefix, shape, place.layer, ready=False)
        self.define(found, kind, place, 1)
        found.ready = True

    def loss(self, layer: int, timed: bool) -> None:
        name = self.named("E")
        form = self.choose(("step", "total", "last", "read-out", "inline", "regulariser")) if timed else "read-out"
        depth = self.choose((0, 1, 2))
        if form == "read-out":
            if self.flip():
                self.read_out(layer, timed)
            self.lines.append(f"{name} = {self.produce('loss', {}, Place(layer, ''), depth)}")
        elif form == "last":
            self.lines.append(f"{name}[T] = {self.produce('loss', {}, Place(layer, 'T'), depth)}")
        elif form == "inline":
            text = self.fill(self.choose(grammar.INLINE_LOSSES), {}, Place(layer, "t"), 0)
            self.lines.append(f"{name} = {text}")
        elif form == "regulariser":
            self.lines.append(f"{name} = {self.fill(self.choose(grammar.REGULARISERS), {}, Place(layer, ''), 0)}")
        else:
            if self.rarely():
                self.lines.append(f"{name}[1] = {self.produce('loss', {}, Place(layer, '1'), depth)}")
            self.lines.append(f"{name}[t] = {self.produce('loss', {}, Place(layer, 't'), depth)}")
            if form == "total":
                total = self.fill(self.choose(grammar.TOTALS), {}, Place(layer, ""), 0)
                self.lines.append(f"{self.named('L')} = {total.replace('E[t]', f'{name}[t]')}")

    # Expressions

    def define(self, variable: Variable, kind: str, place: Place, depth: int) -> None:
        left = f"{variable.name}[{place.time}]" if place.time else variable.name
        self.lines.append(f"{left} = {self.produce(kind, dict(zip('nm', variable.shape, strict=False)), place, depth)}")

    def produce(self, kind: str, letters: dict[str, Axis], place: Place, depth: int) -> str:
        options = grammar.GRAMMAR[kind]
        simplest = depth <= 0 and not kind.endswith((" state", " start", "loss"))
        return self.fill(options[0] if simplest else self.choose(options), letters, place, depth - 1)

    def fill(self, template: str, letters: dict[str, Axis], place: Place, depth: int) -> str:
        """A production with its holes filled, from left to right."""
        letters = dict(letters)
        remembered: dict[str, str] = {}

        def filled(hole: re.Match[str]) -> str:
            label, kind, names, repeated = hole.groups()
            if repeated:
                return remembered[repeated]
            for name in re.findall("[a-z]", names):
                # The parts of a concatenation have names: a sum of unknown sizes could not be told apart.
                axes = self.plain_axes() if "+" in names else self.axes
                letters[name] = letters.get(name) or self.choose(axes)
            shape = tuple(_sum(*(letters[name] for name in size.split("+"))) for size in names.split())
            text = self.value(kind, shape, place, depth)
            alone = ALONE_BEFORE.search(template[: hole.start()]) and ALONE_AFTER.match(template[hole.end() :])
            text = text if alone or _is_atom(text) else f"({text})"
            remembered[label] = text
            return text

        return HOLE.sub(filled, template)

    def value(self, kind: str, shape: Shape, place: Place, depth: int) -> str:
        """What stands in a hole."""
        match kind:
            case "known":
                return self.known(shape, place, depth)
            case "moving":
                return self.moving(shape, place)
            case "lag":
                return self.lag(place)
            case "gate":
                return self.gate(shape, place, depth)
            case "target":
                return self.target(shape, place)
            case "any":
                return self.any_parameter()
            case "weight" | "bias" | "factor" | "tensor":
                return self.parameter(shape)
            case "size":
                return "+".join(shape[0])
            case "number":
                return str(self.choose(grammar.NUMBERS))
            case "damping":
                return str(self.choose(grammar.DAMPING))
            case "power":
                return str(self.choose(grammar.POWERS))
            case "function":
                return str(self.choose(grammar.functions()))
            case "jump":
                return str(self.choose(grammar.jumps()))
            case "unbounded":
                return self.fill(self.choose(grammar.unbounded()), {"n": shape[0]}, place, depth)
        return self.produce(kind, dict(zip("nm", shape, strict=False)), place, depth)

    def known(self, shape: Shape, place: Place, depth: int) -> str:
        options = [text for variable in self.variables if variable.shape == shape for text in readable(variable, place)]
        if options and not (depth > 0 and self.rarely()):
            return str(self.choose(options))
        if len(shape) == 1 and len(shape[0]) > 1:
            parts = [self.value("vector", ((letter,),), place, depth - 1) for letter in shape[0]]
            return f"concat({', '.join(parts)})"
        if any(len(axis) > 1 for axis in shape):  # nothing would tell the sizes of a parameter
            return self.fill("outer(<vector n>, <vector m>)", dict(zip("nm", shape, strict=True)), place, depth)
        return self.parameter(shape)

    def moving(self, shape: Shape, place: Place) -> str:
        """Something with [t] in it, for a sum over time."""
        options = [text for v in self.variables if v.shape == shape for text in readable(v, place) if "[t" in text]
        return str(self.choose(options)) if options else self.input("x", shape, timed=True).reference("t")

    def lag(self, place: Place) -> str:
        assert place.state is not None
        time = "T-1" if place.time == "T" else self.choose(("t-1", "t-1", "t-2", "t-3"))
        return place.state.reference(time)

    def gate(self, shape: Shape, place: Place, depth: int) -> str:
        """A gate is an equation of its own where it stands in one for every t, as papers write it."""
        text = f"sigmoid({self.produce('linear', {'n': shape[0]}, place, depth - 1)})"
        if place.time not in ("t", "") or depth < 0:
            return text
        found = self.new("z", shape, place.layer, timed=place.time == "t")
        self.lines.append(f"{found.reference('t')} = {text}")
        return found.reference("t")

    def target(self, shape: Shape, place: Place) -> str:
        timed = any(variable.timed for variable in self.variables)
        options = [v for v in self.variables if v.name.startswith("target") and v.shape == shape]
        if options:
            return str(self.choose(options).reference(place.time or "T"))
        plain = all(len(axis) == 1 for axis in shape)
        return self.input("target", shape, timed and not (plain and self.rarely())).reference(place.time or "T")

    def parameter(self, shape: Shape) -> str:
        shared = [v.name for v in self.parameters if v.shape == shape]
        shared += [f"{v.name}.T" for v in self.parameters if len(shape) == 2 and v.shape == shape[::-1]]
        if shared and self.rarely():
            return str(self.choose(shared))
        found = Variable(self.named("abWK"[len(shape)]), shape)
        self.parameters.append(found)
        return found.name

    def any_parameter(self) -> str:
        names = [parameter.name for parameter in self.parameters]
        return str(self.choose(names)) if names else self.parameter((self.axes[0],))

    # Names and sizes

    def new(self, prefix: str, shape: Shape, layer: int = -1, timed: bool = False, ready: bool = True) -> Variable:
        found = Variable(self.named(prefix), shape, layer, timed, ready)
        self.variables.append(found)
        return found

    def input(self, prefix: str, shape: Shape, timed: bool) -> Variable:
        if not timed:  # has to be declared
            shape = tuple(axis[:1] for axis in shape)
        found = self.new(prefix, shape, timed=timed)
        if not timed:
            self.inputs.append(found)
        return found

    def named(self, prefix: str) -> str:
        self.counts[prefix] = count = self.counts.get(prefix, 0) + 1
        return prefix if count == 1 else f"{prefix}{count}"

    def plain_axes(self) -> list[Axis]:
        """Without the concatenations: their sizes have no name, so that nothing of such a size can be declared."""
        return [axis for axis in self.axes if len(axis) == 1]

    def any_shape(self) -> Shape:
        """Mostly a vector; a matrix has to be declared."""
        rank = self.choose((1, 1, 1, 1, 1, 0, 2))
        return tuple(self.choose(self.axes if rank == 1 else self.plain_axes()) for _ in range(rank))

    def flip(self) -> bool:
        return bool(self.choose((False, True)))

    def rarely(self) -> bool:
        return bool(self.choose((False, False, False, False, True)))

    def has_sequence(self) -> bool:
        names = [re.escape(v.name) for v in self.variables if v.timed and v.layer == -1]
        return bool(names) and re.search(rf"\b({'|'.join(names)})\[t", "\n".join(self.lines)) is not None

    def mentions(self, name: str) -> bool:
        return re.search(rf"\b{name}\b", "\n".join(self.lines)) is not None

    def in_inner_product(self, name: str) -> bool:
        """Whether a variable stands in `x[t] @ y[t]`, which among matrices reads as a product of matrices."""
        timed = r"\w+\[[^\]]*\]"
        own = rf"\b{name}\[[^\]]*\]"
        return re.search(rf"{own} @ {timed}|{timed} @ {own}", "\n".join(self.lines)) is not None

    def is_part(self, name: str) -> bool:
        return any(re.search(rf"\b{name}\b", line.partition(" = split")[0]) for line in self.lines if "split(" in line)

    def is_transposed(self, name: str) -> bool:
        return re.search(rf"\b{name}(\[[^\]]*\])?\.T", "\n".join(self.lines)) is not None

    def declarations(self) -> dict[str, Any]:
        """Sizes for all variables, or for those whose shape nothing else tells."""
        everything = self.flip() or len(self.plain_axes()) < len(self.axes)
        found: dict[str, Any] = {}
        for variable in (*self.variables, *self.parameters):
            needed = len(variable.shape) != 1 or not variable.timed or self.in_inner_product(variable.name)
            needed = needed or self.is_transposed(variable.name) or self.is_part(variable.name)
            named = all(len(axis) == 1 for axis in variable.shape)
            if (needed or (everything and named)) and self.mentions(variable.name):
                found[variable.name] = tuple(" + ".join(axis) for axis in variable.shape)
        return found


def mirrored(time: re.Match[str]) -> str:
    """A time in brackets as it reads with the steps 1..T counted from the end.

    >>> [TIME.sub(mirrored, text) for text in ("[t-1]", "[0]", "[1]", "[T]", "[T-1]")]
    ['[t+1]', '[T+1]', '[T]', '[1]', '[2]']
    """
    anchor, offset = time[1], -int(time[2] or 0)
    if anchor != "t":
        offset += 1
        anchor = "" if anchor else "T"
    return f"[{anchor}{offset:+d}]" if anchor and offset else f"[{anchor or offset}]"


def _sum(*axes: Axis) -> Axis:
    """The size of a concatenation."""
    return tuple(sorted(letter for axis in axes for letter in axis))


def _is_atom(text: str) -> bool:
    """Whether an expression holds together without parentheses: `W.T`, `tanh(a + b)`."""
    depth = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if depth == 0 and character in " -":
            return False
    return True
