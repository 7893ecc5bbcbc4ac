"""Names resolved: variables, the claim's own sequences, adjoints, numbers; and what is raised above them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from sympy import Add, Expr, expand

from rnnsym.claims import combine
from rnnsym.claims.brief import shown
from rnnsym.claims.combine import Misfit
from rnnsym.claims.lexicon import ONE, SCALAR, Lexicon, moment, plain_name, spelled
from rnnsym.claims.references import (
    MOST_INDICES,
    WHOLE,
    Found,
    Letters,
    Script,
    element_index,
    find,
    letters_in,
    may_count,
    pieces,
    taken_apart,
)
from rnnsym.claims.syntax import (
    Call,
    Derivative,
    Entry,
    Identity,
    Kind,
    Kronecker,
    Moment,
    Node,
    Number,
    Ones,
    Open,
    Sequence,
    SizeNumber,
    Slice,
    TimeNumber,
    Transpose,
    Variable,
)
from rnnsym.claims.times import LENGTH, sample
from rnnsym.claims.written import (
    ClaimError,
    Group,
    MalformedClaim,
    Name,
    Numeral,
    Over,
    Relation,
    Run,
    Scripted,
    Sign,
    Total,
    Written,
    every,
)
from rnnsym.errors import Span, suggestion

Scripts = tuple[Script, ...]
TRANSPOSES = ("top", "T")
LARGEST_POWER = 1000


class Leaves:
    """Resolves the names of one equation."""

    def __init__(
        self,
        lexicon: Lexicon,
        layout: str,
        sequences: dict[str, int],
        shapes: dict[str, Open],
        text: str,
        elementwise: bool = False,
        letters: Letters = WHOLE,
        powers: bool = False,
        beside: bool = False,
    ) -> None:
        self.elementwise = elementwise
        #: Whether vectors of one shape side by side are multiplied element by element.
        self.beside = beside
        #: Whether T above a number is a power; and what has one.
        self.powers = powers
        self.raised_to_length: list[str] = []
        self.letters = letters
        self.lexicon, self.layout, self.text = lexicon, layout, text
        self.sequences, self.shapes = sequences, shapes
        self.samples: dict[str, int] = {"T": 1000}
        self._found: dict[tuple[Written, bool, str], Found | None] = {}
        self.bound: list[str] = []
        #: The letters given to whole arrays by which single elements are derived.
        self.opened: list[tuple[str, ...]] = []
        #: Whether the columns of a matrix stand below each other on the left side.
        self.stacked = False
        #: The shape of the left side, as far as it is known.
        self.left_shape: Open = None
        #: The letters of the left side.
        self.outer: set[str] = set()
        #: What the equation leaves unsaid, and how it was taken.
        self.assumed: list[str] = []

    def error(self, problem: str, span: Span, advice: str = "") -> ClaimError:
        return ClaimError(problem, self.text, span, advice)

    def made(self, span: Span, make: Callable[..., Node], *arguments: object) -> Node:
        """A node, with the place where its shapes do not fit."""
        try:
            return make(*arguments)
        except Misfit as misfit:
            raise MalformedClaim(str(misfit), self.text, span) from None

    def expression(self, written: Written) -> Node:
        """Any expression."""
        raise NotImplementedError

    def found(self, written: Written, own: bool = True, prefix: str = "") -> Found | None:
        """What a name means; `own`: it may be one of the claim's sequences."""
        key = (written, own, prefix)
        if key not in self._found:  # the same name stands in many places
            self._found[key] = find(written, self.lexicon, self.sequences if own else {}, prefix, self.letters)
        return self._found[key]

    def _power(self, base: Node, exponent: Node, span: Span) -> Node:
        """A power whose exponent has to be worked out."""
        raise NotImplementedError

    # Transposes, powers, slices

    def _operations(self, node: Node, scripts: Scripts, span: Span, elementwise: bool = False) -> Node:
        """Transposes and powers, in the order in which they are written."""
        for kind, parts in scripts:
            if kind in ("T", "'"):
                if kind == "'":
                    self.assumed.append(f"the prime of {shown(node)} is a transpose")
                node = self.made(span, combine.transpose, node)
            elif kind == "^" and len(parts) == 1:
                node = self._raised(node, parts[0], span, elementwise)
            elif kind in ("_", "[") and len(parts) == 1 and isinstance(parts[0], Relation):
                node = self._slice(node, parts[0], span)
            elif kind in ("_", "["):
                node = self._entry(node, parts, span)
            else:
                raise self.error("this script has no meaning here", span)
        return node

    def _entry(self, node: Node, parts: tuple[Written, ...], span: Span) -> Node:
        """An element of what stands in brackets."""
        found = [piece for part in parts for piece in pieces(part)]
        if not all(letters_in(part) & (self.letters.elements or frozenset()) for part in found):
            raise self.error("this index has no meaning here", span,
                             "an index of an element is a letter that counts elements elsewhere too")  # fmt: skip
        indices = [element_index(part, self.lexicon, self.letters) for part in found]
        if None in indices or len(indices) > MOST_INDICES:
            raise self.error("this index has no meaning here", span)
        return Entry(node, tuple(index for index in indices if index is not None), SCALAR)

    def _raised(self, node: Node, part: Written, span: Span, elementwise: bool) -> Node:
        if isinstance(part, Name) and part.text in TRANSPOSES:
            if part.text == "T" and (node.shape == SCALAR or isinstance(node, Transpose)):
                # The transpose of a number is no news: the author may mean the power T, T being the length.
                self.raised_to_length.append(shown(node))
                if self.powers:
                    return self.made(span, combine.power, node, LENGTH, False)
            return self.made(span, combine.transpose, node)
        match part:
            case Total((("-", Name(text) as turn),)) if text in TRANSPOSES:
                node = self.made(span, combine.power, node, Fraction(-1), False)
                return self._raised(node, turn, span, elementwise)
        elementwise = (elementwise or self.elementwise) and not moment_like(part)
        if isinstance(part, Sign) and part.sign == "⊙" and part.operand is not None:
            return self._powered(node, part.operand, span, True)
        inverse = self._exponent(part) == -1 and not self._starred(part)
        return self._powered(node, part, span, elementwise and not inverse)

    def _powered(self, node: Node, part: Written, span: Span, elementwise: bool) -> Node:
        exponent = None if self._is_value(part) else self._exponent(part)
        if exponent is None:
            number = not any(isinstance(inner, Name) for inner in every(part))
            number = number or (moment(part) is not None and not self._is_value(part))
            square = node.shape is None or (node.shape != SCALAR and node.shape[0] == node.shape[-1])
            if number or (square and not elementwise):
                raise self.error("a power is a number or a time", span)
            return self._power(node, self.expression(part), span)
        square = node.shape is not None and node.shape != SCALAR and node.shape[0] == node.shape[-1]
        if square and not elementwise and isinstance(exponent, Moment) and sample(exponent, self.samples) < 0:
            node, exponent = self.made(span, combine.power, node, Fraction(-1), False), exponent.times(-1)
        return self.made(span, combine.power, node, exponent, elementwise)

    def _starred(self, part: Written) -> bool:
        """Whether an exponent stands behind two stars: `M ** -1` is of the elements, as in models, and `M⁻¹` is not."""
        return self.text.splitlines()[part.span.line - 1][: part.span.start].rstrip().endswith("**")

    def _is_value(self, part: Written) -> bool:
        """Whether an exponent is a number or a vector of the model, and not a time."""
        if not isinstance(part, Name) or part.text in (*self.bound, *self.outer):
            return False
        found = self.found(part)
        return found is not None and not found.own and not found.times and ONE in self.lexicon.shape(found.name)

    def _exponent(self, part: Written) -> Fraction | Moment | None:
        match part:
            case Numeral(value) if abs(value) <= LARGEST_POWER:
                return value
            case Total((("-", inner),)) if (found := self._exponent(inner)) is not None:
                return -found if isinstance(found, Fraction) else found.times(-1)
            case Total((("-", Numeral(value)),)) if value <= LARGEST_POWER:
                return -value
            case Group("(", (inner,)):
                return self._exponent(inner)
            case Over(Numeral(top), Numeral(bottom)) | Run((Numeral(top), Numeral(bottom)), ("/",)) if bottom:
                return top / bottom
        found = moment(part)
        return None if found is None or abs(found.offset) > LARGEST_POWER else found

    def _slice(self, node: Node, part: Relation, span: Span) -> Node:
        bounds = [self.lexicon.size(side) for side in part.sides]
        if part.signs != (":",) or None in bounds or node.shape is None:
            raise self.error("this index has no meaning here", span)
        first, last = bounds
        assert first is not None
        assert last is not None
        whole = node.shape[1] if node.shape[0] == 1 else node.shape[0]
        if not (_is_never_negative(first - 1) and _is_never_negative(whole - last)):
            problem = f"the elements {first} to {last} are not all there: there are {whole}"
            raise MalformedClaim(problem, self.text, span)
        count = last - first + 1
        shape = (1 + 0 * count, count) if node.shape[0] == 1 else (count, node.shape[1])
        return Slice(node, first, last, (node.shape[0], count) if node.shape[0] == 1 else shape)

    # Names

    def _reference(self, written: Written) -> Node:
        """A name alone: a variable, a sequence, an adjoint, the loss, T, or a size."""
        found = self.found(written)
        if found is not None:
            return self._operations(self._leaf(found), found.operations, written.span)
        apart = taken_apart(written)
        assert apart is not None
        base, scripts = apart
        if base.text == "ones":
            return self._ones(scripts, written.span)
        if base.accents and base.accents[-1] == "bar":
            bare = replace(base, accents=base.accents[:-1])
            behind = self.found(Scripted(bare, scripts, written.span) if scripts else bare, own=False)
            if behind is not None:
                return self._adjoint(behind, written.span)
            if not scripts and self.lexicon.is_loss_name(spelled(bare)):
                return Number(Fraction(1), SCALAR)
        raised = tuple(script for script in scripts if script[0] == "^")
        if raised and len(raised) < len(scripts) + 1:
            rest = tuple(script for script in scripts if script[0] != "^")
            scalar = self._scalar(plain_name(Scripted(base, rest, written.span)))
            if scalar is not None:
                return self._operations(scalar, raised, written.span)
        scalar = self._scalar(plain_name(written)) or self._kronecker(base, scripts)
        if scalar is not None:
            return scalar
        raise self.unknown(written)

    def _ones(self, scripts: Scripts, span: Span) -> Node:
        r"""Ones, or an indicator with its condition below: `\mathbf{1}_{a > 0}`."""
        below = [part for kind, parts in scripts if kind == "_" for part in parts]
        rest = tuple(script for script in scripts if script[0] in "^T")
        while len(below) == 1 and isinstance(below[0], Group) and len(below[0].parts) == 1:
            below = [below[0].parts[0]]
        if not below:
            return self._operations(Ones(), rest, span)
        if len(below) == 1 and isinstance(below[0], Relation):
            return self._operations(self._bracket(below[0]), rest, span)
        raise self.error("this index of the ones has no meaning here", span)

    def _indicator(self, relation: Relation) -> Node:
        """One where a condition holds, else zero: a step at the difference of its sides."""
        if len(relation.sides) != 2 or relation.signs[0] not in ("<", ">", "≤", "≥"):
            raise self.error("this condition is not read", relation.span, "write it as a > 0")
        left, right = (self.expression(side) for side in relation.sides)
        if relation.signs[0] in ("<", "≤"):
            left, right = right, left
        if relation.signs[0] in ("≤", "≥"):
            self.assumed.append("where both sides of a condition are equal, its indicator is zero")
        zero = isinstance(right, Number) and right.value == 0
        difference = left if zero else self.made(relation.span, combine.add, [left, combine.negative(right)])
        return Call("step", difference, difference.shape)

    def _bracket(self, relation: Relation) -> Node:
        """One where a condition holds, else zero; between indices of elements, a Kronecker delta."""
        if relation.signs != ("=",):
            return self._indicator(relation)
        places = [
            element_index(side, self.lexicon, self.letters) if may_count(side) else None for side in relation.sides
        ]
        first, second = places
        if first is None or second is None or (first.offset and second.offset):
            raise self.error("this condition is not read", relation.span, "write it as a > 0, or [i = j] for elements")
        if first.offset:
            first, second = second, first
        return Kronecker(first.letter, second.letter, second.offset, SCALAR)

    def _kronecker(self, base: Name, scripts: Scripts) -> Node | None:
        r"""`\delta_{ij}` where both letters count elements."""
        found = [piece for kind, parts in scripts if kind in "_[" for part in parts for piece in pieces(part)]
        names = [piece.text for piece in found if isinstance(piece, Name)]
        plain = base.text == "delta" and not base.accents and all(kind in "_[" for kind, _ in scripts)
        if plain and len(names) == len(found) == 2 and set(names) <= (self.letters.elements or frozenset()):
            return Kronecker(names[0], names[1], shape=SCALAR)
        return None

    def _scalar(self, plain: str | None) -> Node | None:
        """A name that is no variable: the loss, T, a size; and the identity matrix."""
        if plain is not None:
            if self.lexicon.is_loss_name(plain):
                return self.loss
            if plain == "T" or plain in self.bound:
                return TimeNumber(Moment.of(plain), SCALAR)
            if plain in self.lexicon.sizes:
                return SizeNumber(self.lexicon.sizes[plain], SCALAR)
            if plain == "I":
                return Identity()
            if plain.startswith("I_") and plain[2:] in self.lexicon.sizes:
                size = self.lexicon.sizes[plain[2:]]
                return Identity((size, size))
            if plain == "pi":  # the one number with a name: four times the arctangent of 1
                one = Number(Fraction(1), SCALAR)
                return combine.hadamard((Number(Fraction(4), SCALAR), Call("arctan", one, SCALAR)))
        return None

    def unknown(self, written: Written) -> ClaimError:
        """A name that nothing has: what is close to it."""
        apart = taken_apart(written)
        assert apart is not None
        name = plain_name(written) or spelled(apart[0])
        known = {**self.lexicon.spellings, **{name: name for name in self.sequences}}
        timed = self.lexicon.spellings.get(spelled(apart[0]))
        if name in self.functions():
            return self.error(f"the function {name} stands here without an argument", written.span)
        if timed is not None and any(kind == "_" for kind, _ in apart[1]):
            return self.error(f"the index of {timed} cannot be read", written.span,
                              "an index is a time, or counts elements: write h_{t,i} and W_{ij}")  # fmt: skip
        if timed is not None and self.lexicon.variable(timed).timed:
            return self.error(f"{timed} has a time index, and here is none that can be read", written.span,
                              f"write {timed}_t or {timed}^{{(t)}}")  # fmt: skip
        if timed is not None:
            return self.error(f"{timed} has no time index", written.span)
        names = ", ".join(dict.fromkeys([*self.lexicon.model.names, *self.sequences]))
        return self.error(f"the name {name!r} is neither the model's nor defined in the claim", written.span,
                          suggestion(name, known) or f"there are: {names}")  # fmt: skip

    def _leaf(self, found: Found) -> Node:
        if found.own:
            node: Node = Sequence(found.name, found.times, self.shapes.get(found.name))
        else:
            time = found.times[0] if found.times else None
            label = self.lexicon.variable(found.name).label
            node = Variable(found.name, time, self.lexicon.shape(found.name), label)
        return Entry(node, found.elements, SCALAR) if found.elements else node

    def _adjoint(self, found: Found, span: Span) -> Node:
        """The derivative of the total loss by something."""
        leaf = self._leaf(replace(found, operations=(), elements=()))
        assert isinstance(leaf, Variable)
        adjoint: Node = Derivative(Kind.TOTAL, self.loss, leaf, leaf.shape, gradient=True)
        if found.elements:
            adjoint = Entry(adjoint, found.elements, SCALAR)
        return self._operations(adjoint, found.operations, span)

    @property
    def loss(self) -> Variable:
        """The total loss."""
        name = self.lexicon.loss
        return Variable(name, None, SCALAR, self.lexicon.variable(name).label)

    def functions(self) -> dict[str, str]:
        return {**self.lexicon.functions, **self.lexicon.aliases}


def moment_like(part: Written) -> bool:
    """Whether an exponent speaks of time, so that only a matrix can have it."""
    found = moment(part)
    return found is not None and bool(found.terms)


def _is_never_negative(size: Expr) -> bool:
    """Whether a sum of sizes, each at least 1, is at least 0."""
    counts = Add.make_args(expand(size))
    least = sum(count.as_coeff_Mul()[0] for count in counts)
    return bool(least >= 0 and all(count.is_number or count.as_coeff_Mul()[0] >= 0 for count in counts))
