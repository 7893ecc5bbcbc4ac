"""What sums of products in index notation are made of: atoms, products, polynomials, and how they are renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import Any, TypeVar

from rnnsym.claims.syntax import Moment
from rnnsym.errors import RnnsymError


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


@hashed
@dataclass(frozen=True)
class One:
    """One at every element of an index: where nothing else has the index and it is summed, it counts its elements."""

    index: str
    count: Polynomial


Atom = Element | Apply | Root | Delta | Place | Size | One
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
        case One(index):
            return frozenset({index})
    return frozenset()


def free_indices(nested: Polynomial) -> frozenset[str]:
    """The indices of an argument or a base that are not summed inside it: see `enclosed`."""
    return frozenset(index for index in nested.indices if not index.startswith("!"))


def enclosed(nested: Polynomial, free: frozenset[str] = frozenset()) -> Polynomial:
    """A polynomial as the argument of a function or the base of a root: what it sums gets names of that place.

    Summed indices are numbers outside and begin with as many exclamation marks as the place is deep, so that an
    index of the surroundings is never taken for one of them.
    """
    depth = 1 + max((depth_of(atom) for product, _ in nested.terms for atom, _ in product.powers), default=0)
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
        case One(index):
            return f"1[{index}]"
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
                name, tuple(time.moved(times) for time in old), tuple(indices.get(index, index) for index in own)
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
        case One(index, count):
            return One(indices.get(index, index), count)
        case Size(name):
            if name.startswith("@") and name[1:] in times:
                raise TooLargeError("a time stands as a number in a sum over it")
            return atom


def all_renamed(nested: Polynomial, indices: Mapping[str, str], times: Mapping[str, Moment]) -> Polynomial:
    """A polynomial with free indices and free time letters exchanged."""
    if not indices and not times:
        return nested
    terms: dict[Product, Fraction] = {}
    for product, number in nested.terms:
        inner = {letter: time for letter, time in times.items() if all(letter != own for own, _, _ in product.over)}
        powers = tuple((renamed(atom, indices, inner), power) for atom, power in product.powers)
        over = tuple((letter, low.moved(inner), high.moved(inner)) for letter, low, high in product.over)
        found = Product(in_order(powers), over)
        terms[found] = terms.get(found, Fraction(0)) + number
    return polynomial(terms)


def in_order(powers: Iterable[tuple[Atom, Fraction]]) -> tuple[tuple[Atom, Fraction], ...]:
    total: dict[Atom, Fraction] = {}
    for atom, power in powers:
        total[atom] = total.get(atom, Fraction(0)) + power
    return tuple(sorted(((a, p) for a, p in total.items() if p), key=lambda item: shown(item[0])))


def depth_of(atom: Atom) -> int:
    """How many functions and roots an atom is deep."""
    nested = atom.argument if isinstance(atom, Apply) else atom.base if isinstance(atom, Root) else None
    if nested is None:
        return 0
    return 1 + max((depth_of(inner) for product, _ in nested.terms for inner, _ in product.powers), default=0)
