"""Kinds of blocks that print equations."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rnnsym.derivation import Derivation, Unrolled
from rnnsym.docs.kinds import Kind, Option, OptionError, Request, choice, fenced, whole
from rnnsym.docs.notations import notation as notation_of
from rnnsym.equations.indexed import Equation
from rnnsym.errors import RnnsymError
from rnnsym.forms import Form
from rnnsym.language.model import Source
from rnnsym.notation.content import GENERIC
from rnnsym.notation.document import DETAILS, renderer_for, show, symbols
from rnnsym.notation.renderers import Renderer
from rnnsym.notation.telling import tell

FORMAT = Option("format", "text, markdown or latex", "markdown", choice("markdown", "text", "latex"))
LEVEL = Option("level", "of the first headings, 2 to 5", "3", whole(2, 5))


def recurrence(request: Request) -> str:
    """The whole derivation."""
    return document(request, request.derivation)


def unrolled(request: Request) -> str:
    """Everything at t = 1..steps."""
    return document(request, request.derivation.unroll(request["steps"]))


def document(request: Request, found: Derivation | Unrolled | Form) -> str:
    """A document in the format, detail and notation that are asked for, without its title."""
    detail, notation = request.options.get("detail", "full"), notation_of(request.options)
    match request["format"]:
        case "text":
            return fenced(found.to_text(detail, notation), "text")
        case "latex":
            return fenced(found.to_latex(detail, document=False, notation=notation), "latex")
    return without_title(found.to_markdown(detail, notation), request["level"])


def without_title(markdown: str, level: int) -> str:
    """A document as part of another: its title dropped, its headings (of level 2) at `level`."""
    _, _, body = markdown.partition("\n\n")
    return re.sub(r"^##(?=#* )", "#" * level, body, flags=re.MULTILINE)


def printed(request: Request, equations: Iterable[Equation]) -> str:
    """Equations as one display, in the format that is asked for."""
    out = rendered(request)
    show(equations, out)
    return finished(out, request)


def rendered(request: Request) -> Renderer:
    """What writes in the format and notation that are asked for."""
    return renderer_for(request.derivation.content, request["format"], notation=notation_of(request.options))


def finished(out: Renderer, request: Request) -> str:
    """What has been written, as part of a page."""
    text = out.finish().strip("\n")
    return text if request["format"] == "markdown" else fenced(text, request["format"])


def equations(request: Request) -> str:
    return printed(request, request.derivation.system.equations)


def adjoints(request: Request) -> str:
    return printed(request, request.derivation.content.result()[0])


def gradients(request: Request) -> str:
    return printed(request, request.derivation.content.result()[1])


def gradient(request: Request) -> str:
    try:
        found = request.derivation[request["of"]]
    except RnnsymError as error:
        raise OptionError(f"of: {error}") from None
    return printed(request, found.equations)


def steps(request: Request) -> str:
    out = rendered(request)
    tell(request.derivation.content, request["detail"], out)
    return finished(out, request)


def symbol_table(request: Request) -> str:
    out = rendered(request)
    symbols(request.derivation.content, out)
    return finished(out, request)


def symbol(request: Request) -> str:
    content = request.derivation.content
    variable = content.variables.get(request["of"])
    if variable is None:
        raise OptionError(f"of: there is no variable '{request['of']}'; there are: {', '.join(request.subject.names)}")
    out = renderer_for(content, "markdown", notation=notation_of(request.options))
    return out.math(out.printer.leaf(variable, GENERIC if variable.timed else None))


def source(request: Request) -> str:
    return fenced(request.subject.text, "text")


def sources(request: Request) -> str:
    return "\n".join(f"- {reference(entry)}" for entry in request.subject.sources)


def reference(entry: Source) -> str:
    """A source as a line of a list: authors, title, where it stands, year, link."""
    # BibTeX's own marks: -- for a dash, braces that keep capitals.
    fields = dict(entry.fields)
    fields |= {
        name: re.sub(r"[{}]", "", value).replace("--", "–")
        for name, value in fields.items()
        if name not in ("doi", "url")
    }
    names = [" ".join(reversed(name.split(", ", 1))) for name in fields["author"].split(" and ")]
    authors = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    place = fields.get("journal") or fields.get("booktitle") or fields.get("publisher") or fields.get("school") or ""
    if fields.get("volume"):
        place += f" {fields['volume']}" + (f"({fields['number']})" if fields.get("number") else "")
    if fields.get("pages"):
        place += f", {fields['pages']}"
    link = f"https://doi.org/{fields['doi']}" if fields.get("doi") else fields.get("url", "")
    title = f"[{fields['title']}]({link})" if link else fields["title"]
    return ", ".join(part for part in (f"{authors}: *{title}*", place, fields.get("year", "")) if part) + "."


OF = Option("of", "the variable, such as W, h or h[0]")
DETAIL = Option("detail", "result, outline or full", "outline", choice(*DETAILS))

KINDS = (
    Kind("source", "the equations as they were written", source),
    Kind("equations", "the forward equations, every pre-activation named", equations, (FORMAT,), notation=True),
    Kind("adjoints", "the adjoints that the gradients need, backwards in time", adjoints, (FORMAT,), notation=True),
    Kind("gradients", "the gradients of parameters, given values and inputs", gradients, (FORMAT,), notation=True),
    Kind("gradient", "the derivative of the loss by one variable", gradient, (OF, FORMAT), notation=True),
    Kind("recurrence", "the whole derivation, for every length T", recurrence, (DETAIL, FORMAT, LEVEL), notation=True),
    Kind("steps", "the steps of the derivation alone", steps, (DETAIL, FORMAT), notation=True),
    Kind(
        "unrolled",
        "equations and gradients at t = 1, 2, ..., step by step",
        unrolled,
        (Option("steps", "the length T", "2", whole(1, 50)), FORMAT, LEVEL),
        notation=True,
    ),
    Kind("symbols", "the table of symbols with their shapes", symbol_table, (FORMAT,), notation=True),
    Kind("symbol", "one symbol in a sentence", symbol, (OF,), inline=True, notation=True),
    Kind("sources", "the works that the model cites", sources),
)
