"""What authors leave open, taken in another way: the layout of Jacobians, the order of products, the last step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.definitions import before_the_last
from rnnsym.claims.syntax import Derivative, Kind, Node, TimeProduct, children, walk, with_children
from rnnsym.language.model import Model
from rnnsym.verify.formulas.bench import Bench
from rnnsym.verify.formulas.holding import holding
from rnnsym.verify.formulas.result import Result
from rnnsym.verify.verdict import Verdict

#: What each layout says of a Jacobian.
LAYOUTS = {
    "numerator": "row i of dy/dx holds the derivatives of y_i",
    "denominator": "column i of dy/dx holds the derivatives of y_i",
}


def other_layout(layout: str) -> str:
    """The layout of Jacobians that was not meant."""
    return next(name for name in LAYOUTS if name != layout)


def has_jacobian(claim: Claim) -> bool:
    """Whether a claim is about the derivative of a vector by a vector, which has a layout."""
    return any(is_jacobian(node) for equation in claim.equations for node in nodes(equation))


def nodes(equation: Equation) -> Iterator[Node]:
    """Everything in an equation."""
    yield from walk(equation.left)
    yield from walk(equation.right)


def is_jacobian(node: Node) -> bool:
    """Whether a node is the derivative of a vector by a vector."""
    if not isinstance(node, Derivative) or node.top.shape is None or node.bottom.shape is None:
        return False
    return all(len(shape) == 2 and shape != (1, 1) and 1 in shape for shape in (node.top.shape, node.bottom.shape))


def latest_first(claim: Claim) -> Claim | None:
    """The claim with every product over rising times taken with its latest factor first; None where it has none."""

    def turned(node: Node) -> Node:
        parts = children(node)
        node = with_children(node, tuple(map(turned, parts))) if parts else node
        if isinstance(node, TimeProduct) and not node.descending and node.shape != (1, 1):
            return replace(node, first=node.last, last=node.first, descending=True)
        return node

    equations = tuple(replace(equation, right=turned(equation.right)) for equation in claim.equations)
    return None if equations == claim.equations else replace(claim, equations=equations)


def held_otherwise(claim: Claim | None, other: Claim | None, model: Model) -> Iterator[Result]:
    """Verdicts on a claim that holds only when its products, or its Jacobians, are taken in another way."""
    order = "the factors of the product stand with the latest time first"
    layout = "" if other is None else f"{LAYOUTS[other.layout]} ({other.layout} layout)"
    ways = (
        (claim and latest_first(claim), order),
        (other, layout),
        (other and latest_first(other), f"{layout}, and {order}"),
    )
    for way, assumption in ways:
        found = None if way is None else holding(Bench(way, model))
        if way is None or found is None:
            continue
        rows = tuple(
            replace(row, verdict=Verdict.CONDITIONAL)
            if any(is_jacobian(node) or isinstance(node, TimeProduct) for node in nodes(equation))
            else row
            for row, equation in zip(found.equations, way.equations, strict=True)
        )
        whole = assumption + (f", and {found.assumption}" if found.assumption else "")
        yield replace(found, verdict=Verdict.CONDITIONAL, equations=rows, assumption=whole)


#: Said where the plus sign is Werbos's and not that of immediate derivatives.
ORDERED = "∂⁺ of the loss is the ordered derivative of Werbos here, the total one; ∂ beside it is the immediate one"


def ordered(claim: Claim, loss: str) -> Claim | None:
    """The claim with ∂⁺ of the loss as the total derivative; None where it has none.

    In an equation that has both signs the plain one is then the immediate derivative.
    """

    def total(node: Node, both: bool) -> Node:
        parts = children(node)
        node = with_children(node, tuple(total(part, both) for part in parts)) if parts else node
        if not isinstance(node, Derivative) or node.top.name != loss:
            return node
        if is_immediate(node, loss):
            return replace(node, kind=Kind.TOTAL)
        return replace(node, kind=Kind.IMMEDIATE) if both and not node.gradient else node

    def turned(equation: Equation) -> Equation:
        has = any(is_immediate(node, loss) for node in nodes(equation))
        return replace(equation, left=total(equation.left, has), right=total(equation.right, has))

    equations = tuple(map(turned, claim.equations))
    return None if equations == claim.equations else replace(claim, equations=equations)


def is_recursive(claim: Claim, loss: str) -> bool:
    """Whether ∂⁺ of the loss is told by itself at another place, which an immediate derivative never is."""
    return any(
        all(any(is_immediate(node, loss) for node in walk(side)) for side in (equation.left, equation.right))
        for equation in claim.equations
    )


def is_immediate(node: Node, loss: str) -> bool:
    """Whether a node is an immediate derivative of the loss."""
    return isinstance(node, Derivative) and node.top.name == loss and node.kind is Kind.IMMEDIATE


def ending_before_the_last(claim: Claim) -> Claim | None:
    """The claim with its recursions said of t < T alone; None where it has none."""
    equations = tuple(map(before_the_last, claim.equations))
    return None if equations == claim.equations else replace(claim, equations=equations)


def held_before_the_last(claim: Claim, model: Model) -> Result | None:
    """The verdict on a claim that holds where its recursions end before the last step; None where it does not."""
    earlier = ending_before_the_last(claim)
    found = None if earlier is None else holding(Bench(earlier, model))
    if earlier is None or found is None:
        return None
    changed = [one != other for one, other in zip(earlier.equations, claim.equations, strict=True)]
    lines = [str(e.span.line) for e, other in zip(claim.equations, changed, strict=True) if other]
    rows = tuple(
        replace(row, verdict=Verdict.CONDITIONAL) if other else row
        for row, other in zip(found.equations, changed, strict=True)
    )
    said = f"line {' and '.join(lines)} is said of t < T alone, since nothing comes after the last step"
    whole = said + (f", and {found.assumption}" if found.assumption else "")
    return replace(found, verdict=Verdict.CONDITIONAL, equations=rows, assumption=whole)
