r"""\hat{y} and y: what a model computes and what it should compute, by the names that authors give them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rnnsym.claims.lexicon import Lexicon, spelled
from rnnsym.claims.written import Name, Statement, every
from rnnsym.language.model import Model
from rnnsym.language.syntax import Call, Reference, walk


def name_predictions(statements: Iterable[Statement], lexicon: Lexicon, own: Iterable[str]) -> str:
    r"""Let \hat{y} be what a loss compares with a target, where nothing else has that name; what was taken for granted.

    Where the model calls the prediction y, a claim's y beside \hat{y} is the target, unless the claim has the target
    by its own name. `own` are the names that the claim defines.
    """
    sides = (side for statement in statements for side in (statement.left, statement.right))
    names = {spelled(part) for side in sides for part in every(side) if isinstance(part, Name)} - set(own)
    pairs = set(compared(lexicon.model))
    if len(pairs) != 1:
        return ""
    ((target, prediction),) = pairs
    for name in (target, prediction):
        hats = sorted(hat for hat in (f"{name}hat", f"{name}_hat") if hat in names and lexicon.named(hat) is None)
        if not hats:
            continue
        lexicon.spellings |= dict.fromkeys(hats, prediction)
        if name == prediction and name in names and target not in names:
            lexicon.spellings[name] = target
            return f"{hats[0]} is the model's {prediction}, and {name} its {target}"
        return f"{hats[0]} is the model's {prediction}"
    return ""


def compared(model: Model) -> Iterator[tuple[str, str]]:
    """The targets of losses, and what each is compared with: an input and a value side by side in a call."""
    losses = {definition.target.name for definition in model.losses}
    for definition in model.definitions:  # as written: abbreviations stand in them
        for node in walk(definition.value) if definition.target.name in losses else ():
            if not isinstance(node, Call) or not all(isinstance(one, Reference) for one in node.arguments):
                continue
            names = [one.name for one in node.arguments if isinstance(one, Reference)]
            given = [name for name in names if name in model.inputs or name in model.sequences]
            computed = [name for name in names if name in model.defined]
            if len(names) == 2 and len(given) == len(computed) == 1:
                yield given[0], computed[0]
