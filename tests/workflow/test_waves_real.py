"""A full wave on 7,453 real sentences with the levels of two annotators, through Snakemake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from goldpan.study import load_project
from goldpan.waves.collect.collected import read_collected
from goldpan.waves.gold.gold_set import freeze_gold
from goldpan.waves.merging.merged import resolution_counts
from goldpan.waves.steps.run import WaveRun
from tests.filled_sheets import fill_csv, fill_page, fill_xlsx
from tests.projects import WorkflowProject

TASK = {
    "task": "cefr",
    "description": "How hard a sentence is to read.",
    "prompt": {"user": "cefr.user.j2"},
    "features": [
        {
            "name": "level",
            "type": "score",
            "min": 1,
            "max": 6,
            "description": "CEFR level, 1 for A1 to 6 for C2.",
        }
    ],
}


def study(strategy: str = "adjudicate") -> dict:
    return {
        "study": "cefr",
        "sources": {"sentences": {"files": "sentences.jsonl", "id": ["id"]}},
        "providers": {"main": {"kind": "local"}},
        "stages": {
            "levels": {
                "input": {"source": "sentences"},
                "task": "cefr",
                "provider": "main",
                "model": "goldpan-baseline-1",
            }
        },
        "waves": {
            "all": {
                "stage": "levels",
                "sample": "all",
                "annotators": ["ann", "ben"],
                "show": ["sentence"],
                "formats": ["csv", "xlsx", "html"],
                "strategy": strategy,
            }
        },
    }


@dataclass
class RealWave:
    """The project after its run, and what must have come out of it.

    Attributes:
        project: the project.
        levels: annotator -> item id -> the level that the real annotator gave.
    """

    project: WorkflowProject
    levels: dict[str, dict[str, int]]

    def agreement(self) -> dict:
        return self.project.json("waves/all/agreement.json")["features"][0]

    def text(self, name: str) -> str:
        return self.project.artifact(f"waves/all/{name}").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> RealWave:
    """Given out in three formats; `ann` comes back as CSV and in part from the page, `ben` as a workbook."""
    lines = [
        line.split("\t")
        for file in sorted((shared_data / "two_annotators").glob("*.txt"))
        for line in file.read_text(encoding="utf-8").split("\n")
        if line.strip()
    ]
    project = WorkflowProject.create(tmp_path_factory.mktemp("real") / "project", study="cefr")
    project.write_task(TASK)
    project.write("config/tasks/cefr.user.j2", "{{ data.sentence }}")
    project.write_study(study())
    project.write_rows(
        "sentences.jsonl",
        [{"id": f"s{number}", "sentence": text} for number, (text, *_) in enumerate(lines)],
    )
    project.run()
    given = {f"s{number}": levels for number, (_, *levels) in enumerate(lines)}
    items = {row["item_id"]: given[row["id"]] for row in project.rows("waves/all/sample.jsonl")}
    levels = {
        name: {item: int(found[at]) for item, found in items.items()}
        for at, name in enumerate(("ann", "ben"))
    }
    on_the_page = set(sorted(items)[::7])
    folder, sheets = project.root / "annotations/cefr/all", project.artifact("waves/all/sheets")
    fill_csv(
        sheets / "ann.csv",
        folder / "ann.csv",
        lambda item: {} if item in on_the_page else {"level": levels["ann"][item]},
    )
    fill_page(
        sheets / "ann.html",
        folder / "cefr-all-ann.json",
        lambda item: {"level": levels["ann"][item]} if item in on_the_page else {},
    )
    fill_xlsx(sheets / "ben.xlsx", folder / "ben.xlsx", lambda item: {"level": float(levels["ben"][item])})
    project.run()
    return RealWave(project, levels)


def test_no_label_is_lost_or_changed(real):
    collected = {"ann": {}, "ben": {}}
    for row in real.project.rows("waves/all/answers.jsonl"):
        collected[row["annotator"]][row["item_id"]] = row["values"]["level"]
    assert collected == real.levels
    assert len(collected["ann"]) == len(collected["ben"]) == 7453


def test_every_format_that_came_back_was_read(real):
    status = real.project.json("waves/all/status.json")
    assert status["state"] == "complete"
    files = {name: one["files"] for name, one in status["annotators"].items()}
    assert files == {"ann": ["ann.csv", "cefr-all-ann.json"], "ben": ["ben.xlsx"]}


@pytest.mark.parametrize(
    ("name", "value"),
    [("cohen_kappa", 0.1944), ("cohen_kappa_linear", 0.4530), ("cohen_kappa_quadratic", 0.6952)],
)
def test_kappa_comes_out_to_the_published_digits(real, name, value):
    found = {one["name"]: one["value"] for one in real.agreement()["coefficients"]}
    assert round(found[name], 4) == value


def test_exact_agreement_comes_out_to_the_published_digits(real):
    assert round(real.agreement()["observed_agreement"]["value"], 4) == 0.4271


@pytest.mark.parametrize("name", ["agreement.html", "agreement.txt"])
def test_the_report_says_why_unweighted_and_quadratic_kappa_differ(real, name):
    text = real.text(name)
    assert "Unweighted kappa (0.1944) counts every disagreement alike" in text
    assert "Quadratic kappa (0.6952) counts it by the square of its distance" in text


def test_every_item_is_gold_or_waits_for_a_decision(real):
    gold = [
        row for name in ("train", "dev", "test") for row in real.project.rows(f"waves/all/gold/{name}.jsonl")
    ]
    same = {item for item, level in real.levels["ann"].items() if level == real.levels["ben"][item]}
    assert len(same) == 3183
    assert {row["item_id"]: row["labels"]["level"] for row in gold} == {
        item: real.levels["ann"][item] for item in same
    }
    assert real.text("disagreements.csv").count("awaiting_adjudication") == 7453 - 3183


@pytest.mark.parametrize(("split", "share"), [("train", 0.7), ("dev", 0.15), ("test", 0.15)])
def test_the_splits_have_about_the_shares_asked_for(real, split, share):
    rows = real.project.rows(f"waves/all/gold/{split}.jsonl")
    assert {row["split"] for row in rows} == {split}
    assert abs(len(rows) / 3183 - share) < 0.02


@pytest.mark.parametrize(
    ("strategy", "in_gold"),
    [("adjudicate", 3183), ("conservative", 3183), ("annotator_a", 7453), ("annotator_b", 7453)],
)
def test_each_strategy_merges_the_whole_wave(real, strategy, in_gold):
    rows, gold = merged_by(real, strategy)
    assert len(rows) == 7453
    assert len(gold.items) == in_gold
    assert len(gold.left_out) == 7453 - in_gold


def test_the_llm_as_tiebreaker_decides_only_where_it_sides_with_one(real):
    rows, gold = merged_by(real, "majority_llm")
    counts = resolution_counts(rows)
    assert counts["agreement"] == 3183
    assert sum(counts.values()) == 7453
    llm = {
        row["item_id"]: row["features"]["level"]["score"] for row in real.project.rows("waves/all/llm.jsonl")
    }
    assert all(row.final_label == llm[row.item_id] for row in rows if row.llm_decided)
    assert counts["majority_a_llm"] + counts["majority_b_llm"] == len(gold.items) - 3183 > 0


def merged_by(real, strategy):
    """The wave merged by a strategy, and its gold set."""
    real.project.write_study(study(strategy))
    run = WaveRun(load_project("cefr", root=real.project.root), "all")
    collected = read_collected(
        real.project.artifact("waves/all/answers.jsonl"), real.project.artifact("waves/all/status.json")
    )
    rows = run.merged(collected)
    return rows, freeze_gold(run.items, rows, run.wave.gold, run.wave.seed, run.wave.annotators)
