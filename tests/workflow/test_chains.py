"""A chain as Snakemake makes it: duplicates asked once, failures told, and counts that add up."""

import csv
from collections import Counter

import pytest

from goldpan.providers.engine import ServiceError
from goldpan.providers.local import answer
from goldpan.serve import running_server
from tests.projects import WorkflowProject, note_rows, printed_table, ran, two_stage_study

SPELT = [
    "The cafe\u0301 and the cat sleep.",
    "The caf\u00e9  and the cat sleep.",
    "The caf\u00e9 and the cat sleep.",
]


@pytest.fixture(scope="module")
def asked():
    """What the service was asked, and how often."""
    return Counter()


@pytest.fixture(scope="module")
def server(tmp_path_factory, asked):
    def answer_or_fail(body, custom_id):
        text = body["messages"][-1]["content"]
        asked[text] += 1
        if "broken" in text:
            raise ServiceError(400, "No such thing")
        return answer(body, custom_id)

    with running_server(tmp_path_factory.mktemp("server"), answerer=answer_or_fail) as running:
        yield running


@pytest.fixture(scope="module")
def finished(tmp_path_factory, server):
    """A study of two stages over two sources, run to its end."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("chains") / "project")
    project.environment["OPENAI_API_KEY"] = "no-key"
    study = two_stage_study()
    study["providers"]["main"] = {"kind": "openai", "base_url": server.base_url}
    study["sources"]["notes"]["not_blank"] = ["text"]
    study["sources"]["letters"] = {**study["sources"]["notes"], "files": ["letters/*.jsonl"]}
    study["stages"]["topics"] |= {"input": {"source": ["notes", "letters"]}, "duplicates": "share"}
    for stage in study["stages"].values():
        stage["poll"] = {"first": 0.1, "longest": 0.3}
    project.write_study(study)
    project.write_rows(
        "notes/a.jsonl", [*note_rows(12), {"id": "empty", "text": " "}, {"id": "s0", "text": SPELT[0]}]
    )
    project.write_rows("notes/b.jsonl", [{"id": "bad", "text": "broken"}, {"id": "s1", "text": SPELT[1]}])
    project.write_rows(
        "letters/a.jsonl", [{"id": "s2", "text": SPELT[2]}, {"id": "worse", "text": "broken\n"}]
    )
    project.run()
    return project


def test_texts_that_stand_in_several_files_are_asked_once_and_counted(finished, asked):
    assert sum(count for text, count in asked.items() if "caf" in text and text.startswith("Note")) == 1
    assert sum(count for text, count in asked.items() if "broken" in text) == 1
    rows = {row["id"]: row for row in finished.rows("stages/topics/features.jsonl")}
    assert [rows[name].get("shared_with") for name in ("s0", "s1", "s2")] == [None, "s0", "s0"]
    assert [rows[name]["state"] for name in ("bad", "worse")] == ["failed", "failed"]


def test_the_table_of_duplicates_is_made_for_the_stage_that_shares_alone(finished):
    with finished.artifact("stages/topics/duplicates.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["group"], row["id"], row["source"], row["file"]) for row in rows] == [
        ("1", "s0", "notes", "a.jsonl"),
        ("1", "s1", "notes", "b.jsonl"),
        ("1", "s2", "letters", "a.jsonl"),
        ("2", "bad", "notes", "b.jsonl"),
        ("2", "worse", "letters", "a.jsonl"),
    ]
    assert not finished.artifact("stages/details/duplicates.csv").exists()


def test_the_final_stage_has_the_counts_of_its_whole_chain(finished):
    chain = finished.json("stages/details/chain.json")
    assert {source["source"]: source["rows"] for source in chain["sources"]} == {"notes": 16, "letters": 2}
    topics, details = chain["stages"]
    assert topics["states"] == {"ok": 15, "failed": 2, "skipped": 1}
    assert topics["shared"] == 3
    assert details["rows"] == 18
    assert details["upstream"] == {"topics": {"failed": 2}}
    assert details["reasons"]["skipped"]["upstream"] == 2
    assert not finished.artifact("stages/topics/chain.json").exists()


def test_the_summary_shows_the_chain_and_what_failed_before(finished):
    printed = finished.goldpan("summary").stdout
    assert "details: 2 records of stage topics failed (2 failed); skipped here" in printed
    table = printed_table(printed.partition("chain to details:\n")[2].partition("\n\n")[0])
    assert [(row["step"], row["rows"]) for row in table] == [
        ("notes", "16"),
        ("letters", "2"),
        ("topics", "18"),
        ("details", "18"),
    ]
    assert (
        "2 records of stage topics failed" in finished.artifact("logs/stages/details/records.log").read_text()
    )


def test_any_stage_has_its_counts_by_name_and_what_is_made_is_not_made_again(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    assert ran(project.run("results/notes/stages/topics/chain.json")) == {"chain"}
    assert "Nothing to be done" in project.run().stdout


def test_a_stage_that_stops_at_failures_says_so_before_it_pays(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    study = (project.root / "config/studies/notes.yaml").read_text()
    project.write(
        "config/studies/notes.yaml", study.replace("task: detail", "task: detail\n    upstream: stop")
    )
    paid = project.paid()
    done = project.run(check=False)
    assert done.returncode != 0
    assert (
        "2 records of stage topics failed (2 failed), and this stage goes on only when none did"
        in done.stdout
    )
    assert "goldpan retry topics --study notes" in done.stdout
    assert project.paid() == paid
