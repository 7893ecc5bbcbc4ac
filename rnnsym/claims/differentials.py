r"""Differentials, `dE = tr(G^T dW)`, as the derivatives that they say: a differential is linear in those on its right.

`tr(P dX S)` has the gradient `(S P)^T` by X, and so have `p^T dX s` and an inner product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rnnsym.claims.conventions import turns
from rnnsym.claims.derivatives import is_sum
from rnnsym.claims.functions import TRACES
from rnnsym.claims.lexicon import SCALAR, Lexicon
from rnnsym.claims.references import readings, taken_apart
from rnnsym.claims.written import (
    Group,
    Name,
    Numeral,
    Over,
    Run,
    Scripted,
    Sign,
    Statement,
    Total,
    Written,
    every,
    product_of,
    transpose_of,
)
from rnnsym.errors import Span


@dataclass(frozen=True)
class Differential:
    """dX among factors: what is derived by, perhaps transposed, what stands before and behind, and the signs around.

    upright: with a d that can be no letter of a name.
    """

    of: Written
    turned: bool
    upright: bool
    before: tuple[Written, ...] = ()
    behind: tuple[Written, ...] = ()
    signs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Part:
    """One summand of a differential: before and behind dX. elementwise: dX is multiplied element by element."""

    found: Differential
    before: tuple[Written, ...]
    behind: tuple[Written, ...]
    sums: tuple[Written, ...] = ()
    elementwise: bool = False


def is_unread(statement: Statement, lexicon: Lexicon) -> bool:
    """Whether a statement is about a differential all the same, when it is not read as derivatives."""
    tops = list(taken(flat(statement.left), lexicon))
    differential = len(tops) == 1 and (is_loss(tops[0].of, lexicon) or tops[0].upright)
    return differential and holds(statement.right, lexicon)


def in_derivatives(statement: Statement, lexicon: Lexicon, layout: str) -> list[Statement]:
    """A statement between differentials as statements about derivatives; any other one as it is."""
    tops = list(taken(flat(statement.left), lexicon))
    if statement.sign != "=" or len(tops) != 1 or tops[0].before or tops[0].behind or tops[0].turned:
        return [statement]
    top = tops[0].of
    loss = is_loss(top, lexicon)
    if not (loss or tops[0].upright):
        return [statement]
    by: dict[Written, list[tuple[str, Part]]] = {}
    for sign, term in summands("", statement.right, lexicon):
        part = part_of(term, lexicon)
        if part is None or bound_in(part, lexicon):
            return [statement]
        by.setdefault(part.found.of, []).append((sign, part))
    bottoms = list(by)
    immediate = len(by) > 1 and any(named(of, lexicon) not in lexicon.model.parameters for of in bottoms)
    if immediate and loss:
        return [statement]
    scalar = loss or lexicon.shape(named(top, lexicon) or "") == SCALAR
    found = []
    for group, bottom in zip(by.values(), bottoms, strict=True):
        made = [(sign, gradient(part) if scalar else jacobian(part, lexicon)) for sign, part in group]
        parts = tuple((sign, one) for sign, one in made if one is not None)
        if len(parts) < len(made):
            return [statement]
        span = statement.span
        matrix = not scalar and is_matrix(bottom, lexicon)
        right = parts[0][1] if len(parts) == 1 and parts[0][0] != "-" else Total(parts, span)
        if layout == "denominator" and not scalar and not matrix:
            right = transpose_of(right)  # dh = M da says the same in any layout
        found.append(replace(statement, left=fraction(top, bottom, immediate, matrix, span), right=right))
    return found


def fraction(top: Written, bottom: Written, immediate: bool, stacked: bool, span: Span) -> Over:
    """The derivative of one thing by another."""
    sign: Written = Name("∂", span)
    above = Scripted(sign, (("^", (Sign("+", None, span),)),), span) if immediate else sign
    below = Run((sign, Name("vec", span), bottom), ("", ""), span) if stacked else Run((sign, bottom), ("",), span)
    return Over(Run((above, top), ("",), span), below, span)


# Differentials, found


def flat(written: Written) -> Run:
    """The factors of a summand."""
    return written if isinstance(written, Run) else Run((written,), (), written.span)


def taken(run: Run, lexicon: Lexicon) -> Iterator[Differential]:
    """The differentials among factors."""
    signs = ("", *run.signs, "")
    for place, factor in enumerate(run.factors):
        before, behind = run.factors[:place], run.factors[place + 1 :]
        if isinstance(factor, Name) and factor.text == "d" and behind and not signs[place + 1]:
            plain, turn = without_turn(behind[0])
            upright = factor.span.stop - factor.span.start > 1
            if is_variable(plain, lexicon) and (upright or lexicon.named("d") is None):
                around = frozenset((signs[place], signs[place + 2]))
                yield Differential(plain, turn, upright, before, behind[1:], around)
        elif (of := one_word(factor, lexicon)) is not None:
            around = frozenset((signs[place], signs[place + 1]))
            yield Differential(of, without_turn(factor)[1], False, before, behind, around)


def one_word(written: Written, lexicon: Lexicon) -> Written | None:
    """The W of `dW`, the h_t of `dh_t`: what stands behind the d of a name."""
    plain, _ = without_turn(written)
    base, scripts = (plain.base, plain.scripts) if isinstance(plain, Scripted) else (plain, ())
    if not isinstance(base, Name) or len(base.text) < 2 or base.text[0] != "d" or lexicon.named(base.text) is not None:
        return None
    inner = Name(base.text[1:], base.span, base.accents)
    of: Written = Scripted(inner, scripts, plain.span) if scripts else inner
    return of if is_variable(of, lexicon) else None


def without_turn(written: Written) -> tuple[Written, bool]:
    """What is transposed, and whether it is."""
    if isinstance(written, Scripted) and written.scripts:
        *rest, last = written.scripts
        if turns(last):
            return (replace(written, scripts=tuple(rest)) if rest else written.base), True
    return written, False


def named(written: Written, lexicon: Lexicon) -> str | None:
    """The model's variable that something is."""
    apart = taken_apart(written)
    for reading in readings(*apart) if apart is not None else ():
        name = lexicon.named(reading.spelling)
        if name is not None:
            return name
    return None


