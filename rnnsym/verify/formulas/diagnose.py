"""What is wrong with a claim that does not hold: which equations are wrong of themselves, and how to put them right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.syntax import Derivative, Negative, Sequence, Transpose, Variable, walk
from rnnsym.claims.written import ClaimError
from rnnsym.verify.formulas.bench import Bench, Reading
from rnnsym.verify.formulas.boundaries import given, missing_times, ungiven
from rnnsym.verify.formulas.conditions import Condition, coincidences, distributions, unsaid
from rnnsym.verify.formulas.editor import Editor
from rnnsym.verify.formulas.evaluate import Evaluator
from rnnsym.verify.formulas.immediate import immediate_for_total
from rnnsym.verify.formulas.leaves import Meaning
from rnnsym.verify.formulas.meanings import Meanings, note, reads
from rnnsym.verify.formulas.refute import counterexample
from rnnsym.verify.formulas.result import Diagnosis, Explanation, Result, row
from rnnsym.verify.formulas.search import Repair, Search, is_circular, simplest
from rnnsym.verify.formulas.trees import sites, tidied
from rnnsym.verify.formulas.vocabulary import Vocabulary
from rnnsym.verify.formulas.writing import Writer
from rnnsym.verify.verdict import Verdict


@dataclass(frozen=True)
class Blame:
    """A reading of a claim under which the fewest equations are wrong, what its sequences stand for, and these."""

    reading: Reading
    meanings: Meanings
    wrong: tuple[Equation, ...]

    @property
    def truth(self) -> dict[str, Meaning]:
        return self.meanings.found


def refuted(bench: Bench) -> Result:
    """The result for a claim that does not hold."""
    blame = blamed(bench, likely(bench))
    if not blame.wrong:
        raise silent(bench.claim)
    blame, diagnoses = told(bench, blame)
    rows = tuple(
        row(
            equation,
            _verdict(bench, blame, equation),
            "; ".join(filter(None, (note(equation, blame.truth), _spoilt(bench.claim, equation, blame)))),
        )
        for equation in bench.claim.equations
    )
    found = counterexample(bench, blame.reading, blame.truth, blame.wrong)
    return Result(Verdict.REFUTED, rows, diagnoses, found, assumption=blame.reading.condition.sentence)


def told(bench: Bench, blame: Blame) -> tuple[Blame, tuple[Diagnosis, ...]]:
    """What is wrong with each equation: one change, one and an assumption that is left unsaid, or two changes.

    Where targets that sum to one leave less to be put right, they are taken to do so: who writes y - d means them to.
    """
    searches: Searches = {}
    single = diagnosed(bench, blame, searches, pairs=False)
    if all(one.changes == 1 for one in single):
        return blame, single
    ways = [blame]
    usual = distributions_of(bench)
    for condition in [] if blame.reading.condition.sentence else [*usual, *lengths_of(bench)]:
        other = blame_under(bench, Reading(blame.reading.partial, condition))
        single = diagnosed(bench, other, searches, pairs=False) if set(other.wrong) <= set(blame.wrong) else ()
        if single and all(one.changes == 1 for one in single):
            return other, single
        if other.wrong and condition in usual:
            ways.append(other)
    found = [(way, diagnosed(bench, way, searches)) for way in ways]
    return min(found, key=lambda one: sum(diagnosis.changes for diagnosis in one[1]))


def diagnosed(bench: Bench, blame: Blame, searches: Searches, pairs: bool = True) -> tuple[Diagnosis, ...]:
    """What is wrong with each equation in a reading."""
    return tuple(diagnosis(bench, blame, equation, searches, pairs) for equation in blame.wrong)


def lengths_of(bench: Bench) -> list[Condition]:
    """That all ends with the last step that a claim tells, where it tells steps one by one."""
    return [condition for condition in bench.conditions if condition.length != bench.stated.length]


def distributions_of(bench: Bench) -> list[Condition]:
    """That targets sum to one, beside what is stated."""
    usual = {condition.sentence for condition in distributions(bench.model)}
    return [condition for condition in bench.conditions if condition.sentence in usual]


def silent(claim: Claim) -> ClaimError:
    """The error for a claim whose sequences could be anything."""
    return ClaimError(
        "the claim defines sequences and says nothing of the model", claim.text, claim.equations[0].span,
        "add an equation for a gradient, or name the sequence after a variable, as in \\bar{h}_t",
    )  # fmt: skip


def _verdict(bench: Bench, blame: Blame, equation: Equation) -> Verdict:
    """The verdict on one equation, with the truth put in for what it uses."""
    if equation in blame.wrong:
        return Verdict.REFUTED
    if not blame.reading.condition.sentence or not _says(equation, blame.meanings):
        return Verdict.SUPPORTED
    alone = bench.evaluator(Reading(blame.reading.partial, bench.stated)).variant(truth=blame.truth)
    return Verdict.SUPPORTED if alone.agrees(equation, equation.defines is not None) else Verdict.CONDITIONAL


def _spoilt(claim: Claim, equation: Equation, blame: Blame) -> str:
    wrong = [e.defines for e in blame.wrong if e.defines is not None]
    used = [name for name in wrong if name in claim.sequences and reads(equation, name) and equation.defines != name]
    return f"it uses {', '.join(dict.fromkeys(used))}, which is wrong" if used else ""


def blamed(bench: Bench, assumptions: Iterable[Condition]) -> Blame:
    """The reading that leaves the fewest equations wrong, and then the fewest sequences unknown.

    Without assumptions, where that is as good.
    """
    best: Blame | None = None
    for condition in assumptions:
        for partial in bench.partials:
            blame = blame_under(bench, Reading(partial, condition))
            if best is None or (blame.wrong and left_open(bench, blame) < left_open(bench, best)):
                best = blame
        if best is not None and left_open(bench, best) == (1, 0):
            break
    assert best is not None
    return best


def left_open(bench: Bench, blame: Blame) -> tuple[int, int]:
    """How many equations a reading leaves wrong, and of how many of their sequences it does not say what they are."""
    unknown = [name for name in bench.claim.sequences if name not in blame.truth]
    return len(blame.wrong), sum(any(reads(equation, name) for equation in blame.wrong) for name in unknown)


def blame_under(bench: Bench, reading: Reading) -> Blame:
    """The equations that are wrong in a reading."""
    meanings = Meanings(bench, reading)
    wrong = tuple(
        e
        for e in bench.claim.equations
        if is_circular(e, e.right) or (_says(e, meanings) and not meanings.holds(e, meanings.found))
    )
    missing = gaps(bench, meanings, wrong)
    wrong = tuple(e for e in bench.claim.equations if e in wrong or e in missing)
    return Blame(reading, meanings, wrong or uncovered(bench, reading, meanings))


def likely(bench: Bench) -> list[Condition]:
    """Nothing but what is stated; what the targets or the first state meet; that all ends with the last step told."""
    first, *others = bench.conditions
    usual = {condition.sentence for condition in unsaid(bench.model)}
    return [first, *(c for c in others if c.sentence in usual), *lengths_of(bench)]


def _says(equation: Equation, meanings: Meanings) -> bool:
    """Whether an equation can be wrong: a definition of something unknown cannot."""
    return not equation.given and (equation.defines is None or equation.defines in meanings.found)


def gaps(bench: Bench, meanings: Meanings, wrong: tuple[Equation, ...]) -> tuple[Equation, ...]:
    """Of each sequence that another equation reads at a time at which none gives it: the first that defines it."""
    evaluator = meanings.plain.variant(truth=meanings.found)
    found = []
    for name in meanings.found:
        own = bench.claim.defining(name)
        if own[0] in wrong or not missing_times(evaluator, own[0]):
            continue
        short = evaluator.variant(only_given=frozenset([name]))
        others = [e for e in bench.claim.equations if e not in wrong and _says(e, meanings) and reads(e, name)]
        if not all(short.agrees(equation, equation.defines is not None) for equation in others):
            found.append(own[0])
    return tuple(found)


def uncovered(bench: Bench, reading: Reading, meanings: Meanings) -> tuple[Equation, ...]:
    """Where each equation holds for itself, some sequence has no value at a time: the equations that define it."""
    failing = bench.failing(reading)
    names = [name for name in meanings.found if name not in meanings.sure]
    return tuple(e for e in bench.claim.equations if e.defines in names)[:1] or tuple(failing[:1])


# One equation


#: Searches for what puts an equation right, by the equation and what is assumed.
Searches = dict[tuple[Equation, str], Search]


def diagnosis(bench: Bench, blame: Blame, equation: Equation, searches: Searches, pairs: bool = True) -> Diagnosis:
    """How one equation is put right. pairs: by two changes, if need be."""
    claim, model = bench.claim, bench.model
    vocabulary = Vocabulary(claim, model, bench.system, blame.truth)
    latex, text = Writer.latex(claim, model), Writer.text(claim, model)
    target = target_of(equation, blame.truth)
    editor = Editor(vocabulary, text, equation.left, target)
    evaluator = blame.meanings.plain.variant(truth=blame.truth)
    explanations: list[Explanation] = []
    name, missing = equation.defines, missing_times(evaluator, equation)
    gap = bool(missing) and evaluator.agrees(equation, True)
    if name is not None and gap:
        explanations.append(given(name, missing, vocabulary, target, latex, text))
    partial = None if gap else immediate_for_total(evaluator, equation, vocabulary, latex, text)
    if partial is not None:
        explanations.append(partial)
    elif not gap:
        key = (equation, blame.reading.condition.sentence)
        if key not in searches and sum(1 for _ in walk(equation.right)) <= LONGEST:
            searches[key] = Search(evaluator, equation, editor, max(1, len(blame.wrong)))
        found = simplest(repairs(searches.get(key), pairs))
        explanations += [explained(equation, repair, latex, text) for repair in found]
    if not explanations and not pairs:
        return placed(claim, equation, (), ())
    if not explanations:
        explanations += _elsewhere(bench, blame, equation, vocabulary, latex, text)
    if not explanations:
        explanations.append(unexplained(equation, vocabulary, target, latex, text))
    remarks: tuple[str, ...] = ()
    if not gap:
        remarks = (*_remarks(bench, blame, equation), *_in_the_other_layout(bench, evaluator, equation, editor))
        remarks += (ungiven(name, missing, text),) if name is not None and missing else ()
    return placed(claim, equation, explanations, remarks)


def explained(equation: Equation, repair: Repair, latex: Writer, text: Writer) -> Explanation:
    """Edits in words, and the equation that they give."""
    whole = replace(equation, right=tidied(repair.right))
    sentence = " And: ".join(edit.sentence for edit in repair.edits)
    part = repair.edits[0].part
    return Explanation(sentence, latex.equation(whole), text.equation(whole), part, len(repair.edits))


def placed(
    claim: Claim, equation: Equation, explanations: Iterable[Explanation], remarks: tuple[str, ...]
) -> Diagnosis:
    """A diagnosis with the line of the claim that it is about, and where in it the equation stands."""
    span = equation.span
    line = claim.text.split("\n")[span.line - 1] if claim.text else equation.source
    column, width = caret(line, equation)
    return Diagnosis(span.line, line, tuple(explanations), remarks, column, width)


def caret(line: str, equation: Equation) -> tuple[int, int]:
    """Where in its line an equation begins, and how long it is."""
    start = equation.span.start
    return start, max(1, min(equation.span.stop, len(line)) - start)


#: A longer right side is not searched for what would put it right: there are too many ways to change it.
LONGEST = 150
#: What is wrong with a Jacobian in the other layout is said of a shorter one.
SHORT = 40


def repairs(search: Search | None, pairs: bool) -> list[Repair]:
    """One edit, or else two."""
    if search is None:
        return []
    return search.one or (search.pairs() if pairs else [])


def target_of(equation: Equation, truth: dict[str, Meaning]) -> Variable | None:
    """The variable whose derivative an equation is for; None where that is not known."""
    left = equation.left
    while isinstance(left, Negative | Transpose):
        left = left.operand
    if isinstance(left, Sequence) and left.name in truth:
        derivative = truth[left.name].derivative(left.times, left.shape)
        return derivative.bottom
    if isinstance(left, Derivative) and left.top.shape == (1, 1):
        return left.bottom
    return None


def _elsewhere(
    bench: Bench, blame: Blame, equation: Equation, vocabulary: Vocabulary, latex: Writer, text: Writer
) -> Iterator[Explanation]:
    """An edit of a definition that an equation rests on, where nothing says what the definition stands for."""
    for helper in bench.claim.equations:
        name = helper.defines
        if name is None or name in blame.truth or helper.given or not reads(equation, name):
            continue
        editor = Editor(vocabulary, text, helper.left, None)
        for site in sites(helper.right):
            for edit in editor.edits(site):
                if edit.cost > 1.2:
                    continue
                changed = replace(helper, right=edit.apply(helper.right))
                others = tuple(changed if e is helper else e for e in bench.claim.equations)
                trial = blame.meanings.plain.variant(claim=replace(bench.claim, equations=others), truth=blame.truth)
                try:
                    if trial.agrees(equation, equation.defines is not None):
                        yield Explanation(
                            f"The definition of {text.sequence(name)} is wrong. {edit.sentence}",
                            latex.equation(changed), text.equation(changed), edit.part, 1,
                        )  # fmt: skip
                        return
                except (ClaimError, ValueError, KeyError, AssertionError):
                    continue


def unexplained(
    equation: Equation, vocabulary: Vocabulary, target: Variable | None, latex: Writer, text: Writer
) -> Explanation:
    """No small edit is found: the true equation."""
    sentence = "No single change and no two changes put this right."
    best = None if target is None else true_equation(equation, vocabulary, target)
    if best is None:
        return Explanation(sentence, "", "")
    return Explanation(f"{sentence} The derivation gives another equation.", latex.equation(best), text.equation(best))


def true_equation(equation: Equation, vocabulary: Vocabulary, target: Variable) -> Equation | None:
    """What the derivation has for a left side: at its time, or at every time."""
    found = vocabulary.true_equations(target.name)
    own = [e for e in found if isinstance(e.left, Derivative) and e.left.bottom.time == target.time]
    own += [e for e in found if e.left == equation.left]
    return next(iter([*own, *(e for e in found if "t" in e.letters), *found]), None)


def _remarks(bench: Bench, blame: Blame, equation: Equation) -> Iterator[str]:
    """For which data nobody would notice."""
    try:
        blame.meanings.plain.sides(equation, equation.defines is not None)
    except ClaimError as error:
        yield f"As it stands it cannot be computed: {error.problem}."
        return
    for condition in coincidences(bench.model):
        if _holds_under(bench, blame, equation, condition):
            yield f"It is right where {condition.sentence}."
            break
    if assumption := blame.reading.condition.sentence:
        yield f"An assumption is needed that is not said: {assumption}."
    jacobian = isinstance(equation.left, Derivative) and equation.left.top.shape != (1, 1)
    if jacobian and bench.claim.layout == "numerator":
        yield "Read in numerator layout: row i of dy/dx holds the derivatives of y_i."
    elif jacobian:
        yield "Read in denominator layout: column i of dy/dx holds the derivatives of y_i."


def _in_the_other_layout(bench: Bench, evaluator: Evaluator, equation: Equation, editor: Editor) -> Iterator[str]:
    """What a Jacobian that is wrong in one layout is in the other."""
    left = equation.left
    square = isinstance(left, Derivative) and left.shape is not None and left.shape == left.shape[::-1]
    if not square or left.top.shape == (1, 1) or len(left.shape) != 2:  # type: ignore[union-attr, arg-type]
        return
    layout = "denominator" if bench.claim.layout == "numerator" else "numerator"
    other = evaluator.variant(claim=replace(bench.claim, layout=layout))
    if other.agrees(equation):
        yield f"In {layout} layout it is right."
        return
    if sum(1 for _ in walk(equation.right)) > SHORT:
        return
    for repair in Search(other, equation, editor).singles()[:1]:
        text = editor.writer.equation(replace(equation, right=tidied(repair.right)))
        yield f"In {layout} layout: {repair.edits[0].sentence} There it is {text}"


def _holds_under(bench: Bench, blame: Blame, equation: Equation, condition: Condition) -> bool:
    both = blame.reading.condition & condition if blame.reading.condition.sentence else condition
    evaluator = bench.evaluator(Reading(blame.reading.partial, both)).variant(truth=blame.truth)
    try:
        return evaluator.agrees(equation, equation.defines is not None)
    except ClaimError:
        return False
