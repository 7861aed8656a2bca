"""Records of a stage that have the same text are asked once and share the answer (`duplicates: share`).

They are marked in the stage's records: the leader of a group says by how many its text is shared
(`shared_by`); each other names it (`shared_with`) and holds it (`asked_as`), for its request to be written
from. So all of a group have one request, and one request key, which is what counts as the same everywhere
else. Leader is the record with the smallest id: neither the order of rows and files matters, nor which others
are added or taken away.

Where the records of a group spell their text differently, it is asked in its normal form (`asked_text`). A
stage that shares also looks for answers to that form (see `batches/questions.py`), so that a record which is
all that is left of such a group is not paid for again.
"""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import orjson

from goldpan.cells import CsvWriter
from goldpan.errors import StudyError
from goldpan.files import replacing
from goldpan.records.grouped_lines import GroupedLines
from goldpan.records.look_up import look_up, put
from goldpan.records.model import Record, RecordHead
from goldpan.records.read import iter_records, parse_record
from goldpan.records.shared_texts import SharedText, SharedTexts
from goldpan.stages.record_kinds import KINDS_OF_ANY_RECORD
from goldpan.study.stage import Stage
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.where import Where
from goldpan.visible_text import shortened, visible

COLUMNS = ("group", "id", "source", "file", "line", "asked", "text")
"""Of duplicates.csv."""
SHARED_WITH: Literal["shared_with"] = "shared_with"
SHARED_BY: Literal["shared_by"] = "shared_by"
ASKED_AS: Literal["asked_as"] = "asked_as"
ASKED_TEXT: Literal["asked_text"] = "asked_text"
"""Keys of records that share; they belong to one stage, and do not travel to those that read it."""

_SHOWN = 80
"""Characters of a text that duplicates.csv shows."""
# To leave these out would make 102 of 10², and of ½ three characters.
_MEANT = ("<super>", "<sub>", "<fraction>", "<circle>")
_HIGH_OR_LOW = re.compile(r"[^\x00-\x7f]")


def comparable_text(text: str) -> str:
    """The form that texts are compared in: those that have the same one count as the same.

    NFKC, but for superscripts, subscripts, fractions and circled characters, which stay; any run of white
    space is one blank, and none stands at an end; characters that nobody sees are left out. Case stays, for
    `US` is not `us`.
    """
    if not text.isascii():
        text = visible(text)
        composed = unicodedata.normalize("NFC", text)
        text = unicodedata.normalize("NFC", _HIGH_OR_LOW.sub(_compatible, composed))
    return " ".join(text.split())