def is_loss(written: Written, lexicon: Lexicon) -> bool:
    """Whether something is the loss, of all steps or of one."""
    return named(written, lexicon) in (lexicon.loss, *lexicon.step_losses) or (
        isinstance(written, Name) and lexicon.is_loss_name(written.text)
    )


def is_variable(written: Written, lexicon: Lexicon) -> bool:
    return named(written, lexicon) is not None or is_loss(written, lexicon)


def is_matrix(written: Written, lexicon: Lexicon) -> bool:
    name = named(written, lexicon)
    return name is not None and len(lexicon.variable(name).shape) == 2


# Summands


def summands(sign: str, written: Written, lexicon: Lexicon) -> Iterator[tuple[str, Written]]:
    """The summands of a right side; a sum in parentheses behind sum signs, numbers or tr is multiplied out."""
    if isinstance(written, Total):
        for own, term in written.terms:
            yield from summands("-" if (own == "-") != (sign == "-") else "", term, lexicon)
        return
    run = flat(written)
    *before, last = run.factors
    inside = last.parts[0] if isinstance(last, Group) and last.kind in ("(", "[") and len(last.parts) == 1 else None
    plain = all(is_sum(factor) or isinstance(factor, Numeral | Over) or is_trace(factor) for factor in before)
    if isinstance(inside, Total) and plain and set(run.signs) <= {""} and holds(inside, lexicon):
        for own, term in summands(sign, inside, lexicon):
            traced = bool(before) and is_trace(before[-1])
            behind = (Group("(", (term,), "", term.span),) if traced else flat(term).factors
            signs = () if traced else flat(term).signs
            yield own, Run((*before, *behind), (*("",) * len(before), *signs), run.span)
        return
    yield sign, written


