r"""LaTeX maths as authors write it, taken apart into tokens.

>>> [lexeme.text for lexeme in lexemes(r"\frac{\partial E}{\partial W} = \hat{y}_t")]
['\\frac', '{', '∂', 'E', '}', '{', '∂', 'W', '}', '=', 'hat', '{', 'y', '}', '_', 't']
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from rnnsym.claims import macros
from rnnsym.claims.dotted import dotted
from rnnsym.claims.grammar import Lexeme
from rnnsym.claims.tokens import NUMBER, Scanner, assigned, listed, primed, starred
from rnnsym.claims.written import ClaimError
from rnnsym.errors import suggestion
from rnnsym.notation.letters import GREEK

WORDS = (
    "tanh", "log", "ln", "exp", "sin", "cos", "arctan", "max", "min", "diag", "softmax", *GREEK,
)  # fmt: skip
#: Commands that are a token of the grammar.
COMMANDS = {name: ("NAME", name) for name in WORDS} | {
    "imath": ("NAME", "i"), "jmath": ("NAME", "j"),
    "ln": ("NAME", "log"), "varepsilon": ("NAME", "epsilon"), "vartheta": ("NAME", "theta"), "varphi": ("NAME", "phi"),
    "varsigma": ("NAME", "sigma"), "ell": ("NAME", "ell"),
    "partial": ("NAME", "∂"), "nabla": ("NAME", "∇"), "sum": ("NAME", "∑"), "prod": ("NAME", "∏"),
    "infty": ("NAME", "infty"), "top": ("NAME", "top"), "intercal": ("NAME", "top"), "prime": ("NAME", "prime"),
    "odot": ("OPERATOR", "⊙"), "circ": ("OPERATOR", "⊙"), "ast": ("OPERATOR", "*"), "cdot": ("OPERATOR", "·"),
    "times": ("OPERATOR", "·"), "oslash": ("OPERATOR", "⊘"), "otimes": ("OPERATOR", "⊗"), "div": ("OPERATOR", "/"),
    "le": ("RELATION", "≤"), "leq": ("RELATION", "≤"), "leqslant": ("RELATION", "≤"), "ge": ("RELATION", "≥"),
    "geq": ("RELATION", "≥"), "geqslant": ("RELATION", "≥"), "lt": ("RELATION", "<"), "gt": ("RELATION", ">"),
    "in": ("RELATION", "∈"), "neq": ("RELATION", "≠"), "ne": ("RELATION", "≠"),
    "leftarrow": ("EQUALS", "←"), "gets": ("EQUALS", "←"), "longleftarrow": ("EQUALS", "←"),
    "propto": ("EQUALS", "∝"), "equiv": ("EQUALS", "="), "triangleq": ("EQUALS", "="), "coloneqq": ("EQUALS", "="),
    "dots": ("RANGE", ".."), "ldots": ("RANGE", ".."), "cdots": ("RANGE", ".."), "dotsc": ("RANGE", ".."),
    "vdots": ("RANGE", ".."), "ddots": ("RANGE", ".."), "hdots": ("RANGE", ".."),
    "frac": ("FRAC", r"\frac"), "dfrac": ("FRAC", r"\dfrac"), "tfrac": ("FRAC", r"\tfrac"),
    "cfrac": ("FRAC", r"\cfrac"), "sqrt": ("ROOT", r"\sqrt"), "quad": ("SPACE", r"\quad"),
    "qquad": ("SPACE", r"\qquad"), "newline": ("ROW", r"\newline"), "lbrack": ("LSQUARE", "["),
    "rbrack": ("RSQUARE", "]"), "colon": ("COLON", ":"), "forall": ("SPACE", r"\forall"),
    "langle": ("LPAREN", "⟨"), "rangle": ("RPAREN", "⟩"), "bullet": ("OPERATOR", "⊙"),
    "triangle": ("NAME", "Delta"), "bigtriangleup": ("NAME", "Delta"), "vartriangle": ("NAME", "Delta"),
} | {
    name: ("NAME", name) for name in ("uparrow", "downarrow", "dagger", "ddagger", "flat", "sharp")  # labels
} | dict.fromkeys("star bigstar".split(), ("NAME", "⋆")) | {
    name: ("ROW", f"\\{name}") for name in ("Rightarrow", "Longrightarrow", "implies", "iff", "therefore", "because")
}  # fmt: skip
ACCENTS = {
    name: name
    for name in "hat bar tilde dot ddot check acute grave breve overrightarrow overleftarrow".split()
} | {"widehat": "hat", "overline": "bar", "widetilde": "tilde"}  # fmt: skip
#: Commands that say how something looks.
STYLES = frozenset(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm middle displaystyle textstyle "
    "scriptstyle limits nolimits mathbf boldsymbol bm pmb mathit mathcal mathscr mathfrak vec nonumber notag noindent "
    "mathstrut hfill bf rm it cal normalfont allowbreak nobreak strut ensuremath mathop mathbin mathord "
    "mathnormal".split()
)
UPRIGHT = re.compile(
    r"\\(?P<command>operatorname\*?|mathrm|mathsf|mathtt|text|textrm|textit|textbf|textsf|mbox|textnormal)(?![A-Za-z])\s*"
    r"(\{(?P<word>[^{}\\$]*(?:\\[_ ,][^{}\\$]*)*)\}|(?P<letter>[A-Za-z]))"
)
BOLD_WORD = re.compile(r"\\(mathbf|boldsymbol|bm|mathit|pmb|mathcal)\s*\{\s*(?P<word>[A-Za-z]{2,}|\d)\s*\}")
#: A letter in a type of its own.
STYLED = re.compile(r"\\(?P<type>math[a-z]+|boldsymbol|bm|pmb)\s*(\{\s*(?P<inner>[A-Za-z]+)\s*\}|(?P<letter>[A-Za-z]))")
#: A name of two signs in a type of its own.
PREFIXED = re.compile(
    r"(?P<type>\\(?:math[a-z]+|boldsymbol|bm|pmb)\s*\{)"
    r"(?P<inner>\s*\\(?:delta|Delta|nabla|partial)(?![A-Za-z])\s*(?:[A-Za-z]|\\[a-z]+\s*(?:\{[A-Za-z]\}|(?![{a-z])))\s*)\}"
)
#: Ones; or an indicator, where a condition follows.
ONES = re.compile(
    r"\\(mathbf|mathbb|boldsymbol|bm|mathds|mathbbm|vec)\s*(\{\s*1\s*\}|1)"
    r"|\\(mathbb|mathds|mathbbm)\s*(\{\s*I\s*\}|I)(?=\s*(\\left|\\[bB]igg?l?)?\s*(\\\{|[\[(_]))"
)
#: A set of numbers, of which only its letter is kept.
SET = re.compile(r"\\mathbb\s*(\{\s*(?P<inner>[A-Z])\s*\}|(?P<letter>[A-Z]))")
IGNORED = re.compile(r"[ \t\r~]+|%[^\n]*|\\[,;:!> ]|\\label\s*\{[^{}]*\}|\\[vh]space\*?\s*\{[^{}]*\}|\$|\\[()\[\]]")
#: The bar before what a name is put to; and what such a bar closes.
BAR = re.compile(r"(\||\\r?vert(?![A-Za-z]))(?=\s*_)")
VALUED = re.compile(r"\\left\.(?=(?:(?!\\left\s*\.).)*?\\right\s*(\||\\r?vert)\s*_)", re.DOTALL)
DELIMITER = re.compile(r"\$|\\[)\]]")
TAG = re.compile(r"\\tag\*?\s*\{")
ENVIRONMENT = re.compile(r"\\(?P<way>begin|end)\s*\{\s*(?P<name>[A-Za-z]+)\*?\s*\}")
COMMAND = re.compile(r"\\([A-Za-z]+)")
MATRICES = frozenset("matrix pmatrix bmatrix smallmatrix".split())
#: A brace to the left of several equations, and the columns of a table of them.
BRACED = re.compile(
    r"\\left\s*\\(\{|lbrace)\s*(?=\\begin)|(?<=\})\s*\\right\s*\.|(?<=\\begin\{array\})\s*(\[[a-z]\]\s*)?\{[^{}]*\}"
)
#: Cases that are drawn as a table with a brace on its left.
TABLE = re.compile(
    r"(?P<before>=[\s&]*)\\left\s*\\(\{|lbrace)\s*\\begin\{(?P<name>array|matrix|aligned)\}(\s*\{[lcr| ]*\})?"
    r"(?P<inside>(?:(?!\\begin|\\end).)*)\\end\{(?P=name)\}(?P<after>\s*\\right\s*\.)", re.DOTALL,
)  # fmt: skip
#: What stands before a system, looked for in so many signs.
NEAR = 200
BEFORE_SYSTEM = re.compile(r"\n\s*\n|\\\\|\$\$?|\\\[|\\(?:begin|end)\s*\{[a-z*]+\}|\\left\s*\\(?:\{|lbrace)")
SYSTEM = re.compile(r"\\(?P<way>begin|end)\s*\{(?P<name>cases|dcases|rcases|array|matrix)\}")
#: Commands of documents, which are read as files.
DOCUMENT = frozenset("documentclass usepackage section subsection subsubsection chapter paragraph item".split())
WHOLE = "give a whole document as a path, verify(model, Path('notes.tex'))"
DISPLAYS = frozenset(
    "equation align aligned alignat gather gathered multline split eqnarray displaymath math flalign array".split()
)
#: Functions, and Greek letters, that an author writes without a backslash.
BARE_WORD = re.compile(
    rf"(?<![A-Za-z])(diag|tanh|sigmoid|softmax|relu|log|exp|{'|'.join(name for name in GREEK if len(name) > 3)})"
    r"(?![A-Za-z])"
)
#: Signs that an author writes without a backslash.
BARE_SIGN = re.compile(r"(?<![A-Za-z])(sum|prod)(?=[_^ ({])")
#: What is drawn around maths, and what stands under a brace; an operation of a mathematical program.
AROUND = re.compile(
    r"\\(?P<wrapper>boxed|fbox|displaylines|underbrace|overbrace|underline|cancel|smash|mathclap|mathrel|mathop"
    r"|mathbin|mathllap|mathrlap|phantom)\s*\{"
    r"|\\(?P<coloured>textcolor|overset|underset|stackrel)\s*\{(?:[^{}]|\{[^{}]*\})*\}\s*\{|\\color\s*\{[^{}]*\}|\\[\\{}]|[{}]"
)
LABELLED = re.compile(r"\s*[_^]\s*\{")
DOTTED = {".*": ("OPERATOR", "⊙"), "./": ("OPERATOR", "⊘"), ".^": ("SUP", "^")}
ROW = re.compile(r"\\\\\*?(\s*\[[^\]\n]*\])?")
DIGIT = re.compile(r"[0-9]")
#: Words beside an equation, not in it.
BESIDE = re.compile(r"\s*(for|if|when|where|with|and|otherwise|else|all|since|at)\b|\S+\s+\S+")


def without_type(found: re.Match[str]) -> str:
    r"""A name and the sign before it without their type, at their places: `\mathbf{\delta y}`."""
    return blank(found["type"]) + found["inner"] + " "


def styled(found: re.Match[str]) -> str:
    """A letter in a type of its own, in one way of writing."""
    return rf"\{found['type']}{{{found['inner'] or found['letter']}}}"


def lexemes(
    text: str, line: int = 1, names: Mapping[str, str] = MappingProxyType({}),
    defined: Mapping[str, macros.Macro] = MappingProxyType({}),
) -> list[Lexeme]:  # fmt: skip
    r"""The tokens of a piece of maths; raises ClaimError for what has no meaning.

    names: what letters in a type of their own stand for, `\mathcal{W}`, where they differ from the plain ones.
    defined: the commands of the author.
    """
    own, text = macros.definitions(text) if "\\" in text else ({}, text)
    expander = Expander(macros.known({**defined, **own}), names)
    return starred(listed(assigned(primed(dotted(expander.lexemes(text, line), text)))))


class Expander:
    """Takes maths apart, with an author's commands in mind."""

    def __init__(self, defined: Mapping[str, macros.Macro], names: Mapping[str, str]) -> None:
        self.defined, self.names = defined, names
        self.left = macros.MOST_EXPANSIONS
        self.depth = 0

    def lexemes(self, text: str, line: int = 1) -> list[Lexeme]:
        """The tokens of a text."""
        return tokens(unwrapped(systems(PREFIXED.sub(without_type, text))), line, self)

    def expanded(self, scan: Scanner) -> bool:
        """Take a command of the author's: its tokens stand where it stands."""
        found = scan.match(COMMAND)
        macro = self.defined.get(found[1]) if found else None
        if found is None or macro is None:
            return False
        inside, end = macros.arguments(scan.text, scan.at + len(found[0]), macro)
        span = scan.span(len(found[0]))
        self.left -= 1
        self.depth += 1
        if self.left < 0 or self.depth > macros.DEEPEST:
            raise scan.error(f"the command \\{found[1]} expands too far", len(found[0]))
        try:
            inner = self.lexemes(macro.filled(inside))
        except ClaimError as error:
            if self.depth > 1:
                raise
            raise scan.error(f"in the command \\{found[1]}: {error.problem}", len(found[0]), error.advice) from None
        self.depth -= 1
        scan.found += [Lexeme(lexeme.kind, lexeme.text, span) for lexeme in inner if lexeme.kind != "END"]
        scan.skip(end - scan.at)
        return True


