"""How array libraries say what NumPy says: one table for each, and the translation of a piece of NumPy source.

Equations become NumPy source in one place (`numpy_code.py`, and the `code` of an operation). What differs in another
library is a row of its table; what has no row is called by the same name.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rnnsym.errors import RnnsymError

#: Source of a call from the sources of its arguments, positional and by keyword.
Spelling = str | Callable[[list[str], dict[str, str]], str]


@dataclass(frozen=True)
class Dialect:
    """A library's way to say things.

    namespace: the name under which its functions stand. same: functions that are called as in NumPy. other: the rest,
    by NumPy's name; a text is a template in {0}, {1}, ... helpers: functions of our own that generated code may call,
    by the name before the parenthesis. whole_index: every index names all axes, by an ellipsis at its end. inline:
    values that a loop alone reads are computed in it, because the compiler joins them to its other work.
    in_parts: some steps at a time are worked on, because the compiler writes in place.
    """

    name: str
    namespace: str
    same: frozenset[str]
    other: Mapping[str, Spelling]
    helpers: Mapping[str, str] = field(default_factory=dict)
    whole_index: bool = False
    inline: bool = False
    in_parts: bool = False

    def code(self, source: str, lists: frozenset[str] = frozenset()) -> str:
        """A line of NumPy source, an expression or an assignment, in this dialect.

        lists: the names of lists of rows; several rows of one are put together.
        """
        (statement,) = ast.parse(source).body
        return _double_quoted(ast.unparse(ast.fix_missing_locations(_Translation(self, lists).visit(statement))))

    def call(self, function: str, arguments: list[str], keywords: dict[str, str]) -> str:
        """The call of a NumPy function."""
        spelling = self.other.get(function)
        if spelling is None and function in self.same:
            parts = [*arguments, *(f"{name}={value}" for name, value in keywords.items())]
            return f"{self.namespace}.{function}({', '.join(parts)})"
        if spelling is None:
            raise RnnsymError(f"the {self.name} backend has no word for np.{function}")
        return spelling.format(*arguments, **keywords) if isinstance(spelling, str) else spelling(arguments, keywords)

    def used_helpers(self, body: str) -> list[str]:
        """The source of the helpers that a body calls, directly or through another one."""
        found: list[str] = []
        while True:
            text = body + "".join(found)
            more = [source for name, source in self.helpers.items() if f"{name}(" in text and source not in found]
            if not more:
                return [source for source in self.helpers.values() if source in found]
            found += more


class _Translation(ast.NodeTransformer):
    def __init__(self, dialect: Dialect, lists: frozenset[str]) -> None:
        self.dialect = dialect
        self.lists = lists

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        arguments = [_operand(argument) for argument in node.args]
        keywords = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
        function = node.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "np":
            return _expression(self.dialect.call(function.attr, arguments, keywords))
        if isinstance(function, ast.Attribute) and ast.unparse(function.value) == "np.linalg":
            return _expression(self.dialect.call(f"linalg.{function.attr}", arguments, keywords))
        if isinstance(function, ast.Attribute) and function.attr == "transpose":
            order = f"({', '.join(arguments)})"
            return _expression(self.dialect.call("transpose", [_operand(function.value), order], {}))
        # A bare name is a function of the kernel's own, softmax, or of Python, max(0, T - 3), which stays.
        if isinstance(function, ast.Name) and not hasattr(builtins, function.id) and function.id in self.dialect.other:
            return _expression(self.dialect.call(function.id, arguments, keywords))
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in self.lists:
            if isinstance(node.slice, ast.Slice):
                return _stacked(node.value, node.slice.lower, node.slice.upper)
            return node
        self.generic_visit(node)
        is_key = isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
        if self.dialect.whole_index and isinstance(node.ctx, ast.Load) and not is_key:
            parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
            if not any(isinstance(part, ast.Constant) and part.value is Ellipsis for part in parts):
                parts.append(ast.Constant(Ellipsis))
            node.slice = ast.Tuple(parts, ast.Load())
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return _stacked(node, None, None) if node.id in self.lists else node


def _stacked(rows: ast.Name, low: ast.expr | None, high: ast.expr | None) -> ast.expr:
    """Rows of a list as one array."""
    bounds = [low or ast.Constant(0), high or ast.Constant(None)]
    return ast.Call(ast.Name("rows_together", ast.Load()), [rows, *bounds], [])


def _operand(node: ast.expr) -> str:
    """Source that can stand beside any operator."""
    code = ast.unparse(node)
    return f"({code})" if isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.IfExp) else code


def _double_quoted(code: str) -> str:
    """The only texts in the code are keys and rules of einsum, without quotes in them."""
    return code.replace("'", '"')


def _expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def is_number(source: str) -> bool:
    """Whether source is a number and not an array: it names no array."""
    names = {node.id for node in ast.walk(ast.parse(source, mode="eval")) if isinstance(node, ast.Name)}
    return names <= {"T", "B"}


def keyword_call(name: str) -> Spelling:
    """The call of a function by another name."""

    def spelled(arguments: list[str], keywords: dict[str, str]) -> str:
        return f"{name}({', '.join([*arguments, *(f'{key}={value}' for key, value in keywords.items())])})"

    return spelled


#: Functions that every library calls as NumPy does.
COMMON = frozenset(
    "tanh exp expm1 log log1p sqrt abs sin cos floor sign where sum maximum minimum zeros_like linalg.inv".split()
)

SPLIT = '''def split(x, *sizes):
    """The parts of an array along its last axis."""
    stops = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    return [x[..., stop - size : stop] for stop, size in zip(stops, sizes)]
'''

LOOP = '''def scan(step, carry, rows, length, reverse=False):
    """`step(carry, row)` for each step in order: the last carry, and the results of all steps as arrays."""
    results = [None] * length
    for t in range(length - 1, -1, -1) if reverse else range(length):
        carry, results[t] = step(carry, [array[t, ...] for array in rows])
    return carry, [{stack}(column) for column in zip(*results)]
'''

STACKED = '''def rows_together(rows, low, high):
    """Some of the rows of a list as one array."""
    part = rows[low:high]
    return {stack}(part) if part else {stack}(rows[:1])[:0{rest}]
'''
