"""Select the annotated records that a condition holds for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from goldpan.errors import SourceError
from goldpan.files import iter_lines, iter_rows, row_of_line, write_json
from goldpan.heads.files import ANNOTATED_REMEDY
from goldpan.heads.jsonl import writing
from goldpan.heads.output_keys import STATE_KEYS
from goldpan.study.head import Selection
from goldpan.tasks.where import Where


@dataclass(frozen=True)
class FileCounts:
    """Rows of one annotated file, and how many of them were selected."""

    rows: int
    selected: int


@dataclass
class SelectionCounts:
    """What was selected.

    Attributes:
        where: the condition.
        files: by the annotated file, as `source/file`.
    """

    where: str
    files: dict[str, FileCounts] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "where": self.where,
            "rows": sum(counts.rows for counts in self.files.values()),
            "selected": sum(counts.selected for counts in self.files.values()),
            "files": {name: asdict(counts) for name, counts in self.files.items()},
        }


def select(
    settings: Selection, annotated: Sequence[Path], output: Path, counts_file: Path
) -> SelectionCounts:
    """Write the rows that the condition holds for, as they stand, and the counts.

    A comparison with null is false, so records that were skipped are selected only by a condition that asks
    for them.

    Args:
        settings: what the study says.
        annotated: annotated files, plain or compressed.
        output: the JSONL to write, compressed as the study says.
        counts_file: the JSON to write.

    Raises:
        WhereError: the condition is not one, or names something that the rows do not have.
        SourceError: a file is damaged.
    """
    where = _condition(settings.where, annotated)
    counts = SelectionCounts(settings.where)
    with writing(output, settings.compression) as out:
        for path in annotated:
            rows = selected = 0
            for number, line in iter_lines(path):
                rows += 1
                if where is not None and where.matches(
                    row_of_line(path, number, line, SourceError, ANNOTATED_REMEDY)
                ):
                    selected += 1
                    out.write(line + b"\n")
            counts.files[f"{path.parent.name}/{path.name}"] = FileCounts(rows, selected)
    write_json(counts_file, counts.as_json())
    return counts


def _condition(where: str, annotated: Sequence[Path]) -> Where | None:
    """The condition, checked against the columns of the first row, for all rows have the same.

    None where there is no row at all, so that nobody knows what it may name.
    """
    for path in annotated:
        for _, row in iter_rows(path, SourceError, ANNOTATED_REMEDY):
            return Where.parse(where, None, [*row, *STATE_KEYS], "column")
    return None
