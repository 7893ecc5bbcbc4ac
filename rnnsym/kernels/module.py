"""A schedule written out as a self-contained NumPy module."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import groupby

from sympy import Expr, Integer

from rnnsym.calculus.rules import adjoint_name
from rnnsym.equations.indexed import (
    INDEX_SET,
    Equation,
    Role,
    Select,
    T,
    Term,
    Variable,
    accesses,
    index_sizes,
    reads_of,
    s,
    t,
    time_of,
)
from rnnsym.equations.products import Place, layered
from rnnsym.errors import RnnsymError
from rnnsym.kernels.arrays import Array, Arrays
from rnnsym.kernels.fast import Passes, fast_source
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.numpy_code import SUM, delta_sizes, size_code, term_value
from rnnsym.kernels.schedule import GENERIC, Block, Program, Schedule
from rnnsym.kernels.starts import written
from rnnsym.kernels.template import HELPERS, IN_STEPS, STEP, TEMPLATE
from rnnsym.kernels.when import time_code, when_code
from rnnsym.language.model import Model
from rnnsym.language.syntax import Time
from rnnsym.language.timing import Interval
from rnnsym.notation.document import Content, printer_for
from rnnsym.notation.printers import Printer
from rnnsym.notation.story import printer_of
from rnnsym.version import __version__

INDENT = "    "


def write_module(
    content: Content,
    schedule: Schedule,
    sizes: Mapping[str, int],
    dtype: str,
    product: Program | None = None,
    fast: bool = True,
    passes: Passes | None = None,
) -> Kernel:
    """The kernel of a schedule; with the `product` of the Hessian and a direction, where its program is given.

    fast: `loss_and_grad` works on many steps at once, where the equations have that form.
    """
    content = replace(content, system=schedule.program.system)
    printer = printer_for(content, "text")
    if product is not None:
        printer = printer_of(content, product.variables, "text", None, "", False)
    quick = fast_source(content, schedule.program, passes) if fast else ""
    describe = partial(_described, printer=printer)
    writer = Writer(content.model, schedule, describe, sizes, dtype, __version__, quick)
    known = {str(symbol) for shape in content.model.shapes.values() for size in shape for symbol in size.free_symbols}
    for name, value in sizes.items():
        if name not in known:
            raise RnnsymError(f"{content.model.name} has no size {name!r}; its sizes are: {', '.join(sorted(known))}")
        if value < 1:
            raise RnnsymError(f"size {name} has to be a positive whole number, not {value!r}")
    for name in sorted(content.model.untold_sizes - set(sizes)):
        raise RnnsymError(f"no parameter and no input tells the size {name}: generate(model, sizes={{{name!r}: ...}})")
    keys = (*content.model.param_keys, *content.model.input_keys)
    shapes = {key: writer.shape(key) for key in keys}
    source = writer.source()
    if product is not None:
        from rnnsym.kernels.hessian import with_product

        source = with_product(writer, product, source)
    return Kernel(content.model.name, source, shapes, dict(sizes), dtype)


def _described(equation: Equation, printer: Printer) -> str:
    """An equation as the comment above its code."""
    return f"{printer.left(equation)} = {printer.right(equation)}"


class Writer:
    """Writes one module. `describe` gives an equation as a person reads it, for the comment above its code."""

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
        self.loss_and_grad = loss_and_grad
        self.model = model
        self.schedule = schedule
        self.describe = describe
        self.sizes = dict(sizes)
        self.dtype = dtype
        self.version = version
        self.arrays = Arrays(schedule.program)
        self.variables = schedule.program.variables

    def source(self) -> str:
        """The module's text."""
        forward = self.steps(self.schedule.forward)
        backward = self.steps(self.schedule.backward)
        outputs = self._outputs()
        body = TEMPLATE.format(
            title=self.model.title,
            version=self.version,
            equations=textwrap.indent(self.model.text, INDENT),
            header=self._header(),
            sizes=self._literal(self.sizes),
            parameters=self._table(self.model.param_keys, self._parameter_shape),
            inputs=self._table(self.model.input_keys, self._input_shape),
            targets=self._literal_set(self.targets()),
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
        step = STEP.format(state=self._state()) if self._is_stream() else ""
        body = body.replace("# STEP\n", step) if step else body.replace("# STEP\n\n\n", "")
        helpers = helper_text(body, self.schedule.program.minimum_length)
        return body.replace("# HELPERS\n", helpers.lstrip("\n") + "\n" if helpers else "").replace("\n\n\n\n", "\n\n\n")

    def _is_stream(self) -> bool:
        """Whether the outputs of a step need earlier steps alone, the same for every step."""
        if not self.model.sequences or self.schedule.program.minimum_length > 1:
            return False
        if any(time.anchor or time.offset > 0 for _, time in self.model.given):
            return False
        for equation in self._output_equations():
            if equation.time != GENERIC or equation.interval != Interval(Time("", 1), Time("T", 0)):
                return False
            for term in equation.terms:
                times = [time_of(found.time) for found in accesses(term, self.variables) if found.time is not None]
                if term.over or term.when is not None or any(e.anchor != "t" or e.offset > 0 for e in times):
                    return False
        return True

    def _state(self) -> str:
        return "(" + "".join(f'("{name}", {time.offset}), ' for name, time in self.model.given).rstrip() + ")"

    # Tables and literals

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

    # What is read and what is kept

    def targets(self) -> tuple[str, ...]:
        """Inputs that only the loss needs."""
        outputs = self._output_equations()
        needed = {key for equation in outputs for key in self._input_keys_of(equation)}
        spare = [key for key in self.model.input_keys if key not in needed and self._used(key)]
        # An input that alone says how large an output is has to stay.
        known = {
            part
            for key in (*self.model.param_keys, *self.model.input_keys)
            if key not in spare
            for part in self._sizes_of(key)
        }
        wanted = {str(symbol) for e in outputs for size in e.variable.shape for symbol in size.free_symbols} - known
        return tuple(key for key in spare if not wanted & self._sizes_of(key))

    def _sizes_of(self, key: str) -> set[str]:
        return {str(symbol) for size in self.variables[key.split("[")[0]].shape for symbol in size.free_symbols}

    def _used(self, key: str) -> bool:
        return any(key in self._input_keys_of(equation) for equation in self.schedule.program.forward)

    def _input_keys_of(self, equation: Equation) -> set[str]:
        names = _names(equation)
        return {key for key in self.model.input_keys if key.split("[")[0] in names}

    def _output_equations(self) -> list[Equation]:
        """The forward equations without the losses and what was named for the losses alone."""
        program = self.schedule.program
        dead = {program.loss, *(definition.target.name for definition in self.model.losses)}
        while True:
            live = [equation for equation in program.forward if equation.name not in dead]
            read = {name for equation in live for name in _names(equation) if name != equation.name}
            more = {e.name for e in live if e.variable.role is Role.INTERMEDIATE and e.name not in read}
            if not more:
                return live
            dead |= more

    def _outputs(self) -> tuple[Block, ...]:
        keep = set(self._output_equations())
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

    # Statements

    def steps(self, blocks: Iterable[Block]) -> list[str]:
        lines: list[str] = []
        for block in blocks:
            if block.interval is None:
                for statement in block.statements:
                    lines += self._statement(statement)
            else:
                lines += ["", self._loop(block)]
                lines += [INDENT + line for line in self._body(block)]
                lines.append("")
        while lines and not lines[-1]:
            lines.pop()
        while lines and not lines[0]:
            lines.pop(0)
        return lines

    @staticmethod
    def _loop(block: Block) -> str:
        assert block.interval is not None
        low, high = (
            time_code(block.interval.low),
            time_code(Time(block.interval.high.anchor, block.interval.high.offset + 1)),
        )
        if block.direction > 0:
            return f"for t in range({low}, {high}):"
        below = time_code(Time(block.interval.low.anchor, block.interval.low.offset - 1))
        return f"for t in range({time_code(block.interval.high)}, {below}, -1):"

    def _body(self, block: Block) -> list[str]:
        """The statements of a loop; those that hold at some of its times stand together under their condition."""
        lines: list[str] = []
        for interval, statements in groupby(block.statements, key=lambda statement: statement.interval):
            condition = "" if interval is None else when_code(interval, block.interval)
            inner = [line for statement in statements for line in self._statement(statement)]
            lines += [f"if {condition}:", *(INDENT + line for line in inner)] if condition else inner
        return lines

    def _statement(self, statement: Equation) -> list[str]:
        """The comment and the code of one equation."""
        return [f"# {self.describe(statement)}", *self._assignment(statement)]

    def _assignment(self, statement: Equation) -> list[str]:
        array = self.arrays.of(statement.name, statement.time if statement.time != GENERIC else None)
        target = array.code
        if array.rows:
            assert statement.time is not None
            target = f"{array.code}[{array.row(statement.time)}]"
        if any(
            isinstance(factor, Select) and factor.args[0] in statement.indices[:1]
            for term in statement.terms
            for factor in term.factors
        ):
            return self._stacked(statement, target)
        always = [term for term in statement.terms if term.when is None]
        guarded = [term for term in statement.terms if term.when is not None]
        lines = [f"{target} = {self._whole(always, statement, array)}"]
        for when, terms in groupby(guarded, key=lambda term: term.when):
            assert when is not None
            condition = when_code(when, statement.interval, None if statement.time == GENERIC else statement.time)
            code = self._sum(list(terms), statement)
            if not condition:
                lines.append(f"{target} += {code}")
            else:
                lines += [f"if {condition}:", f"{INDENT}{target} += {code}"]
        return lines

    def _whole(self, terms: list[Term], statement: Equation, array: Array) -> str:
        """The right side; what has no rows gets its full shape here, where the terms do not."""
        shape = [*(["B"] if array.batch else []), *(size_code(size) for size in statement.variable.shape)]
        tuple_code = f"({', '.join(shape)}{',' if len(shape) == 1 else ''})"
        if not terms:
            return "0.0" if array.rows or not shape else f"np.zeros({tuple_code}, DTYPE)"
        code = self._sum(terms, statement)
        guarded = len(terms) < len(statement.terms)
        axes = {axis for term in terms for axis in term_value(term, statement, self.arrays).axes}
        if array.rows or (len(axes) == len(shape) and not guarded):
            return code
        if len(axes) < len(shape):
            code = f"np.broadcast_to({code}, {tuple_code})"
            return f"np.array({code}, DTYPE)" if guarded else code
        return code

    def _sum(self, terms: list[Term], statement: Equation) -> str:
        code = ""
        for term in terms:
            part = term_value(term, statement, self.arrays).within(SUM)
            code += part if not code else f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        return code

    def _stacked(self, statement: Equation, target: str) -> list[str]:
        """A concatenation; a part that counts at some times only is added where it stands."""
        always = replace(statement, terms=tuple(term for term in statement.terms if term.when is None))
        lines = [f"{target} = {self._concatenation(always)}"]
        for term in statement.terms:
            if term.when is not None:
                at = None if statement.time == GENERIC else statement.time
                condition = when_code(term.when, statement.interval, at)
                alone = replace(statement, terms=(replace(term, when=None),))
                code = f"{target} = {target} + {self._concatenation(alone)}"
                lines += [f"if {condition}:", f"{INDENT}{code}"] if condition else [code]
        return lines

    def _concatenation(self, statement: Equation) -> str:
        """Terms by the part of the vector that they fill, side by side; parts that overlap are added."""
        parts: dict[Place, list[Term]] = {}
        offsets = [_select_of(term).args[2] for term in statement.terms]
        whole = statement.variable.shape[0]
        for term in statement.terms:
            select = _select_of(term)
            rest = tuple(
                factor.xreplace({select.args[1]: statement.indices[0]})
                for factor in term.factors
                if factor is not select
            )
            offset = select.args[2]
            size = index_sizes(term, self.variables).get(select.args[1])
            if size is None:  # a number fills the part up to the next one
                following = offsets[offsets.index(offset) + 1 :]
                size = next((other for other in following if other != offset), whole) - offset
            parts.setdefault((offset, size), []).append(Term(rest))
        layers = [self._layer(layer, parts, statement) for layer in layered(parts)]
        return " + ".join(layers) or f"np.zeros((B, {size_code(whole)}), DTYPE)"

    def _layer(self, places: list[Place], parts: Mapping[Place, list[Term]], statement: Equation) -> str:
        whole = statement.variable.shape[0]
        pieces = []
        filled: Expr = Integer(0)
        for offset, size in places:
            if offset != filled:  # a part that does not change with the parameters
                pieces.append(f"np.zeros((B, {size_code(offset - filled)}), DTYPE)")
            filled = offset + size
            # Each part is an equation of its own over the part's size.
            variable = replace(statement.variable, shape=(size,))
            terms = tuple(parts[offset, size])
            part = Equation(variable, statement.time, statement.indices, terms, statement.interval)
            code = self._sum(list(terms), part)
            axes = {axis for term in terms for axis in term_value(term, part, self.arrays).axes}
            pieces.append(code if len(axes) == 2 else f"np.broadcast_to({code}, (B, {size_code(size)}))")
        if filled != whole:
            pieces.append(f"np.zeros((B, {size_code(whole - filled)}), DTYPE)")
        return f"np.concatenate([{', '.join(pieces)}], axis=-1)"

    # Gradients

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


def _select_of(term: Term) -> Expr:
    """The factor that says which part of a concatenation a term fills."""
    return next(factor for factor in term.factors if isinstance(factor, Select))


def _names(equation: Equation) -> frozenset[str]:
    return reads_of(equation) | {equation.name}


def _size_symbols(factor: Expr) -> set[Expr]:
    return {symbol for symbol in factor.free_symbols if symbol.is_integer} - INDEX_SET - {t, s, T}
