"""Names that no array and no size may have in a compiled kernel."""

from __future__ import annotations

import ast
import builtins
import re

from rnnsym.equations.indexed import INDICES
from rnnsym.kernels.backends.native import numba_runtime, runtime

#: A macro or a function that the fixed text of a C kernel defines.
IN_C = re.compile(r"^ *#define (\w+)|(?:INLINE|HELPER) [^;{]*?\b(\w+)\(", re.MULTILINE)
#: Names that the code around them uses, and words of C and of its library.
WORDS = """R I V F T B t s b r c q w low high chunk rows parts part at tall sum total row panel width space problem base
    used count depth Bits Part Space Problem LANES ACROSS WIDE TALL DEEP BLOCK auto break case char const continue
    default do double else enum extern float for goto if inline int long register restrict return short signed sizeof
    static struct switch typedef union unsigned void volatile while main exp log tanh sin cos sqrt pow fabs atan log1p
    gamma j0 j1 jn y0 y1 yn memset memcpy memmove NULL NAN INFINITY HUGE_VAL OVERFLOW UNDERFLOW DOMAIN SING PLOSS TLOSS
    RAND_MAX errno turned spare more gemm gemv given math np ir njit types intrinsic get_host_cpu_features
    get_cython_function_address address compute DTYPE KEPT PARAMETERS INPUTS GRADIENTS JOINED SIZES ORDER TARGETS
    compute_predict placed placed_predict steps_together predict fresh"""


def in_c() -> set[str]:
    """What the fixed text of a C kernel defines."""
    return {name for found in IN_C.finditer(runtime.RUNTIME) for name in found.groups() if name}


def _in_python(text: str) -> set[str]:
    """What a module defines for all of itself."""
    found: set[str] = set()
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Assign):
            found |= {
                node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)
            }
    return found


RESERVED = frozenset(
    in_c()
    | _in_python(numba_runtime.runtime("float64"))
    | set(dir(builtins))
    | set(WORDS.split())
    | {f"i_{index}" for index in INDICES}
)
