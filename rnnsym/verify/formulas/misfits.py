r"""A claim whose shapes do not fit: which change makes it fit, and right.

What does not fit has no value, so that every change is tried for its shape first; few give one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.combine import Misfit, filled, transpose, widened
from rnnsym.claims.lexicon import SCALAR
from rnnsym.claims.loose import joined
from rnnsym.claims.syntax import (
    Derivative,
    Diagonal,
    Moment,
    Negative,
    Node,
    Number,
    Ones,
    Product,
    Quotient,
    Sequence,
    Sum,
    TimeSum,
    Transpose,
    Variable,
    Way,
    children,
    walk,
)
from rnnsym.claims.written import ClaimError, MalformedClaim
from rnnsym.language.model import Model
from rnnsym.verify.formulas.bench import Bench, Reading
from rnnsym.verify.formulas.boundaries import missing_times, ungiven
from rnnsym.verify.formulas.diagnose import (
    LONGEST,
    Blame,
    blamed,
    diagnosis,
    explained,
    likely,
    placed,
    target_of,
    unexplained,
)
from rnnsym.verify.formulas.editor import Editor
from rnnsym.verify.formulas.edits import Edit, put
from rnnsym.verify.formulas.evaluate import Evaluator
from rnnsym.verify.formulas.leaves import Meaning
from rnnsym.verify.formulas.result import Diagnosis, Result, row
from rnnsym.verify.formulas.search import Repair, Search, is_circular, simplest
from rnnsym.verify.formulas.slips import Slips
from rnnsym.verify.formulas.trees import Site, sites
from rnnsym.verify.formulas.vocabulary import Vocabulary
from rnnsym.verify.formulas.writing import Writer
from rnnsym.verify.verdict import Verdict

#: Of so many equations that fit after one change it is searched for a second one, until so many edits are tried.
SECOND, MOST_EDITS = 8, 4_000
#: So many of the ways in which equations fit are tried for one in which they hold.
MOST = 60
#: The cost of a factor put into a gap: many would fit.
INSERTED = 1.15


class Refits(Slips):
    """Changes of a shape: each rule gives a change at a place, what it undoes in words, and how unusual that is."""

    def changes(self, site: Site) -> Iterator[Edit]:
        """Every change at a place."""
        if isinstance(site.node, Number):
            return
        for rule in (self.turns, self.orders, self.ways, self.fewer, self.others, self.more):
            yield from rule(site)

    def _edit(self, site: Site, new: Node, sentence: str, cost: float, kind: str = "shape") -> Edit:
        return Edit(site.path, put(new), sentence, cost, self.say(site.node), kind)

    def turns(self, site: Site) -> Iterator[Edit]:
        """A transpose or a diag too many or too few."""
        node = site.node
        if node.shape == SCALAR or isinstance(site.parent, Transpose):
            return
        shown = self.say(node)
        if isinstance(node, Transpose):
            yield self._edit(site, node.operand, f"{self.say(node.operand)} must not be transposed here.", 1.0)
        elif node.shape is None or len(node.shape) == 2:
            turned = transpose(node)
            cost = 1.0 + 0.2 * bool(children(node))
            yield self._edit(site, turned, f"{shown} must be transposed here: {self.say(turned)}.", cost)
        if isinstance(node, Diagonal):
            yield self._edit(site, node.operand, f"The diag of {self.say(node.operand)} is superfluous.", 1.0)
        elif node.shape is not None and SCALAR[0] in node.shape:
            wrapped = Diagonal(node, None)
            yield self._edit(site, wrapped, f"{self.say(wrapped)} is needed, not {shown} alone.", 1.05)

    def orders(self, site: Site) -> Iterator[Edit]:
        """Neighbours in a product that changed places, perhaps transposed too."""
        node = site.node
        if not isinstance(node, Product):
            return
        for first in range(len(node.parts) - 1):
            one, other = node.parts[first : first + 2]
            around = (node.parts[:first], node.parts[first + 2 :])
            swapped = replace(node, parts=(*around[0], other, one, *around[1]), shape=None)
            says = f"The factors {self.say(one)} and {self.say(other)} stand in the wrong order."
            yield self._edit(site, swapped, says, 1.0)
            try:
                pair = (transpose(other), transpose(one))
            except Misfit:
                continue
            turned = replace(node, parts=(*around[0], *pair, *around[1]), shape=None)
            shown = self.say(Product(Way.MATRIX, pair, None))
            yield self._edit(site, turned, f"{self.say(one)} {self.say(other)} is transposed: {shown} is needed.", 1.05)

    def ways(self, site: Site) -> Iterator[Edit]:
        """An elementwise product for a matrix product, and the reverse."""
        node = site.node
        if not isinstance(node, Product) or len(node.parts) < 2:
            return
        matrix = node.way is not Way.HADAMARD
        way = Way.HADAMARD if matrix else Way.MATRIX
        for first in range(len(node.parts) - 1):
            pair = node.parts[first : first + 2]
            inner = Product(way, pair, None)
            parts = (*node.parts[:first], inner, *node.parts[first + 2 :])
            new = inner if len(parts) == 1 else replace(node, parts=parts, shape=None)
            what = "elementwise product" if matrix else "matrix product"
            other = "matrix product" if matrix else "elementwise product"
            says = f"The {other} of {self.say(pair[0])} and {self.say(pair[1])} has to be the "
            yield self._edit(site, new, f"{says}{what}, {self.say(inner)}.", 1.0)
            if matrix and pair[0].shape == pair[1].shape:
                fraction = Quotient(pair[0], pair[1], pair[0].shape)
                around = (*node.parts[:first], fraction, *node.parts[first + 2 :])
                whole = fraction if len(around) == 1 else replace(node, parts=around, shape=None)
                yield self._edit(site, whole, f"{self.say(pair[1])} multiplies where it has to divide.", 1.3)
            if not matrix and pair[1].shape is not None and pair[1].shape[-1] == SCALAR[1]:
                outer = Product(Way.MATRIX, (pair[0], transpose(pair[1])), None)
                parts = (*node.parts[:first], outer, *node.parts[first + 2 :])
                new = outer if len(parts) == 1 else replace(node, parts=parts, shape=None)
                yield self._edit(site, new, f"{says}outer product, {self.say(outer)}.", 1.05)

    def fewer(self, site: Site) -> Iterator[Edit]:
        """A factor or a summand too many."""
        node = site.node
        if not isinstance(node, Product | Sum) or len(node.parts) < 2:
            return
        what = "factor" if isinstance(node, Product) else "summand"
        for place, part in enumerate(node.parts):
            rest = (*node.parts[:place], *node.parts[place + 1 :])
            new = rest[0] if len(rest) == 1 else replace(node, parts=rest, shape=None)
            yield self._edit(site, new, f"The {what} {self.say(part)} is superfluous.", 1.1)

    def others(self, site: Site) -> Iterator[Edit]:
        """A variable of another shape in place of one."""
        node = site.node
        if not isinstance(node, Variable | Sequence | Derivative):
            return
        at, outer = moment_of(node)
        for other, cost in self._quantities(at, outer):
            if other != node and other.shape != node.shape:
                says = f"{self.say(node)} stands where {self.say(other)} is needed."
                yield self._edit(site, other, says, cost + 0.3 * self.is_adjoint(node) * (not self.is_adjoint(other)))

    def _quantities(self, at: Moment | None, outer: Moment | None) -> Iterator[tuple[Node, float]]:
        words = self.words
        shapes = dict.fromkeys(words.shape(name) for name in (*words.untimed, *words.single, *words.timed))
        for shape in shapes:
            for other in words.variables(shape, at):
                yield other, 1.1
            for other in words.sequences(shape, () if at is None else (at,)):
                yield other, 1.1
        for name in words.quantities(at):
            yield words.adjoint(name, at, outer), 1.2

    def more(self, site: Site) -> Iterator[Edit]:
        """A factor that is missing, in front or behind: a matrix, a vector of an outer or an inner product."""
        node = site.node
        parent = site.parent
        inside = isinstance(parent, Product) and parent.way is not Way.HADAMARD  # the gaps are those of the product
        if inside or isinstance(parent, Transpose) or isinstance(node, TimeSum | Negative):
            return
        parts = node.parts if isinstance(node, Product) and node.way is not Way.HADAMARD else (node,)
        seen: set[Node] = set()
        for at in [*self.nearby(site), None]:
            for other, cost in self._factors(at):
                if other in seen:
                    continue
                seen.add(other)
                for factor in (other, transpose(other)):
                    for gap in range(len(parts) + 1):
                        new = Product(Way.MATRIX, (*parts[:gap], factor, *parts[gap:]), None)
                        says = f"{self.say(node)} lacks the factor {self.say(factor)}: {self.say(new)} is needed."
                        yield self._edit(site, new, says, cost)

    def _factors(self, at: Moment | None) -> Iterator[tuple[Node, float]]:
        for other, cost in self._quantities(at, None):
            if other.shape is not None and len(other.shape) == 2 and other.shape != SCALAR:
                yield other, cost - 1.1 + INSERTED
        if at is None:
            for name in self.words.timed:
                shape = self.words.shape(name)
                if SCALAR[0] in shape and shape != SCALAR:
                    yield Ones(shape), INSERTED + 0.1


def moment_of(node: Variable | Sequence | Derivative) -> tuple[Moment | None, Moment | None]:
    """The time of a leaf, and the other one that it may have."""
    match node:
        case Variable(_, at):
            return at, None
        case Derivative(_, _, bottom):
            return bottom.time, None
        case Sequence(_, times):
            return (times[-1] if times else None), (times[0] if len(times) == 2 else None)
    raise AssertionError(node)


@dataclass(frozen=True)
class Fitting:
    """An equation that fits after a change."""

    edit: Edit
    equation: Equation

    @property
    def repair(self) -> Repair:
        return Repair((self.edit,), self.equation.right)


def fitting(equation: Equation, rules: Refits) -> list[Fitting]:
    """The equations that fit after one change, the likeliest change first."""
    found: dict[Node, Fitting] = {}
    for site in sites(equation.right):
        for edit in rules.changes(site):
            try:
                right = joined(edit.apply(equation.right))
                right = widened(filled(right, equation.left.shape), equation.left.shape)
            except Misfit:
                continue
            if right.shape != equation.left.shape or any(node.shape is None for node in walk(right)):
                continue
            if is_circular(equation, right):
                continue
            one = Fitting(edit, replace(equation, right=right))
            before = found.get(right)
            if before is None or edit.cost < before.edit.cost:
                found[right] = one
    return sorted(found.values(), key=lambda one: one.edit.cost)


def mended(claim: Claim, errors: dict[int, MalformedClaim], model: Model) -> Result | None:
    """The result for a claim of which some equations do not fit; None where no change makes one of them fit."""
    bench = Bench(claim, model)
    options = {number: options_for(bench, claim.equations[number]) for number in errors}
    if not all(options.values()):
        return None
    equations = list(claim.equations)
    for number, found in options.items():
        equations[number] = found[0].equation
    bench = bench.with_claim(replace(claim, equations=tuple(equations)))
    equations = rightly(bench, equations, options)
    bench = bench.with_claim(replace(claim, equations=tuple(equations)))
    blame = blamed(bench, likely(bench))
    unfit = [equations[number] for number in errors]
    wrong = [equation for equation in blame.wrong if not any(equation is other for other in unfit)]
    diagnoses = [diagnosis(bench, blame, equation, {}) for equation in wrong]
    diagnoses += [Misfitting(bench, blame, number, found).diagnosis() for number, found in options.items()]
    rows = tuple(
        row(before, verdict_on(number, after, errors, wrong))
        for number, (before, after) in enumerate(zip(claim.equations, equations, strict=True))
    )
    problem = "\n".join(map(str, errors.values()))
    return Result(Verdict.MALFORMED, rows, tuple(sorted(diagnoses, key=lambda one: one.line)), problem=problem)


def rightly(bench: Bench, equations: list[Equation], options: dict[int, list[Fitting]]) -> list[Equation]:
    """The equations, each definition that does not fit in the likeliest way in which all of them hold.

    Where there is no such way they stay. What is no definition says nothing of the others.
    """
    numbers = [number for number in options if equations[number].defines is not None]
    reading = Reading(bench.partials[0], bench.stated)
    plain = bench.evaluator(reading)
    for ways in itertools.islice(itertools.product(*(options[number][:MOST] for number in numbers)), MOST):
        trial = list(equations)
        for number, way in zip(numbers, ways, strict=True):
            trial[number] = way.equation
        other = replace(bench.claim, equations=tuple(trial))
        evaluator = plain.variant(claim=other)
        try:
            if bench.checked and all(evaluator.agrees(equation) for equation in bench.with_claim(other).checked):
                return trial
        except (ClaimError, ValueError, KeyError, AssertionError):
            continue
    return equations


def verdict_on(number: int, equation: Equation, errors: dict[int, MalformedClaim], wrong: list[Equation]) -> Verdict:
    """The verdict on one equation, with the truth put in for what it uses."""
    if number in errors:
        return Verdict.MALFORMED
    return Verdict.REFUTED if equation in wrong else Verdict.SUPPORTED


def options_for(bench: Bench, equation: Equation) -> list[Fitting]:
    """The ways in which an equation fits after one change."""
    if equation.given or sum(1 for _ in walk(equation.right)) > LONGEST:
        return []
    claim, loss = bench.claim, bench.system.loss
    named = {name: Meaning(variable, loss) for name, variable in claim.adjoints.items()}
    words = Vocabulary(claim, bench.model, bench.system, named)
    return fitting(equation, Refits(words, Writer.text(claim, bench.model), equation.left, target_of(equation, named)))


class Misfitting:
    """An equation that fits after each of some changes, in a claim whose other equations fit."""

    def __init__(self, bench: Bench, blame: Blame, number: int, options: list[Fitting]) -> None:
        self.bench, self.blame, self.number, self.options = bench, blame, number, options
        self.text = Writer.text(bench.claim, bench.model)
        self.latex = Writer.latex(bench.claim, bench.model)
        self.words = Vocabulary(bench.claim, bench.model, bench.system, blame.truth)

    def diagnosis(self) -> Diagnosis:
        """What puts the equation right."""
        before = self.bench.claim.equations[self.number]
        repairs = simplest(sorted(self._repairs(), key=lambda repair: repair.cost))
        explanations = [explained(before, repair, self.latex, self.text) for repair in repairs]
        if not explanations:
            target = target_of(before, self.blame.truth)
            explanations = [unexplained(before, self.words, target, self.latex, self.text)]
        evaluator = self.blame.meanings.plain.variant(truth=self.blame.truth)
        missing = missing_times(evaluator, before)
        remarks = (ungiven(before.defines or "", missing, self.text),) if missing else ()
        return placed(self.bench.claim, before, explanations, remarks)

    def _evaluator(self, equation: Equation) -> Evaluator:
        equations = list(self.bench.claim.equations)
        equations[self.number] = equation
        claim = replace(self.bench.claim, equations=tuple(equations))
        return self.blame.meanings.plain.variant(claim=claim, truth=self.blame.truth)

    def _repairs(self) -> list[Repair]:
        """What is right after the change that makes it fit; or else after another one."""
        found = [one.repair for one in self.options if self._agrees(one.equation)]
        if found:
            return found
        tried = 0
        for one in self.options[:SECOND]:
            if tried > MOST_EDITS:
                break
            editor = Editor(self.words, self.text, one.equation.left, target_of(one.equation, self.blame.truth))
            try:
                search = Search(self._evaluator(one.equation), one.equation, editor)
                second = search.singles()
            except ClaimError:
                continue
            tried += len(search.tried)
            found += [Repair((one.edit, *repair.edits), repair.right) for repair in second[:1]]
        return found

    def _agrees(self, equation: Equation) -> bool:
        try:
            return self._evaluator(equation).agrees(equation, equation.defines is not None)
        except (ClaimError, ValueError, KeyError, AssertionError):
            return False
