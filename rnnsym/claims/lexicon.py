"""What the names in a claim can mean: the model's variables under every spelling, functions, and times."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sympy import Expr, Integer

from rnnsym.claims import latex
from rnnsym.claims.copies import Copied
from rnnsym.claims.grammar import parse
from rnnsym.claims.syntax import Moment, Shape
from rnnsym.claims.tokens import STARRED
from rnnsym.claims.written import Group, Name, Numeral, Run, Scripted, Total, Written
from rnnsym.equations.indexed import Variable
from rnnsym.equations.system import System
from rnnsym.errors import Span
from rnnsym.language.model import Model
from rnnsym.notation.names import Names
from rnnsym.operations import ELEMENTWISE, PAIRWISE, VECTOR_FUNCTIONS

ONE = Integer(1)
SCALAR: Shape = (ONE, ONE)
#: Letters that count time where a claim uses them as an index of its own sequences.
TIME_LETTERS = ("t", "s", "k", "j", "i", "l", "tau", "u", "v", "T", "n", "m", "r")
#: What authors call the functions of the table.
SPELLINGS = {
    "sigma": "sigmoid", "sigm": "sigmoid", "logistic": "sigmoid", "ReLU": "relu", "Tanh": "tanh", "ln": "log",
    "sgn": "sign", "Softmax": "softmax", "lrelu": "leaky_relu", "hardtanh": "hard_tanh", "logsoftmax": "log_softmax",
    "logsigmoid": "log_sigmoid", "LeakyReLU": "leaky_relu", "expo": "exp",
}  # fmt: skip
#: Those of two arguments; `max(x, 0)` is `x` where that is positive.
PAIRS = {entry.name: entry for entry in PAIRWISE} | {
    template.partition("(")[0].lstrip("\\"): entry for entry in PAIRWISE for template in (entry.latex, entry.text)
    if template.partition("(")[0]
}  # fmt: skip
FUNCTIONS = {entry.name: entry.name for entry in (*ELEMENTWISE, *VECTOR_FUNCTIONS)} | {
    entry.latex.removeprefix(r"\operatorname{").removeprefix(r"\mathrm{").strip("\\}"): entry.name
    for entry in (*ELEMENTWISE, *VECTOR_FUNCTIONS)
}
ELEMENTWISE_NAMES = frozenset(entry.name for entry in ELEMENTWISE)
#: What a total loss may be called where the model does not name it.
LOSSES = ("E", "L", "J", "C", "Loss", "loss", "ell", "cost", "Err", "error")


def spelled(name: Name, below: Iterable[str] = (), above: Iterable[str] = ()) -> str:
    r"""One spelling for a name and its scripts: `W_{hh}` is `W_hh`, `W_{x,h}` is `W_x_h`, `\hat{y}` is `yhat`.

    >>> from rnnsym.errors import Span
    >>> spelled(Name("W", Span(1, 0, 1)), ["hh"]), spelled(Name("y", Span(1, 0, 1), ("hat",)))
    ('W_hh', 'yhat')
    """
    head, _, tail = name.text.partition("_")
    lower = "_".join(part for part in (*tail.split("_"), *below) if part)
    upper = "".join(above)
    return head + "".join(name.accents) + (f"_{lower}" if lower else "") + (f"^{upper}" if upper else "")


def label(part: Written) -> str | None:
    """A script as a label: `hh`, `(1)`, `in`; None where it is no plain word."""
    match part:
        case Name(text, _, accents):
            return text + "".join(accents)
        case Numeral(value) if value.denominator == 1:
            return str(value)
        case Group("(", (inner,)):
            found = label(inner)
            return None if found is None else f"({found})"
        case Scripted(Name(), (("_", (Name(inner),)),)) if inner not in TIME_LETTERS:
            return plain_name(part)  # a label has a label: w_{\gamma_x}
        case Run(factors, signs) if not any(signs):
            words = [label(factor) for factor in factors]
            return None if None in words else "".join(word for word in words if word is not None)
        case _:
            return None


def moment(part: Written) -> Moment | None:
    """A script as an affine time: `t-1`, `T+t-i`, `(k+1)`, `0`; None where it is something else."""
    match part:
        case Name(text, _, ()) if text.removesuffix("prime") in TIME_LETTERS or (len(text) == 1 and text.isalpha()):
            return Moment.of(text)
        case Numeral(value) if value.denominator == 1 and abs(value) < 10**6:
            return Moment((), int(value))
        case Group("(", (inner,)):
            return moment(inner)
        case Run((Numeral(value), other), signs) if signs[0] in ("", "·", "*") and value.denominator == 1:
            found = moment(other)
            return None if found is None or abs(value) > 10**6 else found.times(int(value))
        case Total(terms):
            total = Moment((), 0)
            for sign, term in terms:
                found = moment(term)
                if found is None:
                    return None
                total = total + found.times(-1 if sign == "-" else 1)
            return total
        case _:
            return None


class Lexicon:
    """The names of one model: of its variables, of the parts that its derivation names, of sizes and of functions."""

    def __init__(self, model: Model, system: System, convention: str, tex: bool = False) -> None:
        """tex: the claim is in LaTeX, where a symbol that the model declares comes before a name spelled like it."""
        self.model = model
        self.system = system
        self.convention = convention
        self.functions = {**FUNCTIONS, **SPELLINGS}
        #: What a parameter's copies for each step are called, where the claim speaks of them.
        self.copies = model.copies if isinstance(model, Copied) else {}
        #: The functions that the claim's author has named.
        self.aliases: dict[str, str] = {}
        self.spellings: dict[str, str] = {}
        #: The claim's names that have a label below or above: the c of \\epsilon_c^t, with _ or ^.
        self.labelled: set[tuple[str, str]] = set()
        #: The letters of variables that the claim uses as no index: they may be labels, as in \\delta_{n,t}.
        self.gates: set[str] = set()
        #: Names that are written with several signs, by these.
        self.several: dict[tuple[tuple[str, str], ...], str] = {}
        #: Letters in another type, where the plain one is another name: \\mathcal{W} beside W.
        self.styled: dict[str, str] = {}
        total = system.variables[system.loss]
        variables = [variable for variable in system.variables.values() if variable is not total]
        own = [variable for variable in variables if variable.name in model.names]
        names = Names(model.symbols, system.variables.values())
        for variable in own if tex else ():
            symbol = model.symbols.get(variable.name, "")
            for written in self._forms(variable, names) if symbol and not latex.STYLED.fullmatch(symbol) else ():
                self.spellings.setdefault(written, variable.name)
        for variable in (*own, *(variable for variable in variables if variable not in own)):
            self.spellings.setdefault(spelled(Name(variable.name, NOWHERE)), variable.name)
        for variable in variables:
            for written in self._forms(variable, names):
                self.spellings.setdefault(written, variable.name)
        for name in model.names:  # a word that an author writes without \\mathrm
            if len(name) > 2 and name.isalpha() and name.isascii() and not set(name) <= set(self.spellings):
                self.several.setdefault(tuple(("NAME", letter) for letter in name), name)
        self._squeezed: dict[str, set[str]] = {}
        for known, name in self.spellings.items():
            self._squeezed.setdefault(squeeze(known), set()).add(name)
        self._losses = {system.loss, total.label, *self._forms(total, names)}
        symbols = {symbol for variable in variables for size in variable.shape for symbol in size.free_symbols}
        self.sizes = {spelled(Name(symbol.name, NOWHERE)): symbol for symbol in sorted(symbols, key=str)}
        for symbol in sorted(symbols, key=str):  # one that is called as a variable has another name in print
            self.sizes.setdefault(spelled(Name(names.size(symbol, True), NOWHERE)), symbol)

    def _forms(self, variable: Variable, names: Names) -> Iterable[str]:
        """The spellings of what our own printers write for a variable."""
        for form in (names.latex(variable), self.model.symbols.get(variable.name, "")):
            if not form:
                continue
            try:
                lexemes = latex.lexemes(form)
                (written,) = parse(lexemes, form)
            except Exception:  # an author's symbol may be any LaTeX
                continue
            found = plain_name(written)
            if isinstance(written, Run):
                self.several[tuple((lexeme.kind, lexeme.text) for lexeme in lexemes)] = variable.name
            styled = latex.STYLED.fullmatch(form)
            if styled and found is not None and self.spellings.get(found, variable.name) != variable.name:
                self.styled[latex.styled(styled)] = variable.name
            if found is not None:
                yield found
        if variable.label:
            yield spelled(Name(variable.label, NOWHERE))

    @property
    def loss(self) -> str:
        """The variable that is the total loss."""
        return self.system.loss

    @property
    def loss_name(self) -> str:
        """A name by which the total loss is read."""
        return next(name for name in (self.variable(self.loss).label, self.loss) if name and self.is_loss_name(name))

    @property
    def step_losses(self) -> frozenset[str]:
        """The scalars that add up to it."""
        return frozenset(definition.target.name for definition in self.model.losses)

    def variable(self, name: str) -> Variable:
        return self.system.variables[name]

    def shape(self, name: str) -> Shape:
        """The shape of a variable, as rows and columns."""
        sizes = tuple(self.variable(name).shape)
        if len(sizes) >= 2:
            return sizes
        if not sizes:
            return SCALAR
        return (ONE, sizes[0]) if self.convention == "rows" else (sizes[0], ONE)

    def named(self, spelling: str) -> str | None:
        """The variable of a spelling; W_{h,h} may mean W_hh where that is the only one."""
        if spelling in self.spellings:
            return self.spellings[spelling]
        found = self._squeezed.get(squeeze(spelling), set()) if self._may_squeeze(spelling) else set()
        if len(found) == 1:
            return next(iter(found))
        if STARRED in spelling:  # y^* is written out
            return self.named(spelling.replace(STARRED, STARRED[1:]))
        head, rest = spelling[:1], spelling[1:]
        if head.islower() and (not rest or rest[0] in "_^"):  # the elements of W are often called w
            capital = self.named(head.upper() + rest)
            of_matrix = capital is not None and len(self.variable(capital).shape) == 2
            return capital if of_matrix and not self.variable(capital or "").timed else None
        return None

    def _may_squeeze(self, spelling: str) -> bool:
        """Whether a name has scripts that may be one label; a number above a variable of the model's is a power."""
        base, _, above = spelling.partition("^")
        return ("_" in spelling or bool(above)) and not (above.isdigit() and base in self.spellings)

    def is_loss_name(self, name: str) -> bool:
        """Whether a name without time can only be the total loss."""
        if name in self._losses:
            return True
        return name in self.step_losses or (name in LOSSES and name not in self.spellings)

    def size(self, part: Written) -> Expr | None:
        """A size, or a sum of sizes and numbers."""
        match part:
            case Numeral(value) if value.denominator == 1:
                return Integer(int(value))
            case Name() | Scripted():
                found = plain_name(part)
                return None if found is None else self.sizes.get(found)
            case Run((Numeral(value), other), ("",)):
                size = self.size(other)
                return None if size is None or value.denominator != 1 else Integer(int(value)) * size
            case Total(terms):
                total: Expr = Integer(0)
                for sign, term in terms:
                    size = self.size(term)
                    if size is None:
                        return None
                    total = total + (-size if sign == "-" else size)
                return total
            case _:
                return None


def plain_name(written: Written) -> str | None:
    """The spelling of a name whose scripts are all labels; None for anything else."""
    match written:
        case Name():
            return spelled(written)
        case Scripted(Name() as base, scripts):
            below = [label(part) for kind, parts in scripts if kind == "_" for part in parts]
            above = [label(part) for kind, parts in scripts if kind == "^" for part in parts]
            above += ["prime" for kind, _ in scripts if kind == "'"]
            if any(kind not in "_^'" for kind, _ in scripts) or None in below or None in above:
                return None
            return spelled(base, (part for part in below if part), (part for part in above if part))
        case Group("(", (inner,), _):
            return plain_name(inner)
        case _:
            return None


def squeeze(spelling: str) -> str:
    """A spelling without what parts its labels: `W^(hh)` and `W_h_h` are alike."""
    head, labels = re.match(r"([^_^]*?)(\d*(?:[_^].*)?)$", spelling).groups()  # type: ignore[union-attr]
    return f"{head}_{re.sub('[_^()]', '', labels)}"


NOWHERE = Span(1, 0, 1)
