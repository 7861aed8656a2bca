"""The limit of a source: only its first rows are read, for a trial whose answers the full run has already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from goldpan.errors import SourceError
from goldpan.files import of_known_keys, read_json, write_json
from goldpan.records.read import read_rows
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


def limit_of_file(project: Project, source: str, file: str) -> int | None:
    """How many rows of a file are read; None for all.

    Without a limit the `limit.json` of an earlier run is removed, for what is made now is no trial.
    """
    path = project.root / project.paths.limit(source)
    if project.study.sources[source].limit is None:
        path.unlink(missing_ok=True)
        return None
    return _read(path).rows.get(file, 0)


def trial_of(project: Project, sources: Iterable[str]) -> dict[str, int]:
    """source -> its limit, of the sources whose records lack the rows beyond one."""
    paths = {source: project.root / project.paths.limit(source) for source in sources}
    made = {source: _read(path) for source, path in paths.items() if path.exists()}
    return {source: limited.limit for source, limited in made.items() if limited.has_more}


def trial_text(trial: Mapping[str, int]) -> str:
    """What a trial is one of, in words."""
    rows = [f"the first {limit:,} rows of {source}" for source, limit in trial.items()]
    return f"a trial: only {', '.join(rows)}"


def _read(path: Path) -> LimitedRows:
    try:
        return of_known_keys(LimitedRows, read_json(path))
    except (TypeError, AttributeError):
        raise SourceError(
            "is not what a goldpan wrote",
            where=str(path),
            remedy="delete it; the next run makes it again",
        ) from None
