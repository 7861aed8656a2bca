"""Looks at a test split: a file beside the labels that counts them.

Whoever has seen figures of a test split chooses by them, knowingly or not, and each look makes the next
figures a little too good. So searches for prompts, and evaluations of the split `test` alone, leave a line.
The same look again (the same was asked or measured, on the same rows) leaves none.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import orjson

from goldpan.as_json import AsJson
from goldpan.files import canonical_json, of_known_keys, replacing, rows_as, sha256_hex
from goldpan.folder_lock import alone_in
from goldpan.study.evaluation import Evaluation
from goldpan.study.load import Project
from goldpan.study.paths import TEST_LOOKS

_REMEDY = "correct the line, or restore the file; else nobody knows how often the rows were looked at"


@dataclass(frozen=True)
class LookAtTest(AsJson):
    """One look at a test split.

    Attributes:
        by: whose, e.g. `search better` or `evaluation notes`, with the study's name before it.
        asked: hash of what was asked or measured: prompts and model, or predictions.
        rows: hash of the test rows: of a wave's `test.jsonl`, or, of gold in fields, `hash_of_rows`.
        items: how many rows.
        day: of the look, UTC, as `2026-01-31`.
        what: was looked at, in words.
    """

    by: str
    asked: str
    rows: str
    items: int
    day: str
    what: str = ""

    def is_same_look(self, other: LookAtTest) -> bool:
        """Whether the other one saw the same answers to the same rows."""
        return (self.asked, self.rows) == (other.asked, other.rows)


def looks_file(project: Project, settings: Evaluation) -> Path:
    """The file that counts looks at the test split of an evaluation's gold.

    That of a wave lies beside the folder of its filled sheets. That of gold in fields lies beside the data
    file, or, where the source names several or a pattern, in the folder that the first of these begins with,
    under the source's name. It does not depend on what files there are.
    """
    if settings.wave is not None:
        wave = project.study.waves[settings.wave]
        return project.root / wave.looks_file(project.study.study, settings.wave)
    source = (settings.source or [])[0]
    first, *others = project.study.sources[source].files
    if not others and not glob.has_magic(first):
        return project.root / f"{first}{TEST_LOOKS}"
    folders = takewhile(lambda part: not glob.has_magic(part), Path(first).parts[:-1])
    return project.root.joinpath(*folders) / f"{source}{TEST_LOOKS}"


def hash_of_rows(labels: Mapping[str, Any]) -> str:
    """The hash of test rows whose gold stands in fields: id -> labels, as JSON; in whatever order."""
    return sha256_hex(canonical_json(dict(labels)))


def looks(file: Path) -> tuple[LookAtTest, ...]:
    """All looks that a file counts, the first first; none where it is not there.

    Raises:
        ReconciliationError: a line is no look.
    """
    if not file.exists():
        return ()
    return tuple(rows_as(file, partial(of_known_keys, LookAtTest), "a look at a test split", _REMEDY))


def record_look(file: Path, look: LookAtTest) -> tuple[LookAtTest, ...]:
    """Add a look to the file, unless the same is there; it is on the disk when this returns.

    Returns:
        All looks up to this one (or the same, where it is there): its number is how many they are.

    Raises:
        ReconciliationError: a line of the file is no look.
        OSError: the file cannot be written.
    """
    with alone_in(file.parent):
        before = looks(file)
        for number, known in enumerate(before, 1):
            if known.is_same_look(look):
                return before[:number]
        after = (*before, look)
        with replacing(file) as handle:
            for line in after:
                handle.write(orjson.dumps(line.as_json(), option=orjson.OPT_APPEND_NEWLINE))
    return after
