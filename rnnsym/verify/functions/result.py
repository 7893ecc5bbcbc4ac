"""What `verify_function` says: a verdict, the relation of each gradient to the true one, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnnsym.verify.verdict import Verdict


@dataclass(frozen=True)
class Relation:
    """How a gradient that was returned stands to the true one.

    kind: "exact", "multiple", "negative", "update", "immediate", "truncated", "clipped", "zero", "transposed",
    "exchanged", "conditional" or "different". text: the same in words, with numbers. detail: the numbers by name.
    """

    kind: str
    text: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GradientVerdict:
    """The verdict on one gradient. `error` is the largest difference over the size of the true gradient."""

    key: str
    verdict: Verdict
    relation: Relation
    error: float


@dataclass(frozen=True)
class Explanation:
    """One or more faults that together make the true gradients into the ones that were returned.

    kinds: of the faults, "path", "derivative", "operand", "sign", ... texts: each in a sentence. alternatives: others
    that fit as well. explains: the gradients that come out exactly so; the rest, if any, stays unexplained.
    """

    kinds: tuple[str, ...]
    texts: tuple[str, ...]
    explains: tuple[str, ...]
    alternatives: tuple[tuple[str, ...], ...] = ()
    complete: bool = True

    def __str__(self) -> str:
        said = "; and ".join(self.texts)
        if self.alternatives:
            said += "".join(f"\n  or: {'; and '.join(other)}" for other in self.alternatives)
        return said


@dataclass(frozen=True)
class Counterexample:
    """The smallest data found for which a gradient is wrong: one element, as it is and as it should be."""

    key: str
    length: int
    batch: int
    sizes: Mapping[str, int]
    place: tuple[int, ...]
    returned: float
    expected: float
    params: Mapping[str, Any]
    inputs: Mapping[str, Any]

    def __str__(self) -> str:
        sizes = "".join(f", {name} = {size}" for name, size in self.sizes.items())
        place = f"[{', '.join(map(str, self.place))}]" if self.place else ""
        return (
            f"T = {self.length}, B = {self.batch}{sizes}: "
            f"the gradient of {self.key}{place} is {self.returned:.6g}, and should be {self.expected:.6g}"
        )


@dataclass(frozen=True)
class FunctionResult:
    """The result of `rnnsym.verify_function`.

    verdict: SUPPORTED (equal numerically on every data set tried), CONDITIONAL (equal under what `assumptions` say),
    REFUTED, or MALFORMED (see `problems`). gradients: by name. loss: how a loss that was returned
    stands to the model's. diagnosis: what is wrong, the likeliest first. missing: gradients that were not returned.
    """

    model: str
    verdict: Verdict
    gradients: Mapping[str, GradientVerdict] = field(default_factory=dict)
    loss: Relation | None = None
    diagnosis: tuple[Explanation, ...] = ()
    assumptions: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    counterexample: Counterexample | None = None
    trials: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the gradients that were returned are right, under the assumptions that are printed with them."""
        return self.verdict.holds

    def __bool__(self) -> bool:
        return self.verdict.holds

    @property
    def wrong(self) -> tuple[str, ...]:
        """The gradients that are not the true ones."""
        return tuple(key for key, found in self.gradients.items() if found.verdict is Verdict.REFUTED)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        lines = [f"{self.model}: {self.verdict}"]
        lines += [f"problem: {problem}" for problem in self.problems]
        width = max((len(key) for key in self.gradients), default=0)
        lines += [f"  {key:{width}}  {found.relation.text}" for key, found in self.gradients.items()]
        if self.loss is not None:
            lines.append(f"loss: {self.loss.text}")
        if self.missing:
            lines.append(f"not returned: {', '.join(self.missing)}")
        lines += [f"assumes: {text}" for text in self.assumptions]
        for explanation in self.diagnosis:
            said = str(explanation).splitlines()
            lines.append(f"diagnosis: {said[0]}")
            lines += said[1:]
            if not explanation.complete:
                lines.append(f"  (this explains {', '.join(explanation.explains)}; something else is wrong as well)")
        lines += [f"fact: {text}" for text in self.facts]
        if self.counterexample is not None:
            lines.append(f"smallest counterexample: {self.counterexample}")
        if self.trials:
            lines.append(f"tried: {'; '.join(self.trials)}")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "model": self.model,
            "verdict": str(self.verdict),
            "gradients": {
                key: {
                    "verdict": str(found.verdict),
                    "relation": found.relation.kind,
                    "text": found.relation.text,
                    "error": found.error if found.error < float("inf") else None,
                }
                for key, found in self.gradients.items()
            },
            "loss": None if self.loss is None else {"relation": self.loss.kind, "text": self.loss.text},
            "diagnosis": [
                {
                    "kinds": list(one.kinds),
                    "texts": list(one.texts),
                    "explains": list(one.explains),
                    "alternatives": [list(other) for other in one.alternatives],
                    "complete": one.complete,
                }
                for one in self.diagnosis
            ],
            "assumptions": list(self.assumptions),
            "problems": list(self.problems),
            "facts": list(self.facts),
            "missing": list(self.missing),
            "counterexample": None if self.counterexample is None else str(self.counterexample),
        }
