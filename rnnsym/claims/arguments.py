r"""Habits of papers in the words of the language: times as arguments, `y_k(t-1)`, and \theta for any parameter."""

from __future__ import annotations

from dataclasses import replace

from rnnsym.claims.lexicon import Lexicon, moment, spelled
from rnnsym.claims.references import taken_apart
from rnnsym.claims.written import Group, Name, Run, Scripted, Statement, Written, every, parts_of, with_parts
from rnnsym.errors import Span

#: Signs and words of the language that take a bracket behind them.
SIGNS = frozenset("∂ ∇ ∑ ∏ d I ones infty diag Diag diagonal dot outer concat stack sum mean max min".split())
#: Any of the parameters, in texts about gradients.
THETA = Name("theta", Span(1, 0, 1))
#: Letters that count time, as an argument too.
CLOCKS = frozenset("t T tau s k".split())


def with_indices(statement: Statement, lexicon: Lexicon) -> Statement:
    """A statement in which every time is an index."""
    return replace(statement, left=timed(statement.left, lexicon), right=timed(statement.right, lexicon))


def timed(written: Written, lexicon: Lexicon) -> Written:
    """The same with arguments that are times as indices."""
    inner = with_parts(written, tuple(timed(part, lexicon) for part in parts_of(written)))
    return run(inner, lexicon) if isinstance(inner, Run) else inner


def for_each_parameter(statement: Statement, lexicon: Lexicon) -> list[Statement]:
    r"""What is said of \theta, said of each parameter, where the model has nothing of this name."""
    whole = [node for side in (statement.left, statement.right) for node in every(side)]
    scripted = any(isinstance(node, Scripted) and node.base == THETA for node in whole)
    if THETA not in whole or scripted or lexicon.named(THETA.text) is not None:
        return [statement]
    return [
        replace(statement, left=named(statement.left, name), right=named(statement.right, name))
        for name in lexicon.model.parameters
    ]


def named(written: Written, name: str) -> Written:
    r"""An expression with a parameter for \theta."""
    if written == THETA:
        return Name(name, written.span)
    return with_parts(written, tuple(named(part, name) for part in parts_of(written)))


def run(written: Run, lexicon: Lexicon) -> Written:
    """Factors side by side, where a name and a time in brackets behind it are one."""
    factors, signs = written.factors, ("", *written.signs)
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
    clocks = CLOCKS | ({"n"} - set(lexicon.spellings))
    names = {letter for letter, _ in time.terms}  # a lag may have a letter of its own, t - q
    if (names and not names & clocks) or (names - clocks) & set(lexicon.spellings):
        return None
    if any(kind not in "_^" or has_clock(part) for kind, parts in scripts for part in parts):
        return None
    variable = lexicon.named(spelled(base))
    if variable is not None and not lexicon.variable(variable).timed:
        return None
    if variable is None and (lexicon.is_loss_name(spelled(base)) or spelled(base) in lexicon.sizes):
        return None
    # In its brackets it stays a time, where a bare letter might count elements.
    return Scripted(base, (*scripts, ("[", (bracket,)), *raised), name.span)


def is_known(base: Name, lexicon: Lexicon) -> bool:
    """Whether a name is the model's and has a time."""
    variable = lexicon.named(spelled(base))
    return variable is not None and lexicon.variable(variable).timed


def has_clock(part: Written) -> bool:
    """Whether a script is a time or a transpose already."""
    found = moment(part)
    return found is not None and bool(found.letters & {"t", "T", "tau"})
