"""`goldpan waves`, `goldpan agreement` and `goldpan merge`, as they are called."""

import csv
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from goldpan.cli import main
from goldpan.cli.plain_table_options import STRATEGIES
from goldpan.cli.waves import MEASURES, WEIGHTINGS
from goldpan.statistics import weights
from goldpan.study import load_project
from goldpan.study.wave import Strategy
from goldpan.waves.planning.expectation import Measure
from goldpan.waves.steps.run import WaveRun
from tests.filled_sheets import fill_csv
from tests.projects import WorkflowProject
from tests.wave_builders import make_project, write_stage

TABLE = "id,text,annotator_a,annotator_b\n1,one,x,x\n2,two,x,y\n3,three,y,y\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "answers.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.fixture
def said(capsys):
    """Run a command that succeeds; what it printed."""

    def run(*arguments) -> str:
        assert main([str(one) for one in arguments]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(capsys):
    """Run a command that fails; what it said about it."""

    def run(*arguments) -> str:
        assert main([str(one) for one in arguments]) == 1
        return capsys.readouterr().err

    return run


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def wave_of(project: WorkflowProject) -> WaveRun:
    return WaveRun(load_project(root=project.root), "check")


def fill_in(project: WorkflowProject, annotator: str, topic: str, only: int = 12) -> None:
    """Fill in the first rows of a sheet: always the same topic, not urgent, of length 1."""
    sheet = project.artifact(f"waves/check/sheets/{annotator}.csv")
    answered = {row["item_id"] for row in rows(sheet)[:only]}
    fill_csv(
        sheet,
        project.root / f"annotations/notes/check/{annotator}.csv",
        lambda item: {"topic": topic, "urgent": "no", "length": 1} if item in answered else {},
    )


def test_the_choices_are_those_of_the_library():
    assert get_args(Strategy) == STRATEGIES
    assert WEIGHTINGS == weights.WEIGHTINGS
    assert get_args(Measure) == MEASURES


@pytest.mark.slow
def test_a_plan_of_usual_sizes_narrows_with_the_items(said):
    plans = json.loads(said("waves", "plan", "--json"))
    widths = [plan["half_width"] for plan in plans]
    assert [plan["items"] for plan in plans] == [30, 50, 100, 200, 300, 500]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.slow
def test_a_plan_for_a_half_width_finds_the_items(said):
    options = ["--half-width", "0.15", "--kappa", "0.7", "--prevalence", "0.3", "--json"]
    (plan,) = json.loads(said("waves", "plan", *options))
    assert plan["half_width"] <= 0.15
    (fewer,) = json.loads(said("waves", "plan", "--items", plan["items"] * 2 // 3, *options[2:]))
    assert fewer["half_width"] > 0.15


def test_weights_and_labels_change_the_plan(said):
    base = ["waves", "plan", "--items", 100, "--labels", 5]
    plain, quadratic = said(*base), said(*base, "--weights", "quadratic")
    assert "5 labels" in plain
    assert "quadratic weights" in quadratic
    assert plain.splitlines()[-1] != quadratic.splitlines()[-1]


def test_a_plan_of_a_study_names_each_feature_of_its_waves(said, tmp_path):
    project = make_project(tmp_path / "project", sample=8)
    plans = json.loads(said("waves", "plan", "--study", "notes", "--root", project.root, "--json"))
    assert [(plan["feature"], plan["labels"], plan["weighting"]) for plan in plans] == [
        ("topic", 3, "unweighted"),
        ("urgent", 2, "unweighted"),
        ("length", 6, "quadratic"),
    ]
    assert {plan["plan"]["items"] for plan in plans} == {8}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sample": "all"}, "known once the sample is drawn"),
        ({"sample": 8, "overlap": 1}, "answered by one annotator"),
    ],
)
def test_a_plan_of_a_study_says_why_there_is_none(said, tmp_path, changes, reason):
    project = make_project(tmp_path / "project", **changes)
    assert reason in said("waves", "plan", "--study", "notes", "--root", project.root)


@pytest.mark.parametrize(
    ("annotators", "overlap", "answers"),
    [(["ann", "ben"], "all", 2), (["ann", "ben", "cid"], "all", 3), (["ann", "ben", "cid"], 2, 2)],
)
def test_a_plan_of_a_study_is_for_as_many_answers_as_its_waves_have(
    said, tmp_path, annotators, overlap, answers
):
    settings = {"annotators": annotators, "overlap": overlap, "sample": 8, "features": ["urgent"]}
    project = make_project(tmp_path / "project", **settings)
    text = said("waves", "plan", "--study", "notes", "--root", project.root, "--kappa", "0.5")
    assert re.search(rf"urgent +2 +8 +{answers} +unweighted +\+/- 0\.\d+", text)
    assert "for a true kappa of 0.5" in text
    assert "half the 95 % interval is at most W, in 90% of waves" in text
    assert "neighbouring labels" not in text


def test_a_plan_of_a_study_can_be_for_how_well_a_model_does(said, tmp_path):
    project = make_project(tmp_path / "project", sample=30, annotators=["ann"])
    command = ["waves", "plan", "--study", "notes", "--root", project.root, "--measure", "recall"]
    text = said(*command, "--prevalence", "0.3")
    assert "neighbouring labels" not in text
    assert re.search(r"urgent +2 +30 +1 +unweighted +\+/- 0\.[1-5]", text)
    assert "for a true recall of 0.8 and the rarest label at 0.3" in text


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--annotators", 3], "Fleiss' kappa of 3 annotators"),
        (["--annotators", 3, "--labels", 4, "--weights", "linear"], "Mean pairwise kappa, linear weights"),
        (["--measure", "alpha", "--annotators", 4], "Krippendorff's alpha of 4 annotators"),
        (["--measure", "accuracy"], "Accuracy of a model against gold labels"),
        (["--measure", "recall", "--prevalence", 0.2, "--value", 0.7], "Recall of the last label"),
        (["--measure", "f1", "--prevalence", 0.2], "F1 of the last label"),
    ],
)
def test_a_plan_names_what_it_is_for_and_its_assurance(said, options, named):
    text = said("waves", "plan", "--items", 60, "--assurance", 0.8, *options)
    assert named in text
    assert "in 80% of waves" in text
    assert re.search(r"^ +60 +\+/- 0\.\d+ +\+/- 0\.\d+ .*\d+%$", text, re.M)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--annotators", 1], "at least 2 annotators"),
        (["--labels", 0], "at least 2 labels"),
        (["--measure", "alpha", "--weights", "linear"], "no linear weights"),
        (["--measure", "recall", "--weights", "quadratic"], "recall has no weights"),
        (["--measure", "accuracy", "--value", 1], "between 0 and 1"),
        (["--measure", "f1", "--prevalence", 0.9, "--value", 0.5], "cannot be predicted as often"),
        (["--assurance", 1.5], "assurance must be between 0 and 1"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_with_the_reason(refused, options, reason):
    assert reason in refused("waves", "plan", "--items", 30, *options)


def test_a_plan_of_a_study_knows_the_items_once_they_are_drawn(said, tmp_path):
    project = make_project(tmp_path / "project", features=["length"])
    wave_of(project).draw()
    text = said("waves", "plan", "--study", "notes", "--root", project.root)
    assert re.search(r"length +6 +12 +2 +quadratic", text)
    assert "on ordered scales disagreements are reckoned to be mostly between neighbouring labels" in text


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda text: text[: len(text) // 2], "not valid JSON"),
        (lambda _: "[]", "no counts of a sample"),
        (lambda _: "{}", "no counts of a sample (study: "),
        (lambda text: text.replace('"population": 12', '"population": "many"'), "(population: "),
        (lambda text: text.replace('"strata": [', '"strata": [3, '), "(strata.0: "),
    ],
    ids=["cut short", "list", "empty", "no number", "other strata"],
)
@pytest.mark.parametrize("command", ["plan", "status"])
def test_damaged_counts_of_a_sample_are_named_with_a_remedy(refused, tmp_path, damage, what, command):
    project = make_project(tmp_path / "project")
    run = wave_of(project)
    run.draw()
    run.write_sample()
    run.write_sheets()
    run.draw_file.unlink()  # as in projects of versions that kept no draw
    counts = project.artifact("waves/check/sample.json")
    before = counts.read_text()
    counts.write_text(damage(before))
    assert counts.read_text() != before
    message = refused("waves", command, "--study", "notes", "--root", project.root)
    assert "sample.json" in message
    assert what in message
    assert "put the file back as it was" in message
    assert "Traceback" not in message


