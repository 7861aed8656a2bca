"""A record: one row to annotate, as it stands in `sources/{source}/{file}.jsonl`."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

OF_ITEM = ("item", "parent", "count", "proposed_by", "outer")
"""What a record has that is an item of another one."""


class RecordHead(TypedDict):
    """Which record it is; the first keys of its line.

    Attributes:
        id: stable; from named fields or a hash of the content. A row that could not be read has the id
            `!<source>/<file>:<line>`.
        source: name of the source in the study.
        file: short name of the source file (see `study.paths.file_names`).
        line: line or row number in that file, from 1.
        shared_with: in the records of a stage with `duplicates: share`, the record whose request answers this
            one, too.
        shared_by: there, how many records share what this one is asked, itself among them.
    """

    id: str
    source: str
    file: str
    line: int
    shared_with: NotRequired[str]
    shared_by: NotRequired[int]


class Record(RecordHead):
    """One line of a records file.

    Attributes:
        data: the row itself; empty for a row that could not be read.
        answers: in a stage's records, what earlier stages answered: {stage: {feature: value}}.
        item: in a stage that explodes, the item that the record is: an object, or the text of a label.
        parent: the id of the record in which it was found; of a row without `item`, in which none was found.
        count: how often it was found there.
        proposed_by: of several stages, those that found it.
        outer: where the parent was an item itself: its `item`, `parent`, `count`, `proposed_by`, `outer`.
        children: in a stage that groups, the records that were gathered: `id`, `item`, `count`, `state`, with
            `reason` unless it is `ok`, `answers`, and of those that are no items `data`.
        rows: how many rows of the earlier stage were gathered, those without an item included.
        neighbours: `before` and `after`: the data of the records beside it in its source file.
        rationales: of these answers, those that the prompt of a later stage names: {stage: {name: text}}, the
            name being `FEATURE_rationale`.
        asked_as: the record that `shared_with` names, which the request is written from.
        asked_text: the text that is asked, where those who share it spell it differently.
        skip: why the row is not asked, `<code>: <explanation>`; absent for a usable row.
    """

    data: dict[str, Any]
    answers: NotRequired[dict[str, dict[str, Any]]]
    item: NotRequired[Any]
    parent: NotRequired[str]
    count: NotRequired[int]
    proposed_by: NotRequired[list[str]]
    outer: NotRequired[dict[str, Any]]
    children: NotRequired[list[dict[str, Any]]]
    rows: NotRequired[int]
    neighbours: NotRequired[dict[str, list[dict[str, Any]]]]
    rationales: NotRequired[dict[str, dict[str, str | None]]]
    asked_as: NotRequired[dict[str, Any]]
    asked_text: NotRequired[str]
    skip: NotRequired[str]
