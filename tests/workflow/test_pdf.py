"""PDFs in a run: each is extracted once, and again only when it changes."""

import re

from tests.made_pdfs import Page, write_pdf
from tests.projects import WorkflowProject


def study(**pdf):
    return {
        "study": "notes",
        "sources": {"papers": {"files": "papers/*", "pdf": pdf}},
        "providers": {"main": {"kind": "local"}},
        "stages": {
            "topics": {
                "input": {"source": "papers"},
                "task": "topic",
                "provider": "main",
                "model": "goldpan-baseline-1",
            }
        },
    }


def write_paper(project, name, *pages):
    made = []
    for lines in pages:
        made.append(Page())
        made[-1].lines(72, 200, lines)
    write_pdf(project.root / "papers" / name, made)


def extracted(run):
    return sorted(re.findall(r"Extracting the pages of (?:\S*/)?(\S+)", run.stdout))


def records(project, file):
    return project.rows(f"sources/papers/{file}.jsonl")


def test_each_pdf_is_extracted_once_and_only_those_that_are_new_or_changed_again(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    project.write_study(study(unit="page"))
    write_paper(project, "a.pdf", ["Dogs bark."], ["Engines run."])
    write_paper(project, "b {1} ü.txt", ["It rains."], [])
    project.write("papers/c.pdf", "no PDF at all")
    stage = "results/notes/stages/topics/records.jsonl"

    first = project.run(stage)
    assert len(extracted(first)) == 3
    before = {row["id"] for row in project.rows("stages/topics/records.jsonl")}
    skipped = [
        row["skip"].partition(":")[0] for row in project.rows("stages/topics/records.jsonl") if "skip" in row
    ]
    assert (len(before), sorted(skipped)) == (5, ["empty_page", "not_a_pdf"])

    write_paper(project, "d.pdf", ["Snow falls."])
    assert extracted(project.run(stage)) == ["d.pdf"]
    assert before < {row["id"] for row in project.rows("stages/topics/records.jsonl")}

    project.write_study(study(unit="paragraph"))
    cut_anew = project.run(stage)
    assert extracted(cut_anew) == []
    assert "into records" in cut_anew.stdout

    # A trial takes what is there.
    trial = project.run(stage, "--config", "limit=2")
    assert extracted(trial) == []
    assert len(project.rows("stages/topics/records.jsonl")) == 2
    assert "nothing was paid" in project.goldpan("plan", "notes").stdout