def test_what_the_study_says_cannot_be_said_besides(refused, tmp_path):
    project = make_project(tmp_path / "project")
    message = refused("waves", "plan", "--study", "notes", "--root", project.root, "--items", 5)
    assert "--items cannot go with --study" in message


def test_the_status_of_a_wave_that_is_not_drawn_says_how_to_draw_it(said, tmp_path):
    project = make_project(tmp_path / "project")
    text = said("waves", "status", "--root", project.root)
    assert "not drawn" in text
    assert "results/notes/waves/check/sample.jsonl" in text


def test_the_status_counts_what_each_annotator_has_answered(said, tmp_path):
    project = make_project(tmp_path / "project")
    wave_of(project).draw()
    wave_of(project).write_sheets()
    fill_in(project, "ann", "animals")
    fill_in(project, "ben", "weather", only=5)
    (wave,) = json.loads(said("waves", "status", "check", "--root", project.root, "--json"))
    assert wave["state"] == "partial"
    assert [(one["answered"], one["left"]) for one in wave["annotators"].values()] == [(12, 0), (5, 7)]
    topic = next(one for one in wave["features"] if one["feature"] == "topic")
    assert (topic["compared"], topic["disagreed"], len(topic["to_decide"])) == (5, 5, 5)
    assert topic["resolutions"] == {"single": 7, "awaiting_adjudication": 5}


