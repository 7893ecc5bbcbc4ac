"""Written expressions resolved: every name settled, every product of a kind, every shape as far as it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from rnnsym.claims import combine
from rnnsym.claims.combine import Misfit, chain
from rnnsym.claims.grammar import joined
from rnnsym.claims.lexicon import ELEMENTWISE_NAMES, SCALAR, Lexicon, moment, plain_name, spelled
from rnnsym.claims.references import Found, defined, find, taken_apart
from rnnsym.claims.strength import combined
from rnnsym.claims.syntax import (
    Call,
    Derivative,
    Identity,
    Kind,
    Moment,
    Node,
    Number,
    Ones,
    Open,
    Prime,
    Quotient,
    Sequence,
    SizeNumber,
    Slice,
    TimeNumber,
    TimeProduct,
    TimeSum,
    Variable,
    free_letters,
)
from rnnsym.claims.times import LENGTH, limits, sample
from rnnsym.claims.written import (
    ClaimError,
    Group,
    MalformedClaim,
    Name,
    Numeral,
    Over,
    Relation,
    Root,
    Run,
    Scripted,
    Sign,
    Total,
    Written,
)
from rnnsym.errors import Span, suggestion

#: Letters that stand before a name to make another: \delta h, dh, \nabla h.
PREFIXES = ("delta", "d", "∇", "Delta")
BIG = ("∑", "∏")
TRANSPOSES = ("top", "T")
LARGEST_POWER = 1000
MOST_SUMS = 8


class Resolver:
    """Resolves the expressions of one equation."""

    def __init__(
        self,
        lexicon: Lexicon,
        layout: str,
        sequences: dict[str, int],
        shapes: dict[str, Open],
        text: str,
        elementwise: bool = False,
    ) -> None:
        self.elementwise = elementwise
        self.lexicon, self.layout, self.text = lexicon, layout, text
        self.sequences, self.shapes = sequences, shapes
        self.samples: dict[str, int] = {"T": 1000}
        self.bound: list[str] = []

    def error(self, problem: str, span: Span, advice: str = "") -> ClaimError:
        return ClaimError(problem, self.text, span, advice)

    def made(self, span: Span, make: Callable[..., Node], *arguments: object) -> Node:
        """A node, with the place where its shapes do not fit."""
        try:
            return make(*arguments)
        except Misfit as misfit:
            raise MalformedClaim(str(misfit), self.text, span) from None

    # Left sides

    def is_known(self, left: Written) -> bool:
        """Whether a left side is made of the model's names alone."""
        try:
            self.expression(left)
        except MalformedClaim:
            raise
        except ClaimError:
            return False
        if isinstance(left, Run) and len(left.factors) == 2:  # \delta h_t could be read as an adjoint
            return self._prefixed(left) is None
        name = taken_apart(left)
        return not (name is not None and "bar" in name[0].accents and find(left, self.lexicon, {}) is None)

    def definition(self, left: Written) -> Found | None:
        """What a left side defines."""
        if isinstance(left, Run) and len(left.factors) == 2:
            prefix = self._prefixed(left)
            return None if prefix is None else defined(left.factors[1], self.lexicon, prefix)
        return defined(left, self.lexicon)

    def _prefixed(self, left: Run) -> str | None:
        first, second = left.factors
        is_prefix = isinstance(first, Name) and first.text in PREFIXES and not left.signs[0] and not first.accents
        return first.text if is_prefix and isinstance(first, Name) and taken_apart(second) else None

    def order(self, left: Node) -> None:
        """Of several times on a left side the first is taken to be the latest."""
        for place, letter in enumerate(free_letters(left)):
            self.samples.setdefault(letter, 800 // 2**place)

    # Expressions

    def expression(self, written: Written) -> Node:
        """An expression."""
        match written:
            case Numeral(value):
                return Number(value, SCALAR)
            case Total(terms):
                parts = [self._signed(sign, self.expression(term)) for sign, term in terms]
                return self.made(written.span, combine.add, parts)
            case Run():
                return self._run(written)
            case Group():
                return self._group(written)
            case Over(top, bottom):
                found = self._fraction(written)
                return found or self.made(written.span, combine.quotient, self.expression(top), self.expression(bottom))
            case Root(operand):
                inner = self.expression(operand)
                return Call("sqrt", inner, inner.shape)
            case Name() | Scripted(Name()):
                return self._reference(written)
            case Scripted(base, scripts):
                return self._scripted(base, scripts, written.span)
        raise self.error("this has no meaning here", written.span)

    def _signed(self, sign: str, node: Node) -> Node:
        return combine.negative(node) if sign == "-" else node

    def _group(self, group: Group) -> Node:
        parts = [self.expression(part) for part in group.parts]
        if group.kind == "‖":
            return self._norm(parts[0], 1)
        if len(parts) == 1:
            return parts[0]
        if group.kind == "(" and group.separator == ",":
            raise self.error("a list has no meaning here", group.span)
        return self.made(group.span, combine.stack, parts, group.separator in (",", "&"))

    def _norm(self, operand: Node, power: int) -> Node:
        square = Call("sum_elements", combine.hadamard((operand, operand)), SCALAR)
        return square if power == 2 else Call("sqrt", square, SCALAR)

    def _scripted(self, base: Written, scripts: tuple[tuple[str, tuple[Written, ...]], ...], span: Span) -> Node:
        if isinstance(base, Group) and base.kind == "‖":
            powers = [part for kind, parts in scripts if kind == "^" for part in parts]
            if powers and powers != [Numeral(Fraction(2), span)]:
                raise self.error("only the square of a norm is read", span)
            return self._norm(self.expression(base.parts[0]), 2 if powers else 1)
        return self._operations(self.expression(base), scripts, span)

    def _operations(
        self, node: Node, scripts: tuple[tuple[str, tuple[Written, ...]], ...], span: Span, elementwise: bool = False
    ) -> Node:
        """Transposes and powers, in the order in which they are written."""
        for kind, parts in scripts:
            if kind == "T":
                node = self.made(span, combine.transpose, node)
            elif kind == "^" and len(parts) == 1:
                node = self._raised(node, parts[0], span, elementwise)
            elif kind in ("_", "[") and len(parts) == 1 and isinstance(parts[0], Relation):
                node = self._slice(node, parts[0], span)
            else:
                raise self.error(
                    "single elements are not read" if kind in ("_", "[") else "this script has no meaning here", span,
                    "write the equation with whole vectors and matrices" if kind in ("_", "[") else "",
                )  # fmt: skip
        return node

    def _raised(self, node: Node, part: Written, span: Span, elementwise: bool) -> Node:
        if isinstance(part, Name) and part.text in TRANSPOSES:
            return self.made(span, combine.transpose, node)
        elementwise = (elementwise or self.elementwise) and not moment_like(part)
        if isinstance(part, Sign) and part.sign == "⊙" and part.operand is not None:
            elementwise, part = True, part.operand
        exponent = self._exponent(part)
        if exponent is None:
            raise self.error("a power is a number or a time", span)
        return self.made(span, combine.power, node, exponent, elementwise)

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
        count = last - first + 1
        shape = (1 + 0 * count, count) if node.shape[0] == 1 else (count, node.shape[1])
        return Slice(node, first, last, (node.shape[0], count) if node.shape[0] == 1 else shape)

    # Names

    def _reference(self, written: Written) -> Node:
        """A name alone: a variable, a sequence, an adjoint, the loss, T, or a size."""
        found = find(written, self.lexicon, self.sequences)
        if found is not None:
            return self._operations(self._leaf(found), found.operations, written.span)
        apart = taken_apart(written)
        assert apart is not None
        base, scripts = apart
        if base.text == "ones":
            return self._operations(Ones(), tuple(script for script in scripts if script[0] in "^T"), written.span)
        if base.accents and base.accents[-1] == "bar":
            bare = replace(base, accents=base.accents[:-1])
            behind = find(Scripted(bare, scripts, written.span) if scripts else bare, self.lexicon, {})
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
        scalar = self._scalar(plain_name(written))
        if scalar is not None:
            return scalar
        raise self.unknown(written)

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
                              "an index is a time; for single elements write whole vectors and matrices")  # fmt: skip
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
            return Sequence(found.name, found.times, self.shapes.get(found.name))
        time = found.times[0] if found.times else None
        return Variable(found.name, time, self.lexicon.shape(found.name), self.lexicon.variable(found.name).label)

    def _adjoint(self, found: Found, span: Span) -> Node:
        """The derivative of the total loss by something."""
        leaf = self._leaf(replace(found, operations=()))
        assert isinstance(leaf, Variable)
        adjoint = Derivative(Kind.TOTAL, self.loss, leaf, leaf.shape, gradient=True)
        return self._operations(adjoint, found.operations, span)

    @property
    def loss(self) -> Variable:
        """The total loss."""
        name = self.lexicon.loss
        return Variable(name, None, SCALAR, self.lexicon.variable(name).label)

    def functions(self) -> dict[str, str]:
        return {**self.lexicon.functions, **self.lexicon.aliases}

    # Derivatives

    def _sign(self, written: Written) -> Kind | None:
        """The kind of a derivative by its sign: ∂, d, or ∂⁺."""
        match written:
            case Name("∂"):
                return Kind.PARTIAL
            case Name("d" | "mathrmd"):
                return Kind.TOTAL
            case Scripted(Name("∂"), (("^", (Sign("+"),)),)):
                return Kind.IMMEDIATE
            case _:
                return None

    def _fraction(self, over: Over) -> Node | None:
        r"""`\frac{\partial y}{\partial x}`; None for an ordinary fraction."""
        match over.top, over.bottom:
            case Run((first, top), ("",)), Run((second, bottom), ("",)) if self._sign(first) and self._sign(second):
                return self._derivative(self._sign(first), top, bottom, over.span)
        return None

    def _derivative(self, kind: Kind | None, top: Written, bottom: Written, span: Span) -> Node:
        assert kind is not None
        above, below = self._stripped(top), self._stripped(bottom)
        for part, written in ((above, top), (below, bottom)):
            if not isinstance(part, Variable):
                raise self.error("a derivative is that of one variable by another", written.span,
                                 "sequences that the claim defines cannot be differentiated")  # fmt: skip
        assert isinstance(above, Variable)
        assert isinstance(below, Variable)
        return self._derived(kind, above, below, span)

    def _stripped(self, written: Written) -> Node:
        if isinstance(written, Group) and written.kind == "(" and len(written.parts) == 1:
            written = written.parts[0]
        if isinstance(written, Name | Scripted) and taken_apart(written) is not None:
            found = find(written, self.lexicon, {})
            if found is not None and not found.operations:
                return self._leaf(found)
        return self.expression(written)

    def _derived(self, kind: Kind, top: Variable, bottom: Variable, span: Span) -> Node:
        if bottom.name == self.lexicon.loss:
            raise self.error("nothing depends on the total loss", span)
        is_loss = top.name == self.lexicon.loss or top.name in self.lexicon.step_losses
        if kind is Kind.PARTIAL and is_loss:
            kind = Kind.TOTAL
        assert top.shape is not None
        assert bottom.shape is not None
        if top.shape == SCALAR:
            return Derivative(kind, top, bottom, bottom.shape)
        if bottom.shape == SCALAR:
            return Derivative(kind, top, bottom, top.shape)
        ranks = [len(self.lexicon.variable(variable.name).shape) for variable in (top, bottom)]
        count, other = (shape[0] * shape[1] for shape in (top.shape, bottom.shape))
        if ranks == [1, 1]:
            rows, columns = (count, other) if self.layout == "numerator" else (other, count)
            return Derivative(kind, top, bottom, (rows, columns))
        if ranks == [1, 2] and self.layout == "numerator":
            return Derivative(kind, top, bottom, (count, *bottom.shape))
        raise self.error("the derivative of a vector by a matrix is read in numerator layout only" if ranks[0] == 1
                         else "the derivative of a matrix is not read", span)  # fmt: skip

    # Runs of factors

    def _run(self, run: Run) -> Node:
        factors, signs = list(run.factors), ["", *run.signs]
        nodes: list[Node] = []
        between: list[str] = []
        place = 0
        while place < len(factors):
            between.append(signs[place])
            node, place = self._next(factors, signs, place)
            nodes.append(node)
        return self.made(run.span, combined, nodes, between[1:])

    def _next(self, factors: list[Written], signs: list[str], place: int) -> tuple[Node, int]:
        """The node that begins at a place, and the place after it."""
        written = factors[place]
        rest = len(factors) - place - 1
        tight = rest > 0 and signs[place + 1] == ""
        if rest >= 3 and signs[place + 1 : place + 4] == ["", "/", ""] and self._sign(factors[place + 2]):
            kind = self._sign(written)
            if kind is not None:
                return self._derivative(kind, factors[place + 1], factors[place + 3], written.span), place + 4
        if rest >= 1 and signs[place + 1] == "/" and (slashed := self._slashed(written, factors[place + 1])):
            return slashed, place + 2
        if self._is_big(written):
            return self._big(written, factors[place + 1 :], signs[place + 2 :]), len(factors)
        if tight and (gradient := self._nabla(written, factors[place + 1])):
            return gradient, place + 2
        if tight and (prefixed := self._with_prefix(written, factors[place + 1])):
            return prefixed, place + 2
        if tight and (applied := self._applied(written, factors[place + 1])):
            return applied, place + 2
        if tight and isinstance(written, Over) and (operated := self._operator(written, factors[place + 1])):
            return operated, place + 2
        return self.expression(written), place + 1

    def _slashed(self, top: Written, bottom: Written) -> Node | None:
        """`dE/dW` in text, where each is one word."""
        above, below = _without_d(top), _without_d(bottom)
        if above is None or below is None or find(top, self.lexicon, self.sequences):
            return None
        return self._derivative(Kind.TOTAL, above, below, top.span)

    def _nabla(self, written: Written, operand: Written) -> Node | None:
        r"""`\nabla_W E`."""
        match written:
            case Scripted(Name("∇"), (("_", (bottom,)),)):
                found = self._derivative(Kind.TOTAL, operand, bottom, written.span)
                return replace(found, gradient=True) if isinstance(found, Derivative) else found
        return None

    def _with_prefix(self, written: Written, operand: Written) -> Node | None:
        r"""`\delta h_t`: a sequence of the claim, or else the adjoint of h."""
        if not isinstance(written, Name) or written.text not in PREFIXES or written.accents:
            return None
        found = find(operand, self.lexicon, self.sequences, written.text)
        if found is not None:
            return self._operations(self._leaf(found), found.operations, operand.span)
        if written.text in ("d",) or find(written, self.lexicon, self.sequences) is not None:
            return None
        found = find(operand, self.lexicon, {})
        return None if found is None else self._adjoint(found, operand.span)

    def _operator(self, over: Over, operand: Written) -> Node | None:
        r"""`\frac{\partial}{\partial W} E`."""
        match over.top, over.bottom:
            case top, Run((second, bottom), ("",)) if self._sign(top) and self._sign(second):
                return self._derivative(self._sign(top), operand, bottom, over.span)
        return None

    def _applied(self, written: Written, operand: Written) -> Node | None:
        """A function and its argument; what is raised in f(x)^2 is the value, not the argument."""
        apart = taken_apart(written)
        if apart is None:
            return None
        if isinstance(operand, Scripted) and isinstance(operand.base, Group) and operand.base.kind == "(":
            inner = self._applied(written, operand.base)
            return None if inner is None else self._operations(inner, operand.scripts, operand.span, True)
        base, scripts = apart
        below = [script for script in scripts if script[0] == "_"]
        name = plain_name(Scripted(base, tuple(below), written.span)) if below else spelled(base)
        if name is None or (find(written, self.lexicon, self.sequences) and name not in self.lexicon.aliases):
            return None
        rest = tuple(script for script in scripts if script[0] != "_")
        if name in STRUCTURES:
            return self._structure(name, operand, written.span, rest)
        function = self.functions().get(name)
        if function is None:
            return None
        return self._called(function, operand, rest, written.span)

    def _called(
        self, function: str, operand: Written, scripts: tuple[tuple[str, tuple[Written, ...]], ...], span: Span
    ) -> Node:
        if isinstance(operand, Group) and len(operand.parts) > 1 and operand.separator == ",":
            raise self.error(f"{function} takes one argument", operand.span)
        inner = self.expression(operand)
        primes = sum(kind == "'" for kind, _ in scripts)
        primes += sum(isinstance(part, Name) and part.text == "prime" for _, parts in scripts for part in parts)
        others = tuple((k, p) for k, p in scripts if k == "^" and not (isinstance(p[0], Name) and p[0].text == "prime"))
        if primes > 1:
            raise self.error("second derivatives of functions are not read", span)
        if function not in ELEMENTWISE_NAMES and (primes or (inner.shape is not None and 1 not in inner.shape)):
            what = "has no elementwise derivative" if primes else "takes a vector"
            raise self.error(f"{function} {what}", span)
        shape: Open = SCALAR if function == "logsumexp" else inner.shape
        node: Node = Prime(function, inner, shape) if primes else Call(function, inner, shape)
        if any(part == Total((("-", Numeral(Fraction(1), span)),), span) for _, parts in others for part in parts):
            raise self.error(f"the inverse of {function} is not read", span)
        return self._operations(node, others, span, elementwise=True)

    def _structure(
        self, name: str, operand: Written, span: Span, scripts: tuple[tuple[str, tuple[Written, ...]], ...]
    ) -> Node:
        """diag, and what the model's language has: dot, outer, concat, sum and mean."""
        several = isinstance(operand, Group) and operand.separator == ","
        parts = [self.expression(part) for part in operand.parts] if several and isinstance(operand, Group) else []
        if name in ("dot", "outer") and len(parts) == 2:
            turned = (
                (combine.transpose(parts[0]), parts[1]) if name == "dot" else (parts[0], combine.transpose(parts[1]))
            )
            return self.made(span, chain, turned)
        if name in ("concat", "stack") and parts:
            return self.made(span, combine.stack, parts, False)
        if several or scripts:
            raise self.error(f"{name} is not read with these arguments", span)
        if name in ("sum", "mean") and not self.bound:
            self.bound.append("t")
            inner = self.expression(operand)
            self.bound.pop()
            if "t" in free_letters(inner):
                total = TimeSum("t", Moment((), 1), LENGTH, inner, inner.shape)
                return total if name == "sum" else Quotient(total, TimeNumber(LENGTH, SCALAR), inner.shape)
        inner = self.expression(operand)
        if name == "diag":
            return self.made(span, combine.diagonal, inner)
        if name == "sum":
            return Call("sum_elements", inner, SCALAR)
        raise self.error(f"{name} is not read with these arguments", span)

    # Sums and products over time

    def _is_big(self, written: Written) -> bool:
        base = written.base if isinstance(written, Scripted) else written
        return isinstance(base, Name) and base.text in BIG

    def _big(self, written: Written, factors: list[Written], signs: list[str]) -> Node:
        base: Written = written
        scripts: tuple[tuple[str, tuple[Written, ...]], ...] = ()
        if isinstance(written, Scripted):
            base, scripts = written.base, written.scripts
        assert isinstance(base, Name)
        if not factors:
            raise self.error("nothing stands behind this sign", written.span)
        below = [part for kind, parts in scripts if kind == "_" for part in parts]
        above = [part for kind, parts in scripts if kind == "^" for part in parts]
        letter, low, high, falling = limits(below, above, written.span, self.text)
        before = self.samples.get(letter)
        if len(self.bound) >= MOST_SUMS:
            raise self.error(f"more than {MOST_SUMS} sums in each other are not read", written.span)
        self.bound.append(letter)
        self.samples[letter] = (sample(low, self.samples) + sample(high, self.samples)) // 2
        run = (
            factors[0]
            if len(factors) == 1
            else Run(tuple(factors), tuple(signs), joined(factors[0].span, factors[-1].span))
        )
        operand = self.expression(run)
        self.bound.pop()
        if before is None:
            del self.samples[letter]
        else:
            self.samples[letter] = before
        if not above and isinstance(below[0], Name) and letter not in free_letters(operand):
            raise self.error(f"nothing behind this sign depends on the time {letter}", written.span,
                             "sums over elements are not read: write whole vectors and matrices")  # fmt: skip
        if base.text == "∑":
            return TimeSum(letter, low, high, operand, operand.shape)
        shape = operand.shape
        if shape is not None and shape != SCALAR and (len(shape) != 2 or shape[0] != shape[1]):
            raise MalformedClaim(f"the factors of this product are {combine.told(shape)}: they have to be square",
                                 self.text, written.span)  # fmt: skip
        descending = falling or sample(low, self.samples) > sample(high, self.samples)
        return TimeProduct(letter, low, high, descending, operand, shape)


STRUCTURES = frozenset("diag Diag diagonal dot outer concat stack sum mean".split())


def moment_like(part: Written) -> bool:
    """Whether an exponent speaks of time, so that only a matrix can have it."""
    found = moment(part)
    return found is not None and bool(found.terms)


def _without_d(written: Written) -> Written | None:
    """`dW` without its d; None for what is no such word."""
    match written:
        case Name(text, span, accents) if len(text) > 1 and text[0] == "d":
            return Name(text[1:], span, accents)
        case Scripted(Name() as base, scripts, span):
            inner = _without_d(base)
            return None if inner is None else Scripted(inner, scripts, span)
        case _:
            return None