def tokens(text: str, line: int, expander: Expander) -> list[Lexeme]:
    """The tokens of a text in which nothing is wrapped any more."""
    names = expander.names
    scan = Scanner(text, line)
    closings: list[int] = []  # how many braces are open inside each \tag
    while scan.at < len(text):
        sign = text[scan.at]
        if sign == "\n":
            new_line(scan)
        elif (delimiter := scan.match(DELIMITER)) and scan.found and not scan.depth and not closings:
            scan.add("END", delimiter[0], len(delimiter[0]))  # prose parts formulas
        elif ignored := scan.match(IGNORED):
            scan.skip(len(ignored[0]))
        elif bar := scan.match(BAR):
            scan.skip(len(bar[0]))
        elif row := scan.match(ROW):
            scan.add("ROW", r"\\", len(row[0]))
        elif sign == "\\" and expander.expanded(scan):
            continue
        elif (letter := scan.match(STYLED)) and styled(letter) in names:
            scan.add("NAME", names[styled(letter)], len(letter[0]))
        elif sign == "\\":
            command(scan, closings)
        elif sign.isdigit() and sign.isascii():
            found = scan.match(DIGIT if scan.after_script or in_fraction(scan) else NUMBER)
            assert found is not None
            scan.add("NUMBER", found[0], len(found[0]))
        elif closings and sign in "{}":
            closings[-1] += 1 if sign == "{" else -1
            if closings[-1] == 0:
                closings.pop()
                scan.add("NOTE", "", 1)
            else:
                scan.skip(1)
        elif sign == "&" and text.startswith("&&", scan.at):
            scan.add("SPACE", "&&", 2)
        elif text[scan.at : scan.at + 2] in DOTTED:
            scan.add(*DOTTED[text[scan.at : scan.at + 2]], 2)
        elif angle := scan.angle():
            scan.add(*angle, 1)
        elif sign == "." and not scan.match(NUMBER):
            if text.startswith("..", scan.at):
                scan.add("RANGE", "..", 3 if text.startswith("...", scan.at) else 2)
            else:
                scan.skip(1)  # a full stop
        elif sign == ":" and text.startswith(":=", scan.at):
            scan.add("EQUALS", "=", 2)
        elif bare := scan.match(BARE_SIGN):
            scan.add("NAME", "∑" if bare[1] == "sum" else "∏", len(bare[1]))
        elif bare := scan.match(BARE_WORD):
            scan.add("NAME", bare[0], len(bare[0]))
        else:
            scan.character()
    return scan.found


