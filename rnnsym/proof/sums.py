"""Sums over time brought to one form: shifted alike, over all steps, ends written out, sums over paths carried out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from rnnsym.claims.syntax import Moment
from rnnsym.proof.atoms import Element, Polynomial, Product, letters_of, renamed
from rnnsym.proof.polynomial import canonical
from rnnsym.proof.times import FIRST, LENGTH, Context

#: Further from the ends than this, an end is not written out.
MOST_ENDS = 8
ONE = Moment((), 1)


def settled(terms: Polynomial, free: frozenset[str], context: Context) -> Polynomial:
    """The same sums, so that two that are equal look alike."""
    for _ in range(20):
        raw = [part for product, number in terms.terms for part in _settled(product, number, context)]
        after = canonical(raw, free)
        if after == terms:
            return terms
        terms = after
    return terms


def _settled(product: Product, number: Fraction, context: Context) -> list[tuple[Product, Fraction]]:
    for rule in (_along_paths, _swapped, _reflected, _to_the_end, _aligned, _extended):
        found = rule(product, context)
        if found is not None:
            return [(part, number * sign) for part, sign in found]
    return [(product, number)]


def is_adjoint(atom: object) -> bool:
    """Whether an atom is zero beyond the last step."""
    return isinstance(atom, Element) and atom.name.startswith(("bar(", "path(")) and bool(atom.times)


def adjoint_times(product: Product, but: frozenset[str] = frozenset()) -> list[Moment]:
    """The times of the adjoints in a product; along a path, the later place counts."""
    return [
        atom.times[-1]
        for atom, _ in product.powers
        if isinstance(atom, Element) and is_adjoint(atom) and atom.name not in but
    ]


def substituted(product: Product, place: int, value: Moment) -> Product:
    """A product with the letter of one of its sums set to a value; that sum is gone."""
    letter, _, _ = product.over[place]
    times = {letter: value}
    over = tuple(
        (name, low.moved(times), high.moved(times))
        for position, (name, low, high) in enumerate(product.over)
        if position != place
    )
    return Product(tuple((renamed(atom, {}, times), power) for atom, power in product.powers), over)


def _swapped(product: Product, context: Context) -> list[tuple[Product, Fraction]] | None:
    """A sum over a, then over b from a to T, as one over b, then over a from 1 to b."""
    for place in range(len(product.over) - 1):
        (a, low, high), (b, inner_low, inner_high) = product.over[place : place + 2]
        if inner_low == Moment.of(a) and inner_high == LENGTH and low == FIRST and high == LENGTH:
            over = list(product.over)
            over[place : place + 2] = [(b, FIRST, LENGTH), (a, FIRST, Moment.of(b))]
            return [(replace(product, over=tuple(over)), Fraction(1))]
    return None


def _reflected(product: Product, context: Context) -> list[tuple[Product, Fraction]] | None:
    """A sum over i of f(T + t - i) as one over k = T + t - i."""
    for place, (letter, low, high) in enumerate(product.over):
        counts = [
            (dict(time.terms)[letter], time)
            for atom, _ in product.powers
            if isinstance(atom, Element)
            for time in atom.times
            if letter in dict(time.terms)
        ]
        if not counts or any(count != -1 for count, _ in counts):
            continue
        if any(letter in first.letters | last.letters for _, first, last in product.over[place + 1 :]):
            continue
        rest = counts[0][1] + Moment.of(letter)
        times = {letter: rest - Moment.of(letter)}
        over = list(product.over)
        over[place] = (letter, rest - high, rest - low)
        powers = tuple((renamed(atom, {}, times), power) for atom, power in product.powers)
        return [(Product(powers, tuple(over)), Fraction(1))]
    return None


def _to_the_end(product: Product, context: Context) -> list[tuple[Product, Fraction]] | None:
    """A sum from 1 to T - t + 1 as one from t to T."""
    for place, (letter, low, high) in enumerate(product.over):
        beyond = high - LENGTH
        if dict(high.terms).get("T") != 1 or not beyond.letters:
            continue
        if any(letter in first.letters | last.letters for _, first, last in product.over[place + 1 :]):
            continue
        times = {letter: Moment.of(letter) + beyond}
        over = list(product.over)
        over[place] = (letter, low - beyond, LENGTH)
        powers = tuple((renamed(atom, {}, times), power) for atom, power in product.powers)
        return [(Product(powers, tuple(over)), Fraction(1))]
    return None


def _aligned(product: Product, context: Context) -> list[tuple[Product, Fraction]] | None:
    """A sum over one letter is shifted so that its earliest adjoint stands at that letter."""
    for place, (letter, low, high) in enumerate(product.over):
        if any(letter in first.letters | last.letters for _, first, last in product.over[place + 1 :]):
            continue
        if low.letters or high.letters:
            continue
        offsets = [time.offset for time in adjoint_times(product) if time == Moment.of(letter, time.offset)]
        earliest = min(offsets, default=0)
        if earliest:
            shift = Moment((), earliest)
            times = {letter: Moment.of(letter) - shift}
            over = list(product.over)
            over[place] = (letter, low + shift, high + shift)
            powers = tuple((renamed(atom, {}, times), power) for atom, power in product.powers)
            return _over_all(Product(powers, tuple(over)), place, context)
    return None


def _extended(product: Product, context: Context) -> list[tuple[Product, Fraction]] | None:
    """A sum that stops short of an end, or goes beyond it, as the whole sum and single terms."""
    for place, (letter, low, high) in enumerate(product.over):
        if low.letters or high.letters:
            continue
        if any(letter in first.letters | last.letters for _, first, last in product.over[place + 1 :]):
            continue
        if (low, high) != (FIRST, LENGTH):
            return _over_all(product, place, context)
    return None


def _over_all(product: Product, place: int, context: Context) -> list[tuple[Product, Fraction]] | None:
    letter, low, high = product.over[place]
    before, after = low - FIRST, LENGTH - high
    if before.terms or after.terms or abs(before.offset) > MOST_ENDS or abs(after.offset) > MOST_ENDS:
        return None
    zero = Moment((), 0)
    adjoint = any(
        context.surely_from(time - Moment.of(letter), zero) for time in adjoint_times(product, context.open_ended)
    )
    over = list(product.over)
    over[place] = (letter, FIRST, LENGTH)
    found = [(replace(product, over=tuple(over)), Fraction(1))]
    for step in range(1, before.offset + 1):
        found.append((substituted(product, place, Moment((), step)), Fraction(-1)))
    for step in range(before.offset + 1, 1):
        found.append((substituted(product, place, Moment((), step)), Fraction(1)))
    for step in range(after.offset):
        found.append((substituted(product, place, LENGTH - Moment((), step)), Fraction(-1)))
    for step in range(1, 1 - after.offset):
        if not adjoint:
            found.append((substituted(product, place, LENGTH + Moment((), step)), Fraction(1)))
    return found


def _along_paths(product: Product, context: Context) -> list[tuple[Product, Fraction]] | None:
    """All paths into one place together: the sum over tau of path(v)[tau, k] is the adjoint of v at k."""
    for atom, power in product.powers:
        if not (isinstance(atom, Element) and atom.name.startswith("path(") and power == 1):
            continue
        tau, k = atom.times
        for place, (letter, _, _) in enumerate(product.over):
            if tau != Moment.of(letter, tau.offset) or letter in k.letters:
                continue
            found = _summed(product, atom, place)
            if found is not None:
                return [(found, Fraction(1))]
    return None


def _summed(product: Product, atom: Element, place: int) -> Product | None:
    """The sum over the letter of tau: over all tau from k on, where nothing else depends on tau."""
    tau, k = atom.times
    letter, low, high = product.over[place]
    if k.letters & {letter}:
        return None
    others = [(other, power) for other, power in product.powers if other != atom]
    if any(letter in letters_of(other) for other, _ in others) or high + Moment((), tau.offset) != LENGTH:
        return None
    first = low + Moment((), tau.offset)
    dependent = [
        position
        for position, (_, inner_low, inner_high) in enumerate(product.over)
        if letter in inner_low.letters | inner_high.letters
    ]
    over = list(product.over)
    if not dependent:
        # The letter's own range must reach down to k.
        if first not in (k, FIRST):
            return None
    else:
        if len(dependent) != 1:
            return None
        position = dependent[0]
        inner, inner_low, inner_high = product.over[position]
        # k runs up to tau at least: beyond tau the paths are zero.
        if inner_low.letters or k != Moment.of(inner, k.offset) or first != FIRST:
            return None
        gap = inner_high + Moment((), k.offset) - tau
        if gap.terms or gap.offset < 0:
            return None
        over[position] = (inner, inner_low, LENGTH - Moment((), k.offset))
    del over[place]
    new = Element(f"bar({atom.name[5:-1]})", (k,), atom.indices)
    return Product((*others, (new, Fraction(1))), tuple(over))
