"""What kind of place in memory each value of a plan has."""

from __future__ import annotations

from sympy import Indexed

from rnnsym.equations.indexed import Equation, Role, Term, Variable, accesses, elements_in, elements_of, name_of, t
from rnnsym.kernels.arrays import single
from rnnsym.kernels.fast.normal import is_elementwise, matvecs
from rnnsym.kernels.fast.regions import Pass, Plan
from rnnsym.kernels.fast.stages import Stage

#: Rows of an input, as handed in.
SEQUENCE = "sequence"
#: No time: a parameter, a single input, or what a single statement computes.
UNTIMED = "untimed"
#: One row for each step, in an array of its own.
ROWS = "rows"
#: One slab for each step among those of other values, kept for the backward pass.
SLAB = "slab"
#: What matrix products with the same vector give for many steps, side by side for each step.
GATES = "gates"
#: Rows for the steps of a chunk.
CHUNK = "chunk"
#: A slab for each step of a part of a chunk.
COEFFICIENT = "coefficient"
#: Columns for each step of a chunk, beside those that the same matrix product takes.
COLUMN = "column"
#: One slab that a step leaves to the next one.
CARRIED = "carried"
#: One slab, the result of a matrix product.
PRODUCT = "product"
#: One slab, needed within a step.
WORK = "work"
#: Rows handed out.
OUTPUT = "output"
#: Parameters that take part in elementwise operations of a loop, side by side.
VECTOR = "vector"


def kinds_of(plan: Plan) -> dict[str, str]:
    """The kind of place of every variable of a plan."""
    return _Kinds(plan).kinds


def read_later(region: Pass, variables: dict[str, Variable]) -> set[str]:
    """What is read at another step than its own: it is kept for all steps, with zeros beyond the last one."""
    return {
        found.name
        for equation in (*region.equations, *region.sums)
        for term in equation.terms
        for found in accesses(term, variables)
        if found.time is not None and found.time.has(t) and found.time != t
    }


class _Kinds:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.variables = plan.variables
        self.kinds: dict[str, str] = {}
        self.shared = single(plan.written)
        later = read_later(plan.forward, plan.variables) | read_later(plan.backward, plan.variables)
        for name, variable in self.variables.items():
            if not variable.timed:
                self.kinds[name] = UNTIMED
            elif variable.role is Role.INPUT and name in plan.program.sequences:
                self.kinds[name] = ROWS if name in later else SEQUENCE
        self._kinds_forward()
        self._kinds_backward()

    def _kinds_forward(self) -> None:
        plan = self.plan
        whole = self._read_whole()
        loops = {e.name for stage in plan.forward.stages if stage.loop for e in stage.equations}
        in_loop = self._read_in(plan.forward, loop=True)
        beyond = self._read_beyond(plan.forward)
        for equation in plan.forward.equations:
            name = equation.name
            if name in plan.kept:
                single = name in whole or len(equation.variable.shape) != 1 or name not in loops
                self.kinds[name] = ROWS if single else SLAB
            elif name not in loops:
                gates = len(equation.variable.shape) == 1 and name in in_loop and self._is_affine(equation)
                self.kinds[name] = GATES if gates else CHUNK
            elif name in beyond:
                self.kinds[name] = CHUNK
            else:
                self.kinds[name] = PRODUCT if matvecs(equation, self.variables) else WORK

    def _kinds_backward(self) -> None:
        plan = self.plan
        region = plan.backward
        loops = {e.name: stage for stage in region.stages if stage.loop for e in stage.equations}
        outputs = {plan.variables[e.name].adjoint_of for e in region.equations} & set(plan.program.sequences)
        whole = self._read_whole()
        outside = {
            name_of(element)
            for equation in (*region.sums, *plan.after, *(e for s in region.stages if not s.loop for e in s.equations))
            for element in elements_of(equation)
        }
        in_loop = self._read_in(region, loop=True)
        lagged = read_later(region, self.variables)
        for equation in region.equations:
            name, shape = equation.name, equation.variable.shape
            if plan.variables[name].adjoint_of in outputs and plan.variables[name].role is Role.ADJOINT:
                self.kinds[name] = OUTPUT
            elif name in plan.carried:
                self.kinds[name] = CARRIED
            elif name in lagged or name in plan.kept:
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

    def _is_affine(self, equation: Equation) -> bool:
        """Whether an equation is one matrix product plus a parameter, or a parameter alone."""
        terms = [term for term in equation.terms if not self._is_parameter(term)]
        return (
            len(terms) <= 1
            and all(term.when is None for term in equation.terms)
            and (not terms or matvecs(only(equation, terms[0]), self.variables) is not None)
        )

    def _is_parameter(self, term: Term) -> bool:
        return all(found.name in self.shared for found in accesses(term, self.variables)) and (
            len({i for e in elements_in(term) if isinstance(e, Indexed) for i in e.indices}) <= 1
        )

    def _read_whole(self) -> set[str]:
        """What matrix products, sums over time or equations written as they are read."""
        found: set[str] = set()
        plan = self.plan
        for equation in (*plan.forward.equations, *plan.backward.equations):
            if not is_elementwise(equation, self.variables):
                found |= {name_of(element) for element in elements_of(equation)}
        for equation in (*plan.backward.sums, *plan.between, *plan.after):
            found |= {name_of(element) for element in elements_of(equation)}
        return found

    def _read_in(self, region: Pass, loop: bool) -> set[str]:
        return {name_of(e) for s in region.stages if s.loop == loop for q in s.equations for e in elements_of(q)}

    def _read_beyond(self, region: Pass) -> set[str]:
        """What a stage computes and another one reads."""
        return {
            name_of(element)
            for stage in region.stages
            for equation in stage.equations
            for element in elements_of(equation)
            if name_of(element) not in {own.name for own in stage.equations}
        }

    def _read_by_products(self, stage: Stage) -> set[str]:
        return {name_of(one.vector) for equation in stage.equations for one in matvecs(equation, self.variables) or ()}


def only(equation: Equation, term: Term) -> Equation:
    """An equation of one term of another one."""
    return Equation(equation.variable, equation.time, equation.indices, (term,), equation.interval)
