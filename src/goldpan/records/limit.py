"""The limit of a source: only its first rows are read, for a trial whose answers the full run has already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from goldpan.errors import ErrorGatherer, SourceError
from goldpan.files import document_as, of_known_keys, write_json
from goldpan.records.inputs import source_files
from goldpan.records.read import RecordCounts, build_records, read_rows
from goldpan.study.load import Project
from goldpan.study.model import Source


@dataclass(frozen=True)
class LimitedRows:
    """Which rows of a source are within its limit; what `limit.json` says.

    Attributes:
        limit: rows of the source that are read at most.
        rows: short name of a file -> its first so many rows; files that are not named give none.
        has_more: whether the source has rows beyond the limit, so that what is made of it is a trial.
    """

    limit: int
    rows: dict[str, int] = field(default_factory=dict)
    has_more: bool = False

    def write(self, path: Path) -> None:
        """Write `limit.json`."""
        write_json(path, asdict(self))


def rows_within_limit(source: Source, limit: int, files: Mapping[str, Path]) -> LimitedRows:
    """Deal the limit of a source out to its files: the first takes as many rows as it has, then the next.

    Rows that will be skipped count, too. No file is read farther than the limit, and one row.

    Args:
        source: how to read the files.
        limit: rows of all files together.
        files: short name -> file, in the order in which they are taken.

    Raises:
        SourceError: a file cannot be read so far.
    """
    rows: dict[str, int] = {}
    left = limit
    for name, path in files.items():
        try:
            count = sum(1 for _ in islice(read_rows(source, path), left + 1))
        except SourceError:
            if left:
                raise
            return LimitedRows(limit, rows, has_more=True)
        if count > left:
            return LimitedRows(limit, {**rows, name: left} if left else rows, has_more=True)
        if count:
            rows[name] = count
            left -= count
    return LimitedRows(limit, rows)


def build_limited_records(project: Project, source: str, file: str, path: Path, output: Path) -> RecordCounts:
    """Write the records file of a source file as `build_records` does, within the limit of the source, and
    note beside it whether there was one.

    Raises:
        SourceError: as of `build_records`, or `limit.json` is damaged.
    """
    settings = project.study.sources[source]
    limit = None
    if settings.limit is not None:
        limit = _read(project.root / project.paths.limit(source)).rows.get(file, 0)
    counts = build_records(settings, source, file, path, output, limit)
    mark = project.root / project.paths.limited(source, file)
    if limit is None:
        mark.unlink(missing_ok=True)
    else:
        mark.touch()
    return counts


def build_records_of_files(
    project: Project, source: str, files: Iterable[tuple[str, Path, Path]]
) -> Iterator[tuple[str, RecordCounts]]:
    """Write the records files of several source files; yields the name of each, and its counts.

    A file that cannot be read keeps no other from being read: what is wrong is said of all at the end.

    Args:
        files: (short name, source file, records file to write) of each.

    Raises:
        SourceError: as `build_limited_records`; SeveralErrors where several files are wrong.
    """
    wrong = ErrorGatherer()
    for name, path, output in files:
        with wrong.gather():
            yield name, build_limited_records(project, source, name, path, output)
    wrong.finish()


def trial_of(project: Project, sources: Iterable[str]) -> dict[str, int]:
    """source -> its limit, of the sources whose records lack the rows beyond one: there are such rows, and
    not all files were read without a limit since.

    Raises:
        StudyError: a pattern matches no file.
        SourceError: a `limit.json` is damaged.
    """
    trial = {}
    for source in sources:
        path = project.root / project.paths.limit(source)
        if not path.exists():
            continue
        limited, files = _read(path), source_files(project.study.sources[source], project.root)
        marks = (project.root / project.paths.limited(source, file) for file in files)
        if limited.has_more and any(mark.exists() for mark in marks):
            trial[source] = limited.limit
    return trial


def trial_text(trial: Mapping[str, int]) -> str:
    """What a trial is one of, in words."""
    rows = [f"the first {limit:,} rows of {source}" for source, limit in trial.items()]
    return f"a trial: only {', '.join(rows)}"


def _read(path: Path) -> LimitedRows:
    read = partial(of_known_keys, LimitedRows)
    return document_as(path, read, "the limit of a source", "delete it; the next run makes it again")
