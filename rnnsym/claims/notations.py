r"""Ways of writing the chain rule, in the words of the language.

`prod(X, Z)` is the product of two derivatives, `\partial l(o_t, y_t)` is \partial l_t, a number may stand below a
derivative, and `\left. \frac{\partial f(u)}{\partial u} \right|_{u = z}` is f'(z).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from rnnsym.claims.grammar import joined
from rnnsym.claims.lexicon import SCALAR, Lexicon, moment, spelled
from rnnsym.claims.references import taken_apart
from rnnsym.claims.syntax import Moment
from rnnsym.claims.written import (
    Group,
    Name,
    Numeral,
    Over,
    Relation,
    Run,
    Scripted,
    Statement,
    Written,
    every,
    parts_of,
    product_of,
    with_parts,
)
from rnnsym.equations.indexed import Role

#: The signs of derivatives, and of the product of two as some texts call it.
DERIVING, CHAINING = ("∂", "d"), ("∏", "prod")


def in_full(statement: Statement, lexicon: Lexicon) -> Statement:
    """A statement without these notations."""
    return replace(statement, left=rewritten(statement.left, lexicon), right=rewritten(statement.right, lexicon))


def rewritten(written: Written, lexicon: Lexicon) -> Written:
    """An expression without these notations."""
    inner = with_parts(written, tuple(rewritten(part, lexicon) for part in parts_of(written)))
    match inner:
        case Run():
            return run(inner, lexicon)
        case Over():
            return number_before(inner)
        case Scripted(Group("(", (held,)) | (Over() as held), (("_", (Relation((Name() as name, value), ("=",)),)),)):
            return at_value(held, name, value) or inner
        case Scripted(Group("(", (Over() as held,)) | (Over() as held), (("_", (when,)),)) if moment(when) is not None:
            return of_copy(held, when) or inner
    return inner


def run(written: Run, lexicon: Lexicon) -> Written:
    """Factors side by side, with the arguments of a loss left out and chained products put in order."""
    factors: list[Written] = []
    signs: list[str] = []
    for sign, factor in zip(("", *written.signs), written.factors, strict=True):
        found = beside(factors[-1], factor, lexicon) if factors and not sign else None
        if found is None:
            factors.append(factor)
            signs.append(sign)
        else:
            factors[-1] = found
    return factors[0] if len(factors) == 1 else replace(written, factors=tuple(factors), signs=tuple(signs[1:]))


def beside(before: Written, bracket: Written, lexicon: Lexicon) -> Written | None:
    """What a name and the bracket behind it are together; None where they are two things."""
    if not isinstance(bracket, Group) or bracket.kind != "(" or (len(bracket.parts) > 1 and bracket.separator != ","):
        return None
    parts, span = bracket.parts, joined(before.span, bracket.span)
    if isinstance(before, Name) and before.text in CHAINING and len(parts) > 1:
        return Group("(", (product_of(parts, bracket.span),), "", span)
    return of_arguments(before, parts, lexicon)


def of_arguments(before: Written, parts: tuple[Written, ...], lexicon: Lexicon) -> Written | None:
    """A loss whose arguments are told: itself, at their time where it has none of its own."""
    apart = taken_apart(before)
    if apart is None or not all(map(is_argument, parts)) or (len(parts) == 1 and moment(parts[0]) is not None):
        return None
    base, scripts = apart
    name = lexicon.named(spelled(base))
    if name is None or lexicon.variable(name).role is Role.PARAMETER or lexicon.shape(name) != SCALAR:
        return before if name is None and lexicon.is_loss_name(spelled(base)) else None
    times = {time for part in parts for time in times_of(part)}
    timed = lexicon.variable(name).timed and not scripts and len(times) == 1
    return Scripted(base, (("_", (times.pop()[1],)),), before.span) if timed else before


def is_argument(written: Written) -> bool:
    """Whether this is a name, perhaps with a time."""
    return taken_apart(written) is not None


def times_of(written: Written) -> Iterator[tuple[Moment, Written]]:
    """The times in the scripts of an argument."""
    apart = taken_apart(written)
    for _, parts in apart[1] if apart is not None else ():
        for part in parts:
            time = moment(part)
            if time is not None and time.letters & {"t", "T", "k", "s", "tau"}:
                yield time, part


def number_before(over: Over) -> Written:
    r"""A derivative with a number below it, `\frac{\partial l_t}{T \, \partial o_t}`, as a product."""
    if not isinstance(over.bottom, Run) or not isinstance(over.top, Run) or not derives(over.top.factors[0]):
        return over
    factors, signs = over.bottom.factors, over.bottom.signs
    place = next((place for place, factor in enumerate(factors) if derives(factor)), 0)
    if not place or place == len(factors) - 1 or "/" in signs:
        return over
    number = factors[0] if place == 1 else replace(over.bottom, factors=factors[:place], signs=signs[: place - 1])
    below = replace(over.bottom, factors=factors[place:], signs=signs[place:])
    one = Over(Numeral(Fraction(1), over.span), number, over.span)
    return Group("(", (Run((one, replace(over, bottom=below)), ("",), over.span),), "", over.span)


def derives(written: Written) -> bool:
    """Whether this is the sign of a derivative."""
    base = written.base if isinstance(written, Scripted) else written
    return isinstance(base, Name) and base.text in DERIVING


def at_value(held: Written, name: Name, value: Written) -> Written | None:
    """An expression where a name has a value; None where the name does not stand in it."""
    argument = Group("(", (value,), "", value.span)
    match held:
        case Over(Run((first, function, Group("(", (inner,)))), Run((second, bottom), ("",))) if (
            derives(first) and derives(second) and inner == bottom == name
        ):
            primed = Scripted(function, (("'", ()),), function.span)
            return Group("(", (Run((primed, argument), ("",), held.span),), "", held.span)
    return put_in(held, name, argument) if name in every(held) else None


def of_copy(held: Over, when: Written) -> Written | None:
    r"""A derivative by a parameter at one step, `\frac{\partial E}{\partial W} |_{(t)}`: by its copy for that step."""
    match held.bottom:
        case Run((sign, Name() | Scripted() as parameter), ("",)) if derives(sign):
            copy = Scripted(parameter, (("^", (Group("(", (when,), "", when.span),)),), parameter.span)
            if isinstance(parameter, Scripted):
                copy = replace(parameter, scripts=(*parameter.scripts, *copy.scripts))
            return replace(held, bottom=replace(held.bottom, factors=(sign, copy)))
    return None


def put_in(written: Written, name: Name, value: Written) -> Written:
    """An expression with a value for a name."""
    if written == name:
        return value
    return with_parts(written, tuple(put_in(part, name, value) for part in parts_of(written)))
