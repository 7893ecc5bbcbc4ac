"""Where every value of a plan lies, and the calls of its loops in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sympy import Expr, Indexed

from rnnsym.equations.indexed import Equation, Role, Term, Variable, accesses, elements, name_of, t, time_of
from rnnsym.kernels.fast.lanes import Lane, Operation, operations
from rnnsym.kernels.fast.normal import Irregular, Matvec, is_elementwise, matvecs
from rnnsym.kernels.fast.packs import Pack, Spaces, grouped, levels, packs, search
from rnnsym.kernels.fast.regions import Plan, Region, Stage

#: The kinds of place: see `Layout.kinds`.
SEQUENCE, UNTIMED, ROWS, SLAB, GATES, CHUNK = "sequence", "untimed", "rows", "slab", "gates", "chunk"
COEFFICIENT, COLUMN, CARRIED, PRODUCT, WORK, OUTPUT = "coefficient", "column", "carried", "product", "work", "output"


@dataclass(frozen=True)
class Spread:
    """One vector times several matrices: the targets lie side by side."""

    vector: Lane
    matvecs: tuple[Matvec, ...]
    targets: tuple[str, ...]
    shape: tuple[Expr, ...]


@dataclass(frozen=True)
class Gather:
    """Several vectors, side by side, times their matrices, summed in one target."""

    vectors: tuple[str, ...]
    matvecs: tuple[Matvec, ...]
    target: str
    shape: tuple[Expr, ...]


@dataclass(frozen=True)
class Plain:
    """An equation that is written as it is."""

    equation: Equation


Node = Operation | Spread | Gather | Plain
Call = Pack | Spread | Gather | Plain


@dataclass(frozen=True)
class Layout:
    """A plan with places in memory.

    kinds: for each variable, what kind of place it has:
      sequence    rows of an input, as handed in
      untimed     no time: a parameter, a single input, or what a single statement computes
      rows        one row for each step, in an array of its own
      slab        one slab for each step among those of other values, kept for the backward pass
      gates       what matrix products with the same vector give for many steps, side by side for each step
      chunk       rows for the steps of a chunk
      coefficient a slab for each step of a part of a chunk
      column      columns for each step of a chunk, beside those that the same matrix product takes
      carried     one slab that a step leaves to the next one
      product     one slab, the result of a matrix product
      work        one slab, needed within a step
      output      rows handed out
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


def layout(plan: Plan) -> Layout:
    """Give every variable of a plan its place, and put the operations of its loops into calls."""
    return _Layouter(plan).layout()


