"""The whole loop in one study file: answers of a service, an export, a fine-tuned model, its own answers.

The service is the embedded baseline; the model is tiny and random, so what it answers is worth nothing: that
it learns is shown in tests/unit/test_finetune_train.py.
"""

import random
import shutil

import pytest

from tests.projects import WorkflowProject, ran
from tests.tiny_llm import make_tiny_llm

for module in ("torch", "peft", "trl"):
    pytest.importorskip(module, reason="fine-tuning needs the extra `finetune`")

KIND_TASK = {
    "task": "kind",
    "description": "What a note is about.",
    "prompt": {"user": "kind.user.j2"},
    "features": [
        {
            "name": "kind",
            "type": "classification",
            "description": "What the note is about: animals such as cats, or machines such as engines.",
            "labels": ["animals", "machines"],
        }
    ],
}
SAYS = {"animals": "the cat and the dog are animals", "machines": "the engine is one of the machines"}
TAUGHT, REST, GOLD = 60, 10, 8


def rows(prefix: str, count: int) -> list[dict[str, str]]:
    """Notes that differ in all words but those that say what they are about."""
    made = random.Random(prefix)
    notes = []
    for at in range(count):
        kind = ("animals", "machines")[at % 2]
        words = " ".join("".join(made.choices("abcdefghij", k=6)) for _ in range(8))
        notes.append({"id": f"{prefix}{at}", "text": f"{words} {SAYS[kind]}", "kind": kind})
    return notes


def loop_study() -> dict:
    """The study, as docs/finetune.md shows it."""
    source = {"id": ["id"], "fields": {"text": "string"}}
    asked = {"task": "kind", "provider": "service", "model": "goldpan-baseline-1"}
    own = {"task": "kind", "provider": "own", "params": {"max_completion_tokens": 40}}
    names = ("taught", "rest", "checked")
    return {
        "study": "notes",
        "sources": {name: {**source, "files": [f"{name}.jsonl"]} for name in names},
        "providers": {
            "service": {"kind": "local"},
            "own": {"kind": "transformers", "finetuned": "small", "device": "cpu"},
        },
        "stages": {
            "labels": {"input": {"source": "taught"}, **asked},
            "labels_checked": {"input": {"source": "checked"}, **asked},
            "own_rest": {"input": {"source": ["rest", "checked"]}, **own},
        },
        "exports": {
            "lessons": {
                "stage": "labels",
                "group": "id",
                "near_duplicates": "leave_out",
                "tokenizer": "model",
            }
        },
        "finetunes": {
            "small": {
                "export": "lessons",
                "model": "model",
                "epochs": 1,
                "lora": {"rank": 4},
                "device": "cpu",
            }
        },
        "evaluations": {
            "both": {
                "source": "checked",
                "gold": {"kind": "data.kind"},
                "predictions": {"service": {"stage": "labels_checked"}, "own": {"stage": "own_rest"}},
            }
        },
    }


@pytest.fixture(scope="module")
def looped(tmp_path_factory):
    """The project, run to its end; and what its first run did. Not to be changed."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("loop") / "project")
    make_tiny_llm(project.root / "model")
    project.write_task(KIND_TASK)
    project.write("config/tasks/kind.user.j2", "Note:\n{{ data.text }}")
    for name, count in (("taught", TAUGHT), ("rest", REST), ("checked", GOLD)):
        project.write_rows(f"{name}.jsonl", rows(name, count))
    project.write_study(loop_study())
    before = [project.goldpan("validate").stdout, project.goldpan("plan").stdout]
    return project, before, project.run()


def test_before_anything_is_trained_the_study_says_what_is_to_come(looped):
    _, (validated, planned), _ = looped
    for said in (validated, planned):
        assert "the fine-tuning `small` (model on the export `lessons`) is not trained yet" in said


def test_one_run_goes_from_the_service_to_the_own_model_and_measures_both(looped):
    project, _, _ = looped
    assert {row["model"] for row in project.rows("stages/labels/features.jsonl")} == {"goldpan-baseline-1"}
    own = project.rows("stages/own_rest/features.jsonl")
    assert [row["state"] for row in own] == ["ok"] * (REST + GOLD)
    [model] = {row["model"] for row in own}
    assert model.startswith("small@")
    report = project.json("evaluation/both.json")
    answered_by = {made["model"]: made["answered_by"] for made in report["models"]}
    assert answered_by == {"service": {"goldpan-baseline-1": GOLD}, "own": {model: REST + GOLD}}
    assert project.json("stages/own_rest/summary.json")["cost_usd"] == 0.0
    page = project.artifact("index.html").read_text()
    assert model in page


def test_no_row_that_the_own_model_is_asked_about_was_learned_from(looped):
    project, _, _ = looped
    asked = {row["id"] for row in project.rows("stages/own_rest/features.jsonl")}
    taught = project.artifact("finetune/lessons/train.jsonl").read_text()
    texts = {row["text"] for name in ("rest", "checked") for row in rows(name, 10)}
    assert len(asked) == REST + GOLD and not any(text in taught for text in texts)


def test_the_loop_is_closed_a_second_run_has_nothing_to_do(looped):
    project, _, _ = looped
    assert "Nothing to be done" in project.run().stdout


def test_without_results_the_service_is_not_asked_again_and_the_same_weights_come_of_the_same_lessons(
    looped, tmp_path
):
    project = looped[0].copy(tmp_path / "project")
    paid = project.paid()
    shutil.rmtree(project.root / "results")
    run = project.run("results/notes/stages/own_rest/round1/requests/plan.json")
    assert "finetune" in ran(run) and project.paid() == paid
    requests = project.json("stages/own_rest/round1/requests/plan.json")["requests"]
    assert (requests["asked"], requests["answered"]) == (0, REST + GOLD)
