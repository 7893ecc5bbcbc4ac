"""One step of a model as a model of its own: every value of an earlier step is an input.

Its steps do not depend on each other, so that one backward pass with unit seeds gives the Jacobian of every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from rnnsym.language.expand import rebuild
from rnnsym.language.model import Model
from rnnsym.language.sizes import declaration
from rnnsym.language.syntax import (
    Binary,
    Call,
    Constant,
    Expression,
    Negative,
    Number,
    Part,
    Reference,
    Slice,
    Transpose,
    children,
    free_name,
    references,
)
from rnnsym.language.timing import Piece, at_length
from rnnsym.language.writing import number

GENERIC = "t"


@dataclass(frozen=True)
class Held:
    """An earlier value that the probe gets as the input sequence `key`.

    lag: it is read so many steps back. time: it is read at this step, whatever the step is; None otherwise.
    """

    key: str
    name: str
    lag: int = 0
    time: int | None = None


@dataclass(frozen=True)
class Probe:
    """The model of one step. `lags` are the inputs that hold the state, `held` the others; `seeds` by state."""

    model: Model
    lags: tuple[Held, ...]
    held: tuple[Held, ...]
    untimed: tuple[str, ...]
    seeds: Mapping[str, str]


def states_of(model: Model, length: int) -> dict[str, int]:
    r"""The variables that are read at a lag, each with the largest lag: the joint state of the recurrence.

    >>> states_of(Model("h[t] = tanh(W @ h[t-1] + R @ h[t-2] + U @ x[t-1])\nE[t] = squared_error(d[t], h[t])"), 4)
    {'h': 2}
    """
    found: dict[str, int] = {}
    for piece in model.timing.pieces:
        for read, lag, inside in _reads(piece, piece.definition.value, length):
            if lag is not None and lag > 0 and not inside and read.name in model.defined:
                found[read.name] = max(lag, found.get(read.name, 0))
    return {name: found[name] for name in model.names if name in found}


def _reads(
    piece: Piece, node: Expression, length: int, inside: bool = False
) -> Iterator[tuple[Reference, int | None, bool]]:
    """What a piece reads: each with its lag, None where it is at no lag, and whether a sum over time holds it."""
    if isinstance(node, Reference):
        yield node, _lag(piece, node, length), inside
    inside = inside or (isinstance(node, Call) and node.function.endswith("_time"))
    for child in children(node):
        yield from _reads(piece, child, length, inside)


def _lag(piece: Piece, read: Reference, length: int) -> int | None:
    target = piece.definition.target.time
    if read.time is None or target is None:
        return None
    if read.time.anchor == target.anchor == GENERIC:
        return -read.time.offset
    if target.anchor == GENERIC:
        return None
    return at_length(target, length) - at_length(read.time, length)


def regions(model: Model, length: int) -> dict[tuple[Piece, ...], list[int]]:
    """The steps at which the same equations hold."""
    found: dict[tuple[Piece, ...], list[int]] = {}
    for time in range(1, length + 1):
        pieces = tuple(
            piece
            for piece in model.timing.pieces
            if piece.interval is not None and time in piece.interval.bounds(length)
        )
        found.setdefault(pieces, []).append(time)
    return found


def probe(model: Model, pieces: tuple[Piece, ...], length: int) -> Probe | None:
    """The model of a step at which `pieces` hold; None where no state is computed at that step."""
    return _Writer(model, pieces, length).probe()


@dataclass
class _Writer:
    """Writes the equations of one step, with other names for what comes from other steps."""

    model: Model
    pieces: tuple[Piece, ...]
    length: int
    named: dict[Held, str] = field(default_factory=dict)
    untimed: dict[str, None] = field(default_factory=dict)
    #: Constants that have equations of their own here: what fixed their sizes may be at another step.
    constants: dict[Constant, str] = field(default_factory=dict)

    def probe(self) -> Probe | None:
        defining = {piece.name: piece for piece in self.pieces}
        states = [name for name in states_of(self.model, self.length) if name in defining]
        if not states:
            return None
        lines: dict[str, str] = {}
        waiting = list(states)
        while waiting:
            name = waiting.pop()
            if name in lines:
                continue
            piece = defining.get(name) or self._plain(name)
            if piece is None:
                continue
            rename = self._renaming(piece, defining)
            target = f"{name}[t]" if piece.interval is not None else name
            lines[name] = f"{target} = {written(self._named(piece.definition.value), rename)}"
            waiting += [
                read.name
                for read, lag, inside in _reads(piece, piece.definition.value, self.length)
                if read.time is None or (lag == 0 and not inside)
            ]
        seeds = {name: self._fresh(f"{name}_seed") for name in states}
        sums = [
            f"{seeds[n]}[t] * {n}[t]" if not self.model.shapes[n] else f"sum_elements({seeds[n]}[t] * {n}[t])"
            for n in states
        ]
        lines[""] = f"{self._fresh('probe_loss')}[t] = {' + '.join(sums)}"
        text = "\n".join([*(f"{name} = {one.function}()" for one, name in self.constants.items()), *lines.values()])
        origin = {seed: name for name, seed in seeds.items()} | {held.key: held.name for held in self.named}
        model = Model(
            text, self._sizes(text, origin), inputs=[name for name in self.untimed if name not in lines],
            loss=text.rpartition("\n")[2].partition("[")[0], name="probe",
        )  # fmt: skip
        found = tuple(self.named)
        return Probe(
            model,
            tuple(held for held in found if held.lag > 0 and held.name in self.model.defined),
            tuple(held for held in found if not (held.lag > 0 and held.name in self.model.defined)),
            model.inputs,
            seeds,
        )

    def _plain(self, name: str) -> Piece | None:
        """The equation of a variable without time that no step comes into."""
        piece = next((p for p in self.model.timing.pieces if p.name == name and p.interval is None), None)
        return piece if piece is not None and not self._timed_below(name) else None

    def _timed_below(self, name: str) -> bool:
        return any(
            read.time is not None or self._timed_below(read.name)
            for piece in self.model.timing.pieces
            if piece.name == name
            for read in references(piece.definition.value)
        )

    def _renaming(self, piece: Piece, defining: Mapping[str, Piece]) -> Callable[[Reference, bool], str]:
        def rename(read: Reference, inside: bool) -> str:
            if read.time is None:
                if read.name in self.model.inputs or (
                    read.name in self.model.defined and self._plain(read.name) is None
                ):
                    self.untimed[read.name] = None
                return read.name
            lag = _lag(piece, read, self.length)
            if lag == 0 and not inside and (read.name in defining or read.name in self.model.sequences):
                return f"{read.name}[t]"
            if lag is None:
                return self._held(Held("", read.name, time=at_length(read.time, self.length)), "at")
            if inside:  # a sum over time: its summands are not the state
                return self._held(Held("", read.name, lag=lag), "in")
            return self._held(Held("", read.name, lag=lag), "lag")

        return rename

    def _named(self, node: Expression) -> Expression:
        """An expression with names, or numbers, for the constants in it."""
        match node:
            case Constant("π"):
                return Reference("pi", None, node.span)
            case Constant("steps_T"):
                return Number(Fraction(self.length), node.span)
            case Constant(function):
                name = self.constants.setdefault(node, self._fresh(f"{function}_{len(self.constants) + 1}"))
                return Reference(name, None, node.span)
        return rebuild(node, [self._named(child) for child in children(node)])

    def _held(self, held: Held, kind: str) -> str:
        number = held.lag if held.time is None else held.time
        key = free_name(f"{held.name}_{kind}{number}".replace("-", "m"), self.model.names)
        self.named[replace(held, key=key)] = key
        return f"{key}[t]"

    def _fresh(self, name: str) -> str:
        return free_name(name, self.model.names)

    def _sizes(self, text: str, origin: Mapping[str, str]) -> dict[str, tuple[str | int, ...]]:
        """The sizes of the model, under the names of the probe."""
        words = set(text.replace("[", " ").replace("(", " ").replace(")", " ").replace(".", " ").split())
        found = {name: declaration(constant.shape) for constant, name in self.constants.items()}
        for name in [*self.model.names, *origin]:
            if name in words:
                found[name] = declaration(self.model.shapes[origin.get(name, name)])
        return found


# Text


def written(node: Expression, rename: Callable[[Reference, bool], str], inside: bool = False) -> str:
    """An expression as text of the language; references as `rename` has them."""
    match node:
        case Number(value):
            return number(value)
        case Reference():
            return rename(node, inside)
        case Negative(operand):
            return f"(-{written(operand, rename, inside)})"
        case Transpose(operand):
            return f"({written(operand, rename, inside)}).T"
        case Binary(operator, left, right):
            return f"({written(left, rename, inside)} {operator} {written(right, rename, inside)})"
        case Call(function, arguments):
            inside = inside or function.endswith("_time")
            return f"{function}({', '.join(written(argument, rename, inside) for argument in arguments)})"
        case Constant(function):
            return f"{function}()"
        case Slice(operand, low, high):
            return f"({written(operand, rename, inside)})[{low}:{'' if high is None else high}]"
        case Part():
            raise AssertionError("a part is a slice once shapes are solved")
