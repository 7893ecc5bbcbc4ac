"""The command line: `rnnsym models | derive | cite | draw | flow | export | verify | crosscheck | docs`.

Exit codes: 0 good, 1 a check failed, 2 bad input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

import rnnsym
from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends import BACKENDS
from rnnsym.notation.style import CHOICES

CHECK_FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130
#: What a shell reports of a program that a closed pipe ends.
PIPE_CLOSED = 141
#: How long a command works before it says so.
PATIENCE = 1.0
MAX_STEPS = 10_000
FORMATS = ("text", "markdown", "latex", "html", "notebook")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit code; never a traceback for what a person can put right.

    >>> main(["--version"]) == 0
    rnnsym ...
    True
    """
    _never_fail_to_encode(sys.stdout)
    _never_fail_to_encode(sys.stderr)
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough. What is left in the buffer must not raise again when Python exits.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except RnnsymError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error))
    return code


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:  # after --help, --version or a message about the arguments
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    if options.command is None:
        parser.print_help()
        return 0
    code: int = options.command(options)
    return code


def _complain(problem: str) -> int:
    print(f"rnnsym: {problem}", file=sys.stderr)
    return BAD_INPUT


# Commands


def models(options: argparse.Namespace) -> int:
    """List the models that are shipped, or the variables of one model."""
    from rnnsym.library import titles

    if options.model is not None:
        return _variables(options)
    found = titles()
    if options.json:
        rows = [{"name": name, "title": title} for name, title in found.items()]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    width = max(map(len, found), default=0)
    for name, title in found.items():
        print(f"{name:{width}}  {title}")
    return 0


def _variables(options: argparse.Namespace) -> int:
    """The variables of a model, with shapes and roles."""
    from rnnsym.notation.listing import variables

    model = rnnsym.load(options.model)
    found = variables(model)
    if options.json:
        whole = {"name": model.name, "title": model.title, "equations": model.text.strip().splitlines()}
        print(json.dumps({**whole, "variables": found}, indent=2, ensure_ascii=False))
        return 0
    shapes = [" × ".join(f"({size})" if "+" in size else size for size in one["shape"]) or "scalar" for one in found]
    width, wide = max(len(one["name"]) for one in found), max(map(len, shapes))
    print(model.title or model.name)
    for one, shape in zip(found, shapes, strict=True):
        print(f"  {one['name']:{width}}  {shape:{wide}}  {one['role']}")
    return 0


def derive(options: argparse.Namespace) -> int:
    """Derive every gradient of a model and print the derivation."""
    if options.steps is not None and options.form != "unrolled":
        return _complain("--steps goes with --form unrolled: a recurrence holds for every T")
    complaint = _misplaced(options)
    if complaint:
        return _complain(complaint)
    notation = _notation(options)
    with _working(f"deriving {options.model}"):
        model = rnnsym.load(options.model)
        document = _in_form(rnnsym.derive(model), options)
        whole = {"document": True} if options.format == "latex" else {}
        text = str(getattr(document, f"to_{options.format}")(detail=options.detail, notation=notation, **whole))
    return _deliver(text, options)


def _in_form(derivation: Any, options: argparse.Namespace) -> Any:
    """The derivation in the form that was asked for."""
    layout = options.layout or "numerator"
    forms: dict[str, Callable[[], Any]] = {
        "recurrence": lambda: derivation,
        "unrolled": lambda: derivation.unroll(3 if options.steps is None else options.steps),
        "paths": lambda: derivation.paths(options.of, layout),
        "truncated": lambda: derivation.truncated(options.keep, options.of, layout),
        "forward": lambda: derivation.forward(options.of),
        "second": lambda: derivation.second_order(options.of),
        "jacobians": lambda: derivation.jacobians(layout),
    }
    return forms[options.form]()


#: The options that go with some forms only.
GOES_WITH = {
    "of": ("paths", "truncated", "forward", "second"),
    "keep": ("truncated",),
    "layout": ("paths", "truncated", "jacobians"),
}


def _misplaced(options: argparse.Namespace) -> str:
    """What is wrong with an option that the form does not have; empty where nothing is."""
    for name, forms in GOES_WITH.items():
        if getattr(options, name) is not None and options.form not in forms:
            shown = f"{', '.join(forms[:-1])} or {forms[-1]}" if len(forms) > 1 else forms[0]
            return f"--{name} goes with --form {shown}"
    return ""


def _notation(options: argparse.Namespace) -> Any:
    """The choices of notation that were made on the command line."""
    names = (*CHOICES, "indices", "bold", "symbols")
    chosen = {name: getattr(options, name) for name in names if getattr(options, name)}
    return rnnsym.Notation(**{**chosen, "symbols": dict(chosen.get("symbols", ()))})


def draw(options: argparse.Namespace) -> int:
    """Draw a model's graph unrolled in time, as SVG."""
    with _working(f"drawing {options.model}"):
        derivation = rnnsym.derive(rnnsym.load(options.model))
        length = max(3, derivation.system.minimum_length) if options.steps is None else options.steps
        drawing = derivation.draw(length, options.gradient, options.detail)
    return _deliver(drawing.svg, options)


