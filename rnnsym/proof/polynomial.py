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
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from typing import Any, TypeVar

from rnnsym.claims.syntax import Moment
from rnnsym.errors import RnnsymError

#: More summed indices that look alike than this would take too long to sort out.
MOST_ALIKE = 7


class TooLargeError(RnnsymError):
    """An expression that grew beyond what is sensible to compare."""


#: More products than this in one polynomial, and the attempt is given up.
MOST_PRODUCTS = 3_000


Kind = TypeVar("Kind", bound=type)


def hashed(kind: Kind) -> Kind:
    """A frozen dataclass whose hash is worked out once: products are looked up again and again."""
    work_out: Callable[[Any], int] = kind.__hash__  # type: ignore[assignment]

    def once(self: Any) -> int:
        found = self.__dict__.get("_hash")
        if found is None:
            found = self.__dict__["_hash"] = work_out(self)
        return int(found)

    kind.__hash__ = once  # type: ignore[assignment]
    return kind


@hashed
@dataclass(frozen=True)
class Element:
    """An element of a variable: at no time, at one, or (a path from one time to another) at two."""

    name: str
    times: tuple[Moment, ...]
    indices: tuple[str, ...]


@hashed
@dataclass(frozen=True)
class Apply:
    """A function of the table; of a whole vector where `bound` is the argument's index and `index` the result's."""

    function: str
    argument: Polynomial
    bound: str = ""
    index: str = ""


@hashed
@dataclass(frozen=True)
class Root:
    """A sum of several products as the base of a power that cannot be multiplied out: 1/(1 + h**2), sqrt(...)."""

    base: Polynomial


@dataclass(frozen=True)
class Delta:
    """One where two indices are equal, else zero."""

    first: str
    second: str


@dataclass(frozen=True)
class Place:
    """One where `whole` = `part` + offset: the place of a part in a concatenation."""

    whole: str
    part: str
    offset: str


@dataclass(frozen=True)
class Size:
    """A size, or a time as a number."""

    name: str


Atom = Element | Apply | Root | Delta | Place | Size
#: A letter and its first and last value.
Range = tuple[str, Moment, Moment]


@hashed
@dataclass(frozen=True)
class Product:
    """Atoms to powers, summed over time ranges; a later range may depend on the letters of earlier ones."""

    powers: tuple[tuple[Atom, Fraction], ...] = ()
    over: tuple[Range, ...] = ()

    @cached_property
    def indices(self) -> frozenset[str]:
        return frozenset().union(*(indices_of(atom) for atom, _ in self.powers))

    @cached_property
    def letters(self) -> frozenset[str]:
        """The free time letters."""
        inner = frozenset().union(*(letters_of(atom) for atom, _ in self.powers))
        for letter, low, high in reversed(self.over):
            inner = (inner - {letter}) | low.letters | high.letters
        return inner


