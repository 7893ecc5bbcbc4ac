"""The page of a model: written whole, from the model alone.

A page is a table of sections; a section is blocks of the same kinds that anyone may use (filling.py). Adding a file
to derivations/ adds its page, and adding a section here adds it to every page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rnnsym.docs.filling import written
from rnnsym.docs.flows import flows_back
from rnnsym.docs.kinds import folded
from rnnsym.docs.through_time import recurrent_parameter
from rnnsym.drawing.drawing import LONGEST
from rnnsym.dynamics.probe import states_of
from rnnsym.language.model import Model

#: What tells a page that is made from one that is written by hand. After the title, which the navigation shows.
MARK = "<!-- Written by `rnnsym docs` from"
GENERATED = MARK + " {}: edit that. -->"


def flowing(model: Model) -> dict[str, str]:
    """Sizes that keep the joint state small: a matrix as a state has the square of them."""
    states = states_of(model, max(2, model.timing.minimum_length))
    size = 12 if all(len(model.shapes[name]) < 2 for name in states) else 4
    return {"size": str(size), "caption": f"Every size is {size}; the trajectory has 30 steps.", "length": "30"}


def shows_flow(model: Model) -> bool:
    """Whether the flow of these options can be computed."""
    options = flowing(model)
    return flows_back(model, int(options["length"]), int(options["size"]))


def nothing(model: Model) -> dict[str, str]:
    return {}


def steps(least: int) -> Callable[[Model], dict[str, str]]:
    """So many steps, or as many as the model needs."""
    return lambda model: {"steps": str(max(least, model.timing.minimum_length))}


def recurrent(model: Model) -> dict[str, str]:
    """One parameter for all: what a page shows for each would be the same again and again."""
    return {"of": recurrent_parameter(model) or ""}


@dataclass(frozen=True)
class Part:
    """A block of a kind, folded under a summary where one is given; `choose`: options that hang on the model."""

    kind: str
    options: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    choose: Callable[[Model], dict[str, str]] = nothing

    def write(self, model: Model) -> str:
        chosen = self.choose(model)
        inside = written(self.kind, model, **self.options, **chosen)
        return folded(self.summary.format(**chosen), inside) if self.summary else inside


def always(model: Model) -> bool:
    return True


def has_paths(model: Model) -> bool:
    """Whether gradients come through the states of earlier steps."""
    return recurrent_parameter(model) is not None


@dataclass(frozen=True)
class Section:
    """A heading, a sentence if wanted, and parts; left out of the pages of models for which `when` is false.

    `{of}` in the sentence is the symbol of the parameter that stands for all.
    """

    title: str
    parts: tuple[Part, ...]
    lead: str = ""
    when: Callable[[Model], bool] = always

    def write(self, model: Model) -> Iterator[str]:
        lead = self.lead
        if "{of}" in lead:
            lead = lead.format(of=written("symbol", model, **recurrent(model)))
        yield from (f"## {self.title}", lead, *(part.write(model) for part in self.parts))


SECTIONS = (
    Section("Equations", (Part("source"),), "As they are written for rnnsym:"),
    Section("Symbols", (Part("symbols", {}, "Every symbol with its shape"),)),
    Section(
        "The network unrolled",
        (Part("drawing", choose=steps(3)),),
        "What reads what, step by step. Small marks name the parameters.",
        when=lambda model: bool(model.timed) and model.timing.minimum_length <= LONGEST,
    ),
    Section("Forward pass", (Part("equations"),), "With every pre-activation named:"),
    Section(
        "Backward pass",
        (Part("adjoints"),),
        "A bar marks the derivative of the total loss by a variable, its adjoint.",
    ),
    Section("Gradients", (Part("gradients"),)),
    Section(
        "Derivation",
        (
            Part("steps", {"detail": "outline"}, "In outline: one step for each adjoint"),
            Part("steps", {"detail": "full"}, "In full: every share of every equation, with its reason"),
        ),
        "How these equations come about, at two levels of detail. Each step names the rule that was applied.",
    ),
    Section(
        "Unrolled",
        (Part("unrolled", {"level": "4"}, "All equations for T = {steps}", steps(2)),),
        "The same network written out: no sums over time and no recurrence are left.",
        when=lambda model: bool(model.timed),
    ),
    Section(
        "Sum over paths",
        (Part("paths", {"level": "4"}, "The sum, its factors, and the same in matrices", recurrent),),
        "The same gradient with one term for every pair of times: the step whose loss is meant, and the step at which "
        "the parameter was used. It is shown for {of}; for other parameters of the states, only the immediate "
        "derivative is another.",
        when=has_paths,
    ),
    Section(
        "Jacobians and bounds",
        (Part("jacobians", {"level": "4"}),),
        "What one step makes of the state before it, and how much that can stretch a gradient at most.",
        when=has_paths,
    ),
    Section(
        "Forward in time (RTRL)",
        (Part("forward", {"level": "4"}, "Recurrence, cost, and why it is the same gradient", recurrent),),
        "Real-time recurrent learning carries the derivative of the state along; nothing walks back. Shown for {of}.",
        when=has_paths,
    ),
    Section(
        "Second order",
        (Part("second", {"level": "4"}, "The Hessian times a direction", recurrent),),
        "How the gradient by {of} changes while {of} moves in some direction; all other parameters stay.",
        when=has_paths,
    ),
    Section(
        "Gradient flow",
        (Part("flow", choose=flowing),),
        "How much of a gradient at step t reaches step k. Parameters are those that the kernel draws before any "
        "training, and inputs come from a normal distribution: with other weights it flows otherwise. The bound is the "
        "product of the norms of the single steps.",
        when=shows_flow,
    ),
    Section(
        "Kernel",
        (Part("kernel", {}, "The generated module"),),
        "Every line of code stands under the equation that it computes. The module needs NumPy alone.",
    ),
    Section("Sources", (Part("sources"),), when=lambda model: bool(model.sources)),
)


def page(model: Model) -> str:
    """The page of a shipped model, in Markdown."""
    name = model.name
    parts = [
        f"# {model.title}",
        GENERATED.format(f"derivations/{name}.py"),
        " ".join(model.summary.split()),
        f"`rnnsym derive {name}` prints this derivation, `rnnsym export {name}` the kernel.",
    ]
    for section in SECTIONS:
        if section.when(model):
            parts += section.write(model)
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
