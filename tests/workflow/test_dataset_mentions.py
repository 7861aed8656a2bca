"""The study of dataset mentions as it ships: over the example papers, and over twelve real ones."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from examples.papers.make_papers import papers

from tests.projects import CHECKOUT, WorkflowProject, shipped_study

# The real papers have more pages than the other tests have notes.
pytestmark = pytest.mark.timeout(1200)
STAGES = ("extraction", "located", "judge", "reasoning", "clusters")


def project_with(folder: Path, pdfs: list[Path]) -> WorkflowProject:
    """The shipped study over some PDFs."""
    project, study = shipped_study(folder / "project", "dataset_mentions")
    for stage in study["stages"].values():
        if "task" in stage:
            stage["poll"] = {"first": 0.1, "longest": 1}
    project.write_study(study)
    shutil.copy(CHECKOUT / "config" / "known_datasets.csv", project.root / "config")
    (project.root / "examples" / "papers").mkdir(parents=True)
    for pdf in pdfs:
        shutil.copy(pdf, project.root / "examples" / "papers")
    return project


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """The study over the example papers, run to its end. Not to be changed."""
    folder = CHECKOUT / "examples" / "papers"
    project = project_with(tmp_path_factory.mktemp("examples"), sorted(folder.glob("*.pdf")))
    project.run()
    return project


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory):
    """The study over twelve real papers, run to its end. Not to be changed."""
    folder = shared_data / "papers"
    if not folder.is_dir():
        pytest.skip("the real papers (../shared/data/papers) are not on this machine")
    project = project_with(tmp_path_factory.mktemp("real"), sorted(folder.glob("*.pdf")))
    project.run()
    return project


@pytest.fixture(params=["examples", "real"])
def project(request) -> WorkflowProject:
    """Each of the two."""
    return request.getfixturevalue(request.param)


def pages_of_files(project: WorkflowProject) -> Counter[str]:
    """How many pages each PDF has, by the library that draws them."""
    pypdfium2 = pytest.importorskip("pypdfium2")
    counts: Counter[str] = Counter()
    for path in (project.root / "examples" / "papers").glob("*.pdf"):
        with pypdfium2.PdfDocument(path) as document:
            counts[path.name] = len(document)
    return counts


def mentions(project: WorkflowProject) -> list[dict[str, Any]]:
    """The records that are mentions."""
    return [record for record in project.rows("stages/located/records.jsonl") if "item" in record]


def answers(project: WorkflowProject, stage: str) -> dict[str, dict[str, Any]]:
    """What a stage says of each record that it was asked about."""
    return {row["id"]: row["features"] for row in project.rows(f"stages/{stage}/features.jsonl")}


def test_every_page_of_every_paper_is_a_record(project):
    records = project.rows("stages/extraction/records.jsonl")
    assert Counter(record["data"]["document"] for record in records) == pages_of_files(project)
    assert len({(record["data"]["document"], record["data"]["page"]) for record in records}) == len(records)


def test_every_page_is_in_the_final_table(project):
    rows = project.rows("tables/mentions.jsonl")
    assert {(row["document"], row["page"]) for row in rows} == {
        (name, page) for name, count in pages_of_files(project).items() for page in range(1, count + 1)
    }


@pytest.mark.parametrize("stage", STAGES)
def test_the_counts_of_a_stage_add_up(stage, project):
    summary = project.json(f"stages/{stage}/summary.json")
    assert summary["records"] == sum(summary["states"].values())
    assert summary["records"] == len(project.rows(f"stages/{stage}/records.jsonl"))
    assert summary["records"] == len(answers(project, stage))


def test_the_final_table_has_a_row_for_each_record_of_the_last_stage(project):
    rows = project.rows("tables/mentions.jsonl")
    records = project.rows("stages/clusters/records.jsonl")
    assert [row["id"] for row in rows] == [record["id"] for record in records]


@pytest.mark.parametrize("table", ["mentions", "papers", "datasets"])
def test_the_final_tables_are_there(table, project):
    lines = project.artifact(f"tables/{table}.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 1


def test_most_mentions_are_found_and_their_offsets_point_at_their_own_text(project):
    found = answers(project, "located")
    pointed = 0
    for record in mentions(project):
        place = found[record["id"]]
        if not place["found"]["detected"] or place["match"]["label"] == "fuzzy":
            continue
        raw = record["data"]["raw"][place["start"]["score"] : place["end"]["score"]]
        assert letters(raw) == letters(record["item"]["raw_name"])
        pointed += 1
    assert pointed > 0.8 * len(mentions(project)) > 0


def letters(text: str) -> str:
    """A text without what line ends, hyphens, ligatures and capitals do to it."""
    import unicodedata

    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))


def test_a_mention_has_three_verdicts_side_by_side_or_the_reason_why_not(project):
    mentions = [row for row in project.rows("tables/mentions.jsonl") if row["item.raw_name"] is not None]
    assert mentions
    for row in mentions:
        for stage in ("judge", "reasoning"):
            assert (row[f"{stage}.verdict"] is not None) == (row[f"{stage}.state"] == "ok")
            assert row[f"{stage}.state"] == "ok" or row[f"{stage}.reason"]


def texts(project: WorkflowProject) -> list[str]:
    """The texts of the pages that have one."""
    records = project.rows("stages/extraction/records.jsonl")
    return [record["data"]["text"] for record in records if "skip" not in record]


# What is known of the example papers


def test_a_page_without_text_is_skipped_with_its_reason(examples):
    records = examples.rows("stages/extraction/records.jsonl")
    skipped = {(record["data"]["document"], record["data"]["page"]) for record in records if "skip" in record}
    pictures = {
        (f"{name}.pdf", number)
        for name, paper in papers().items()
        for number, page in enumerate(paper["pages"], 1)
        if page.get("picture")
    }
    assert skipped == pictures


def test_running_heads_and_page_numbers_are_not_asked_about(examples):
    heads = [paper["head"] for paper in papers().values()]
    assert not any(head in text for head in heads for text in texts(examples))


def test_a_name_that_is_cut_at_a_line_end_is_whole_in_the_text(examples):
    assert any("the Velmar Household Panel Survey (VHPS)" in text for text in texts(examples))


def test_a_hyphen_that_the_paper_writes_elsewhere_too_is_kept_at_the_line_end(examples):
    assert any("No other source has long-term figures" in text for text in texts(examples))


def test_two_columns_are_read_one_after_the_other(examples):
    (page,) = (
        record["data"]["text"]
        for record in examples.rows("stages/extraction/records.jsonl")
        if record["data"]["document"] == "catch.pdf" and record["data"]["page"] == 2
    )
    assert page.index("These records are the first of their kind.") < page.index("A boat that owes ice")


def test_a_second_run_has_nothing_to_do_and_asks_nobody(examples, tmp_path):
    project = examples.copy(tmp_path / "project")
    paid = project.paid()
    assert "Nothing to be done" in project.run().stdout
    assert project.paid() == paid
