"""The first rows of a source as records: what is wrong with them is seen before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from goldpan.records.formats import is_pdf
from goldpan.records.inputs import source_files
from goldpan.records.read import build_records, iter_records
from goldpan.study.load import Project

FIRST_ROWS = 1_000
_FIRST_PDFS = 20
"""A PDF is read whole, whatever is asked of it, and its records have the same fields as those of others."""
_SEPARATORS = {";": "`;`", "\t": "a tab", "|": "`|`"}


def first_records(project: Project, source: str, folder: Path) -> Iterator[Path]:
    """Write records files of the first rows of a source, within its limit.

    Args:
        project: the project.
        source: name of the source.
        folder: where to write them.

    Raises:
        StudyError: a pattern matches no file.
        SourceError: a file cannot be read so far, or a row cannot be used where that stops a run.
    """
    settings = project.study.sources[source]
    left = FIRST_ROWS if settings.limit is None else min(FIRST_ROWS, settings.limit)
    pdfs = 0
    for file, path in source_files(settings, project.root).items():
        pdfs += is_pdf(settings, path)
        if left <= 0 or pdfs > _FIRST_PDFS:
            return
        output = folder / source / f"{file}.jsonl"
        output.parent.mkdir(parents=True, exist_ok=True)
        left -= build_records(settings, source, file, path, output, left).rows
        yield output


def note_on_delimiter(records: Path) -> str | None:
    """What to say of a table whose first row has one column that seems to be several."""
    for record in iter_records(records):
        if len(record["data"]) == 1:
            (name,) = record["data"]
            for separator, shown in _SEPARATORS.items():
                if separator in name:
                    return (
                        f"{record['file']} has one column, {name[:80]!r}; if {shown} separates its columns,"
                        " give the source that `delimiter`"
                    )
        return None
    return None