class _Layouter:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.variables = plan.variables
        self.shapes = {name: variable.shape for name, variable in plan.variables.items()}
        self.kinds: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.nodes: dict[Stage, list[Node]] = {}
        self.extra: list[str] = []

    def layout(self) -> Layout:
        plan = self.plan
        for name, variable in self.variables.items():
            if not variable.timed:
                self.kinds[name] = UNTIMED
            elif variable.role is Role.INPUT and name in plan.program.sequences:
                self.kinds[name] = (
                    ROWS if name in self._read_later(plan.forward) | self._read_later(plan.backward) else SEQUENCE
                )
        self._kinds_forward()
        self._kinds_backward()
        for region in (plan.forward, plan.backward):
            for stage in region.stages:
                if stage.loop:
                    self.nodes[stage] = self._nodes(stage, region)
        spaces = self._spaces()
        calls = self._calls(spaces)
        return Layout(plan, self.kinds, spaces, calls, self.owners, self._pad(-1), self._pad(1), self.shapes)

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

    # Kinds

    def _kinds_forward(self) -> None:
        plan = self.plan
        whole = self._read_whole()
        loops = {e.name for stage in plan.forward.stages if stage.loop for e in stage.equations}
        in_loop = self._read_in(plan.forward, loop=True)
        for equation in plan.forward.equations:
            name = equation.name
            if name in plan.kept:
                single = name in whole or len(equation.variable.shape) != 1 or name not in loops
                self.kinds[name] = ROWS if single else SLAB
            elif name not in loops:
                gates = len(equation.variable.shape) == 1 and name in in_loop and self._is_affine(equation)
                self.kinds[name] = GATES if gates else CHUNK
            else:
                self.kinds[name] = PRODUCT if matvecs(equation, self.variables) else WORK

    def _kinds_backward(self) -> None:
        plan = self.plan
        region = plan.backward
        loops = {e.name: stage for stage in region.stages if stage.loop for e in stage.equations}
        outputs = {f for f in (plan.variables[e.name].adjoint_of for e in region.equations)} & set(
            plan.program.sequences
        )
        whole = self._read_whole()
        outside = {
            name_of(element)
            for equation in (*region.sums, *plan.after, *(e for s in region.stages if not s.loop for e in s.equations))
            for element in _elements(equation)
        }
        in_loop = self._read_in(region, loop=True)
        lagged = self._read_later(region)
        for equation in region.equations:
            name, shape = equation.name, equation.variable.shape
            if plan.variables[name].adjoint_of in outputs and plan.variables[name].role is Role.ADJOINT:
                self.kinds[name] = OUTPUT
            elif name in plan.carried:
                self.kinds[name] = CARRIED
            elif name in lagged:
                self.kinds[name] = ROWS
            elif name in loops:
                stage = loops[name]
                summed = name in self._read_by_products(stage) or (name in whole and name in outside)
                if summed and len(shape) == 1:
                    self.kinds[name] = COLUMN
                elif name in outside:
                    self.kinds[name] = CHUNK
                else:
                    self.kinds[name] = PRODUCT if matvecs(equation, self.variables) else WORK
            elif (
                name in in_loop
                and name not in outside
                and len(shape) == 1
                and is_elementwise(equation, self.variables)
                and all(term.when is None for term in equation.terms)
            ):
                self.kinds[name] = COEFFICIENT
            else:
                self.kinds[name] = CHUNK

    def _read_later(self, region: Region) -> set[str]:
        """What is read at another step than its own: it is kept for all steps, with zeros beyond the last one."""
        return {
            found.name
            for equation in (*region.equations, *region.sums)
            for term in equation.terms
            for found in accesses(term, self.variables)
            if found.time is not None and found.time.has(t) and found.time != t
        }

    def _is_affine(self, equation: Equation) -> bool:
        """Whether an equation is one matrix product plus a parameter, or a parameter alone."""
        terms = [term for term in equation.terms if not self._is_parameter(term)]
        return (
            len(terms) <= 1
            and all(term.when is None for term in equation.terms)
            and (not terms or matvecs(_only(equation, terms[0]), self.variables) is not None)
        )

    def _is_parameter(self, term: Term) -> bool:
        return all(not self.variables[found.name].timed for found in accesses(term, self.variables)) and (
            len({i for e in _term_elements(term) if isinstance(e, Indexed) for i in e.indices}) <= 1
        )

    def _read_whole(self) -> set[str]:
        """What matrix products, sums over time or equations written as they are read."""
        found: set[str] = set()
        plan = self.plan
        for equation in (*plan.forward.equations, *plan.backward.equations):
            if not is_elementwise(equation, self.variables):
                found |= {name_of(element) for element in _elements(equation)}
        for equation in (*plan.backward.sums, *plan.between, *plan.after):
            found |= {name_of(element) for element in _elements(equation)}
        return found

    def _read_in(self, region: Region, loop: bool) -> set[str]:
        return {name_of(e) for s in region.stages if s.loop == loop for q in s.equations for e in _elements(q)}

    def _read_by_products(self, stage: Stage) -> set[str]:
        return {name_of(one.vector) for equation in stage.equations for one in matvecs(equation, self.variables) or ()}

    # Nodes

    def _nodes(self, stage: Stage, region: Region) -> list[Node]:
        found: list[Node] = []
        plain: list[Equation] = []
        spread: dict[tuple[object, ...], list[tuple[Matvec, str]]] = {}
        own = {e.name for e in stage.equations}
        for equation in stage.equations:
            products = matvecs(equation, self.variables)
            if products is None:
                plain.append(equation)
            elif region.direction < 0 and all(
                name_of(p.vector) in own and self.kinds[name_of(p.vector)] == COLUMN for p in products
            ):
                shapes = {self.shapes[name_of(p.vector)] for p in products}
                if len(shapes) == 1:
                    names = tuple(name_of(p.vector) for p in products)
                    found.append(Gather(names, products, equation.name, equation.variable.shape))
                    continue
                raise Irregular("vectors of several sizes in one sum")
            elif len(products) == 1:
                key = (products[0].vector, equation.variable.shape)
                spread.setdefault(key, []).append((products[0], equation.name))
            else:
                names = []
                for product in products:
                    name = self._named(f"{equation.name}_{product.matrix_name}", equation.variable)
                    spread.setdefault((product.vector, equation.variable.shape), []).append((product, name))
                    names.append(name)
                target = Lane(names[0])
                for position, name in enumerate(names[1:]):
                    last = position == len(names) - 2
                    result = Lane(equation.name if last else self._named(f"{equation.name}_sum", equation.variable))
                    found.append(
                        Operation(
                            "add", result, (target, Lane(name)), equation.variable.shape, equation if last else None
                        )
                    )
                    target = result
        for (vector, shape), members in spread.items():  # type: ignore[misc]
            lane = Lane(
                name_of(vector), time_of(vector.indices[0]).offset if self.variables[name_of(vector)].timed else 0
            )
            found.append(Spread(lane, tuple(m for m, _ in members), tuple(n for _, n in members), shape))
        for equation in plain:
            if not is_elementwise(equation, self.variables):
                found.append(Plain(equation))
        prefix = f"s{len(self.nodes)}_"
        for operation in operations([e for e in plain if is_elementwise(e, self.variables)], self.variables):
            found.append(_prefixed(operation, prefix))
        for node in found:
            if isinstance(node, Operation):
                self.shapes.setdefault(node.target.name, node.shape)
                if node.target.temporary:
                    self.kinds[node.target.name] = WORK
        return found

    def _named(self, hint: str, like: Variable) -> str:
        while hint in self.shapes:
            hint += "_"
        self.shapes[hint] = like.shape
        self.kinds[hint] = PRODUCT
        return hint

    # Spaces

    def _spaces(self) -> Spaces:
        for stage, nodes in self.nodes.items():
            self._share_slabs([node for node in nodes if isinstance(node, Operation)])
        orders: dict[str, list[str]] = {}
        members = [*dict.fromkeys([*self.kinds, *self.shapes])]
        for name in members:
            kind = self.kinds.get(name)
            if kind in (SLAB, GATES, COEFFICIENT, COLUMN, PRODUCT) or (
                kind in (WORK, CARRIED) and self.owners.get(name, name) == name and len(self.shapes[name]) == 1
            ):
                space = WORK if kind == CARRIED else kind
                orders.setdefault(f"{space}:{_size(self.shapes[name])}", []).append(name)
        orders |= self._vectors()
        strides = frozenset(space for space in orders if space.startswith(SLAB))
        return Spaces(orders, strides, self._leaders(orders))

    def _leaders(self, orders: dict[str, list[str]]) -> dict[str, str]:
        """Values of the spaces that follow, each with the result of the one operation that reads it."""
        found: dict[str, list[str]] = {}
        for nodes in self.nodes.values():
            for node in nodes:
                for lane in _sources(node, self.variables):
                    target = _targets(node)[0]
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
                        names = found.setdefault(f"vector:{_size(self.shapes[lane.name])}", [])
                        if lane.name not in names:
                            names.append(lane.name)
        return found

    def _share_slabs(self, found: list[Operation]) -> None:
        """Let a value that is needed once use the slab of what is computed from it, where that is the only such value."""
        last: dict[str, int] = {}
        for position, operation in enumerate(found):
            for lane in operation.lanes:
                last[lane.name] = position
        uses = [lane.name for operation in found for lane in operation.lanes]
        made = {operation.target.name for operation in found}
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
            if len(free) == 1 and self.kinds[operation.target.name] not in (COLUMN, OUTPUT, CHUNK):
                self.owners[free[0]] = self.owners.get(operation.target.name, operation.target.name)

    # Calls

    def _calls(self, spaces: Spaces) -> dict[Stage, tuple[Call, ...]]:
        owned = {stage: [self._with_owners(node) for node in nodes] for stage, nodes in self.nodes.items()}
        found: dict[Stage, list[tuple[int, Node | list[Operation]]]] = {}
        groups: list[list[Operation]] = []
        for stage, nodes in self.nodes.items():
            ranks = self._ranks(nodes)
            translated = dict(zip(nodes, owned[stage], strict=True))
            own = [node for node in nodes if isinstance(node, Operation)]
            bundles = [(rank, [translated[o] for o in group]) for rank, group in grouped(own, ranks)]  # type: ignore[arg-type,misc]
            groups += [group for _, group in bundles]  # type: ignore[misc]
            rest = [(ranks[node], node) for node in nodes if not isinstance(node, Operation)]
            found[stage] = [*bundles, *rest]  # type: ignore[list-item]
        together = self._together()
        search(spaces, groups, together, frozenset(s for s in spaces.orders if s.startswith((GATES, COLUMN))))
        calls: dict[Stage, tuple[Call, ...]] = {}
        for stage, entries in found.items():
            ordered: list[Call] = []
            for _, entry in sorted(entries, key=lambda pair: pair[0]):
                ordered += packs(entry, spaces) if isinstance(entry, list) else [entry]  # type: ignore[list-item]
            calls[stage] = tuple(ordered)
        return calls

    def _with_owners(self, node: Node) -> Node:
        if not isinstance(node, Operation):
            return node
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
        """When each node can be computed: after what it reads, and after the last look at what it overwrites."""
        makers: dict[str, list[Node]] = {}
        for node in nodes:
            for name in _targets(node):
                makers.setdefault(name, []).append(node)
        lookers: dict[str, list[Node]] = {}
        for node in nodes:
            for lane in _sources(node, self.variables):
                if lane.offset and self.kinds.get(lane.name) == CARRIED:
                    lookers.setdefault(lane.name, []).append(node)

        def needs(node: object) -> Iterable[object]:
            for lane in _sources(node, self.variables):  # type: ignore[arg-type]
                if not lane.offset:
                    yield from (maker for maker in makers.get(lane.name, ()) if maker is not node)
            for name in _targets(node):  # type: ignore[arg-type]
                owner = self.owners.get(name, name)
                yield from (looker for looker in lookers.get(owner, ()) if looker is not node)

        return levels(nodes, needs)  # type: ignore[return-value]

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


