"""The page of a model, and the overview of all: written whole, from the model alone.

A page is a table of sections; a section is blocks of the same kinds that anyone may use (filling.py). Adding a file
to derivations/ adds its page, and adding a section here adds it to every page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rnnsym.docs.filling import written
from rnnsym.docs.kinds import folded, table
from rnnsym.drawing.drawing import LONGEST
from rnnsym.language.model import Model
from rnnsym.library import available, load
from rnnsym.pipeline import derive, generate

#: What tells a page that is made from one that is written by hand. After the title, which the navigation shows.
MARK = "<!-- Written by `rnnsym docs` from"
GENERATED = MARK + " {}: edit that. -->"


@dataclass(frozen=True)
class Part:
    """A block of a kind, folded under a summary where one is given.

    steps: for kinds that show some steps: how many, or as many as the model needs.
    """

    kind: str
    options: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    steps: int = 0

    def write(self, model: Model) -> str:
        steps = max(self.steps, model.timing.minimum_length)
        options = self.options | ({"steps": str(steps)} if self.steps else {})
        inside = written(self.kind, model, **options)
        return folded(self.summary.format(steps=steps), inside) if self.summary else inside


def always(model: Model) -> bool:
    return True


@dataclass(frozen=True)
class Section:
    """A heading, a sentence if wanted, and parts; left out of the pages of models for which `when` is false."""

    title: str
    parts: tuple[Part, ...]
    lead: str = ""
    when: Callable[[Model], bool] = always


SECTIONS = (
    Section("Equations", (Part("source"),), "As they are written for rnnsym:"),
    Section("Symbols", (Part("symbols", {}, "Every symbol with its shape"),)),
    Section(
        "The network unrolled",
        (Part("drawing", steps=3),),
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
        (Part("unrolled", {"level": "4"}, "All equations for T = {steps}", steps=2),),
        "The same network written out: no sums over time and no recurrence are left.",
        when=lambda model: bool(model.timed),
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
            parts += [f"## {section.title}", section.lead, *(part.write(model) for part in section.parts)]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def overview() -> str:
    """The page that lists all models."""
    rows = (tuple(_row(name)) for name in available())
    head = ("model", "what it is", "carried over", "parameters", "steps", "lines of code")
    about = (
        "Each of these is a file of equations; its page, its gradients and its code are made from them. A model of "
        "your own is one more file. Steps are those of the derivation, lines those of the kernel."
    )
    return "\n\n".join(("# Models", GENERATED.format("derivations/"), about, table(head, rows, numeric=3))) + "\n"


def _row(name: str) -> Iterator[str]:
    model = load(name)
    states = dict.fromkeys(name for name, _ in model.given)
    yield f"[`{name}`]({name}.md)"
    yield model.title
    yield ", ".join(f"`{state}`" for state in states) or "nothing"
    yield str(len(model.parameters))
    yield str(len(derive(model).steps))
    yield str(len(generate(model).source.splitlines()))


def pages() -> Iterator[tuple[str, Callable[[], str]]]:
    """Every generated page: its path under docs/, and what writes it."""
    yield "models/index.md", overview
    for name in available():
        yield f"models/{name}.md", lambda name=name: page(load(name))  # type: ignore[misc]
