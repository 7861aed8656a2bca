"""The summary of a stage: counts that add up, labels, tokens and the true cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from goldpan.batches.budget import cost_of_tokens
from goldpan.batches.estimate import stage_price
from goldpan.batches.imported_answers import Imported, imported_note
from goldpan.batches.messages import MessageCount, Messages
from goldpan.errors import ReconciliationError
from goldpan.ledger import Answer, Submission
from goldpan.ledger.rows import FLEX_SUMS
from goldpan.records.seen import SeenKeys
from goldpan.records.skips import skip_code
from goldpan.stages.columns import Column
from goldpan.stages.documents import write_document
from goldpan.stages.rows import PENDING, STATES, FeatureRow
from goldpan.study.stage import FLEX, Stage
from goldpan.tasks.device_time import DeviceTime
from goldpan.tasks.features import Score
from goldpan.tasks.task import Task

# Cached and cache-write tokens are among those of the prompt, reasoning among those of the completion.
TOKENS = ("prompt", "completion", "cached", "cache_write", "reasoning")
_COUNTED = (*(f"{name}_tokens" for name in TOKENS), *FLEX_SUMS)
ABSTAINED, NO_LABEL = "(abstained)", "(none)"
"""How `labels` calls an abstention, and the empty set of a multilabel feature."""
BASELINE_PREFIX = "goldpan-baseline"
_MOST_CODES = 1_000


class Summary:
    """Counts the rows of features.jsonl as they are written. A context manager, for its set of keys.

    Args:
        settings: of the stage; None of one that asks nobody.
        has_ended: rows may not be pending any more.
        trial: source -> limit, where only the first rows of sources were read.
    """

    def __init__(
        self,
        study: str,
        stage: str,
        settings: Stage | None,
        tasks: list[Task],
        *,
        has_ended: bool = True,
        trial: Mapping[str, int] | None = None,
    ):
        self._known_states = STATES if has_ended else (*STATES, PENDING)
        self.study, self.stage, self.trial = study, stage, dict(trial or {})
        self._settings = settings
        self._tasks = tasks
        self._seen = SeenKeys()
        self.records = 0
        self.states: Counter[str] = Counter()
        self._reasons: dict[str, Counter[str]] = {}
        self._messages = Messages()
        self._models: Counter[str] = Counter()
        self._by_task: Counter[str] = Counter()
        self._values: dict[str, Counter[str]] = {}
        self._feature_records: Counter[str] = Counter()
        self._scores: dict[str, list[float]] = {}
        # By how it was asked, of whom (is_free, is_online).
        self._tokens: dict[tuple[bool, bool], Counter[str]] = {}
        self._tiers: Counter[str] = Counter()
        self._adjusted = self._requests = 0
        self._devices: Counter[str] = Counter()
        self._device_seconds = 0.0
        self._imported = Imported()

    def __enter__(self) -> Summary:
        return self

    def __exit__(self, *exc: object) -> None:
        self._seen.close()

    def add(
        self,
        rows: Sequence[FeatureRow],
        columns: Iterable[Column],
        answers: Sequence[tuple[bytes, Answer]],
        submission_of: Callable[[Answer], Submission],
        device_times: Mapping[bytes, DeviceTime] | None = None,
    ) -> None:
        """Count some rows of features.jsonl.

        Args:
            rows: the rows.
            columns: `columns_of` them.
            answers: request key and answer of all that the rows were made from, each once.
            submission_of: who has asked for an answer, and how, which its price goes by.
            device_times: what answers have cost a device of our own, by request key.
        """
        self.records += len(rows)
        self.states.update(row["state"] for row in rows)
        self._by_task.update(row["task"] for row in rows if "task" in row)
        self._models.update(row["model"] for row in rows if row["model"])
        self._adjusted += sum("adjusted" in row for row in rows)
        for row in rows:
            if row["state"] != "ok":
                self._count_reason(row["state"], skip_code(row["reason"]))
                self._messages.add(row["state"], row["reason"])
        for column in columns:
            self._count_values(column)
        new = self._seen.add_new(key for key, _ in answers)
        for key, answer in answers:
            if key in new:
                self._requests += answer.paid
                submission = submission_of(answer)
                if submission.is_imported:
                    self._imported.add(answer)
                place = (submission.is_free, submission.is_online)
                self._tiers[answer.tier if submission.is_online else "batch"] += bool(answer.paid)
                tokens = self._tokens.setdefault(place, Counter())
                for name in _COUNTED:
                    tokens[name] += getattr(answer, name)
                if device_times and key in device_times:
                    self._devices[device_times[key].device] += 1
                    self._device_seconds += device_times[key].seconds

    def _count_reason(self, state: str, code: str) -> None:
        counts = self._reasons.setdefault(state, Counter())
        # What models write instead of a label has no end; memory must have one.
        counts[code if code in counts or len(counts) < _MOST_CODES else "others"] += 1

    def _count_values(self, column: Column) -> None:
        kind, values = column.feature.type, column.values
        counts = self._values.setdefault(column.feature.name, Counter())
        held = [value for value in values if value is not None]
        self._feature_records[column.feature.name] += len(held) + column.abstentions
        if column.abstentions:
            counts[ABSTAINED] += column.abstentions
        if kind == "binary":
            counts["true"] += values.count(True)
            counts["false"] += values.count(False)
        elif kind == "classification":
            counts.update(held)
        elif kind == "multilabel":
            counts.update(chain.from_iterable(held))
            counts[NO_LABEL] += sum(not labels for labels in held)
        elif isinstance(column.feature, Score):
            total = self._scores.setdefault(column.feature.name, [0, 0.0])
            total[0] += len(held)
            total[1] += sum(held)
            # Of a score of any number the values are no labels; its mean tells of it.
            if column.feature.integer:
                counts.update(str(int(value)) for value in held)

    def reconcile(self) -> None:
        """Check that every record is in exactly one known state."""
        unknown = set(self.states) - set(self._known_states)
        total = sum(self.states.values())
        if unknown or total != self.records:
            raise ReconciliationError(
                f"{self.records} records, but {total} in states {dict(self.states)}"
                + (f", of which {sorted(unknown)} are not known" if unknown else ""),
                where=f"stage {self.stage}",
                remedy="this is a fault in goldpan; please report it with this message",
            )

    @property
    def cost_usd(self) -> float | None:
        """What all attempts at the stage's requests have cost, by its price; None when no price is known."""
        cost, settings = 0.0, self._settings
        if settings is None:
            return cost
        for (is_free, is_online), tokens in self._tokens.items():
            price, flex_price = (
                stage_price(settings, is_free=is_free, is_online=is_online, tier=tier)
                for tier in (None, FLEX)
            )
            of_these = cost_of_tokens(tokens, price, flex_price)
            if of_these is None and tokens.total():
                return None
            cost += of_these or 0.0
        return round(cost, 6)

    @property
    def tiers(self) -> dict[str, int]:
        """How many requests were answered at which tier of the service, where one is asked for: `batch` for
        those that were asked in one, `unknown` for answers that do not say it."""
        if (self._settings is None or self._settings.tier is None) and FLEX not in self._tiers:
            return {}
        return {tier or "unknown": count for tier, count in sorted((+self._tiers).items())}

    @property
    def _device(self) -> dict[str, Any]:
        """What answers have cost devices of our own, in seconds, and how many came of which."""
        return {"seconds": round(self._device_seconds, 3), "answers": dict(sorted(self._devices.items()))}

    @property
    def messages(self) -> list[MessageCount]:
        """The three commonest whole messages of rows that came to nothing."""
        return self._messages.commonest()

    @property
    def is_baseline(self) -> bool:
        """Whether the built-in weak annotator gave any of the answers."""
        return any(model.startswith(BASELINE_PREFIX) for model in self._models)

    def as_dict(self) -> dict[str, Any]:
        """What summary.json holds."""
        return {
            "study": self.study,
            "stage": self.stage,
            **({"trial": self.trial} if self.trial else {}),
            "records": self.records,
            "states": {state: self.states[state] for state in self._known_states},
            "reasons": {state: dict(counts.most_common()) for state, counts in sorted(self._reasons.items())},
            "messages": self.messages,
            "tasks": {
                task.name: {
                    "hash": task.hash,
                    "features": len(task.features),
                    "records": self._by_task[task.name],
                }
                for task in self._tasks
            },
            "models": dict(sorted(self._models.items())),
            "baseline": self.is_baseline,
            "adjusted": self._adjusted,
            "labels": {
                name: dict(sorted((+counts).items())) for name, counts in self._values.items() if +counts
            },
            # What a share of a label is a share of: a set has several, or none.
            "feature_records": dict(+self._feature_records),
            "mean_scores": {name: round(total / n, 6) for name, (n, total) in self._scores.items() if n},
            "requests_paid": self._requests,
            **({"imported": self._imported.as_dict()} if self._imported.answers else {}),
            **({"tiers": self.tiers} if self.tiers else {}),
            "tokens": {
                name: sum(tokens[f"{name}_tokens"] for tokens in self._tokens.values()) for name in TOKENS
            },
            "cost_usd": self.cost_usd,
            **({"device": self._device} if self._devices else {}),
        }

    def write(self, path: Path) -> None:
        """Write summary.json."""
        write_document(path, self.as_dict())


