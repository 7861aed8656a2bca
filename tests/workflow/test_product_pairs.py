"""The example with real product pairs: from the table to figures, by the built-in engine and over HTTP."""

import csv
import os
import shutil
import subprocess
import sys

import pytest

from goldpan.serve import running_server
from tests.projects import CHECKOUT, WorkflowProject

EXAMPLE = CHECKOUT / "examples" / "product_pairs"
KEY = "PRODUCT_PAIRS_KEY"
PAIRS = 120


def script(name, *arguments):
    return subprocess.run(
        [sys.executable, str(EXAMPLE / name), *map(str, arguments)],
        check=True,
        text=True,
        capture_output=True,
    ).stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory, shared_data):
    """A project with the example and the first pairs of the table; the example's own address is not there."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("pairs") / "project", study="product_pairs")
    shutil.copytree(EXAMPLE, project.root / "examples/product_pairs", ignore=shutil.ignore_patterns("data"))
    for file in (CHECKOUT / "config" / "tasks").glob("product_pairs*"):
        shutil.copy(file, project.root / "config" / "tasks")
    with (shared_data / "products" / "test.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.reader(table))
    with (project.root / "test.csv").open("w", encoding="utf-8", newline="") as table:
        csv.writer(table).writerows(rows[: PAIRS + 1])
    script("prepare.py", project.root / "test.csv", "--out", data_file(project))
    return project


def data_file(project):
    return project.root / "examples/product_pairs/data/pairs.jsonl"


def test_the_pairs_are_sound_rows_and_the_majority_is_that_of_the_table(project, shared_data, tmp_path):
    whole = project.copy(tmp_path / "project")
    script("prepare.py", shared_data / "products" / "test.csv", "--out", data_file(whole))
    said = whole.goldpan("experiments", "check", "--study", "examples/product_pairs/product_pairs.yaml")
    assert said.stdout == "product_pairs pairs: 1800 rows; same_product: 1634 false, 166 true\n"
    assert round(1634 / 1800, 3) == 0.908


def test_a_table_with_another_label_or_without_a_column_is_refused(tmp_path):
    table = tmp_path / "test.csv"
    table.write_text("label,entity1\nmaybe,x\n")
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "prepare.py"), str(table), "--out", str(tmp_path / "out.jsonl")],
        text=True,
        capture_output=True,
    )
    assert done.returncode and "there is no column Title_entity1" in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.timeout(300)
def test_online_over_http_and_the_built_in_engine_give_the_same_figures_beside_the_published_ones(
    project, shared_data, tmp_path
):
    project.run("--config", "study=examples/product_pairs/product_pairs.yaml")
    online = project.root / "examples/product_pairs/product_pairs_online.yaml"
    with running_server(tmp_path / "engine") as server:
        text = online.read_text()
        assert "http://127.0.0.1:8100/v1" in text
        online.write_text(text.replace("http://127.0.0.1:8100/v1", server.base_url))
        project.environment[KEY] = os.environ.get(KEY, "any")
        study = "study=examples/product_pairs/product_pairs_online.yaml"
        # A ledger of its own, for the first one has these answers already, and nothing is asked twice.
        project.run("--config", study, "ledger=.goldpan/online.sqlite")
    figures = {}
    for study in ("product_pairs", "product_pairs_online"):
        project.study = study
        (feature,) = project.json("evaluation/pairs.json")["features"]
        assert feature["items"]["evaluated"] == PAIRS
        assert f"groups of {PAIRS} records" in project.json("evaluation/pairs.json")["notes"][0]
        figures[study] = feature["models"][0]["figures"]
        rows = project.rows("stages/pairs/features.jsonl")
        batches = {row["batch_id"].partition("_")[0] for row in rows}
        assert len(rows) == PAIRS and batches == {"online" if study.endswith("online") else "batch"}
    assert figures["product_pairs"] == figures["product_pairs_online"]
    printed = script(
        "beside_published.py",
        shared_data / "products" / "published_results.csv",
        *("--evaluation", project.artifact("evaluation/pairs.json")),
    )
    lines = {line[:40].strip(): line[40:].split() for line in printed.splitlines()}
    assert lines["mistralaiMixtral-8x7B-Instruct-v0.1"] == ["73.0%", "93.2%", "68.0%"]
    accuracy = figures["product_pairs"][0]["raw"]["value"]
    assert lines[f"this run ({PAIRS} pairs)"] == ["100.0%", f"{accuracy:.1%}", f"{accuracy:.1%}"]
    assert "always `no`" in lines
