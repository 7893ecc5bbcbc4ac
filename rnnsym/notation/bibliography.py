"""The sources that a model declares, as BibTeX."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from rnnsym.errors import RnnsymError
from rnnsym.language.model import Source

#: What a combining accent is called in TeX, and the letters that have commands of their own.
ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0328": "k",
}  # fmt: skip
LETTERS = {
    "ß": r"{\ss}", "ø": r"{\o}", "Ø": r"{\O}", "ł": r"{\l}", "Ł": r"{\L}", "æ": r"{\ae}", "Æ": r"{\AE}", "œ": r"{\oe}",
    "Œ": r"{\OE}", "ı": r"{\i}", "đ": r"{\dj}", "–": "--", "—": "---", "’": "'", "‘": "`", "“": "``", "”": "''",
    "…": r"{\dots}", "\u00a0": "~",
}  # fmt: skip
SPECIAL = {character: f"\\{character}" for character in "&%$#_"}
#: Fields that hold no prose: nothing in them is escaped.
VERBATIM = ("doi", "url", "isbn", "issn", "eprint")
#: The order of the fields that are known; others follow.
ORDER = ("author", "editor", "title", "journal", "booktitle", "volume", "number", "pages", "publisher", "year")


def bibtex(sources: Iterable[Source]) -> str:
    r"""BibTeX entries, with accents as TeX commands so that every BibTeX reads and sorts them.

    Raises RnnsymError where two entries share a key, or one has no key or no type.

    >>> print(bibtex([Source("k2000", (("type", "article"), ("author", "Koutník, Jan"), ("title", "An LSTM & more")))]))
    @article{k2000,
      author = {Koutn{\'\i}k, Jan},
      title = {An {LSTM} \& more},
    }
    """
    entries: dict[str, str] = {}
    for source in sources:
        fields = dict(source.fields)
        kind = fields.pop("type", "")
        if not re.fullmatch(r"[A-Za-z][\w:.+/-]*", source.key, re.ASCII) or not kind.isalpha():
            raise RnnsymError(f"a source needs a BibTeX key and a type, not {source.key!r} and {kind!r}")
        if source.key in entries:
            raise RnnsymError(f"two sources have the key {source.key}: give one of them another")
        names = sorted(fields, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
        rows = "".join(f"  {name} = {{{_field(name, str(fields[name]))}}},\n" for name in names)
        entries[source.key] = f"@{kind}{{{source.key},\n{rows}}}"
    return "\n\n".join(entries.values())


def _field(name: str, text: str) -> str:
    if name in VERBATIM:
        return text
    text = " ".join(text.split())
    return _protected(tex(text)) if name in ("title", "booktitle") else tex(text)


def tex(text: str) -> str:
    r"""Text with TeX's special characters made plain and accents as commands; commands and braces stay.

    >>> tex("Jürgen Łoś"), tex("50% {of} $n$")
    ('J{\\"u}rgen {\\L}o{\\\'s}', '50\\% {of} $n$')
    """
    # Where somebody has written TeX, such as $n$ or \alpha, it is left alone.
    parts = re.split(r"(\$[^$]*\$|\\.)", unicodedata.normalize("NFC", text))
    return "".join(part if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    return "".join(LETTERS.get(letter) or SPECIAL.get(letter) or _accented(letter) for letter in text)


def _accented(letter: str) -> str:
    bare = unicodedata.normalize("NFD", letter)
    if len(bare) != 2 or bare[1] not in ACCENTS:
        return letter
    base, command = bare[0], ACCENTS[bare[1]]
    if command.isalpha():
        return rf"{{\{command}{{{base}}}}}"
    return rf"{{\{command}{chr(92) + base if base in 'ij' else base}}}"


def _protected(title: str) -> str:
    """A title whose acronyms keep their capitals: styles set titles in lower case."""
    return re.sub(r"(?<![{\\\w])\w*[A-Z]\w*[A-Z]\w*(?![\w}])", r"{\g<0>}", title)
