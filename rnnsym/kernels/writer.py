"""A module's text around its statements: tables, what is read, what is kept, and what is returned."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping

from sympy import Expr

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import INDEX_SET, Equation, Role, T, Variable, s, t
from rnnsym.kernels.arrays import Array
from rnnsym.kernels.numpy_code import delta_sizes, size_code
from rnnsym.kernels.outputs import is_stream, output_equations, state, targets
from rnnsym.kernels.schedule import GENERIC, Block, Schedule
from rnnsym.kernels.starts import written
from rnnsym.kernels.statements import INDENT, Statements
from rnnsym.kernels.template import HELPERS, IN_STEPS, STEP, TEMPLATE
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time


class Writer(Statements):
    """Writes one module."""

    def __init__(
        self,
        model: Model,
        schedule: Schedule,
        describe: Callable[[Equation], str],
        sizes: Mapping[str, int],
        dtype: str,
        version: str,
        loss_and_grad: str = "",
    ) -> None:
        super().__init__(schedule, describe)
        self.loss_and_grad = loss_and_grad
        self.model = model
        self.sizes = dict(sizes)
        self.dtype = dtype
        self.version = version

    def source(self) -> str:
        """The module's text."""
        forward = self.steps(self.schedule.forward)
        backward = self.steps(self.schedule.backward)
        outputs, program = self._outputs(), self.schedule.program
        body = TEMPLATE.format(
            title=self.model.title,
            version=self.version,
            equations=textwrap.indent(self.model.text, INDENT),
            header=self._header(),
            sizes=self._literal(self.sizes),
            parameters=self._table(self.model.param_keys, self._parameter_shape),
            inputs=self._table(self.model.input_keys, self._input_shape),
            targets=self._literal_set(targets(self.model, program)),
            dtype=self.dtype,
            **written(self.model, "", "DTYPE"),
            forward_unpack=self.lines(self.unpack(self.schedule.forward)),
            forward=self.lines(forward),
            loss=self.arrays.of(self.schedule.program.loss, None).code,
            kept=self.lines(self._kept()),
            predict_unpack=self.lines(self.unpack(outputs)),
            predict=self.lines(self.steps(outputs)),
            outputs=self.lines(self._kept(outputs)),
            backward_unpack=self.lines(self._unpack_values()),
            backward=self.lines(backward),
            gradients=self.lines(self._gradients()),
            minimum=self.schedule.program.minimum_length,
            length=self.length(),
            batch=self.batch(),
            loss_and_grad=self.loss_and_grad or IN_STEPS.format(minimum=self.schedule.program.minimum_length).rstrip(),
        )
        step = STEP.format(state=state(self.model)) if is_stream(self.model, program) else ""
        body = body.replace("# STEP\n", step) if step else body.replace("# STEP\n\n\n", "")
        helpers = helper_text(body, self.schedule.program.minimum_length)
        return body.replace("# HELPERS\n", helpers.lstrip("\n") + "\n" if helpers else "").replace("\n\n\n\n", "\n\n\n")

    def _header(self) -> str:
        lines = []
        for source in self.model.sources:
            fields = dict(source.fields)
            parts = [
                fields[key] for key in ("author", "title", "journal", "booktitle", "publisher", "year") if key in fields
            ]
            lines += textwrap.wrap("Source: " + ", ".join(parts) + ".", 100)
        return "\n".join(lines) + ("\n\n" if lines else "")

    def shape(self, key: str) -> tuple[str, ...]:
        """The shape of a parameter or an input, by names of sizes."""
        return self._parameter_shape(key) if key in self.model.param_keys else self._input_shape(key)

    def _parameter_shape(self, name: str) -> tuple[str, ...]:
        return tuple(size_code(size) for size in self.variables[name].shape)

    def _input_shape(self, key: str) -> tuple[str, ...]:
        name = key.split("[")[0]
        leading = ("T", "B") if key in self.model.sequences else ("B",)
        return (*leading, *self._parameter_shape(name))

    def _table(self, keys: Iterable[str], shape: Callable[[str], tuple[str, ...]]) -> str:
        rows = [f'{INDENT}"{key}": {self._tuple(shape(key))},' for key in keys]
        return "{\n" + "\n".join(rows) + "\n}" if rows else "{}"

    @staticmethod
    def _tuple(parts: tuple[str, ...]) -> str:
        return "(" + ", ".join(f'"{part}"' for part in parts) + ("," if len(parts) == 1 else "") + ")"

    @staticmethod
    def _literal(values: Mapping[str, int]) -> str:
        return "{" + ", ".join(f'"{key}": {value}' for key, value in values.items()) + "}"

    @staticmethod
    def _literal_set(values: Iterable[str]) -> str:
        return "(" + "".join(f'"{value}", ' for value in values).rstrip() + ")"

    @staticmethod
    def lines(lines: Iterable[str]) -> str:
        return "\n".join(INDENT + line if line else "" for line in lines)

    def _outputs(self) -> tuple[Block, ...]:
        keep = set(output_equations(self.model, self.schedule.program))
        blocks = []
        for block in self.schedule.forward:
            statements = tuple(statement for statement in block.statements if statement in keep)
            if statements:
                blocks.append(Block(statements, block.interval, block.direction))
        return tuple(blocks)

    def forward_arrays(self, blocks: Iterable[Block]) -> list[Array]:
        found: dict[str, Array] = {}
        for block in blocks:
            for statement in block.statements:
                array = self.arrays.of(statement.name, statement.time if statement.time != GENERIC else None)
                found[array.code] = array
        return list(found.values())

    def unpack(self, blocks: Iterable[Block], zeros: bool = False) -> list[str]:
        """Parameters and inputs by name, and room for what is computed; `zeros` where it is zero until then."""
        blocks = tuple(blocks)
        names = {name for block in blocks for s in block.statements for name in _names(s)}
        lines = [
            f'{self.arrays.of(name, None).code} = params["{name}"]' for name in self.model.param_keys if name in names
        ]
        lines += self._input_lines(names)
        lines += self._size_lines(block_statements(blocks))
        for array in self.forward_arrays(blocks):
            if array.rows:
                lines.append(self.empty(array, zeros))
        return lines + self._given_lines(names)

    def _input_lines(self, names: set[str]) -> list[str]:
        lines = []
        for name in self.model.sequences:
            if name not in names:
                continue
            array = self.arrays.of(name, None)
            early = [Time("", offset) for offset in range(array.base, 1)]
            late = [Time("T", offset) for offset in range(1, array.late + 1)]
            before, after = (
                [f'inputs["{name}[{time}]"][None]' for time in times if (name, time) in self.model.given]
                for times in (early, late)
            )
            if before or after:
                parts = ", ".join([*before, f'inputs["{name}"]', *after])
                lines.append(f"{array.code} = np.concatenate([{parts}])")
            else:
                lines.append(f'{array.code} = inputs["{name}"]')
        for name, time in self.model.given:
            found = self.arrays.get(name, time)
            if found is not None and not found.rows and name in names:
                lines.append(f'{found.code} = inputs["{name}[{time}]"]')
        for name in self.model.inputs:
            if name in names:
                lines.append(f'{self.arrays.of(name, None).code} = inputs["{name}"]')
        return lines

    def _given_lines(self, names: set[str]) -> list[str]:
        """Values from before the first step go into the first rows, those from after the last into the last."""
        lines = []
        for name, time in self.model.given:
            array = self.arrays.get(name, time)
            if array is None or not array.rows or name in self.model.sequences or name not in names:
                continue
            # What nothing here reads has no row, and must not fall into that of another time.
            if time.offset <= array.late if time.anchor else time.offset >= array.base:
                lines.append(f'{array.code}[{array.row(time)}] = inputs["{name}[{time}]"]')
        return lines

    def _size_lines(self, statements: tuple[Equation, ...], variables: Iterable[Variable] = ()) -> list[str]:
        """The sizes that statements, and arrays of zeros for `variables`, mention."""
        wanted = {str(symbol) for variable in variables for size in variable.shape for symbol in size.free_symbols}
        wanted |= {
            str(symbol)
            for statement in statements
            for term in statement.terms
            for factor in term.factors
            for symbol in _size_symbols(factor)
        }
        wanted |= {
            str(symbol)
            for statement in statements
            for size in delta_sizes(statement, self.variables)
            for symbol in size.free_symbols
        }
        wanted |= {
            str(symbol)
            for statement in statements
            if not statement.terms or self._needs_sizes(statement)
            for size in statement.variable.shape
            for symbol in size.free_symbols
        }
        rows = {str(s) for st in statements if self.arrays.of(st.name, st.time if st.time != GENERIC else None).rows
                for size in st.variable.shape for s in size.free_symbols}  # fmt: skip
        return [f'{size} = sizes["{size}"]' for size in sorted(wanted | rows)]

    def _needs_sizes(self, statement: Equation) -> bool:
        array = self.arrays.of(statement.name, statement.time if statement.time != GENERIC else None)
        return not array.rows

    def empty(self, array: Array, zeros: bool = False) -> str:
        shape = ", ".join([array.count, "B", *(size_code(size) for size in array.variable.shape)])
        return f"{array.code} = np.{'zeros' if zeros else 'empty'}(({shape}), DTYPE)"

    def _kept(self, blocks: tuple[Block, ...] | None = None) -> list[str]:
        """The dictionary of computed values; rows begin with step 1 for a reader, so the whole array stays inside."""
        arrays = self.forward_arrays(self.schedule.forward if blocks is None else blocks)
        if blocks is None:
            return [f'    "{array.key}": {array.code},' for array in arrays]
        return [
            f'    "{array.key}": {self._from_first(array)},'
            for array in arrays
            if array.variable.role is not Role.INTERMEDIATE
        ]

    def _from_first(self, array: Array) -> str:
        if not array.rows:
            return array.code
        return f"{array.code}[{array.row(Time('', 1))}:{array.row(Time('T', 1)) if array.late else ''}]"

    def _unpack_values(self) -> list[str]:
        statements = block_statements(self.schedule.backward)
        names = {name for statement in statements for name in _names(statement)}
        lines = [
            f'{self.arrays.of(name, None).code} = params["{name}"]' for name in self.model.param_keys if name in names
        ]
        lines += self._input_lines(names)
        lines += [
            f'{array.code} = values["{array.key}"]'
            for array in self.forward_arrays(self.schedule.forward)
            if array.variable.name in names
        ]
        lines += self._size_lines(statements, self._zero_gradients())
        for array in self.forward_arrays(self.schedule.backward):
            if array.rows:
                lines.append(self.empty(array))
        return lines

    def _gradient_array(self, key: str) -> tuple[Array | None, Time | None]:
        name, _, rest = key.partition("[")
        time = next((time for other, time in self.model.given if f"{other}[{time}]" == key), None)
        return self.arrays.get(adjoint_name(name), time if rest else None), time

    def _zero_gradients(self) -> list[Variable]:
        """What no equation uses, and whose gradient is therefore zero."""
        keys = self.schedule.program.wanted
        return [self.variables[key.split("[")[0]] for key in keys if self._gradient_array(key)[0] is None]

    def _gradients(self) -> list[str]:
        lines = []
        for key in self.schedule.program.wanted:
            array, time = self._gradient_array(key)
            shape = self.shape(key)
            if array is None:
                code = f"np.zeros(({', '.join(shape)}{',' if len(shape) == 1 else ''}), DTYPE)"
            elif array.rows and time is None:
                code = self._from_first(array) if array.base < 1 or array.late else array.code
            elif array.rows and time is not None:
                code = f"{array.code}[{array.row(time)}]"
            else:
                code = array.code
            lines.append(f'    "{key}": {code},')
        return lines

    def length(self) -> str:
        return 'sizes["T"]' if self.model.timed else "1"

    def batch(self) -> str:
        return 'sizes["B"]' if self.model.input_keys else "1"


def helper_text(body: str, minimum: int) -> str:
    """The functions that a module's text calls and does not define, and those that these call."""
    found: dict[str, str] = {}
    waiting = [body]
    while waiting:
        text = waiting.pop()
        for name in HELPERS:
            if f"{name}(" in text and name not in found:
                found[name] = HELPERS[name].replace("SHORTEST_SEQUENCE", str(minimum))
                waiting.append(found[name])
    return "".join(f"\n\n{found[name]}" for name in HELPERS if name in found)


def block_statements(blocks: Iterable[Block]) -> tuple[Equation, ...]:
    """All statements of some blocks."""
    return tuple(statement for block in blocks for statement in block.statements)


def _names(equation: Equation) -> frozenset[str]:
    return equation.reads | {equation.name}


def _size_symbols(factor: Expr) -> set[Expr]:
    return {symbol for symbol in factor.free_symbols if symbol.is_integer} - INDEX_SET - {t, s, T}
