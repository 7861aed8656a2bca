"""A record: one row to annotate, as it stands in `sources/{source}/{file}.jsonl`."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict


class RecordHead(TypedDict):
    """Which record it is; the first keys of its line.

    Attributes:
        id: stable; from named fields or a hash of the content. A row that could not be read has the id
            `!<source>/<file>:<line>`.
        source: name of the source in the study.
        file: short name of the source file (see `study.paths.file_names`).
        line: line or row number in that file, from 1.
    """

    id: str
    source: str
    file: str
    line: int


class Record(RecordHead):
    """One line of a records file.

    Attributes:
        data: the row itself; empty for a row that could not be read.
        answers: in a stage's records, what earlier stages answered: {stage: {feature: value}}.
        rationales: of these answers, those that the prompt of a later stage names: {stage: {name: text}}, the
            name being `FEATURE_rationale`.
        skip: why the row is not asked, `<code>: <explanation>`; absent for a usable row.
    """

    data: dict[str, Any]
    answers: NotRequired[dict[str, dict[str, Any]]]
    rationales: NotRequired[dict[str, dict[str, str | None]]]
    skip: NotRequired[str]
