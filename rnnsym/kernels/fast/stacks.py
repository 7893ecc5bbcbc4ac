"""Matrices and biases side by side, as one product takes them; filled at the start of every call."""

from __future__ import annotations

from sympy import Expr

from rnnsym.equations.indexed import Equation
from rnnsym.kernels.fast.draft import Draft
from rnnsym.kernels.fast.normal import Matvec, matvec_of
from rnnsym.kernels.fast.text import number_of
from rnnsym.kernels.numpy_code import size_code


def stack(draft: Draft, kind: str, matvecs: list[Matvec], shape: tuple[Expr, ...]) -> str:
    """Matrices side by side, as a product with rows on its left takes them, made at the start of each call."""
    key = (kind, tuple((m.matrix_name, m.transposed, m.scale) for m in matvecs))
    if key in draft.stacks:
        return draft.stacks[key]
    name = draft.names.fresh("_".join([kind, *dict.fromkeys(m.matrix_name for m in matvecs)])[:40])
    draft.stacks[key] = name
    first = matvecs[0]
    sizes = draft.variables[first.matrix_name].shape
    inner = size_code(sizes[0] if first.transposed else sizes[1])
    outer = size_code(shape[0])
    count = len(matvecs)
    if kind == "spread":
        if count == 1:
            draft.array(name, inner, outer)
            parts = [name]
        else:
            draft.view(
                name, f"np.empty(({inner}, {count} * {outer}) if B == 1 else ({count}, {inner}, {outer}), DTYPE)"
            )
            parts_name = f"{name}_parts"
            draft.view(
                parts_name,
                f"{name}.reshape({inner}, {count}, {outer}).transpose(1, 0, 2) if B == 1 else {name}",
            )
            parts = [f"{parts_name}[{k}]" for k in range(count)]
    else:
        draft.view(
            name,
            f"np.empty(({outer}, {count} * {inner}), DTYPE).T if B == 1 else "
            f"np.empty(({count} * {inner}, {outer}), DTYPE)",
        )
        parts = [name if count == 1 else f"{name}[{k} * {inner}:{k + 1} * {inner}]" for k in range(count)]
    for part, one in zip(parts, matvecs, strict=True):
        matrix = draft.names.of(one.matrix_name) + ("" if one.transposed else ".T")
        draft.prepared.append(_scaled(draft, matrix, one.scale, part))
    return name


def bias(draft: Draft, equations: list[Equation], size: str) -> str:
    """The parameters that are added to matrix products side by side, likewise side by side."""
    terms = [[term for term in e.terms if matvec_of(term, e, draft.variables) is None] for e in equations]
    if not any(terms):
        return ""
    name = draft.names.fresh("bias_" + "_".join(dict.fromkeys(e.name for e in equations))[:30])
    count = len(equations)
    single = count == 1
    draft.view(f"{name}_parts", f"np.zeros(({count}, {size}), DTYPE)")
    shape = f"({size},)" if single else f"({count} * {size},) if B == 1 else ({count}, 1, {size})"
    draft.view(name, f"{name}_parts.reshape({shape})")
    for slot, (equation, own) in enumerate(zip(equations, terms, strict=True)):
        if own:
            draft.prepared.append(f"{name}_parts[{slot}] = {draft.plain_sum(own, equation)}")
    return name


def _scaled(draft: Draft, source: str, scale: Expr, target: str) -> str:
    if scale == 1:
        draft.functions.add("copyto")
        return f"copyto({target}, {source})"
    draft.functions.add("multiply")
    return f"multiply({source}, {draft.constant(number_of(scale))}, {target})"
