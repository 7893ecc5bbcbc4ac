"""Text to syntax: the model's equations are read with Python's parser and never evaluated."""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from fractions import Fraction

from sympy import Expr, Integer

from rnnsym.errors import ModelError, Span, suggestion
from rnnsym.language.sizes import size_symbol
from rnnsym.language.syntax import (
    Binary,
    Call,
    Definition,
    Expression,
    Negative,
    Number,
    Part,
    Reference,
    Slice,
    Time,
    Transpose,
    references,
)
from rnnsym.operations import OPERATIONS

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Pow: "**",
}
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
#: Bounds on what a person writes; they keep hostile text from costing time or memory.
MAX_CHARACTERS = 200_000
MAX_DEPTH = 200
MAX_EXPONENT = 64
MAX_LAG = 1_000
MAX_DIGITS = 300
MAX_SIZE = 1_000_000

RESERVED = {
    "t": "t is the time index",
    "T": "T is the length of the sequence",
}

#: `V h[t]`, a product as papers write it.
SIDE_BY_SIDE = re.compile(r"((?:[A-Za-z_]\w*(?:\[[^][]*\])?(?:\.T)?|\b\d+(?:\.\d+)?)) +([A-Za-z_]\w*(?:\[[^][]*\])?)")


def read(text: str) -> tuple[Definition, ...]:
    """Read a model's equations.

    >>> read("h[t] = tanh(W @ h[t-1])")[0].target.name
    'h'

    Raises ModelError, with the place, where the text is not a list of equations.
    """
    return Reader(text).definitions()


