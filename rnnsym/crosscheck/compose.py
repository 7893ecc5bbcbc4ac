"""Random well-formed recurrent models, written as text from a small grammar.

The grammar is data: each kind of expression has productions, simplest first, with holes in angle brackets. A hole names
a kind and the sizes of its value by letters: `<weight n m>` is a matrix. Letters that a production does not know yet
are drawn; `<1=gate n>` remembers what it becomes, for `<1>` later in the same production.

`choose` makes every decision, so that hypothesis, a random generator or a list of fixed choices can drive it. Magnitudes
are kept near one ("vector" is bounded, "linear" a short sum of weighted vectors), so that rounding stays small, and no
kink or pole stands where a value is zero by construction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rnnsym.operations import ELEMENTWISE

Choice = TypeVar("Choice")
#: A size: the letters of which it is the sum; more than one for a concatenation.
Axis = tuple[str, ...]
Shape = tuple[Axis, ...]

GRAMMAR: dict[str, tuple[str, ...]] = {
    # Vectors of order one.
    "vector": (
        "<known n>",
        "tanh(<linear n>)",
        "<gate n> * <vector n>",
        "<function>(<linear n>)",
        "softmax(<linear n>)",
        "<number> * <vector n>",
        "-<vector n>",
        "<vector n> - <vector n>",
        "<vector n> * <vector n>",
        "<scalar> * <vector n>",
        "<1=gate n> * <vector n> + (1 - <1>) * <vector n>",
        "silu(<linear n>)",
        "gelu(<linear n>)",
        "square(<vector n>)",
        "maximum(<vector n>, <linear n>)",
        "minimum(<vector n>, <linear n>)",
        "<vector n> / (1 + <vector n> ** 2)",
        "<vector n> / (1 + norm(<bias m> + <vector m>))",
        "(1.5 + tanh(<linear n>)) ** <power>",
        "<unbounded n>",
        "<jump>(<linear n>) * <vector n>",
        "1 / (1 + exp(-<linear n>))",
        "sqrt(0.5 + <vector n> ** 2)",
    ),
    # Pre-activations: weighted sums.
    "linear": (
        "<weight n m> @ <known m>",
        "<weight n m> @ <vector m> + <bias n>",
        "<weight n m> @ <vector m> + <weight n k> @ <vector k> + <bias n>",
        "<known m> @ <weight m n>",
        "<vector m> @ <weight m n> + <bias n>",
        "<linear n> - <vector n>",
        "<vector n>",
        "<bias n> * <vector n>",
        "<weight n m> @ concat(<vector k>, <vector j>)",
        "<matrix n m> @ <vector m>",
        "<vector m> @ <matrix m n>",
        "<weight n m> @ <weight m k> @ <vector k>",
        "outer(<vector n>, <vector m>) @ <bias m>",
        "<scalar> + <vector n>",
        "2 * <vector n> - <number>",
        "log_softmax(<linear n>)",
    ),
    "scalar": (
        "<known>",
        "sigmoid(dot(<bias m>, <vector m>))",
        "tanh(<vector m> @ <vector m>)",
        "mean(<vector m>)",
        "<scalar> * <scalar>",
        "1 - <scalar>",
        "sum(<vector m> * <vector m>) / 4",
        "squared_error(<vector m>, <vector m>)",
        "logsumexp(<linear m>)",
        "norm(<bias m> + <vector m>)",
        "mean(<matrix m k>)",
        "<scalar> / (1 + <scalar> ** 2)",
        "<factor> * <scalar> + <factor>",
    ),
    "matrix": (
        "<known n m>",
        "outer(<vector n>, <vector m>)",
        "<weight n m>",
        "<matrix m n>.T",
        "<number> * <matrix n m>",
        "tanh(<matrix n m>)",
        "<matrix n m> * <matrix n m>",
        "<matrix n m> - <matrix n m>",
        "<scalar> * <matrix n m>",
        "<weight n k> @ <matrix k m>",
    ),
    # Equations of states; `<lag ...>` is their own earlier value.
    "vector state": (
        "tanh(<weight n n> @ <lag n> + <weight n m> @ <known m> + <bias n>)",
        "<1=gate n> * <lag n> + (1 - <1>) * tanh(<linear n>)",
        "tanh(<lag n> @ <weight n n> + <linear n>)",
        "<number> * <lag n> + <vector n>",
        "<gate n> * tanh(<linear n>) + <gate n> * <lag n>",
        "tanh(<weight n n> @ (<gate n> * <lag n>) + <linear n>)",
        "softmax(<linear n>)",
        "<vector n>",
        "<function>(<linear n> + 0.5 * <lag n>)",
        "tanh(<linear n> + 0.5 * <lag n> * <lag n>)",
    ),
    "scalar state": (
        "tanh(<lag> + <scalar>)",
        "<factor> * <lag> + <scalar>",
        "sigmoid(<scalar>) * <lag> + tanh(<scalar>)",
    ),
    "matrix state": (
        "tanh(0.5 * <lag n m> + outer(<vector n>, <vector m>))",
        "<number> * <lag n m> + outer(<vector n>, <vector m>)",
        "tanh(<weight n n> @ <lag n m> + <matrix n m>)",
        "<scalar> * <lag n m> - <weight n m> * outer(<vector n>, <vector m>)",
    ),
    "vector start": ("<bias n>", "0", "tanh(<linear n>)", "<vector n>", "0.5"),
    "scalar start": ("<factor>", "0", "<scalar>"),
    "matrix start": ("<weight n m>", "0", "outer(<bias n>, <bias m>)"),
    # Losses of one moment.
    "loss": (
        "squared_error(<target n>, <vector n>)",
        "cross_entropy(<target n>, softmax(<linear n>))",
        "-dot(<target n>, log_softmax(<linear n>))",
        "logsumexp(<linear n>) - <target n> @ <linear n>",
        "binary_cross_entropy(<target n>, sigmoid(<linear n>))",
        "square(<scalar> - <target>)",
        "sum(<vector n> ** 2) / 2",
        "mean(<target n> * <vector n>)",
        "0.1 * sum(abs(<target n> - <vector n>))",
        "squared_error(outer(<vector n>, <vector m>), <matrix n m>)",
        "<scalar>",
        "dot(<vector n>, <vector n>) + 0.5 * <scalar>",
    ),
}
#: Sums over time, written without an equation of their own for the steps.
INLINE_LOSSES = (
    "sum(squared_error(<target n>, <known n>))",
    "mean(squared_error(<known n>, <target n>))",
    "sum(cross_entropy(<target n>, softmax(<linear n>)))",
    "mean(dot(<known n>, <target n>)) / 2",
    "sum(<known> * <known>) + mean(<known n> @ <known n>)",
)
TOTALS = (
    "sum(E[t])",
    "mean(E[t])",
    "0.5 * sum(E[t]) + 0.1 * sum(<weight n m> ** 2)",
    "mean(E[t]) + <scalar>",
    "sum(E[t]) / 2 - mean(E[t]) * <scalar>",
    "mean(2 * E[t])",
)
NUMBERS = ("0.5", "0.9", "0.25", "1.5", "1e-1", "2")
POWERS = ("2", "0.5", "-1", "3", "1.5", "-2", "(1/3)", "-0.5")
LETTERS = ("n", "m", "p", "q")
HOLE = re.compile(r"<(?:(\d)=)?([a-z]+)((?: \w)*)>|<(\d)>")


def _functions() -> tuple[str, ...]:
    """The elementwise functions with a bounded slope: they keep magnitudes."""
    return tuple(entry.name for entry in ELEMENTWISE if entry.slope)


def _jumps() -> tuple[str, ...]:
    return tuple(entry.name for entry in ELEMENTWISE if entry.slope == 0)


def _unbounded() -> tuple[str, ...]:
    """Applications of the functions without a bounded slope, to arguments where they are tame."""
    return tuple(
        f"{entry.name}(0.5 + sigmoid(<linear n>))" if entry.domain[0] == 0 else f"{entry.name}(0.3 * <vector n>)"
        for entry in ELEMENTWISE
        if entry.slope is None
    )


@dataclass(frozen=True)
class Composed:
    """A model's text, and what `Model` has to be told besides."""

    text: str
    sizes: dict[str, Any]
    inputs: tuple[str, ...]


