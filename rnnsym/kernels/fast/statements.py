"""Statements that stand alone, what is handed in and what is handed out."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Indexed

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import Equation, Role, Select, accesses, elements_in, elements_of, name_of, t
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.forms import is_joined
from rnnsym.kernels.fast.joined import joined
from rnnsym.kernels.fast.kinds import OUTPUT, ROWS, SEQUENCE, SLAB
from rnnsym.kernels.fast.merge import BEFORE, values_before
from rnnsym.kernels.fast.normal import Irregular
from rnnsym.kernels.fast.ragged import masked
from rnnsym.kernels.fast.text import Rows, shape_code
from rnnsym.kernels.numpy_code import size_code
from rnnsym.kernels.when import when_code
from rnnsym.language.timing import is_outside


def named_sizes(draft: Draft) -> list[str]:
    """The sizes that the source needs."""
    return [f'{name} = sizes["{name}"]' for name in sorted(draft.layout.sizes)]


def unpacked(draft: Draft) -> list[str]:
    """What the function takes out of the workspace, the parameters and the inputs."""
    outputs = {draft.names.of(name) for name, kind in draft.layout.kinds.items() if kind == OUTPUT}
    lines = [*named_sizes(draft), *(f"{name} = w.{name}" for name in draft.fields if name not in outputs)]
    read = {name_of(element) for equation in (*draft.statements, *draft.equations) for element in elements_of(equation)}
    lines += [f'{draft.names.of(name)} = params["{name}"]' for name in draft.model.param_keys if name in read]
    lines += [f'{draft.names.of(name)} = inputs["{name}"]' for name in draft.model.inputs if name in read]
    return lines


def sequences(draft: Draft) -> list[str]:
    """The rows of the inputs that are read as they come."""
    read = {name_of(element) for equation in draft.equations for element in elements_of(equation)}
    return [
        line
        for name in draft.model.sequences
        if name in read and draft.layout.kinds[name] == SEQUENCE
        for line in _sequence(draft, name)
    ]


def _sequence(draft: Draft, name: str) -> list[str]:
    code = draft.names.of(name)
    lines = [f'{code} = inputs["{name}"][origin:origin + steps]']
    if name in draft.ragged.inputs:
        rows = Rows("", "steps", "", "steps")
        lines += [line.replace("*=", f"= {code} *") for line in masked(code, rows, len(draft.layout.shapes[name]))]
    return lines


def given(draft: Draft) -> list[str]:
    """Values handed in at one time, in their rows. Raises Irregular where one has no row."""
    lines = []
    for name, time in draft.model.given:
        kind = draft.layout.kinds.get(name)
        if kind in (ROWS, SLAB) and is_outside(time):
            lines.append(f'{draft.views.at_time(name, time)}[...] = inputs["{name}[{time}]"]')
        elif any(name in {name_of(e) for e in elements_of(q)} for q in draft.equations):
            raise Irregular(f"{name}[{time}] has no row")
    # What nothing gives is zero, also where a segment of an earlier call has left something.
    found = (f for e in draft.equations for term in e.terms for f in accesses(term, draft.variables))
    read = {f.name for f in found if f.time == t - 1}
    for name in sorted(read - values_before(draft.plan.program) - set(draft.model.sequences)):
        if draft.layout.kinds.get(name) in (ROWS, SLAB):
            lines.append(f"{draft.views.at_time(name, BEFORE)}.fill(0.0)")
    return lines


def once(draft: Draft, equation: Equation, totals: Mapping[str, str] | None = None) -> list[str]:
    """A statement that stands alone, before, between or after the passes; `totals` are the sums over time."""
    if is_joined(equation):
        origin = draft.variables.get(equation.variable.adjoint_of or "")
        gradient = origin is not None and origin.role is Role.PARAMETER
        return _assembled(draft, equation, totals or {}) if gradient else _put_together(draft, equation)
    always = [term for term in equation.terms if term.when is None]
    shape = draft.shape_of(equation)
    zeros = f"np.zeros(({', '.join(shape)},), DTYPE)" if shape else "np.zeros((), DTYPE)"
    code = draft.plain_sum(always, equation) if always else zeros
    if equation.variable.role is not Role.ADJOINT and draft.layout.kinds.get(equation.name) in (ROWS, SLAB):
        assert equation.time is not None
        target = f"{draft.views.at_time(equation.name, equation.time)}[...]"
    else:
        target = draft.names.once(equation)
        code = f"{zeros} + {code}" if always and shape and draft.is_narrow(equation) else code
    if (
        draft.part == "between"
        and len(always) == 1
        and [f for f in always[0].factors if f != 1] == elements_in(always[0])
    ):
        code = f"np.array({code})"  # the row that it lies in serves another segment
    lines = [*draft.comment(equation), f"{target} = {code}"]
    for term in equation.terms:
        if term.when is not None:
            condition = when_code(term.when, None, equation.time)
            more = draft.plain_sum([term], equation)
            lines += [f"if {condition}:", f"    {target} = {target} + {more}"] if condition else [f"{target} += {more}"]
    return lines


def _put_together(draft: Draft, equation: Equation) -> list[str]:
    """A vector that is put together of parts."""
    if equation.variable.role is not Role.ADJOINT and draft.layout.kinds.get(equation.name) in (ROWS, SLAB):
        assert equation.time is not None
        target = draft.views.at_time(equation.name, equation.time)
    else:
        target = draft.names.once(equation)
        draft.array(target, *draft.shape_of(equation))
    lines = joined(draft, equation, target, lambda part: draft.plain_sum(part.terms, part))
    return [*draft.comment(equation), *lines]


def cut_out(draft: Draft, equation: Equation) -> list[str]:
    """A slice of a matrix, under its name."""
    (term,) = equation.terms
    (matrix,) = [f for f in term.factors if isinstance(f, Indexed)]
    (select,) = [f for f in term.factors if isinstance(f, Select)]
    axis = tuple(matrix.indices).index(select.args[0])
    low, high = select.args[2], select.args[2] + equation.variable.shape[axis]
    cut = f"{size_code(low) if low != 0 else ''}:{size_code(high)}"
    place = cut if len(equation.indices) == 1 else f"{cut}, :" if axis == 0 else f":, {cut}"
    return [f"{draft.names.once(equation)} = {draft.names.of(name_of(matrix))}[{place}]"]


def _assembled(draft: Draft, equation: Equation, totals: Mapping[str, str]) -> list[str]:
    """The gradient of a matrix, side by side of those of its slices."""
    name = draft.names.once(equation)
    draft.array(name, *shape_code(equation.variable.shape))
    found = []
    for term in equation.terms:
        (select,) = [f for f in term.factors if isinstance(f, Select)]
        (slice_,) = [name_of(f) for f in term.factors if f is not select]
        axis = equation.indices.index(select.args[0])
        if slice_ not in totals and slice_ not in draft.assembled:
            raise Irregular(f"{slice_} is no sum over time")
        found.append(totals.get(slice_) or draft.assembled[slice_])
    draft.assembled[equation.name] = name
    return [
        f"# The gradient of {equation.variable.adjoint_of}: those of its slices, side by side.",
        f"np.concatenate([{', '.join(found)}], {axis}, {name})",
    ]


def results(draft: Draft, totals: Mapping[str, str]) -> list[str]:
    """What the function returns; `totals` are the sums over time."""
    loss = draft.plan.program.loss
    # A loss that is the same for all examples counts for each of them.
    total = f"B * float({draft.names.of(loss)})" if loss in draft.names.arrays.single else ""
    lines = [] if loss in totals else [f"loss = {total or f'float(np.sum({draft.names.of(loss)}))'}"]
    lines.append("gradients = {")
    wanted = {e.name: e for e in (*draft.plan.after, *draft.plan.between)}
    for key in draft.plan.program.wanted:
        name, _, rest = key.partition("[")
        adjoint = adjoint_name(name)
        time = next((time for other, time in draft.model.given if f"{other}[{time}]" == key), None)
        if rest:
            found = next(
                (e for e in (*draft.plan.after, *draft.plan.between) if e.name == adjoint and e.time == time), None
            )
            code = draft.names.once(found) if found is not None else ""
        elif adjoint in totals:
            code = totals[adjoint]
        elif draft.layout.kinds.get(adjoint) == OUTPUT:
            code = f"w.{draft.names.of(adjoint)}"
        else:
            code = draft.names.once(wanted[adjoint]) if adjoint in wanted else ""
        if not code:
            code = f"np.zeros(({', '.join(_key_shape(draft, key))},), DTYPE)"
        lines.append(f'    "{key}": {code},')
    return [*lines, "}"]


def _key_shape(draft: Draft, key: str) -> list[str]:
    name = key.split("[")[0]
    shape = shape_code(draft.variables[name].shape)
    if key in draft.model.param_keys:
        return shape
    return ["T", "B", *shape] if key in draft.model.sequences else ["B", *shape]
