"""Joining filled sheets by item id, and saying how far each annotator is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from goldpan.errors import SheetError
from goldpan.tasks.nearest import suggestion
from goldpan.waves.answer_text import answer_text
from goldpan.waves.collect.collected import AnnotatorStatus, CollectedWave, JoinedAnswer, WaveStatus
from goldpan.waves.collect.filled import FilledSheet, GivenOut, Problems, SheetAnswer

Key = tuple[str, str, Literal[1, 2]]
"""Item id, annotator, showing."""


def join_sheets(sheets: Iterable[FilledSheet], given_out: GivenOut, ignored: list[str]) -> CollectedWave:
    """All answers of a wave.

    Sheets of one annotator may add to each other and may say the same twice, but not contradict each other.
    Answers that belong to an earlier draw are counted and set aside. Of answers about two texts of a record
    that was edited between two draws, those about the newer text count.

    Args:
        sheets: what the files of the folder hold.
        given_out: the wave.
        ignored: files of the folder that are no sheets.

    Raises:
        SheetError: an item id that the wave does not have, or one annotator with two answers to one question.
    """
    showings = {item.item_id: (item.item_id, 1) for item in given_out.items.values()}
    showings |= {item.repeat_id: (item.item_id, 2) for item in given_out.items.values()}
    joined: dict[Key, list[SheetAnswer]] = {}
    repairs = []
    shown_otherwise = []
    not_read = []
    set_aside: Counter[str] = Counter()
    for sheet in sheets:
        problems = Problems(sheet.file)
        for answer in sheet.answers:
            if given_out.is_earlier(answer.item_id, answer.annotator):
                set_aside[answer.annotator] += bool(answer.values)
                continue
            if answer.item_id not in showings:
                near = suggestion(answer.item_id, showings) if len(showings) <= 10_000 else ""
                near = near if near.startswith("did") else ""
                problems.add(
                    answer.place, f"the wave has no item `{answer.item_id}`; {near}".removesuffix("; ")
                )
                continue
            item_id, showing = showings[answer.item_id]
            joined.setdefault((item_id, answer.annotator, 1 if showing == 1 else 2), []).append(answer)
        problems.raise_if_any("item ids must stay as they were given out; rows may be left out or reordered")
        repairs += sheet.repairs
        shown_otherwise += sheet.shown_otherwise
        not_read += sheet.not_read
    superseded: Counter[str] = Counter()
    merged = [_merge(key, answers, given_out, superseded) for key, answers in joined.items()]
    order = {item_id: number for number, item_id in enumerate(given_out.items)}
    merged.sort(key=lambda answer: (order[answer.item_id], answer.annotator, answer.showing))
    merged = [answer for answer in merged if answer.values or answer.flag or answer.note or answer.seconds]
    status = _status(merged, given_out, repairs, ignored, dict(+set_aside), dict(superseded))
    status.shown_otherwise, status.not_read = shown_otherwise, not_read
    return CollectedWave(merged, status)


def _merge(
    key: Key, answers: list[SheetAnswer], given_out: GivenOut, superseded: Counter[str]
) -> JoinedAnswer:
    item_id, annotator, showing = key
    record_id = given_out.items[item_id].id
    values: dict[str, Any] = {}
    said_in: dict[str, str] = {}
    version_of: dict[str, int] = {}
    spans: dict[str, list[list[dict[str, Any]]]] = {}
    for answer in answers:
        version = given_out.text_version(record_id, answer.redraw)
        for name, value in answer.values.items():
            differs = name in values and values[name] != value
            if name in values and version != version_of[name]:
                superseded[annotator] += differs
                if version < version_of[name]:
                    continue
            elif differs:
                feature = given_out.codebook.by_name[name]
                before, now = answer_text(feature, values[name]), answer_text(feature, value)
                raise SheetError(
                    f"`{annotator}` answers `{name}` with `{now}` here,"
                    f" but with `{before}` in {said_in[name]}",
                    where=answer.where,
                    remedy=f"empty the answer to `{name}` that does not hold, here or there; all else in both"
                    " files stays and counts",
                )
            values[name] = value
            said_in[name] = answer.where
            version_of[name] = version
            if name in answer.spans:
                spans[name] = answer.spans[name]
            elif differs:
                spans.pop(name, None)
    times = [answer.seconds for answer in answers if answer.seconds is not None]
    return JoinedAnswer(
        item_id=item_id,
        annotator=annotator,
        showing=showing,
        # In the order of the codebook, so that the order of the files makes no difference.
        values={name: values[name] for name in given_out.codebook.by_name if name in values},
        flag=any(answer.flag for answer in answers),
        note="\n".join(dict.fromkeys(answer.note for answer in answers if answer.note)),
        seconds=max(times) if times else None,
        files=sorted({answer.file for answer in answers}),
        outdated=any(version < given_out.text_version(record_id) for version in version_of.values()),
        spans={name: spans[name] for name in values if name in spans},
    )


def _status(
    answers: list[JoinedAnswer],
    given_out: GivenOut,
    repairs: list[Any],
    ignored: list[str],
    set_aside: dict[str, int],
    superseded: dict[str, int],
) -> WaveStatus:
    features = len(given_out.codebook.features)
    by_annotator: dict[str, dict[tuple[str, int], JoinedAnswer]] = {}
    for answer in answers:
        by_annotator.setdefault(answer.annotator, {})[answer.item_id, answer.showing] = answer
    annotators = {
        name: _annotator_status(name, by_annotator.get(name, {}), given_out, features)
        for name in given_out.wave.annotators
    }
    complete = all(status.is_complete for status in annotators.values())
    return WaveStatus(
        study=given_out.study,
        wave=given_out.name,
        state="complete" if complete else "partial",
        blind=given_out.wave.blind,
        layout=given_out.wave.layout,
        order=given_out.wave.order,
        codebook_hash=given_out.codebook.hash,
        annotators=annotators,
        repairs=repairs,
        exclusive=_exclusive_conflicts(answers, given_out),
        ignored=ignored,
        set_aside=set_aside,
        edited=list(
            dict.fromkeys(
                record_id
                for answer in answers
                if answer.values
                and (record_id := given_out.items[answer.item_id].id) in given_out.edited_records
                # What an earlier goldpan drew anew does not tell which answers are about which text.
                if answer.outdated or record_id not in given_out.edits
            )
        ),
        superseded={name: count for name, count in superseded.items() if count},
    )


def _annotator_status(
    name: str, answers: Mapping[tuple[str, int], JoinedAnswer], given_out: GivenOut, features: int
) -> AnnotatorStatus:
    items = given_out.items.values()
    assigned = [item.item_id for item in items if name in item.annotators]
    repeated = [item.item_id for item in items if name in item.repeated_by]
    counts = [len(answers[item_id, 1].values) if (item_id, 1) in answers else 0 for item_id in assigned]
    again = [len(answers[item_id, 2].values) if (item_id, 2) in answers else 0 for item_id in repeated]
    answered = {item_id for (item_id, _), answer in answers.items() if answer.values}
    times = [answer.seconds for answer in answers.values() if answer.seconds is not None]
    return AnnotatorStatus(
        assigned=len(assigned),
        answered=sum(count == features for count in counts),
        started=sum(0 < count < features for count in counts),
        left=sum(count == 0 for count in counts),
        unassigned=len(answered - set(assigned)),
        repeats_assigned=len(repeated),
        repeats_answered=sum(count == features for count in again),
        seconds=round(sum(times), 1) if times else None,
        files=sorted({file for answer in answers.values() for file in answer.files}),
    )


def _exclusive_conflicts(answers: list[JoinedAnswer], given_out: GivenOut) -> list[dict[str, Any]]:
    conflicts = []
    for answer in answers:
        for group in given_out.codebook.exclusive:
            said_yes = [name for name in group.order if answer.values.get(name) is True]
            if len(said_yes) > 1:
                conflicts.append(
                    {"item_id": answer.item_id, "annotator": answer.annotator, "features": said_yes}
                )
    return conflicts
