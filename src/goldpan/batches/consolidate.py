"""From settled rounds to features: one row for each record, with its state and where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from goldpan.batches.imported_answers import imported_from
from goldpan.batches.summary import Summary
from goldpan.batches.unsettled import Unsettled
from goldpan.errors import ReconciliationError
from goldpan.files import replacing
from goldpan.garbage import seldom_collected
from goldpan.ledger import Answer, Ledger, Submission
from goldpan.providers.model_choice import asked_stage
from goldpan.records.limit import trial_of
from goldpan.records.model import RecordHead
from goldpan.records.read import iter_heads
from goldpan.stages.aggregate import aggregate_samples
from goldpan.stages.columns import ParquetRows, columns_of, features_of
from goldpan.stages.duplicates import SHARED_WITH
from goldpan.stages.rows import AskedRow, FeatureRow, with_asked
from goldpan.study.load import Project
from goldpan.study.run_again import run_command
from goldpan.study.stage import SampleAggregate
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.batch_lines import read_batch_line
from goldpan.tasks.device_time import DeviceTime, device_time_of
from goldpan.tasks.features import Feature
from goldpan.tasks.task import Task, load_task
from goldpan.tasks.usage import model_of, usage_of

# Records in hand at a time; more take longer, as they no longer fit into the processor's cache.
_CHUNK = 64


@dataclass(frozen=True)
class _TaskReader:
    task: Task
    reader: AnswerReader

    @cached_property
    def features(self) -> dict[str, Feature]:
        """The features of the task by name."""
        return {feature.name: feature for feature in self.task.features}


def consolidate(
    project: Project,
    stage_name: str,
    *,
    records: Path,
    asked: Path,
    features: Path,
    parquet: Path,
    summary: Path,
    unsettled: Unsettled | None = None,
) -> Summary:
    """Write features.jsonl, features.parquet and summary.json of a stage.

    Args:
        records: the stage's records.
        asked: asked.jsonl of its first round, which names the request keys of every record.
        unsettled: of a stage that has not ended; requests without a final outcome are then `pending`.

    Raises:
        ReconciliationError: the files do not fit together, a request has no outcome, or the counts by state
            do not add up to the records.
    """
    stage = asked_stage(project.study.asked_stages[stage_name])
    readers: dict[str, _TaskReader] = {}
    for choice in stage.task:
        task = load_task(choice.task, project.tasks)
        readers[choice.task] = _TaskReader(task, AnswerReader(task, stage.output or "tool"))
    tasks = [reader.task for reader in readers.values()]
    features_asked = features_of(tasks)
    trial = trial_of(project, project.study.sources_of(stage_name))
    counts = Summary(project.study.study, stage_name, stage, tasks, has_ended=unsettled is None, trial=trial)
    with (
        seldom_collected(),
        Ledger(project.ledger) as ledger,
        counts,
        replacing(features) as out,
        ParquetRows(parquet, features_asked) as table,
    ):
        maker = _RowMaker(ledger, readers, unsettled, stage.aggregate, asked)
        heads = (head for head, _ in iter_heads(records))
        for chunk in _chunks(with_asked(heads, asked)):
            rows, answers, device_times = maker.make(chunk)
            for row in rows:
                out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            columns = columns_of(rows, features_asked)
            table.add(rows, columns)
            counts.add(rows, columns, answers, lambda answer: maker.submission(answer), device_times)
        counts.reconcile()
    counts.write(summary)
    return counts


Joined = tuple[RecordHead, list[AskedRow]]


def _chunks(items: Iterator[Joined]) -> Iterator[list[Joined]]:
    chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    yield chunk


class _RowMaker:
    """Makes the rows of features.jsonl."""

    def __init__(
        self,
        ledger: Ledger,
        readers: dict[str, _TaskReader],
        unsettled: Unsettled | None,
        aggregate: SampleAggregate | None,
        asked: Path,
    ):
        self._ledger, self._readers, self._unsettled = ledger, readers, unsettled
        self._aggregate, self._asked = aggregate, asked
        self._submissions: dict[int, Submission] = {}

    def make(
        self, chunk: list[Joined]
    ) -> tuple[list[FeatureRow], list[tuple[bytes, Answer]], dict[bytes, DeviceTime]]:
        """The row of each record, the answers they were made from by request key, and what these have cost a
        device of our own."""
        keys = {row["key"]: bytes.fromhex(row["key"]) for _, mine in chunk for row in mine if "key" in row}
        answers = self._ledger.answers(list(keys.values()))
        times: dict[bytes, DeviceTime] = {}
        contents = self._contents(chunk, keys, answers, times)
        pending = self._unsettled.reasons(self._ledger, keys, answers) if self._unsettled else {}
        rows = [
            self._row_of(record, [self._part(row, keys, answers, contents, pending) for row in mine])
            for record, mine in chunk
        ]
        return rows, list(answers.items()), times

    def _row_of(self, record: RecordHead, parts: list[dict[str, Any]]) -> FeatureRow:
        """The row of a record: of its only sample; or of all that are ok, with each of them beside it."""
        row = _row_of(record, parts)
        if len(parts) > 1:
            row["samples"] = [
                {"state": part["state"], "reason": part["reason"], "features": part.get("features", {})}
                for part in parts
            ]
            row["sample_states"] = dict(sorted(Counter(part["state"] for part in parts).items()))
            answered = [part["features"] for part in parts if part["state"] == "ok"]
            if answered:
                features = self._readers[row["task"]].features
                row["features"], row["aggregated"] = aggregate_samples(answered, features, self._aggregate)
        return row

    def _contents(
        self,
        chunk: list[Joined],
        keys: dict[str, bytes],
        answers: dict[bytes, Answer],
        times: dict[bytes, DeviceTime],
    ) -> dict[tuple[str, str], dict[str, Any]]:
        """What the provider's lines say, by request key and task; in `times` what they cost a device."""
        contents: dict[tuple[str, str], dict[str, Any]] = {}
        bodies: dict[str, dict[str, dict[str, Any]]] = {}
        for _, mine in chunk:
            for row in mine:
                answer = answers.get(keys[row["key"]]) if "key" in row else None
                if answer is None or answer.line is None:
                    continue
                line = read_batch_line(answer.line)
                body = line.body
                contents[row["key"], row["task"]] = _about(body or {})
                if body is not None and (time := device_time_of(body)) is not None:
                    times[keys[row["key"]]] = time
                if line.notes:
                    contents[row["key"], row["task"]]["adjusted"] = list(line.notes)
                if body is not None and answer.state in ("ok", "invalid"):
                    bodies.setdefault(row["task"], {})[row["key"]] = body
        if foreign := bodies.keys() - self._readers.keys():
            raise ReconciliationError(
                f"tasks were asked that the stage does not have: {', '.join(sorted(foreign))}",
                where=str(self._asked),
                remedy="delete the file and run again: what was paid is in the ledger",
            )
        for task, by_key in bodies.items():
            # The answers are read again, for how they are read may have changed since they were settled.
            readings = self._readers[task].reader.read_all(list(by_key.values()))
            for key, reading in zip(by_key, readings, strict=True):
                content = contents[key, task]
                content["state"], content["reason"] = reading.state, reading.reason
                if reading.predictions is not None:
                    content["features"] = reading.predictions
                if reading.adjusted:
                    content["adjusted"] = content.get("adjusted", []) + reading.adjusted
        return contents

    def _part(
        self,
        row: AskedRow,
        keys: dict[str, bytes],
        answers: dict[bytes, Answer],
        contents: dict[tuple[str, str], dict[str, Any]],
        pending: dict[str, str],
    ) -> dict[str, Any]:
        """What one request of a record came to."""
        if "skip" in row:
            return {"state": "skipped", "reason": row["skip"]}
        head = {"custom_id": row["custom_id"], "request_key": row["key"], "task": row["task"]}
        head["task_hash"] = self._readers[row["task"]].task.hash
        notes = {"notes": row["notes"]} if "notes" in row else {}
        if row["do"] == "oversize":
            reason = f"oversize: the request has {row['bytes']} bytes, more than a file may hold"
            return {"state": "failed", "reason": reason, **head, **notes}
        if row["key"] in pending:
            return {"state": "pending", "reason": pending[row["key"]], **head, **notes}
        answer = answers.get(keys[row["key"]])
        if answer is None:
            raise ReconciliationError(
                f"request {row['key'][:12]} of record {row['id']!r} has no outcome in the ledger",
                where=str(self._ledger.path),
                remedy=f"run again; if it stays so: {run_command('NAME', '--forcerun', 'plan')}",
            )
        part: dict[str, Any] = {"state": answer.state, "reason": answer.reason, **head}
        part.update(self._provenance(answer))
        part.update(contents.get((row["key"], row["task"]), {}))
        return {**part, **notes}

    def _provenance(self, answer: Answer) -> dict[str, Any]:
        submission = self.submission(answer)
        of_batch = {"batch_id": submission.batch_id, "round": submission.round, "model": submission.model}
        return of_batch | ({"imported": imported_from(submission)} if submission.is_imported else {})

    def submission(self, answer: Answer) -> Submission:
        """The submission that an answer came of."""
        number = answer.submission
        if number not in self._submissions:
            self._submissions[number] = self._ledger.submission(number)
        return self._submissions[number]


