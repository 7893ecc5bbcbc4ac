"""Matrices and biases side by side, as one product takes them; filled at the start of every call."""

from __future__ import annotations

from sympy import Expr, Indexed, Number

from rnnsym.equations.indexed import Equation, Role, Term, name_of
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.normal import Matvec, matvec_of
from rnnsym.kernels.fast.text import number_of, shape_code


def stack(draft: Draft, kind: str, matvecs: list[Matvec], shape: tuple[Expr, ...], rows: bool = False) -> str:
    """Matrices side by side, as a product with rows on its left takes them, made at the start of each call.

    rows: the product is for many steps at once, where the order of a matrix in memory does not count.
    """
    if len(matvecs) == 1 and matvecs[0].scale == 1 and (matvecs[0].transposed or rows):
        return draft.names.of(matvecs[0].matrix_name) + ("" if matvecs[0].transposed else ".T")
    key = (kind, rows, tuple((m.matrix_name, m.transposed, m.scale) for m in matvecs))
    if key in draft.stacks:
        return draft.stacks[key]
    name = draft.names.fresh("_".join([kind, *dict.fromkeys(m.matrix_name for m in matvecs)])[:40])
    draft.stacks[key] = name
    first = matvecs[0]
    sizes = draft.variables[first.matrix_name].shape
    inner = shape_code(sizes)[0 if first.transposed else 1]
    outer = shape_code(shape)[0]
    count = len(matvecs)
    if kind == "spread" and rows:  # as the matrices lie, seen from the other side
        draft.array(f"{name}_parts", str(count), outer, inner)
        turned = f"{name}_parts[0].T" if count == 1 else f"{name}_parts.transpose(0, 2, 1)"
        draft.view(name, f"{name}_parts.reshape({count} * {outer}, {inner}).T if B == 1 else {turned}")
        parts = [f"{name}_parts[{k}]" for k in range(count)]
    elif kind == "spread":
        draft.room(str(count), inner, outer)
        if "turned" not in draft.fields:
            draft.made.append("# one row times a matrix of 8-byte numbers: it may lie transposed, which costs no copy")
            draft.view("turned", "B == 1 and ITEM == 8")
        wide = f"{count} * {outer}" if count > 1 else outer
        slabs = f"({inner}, {outer})" if count == 1 else f"({inner}, {wide}) if B == 1 else ({count}, {inner}, {outer})"
        draft.view(name, f"np.empty(({wide}, {inner}), DTYPE).T if turned else np.empty({slabs}, DTYPE)")
        parts = [name]
        if count > 1:
            draft.view(
                f"{name}_parts",
                f"{name}.reshape({inner}, {count}, {outer}).transpose(1, 0, 2) if B == 1 else {name}",
            )
            parts = [f"{name}_parts[{k}]" for k in range(count)]
    else:
        draft.array(name, f"{count} * {inner}", outer)
        parts = [name if count == 1 else f"{name}[{k} * {inner}:{k + 1} * {inner}]" for k in range(count)]
    if kind == "gather" and count > 1 and all(one.scale == 1 for one in matvecs):
        draft.functions.add("concatenate")
        names = [draft.names.of(one.matrix_name) + ("" if one.transposed else ".T") for one in matvecs]
        draft.prepared.append(f"concatenate(({', '.join(names)}), 0, {name})")
        return name
    for part, one in zip(parts, matvecs, strict=True):
        matrix = draft.names.of(one.matrix_name) + (".T" if one.transposed == (kind == "spread" and rows) else "")
        filled = _scaled(draft, matrix, one.scale, part)
        if count == 1 and one.scale == 1 and not rows:
            when = "turned" if kind == "spread" else "B == 1"
            draft.prepared += [f"if {when}:", f"    {name} = {matrix}", "else:", f"    {filled}"]
        else:
            draft.prepared.append(filled)
    return name


def product_of(draft: Draft) -> str:
    """The function for several matrices at once."""
    if "product" not in draft.fields:
        draft.view("product", "np.dot if B == 1 else np.matmul")
    return "product"


def bias(draft: Draft, equations: list[Equation], size: str) -> str:
    """The parameters that are added to matrix products side by side, likewise side by side."""
    terms = [[term for term in e.terms if matvec_of(term, e, draft.variables) is None] for e in equations]
    if not any(terms):
        return ""
    name = draft.names.fresh("bias_" + "_".join(dict.fromkeys(e.name for e in equations))[:30])
    count = len(equations)
    single = count == 1
    draft.room(str(count), size)
    draft.view(f"{name}_parts", f"np.zeros(({count}, {size}), DTYPE)")
    shape = f"({size},)" if single else f"({count} * {size},) if B == 1 else ({count}, 1, {size})"
    draft.view(name, f"{name}_parts.reshape({shape})")
    for slot, (equation, own) in enumerate(zip(equations, terms, strict=True)):
        if own:
            draft.prepared.append(_filled(draft, own, equation, f"{name}_parts[{slot}]"))
    return name


def _filled(draft: Draft, terms: list[Term], equation: Equation, target: str) -> str:
    """Terms stored; a number times a parameter without a passing array."""
    if len(terms) == 1 and len(terms[0].factors) == 2 and isinstance(terms[0].factors[0], Number):
        scale, value = terms[0].factors
        if isinstance(value, Indexed) and draft.variables[name_of(value)].role is Role.PARAMETER:
            return _scaled(draft, draft.names.of(name_of(value)), scale, target)
    return f"{target} = {draft.plain_sum(terms, equation)}"


def _scaled(draft: Draft, source: str, scale: Expr, target: str) -> str:
    if scale == 1:
        draft.functions.add("copyto")
        return f"copyto({target}, {source})"
    draft.functions.add("multiply")
    return f"multiply({source}, {draft.constant(number_of(scale))}, {target})"
