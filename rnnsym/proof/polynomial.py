"""Sums of products in index notation, in a canonical form: equal expressions become equal objects.

A `Polynomial` is a sum of `Product`s with rational coefficients. A product is made of atoms, each to a power, and may
be summed over time; every element index that is not free is summed. Two polynomials over the same free indices are the
same object when one can be had from the other by expanding, by reordering, and by renaming what is summed. That is all
of linear algebra that derivations of gradients use: a transpose, a diagonal matrix or an outer product is a matter of
where indices stand.

Times are affine (`Moment`), so that a sum over time can be shifted and its ends split off.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from rnnsym.claims.syntax import Moment
from rnnsym.proof.atoms import (
    MOST_PRODUCTS,
    ONE,
    Atom,
    Delta,
    Element,
    One,
    Place,
    Polynomial,
    Product,
    Root,
    Size,
    TooLargeError,
    added,
    all_renamed,
    enclosed,
    in_order,
    indices_of,
    of_atom,
    polynomial,
    renamed,
    shown,
)

#: More summed indices that look alike than this would take too long to sort out.
MOST_ALIKE = 7


# Canonical form


def canonical(raw: Iterable[tuple[Product, Fraction]], free: frozenset[str]) -> Polynomial:
    """Products with the free indices `free`, in canonical form and added up."""
    terms: dict[Product, Fraction] = {}
    for product, number in prepared(raw, free):
        found = canonical_product(product, free)
        if found is not None:
            terms[found] = terms.get(found, Fraction(0)) + number
    return polynomial(terms)


def prepared(raw: Iterable[tuple[Product, Fraction]], free: frozenset[str]) -> Iterator[tuple[Product, Fraction]]:
    """Products in which ones are counted, and sums to a whole power, as sqrt(1 + x)**2 is one, multiplied out."""
    for product, number in raw:
        atom = next((atom for atom, power in product.powers if has_value(atom, power, product, free)), None)
        if atom is None:
            yield product, number
            continue
        rest = tuple((other, power) for other, power in product.powers if other != atom)
        value = _valued(atom, dict(product.powers)[atom], rest, free | product.indices)
        inside = free | product.indices
        for found, coefficient in multiplied(Polynomial(((Product(rest), number),)), value, inside).terms:
            yield from prepared([(replace(found, over=(*product.over, *found.over)), coefficient)], free)


def has_value(atom: Atom, power: Fraction, product: Product, free: frozenset[str]) -> bool:
    """Whether an atom stands for something simpler."""
    if isinstance(atom, Root):
        return power > 0 and power.denominator == 1
    if not isinstance(atom, One):
        return False
    return atom.index not in free or any(
        atom.index in indices_of(other) for other, _ in product.powers if other != atom
    )


def _valued(atom: Atom, power: Fraction, rest: tuple[tuple[Atom, Fraction], ...], inside: frozenset[str]) -> Polynomial:
    if isinstance(atom, Root):
        return powered(atom.base, power, inside)
    assert isinstance(atom, One)
    return ONE if any(atom.index in indices_of(other) for other, _ in rest) else atom.count


def counted(value: Polynomial, counts: Mapping[str, Polynomial], inside: frozenset[str]) -> Polynomial:
    """A value before it is summed over some indices: a product that lacks one is there for each of its elements."""
    if all(index in product.indices for product, _ in value.terms for index in counts):
        return value
    raw: list[tuple[Product, Fraction]] = []
    for product, number in value.terms:
        ones = [(One(index, count), Fraction(1)) for index, count in counts.items() if index not in product.indices]
        raw.append((replace(product, powers=in_order((*product.powers, *ones))), number))
    return canonical(raw, inside)


def without_ones(value: Polynomial) -> Polynomial:
    """A value whose free indices need not be counted."""
    if not any(isinstance(atom, One) for product, _ in value.terms for atom, _ in product.powers):
        return value
    return added(
        Polynomial(((replace(p, powers=tuple(item for item in p.powers if not isinstance(item[0], One))), number),))
        for p, number in value.terms
    )


@lru_cache(maxsize=100_000)
def canonical_product(product: Product, free: frozenset[str]) -> Product | None:
    """A product with deltas used up and what is summed renamed; None where a sum over time is empty."""
    over = []
    for letter, low, high in product.over:
        gap = high - low
        if gap.is_constant and not gap.terms and gap.offset < 0:
            return None
        over.append((letter, low, high))
    product = _shifted(_contracted(replace(product, over=tuple(over)), free))
    return _indices_named(_letters_named(product), free)


def _contracted(product: Product, free: frozenset[str]) -> Product:
    """Use up deltas whose one index is summed: delta(i, k) x[i] is x[k]."""
    while True:
        for atom, _ in product.powers:
            if isinstance(atom, Delta):
                if atom.first == atom.second:
                    continue
                old, new = (atom.first, atom.second) if atom.first not in free else (atom.second, atom.first)
                if old in free:
                    continue
                rest = [(other, power) for other, power in product.powers if other != atom]
                powers = in_order((renamed(other, {old: new}, {}), power) for other, power in rest)
                product = replace(product, powers=powers)
                break
            if isinstance(atom, Place) and atom.whole not in free:
                rest = [(other, power) for other, power in product.powers if other != atom]
                if not any(atom.whole in indices_of(other) for other, _ in rest):
                    product = replace(product, powers=tuple(rest))
                    break
        else:
            return product


def _shifted(product: Product) -> Product:
    """Sums over time that start at 1, or at an outer letter, or end at one: the letter is shifted for that."""
    for place, (letter, low, high) in enumerate(product.over):
        offset = low.offset - (0 if low.terms else 1)
        if offset:
            later = {letter: Moment.of(letter, offset)}
            powers = in_order((renamed(atom, {}, later), power) for atom, power in product.powers)
            shift = Moment((), offset)
            over = list(product.over)
            over[place] = (letter, low - shift, high - shift)
            for after in range(place + 1, len(over)):
                name, first, last = over[after]
                over[after] = (name, first.moved(later), last.moved(later))
            product = Product(powers, tuple(over))
    return product


def _letters_named(product: Product) -> Product:
    """Bound time letters by their place: s1 for the outer sum, s2 for the next."""
    if not product.over:
        return product
    mapping = {letter: Moment.of(f"s{place}") for place, (letter, _, _) in enumerate(product.over, 1)}
    if all(letter == f"s{place}" for place, (letter, _, _) in enumerate(product.over, 1)):
        return product
    over = tuple(
        (f"s{place}", low.moved(mapping), high.moved(mapping)) for place, (_, low, high) in enumerate(product.over, 1)
    )
    return Product(in_order((renamed(atom, {}, mapping), power) for atom, power in product.powers), over)


def _indices_named(product: Product, free: frozenset[str]) -> Product:
    """Summed indices by their place in the smallest of all orders; candidates are told apart by where they stand."""
    summed = sorted(product.indices - free)
    if not summed:
        return replace(product, powers=in_order(product.powers))
    marks = {index: _mark(product, index, summed) for index in summed}
    groups = [list(group) for _, group in itertools.groupby(sorted(summed, key=lambda i: (marks[i], i)), marks.get)]
    if any(len(group) > MOST_ALIKE for group in groups):
        raise TooLargeError("too many summed indices that look alike")
    numbers = [str(number) for number in range(len(summed) + len(free)) if str(number) not in free]
    best: tuple[str, tuple[tuple[Atom, Fraction], ...]] | None = None
    for orders in itertools.product(*(itertools.permutations(group) for group in groups)):
        mapping = dict(zip(itertools.chain(*orders), numbers, strict=False))
        powers = in_order((renamed(atom, mapping, {}), power) for atom, power in product.powers)
        text = shown(Product(powers))
        if best is None or text < best[0]:
            best = (text, powers)
    assert best is not None
    return replace(product, powers=best[1])


def _mark(product: Product, index: str, summed: list[str]) -> str:
    """Where an index stands, whatever the summed ones are called."""
    mapping = dict.fromkeys(summed, "*") | {index: "@"}
    places = sorted(
        f"{shown(renamed(atom, mapping, {}))}^{p}" for atom, p in product.powers if index in indices_of(atom)
    )
    return ";".join(places)


# Arithmetic that needs fresh names

_count = itertools.count()


def fresh(letter: str = "u") -> str:
    """A name that nothing else has."""
    return f"{letter}~{next(_count)}"


def apart(terms: Polynomial, free: frozenset[str]) -> Iterator[tuple[Product, Fraction]]:
    """The terms with everything that is summed renamed, so that they can be multiplied with others."""
    for product, number in terms.terms:
        mapping = {index: fresh() for index in product.indices - free}
        letters = {letter: Moment.of(fresh("w")) for letter, _, _ in product.over}
        names = {letter: str(moment.terms[0][0]) for letter, moment in letters.items()}
        over = tuple((names[letter], low.moved(letters), high.moved(letters)) for letter, low, high in product.over)
        yield Product(tuple((renamed(a, mapping, letters), p) for a, p in product.powers), over), number


def multiplied(
    one: Polynomial, other: Polynomial, free: frozenset[str], shared: frozenset[str] = frozenset()
) -> Polynomial:
    """The product; `shared` indices stand in both factors and are summed in the result, unless they are free."""
    keep = free | shared
    raw = []
    for left, first in apart(one, keep):
        for right, second in apart(other, keep):
            raw.append((Product(in_order((*left.powers, *right.powers)), (*left.over, *right.over)), first * second))
    if len(raw) > MOST_PRODUCTS:
        raise TooLargeError(f"the expression has more than {MOST_PRODUCTS} products when it is multiplied out")
    return canonical(raw, free)


def powered(base: Polynomial, exponent: Fraction, free: frozenset[str]) -> Polynomial:
    """A power of an element: multiplied out where the exponent is a whole number from 0 on."""
    if exponent.denominator == 1 and 0 <= exponent <= 64:
        result = ONE
        for _ in range(int(exponent)):
            result = multiplied(result, base, free)
        return result
    if len(base.terms) == 1 and not base.terms[0][0].over and base.terms[0][0].indices <= free:
        product, number = base.terms[0]
        if exponent.denominator == 1 or (number == 1 and is_distributed(product)):
            powers = in_order((atom, power * exponent) for atom, power in product.powers)
            lead = Fraction(number ** int(exponent)) if number != 1 else Fraction(1)
            return Polynomial(((Product(powers), lead),))
    if not base:
        raise TooLargeError("a power of zero")
    # The leading coefficient is taken out, so that (2 + 2 x)^-1 and (1 + x)^-1 share an atom.
    lead = base.terms[0][1]
    if exponent.denominator != 1:
        lead = Fraction(1)
    return of_atom(Root(enclosed(base.scaled(1 / lead), free)), exponent).scaled(
        lead ** int(exponent) if lead != 1 else Fraction(1)
    )


def is_distributed(product: Product) -> bool:
    """Whether a root of a product is the product of roots, wherever it exists: that of x**2 is not x."""
    if all(isinstance(atom, Size) for atom, _ in product.powers):
        return True
    return len(product.powers) == 1 and product.powers[0][1].numerator % 2 == 1


Rule = Callable[[Element, Product], "Polynomial | None"]


def instantiated(nested: Polynomial, indices: Mapping[str, str], times: Mapping[str, Moment]) -> Polynomial:
    """An equation's right side for other indices and at another time; what it sums over keeps clear of these."""
    own = frozenset(index for index in nested.indices if not index[0].isdigit())
    return all_renamed(Polynomial(tuple(apart(nested, own))), indices, times)


def replaced(terms: Polynomial, rule: Rule, free: frozenset[str], limit: int = 200) -> Polynomial:
    """Every element for which the rule has a value put in, again and again until none is left.

    The rule sees the product around the element. Its value has the element's own indices as its free ones. Elements
    inside functions stay.
    """
    for _ in range(limit):
        raw: list[tuple[Product, Fraction]] = []
        changed = False
        for product, number in terms.terms:
            found = _first(product, rule)
            if found is None:
                raw.append((product, number))
                continue
            changed = True
            atom, power, value = found
            rest = Polynomial(((Product(tuple(p for p in product.powers if p[0] != atom), ()), number),))
            inside = free | product.indices
            inner = powered(value, power, inside)
            for whole, coefficient in multiplied(rest, inner, inside).terms:
                raw.append((replace(whole, over=(*product.over, *whole.over)), coefficient))
        if not changed:
            return terms
        terms = canonical(raw, free)
    raise TooLargeError("rules went on without end")


def _first(product: Product, rule: Rule) -> tuple[Element, Fraction, Polynomial] | None:
    for atom, power in product.powers:
        if isinstance(atom, Element) and (value := rule(atom, product)) is not None:
            return atom, power, value
    return None