def test_the_status_reads_the_sheets_as_they_lie_there_and_writes_nothing(said, tmp_path):
    project = make_project(tmp_path / "project")
    wave_of(project).draw()
    wave_of(project).write_sheets()
    fill_in(project, "ann", "animals")
    before = {path: path.stat().st_mtime_ns for path in project.root.rglob("*")}
    text = said("waves", "status", "--root", project.root)
    assert re.search(r"^ann +12 +12 ", text, re.M)
    assert re.search(r"^ben +12 +0 ", text, re.M)
    assert "filled sheets go into annotations/notes/check/" in text
    assert {path: path.stat().st_mtime_ns for path in project.root.rglob("*")} == before


def test_neither_sheets_nor_the_page_of_decisions_show_the_id_of_a_record(tmp_path):
    project = make_project(tmp_path / "project")
    write_stage(
        project.artifact("stages/topics"),
        [
            (
                {
                    "id": f"sport/{at}",
                    "features": {
                        "topic": {"type": "ClassificationPrediction", "label": "animals"},
                        "urgent": {"type": "BinaryPrediction", "detected": False},
                        "length": {"type": "ScorePrediction", "score": 1},
                    },
                    "source": "notes",
                },
                {"id": f"sport/{at}", "text": f"Note {at}."},
            )
            for at in range(12)
        ],
    )
    run = wave_of(project)
    run.draw()
    run.write_sheets()
    fill_in(project, "ann", "animals")
    fill_in(project, "ben", "weather")
    run.collect()
    run.merge()
    for name in ("sheets/ann.csv", "adjudication.html", "disagreements.csv", "merged.csv"):
        text = project.artifact(f"waves/check/{name}").read_text(encoding="utf-8-sig")
        assert "Note 3." in text
        assert "sport/" not in text


def test_the_card_of_a_half_decided_wave_says_that_the_hard_items_are_missing(tmp_path):
    project = make_project(tmp_path / "project")
    run = wave_of(project)
    run.draw()
    run.write_sheets()
    fill_in(project, "ann", "animals")
    fill_in(project, "ben", "weather", only=5)
    run.collect()
    run.merge()
    run.freeze()
    card = project.artifact("waves/check/gold/card.md").read_text(encoding="utf-8")
    assert "topic: 5 of 12 answered items of the wave await a decision" in card
    assert "urgent: " not in card.split("## Limits")[1].split("await a decision")[0]


