"""What explains the gradients that a function returned: the likeliest ways first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from rnnsym.equations.lowering import lower
from rnnsym.equations.system import System
from rnnsym.verify.functions.clipping import limits
from rnnsym.verify.functions.findings import Findings
from rnnsym.verify.functions.models import model_explanation
from rnnsym.verify.functions.result import Explanation, Relation
from rnnsym.verify.functions.search import Search
from rnnsym.verify.functions.trials import Assumption, Subject, Trial
from rnnsym.verify.functions.words import kept_and_dropped

#: Calls a function on trials: what it returned; the problem, where that cannot be judged; None without trials.
Judge = Callable[[Sequence[Trial], Assumption | None], Findings | str | None]


class Explainer:
    """Explains what one function returned."""

    def __init__(self, subject: Subject, judge: Judge) -> None:
        self.subject, self.judge = subject, judge
        self._searches: dict[int, Search] = {}

    @cached_property
    def system(self) -> System:
        return lower(self.subject.model)

    def best(self, first: Findings, others: Sequence[Findings]) -> tuple[Findings, Explanation | None]:
        """The data under which the gradients that were returned are explained best, and that explanation."""
        # Targets that a function takes for granted to be a distribution explain some of the difference.
        order = sorted((first, *others), key=lambda findings: len(findings.wrong))
        for findings in order:
            if findings.uniform is not None:
                return findings, alike(findings, findings.uniform)
        best: tuple[Findings, Explanation] | None = None
        ways = (self._by_one, self._by_limits, self._by_stages, self._by_relations, self._by_model, self._by_several)
        for explain in ways:
            # What is costly is tried where the least is wrong.
            for findings in order[: 1 if explain == self._by_several else None]:
                explanation = explain(findings)
                if explanation is not None and explanation.complete:
                    return findings, explanation
                if explanation is not None and (best is None or len(explanation.explains) > len(best[1].explains)):
                    best = findings, explanation
        return best or (first, None)

    def _by_one(self, findings: Findings) -> Explanation | None:
        """One edit; or what was said of each gradient, where all have the same relation."""
        return self._search(findings).single()

    def _by_limits(self, findings: Findings) -> Explanation | None:
        return limits(self._search(findings))

    def _by_stages(self, findings: Findings) -> Explanation | None:
        length = max(1, self.subject.model.timing.minimum_length)
        if not self.subject.model.sequences:
            return None
        trials = self.subject.trials(findings.assumption, length, count=1)
        short = self.judge(trials, findings.assumption)
        if not isinstance(short, Findings) or set(short.gradients[0]) != set(findings.gradients[0]):
            return None
        explanation = self._search(findings).staged(self._search(short))
        relations = self._by_relations(findings)
        shorter = relations is not None and explanation is not None and len(relations.texts) < len(explanation.texts)
        return relations if shorter else explanation

    def _by_relations(self, findings: Findings) -> Explanation | None:
        """What was found of each gradient by itself."""
        known = {key: relation for key in findings.wrong if (relation := findings.relations[key]) is not None}
        if len(known) < len(findings.wrong):
            return None
        texts = tuple(dict.fromkeys(relation.text for relation in known.values()))
        said = tuple(
            f"the gradient of {', '.join(key for key, relation in known.items() if relation.text == text)} is {text}"
            for text in texts
        )
        return Explanation(tuple(dict.fromkeys(r.kind for r in known.values())), said, findings.wrong)

    def _by_model(self, findings: Findings) -> Explanation | None:
        loss = findings.loss
        right = loss is not None and loss.kind == "exact"
        return model_explanation(self.subject.model, findings.trials, findings.gradients, findings.wrong, right)

    def _by_several(self, findings: Findings) -> Explanation | None:
        return self._search(findings).several()

    def within_a_step(self, findings: Findings) -> list[str]:
        """What is wrong with single gradients of the shortest sequence, where no few faults explain everything."""
        length = max(1, self.subject.model.timing.minimum_length)
        short = self.judge(self.subject.trials(findings.assumption, length, count=2), findings.assumption)
        if not isinstance(short, Findings) or not self.subject.model.sequences:
            return []
        said: dict[str, list[str]] = {}
        for key in short.wrong:
            relation = short.relations.get(key)
            if relation is not None:
                said.setdefault(f"is {relation.text}", []).append(key)
                continue
            alone = [{key: one[key]} for one in short.gradients]
            found = Search(self.subject.model, self.system, short.trials, alone, (key,)).single()
            if found is not None:
                said.setdefault(f"comes out where {'; and '.join(found.texts)}", []).append(key)
        return [f"where T = {length}, the gradient of {', '.join(keys)} {text}" for text, keys in said.items()]

    def _search(self, findings: Findings) -> Search:
        if id(findings) not in self._searches:
            self._searches[id(findings)] = findings.search(self.system)
        return self._searches[id(findings)]

    def through_time(self, findings: Findings, relations: dict[str, Relation | None]) -> list[str]:
        """The relations of gradients that lack paths through time, put in; and what that means, in words."""
        search = self._search(findings)
        for key in findings.wrong:
            if relations.get(key) is None:
                relations[key] = search.through_time(key)
        steps = {
            key: relation.detail["steps"]
            for key, relation in relations.items()
            if relation is not None and "steps" in relation.detail and key in self.subject.model.parameters
        }
        return list(kept_and_dropped(self.subject.model, *next(iter(steps.items())))) if steps else []


def alike(findings: Findings, relation: Relation) -> Explanation:
    """What all gradients have in common."""
    subject = "every gradient" if len(findings.wrong) > 1 else f"the gradient of {findings.wrong[0]}"
    return Explanation((relation.kind,), (f"{subject} is {relation.text}",), findings.wrong)