def systems(text: str) -> str:
    """Maths in which several equations that a brace holds together stand in rows of their own."""
    text = TABLE.sub(as_cases, text)
    found = list(text)
    for brace in BRACED.finditer(text):
        found[brace.start() : brace.end()] = blank(brace[0])
    opened: list[tuple[re.Match[str], bool]] = []
    for sign in SYSTEM.finditer(text):
        if sign["way"] == "begin":
            opened.append(
                (
                    sign,
                    not re.search(
                        r"[^\s&]", re.split(BEFORE_SYSTEM, text[max(0, sign.start() - NEAR) : sign.start()])[-1]
                    ),
                )
            )
        elif opened:
            opening, alone = opened.pop()
            if alone and "=" in text[opening.end() : sign.start()] and opening["name"] == sign["name"] != "array":
                for one in (opening, sign):
                    found[one.start() : one.end()] = blank(one[0])
    return "".join(found)


def as_cases(table: re.Match[str]) -> str:
    """Cases in place of a table, every line of them at its place."""
    opening = table[0][len(table["before"]) : table.start("inside") - table.start()]
    closing = table[0][table.end("inside") - table.start() :]
    begin, end = r"\begin{cases}", r"\end{cases}"
    # What is left out is blank; nothing grows, since the brace is longer than what tells the names apart.
    return f"{table['before']}{begin}{blank(opening)[len(begin) :]}{table['inside']}{end}{blank(closing)[len(end) :]}"


