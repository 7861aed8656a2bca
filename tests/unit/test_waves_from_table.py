"""A wave drawn from an LLM's answers that already stand in a table: no stage, no prompt, nothing paid."""

import csv
import io
import json

import pytest
from openpyxl import Workbook

from goldpan.cli import main
from goldpan.errors import SourceError, StudyError, TaskError
from goldpan.records.inputs import source_files
from goldpan.records.limit import build_limited_records, rows_within_limit
from goldpan.records.read import build_records
from goldpan.study import load_project
from goldpan.study.load import load_study
from goldpan.study.model import Study
from goldpan.tasks.task import load_task
from goldpan.waves.steps.changes import changes_of, known_changes, write_changes
from goldpan.waves.steps.check import check_waves
from goldpan.waves.steps.redraw import redraw
from goldpan.waves.steps.run import WaveRun
from tests.filled_sheets import fill_csv, read_sheet_rows
from tests.projects import TOPIC_TASK, WorkflowProject

HEADER = [
    "row_id",
    "text",
    "llm_topic",
    "llm_urgent",
    "llm_sure",
    "llm_reasoning",
    "annotator_a_topic",
    "why",
]
TASK = {name: value for name, value in TOPIC_TASK.items() if name != "prompt"}
TOPICS = ("Animals", "machines", "weather ")


def rows(count=12):
    return [
        {
            "row_id": f"r{n}",
            "text": f"note {n}",
            "llm_topic": TOPICS[n % 3],
            "llm_urgent": ("TRUE", "0")[n % 2],
            "llm_sure": ("0,9", "40%")[n % 2],
            "llm_reasoning": f"because {n}",
            "annotator_a_topic": "animals",
            "why": f"the model thought {n}",
        }
        for n in range(count)
    ]


def write_table(project, table, name="answers.csv"):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, HEADER)
    writer.writeheader()
    writer.writerows(table)
    return project.write(name, text.getvalue())


def study(**changes):
    wave = {
        "from": {
            "source": "answers",
            "task": "topic",
            "answers": {"topic": "llm_topic", "urgent": "data.llm_urgent"},
            "confidence": {"topic": "llm_sure"},
            "rationale": {"topic": "why"},
        },
        "sample": 6,
        "stratify": {"by": "features.topic", "allocation": "equal"},
        "annotators": ["ann", "ben"],
        "formats": ["csv"],
        "strategy": "majority_llm",
        **changes,
    }
    return {
        "study": "notes",
        "sources": {"answers": {"files": ["answers.*"], "id": ["row_id"]}},
        "waves": {"check": wave},
    }


@pytest.fixture
def project(tmp_path):
    made = WorkflowProject.create(tmp_path)
    made.write_task(TASK)
    made.write_study(study())
    write_table(made, rows())
    return made


def wave_of(project):
    """The wave, once the records of its table are made as the rule does."""
    loaded = load_project(root=project.root)
    for name, source in loaded.study.sources.items():
        for file, path in source_files(source, project.root).items():
            build_records(source, name, file, path, project.root / loaded.paths.records(name, file))
    return WaveRun(loaded, "check")


def give_out(project):
    run = wave_of(project)
    run.draw()
    run.write_sample()
    run.write_sheets()
    return run


def test_a_sample_is_drawn_by_the_answers_in_the_table(project):
    run = give_out(project)
    counts = run.drawn.sample.counts
    assert (counts.population, counts.sampled, counts.stage) == (12, 6, "")
    assert {stratum.stratum: stratum.sampled for stratum in counts.strata} == {
        "animals": 2, "machines": 2, "weather": 2,
    }  # fmt: skip
    by_record = {run.items[item].id: features for item, features in run.llm.items()}
    for record, features in by_record.items():
        number = int(record.removeprefix("r"))
        assert features["topic"]["label"] == TOPICS[number % 3].strip().lower()
        assert features["topic"]["confidence"] == (0.9, 0.4)[number % 2]
        assert features["topic"]["rationale"] == f"the model thought {number}"
        assert features["urgent"]["detected"] is (number % 2 == 0)
        assert "length" not in features


