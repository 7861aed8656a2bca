"""Numbers as people write them in one column: which sign is the decimal one, and which parts thousands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from goldpan.waves.sheets.spreadsheet import as_number, fold

_GROUPED = re.compile(
    r"[+-]?[1-9]\d{0,2}(?P<sign>[.,])\d{3}(?P<more>((?P=sign)\d{3})*)(?P<rest>((?!(?P=sign))[.,]\d+)?)",
    re.ASCII,
)
_DECIMAL = re.compile(r"[+-]?\d*([.,])\d+", re.ASCII)
_OTHER = {",": ".", ".": ","}
_EXACT_DIGITS = 15
"""Digits that a number of a spreadsheet holds; two longer ones may differ and yet be one number to it."""


@dataclass(frozen=True)
class NumberFormat:
    """How the numbers of a column are written.

    `1.250` and `1,250` may be thousands or have three decimal places: the other numbers of the column tell.
    `1,5` has a decimal comma; `1.250,50` and `1.250.000` have one, too, or would have.

    Attributes:
        decimal_signs: those that some number has for certain.
    """

    decimal_signs: frozenset[str]

    @classmethod
    def of(cls, labels: Iterable[str]) -> NumberFormat:
        """The format of the numbers among some labels."""
        return cls(frozenset(sign for label in labels if (sign := _decimal_sign(_bare(label)))))

    def is_ambiguous(self, label: str) -> bool:
        """Whether a label may be one of two numbers: without another that tells `1,250`, and where both signs
        are decimal ones `1.250`, too.
        """
        grouped = _GROUPED.fullmatch(_bare(label))
        if not grouped or grouped["more"] or grouped["rest"]:
            return False
        return len(self.decimal_signs) == 2 or (not self.decimal_signs and grouped["sign"] == ",")

    def value(self, label: str) -> float | None:
        """The number that a label is, a percentage as a share; None where it is none, or `1,250` may be two.

        A point that may be either is taken for a decimal one, as of most programs.
        """
        text, is_percentage = _bare(label), fold(label).endswith("%")
        is_ambiguous = self.is_ambiguous(label)
        if (is_ambiguous and "," in text) or sum(character.isdecimal() for character in text) > _EXACT_DIGITS:
            return None
        if grouped := _GROUPED.fullmatch(text):
            sign, is_certain = grouped["sign"], grouped["more"] or grouped["rest"]
            if is_certain or self.decimal_signs == {_OTHER[sign]}:
                text = text.replace(sign, "")
        value = as_number(text)
        if value is not None and is_percentage:
            value /= 100
        return value if value is not None and abs(value) < 10**_EXACT_DIGITS else None


def _bare(label: str) -> str:
    return fold(label).removesuffix("%").rstrip()


def _decimal_sign(text: str) -> str | None:
    """The sign that is certainly the decimal one in a number, or would be."""
    if grouped := _GROUPED.fullmatch(text):
        return _OTHER[grouped["sign"]] if grouped["more"] or grouped["rest"] else None
    decimal = _DECIMAL.fullmatch(text)
    return decimal[1] if decimal else None