class Reader:
    """Translates Python's syntax tree into ours, refusing what the language does not have."""

    def __init__(self, text: str) -> None:
        self.text = text
        #: As papers have it, with signs of Python in as many characters: places stay where they are.
        self.plain = text.replace("\N{MINUS SIGN}", "-").replace(":=", " =")
        self.lines = self.plain.split("\n")  # as Python counts lines

    def definitions(self) -> tuple[Definition, ...]:
        if len(self.text) > MAX_CHARACTERS:
            raise ModelError(f"the model's text is longer than {MAX_CHARACTERS} characters")
        self._refuse_keywords()
        try:
            module = ast.parse(self.plain)
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (RecursionError, MemoryError, ValueError):
            raise ModelError("the equations cannot be read: they are nested too deeply or hold a null byte") from None
        found = tuple(definition for statement in module.body for definition in self._definitions(statement))
        if not found:
            raise ModelError(
                "the model has no equations", advice="write for example:  h[t] = tanh(W @ h[t-1] + U @ x[t])"
            )
        return found

    # Places and errors

    def span(self, node: ast.AST) -> Span:
        """Columns in characters; Python counts them in bytes."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        end_line, end_column = getattr(node, "end_lineno", line), getattr(node, "end_col_offset", column + 1)
        row = self.lines[line - 1].encode() if line <= len(self.lines) else b""
        start = len(row[:column].decode(errors="ignore"))
        stop = len(row[:end_column].decode(errors="ignore")) if end_line == line else len(row.decode())
        return Span(line, start, max(stop, start + 1))

    def error(self, problem: str, node: ast.AST, advice: str = "") -> ModelError:
        return ModelError(problem, self.text, self.span(node), advice)

    def _syntax_error(self, error: SyntaxError) -> ModelError:
        line = error.lineno or 1
        row = self.lines[line - 1] if line <= len(self.lines) else ""
        if error.msg.startswith("invalid syntax") and (found := SIDE_BY_SIDE.search(row)):
            one, other = found.groups()
            return ModelError(
                f"this is not an equation: nothing stands between {one} and {other}",
                self.text,
                Span(line, *found.span()),
                f"write  {one} @ {other}  or  {one} * {other}  for a product, and a comma between arguments",
            )
        start = max((error.offset or 1) - 1, 0)
        stop = (error.end_offset or start + 2) - 1 if error.end_lineno == line else start + 1
        return ModelError(
            f"this is not an equation: {error.msg}",
            self.text,
            Span(line, start, max(stop, start + 1)),
            "an equation reads  name[t] = expression  with + - * / @ ** .T and function calls",
        )

    def _refuse_keywords(self) -> None:
        try:
            for token in tokenize.generate_tokens(io.StringIO(self.plain).readline):
                if token.type == tokenize.NAME and keyword.iskeyword(token.string):
                    (line, start), stop = token.start, token.end[1]
                    raise ModelError(
                        f"'{token.string}' is a Python keyword and cannot name a variable",
                        self.text,
                        Span(line, start, stop),
                        f"choose another name, for example {token.string}_ or {token.string[0]}",
                    )
        except (tokenize.TokenError, IndentationError):
            return  # ast.parse says it better

    # Statements

    def _definitions(self, statement: ast.stmt) -> tuple[Definition, ...]:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Tuple | ast.List):
            return self._split(statement, statement.targets[0])
        return (self._definition(statement),)

    def _split(self, statement: ast.Assign, left: ast.Tuple | ast.List) -> tuple[Definition, ...]:
        """`i[t], f[t] = split(...)`: a vector cut into the parts that the left side names."""
        match statement.value:
            case ast.Call(func=ast.Name(id="split"), args=[argument], keywords=[]) if len(left.elts) > 1:
                targets = [self._target(node) for node in left.elts]
                for target, node in zip(targets, left.elts, strict=True):
                    if target.time != targets[0].time:
                        raise self.error(f"{target} stands beside {targets[0]}", node, "parts have one time")
                operand, span = self._expression(argument, 1), self.span(statement.value)
                names = tuple(target.name for target in targets)
                return tuple(
                    Definition(target, Part(operand, place, names, span), self.span(statement))
                    for place, target in enumerate(targets)
                )
        raise self.error(
            "several variables on the left are the parts of a vector", statement, "write  a[t], b[t] = split(...)"
        )

    def _definition(self, statement: ast.stmt) -> Definition:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            raise self.error(
                "this is not an equation", statement, "an equation reads  name = expression  or  name[t] = expression"
            )
        target = self._target(statement.targets[0])
        return Definition(target, self._expression(statement.value, 0), self.span(statement))

    def _target(self, node: ast.expr) -> Reference:
        if not isinstance(node, ast.Name | ast.Subscript):
            raise self.error("the left side of an equation is one variable", node, "write  name[t] = ...")
        target = self._reference(node)
        time = target.time
        if time is not None and time.anchor == "t" and time.offset:
            shift = f"{'t' if time.offset > 0 else 't+1'}"
            raise self.error(
                f"an equation defines its variable at time t, not at {time}",
                node,
                f"write  {target.name}[t] = ...  and shift every other time by {-time.offset:+d} "
                f"(what was [{shift}] becomes "
                f"[{Time('t', (0 if time.offset > 0 else 1) - time.offset)}])",
            )
        return target

    # Expressions

    def _expression(self, node: ast.expr, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise self.error(
                f"the expression is nested more than {MAX_DEPTH} deep", node, "give parts of it names of their own"
            )
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if isinstance(sign, COMPARISONS):
                return self._comparison(node, left, sign, right, depth)
            case ast.Compare():
                raise self.error(
                    "only < <= > >= == != compare, two values at a time", node, "write  where(a < b, x, y)"
                )
            case ast.Subscript(value=value, slice=ast.Constant(value=int() as place)) if not isinstance(
                value, ast.Name
            ):
                return self._one_element(node, value, place, depth)
            case ast.Name(id=name) if name in OPERATIONS and OPERATIONS[name].arity == (0, 0):
                return Call(name, (), self.span(node))
            case ast.Subscript(value=value, slice=ast.Slice(lower=low, upper=high, step=None)):
                bounds = (self._size(low) if low else Integer(0), self._size(high) if high else None)
                return Slice(self._expression(value, depth + 1), *bounds, self.span(node))
            case ast.Name(id="t" | "T" as name):  # the number of the step, and how many there are
                return Reference(name, None, self.span(node))
            case ast.Name() | ast.Subscript():
                return self._reference(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Negative(self._expression(operand, depth + 1), self.span(node))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._expression(operand, depth + 1)
            case ast.BinOp(op=ast.Pow()):
                return self._power(node, depth)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
                symbol = OPERATORS[type(operator)]
                return Binary(
                    symbol, self._expression(left, depth + 1), self._expression(right, depth + 1), self.span(node)
                )
            case ast.Attribute(value=value, attr="T"):
                return Transpose(self._expression(value, depth + 1), self.span(node))
            case ast.Attribute(attr=attribute):
                raise self.error(
                    f"'.{attribute}' is not part of the language", node, "the only attribute is .T, the transpose"
                )
            case ast.Call():
                return self._call(node, depth)
            case ast.BinOp(op=ast.BitXor()):
                raise self.error("'^' is not part of the language", node, "a power is written  x ** 2")
        raise self.error(
            "this is not part of the language", node, "use names, numbers, + - * / @ ** .T and function calls"
        )

    def _one_element(self, node: ast.Subscript, value: ast.expr, place: int, depth: int) -> Expression:
        """`a[t][0]`: one element of a vector, counted from 0, which is a scalar."""
        if place > MAX_SIZE:
            raise self.error(f"a vector has at most {MAX_SIZE} elements", node)
        span = self.span(node)
        bounds = (Integer(place), Integer(place + 1))
        return Call("sum_elements", (Slice(self._expression(value, depth + 1), *bounds, span),), span)

    def _comparison(
        self, node: ast.Compare, left: ast.expr, sign: ast.cmpop, right: ast.expr, depth: int
    ) -> Expression:
        """`a < b`: one where it holds, else zero."""
        one, other = self._expression(left, depth + 1), self._expression(right, depth + 1)
        span = self.span(node)

        def above(one: Expression, other: Expression) -> Expression:
            return Call("step", (Binary("-", one, other, span),), span)

        match sign:
            case ast.Gt() | ast.LtE():
                found = above(one, other)
            case ast.Lt() | ast.GtE():
                found = above(other, one)
            case _:  # different: above or below
                found = Binary("+", above(one, other), above(other, one), span)
        negated = isinstance(sign, ast.LtE | ast.GtE | ast.Eq)
        return Binary("-", Number(Fraction(1), span), found, span) if negated else found

    def _size(self, node: ast.expr) -> Expr:
        """A bound of a slice: a number, the name of a size, or a sum of multiples of these."""
        match node:
            case ast.Constant(value=int() as value) if not isinstance(value, bool) and value <= MAX_SIZE:
                return Integer(value)
            case ast.Name(id=name) if name not in RESERVED:
                return size_symbol(name)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._size(left) + self._size(right)
            case ast.BinOp(left=ast.Constant(value=int() as value), op=ast.Mult(), right=right) if value <= MAX_SIZE:
                return value * self._size(right)
        raise self.error(
            "this is no bound of a slice", node, "write names of sizes and numbers:  a[t][n : 2 * n]  or  a[t][n:]"
        )

    def _number(self, node: ast.Constant) -> Number:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error("only real numbers can stand in an equation", node)
        source = (ast.get_source_segment(self.text, node) or str(node.value)).replace("_", "")
        if isinstance(node.value, int):
            value = Fraction(node.value)
            if value > 10**MAX_DIGITS:
                raise self.error("this number is too large", node)
            return Number(value, self.span(node))
        if node.value == float("inf") or (
            node.value == 0 and any(digit in "123456789" for digit in source.lower().split("e")[0])
        ):
            raise self.error("this number is outside the range of floating point", node)
        return Number(Fraction(source), self.span(node))

    def _power(self, node: ast.BinOp, depth: int) -> Expression:
        exponent = self._constant(node.right, 0)
        if exponent is None:
            base, power = self._expression(node.left, depth + 1), self._expression(node.right, depth + 1)
            if not any(references(power)):
                raise self.error("an exponent is a number such as 2, 0.5 or 1/3, or holds a variable", node.right)
            return Call("power", (base, power), self.span(node))
        if abs(exponent) > MAX_EXPONENT or exponent.denominator > MAX_EXPONENT:
            raise self.error(f"exponents go from -{MAX_EXPONENT} to {MAX_EXPONENT}", node.right)
        base = self._expression(node.left, depth + 1)
        return Binary("**", base, Number(exponent, self.span(node.right)), self.span(node))

    def _constant(self, node: ast.expr, depth: int) -> Fraction | None:
        """The value of a small arithmetic expression of numbers, such as `-1/2`."""
        if depth > 4:
            return None
        match node:
            case ast.Constant():
                return self._number(node).value
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._constant(operand, depth + 1)
                return None if inner is None else -inner
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                above, below = self._constant(left, depth + 1), self._constant(right, depth + 1)
                return None if above is None or not below else above / below
        return None

    def _call(self, node: ast.Call, depth: int) -> Call:
        if not isinstance(node.func, ast.Name):
            raise self.error("a function is called by its name", node.func)
        name = node.func.id
        if name == "split":
            raise self.error(
                "split gives its parts to several variables", node, "write  a[t], b[t] = split(...)  as an equation"
            )
        if name not in OPERATIONS:
            advice = suggestion(name, OPERATIONS) or f"the functions are: {', '.join(sorted(OPERATIONS))}"
            raise self.error(f"unknown function '{name}'", node.func, advice)
        if node.keywords:
            raise self.error("arguments have no names here", node.keywords[0])
        low, high = OPERATIONS[name].arity
        count = len(node.args)
        if count < low or (high is not None and count > high):
            wanted = str(low) if low == high else f"at least {low}" if high is None else f"{low} to {high}"
            raise self.error(f"{name} takes {wanted} argument{'s' * (wanted != '1')}, not {count}", node)
        return Call(name, tuple(self._expression(argument, depth + 1) for argument in node.args), self.span(node))

    # Names and times

    def _reference(self, node: ast.expr) -> Reference:
        if isinstance(node, ast.Name):
            return Reference(self._name(node), None, self.span(node))
        assert isinstance(node, ast.Subscript)
        if not isinstance(node.value, ast.Name):
            raise self.error(
                "only a variable can have a time index",
                node.value,
                "give the expression a name of its own, then index that",
            )
        return Reference(self._name(node.value), self._time(node.slice), self.span(node))

    def _name(self, node: ast.Name) -> str:
        name = node.id
        if name in RESERVED:
            raise self.error(f"'{name}' cannot name a variable: {RESERVED[name]}", node, "choose another name")
        if name in OPERATIONS:
            raise self.error(
                f"'{name}' is a function and cannot name a variable",
                node,
                f"call it, {name}(...), or choose another name",
            )
        if name.startswith("_") or "__" in name:
            raise self.error(
                f"'{name}' cannot name a variable", node, "names start with a letter and hold no double underscore"
            )
        return name

    def _time(self, node: ast.expr) -> Time:
        found = self._affine(node)
        if found is None:
            raise self.error(
                "this is not a time",
                node,
                "a time is t, t-1 (any constant lag), T, T-1 or a constant such as 0 or 1; elements have no index here",
            )
        if abs(found.offset) > MAX_LAG:
            raise self.error(f"lags and constant times go up to {MAX_LAG}", node)
        return found

    def _affine(self, node: ast.expr) -> Time | None:
        match node:
            case ast.Name(id="t" | "T" as anchor):
                return Time(anchor, 0)
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                return Time("", value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)) if not isinstance(value, bool):
                return Time("", -value)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as operator, right=ast.Constant(value=int() as value)):
                inner = self._affine(left)
                sign = 1 if isinstance(operator, ast.Add) else -1
                return (
                    None
                    if inner is None or isinstance(value, bool)
                    else Time(inner.anchor, inner.offset + sign * value)
                )
        return None