def test_sheets_show_nothing_that_the_llm_or_an_annotator_said(project):
    give_out(project)
    sheet = project.artifact("waves/check/sheets/ann.csv")
    (row, *_) = read_sheet_rows(sheet)
    assert "text" in row
    assert not {"llm_topic", "llm_reasoning", "annotator_a_topic", "why"} & set(row)
    assert "because" not in sheet.read_text()
    assert "thought" not in sheet.read_text()


@pytest.mark.parametrize("ending", ["xlsx", "jsonl"])
def test_a_workbook_and_json_lines_give_the_same_draw(project, ending):
    of_csv = wave_of(project).new_draw()
    (project.root / "answers.csv").unlink()
    if ending == "jsonl":
        project.write_rows("answers.jsonl", rows())
    else:
        book = Workbook()
        for row in [HEADER, *([row[name] for name in HEADER] for row in rows())]:
            book.active.append(row)
        book.save(project.root / "answers.xlsx")
    other = wave_of(project).new_draw()
    assert {item.id for item in other.sample.items.values()} == {
        item.id for item in of_csv.sample.items.values()
    }
    assert [row["features"] for row in other.sample.llm.values()] == [
        row["features"] for row in of_csv.sample.llm.values()
    ]


def test_answers_stand_in_columns_called_like_the_feature_unless_it_is_said(project):
    told = study(features=["topic", "urgent"], stratify=None)
    told["waves"]["check"]["from"] = {"source": "answers", "task": "topic"}
    project.write_study(told)
    assert len(give_out(project).items) == 6


def test_cannot_tell_in_the_table_is_an_abstention_like_that_of_a_stage(project):
    write_table(project, [row | {"llm_urgent": "(cannot tell)"} for row in rows()])
    for features in give_out(project).llm.values():
        assert features["urgent"] == {"type": "BinaryPrediction", "detected": None, "abstained": True}


def test_records_without_an_answer_are_counted_and_not_drawn(project):
    table = rows()
    table[0]["llm_topic"] = ""
    write_table(project, table)
    counts = give_out(project).drawn.sample.counts
    assert (counts.population, counts.outside) == (11, {"missing": 1})


def test_bad_cells_are_named_by_file_and_line_and_nothing_is_given_out(project):
    table = rows()
    table[2]["llm_topic"] = "wether"
    table[3]["llm_urgent"] = "maybe"
    table[4]["llm_sure"] = "85"
    write_table(project, table)
    with pytest.raises(SourceError) as refused:
        wave_of(project).draw()
    said = str(refused.value)
    assert "answers.csv:4" in said
    assert (
        "record `r2`, field `llm_topic`: `topic`: `wether` is not one of the labels; did you mean `weather`"
        in said
    )
    assert "answers.csv:5: record `r3`, field `llm_urgent`: `urgent`: `maybe` is neither yes nor no" in said
    assert "`confidence` is 85" in said
    assert not (project.root / "annotations").exists()


def test_one_id_in_two_tables_is_refused(project):
    write_table(project, rows(2), "answers.2.csv")
    with pytest.raises(SourceError, match=r"the id 'r0' occurs twice: here and at answers\.2\.csv:2"):
        wave_of(project).draw()


def hand_in(project, answers):
    for name in ("ann", "ben"):
        sheet = project.artifact(f"waves/check/sheets/{name}.csv")
        fill_csv(sheet, project.root / f"annotations/notes/check/{name}.csv", answers[name])


def test_what_comes_back_is_measured_and_merged_with_the_llm(project):
    run = give_out(project)
    hand_in(
        project,
        {
            "ann": lambda item: {"topic": run.llm[item]["topic"]["label"], "urgent": "no"},
            "ben": lambda item: {"topic": "weather", "urgent": "no"},
        },
    )
    run = wave_of(project)
    assert run.collect().state == "complete"
    run.measure()
    merged = run.merge()
    assert {row.final_label for row in merged if row.feature == "topic"} == {"animals", "machines", "weather"}
    assert any(row.llm_decided for row in merged)
    assert len(run.freeze().items) == 6


