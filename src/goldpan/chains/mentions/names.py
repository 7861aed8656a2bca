"""A name taken apart: its words, its year or wave, and the acronym that it defines."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from goldpan.chains.mentions.normal_text import normal_text
from goldpan.files import sha256_hex

LONGEST_COMPARED = 500
"""Signs of a name of which words are compared; longer ones are equal or not."""

_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "of the and for on in to a an at by from with de la le les des du del el los las der die das den und"
        " et y e da do dos das di della sur por para",
    )
)
_GENERIC = re.compile(r"(?:\s+(?:data|datasets?|data sets?|databases?|data bases?))+$")
"""Words at the end that say of a dataset that it is one."""

_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "eleventh": 11,
    "twelfth": 12,
}
_ORDINAL = rf"(?:{'|'.join(_ORDINALS)}|\d+(?:st|nd|rd|th))"
_EDITION_WORD = r"(?:waves?|rounds?|phases?|editions?|versions?|releases?|vintages?)"
_EDITIONS = re.compile(
    rf"""\(?(?<![^\W_])(?:
      (?P<year>(?:1[89]|20)\d\d(?:\s?[-/]\s?(?:(?:1[89]|20)\d\d|\d\d))?)
    | {_EDITION_WORD}\s*(?P<number>\d+(?:\.\d+)*|[ivx]+)(?:\s?-\s?\d+)?
    | (?P<ordinal>{_ORDINAL})\s+{_EDITION_WORD}
    | v\.?\s?(?P<version>\d+(?:\.\d+)*)
    )(?![^\W_])\)?""",
    re.VERBOSE | re.IGNORECASE,
)
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]{2,120})[)\]]")
_HYPHEN_IN_WORD = re.compile(r"(?<=\w)[-\u2010\u2011](?=[^\W\d])|(?<=[^\W\d])[-\u2010\u2011](?=\w)")
_LEADING = re.compile(r"^\s*(?:(?:of|the|in|from|for|a|an)\s+)+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_ASCII_WORD = re.compile("[a-z0-9]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_LONGEST_ACRONYM = 12


@dataclass(frozen=True, slots=True)
class NameForm:
    """What two names are compared by.

    Attributes:
        words: of the name without its edition, acronym and what is generic; small letters without accents.
            The hyphen parts words here.
        edition: years, waves and versions, sorted; each as text.
        acronym: that stands for the name, in capitals without full stops: defined in the name, or the whole
            of it.
        is_acronym: whether the name is nothing but an acronym.
    """

    words: tuple[str, ...]
    edition: tuple[str, ...] = ()
    acronym: str | None = None
    is_acronym: bool = False

    @property
    def key(self) -> str:
        """Equal for names that are the same but for spaces, hyphens, accents, case and words that say
        nothing; empty for no name."""
        return "".join(self.content)

    @property
    def content(self) -> tuple[str, ...]:
        """The words that say something; all of them where none does."""
        return tuple(word for word in self.words if word not in _STOP_WORDS) or self.words

    @property
    def initials(self) -> tuple[str, ...]:
        """The acronyms that the name may have: of the words that say something, and of all."""
        if len(self.content) < 2:
            return ()
        made = ("".join(word[0] for word in words).upper() for words in (self.content, self.words))
        return tuple(dict.fromkeys(made))


@lru_cache(maxsize=1 << 16)
def name_form(name: str) -> NameForm:
    """Take a name apart.

    `The 2014 Demographic & Health Survey (DHS) data` has the words `demographic health survey`, the edition
    `2014` and the acronym `DHS`; `DHS (Demographic and Health Survey)` has the same.
    """
    name = name.strip()
    if len(name) > LONGEST_COMPARED:
        return NameForm((sha256_hex(normal_text(name).text.encode()),))
    spaced = _HYPHEN_IN_WORD.sub(" ", _lines_joined(name))
    rest, edition = _without_editions(spaced)
    rest, acronym = _without_acronym(_LEADING.sub("", rest))
    words = _words(rest)
    bare = acronym_of(rest if acronym is None else "")
    if bare is not None:
        return NameForm(words, edition, bare, is_acronym=True)
    return NameForm(words or _words(spaced), edition if words else (), acronym)


def acronym_of(text: str) -> str | None:
    """The acronym that a text is, in capitals and without full stops; None where it is none.

    An acronym is one word of two to twelve letters and digits, at least two of which, and half of its
    letters, are capitals: `WVS`, `EU-SILC`, `U.S.`, `SHARE`, `mRNA` not.
    """
    word = _GENERIC.sub("", re.sub(r"(?i)^the\s+", "", text.strip()).strip(" .,;:'\""))
    plain = re.sub(r"[.&/\-\u2010\u2011]", "", word)
    joined = (
        plain if not re.search(r"\s", plain) else ("" if len(plain.split()) > 2 else plain.replace(" ", ""))
    )
    letters = [sign for sign in joined if sign.isalpha()]
    capitals = sum(map(str.isupper, letters))
    if not joined.isalnum() or not 2 <= len(joined) <= _LONGEST_ACRONYM or capitals < 2:
        return None
    parts = plain.split()
    if len(parts) > 1 and not all(part.isupper() or part.isdigit() for part in parts):
        return None
    return joined.upper() if 2 * capitals > len(letters) and joined[0].isupper() else None


def _lines_joined(name: str) -> str:
    return re.sub(r"[-\u2010\u2011\xad\x02\ufffe][^\S\n]*\r?\n\s*", "", name)


def _without_editions(name: str) -> tuple[str, tuple[str, ...]]:
    """A name without years, waves and versions, and these."""
    folded = unicodedata.normalize("NFKC", name).translate(
        str.maketrans("\u2010\u2011\u2012\u2013\u2014", "-----")
    )
    editions: set[str] = set()

    def take(found: re.Match[str]) -> str:
        if found["year"]:
            editions.add(_years(found["year"]))
        else:
            editions.add(_number(found["number"] or found["ordinal"] or found["version"]))
        return " "

    rest = _EDITIONS.sub(take, folded)
    if not _WORD.search(rest):
        return folded, ()
    return rest, tuple(sorted(editions))


def _years(text: str) -> str:
    """A year, or the first and last of several: `2013/14` and `2013-2014` are the same."""
    first, *last = re.split(r"\s?[-/]\s?", text)
    return "-".join([first, *(first[: -len(end)] + end if len(end) == 2 else end for end in last)])


def _number(text: str) -> str:
    text = text.lower()
    if text in _ORDINALS:
        return f"no{_ORDINALS[text]}"
    if re.fullmatch(r"[ivx]+", text):
        return f"no{_roman(text)}"
    return "no" + re.sub(r"(?:st|nd|rd|th)$", "", text)


def _roman(text: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10}[sign] for sign in text]
    return sum(-value if value < max(values[at:]) else value for at, value in enumerate(values))


def _without_acronym(name: str) -> tuple[str, str | None]:
    """A name without the acronym that it defines, and that acronym, whichever is in brackets."""
    for found in _IN_BRACKETS.finditer(name):
        outside = " ".join((name[: found.start()] + " " + name[found.end() :]).split())
        inside = found[1]
        for acronym, meant in ((acronym_of(inside), outside), (acronym_of(outside), inside)):
            if acronym is not None and acronym_of(meant) is None and _stands_for(acronym, meant):
                return meant, acronym
    return name, None


def _stands_for(acronym: str, name: str) -> bool:
    """Whether the letters of an acronym stand in a name in this order, the first where a word begins."""
    folded = _folded(name)
    wanted = _folded(acronym)
    starts = [found.start() for found in _WORD.finditer(folded) if found[0][0] == wanted[0]]
    return any(_holds_in_order(folded[start:], wanted) for start in starts)


def _holds_in_order(text: str, signs: str) -> bool:
    rest = iter(text)
    return all(sign in rest for sign in signs)


def _folded(text: str) -> str:
    if text.isascii() and text.isprintable():
        return " ".join(text.lower().split())
    return unicodedata.normalize(
        "NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", normal_text(text).text))
    )


def _words(text: str) -> tuple[str, ...]:
    folded = " ".join(_folded(text).replace("'s ", "s ").replace("'", "").split())
    words = _split(folded)
    trimmed = _split(_GENERIC.sub("", " " + " ".join(words)).strip())
    if trimmed and not all(word in _STOP_WORDS for word in trimmed):
        words = trimmed
    if len(words) > 1 and words[0] in ("the", "a", "an"):
        words = words[1:]
    return tuple(words)


def _split(text: str) -> list[str]:
    """Words of letters, digits and the marks that are part of them."""
    if text.isascii():
        return _ASCII_WORD.findall(text)
    kept = "".join(sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" else " " for sign in text)
    return kept.split()
