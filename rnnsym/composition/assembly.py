"""A new model put together from the equations of others: renamed, mirrored in time, with their sizes and symbols."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from sympy import Expr

from rnnsym.equations.indexed import Role, Variable
from rnnsym.language.expand import rebuild
from rnnsym.language.model import Model, Part, Source
from rnnsym.language.reader import read
from rnnsym.language.sizes import declaration
from rnnsym.language.syntax import Definition, Expression, Reference, Time, children, references
from rnnsym.language.writing import equations
from rnnsym.notation.names import Names
from rnnsym.notation.symbols import taken_apart

#: The letters of parts that a derivation names after the variable whose equation holds them: a_h.
LETTERS = ("a", "s", "p", "v", "o")

Sizes = Mapping[Expr, Expr]


def replaced(node: Expression, change: Callable[[Reference], Expression]) -> Expression:
    """An expression with every reference exchanged."""
    if isinstance(node, Reference):
        return change(node)
    return rebuild(node, [replaced(child, change) for child in children(node)])


def changed(
    definition: Definition,
    names: Mapping[str, str],
    time: Callable[[Time], Time] = lambda time: time,
    reads: Callable[[Reference], Expression | None] = lambda node: None,
) -> Definition:
    """An equation with variables renamed and times moved; `reads` may put something else for what is read."""

    def moved(node: Reference) -> Reference:
        return replace(node, name=names.get(node.name, node.name), time=None if node.time is None else time(node.time))

    value = replaced(definition.value, lambda node: reads(node) or moved(node))
    return replace(definition, target=moved(definition.target), value=value)


def mirrored(time: Time) -> Time:
    """A time with the steps 1..T counted from the end.

    >>> print(*(mirrored(time) for time in (Time("t", -1), Time("", 0), Time("", 1), Time("T", 0), Time("T", -1))))
    t+1 T+1 T 1 2
    """
    if time.anchor == "t":
        return Time("t", -time.offset)
    return Time("T", 1 - time.offset) if not time.anchor else Time("", 1 - time.offset)


def parsed(text: str) -> list[Definition]:
    """Equations from text."""
    return list(read(text))


def suffixed(names: Iterable[str], suffix: str) -> dict[str, str]:
    """Names with an ending of their own: `W_1` for W, and `lambda_1` for lambda_, whose underscore is an ending.

    >>> suffixed(["W", "lambda_"], "fw")
    {'W': 'W_fw', 'lambda_': 'lambda_fw'}
    """
    found: dict[str, str] = {}
    for name in names:
        new = f"{name.rstrip('_')}_{suffix}"
        while new in found.values():  # x and x_
            new = new.replace(f"_{suffix}", f"0_{suffix}")
        found[name] = new
    return found


def names_in(definitions: Iterable[Definition]) -> set[str]:
    """The variables of some equations."""
    return {node.name for d in definitions for node in (d.target, *references(d.value))}


class Assembly:
    """Collects the equations of a new model, and what has to be said about their variables."""

    def __init__(self, *models: Model) -> None:
        self.models = models
        self.definitions: list[Definition] = []
        self.shapes: dict[str, tuple[Expr, ...]] = {}
        self.inputs: dict[str, None] = {}
        self.fixed: dict[str, None] = {}
        self.symbols: dict[str, str] = {}
        self.parts: list[Part] = []
        self.bridges: dict[str, dict[str, str]] = {}

    def fresh(self, *wanted: str) -> str:
        """The first of these names that no variable has; the last with a number, if need be."""
        taken = names_in(self.definitions) | {name for model in self.models for name in model.names}
        candidates = [*wanted, *(f"{wanted[-1]}_{number}" for number in range(2, 1000))]
        return next(name for name in candidates if name not in taken)

    def add(
        self,
        model: Model,
        definitions: Iterable[Definition],
        title: str = "",
        names: Mapping[str, str] | None = None,
        sizes: Sizes | None = None,
        without: Iterable[str] = (),
        mark: str = "",
    ) -> None:
        """Take equations in that were made from a model's by `changed` with these `names`.

        title: the heading of the part that they make up. sizes: what sizes become here. without: variables of the model
        whose shape is left to the equations. mark: a superscript in LaTeX for what was renamed.
        """
        definitions, names = list(definitions), names or {}
        own = names_in(definitions)
        self.definitions += definitions
        for name in model.names:
            new = names.get(name, name)
            if new not in own:
                continue
            if name in model.inputs:
                self.inputs[new] = None
            if name in model.fixed:
                self.fixed[new] = None
            if name not in without:
                self.shapes.setdefault(new, tuple(size.xreplace(dict(sizes or {})) for size in model.shapes[name]))
            self._symbol(model, name, new, mark)
        if title:
            self.part(title, [d.target.name for d in definitions], definitions)

    def write(self, text: str, title: str = "") -> None:
        """Take equations in as text."""
        definitions = parsed(text)
        self.definitions += definitions
        if title:
            self.part(title, [definition.target.name for definition in definitions], definitions)

    def part(self, title: str, targets: Iterable[str], definitions: Iterable[Definition]) -> None:
        """A part with what it defines and what no part before it reads: its parameters."""
        known = {name for part in self.parts for name in part.names}
        defined = {definition.target.name for definition in self.definitions}
        read_here = {node.name for d in definitions for node in references(d.value)} - defined
        self.parts.append(Part(title, frozenset([*targets, *(read_here - known)])))

    def bridge(
        self, model: Model, names: Mapping[str, str], together: bool = False, under: str = "", **places: str
    ) -> None:
        """Take over how frameworks keep the parameters; `places` fill the braces in the names of arrays.

        together: what stands in brackets, such as the directions, gets a further entry. under: what stands before the
        names in which no brace is filled. A framework whose arrays would have the same names otherwise is left out.
        """
        for framework, arrays in model.bridges.items():
            known = self.bridges.setdefault(framework, {})
            for key, layout in arrays.items():
                filled = re.sub(r"\{(\w+)\}", lambda found: places.get(found[1], found[0]), key)
                filled = under + filled if filled == key else filled
                text = re.sub(r"[A-Za-z]\w*", lambda found: names.get(found[0], found[0]), layout)
                if known.get(filled, text) != text:
                    both = together and text.startswith("[")
                    text = f"{known[filled].rstrip()[:-1]}, {text.lstrip()[1:]}" if both else ""
                known[filled] = text

    def model(self, name: str, title: str, loss: Iterable[str] | None = None, summary: str = "") -> Model:
        """The model that all of it makes."""
        known = names_in(self.definitions)
        parameters = known - {definition.target.name for definition in self.definitions}
        sources: dict[str, Source] = {source.key: source for model in self.models for source in model.sources}
        bridges = {
            framework: arrays
            for framework, arrays in self.bridges.items()
            if all(arrays.values())
            and all(
                name in parameters
                for layout in arrays.values()
                for name in re.findall(r"(?<![\w.])[A-Za-z]\w*", layout)
            )
        }
        return Model(
            "\n".join(equations(self.definitions)),
            # Sums are left to the equations: what they add up may be wider here.
            {
                name: declaration(shape)
                for name, shape in self.shapes.items()
                if name in known and all(size.is_Atom for size in shape)
            },
            inputs=[name for name in self.inputs if name in known],
            fixed=[name for name in self.fixed if name in known],
            loss=None if loss is None else tuple(dict.fromkeys(loss)),
            name=name,
            title=title,
            summary=summary,
            symbols=self.symbols,
            sources=sources.values(),
            parts=self.parts if len(self.parts) > 1 else (),
            bridges=bridges,
        )

    # Symbols

    def _symbol(self, model: Model, name: str, new: str, mark: str) -> None:
        """The LaTeX of a variable under its new name: that of the old one with the mark above."""
        if new == name or not mark:
            if name in model.symbols:
                self.symbols.setdefault(new, model.symbols[name])
        else:
            self.symbols.setdefault(new, marked(model, name, mark))
        # What the derivation will name after it has the mark too.
        for letter in LETTERS if name in model.defined else ():
            inner = model.symbols.get(f"{letter}_{name}")
            if new != name and mark:
                inner = marked(model, f"{letter}_{name}", mark)
            if inner:
                self.symbols.setdefault(f"{letter}_{new}", inner)


def marked(model: Model, name: str, mark: str) -> str:
    r"""The LaTeX of a variable with a superscript: `W_{hx}^{(1)}`."""
    own = model.symbols.get(name)
    variable = Variable(name, (), True, Role.DEFINED)
    form = taken_apart(own) if own else _names(model.names).form_of(variable)
    return replace(form, above=f"{form.above}{mark}").latex()


@lru_cache(maxsize=16)
def _names(names: tuple[str, ...]) -> Names:
    """What variables are called by their spelling alone; asked for every variable of a model, one after the other."""
    return Names({}, [Variable(name, (), True, Role.DEFINED) for name in names])
