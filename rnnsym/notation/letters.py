"""Letters: Latin and Greek ones, accents, words, and bold type, in LaTeX and in Unicode text."""

from __future__ import annotations

import re
import unicodedata

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
)  # fmt: skip
GREEK_TEXT = dict(zip(GREEK, "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
GREEK_NAMES = {letter: name for name, letter in GREEK_TEXT.items()}
#: `lambda` is a Python keyword; this is what people write instead.
SPELLINGS = {"lam": "lambda", "eps": "epsilon"}
#: Combining accents with their LaTeX, and the endings of names that stand for them: yhat, zbar.
HAT, MACRON, TILDE = "\u0302", "\u0304", "\u0303"
ACCENTS = {
    HAT: r"\hat", MACRON: r"\bar", TILDE: r"\tilde", "\u0307": r"\dot", "\u0308": r"\ddot", "\u0301": r"\acute",
    "\u0300": r"\grave", "\u0306": r"\breve", "\u030c": r"\check",
}  # fmt: skip
ENDINGS = {"hat": HAT, "bar": MACRON, "tilde": TILDE}
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
#: How the LaTeX of a name of several letters begins.
WORDS = (r"\mathrm{", r"\text{", r"\mathbf{")


def is_letter(head: str) -> bool:
    """Whether a name is a single letter: Latin, or Greek in words."""
    return len(head) == 1 or head in GREEK_TEXT or head in SPELLINGS


def letter_and_accents(head: str) -> tuple[str, str]:
    """The letter of a name and its accents: yhat is y with a hat."""
    for ending, accent in ENDINGS.items():
        if head.endswith(ending) and is_letter(head[: -len(ending)]):
            return head[: -len(ending)], accent
    bare = unicodedata.normalize("NFD", head)
    if len(bare) > 1 and all(mark in ACCENTS for mark in bare[1:]):
        return bare[0], bare[1:]
    return head, ""


def in_text(head: str) -> str:
    """A part of a name in Unicode; bars are left to adjoints."""
    word = head.rstrip("0123456789") or head
    base, accents = letter_and_accents(word)
    if MACRON in accents:
        return head
    base = SPELLINGS.get(base, base)
    return GREEK_TEXT.get(base, base) + accents + head[len(word) :]


def letter(head: str) -> str:
    r"""The part of a name before its subscript in LaTeX.

    >>> letter("alpha"), letter("yhat"), letter("target"), letter("h"), letter("β")
    ('\\alpha', '\\hat{y}', '\\mathrm{target}', 'h', '\\beta')
    """
    base, accents = letter_and_accents(head)
    base = GREEK_NAMES.get(base, SPELLINGS.get(base, base))
    text = f"\\{base}" if base in GREEK_TEXT else base if len(base) == 1 and base.isascii() else upright(base)
    for accent in accents:
        text = f"{ACCENTS[accent]}{{{text}}}"
    return text


def upright(word: str) -> str:
    """A word among formulas."""
    return rf"\{'mathrm' if word.isascii() else 'text'}{{{word}}}".replace("_", r"\_")


def bold(latex: str) -> str:
    r"""A letter in bold type; an accent stays above it.

    >>> bold("h"), bold(r"\hat{y}"), bold(r"\mathrm{target}")
    ('\\bm{h}', '\\hat{\\bm{y}}', '\\mathbf{target}')
    """
    if accented := re.fullmatch(r"(\\(?:hat|bar|tilde|dot|ddot|acute|grave|breve|check))\{(.*)\}", latex):
        return f"{accented[1]}{{{bold(accented[2])}}}"
    if latex.startswith((r"\mathbf{", r"\bm{", r"\boldsymbol{")):
        return latex
    return latex.replace(r"\mathrm{", r"\mathbf{", 1) if latex.startswith(r"\mathrm{") else rf"\bm{{{latex}}}"
