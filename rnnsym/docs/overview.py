"""All generated pages: one for each model, and the table of all of them with what checks say of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from rnnsym.checks.report import Report
from rnnsym.docs.kinds import table
from rnnsym.docs.pages import GENERATED, page
from rnnsym.language.model import Model, Source
from rnnsym.library import available, declaration, families, find, load
from rnnsym.pipeline import crosscheck
from rnnsym.verify import verify

#: The steps of a crosscheck: enough that a wrong lag shows.
STEPS = 3
#: A gradient by any route may be off by so much, relative to the whole gradient.
ALLOWED = 1e-9
HEAD = ("model", "what it is", "source", "states", "parameters", "crosscheck", "claims", "compared with")
ABOUT = f"""Each of these is a file of equations; its page, its gradients and its code are made from them. A model of \
your own is one more file. States are the variables that a later step reads.

`crosscheck` is how many gradients were compared, one for each parameter, input and initial state: those of the \
derived equations and of the generated code with those of SymPy's scalar calculus and of complex steps in 30 digits, \
on drawn data with T = {STEPS}. All differ by less than 10⁻⁹ of the whole gradient where it says that they agree. \
`claims` are verdicts on hand-derived gradients that were published; a table below says which."""
CLAIMS = (
    "What `rnnsym verify` finds: `proved` for every length and all sizes, or `conditional` on an assumption that the "
    "source leaves unsaid, such as targets that sum to one. The equations stand in the models' files."
)
COMPARED = (
    "Public code that was read beside each model's equations. `same numbers` says more: a test of ours runs that code "
    "with drawn weights, where it is installed, and its outputs are those of the model. Where that is another variant, "
    "the model is the paper's. What is missing here was compared with its paper alone."
)


@dataclass(frozen=True)
class Made:
    """What is written about one model: its page, its row in the table of its family, and its claims with verdicts."""

    name: str
    page: str
    row: tuple[str, ...]
    claims: tuple[tuple[str, str], ...] = ()
    compared: tuple[tuple[str, str], ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """Its whole row: verdicts and repositories, in a few words each, after what it is."""
        repositories = dict.fromkeys(linked(place, place.split(": ")[0].split("/")[1]) for place, _ in self.compared)
        return *self.row, ", ".join(verdict for verdict, _ in self.claims), ", ".join(repositories)


def pages() -> Iterator[tuple[str, str]]:
    """Every generated page: its path under docs/, and its text."""
    made = in_parallel(made_of, available())
    yield "models/index.md", overview(made)
    for one in made:
        yield f"models/{one.name}.md", one.page


def made_of(name: str) -> Made:
    """The page and the row of a shipped model."""
    model, path = load(name), find(name)
    found = declaration(path.read_text("utf-8"), path)
    claims = tuple(_judged(model, one) for one in found.claims)
    return Made(name, page(model), tuple(_row(model)), claims, tuple(found.compared.items()))


def overview(made: list[Made]) -> str:
    """The page that lists all models, by family."""
    parts = ["# Models", GENERATED.format("derivations/"), f"{len(made)} models. {ABOUT}"]
    for family, names in families().items():
        rows = [one.cells for one in made if one.name in names]
        parts += [f"## {family[0].upper()}{family[1:]}", table(HEAD, rows)]
    claims = [(one.row[0], verdict, source) for one in made for verdict, source in one.claims]
    compared = [(one.row[0], linked(place, place), remark) for one in made for place, remark in one.compared]
    parts += ["## Claims", CLAIMS, table(("model", "verdict", "claim"), claims)]
    parts += ["## Compared with", COMPARED, table(("model", "public code", "what was found"), compared)]
    return "\n\n".join(parts) + "\n"


def linked(place: str, text: str) -> str:
    """A link to a file of a public repository.

    >>> linked("owner/name: folder/cell.py", "name")
    '[name](https://github.com/owner/name/blob/HEAD/folder/cell.py)'
    """
    repository, path = place.split(": ")
    return f"[{text}](https://github.com/{repository}/blob/HEAD/{path})"


def _judged(model: Model, claim: dict[str, str]) -> tuple[str, str]:
    """The verdict on a published claim, and where it stands."""
    result = verify(model, claim["claim"], claim.get("where", ""), claim.get("layout", "numerator"))
    return result.verdict.value, claim["source"]


def _row(model: Model) -> Iterator[str]:
    yield f"[`{model.name}`]({model.name}.md)"
    yield model.title
    yield cited(model.sources[0]) if model.sources else ""
    yield ", ".join(f"`{name}`" for name in states(model)) or "none"
    yield str(len(model.parameters))
    yield told(crosscheck(model, length=STEPS))


def states(model: Model) -> tuple[str, ...]:
    """The variables that have an equation and are read before the first step."""
    return tuple(dict.fromkeys(name for name, _ in model.given if name in model.defined))


def told(report: Report) -> str:
    """What a crosscheck found, in a few words; the digits of its errors are those of one machine."""
    exact = [place for place, allowed in enumerate(report.tolerances) if allowed <= ALLOWED]
    wrong = [row.key for row in report.rows if any(not row.errors[place] <= ALLOWED for place in exact)]
    if wrong or not report.passed:
        return f"**differs**: {', '.join(wrong) or report.model}"
    return f"{len(report.rows)} agree"


def cited(source: Source) -> str:
    """The authors' last names and the year, as a text cites them.

    >>> cited(Source("c2014", (("author", "Cho, Kyunghyun and Bengio, Yoshua"), ("year", "2014"))))
    'Cho and Bengio 2014'
    """
    fields = dict(source.fields)
    names = [name.split(",")[0].strip("{}") for name in fields["author"].split(" and ")]
    who = " and ".join(names) if len(names) < 3 else f"{names[0]} and others"
    return " ".join(filter(None, (who, fields.get("year", ""))))


def in_parallel(function: Callable[[str], Made], given: tuple[str, ...]) -> list[Made]:
    """The function of every item, in order, by as many processes as there are processors."""
    workers = min(os.cpu_count() or 1, len(given))
    if workers < 2:
        return [function(one) for one in given]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return list(pool.map(function, given))