def chunk_groups(
    plan: Plan, kinds: dict[str, str], variables: dict[str, Variable], shapes: dict[str, tuple[Expr, ...]]
) -> list[tuple[str, ...]]:
    """Variables that matrix products for many steps take or give together."""
    found: list[tuple[str, ...]] = []
    gates: dict[object, list[str]] = {}
    for equation in plan.forward.equations:
        if kinds[equation.name] == GATES:
            for term in equation.terms:
                for one in matvecs(_only(equation, term), variables) or ():
                    gates.setdefault((one.vector, shapes[equation.name]), []).append(equation.name)
    found += [tuple(names) for names in gates.values()]
    sums: dict[object, list[str]] = {}
    for equation in plan.backward.sums:
        pair = outer_pair(equation)
        if pair is not None and kinds[name_of(pair[0])] == COLUMN:
            sums.setdefault((pair[1], shapes[name_of(pair[0])]), []).append(name_of(pair[0]))
    found += [tuple(names) for names in sums.values()]
    for stage in plan.backward.stages:
        for equation in () if stage.loop else stage.equations:
            products = matvecs(equation, variables) or ()
            names = tuple(name_of(p.vector) for p in products)
            if names and all(kinds[name] == COLUMN for name in names):
                found.append(names)
    return found


def outer_pair(equation: Equation) -> tuple[Indexed, Indexed] | None:
    """The two values of a sum over time of outer products, a[t, i] b[t, j], in standard indices."""
    if len(equation.indices) != 2 or len(equation.terms) != 1 or len(equation.terms[0].factors) != 2:
        return None
    row, column = equation.indices
    found: dict[Expr, Indexed] = {}
    for factor in equation.terms[0].factors:
        if not isinstance(factor, Indexed) or len(factor.indices) != 2 or not factor.indices[0].has(t):
            return None
        found[factor.indices[1]] = factor
    if set(found) != {row, column}:
        return None
    return found[row], found[column].xreplace({column: row})