def request_notes(made: dict[str, Any]) -> list[str]:
    """What a summary.json says of how requests were answered: elsewhere, at which tiers of the service, and
    how much of their prompts its cache had, or was computed once for several."""
    notes = []
    if imported := made.get("imported"):
        notes.append(imported_note(imported))
    if tiers := made.get("tiers"):
        counts = ", ".join(f"{count:,} {tier}" for tier, count in tiers.items())
        notes.append(f"answered by tier: {counts}")
    tokens, device = made.get("tokens", {}), made.get("device")
    if tokens.get("cached") and tokens.get("prompt"):
        share = tokens["cached"] / tokens["prompt"]
        # What devices of our own have computed knows no service.
        how = (
            "were shared with other requests and computed once" if device else "came from the service's cache"
        )
        notes.append(f"{share:.0%} of {tokens['prompt']:,} prompt tokens {how}")
    if device:
        notes.append(device_note(device, tokens))
    return notes


def device_note(device: dict[str, Any], tokens: dict[str, Any]) -> str:
    """How long devices of our own have computed, and how fast; the answers cost no money."""
    seconds = device["seconds"]
    where = ", ".join(f"{count:,} on {name}" for name, count in device["answers"].items())
    speed = f", {tokens.get('completion', 0) / seconds:,.0f} tokens of answers a second" if seconds else ""
    return f"answered here at no cost, {where}: {seconds:,.1f} device seconds{speed}"
