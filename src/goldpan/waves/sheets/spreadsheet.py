"""What a spreadsheet takes a text for: `1.0` is the number 1, `TRUE` a truth value, `1-2` a day in January.

A label that went through a spreadsheet may come back as any of these. Two texts that share a reading may be
the same cell. Readings are tuples: `("number", 1.0)`, `("truth", True)`, `("date", year, month, day)` with
year None where it was not written, `("time", hours, minutes, seconds)`.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from goldpan.visible_text import without_invisible
from goldpan.waves.sheets.yes_and_no import FALSE, TRUE

Reading = tuple[Any, ...]

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_THREE_PARTS = re.compile(r"(\d{1,4})([-/. ])(\d{1,2})\2(\d{1,4})(?:[ T]0?0:00(?::00)?)?", re.ASCII)
_TWO_PARTS = re.compile(r"(\d{1,4})[-/.](\d{1,4})", re.ASCII)
_MONTH_NAME = re.compile(
    r"(?:(?P<before>\d{1,4})[-/ .]{0,2})?(?P<month>[a-z]{3,9})\.?(?:[-/ ,]?\s?(?P<after>\d{1,4}))?"
    r"(?:[-/ ,]\s?(?P<last>\d{2,4}))?",
    re.ASCII,
)
_ERROR_VALUE = re.compile(
    r"#(REF|VALUE|NUM|NULL|DIV/0|SPILL|CALC|FIELD|BLOCKED|CONNECT|UNKNOWN|BUSY|ERROR"
    r"|BEZUG|WERT|ZAHL|VALEUR|NOMBRE|NUL|VALOR|RIF|VALORE|WAARDE|VERW)!"
    r"|#(NAME|NOM|NOME|NAAM)\?|#N/[AD]|#NV|#GETTING_DATA|(Err|Fehler|Erreur):5\d\d",
    re.ASCII,
)
"""Of Excel in English, German, French, Spanish, Portuguese, Italian and Dutch, and of LibreOffice."""


def readings(cell: Any) -> frozenset[Reading]:
    """What a spreadsheet may take a text for, or what a typed cell is; empty for plain text."""
    match cell:
        case bool():
            return frozenset({("truth", cell)})
        case int() | float():
            return frozenset({("number", float(cell))})
        case datetime.datetime() if cell.time() != datetime.time():
            return frozenset({("date", cell.year, cell.month, cell.day, cell.time())})
        case datetime.date():
            return frozenset({("date", cell.year, cell.month, cell.day)})
        case datetime.time():
            return frozenset({("time", cell.hour, cell.minute, cell.second)})
        case datetime.timedelta():
            minutes, seconds = divmod(int(cell.total_seconds()), 60)
            return frozenset({("time", *divmod(minutes, 60), seconds)})
        case str():
            return frozenset(_text_readings(fold(cell)))
    return frozenset()


def share_a_reading(a: frozenset[Reading], b: frozenset[Reading]) -> bool:
    """Whether two cells may be the same; a date without its year is the same as that date in any year."""
    return any(_same(x, y) for x in a for y in b)


def fold(text: str) -> str:
    """`text` without differences of case, width, amount of space and invisible signs."""
    return " ".join(unicodedata.normalize("NFKC", without_invisible(text)).casefold().split())


def is_error_value(text: str) -> bool:
    """Whether a text is what a spreadsheet shows, and saves as CSV, where a formula went wrong."""
    return bool(_ERROR_VALUE.fullmatch(text.strip()))


def as_number(text: str) -> float | None:
    """The number a text is, with a decimal point or comma; None when it is none."""
    return float(text.replace(",", ".")) if NUMBER.fullmatch(text) else None


def _same(a: Reading, b: Reading) -> bool:
    if a[0] == b[0] == "date" and None in (a[1], b[1]):
        return a[2:] == b[2:]
    return a == b


def _text_readings(text: str) -> Iterator[Reading]:
    number = as_number(text)
    if number is not None:
        yield ("number", number)
    if text.endswith("%") and (percent := as_number(text[:-1].strip())) is not None:
        yield ("number", percent / 100)
    if text in TRUE:
        yield ("truth", True)
    if text in FALSE:
        yield ("truth", False)
    if (time := _TIME.fullmatch(text)) and int(time[1]) < 24:
        yield ("time", int(time[1]), int(time[2]), int(time[3] or 0))
    for year, month, day in _dates(text):
        if 1 <= month <= 12 and 1 <= day <= 31:
            yield ("date", year, month, day)


def _dates(text: str) -> Iterator[tuple[int | None, int, int]]:
    """Years, months and days a text may mean, in American, European and ISO order; not all need exist."""
    if three := _THREE_PARTS.fullmatch(text):
        first, middle, last = int(three[1]), int(three[3]), int(three[4])
        if len(three[1]) == 4:
            yield (first, middle, last)
        else:
            yield (_full_year(last), first, middle)
            yield (_full_year(last), middle, first)
            yield (_full_year(first), middle, last)
    elif two := _TWO_PARTS.fullmatch(text):
        first, last = int(two[1]), int(two[2])
        yield (None, first, last)
        yield (None, last, first)
        yield (_full_year(last), first, 1)
        yield (_full_year(first), last, 1)
    elif named := _MONTH_NAME.fullmatch(text):
        yield from _dates_with_a_name(named)


def _dates_with_a_name(named: re.Match[str]) -> Iterator[tuple[int | None, int, int]]:
    month = next((n for n, name in enumerate(_MONTHS, 1) if named["month"].startswith(name)), 0)
    before, after, last = (int(part) if part else None for part in named.group("before", "after", "last"))
    if last is not None:
        yield (_full_year(last), month, before or after or 0)
    elif before is not None and after is not None:
        yield (_full_year(after), month, before)
    elif (alone := before or after) is not None:
        yield (None, month, alone)
        yield (_full_year(alone), month, 1)


def _full_year(number: int) -> int:
    """The year a spreadsheet takes two digits for."""
    if number >= 100:
        return number
    return number + (2000 if number < 30 else 1900)
