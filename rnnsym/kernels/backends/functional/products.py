"""Products with matrices: those of one vector, and those whose results are added, as one product."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Indexed

from rnnsym.equations.indexed import Equation, Term, accesses, name_of, t, time_of
from rnnsym.kernels.backends.functional.draft import Bundle, Draft
from rnnsym.kernels.fast.normal import Matvec, matvec_of
from rnnsym.kernels.fast.regions import Region
from rnnsym.kernels.fast.stages import Stage
from rnnsym.kernels.numpy_code import SUM, size_code, term_value


class Products(Draft):
    """A draft that joins products."""

    #: Whether a matrix that stands alone in a product is turned once, before the product.
    turns = False

    def matvec(self, term: Term, equation: Equation) -> Matvec | None:
        """A term as a product with a matrix that all examples have in common, if it is one."""
        found = matvec_of(term, equation, self.variables) if term.when is None else None
        return None if found is None or self.names.of(found.matrix_name, None).batch else found

    def matvecs(self, equation: Equation) -> tuple[Matvec, ...]:
        """The matrix-vector products among the terms of an equation."""
        found = [self.matvec(term, equation) for term in equation.terms]
        return tuple(one for one in found if one is not None)

    def groups(self, equations: Sequence[Equation]) -> dict[str, list[Equation]]:
        """Equations with products of the same vectors, computed by one product."""
        by_vectors: dict[tuple[Indexed, ...], list[Equation]] = {}
        for equation in equations:
            vectors = tuple(one.vector for one in self.matvecs(equation))
            if vectors and len(set(vectors)) == len(vectors):
                by_vectors.setdefault(vectors, []).append(equation)
        names = {equation.name for equation in equations}
        found: dict[str, list[Equation]] = {}
        for vectors, group in by_vectors.items():
            # What else they need has to be there when the first of them is computed.
            group = [
                e
                for e in group
                if e is group[0]
                or not any(f.name in names and f.time == t and f.element not in vectors for term in e.terms
                           for f in accesses(term, self.variables))
            ]  # fmt: skip
            if len(group) > 1 or len(vectors) > 1 or self.turns:
                found.update(dict.fromkeys([e.name for e in group], group))
        return found

    def product(self, group: list[Equation]) -> str:
        """One product for all equations of a group."""
        matvecs = [self.matvecs(equation) for equation in group]
        vectors = [one.vector for one in matvecs[0]]
        matrix = self._stack(matvecs)
        names = tuple(name_of(vector) for vector in vectors)
        if len(vectors) == 1:
            return f"{self.read(names[0], time_of(vectors[0].indices[0]))[0]} @ {matrix}"
        offsets = {time_of(vector.indices[0]).offset for vector in vectors}
        known = next((b for b in self.bundles if b.members == names and offsets == {0} and self.locals is None), None)
        if known is not None:
            return f"{known.code} @ {matrix}"
        values = [self.read(name, time_of(vector.indices[0]))[0] for name, vector in zip(names, vectors, strict=True)]
        code = self.names.fresh(f"{values[0]}_and_others")
        self.lines.append(f"{code} = np.concatenate([{', '.join(values)}], axis=-1)")
        if offsets == {0}:
            self.bundles.append(Bundle(code, names))
        return f"{code} @ {matrix}"

    def _stack(self, matvecs: list[tuple[Matvec, ...]]) -> str:
        """The matrices of a group as one, to be multiplied from the right."""
        key = tuple(tuple((m.scale, m.matrix) for m in row) for row in matvecs)
        if key in self.stacks:
            return self.stacks[key]
        columns = []
        if len(matvecs) == 1 == len(matvecs[0]) and matvecs[0][0].scale == 1:
            (one,) = matvecs[0]
            code = self.names.of(one.matrix_name, None).code
            if one.transposed:
                return code
            turned = self.names.fresh(f"{code}_turned")
            self._before_loop(f"{turned} = in_rows({code}.T)")
            self.stacks[key] = turned
            return turned
        for row in matvecs:
            parts = [self._matrix(one) for one in row]
            columns.append(parts[0] if len(parts) == 1 else f"np.concatenate([{', '.join(parts)}])")
        code = self.names.fresh("_".join(dict.fromkeys(m.matrix_name for row in matvecs for m in row)))
        whole = columns[0] if len(columns) == 1 else f"np.concatenate([{', '.join(columns)}], axis=1)"
        self._before_loop(f"{code} = {whole}")
        self.stacks[key] = code
        return code

    def _before_loop(self, line: str) -> None:
        (self.lines if self.hoisted is None else self.hoisted).append(line)

    def _matrix(self, one: Matvec) -> str:
        matrix = self.names.of(one.matrix_name, None).code + ("" if one.transposed else ".T")
        return matrix if one.scale == 1 else f"{float(one.scale)!r} * {matrix}"

    def parts(self, group: list[Equation], product: str, rows: bool) -> None:
        """The equations of a group from their common product: its part of each, and what else they add."""
        targets = [self.names.code(equation.name) for equation in group]
        if len(group) == 1:
            self.lines.append(f"{targets[0]} = {product}")
        else:
            sizes = ", ".join(size_code(equation.variable.shape[0]) for equation in group)
            self.lines.append(f"{', '.join(targets)} = split({product}, {sizes})")
        for equation, target in zip(group, targets, strict=True):
            rest = [term for term in equation.terms if self.matvec(term, equation) is None]
            if rest:
                self.lines.append(f"{target} = {self.whole(equation, rows, rest, target)}")
            if rows:
                self.hold(equation.name, target)

    def stays_wide(self, group: list[Equation], product: str, region: Region, stages: Sequence[Stage]) -> bool:
        """Leave a product in one piece where one loop alone reads its parts, and parameters alone are added to it."""
        names = {e.name for e in group}
        others = (*region.sums, *self.others(region))
        loops = [stage for stage in stages if any(names & e.reads for e in stage.equations)]
        if len(group) < 2 or len(loops) != 1 or not loops[0].loop or any(names & e.reads for e in others):
            return False
        if any(self.is_result(name) for name in names) or any(
            found.time != t for e in loops[0].equations for name in names for found in self.found(e, name)
        ):
            return False
        added = []
        for equation in group:
            code = ""
            for term in equation.terms:
                if term.when is not None:
                    return False
                if self.matvec(term, equation) is None:
                    value = term_value(term, equation, self.names, True)
                    if len(value.axes) != 1 or any(found.time is not None for found in accesses(term, self.variables)):
                        return False
                    code += f" + {value.within(SUM)}" if code else value.code
            added.append(code)
        if any(added) and not all(added):
            return False
        code = self.names.fresh(f"{self.names.code(group[0].name)}_and_others")
        bias = f" + np.concatenate([{', '.join(added)}])" if any(added) else ""
        self.lines.append(f"{code} = {product}{bias}")
        self.wide.append(Bundle(code, tuple(e.name for e in group)))
        return True
