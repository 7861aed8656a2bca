"""What has changed since a wave was given out: said, and without any effect on the wave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from goldpan.files import document_as, of_known_keys, write_json
from goldpan.records.limit import trial_text
from goldpan.stages.rows import FeatureRow
from goldpan.study.load import Project
from goldpan.waves.items import Item, item_id
from goldpan.waves.sampling.draw import Population, outside
from goldpan.waves.sampling.draw_file import Draw, given_out_settings
from goldpan.waves.sampling.left_out import left_out_code
from goldpan.waves.steps.answered_table import AnsweredRows
from goldpan.waves.steps.given_out import origins_gone, trial_of_wave
from goldpan.waves.steps.run import WaveRun

_MOST_NAMED = 5
GONE, EDITED, ANSWERED_ANEW = "gone", "edited", "answered anew"
LEFT_OUT_NOW, KEPT_NOW = "left out now", "not left out now"


@dataclass(frozen=True)
class ItemChange:
    """What has become of an item.

    Attributes:
        item_id, id: the item and its record.
        changes: `gone`, `edited`, `answered anew`, of what filters leave out `left out now` or `not left out
            now`, or `outside: REASON` where it would not be drawn now.
    """

    item_id: str
    id: str
    changes: list[str]


@dataclass
class WaveChanges:
    """What `changes.json` says.

    Attributes:
        study_notes: in sentences, what has changed in the study and its tasks.
        record_notes: likewise, in the corpus and its answers.
        trial: source -> its limit, where the records are those of a trial: they are not compared.
        settings: setting -> `given_out` and `now`, of those that differ.
        drawable: records that could be drawn, `given_out` and `now`.
        items: what has become of the items of the wave; those as they were are left out.
    """

    study: str
    wave: str
    study_notes: list[str] = field(default_factory=list)
    record_notes: list[str] = field(default_factory=list)
    trial: dict[str, int] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    drawable: dict[str, int] = field(default_factory=dict)
    items: list[ItemChange] = field(default_factory=list)

    def notes_with_remedy(self) -> list[str]:
        """All notes, and what can be done about them; empty when nothing has changed."""
        if not self.study_notes and (self.trial or not self.record_notes):
            return self.record_notes
        after = "run without the limit, then " if self.trial else ""
        return [
            *self.study_notes,
            *self.record_notes,
            "the wave stays as it was given out; to draw it as things are now:"
            f" {after}goldpan waves redraw {self.wave}",
        ]


def write_changes(run: WaveRun) -> WaveChanges:
    """Write changes.json."""
    changes = changes_of(run)
    write_json(run.project.root / run.paths.wave_changes(run.name), asdict(changes))
    return changes


def changes_of(run: WaveRun) -> WaveChanges:
    """What has changed since the wave was given out: its settings, what is asked, the corpus and its answers.

    Raises:
        SourceError, ReconciliationError: the draw or the files of the stage are damaged.
    """
    draw = run.draw_given_out()
    changes = WaveChanges(run.study, run.name, drawable={"given_out": draw.sample.counts.population})
    _compare_settings(run, draw, changes)
    gone = origins_gone(run.project, run.wave)
    if gone:
        changes.study_notes.append(f"the study has no {' and no '.join(gone)} any more")
    elif trial := trial_of_wave(run.project, run.wave):
        # The rows beyond the limit are not gone: a full run has them again.
        changes.trial = trial
        changes.record_notes.append(f"{trial_text(trial)}; what has become of its records is not looked at")
    else:
        _compare_records(run, draw, changes)
    return changes


def known_changes(run: WaveRun) -> WaveChanges:
    """What has changed in the study and its tasks, and what the last run knew of the corpus.

    Raises:
        SourceError: changes.json, the draw or a task is damaged.
    """
    changes = WaveChanges(run.study, run.name)
    _compare_settings(run, run.draw_given_out(), changes)
    last_run = changes_left(run.project, run.name)
    changes.record_notes, changes.trial = last_run.record_notes, last_run.trial
    return changes


def changes_left(project: Project, name: str) -> WaveChanges:
    """What the last run has written of a wave; nothing where it has not."""
    path = project.root / project.paths.wave_changes(name)
    if not path.exists():
        return WaveChanges(project.study.study, name)

    def read(said: dict[str, Any]) -> WaveChanges:
        items = [of_known_keys(ItemChange, row) for row in said["items"]]
        return of_known_keys(WaveChanges, {**said, "items": items})

    return document_as(
        path, read, "what changed about a wave", "delete the file; the next run makes it again"
    )


def _compare_settings(run: WaveRun, draw: Draw, changes: WaveChanges) -> None:
    now = given_out_settings(run.study_wave)
    given_out = draw.head.settings
    if "left_out" in given_out or "left_out" in now:
        # It is not written where nothing is said of it.
        given_out, now = {"left_out": None, **given_out}, {"left_out": None, **now}
    if "among" in given_out or "among" in now:
        given_out, now = {"among": None, **given_out}, {"among": None, **now}
    # Nor is the order of items that come as they were drawn.
    given_out, now = {"order": "drawn", **given_out}, {"order": "drawn", **now}
    for name, value in given_out.items():
        # Another format of the sheets is none of another wave.
        if name in now and now[name] != value and name != "formats":
            changes.settings[name] = {"given_out": value, "now": now[name]}
            changes.study_notes.append(
                f"the study says `{name}: {now[name]}`; given out with `{name}: {value}`"
            )
    asked, book = draw.head.codebook, run.study_codebook
    if book.hash != asked.hash:
        changes.study_notes.append(
            "what annotators are asked (features, labels, descriptions or guidelines) is not what it was;"
            f" given out with the codebook {asked.short_hash}"
        )
    elif book.task_hash != asked.task_hash:
        changes.study_notes.append("the task of the stage, or its prompt, is not what it was")


def _compare_records(run: WaveRun, draw: Draw, changes: WaveChanges) -> None:
    features = [feature.name for feature in draw.head.codebook.features]
    population, states = Population(), {name: [GONE] for name in draw.sample.items}
    # Whatever has become of a table: the wave goes on.
    answered = run.answered(run.wave, draw.head.codebook.by_name, is_strict=False)
    for row, data in answered.rows(with_data=True):
        reason = outside(row, features)
        if reason is None:
            population.add(row["id"], "all")
        name = item_id(row["id"])
        item = draw.sample.items.get(name)
        if item is not None and item.id == row["id"]:
            states[name] = _changes_of_item(item, data, row, reason, draw.sample.llm[name])
    now, before = population.strata.total(), draw.sample.counts.population
    if draw.sample.counts.targeted:
        # What an error analysis lists by now is no change of what it listed then.
        now = before
    changes.drawable["now"] = now
    changes.items = [
        ItemChange(name, draw.sample.items[name].id, item_changes)
        for name, item_changes in states.items()
        if item_changes
    ]
    if now != before:
        changes.record_notes.append(f"{now:,} records can be drawn now; it was drawn from {before:,}")
    elif (
        not draw.sample.counts.targeted
        and draw.head.fingerprint
        and population.fingerprint != draw.head.fingerprint
    ):
        changes.record_notes.append(f"other records can be drawn now than then, though as many ({now:,})")
    for file, count in answered.repeated.items() if isinstance(answered, AnsweredRows) else ():
        changes.record_notes.append(f"rows of {file} passed over, whose id stands before: {count:,}")
    by_change: dict[str, list[str]] = {}
    for item_change in changes.items:
        for change in item_change.changes:
            by_change.setdefault(change, []).append(item_change.id)
    for change, ids in sorted(by_change.items()):
        changes.record_notes.append(_note(change, ids))


def _changes_of_item(
    item: Item, data: dict[str, Any], row: FeatureRow, reason: str | None, llm: dict[str, Any]
) -> list[str]:
    changes = []
    if data != item.data:
        changes.append(EDITED)
    if reason is not None:
        changes.append(f"outside: {reason}")
    elif (left_out := left_out_code(row)) != llm.get("left_out"):
        changes.append(KEPT_NOW if left_out is None else LEFT_OUT_NOW)
    elif any(row["features"][name] != prediction for name, prediction in llm["features"].items()):
        changes.append(ANSWERED_ANEW)
    return changes


def _note(change: str, ids: Sequence[str]) -> str:
    count = "1 item" if len(ids) == 1 else f"{len(ids):,} items"
    said = {
        GONE: f"{count} of the wave gone from the stage, and kept in the wave",
        EDITED: f"{count} of the wave edited; the wave keeps what was given out",
        ANSWERED_ANEW: f"{count} of the wave answered anew by the LLM; the wave keeps the answers it had",
        LEFT_OUT_NOW: f"{count} of the wave left out by a filter now; the wave keeps the answers it had",
        KEPT_NOW: f"{count} of the wave, left out by a filter then, not left out now; the wave keeps them so",
    }.get(change) or f"{count} of the wave would not be drawn now ({change.removeprefix('outside: ')})"
    named = ", ".join(ids[:_MOST_NAMED]) + (", …" if len(ids) > _MOST_NAMED else "")
    return f"{said}: {named}"