@dataclass(eq=False)
class Variable:
    """A variable of the model.

    `layer`: where it is computed; -1 for inputs and for what is made of parameters. `ready`: its equation is written,
    so that equations of its own layer may read it at their own time.
    """

    name: str
    shape: Shape
    layer: int = -1
    timed: bool = False
    ready: bool = True

    def reference(self, time: str) -> str:
        return f"{self.name}[{time}]" if self.timed else self.name


@dataclass(frozen=True)
class Place:
    """Where an equation stands: its layer, the time on its left side (empty: none), the state that it defines."""

    layer: int
    time: str
    state: Variable | None = None


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
        if self.rarely():
            self.axes.append((letters[0], letters[-1]))
        timed = not self.rarely()
        for _ in range(self.choose((1, 2))):
            self.input("x", self.any_shape(), timed)
        if self.rarely():
            self.input("s", self.any_shape(), timed=False)
        if self.rarely():
            self.untimed("k", self.choose(("vector", "matrix", "scalar")), Place(-1, ""))
        layers = self.choose((1, 1, 2))
        for layer in range(layers):
            # The even layers hold states, the odd ones what is read off the states when they are complete.
            self.states(2 * layer, timed)
            if self.rarely():
                self.read_out(2 * layer + 1, timed)
        for _ in range(self.choose((1, 1, 2, 3))):
            self.loss(2 * layers, timed)
        if timed and not self.has_sequence():
            state = next(variable for variable in self.variables if variable.layer == 0)
            target = self.input("target", state.shape, timed=True)
            self.lines.append(f"{self.named('E')}[t] = squared_error({target.name}[t], {state.name}[t])")
        order = self.choose(("as written", "sorted", "reversed"))
        lines = {"as written": self.lines, "sorted": sorted(self.lines), "reversed": self.lines[::-1]}[order]
        return Composed("\n".join(lines), self.declarations(), tuple(found.name for found in self.inputs))

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

    def read_out(self, layer: int, timed: bool) -> None:
        """A variable without time, made of what the layers below end with or amount to."""
        axis = self.choose(self.axes)
        if not timed or self.flip():
            self.untimed("y", self.choose(("linear", "vector", "scalar")), Place(layer, ""))
            return
        template = self.choose(("mean(<known n>)", "sum(<known n> * <known n>) / 4", "mean(tanh(<linear n>))"))
        text = self.fill(template, {"n": axis}, Place(layer, "t"), 0)
        found = self.new("m", (axis,), layer)
        self.lines.append(f"{found.name} = {text}")

    def untimed(self, prefix: str, kind: str, place: Place) -> None:
        shape = tuple(self.choose(self.axes) for _ in range({"scalar": 0, "matrix": 2}.get(kind, 1)))
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
            text = self.fill(self.choose(INLINE_LOSSES), {}, Place(layer, "t"), 0)
            self.lines.append(f"{name} = {text}")
        elif form == "regulariser":
            self.lines.append(f"{name} = {self.choose(('0.1', '0.5'))} * {self.choose(('sum', 'mean'))}(<any> ** 2)")
            self.lines[-1] = self.lines[-1].replace("<any>", self.any_parameter())
        else:
            if self.rarely():
                self.lines.append(f"{name}[1] = {self.produce('loss', {}, Place(layer, '1'), depth)}")
            self.lines.append(f"{name}[t] = {self.produce('loss', {}, Place(layer, 't'), depth)}")
            if form == "total":
                total = self.fill(self.choose(TOTALS), {}, Place(layer, ""), 0)
                self.lines.append(f"{self.named('L')} = {total.replace('E[t]', f'{name}[t]')}")

    # Expressions

    def define(self, variable: Variable, kind: str, place: Place, depth: int) -> None:
        left = f"{variable.name}[{place.time}]" if place.time else variable.name
        self.lines.append(f"{left} = {self.produce(kind, dict(zip('nm', variable.shape, strict=False)), place, depth)}")

    def produce(self, kind: str, letters: dict[str, Axis], place: Place, depth: int) -> str:
        options = GRAMMAR[kind]
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
            for name in names.split():
                letters.setdefault(name, self.choose(self.axes))
            text = self.value(kind, tuple(letters[name] for name in names.split()), place, depth)
            alone = _ends(template[: hole.start()], "(, ") and _ends(template[hole.end() :][::-1], "),")
            text = text if alone or _is_atom(text) else f"({text})"
            remembered[label] = text
            return text

        return HOLE.sub(filled, template)

    def value(self, kind: str, shape: Shape, place: Place, depth: int) -> str:
        """What stands in a hole."""
        match kind:
            case "known":
                return self.known(shape, place, depth)
            case "lag":
                return self.lag(place)
            case "gate":
                return self.gate(shape, place, depth)
            case "target":
                return self.target(shape, place)
            case "weight" | "bias" | "factor":
                return self.parameter(shape)
            case "number":
                return str(self.choose(NUMBERS))
            case "power":
                return str(self.choose(POWERS))
            case "function":
                return str(self.choose(_functions()))
            case "jump":
                return str(self.choose(_jumps()))
            case "unbounded":
                return self.fill(self.choose(_unbounded()), {"n": shape[0]}, place, depth)
        return self.produce(kind, dict(zip("nm", shape, strict=False)), place, depth)

    def known(self, shape: Shape, place: Place, depth: int) -> str:
        options = [text for variable in self.variables if variable.shape == shape for text in _readable(variable, place)]
        if options and not (depth > 0 and self.rarely()):
            return str(self.choose(options))
        if len(shape) == 1 and len(shape[0]) > 1:
            parts = [self.value("vector", ((letter,),), place, depth - 1) for letter in shape[0]]
            return f"concat({', '.join(parts)})"
        return self.parameter(shape)

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
        found = self.choose(options) if options else self.input("target", shape, timed and not self.rarely())
        return str(found.reference(place.time or "T"))

    def parameter(self, shape: Shape) -> str:
        shared = [v.name for v in self.parameters if v.shape == shape]
        shared += [f"{v.name}.T" for v in self.parameters if len(shape) == 2 and v.shape == shape[::-1]]
        if shared and self.rarely():
            return str(self.choose(shared))
        found = Variable(self.named("abW"[len(shape)]), shape)
        self.parameters.append(found)
        return found.name

    def any_parameter(self) -> str:
        return str(self.choose([v.name for v in self.parameters])) if self.parameters else self.parameter(self.any_shape())

    # Names and sizes

    def new(self, prefix: str, shape: Shape, layer: int = -1, timed: bool = False, ready: bool = True) -> Variable:
        found = Variable(self.named(prefix), shape, layer, timed, ready)
        self.variables.append(found)
        return found

    def input(self, prefix: str, shape: Shape, timed: bool) -> Variable:
        found = self.new(prefix, shape, timed=timed)
        if not timed:
            self.inputs.append(found)
        return found

    def named(self, prefix: str) -> str:
        self.counts[prefix] = count = self.counts.get(prefix, 0) + 1
        return prefix if count == 1 else f"{prefix}{count}"

    def any_shape(self) -> Shape:
        return tuple(self.choose(self.axes) for _ in range(self.choose((1, 1, 1, 1, 1, 0, 2))))

    def flip(self) -> bool:
        return bool(self.choose((False, True)))

    def rarely(self) -> bool:
        return bool(self.choose((False, False, False, False, True)))

    def has_sequence(self) -> bool:
        names = [re.escape(v.name) for v in self.variables if v.timed and v.layer == -1]
        return bool(names) and re.search(rf"\b({'|'.join(names)})\[t", "\n".join(self.lines)) is not None

    def declarations(self) -> dict[str, Any]:
        """Sizes for all variables, or for those whose shape nothing else tells; a concatenation's has no name."""
        text = "\n".join(self.lines)
        everything = self.flip()
        found: dict[str, Any] = {}
        for variable in (*self.variables, *self.parameters):
            needed = len(variable.shape) != 1 or not variable.timed
            if re.search(rf"\b{variable.name}\b", text) and all(len(axis) == 1 for axis in variable.shape):
                if everything or needed:
                    found[variable.name] = tuple(axis[0] for axis in variable.shape)
        return found