def unwrapped(text: str) -> str:
    r"""Maths without what is drawn around it, every sign at its place: `\boxed{h = 0}` is `h = 0`."""
    found = list(text)
    opened: list[str] = []
    at = 0
    while sign := AROUND.search(text, at):
        at = sign.end()
        wrapper = sign["wrapper"] or sign["coloured"]
        closed = opened.pop() if sign[0] == "}" and opened else ""
        if wrapper or sign[0].startswith(r"\color"):
            found[sign.start() : at] = blank(sign[0])
        elif closed:
            found[at - 1] = " "
        if wrapper or sign[0] == "{":
            opened.append(wrapper or "")
        label = LABELLED.match(text, at) if closed.endswith("brace") else None
        if label:
            at = end_of_group(text, label.end())
            found[label.start() : at] = blank(text[label.start() : at])
    return "".join(found)


def blank(text: str) -> str:
    """Spaces in place of signs; lines stay."""
    return re.sub(r"[^\n]", " ", text)


def end_of_group(text: str, at: int) -> int:
    """The place behind the brace that closes the one before a place."""
    depth = 1
    for sign in re.finditer(r"\\[\\{}]|[{}]", text[at:]):
        depth += {"{": 1, "}": -1}.get(sign[0], 0)
        if not depth:
            return at + sign.end()
    return len(text)