def _only(equation: Equation, term: Term) -> Equation:
    return Equation(equation.variable, equation.time, equation.indices, (term,), equation.interval)


def _elements(equation: Equation) -> list[Expr]:
    return [element for term in equation.terms for element in _term_elements(term)]


def _term_elements(term: Term) -> list[Expr]:
    return [element for factor in term.factors for element in elements(factor)]


def _size(shape: tuple[Expr, ...]) -> str:
    return ",".join(str(size) for size in shape)


def _prefixed(operation: Operation, prefix: str) -> Operation:
    def renamed(lane: Lane) -> Lane:
        return Lane(prefix + lane.name, lane.offset, True) if lane.temporary else lane

    sources = tuple(renamed(s) if isinstance(s, Lane) else s for s in operation.sources)
    return Operation(operation.function, renamed(operation.target), sources, operation.shape, operation.equation)


def _targets(node: Node) -> tuple[str, ...]:
    if isinstance(node, Operation):
        return (node.target.name,)
    if isinstance(node, Spread):
        return node.targets
    return (node.target,) if isinstance(node, Gather) else (node.equation.name,)


def _sources(node: Node, variables: dict[str, Variable]) -> tuple[Lane, ...]:
    if isinstance(node, Operation):
        return node.lanes
    if isinstance(node, Spread):
        return (node.vector,)
    if isinstance(node, Gather):
        return tuple(Lane(name) for name in node.vectors)
    return tuple(
        Lane(found.name, 0 if found.time is None else time_of(found.time).offset)
        for term in node.equation.terms
        for found in accesses(term, variables)
    )
