"""A real small model in the first step of the two-step study: few-shot, and after a LoRA run on half of it.

By choice (`make test-llm`): it downloads 230 MB, takes some ten minutes on two quiet cores, and the model is
under Gemma's terms.
"""

import json
import os
from pathlib import Path

import pytest
import yaml

from tests.llm.gemma import gemma_folder
from tests.llm.paragraphs import labelled_paragraphs
from tests.projects import CHECKOUT, WorkflowProject

LIMIT = 3600
pytestmark = [
    pytest.mark.skipif(
        "GOLDPAN_LLM" not in os.environ, reason="a real model is run by choice: make test-llm"
    ),
    pytest.mark.timeout(LIMIT),
]

SHOTS = 4
CONDITIONS = (
    "Does the paragraph of a report tell of money going into nature? It does (score 1) when somebody"
    " invested, granted, paid or spent money, or firmly committed to, for the restoration, protection,"
    " purchase or care of land, forest, water, habitats or species. It does not (score 0) when the action,"
    " the money or the nature is missing, or is only intended."
)
FROM_FILE = """import json

KNOWN = {row["text"]: row["score"] for row in map(json.loads, open("taught.jsonl", encoding="utf-8"))}


def answer(body, custom_id):
    from goldpan.providers.engine import completion

    asked = body["messages"][-1]["content"]
    return completion(body, {"score": next(score for text, score in KNOWN.items() if text in asked)})
"""


def task(name: str) -> dict:
    """The first step's task with its number alone."""
    whole = yaml.safe_load(
        (CHECKOUT / "config/tasks/investment_activity_classification.yaml").read_text(encoding="utf-8")
    )
    [score] = (feature for feature in whole["features"] if feature["name"] == "score")
    prompt = {"system": "money.system.j2", "user": "money.user.j2"}
    return {**whole, "task": name, "prompt": prompt, "features": [score]}


def study(gemma: Path) -> dict:
    source = {"id": ["id"], "fields": {"text": "string"}}
    limits = {"params": {"max_completion_tokens": 16, "temperature": 0}, "output": "json_schema"}
    asked = {"input": {"source": "asked"}, "task": "money", **limits}
    base = {"kind": "transformers", "chat_template": "plain", "max_length": 2048, "device": "cpu"}
    return {
        "study": "money",
        "sources": {name: {**source, "files": [f"{name}.jsonl"]} for name in ("taught", "asked")},
        "providers": {
            "people": {"kind": "local", "answers": "answers.py:answer"},
            "untuned": {**base, "model": str(gemma)},
            "tuned": {**base, "finetuned": "small"},
        },
        "stages": {
            "labels": {
                "input": {"source": "taught"},
                "task": "money",
                "provider": "people",
                "model": "people",
                "output": "json_schema",
            },
            "before": {**asked, "provider": "untuned"},
            "after": {**asked, "provider": "tuned"},
        },
        "exports": {
            "lessons": {
                "stage": "labels",
                "format": "trl_prompt_completion",
                "group": "id",
                "split": {"train": 0.8, "valid": 0.2, "test": 0},
                "near_duplicates": "leave_out",
                "tokenizer": str(gemma),
            }
        },
        "finetunes": {
            "small": {
                "export": "lessons",
                "model": str(gemma),
                "max_length": 2048,
                "epochs": 4,
                "learning_rate": 5e-4,
                "lora": {"rank": 8, "alpha": 16},
                "device": "cpu",
            }
        },
        "evaluations": {
            "both": {
                "source": "asked",
                "gold": {"score": "data.score"},
                "predictions": {"before": {"stage": "before"}, "after": {"stage": "after"}},
            }
        },
    }


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """The project, run to its end."""
    gemma = gemma_folder(Path(os.environ["GOLDPAN_LLM"]).resolve())
    project = WorkflowProject.create(tmp_path_factory.mktemp("money") / "project", study="money")
    project.patience = LIMIT - 60
    paragraphs = labelled_paragraphs()
    taught, asked = paragraphs[::2], paragraphs[1::2]
    shown = [row for wanted in (1, 0) for row in taught if row["score"] == wanted][:: len(taught) // SHOTS]
    shots = "\n\n".join(f'Paragraph: {row["text"]}\nAnswer: {{"score": {row["score"]}}}' for row in shown)
    project.write_task(task("money"))
    project.write("config/tasks/money.system.j2", f"{CONDITIONS}\n\n{{% raw %}}{shots}{{% endraw %}}")
    project.write("config/tasks/money.user.j2", "Paragraph: {{ data.text }}\nAnswer:")
    project.write("answers.py", FROM_FILE)
    project.write_rows("taught.jsonl", [row for row in taught if row not in shown])
    project.write_rows("asked.jsonl", asked)
    project.write_study(study(gemma))
    project.run()
    return project


def test_every_answer_of_a_real_model_fits_the_task(answered):
    for stage in ("before", "after"):
        rows = answered.rows(f"stages/{stage}/features.jsonl")
        assert {row["state"] for row in rows} == {"ok"}
        assert {row["features"]["score"]["score"] for row in rows} <= {0, 1}


def test_a_lora_run_on_half_of_the_paragraphs_lowers_the_loss_on_the_others(answered, capsys):
    training = answered.json("finetuned/small/training.json")
    assert training["valid_loss"] < training["untuned_valid_loss"]
    with capsys.disabled():
        print(f"\nloss on valid: {training['untuned_valid_loss']:.3f} -> {training['valid_loss']:.3f}")
        print(json.dumps(answered.json("evaluation/both.json")["models"], indent=1)[:4000])


def test_the_tuned_model_is_right_at_least_as_often(answered, capsys):
    right = {}
    for stage in ("before", "after"):
        rows = answered.rows(f"stages/{stage}/features.jsonl")
        gold = {row["id"]: row["score"] for row in labelled_paragraphs()}
        right[stage] = sum(row["features"]["score"]["score"] == gold[row["id"]] for row in rows)
    with capsys.disabled():
        print(f"\nright, of {len(rows)}: {right}")
    assert right["after"] >= right["before"] > 0
