"""Drawing a wave anew: the one way in which what was given out becomes something else; nothing is lost."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from goldpan.errors import GoldpanError, SheetError, StudyError
from goldpan.files import write_bytes
from goldpan.records.limit import trial_text
from goldpan.waves.agreement.wave import wave_notes
from goldpan.waves.answer_text import field_text
from goldpan.waves.collect.folder import collect
from goldpan.waves.sampling.draw_file import Draw, EarlierDraws
from goldpan.waves.sheets.sheet import shown_fields
from goldpan.waves.steps.given_out import drawn_from, trial_of_wave
from goldpan.waves.steps.run import WaveRun

_LONGEST_BEGINNING = 70


@dataclass
class Redraw:
    """What a redraw has done.

    Attributes:
        changed: whether the draw is another one now.
        items: in the wave now.
        added, dropped: ids of the records that are new in it, and that are no longer.
        edited: ids of the records that are in it as before, but say something else now.
        shown: id -> how what is shown of the record begins, of all these.
        to_answer: annotator -> rows of the new sheet.
        answered: annotator -> rows that are not on the new sheet, because they were answered before.
        kept: where the draw before lies, and sheets that somebody was filling in where they were written.
        notes: what is to be known about the answers that have come back.
    """

    wave: str
    changed: bool
    items: int
    added: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    to_answer: dict[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return asdict(self)


def redraw(run: WaveRun) -> Redraw:
    """Draw a wave as study, corpus and answers are now.

    What has come back stays where it is; answers to what is no longer in the wave are set aside when they are
    collected. What an annotator has answered is not on the new sheet, unless the record says something else
    now. The draw before is kept beside the new one. Sheets that lie in `results/` as they were written
    make room for new ones; those that somebody has filled in there are moved, not overwritten.

    Raises:
        StudyError: the wave was not given out, the stage has no answers or only those of a trial, or sheets
            cannot be written.
        SourceError: the draw that there is, is damaged.
    """
    before = run.drawn
    if before is None:
        raise StudyError(
            f"the wave `{run.name}` was not given out yet, so there is nothing to draw anew",
            where=str(run.draw_file),
            remedy=f"a run draws it: {run.paths.sample(run.name)}",
        )
    for path in drawn_from(run.project, run.study_wave):
        run.project.left(path, needed_by=f"a redraw of the wave `{run.name}`")
    if trial := trial_of_wave(run.project, run.study_wave):
        raise StudyError(
            f"the records are those of {trial_text(trial)}; the wave would lose its items beyond them",
            where=f"waves.{run.name}",
            remedy="run without the limit (nor one in the study or config/config.yaml), then draw anew",
        )
    now = run.new_draw(_earlier(before))
    old, new = before.sample.items, now.sample.items
    edited = [item.id for name, item in new.items() if name in old and old[name].data != item.data]
    now = _with_edits(now, before, edited)
    done = Redraw(
        wave=run.name,
        changed=Draw(replace(now.head, earlier=before.head.earlier), now.sample) != before,
        items=len(new),
        added=[item.id for name, item in new.items() if name not in old],
        dropped=[item.id for name, item in old.items() if name not in new],
        edited=edited,
    )
    if done.changed:
        # The new draw is written last: stopped before, the same command goes on.
        now, done.notes = _without_answered(run, now)
        given = Counter(who for item in new.values() for who in (*item.annotators, *item.repeated_by))
        done.answered = {name: len(ids) for name, ids in now.head.earlier.answered.items()}
        done.to_answer = {name: count - done.answered.get(name, 0) for name, count in given.items()}
        done.shown = _beginnings(before, done.dropped) | _beginnings(now, [*done.added, *done.edited])
        kept = [_keep_draw(run.draw_file, before.as_bytes()), *_clear_sheets(run, before)]
        done.kept = [str(path.relative_to(run.project.root)) for path in kept]
        now.write(run.draw_file)
        # What the last run has written is of the draw before; the next run looks anew.
        (run.project.root / run.paths.wave_changes(run.name)).unlink(missing_ok=True)
    return done


def _earlier(before: Draw) -> EarlierDraws:
    earlier, head = before.head.earlier, before.head
    records = dict.fromkeys((*earlier.records, *(item.id for item in before.sample.items.values())))
    annotators = dict.fromkeys((*earlier.annotators, *head.settings["annotators"]))
    return EarlierDraws(tuple(records), tuple(annotators))


def _with_edits(now: Draw, before: Draw, edited: Collection[str]) -> Draw:
    """The new draw, which remembers what was edited by which redraw.

    A mark stays: who reads the gold later must know which answers may be about another text.
    """
    earlier = before.head.earlier
    redraws = earlier.redraws + 1
    ever = [item.id for item in now.sample.items.values() if item.id in {*edited, *earlier.edited}]
    edits = earlier.edits | {name: (*earlier.edits.get(name, ()), redraws) for name in edited}
    marked = replace(now.head.earlier, edited=tuple(ever), redraws=redraws, edits=edits)
    return replace(now, head=replace(now.head, earlier=marked))


def _without_answered(run: WaveRun, now: Draw) -> tuple[Draw, list[str]]:
    """The new draw, which remembers what needs no answer any more; and notes on what came back."""
    try:
        collected = collect(run.annotations, run.given_out_by(now))
    except SheetError as error:
        why = " ".join(str(error).splitlines())
        return now, [f"what has come back cannot be collected as it lies there: {why}"]
    answered: dict[str, list[str]] = {}
    for row in collected.answers:
        item = now.sample.items[row.item_id]
        if len(row.values) == len(now.head.codebook.features) and not row.outdated:
            shown_as = item.item_id if row.showing == 1 else item.repeat_id
            if row.annotator in (item.annotators if row.showing == 1 else item.repeated_by):
                answered.setdefault(row.annotator, []).append(shown_as)
    earlier = replace(now.head.earlier, answered={name: tuple(ids) for name, ids in answered.items()})
    return replace(now, head=replace(now.head, earlier=earlier)), wave_notes(collected.status)


def _beginnings(draw: Draw, record_ids: Collection[str]) -> dict[str, str]:
    """Record id -> how what annotators see of it begins, in one line."""
    wanted = set(record_ids)
    texts = {
        item.id: " | ".join(map(field_text, shown_fields(item.data, draw.head.show).values()))
        for item in draw.sample.items.values()
        if item.id in wanted
    }
    in_one_line = {name: " ".join(text.split()) for name, text in texts.items()}
    return {
        name: text if len(text) <= _LONGEST_BEGINNING else f"{text[:_LONGEST_BEGINNING]}…"
        for name, text in in_one_line.items()
    }


def _keep_draw(draw_file: Path, data: bytes) -> Path:
    for number in itertools.count(1):
        path = draw_file.with_name(f"{draw_file.name.removesuffix('.draw.jsonl')}.draw.{number}.jsonl")
        if not path.exists():
            write_bytes(path, data)
            return path
        if path.read_bytes() == data:
            return path
    raise AssertionError


def _clear_sheets(run: WaveRun, before: Draw) -> list[Path]:
    """Take the sheets of a draw out of the way; where those lie that are not as they were written."""
    folder, moved = run.sheets_folder, []
    if not folder.is_dir():
        return []
    written = _written(run, before)
    aside = next(
        path
        for number in itertools.count(1)
        if not (path := folder.with_name(f"sheets_before_{number}")).exists()
    )
    for path in sorted(file for file in folder.iterdir() if file.is_file()):
        if written.get(path.name) == path.read_bytes():
            path.unlink()
        else:
            aside.mkdir(exist_ok=True)
            moved.append(path.rename(aside / path.name))
    return moved


def _written(run: WaveRun, before: Draw) -> Mapping[str, bytes]:
    try:
        return dict(run.sheets_of(before))
    except GoldpanError:
        # Another version of goldpan wrote them: they are moved, whoever filled them in.
        return {}