@hashed
@dataclass(frozen=True)
class Polynomial:
    """A sum of products; `terms` are sorted, and none has the coefficient zero."""

    terms: tuple[tuple[Product, Fraction], ...] = ()

    @cached_property
    def indices(self) -> frozenset[str]:
        """The element indices that occur, summed ones included."""
        return frozenset().union(*(product.indices for product, _ in self.terms))

    @cached_property
    def letters(self) -> frozenset[str]:
        return frozenset().union(*(product.letters for product, _ in self.terms))

    @cached_property
    def key(self) -> str:
        """A text that two equal polynomials share."""
        return " + ".join(f"{number}*{shown(product)}" for product, number in self.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __add__(self, other: Polynomial) -> Polynomial:
        found = dict(self.terms)
        for product, number in other.terms:
            found[product] = found.get(product, Fraction(0)) + number
        return polynomial(found)

    def __neg__(self) -> Polynomial:
        return self.scaled(Fraction(-1))

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    def scaled(self, number: Fraction) -> Polynomial:
        return Polynomial(tuple((product, coefficient * number) for product, coefficient in self.terms if number))


def polynomial(terms: Mapping[Product, Fraction]) -> Polynomial:
    """A polynomial of products that are in canonical form each."""
    kept = [(product, number) for product, number in terms.items() if number]
    if len(kept) > MOST_PRODUCTS:
        raise TooLargeError(f"the expression has more than {MOST_PRODUCTS} products when it is multiplied out")
    return Polynomial(tuple(sorted(kept, key=lambda term: shown(term[0]))))


def added(parts: Iterable[Polynomial]) -> Polynomial:
    """The sum of many polynomials."""
    found: dict[Product, Fraction] = {}
    for part in parts:
        for product, number in part.terms:
            found[product] = found.get(product, Fraction(0)) + number
    return polynomial(found)


def constant(number: Fraction | int) -> Polynomial:
    """A number."""
    return polynomial({Product(): Fraction(number)})


def of_atom(atom: Atom, power: Fraction | int = 1) -> Polynomial:
    """One atom to a power."""
    return Polynomial(((Product(((atom, Fraction(power)),)), Fraction(1)),))


# What occurs in an atom


@cache
def indices_of(atom: Atom) -> frozenset[str]:
    """The element indices that an atom has to the outside."""
    match atom:
        case Element(_, _, indices):
            return frozenset(indices)
        case Apply(_, argument, bound, index):
            return (free_indices(argument) - {bound}) | ({index} if index else frozenset())
        case Root(base):
            return free_indices(base)
        case Delta(first, second):
            return frozenset({first, second})
        case Place(whole, part):
            return frozenset({whole, part})
    return frozenset()


def free_indices(nested: Polynomial) -> frozenset[str]:
    """The indices of an argument or a base that are not summed inside it: see `enclosed`."""
    return frozenset(index for index in nested.indices if not index.startswith("!"))


def enclosed(nested: Polynomial, free: frozenset[str] = frozenset()) -> Polynomial:
    """A polynomial as the argument of a function or the base of a root: what it sums gets names of that place.

    Summed indices are numbers outside and begin with as many exclamation marks as the place is deep, so that an
    index of the surroundings is never taken for one of them.
    """
    depth = 1 + max((_depth(atom) for product, _ in nested.terms for atom, _ in product.powers), default=0)
    mapping = {index: "!" * depth + index for index in nested.indices - free if index[0].isdigit()}
    return all_renamed(nested, mapping, {})


@cache
def letters_of(atom: Atom) -> frozenset[str]:
    """The time letters of an atom."""
    match atom:
        case Element(_, times):
            return frozenset().union(*(time.letters for time in times))
        case Apply(_, argument):
            return argument.letters
        case Root(base):
            return base.letters
        case Size(name):
            return frozenset({name[1:]}) if name.startswith("@") else frozenset()
    return frozenset()


# Text, for sorting and for messages


@cache
def shown(item: Atom | Product) -> str:
    """A short form: equal things have equal ones."""
    match item:
        case Element(name, times, indices):
            return f"{name}[{','.join((*map(str, times), *indices))}]"
        case Apply(function, argument, bound, index):
            return f"{function}({bound}:{argument.key}){index}" if index or bound else f"{function}({argument.key})"
        case Root(base):
            return f"({base.key})"
        case Delta(first, second):
            return f"d({first},{second})"
        case Place(whole, part, offset):
            return f"p({whole},{part},{offset})"
        case Size(name):
            return f"#{name}"
        case Product(powers, over):
            sums = "".join(f"S{letter}={low}..{high}:" for letter, low, high in over)
            return sums + "*".join(shown(atom) + (f"^{power}" if power != 1 else "") for atom, power in powers)


ZERO, ONE = Polynomial(), constant(1)


# Renaming


def renamed(atom: Atom, indices: Mapping[str, str], times: Mapping[str, Moment]) -> Atom:
    """An atom with element indices and time letters exchanged."""
    match atom:
        case Element(name, old, own):
            return Element(
                name, tuple(moved(time, times) for time in old), tuple(indices.get(index, index) for index in own)
            )
        case Apply(function, argument, bound, index):
            inner = {key: value for key, value in indices.items() if key != bound}
            return Apply(function, all_renamed(argument, inner, times), bound, indices.get(index, index))
        case Root(base):
            return Root(all_renamed(base, indices, times))
        case Delta(first, second):
            return Delta(*sorted((indices.get(first, first), indices.get(second, second))))
        case Place(whole, part, offset):
            return Place(indices.get(whole, whole), indices.get(part, part), offset)
        case Size(name):
            if name.startswith("@") and name[1:] in times:
                raise TooLargeError("a time stands as a number in a sum over it")
            return atom


def moved(time: Moment, times: Mapping[str, Moment]) -> Moment:
    """A time with letters exchanged."""
    if not any(letter in times for letter, _ in time.terms):
        return time
    result = Moment((), time.offset)
    for letter, count in time.terms:
        result = result + times.get(letter, Moment.of(letter)).times(count)
    return result


def all_renamed(nested: Polynomial, indices: Mapping[str, str], times: Mapping[str, Moment]) -> Polynomial:
    """A polynomial with free indices and free time letters exchanged."""
    if not indices and not times:
        return nested
    terms: dict[Product, Fraction] = {}
    for product, number in nested.terms:
        inner = {letter: time for letter, time in times.items() if all(letter != own for own, _, _ in product.over)}
        powers = tuple((renamed(atom, indices, inner), power) for atom, power in product.powers)
        over = tuple((letter, moved(low, inner), moved(high, inner)) for letter, low, high in product.over)
        found = Product(_sorted(powers), over)
        terms[found] = terms.get(found, Fraction(0)) + number
    return polynomial(terms)


def _sorted(powers: Iterable[tuple[Atom, Fraction]]) -> tuple[tuple[Atom, Fraction], ...]:
    total: dict[Atom, Fraction] = {}
    for atom, power in powers:
        total[atom] = total.get(atom, Fraction(0)) + power
    return tuple(sorted(((a, p) for a, p in total.items() if p), key=lambda item: shown(item[0])))


# Canonical form


def canonical(raw: Iterable[tuple[Product, Fraction]], free: frozenset[str]) -> Polynomial:
    """Products with the free indices `free`, in canonical form and added up."""
    terms: dict[Product, Fraction] = {}
    for product, number in raw:
        found = canonical_product(product, free)
        if found is not None:
            terms[found] = terms.get(found, Fraction(0)) + number
    return polynomial(terms)


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


def _depth(atom: Atom) -> int:
    nested = atom.argument if isinstance(atom, Apply) else atom.base if isinstance(atom, Root) else None
    if nested is None:
        return 0
    return 1 + max((_depth(inner) for product, _ in nested.terms for inner, _ in product.powers), default=0)


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
                powers = _sorted((renamed(other, {old: new}, {}), power) for other, power in rest)
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
            powers = _sorted((renamed(atom, {}, later), power) for atom, power in product.powers)
            shift = Moment((), offset)
            over = list(product.over)
            over[place] = (letter, low - shift, high - shift)
            for after in range(place + 1, len(over)):
                name, first, last = over[after]
                over[after] = (name, moved(first, later), moved(last, later))
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
        (f"s{place}", moved(low, mapping), moved(high, mapping)) for place, (_, low, high) in enumerate(product.over, 1)
    )
    return Product(_sorted((renamed(atom, {}, mapping), power) for atom, power in product.powers), over)


