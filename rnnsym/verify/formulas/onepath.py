"""One path of an adjoint that stands where the whole adjoint is needed: `h̄ ⊙ o ⊙ (1 - tanh(c)²)` for that of c."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from rnnsym.claims.substitute import at_times
from rnnsym.claims.syntax import Moment, Node, Product, Sequence, Sum, Way
from rnnsym.verify.formulas.edits import Edit, put
from rnnsym.verify.formulas.explain import adjoint_at, path
from rnnsym.verify.formulas.placement import Placement
from rnnsym.verify.formulas.trees import Site

#: Longer products than any that people write are left alone.
MOST_FACTORS = 7


class OnePath(Placement):
    """The rule for factors that are a summand of an adjoint, where the whole of it is needed."""

    def one_path(self, site: Site) -> Iterator[Edit]:
        """An adjoint in place of some factors of an elementwise product, one of which is another adjoint."""
        node = site.node
        if not isinstance(node, Product) or node.way is not Way.HADAMARD or node.shape is None:
            return
        places = [place for place, part in enumerate(node.parts) if adjoint_at(part, self.words) is not None]
        if len(places) != 1 or len(node.parts) > MOST_FACTORS:
            return
        (own,) = places
        found = adjoint_at(node.parts[own], self.words)
        assert found is not None
        name, time = found
        others = [place for place in range(len(node.parts)) if place != own]
        for other in (one for one in self.words.timed if one != name and self.words.shape(one) == node.shape):
            if time is None or len(self._paths(other, time)) < 2:
                continue
            whole = self.words.adjoint(other, time)
            for count in range(1, len(others) + 1):
                for chosen in itertools.combinations(others, count):
                    yield self._put(site, node, whole, {own, *chosen}, other, time)

    def _paths(self, name: str, time: Moment) -> list[Node]:
        """The summands of an adjoint."""
        for equation in self.words.true_equations(name):
            if isinstance(equation.right, Sum) and self._is_general(equation.left):
                return [at_times(part, {"t": time}) for part in equation.right.parts]
        return []

    def _is_general(self, left: Node) -> bool:
        """Whether an equation is for the time t."""
        found = adjoint_at(left, self.words)
        return found is not None and found[1] == Moment.of("t")

    def _put(self, site: Site, node: Product, whole: Node, gone: set[int], name: str, time: Moment) -> Edit:
        parts = [part for place, part in enumerate(node.parts) if place not in gone]
        written = Product(Way.HADAMARD, tuple(part for n, part in enumerate(node.parts) if n in gone), node.shape)
        parts.insert(min(gone), whole)
        new = parts[0] if len(parts) == 1 else Product(Way.HADAMARD, tuple(parts), node.shape)
        target = self.words.variable(name, time)
        told = (path(part, target, whole, self.words) for part in self._paths(name, time))
        later = [
            one for one in told if f"[{time + Moment((), 1)}]" in one.partition(" to ")[2].partition(" through")[0]
        ]
        missing = f": {' and '.join(later)} is missing" if later else ""
        unnamed = 0.0 if isinstance(whole, Sequence) else 0.2
        sentence = f"{self.say(written)} is one path only of {self.say(whole)}, which is needed here{missing}."
        return Edit(site.path, put(new), sentence, 1.2 + unnamed, self.say(written), "path")
