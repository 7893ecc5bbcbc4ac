"""Random regular cells: gates, peepholes, lags, products of states, shared matrices, several states, two layers.

Every one of them has a form that runs on many steps at once, whatever is drawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from hypothesis import assume, note
from hypothesis import strategies as st

from rnnsym import Model

#: None of them can grow without bound, so that long sequences have a loss.
FUNCTIONS = ("tanh", "sigmoid", "arctan")


@dataclass
class _Cell:
    """A cell while it is drawn: its equations, the sizes of its variables, and how many names there are."""

    draw: st.DrawFn
    lines: list[str] = field(default_factory=list)
    sizes: dict[str, tuple[str, ...] | str] = field(default_factory=dict)
    count: int = 0

    def pick(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def name(self, letter: str, *shape: str) -> str:
        self.count += 1
        name = f"{letter}{self.count}"
        self.sizes[name] = shape
        return name

    def known(self, letter: str, *shape: str) -> str:
        """A parameter of this shape: a new one, or one that is already there."""
        found = [name for name, own in self.sizes.items() if own == shape and name.startswith(letter)]
        return (
            self.pick(*found) if found and self.pick("new", "new", "shared") == "shared" else self.name(letter, *shape)
        )

    def lag(self, state: str) -> str:
        return f"{state}[t-{self.pick('1', '1', '1', '2', '3')}]"

    def product(self, rows: str, value: str, columns: str) -> str:
        if self.pick("left", "left", "right") == "left":
            return f"{self.known('W', rows, columns)} @ {value}"
        return f"{value} @ {self.known('W', columns, rows)}"

    def gate(self, letter: str, size: str, inputs: list[tuple[str, str]], states: list[tuple[str, str]]) -> str:
        """One gate: a function of products with states and inputs, with a bias and a peephole where they are drawn."""
        parts = []
        if self.pick("apart", "apart", "side by side") == "side by side":
            # Most papers write W [h; x].
            (state, rows), (value, columns) = states[0], inputs[0]
            state = self.pick(self.lag(state), f"({self.lag(state)} * {self.lag(state)})")
            parts.append(f"{self.known('W', size, f'{rows} + {columns}')} @ concat({state}, {value})")
            states, inputs = states[1:], inputs[1:]
        for state, own in states:
            kind = self.pick("product", "product", "peephole", "gated", "none")
            if kind == "peephole" and own == size:
                parts.append(f"{self.known('p', size)} * {self.lag(state)}")
            elif kind == "gated":
                parts.append(self.product(size, f"({self.lag(state)} * {self.lag(state)})", own))
            elif kind != "none":
                parts.append(self.product(size, self.lag(state), own))
        for value, own in inputs:
            kind = self.pick("now", "now", "before", "none")
            if kind != "none":
                parts.append(self.product(size, value if kind == "now" else value.replace("[t]", "[t-1]"), own))
        if not parts or self.pick("bias", "none") == "bias":
            parts.append(self.known("b", size))
        name = self.name(letter, size)
        self.lines.append(f"{name}[t] = {self.pick(*FUNCTIONS)}({' + '.join(parts)})")
        return f"{name}[t]"

    def layer(self, size: str, inputs: list[tuple[str, str]]) -> tuple[str, str]:
        """A layer of one of the usual forms; its output with its size."""
        h = self.name("h", size)
        states = [(h, size)]
        form = self.pick("plain", "update", "memory", "leaky", "product", "pair")
        if form == "memory":
            c = self.name("c", size)
            states.append((c, size))
            f, i, g = (self.gate("g", size, inputs, states) for _ in range(3))
            self.lines.append(f"{c}[t] = {f} * {c}[t-1] + {i} * {g}")
            o = self.gate("g", size, inputs, states)
            self.lines.append(f"{h}[t] = {o} * tanh({c}[t])")
        elif form == "update":
            z, g = (self.gate("g", size, inputs, states) for _ in range(2))
            self.lines.append(f"{h}[t] = (1 - {z}) * {self.lag(h)} + {z} * {g}")
        elif form == "leaky":
            g = self.gate("g", size, inputs, states)
            self.lines.append(f"{h}[t] = {h}[t-1] + 0.25 * ({g} - {h}[t-1])")
        elif form == "product":
            m = self.name("m", size)
            value, own = inputs[0]
            self.lines.append(
                f"{m}[t] = ({self.product(size, value, own)}) * ({self.product(size, self.lag(h), size)})"
            )
            self.lines.append(f"{h}[t] = tanh({self.product(size, f'{m}[t]', size)} + {self.known('b', size)})")
        elif form == "pair":
            s = self.name("s", "r")
            states.append((s, "r"))
            g = self.gate("g", "r", inputs, states)
            self.lines.append(f"{s}[t] = {g} - {self.lag(s)} / 2")
            g = self.gate("g", size, inputs, states)
            self.lines.append(f"{h}[t] = {g} * arctan({self.product(size, f'{s}[t]', 'r')})")
        else:
            g = self.gate("g", size, inputs, states)
            self.lines.append(f"{h}[t] = {g} + {self.lag(h)} / 3")
        return f"{h}[t]", size

    def loss(self, value: str, size: str) -> None:
        last = self.pick("each", "each", "last") == "last"
        kind = self.pick("squared", "softmax", "dot")
        if last:
            value = value.replace("[t]", "[T]")
        at = "" if last else "[t]"
        if kind == "dot":
            self.sizes["target"] = (size,)
            self.lines.append(f"E{at} = dot(target{at}, {value})")
            return
        self.sizes["target"] = ("k",)
        self.lines.append(f"o{at} = {self.product('k', value, size)} + {self.known('b', 'k')}")
        if kind == "softmax":
            self.lines += [f"y{at} = softmax(o{at})", f"E{at} = cross_entropy(target{at}, y{at})"]
        else:
            self.lines.append(f"E{at} = squared_error(target{at}, o{at})")


@st.composite
def regular_cells(draw: st.DrawFn) -> Model:
    """A random cell with a loss."""
    cell = _Cell(draw)
    cell.sizes["x"] = ("m",)
    inputs = [("x[t]", "m")]
    for size in ("n", "q")[: draw(st.sampled_from((1, 1, 2)))]:
        before = len(cell.lines)
        (value, _), inputs = inputs[0], [cell.layer(size, inputs)]
        # A layer that nothing above it reads has no gradient to compare.
        assume(value == "x[t]" or value.split("[")[0] + "[" in "\n".join(cell.lines[before:]))
    cell.loss(*inputs[0])
    text = "\n".join(cell.lines)
    told = {name: shape for name, shape in cell.sizes.items() if not any("+" in size for size in shape)}
    sizes = {name: shape for name, shape in told.items() if re.search(rf"\b{name}\b", text)}
    note(f"{text}\n{sizes}")
    inputs_at_once = ("target",) if "target[" not in text else ()
    return Model(text, sizes, inputs=inputs_at_once, name="cell")
