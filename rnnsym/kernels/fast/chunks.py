"""Equations for many steps at once."""

from __future__ import annotations

from sympy import Expr, Indexed, Number

from rnnsym.equations.indexed import Equation, Term, elements, name_of, time_of, whole_function
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.elementwise import elementwise, ended
from rnnsym.kernels.fast.forms import is_joined
from rnnsym.kernels.fast.joined import joined
from rnnsym.kernels.fast.kinds import COLUMN, GATES
from rnnsym.kernels.fast.normal import Matvec, is_elementwise, matvec_of
from rnnsym.kernels.fast.packs import pieces
from rnnsym.kernels.fast.picks import factor_of, read_in_loss, rest_of
from rnnsym.kernels.fast.sharing import SHARED
from rnnsym.kernels.fast.stacks import bias, product_of, stack
from rnnsym.kernels.fast.text import Rows, plus, shape_code
from rnnsym.language.syntax import Time


def batch(draft: Draft, equations: list[Equation], rows: Rows) -> list[str]:
    """Equations that do not wait for each other from step to step, in order."""
    lines: list[str] = []
    gates = _gate_groups(draft, equations)
    waiting: list[Equation] = []
    done: list[Equation] = []
    for equation in equations:
        if equation in done:
            continue
        group = next((group for group in gates if equation in group), None)
        if group is not None:
            lines += elementwise(draft, waiting, rows)
            waiting = []
            lines += _gates(draft, group, rows)
            done += group
            continue
        if is_elementwise(equation, draft.variables) and all(term.when is None for term in equation.terms):
            waiting.append(equation)
            continue
        lines += elementwise(draft, waiting, rows)
        waiting = []
        together = _same_vector(draft, equation, equations)
        done += together
        lines += draft.comments(together or [equation])
        lines += _vector_function(draft, together, rows) if together else _whole_rows(draft, equation, rows)
        lines += ended(draft, together or [equation], rows)
    return lines + elementwise(draft, waiting, rows)


def _same_vector(draft: Draft, equation: Equation, equations: list[Equation]) -> list[Equation]:
    """The softmax and the log-softmax of one vector, which share their exponentials."""
    function = whole_function(equation)
    if function is None or function.func.__name__ not in SHARED or not isinstance(function.args[0], Indexed):
        return []
    if not draft.variables[name_of(function.args[0])].timed:
        return []
    return [
        e
        for e in equations
        if (f := whole_function(e)) is not None
        and f.func.__name__ in SHARED
        and f.args[0].base == function.args[0].base
    ]


def _vector_function(draft: Draft, equations: list[Equation], rows: Rows) -> list[str]:
    found = [(whole_function(e), e.name) for e in equations]
    (argument,) = {f.args[0] for f, _ in found if f is not None}
    own = [name_of(argument), *(name for _, name in found)]
    flat = all(draft.layout.owners.get(name, name) not in draft.layout.spaces.places for name in own)
    flat = flat and len(draft.layout.shapes[own[0]]) == 1
    look = draft.views.flat_rows if flat else draft.views.rows_of
    functions = {f.func.__name__: look(name, 0, rows) for f, name in found if f is not None}
    source = look(own[0], time_of(argument.indices[0]).offset, rows)
    if "log_softmax" not in functions:
        return [f"softmax_into({source}, {functions['softmax']})"]
    results = [functions[name] for name in ("log_softmax", "softmax") if name in functions]
    logs = next(name for f, name in found if f is not None and f.func.__name__ == "log_softmax")
    if flat and read_in_loss(logs, draft.layout, draft.picked):
        # What each row lacks is subtracted with the sum that reads it.
        draft.below[logs] = below = draft.names.fresh(f"below_{logs}")
        return [f"{below} = softmax_parts({', '.join([source, *results])})"]
    return [f"log_softmax_into({', '.join([source, *results])})"]


def _gate_groups(draft: Draft, equations: list[Equation]) -> list[dict[Equation, Matvec]]:
    """Matrix products with the same vector whose results lie side by side."""
    groups: dict[tuple[Indexed, tuple[Expr, ...]], dict[Equation, Matvec]] = {}
    for equation in equations:
        if draft.layout.kinds[equation.name] == GATES:
            (one,) = [m for m in (matvec_of(term, equation, draft.variables) for term in equation.terms) if m]
            groups.setdefault((one.vector, equation.variable.shape), {})[equation] = one
    return list(groups.values())


