r"""What algorithms say of gradients, as equations: updates of parameters, and what is added up in a loop.

`W \leftarrow W - \eta X` says that X is the gradient by W, and `dW += X_t` that the gradient is the sum of X over t.
Contributions to one sequence, `\delta c_t = A_t` and further down `\delta c_{t-1} \mathrel{+}= B_t`, add up too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from rnnsym.claims.lexicon import Lexicon, label, moment, spelled
from rnnsym.claims.references import taken_apart
from rnnsym.claims.written import (
    Group,
    Name,
    Numeral,
    Relation,
    Run,
    Scripted,
    Statement,
    Total,
    Written,
    every,
    parts_of,
    with_parts,
)
from rnnsym.errors import Span

#: What authors call the rate of learning, where the model has nothing of this name.
RATES = frozenset("eta alpha gamma lr mu epsilon lambda rho rate learningrate learning_rate step_size stepsize".split())
#: What stands above or below a parameter before and after its update.
AGES = frozenset("new old next prev previous k i n tau t k+1 i+1 n+1 tau+1 t+1 + prime".split())
DELTA = "Delta"


@dataclass(frozen=True)
class Rewritten:
    """Statements that are equations, and what was taken for granted."""

    statements: tuple[Statement, ...]
    assumed: tuple[str, ...] = ()


def equations(statements: Iterable[Statement], lexicon: Lexicon) -> Rewritten:
    """Assignments as the equations that they stand for; equations stay."""
    given = list(statements)
    defined = {name for statement in given if (name := base_of(statement.left)) is not None}
    rates = {rate for rate in RATES - defined if lexicon.named(rate) is None}
    assumed: list[str] = []
    found = []
    for statement in given:
        updated = update(statement, lexicon, rates)
        if updated is not None:
            assumed.append(f"line {statement.span.line} is a step of gradient descent: the parameter loses a positive "
                           "multiple of its gradient")  # fmt: skip
        found.append(updated or statement)
    return Rewritten(tuple(added_up(found)), tuple(dict.fromkeys(assumed)))


# Updates


def update(statement: Statement, lexicon: Lexicon, rates: set[str]) -> Statement | None:
    """An update as a claim about a gradient; None for what is none."""
    parameter = without_age(statement.left, lexicon)
    if parameter is not None:
        change = changed_by(statement, parameter, lexicon)
        if change is None:
            return None
        sign, step = change
        return gradient(statement, parameter, sign, without_rate(step, rates)[0], lexicon)
    parameter = behind_delta(statement.left, lexicon)
    if parameter is None:
        return None
    signed = statement.right.terms if isinstance(statement.right, Total) else (("+", statement.right),)
    if len(signed) != 1:
        return None
    ((sign, step),) = signed
    step, rated = without_rate(step, rates)
    if not rated and statement.sign != "∝":
        return None
    return gradient(statement, parameter, sign, step, lexicon)


def gradient(statement: Statement, parameter: Written, sign: str, step: Written, lexicon: Lexicon) -> Statement:
    """What is added to a parameter is minus its gradient, up to the rate."""
    span = statement.left.span
    nabla = Scripted(Name("∇", span), (("_", (parameter,)),), span)
    left = Run((nabla, Name(lexicon.loss_name, span)), ("",), span)
    right = step if sign == "-" else Total((("-", bracketed(step)),), step.span)
    return replace(statement, left=left, right=right, sign="=")


def changed_by(statement: Statement, parameter: Written, lexicon: Lexicon) -> tuple[str, Written] | None:
    """What an assignment adds to a parameter, and its sign."""
    if statement.sign in ("+=", "-="):
        return ("-" if statement.sign == "-=" else "+"), statement.right
    if not isinstance(statement.right, Total) or len(statement.right.terms) != 2:
        return None
    (first, old), (sign, step) = statement.right.terms
    return (sign, step) if first == "+" and without_age(old, lexicon) == parameter else None


def without_age(written: Written, lexicon: Lexicon) -> Written | None:
    """A parameter, or an element of one, without what tells the old from the new; None for anything else."""
    match written:
        case Run((Name("new" | "old"), inner), ("",)) if is_parameter(inner, lexicon):
            return inner
    apart = taken_apart(written)
    if apart is None:
        return None
    base, scripts = apart
    if is_parameter(written, lexicon):
        return written
    rest = tuple((kind, parts) for kind, parts in scripts if not all(is_age(part) for part in parts))
    found: Written = Scripted(base, rest, written.span) if rest else base
    return found if len(rest) < len(scripts) and is_parameter(found, lexicon) else None


def is_parameter(written: Written, lexicon: Lexicon) -> bool:
    """Whether a name is a parameter's, or that of elements of one."""
    apart = taken_apart(written)
    if apart is None:
        return False
    base, scripts = apart
    labels = [part.text for kind, parts in scripts if kind == "_" for part in parts if isinstance(part, Name)]
    names = {lexicon.named(spelled(base, labels[:count])) for count in range(len(labels) + 1)}
    return bool(names & set(lexicon.model.parameters)) and all(kind == "_" for kind, _ in scripts)


