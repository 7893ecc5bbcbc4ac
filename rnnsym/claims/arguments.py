r"""Times that are written as arguments: `y_k(t-1)` is `y_k[t-1]`, as older papers have it."""

from __future__ import annotations

from dataclasses import replace

from rnnsym.claims.lexicon import Lexicon, moment, spelled
from rnnsym.claims.references import taken_apart
from rnnsym.claims.written import Group, Name, Over, Relation, Root, Run, Scripted, Sign, Statement, Total, Written

#: Signs and words of the language that take a bracket behind them.
SIGNS = frozenset("∂ ∇ ∑ ∏ d I ones infty diag Diag diagonal dot outer concat stack sum mean max min".split())
#: Letters that count time, as an argument too.
CLOCKS = frozenset("t T tau s k".split())


def with_indices(statement: Statement, lexicon: Lexicon) -> Statement:
    """A statement in which every time is an index."""
    return replace(statement, left=timed(statement.left, lexicon), right=timed(statement.right, lexicon))


def timed(written: Written, lexicon: Lexicon) -> Written:
    """The same with arguments that are times as indices."""
    match written:
        case Run(factors, signs):
            return run(written, [timed(factor, lexicon) for factor in factors], ["", *signs], lexicon)
        case Total(terms):
            return replace(written, terms=tuple((sign, timed(term, lexicon)) for sign, term in terms))
        case Group(_, parts) if any(not isinstance(part, Name) for part in parts):
            return replace(written, parts=tuple(timed(part, lexicon) for part in parts))
        case Over(top, bottom):
            return replace(written, top=timed(top, lexicon), bottom=timed(bottom, lexicon))
        case Root(operand):
            return replace(written, operand=timed(operand, lexicon))
        case Scripted(Group() as base):
            return replace(written, base=timed(base, lexicon))
        case Relation(sides):
            return replace(written, sides=tuple(timed(side, lexicon) for side in sides))
        case Sign(_, operand) if operand is not None:
            return replace(written, operand=timed(operand, lexicon))
        case _:
            return written


def run(written: Run, factors: list[Written], signs: list[str], lexicon: Lexicon) -> Written:
    """Factors side by side, where a name and a time in brackets behind it are one."""
    found: list[Written] = []
    between: list[str] = []
    for sign, factor in zip(signs, factors, strict=True):
        before = found[-1] if found else None
        joined = indexed(before, factor, lexicon) if before is not None and not sign else None
        if joined is not None:
            found[-1] = joined
        else:
            found.append(factor)
            between.append(sign)
    return found[0] if len(found) == 1 else replace(written, factors=tuple(found), signs=tuple(between[1:]))


def indexed(name: Written, argument: Written, lexicon: Lexicon) -> Written | None:
    """A name with a time in brackets behind it; None where it is a function, has its time, or can have none."""
    bracket, raised = (argument.base, argument.scripts) if isinstance(argument, Scripted) else (argument, ())
    apart = taken_apart(name)
    if apart is None or not (isinstance(bracket, Group) and bracket.kind == "(" and len(bracket.parts) == 1):
        return None
    base, scripts = apart
    time = moment(bracket.parts[0])
    words = (spelled(base), base.text)
    functions = {*lexicon.functions, *lexicon.aliases}
    if time is None or any(word in functions for word in words) or (base.text in SIGNS and not is_known(base, lexicon)):
        return None
    if not time.letters <= CLOCKS or len(time.terms) > 1:
        return None
    if any(kind not in "_^" or has_clock(part) for kind, parts in scripts for part in parts):
        return None
    variable = lexicon.named(spelled(base))
    if variable is not None and not lexicon.variable(variable).timed:
        return None
    if variable is None and (lexicon.is_loss_name(spelled(base)) or spelled(base) in lexicon.sizes):
        return None
    return Scripted(base, (*scripts, ("[", (bracket.parts[0],)), *raised), name.span)


def is_known(base: Name, lexicon: Lexicon) -> bool:
    """Whether a name is the model's and has a time."""
    variable = lexicon.named(spelled(base))
    return variable is not None and lexicon.variable(variable).timed


def has_clock(part: Written) -> bool:
    """Whether a script is a time or a transpose already."""
    found = moment(part)
    return found is not None and bool(found.letters & {"t", "T", "tau"})