def _gates(draft: Draft, group: dict[Equation, Matvec], rows: Rows) -> list[str]:
    lines: list[str] = []
    by_name = {e.name: (e, m) for e, m in group.items()}
    vector, shape = next(iter(group.values())).vector, next(iter(group)).variable.shape
    for piece in pieces(by_name, draft.layout.spaces):
        place = draft.layout.spaces.places[piece[0]]
        wide = f"{draft.names.space(place.space)}_wide"
        size = shape_code(shape)[0]
        lines += draft.comments([by_name[name][0] for name in piece])
        matrices = stack(draft, "spread", [by_name[name][1] for name in piece], shape, rows=True)
        first, last = place.slot, place.slot + len(piece)
        whole = len(piece) == len(draft.layout.spaces.orders[place.space])
        narrow = f"{wide}[:count]" if whole else f"{wide}[:count, {first} * {size}:{last} * {size}]"
        slabs = f"{wide}[:, :count * B]" if whole else f"{wide}[{first}:{last}, :count * B]"
        if len(piece) == 1:
            slabs = f"{wide}[{first}, :count * B]"
        lines.append(f"gates = {narrow} if B == 1 else {slabs}")
        name, offset = name_of(vector), time_of(vector.indices[0]).offset
        # dot makes a copy of what is not one piece of memory, and takes one matrix
        product = ("dot" if len(piece) == 1 else product_of(draft)) if whole else "matmul"
        draft.functions |= {product, "add"} - {"product"}
        lines.append(f"{product}({draft.views.flat_rows(name, offset, rows)}, {matrices}, gates)")
        added = bias(draft, [by_name[name][0] for name in piece], size)
        if added:
            lines.append(f"add(gates, {added}, gates)")
    return lines


def is_fixed(draft: Draft, equation: Equation) -> bool:
    """Whether what stands beside matrix products is the same at every step."""
    return draft.layout.kinds[equation.name] == GATES and not any(
        matvec_of(term, equation, draft.variables) for term in equation.terms
    )


def fixed(draft: Draft, equation: Equation) -> list[str]:
    """What is the same at every step fills its place once."""
    place = draft.layout.spaces.places[equation.name]
    code = draft.plain_sum(equation.terms, equation)
    return [f"{draft.names.space(place.space)}[:, {place.slot}] = {code}"]


def _whole_rows(draft: Draft, equation: Equation, rows: Rows) -> list[str]:
    """An equation with matrix products, or as it stands, for all steps of a chunk."""
    target = draft.views.rows_of(equation.name, 0, rows)
    if is_joined(equation):
        return joined(draft, equation, target, lambda part: draft.plain_sum(part.terms, part, rows=True, at=rows))
    always = [term for term in equation.terms if term.when is None]
    products = [(term, matvec_of(term, equation, draft.variables)) for term in always]
    matvecs = [one for _, one in products if one is not None]
    rest = [term for term, one in products if one is None]
    lines: list[str] = []
    started = False
    if matvecs:
        flat = draft.views.flat_rows(equation.name, 0, rows)
        started = True
        lines += _products(draft, matvecs, equation, flat, rows)
    if rest:
        named = [name for name in draft.picked if any(name in _names(term) for term in rest)]
        # NumPy adds to the first product that it made in its place.
        several = sum(sum(not isinstance(f, Number) for f in term.factors) > 1 for term in rest) > 1
        room = " * ".join([rows.length, "B", *shape_code(equation.variable.shape)])
        draft.passing.add(f"2 * {room}" if several else room)
        code = draft.plain_sum(rest, equation, rows=True, at=rows)
        dense = _stored(draft, target, code, started)
        if len(named) == 1:
            lines += [f"if {draft.are_classes(named[0])}:"]
            lines += ["    " + line for line in _picking(draft, rest, equation, named[0], rows, started)]
            lines += ["else:", f"    {dense}"]
        else:
            lines.append(dense)
    elif not started:
        lines.append(f"{target}[...] = 0.0")
    for term in equation.terms:
        if term.when is not None:
            lines += _at_some(draft, term, equation, rows)
    return lines


def _stored(draft: Draft, target: str, code: str, added: bool) -> str:
    """A line that stores a value, or adds it to what is there."""
    if not added:
        return f"{target}[...] = {code}"
    draft.functions.add("add")
    return f"add({target}, {code}, {target})"


def _names(term: Term) -> set[str]:
    return {name_of(e) for factor in term.factors for e in elements(factor)}