def _readable(variable: Variable, place: Place) -> list[str]:
    """The references to a variable that an equation at a place may hold, the plainest first."""
    below, level = variable.layer < place.layer, variable.layer == place.layer
    if not variable.timed:
        return [variable.name] if variable.ready and (below or (level and not place.time)) else []
    now = place.time if place.time in ("t", "T", "1") else ""
    if variable.layer == -1:
        times = {"t": ("t", "t-1", "t-2", "1"), "0": ("1",), "1": ("1", "0"), "T": ("T", "T-1"), "": ("T", "1")}[place.time]
    elif below:
        times = {"t": ("t", "t-1", "T", "1"), "": ("T", "1", "T-1")}.get(place.time, ("T",))
    elif level and now:
        times = {"t": ("t-1", "t-2", "t-3"), "1": ("0",), "T": ("T-1",)}[now]
        times = (now, *times) if variable.ready else times
    else:
        times = ()
    return [variable.reference(time) for time in times] if place.layer >= 0 else []


def _ends(text: str, allowed: str) -> bool:
    return not text or text[-1] in allowed and not re.search(r"[-+*/@] $", text)


def _is_atom(text: str) -> bool:
    """Whether an expression holds together without parentheses: `W.T`, `tanh(a + b)`."""
    depth = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if depth == 0 and character in " -":
            return False
    return True
