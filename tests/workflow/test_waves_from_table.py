"""A wave over LLM answers that already lie in a CSV: from the study to the gold set, with no stage at all."""

import csv
import io

import pytest

from tests.filled_sheets import fill_csv
from tests.projects import TOPIC_TASK, WorkflowProject, ran

TOPICS = ("Animals", "machines", "WEATHER ")


def write_table(project, count):
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["row_id", "text", "llm_topic", "llm_urgent", "llm_reasoning"])
    for number in range(count):
        writer.writerow([f"r{number}", f"note {number}", TOPICS[number % 3], number % 2, "secret"])
    project.write("tables/llm.csv", text.getvalue())


@pytest.mark.timeout(300)
def test_answers_in_a_csv_become_sheets_agreement_and_gold_and_nothing_is_paid(tmp_path):
    project = WorkflowProject.create(tmp_path)
    project.write_task({name: value for name, value in TOPIC_TASK.items() if name != "prompt"})
    project.write_study(
        {
            "study": "notes",
            "sources": {"answers": {"files": "tables/*.csv", "id": ["row_id"]}},
            "waves": {
                "check": {
                    "from": {"source": "answers", "task": "topic"},
                    "features": ["topic", "urgent"],
                    "sample": 9,
                    "stratify": {"by": "features.topic", "allocation": "equal"},
                    "annotators": ["ann", "ben"],
                    "formats": ["csv"],
                    "strategy": "majority_llm",
                }
            },
            "evaluations": {"llm": {"wave": "check", "predictions": {"llm": {"wave": "check"}}}},
        }
    )
    write_table(project, 30)
    assert {"records", "draw_check", "sheets_check"} <= ran(project.run())
    strata = project.json("waves/check/sample.json")["strata"]
    assert [(stratum["stratum"], stratum["sampled"]) for stratum in strata] == [
        ("animals", 3),
        ("machines", 3),
        ("weather", 3),
    ]
    sheets = project.artifact("waves/check/sheets")
    assert "secret" not in (sheets / "ann.csv").read_text()

    llm = {row["item_id"]: row["features"]["topic"]["label"] for row in project.rows("waves/check/llm.jsonl")}
    draw = (project.root / "annotations/notes/check.draw.jsonl").read_bytes()
    folder = project.root / "annotations/notes/check"
    fill_csv(sheets / "ann.csv", folder / "ann.csv", lambda item: {"topic": llm[item], "urgent": "no"})
    fill_csv(sheets / "ben.csv", folder / "ben.csv", lambda item: {"topic": "weather", "urgent": "no"})
    write_table(project, 40)
    done = project.run()
    assert "40 records can be drawn now; it was drawn from 30" in done.stdout
    assert (project.root / "annotations/notes/check.draw.jsonl").read_bytes() == draw
    merged = list(csv.DictReader(project.artifact("waves/check/merged.csv").open(encoding="utf-8-sig")))
    decided = {row["resolution"] for row in merged if row["feature"] == "topic"}
    assert decided == {"agreement", "majority_a_llm"}
    assert "gold" in ran(done)
    assert len(project.rows("waves/check/gold/test.jsonl") + project.rows("waves/check/gold/train.jsonl")) > 0
    report = project.json("evaluation/llm.json")
    assert report["models"][0]["kind"] == "wave"
    assert report["features"][1]["items"]["evaluated"] == 9
    assert not (project.root / ".goldpan/ledger.sqlite").exists()
