"""What a person may not expect of a model that can be read: said, since it could be a slip."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Set

from rnnsym.errors import Span
from rnnsym.language.doubts import doubtful, loose_products
from rnnsym.language.elements import elementwise_leaves
from rnnsym.language.settle import inner_products
from rnnsym.language.solver import Solver
from rnnsym.language.syntax import Binary, Call, Definition, Expression, Negative, Number, Reference, references, walk
from rnnsym.operations import LOSSES

#: How alike two names are of which one may be a slip for the other.
ALIKE = 0.7


def remarks(solver: Solver, places: Set[Span]) -> tuple[str, ...]:
    """What is to be said of a reading: `places` are products that are not grouped as they stand."""
    text = solver.text
    found: dict[tuple[int, int], str] = {}

    def say(node: Expression, what: str) -> None:
        span = node.span
        found.setdefault((span.line, span.start), f"line {span.line}: {_source(text, span)} {what}")

    for node in solver.nodes:
        match node:
            case Binary("*", left, Binary("@", one, other)) if node.span in places:
                parts = [_source(text, part.span) for part in (left, one, other)]
                say(node, f"is read as {parts[0]} * ({parts[1]} @ {parts[2]})")
            case Binary("+" | "-", left, right):
                for part, beside in ((left, right), (right, left)):
                    for product in inner_products(part, solver.rank) if solver.rank(beside) else ():
                        say(product, "is a number, which is added to every element of a vector")
        for function, argument in _overflowing(node):
            same = f"{function}({_source(text, argument.span)})"
            say(node, f"overflows in a kernel where exp does, and has no gradient then; {same} is the same")
        for part in doubtful(solver, node):
            advice = f'a matrix is declared, sizes={{"{part.name}": ("n", "m")}}'
            if isinstance(node, Call):
                advice = "a matrix is multiplied by @"
            say(node, f"is read with a vector {part.name}: {advice}")
    for definition in solver.definitions:
        for leaf in _spread(solver, definition):
            say(
                leaf,
                f'is read as a matrix, as {definition.target} is: a number is declared, sizes={{"{leaf.name}": ()}}',
            )
    for node in loose_products(solver):
        if solver.rank(node) != 2 or solver.rank(node.left.left) == 2:  # one grouping alone gives a column times a row
            parts = [_source(text, part.span) for part in (node.left, node.right)]
            say(node, f"is read from left to right, as ({parts[0]}) @ {parts[1]}")
    return tuple(found[place] for place in sorted(found))


def _spread(solver: Solver, definition: Definition) -> Iterator[Reference]:
    """The one parameter that makes a matrix of what else is made of numbers of each step, `exp(a) * dot(w, x[t])`."""
    leaves = list(elementwise_leaves(definition.value))
    wide = [leaf for leaf in leaves if solver.rank(leaf) != 0]
    match wide:
        case [Reference(name, None) as leaf] if (
            name not in {*solver.declared, *solver.vectors} and solver.rank(leaf) == 2
            and any(isinstance(node, Reference) and node.name in solver.timed
                    for other in leaves if other is not leaf for node in walk(other))
        ):  # fmt: skip
            yield leaf


def _overflowing(node: Expression) -> Iterator[tuple[str, Expression]]:
    """The function of the table that `log(1 + exp(a))` or `1 / (1 + exp(-a))` is, which is safe for every a."""
    match node:
        case Call("log", (Binary("+") as total,)):
            yield from (("softplus", found) for found in _beside_one(total))
        case Binary("/", Number(1), Binary("+") as total):
            opposite = (found for found in _beside_one(total) if isinstance(found, Negative))
            yield from (("sigmoid", found.operand) for found in opposite)


def _beside_one(total: Binary) -> Iterator[Expression]:
    """What `exp` is taken of in `1 + exp(a)`."""
    for one, other in ((total.left, total.right), (total.right, total.left)):
        match one, other:
            case Number(1), Call("exp", (argument,)):
                yield argument


def without_effect(definitions: Iterable[Definition], losses: Set[str]) -> Iterator[str]:
    """Variables with an equation of which no loss is made, and the name that may stand in their place."""
    definitions = tuple(definitions)
    reads: dict[str, set[str]] = {}
    times = {node.name: node for d in definitions for node in (*references(d.value), d.target)}
    for definition in definitions:
        reads.setdefault(definition.target.name, set()).update(node.name for node in references(definition.value))
    reached, waiting = set(losses), list(losses)
    while waiting:
        more = reads.get(waiting.pop(), set()) - reached
        reached |= more
        waiting += more
    open_names = [name for name in times if name not in reads]
    for name in reads:
        if name in reached - losses:
            continue
        like = [other for other in open_names if _alike(name, other)]
        if name not in reached:
            hint = f"; is {times[like[0]]}, which has no equation, meant for it?" if like else ""
            yield f"nothing that the loss is made of reads {times[name]}{hint}"
        elif like and len(losses) > 1:
            yield f"{times[name]} counts as a loss; is {times[like[0]]}, which has no equation, meant for it?"


def _alike(one: str, other: str) -> bool:
    return one.lower() == other.lower() or difflib.SequenceMatcher(None, one, other).ratio() > ALIKE


def without_index(definitions: Iterable[Definition], parameters: Iterable[str], text: str) -> Iterator[str]:
    """Parameters that stand where inputs do: as a target, or beside a matrix that multiplies nothing else."""
    parameters = set(parameters)
    nodes = [node for definition in definitions for node in walk(definition.value)]
    count: dict[str, int] = {}
    for node in nodes:
        if isinstance(node, Reference):
            count[node.name] = count.get(node.name, 0) + 1
    for node in nodes:
        match node:
            case Call(function, arguments) if function in LOSSES:
                suspects = [part.name for part in arguments if isinstance(part, Reference)]
            case Binary("@", Reference(left), Reference(right)) if left in parameters and right[0].islower():
                suspects = [right] if count[left] == count[right] == 1 else []
            case _:
                continue
        for name in parameters.intersection(suspects):
            yield (
                f"{name} in {_source(text, node.span)} is a parameter, since it has no time index: an input is "
                f'{name}[t], or declared, inputs=("{name}",)'
            )


def _source(text: str, span: Span) -> str:
    return text.split("\n")[span.line - 1][span.start : span.stop]