def _about(body: dict[str, Any]) -> dict[str, Any]:
    """What the body of an answer says besides the answer."""
    about = {}
    if model := model_of(body):
        about["model"] = model
    usage = usage_of(body)
    if any(usage):
        about["usage"] = usage.as_dict()
    answered_at = body.get("created") or body.get("created_at")
    if answered_at:
        about["answered_at"] = answered_at
    return about


def _row_of(record: RecordHead, parts: list[dict[str, Any]]) -> FeatureRow:
    """The row of its only sample, or of the first that is ok, or else pending."""
    by_state = {part["state"]: part for part in reversed(parts)}
    best = by_state.get("ok") or by_state.get("pending") or parts[0]
    features = best.get("features", {})
    row: FeatureRow = {
        "id": record["id"],
        "source": record["source"],
        "file": record["file"],
        "state": best["state"],
        "reason": best["reason"],
        "batch_id": best.get("batch_id"),
        "custom_id": best.get("custom_id"),
        "model": best.get("model"),
        "usage": best.get("usage"),
        "features": features,
        "feature_count": len(features),
    }
    for name in ("task", "task_hash", "request_key", "round", "imported", "answered_at", "adjusted", "notes"):
        if name in best:
            row[name] = best[name]
    if SHARED_WITH in record and best["state"] != "skipped":
        # What it has cost stands in the row of the record that it shares with.
        row["shared_with"], row["usage"] = record["shared_with"], None
    return row
