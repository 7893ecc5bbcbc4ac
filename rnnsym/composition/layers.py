"""Layers over each other, both directions side by side, an encoder before a decoder: models made of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sympy import Expr, Symbol

from rnnsym.composition.anatomy import Anatomy
from rnnsym.composition.assembly import Assembly, changed, mirrored, parsed, suffixed
from rnnsym.errors import ModelError
from rnnsym.language.model import Model
from rnnsym.language.syntax import Definition, Expression, Reference, references
from rnnsym.language.timing import is_early

#: Every layer is written out, and derived by itself.
MOST_LAYERS = 100


def stack(
    model: Model,
    layers: int,
    *,
    residual: bool = False,
    dropout: bool = False,
    input: str | None = None,
    output: str | None = None,
    shared: Iterable[str] = (),
) -> Model:
    """A model with its cell in several layers: the output of each is the input of the next.

    layers: how many. residual: add the input of each layer after the first to its output. dropout: multiply what one
    layer hands to the next by a mask, an input sequence of the same size for each pair of layers. input, output: the
    sequence that the cell reads and the variable that it hands on, where the equations leave that open. shared: the
    parameters that all layers share.

    What reads the cell (a read-out, the loss) reads the last layer. Names get the number of their layer: `W_1`, `W_2`.

    >>> model = Model('''
    ...     h[t] = tanh(W @ h[t-1] + U @ x[t])
    ...     E[t] = squared_error(d[t], h[t])
    ... ''', sizes={"x": "m", "h": "n"})
    >>> print(stack(model, 2).text)
    h_1[t] = tanh(W_1 @ h_1[t-1] + U_1 @ x[t])
    h_2[t] = tanh(W_2 @ h_2[t-1] + U_2 @ h_1[t])
    E[t] = squared_error(d[t], h_2[t])

    A layer is as wide as before where its input may have another size, and else as wide as its input.

    Raises ModelError where the equations do not tell the input or the output, or where their shapes do not fit.
    """
    if layers < 1:
        raise ModelError(f"a model has at least one layer, not {layers}")
    if layers > MOST_LAYERS:
        raise ModelError(f"a model has at most {MOST_LAYERS} layers here, not {layers}: each has equations of its own")
    chosen = (layers, residual, dropout, input, output, tuple(shared))
    try:
        return _stacked(model, *chosen, wide=False)
    except ModelError as error:
        try:
            return _stacked(model, *chosen, wide=True)
        except ModelError:
            raise error from None


def _stacked(
    model: Model,
    layers: int,
    residual: bool,
    dropout: bool,
    input: str | None,
    output: str | None,
    shared: tuple[str, ...],
    *,
    wide: bool,
) -> Model:
    anatomy = Anatomy(model)
    last = anatomy.output(output)
    first = anatomy.input(last, input)
    cell, rest = anatomy.cell(last)
    kept = {*_known(model, anatomy.parameters(cell), shared, "shared"), *anatomy.parameters(rest)}
    own = [name for name in _of_cell(anatomy, cell) if name not in kept]
    inner, without = _next_sizes(model, first, last, [name for name in own if name in model.param_keys], wide)
    made = Assembly(model)
    handed = first
    for number in range(1, layers + 1):
        names = suffixed(own, str(number))
        text = []
        if dropout and number > 1:
            mask, fed = made.fresh(f"mask_{number}"), made.fresh(f"{first}_{number}")
            text.append(f"{fed}[t] = {mask}[t] * {handed}[t]")
            made.shapes[mask] = made.shapes[fed] = model.shapes[last]
        else:
            fed = handed
        part = [changed(d, {**names, first: fed}) for d in cell]
        title = f"layer {number}"
        made.add(
            model,
            [*parsed("\n".join(text)), *part] if text else part,
            title,
            names,
            inner if number > 1 else None,
            without if number > 1 else (),
            f"({number})",
        )
        if not shared:  # arrays of a framework are each layer's own
            made.bridge(model, names, layer=str(number - 1), under=f"{number - 1}/" if layers > 1 else "")
        before, handed = handed, names[last]
        if residual and number > 1:
            total = made.fresh(f"r_{number}", f"sum_{number}")
            made.write(f"{total}[t] = {handed}[t] + {before}[t]")
            made.shapes[total] = model.shapes[last]
            handed = total
    top = suffixed(own, str(layers)) | {last: handed}
    made.add(model, [changed(d, top) for d in rest], "what reads the last layer", top)
    number_text = "one layer" if layers == 1 else f"{layers} layers"
    return made.model(
        f"{model.name}_{layers}_layers", f"{model.title}, {number_text}", _losses(anatomy, top), model.summary
    )


def bidirectional(model: Model, *, merge: str = "concat", input: str | None = None, output: str | None = None) -> Model:
    """A model whose cell runs over the sequence in both directions, each with parameters of its own.

    merge: "concat" hands on both outputs one above the other, "sum", "mean" and "product" combine them element by
    element. The copies are called `h_fw` and `h_bw`; what both give together keeps the name `h`.

    >>> model = Model('''
    ...     h[t] = tanh(W @ h[t-1] + U @ x[t])
    ...     E[t] = squared_error(d[t], V @ h[t])
    ... ''', sizes={"x": "m", "h": "n", "d": "k"})
    >>> print(bidirectional(model).text)
    h_fw[t] = tanh(W_fw @ h_fw[t-1] + U_fw @ x[t])
    h_bw[t] = tanh(W_bw @ h_bw[t+1] + U_bw @ x[t])
    h[t] = concat(h_fw[t], h_bw[t])
    E[t] = squared_error(d[t], V @ h[t])
    """
    if merge not in MERGES:
        raise ModelError(f"merge is one of {', '.join(MERGES)}, not {merge!r}")
    anatomy = Anatomy(model)
    last = anatomy.output(output)
    if input is not None:
        anatomy.input(last, input)
    cell, rest = anatomy.cell(last)
    shape = model.shapes[last]
    if merge == "concat" and len(shape) != 1:
        kind = "a scalar" if not shape else "a matrix"
        raise ModelError(f"{last} is {kind}, and only vectors are concatenated", advice='use merge="sum"')
    kept = set(anatomy.parameters(rest))
    own = [name for name in _of_cell(anatomy, cell) if name not in kept]
    made = Assembly(model)
    outputs = []
    turned = {definition.target.name for definition in cell}
    several = sum(bool(part.names & turned) for part in model.parts) > 1
    for suffix, title, mark in (("fw", "forwards", r"\rightarrow"), ("bw", "backwards", r"\leftarrow")):
        names = suffixed(own, suffix)
        part = [changed(d, names, mirrored if suffix == "bw" else lambda time: time) for d in cell]
        made.add(model, part, title, names, mark=mark)
        if not several:  # frameworks turn single layers around
            made.bridge(model, names, together=True, reverse="_reverse" if suffix == "bw" else "", side=f"{title}/")
        outputs.append(f"{names[last]}[t]")
    changes = {name: new for name, new in suffixed(own, "fw").items() if name != last}
    whole = [changed(d, changes) for d in rest]
    merged = parsed(f"{last}[t] = {MERGES[merge].format(*outputs)}")
    grown = {symbol for size in shape for symbol in size.free_symbols} if merge == "concat" else set()
    without = [name for name in model.names if grown & {s for size in model.shapes[name] for s in size.free_symbols}]
    made.add(model, [*merged, *whole], "what reads both", changes, without=without)
    return made.model(
        f"{model.name}_bidirectional", f"{model.title}, in both directions", _losses(anatomy, changes), model.summary
    )


MERGES = {"concat": "concat({}, {})", "sum": "{} + {}", "mean": "0.5 * ({} + {})", "product": "{} * {}"}


def encoder_decoder(
    encoder: Model,
    decoder: Model,
    *,
    states: Mapping[str, str] | None = None,
    context: str | None = None,
    memory: str | None = None,
    project: bool = False,
    output: str | None = None,
) -> Model:
    """Two models after each other: the decoder begins where the encoder ended.

    The encoder's read-out and loss are left out. Its final states are the decoder's initial ones: those of the same
    name, or else its output for the decoder's only state; `states={"decoder's": "encoder's"}` says otherwise. With
    `project=True` each passes through a layer of its own, `h_dec[0] = tanh(P_h @ h_enc[T] + p_h)`, so that sizes may
    differ. context: an input without time index, or a sequence, of the decoder that becomes the encoder's final output.
    memory: a matrix that is an input of the decoder, `"H"`, and whose columns become the outputs of all the encoder's
    steps; with `"H.T"` its rows. output: the encoder's output, where its equations leave that open.

    Which column belongs to a step is said by a new input, `position[t]`: ones and zeros, a single one in the place of
    the step, and none where there is padding. So the memory has its own length, whatever the number of steps is.

    Names get the endings `_enc` and `_dec`. Both run over T steps: shorter sequences are padded, see `masked`.

    >>> rnn = Model('''
    ...     h[t] = tanh(W @ h[t-1] + U @ x[t])
    ...     E[t] = squared_error(d[t], h[t])
    ... ''', sizes={"x": "m", "h": "n"})
    >>> print(encoder_decoder(rnn, rnn).text)
    h_enc[t] = tanh(W_enc @ h_enc[t-1] + U_enc @ x_enc[t])
    h_dec[0] = h_enc[T]
    h_dec[t] = tanh(W_dec @ h_dec[t-1] + U_dec @ x_dec[t])
    E[t] = squared_error(d[t], h_dec[t])
    """
    source, sink = Anatomy(encoder), Anatomy(decoder)
    last = source.output(output)
    cell, _ = source.cell(last)
    pairs = _state_pairs(source, sink, last, states)
    theirs = suffixed(_of_cell(source, cell, sequences=True), "enc")
    read = [name for name in decoder.names if name in sink.reads or name not in _only_loss(sink)]
    mine = suffixed([name for name in read if name not in sink.losses], "dec")
    sizes = {size: Symbol(f"{size}_enc", integer=True, positive=True) for size in _sizes(encoder)}
    others: dict[Expr, Expr] = {size: Symbol(f"{size}_dec", integer=True, positive=True) for size in _sizes(decoder)}
    joined = {**({} if project else pairs), **({context: last} if context else {})}
    for name, origin in joined.items():
        if len(decoder.shapes.get(name, ())) != len(encoder.shapes[origin]):
            raise ModelError(f"{name} of {decoder.name} and {origin} of {encoder.name} have different numbers of axes")
        others |= {
            size: found.xreplace(sizes)
            for size, found in zip(decoder.shapes[name], encoder.shapes[origin], strict=True)
            if isinstance(size, Symbol)
        }
    if memory:
        others |= _memory_sizes(decoder, memory, encoder.shapes[last], sizes)
    made = Assembly(encoder, decoder)
    made.add(encoder, [changed(d, theirs) for d in cell], "encoder", theirs, sizes, mark=r"\mathrm{enc}")
    lines = []
    for name, origin in pairs.items():
        for time in [time for given, time in decoder.given if given == name]:
            # Earlier steps than the last are the initial values of a state that is read at a longer lag.
            value = source.at_end(origin, theirs) if not time.offset else f"{theirs[origin]}[T{time.offset:+d}]"
            if project:
                value = f"tanh(P_{name} @ {value} + p_{name})"
            lines.append(f"{mine[name]}[{time}] = {value}")
    if memory:
        place, kept = made.fresh("position"), memory.removesuffix(".T")
        pair = (f"{theirs[last]}[t]", f"{place}[t]")
        lines.append(f"{mine[kept]} = sum_time(outer({', '.join(pair[::-1] if memory.endswith('.T') else pair)}))")
        made.shapes[place] = (decoder.shapes[kept][0 if memory.endswith(".T") else 1].xreplace(others),)
    made.write("\n".join(lines), "hand-over")
    reads = _context(decoder, source, context, last, theirs) if context else lambda node: None
    part = [changed(d, mine, reads=reads) for d in decoder.definitions]
    made.add(decoder, part, "decoder", mine, others, mark=r"\mathrm{dec}")
    if memory:
        del made.inputs[mine[kept]]
    return made.model(
        f"{encoder.name}_{decoder.name}",
        f"{encoder.title} into {decoder.title[:1].lower() + decoder.title[1:]}",
        _losses(sink, mine),
    )


# What the compositions share


def _known(model: Model, own: list[str], wanted: Iterable[str], what: str) -> list[str]:
    for name in (found := list(wanted)):
        if name not in own:
            raise ModelError(
                f"{what}: {name} is no parameter of the cell of {model.name}", advice=f"it has {', '.join(own)}"
            )
    return found


def _of_cell(anatomy: Anatomy, cell: list[Definition], sequences: bool = False) -> list[str]:
    """The variables that belong to a cell alone: what it computes, and its parameters."""
    read = {node.name for d in cell for node in (d.target, *references(d.value))}
    model = anatomy.model
    return [
        name
        for name in model.names
        if name in read and (sequences or name in anatomy.reads or name in model.param_keys)
    ]


def _only_loss(anatomy: Anatomy) -> set[str]:
    """The inputs that nothing but a loss reads: targets."""
    model = anatomy.model
    read = {name for other, names in anatomy.reads.items() if other not in anatomy.losses for name in names}
    handed = {*model.sequences, *(name for name, _ in model.given), *model.inputs} - set(anatomy.reads)
    return {name for name in handed if name not in read}


def _losses(anatomy: Anatomy, names: Mapping[str, str]) -> list[str]:
    return [names.get(definition.target.name, definition.target.name) for definition in anatomy.model.losses]


def _sizes(model: Model) -> list[Symbol]:
    found = {symbol for shape in model.shapes.values() for size in shape for symbol in size.free_symbols}
    return sorted(found, key=str)


def _next_sizes(
    model: Model, first: str, last: str, parameters: list[str], wide: bool
) -> tuple[dict[Expr, Expr], list[str]]:
    """What sizes become in the layers after the first, and the parameters whose sizes the equations have to tell.

    wide: everything in the cell that is as wide as its input stays so.
    """
    ahead, behind = model.shapes[first], model.shapes[last]
    if len(ahead) != len(behind):
        raise ModelError(
            f"the output {last} of {model.name} cannot be the input {first} of a next layer: "
            f"they have {len(behind)} and {len(ahead)} axes"
        )
    sizes: dict[Expr, Expr] = {}
    for one, other in zip(ahead, behind, strict=True):
        if one != other and isinstance(one, Symbol) and (wide or isinstance(other, Symbol)):
            sizes[one] = other
        elif one != other:
            return {}, [name for name in parameters if not one.free_symbols or one in model.shapes[name]]
    return sizes, []


def _state_pairs(source: Anatomy, sink: Anatomy, last: str, states: Mapping[str, str] | None) -> dict[str, str]:
    """For each state of the decoder the variable of the encoder with which it begins."""
    open_states = list(dict.fromkeys(name for name, time in sink.model.given if is_early(time) and name in sink.reads))
    cell = source.ancestors([last])
    if states is None:
        found = {name: name for name in open_states if name in cell}
        if not found and len(open_states) == 1:
            found = {open_states[0]: last}
        if not found:
            raise ModelError(
                f"which states of {sink.model.name} begin with which of {source.model.name}?",
                advice=f'say for example states={{"{(open_states or ["h"])[0]}": "{last}"}}',
            )
        return found
    for name, origin in states.items():
        if name not in open_states:
            raise ModelError(
                f"states: {sink.model.name} has no initial value of '{name}' to be given",
                advice=f"it has {', '.join(open_states) or 'none'}",
            )
        if origin not in cell:
            raise ModelError(
                f"states: the cell of {source.model.name} has no '{origin}'", advice=f"it has {', '.join(sorted(cell))}"
            )
    return dict(states)


def _memory_sizes(decoder: Model, memory: str, ahead: tuple[Expr, ...], sizes: Mapping[Expr, Expr]) -> dict[Expr, Expr]:
    """What the size of the decoder's memory becomes that is the size of the encoder's output."""
    name, axis = memory.removesuffix(".T"), int(memory.endswith(".T"))
    shape = decoder.shapes.get(name, ()) if name in decoder.inputs else ()
    if len(shape) != 2 or len(ahead) != 1:
        known = ", ".join(name for name in decoder.inputs if len(decoder.shapes[name]) == 2)
        problem = "an output that is a vector" if len(shape) == 2 else f"a matrix '{name}' among the decoder's inputs"
        raise ModelError(f"memory: there has to be {problem}", advice=f"{decoder.name} has {known or 'none'}")
    return {shape[axis]: ahead[0].xreplace(dict(sizes))} if isinstance(shape[axis], Symbol) else {}


def _context(
    decoder: Model, source: Anatomy, context: str, last: str, theirs: Mapping[str, str]
) -> Callable[[Reference], Expression | None]:
    """Puts the encoder's final output where the decoder reads its context."""
    if context not in (*decoder.inputs, *decoder.sequences):
        known = ", ".join((*decoder.inputs, *decoder.sequences))
        raise ModelError(f"context: {decoder.name} has no input '{context}'", advice=f"it has {known or 'none'}")

    final = parsed(f"value = {source.at_end(last, theirs)}")[0].value

    def reads(node: Reference) -> Expression | None:
        return final if node.name == context else None

    return reads
