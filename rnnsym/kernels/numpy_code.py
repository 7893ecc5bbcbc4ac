"""One term of an equation as a NumPy expression.

Every value knows its axes: `t` and `b` for time and batch, then the element indices. Summed indices are used up one
after the other, each by the product that a person would write for it (a matrix product, a sum, an outer product);
what fits none of these becomes an einsum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Add, Expr, Function, Indexed, Integer, KroneckerDelta, Mul, Pow, Rational, Symbol

from rnnsym.equations.indexed import (
    INDEX_SET,
    Equation,
    Role,
    Select,
    T,
    Term,
    Variable,
    access,
    elements,
    name_of,
    time_of,
)
from rnnsym.kernels.arrays import Arrays
from rnnsym.language.timing import Interval
from rnnsym.operations import Elementwise, Pairwise, VectorFunction, operation_of

SUM, PRODUCT, UNARY, ATOM = 1, 2, 3, 4  # how tightly a piece of source binds

TIME, BATCH = "t", "b"


@dataclass(frozen=True)
class Value:
    """Source of an array expression, its axes, and how tightly it binds."""

    code: str
    axes: tuple[str | Symbol, ...]
    binding: int = ATOM

    def within(self, binding: int) -> str:
        """The source, in parentheses where an operator that binds as tightly as `binding` is next to it."""
        return self.code if self.binding >= binding else f"({self.code})"


@dataclass(frozen=True)
class Place:
    """Where a term stands: its equation, the time axes that are summed, and the sizes of element indices."""

    equation: Equation
    arrays: Arrays
    over: dict[str, Interval]
    sizes: dict[Symbol, Expr]


def term_value(term: Term, equation: Equation, arrays: Arrays, rows: bool = False) -> Value:
    """A term as source, with the axes of the equation's target (batch and element indices), broadcast where shorter.

    rows: for many steps at once, so that the target has a time axis as well.
    """
    place = Place(
        equation,
        arrays,
        {str(index): interval for index, interval in term.over},
        _term_sizes(term, equation, arrays.program.variables),
    )
    batch_kept = arrays.of(equation.name, equation.time).batch
    free = set(equation.indices)
    values = [_factor(factor, place) for factor in term.factors if not isinstance(factor, Select)]
    values = _selected(values, [f for f in term.factors if isinstance(f, Select)], place, free)
    while summed := _indices(values) - free:
        index = min(summed, key=lambda candidate: (_attached(values, candidate), str(candidate)))
        values = _eliminated(values, index, place)
    added = not batch_kept and _sums_examples(term, equation, arrays)
    reduced = [*((TIME,) if term.over else ()), *((BATCH,) if added else ())]
    target = ((TIME,) if rows else ()) + ((BATCH,) if batch_kept else ()) + tuple(equation.indices)
    return _combined(values, tuple(reduced), target, place)


def _sums_examples(term: Term, equation: Equation, arrays: Arrays) -> bool:
    """Whether a value that is the same for all examples is the sum of what each of them adds.

    Gradients are, unless they come from a gradient that has been summed already; what parameters alone give is not.
    """
    variables = arrays.program.variables

    def is_adjoint(name: str) -> bool:
        variable = variables[name]
        while variable.partial is not None:
            variable = variables[variable.partial.of]
        return variable.role is Role.ADJOINT

    read = {name_of(element) for factor in term.factors for element in elements(factor)}
    alike = [name for name in read if is_adjoint(name) and not arrays.has_batch(variables[name])]
    return is_adjoint(equation.name) and not alike


def _term_sizes(term: Term, equation: Equation, variables: dict[str, Variable]) -> dict[Symbol, Expr]:
    sizes = dict(zip(equation.indices, equation.variable.shape, strict=True))
    for factor in term.factors:
        for element in factor.atoms(Indexed):
            found = access(element, variables)
            for index, size in zip(found.indices, variables[found.name].shape, strict=True):
                if index in INDEX_SET:
                    sizes.setdefault(index, size)
        for delta in factor.atoms(KroneckerDelta):
            for one, other in (delta.args, delta.args[::-1]):
                if other in sizes:
                    sizes.setdefault(one, sizes[other])
    return sizes


def delta_sizes(equation: Equation, variables: dict[str, Variable]) -> set[Expr]:
    """The sizes of the identity matrices that the code of an equation holds."""
    return {
        sizes[index]
        for term in equation.terms
        for factor in term.factors
        for delta in factor.atoms(KroneckerDelta)
        for sizes in [_term_sizes(term, equation, variables)]
        for index in delta.args
    }


def _indices(values: Iterable[Value]) -> set[Symbol]:
    return {axis for value in values for axis in value.axes if isinstance(axis, Symbol)}


def _attached(values: list[Value], index: Symbol) -> int:
    """How many matrices carry an index: leaves of the product come first."""
    return sum(1 for value in values if index in value.axes and len(_indices([value])) > 1)


# Factors


def _factor(factor: Expr, place: Place) -> Value:
    """One factor, with its own axes in the order time, batch, elements."""
    if isinstance(factor, Indexed):
        return _element(factor, place)
    if isinstance(factor, Symbol):
        if factor is T or factor == T:
            return Value("T", ())
        if factor.is_integer:
            return Value(str(factor), ())
        array = place.arrays.of(str(factor.name), None)
        return Value(array.code, (BATCH,) if array.batch else ())
    if factor.is_number and not factor.has(Function):
        return _number(factor)
    if isinstance(factor, KroneckerDelta):
        return Value(f"np.eye({size_code(place.sizes[factor.args[0]])}, dtype=DTYPE)", factor.args)
    operation = operation_of(factor)
    if isinstance(operation, Pairwise):
        pair = [_factor(argument, place) for argument in factor.args]
        axes = _union(pair)
        one, other = (aligned(value, axes) for value in pair)
        return Value(operation.code.format(x=one.code, y=other.code), axes)
    if isinstance(operation, Elementwise | VectorFunction):
        inner = _factor(factor.args[0], place)
        return _application(operation, inner, place.equation)
    if isinstance(factor, Add):
        return _sum_of([_factor(part, place) for part in _readable(factor)])
    if isinstance(factor, Mul):
        return _product_of([_factor(part, place) for part in factor.args])
    if isinstance(factor, Pow):
        return _power(_factor(factor.base, place), factor.exp, place)
    raise AssertionError(f"no NumPy for {factor}")


def _readable(factor: Add) -> list[Expr]:
    """Numbers and positive terms first: 1 - y, h - d."""
    return sorted(factor.args, key=lambda part: (not part.is_Number, part.could_extract_minus_sign()))


def _application(operation: Elementwise | VectorFunction, inner: Value, equation: Equation) -> Value:
    single = operation.code.startswith(("np.", f"{operation.name}(")) and operation.code.count("{x}") == 1
    argument = inner.code if single else inner.within(UNARY)
    code = operation.code.format(x=argument)
    axes = inner.axes
    if isinstance(operation, VectorFunction):
        axes = tuple(axis for axis in axes if not isinstance(axis, Symbol)) + tuple(equation.indices)
    binding = ATOM if single and code.endswith(")") and not code.startswith("-") else SUM
    return Value(code, axes, binding)


def _element(element: Indexed, place: Place) -> Value:
    found = access(element, place.arrays.program.variables)
    axes: tuple[str | Symbol, ...] = tuple(index for index in found.indices if isinstance(index, Symbol))
    if found.time is None:
        array = place.arrays.of(found.name, None)
        return Value(array.code, ((BATCH,) if array.batch else ()) + axes)
    time = time_of(found.time)
    elsewhere = place.arrays.view(found.name, time, time.anchor in place.over)
    if elsewhere is not None:
        return Value(elsewhere[0], (*((TIME,) if elsewhere[1] else ()), BATCH, *axes))
    array = place.arrays.of(found.name, time if time.anchor not in ("t", "s") else None)
    if time.anchor in place.over:
        return Value(f"{array.code}[{array.rows_of(place.over[time.anchor], time.offset)}]", (TIME, BATCH, *axes))
    if not array.rows:
        return Value(array.code, (BATCH, *axes))
    return Value(f"{array.code}[{array.row(time)}]", (BATCH, *axes))


def _number(number: Expr) -> Value:
    if isinstance(number, Integer):
        return Value(f"{int(number)}.0", (), ATOM if number >= 0 else UNARY)
    value = float(number)
    if not isinstance(number, Rational):
        return Value(repr(value), (), ATOM if value >= 0 else UNARY)
    if Rational(repr(value)) == number or number.q > 10**6:
        return Value(repr(value), (), ATOM if value >= 0 else UNARY)
    return Value(f"{number.p}.0 / {number.q}.0", (), PRODUCT)


def _power(base: Value, exponent: Expr, place: Place) -> Value:
    if exponent == -1:
        return Value(f"1.0 / {base.within(UNARY)}", base.axes, PRODUCT)
    if exponent == Rational(1, 2):
        return Value(f"np.sqrt({base.code})", base.axes)
    power = str(exponent) if exponent.is_Integer else repr(float(exponent))
    return Value(f"{base.within(ATOM)} ** {power if exponent >= 0 else f'({power})'}", base.axes, UNARY)


# Axes


def _union(values: Iterable[Value]) -> tuple[str | Symbol, ...]:
    """All axes of several values in the common order: time, batch, element indices as they come."""
    axes = dict.fromkeys(axis for value in values for axis in value.axes)
    leading = [axis for axis in (TIME, BATCH) if axis in axes]
    return (*leading, *(axis for axis in axes if axis not in (TIME, BATCH)))


def aligned(value: Value, axes: tuple[str | Symbol, ...]) -> Value:
    """The value reshaped so that NumPy broadcasts it along `axes`."""
    own = tuple(axis for axis in axes if axis in value.axes)
    if own != value.axes:
        order = tuple(value.axes.index(axis) for axis in own)
        if order == (1, 0):
            value = Value(f"{value.within(ATOM)}.T", own)
        else:
            value = Value(f"{value.within(ATOM)}.transpose({', '.join(map(str, order))})", own)
    first = next((position for position, axis in enumerate(axes) if axis in own), len(axes))
    missing = [axis for axis in axes[first:] if axis not in own]
    if not missing:
        return value
    slots = ", ".join(":" if axis in own else "None" for axis in axes[first:])
    return Value(f"{value.within(ATOM)}[{slots}]", value.axes)


def _sum_of(values: list[Value]) -> Value:
    axes = _union(values)
    code = ""
    for value in (aligned(value, axes) for value in values):
        part = value.within(SUM)
        code += part if not code else f" - {_unsigned(part)}" if part.startswith("-") else f" + {part}"
    return Value(code, axes, SUM)


def _unsigned(code: str) -> str:
    return code[1:]


def _product_of(values: list[Value]) -> Value:
    """The elementwise product, a minus sign and divisions written as such."""
    axes = _union(values)
    sign, above, below = "", [], []
    for value in (aligned(value, axes) for value in values):
        if value.code == "-1.0":
            sign = "" if sign else "-"
        elif value.code.startswith("1.0 / ") and value.binding == PRODUCT:
            below.append(value.code[len("1.0 / ") :])
        else:
            above.append(value)
    if not above:
        above = [Value("1.0", ())]
    if len(above) == 1 and not below:
        only = above[0]
        return Value(sign + only.within(UNARY), axes, UNARY) if sign else Value(only.code, axes, only.binding)
    code = " * ".join(value.within(UNARY) for value in above) + "".join(f" / {part}" for part in below)
    return Value(sign + code, axes, PRODUCT)


# Sums over element indices


def _eliminated(values: list[Value], index: Symbol, place: Place) -> list[Value]:
    """Use up one summed index."""
    touched = [value for value in values if index in value.axes]
    rest = [value for value in values if index not in value.axes]
    vectors = [value for value in touched if len(_indices([value])) == 1]
    matrices = _elementwise([value for value in touched if len(_indices([value])) > 1])
    if not matrices:
        return [*rest, _summed(_product_of(vectors), index)]
    if len(matrices) == 1 and vectors and len(_indices(matrices)) == 2:
        return [*rest, _applied(matrices[0], _product_of(vectors), index)]
    plain = all(len(_indices([m])) == 2 == len(m.axes) for m in matrices)
    if len(matrices) == 2 and not vectors and plain:
        return [*rest, _matrix_product(matrices[0], matrices[1], index)]
    if len(matrices) == 1 and not vectors:
        return [*rest, _summed(matrices[0], index)]
    touched = [*vectors, *matrices]
    return [*rest, _einsum(touched, tuple(axis for axis in _union(touched) if axis != index))]


def _elementwise(matrices: list[Value]) -> list[Value]:
    """Matrices with the same two indices, multiplied element by element."""
    groups: dict[frozenset[Symbol], list[Value]] = {}
    for matrix in matrices:
        groups.setdefault(frozenset(_indices([matrix])), []).append(matrix)
    return [group[0] if len(group) == 1 else _product_of(group) for group in groups.values()]


def _summed(value: Value, index: Symbol) -> Value:
    axis = value.axes.index(index)
    kept = tuple(other for other in value.axes if other != index)
    return Value(f"np.sum({value.code}, axis={axis - len(value.axes)})", kept)


def _applied(matrix: Value, vector: Value, index: Symbol) -> Value:
    """M[i, j] v[j] with rows of v for batch and time: v @ M.T."""
    (other,) = [axis for axis in matrix.axes if isinstance(axis, Symbol) and axis != index]
    if TIME in matrix.axes or BATCH in matrix.axes:
        return _einsum([matrix, vector], tuple(axis for axis in _union([matrix, vector]) if axis != index))
    kept = tuple(axis for axis in vector.axes if axis != index)
    side = matrix.within(ATOM) if matrix.axes[0] == index else f"{matrix.within(ATOM)}.T"
    return Value(f"{vector.within(UNARY)} @ {side}", (*kept, other), PRODUCT)


def _matrix_product(one: Value, other: Value, index: Symbol) -> Value:
    left = one.within(ATOM) if one.axes[1] == index else f"{one.within(ATOM)}.T"
    right = other.within(ATOM) if other.axes[0] == index else f"{other.within(ATOM)}.T"
    axes = tuple(axis for axis in (*one.axes, *other.axes) if axis != index)
    return Value(f"{left} @ {right}", axes, PRODUCT)


def _einsum(values: list[Value], axes: tuple[str | Symbol, ...]) -> Value:
    letters: dict[str | Symbol, str] = {}
    pool = iter("ijklmnopqrsuvwxyz")
    for value in values:
        for axis in value.axes:
            if axis not in letters:
                letters[axis] = axis if isinstance(axis, str) else next(pool)
    inputs = ",".join("".join(letters[axis] for axis in value.axes) for value in values)
    output = "".join(letters[axis] for axis in axes)
    return Value(f'np.einsum("{inputs}->{output}", {", ".join(value.code for value in values)})', axes)


# Concatenations


def _selected(values: list[Value], selects: list[Expr], place: Place, free: set[Symbol]) -> list[Value]:
    """delta(i, j + offset), summed over i: the slice of a concatenation that belongs to one of its parts."""
    for select in selects:
        whole, part, offset, size = select.args
        stop = size_code(offset + size)
        cut = f"{'' if offset == 0 else size_code(offset)}:{stop}"
        values = [
            Value(f"{value.within(ATOM)}[{', '.join(cut if axis == whole else ':' for axis in value.axes)}]",
                  tuple(part if axis == whole else axis for axis in value.axes))
            if whole in value.axes else value
            for value in values
        ]  # fmt: skip
    return values


def size_code(size: Expr) -> str:
    """A size as Python source; sizes are integer variables of the function."""
    parts = []
    for part in size.args if isinstance(size, Add) else (size,):
        count, name = part.as_coeff_Mul()
        parts += [str(part)] if part.is_Integer else [str(name)] * int(count)
    return " + ".join(parts)


# Time and batch


def _combined(values: list[Value], reduced: tuple[str, ...], target: tuple[str | Symbol, ...], place: Place) -> Value:
    """What is left multiplied together, summed over `reduced`, with the target's axes."""
    counts = []
    present = {axis for value in values for axis in value.axes}
    for axis in reduced:
        if axis not in present:  # nothing depends on it: every value of the axis adds the same
            counts.append(Value("B", ()) if axis == BATCH else _length(next(iter(place.over.values()))))
    reduced = tuple(axis for axis in reduced if axis in present)
    groups = _grouped(values)
    indices = [axis for axis in target if isinstance(axis, Symbol)]
    if len(indices) == 2 and len(groups) == 2 and all(set(reduced) <= set(group.axes) for group in groups):
        groups.sort(key=lambda group: indices.index(next(axis for axis in group.axes if isinstance(axis, Symbol))))
        if reduced and all(len(group.axes) == len(reduced) + 1 for group in groups):
            result = _outer_sum(groups, len(reduced), (indices[0], indices[1]))
            return _product_of([*counts, result]) if counts else result
    if reduced and len(groups) > 2 and len(indices) > 2:
        return _product_of([*counts, _einsum(groups, target)])
    product = _product_of([*counts, *groups])
    if reduced:
        places = tuple(product.axes.index(axis) for axis in reduced)
        axis_code = str(places[0]) if len(places) == 1 else str(places)
        kept = tuple(axis for axis in product.axes if axis not in reduced)
        product = Value(f"np.sum({product.code}, axis={axis_code})", kept)
    return aligned(product, target)