def in_fraction(scan: Scanner) -> bool:
    r"""Whether a digit is an argument of a fraction by itself: `\frac12` is one half."""
    kinds = [lexeme.kind for lexeme in scan.found[-2:]]
    return kinds[-1:] == ["FRAC"] or (kinds[:1] == ["FRAC"] and kinds[-1] in ("NUMBER", "NAME"))


def new_line(scan: Scanner) -> None:
    """A line that ends outside brackets ends a row; one that begins no equation is put back to it later."""
    if scan.found and scan.found[-1].kind not in ("ROW", "END") and not scan.depth:
        scan.add("ROW", "\n", 1)
    else:
        scan.skip(1)


def command(scan: Scanner, closings: list[int]) -> None:
    """What begins with a backslash."""
    if found := scan.match(ONES):
        scan.add("NAME", "ones", len(found[0]))
    elif found := scan.match(UPRIGHT):
        word(scan, found)
    elif found := scan.match(BOLD_WORD):
        scan.add("NAME" if not found["word"].isdigit() else "NUMBER", found["word"], len(found[0]))
    elif found := scan.match(SET):
        scan.add("NAME", f"mathbb{found['inner'] or found['letter']}", len(found[0]))
    elif found := scan.match(TAG):
        closings.append(1)
        scan.add("NOTE", "", len(found[0]))
    elif found := scan.match(ENVIRONMENT):
        environment(scan, found)
    elif scan.text.startswith((r"\{", r"\}"), scan.at):
        scan.add("LPAREN" if scan.text[scan.at + 1] == "{" else "RPAREN", scan.text[scan.at + 1], 2)
    elif scan.text.startswith(r"\|", scan.at):
        scan.norm(2)
    elif found := scan.match(COMMAND):
        named(scan, found[1], len(found[0]))
    else:
        raise scan.error(f"'{scan.text[scan.at : scan.at + 2]}' has no meaning here", 2)