def _compatible(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.decomposition(character).startswith(_MEANT):
        return character
    return unicodedata.normalize("NFKC", character)


def shared_text(record: Record, field: str) -> str | None:
    """The text of a record that it shares by; None where it has none, or only white space."""
    _, value = look_up(record, field)
    return value if isinstance(value, str) and value.strip() else None


def with_text(record: Record, field: str, text: str) -> Record:
    """A record with another text; the one that is given stays as it is."""
    changed: dict[str, Any] = dict(record)
    put(changed, field, text)
    return changed  # type: ignore[return-value]


def alone(record: Record) -> Record:
    """A record without what it shares at the stage it was read from; changed in place."""
    record.pop(SHARED_WITH, None)
    record.pop(SHARED_BY, None)
    record.pop(ASKED_AS, None)
    record.pop(ASKED_TEXT, None)
    return record


@dataclass(frozen=True)
class _Texts:
    """Tells which records of a stage have the same text.

    Args:
        field: path of the text in a record.
        conditions: when each of the stage's tasks is asked; records of different tasks share nothing.
    """

    field: str
    conditions: list[Where | None]

    def key(self, record: Record) -> tuple[bytes, bytes] | None:
        """Hashes of a record's text in normal form and as it is spelt; None for one that shares nothing:
        which is skipped, is asked no task, or has no text."""
        text = None if "skip" in record else shared_text(record, self.field)
        task = self._task(record)
        if text is None or task is None or not (normal := comparable_text(text)):
            return None
        return _hash(b"%d " % task + normal.encode(errors="surrogatepass")), _hash(
            text.encode(errors="surrogatepass")
        )

    def _task(self, record: Record) -> int | None:
        for number, condition in enumerate(self.conditions):
            if condition is None or condition.matches(dict(record)):
                return number
        return None


def share_duplicates(records: Path, stage: str, settings: Stage) -> Counter[str]:
    """Mark the records of a stage that share, in its records file.

    The file is read twice, and memory is flat.

    Args:
        records: the records file of the stage; it is replaced.
        stage: its name.
        settings: the stage, which has `duplicates`.

    Returns:
        `groups` of two and more records, and how many `records` share what another is asked.

    Raises:
        StudyError: no record that can be asked has the field.
        SourceError: the file is damaged.
    """
    assert settings.duplicates is not None
    conditions = [
        Where.parse(choice.when, None, record=KINDS_OF_ANY_RECORD) if choice.when else None
        for choice in settings.task
    ]
    texts = _Texts(settings.duplicates.share, conditions)
    counts: Counter[str] = Counter()
    with SharedTexts() as known:
        _note_texts(records, stage, texts, known)
        with replacing(records) as out, records.open("rb") as leaders:
            for _, line, record in _with_places(records):
                key = texts.key(record)
                group = known.group(key[0]) if key else None
                if group is None or group.records == 1:
                    out.write(line)
                    continue
                counts["groups" if group.leader == record["id"] else "records"] += 1
                out.write(_marked(record, group, texts.field, lambda at: _record_at(records, leaders, at)))
    return counts


def _note_texts(records: Path, stage: str, texts: _Texts, known: SharedTexts) -> None:
    usable: Record | None = None
    any_text = False
    for place, _, record in _with_places(records):
        if "skip" in record:
            continue
        usable = usable or record
        any_text = any_text or look_up(record, texts.field)[0]
        if key := texts.key(record):
            known.add(*key, record["id"], place)
    if usable is not None and not any_text:
        fields = [f"data.{name}" for name in usable["data"]] + [
            name for name in usable if isinstance(usable.get(name), str)
        ]
        raise StudyError(
            f"no record has the field `{texts.field}`, by which duplicates are told;"
            f" {suggestion(texts.field, fields)}",
            where=f"stages.{stage}.duplicates",
            remedy="name the field of the text: `duplicates: {share: data.FIELD}`",
        )


def _marked(record: Record, group: SharedText, field: str, record_at: Callable[[int], Record]) -> bytes:
    """The line of a record that shares its text with others."""
    is_leader = record["id"] == group.leader
    leader = record if is_leader else record_at(group.place)
    # Before `data`, where it is found without parsing what follows.
    head = {key: value for key, value in record.items() if key in RecordHead.__annotations__}
    shared: dict[str, Any] = {SHARED_BY: group.records} if is_leader else {SHARED_WITH: group.leader}
    made: dict[str, Any] = {**head, **shared, **record}
    if not group.is_spelt_alike:
        made[ASKED_TEXT] = comparable_text(shared_text(leader, field) or "")
    if not is_leader:
        made[ASKED_AS] = leader
    return orjson.dumps(made, option=orjson.OPT_APPEND_NEWLINE)


def _with_places(records: Path) -> Iterator[tuple[int, bytes, Record]]:
    """(place in the file, line, record) of each record."""
    with records.open("rb") as lines:
        place = 0
        for number, line in enumerate(lines, 1):
            # What an earlier stage shared is no matter of this one.
            yield place, line, alone(parse_record(records, number, line))
            place += len(line)


def _record_at(records: Path, handle: BinaryIO, place: int) -> Record:
    handle.seek(place)
    return alone(parse_record(records, 0, handle.readline()))


def _hash(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()[:16]


def write_groups(records: Path, field: str, output: Path) -> int:
    """Write duplicates.csv: the records that share, group by group, in the order of the records.

    Args:
        records: the stage's records, with their marks.
        field: path of the text in a record.

    Returns:
        Number of groups.

    Raises:
        SourceError: the records file is damaged.
    """
    number = 0
    with GroupedLines() as groups:
        for record in iter_records(records):
            leader = record["id"] if SHARED_BY in record else record.get(SHARED_WITH)
            if leader:
                group = groups.number(leader.encode()) or groups.begin(leader.encode())
                groups.add(group, orjson.dumps(_row(record, field)))
        with replacing(output) as out:
            text = io.TextIOWrapper(out, "utf-8", newline="")
            writer = CsvWriter(text)
            writer.add(COLUMNS)
            for number, shared in enumerate(groups, 1):
                for line in shared.lines:
                    writer.add([number, *orjson.loads(line)])
            # Without closing what it writes to.
            text.detach()
    return number


def _row(record: Record, field: str) -> list[Any]:
    is_asked = "yes" if SHARED_BY in record else ""
    text = " ".join((shared_text(record, field) or "").split())
    place = (record["id"], record["source"], record["file"], record["line"])
    return [*place, is_asked, shortened(text, _SHOWN)]
