"""The group of a record: the document that it comes from, or what the export names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from goldpan.errors import StudyError
from goldpan.records.formats import FORMATS
from goldpan.records.inputs import files_of_sources
from goldpan.records.splits import group_of
from goldpan.study.export import DOCUMENT, RECORD_ID
from goldpan.study.load import Project

GroupOf = Callable[[Mapping[str, Any]], str]
_OF_SOURCE_RECORD = "group"
"""What `Study.parts_of` calls records that a field has gathered."""


def grouping(project: Project, key: str, sources: list[str], parts: tuple[str, ...], setting: str) -> GroupOf:
    """A function that tells the group of a record.

    A document is the user's own file, by its path from the project, so that it keeps its group when files are
    added: pages, windows, paragraphs and items of one file are of one document. Of traces it is the
    conversation, wherever its segments stand. A record that was gathered by a field is of no one file; it is
    a group by itself.

    Args:
        key: as the export has it.
        sources: those that the records come from.
        parts: what the records are of the sources' records, as of `Study.parts_of`.
        setting: the place of the key in the study, for errors.

    Raises:
        StudyError: a pattern of a source matches no file.
    """
    if key == RECORD_ID or (key == DOCUMENT and _OF_SOURCE_RECORD in parts):
        return source_record_id
    if key != DOCUMENT:
        return lambda record: group_of(record, key, setting)
    files = {
        place: os.path.relpath(path, project.root)
        for place, path in files_of_sources(project, sources).items()
    }
    traces = {name for name in sources if project.study.sources[name].format == "traces"}
    conversation = FORMATS["traces"].id_fields[0]

    def document(record: Mapping[str, Any]) -> str:
        place = (record["source"], record["file"])
        if record["source"] in traces and record["data"].get(conversation) is not None:
            return f"conversation {record['data'][conversation]}"
        return files.get(place, "/".join(place))

    return document


def only_document(project: Project, sources: list[str], parts: tuple[str, ...]) -> str | None:
    """The one file of the user's that all records come from, by its path from the project, where files are
    what makes documents; None where there may be several.

    Args:
        sources, parts: as of `grouping`.
    """
    if _OF_SOURCE_RECORD in parts or any(project.study.sources[name].format == "traces" for name in sources):
        return None
    try:
        files = {os.path.relpath(path, project.root) for path in files_of_sources(project, sources).values()}
    except StudyError:
        # They may still be made.
        return None
    return files.pop() if len(files) == 1 else None


def source_record_id(record: Mapping[str, Any]) -> str:
    """The id of the record of a source that a record is, or is an item of."""
    item: Mapping[str, Any] = record
    while "outer" in item:
        item = item["outer"]
    parent: str = item.get("parent", record["id"])
    return parent
