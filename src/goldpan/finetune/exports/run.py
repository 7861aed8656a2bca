"""The step of an export: from records, answers and gold to the files that a model learns from."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from goldpan.errors import ReconciliationError
from goldpan.files import replacing, sha256_file, write_bytes, write_json
from goldpan.finetune.exports.candidates import ExportCandidate, GatheredRows, LeftOutRows
from goldpan.finetune.exports.card import NATURAL, NO_REASONS, card_of
from goldpan.finetune.exports.card_text import card_text
from goldpan.finetune.exports.choose import SPLITS, ExportChoice, choose
from goldpan.finetune.exports.files import CARD, CARD_JSON, LEFT_OUT, PROVENANCE, exported_sources
from goldpan.finetune.exports.gather import Gatherer
from goldpan.finetune.exports.openai_rules import file_faults
from goldpan.records.limit import trial_of
from goldpan.study.load import Project
from goldpan.waves.gold.gold_set import lists_drawn_from


def export_in_project(project: Project, name: str) -> dict[str, Any]:
    """Write the files of the export `name`; returns what its card says.

    The same inputs give the same bytes. Memory holds some hundred bytes and the hashes of the words of each
    row that may be exported, but no texts.

    Raises:
        StudyError: the study has no such export, or it cannot be made as it says (see `choose`, `Gatherer`).
        ReconciliationError, SourceError, PromptError, TaskError, EmbeddingError: as of `Gatherer`.
    """
    settings = project.named("export", project.study.exports, name)
    where, paths = f"exports.{name}", project.paths
    trial = trial_of(project, exported_sources(project.study, settings))
    outputs = {file: project.root / paths.export(name, file) for file in _files()}
    outputs[CARD].parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=outputs[CARD].parent) as spool, replacing(outputs[LEFT_OUT]) as handle:
        left_out = LeftOutRows(handle)
        gatherer = Gatherer(project, name)
        gathered = gatherer.gather(spool, left_out)
        choice = choose(gathered, settings, where, is_trial=bool(trial))
        chosen = choice.chosen(gathered.candidates)
        for one in gathered.candidates:
            if one.id in choice.left_out:
                more = orjson.loads(one.provenance)
                place = {key: more[key] for key in ("source", "file", "line")}
                left_out.add(one.id, choice.left_out[one.id], **place, split=choice.splits[one.id])
        _check_counts(gathered, len(chosen), left_out, where)
        rows = _write_rows(outputs, spool, choice, chosen)
    notes = [
        *_notes(gathered, chosen, {choice.splits[one.id] for one in chosen}, gatherer),
        *_unfit_notes(left_out),
        *_openai_notes(settings.format, outputs, rows),
    ]
    card = card_of(
        project.study.study, name, settings, gathered, choice, chosen, left_out.counts, notes, trial
    )
    counts = {**rows, PROVENANCE: len(chosen), LEFT_OUT: left_out.counts.total()}
    card["files"] = {
        file: {"rows": count, "bytes": outputs[file].stat().st_size, "sha256": sha256_file(outputs[file])}
        for file, count in counts.items()
    }
    write_bytes(outputs[CARD], card_text(card).encode())
    write_json(outputs[CARD_JSON], card)
    return card


def _files() -> list[str]:
    return [*map(_file_of, SPLITS), PROVENANCE, LEFT_OUT, CARD_JSON, CARD]


def _file_of(split: str) -> str:
    return f"{split}.jsonl"


def _check_counts(gathered: GatheredRows, exported: int, left_out: LeftOutRows, where: str) -> None:
    """Each record is exported, left out with a reason, or, where only gold is exported, without gold."""
    of_records = left_out.counts.total() - gathered.gold_without_record
    if exported + of_records + gathered.without_gold != gathered.records:
        raise ReconciliationError(
            f"{gathered.records:,} records, but {exported:,} exported, {of_records:,} left out and"
            f" {gathered.without_gold:,} without gold",
            where=where,
            remedy="this is a fault of goldpan; please report it",
        )


def _write_rows(
    outputs: dict[str, Path], spool: BinaryIO, choice: ExportChoice, chosen: Sequence[ExportCandidate]
) -> dict[str, int]:
    """Write the rows of each split, and where each comes from; returns how many there are."""
    counts = dict.fromkeys(map(_file_of, SPLITS), 0)
    with contextlib.ExitStack() as files:
        provenance = files.enter_context(replacing(outputs[PROVENANCE]))
        for split in SPLITS:
            file = _file_of(split)
            with replacing(outputs[file]) as handle:
                for one in _of_split(chosen, choice, split):
                    spool.seek(one.place)
                    handle.write(spool.read(one.size))
                    counts[file] += 1
                    provenance.write(_provenance_line(one, split, counts[file]))
    return counts


def _of_split(
    chosen: Sequence[ExportCandidate], choice: ExportChoice, split: str
) -> Iterator[ExportCandidate]:
    return (one for one in chosen if choice.splits[one.id] == split)


def _provenance_line(one: ExportCandidate, split: str, row: int) -> bytes:
    return orjson.dumps(
        {
            "split": split,
            "row": row,
            **orjson.loads(one.provenance),
            "group": one.group,
            "negative": one.is_negative,
            "tokens": {"prompt": one.tokens.prompt, "total": one.tokens.total},
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _notes(
    gathered: GatheredRows, chosen: Sequence[ExportCandidate], splits: set[str], gatherer: Gatherer
) -> Iterator[str]:
    if not chosen:
        yield "Nothing is exported: no row has an answer that may be learned from."
    empty = [split for split in SPLITS if split not in splits and getattr(gatherer.settings.split, split) > 0]
    if chosen and empty:
        yield (
            f"No row is in {' and '.join(empty)}: whole groups go into a split by their hash, and there are"
            " few. Name smaller groups (`group`) or another `seed`."
        )
    if gatherer.leaves_reasons_out:
        yield NO_REASONS
    if gatherer.settings.negatives is not None:
        yield NATURAL
    if errors := lists_drawn_from(gatherer.gold_items):
        yield (
            f"The gold is a targeted sample, drawn from what the error analysis {', '.join(errors)} had"
            " listed: it holds hard rows, in other shares than the corpus."
        )
    if any("gold" in one.origin for one in chosen):
        yield (
            "Gold keeps its split. To write its test rows down is no look at them; to measure a model on them"
            " is one."
        )
    if gathered.gold_without_record:
        yield (
            f"{gathered.gold_without_record:,} of {gathered.gold_items:,} rows of the gold set are about no"
            " record that is exported."
        )
    if gathered.too_long:
        said = ", ".join(f"`{id}`" for id in gathered.too_long[:5])
        yield f"{len(gathered.too_long):,} rows are longer than `max_tokens` and are kept whole: {said} …"


def _unfit_notes(left_out: LeftOutRows) -> Iterator[str]:
    if unfit := left_out.unfit_gold:
        why, count = unfit.most_common(1)[0]
        yield (
            f"{unfit.total():,} rows of gold are left out, as they are no answers to the task as it is now"
            f" ({count:,} of them: {why}). If the task was changed since people answered, give them the"
            f" changed rows again, or undo the change; `{LEFT_OUT}` has their ids."
        )


def _openai_notes(format: str, outputs: dict[str, Path], rows: dict[str, int]) -> Iterator[str]:
    if format != "openai_chat":
        return
    for file, count in rows.items():
        size = outputs[file].stat().st_size
        for fault in file_faults(file, count, size, is_train=file == _file_of("train")):
            yield f"OpenAI would refuse this: {fault}."
