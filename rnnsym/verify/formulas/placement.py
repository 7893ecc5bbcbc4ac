"""Slips of place: a factor on the wrong side of a matrix, one step in place of all, a time that is wrong throughout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from rnnsym.claims.combine import Misfit, chain, transpose
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.substitute import at_times, mapped
from rnnsym.claims.syntax import (
    Derivative,
    Diagonal,
    Moment,
    Negative,
    Node,
    Product,
    Sequence,
    Sum,
    TimeSum,
    Variable,
    Way,
    free_letters,
    walk,
)
from rnnsym.verify.formulas.edits import FIRST, Edit, T, put
from rnnsym.verify.formulas.slips import times_of
from rnnsym.verify.formulas.terms import Terms, joined
from rnnsym.verify.formulas.trees import Site, is_one


class Placement(Terms):
    """The rules for what stands at a wrong place."""

    # Elementwise factors beside matrices

    def beside_matrices(self, site: Site) -> Iterator[Edit]:
        """An elementwise factor that a matrix is to be applied to as well, or the reverse."""
        node = site.node
        match node:
            case Product(Way.HADAMARD, parts):
                for place, part in enumerate(parts):
                    if not isinstance(part, Product) or part.way is not Way.MATRIX:
                        continue
                    *front, last = part.parts
                    for number, factor in enumerate(parts):
                        if number == place or factor.shape != last.shape:
                            continue
                        inner = joined((factor, last))
                        new = None if inner is None else self._product((*front, inner))
                        rest = tuple(p for n, p in enumerate(parts) if n not in (place, number))
                        whole = new if new is None or not rest else joined((*rest, new))
                        if whole is not None and whole.shape == node.shape:
                            sentence = (
                                f"The factor {self.say(factor)} stands outside of the matrix product, where "
                                f"{self.say(new)} is needed."  # type: ignore[arg-type]
                            )
                            yield Edit(site.path, put(whole), sentence, 1.0, self.say(node), "place")
            case Product(Way.MATRIX, (*front, Product(Way.HADAMARD, inner) as last)) if front:
                for factor in inner:
                    rest = tuple(part for part in inner if part is not factor)
                    kept = rest[0] if len(rest) == 1 else replace(last, parts=rest)
                    product = self._product((*front, kept))
                    whole = None if product is None else joined((factor, product))
                    if whole is not None and whole.shape == node.shape and factor.shape != SCALAR:
                        sentence = (
                            f"The factor {self.say(factor)} stands inside of the matrix product, where "
                            f"{self.say(whole)} is needed."
                        )
                        yield Edit(site.path, put(whole), sentence, 1.0, self.say(node), "place")

    def _product(self, parts: tuple[Node, ...]) -> Node | None:
        try:
            return chain(parts)
        except Misfit:
            return None

    # Functions of whole vectors

    def whole_functions(self, site: Site) -> Iterator[Edit]:
        """The derivative of a softmax taken as if it worked element by element."""
        node = site.node
        if isinstance(node, Diagonal):
            for output in self._halves(node.operand):
                jacobian = Sum(
                    (Diagonal(output, node.shape), Negative(chain((output, transpose(output))), node.shape)), node.shape
                )
                yield self._softmax(site, output, jacobian)
        if isinstance(node, Product) and node.way is Way.HADAMARD:
            for output in self._halves(node):
                rest = tuple(part for part in node.parts if part != output and not is_complement(part, output))
                if not rest or len(rest) != len(node.parts) - 2:
                    continue
                behind = rest[0] if len(rest) == 1 else replace(node, parts=rest)
                column = node.shape is not None and node.shape[1] == SCALAR[1]
                pair = (transpose(output), behind) if column else (behind, transpose(output))
                product = self._product(pair)
                if product is not None:
                    common = Product(Way.SCALAR, (product, output), node.shape)
                    first = Product(Way.HADAMARD, (output, behind), node.shape)
                    yield self._softmax(site, output, Sum((first, Negative(common, node.shape)), node.shape))

    def _softmax(self, site: Site, output: Node, new: Node) -> Edit:
        shown = self.say(output)
        sentence = (
            f"The derivative of the softmax is taken element by element, as {shown} ⊙ (1 - {shown}): every output "
            f"depends on every input, and diag({shown}) - {shown} {shown}ᵀ is needed."
        )
        return Edit(site.path, put(new), sentence, 0.95, self.say(site.node), "softmax")

    def _halves(self, node: Node) -> Iterator[Node]:
        """The outputs y of a softmax of which a product has both y and 1 - y as factors."""
        parts = node.parts if isinstance(node, Product) and node.way is Way.HADAMARD else ()
        for part in parts:
            known = isinstance(part, Variable) and part.name in self.words.softmaxes
            if known and any(is_complement(other, part) for other in parts):
                yield part

    # Steps

    def steps(self, site: Site) -> Iterator[Edit]:
        """The last step in place of all; a sum over the steps before in place of those behind."""
        node = site.node
        if isinstance(node, TimeSum):
            yield from self._other_side(site, node)
        leaves = [part for part in walk(node) if isinstance(part, Variable | Sequence | Derivative)]
        told = [time for leaf in leaves for time in moments_of(leaf)]
        known = {*site.bound, *free_letters(self.left)}
        if site.path or not told or free_letters(node) or "t" in known or isinstance(node, TimeSum):
            return
        if any("T" in {letter for letter, _ in time.terms} for time in told):
            inner = at_times(node, {"T": Moment.of("t")})
            new = TimeSum("t", FIRST, T, inner, node.shape)
            sentence = "This is the last step alone: the sum over t is missing, as every step contributes."
            yield Edit(site.path, put(new), sentence, 0.95, self.say(node), "sum")

    def _other_side(self, site: Site, node: TimeSum) -> Iterator[Edit]:
        for own in self.moments(site):
            for low, high, other in ((FIRST, own, (own, T)), (own, T, (FIRST, own))):
                if (node.low, node.high) == (low, high) and own.terms:
                    new = replace(node, low=other[0], high=other[1])
                    sentence = (
                        f"The sum over {node.index} runs over {low}, ..., {high}, where it has to run over "
                        f"{other[0]}, ..., {other[1]}."
                    )
                    yield Edit(site.path, put(new), sentence, 1.05, self.say(node), "bounds")

    # Throughout

    def throughout(self, site: Site) -> Iterator[Edit]:
        """A time, or a transpose, that is wrong wherever it stands in an equation."""
        if site.path:
            return
        leaves = [part for part in walk(site.node) if isinstance(part, Variable | Sequence)]
        for leaf, count in Counter(leaves).items():
            if count < 2:
                continue
            for new in (*self._moved(leaf), *self._turned(leaf)):
                sentence = f"{self.say(leaf)} stands where {self.say(new)} is needed, each time."
                yield Edit((), exchanged(leaf, new), sentence, 1.15, self.say(leaf), "throughout")

    def _moved(self, leaf: Variable | Sequence) -> Iterator[Node]:
        for shift in (Moment((), -1), Moment((), 1)) if times_of(leaf) else ():
            if isinstance(leaf, Sequence):
                yield replace(leaf, times=tuple(time + shift for time in leaf.times))
            elif leaf.time is not None:
                yield replace(leaf, time=leaf.time + shift)

    def _turned(self, leaf: Node) -> Iterator[Node]:
        shape = leaf.shape
        if shape is not None and len(shape) == 2 and shape[0] == shape[1] and shape != SCALAR:
            yield transpose(leaf)


def moments_of(leaf: Node) -> tuple[Moment, ...]:
    """The times of a leaf."""
    if isinstance(leaf, Derivative):
        return tuple(end.time for end in (leaf.top, leaf.bottom) if end.time is not None)
    return times_of(leaf) if isinstance(leaf, Variable | Sequence) else ()


def exchanged(leaf: Node, new: Node):  # type: ignore[no-untyped-def]
    """The change that puts another leaf wherever one stands."""
    return lambda root: mapped(root, lambda part: new if part == leaf else None)


def is_complement(node: Node, of: Node) -> bool:
    """Whether a node is 1 - y."""
    match node:
        case Sum((one, Negative(operand))):
            return is_one(one) and operand == of
    return False