def test_a_wave_given_out_stays_as_it_was_whatever_becomes_of_the_table(project):
    run = give_out(project)
    before = run.draw_file.read_bytes()
    drawn = [item.id for item in run.items.values()]
    table = rows(20)
    at = {row["row_id"]: row for row in table}
    at[drawn[0]]["llm_topic"] = "nonsense"
    at[drawn[1]]["llm_topic"] = "machines" if "machines" not in at[drawn[1]]["llm_topic"] else "animals"
    at[drawn[2]]["text"] = "edited"
    write_table(project, [row for row in table if row["row_id"] != drawn[3]])
    run = wave_of(project)
    run.draw()
    assert run.draw_file.read_bytes() == before
    changes = changes_of(run)
    assert {change.id: change.changes for change in changes.items} == {
        drawn[0]: ["outside: invalid"],
        drawn[1]: ["answered anew"],
        drawn[2]: ["edited"],
        drawn[3]: ["gone"],
    }
    assert "18 records can be drawn now; it was drawn from 12" in changes.record_notes


def test_a_redraw_takes_the_table_as_it_is_now_and_refuses_a_bad_one(project):
    before = give_out(project).draw_file.read_bytes()
    table = rows(20)
    table[19]["llm_topic"] = "nonsense"
    write_table(project, table)
    with pytest.raises(SourceError, match=r"answers\.csv:21"):
        redraw(wave_of(project))
    assert wave_of(project).draw_file.read_bytes() == before
    write_table(project, rows(20))
    done = redraw(wave_of(project))
    assert done.changed
    assert WaveRun(load_project(root=project.root), "check").drawn.sample.counts.population == 20


def limit_to(project, count):
    """The records as a run with `--config limit=COUNT` leaves them."""
    loaded = load_project(root=project.root, limit=count)
    source = loaded.study.sources["answers"]
    files = source_files(source, project.root)
    rows_within_limit(source, count, files).write(project.root / loaded.paths.limit("answers"))
    for file, path in files.items():
        output = project.root / loaded.paths.records("answers", file)
        build_limited_records(loaded, "answers", file, path, output)
    return WaveRun(loaded, "check")


def test_a_wave_that_is_out_is_not_compared_with_a_trial(project):
    give_out(project)
    changes = write_changes(limit_to(project, 2))
    assert changes.items == []
    (note,) = changes.notes_with_remedy()
    assert note.startswith("a trial: only the first 2 rows of answers; ")
    assert known_changes(WaveRun(load_project(root=project.root), "check")).notes_with_remedy() == [note]
    project.write_study(study(seed=5))
    said = write_changes(limit_to(project, 2)).notes_with_remedy()
    assert "`seed: 5`" in said[0]
    assert "run without the limit, then goldpan waves redraw check" in said[-1]


def test_a_redraw_refuses_the_records_of_a_trial(project, capsys):
    before = give_out(project).draw_file.read_bytes()
    limit_to(project, 2)
    assert main(["waves", "redraw", "check", "--root", str(project.root)]) == 1
    said = capsys.readouterr().err
    assert "a trial: only the first 2 rows of answers" in said
    assert "run without the limit" in said
    assert WaveRun(load_project(root=project.root), "check").draw_file.read_bytes() == before


def test_a_second_table_with_known_ids_does_not_stop_a_wave_that_is_out(project):
    run = give_out(project)
    first = next(iter(run.items.values())).id
    others = [{**row, "text": "other"} for row in rows(12) if row["row_id"] == first]
    write_table(project, [*others, *rows(13)[12:]], "answers.more.csv")
    changes = write_changes(wave_of(project))
    assert changes.items == []
    assert changes.record_notes == [
        "13 records can be drawn now; it was drawn from 12",
        "rows of answers.more.csv passed over, whose id stands before: 1",
    ]
    with pytest.raises(SourceError, match="occurs twice"):
        redraw(wave_of(project))


