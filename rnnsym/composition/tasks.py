"""What a cell is used for: the shape of its use and its loss, for any cell; and losses and weights put together."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sympy import Expr, Symbol

from rnnsym.composition.anatomy import Anatomy
from rnnsym.composition.assembly import Assembly, changed, names_in, parsed
from rnnsym.composition.losses import CTC, LOSSES
from rnnsym.errors import ModelError, suggestion
from rnnsym.language.model import Model
from rnnsym.language.syntax import Expression, Reference, Transpose, references
from rnnsym.language.writing import number

#: The shapes of use.
SHAPES = ("many-to-many", "many-to-one", "one-to-many")


def task(
    model: Model,
    shape: str = "many-to-many",
    loss: str = "cross-entropy",
    *,
    weights: bool = False,
    smoothing: float = 0.0,
    delta: float = 1.0,
    output: str | None = None,
    input: str | None = None,
) -> Model:
    """The cell of a model with a linear read-out and a loss of another kind.

    shape: "many-to-many" has an output and a target at every step, "many-to-one" one after the last; "one-to-many"
    feeds each output back as the next input, beginning with one that is given, and has a target at every step.
    loss: "cross-entropy" and "binary-cross-entropy" (both from logits), "squared", "absolute", "huber" or "ctc".
    weights: multiply the loss of every step by an input `weight`. smoothing: the share of a target that is spread
    evenly over all classes. delta: where Huber's loss becomes linear. output, input: as in `stack`.

    >>> rnn = Model('''
    ...     h[t] = tanh(W @ h[t-1] + U @ x[t])
    ...     E[t] = squared_error(d[t], h[t])
    ... ''', sizes={"x": "m", "h": "n"})
    >>> print(task(rnn, "many-to-one").text)
    h[t] = tanh(W @ h[t-1] + U @ x[t])
    y = V @ h[T] + c
    E = -dot(target, log_softmax(y))
    >>> print(task(rnn, "one-to-many", "squared").text)
    h[t] = tanh(W @ h[t-1] + U @ x[t])
    x[t] = y[t-1]
    y[t] = V @ h[t] + c
    E[t] = squared_error(target[t], y[t])
    """
    _check(shape, loss, smoothing, weights, delta)
    anatomy = Anatomy(model)
    last = anatomy.output(output)
    axes = len(model.shapes[last])
    if axes > 1 or (not axes and shape == "one-to-many"):
        raise ModelError(f"the read-out of a task needs a vector, and {last} of {model.name} is none")
    times = "@" if axes else "*"  # a number weighs each of the outputs
    cell, _ = anatomy.cell(last)
    made = Assembly()
    taken = names_in(cell) | {"E", "E_end"}
    if "E" in names_in(cell):
        raise ModelError(f"{model.name} calls a part of its cell E, which is the name of the loss")

    def fresh(*wanted: str) -> str:
        found = next(name for name in (*wanted, *(f"{wanted[0]}_{i}" for i in range(2, 99))) if name not in taken)
        taken.add(found)
        return found

    out, matrix, bias, target = fresh("y", "out"), fresh("V", "V_y"), fresh("c", "b_y"), fresh("target")
    classes = Symbol(_free_size(model, names_in(cell)), integer=True, positive=True)
    sizes: dict[Expr, Expr] = {}
    at = "[t]"
    lines = []
    if shape == "many-to-one":
        at = ""
        made.inputs[target] = None
        lines.append(f"{out} = {matrix} {times} {anatomy.at_end(last)} + {bias}")
    else:
        if shape == "one-to-many":
            first = anatomy.input(last, input)
            (size,) = model.shapes[first] or (None,)
            sizes = {size: classes} if isinstance(size, Symbol) else {}
            feed = LOSSES[loss].feed
            fed = out
            if feed != "{o}":
                fed = fresh("p", "share")
                lines.append(f"{fed}[t] = {feed.format(o=f'{out}[t]')}")
                made.shapes[fed] = (classes,)
            lines.insert(0, f"{first}[t] = {fed}[t-1]")
        lines.insert(1 if shape == "one-to-many" else 0, f"{out}[t] = {matrix} {times} {last}[t] + {bias}")
    made.models = (model,)
    made.add(model, cell, "cell", sizes=sizes)
    for name in (out, bias, target):
        made.shapes[name] = (classes,)
    made.shapes.pop(target) if loss == "ctc" else None
    if loss == "ctc":
        lines += _ctc(made, out, fresh)
    else:
        formula = LOSSES[loss].smoothed if smoothing else LOSSES[loss].text
        value = formula.format(d=f"{target}{at}", o=f"{out}{at}", e=_exact(smoothing), delta=_exact(delta))
        if weights:
            weight = fresh("weight", "w")
            made.shapes[weight] = ()
            if not at:
                made.inputs[weight] = None
            value = f"{weight}{at} * ({value})"
        made.shapes["E"] = ()
        lines.append(f"E{at} = {value}")
    made.write("\n".join(lines), "read-out and loss")
    made.bridge(model, {})
    return made.model(f"{model.name}_{shape.replace('-', '_')}", f"{model.title}, {shape.replace('-', ' ')}", None)


def _check(shape: str, loss: str, smoothing: float, weights: bool, delta: float) -> None:
    if shape not in SHAPES:
        raise ModelError(
            f"there is no task '{shape}'", advice=suggestion(shape, SHAPES) or f"there are: {', '.join(SHAPES)}"
        )
    known = (*LOSSES, "ctc")
    if loss not in known:
        raise ModelError(
            f"there is no loss '{loss}'", advice=suggestion(loss, known) or f"there are: {', '.join(known)}"
        )
    if smoothing and (loss == "ctc" or not LOSSES[loss].smoothed):
        raise ModelError(f"labels are smoothed for losses of classes, not for '{loss}'")
    if not 0 <= smoothing < 1:
        raise ModelError(f"smoothing is a share from 0 to 1, not {smoothing}")
    if delta <= 0:
        raise ModelError(f"delta is a positive number, not {delta}")
    if loss == "ctc" and (shape != "many-to-many" or weights):
        raise ModelError("ctc reads all steps together: it goes with many-to-many, and has no weights")


def _ctc(made: Assembly, out: str, fresh: Any) -> list[str]:
    names = {
        "q": fresh("q", "label_share"), "s": fresh("prefix"), "z": fresh("scale"), "a": fresh("alpha"),
        "M": fresh("moves"), "L": fresh("labels"), "F": fresh("ends"),
    }  # fmt: skip
    width = Symbol(next(n for n in ("S", "n_labels") if n not in made_sizes(made)), integer=True, positive=True)
    (classes,) = made.shapes[out]
    made.inputs.update(dict.fromkeys((names["M"], names["L"], names["F"])))
    made.shapes |= {names[key]: (width,) for key in ("q", "s", "a", "F")}
    made.shapes |= {names["z"]: (), names["M"]: (width, width), names["L"]: (width, classes)}
    return CTC.strip().format(o=out, **names).split("\n")


def made_sizes(made: Assembly) -> set[str]:
    """The names of the sizes that are declared so far."""
    return {str(symbol) for shape in made.shapes.values() for size in shape for symbol in size.free_symbols}


def _free_size(model: Model, names: set[str]) -> str:
    """A name for the number of outputs that no size and no variable of the cell has."""
    shapes = [model.shapes[name] for name in names if name in model.shapes]  # `I` is no variable
    taken = {str(symbol) for shape in shapes for size in shape for symbol in size.free_symbols}
    return next(name for name in ("k", "n_y", *(f"k_{i}" for i in range(2, 99))) if name not in taken | names)


def _exact(value: float) -> str:
    return number(Fraction(str(value)))


def with_loss(model: Model, equations: str, sizes: Mapping[str, Any] | None = None) -> Model:
    """A model with further equations, whose scalars that nothing reads are added to the loss.

    >>> rnn = Model("h[t] = tanh(W @ h[t-1] + b)" + chr(10) + "E[t] = squared_error(d[t], h[t])")
    >>> [str(loss.target) for loss in with_loss(rnn, "R = 0.01 * sum(W ** 2)").losses]
    ['E[t]', 'R']
    """
    more = parsed(equations)
    made = Assembly(model)
    made.add(model, model.definitions)
    made.definitions += more
    made.parts = [*model.parts]
    if made.parts:
        made.part("further losses", [d.target.name for d in more], more)
    made.bridge(model, {})
    read = {node.name for d in made.definitions for node in references(d.value)}
    losses = [d.target.name for d in model.losses] + [d.target.name for d in more if d.target.name not in read]
    clash = {d.target.name for d in more} & set(model.names)
    if clash:
        raise ModelError(
            f"{model.name} has {', '.join(sorted(clash))} already", equations, advice="choose another name"
        )
    declared = dict(sizes or {})
    made.inputs |= dict.fromkeys(name for name in declared.pop("inputs", ()))
    found = made.model(model.name, model.title, losses, model.summary)
    if not declared:
        return found
    return Model(
        found.text, {**found.sizes, **declared}, inputs=found.inputs, fixed=found.fixed, loss=losses, name=found.name,
        title=found.title, summary=found.summary, symbols=found.symbols, sources=found.sources, parts=found.parts,
        bridges=found.bridges,
    )  # fmt: skip


def tie(model: Model, weights: Mapping[str, str]) -> Model:
    """A model in which parameters stand for others: `{"V": "U.T"}`, `{"W_2": "W_1"}`.

    Sizes that have to be equal for it become equal.

    >>> rnn = Model('''
    ...     h[t] = tanh(W @ h[t-1] + U @ x[t])
    ...     E[t] = squared_error(d[t], V @ h[t])
    ... ''', sizes={"x": "m", "h": "n", "d": "k"})
    >>> print(tie(rnn, {"V": "U.T"}).text)
    h[t] = tanh(W @ h[t-1] + U @ x[t])
    E[t] = squared_error(d[t], U.T @ h[t])
    """
    values: dict[str, Expression] = {}
    sizes: dict[Expr, Expr] = {}
    for name, text in weights.items():
        if name not in model.parameters:
            raise ModelError(
                f"tie: {model.name} has no parameter '{name}'",
                advice=suggestion(name, model.parameters) or f"it has {', '.join(model.parameters)}",
            )
        value = parsed(f"value = {text}")[0].value
        for node in references(value):
            if node.name not in model.parameters or node.name in weights:
                raise ModelError(f"tie: {name} cannot stand for '{text}', which is not made of parameters that stay")
        values[name] = value
        shape = _shape(value, model)
        for one, other in zip(model.shapes[name], shape or model.shapes[name], strict=True):
            one, other = one.xreplace(sizes), other.xreplace(sizes)
            if one != other and isinstance(one, Symbol):
                sizes = {size: found.xreplace({one: other}) for size, found in sizes.items()} | {one: other}
            elif one != other:
                raise ModelError(f"tie: {name} has the size {one} where {text} has {other}")
    made = Assembly(model)

    def reads(node: Reference) -> Expression | None:
        return values.get(node.name)

    made.add(model, [changed(d, {}, reads=reads) for d in model.definitions], sizes=sizes)
    made.parts = [*model.parts]
    made.bridge(model, {})
    return made.model(model.name, model.title, [d.target.name for d in model.losses], model.summary)


def _shape(value: Expression, model: Model) -> tuple[Expr, ...] | None:
    match value:
        case Reference(name):
            return model.shapes[name]
        case Transpose(operand):
            shape = _shape(operand, model)
            return None if shape is None else shape[::-1]
    return None
