"""The arguments of each command, and how their values are read."""

from __future__ import annotations

import argparse
from typing import Any

import rnnsym
from rnnsym.cli.commands import cite, crosscheck, derive, docs, draw, export, flow, models, verify
from rnnsym.kernels.backends import BACKENDS
from rnnsym.notation.style import CHOICES

MAX_STEPS = 10_000
FORMATS = ("text", "markdown", "latex", "html", "notebook")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="rnnsym",
        description="Gradients of recurrent networks, from their equations.",
        epilog="MODEL is one of the names that `rnnsym models` lists, or a file: equations as text, or a .py file in "
        "the format of the shipped models.",
    )
    parser.add_argument("--version", action="version", version=f"rnnsym {rnnsym.__version__}")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(function: Any) -> argparse.ArgumentParser:
        text = function.__doc__
        found = commands.add_parser(function.__name__, help=text[0].lower() + text[1:].rstrip("."), description=text)
        found.set_defaults(command=function)
        return found

    listing = command(models)
    listing.add_argument("model", metavar="MODEL", nargs="?", help="list its variables with shapes and roles")
    listing.add_argument("--json", action="store_true", help="print the list for a program")

    deriving = command(derive)
    _add_model(deriving)
    deriving.add_argument(
        "--form",
        choices=("recurrence", "paths", "unrolled", "truncated", "forward", "second", "jacobians"),
        default="recurrence",
        metavar="FORM",
        help="recurrence: backwards in time, for every length T (default); paths: a sum over paths; unrolled: step by "
        "step for a given T; truncated: the last steps of each path; forward: real-time recurrent learning; second: "
        "the Hessian times a direction; jacobians: of one step, with bounds",
    )
    deriving.add_argument("--of", metavar="W", help="the parameter that the form is about (default: all)")
    deriving.add_argument("--keep", type=_steps, metavar="K", help="the steps that --form truncated keeps")
    deriving.add_argument("--layout", choices=("numerator", "denominator"), help="of Jacobians (default: numerator)")
    deriving.add_argument("--steps", type=_steps, metavar="T", help="the length for --form unrolled (default: 3)")
    deriving.add_argument(
        "--detail",
        choices=("result", "outline", "full"),
        default="outline",
        help="the gradients alone, with what leads to them, or every step with its reason (default: outline)",
    )
    deriving.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    _add_notation(deriving)
    _add_output(deriving)

    drawing = command(draw)
    _add_model(drawing)
    drawing.add_argument("--steps", type=_steps, metavar="T", help="how many steps to draw (default: 3)")
    drawing.add_argument("--gradient", metavar="W", help="mark every path from the loss back into a parameter or value")
    drawing.add_argument(
        "--detail",
        choices=("states", "full"),
        default="states",
        help="the model's own variables, or pre-activations too (default: states)",
    )
    _add_output(drawing)

    flowing = command(flow)
    flowing.add_argument("models", metavar="MODEL", nargs="+", help="names or files; several are shown side by side")
    flowing.add_argument("--length", type=_steps, default=50, metavar="T", help="of the trajectory (default: 50)")
    flowing.add_argument("--sizes", type=_sizes, metavar="n=4,m=3", help="numbers for sizes by name (default: 32 each)")
    flowing.add_argument("--seed", type=_natural, default=0, help="of parameters and inputs (default: 0)")
    flowing.add_argument("--scale", type=_positive, default=1.0, help="factor of the initial matrices (default: 1)")
    flowing.add_argument(
        "-o", "--output", metavar="DIR", help="a folder for the numbers (CSV) and the figure (SVG, PNG)"
    )
    flowing.add_argument("--force", action="store_true", help="overwrite files that are there already")

    citing = command(cite)
    _add_model(citing)
    _add_output(citing)

    exporting = command(export)
    _add_model(exporting)
    exporting.add_argument("--backend", choices=tuple(BACKENDS), default="numpy", help="default: numpy")
    exporting.add_argument("--dtype", choices=("float64", "float32"), default="float64", help="default: float64")
    exporting.add_argument(
        "--sizes", type=_sizes, metavar="n=4,m=3", help="numbers for the sizes by their names, for init()"
    )
    exporting.add_argument("--hessian", action="store_true", help="add the Hessian of the loss times a direction")
    exporting.add_argument("--like", metavar="FRAMEWORK", help="parameters as torch, keras or onnx keeps them")
    exporting.add_argument("--optimizer", metavar="NAME", help="add a step of descent, momentum, rmsprop or adam")
    exporting.add_argument("--check", action="store_true", help="crosscheck first, and write only what passes")
    _add_output(exporting)

    verifying = command(verify)
    _add_model(verifying)
    verifying.add_argument(
        "file", metavar="FILE", help="a .tex, .md or .txt file; or a .py file (file.py:function), which is run"
    )
    verifying.add_argument("--json", action="store_true", help="print the result for a program")
    verifying.add_argument("--where", default="", metavar="TEXT", help="definitions that belong to the claim")
    verifying.add_argument(
        "--layout",
        choices=("numerator", "denominator"),
        default="numerator",
        help="of the derivative of a vector by a vector (default: numerator)",
    )
    verifying.add_argument(
        "--convention", choices=("columns", "rows"), default="columns", help="what vectors are (default: columns)"
    )

    checking = command(crosscheck)
    _add_model(checking)
    checking.add_argument("--seed", type=_natural, default=0, help="of the random data (default: 0)")
    checking.add_argument("--length", type=_steps, default=4, metavar="T", help="of the sequences (default: 4)")

    writing = command(docs)
    writing.add_argument(
        "files", nargs="*", metavar="FILE", help="Markdown files with blocks (default: everything in the folder)"
    )
    writing.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file is out of date")
    writing.add_argument("--run", action="store_true", help="also run the Python examples in blocks of form=python")
    writing.add_argument("--folder", default="docs", metavar="DIR", help="of the documentation (default: docs)")
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help="a name that `rnnsym models` lists, a file, or a composition: stack(lstm, 2)"
    )


