"""The reference list of a paper kit as BibTeX: literature that reports name, software and checklists."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from goldpan import __version__
from goldpan.errors import ReconciliationError
from goldpan.latex import latex_text

_REFERENCE = re.compile(r"(?P<authors>.+?) \((?P<year>\d{4})\)\. (?P<rest>.+)")
_TITLE_END = re.compile(r"(?<! [A-Z])\. (?=[A-Z])")
_JOURNAL = re.compile(r"(?P<journal>[^,.]+?) (?P<volume>\d+), (?P<pages>\d+-\d+)")
_NO_KEY_WORDS = frozenset({"a", "an", "the", "on", "of"})


@dataclass(frozen=True)
class BibEntry:
    """One work.

    Attributes:
        key: what citations name.
        kind: of BibTeX, such as `article`.
        fields: name -> text, in the order they are written; a body as author stands in braces.
    """

    key: str
    kind: str
    fields: tuple[tuple[str, str], ...]

    def as_bibtex(self) -> str:
        """The entry, with a final newline."""
        lines = [f"  {name} = {{{_value(name, text)}}}," for name, text in self.fields]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"]) + "\n"


def entry_of(reference: str) -> BibEntry:
    """A reference of a report, `Cohen, J. (1960). A coefficient ... 20, 37-46.`, as an entry.

    Raises:
        ReconciliationError: it is not of that form.
    """
    found = _REFERENCE.fullmatch(reference.strip().rstrip("."))
    if found is None:
        raise ReconciliationError(
            f"a reference has another form than `Authors (Year). Title. Where`: {reference}",
            remedy="this is a fault in goldpan; please report it with this message",
        )
    authors, year = _authors(found["authors"]), found["year"]
    title, where = _title_and_place(found["rest"])
    key = _key(found["authors"], year, title)
    fields = [("author", authors), ("year", year), ("title", title)]
    journal = _JOURNAL.fullmatch(where)
    if journal is not None:
        pages = journal["pages"].replace("-", "--")
        if journal["volume"] == year:
            place = ("booktitle", f"{journal['journal']} {year}")
            return BibEntry(key, "inproceedings", (*fields, place, ("pages", pages)))
        return BibEntry(
            key,
            "article",
            (*fields, ("journal", journal["journal"]), ("volume", journal["volume"]), ("pages", pages)),
        )
    return BibEntry(key, "misc", (*fields, *([("note", where)] if where else [])))


def _title_and_place(rest: str) -> tuple[str, str]:
    """A journal stands after the last sentence, as titles may hold several; anything else after the first."""
    ends = list(_TITLE_END.finditer(rest))
    journals = [end for end in ends if _JOURNAL.fullmatch(rest[end.end() :])]
    for end in journals or ends:
        return rest[: end.start()], rest[end.end() :]
    return rest, ""


def _authors(text: str) -> str:
    """`Cohen, J., & Everitt, B. S.` as `Cohen, J. and Everitt, B. S.`."""
    text = text.replace(", and others", ", & others")
    names = re.split(r"(?<=\.), (?:& )?|, & | & ", text)
    return " and ".join(name.strip() for name in names if name.strip())


def _key(authors: str, year: str, title: str) -> str:
    family = _letters(authors.split(",")[0])
    words = (_letters(word) for word in title.split())
    first = next((word for word in words if word and word not in _NO_KEY_WORDS), "")
    return f"{family}{year}{first}"


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]", "", plain)


def _value(name: str, text: str) -> str:
    if name in ("pages", "url", "doi"):
        return text
    # A body is one name, which no style may take apart; it is written in braces.
    return f"{{{latex_text(text[1:-1])}}}" if text.startswith("{") else latex_text(text)


GOLDPAN = BibEntry(
    "goldpan",
    "misc",
    (
        ("author", "{The goldpan contributors}"),
        ("title", "goldpan: from a corpus to labels people can trust, and to a model that labels the rest"),
        ("note", f"Version {__version__}"),
    ),
)
SNAKEMAKE = BibEntry(
    "molder2021snakemake",
    "article",
    (
        ("author", "Mölder, Felix and Jablonski, Kim Philipp and Letcher, Brice and others"),
        ("year", "2021"),
        ("title", "Sustainable data analysis with Snakemake"),
        ("journal", "F1000Research"),
        ("volume", "10"),
        ("pages", "33"),
        ("doi", "10.12688/f1000research.29032.2"),
    ),
)
GUIDE_LLM = BibEntry(
    "feuerriegel2026guidellm",
    "article",
    (
        ("author", "Feuerriegel, Stefan and Barrie, Christopher and Crockett, M. J. and others"),
        ("year", "2026"),
        ("title", "A reporting checklist for large language models in behavioural science"),
        ("journal", "Nature Human Behaviour"),
        ("doi", "10.1038/s41562-026-02492-7"),
    ),
)
ACL = BibEntry(
    "arr2024responsible",
    "misc",
    (
        ("author", "{ACL Rolling Review}"),
        ("year", "2024"),
        ("title", "Responsible NLP research checklist"),
        ("url", "https://aclrollingreview.org/responsibleNLPresearch/"),
    ),
)
LLM_GUIDELINES = BibEntry(
    "baltes2025guidelines",
    "misc",
    (
        ("author", "Baltes, Sebastian and Angermeir, Florian and Arora, Chetan and others"),
        ("year", "2025"),
        (
            "title",
            "Guidelines for empirical studies in software engineering involving large language models",
        ),
        ("note", "arXiv:2508.15503"),
        ("url", "https://llm-guidelines.org"),
    ),
)


class References:
    """The works that a kit cites, each once."""

    def __init__(self) -> None:
        self._entries: dict[str, BibEntry] = {}

    def add(self, entry: BibEntry) -> str:
        """Its key; another work that has it gets a letter behind it."""
        key, letter = entry.key, ord("a")
        while (known := self._entries.get(key)) is not None and known.fields != entry.fields:
            key, letter = f"{entry.key}{chr(letter)}", letter + 1
        self._entries[key] = BibEntry(key, entry.kind, entry.fields)
        return key

    def add_all(self, references: Iterable[str]) -> tuple[str, ...]:
        """The keys of references as reports have them."""
        return tuple(self.add(entry_of(reference)) for reference in references)

    def as_bibtex(self) -> str:
        """All entries by key, as UTF-8 text."""
        return "\n".join(entry.as_bibtex() for _, entry in sorted(self._entries.items()))