def _length(interval: Interval) -> Value:
    count = interval.high.offset - interval.low.offset + 1
    if interval.high.anchor and not interval.low.anchor:
        return Value("T" if count == 0 else f"(T {'+' if count > 0 else '-'} {abs(count)})", ())
    return Value(str(count), ())


def _grouped(values: list[Value]) -> list[Value]:
    """Values multiplied together by the element indices that they carry; scalars go with the first group."""
    groups: dict[frozenset[Symbol], list[Value]] = {}
    scalars: list[Value] = []
    for value in values:
        carried = frozenset(_indices([value]))
        (groups.setdefault(carried, []) if carried else scalars).append(value)
    merged = list(groups.values())
    if not merged:
        return [_product_of(scalars)] if scalars else [Value("1.0", ())]
    merged[0] = [*scalars, *merged[0]]
    return [_product_of(group) for group in merged]


def _outer_sum(groups: list[Value], axes: int, target: tuple[Symbol, Symbol]) -> Value:
    """Sum over batch (and time) of outer products: one matrix product."""
    left, right = groups
    if axes == 1:
        return Value(f"{left.within(ATOM)}.T @ {right.within(UNARY)}", target, PRODUCT)
    return Value(f"np.tensordot({left.code}, {right.code}, axes=([0, 1], [0, 1]))", target)
