"""A model: its equations read, typed and checked."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sympy import Expr

from rnnsym.errors import ModelError
from rnnsym.language.expand import expand
from rnnsym.language.grouping import regrouped
from rnnsym.language.order import Node, OrderError, Read, order
from rnnsym.language.reader import RESERVED, read
from rnnsym.language.readings import solve_shapes
from rnnsym.language.remarks import without_effect, without_index
from rnnsym.language.sizes import SizeDeclaration, summands
from rnnsym.language.syntax import Call, Definition, Expression, Reference, Time, children, references
from rnnsym.language.timing import WHOLE, Interval, Timing, analyse, check_declared


@dataclass(frozen=True)
class Source:
    """Where a model or a formula comes from: a BibTeX key, and its fields as (name, value) pairs."""

    key: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Part:
    """A part of a model with a heading of its own in documents, such as a layer; `names` are its variables."""

    title: str
    names: frozenset[str]


class Model:
    """A recurrent model as a person writes it.

    equations: the model in the text syntax, one equation a line.
    sizes: names (or numbers) for the sizes of variables, where wanted: `{"x": "m", "h": "n", "W": ("n", "n + m")}`;
        `()` declares a scalar, which then broadcasts. What is not declared follows by unification.
    inputs: variables without time index that are handed in with each example; others that nothing defines are
        parameters.
    fixed: parameters that are given and not learned (the reservoir of an echo state network): no gradient is derived.
    loss: the scalar variable, or variables, that make up the loss. By default those that no equation reads.
    symbols: LaTeX for names, where another form than the default is wanted: `{"W": "W_{hh}"}`.
    title, summary, sources: for documents. parts: what documents show under headings of their own.
    bridges: by framework, the arrays in which it keeps these parameters: see `rnnsym.bridges`.

    Raises ModelError, with the place in the text, where the equations do not make a model.

    >>> model = Model('''
    ...     h[t] = tanh(W @ h[t-1] + U @ x[t] + b)
    ...     E[t] = squared_error(target[t], h[t])
    ... ''', sizes={"x": "m", "h": "n"})
    >>> model.shapes["U"]
    (n, m)
    >>> model.parameters
    ('W', 'U', 'b')
    >>> [f"{name}[{time}]" for name, time in model.given]
    ['h[0]']
    """

    def __init__(
        self,
        equations: str,
        sizes: Mapping[str, SizeDeclaration] | None = None,
        *,
        inputs: Iterable[str] = (),
        fixed: Iterable[str] = (),
        loss: str | Iterable[str] | None = None,
        name: str = "model",
        title: str = "",
        summary: str = "",
        symbols: Mapping[str, str] | None = None,
        sources: Iterable[Source] = (),
        parts: Iterable[Part] = (),
        bridges: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.text = _dedented(equations)
        self.name = name
        self.title = title or name
        self.summary = summary
        self.symbols = dict(symbols or {})
        self.sources = tuple(sources)
        self.parts = tuple(parts)
        self.bridges = {framework: dict(arrays) for framework, arrays in (bridges or {}).items()}
        self.sizes = dict(sizes or {})
        self.inputs = tuple(inputs)
        self.fixed = tuple(fixed)
        #: The equations as written, and in the core language (no abbreviations, sums settled).
        self.definitions: tuple[Definition, ...] = read(self.text)
        self.core: tuple[Definition, ...] = expand(
            self.definitions, self.text, (*self.sizes, *self.inputs, *self.fixed)
        )
        self._check_declarations()
        self.timing: Timing = analyse(self.core, self.text)
        self._check_order()
        #: The sizes of each variable, without time and batch.
        self.shapes: dict[str, tuple[Expr, ...]]
        solved = solve_shapes(self.core, self.sizes, self.text, self.inputs)
        self.shapes, self.core = solved.shapes, solved.definitions
        self.definitions = regrouped(self.definitions, solved.places)
        self.timing = analyse(self.core, self.text)
        self._check_sizes()
        #: The definitions of the scalars that make up the loss.
        self.losses: tuple[Definition, ...] = self._losses(loss)
        #: How the equations were read where a person may mean something else.
        self.remarks: tuple[str, ...] = (*solved.remarks, *self._unexpected(loss is None))

    def __repr__(self) -> str:
        return f"Model({self.name!r}: {', '.join(str(definition.target) for definition in self.definitions)})"

    # What is in the model

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every variable in the order in which the text names it."""
        return tuple(dict.fromkeys(node.name for d in self.core for node in (d.target, *references(d.value))))

    @cached_property
    def timed(self) -> frozenset[str]:
        """The variables with a time index."""
        return frozenset(
            node.name for d in self.core for node in (d.target, *references(d.value)) if node.time is not None
        )

    @cached_property
    def defined(self) -> frozenset[str]:
        """The variables that an equation defines."""
        return frozenset(definition.target.name for definition in self.core)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The variables without time index that nothing defines, and that are declared neither as inputs nor fixed."""
        return tuple(name for name in self.param_keys if name not in self.fixed)

    @cached_property
    def param_keys(self) -> tuple[str, ...]:
        """The keys of the parameters of kernels and checks: those that are learned, and those that are fixed."""
        return tuple(
            name
            for name in self.names
            if name not in self.defined and name not in self.timed and name not in self.inputs
        )

    @property
    def sequences(self) -> tuple[str, ...]:
        """The inputs with a value at every step 1..T."""
        return self.timing.sequences

    @property
    def given(self) -> tuple[tuple[str, Time], ...]:
        """The single values to hand in, such as ("h", Time("", 0)) for h[0]."""
        return self.timing.given

    @cached_property
    def untold_sizes(self) -> frozenset[str]:
        """The sizes that no parameter and no input has; a kernel has to be told them."""
        handed_in = {*self.param_keys, *self.inputs, *self.sequences, *(name for name, _ in self.given)}
        told: set[str] = set()
        waiting = [{str(symbol) for symbol in size.free_symbols} for name in handed_in for size in self.shapes[name]]
        while more := [names - told for names in waiting if len(names - told) == 1]:  # one unknown in a sum at a time
            told |= set().union(*more)
        every = {str(symbol) for shape in self.shapes.values() for size in shape for symbol in size.free_symbols}
        return frozenset(every - told)

    @cached_property
    def input_keys(self) -> tuple[str, ...]:
        """The keys of the inputs of kernels and checks: `x`, `h[0]`, `target`."""
        return (*self.sequences, *(f"{name}[{time}]" for name, time in self.given), *self.inputs)

    def _unexpected(self, all_count: bool) -> Iterator[str]:
        """Remarks on what has no effect, and on parameters that may be meant as inputs."""
        losses = {definition.target.name for definition in self.losses}
        if all_count and len(losses) > 1:
            names = " and ".join(str(d.target) for d in {d.target.name: d for d in self.losses}.values())
            yield f"{names}, which nothing reads, are added up as the loss"
        yield from without_effect(self.core, losses)
        yield from without_index(self.definitions, self.parameters, self.text)

    # Checks

    def _check_declarations(self) -> None:
        check_declared(self.sizes, self.core, "sizes")
        check_declared(self.inputs, self.core, "inputs")
        check_declared(self.fixed, self.core, "fixed")
        for name in self.fixed:
            if name not in self.param_keys:
                what = "input" if name in self.inputs or name in self.timed else "variable that an equation defines"
                raise ModelError(f"fixed declares '{name}', an {what}".replace("an v", "a v"), advice="fix parameters")
        for name, size in self.sizes.items():
            for part in size if isinstance(size, tuple) else (size,):
                if isinstance(part, int) and part < 1:
                    raise ModelError(f"sizes: {name} cannot have {part} elements")
                if not summands(part) or RESERVED.keys() & summands(part):
                    raise ModelError(
                        f"sizes: {part!r} cannot name the size of {name}",
                        advice="use a name such as n, a number, or a sum of them, n + 1",
                    )
        for name in self.inputs:
            if name in self.defined:
                raise ModelError(f"inputs declares '{name}', which an equation defines", advice="drop the declaration")
            if name in self.timed:
                raise ModelError(
                    f"inputs declares '{name}', which has a time index and is an input anyway",
                    advice="drop the declaration",
                )

    def _check_order(self) -> None:
        try:
            order(self.nodes(), shortest=self.timing.minimum_length)
        except OrderError as error:
            members = [self.timing.pieces[position].definition for position in error.members]
            names = ", ".join(str(member.target) for member in members)
            if error.both_ways:
                raise ModelError(
                    f"{names} {'reads' if len(members) == 1 else 'read'} both earlier and later values of "
                    f"{'itself' if len(members) == 1 else 'each other'}, so that neither can be computed first",
                    self.text,
                    members[0].target.span,
                    "a recurrence runs forwards ([t-1]) or backwards ([t+1]): write one for each direction, and "
                    "combine the two in a third equation",
                ) from None
            problem = (
                f"{names} needs its own value within one time step"
                if len(members) == 1
                else f"{names} wait for each other within one time step"
            )
            raise ModelError(
                f"algebraic loop: {problem}",
                self.text,
                members[0].target.span,
                "read one of them at an earlier time, [t-1], or at a later one, [t+1]",
            ) from None

    def _check_sizes(self) -> None:
        """Every size is declared or that of something handed in or learned: what numbers alone define has none."""
        declared = {
            part
            for sizes in self.sizes.values()
            for size in (sizes if isinstance(sizes, tuple) else (sizes,))
            for part in summands(size)
        }
        for definition in self.core:
            name = definition.target.name
            if any(
                str(symbol) in self.untold_sizes - declared
                for size in self.shapes[name]
                for symbol in size.free_symbols
            ):
                raise ModelError(
                    f"nothing that is handed in or learned says how many elements {name} has",
                    self.text,
                    definition.target.span,
                    f'declare it, for example sizes={{"{name}": ()}} for a scalar or {{"{name}": 3}} for 3 elements',
                )

    def nodes(self) -> list[Node]:
        """The definitions as the order of computation sees them."""
        return [
            Node(piece.name, piece.definition.target.time, piece.interval, tuple(_reads(piece.definition.value)))
            for piece in self.timing.pieces
        ]

    def _losses(self, chosen: str | Iterable[str] | None) -> tuple[Definition, ...]:
        read_somewhere = {node.name for d in self.core for node in references(d.value)}
        if chosen is not None:
            wanted = (chosen,) if isinstance(chosen, str) else tuple(chosen)
            check_declared(wanted, self.core, "loss")
            found = [d for d in self.core if d.target.name in wanted]
            for name in wanted:
                if name not in self.defined:
                    raise ModelError(f"loss names '{name}', which no equation defines")
        else:
            found = [d for d in self.core if d.target.name not in read_somewhere]
            scalars = [d for d in found if not self.shapes[d.target.name]]
            if not scalars:
                raise self._no_loss(found)
            found = scalars
        for definition in found:
            if self.shapes[definition.target.name]:
                raise self._vector_loss(definition)
        return tuple(found)

    def _no_loss(self, ends: list[Definition]) -> ModelError:
        for definition in ends:
            if definition.target.name in ("E", "L", "J", "C", "loss", "cost"):
                return self._vector_loss(definition)
        return ModelError(
            "the model has no loss: no scalar is left that nothing else reads",
            self.text,
            (ends or list(self.core))[-1].target.span,
            "add one, for example  E[t] = cross_entropy(target[t], y[t])  or  E[t] = squared_error(target[t], y[t])",
        )

    def _vector_loss(self, definition: Definition) -> ModelError:
        name = definition.target.name
        sizes = ", ".join(map(str, self.shapes[name]))
        return ModelError(
            f"the loss {definition.target} is not a scalar: its shape is ({sizes})",
            self.text,
            definition.target.span,
            f"sum it, for example  {definition.target} = sum(...)  or use squared_error or cross_entropy",
        )


def _reads(node: Expression, over: Interval | None = None) -> Iterable[Read]:
    """What an expression reads; of what it takes the size alone, it needs no value."""
    if isinstance(node, Call) and node.function == "size":
        return
    if isinstance(node, Reference):
        summed = over if node.time is not None and node.time.anchor == "t" else None
        yield Read(node.name, node.time, summed)
    inner = WHOLE if isinstance(node, Call) and node.function.endswith("_time") else over
    for child in children(node):
        yield from _reads(child, inner)


def _dedented(text: str) -> str:
    """Text with the common indentation gone, so that it can stand indented in a program."""
    return textwrap.dedent(text.expandtabs()).strip("\n")
