"""The statements of a claim collected, its sequences named, their shapes settled together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from sympy import Expr

from rnnsym.claims.arguments import for_each_parameter
from rnnsym.claims.assignments import base_of, equations
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.combine import Misfit, widened
from rnnsym.claims.conventions import gates, spelled_out
from rnnsym.claims.definitions import beside_boundaries, defined_once
from rnnsym.claims.derivatives import is_stacked_throughout
from rnnsym.claims.differentials import in_derivatives, is_unread
from rnnsym.claims.explicit import one_by_one
from rnnsym.claims.fitting import Pending, check_complete, check_letters, fitted, is_constant
from rnnsym.claims.generic import for_each_part
from rnnsym.claims.hats import name_predictions
from rnnsym.claims.indexed import Sizes, settled
from rnnsym.claims.indices import left_letters, letters_of, roles
from rnnsym.claims.lexicon import ONE, SCALAR, TIME_LETTERS, Lexicon, plain_name, spelled
from rnnsym.claims.loose import LooseResolver
from rnnsym.claims.macros import Macro
from rnnsym.claims.numbered import apart, numbered
from rnnsym.claims.references import Letters, taken_apart
from rnnsym.claims.resolve import Resolver
from rnnsym.claims.statements import notation, written
from rnnsym.claims.syntax import (
    Entry,
    Node,
    Open,
    Sequence,
    Sum,
    walk,
)
from rnnsym.claims.written import ClaimError, MalformedClaim, Name, Statement, Written
from rnnsym.errors import Span


class Reader:
    """Collects the statements of a claim; then settles the shapes of its sequences together."""

    def __init__(
        self, lexicon: Lexicon, layout: str, powers: bool = False, beside: bool = False, different: bool = False
    ) -> None:
        self.lexicon = lexicon
        self.powers, self.beside, self.apart = powers, beside, different
        #: Whether elements with different numbers stand in an equation.
        self.different = False
        self.raised_to_length: list[str] = []
        #: The length that the claim states, as in T = 3.
        self.length: int | None = None
        self.layout = layout
        self.pending: list[Pending] = []
        #: The sequences that the claim defines: how many times each has, and its shape.
        self.sequences: dict[str, int] = {}
        self.shapes: dict[str, Open] = {}
        #: The variables that sequences are named after.
        self.behind: dict[str, str] = {}
        #: How many indices an element of a sequence has, where the claim is about its elements.
        self.ranks: dict[str, int] = {}
        #: The author's names for sizes.
        self.sizes: dict[str, Expr] = {}
        self.assumed: list[str] = []

    def take_all(
        self, part: str, text: str, format: str, given: bool, defined: Mapping[str, Macro] = MappingProxyType({})
    ) -> None:
        """Every statement of a text; `text` is what messages show of it, `defined` the author's commands."""
        elementwise = notation(part, format) == "text"
        parts = for_each_part(written(part, text, format, self.lexicon, defined), self.lexicon)
        self.assumed += parts.assumed
        found = equations(self._derived(parts.statements, text), self.lexicon)
        own = {name for statement in found.statements if (name := base_of(statement.left)) is not None}
        plain = spelled_out(found.statements, self.lexicon, own)
        self.assumed += [*found.assumed, *plain.assumed]
        self.assumed += filter(None, [name_predictions(plain.statements, self.lexicon, own)])
        self.length = plain.length or self.length
        every = [*(pending.statement for pending in self.pending), *plain.statements]
        self.lexicon.gates = gates(every, self.lexicon)
        self.lexicon.labelled |= {label for statement in plain.statements for label in labels_of(statement.left)}
        for statement in map(partial(self._lettered, own=own), plain.statements):
            if not (given and self._alias(statement)):
                every = for_each_parameter(statement, self.lexicon)
                self.pending += [Pending(one, text, given, elementwise) for one in every]
                if every != [statement]:
                    self.assumed.append(f"theta is each of {', '.join(self.lexicon.model.parameters)}")

    def _derived(self, statements: Iterable[Statement], text: str) -> Iterator[Statement]:
        """Statements between differentials as statements about derivatives."""
        for statement in statements:
            every = in_derivatives(statement, self.lexicon, self.layout)
            if every == [statement] and is_unread(statement, self.lexicon):
                raise ClaimError("this differential is not read", text, statement.span,
                                 "each summand has one differential, in a product or a trace; none of what is summed "
                                 "over time")  # fmt: skip
            if every != [statement]:
                told = f"the differential in line {statement.span.line} says derivatives"
                self.assumed.append(f"{told}: what has no d there is held fixed")
            for one in every:
                elements = one_by_one(one, self.lexicon, self.layout)
                if elements != [one]:
                    self.assumed.append(f"the matrix in line {one.span.line} is judged element by element")
                yield from elements

    def _lettered(self, statement: Statement, own: set[str]) -> Statement:
        """A statement with letters for the numbers of elements."""
        found = numbered(statement, self.lexicon, own)
        if found is None:
            return statement
        self.assumed.append(found.assumed)
        self.different = self.different or bool(found.different)
        return apart(found) if self.apart else found.statement

    def claim(self, source: str, convention: str) -> Claim:
        """What has been taken, settled."""
        if all(pending.given for pending in self.pending):
            raise ClaimError("here is no equation", source, Span(1, 0, 1) if source else None, "write  left = right")
        self._name()
        self.assumed += [
            f"{name}^(t) is a copy of {name} that step t alone uses, {own}[t]"
            for name, own in self.lexicon.copies.items()
        ]
        beside = tuple(beside_boundaries(tuple(defined_once(list(self.equations())))))
        equations = tuple(equation for equation, _ in beside)
        self.assumed += [said for _, said in beside if said]
        assumed, raised = tuple(dict.fromkeys(self.assumed)), tuple(dict.fromkeys(self.raised_to_length))
        if raised:
            way = "the power T, T being the length" if self.powers else "a transpose"
            assumed += (f"the T above {' and '.join(raised)} is {way}",)
        return Claim(
            equations, source, self.layout, convention, self.adjoints(), assumed, raised, self.different, self.length
        )

    def torn(self, source: str, convention: str) -> tuple[Claim, dict[int, MalformedClaim]]:
        """What has been taken; equations that do not fit stand in it without a shape, their errors by their number.

        Raises ClaimError where it cannot be read even so.
        """
        self._name()
        for name in self.sequences:  # a wrong equation says nothing of the shape of what it defines
            named = self._named_after(name)
            if named is not None:
                self.shapes[name] = named
        self._settle()
        equations, errors = [], {}
        for number, pending in enumerate(self.pending):
            try:
                equations.append(self._equation(pending))
            except MalformedClaim as error:
                errors[number] = error
                equations.append(self._loose(pending))
        equations = [equation for equation, _ in beside_boundaries(tuple(defined_once(equations)))]
        return Claim(tuple(equations), source, self.layout, convention, self.adjoints(), length=self.length), errors

    def _loose(self, pending: Pending) -> Equation:
        statement = pending.statement
        plain = self.resolver(pending)
        left = plain.expression(plain.stack(statement.left))
        resolver = self.resolver(pending, LooseResolver)
        resolver.stack(statement.left)
        resolver.order(left)
        right = resolver.expression(statement.right)
        return pending.equation(left, right)

    def _name(self) -> None:
        """Settle what the left sides define. What a letter counts may be told by a sequence that is defined later."""
        waiting, before = list(self.pending), -1
        while waiting and before != len(self.sequences):
            before = len(self.sequences)
            waiting = [pending for pending in waiting if not self._taken_where_clear(pending)]
        for pending in waiting:
            self.take(pending)
        for pending in self.pending:
            pending.letters = self._letters(pending)

    def _taken_where_clear(self, pending: Pending) -> bool:
        """Take a statement if it is clear what each letter of its left side counts."""
        known = roles(pending.statement, self.lexicon, self.sequences, self.ranks)
        if not all(letter in known for letter in left_letters(pending.statement.left)):
            return False
        self.take(pending)
        return True

    def _letters(self, pending: Pending) -> Letters:
        return Letters(letters_of(pending.statement, self.lexicon, self.sequences, self.ranks), self.ranks)

    def take(self, pending: Pending) -> None:
        """One statement: it defines a sequence, or says that two things are equal."""
        statement = pending.statement
        pending.letters = self._letters(pending)
        resolver = self.resolver(pending)
        if statement.left == statement.right or resolver.is_known(statement.left):
            return  # what is said to be itself is not defined by that
        found = resolver.definition(statement.left)
        if found is None:
            return
        if found.behind is not None:
            self.behind[found.name] = found.behind
        before = self.sequences.setdefault(found.name, len(found.times))
        if found.elements:
            before_elements = self.ranks.setdefault(found.name, len(found.elements))
        if before != len(found.times) or (found.elements and before_elements != len(found.elements)):
            what = "times" if before != len(found.times) else "indices"
            counts = (before, len(found.times)) if what == "times" else (before_elements, len(found.elements))
            raise ClaimError(
                f"{found.name} has another number of {what} elsewhere: {counts[0]}, and here {counts[1]}",
                pending.text,
                statement.span,
            )

    def _alias(self, statement: Statement) -> bool:
        r"""Whether a definition names a function: f = \sigma."""
        left, right = plain_name(statement.left), plain_name(statement.right)
        if left is None or right is None or right not in self.lexicon.functions:
            return False
        if right in self.lexicon.spellings and right not in ("sigma",):
            return False
        self.lexicon.aliases[left] = self.lexicon.functions[right]
        return True

    def resolver(self, pending: Pending, kind: type[Resolver] = Resolver) -> Resolver:
        return kind(
            self.lexicon,
            self.layout,
            self.sequences,
            self.shapes,
            pending.text,
            pending.elementwise,
            pending.letters,
            self.powers,
            self.beside,
        )

    def equations(self) -> Iterator[Equation]:
        """The equations, when every shape is known."""
        self._settle()
        for pending in self.pending:
            yield self._equation(pending)

    def _settle(self) -> None:
        """The shapes of the claim's sequences: what the right sides say; for what is left, what the name says."""
        for guess in (False, True):
            progress = True
            while progress and len(self.shapes) < len(self.sequences):
                progress = sum(self._learn(pending, guess) for pending in self.pending) > 0
        for name in self.sequences:
            if name not in self.shapes:
                self.shapes[name] = self._named_after(name) or self._only_fitting(name)

    def _only_fitting(self, name: str) -> Open:
        """The one shape with which all equations of a sequence fit; None where none or several do.

        A number fits nearly everywhere: it is taken where an equation of the sequence adds up numbers of the model.
        """
        variables = self.lexicon.system.variables
        shapes = dict.fromkeys((SCALAR, *(self.lexicon.shape(variable) for variable in variables)))
        concerned = [pending for pending in self.pending if self._mentions(pending, name)]
        fitting = []
        for shape in shapes:
            self.shapes[name] = shape
            if all(map(self._fits, concerned)):
                fitting.append(shape)
        if SCALAR in fitting:
            self.shapes[name] = None
            fitting = [SCALAR] if len(fitting) == 1 or any(self._adds_numbers(p, name) for p in concerned) else []
        del self.shapes[name]
        return fitting[0] if len(fitting) == 1 else None

    def _mentions(self, pending: Pending, name: str) -> bool:
        try:
            sides = [self.resolver(pending).expression(s) for s in (pending.statement.left, pending.statement.right)]
        except ClaimError:
            return False
        return any(isinstance(node, Sequence) and node.name == name for side in sides for node in walk(side))

    def _fits(self, pending: Pending) -> bool:
        """Whether an equation fits, as far as its shapes are known."""
        try:
            self._equation(pending)
        except MalformedClaim:
            return False
        except ClaimError:  # there is another sequence whose shape is open
            return True
        return True

    def _adds_numbers(self, pending: Pending, name: str) -> bool:
        """Whether a definition of a sequence has a summand that is one number of the model."""
        resolver = self.resolver(pending)
        left, right = (resolver.expression(side) for side in (pending.statement.left, pending.statement.right))
        parts = right.parts if isinstance(right, Sum) else (right,)
        own = isinstance(left, Sequence) and left.name == name
        return own and any(part.shape == SCALAR and not is_constant(part) for part in parts)

    def _learn(self, pending: Pending, guess: bool) -> bool:
        resolver = self.resolver(pending)
        try:
            left = resolver.expression(pending.statement.left)
            if isinstance(left, Entry) and isinstance(left.operand, Sequence):
                return self._learn_elements(left, left.operand.name, resolver.expression(pending.statement.right))
            if not isinstance(left, Sequence) or left.name in self.shapes:
                return False
            right = resolver.expression(pending.statement.right)
            behind = self._named_after(left.name)
            named = behind if guess else None
            wide = widened(right, behind)
            shape = named if is_constant(right) else wide.shape or named
        except ClaimError:
            return False
        if shape is not None:
            self.shapes[left.name] = shape
        return shape is not None

    def _learn_elements(self, left: Entry, name: str, right: Node) -> bool:
        """The shape of a sequence whose elements are defined."""
        if name in self.shapes:
            return False
        try:
            sizes = Sizes(settled(left, right), dict(self.sizes)).of
        except Misfit:
            return False
        found = [sizes.get(index.letter) for index in left.indices]
        if None in found:
            return False
        known = tuple(size for size in found if size is not None)
        named = self._named_after(name)
        if named is not None and len(known) == 1:
            more = known[0] - named[0] * named[1]
            if (
                more.is_positive or (-more).is_positive
            ):  # a part of what stands on the right side, or put together of it
                known = (named[0] * named[1],)
        column = (known[0], ONE)
        self.shapes[name] = (
            known if len(known) > 1 else column if self.lexicon.convention == "columns" else column[::-1]
        )
        return True

    def _named_after(self, name: str) -> Open:
        variable = self.variable_behind(name)
        return None if variable is None else self.lexicon.shape(variable)

    def variable_behind(self, name: str) -> str | None:
        """The variable that a sequence is named after: h for hbar, deltah, dh."""
        if name in self.behind:
            return self.behind[name]
        head, _, tail = name.partition("_")  # a label, as in \\delta_h
        word = name[1:] if name.startswith("d") and head not in ("delta", "Delta") else tail
        return self.lexicon.named(word) if head in ("delta", "Delta") or word != tail else None

    def adjoints(self) -> Mapping[str, str]:
        """The sequences that are named after a variable."""
        found = {name: self.variable_behind(name) for name in self.sequences}
        return {name: variable for name, variable in found.items() if variable is not None}

    def _equation(self, pending: Pending) -> Equation:
        """An equation, as far as shapes are known; raises MalformedClaim where they do not fit."""
        statement = pending.statement
        resolver = self.resolver(pending)
        left = resolver.expression(resolver.stack(statement.left))
        resolver.order(left)
        right = resolver.expression(statement.right)
        if resolver.stacked and not is_stacked_throughout(statement.right):
            raise MalformedClaim("the left side has the columns of a matrix below each other, the right side has not",
                                 pending.text, statement.right.span)  # fmt: skip
        check_letters(pending, left, right)
        self.assumed += resolver.assumed
        self.raised_to_length += resolver.raised_to_length
        found = fitted(pending, left, right, self.sizes)
        self.assumed += found.assumed
        check_complete(pending, found)
        return pending.equation(found.left, found.right)


def labels_of(left: Written) -> Iterator[tuple[str, str]]:
    """The places of a name that has a time in which a word stands that can be no time."""
    apart = taken_apart(left)
    for kind, parts in apart[1] if apart is not None else ():
        words = [part.text for part in parts if isinstance(part, Name) and part.text not in TIME_LETTERS]
        if kind in "_^" and apart is not None and any(word not in ("top", "prime") for word in words):
            yield spelled(apart[0]), kind
