"""Text and tables as Markdown: nothing that is shown acts as Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
_OPENING = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")
"""What begins a list, or makes a heading of the line above, where it stands first."""


def markdown_text(text: str) -> str:
    """`text` on one line, with nothing in it that Markdown or HTML would act on."""
    one_line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return _SIGNS.sub(r"\\\1", one_line)


def markdown_line(text: str) -> str:
    """`markdown_text` for the begin of a line, where still more acts."""
    escaped = markdown_text(text)
    opening = _OPENING.match(escaped)
    if not opening:
        return escaped
    end = opening.end() if opening[0].isdigit() else 0
    return f"{escaped[:end]}\\{escaped[end:]}"


def markdown_code(text: str) -> str:
    """`text` as code within a line; a sign that would end it is written by its longest run and one more."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    fence = "`" * (max(map(len, re.findall("`+", plain)), default=0) + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{space}{plain}{space}{fence}" if plain else ""


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[bool] | None = None
) -> str:
    """A table, without a final newline.

    Args:
        header: names of the c columns, as Markdown.
        rows: each of c cells, as Markdown; `markdown_text` makes that of any text.
        numbers: of each column, whether it is set to the right; default none.
    """
    marks = ["---:" if number else "---" for number in numbers or [False] * len(header)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, marks, *rows))