def flow(options: argparse.Namespace) -> int:
    """Show how gradients flow through time: Jacobians of the state, their products and norms."""
    from rnnsym.dynamics.plots import save

    found = []
    for name in options.models:
        model = rnnsym.load(name)
        with _counting(f"flow of {name}") as progress:
            one = rnnsym.flow(model, options.length, options.sizes, options.seed, options.scale, progress=progress)
        found.append(one)
        print(one)
        states = [f"{name} ({size}{f', {lags} lags' if lags > 1 else ''})" for name, size, lags in one.states]
        print(f"  states: {', '.join(states)}")
        if one.slope_bound is not None:
            print(f"  bound from weights and activations: {one.slope_bound:.4g} ** (t-k)")
    if options.output is None:
        return 0
    try:
        paths = save(found, options.output, force=options.force)
    except FileExistsError as error:
        return _complain(f"{error.filename} is there already: --force overwrites it")
    for path in paths:
        print(path)
    return 0


def cite(options: argparse.Namespace) -> int:
    """Print the sources that a model declares, as BibTeX."""
    from rnnsym.notation.bibliography import bibtex

    model = rnnsym.load(options.model)
    if not model.sources:
        return _complain(f"{options.model} declares no sources")
    return _deliver(bibtex(model.sources), options)


def export(options: argparse.Namespace) -> int:
    """Write a model's kernel: one module that computes the loss and every gradient."""
    with _working(f"generating {options.model}"):
        model = rnnsym.load(options.model)
        kernel = rnnsym.generate(
            model,
            sizes=options.sizes,
            dtype=options.dtype,
            hessian=options.hessian,
            like=options.like,
            optimizer=options.optimizer,
            backend=options.backend,
        )
    if options.check:
        with _working(f"checking {options.model}"):
            report = rnnsym.crosscheck(model)
        print(report, file=sys.stderr)
        if not report.passed:
            _complain("the check failed, and nothing is written")
            return CHECK_FAILED
    if options.output is None or options.output == "-":
        return _deliver(kernel.source, options)
    try:
        kernel.save(options.output, force=options.force)
    except FileExistsError as error:
        return _complain(f"{error.filename} is there already: --force overwrites it")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Verify hand-derived gradients: the equations of a file, or the backward passes of a Python file, which is run."""
    from rnnsym.verify.files import check_file

    if options.file.partition(":")[0].endswith(".py"):
        return _verify_functions(options)
    with _working(f"verifying {options.file}"):
        model = rnnsym.load(options.model)
        found = check_file(model, options.file, options.where, options.layout, options.convention)
    if options.json:
        print(found.result.to_json())
    elif sys.stdout.isatty():
        from rich.console import Console

        Console(soft_wrap=True, highlight=False).print(found.result.report())
    else:
        print("\n".join(found.result.report_lines()))
    for line, reason in found.skipped:
        print(f"{options.file}:{line}: skipped: {reason}", file=sys.stderr)
    return 0 if found.holds else CHECK_FAILED


def _verify_functions(options: argparse.Namespace) -> int:
    with _working(f"verifying {options.file}"):
        results = rnnsym.verify_file(rnnsym.load(options.model), options.file)
    if options.json:
        print(json.dumps({name: result.to_dict() for name, result in results.items()}, indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(f"{name}: {result}" for name, result in results.items()))
    return 0 if all(results.values()) else CHECK_FAILED


def crosscheck(options: argparse.Namespace) -> int:
    """Check a model's gradients by independent routes."""
    with _working(f"checking {options.model}"):
        model = rnnsym.load(options.model)
        report = rnnsym.crosscheck(model, seed=options.seed, length=options.length)
    print(report)
    return 0 if report.passed else CHECK_FAILED


def docs(options: argparse.Namespace) -> int:
    """Write the pages of the models, and what belongs into marked blocks of Markdown files."""
    from pathlib import Path

    from rnnsym.docs.build import documents, save

    files = [Path(name) for name in options.files]
    with _working("writing documents"):
        # All are made before one is written: an error in the last leaves the first as it was.
        stale = [found for found in documents(files, Path(options.folder), options.run) if found.is_stale]
    for document in stale:
        if not options.check:
            save(document)
        print(f"{document.path}: {_fate(document.before, document.after, options.check)}")
    if stale and options.check:
        again = " ".join(["rnnsym docs", *(["--run"] if options.run else []), *options.files])
        _complain(f"{len(stale)} file{'s are' if len(stale) > 1 else ' is'} out of date: run  {again}")
        return CHECK_FAILED
    return 0


def _fate(before: str | None, after: str | None, check: bool) -> str:
    if after is None:
        return "belongs to no model" + ("" if check else ", removed")
    if before is None:
        return "missing" if check else "written"
    return "out of date" if check else "brought up to date"


def _deliver(text: str, options: argparse.Namespace) -> int:
    """To the file that was asked for, or to standard output."""
    from rnnsym.files import write_text

    text = text.rstrip("\n") + "\n"
    if options.output is None or options.output == "-":
        sys.stdout.write(text)
        return 0
    try:
        write_text(options.output, text, force=options.force)
    except FileExistsError:
        return _complain(f"{options.output} is there already: --force overwrites it")
    return 0


# Arguments


def _parser() -> argparse.ArgumentParser:
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


# The terminal


@contextlib.contextmanager
def _working(what: str) -> Iterator[None]:
    """Say on a terminal what goes on, once it has taken a while."""
    if not sys.stderr.isatty():
        yield
        return
    lock, ended, shown = threading.Lock(), False, contextlib.ExitStack()

    def show() -> None:
        from rich.console import Console

        with lock:
            if not ended:
                shown.enter_context(Console(stderr=True).status(f"{what} ..."))

    timer = threading.Timer(PATIENCE, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            ended = True
            shown.close()


@contextlib.contextmanager
def _counting(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _never_fail_to_encode(stream: TextIO) -> None:
    """A terminal without σ shows its escape instead of ending the program."""
    with contextlib.suppress(AttributeError, ValueError):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[attr-defined]
