"""What the first pass of an export finds: rows that may be exported, and those that are left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from goldpan.finetune.exports.formats import AnswerForm
from goldpan.finetune.exports.labels import Reason
from goldpan.finetune.exports.tokens import TokenCounts

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class ExportCandidate:
    """A row that may be exported.

    Attributes:
        id: of the record.
        group: of it; a group is in one split.
        gold_split: `train`, `dev` or `test` where the row has gold.
        origin: `gold`, `stage` or `gold+stage`.
        is_negative: its answer is that there is nothing.
        model: that gave what is the stage's of its answer; empty where nothing is.
        place, size: where its row stands in the file of the first pass, and its bytes.
        tokens: of the row.
        shingles: of the record's own text, as of `hashed_shingles`.
        labels: (feature, label) pairs that the card counts.
        provenance: where the row comes from, as JSON.
        prompt_hash: of the messages of the prompt.
    """

    id: str
    group: str
    gold_split: str | None
    origin: str
    is_negative: bool
    model: str
    place: int
    size: int
    tokens: TokenCounts
    shingles: np.ndarray
    labels: tuple[tuple[str, str], ...]
    provenance: bytes
    prompt_hash: bytes


class LeftOutRows:
    """Writes left_out.jsonl, one line for each row that is not exported, and counts the reasons.

    Attributes:
        counts: by reason.
        unfit_gold: rows of gold that are no answers to the task as it is now, by what is wrong.
    """

    def __init__(self, handle: BinaryIO):
        self._handle = handle
        self.counts: Counter[str] = Counter()
        self.unfit_gold: Counter[str] = Counter()

    def add(self, id: str, reason: Reason, **more: Any) -> None:
        """Note a row and why it is left out."""
        self.counts[reason.code] += 1
        if reason.code == "unfit" and more.get("gold_split") is not None:
            self.unfit_gold[reason.text] += 1
        row = {"id": id, "reason": reason.code, "why": reason.text, **more}
        self._handle.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


@dataclass
class GatheredRows:
    """What the first pass found.

    Attributes:
        candidates: in the order of the records.
        records: how many there are.
        without_gold: records of a gold set's stage that have no gold, where only gold is exported.
        gold_splits: group -> split of the gold -> ids of its gold rows, also of those that are left out.
        gold_items: rows of the gold set; `gold_without_record` of them are of no record any more.
        too_long: ids of rows above the limit that are kept.
        counter: what counted tokens.
        form: how answers are written.
    """

    candidates: list[ExportCandidate] = field(default_factory=list)
    records: int = 0
    without_gold: int = 0
    gold_splits: dict[str, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(dict))
    gold_items: int = 0
    gold_without_record: int = 0
    too_long: list[str] = field(default_factory=list)
    counter: str = ""
    form: AnswerForm = "json"
