"""Formulas in short, for messages."""

from __future__ import annotations

from rnnsym.claims.syntax import (
    Call,
    Contraction,
    Derivative,
    Diagonal,
    Entry,
    Identity,
    IndexSum,
    Kind,
    Kronecker,
    Negative,
    Node,
    Number,
    Ones,
    Power,
    Prime,
    Product,
    Quotient,
    Sequence,
    SizeNumber,
    Slice,
    Stack,
    Sum,
    TimeNumber,
    TimeProduct,
    TimeSum,
    Transpose,
    Variable,
    Way,
)

SIGNS = {Way.MATRIX: "@", Way.HADAMARD: "⊙", Way.SCALAR: "·", Way.OUTER: "⊗"}


def shown(node: Node) -> str:
    """A short form for messages."""
    match node:
        case Number(value):
            return str(value)
        case TimeNumber(moment):
            return str(moment)
        case SizeNumber(size):
            return str(size)
        case Variable(name, time):
            own = node.label or name
            return own if time is None else f"{own}[{time}]"
        case Sequence(name, times):
            return f"{name}[{', '.join(map(str, times))}]" if times else name
        case Derivative(kind, top, bottom):
            sign = {Kind.TOTAL: "d", Kind.IMMEDIATE: "∂⁺", Kind.PARTIAL: "∂"}[kind]
            return f"{sign}{shown(top)}/{sign.rstrip('⁺')}{shown(bottom)}"
        case Sum(parts):
            return "(" + " + ".join(shown(part) for part in parts) + ")"
        case Negative(operand):
            return f"-{shown(operand)}"
        case Product(way, parts):
            return "(" + f" {SIGNS[way]} ".join(shown(part) for part in parts) + ")"
        case Quotient(top, bottom):
            return f"{shown(top)}/{shown(bottom)}"
        case Transpose(operand):
            return f"{shown(operand)}ᵀ"
        case Power(base, exponent):
            return f"{shown(base)}^{exponent}"
        case Stack(parts):
            return f"[{'; '.join(shown(part) for part in parts)}]"
        case Slice(operand, first, last):
            return f"{shown(operand)}[{first}:{last}]"
        case Call("sum_elements", Product(Way.HADAMARD, (Identity(), operand))):
            return f"tr({shown(operand)})"
        case Call(function, operand):
            return f"{function}({shown(operand)})"
        case Prime(function, operand):
            return f"{function}'({shown(operand)})"
        case TimeSum(index, low, high, operand):
            return f"Σ_{{{index}={low}..{high}}} {shown(operand)}"
        case TimeProduct(index, first, last, _, operand):
            return f"Π_{{{index}={first}..{last}}} {shown(operand)}"
        case Diagonal(operand):
            return f"diag({shown(operand)})"
        case Contraction(parts, letters, free):
            named = (
                f"{shown(part)}_{{{','.join(own)}}}" if own else shown(part)
                for part, own in zip(parts, letters, strict=True)
            )
            over = dict.fromkeys(letter for own in letters for letter in own if letter not in free)
            return f"[{f'Σ_{{{chr(44).join(over)}}} ' if over else ''}{' '.join(named)}]_{{{','.join(free)}}}"
        case Entry(operand, indices):
            places = (index.letter.rstrip("'") + (f"+{index.offset}" if index.offset else "") for index in indices)
            return f"{shown(operand)}_{{{','.join(places)}}}"
        case IndexSum(index, _, operand):
            return f"Σ_{{{index}}} {shown(operand)}"
        case Kronecker(first, second, offset):
            if offset is not None:
                return f"[{first} = {second}{f' + {offset}' if offset else ''}]"
            return f"δ_{{{first},{second}}}"
    return "𝟏" if isinstance(node, Ones) else "I"
