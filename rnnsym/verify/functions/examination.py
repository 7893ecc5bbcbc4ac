"""One examination of a function: from the first call to the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from rnnsym.errors import RnnsymError
from rnnsym.verify.functions.behaviour import behaviour
from rnnsym.verify.functions.calls import MalformedError, Returned
from rnnsym.verify.functions.clipping import limits
from rnnsym.verify.functions.explaining import Explainer, alike
from rnnsym.verify.functions.findings import Findings, counterexample, findings_of, own_loss
from rnnsym.verify.functions.reach import Limit, Reach, first_wrong
from rnnsym.verify.functions.relations import EXACT
from rnnsym.verify.functions.result import Explanation, FunctionResult, GradientVerdict, Relation
from rnnsym.verify.functions.trials import (
    ASSUMPTIONS,
    AT_ZERO,
    LARGE,
    ONE_HOT,
    SINGLE,
    SUM_TO_ONE,
    Assumption,
    Subject,
    Trial,
)
from rnnsym.verify.verdict import Verdict

#: Data with larger sizes are not searched for what is wrong: it takes too long.
SEARCHED = 9
#: How a gradient may stand to the true one, for those that are not explained otherwise.
DIFFERENT = Relation("different", "not the gradient")
OWN = {
    "exact": Verdict.SUPPORTED,
    "conditional": Verdict.CONDITIONAL,
    "approximate": Verdict.CONDITIONAL,
}


@dataclass
class Examination:
    """What was found about a function so far."""

    subject: Subject
    diagnose: bool = True
    problems: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    diagnosis: list[Explanation] = field(default_factory=list)
    tolerance: float | None = None
    reached: list[str] = field(default_factory=list)

    @cached_property
    def explainer(self) -> Explainer:
        return Explainer(self.subject, self._findings)

    def result(self) -> FunctionResult:
        """The examination, step by step."""
        trials = self.subject.trials()
        returned: list[Returned] = []
        try:
            for trial in trials:
                returned.append(self.subject.call(trial))
            unsteady = behaviour(self.subject, trials[0], trials[1], returned[0])
        except MalformedError as problem:
            return FunctionResult(self.subject.model.name, Verdict.MALFORMED, problems=(str(problem),))
        self.problems += dict.fromkeys(note for one in returned for note in one.notes)
        first = findings_of(self.subject, trials, returned)
        missing = self._incomplete(first)
        if missing:
            return FunctionResult(self.subject.model.name, Verdict.MALFORMED, problems=(missing,))
        if unsteady:
            kind = "random" if "random" in unsteady[0] else "state"
            self.diagnosis += [Explanation((kind,), (text,), first.wrong) for text in unsteady]
            return self._verdict(first, Verdict.REFUTED, first.relations)
        if first.wrong and not first.is_rough:
            return self._wrong(first)
        if first.wrong:
            self.assumptions.append(f"gradients that are accurate to about {max(first.errors.values()):.0e} will do")
        if not first.is_exact:
            self.tolerance = SINGLE
        return self._right(first)

    def _incomplete(self, findings: Findings) -> str:
        every = [set(one) for one in findings.gradients]
        if any(keys != every[0] for keys in every):
            return "the function returns other gradients for other data; expected the same keys each time"
        return ""

    # Right on the ordinary data

    def _right(self, first: Findings) -> FunctionResult:
        """Equal so far; large gradients, a single step and a single example are left to try."""
        relations: dict[str, Relation | None] = dict(first.relations)
        loss = first.loss
        if loss is not None and loss.kind != "exact":
            said = f"the gradients are right, but the loss that is returned is {loss.text}"
            self.diagnosis.append(Explanation(("loss",), (said,), ()))
            return self._verdict(first, Verdict.REFUTED, relations)
        beyond = self._further(first, relations)
        if beyond is not None:
            return beyond
        verdict = Verdict.CONDITIONAL if self.assumptions else Verdict.SUPPORTED
        for length, batch, said in ((1, 1, "T > 1 or B > 1"), (1, 3, "T > 1"), (4, 1, "B > 1")):
            edge = self._findings([trial for trial in (self._trial(length, batch),) if trial is not None])
            if isinstance(edge, str):
                self.facts.append(f"with T = {length} and B = {batch} it fails: {edge.splitlines()[0]}")
            elif edge is not None and edge.wrong and length >= self.subject.model.timing.minimum_length:
                self.assumptions.append(f"{said} (for T = {length}, B = {batch} wrong: {', '.join(edge.wrong)})")
                return self._verdict(first, Verdict.CONDITIONAL, relations)
        own = {OWN.get((relation or DIFFERENT).kind, Verdict.REFUTED) for relation in relations.values()}
        if verdict is Verdict.SUPPORTED and Verdict.REFUTED in own:
            verdict = Verdict.REFUTED
        return self._verdict(first, verdict, relations)

    def _further(self, first: Findings, relations: dict[str, Relation | None]) -> FunctionResult | None:
        """Data that reach further; the result where a long sequence or large sizes show a fault."""
        reach = Reach(self.subject, first.trials[0], first.assumption)
        known = len(self.assumptions)
        for told, trials in (reach.strong(), reach.weak()):
            found = self._findings(trials, first.assumption)
            if isinstance(found, str):
                self.facts.append(f"with {told} it fails: {found.splitlines()[0]}")
            elif found is not None and found.wrong:
                self._about_extremes(found, relations, told)
                if len(self.assumptions) > known:  # what limits numbers would be found again and again
                    return None
            elif found is not None:
                self.reached.append(told)
        for series in (reach.long, reach.large):
            limit = first_wrong(series, lambda trial: self._is_wrong(trial, first.assumption))
            if limit.trials:
                return self._beyond(first, limit)
            self.reached += [limit.right] if limit.right else []
        if first.assumption is not None:
            return None
        told, large = f"inputs {LARGE:g} times as large", self._large()
        found = self._findings(large)
        if isinstance(found, str):
            self.facts.append(f"with {told} it fails: {found.splitlines()[0]}")
        elif found is not None and found.wrong:
            self._about_extremes(found, relations, told)
        return None

    def _beyond(self, first: Findings, limit: Limit) -> FunctionResult:
        """The result for a function that is wrong from some length or size on."""
        self.facts.append(f"right for {limit.right}, wrong for {limit.wrong}")
        found = self._findings(limit.trials, first.assumption)
        if not isinstance(found, Findings):
            self.facts.append(f"for {limit.wrong} it fails: {(found or '').splitlines()[0]}")
            return self._verdict(first, Verdict.REFUTED, first.relations)
        found = replace(found, exacting=first.is_exact)
        shown: dict[str, Relation | None] = dict(found.relations)
        if self.diagnose and max(found.trials[0].data.sizes.values(), default=0) <= SEARCHED:
            self._explained(found, [])
            self.facts += self.explainer.through_time(found, shown)
        return self._verdict(found, Verdict.REFUTED, shown)

    def _is_wrong(self, trial: Trial, assumption: Assumption | None) -> bool:
        found = self._findings([trial], assumption)
        return isinstance(found, str) or (found is not None and bool(found.wrong))

    def _about_extremes(self, found: Findings, relations: dict[str, Relation | None], told: str) -> None:
        """What large or small numbers show: a limit, or an error that is no part of the formulas."""
        if self.tolerance is None:
            relations |= {key: found.relations[key] for key in found.wrong}
        known = {
            relation.text for key in found.wrong if (relation := found.relations[key]) and relation.kind == "clipped"
        }
        if known:
            relations |= {key: found.relations[key] for key in found.wrong}
            self.assumptions += [f"no gradient is so large that it is changed ({text})" for text in sorted(known)]
            return
        limited = limits(found.search(self.explainer.system)) if self.diagnose else None
        if limited is not None:
            what = "; and ".join(limited.texts)
            self.assumptions.append(f"no adjoint is so large that it is clipped: {what}")
            for key in found.wrong:
                relations[key] = Relation("clipped", f"clipped inside the loop: {what}")
            return
        worst = max(found.wrong, key=lambda key: found.errors[key])
        said = f"with {told} the gradient of {worst} is off by {found.errors[worst]:.2g} of its size"
        if found.is_rough or self.tolerance is not None:
            if self.tolerance is None:
                relations |= dict.fromkeys(found.wrong, EXACT)
            self.facts.append(said)
            return
        self.facts.append(f"{said}: something limits large values, or keeps a number from zero")

    def _large(self) -> list[Trial]:
        """Data with large gradients. One example alone, for a function that takes one: it may clip each by itself."""
        settings = ((9, 12), (12, 16)) if self.subject.convention.batch == "batched" else ((40, 1), (50, 1))
        found = [self._trial(length, batch, seed, seed, LARGE) for seed, (length, batch) in enumerate(settings)]
        return [t for t in found if t is not None and all(np.isfinite(g).all() for g in t.gradients.values())]

    def _trial(self, length: int, batch: int, larger: int = 0, seed: int = 0, scale: float = 1.0) -> Trial | None:
        try:
            return self.subject.trial(length, batch, larger, seed, scale=scale)
        except RnnsymError:
            return None

    def _findings(self, trials: Sequence[Trial], assumption: Assumption | None = None) -> Findings | str | None:
        """What the function returns on trials; the problem, where it cannot be judged."""
        if not trials:
            return None
        if self.tolerance is not None:
            trials = [replace(trial, tolerance=self.tolerance) for trial in trials]
        try:
            return findings_of(self.subject, trials, [self.subject.call(trial) for trial in trials], assumption)
        except MalformedError as problem:
            return str(problem)

    # Wrong on the ordinary data

    def _wrong(self, first: Findings) -> FunctionResult:
        """Not equal: a multiple, right under an assumption, or the work of a fault that can be named."""
        relations: dict[str, Relation | None] = dict(first.relations)
        if first.uniform is not None:
            self.diagnosis.append(alike(first, first.uniform))
            return self._verdict(first, Verdict.REFUTED, relations)
        restricted = dict(self._restricted(first)) if not all(relations.values()) else {}
        for assumption, findings in restricted.items():
            if assumption.leaves_unsaid and not findings.wrong:
                self.assumptions.append(assumption.text)
                for key in first.wrong:
                    relations[key] = Relation(
                        "conditional", f"exact where {assumption.text}", {"assumes": assumption.text}
                    )
                if self.diagnose and not assumption.is_common:
                    self._explained(first, [])
                beyond = self._further(findings, relations) if assumption.is_common else None
                return beyond or self._verdict(first, Verdict.CONDITIONAL, relations)
        for assumption, findings in restricted.items():
            fewer = tuple(key for key in first.wrong if key not in findings.wrong)
            if fewer and not assumption.leaves_unsaid:
                which = (
                    "all gradients are"
                    if not findings.wrong
                    else f"{', '.join(fewer)} {'is' if len(fewer) == 1 else 'are'}"
                )
                self.facts.append(f"where {assumption.text}, {which} right")
        from_zero = self._from_zero(first)
        if from_zero is not None:
            return from_zero
        if not self.diagnose:
            return self._verdict(first, Verdict.REFUTED, relations)
        chosen = self._explained(first, [restricted[a] for a in (SUM_TO_ONE, ONE_HOT) if a in restricted])
        if chosen.assumption is not None:
            self.assumptions.append(chosen.assumption.text)
            relations = dict(chosen.relations)
        self.facts += self.explainer.through_time(chosen, relations)
        if not any(one.complete for one in self.diagnosis):
            self.facts += self.explainer.within_a_step(chosen)
        loss = first.loss
        own = own_loss(chosen)
        # The model's own loss has other gradients, whatever one data set says: a limit that it does not reach.
        if own and not (own.startswith("the gradients are those") and loss is not None and loss.kind == "exact"):
            self.facts.append(own)
        return self._verdict(chosen, Verdict.REFUTED, relations)

    def _from_zero(self, first: Findings) -> FunctionResult | None:
        """The result with initial states of zero, for a function that does not read what it is given for them."""
        zeros = self.subject.ignored(first.trials[0], first.returned[0])
        if not zeros:
            return None
        found = Examination(replace(self.subject, at_zero=(*self.subject.at_zero, *zeros)), self.diagnose).result()
        said = AT_ZERO if set(zeros) == set(self.subject.initial) else f"{', '.join(zeros)} = 0"
        assumptions = (f"{said}: what is handed in for them is not read", *found.assumptions)
        verdict = Verdict.CONDITIONAL if found.verdict is Verdict.SUPPORTED else found.verdict
        return replace(found, verdict=verdict, assumptions=assumptions)

    def _restricted(self, first: Findings) -> Iterator[tuple[Assumption, Findings]]:
        """What the function returns under each assumption that can be made."""
        for assumption in ASSUMPTIONS:
            for count in (1, 3):  # most change nothing, which one data set shows
                found = self._findings(self.subject.trials(assumption, count=count), assumption)
                if not isinstance(found, Findings) or set(found.gradients[0]) != set(first.gradients[0]):
                    break
                if count == 3:
                    yield assumption, found
                elif not set(first.wrong) - set(found.wrong) and assumption not in (SUM_TO_ONE, ONE_HOT):
                    break

    def _explained(self, first: Findings, others: Sequence[Findings]) -> Findings:
        """The data under which the gradients that were returned are explained best, with the explanation noted."""
        chosen, explanation = self.explainer.best(first, others)
        if explanation is not None:
            self.diagnosis.append(explanation)
        return chosen

    # The verdict

    def _verdict(
        self, findings: Findings, verdict: Verdict, relations: Mapping[str, Relation | None]
    ) -> FunctionResult:
        gradients = {}
        for key, relation in relations.items():
            shown = relation or DIFFERENT
            own = OWN.get(shown.kind, Verdict.REFUTED)
            if verdict is Verdict.CONDITIONAL and shown.kind == "clipped":
                own = Verdict.CONDITIONAL
            gradients[key] = GradientVerdict(key, own, shown, findings.errors.get(key, 0.0))
        subject = self.subject
        return FunctionResult(
            subject.model.name,
            Verdict.MALFORMED if self.problems else verdict,
            gradients,
            findings.loss,
            tuple(self.diagnosis),
            tuple(dict.fromkeys(self.assumptions)),
            tuple(self.problems),
            tuple(dict.fromkeys(self.facts)),
            tuple(
                name
                for name in (
                    *subject.model.parameters,
                    *(key for key in subject.model.input_keys if key not in subject.for_the_loss),
                )
                if name not in gradients and name not in subject.convention.indices
            ),
            counterexample(findings) if verdict is Verdict.REFUTED else None,
            (*map(str, findings.trials), *self.reached),
        )