def test_other_fields_of_the_table_are_another_wave_and_said(project):
    give_out(project)
    told = study()
    told["waves"]["check"]["from"]["answers"]["topic"] = "annotator_a_topic"
    project.write_study(told)
    notes = changes_of(wave_of(project)).study_notes
    assert any(note.startswith("the study says `from: ") for note in notes)


def test_validate_of_a_trial_looks_at_its_rows_only(project, capsys):
    """A field that the rows beyond the limit have, a limited run lacks."""
    lines = [json.dumps({**row, "llm_topic": None}) for row in rows(3)]
    lines = [line.replace('"llm_urgent"', '"other"') for line in lines]
    (project.root / "answers.csv").unlink()
    project.write("answers.jsonl", "\n".join([*lines, json.dumps(rows(4)[3])]))
    place = ["validate", "notes", "--root", str(project.root)]
    assert main(place) == 0
    capsys.readouterr()
    assert main([*place, "--limit", "3"]) == 1
    assert "no row has a field `llm_urgent`" in capsys.readouterr().err
    assert main([*place, "--limit", "4"]) == 0


def test_validate_looks_for_fields_and_features(project):
    assert list(check_waves(load_project(root=project.root))) == ["wave check: 2 features, 2 annotators"]
    told = study()
    told["waves"]["check"]["from"]["answers"]["topic"] = "lm_topic"
    project.write_study(told)
    with pytest.raises(StudyError, match=r"no row has a field `lm_topic`; did you mean `llm_topic`"):
        list(check_waves(load_project(root=project.root)))
    told["waves"]["check"]["from"]["answers"] = {"topc": "llm_topic"}
    project.write_study(told)
    with pytest.raises(StudyError, match="there is no feature `topc`; did you mean `topic`") as refused:
        list(check_waves(load_project(root=project.root)))
    assert refused.value.where == "waves.check.from.answers"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stage": "topics"}, "either `stage` or `from`"),
        ({"from": None}, "either `stage` or `from`"),
        ({"from": {"source": "nobody", "task": "topic"}}, "waves.check.from.source: there is no source"),
        ({"from": {"task": "topic"}}, "waves.check.from.source: this key is required"),
        (
            {"from": {"source": "answers", "task": "topic", "answer": {}}},
            "waves.check.from.answer: no such key",
        ),
    ],
)
def test_settings_that_do_not_fit_are_explained(project, changes, message):
    project.write_study(study(**changes))
    with pytest.raises(StudyError, match=message):
        load_study(project.root / "config/studies/notes.yaml")


def test_a_head_learns_from_the_gold_of_such_a_wave():
    told = study()
    told["embeddings"] = {"e": {"model": "some/model", "source": "answers"}}
    told["heads"] = {"h": {"embedding": "e", "labels": {"wave": "check"}, "targets": {"topic": {}}}}
    assert Study.model_validate(told).label_sources("h") == ["answers"]


def test_a_task_that_an_llm_is_asked_needs_its_prompt(project):
    folder = project.root / "config/tasks"
    assert load_task("topic", folder, needs_prompt=False).user_template == ""
    with pytest.raises(TaskError, match="prompt: this key is required where an LLM is asked"):
        load_task("topic", folder)


def test_a_lost_draw_is_taken_over_from_the_sample_whose_sheets_are_out(project):
    drawn = list(give_out(project).items)
    (project.root / "annotations/notes/check.draw.jsonl").unlink()
    write_table(project, rows(30))
    project.write_study(study(annotators=["carl", "dora"]))
    run = wave_of(project)
    assert run.wave.annotators == ["ann", "ben"]
    assert list(run.draw().sample.items) == drawn
