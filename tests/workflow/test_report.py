"""The page of a study as a rule makes it, and Snakemake's own reports of a finished run."""

import html
import re
import zipfile
from urllib.parse import quote

import orjson
import pytest

from tests.projects import WorkflowProject, note_rows, ran, two_stage_study

ODD = "notes/<_odd>.jsonl"
CAPTION = "Records of stage topics by state"


def is_made_anew(done):
    """Whether a run has made the page, and it alone."""
    return "Writing the study on one page" in done.stdout and ran(done) == set()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project of two stages and a table, run to its end. Not to be changed."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("report") / "project")
    study = two_stage_study()
    study["stages"]["topics"]["tables"] = "csv"
    study["tables"] = {"both": {"stage": "details", "by": "topics.topic", "plot": True}}
    project.write_study(study)
    project.write_rows("notes/a.jsonl", note_rows(12))
    # Its short name begins with `__`, and Snakemake knows it by a link that stands in for it.
    project.write_rows(ODD, [{"id": "odd", "text": "Whose name is odd."}])
    project.run()
    return project


@pytest.fixture
def project(made, tmp_path):
    """A copy of it to change."""
    return made.copy(tmp_path / "project")


def test_a_run_makes_the_page_and_a_second_one_has_nothing_to_do(made):
    page = made.artifact("index.html").read_text()
    assert "<h1>notes</h1>" in page and "Stale" not in page and "not there yet" not in page
    assert "Nothing to be done" in made.run().stdout


def test_the_page_is_made_anew_when_the_study_says_something_else_and_nothing_besides(project):
    study = {**two_stage_study(), "description": "About notes."}
    study["stages"]["topics"]["tables"] = "csv"
    study["tables"] = {"both": {"stage": "details", "by": "topics.topic", "plot": True}}
    project.write_study(study)
    assert is_made_anew(project.run())
    assert "About notes." in project.artifact("index.html").read_text()


def test_the_command_gives_the_same_bytes_as_the_rule(project):
    before = project.artifact("index.html").read_bytes()
    project.artifact("index.html").unlink()
    project.goldpan("report")
    assert project.artifact("index.html").read_bytes() == before


def test_a_report_in_one_file_holds_pages_and_tables_with_captions_and_categories(project):
    project.run("--report", "report.html")
    report = (project.root / "report.html").read_text()
    for name in ("index.html", "summary.json", "chain.json", "a.jsonl.csv", "both.csv", "both.html"):
        assert f'"{name}"' in report, name
    assert CAPTION in html.unescape(report)
    for category in ("Study", "Stages", "Tables"):
        assert f'"{category}"' in report
    assert not re.search(r'(?:src|href)="https?://', report.split("<script")[0])


def test_a_report_in_an_archive_holds_the_files_themselves(project):
    project.run("--report", "report.zip")
    with zipfile.ZipFile(project.root / "report.zip") as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert project.artifact("index.html").read_bytes() in held.values()
    assert project.artifact("tables/both.csv").read_bytes() in held.values()
    assert project.artifact("tables/both.html").read_bytes() in held.values()
    assert any(CAPTION.encode() in content for content in held.values())
    assert not any(b"System Message" in content for content in held.values())


def test_a_crate_names_the_run_its_workflow_and_its_files_and_is_read_by_the_library(project):
    library = pytest.importorskip("rocrate.rocrate", reason="the package rocrate is not installed")
    project.run("--reporter", "rocrate")
    crate = library.ROCrate(project.root)
    entities = {entity.id: entity for entity in crate.get_entities()}
    page = entities["results/notes/index.html"]
    assert page["sha256"] and "File" in page.type
    assert crate.mainEntity.id == "Snakefile"
    assert not any(identifier.endswith(".stand_in") for identifier in entities)
    assert not any("System Message" in str(entity.get("description")) for entity in entities.values())
    assert "config/studies/notes.yaml" in entities and "notes/a.jsonl" in entities
    [run] = [
        one for one in entities.values() if one.type == "CreateAction" and one["instrument"].id == "Snakefile"
    ]
    assert {"results/notes/index.html"} <= {one.id for one in run["result"]}
    assert {"notes/a.jsonl", quote(ODD)} <= {one.id for one in run["object"]}
    metadata = orjson.loads((project.root / "ro-crate-metadata.json").read_bytes())
    assert str(project.root) not in (project.root / "ro-crate-metadata.json").read_text()
    assert metadata["@context"] == "https://w3id.org/ro/crate/1.1/context"
