"""Kinds of blocks for the forms of a gradient through time: paths, truncated, forward, second order, Jacobians."""

from __future__ import annotations

from functools import lru_cache

from rnnsym.docs.formulas import DETAIL, FORMAT, LEVEL, OF, document
from rnnsym.docs.kinds import Kind, Option, Request, choice, derived, whole
from rnnsym.equations.indexed import elements, name_of
from rnnsym.errors import RnnsymError
from rnnsym.language.model import Model
from rnnsym.notation.story import LAYOUTS


def paths(request: Request) -> str:
    return document(request, request.derivation.paths(request["of"] or None, request["layout"]))


def truncated(request: Request) -> str:
    return document(request, request.derivation.truncated(request["keep"], request["of"] or None, request["layout"]))


def forward(request: Request) -> str:
    return document(request, request.derivation.forward(request["of"] or None))


def second(request: Request) -> str:
    return document(request, request.derivation.second_order(request["of"] or None))


def jacobians(request: Request) -> str:
    return document(request, request.derivation.jacobians(request["layout"]))


def substituted(request: Request) -> str:
    return document(request, request.derivation.unroll(request["steps"]).substituted(request["of"]))


def kept(text: str) -> int | None:
    """Reads a number of steps; K, any number, is None."""
    return None if text == "K" else whole(1, 10**6)(text)


@lru_cache(maxsize=16)
def recurrent_parameter(model: Model) -> str | None:
    """The first matrix that stands between the states of two steps, else the first parameter that states depend on.

    None for a model that is no chain of steps, or whose states depend on no parameter.

    >>> recurrent_parameter(Model("h[t] = tanh(U @ x[t] + W @ h[t-1])" + chr(10) + "E[t] = squared_error(d[t], h[t])"))
    'W'
    """
    try:
        chain = derived(model).paths().chain
    except RnnsymError:
        return None
    if not chain.leads_on or chain.counted is None:
        return None
    between = {
        name_of(element)
        for equation in chain.jacobians
        for term in equation.terms
        for factor in term.factors
        for element in elements(factor)
    }
    matrices = [name for name in model.parameters if name in between and len(model.shapes[name]) == 2]
    moving = [name for name in model.parameters if chain.immediate.get(name)]
    return next(iter(matrices or moving), None)


OF_ONE = Option("of", "one parameter; without it, all that the states depend on", "")
LAYOUT = Option("layout", "numerator or denominator, of Jacobians", "numerator", choice(*LAYOUTS))

KINDS = (
    Kind(
        "paths",
        "the gradient as a sum over paths through time",
        paths,
        (OF_ONE, DETAIL, LAYOUT, FORMAT, LEVEL),
        notation=True,
    ),
    Kind(
        "truncated",
        "what truncated backpropagation keeps of that sum, and what it drops",
        truncated,
        (OF_ONE, Option("keep", "how many steps, or K for any number", "K", kept), DETAIL, LAYOUT, FORMAT, LEVEL),
        notation=True,
    ),
    Kind(
        "jacobians",
        "the Jacobians of one step, with bounds of their norms",
        jacobians,
        (DETAIL, LAYOUT, FORMAT, LEVEL),
        notation=True,
    ),
    Kind(
        "forward",
        "the gradient forward in time: real-time recurrent learning",
        forward,
        (OF_ONE, DETAIL, FORMAT, LEVEL),
        notation=True,
    ),
    Kind(
        "second",
        "the Hessian times a direction",
        second,
        (OF_ONE, DETAIL, FORMAT, LEVEL),
        notation=True,
    ),
    Kind(
        "substituted",
        "a gradient at a short length with every adjoint put in: a product for each path",
        substituted,
        (OF, Option("steps", "the length T", "2", whole(1, 50)), FORMAT, LEVEL),
        notation=True,
    ),
)
