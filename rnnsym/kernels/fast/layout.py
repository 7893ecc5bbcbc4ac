"""Where every value of a plan lies, and the calls of its loops in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from sympy import Expr, Indexed

from rnnsym.equations.indexed import Equation, Variable, accesses, name_of, t, time_of
from rnnsym.kernels.fast.coefficients import coefficient_groups
from rnnsym.kernels.fast.kinds import (
    CARRIED,
    CHUNK,
    COEFFICIENT,
    COLUMN,
    GATES,
    OUTPUT,
    PRODUCT,
    SLAB,
    UNTIMED,
    VECTOR,
    WORK,
    kinds_of,
)
from rnnsym.kernels.fast.lanes import Lane, Operation, operations
from rnnsym.kernels.fast.nodes import (
    Call,
    Gather,
    Node,
    Plain,
    Spread,
    alike,
    chunk_groups,
    prefixed,
    sources_of,
    targets_of,
)
from rnnsym.kernels.fast.normal import Matvec, is_elementwise, matvecs
from rnnsym.kernels.fast.packs import Spaces, delayed, grouped, levels, packs, search
from rnnsym.kernels.fast.passes import Passes
from rnnsym.kernels.fast.regions import Plan
from rnnsym.kernels.fast.sharing import shared_rows
from rnnsym.kernels.fast.stages import Stage
from rnnsym.language.syntax import free_name


@dataclass(frozen=True)
class Layout:
    """A plan with places in memory.

    kinds: for each variable, what kind of place it has: see `kinds.py`.
    calls: by the loops' stages, the calls of a step in order. owners: whose slab a value uses. pad, lead: how many rows
    stand before the first step, and after the last one.
    """

    plan: Plan
    kinds: dict[str, str]
    spaces: Spaces
    calls: dict[Stage, tuple[Call, ...]]
    owners: dict[str, str]
    pad: int
    lead: int
    shapes: dict[str, tuple[Expr, ...]]
    passes: Passes

    @property
    def sizes(self) -> set[str]:
        """The names of all sizes."""
        return {str(symbol) for shape in self.shapes.values() for size in shape for symbol in size.free_symbols}


def layout(plan: Plan, passes: Passes | None = None) -> Layout:
    """Give every variable of a plan its place, and put the operations of its loops into calls."""
    return _Layouter(plan, passes or Passes()).layout()


class _Layouter:
    def __init__(self, plan: Plan, passes: Passes) -> None:
        self.passes = passes
        self.plan = plan
        self.variables = plan.variables
        self.shapes = {name: variable.shape for name, variable in plan.variables.items()}
        self.kinds = kinds_of(plan)
        self.owners = shared_rows(plan, self.kinds, self.shapes)
        self.nodes: dict[Stage, list[Node]] = {}
        #: The number of the region that computes a value, in its pass: each region has spaces of its own.
        self.numbers = dict(plan.numbers)
        #: Values of a step that lie where one lay that the next step had left.
        self.guests: set[str] = set()

    def layout(self) -> Layout:
        plan = self.plan
        for part in (plan.forward, plan.backward):
            for number, region in enumerate(part.regions):
                for stage in region.stages:
                    if stage.loop:
                        self.nodes[stage] = self._nodes(stage, number)
        spaces = self._spaces()
        calls = self._calls(spaces)
        return Layout(
            plan, self.kinds, spaces, calls, self.owners, self._pad(-1), self._pad(1), self.shapes, self.passes
        )

    def _pad(self, direction: int) -> int:
        """How many rows stand before the first step, or after the last one."""
        lags = [
            direction * time_of(found.time).offset
            for equation in (*self.plan.forward.equations, *self.plan.backward.equations, *self.plan.backward.sums)
            for term in equation.terms
            for found in accesses(term, self.variables)
            if found.time is not None and found.time.has(t)
        ]
        return max([1 if direction < 0 else 0, *lags])

    # Nodes

    def _nodes(self, stage: Stage, number: int) -> list[Node]:
        found: list[Node] = []
        plain: list[Equation] = []
        spread: dict[tuple[Indexed, tuple[Expr, ...]], list[tuple[Matvec, str]]] = {}
        own = {e.name for e in stage.equations}
        for equation in stage.equations:
            products = matvecs(equation, self.variables)
            if products is None:
                plain.append(equation)
            elif all(name_of(p.vector) in own and self.kinds[name_of(p.vector)] == COLUMN for p in products):
                found += self._gathers(equation, products)
            elif len(products) == 1:
                key = (products[0].vector, equation.variable.shape)
                spread.setdefault(key, []).append((products[0], equation.name))
            else:
                parts = []
                for product in products:
                    name = self._named(f"{equation.name}_{product.matrix_name}", equation.variable)
                    spread.setdefault((product.vector, equation.variable.shape), []).append((product, name))
                    parts.append(name)
                found += self._added(equation, parts)
        for (vector, shape), members in spread.items():
            lane = Lane(
                name_of(vector), time_of(vector.indices[0]).offset if self.variables[name_of(vector)].timed else 0
            )
            found.append(Spread(lane, tuple(m for m, _ in members), tuple(n for _, n in members), shape))
        for equation in plain:
            if not is_elementwise(equation, self.variables):
                found.append(Plain(equation))
        prefix = f"s{len(self.nodes)}_"
        for operation in operations([e for e in plain if is_elementwise(e, self.variables)], self.variables):
            found.append(prefixed(operation, prefix))
        for node in found:
            if isinstance(node, Operation):
                self.shapes.setdefault(node.target.name, node.shape)
                if node.target.temporary:
                    self.kinds[node.target.name] = WORK
            for name in targets_of(node):
                self.numbers.setdefault(name, number)
        return found

    def _gathers(self, equation: Equation, products: tuple[Matvec, ...]) -> list[Node]:
        """Vectors of one size lie side by side; several sizes make several products, which are added up."""
        groups: dict[tuple[Expr, ...], list[Matvec]] = {}
        for product in products:
            groups.setdefault(self.shapes[name_of(product.vector)], []).append(product)
        shape = equation.variable.shape
        targets = [equation.name]
        if len(groups) > 1:
            targets = [self._named(f"{equation.name}_{_size(size)}", equation.variable) for size in groups]
        found: list[Node] = [
            Gather(tuple(name_of(p.vector) for p in group), tuple(group), target, shape)
            for target, group in zip(targets, groups.values(), strict=True)
        ]
        return [*found, *(self._added(equation, targets) if len(groups) > 1 else [])]

    def _added(self, equation: Equation, parts: list[str]) -> list[Operation]:
        """The sum of several products."""
        found = []
        target = Lane(parts[0])
        for position, name in enumerate(parts[1:]):
            last = position == len(parts) - 2
            result = Lane(equation.name if last else self._named(f"{equation.name}_sum", equation.variable))
            sources = (target, Lane(name))
            found.append(Operation("add", result, sources, equation.variable.shape, equation if last else None))
            target = result
        return found

    def _named(self, hint: str, like: Variable) -> str:
        hint = free_name(hint, self.shapes)
        self.shapes[hint] = like.shape
        self.kinds[hint] = PRODUCT
        return hint

    # Spaces

    def _spaces(self) -> Spaces:
        for nodes in self.nodes.values():
            self._share_slabs(nodes)
            self._share_carried(nodes)
        orders: dict[str, list[str]] = {}
        members = [*dict.fromkeys([*self.kinds, *self.shapes])]
        for name in members:
            kind = self.kinds.get(name)
            if kind in (SLAB, GATES, COEFFICIENT, COLUMN, PRODUCT) or (
                kind in (WORK, CARRIED) and self.owners.get(name, name) == name and len(self.shapes[name]) == 1
            ):
                space = WORK if kind == CARRIED else kind
                number = self.numbers.get(name, 0)
                own = f"{space}:{_size(self.shapes[name])}" + (f":{number + 1}" if number else "")
                orders.setdefault(own, []).append(name)
        orders |= self._vectors()
        strides = frozenset(space for space in orders if space.startswith(SLAB))
        return Spaces(orders, strides, self._leaders(orders), self.passes.fuse)

    def _leaders(self, orders: dict[str, list[str]]) -> dict[str, str]:
        """Values of the spaces that follow, each with the result of the one operation that reads it."""
        found: dict[str, list[str]] = {}
        for nodes in self.nodes.values():
            for node in nodes:
                for lane in sources_of(node, self.variables):
                    target = targets_of(node)[0]
                    found.setdefault(lane.name, []).append(self.owners.get(target, target))
        follow = {
            n for space, order in orders.items() if space.startswith((GATES, PRODUCT, COEFFICIENT)) for n in order
        }
        return {name: targets[0] for name, targets in found.items() if name in follow and len(targets) == 1}

    def _vectors(self) -> dict[str, list[str]]:
        """Parameters that take part in elementwise operations of a loop."""
        found: dict[str, list[str]] = {}
        for nodes in self.nodes.values():
            for node in nodes:
                for lane in node.lanes if isinstance(node, Operation) else ():
                    if self.kinds.get(lane.name) == UNTIMED:
                        names = found.setdefault(f"{VECTOR}:{_size(self.shapes[lane.name])}", [])
                        if lane.name not in names:
                            names.append(lane.name)
        return found

    def _share_slabs(self, nodes: list[Node]) -> None:
        """Let a value that is needed once use the slab of what is computed from it, where that is its only reader."""
        found = [node for node in nodes if isinstance(node, Operation)]
        uses = [lane.name for node in nodes for lane in sources_of(node, self.variables)]
        made = {operation.target.name: operation.function for operation in found}
        for operation in reversed(found):
            free = [
                lane.name
                for lane in dict.fromkeys(operation.lanes)
                if lane.name in made
                and not lane.offset
                and self.kinds.get(lane.name) == WORK
                and uses.count(lane.name) == list(operation.lanes).count(lane)
                and self.shapes[lane.name] == operation.shape == self.shapes[operation.target.name]
            ]
            if len(free) > 1:  # a sum that goes on is added up in one place
                free = [name for name in free if made[name] == operation.function]
            if len(free) == 1 and self.kinds[operation.target.name] not in (COLUMN, OUTPUT, CHUNK):
                self.owners[free[0]] = self.owners.get(operation.target.name, operation.target.name)

    def _share_carried(self, nodes: list[Node]) -> None:
        """Let a value of a step lie where what it is computed from came over from the next step, once that is read."""
        readers: dict[str, list[tuple[Node, int]]] = {}
        for node in nodes:
            for lane in dict.fromkeys(sources_of(node, self.variables)):
                readers.setdefault(lane.name, []).append((node, lane.offset))
        makers = {name: node for node in nodes for name in targets_of(node)}
        for operation in nodes:
            target = operation.target.name if isinstance(operation, Operation) else ""
            if self.kinds.get(target) != WORK or target in self.owners or target in self.owners.values():
                continue
            for lane in operation.lanes if isinstance(operation, Operation) else ():
                name = lane.name
                if (
                    lane.offset
                    and self.kinds.get(name) == CARRIED
                    and name not in (*self.owners, *self.owners.values())
                    and readers[name] == [(operation, lane.offset)]
                    and self.shapes[name] == self.shapes[target]
                    and not self._follows([node for node, _ in readers.get(target, ())], makers, name)
                ):
                    self.owners[target] = name
                    self.guests.add(target)
                    if self._has_order(nodes):
                        break
                    del self.owners[target]
                    self.guests.remove(target)

    def _has_order(self, nodes: list[Node]) -> bool:
        """Whether nodes can be computed one after the other, where values lie as they do now."""
        needs = self._needs(nodes)
        try:
            TopologicalSorter({node: set(needs(node)) for node in nodes}).prepare()
        except CycleError:
            return False
        return True

    def _follows(self, nodes: list[Node], makers: dict[str, Node], name: str) -> bool:
        """Whether any of the nodes needs a value of its own step, directly or not; what makes it may read them."""
        waiting = [lane.name for node in nodes for lane in sources_of(node, self.variables) if not lane.offset]
        seen: set[str] = set()
        while waiting:
            read = waiting.pop()
            if read == name:
                return True
            if read in makers and read not in seen:
                seen.add(read)
                waiting += [lane.name for lane in sources_of(makers[read], self.variables) if not lane.offset]
        return False

    # Calls

    def _calls(self, spaces: Spaces) -> dict[Stage, tuple[Call, ...]]:
        found: dict[Stage, list[tuple[int, Node | list[Operation]]]] = {}
        groups: list[list[Operation]] = []
        for stage, nodes in self.nodes.items():
            ranks = self._ranks(nodes)
            own = [node for node in nodes if isinstance(node, Operation)]
            own_ranks = {node: ranks[node] for node in own}
            bundles = [(rank, [self._with_owners(node) for node in group]) for rank, group in grouped(own, own_ranks)]
            groups += [group for _, group in bundles]
            rest = [(ranks[node], node) for node in nodes if not isinstance(node, Operation)]
            found[stage] = [*bundles, *rest]
        together = self._together()
        apart = frozenset(s for s in spaces.orders if s.startswith((GATES, COLUMN)))
        search(spaces, groups, together, apart, coefficient_groups(self.plan, self.kinds))
        calls: dict[Stage, tuple[Call, ...]] = {}
        for stage, entries in found.items():
            ordered: list[Call] = []
            for _, entry in sorted(entries, key=lambda pair: pair[0]):
                ordered += packs(entry, spaces) if isinstance(entry, list) else [entry]  # type: ignore[list-item]
            calls[stage] = tuple(ordered)
        return calls

    def _with_owners(self, node: Operation) -> Operation:
        return Operation(
            node.function,
            self._owned(node.target),
            tuple(self._owned(s) if isinstance(s, Lane) else s for s in node.sources),
            node.shape,
            node.equation,
        )

    def _owned(self, lane: Lane) -> Lane:
        return Lane(self.owners.get(lane.name, lane.name), lane.offset)

    def _ranks(self, nodes: list[Node]) -> dict[Node, int]:
        """When each node can be computed."""
        needs = self._needs(nodes)
        return delayed(levels(nodes, needs), needs, alike)  # type: ignore[return-value]

    def _needs(self, nodes: list[Node]) -> Callable[[object], Iterable[object]]:
        """What each node waits for: what it reads, and the last look at what it overwrites."""
        makers: dict[str, list[Node]] = {}
        for node in nodes:
            for name in targets_of(node):
                makers.setdefault(name, []).append(node)
        lookers: dict[str, list[Node]] = {}
        guests: dict[str, list[Node]] = {}
        for node in nodes:
            for lane in sources_of(node, self.variables):
                if lane.offset and self.kinds.get(lane.name) == CARRIED:
                    lookers.setdefault(lane.name, []).append(node)
                if lane.name in self.guests:
                    guests.setdefault(self.owners[lane.name], []).append(node)

        def needs(node: object) -> Iterable[object]:
            for lane in sources_of(node, self.variables):  # type: ignore[arg-type]
                if not lane.offset:
                    yield from (maker for maker in makers.get(lane.name, ()) if maker is not node)
            for name in targets_of(node):  # type: ignore[arg-type]
                owner = self.owners.get(name, name)
                yield from (looker for looker in lookers.get(owner, ()) if looker is not node)
                yield from (reader for reader in guests.get(name, ()) if reader is not node)

        return needs

    def _together(self) -> list[tuple[frozenset[str], float]]:
        """What matrix products want side by side: in each step (weight 1), and in each chunk."""
        found: list[tuple[frozenset[str], float]] = []
        for nodes in self.nodes.values():
            for node in nodes:
                if isinstance(node, Gather):
                    found.append((frozenset(node.vectors), 1.0))
                if isinstance(node, Spread) and all(self.kinds[name] == PRODUCT for name in node.targets):
                    found.append((frozenset(node.targets), 1.0))
        for names in chunk_groups(self.plan, self.kinds, self.variables, self.shapes):
            found.append((frozenset(names), 0.1))
        return found


def _size(shape: tuple[Expr, ...]) -> str:
    return ",".join(str(size) for size in shape)
