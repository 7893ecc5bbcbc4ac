"""Sums over time; those of outer products with a common right side are one product."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Expr, Indexed

from rnnsym.equations.indexed import Equation, name_of, t, time_of
from rnnsym.kernels.backends.functional.draft import Bundle, Draft
from rnnsym.kernels.fast.nodes import outer_pair
from rnnsym.kernels.numpy_code import size_code


class Sums(Draft):
    """A draft that adds up over all steps."""

    def sums(self, sums: Sequence[Equation]) -> None:
        """Sums over all steps; those of outer products with a common right side are one product."""
        if sums:
            self.lines.append("")
        pairs = {e.name: self._pair(e) for e in sums}
        done: set[str] = set()
        for equation in sums:
            if equation.name in done:
                continue
            waiting = [e for e in sums if e.name not in done]
            bundle, group = self._run(equation, pairs, waiting)
            if bundle is not None:
                self._bundled_sum(bundle, group, pairs[equation.name])
            else:
                target = self.names.of(equation.name, None).code
                code = self.total(self.whole(equation, rows=False), group, self.shape(equation, rows=False))
                self.finish(f"{target} = {code}", group)
            done |= {e.name for e in group}

    def _pair(self, equation: Equation) -> tuple[str, Expr | None] | None:
        """(a, b) where a sum is of a[t, i] b[t, j]; (a, None) where it is of a[t, i]; a is read at t."""
        found: tuple[Indexed, Expr | None] | None = outer_pair(equation)
        if found is None and len(equation.terms) == 1 and len(equation.terms[0].factors) == 1:
            (factor,) = equation.terms[0].factors
            if isinstance(factor, Indexed) and len(factor.indices) == 2 and factor.indices[1] in equation.indices:
                found = (factor, None)
        if found is None or found[0].indices[0] != t or not equation.terms[0].over:
            return None
        return name_of(found[0]), found[1]

    def _run(
        self, equation: Equation, pairs: dict[str, tuple[str, Expr | None] | None], sums: Sequence[Equation]
    ) -> tuple[Bundle | None, list[Equation]]:
        """A bundle, and the sums that read its members, all of them, with the same right side."""
        pair = pairs[equation.name]
        for bundle in self.bundles if pair is not None else ():
            assert pair is not None
            group = {p[0]: e for e in reversed(sums) if (p := pairs[e.name]) is not None and p[1] == pair[1]}
            if pair[0] in bundle.members and all(name in group for name in bundle.members):
                return bundle, [group[name] for name in bundle.members]
        return None, [equation]

    def _bundled_sum(self, bundle: Bundle, group: list[Equation], pair: tuple[str, Expr | None] | None) -> None:
        assert pair is not None
        parts = [self.names.of(e.name, None).code for e in group]
        sizes = ", ".join(size_code(e.variable.shape[0]) for e in group)
        size = self.bundle_size(bundle)
        if pair[1] is None:
            code = self.total(f"np.sum({bundle.code}, axis=(0, 1))", group, [size])
            self.finish(f"{', '.join(parts)} = split({code}, {sizes})", group)
            return
        assert isinstance(pair[1], Indexed)
        name, time = name_of(pair[1]), time_of(pair[1].indices[0])
        product = f"np.tensordot({self.read(name, time)[0]}, {bundle.code}, axes=([0, 1], [0, 1]))"
        code = self.total(product, group, [size_code(self.variables[name].shape[0]), size])
        self.finish(f"{', '.join(parts)} = split({code}, {sizes})", group)
        self.finish(f"{', '.join(parts)} = {', '.join(f'{part}.T' for part in parts)}", group)

    def total(self, code: str, targets: Sequence[Equation], shape: Sequence[str]) -> str:
        """Source for a sum over all steps that belongs to these equations."""
        self.comment(*targets)
        name = targets[0].name
        begun, self.summed = name in self.summed, self.summed | {name}
        return f"{self.names.of(name, None).code} + {code}" if begun else code

    def finish(self, line: str, targets: Sequence[Equation]) -> None:
        """A statement that a sum over all steps ends with."""
        self.lines.append(line)
