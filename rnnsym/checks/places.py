"""What an equation of a composed model may read where it stands."""

from __future__ import annotations

from dataclasses import dataclass

#: A size: the letters of which it is the sum; more than one for a concatenation.
Axis = tuple[str, ...]
Shape = tuple[Axis, ...]


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


def readable(variable: Variable, place: Place) -> list[str]:
    """The references to a variable that an equation at a place may hold, the plainest first."""
    below, level = variable.layer < place.layer, variable.layer == place.layer
    if not variable.timed:
        return [variable.name] if variable.ready and (below or (level and not place.time)) else []
    now = place.time if place.time in ("t", "T", "1") else ""
    if variable.layer == -1:
        times = {"t": ("t", "t-1", "t-2", "1"), "0": ("1",), "1": ("1", "0"), "T": ("T", "T-1"), "": ("T", "1")}[
            place.time
        ]
    elif below:
        times = {"t": ("t", "t-1", "T", "1"), "": ("T", "1", "T-1")}.get(place.time, ("T",))
    elif level and now:
        times = {"t": ("t-1", "t-2", "t-3"), "1": ("0",), "T": ("T-1",)}[now]
        times = (now, *times) if variable.ready else times
    else:
        times = ()
    return [variable.reference(time) for time in times] if place.layer >= 0 else []
