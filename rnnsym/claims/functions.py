"""Functions and their arguments resolved, primes and powers of functions included."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import reduce
from typing import TypeGuard

from sympy import Expr, Symbol

from rnnsym.claims import combine
from rnnsym.claims.combine import chain
from rnnsym.claims.derivatives import Derivatives
from rnnsym.claims.leaves import Scripts
from rnnsym.claims.lexicon import ELEMENTWISE_NAMES, PAIRS, SCALAR, plain_name, spelled
from rnnsym.claims.references import Script, pieces, taken_apart
from rnnsym.claims.strength import is_matrix
from rnnsym.claims.syntax import (
    Call,
    Moment,
    Node,
    Number,
    Open,
    Prime,
    Product,
    Quotient,
    TimeNumber,
    TimeSum,
    free_letters,
)
from rnnsym.claims.times import LENGTH
from rnnsym.claims.written import (
    Group,
    Name,
    Numeral,
    Relation,
    Scripted,
    Total,
    Written,
)
from rnnsym.errors import Span
from rnnsym.operations import ROWS


class Functions(Derivatives):
    """Resolves the functions of one equation."""

    def _applied(self, written: Written, operand: Written) -> Node | None:
        """A function and its argument; what is raised in f(x)^2 is the value, not the argument."""
        if indicated := self._indicated(written, operand):
            return indicated
        apart = taken_apart(written)
        if apart is None:
            return None
        if isinstance(operand, Scripted) and isinstance(operand.base, Group) and operand.base.kind == "(":
            inner = self._applied(written, operand.base)
            return None if inner is None else self._operations(inner, operand.scripts, operand.span, True)
        base, scripts = apart
        below = [script for script in scripts if script[0] == "_"]
        name = plain_name(Scripted(base, tuple(below), written.span)) if below else spelled(base)
        if name is None or (self.found(written) and name not in self.lexicon.aliases):
            return None
        rest = tuple(script for script in scripts if script[0] != "_")
        if name in STRUCTURES:
            return self._structure(name, operand, written.span, rest)
        if name in PAIRS and isinstance(operand, Group) and len(operand.parts) == 2 and operand.separator == ",":
            first, second = (self.expression(part) for part in operand.parts)
            return self._operations(self._pair(name, first, second, written.span), rest, written.span)
        functions = self.functions()
        function = functions.get(name) or functions.get(self._of_elements(base, below) or "")
        if function is None:
            return None
        return self._called(function, operand, rest, written.span)

    def _of_elements(self, base: Name, below: list[Script]) -> str | None:
        """A function that has the index of the element that it is taken of, as in f_k'(a_k)."""
        letters = [piece for _, parts in below for part in parts for piece in pieces(part)]
        counting = self.letters.elements or frozenset()
        return spelled(base) if all(isinstance(one, Name) and one.text in counting for one in letters) else None

    def _indicated(self, written: Written, operand: Written) -> Node | None:
        r"""`\mathbb{1}[a > 0]`, also with a plain 1 before the brackets."""
        inner, scripts = (operand.base, operand.scripts) if isinstance(operand, Scripted) else (operand, ())
        if not isinstance(inner, Group) or len(inner.parts) != 1:
            return None
        condition = inner.parts[0]
        one = written in (Name("ones", written.span), Numeral(Fraction(1), written.span))
        if not one or not isinstance(condition, Relation):
            return None
        return self._operations(self._bracket(condition), scripts, operand.span)

    def _called(self, function: str, operand: Written, scripts: Scripts, span: Span) -> Node:
        if isinstance(operand, Group) and len(operand.parts) > 1 and operand.separator == ",":
            raise self.error(f"{function} takes one argument", operand.span)
        inner = self.expression(operand)
        primes = sum(kind == "'" for kind, _ in scripts)
        primes += sum(isinstance(part, Name) and part.text == "prime" for _, parts in scripts for part in parts)
        others = tuple((k, p) for k, p in scripts if k == "^" and not (isinstance(p[0], Name) and p[0].text == "prime"))
        if primes > 1:
            raise self.error("second derivatives of functions are not read", span)
        if function in ROWS and is_matrix(inner) and not primes:
            function = ROWS[function]
        elif function not in ELEMENTWISE_NAMES and (primes or (inner.shape is not None and 1 not in inner.shape)):
            what = "has no elementwise derivative" if primes else "takes a vector"
            raise self.error(f"{function} {what}", span)
        shape: Open = SCALAR if function == "logsumexp" else inner.shape
        node: Node = Prime(function, inner, shape) if primes else Call(function, inner, shape)
        if any(part == Total((("-", Numeral(Fraction(1), span)),), span) for _, parts in others for part in parts):
            raise self.error(f"the inverse of {function} is not read", span)
        return self._operations(node, others, span, elementwise=True)

    def _pair(self, name: str, first: Node, second: Node, span: Span) -> Node:
        """A function of two arguments, in functions of one."""
        x, y = Symbol("x"), Symbol("y")
        return self.made(span, of_expression, PAIRS[name].expression(x, y), {x: first, y: second})

    def _power(self, base: Node, exponent: Node, span: Span) -> Node:
        """A power whose exponent has to be worked out."""
        return self._pair("power", base, exponent, span)

    def _structure(self, name: str, operand: Written, span: Span, scripts: Scripts) -> Node:
        """diag, and what the model's language has: dot, outer, concat, sum and mean."""
        several = isinstance(operand, Group) and operand.separator == ","
        parts = [self.expression(part) for part in operand.parts] if several and isinstance(operand, Group) else []
        if name in ("matmul", "mm", "mv") or (name == "dot" and not alike(parts)):
            return self.made(span, chain, parts)
        if name == "multiply":
            return self.made(span, combine.hadamard, parts)
        if name in ("dot", "outer") and len(parts) == 2:
            turned = (
                (combine.transpose(parts[0]), parts[1]) if name == "dot" else (parts[0], combine.transpose(parts[1]))
            )
            return self.made(span, chain, turned)
        if name in ("concat", "stack") and parts:
            return self.made(span, combine.stack, parts, False)
        if several or scripts:
            raise self.error(f"{name} is not read with these arguments", span)
        if name in ("sum", "mean") and not self.bound:
            self.bound.append("t")
            inner = self.expression(operand)
            self.bound.pop()
            if "t" in free_letters(inner):
                total = TimeSum("t", Moment((), 1), LENGTH, inner, inner.shape)
                return total if name == "sum" else Quotient(total, TimeNumber(LENGTH, SCALAR), inner.shape)
        inner = self.expression(operand)
        if name == "diag":
            return self.made(span, combine.diagonal, inner)
        if name == "sum":
            return Call("sum_elements", inner, SCALAR)
        if name in TRACES:
            return self.made(span, combine.trace, inner)
        raise self.error(f"{name} is not read with these arguments", span)


