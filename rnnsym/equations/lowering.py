"""A model's equations in index notation, with a name for every pre-activation.

A product of elements may hold sums (`W[i, j] h[j]`); a sum inside anything else, and the argument of every function,
gets an equation and a name of its own, so that its adjoint has one too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from sympy import Expr, Integer, Symbol

from rnnsym.equations.expressions import Elements
from rnnsym.equations.indexed import INDICES, Equation, Role, Select, Term, Variable, fresh, indices_in, t
from rnnsym.equations.parts import binds_time
from rnnsym.equations.products import Product, contract, tidy
from rnnsym.equations.system import System
from rnnsym.language.model import Model
from rnnsym.language.syntax import Call, Expression, Reference, Slice, Time, free_name, references, walk
from rnnsym.language.timing import WHOLE, Interval, Piece
from rnnsym.operations import FUNCTIONS, OPERATIONS, VectorFunction


@lru_cache(maxsize=64)  # for a model that is derived, printed, checked: all of them begin here
def lower(model: Model) -> System:
    r"""The model in index notation.

    >>> from rnnsym.language.model import Model
    >>> system = lower(Model("h[t] = tanh(W @ h[t-1])\nE[t] = squared_error(d[t], h[t])"))
    >>> for equation in system.equations:
    ...     print(equation.target, "=", " + ".join(str(term.product) for term in equation.terms))
    a[t, i] = W[i, j]*h[t - 1, j]
    h[t, i] = tanh(a[t, i])
    E[t] = (-d[t, i] + h[t, i])**2/2
    E_total = E[t]
    """
    first = Lowering(model, {})
    first.run()
    names = shortened(first.named, set(model.names))
    if not names:
        return first.system()
    second = Lowering(model, names)
    second.run()
    return second.system()


def shortened(named: Mapping[str, str], taken: set[str]) -> dict[str, str]:
    """`a_h` becomes `a` where no other variable has a pre-activation of that letter."""
    owners: dict[str, list[str]] = {}
    for name, letter in named.items():
        owners.setdefault(letter, []).append(name)
    return {names[0]: letter for letter, names in owners.items() if len(names) == 1 and letter not in taken}


class Lowering:
    """One pass over the model's pieces. `renamed` exchanges the names given to intermediates."""

    def __init__(self, model: Model, renamed: Mapping[str, str]) -> None:
        self.model = model
        self.renamed = renamed
        self.named: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.equations: list[Equation] = []
        self.open: list[str] = []  # the named parts whose equations are being written, from the outside in
        self.variables: dict[str, Variable] = {}
        self.memo: dict[tuple[Expression, Time | None, Interval | None], str] = {}
        self.piece: Piece = model.timing.pieces[0]
        for name in model.names:
            role = Role.DEFINED if name in model.defined else Role.PARAMETER if name in model.param_keys else Role.INPUT
            self.variables[name] = Variable(name, model.shapes[name], name in model.timed, role)
        self.elements = Elements(self.variables, self._named)

    def run(self) -> None:
        for piece in self.model.timing.pieces:
            self.piece = piece
            target = piece.definition.target
            self._add(self.variables[target.name], piece.definition.value)
        self._add_total()

    def system(self) -> System:
        """What came of the pass."""
        model = self.model
        return System(
            self.variables,
            tuple(self.equations),
            self.loss,
            model.timing.minimum_length,
            model.sequences,
            model.given,
            frozenset(model.fixed),
        )

    # Equations

    def _add(self, variable: Variable, value: Expression) -> None:
        """Append the equation `variable = value`; what it needs named comes before it."""
        time, interval = self.piece.definition.target.time, self.piece.interval
        indices = INDICES[: len(variable.shape)]
        if isinstance(value, Slice) and value.low == 0 and value.high is None:
            value = value.operand
        terms = tuple(
            contract(Term(tidy(p.factors), over=((t, WHOLE),) if p.over_time else ()), set(indices))
            for p in self._whole(value, indices)
        )
        self.equations.append(
            Equation(variable, time, indices, terms, interval, source=self.piece.definition.span.line)
        )

    def _whole(self, value: Expression, indices: tuple[Symbol, ...]) -> list[Product]:
        """The right side of an equation: the one place where a vector function or a concatenation may stand."""
        if isinstance(value, Call):
            operation = OPERATIONS[value.function]
            if isinstance(operation, VectorFunction):
                # The argument's index is bound: softmax(o[k])[i] is element i of the function of the whole vector.
                bound = fresh(set(indices), len(operation.indices[0][0]))
                argument = self.elements.atom(value.arguments[0], operation.letter, bound)
                return [Product((FUNCTIONS[value.function](argument),))]
            if value.function == "concat":
                return self._concatenation(value, indices[0])
        if isinstance(value, Slice):
            (whole,) = fresh(set(indices), 1)
            (size,) = self.elements.shape(value)
            return [Product((Select(whole, indices[0], value.low, size), self._whole_of(value, whole)))]
        return self.elements.products(value, indices)

    def _concatenation(self, value: Call, index: Symbol) -> list[Product]:
        found: list[Product] = []
        offset: Expr = Integer(0)
        for argument in value.arguments:
            (part,) = fresh({index}, 1)
            products = self.elements.products(argument, (part,), {index})
            if not all(any(part in indices_in(factor) for factor in product.factors) for product in products):
                # `concat(x, 1 - z)`: an equation of its own says how far the 1 reaches.
                products = [Product((self._named(argument, "a", (part,)),))]
            (size,) = self.elements.shape(argument)
            found += [Product((Select(index, part, offset, size), *product.factors)) for product in products]
            offset = offset + size
        return found

    def _whole_of(self, node: Slice, index: Symbol) -> Expr:
        """What a slice is cut from: under a name of which nothing but slices at this time are read."""
        operand = node.operand
        if isinstance(operand, Reference):
            every = [found for d in self.model.core for found in references(d.value) if found.name == operand.name]
            cut = [
                found.operand
                for d in self.model.core
                for found in walk(d.value)
                if isinstance(found, Slice) and found.operand == operand
            ]
            if len(cut) == len(every):
                return self.variables[operand.name].at(operand.time, index)
        return self._named(replace(node, low=Integer(0), high=None), "a", (index,))

    def _add_total(self) -> None:
        """The total loss: the sum of all losses over all their times."""
        losses = self.model.losses
        if len(losses) == 1 and losses[0].target.time is None:
            self.loss = losses[0].target.name
            self.variables[self.loss] = replace(self.variables[self.loss], role=Role.LOSS)
            return
        names = list(dict.fromkeys(definition.target.name for definition in losses))
        self.loss = f"{names[0]}_total" if len(names) == 1 or "E" in self.model.names else "E"
        self.loss = free_name(self.loss, self.variables)
        variable = Variable(self.loss, (), False, Role.LOSS, label=names[0] if len(names) == 1 else "E")
        self.variables[self.loss] = variable
        terms = []
        for definition in losses:
            piece = next(p for p in self.model.timing.pieces if p.definition is definition)
            element = self.variables[definition.target.name].at(definition.target.time)
            summed = piece.interval is not None and not piece.interval.is_point
            terms.append(Term((element,), over=((t, piece.interval),) if summed and piece.interval else ()))
        self.equations.append(Equation(variable, None, (), tuple(terms)))

    # Names for parts

    def _named(self, node: Expression, letter: str, indices: tuple[Symbol, ...]) -> Expr:
        """The element of an expression under a name; the same expression gets the same name."""
        time, interval = self._time_of(node)
        # The same expression at other times is another variable: a[1..T-1] has no value at T.
        key = (node, time, interval)
        if key not in self.memo:
            variable = self._new_variable(node, letter, time)
            self.memo[key] = variable.name
            outer = self.piece
            if (time, interval) != (outer.definition.target.time, outer.interval):
                target = replace(outer.definition.target, time=time)
                self.piece = replace(outer, definition=replace(outer.definition, target=target), interval=interval)
            self.open.append(variable.name)
            self._add(variable, node)
            self.open.pop()
            self.piece = outer
        return self.variables[self.memo[key]].at(time, *indices)

    def _time_of(self, node: Expression) -> tuple[Time | None, Interval | None]:
        """When a part of the right side has to be computed: once, where no step comes into it."""
        times = [found.time for found in references(node) if found.time is not None]
        if not times:
            return None, None
        inside_sum = any(time.anchor == "t" for time in times) and self.piece.definition.target.time != Time("t", 0)
        if inside_sum and not binds_time(node):
            return Time("t", 0), WHOLE
        return self.piece.definition.target.time, self.piece.interval

    def _new_variable(self, node: Expression, letter: str, time: Time | None) -> Variable:
        owner = self.piece.definition.target.name
        shape = self.elements.shape(node)
        for number in range(1, 1000):
            label = f"{letter}_{owner}_{number}" if number > 1 else f"{letter}_{owner}"
            name = self.renamed.get(label, label)
            existing = self.variables.get(name)
            if existing is None and name not in self.model.names:
                self.named[label] = letter
                self.owners[name] = owner
                self.variables[name] = Variable(name, shape, time is not None, Role.INTERMEDIATE)
                return self.variables[name]
            # Boundary equations share the names of the general one.
            alike = existing is not None and existing.shape == shape and existing.timed == (time is not None)
            own = self.owners.get(name) == owner and not self._taken(name, time)
            if existing is not None and alike and own and not self._circular(name, node):
                return existing
        raise AssertionError("names ran out")

    def _circular(self, name: str, node: Expression) -> bool:
        """Whether a name cannot stand for a part, because it is made at another time of what is made of it here."""
        inside = set(walk(node))
        parts = {found for key, found in self.memo.items() if key[0] in inside}
        return self._needs(name, set(self.open)) or any(self._needs(part, {name}) for part in parts)

    def _needs(self, name: str, others: set[str]) -> bool:
        """Whether the equations of a name are made of one of these."""
        reads = {read for equation in self.equations if equation.name == name for read in equation.reads}
        return bool(reads & others) or any(self._needs(read, others) for read in reads if read in self.owners)

    def _taken(self, name: str, time: Time | None) -> bool:
        """Whether a name stands for something at this time already, or is about to."""
        defined = any(equation.name == name and equation.time == time for equation in self.equations)
        return defined or any(found == name and key[1] == time for key, found in self.memo.items())
