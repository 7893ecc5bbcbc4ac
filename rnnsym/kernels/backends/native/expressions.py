"""Expressions: factors of an equation, and the NumPy code of the table of operations."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from sympy import Add, Expr, Integer, KroneckerDelta, Mul, Pow, Rational, Symbol

from rnnsym.equations.indexed import INDEX_SET, T
from rnnsym.errors import RnnsymError
from rnnsym.kernels.backends.native.reserved import RESERVED
from rnnsym.kernels.backends.native.syntax import Syntax
from rnnsym.operations import Elementwise, Pairwise, operation_of

OPERATORS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISONS: dict[type, str] = {ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<="}


def number(value: Expr | Fraction | float | int, syntax: Syntax) -> str:
    """A number in the kernel's type."""
    if isinstance(value, Rational):
        value = Fraction(int(value.p), int(value.q))
    if isinstance(value, int):
        value = Fraction(value)
    return syntax.number(value if isinstance(value, Fraction) else float(value))


def call(function: str, arguments: Sequence[str], syntax: Syntax) -> str:
    """A NumPy function, or a piece of NumPy code with {0}, {1}, of arguments in the language of the kernel."""
    if function in syntax.calls:
        return syntax.calls[function].format(*arguments)
    names = [f"argument_{position}" for position in range(len(arguments))]
    tree = ast.parse(function.format(*names), mode="eval").body
    return _translated(tree, dict(zip(names, arguments, strict=True)), syntax)


def _translated(tree: ast.expr, names: Mapping[str, str], syntax: Syntax) -> str:
    """NumPy code in the language of the kernel."""

    def inner(node: ast.expr) -> str:
        code = _translated(node, names, syntax)
        return code if code.isidentifier() or isinstance(node, ast.Constant) else f"({code})"

    if isinstance(tree, ast.Name):
        return names[tree.id]
    if isinstance(tree, ast.Constant):
        return number(float(tree.value), syntax)  # type: ignore[arg-type]
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return f"-{inner(tree.operand)}"
    if isinstance(tree, ast.BinOp) and type(tree.op) in OPERATORS:
        return f"{inner(tree.left)} {OPERATORS[type(tree.op)]} {inner(tree.right)}"
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Pow):
        both = (_translated(part, names, syntax) for part in (tree.left, tree.right))
        return syntax.calls["power"].format(*both)
    if isinstance(tree, ast.Compare) and type(tree.ops[0]) in COMPARISONS:
        return f"{inner(tree.left)} {COMPARISONS[type(tree.ops[0])]} {inner(tree.comparators[0])}"
    if isinstance(tree, ast.Call):
        function = tree.func.attr if isinstance(tree.func, ast.Attribute) else ast.unparse(tree.func)
        if function in syntax.calls:
            return syntax.calls[function].format(*(inner(argument) for argument in tree.args))
    raise RnnsymError(
        f"the {syntax.name} backend has no translation of `{ast.unparse(tree)}`: "
        f"write it with functions in {', '.join(syntax.calls)}"
    )


def factor_code(factor: Expr, element: Callable[[Expr], str], syntax: Syntax) -> str:
    """One factor of a term; `element` says how a variable's element is read."""

    def inner(part: Expr) -> str:
        return factor_code(part, element, syntax)

    operation = operation_of(factor)
    if operation is None and factor.is_number:
        return number(factor, syntax)
    if isinstance(factor, Symbol) and (factor is T or factor == T or (factor.is_integer and factor not in INDEX_SET)):
        return syntax.real(size_name(str(factor)) if factor is not T and factor != T else "T")
    if isinstance(factor, Symbol) and factor in INDEX_SET:
        return element(factor)
    if isinstance(factor, KroneckerDelta):
        one, other = (element(index) if isinstance(index, Symbol) else str(index) for index in factor.args)
        return syntax.either(f"{one} == {other}", syntax.one, syntax.zero_number)
    if isinstance(operation, Pairwise):
        code = operation.code.replace("{x}", "{0}").replace("{y}", "{1}")
        return f"({call(code, [_enclosed(inner(argument)) for argument in factor.args], syntax)})"
    if isinstance(operation, Elementwise):
        code = operation.code.replace("{x}", "{0}")
        return f"({call(code, [_enclosed(inner(factor.args[0]))], syntax)})"
    if isinstance(factor, Add):
        return "(" + " + ".join(inner(part) for part in factor.args) + ")"
    if isinstance(factor, Mul):
        return "(" + " * ".join(inner(part) for part in factor.args) + ")"
    if isinstance(factor, Pow):
        return _power(inner(factor.base), factor.exp, syntax)
    assert operation is None, factor
    return element(factor)


def _power(base: str, exponent: Expr, syntax: Syntax) -> str:
    if isinstance(exponent, Integer) and 0 < abs(int(exponent)) <= 4:
        product = " * ".join([base] * abs(int(exponent)))
        return f"({product})" if exponent > 0 else f"({syntax.one} / ({product}))"
    if exponent == Rational(1, 2):
        return syntax.calls["sqrt"].format(base)
    value = number(exponent if isinstance(exponent, Rational) else float(exponent), syntax)
    return syntax.calls["power"].format(base, value)


def _enclosed(code: str) -> str:
    return code if code.isidentifier() else f"({code})"


def size_code(size: Expr) -> str:
    """A size as code."""
    parts = []
    for part in size.args if isinstance(size, Add) else (size,):
        count, name = part.as_coeff_Mul()
        factors = [size_name(str(one)) for one in name.args] if isinstance(name, Mul) else [size_name(str(name))]
        factors = [] if name == 1 else factors
        parts.append(" * ".join([str(count), *factors] if count != 1 or not factors else factors))
    code = " + ".join(parts)
    return f"({code})" if len(parts) > 1 or "*" in code or code.startswith("-") else code


def size_name(name: str) -> str:
    """A symbolic size as a name."""
    name = name if name.isascii() else "".join(c if c.isascii() else f"u{ord(c):x}" for c in name)
    return f"{name}_size" if name in RESERVED else name


def index_name(index: Symbol) -> str:
    """The index of a loop as a name that no variable and no size has."""
    return f"i_{index}"
