"""The rows of sources in the user's own files: where one stands, and which fields they have."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import chain, islice

from goldpan.records.fields import renamed
from goldpan.records.formats import format_of
from goldpan.records.inputs import files_of_sources, source_files
from goldpan.records.look_up import look_up
from goldpan.records.model import RecordHead
from goldpan.records.read import read_rows
from goldpan.study.load import Project


def place_of(project: Project, sources: Iterable[str]) -> Callable[[RecordHead], str]:
    """A function that tells where a record of these sources stands in the user's own file.

    Raises:
        StudyError: a pattern matches no file.
        SourceError: the name of a file does not tell its format.
    """
    places = {
        (source, file): (
            format_of(project.study.sources[source], path).row_place,
            os.path.relpath(path, project.root),
        )
        for (source, file), path in files_of_sources(project, sources).items()
    }

    def place(record: RecordHead) -> str:
        row_place, path = places[record["source"], record["file"]]
        return row_place.format(path=path, line=record["line"])

    return place


def fields_unmet(
    project: Project, sources: Iterable[str], fields: Iterable[str]
) -> tuple[list[str], list[str]]:
    """The fields that no row of the sources has, and the names of those that the rows have. Rows are read
    within the limits of the sources, until all fields were met.

    Args:
        fields: paths into the data of a record (`a.b` goes inside).

    Raises:
        StudyError: a pattern matches no file.
        SourceError: a file cannot be read.
    """
    unmet, known = list(dict.fromkeys(fields)), dict[str, None]()
    for name in sources:
        source = project.study.sources[name]
        files = source_files(source, project.root).values()
        rows = chain.from_iterable(read_rows(source, path) for path in files)
        for row in islice(rows, source.limit):
            if row.error is None:
                data = renamed(row.data, source.rename)
                known.update(dict.fromkeys(data))
                unmet = [field for field in unmet if not look_up(data, field)[0]]
            if not unmet:
                return [], []
    return unmet, list(known)