def _indices_named(product: Product, free: frozenset[str]) -> Product:
    """Summed indices by their place in the smallest of all orders; candidates are told apart by where they stand."""
    summed = sorted(product.indices - free)
    if not summed:
        return replace(product, powers=_sorted(product.powers))
    marks = {index: _mark(product, index, summed) for index in summed}
    groups = [list(group) for _, group in itertools.groupby(sorted(summed, key=lambda i: (marks[i], i)), marks.get)]
    if any(len(group) > MOST_ALIKE for group in groups):
        raise TooLargeError("too many summed indices that look alike")
    numbers = [str(number) for number in range(len(summed) + len(free)) if str(number) not in free]
    best: tuple[str, tuple[tuple[Atom, Fraction], ...]] | None = None
    for orders in itertools.product(*(itertools.permutations(group) for group in groups)):
        mapping = dict(zip(itertools.chain(*orders), numbers, strict=False))
        powers = _sorted((renamed(atom, mapping, {}), power) for atom, power in product.powers)
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
        over = tuple((names[letter], moved(low, letters), moved(high, letters)) for letter, low, high in product.over)
        yield Product(tuple((renamed(a, mapping, letters), p) for a, p in product.powers), over), number


def multiplied(
    one: Polynomial, other: Polynomial, free: frozenset[str], shared: frozenset[str] = frozenset()
) -> Polynomial:
    """The product; `shared` indices stand in both factors and are summed in the result, unless they are free."""
    keep = free | shared
    raw = []
    for left, first in apart(one, keep):
        for right, second in apart(other, keep):
            raw.append((Product(_sorted((*left.powers, *right.powers)), (*left.over, *right.over)), first * second))
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
        if exponent.denominator == 1 or number == 1:
            powers = _sorted((atom, power * exponent) for atom, power in product.powers)
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
