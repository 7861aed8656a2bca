"""A wave that was given out stays as it was, whatever becomes of study and corpus; nothing is lost."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from goldpan.cli import main
from goldpan.errors import SheetError, SourceError, StudyError
from goldpan.evaluation.run import gold_notes, order_notes
from goldpan.study import load_project
from goldpan.waves.agreement.wave import wave_notes
from goldpan.waves.codebook import Codebook
from goldpan.waves.items import item_id
from goldpan.waves.sampling.draw_file import Draw, DrawHead, given_out_settings, read_draw
from goldpan.waves.sampling.sample import SampleCounts, WaveSample
from goldpan.waves.steps.changes import changes_of, write_changes
from goldpan.waves.steps.given_out import sample_files
from goldpan.waves.steps.redraw import redraw
from goldpan.waves.steps.run import WaveRun
from tests.filled_sheets import fill_csv, fill_page, fill_xlsx, read_sheet_rows
from tests.projects import TOPIC_TASK, WorkflowProject, notes_study
from tests.wave_builders import (
    ALL_FEATURES,
    Row,
    codebook,
    items,
    make_project,
    note_answers,
    wave,
    write_stage,
    write_wave_study,
)


def wave_of(project: WorkflowProject) -> WaveRun:
    return WaveRun(load_project(root=project.root), "check")


def draw_file(project: WorkflowProject) -> Path:
    return project.root / "annotations/notes/check.draw.jsonl"


def sheets(project: WorkflowProject) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in project.artifact("waves/check/sheets").iterdir()}


def sample(project: WorkflowProject) -> list[bytes]:
    files = sample_files(load_project(root=project.root), "check")
    return [path.read_bytes() for path in (files.sample, files.llm, files.counts)]


def give_out(project: WorkflowProject) -> None:
    run = wave_of(project)
    run.draw()
    run.write_sample()
    run.write_sheets()


def hand_in(project: WorkflowProject, annotator: str, sheet: Path | None = None) -> None:
    """Fill in a sheet, which comes back under another name."""
    given = sheet or project.artifact(f"waves/check/sheets/{annotator}.csv")
    fill_csv(
        given,
        project.root / f"annotations/notes/check/{annotator} (final).csv",
        lambda item: {"topic": "animals", "urgent": "no", "length": 1},
    )


def answer(project: WorkflowProject, rows: list[Row]) -> None:
    """The stage as it stands after another run."""
    write_stage(project.artifact("stages/topics"), rows)


def change_labels(project: WorkflowProject) -> None:
    features = [{**TOPIC_TASK["features"][0], "labels": ["plants", "machines", "weather"]}]
    project.write_task({**TOPIC_TASK, "features": [*features, *TOPIC_TASK["features"][1:]]})


@pytest.fixture
def project(tmp_path: Path) -> WorkflowProject:
    """A wave of eight of twelve notes that was given out."""
    made = make_project(tmp_path / "project", sample=8, repeats=0.25)
    give_out(made)
    return made


def make_draw(book: Codebook) -> Draw:
    sampled = items()
    counts = SampleCounts("shop", "first", "review", 0, ["tone"], True, "task", 4, {}, "all", 4, {}, [])
    llm = {name: {"item_id": name, "id": item.id, "features": {}} for name, item in sampled.items()}
    return Draw(
        DrawHead("shop", "first", given_out_settings(wave()), ["text"], book),
        WaveSample(sampled, llm, counts),
    )


def test_a_draw_is_read_as_it_was_written(tmp_path):
    book = codebook(*ALL_FEATURES, guidelines="Read twice.\r\nThen answer.", cannot_tell=False)
    written = make_draw(book)
    written.write(tmp_path / "first.draw.jsonl")
    read = read_draw(tmp_path / "first.draw.jsonl", "shop", "first")
    assert read == written
    assert read.head.codebook.hash == book.hash
    assert read.as_bytes() == written.as_bytes()


def test_line_ends_of_another_system_do_no_harm(project):
    path = draw_file(project)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(wave_of(project).items) == 8


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-200], "draw of the wave is damaged"),
        (lambda data: b"".join(data.splitlines(keepends=True)[:-1]), "cut short"),
        (lambda data: data.replace(b"Note 1", b"Note 9"), "was changed"),
        (lambda data: data.replace(b'"seed":0', b'"seed":1', 1), "was changed"),
        (lambda data: b"<<<<<<< HEAD\n" + data, "line 1 is none of a draw"),
        (lambda data: b"", "line 1 is none of a draw"),
        (lambda data: data.replace(b'"format":1', b'"format":2'), "the format 2, and this goldpan reads 1"),
        (lambda data: data.replace(b'"wave":"check"', b'"wave":"pilot"', 1), "draw of the wave `pilot`"),
        (lambda data: data.replace(b'"annotators":["ann"', b'"annotators":["a b"', 1), "head cannot be read"),
    ],
)
def test_a_damaged_draw_is_refused_and_nothing_is_written(project, damage, said):
    path, before = draw_file(project), sheets(project)
    path.write_bytes(damage(path.read_bytes()))
    damaged = path.read_bytes()
    for step in (WaveRun.draw, WaveRun.write_sheets, WaveRun.write_sample, redraw):
        with pytest.raises(SourceError, match=said) as refused:
            step(wave_of(project))
        assert "check.draw.jsonl" in str(refused.value)
    assert path.read_bytes() == damaged
    assert sheets(project) == before


def test_five_more_records_do_not_draw_anew(project):
    drawn, given, listed = draw_file(project).read_bytes(), sheets(project), sample(project)
    answer(project, note_answers(17))
    give_out(project)
    assert (draw_file(project).read_bytes(), sheets(project), sample(project)) == (drawn, given, listed)


@pytest.mark.parametrize(
    "changes",
    [
        {"sample": 10},
        {"sample": 8, "seed": 7},
        {"sample": 8, "annotators": ["ann", "cid"]},
        {"sample": 8, "features": ["urgent"]},
        {"sample": 8, "stratify": {"by": "features.topic", "allocation": "equal"}},
        {"sample": 8, "blind": False},
        {"sample": 8, "show": ["text"], "cannot_tell": False},
        {"sample": 8, "overlap": 1},
    ],
    ids=lambda changes: list(changes)[-1],
)
def test_a_setting_that_is_edited_is_said_and_changes_nothing(project, changes):
    drawn, given, listed = draw_file(project).read_bytes(), sheets(project), sample(project)
    write_wave_study(project, **{"repeats": 0.25, **changes})
    give_out(project)
    assert (draw_file(project).read_bytes(), sheets(project), sample(project)) == (drawn, given, listed)
    notes = changes_of(wave_of(project)).notes_with_remedy()
    assert any(f"the study says `{list(changes)[-1]}: " in note for note in notes)
    assert "goldpan waves redraw check" in notes[-1]


def test_what_comes_back_is_collected_by_what_was_asked(project):
    write_wave_study(project, sample=8, repeats=0.25, annotators=["cid", "ann"], features="urgent")
    change_labels(project)
    hand_in(project, "ann")
    hand_in(project, "ben")
    run = wave_of(project)
    assert run.collect().state == "complete"
    run.measure()
    run.merge()
    assert len(run.freeze().items) == 8
    assert "given out with the codebook" in changes_of(run).study_notes[-1]


def test_a_sheet_that_somebody_fills_in_where_it_lies_is_never_overwritten(project):
    sheet = project.artifact("waves/check/sheets/ann.csv")
    fill_csv(sheet, sheet, lambda item: {"topic": "weather"})
    filled = sheet.read_bytes()
    project.artifact("waves/check/sheets/ben.csv").unlink()
    assert [path.name for path in wave_of(project).write_sheets()] == ["ben.csv"]
    assert sheet.read_bytes() == filled


def test_a_format_that_is_wanted_later_has_the_same_items(project):
    before = sheets(project)
    answer(project, note_answers(30))
    write_wave_study(project, sample=8, repeats=0.25, formats=["csv", "prodigy"])
    give_out(project)
    assert sheets(project).items() > before.items()
    tasks = project.artifact("waves/check/sheets/ann.prodigy.jsonl").read_text(encoding="utf-8")
    for row in read_sheet_rows(project.artifact("waves/check/sheets/ann.csv")):
        assert row["item_id"] in tasks
    assert changes_of(wave_of(project)).study_notes == []


def test_sheets_and_sample_come_back_from_the_draw_alone(project):
    given, listed = sheets(project), sample(project)
    shutil.rmtree(project.root / "results")
    run = wave_of(project)
    run.write_sample()
    run.write_sheets()
    assert (sheets(project), sample(project)) == (given, listed)


def test_a_wave_whose_sheets_cannot_be_written_is_not_given_out(tmp_path):
    made = make_project(tmp_path / "project", show=["title"])
    with pytest.raises(Exception, match="no record of the sample has `title`"):
        wave_of(made).draw()
    assert not draw_file(made).exists()


def as_before_there_were_draws(project: WorkflowProject) -> None:
    draw_file(project).unlink()


def test_a_sample_of_an_earlier_version_is_taken_over_with_its_sheets(project):
    drawn, given, listed = draw_file(project).read_bytes(), sheets(project), sample(project)
    as_before_there_were_draws(project)
    answer(project, note_answers(17))
    write_wave_study(project, sample=10, repeats=0.25, annotators=["ann", "ben", "cid"], seed=3)
    give_out(project)
    assert (sheets(project), sample(project)) == (given, listed)
    taken_over = read_draw(draw_file(project), "notes", "check")
    assert taken_over.sample.items == wave_of(project).items
    assert taken_over.head.settings == json.loads(drawn.splitlines()[0])["settings"]


def test_a_sample_whose_sheets_were_never_written_is_no_wave_given_out(project):
    as_before_there_were_draws(project)
    shutil.rmtree(project.artifact("waves/check/sheets"))
    answer(project, note_answers(40))
    before = sample(project)
    give_out(project)
    assert sample(project) != before


def test_a_lost_draw_is_drawn_again_where_what_came_back_fits_it(project):
    drawn = draw_file(project).read_bytes()
    hand_in(project, "ann")
    shutil.rmtree(project.artifact("waves"))
    as_before_there_were_draws(project)
    wave_of(project).draw()
    assert draw_file(project).read_bytes() == drawn


def test_a_lost_draw_is_not_made_up_where_what_came_back_does_not_fit(project):
    hand_in(project, "ann")
    shutil.rmtree(project.artifact("waves"))
    as_before_there_were_draws(project)
    answer(project, note_answers(60))
    with pytest.raises(SheetError, match="does not fit what would be drawn now") as refused:
        wave_of(project).draw()
    assert "put back its draw (annotations/notes/check.draw.jsonl)" in str(refused.value)
    assert not draw_file(project).exists()


def of_item(project: WorkflowProject, at: int) -> str:
    return [item.id for item in wave_of(project).items.values()][at]


def changed_answers(project: WorkflowProject) -> list[Row]:
    """One item of the wave gone, one edited, one filtered out, one answered anew; five more records."""
    gone, edited, filtered, anew = (of_item(project, at) for at in range(4))
    rows: list[Row] = []
    for row, data in note_answers(17):
        changed: dict[str, Any] = dict(row)
        if row["id"] == gone:
            continue
        if row["id"] == edited:
            data = {"text": "Something else."}
        if row["id"] == filtered:
            changed |= {"state": "skipped", "features": {}}
        if row["id"] == anew:
            label = {"type": "ClassificationPrediction", "label": "no topic of before"}
            changed["features"] = {**row["features"], "topic": label}
        rows.append((changed, data))
    return rows


def test_every_change_of_the_corpus_is_said_and_its_items_are_marked(project):
    ids = [of_item(project, at) for at in range(4)]
    answer(project, changed_answers(project))
    changes = changes_of(wave_of(project))
    assert {item.id: item.changes for item in changes.items} == dict(
        zip(ids, [["gone"], ["edited"], ["outside: skipped"], ["answered anew"]], strict=True)
    )
    assert changes.drawable == {"given_out": 12, "now": 15}
    said = "\n".join(changes.record_notes)
    for note in (
        "15 records can be drawn now; it was drawn from 12",
        f"1 item of the wave gone from the stage, and kept in the wave: {ids[0]}",
        f"1 item of the wave edited; the wave keeps what was given out: {ids[1]}",
        f"1 item of the wave would not be drawn now (skipped): {ids[2]}",
        f"1 item of the wave answered anew by the LLM; the wave keeps the answers it had: {ids[3]}",
    ):
        assert note in said


def test_as_many_records_that_are_others_are_said(project):
    outside_the_wave = {f"n{at}" for at in range(12)} - {item.id for item in wave_of(project).items.values()}
    lost = min(outside_the_wave)
    answer(project, [row for row in note_answers(13) if row[0]["id"] != lost])
    assert changes_of(wave_of(project)).record_notes == [
        "other records can be drawn now than then, though as many (12)"
    ]


def test_nothing_is_said_of_a_wave_for_which_nothing_has_changed(project):
    assert changes_of(wave_of(project)).notes_with_remedy() == []


def test_a_redraw_keeps_the_draw_before_and_all_that_came_back(project):
    before, old = draw_file(project).read_bytes(), set(wave_of(project).items)
    hand_in(project, "ann")
    came_back = {path: path.read_bytes() for path in (project.root / "annotations/notes/check").iterdir()}
    in_place = project.artifact("waves/check/sheets/ben.csv")
    fill_csv(in_place, in_place, lambda item: {"topic": "weather"})
    filling = in_place.read_bytes()
    answer(project, changed_answers(project))
    done = redraw(wave_of(project))
    give_out(project)
    new = set(wave_of(project).items)
    assert done.changed and done.dropped and done.added
    assert len(old - new) == len(done.dropped) and len(new - old) == len(done.added)
    assert done.kept == [
        "annotations/notes/check.draw.1.jsonl",
        "results/notes/waves/check/sheets_before_1/ben.csv",
    ]
    assert (project.root / done.kept[0]).read_bytes() == before
    assert (project.root / done.kept[1]).read_bytes() == filling
    assert {path: path.read_bytes() for path in came_back} == came_back
    assert {row["item_id"] for row in read_sheet_rows(in_place)} >= new


def test_answers_to_what_a_redraw_left_out_are_set_aside_and_the_others_count(project):
    old = set(wave_of(project).items)
    hand_in(project, "ann")
    hand_in(project, "ben")
    answer(project, changed_answers(project))
    write_wave_study(project, sample=8, annotators=["ann", "cid"])
    done = redraw(wave_of(project))
    run = wave_of(project)
    status = run.collect()
    assert status.set_aside["ben"] == 10
    assert 0 < status.set_aside["ann"] < 10
    assert status.annotators["ann"].answered == len(old & set(run.items))
    assert any(note.startswith("Set aside: 10 answered rows by ben") for note in done.notes)
    assert run.measure().count("Set aside") == 2


def test_earlier_draws_are_known_after_a_second_redraw(project):
    hand_in(project, "ann")
    answer(project, note_answers(40))
    redraw(wave_of(project))
    answer(project, note_answers(80))
    redraw(wave_of(project))
    assert (project.root / "annotations/notes/check.draw.2.jsonl").exists()
    status = wave_of(project).read_sheets().status
    assert status.set_aside["ann"] + status.annotators["ann"].answered >= 8


def test_a_redraw_that_draws_the_same_changes_nothing(project, capsys):
    before, given = draw_file(project).read_bytes(), sheets(project)
    assert main(["waves", "redraw", "check", "--root", str(project.root)]) == 0
    assert "nothing was changed" in capsys.readouterr().out
    assert (draw_file(project).read_bytes(), sheets(project)) == (before, given)
    assert not (project.root / "annotations/notes/check.draw.1.jsonl").exists()


def test_a_redraw_says_what_is_new_what_is_not_in_it_and_what_was_edited(project, capsys):
    edited = of_item(project, 1)
    answer(project, changed_answers(project))
    assert main(["waves", "redraw", "check", "--root", str(project.root)]) == 0
    said = capsys.readouterr().out
    assert "no longer in it: answers to them are kept, and count no more" in said
    edited_line = f"then:\n    {edited}: Something else.\n"
    assert f"1 edited since: answers that came back before are about what they said {edited_line}" in said
    assert "new in it:\n    n12: Note 12.\n" in said
    assert "kept: annotations/notes/check.draw.1.jsonl" in said


def test_an_evaluation_says_that_its_gold_is_of_other_labels(project):
    assert gold_notes(wave_of(project)) == []
    change_labels(project)
    (note,) = gold_notes(wave_of(project))
    assert note.startswith("The tasks ask topic in other words or with other labels")


def test_answers_to_a_text_that_was_edited_since_stay_marked(project):
    edited = of_item(project, 1)
    hand_in(project, "ann")
    rows = changed_answers(project)
    answer(project, rows)
    assert redraw(wave_of(project)).edited == [edited]
    for _ in range(2):
        collected = wave_of(project).read_sheets()
        assert collected.status.edited == [edited]
        (note,) = (note for note in wave_notes(collected.status) if note.startswith("Edited"))
        assert note.endswith(f"answers from then are about that: {edited}.")
        # The next draw has the same text.
        answer(project, rows[:-3])
        assert redraw(wave_of(project)).edited == []


def edit(project: WorkflowProject, record_id: str, text: str) -> None:
    answer(
        project,
        [(row, {"text": text} if row["id"] == record_id else data) for row, data in note_answers(12)],
    )


FILL = {"csv": fill_csv, "html": fill_page, "xlsx": fill_xlsx}


def fill_new_sheet(project: WorkflowProject, form: str, name: str, topic: str) -> None:
    suffix = "json" if form == "html" else form
    FILL[form](
        project.artifact(f"waves/check/sheets/ann.{form}"),
        project.root / f"annotations/notes/check/{name}.{suffix}",
        lambda item: {"topic": topic, "urgent": False if form == "html" else "no", "length": 1},
    )


@pytest.mark.parametrize("form", ["csv", "html", "xlsx"])
def test_after_a_redraw_answers_about_the_new_text_count_over_those_about_the_old_one(tmp_path, form, capsys):
    project = make_project(tmp_path / "project", formats=[form])
    give_out(project)
    fill_new_sheet(project, form, "z first", "animals")
    for number, text in enumerate(["Once.", "Twice."], 1):
        edit(project, "n3", text)
        done = redraw(wave_of(project))
        assert (done.edited, done.shown, done.to_answer) == (["n3"], {"n3": text}, {"ann": 1, "ben": 12})
        assert wave_of(project).read_sheets().status.edited == ["n3"]
        give_out(project)
        # The name is before the other's: the order of the files decides nothing.
        fill_new_sheet(project, form, f"a {number}", ["machines", "weather"][number - 1])
        collected = wave_of(project).collect()
        (row,) = (row for row in wave_of(project).read_sheets().answers if row.item_id == item_id("n3"))
        assert row.values["topic"] == ["machines", "weather"][number - 1]
        assert collected.superseded == {"ann": number} and collected.edited == []
        # What the sheet of an earlier draw shows is what was given out then.
        assert collected.shown_otherwise == []
        assert collected.annotators["ann"].is_complete
    assert any(note.startswith("Superseded: 2 answers by ann") for note in wave_notes(collected))
    assert main(["waves", "status", "--root", str(project.root)]) == 0
    assert "superseded: 2 answers by ann are about a text edited since" in capsys.readouterr().out


def test_new_sheets_have_only_what_is_not_answered_yet(project, capsys):
    hand_in(project, "ann")
    half = project.root / "annotations/notes/check/ben.csv"
    answered = [row["item_id"] for row in read_sheet_rows(project.artifact("waves/check/sheets/ben.csv"))][:3]
    started = answered.pop()
    fill_csv(
        project.artifact("waves/check/sheets/ben.csv"),
        half,
        lambda item: (
            {"topic": "animals", "urgent": "no", "length": 1}
            if item in answered
            else {"topic": "animals"} if item == started else {}
        ),
    )  # fmt: skip
    write_wave_study(project, sample=10, repeats=0.25)
    old = wave_of(project).draw_given_out().sample.shown
    assert main(["waves", "redraw", "check", "--root", str(project.root)]) == 0
    said = capsys.readouterr().out
    give_out(project)
    rows = {
        name: {row["item_id"] for row in read_sheet_rows(project.artifact(f"waves/check/sheets/{name}.csv"))}
        for name in ("ann", "ben")
    }
    assert not rows["ann"] & old - wave_of(project).draw_given_out().sample.shown
    assert not rows["ben"] & set(answered) and started in rows["ben"]
    assert f"ann: {len(rows['ann'])} rows to answer" in said
    assert f"ben: {len(rows['ben'])} rows to answer; 2 answered before are not on the sheet" in said
    # Nothing is lost: both sheets together are complete, and the sheets come back from the draw alone.
    for name in rows:
        fill_csv(
            project.artifact(f"waves/check/sheets/{name}.csv"),
            project.root / f"annotations/notes/check/{name} new.csv",
            lambda item: {"topic": "animals", "urgent": "no", "length": 1},
        )
    given = sheets(project)
    shutil.rmtree(project.artifact("waves/check/sheets"))
    give_out(project)
    assert sheets(project) == given
    assert wave_of(project).collect().state == "complete"


def test_two_answers_about_one_text_are_refused_and_the_advice_keeps_the_rest_of_the_file(project):
    hand_in(project, "ann")
    fill_csv(
        project.artifact("waves/check/sheets/ann.csv"),
        project.root / "annotations/notes/check/ann again.csv",
        lambda item: {"topic": "machines"},
    )
    with pytest.raises(SheetError) as refused:
        wave_of(project).collect()
    assert "ann again.csv, row " in str(refused.value)
    assert "empty the answer to `topic` that does not hold" in str(refused.value.remedy)


def test_a_sheet_on_which_nothing_is_left_can_be_written_in_every_format(tmp_path):
    formats = ["html", "xlsx", "csv", "label_studio", "doccano", "argilla", "prodigy"]
    project = make_project(tmp_path / "project", formats=formats, features=["topic"])
    give_out(project)
    fill_csv(
        project.artifact("waves/check/sheets/ann.csv"),
        project.root / "annotations/notes/check/ann.csv",
        lambda item: {"topic": "animals"},
    )
    write_wave_study(project, formats=formats, features=["topic"], seed=5, sample=11)
    assert redraw(wave_of(project)).to_answer["ann"] == 0
    give_out(project)
    assert len(sheets(project)) >= 14


def test_what_was_said_of_a_draw_is_not_said_of_the_next_one(project, capsys):
    answer(project, changed_answers(project))
    write_changes(wave_of(project))

    def status() -> str:
        assert main(["waves", "status", "--root", str(project.root)]) == 0
        return capsys.readouterr().out

    assert "records can be drawn now" in status()
    assert main(["waves", "redraw", "check", "--root", str(project.root)]) == 0
    assert "records can be drawn now" not in status()


def test_a_wave_that_was_not_given_out_cannot_be_drawn_anew(tmp_path, capsys):
    made = make_project(tmp_path / "project")
    assert main(["waves", "redraw", "check", "--root", str(made.root)]) == 1
    assert "was not given out yet" in capsys.readouterr().err


def test_the_status_says_what_has_changed(project, capsys):
    write_wave_study(project, sample=10, repeats=0.25)
    assert main(["waves", "status", "--root", str(project.root)]) == 0
    said = capsys.readouterr().out
    assert "since it was given out: the study says `sample: 10`; given out with `sample: 8`" in said
    assert "goldpan waves redraw check" in said


def test_two_waves_cannot_keep_their_sheets_in_one_folder(project):
    wave_settings = {"stage": "topics", "sample": 5, "annotators": ["ann"], "annotations": "sheets/{study}"}
    project.write_study({**notes_study(), "waves": {"check": wave_settings, "second": wave_settings}})
    with pytest.raises(StudyError, match="the wave `check` has the same folder"):
        wave_of(project)


def filtered(row: Row, reason: str = "filtered: no keyword") -> Row:
    """A record that a filter left out."""
    return {"id": row[0]["id"], "state": "skipped", "reason": reason}, row[1]


def test_a_wave_keeps_what_a_filter_had_left_out_when_its_list_is_edited_and_says_so(tmp_path):
    stands_for = {"topic": "weather", "urgent": False, "length": 0}
    project = make_project(tmp_path / "project", left_out=stands_for)
    answers = note_answers(12)
    write_stage(project.artifact("stages/topics"), [*answers[:6], *map(filtered, answers[6:])])
    give_out(project)
    before = sample(project)
    # The filter now keeps what it had left out, and leaves out one that it had kept.
    write_stage(project.artifact("stages/topics"), [filtered(answers[0]), *answers[1:]])
    changes = changes_of(wave_of(project))
    give_out(project)
    assert sample(project) == before
    by_change = Counter(change for item in changes.items for change in item.changes)
    assert by_change == {"left out now": 1, "not left out now": 6}
    assert any("left out by a filter now" in note for note in changes.record_notes)
    assert changes.notes_with_remedy()[-1].endswith("goldpan waves redraw check")


def test_left_out_is_a_setting_of_what_was_given_out(tmp_path):
    stands_for = {"topic": "weather", "urgent": False, "length": 0}
    project = make_project(tmp_path / "project", left_out=stands_for)
    write_stage(project.artifact("stages/topics"), note_answers(6))
    give_out(project)
    write_wave_study(project)
    run = wave_of(project)
    assert run.wave.left_out is not None and run.study_wave.left_out is None
    assert any("left_out" in note for note in changes_of(run).study_notes)


def test_the_order_is_a_setting_of_what_was_given_out_and_the_language_is_not(project):
    assert "order" not in given_out_settings(wave_of(project).wave)
    write_wave_study(project, sample=8, repeats=0.25, formats=["html"], language="de")
    run = wave_of(project)
    assert run.wave.language == "de" and changes_of(run).study_notes == []
    write_wave_study(project, sample=8, repeats=0.25, formats=["csv"], order="uncertain")
    run = wave_of(project)
    assert run.wave.order == "drawn"
    (note,) = changes_of(run).study_notes
    assert note == "the study says `order: uncertain`; given out with `order: drawn`"


def test_an_evaluation_says_in_which_order_its_gold_was_answered(project):
    run = wave_of(project)
    assert order_notes(run) == []
    run.wave = run.wave.model_copy(update={"order": "uncertain"})
    (note,) = order_notes(run)
    assert "the least sure first" in note
