"""Keywords of a study, or of a text file with one on each line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from goldpan.chains.filter.folded_text import TextFolder
from goldpan.chains.filter.keyword_matcher import folded_keyword
from goldpan.errors import StudyError
from goldpan.files import read_whole_unpacked

_LINE_END = re.compile(r"\r\n|\n|\r")
_COMMENT = re.compile(r"^\s*#.*|\s+#\s.*")
LONGEST_KEYWORD = 300


@dataclass(frozen=True)
class KeywordList:
    """Some keywords, at least one.

    Attributes:
        keywords: as they are written, each once, in their order.
        duplicates: `place: keyword, as PLACE` of those that were there before, folded alike.
    """

    keywords: tuple[str, ...]
    duplicates: tuple[str, ...] = ()


def keywords_of_study(keywords: Iterable[str], where: str) -> KeywordList:
    """The keywords that stand in the study.

    Args:
        keywords: as written.
        where: their place in the study, for errors.

    Raises:
        StudyError: one of them cannot be looked for, or there is none.
    """
    placed = [(f"{where}.{number}", keyword) for number, keyword in enumerate(keywords)]
    return _checked(placed, where)


def read_keywords(path: Path, name: str) -> KeywordList:
    """The keywords of a text file in UTF-8: one on each line; empty lines and what follows a `#` at the start
    of a line, or between white space, are left out. Quotes around a whole keyword do not count.

    Args:
        path: the file; it may be compressed.
        name: as the study calls it, for errors.

    Raises:
        StudyError: the file is missing or no such text, a line cannot be looked for, or there is none.
    """
    return _checked(list(_lines(path, name)), name)


def _lines(path: Path, name: str) -> Iterator[tuple[str, str]]:
    if not path.is_file():
        raise StudyError(
            f"there is no file of keywords `{name}`",
            where=name,
            remedy="give its path relative to the project; a single keyword stands in a list: `[nature]`",
        )
    for number, line in enumerate(_LINE_END.split(_decoded(read_whole_unpacked(path), name)), 1):
        keyword = _COMMENT.sub("", line).strip()
        if len(keyword) > 2 and keyword[0] == keyword[-1] == '"':
            keyword = keyword[1:-1].strip()
        if keyword:
            yield f"{name}, line {number}", keyword


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(_LINE_END.split(data[: error.start].decode("latin-1")))
        raise StudyError(
            f"the list of keywords is not in UTF-8: byte {data[error.start]:#04x}",
            where=f"{name}, line {line}",
            remedy="save it as UTF-8",
        ) from None
    if "\0" in text:
        line = len(_LINE_END.split(text[: text.index("\0")]))
        raise StudyError(
            "the list of keywords holds NUL characters: it is no text, or in UTF-16",
            where=f"{name}, line {line}",
            remedy="save it as UTF-8",
        )
    return text


def _checked(placed: list[tuple[str, str]], where: str) -> KeywordList:
    folder = TextFolder()
    first: dict[str, tuple[str, str]] = {}
    duplicates = []
    for place, keyword in placed:
        folded = folded_keyword(keyword, folder)
        if fault := _fault(keyword, folded):
            raise StudyError(
                fault, where=place, remedy="correct it, or take it out: one keyword or phrase on each line"
            )
        if folded in first:
            duplicates.append(f"{place}: `{keyword}`, as `{first[folded][1]}` of {first[folded][0]}")
        first.setdefault(folded, (place, keyword))
    if not first:
        raise StudyError(
            "the list of keywords is empty, so no record would be kept",
            where=where,
            remedy="add keywords, one on each line; lines that begin with # are comments",
        )
    return KeywordList(tuple(keyword for _, keyword in first.values()), tuple(duplicates))


def _fault(keyword: str, folded: str) -> str | None:
    """Why a keyword cannot be looked for; None where it can."""
    if len(keyword) > LONGEST_KEYWORD:
        return f"a keyword has {len(keyword):,} characters, more than {LONGEST_KEYWORD}: {keyword[:40]!r}…"
    if any(unicodedata.category(character) == "Cc" and character not in "\t\n\r" for character in keyword):
        return f"the keyword {keyword!r} has a control character"
    if not any(unicodedata.category(character)[0] in "LNS" for character in folded):
        return f"the keyword {keyword!r} has no letter, digit or symbol"
    return None