def named(scan: Scanner, name: str, length: int) -> None:
    """A command by its name."""
    if name in COMMANDS:
        kind, meaning = COMMANDS[name]
        scan.add(kind, meaning, length)
    elif name in ACCENTS:
        scan.add("ACCENT", ACCENTS[name], length)
    elif name in ("lVert", "rVert", "Vert"):
        scan.norm(length)
    elif name in STYLES:
        if name == "left" and scan.match(VALUED):
            scan.add("LPAREN", "(", length + 1)
            return
        scan.skip(length)
        if name == "right" and (bar := scan.match(BAR)):
            scan.add("RPAREN", ")", len(bar[0]))
        if name in ("left", "right", "middle") and scan.text.startswith(".", scan.at):
            raise scan.error("a bracket that is not there cannot be read", 1, "write both brackets")
    elif name in DOCUMENT:
        raise scan.error(f"\\{name} belongs to a document", length, WHOLE)
    else:
        known = [*COMMANDS, *ACCENTS, *STYLES, "operatorname", "mathrm", "text"]
        advice = suggestion(name, known).replace("mean ", "mean \\").replace(" or ", " or \\")
        raise scan.error(f"the command \\{name} is not known", length, advice)


def word(scan: Scanner, found: re.Match[str]) -> None:
    r"""`\mathrm{diag}` is a name, `\text{for }` stands beside the equation, `\mathsf{T}` marks a transpose."""
    content = (found["word"] if found["letter"] is None else found["letter"]).replace(r"\_", "_")
    plain = re.sub(r"\\[ ,]|[\s*]", "", content)
    aside = "text" in found["command"] or found["command"] == "mbox"
    if aside and not scan.after_script and (BESIDE.match(content) or not re.fullmatch(r"[A-Za-z]\w*", plain)):
        scan.add("NOTE", content, len(found[0]))
        return
    if not re.fullmatch(r"[A-Za-z0-9]\w*", plain):
        scan.skip(len(found[0])) if not plain else scan.add("NOTE", content, len(found[0]))
        return
    if found["command"] == "mathsf" and plain == "T":
        plain = "top"
    scan.add("NUMBER" if plain.isdigit() else "NAME", plain, len(found[0]))


def environment(scan: Scanner, found: re.Match[str]) -> None:
    """Displays are looked through; matrices stack; cases are told apart."""
    name, opens, length = found["name"], found["way"] == "begin", len(found[0])
    if name in MATRICES:
        scan.add("LMATRIX" if opens else "RMATRIX", name, length)
    elif name in ("cases", "dcases"):
        scan.add("LCASES" if opens else "RCASES", name, length)
    elif name in DISPLAYS:
        scan.add("END", name, length) if name not in ("split", "aligned", "gathered", "array") else scan.skip(length)
    elif name == "document":
        raise scan.error("a claim is equations alone", length, WHOLE)
    else:
        raise scan.error(f"the environment '{name}' is not known", length, "equations stand in equation or align")