def of_expression(expression: Expr, values: Mapping[Expr, Node]) -> Node:
    """A sum, a product or a function of the operations' table, over these nodes."""
    if expression in values:
        return values[expression]
    if expression == -1:
        return Number(Fraction(-1), SCALAR)
    parts = [of_expression(part, values) for part in expression.args]
    if expression.is_Add:
        return combine.add([combine.negative(part.parts[1]) if is_negative(part) else part for part in parts])
    if expression.is_Mul:
        return reduce(lambda one, other: combine.hadamard((one, other)), parts)
    return Call(expression.func.__name__, parts[0], parts[0].shape)


def alike(parts: list[Node]) -> bool:
    """Whether these are vectors of one kind, of which there is an inner product, as far as that is known."""
    shapes = {part.shape for part in parts if part.shape is not None}
    return len(shapes) <= 1 and not any(map(is_matrix, parts))


def is_negative(node: Node) -> TypeGuard[Product]:
    """Whether a node is a product of -1 and another."""
    return isinstance(node, Product) and len(node.parts) == 2 and node.parts[0] == Number(Fraction(-1))


TRACES = frozenset("tr Tr trace".split())
STRUCTURES = TRACES | frozenset("diag Diag diagonal dot outer matmul mm mv multiply concat stack sum mean".split())