def _picking(draft: Draft, terms: list[Term], equation: Equation, name: str, rows: Rows, started: bool) -> list[str]:
    """The same terms where an input came as classes: summed over it is one, and a product with it picks."""
    target = draft.views.rows_of(equation.name, 0, rows)
    everywhere: list[Term] = []
    places: list[Term] = []
    for term in terms:
        factor = factor_of(term, name) if name in _names(term) else None
        if factor is None:
            everywhere.append(term)
        elif factor.indices[1] in equation.indices:
            places.append(rest_of(term, factor))
        else:
            everywhere.append(rest_of(term, factor))
    code = draft.plain_sum(everywhere, equation, rows=True, at=rows)
    # What is there already, in the place of the result, stays as it is.
    lines = [_stored(draft, target, code, started)] if (everywhere or not started) and code != target else []
    lines += draft.chosen(name)
    lines.append(f"picks = {draft.views.flat_rows(equation.name, 0, rows)}.reshape(-1)")
    for term in places:
        value = draft.plain_sum([term], equation, rows=True, at=rows)
        sign = "-" if value.startswith("-") else "+"
        value = value.removeprefix("-")
        if all(isinstance(factor, Number) for factor in term.factors):
            lines.append(f"picks[chosen] {sign}= {value}")
        else:
            whole = f"np.broadcast_to({value}, {target}.shape).reshape(-1)"
            lines.append(f"picks[chosen] {sign}= {whole}[chosen]")
    return lines


def _products(draft: Draft, matvecs: list[Matvec], equation: Equation, target: str, rows: Rows) -> list[str]:
    lines: list[str] = []
    columns = [m for m in matvecs if draft.layout.kinds[name_of(m.vector)] == COLUMN]
    by_vector = {name_of(m.vector): m for m in columns}
    parts: list[tuple[str, str, str]] = []
    for piece in pieces(by_vector, draft.layout.spaces) if columns else []:
        matrices = stack(draft, "gather", [by_vector[name] for name in piece], equation.variable.shape, rows=True)
        parts.append((draft.views.product_of_columns(piece), draft.views.columns(piece), matrices))
    for one in matvecs:
        if one not in columns:
            name, offset = name_of(one.vector), time_of(one.vector.indices[0]).offset
            matrix = stack(draft, "spread", [one], equation.variable.shape, rows=True)
            parts.append(("dot", draft.views.flat_rows(name, offset, rows), matrix))
    for number, (product, left, right) in enumerate(parts):
        draft.functions.add(product)
        if number == 0:
            lines.append(f"{product}({left}, {right}, {target})")
        else:
            draft.functions.add("add")
            lines += [f"product_ = {target}", f"add(product_, {product}({left}, {right}), product_)"]
    return lines


def _position(time: Time, offset: int) -> str:
    """A time as a position in its segment."""
    return f"{plus('T' if time.anchor else '', time.offset + offset)} - origin"


def _at_some(draft: Draft, term: Term, equation: Equation, rows: Rows) -> list[str]:
    """A term that is there at some steps only."""
    assert term.when is not None
    low, high = (_position(time, offset) for time, offset in ((term.when.low, -1), (term.when.high, 0)))
    own = Rows("early", "late", rows.start, "late - early")
    code = draft.plain_sum([term], equation, rows=True, at=own)
    whole = draft.views.rows_of(equation.name, 0, rows)
    target = f"{whole}[early - {rows.low}:late - {rows.low}]"
    lines = [f"early, late = max({rows.low}, {low}), min({rows.high}, {high})"]
    if not draft.ragged.possible or not (term.when.low.anchor or term.when.high.anchor):
        return [*lines, "if early < late:", f"    {target} += {code}"]
    # Each example has its own last step.
    tests = [
        f"(at {sign} {_position(time, offset).replace('T', 'lengths')})"
        for time, offset, sign in ((term.when.low, -1, ">="), (term.when.high, 0, "<"))
        if time.anchor
    ]
    axes = ", ".join(["...", *["None"] * len(equation.indices)])
    return [
        *lines,
        "if lengths is not None:",
        *([f"    early = {rows.low}"] if term.when.low.anchor else []),
        "    at = np.arange(early, late)[:, None]",
        f"    here = ({' & '.join(tests)})[{axes}]",
        "if early < late:",
        f"    more = {code}",
        f"    {target} += more if lengths is None else here * more",
    ]
