"""What the rows and the summary of a stage say of answers that were made, and paid for, elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from goldpan.ledger import Answer, Submission
from goldpan.stages.rows import ImportedFrom
from goldpan.tasks.batch_lines import read_batch_line
from goldpan.tasks.usage import model_of, usage_of


class Imported:
    """Counts imported answers.

    Attributes:
        answers: how many there are.
    """

    def __init__(self) -> None:
        self.answers = 0
        self._models: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()

    def add(self, answer: Answer) -> None:
        """Count one of them, with the tokens that its line says it took: none of them was paid for here."""
        self.answers += 1
        body = None if answer.line is None else read_batch_line(answer.line).body
        self._models[str(model_of(body) or "unknown")] += 1
        self._tokens.update(usage_of(body)._asdict())

    def as_dict(self) -> dict[str, Any]:
        """What `imported` in summary.json holds: `answers`, `models` and `tokens`."""
        models = dict(sorted(self._models.items()))
        return {"answers": self.answers, "models": models, "tokens": dict(self._tokens)}


def imported_note(imported: dict[str, Any]) -> str:
    """The same in words."""
    models = ", ".join(f"{count:,} by {model}" for model, count in imported["models"].items())
    return f"{imported['answers']:,} answers were imported, paid elsewhere and in no cost here: {models}"


def imported_from(submission: Submission) -> ImportedFrom:
    """What the note of such a submission says, as a row of features has it."""
    try:
        told = orjson.loads(submission.note or "{}")["imported"]
        return {"paid": "elsewhere", "file": str(told["file"]), "prompt": str(told["prompt"])}
    except (orjson.JSONDecodeError, KeyError, TypeError):
        # An export may come from anybody.
        return {"paid": "elsewhere", "file": "unknown", "prompt": "unknown"}
