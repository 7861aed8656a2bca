"""Tables as LaTeX: a `tabular` with the rules of the package booktabs, every cell plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "$": r"\$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # In the old font encoding, which is the default, these three are other signs.
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "…": r"\ldots{}",
}


def latex_text(text: str) -> str:
    """`text` as LaTeX shows it: nothing in it is a command, all white space is one space."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    escaped = "".join(_SPECIAL.get(sign, sign) for sign in plain)
    # Two hyphens would become a dash.
    escaped = re.sub("-(?=-)", "-{}", escaped)
    # After the end of a row `[` begins a length and `*` belongs to the end.
    return f"{{}}{escaped}" if escaped.startswith(("[", "*")) else escaped


def latex_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[bool],
    caption: str | None = None,
    wide: Sequence[bool] = (),
) -> str:
    r"""A table to be pasted into a paper that says `\usepackage{booktabs}`, with a final newline.

    Args:
        header: names of the c columns.
        rows: each of c texts.
        numbers: of each column, whether it is set to the right.
        caption: what the table shows, as a comment above it.
        wide: of each column, whether its text is broken into lines; default none.
    """
    broken = list(wide) or [False] * len(numbers)
    share = round(0.6 / max(1, sum(broken)), 2)
    columns = "".join(
        rf"p{{{share}\linewidth}}" if breaks else "r" if number else "l"
        for breaks, number in zip(broken, numbers, strict=True)
    )
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    if caption:
        lines.insert(0, f"% {latex_text(caption)}")
    lines += [_row(header), r"\midrule", *map(_row, rows), r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(latex_text, cells)) + r" \\"
