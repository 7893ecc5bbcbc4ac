"""Products of factors in the author's order: put in form, and their Kronecker deltas used up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sympy import Add, Expr, Indexed, Integer, KroneckerDelta, Mul, Pow, Symbol, expand

from rnnsym.equations.indexed import INDEX_SET, Select, Term, indices_in


@dataclass(frozen=True)
class Product:
    """A product on its way to becoming a term; `over_time` where it is summed over t."""

    factors: tuple[Expr, ...]
    over_time: bool = False

    def times(self, *factors: Expr) -> Product:
        return Product(self.factors + factors, self.over_time)


def indices_of(product: Product) -> set[Symbol]:
    """The element indices of a product."""
    return set().union(*(indices_in(factor) for factor in product.factors))


def tidy(factors: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """Factors one by one, the numbers gathered in front, powers of the same base joined where the first stood."""
    number: Expr = Integer(1)
    powers: dict[Expr, Expr] = {}
    for factor in _flat(factors):
        if factor.is_Number:
            number = number * factor
        else:
            base, exponent = (factor.base, factor.exp) if isinstance(factor, Pow) else (factor, Integer(1))
            powers[base] = powers.get(base, Integer(0)) + exponent
    if number == 0:
        return (Integer(0),)
    kept = tuple(Pow(base, exponent) for base, exponent in powers.items() if exponent != 0)
    if number < 0:  # -(h - d) is d - h
        position = next((place for place, factor in enumerate(kept) if isinstance(factor, Add)), None)
        if position is not None:
            kept = (*kept[:position], -kept[position], *kept[position + 1 :])
            number = -number
    return kept if number == 1 and kept else (number, *kept)


def _flat(factors: tuple[Expr, ...]) -> Iterator[Expr]:
    for factor in factors:
        if isinstance(factor, Mul):  # as a person writes it: f (1 - f)
            yield from _flat(tuple(sorted(factor.args, key=lambda part: isinstance(part, Add))))
        else:
            yield factor


def contract(term: Term, free: set[Symbol]) -> Term:
    """Use up Kronecker deltas of plain indices: delta(i, k) x[i], summed over i, is x[k].

    A selection alone, summed over the concatenation, is 1: each element of a part stands in one place. Two selections
    from one concatenation say where the one part stands in the other.
    """
    for factor in term.factors:
        if isinstance(factor, Select) and factor.args[0] not in free:
            rest = tuple(other for other in term.factors if other is not factor)
            twin = next((f for f in rest if isinstance(f, Select) and f.args[0] == factor.args[0]), None)
            if twin is not None:
                rest = tuple(_between(factor, twin) if other is twin else other for other in rest)
                used = any(factor.args[0] in indices_in(other) for other in rest)
                return contract(replace(term, factors=(factor, *rest) if used else rest), free)
            if not any(factor.args[0] in indices_in(other) for other in rest):
                return contract(replace(term, factors=rest or (Integer(1),)), free)
        if isinstance(factor, KroneckerDelta) and all(argument in INDEX_SET for argument in factor.args):
            one, other = factor.args
            old, new = (one, other) if one not in free else (other, one)
            if old in free:
                continue
            rest = tuple(f.xreplace({old: new}) for f in term.factors if f is not factor)
            if any(_is_diagonal(other) for other in rest) and not any(_is_diagonal(other) for other in term.factors):
                continue  # delta(i, k) S[i, k]: the diagonal of a matrix
            return contract(replace(term, factors=tidy(rest)), free)
    return term


def _between(one: Select, other: Select) -> Select:
    """Two parts of one whole, k = i + a and k = j + b: j = i + (a - b)."""
    (_, i, a, size), (_, j, b, other_size) = one.args, other.args
    return Select(j, i, expand(a - b), size) if _reaches(a, b) else Select(i, j, expand(b - a), other_size)


def _is_diagonal(factor: Expr) -> bool:
    """Whether an element in a factor has the same index twice."""
    return any(
        len(own := [index for index in element.indices if index in INDEX_SET]) > len(set(own))
        for element in factor.atoms(Indexed)
    )


#: Where a part stands in a vector: its offset and its size.
Place = tuple[Expr, Expr]


def layered(places: Iterable[Place]) -> list[list[Place]]:
    """Parts of a vector in layers: those of a layer stand one after the other, and do not overlap."""
    waiting = list(dict.fromkeys(places))
    layers: list[list[Place]] = []
    while waiting:
        first = next((p for p in waiting if all(_reaches(q[0], p[0]) for q in waiting)), waiting[0])
        waiting.remove(first)
        layer = next((found for found in layers if _reaches(first[0], found[-1][0] + found[-1][1])), None)
        if layer is None:
            layers.append([first])
        else:
            layer.append(first)
    return layers


def _reaches(one: Expr, other: Expr) -> bool:
    """Whether one offset is at least another one, whatever the sizes are."""
    return all(count >= 0 for count in expand(one - other).as_coefficients_dict().values())
