"""The example paragraphs of the two-step study, with the answers of its first step as a person gave them."""

from __future__ import annotations

import csv

from tests.projects import CHECKOUT

TELLS_OF_MONEY = {
    "companies": (0, 2, 4, 8, 9, 12, 16, 19),
    "funds": (0, 1, 6, 9, 13, 14, 19),
    "public_bodies": (0, 3, 5, 9, 11, 13, 15, 16),
}
"""Rows of each file, from 0, that report an investment activity in nature, by the task's three conditions."""


def labelled_paragraphs() -> list[dict[str, str | int]]:
    """Each paragraph that is not blank: `id`, `text` and `score`, 0 or 1."""
    found: list[dict[str, str | int]] = []
    for name, positive in TELLS_OF_MONEY.items():
        with (CHECKOUT / "examples" / "paragraphs" / f"{name}.csv").open(
            encoding="utf-8", newline=""
        ) as file:
            for number, row in enumerate(csv.DictReader(file)):
                if text := row["paragraph_text"].strip():
                    found.append({"id": f"{name}-{number}", "text": text, "score": int(number in positive)})
    return found