@pytest.mark.parametrize(
    ("strategy", "model"),
    [("dawid_skene", "(chosen: "), ("dawid_skene_full", "is the full model, with 36 answers for 20 free")],
)
def test_the_card_says_which_model_of_annotators_decided_and_that_it_had_too_little_to_learn_from(
    tmp_path, strategy, model
):
    names = ["cid", "ann", "ben"]
    project = make_project(tmp_path / "project", annotators=names, strategy=strategy, cannot_tell=False)
    run = wave_of(project)
    run.draw()
    run.write_sheets()
    for name, topic in zip(names, ("animals", "weather", "animals"), strict=True):
        fill_in(project, name, topic)
    run.collect()
    assert {row.resolution for row in run.merge()} == {"dawid_skene"}
    run.freeze()
    card = project.artifact("waves/check/gold/card.md").read_text(encoding="utf-8").replace("\\", "")
    (note,) = [line for line in card.splitlines() if line.startswith(f"- topic: `{strategy}` is")]
    assert model in note
    assert "Below 50 it is surer of itself than it is right" in note


def test_an_unknown_wave_is_refused_with_those_there_are(refused, tmp_path):
    project = make_project(tmp_path / "project")
    assert "there are: check" in refused("waves", "status", "chekc", "--root", project.root)


def test_agreement_of_a_table_is_printed_in_words_or_as_json(said, table):
    assert "Cohen's kappa" in said("agreement", table)
    report = json.loads(said("agreement", table, "--json"))
    kappa = next(one for one in report["features"][0]["coefficients"] if one["name"] == "cohen_kappa")
    assert kappa["value"] == 0.4


def test_agreement_takes_named_or_numbered_columns(said, tmp_path):
    path = tmp_path / "levels.tsv"
    path.write_text("s1\t1\t1\ns2\t2\t3\ns3\t3\t3\n", encoding="utf-8")
    text = said("agreement", path, "--no-header", "--columns", "2", "3")
    assert "quadratic weights" in text
    assert "quadratic weights" not in said(
        "agreement", path, "--no-header", "--scale", "nominal", "--columns", "2", "3"
    )


def test_agreement_is_written_as_a_page_too(said, table, tmp_path):
    said("agreement", table, "--html", tmp_path / "pages" / "report.html")
    assert "<svg" in (tmp_path / "pages" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [["agreement"], ["merge", "--out", "labels.csv"]])
def test_a_missing_file_is_named(refused, tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "absent.csv: there is no such file" in refused(*command, "absent.csv")


def test_merging_writes_labels_and_what_is_to_be_decided(said, table, tmp_path):
    out, open_rows = tmp_path / "labels.csv", tmp_path / "open.csv"
    said("merge", table, "--out", out, "--disagreements", open_rows)
    assert [row["resolution"] for row in rows(out)] == ["agreement", "awaiting_adjudication", "agreement"]
    assert [(row["item_id"], row["final_label"]) for row in rows(open_rows)] == [("2", "")]


def test_decisions_come_back_the_way_they_went_out(said, table, tmp_path):
    out, open_rows = tmp_path / "labels.csv", tmp_path / "open.csv"
    said("merge", table, "--out", out, "--disagreements", open_rows)
    decided = open_rows.read_text(encoding="utf-8-sig").replace("2,label,x,y,,", "2,label,x,y,y,")
    open_rows.write_text(decided, encoding="utf-8")
    summary = json.loads(said("merge", table, "--out", out, "--decisions", open_rows, "--json"))
    assert summary["resolutions"] == {"agreement": 2, "adjudicated": 1}
    assert rows(out)[1]["final_label"] == "y"


def test_a_strategy_that_needs_three_annotators_is_refused_for_two(refused, table, tmp_path):
    message = refused("merge", table, "--out", tmp_path / "labels.csv", "--strategy", "majority")
    assert "needs at least 3 annotators" in message
    assert not (tmp_path / "labels.csv").exists()
