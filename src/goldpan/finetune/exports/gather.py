"""The first pass of an export: each record becomes a candidate, whose row is put on disk, or is left out."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, BinaryIO, cast

import orjson

from goldpan.batches.questions import Skip
from goldpan.errors import AnswerError, ReconciliationError, StudyError
from goldpan.finetune.exports.candidates import ExportCandidate, GatheredRows, LeftOutRows
from goldpan.finetune.exports.files import exported_records, exported_sources, exported_stage
from goldpan.finetune.exports.formats import ROW_OF, TaughtExample
from goldpan.finetune.exports.groups import GroupOf, grouping
from goldpan.finetune.exports.labels import Reason, RowLabels, row_labels
from goldpan.finetune.exports.material import (
    answer_form,
    answer_writers,
    check_gold_features,
    gold_by_record,
    negative_test,
    table_task,
)
from goldpan.finetune.exports.openai_rules import row_faults
from goldpan.finetune.exports.prompts import Prompt, Prompter
from goldpan.finetune.exports.tokens import TokenCounts, example_counter
from goldpan.records.model import Record
from goldpan.records.near_duplicates import hashed_shingles
from goldpan.records.read import iter_records
from goldpan.stages.rows import FeatureRow, with_features
from goldpan.study.load import Project
from goldpan.tasks.features import Extraction, Feature
from goldpan.tasks.schema import tool
from goldpan.tasks.task import Task
from goldpan.waves.gold.gold_set import GoldItem

_COUNTED = ("binary", "classification", "multilabel", "score")
"""Types of features whose labels the card counts."""


class Gatherer:
    """Reads what an export is made from.

    Attributes:
        settings: of the export.
        gold_items: its gold.
        leaves_reasons_out: whether the task asks for reasons that the answers here do not hold.

    Raises:
        StudyError, TaskError, EmbeddingError: settings do not fit the tasks, or something named is missing.
        ReconciliationError: the gold set has a record twice.
    """

    def __init__(self, project: Project, name: str):
        self._project, self.settings = project, project.study.exports[name]
        self._where = f"exports.{name}"
        self._stage = exported_stage(project.study, self.settings)
        self._prompter = Prompter(
            project,
            self._stage,
            table_task(project, self.settings, self._where),
            self.settings.prompt,
        )
        self._gold = gold_by_record(project, self.settings, self._where)
        self._writers = answer_writers(
            self._prompter.tasks.values(), self.settings, self._where, set(self._gold_features())
        )
        check_gold_features(project, self.settings, self._writers.values(), self._where)
        self._is_negative = negative_test(self.settings, self._writers.values(), f"{self._where}.negatives")
        self._counter = example_counter(self.settings, project.root, self._where)
        self._group = self._grouping()
        self._form = answer_form(self.settings, self._prompter.shape.output, self._writers.values())
        # OpenAI's fine-tuned models are asked without bounds in the schema, which they refuse.
        bounds = self._prompter.shape.bounds and self.settings.format != "openai_chat"
        self._tools = {
            name: tool(writer.task, bounds) if self._form == "tool" else None
            for name, writer in self._writers.items()
        }
        self.gold_items = tuple(self._gold.values())
        self.leaves_reasons_out = any(
            feature.rationale and not kept.rationale
            for name, writer in self._writers.items()
            for feature, kept in _side_by_side(self._prompter.tasks[name], writer.task)
        )
        self._stopped: dict[str, list[str]] = defaultdict(list)

    def gather(self, spool: BinaryIO, left_out: LeftOutRows) -> GatheredRows:
        """Write the row of each candidate to `spool`, and what is no candidate to `left_out`.

        Raises:
            ReconciliationError: answers do not fit the records or the prompts.
            PromptError: a template fails on a record.
            StudyError: rows are too long or hold special tokens, and the export says `stop`.
        """
        made = GatheredRows(gold_items=len(self._gold), counter=self._counter.name, form=self._form)
        for record, row in self._rows():
            made.records += 1
            item = self._gold.pop(record["id"], None)
            if item is not None:
                self._note_gold(made, item, self._group(cast(Mapping[str, Any], record)))
            elif row is None:
                made.without_gold += 1
                continue
            candidate = self._candidate(made, record, row, item, spool)
            if isinstance(candidate, Reason):
                left_out.add(record["id"], candidate, **_place(record), **_gold_of(item))
            else:
                made.candidates.append(candidate)
        for item in self._gold.values():
            made.gold_without_record += 1
            with suppress(StudyError):
                # It may lack the field of the group: then nothing else is of it.
                self._note_gold(made, item, self._group(vars(item)))
            why = Reason("gold_without_record", "the stage has no such record any more")
            left_out.add(item.id, why, source=item.source, file=item.file, **_gold_of(item))
        self._stop_where_asked()
        return made

    def _rows(self) -> Iterator[tuple[Record, FeatureRow | None]]:
        project, settings = self._project, self.settings
        files = [project.left(path, self._where) for path in exported_records(project, settings)]
        records: Iterator[Record] = chain.from_iterable(map(iter_records, files))
        if settings.stage is None:
            return ((record, None) for record in records)
        features = project.left(project.paths.features(settings.stage), self._where)
        return ((record, row) for record, row in with_features(records, features))

    def _note_gold(self, made: GatheredRows, item: GoldItem, group: str) -> None:
        made.gold_splits[group].setdefault(item.split, []).append(item.id)

    def _candidate(
        self,
        made: GatheredRows,
        record: Record,
        row: FeatureRow | None,
        item: GoldItem | None,
        spool: BinaryIO,
    ) -> ExportCandidate | Reason:
        if item is None and row is not None and row["state"] != "ok":
            return Reason(row["state"], row.get("reason") or "")
        prompt = self._prompter.prompt(record)
        if isinstance(prompt, Skip):
            return Reason("not_asked", prompt.reason)
        self._check_prompt(prompt, record, row)
        writer = self._writers.get(prompt.task)
        if writer is None:
            return Reason("other_task", f"`{prompt.task}` has none of the features")
        labels = row_labels(writer.task.features, row, item)
        if isinstance(labels, Reason):
            return labels
        try:
            arguments = writer.arguments(labels.values, labels.rationales)
        except AnswerError as error:
            return Reason("unfit", error.what)
        example = TaughtExample(
            prompt.messages,
            arguments,
            self._form,
            self._tools[prompt.task],
            f"call_{hashlib.sha256(record['id'].encode()).hexdigest()[:24]}",
        )
        tokens = self._counter.count(example)
        if (fault := self._fault(example, tokens, record["id"], made)) is not None:
            return fault
        line = self._line(example, record["id"])
        place = spool.tell()
        spool.write(line)
        is_stages = "stage" in labels.origins.values()
        return ExportCandidate(
            id=record["id"],
            group=self._group(cast(Mapping[str, Any], record)),
            gold_split=None if item is None else item.split,
            origin=labels.origin,
            is_negative=self._is_negative is not None and self._is_negative({**record, **_named(labels)}),
            model=row.get("model") or "unknown" if row is not None and is_stages else "",
            place=place,
            size=len(line),
            tokens=tokens,
            shingles=hashed_shingles(prompt.own_text),
            labels=tuple(_counted(writer.task.features, labels)),
            provenance=orjson.dumps(self._provenance(record, row, item, prompt, labels)),
            prompt_hash=hashlib.sha256(orjson.dumps(prompt.messages)).digest()[:16],
        )

    def _check_prompt(self, prompt: Prompt, record: Record, row: FeatureRow | None) -> None:
        """Check that a row was answered to the prompt that is exported with it."""
        if row is None or row["state"] != "ok":
            return
        keys = {row.get("request_key"), *(sample.get("request_key") for sample in row.get("samples", ()))}
        if not keys & prompt.known_keys:
            raise ReconciliationError(
                f"the answer about record {record['id']!r} was not given to the prompt as it is now",
                where=self._project.paths.features(self.settings.stage or ""),
                remedy="make the features again (`goldpan run`), then the export",
            )

    def _fault(
        self, example: TaughtExample, tokens: TokenCounts, id: str, made: GatheredRows
    ) -> Reason | None:
        """Why a row must not be learned from as it is; None where it may."""
        settings = self.settings
        texts = [*(message["content"] for message in example.messages), example.answer_text]
        if settings.control_tokens != "keep" and (found := self._counter.special_tokens(texts)):
            if settings.control_tokens == "stop":
                self._stopped["control_tokens"].append(id)
            return Reason("control_tokens", f"its texts hold {', '.join(found)}")
        if settings.max_tokens is not None and tokens.total > settings.max_tokens:
            if settings.on_long == "keep":
                made.too_long.append(id)
                return None
            if settings.on_long == "stop":
                self._stopped["on_long"].append(id)
            return Reason("too_long", f"{tokens.total:,} tokens, of {settings.max_tokens:,} at most")
        return None

    def _stop_where_asked(self) -> None:
        for setting, ids in self._stopped.items():
            what = "hold special tokens" if setting == "control_tokens" else "are longer than `max_tokens`"
            said = ", ".join(f"`{id}`" for id in ids[:5]) + (" …" if len(ids) > 5 else "")
            raise StudyError(
                f"{len(ids):,} rows {what}: {said}",
                where=f"{self._where}.{setting}",
                remedy=f"take them out, or write `{setting}: leave_out` (they are then listed) or `keep`",
            )

    def _line(self, example: TaughtExample, id: str) -> bytes:
        row = ROW_OF[self.settings.format](example)
        if self.settings.format == "openai_chat" and (faults := row_faults(row)):
            raise StudyError(
                f"the row of record {id!r} is against OpenAI's rules: {'; '.join(faults)}",
                where=self._where,
                remedy="correct the prompt or the task, or choose another format",
            )
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)

    def _provenance(
        self,
        record: Record,
        row: FeatureRow | None,
        item: GoldItem | None,
        prompt: Prompt,
        labels: RowLabels,
    ) -> dict[str, Any]:
        gold = [name for name, origin in labels.origins.items() if origin == "gold"]
        of_stage: dict[str, Any] = {}
        if row is not None and "stage" in labels.origins.values():
            known = ("model", "request_key", "round", "answered_at", "shared_with", "imported")
            of_stage = {key: row[key] for key in known if row.get(key) is not None}  # type: ignore[literal-required]
        of_gold: dict[str, Any] = {}
        if item is not None and gold:
            of_gold = {"wave": self.settings.gold, "item_id": item.item_id, "gold_split": item.split}
            of_gold["gold_features"] = gold
            if labels.by_llm:
                of_gold["decided_by_llm"] = list(labels.by_llm)
        return {
            "id": record["id"],
            **_place(record),
            "from": labels.origin,
            "stage": self._stage,
            "task": prompt.task,
            "task_hash": self._prompter.tasks[prompt.task].hash,
            "request_key": prompt.request_key or None,
            **of_stage,
            **of_gold,
        }

    def _gold_features(self) -> Iterator[str]:
        return (name for item in self._gold.values() for name in item.resolutions)

    def _grouping(self) -> GroupOf:
        study = self._project.study
        parts = study.parts_of(self._stage) if self._stage else ()
        sources = exported_sources(study, self.settings)
        return grouping(self._project, self.settings.group, sources, parts, f"`{self._where}.group`")


def _side_by_side(task: Task, shorter: Task) -> Iterator[tuple[Feature, Feature]]:
    """The features of an answer as the task has them, and as the answer has them."""
    return ((task.feature(kept.name), kept) for kept in shorter.features)


def _place(record: Mapping[str, Any] | Record) -> dict[str, Any]:
    return {"source": record["source"], "file": record["file"], "line": record["line"]}


def _gold_of(item: GoldItem | None) -> dict[str, Any]:
    return {} if item is None else {"gold_split": item.split}


def _named(labels: RowLabels) -> dict[str, Any]:
    reasons = {f"{name}_rationale": reason for name, reason in labels.rationales.items()}
    return {**labels.values, **reasons}


def _counted(features: Sequence[Feature], labels: RowLabels) -> Iterator[tuple[str, str]]:
    for feature in features:
        value = labels.values[feature.name]
        if feature.type in _COUNTED:
            for label in value if isinstance(value, list) else [value]:
                yield feature.name, orjson.dumps(label).decode() if not isinstance(label, str) else label
            if value == []:
                yield feature.name, "(none)"
        elif isinstance(feature, Extraction) and value is not None:
            yield feature.name, "(none)" if not value else "(some)"