def is_age(part: Written) -> bool:
    """Whether a script tells an old value from a new one."""
    inner = part.parts[0] if isinstance(part, Group) and len(part.parts) == 1 else part
    found = moment(inner)
    word = label(inner) if found is None else str(found).replace(" ", "")
    return word in AGES


def behind_delta(left: Written, lexicon: Lexicon) -> Written | None:
    r"""The parameter of `\Delta W`."""
    match left:
        case Run((Name("Delta"), parameter), ("",)) if is_parameter(parameter, lexicon):
            return parameter
        case Name(text, span, accents) if text.startswith(DELTA) and text != DELTA:
            bare = Name(text.removeprefix(DELTA).removeprefix("_"), span, accents)
            return bare if is_parameter(bare, lexicon) else None
        case _:
            return None


def without_rate(step: Written, rates: set[str]) -> tuple[Written, bool]:
    """A step without the rate of learning before it, and whether it had one."""
    if isinstance(step, Group) and len(step.parts) == 1 and isinstance(step.parts[0], Run):
        step = step.parts[0]
    if not isinstance(step, Run):
        return step, False
    places = [n for n, factor in enumerate(step.factors) if isinstance(factor, Name) and factor.text in rates]
    if not places or places[0] not in (0, len(step.factors) - 1):
        return step, False
    at = places[0]
    factors = step.factors[:at] + step.factors[at + 1 :]
    signs = step.signs[1:] if at == 0 else step.signs[:-1]
    if not factors:
        return step, False
    return (factors[0] if len(factors) == 1 else replace(step, factors=factors, signs=signs)), True


# What is added up


def added_up(statements: list[Statement]) -> Iterator[Statement]:
    """The statements, with all that is added to one thing in one equation."""
    growing = [(base_of(s.left), s) for s in statements if s.sign in ("+=", "-=")]
    names = {name for name, _ in growing if name is not None}
    groups = {name: [s for s in statements if base_of(s.left) == name] for name in names}
    for statement in statements:
        name = base_of(statement.left)
        if name is None or name not in names:
            yield whole(statement) if statement.sign in ("+=", "-=") else statement
        elif statement is groups[name][0]:
            yield from together(groups[name])


def whole(statement: Statement) -> Statement:
    """What is added to something that has no name of its own, such as a derivative: the sum over the loop."""
    right = signed(statement.sign, over_time(statement.right, clocks(statement.left), statement.span))
    return replace(statement, right=right, sign="=")


def together(group: list[Statement]) -> Iterator[Statement]:
    """All statements about one name, one of which adds to it, as one equation."""
    first = group[0]
    moved = [to_time(statement) for statement in group]
    fixed = [statement for statement in moved if statement.sign == "=" and statement.left != moved[0].left]
    adding = [s for s in moved if s not in fixed and not (s.sign == "=" and is_zero(s.right))]
    timed = clocks(moved[0].left) & {"t", "T", "tau"}  # other letters below are labels
    if not adding:
        yield from group
        return
    terms: list[tuple[str, Written]] = []
    for statement in adding:
        right = statement.right if timed else over_time(statement.right, set(), statement.span)
        terms.append(("-" if statement.sign == "-=" else "+", bracketed(right)))
    yield replace(first, left=moved[0].left, right=Total(tuple(terms), first.span), sign="=")
    yield from fixed