def _add_notation(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("notation")
    meanings = {
        "adjoint": "how derivatives of the loss are written",
        "time": "where LaTeX writes the time",
        "hadamard": "the sign of the elementwise product",
        "vectors": "what vectors are",
        "transpose": "the mark of a transpose in LaTeX",
    }
    for name, values in CHOICES.items():
        default = f"(default: {values[0]})"
        group.add_argument(f"--{name}", choices=values, metavar="|".join(values), help=f"{meanings[name]} {default}")
    group.add_argument("--indices", action="store_true", help="equations for single elements, with sums over indices")
    group.add_argument("--bold", action="store_true", help="vectors and matrices in bold type, in LaTeX")
    group.add_argument(
        "--symbol",
        dest="symbols",
        action="append",
        type=_symbol,
        metavar="NAME=LATEX",
        help=r"another symbol for a name of the model, for example W=W_{hh}; may be given again",
    )


def _symbol(text: str) -> tuple[str, str]:
    name, equals, latex = (piece.strip() for piece in text.partition("="))
    if not equals or not name or not latex:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=LATEX; write for example W=W_{{hh}}")
    return name, latex


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file, whole or not at all")
    parser.add_argument("--force", action="store_true", help="overwrite the file where it is there already")


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def _steps(text: str) -> int:
    number = _natural(text)
    if not 1 <= number <= MAX_STEPS:
        raise argparse.ArgumentTypeError(f"a length goes from 1 to {MAX_STEPS:,}, and {text} does not")
    return number


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return number


def _sizes(text: str) -> dict[str, int]:
    """`n=4,m=3` as a dictionary."""
    found: dict[str, int] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals or not name.isidentifier():
            raise argparse.ArgumentTypeError(f"{part!r} is not NAME=NUMBER; write for example n=4,m=3")
        if name in found:
            raise argparse.ArgumentTypeError(f"{name} is given twice")
        found[name] = _natural(number)
        if not found[name]:
            raise argparse.ArgumentTypeError(f"the size {name} cannot be 0")
    return found