def part_of(term: Written, lexicon: Lexicon) -> Part | None:
    """A summand with one differential, taken apart; None where it has another form."""
    run = flat(term)
    place = next((n for n, factor in enumerate(run.factors) if not is_sum(factor)), 0)
    sums, rest = run.factors[:place], Run(run.factors[place:], run.signs[place:], run.span)
    own = list(taken(rest, lexicon))
    if own:
        return among_factors(own[0], rest, sums, lexicon) if len(own) == 1 else None
    *numbers, last = rest.factors
    others = set(rest.signs) - {"", "·"}
    if others or not isinstance(last, Group) or any(holds(number, lexicon) for number in numbers):
        return None
    if last.kind == "⟨" and len(last.parts) == 2:
        for one, other in (last.parts, last.parts[::-1]):
            inner = list(taken(flat(one), lexicon))
            alone = len(inner) == 1 and not inner[0].before and not inner[0].behind
            if alone and not holds(other, lexicon):
                return Part(inner[0], (*numbers, other), (), sums, True)
    if len(last.parts) == 1 and numbers and is_trace(numbers[-1]):
        part = part_of(last.parts[0], lexicon)
        if part is not None and not part.elementwise:
            return replace(part, before=(*numbers[:-1], *part.before), sums=(*sums, *part.sums))
    return None


def among_factors(found: Differential, run: Run, sums: tuple[Written, ...], lexicon: Lexicon) -> Part | None:
    """A differential in a product of matrices, or behind one factor that multiplies it element by element."""
    if any(holds(factor, lexicon) for factor in (*found.before, *found.behind)):
        return None
    if set(run.signs) <= {""}:
        return Part(found, found.before, found.behind, sums)
    if len(found.before) == 1 and not found.behind and found.signs == {"·", ""}:
        return Part(found, found.before, (), sums, True)
    if set(run.signs) == {"", "⊙"} and run.signs.count("⊙") == 1 and run.signs.index("⊙") < len(found.before):
        place = run.signs.index("⊙") + 1  # u ⊙ M dz is diag(u) M dz
        span = run.span
        scaled = Run((Name("diag", span), Group("(", (product_of(run.factors[:place], span),), "", span)), ("",), span)
        return Part(found, (scaled, *found.before[place:]), found.behind, sums)
    return None


def is_trace(written: Written) -> bool:
    return isinstance(written, Name) and written.text in TRACES


def holds(written: Written, lexicon: Lexicon) -> bool:
    """Whether a differential stands somewhere inside."""
    return any(True for node in every(written) for _ in taken(flat(node), lexicon))


def bound_in(part: Part, lexicon: Lexicon) -> bool:
    """Whether a sum runs over the time of what is derived by: then it is no derivative."""
    name = named(part.found.of, lexicon)
    return bool(part.sums) and name is not None and name in lexicon.model.timed


def gradient(part: Part) -> Written:
    """What a number is derived to."""
    span = part.found.of.span
    if part.elementwise:
        inner = product_of(part.before, span)
        return product_of((*part.sums, transpose_of(inner) if part.found.turned else inner), span)
    factors = (*part.behind, *part.before)
    if not factors:
        factors = (Name("I", span),)
    product = product_of(factors, span)
    return product_of((*part.sums, product if part.found.turned else transpose_of(product)), span)


def jacobian(part: Part, lexicon: Lexicon) -> Written | None:
    """What a column is derived to: a matrix, or three indices where it is derived by a matrix."""
    span = part.found.of.span
    before = product_of(part.before, span) if part.before else Name("I", span)
    if part.found.turned or part.sums:
        return None
    if is_matrix(part.found.of, lexicon):
        if part.elementwise or not part.behind:
            return None
        return Run((transpose_of(product_of(part.behind, span)), before), ("⊗",), span)
    if part.behind:
        return None
    if part.elementwise:
        return Run((Name("diag", span), Group("(", (before,), "", span)), ("",), span)
    return before