def to_time(statement: Statement) -> Statement:
    """The same about the time t, where it is about t-1."""
    for node in every(statement.left):
        found = moment(node) if isinstance(node, Total) else None
        if found is not None and len(found.terms) == 1 and found.terms[0][1] == 1 and found.offset:
            letter = found.terms[0][0]
            return replace(
                statement,
                left=collapsed(moved(statement.left, letter, -found.offset)),
                right=moved(statement.right, letter, -found.offset),
            )
    return statement


def moved(written: Written, letter: str, offset: int, script: bool = False) -> Written:
    """An expression at another time."""
    if script and isinstance(written, Name) and written.text == letter:
        step: Written = Numeral(Fraction(abs(offset)), written.span)
        return Total((("+", written), ("-" if offset < 0 else "+", step)), written.span)
    if isinstance(written, Scripted):
        base = moved(written.base, letter, offset, script)
        scripts = tuple(
            (kind, tuple(moved(part, letter, offset, kind in "_^[") for part in parts))
            for kind, parts in written.scripts
        )
        return replace(written, base=base, scripts=scripts)
    return with_parts(written, tuple(moved(part, letter, offset, script) for part in parts_of(written)))


def collapsed(written: Written) -> Written:
    """The same with a time such as t - 1 + 1 as t."""
    found = moment(written) if isinstance(written, Total) else None
    if found is not None and len(found.terms) == 1 and found.terms[0][1] == 1 and not found.offset:
        return Name(found.terms[0][0], written.span)
    return with_parts(written, tuple(collapsed(part) for part in parts_of(written)))


def over_time(written: Written, known: set[str], span: Span) -> Written:
    """The sum over the time that stands in an expression, where the left side does not have it."""
    if "t" in known or "t" not in clocks(written) or is_summed(written):
        return written
    range_ = Relation((Name("t", span), Numeral(Fraction(1), span)), ("=",), span)
    big = Scripted(Name("∑", span), (("_", (range_,)), ("^", (Name("T", span),))), span)
    return Run((big, bracketed(written)), ("",), written.span)


def is_summed(written: Written) -> bool:
    """Whether an expression is a sum over t already."""
    first = written.factors[0] if isinstance(written, Run) else written
    big = isinstance(first, Scripted) and isinstance(first.base, Name) and first.base.text == "∑"
    return big and "t" in {node.text for node in every(first) if isinstance(node, Name)}


def clocks(written: Written) -> set[str]:
    """The letters in scripts."""
    found: set[str] = set()
    for node in every(written):
        if isinstance(node, Scripted):
            for kind, parts in node.scripts:
                if kind in "_^[":
                    found |= {inner.text for part in parts for inner in every(part) if isinstance(inner, Name)}
        elif isinstance(node, Name) and "_" in node.text:
            found |= set(node.text.split("_")[1:])
    return found


def is_zero(written: Written) -> bool:
    """Whether an expression is what a sum begins with: 0, or an array of zeros."""
    match written:
        case Numeral(value):
            return value == 0
        case Run((Name(text), _), ("",)) | Run((Scripted(Name(text)), _), ("",)):
            return text.startswith("zeros")
        case Scripted(Name(text)) | Name(text):
            return text.startswith("zeros")
        case _:
            return False


def signed(sign: str, written: Written) -> Written:
    return Total((("-", bracketed(written)),), written.span) if sign == "-=" else written


def bracketed(written: Written) -> Written:
    """An expression as one factor."""
    return Group("(", (written,), "", written.span) if isinstance(written, Total | Run) else written


def base_of(left: Written) -> str | None:
    r"""What a left side speaks of, its time aside: `deltac` of `\delta c_{t-1}`; None for a derivative."""
    match left:
        case Run((Name(prefix), operand), ("",)) if prefix != "∇":
            inner = base_of(operand)
            return None if inner is None else prefix + inner
        case Name() | Scripted(Name()):
            apart = taken_apart(left)
            assert apart is not None
            base, scripts = apart
            labels = [part.text for kind, parts in scripts if kind in "_^" for part in parts
                      if isinstance(part, Name) and part.text not in ("t", "T", "tau")]  # fmt: skip
            return spelled(base, labels)
        case _:
            return None
