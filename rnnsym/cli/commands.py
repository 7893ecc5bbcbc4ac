"""What each command does. Its docstring is its help; it takes the parsed options and returns the exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import rnnsym
from rnnsym.cli.terminal import BAD_INPUT, CHECK_FAILED, complain, counting, deliver, loaded, working
from rnnsym.notation.style import CHOICES


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

    model = loaded(options.model)
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
        return complain("--steps goes with --form unrolled: a recurrence holds for every T")
    complaint = _misplaced(options)
    if complaint:
        return complain(complaint)
    notation = _notation(options)
    with working(f"deriving {options.model}"):
        model = loaded(options.model)
        document = _in_form(rnnsym.derive(model), options)
        whole = {"document": True} if options.format == "latex" else {}
        text = str(getattr(document, f"to_{options.format}")(detail=options.detail, notation=notation, **whole))
    return deliver(text, options)


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
    with working(f"drawing {options.model}"):
        derivation = rnnsym.derive(loaded(options.model))
        length = max(3, derivation.system.minimum_length) if options.steps is None else options.steps
        drawing = derivation.draw(length, options.gradient, options.detail)
    return deliver(drawing.svg, options)


def flow(options: argparse.Namespace) -> int:
    """Show how gradients flow through time: Jacobians of the state, their products and norms."""
    from rnnsym.dynamics.plots import save

    found = []
    for name in options.models:
        model = loaded(name)
        with counting(f"flow of {name}") as progress:
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
        return complain(f"{error.filename} is there already: --force overwrites it")
    for path in paths:
        print(path)
    return 0


def cite(options: argparse.Namespace) -> int:
    """Print the sources that a model declares, as BibTeX."""
    from rnnsym.notation.bibliography import bibtex

    model = loaded(options.model)
    if not model.sources:
        return complain(f"{options.model} declares no sources")
    return deliver(bibtex(model.sources), options)


def export(options: argparse.Namespace) -> int:
    """Write a model's kernel: one module that computes the loss and every gradient."""
    with working(f"generating {options.model}"):
        model = loaded(options.model)
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
        with working(f"checking {options.model}"):
            report = rnnsym.crosscheck(model)
        print(report, file=sys.stderr)
        if not report.passed:
            complain("the check failed, and nothing is written")
            return CHECK_FAILED
    if options.output is None or options.output == "-":
        return deliver(kernel.source, options)
    try:
        kernel.save(options.output, force=options.force)
    except FileExistsError as error:
        return complain(f"{error.filename} is there already: --force overwrites it")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Verify hand-derived gradients: the equations of a file, or the backward passes of a Python file, which is run."""
    from rnnsym.verify.formulas.files import check_file

    if options.file.partition(":")[0].endswith(".py"):
        return _verify_functions(options)
    with working(f"verifying {options.file}"):
        model = loaded(options.model)
        found = check_file(model, options.file, options.where, options.layout, options.convention)
    if options.json:
        print(found.to_json())
    elif sys.stdout.isatty():
        from rich.console import Console

        Console(soft_wrap=True, highlight=False).print(found.report())
    else:
        print("\n".join(found.report_lines()))
    return BAD_INPUT if found.unread else 0 if found.holds else CHECK_FAILED


def _verify_functions(options: argparse.Namespace) -> int:
    with working(f"verifying {options.file}"):
        results = rnnsym.verify_file(loaded(options.model), options.file)
    if options.json:
        print(json.dumps({name: result.to_dict() for name, result in results.items()}, indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(f"{name}: {result}" for name, result in results.items()))
    return 0 if all(results.values()) else CHECK_FAILED


def crosscheck(options: argparse.Namespace) -> int:
    """Check a model's gradients by independent routes."""
    with working(f"checking {options.model}"):
        model = loaded(options.model)
        report = rnnsym.crosscheck(model, seed=options.seed, length=options.length)
    print(report)
    return 0 if report.passed else CHECK_FAILED


def docs(options: argparse.Namespace) -> int:
    """Write the pages of the models, and what belongs into marked blocks of Markdown files."""
    from pathlib import Path

    from rnnsym.docs.blocks import OPEN
    from rnnsym.docs.build import documents, save

    files = [Path(name) for name in options.files]
    with working("writing documents"):
        # All are made before one is written: an error in the last leaves the first as it was.
        found = list(documents(files, Path(options.folder), options.run))
    stale = [document for document in found if document.is_stale]
    for document in found:
        if document.path in files and not document.is_stale:
            print(f"{document.path}: {'up to date' if OPEN.search(document.after or '') else 'holds no block'}")
    for document in stale:
        if not options.check:
            save(document)
        print(f"{document.path}: {_fate(document.before, document.after, options.check)}")
    if stale and options.check:
        again = " ".join(["rnnsym docs", *(["--run"] if options.run else []), *options.files])
        complain(f"{len(stale)} file{'s are' if len(stale) > 1 else ' is'} out of date: run  {again}")
        return CHECK_FAILED
    return 0


def _fate(before: str | None, after: str | None, check: bool) -> str:
    if after is None:
        return "belongs to no model" + ("" if check else ", removed")
    if before is None:
        return "missing" if check else "written"
    return "out of date" if check else "brought up to date"
