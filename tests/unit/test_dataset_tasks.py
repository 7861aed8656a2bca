"""The tasks of the dataset-mention study, and the papers it is tried on."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from examples.papers.make_papers import pages_of, papers

from goldpan.providers.local.answerer import answer
from goldpan.study import load_study
from goldpan.tasks import schema
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.features import Classification, Extraction
from goldpan.tasks.prompts import PromptRenderer
from goldpan.tasks.task import Task, load_task
from tests.made_pdfs import pdf_bytes

PROJECT = Path(__file__).resolve().parents[2]
TASKS = PROJECT / "config" / "tasks"
NAMES = ["dataset_extraction", "dataset_judge", "dataset_reasoning"]
PAGE = {"text": "We use the Tarn Survey, and interviews with 12 millers. Data are scarce."}
RECORD: dict[str, Any] = {
    "data": PAGE,
    "item": {"raw_name": "Tarn Survey", "a_field_of_mine": "x"},
    "answers": {
        "extraction": {"dataset_used": True},
        "located": {"found": True, "sentence": "We use the Tarn Survey."},
        "judge": {"rationale": "It is used.", "verdict": "valid", "invalid_reason": None},
    },
    "neighbours": {"before": [], "after": [{"text": "The next page."}]},
}


def mention_fields(task: Task) -> list[str]:
    (extraction,) = (feature for feature in task.features if isinstance(feature, Extraction))
    return [field.name for field in extraction.fields]


def user_message(name: str, **changes: Any) -> str:
    return PromptRenderer(load_task(name, TASKS)).messages(RECORD | changes)[-1]["content"]


def widened(folder: Path) -> Task:
    """The extraction with all fields that the file has behind signs."""
    for file in TASKS.glob("dataset_extraction*"):
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".yaml":
            head, signed = text.split("      # - name: geography", 1)
            text = f"{head}      - name: geography" + signed.replace("\n      # ", "\n      ")
        (folder / file.name).write_text(text, encoding="utf-8")
    return load_task("dataset_extraction", folder)


@pytest.mark.parametrize("name", NAMES)
def test_the_baseline_s_answer_fits_the_task(name):
    task = load_task(name, TASKS)
    body = {
        "model": "goldpan-baseline-1",
        "messages": PromptRenderer(task).messages(RECORD),
        "tools": [schema.tool(task)],
        "tool_choice": schema.tool_choice(task),
    }
    reading = AnswerReader(task).read(answer(body, ""))
    assert (reading.state, reading.reason) == ("ok", None)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_is_within_the_limits_of_strict_schemas(name):
    assert schema.beyond_strict_limits(load_task(name, TASKS)) == []


def test_a_mention_has_the_fields_of_the_study():
    assert mention_fields(load_task("dataset_extraction", TASKS)) == [
        "raw_name",
        "harmonized_name",
        "acronym",
        "context",
        "specificity",
        "relevance",
        "mentioned_in",
        "producer",
        "data_type",
        "year",
    ]


def test_fields_behind_signs_become_fields_when_the_signs_are_taken_out(tmp_path):
    assert mention_fields(widened(tmp_path))[-3:] == ["geography", "reference_population", "access"]


@pytest.mark.parametrize("name", NAMES)
def test_no_prompt_lists_the_fields_of_a_mention(name, tmp_path):
    task = load_task(name, TASKS)
    prompts = f"{task.system_template} {task.user_template}"
    listed = [field for field in mention_fields(widened(tmp_path)) if "_" in field and field in prompts]
    assert listed == []


@pytest.mark.parametrize("name", ["dataset_judge", "dataset_reasoning"])
def test_the_entry_is_shown_with_whatever_fields_it_has(name):
    assert '"a_field_of_mine": "x"' in user_message(name)


@pytest.mark.parametrize("name", ["dataset_judge", "dataset_reasoning"])
def test_the_page_stands_before_the_entry(name):
    text = user_message(name)
    assert text.index(PAGE["text"]) < text.index('"raw_name"')


def test_the_reviewer_sees_the_neighbouring_page_and_the_judge_does_not():
    assert "The next page." in user_message("dataset_reasoning")
    assert "The next page." not in user_message("dataset_judge")


def test_the_reviewer_sees_the_judge_s_reasons():
    assert '"rationale": "It is used."' in user_message("dataset_reasoning")


def test_a_mention_that_was_not_found_is_said_to_be_so():
    answers = RECORD["answers"] | {"located": {"found": False, "sentence": None}}
    assert "Its words were not found on the page." in user_message("dataset_judge", answers=answers)


@pytest.mark.parametrize("name", ["dataset_judge", "dataset_reasoning"])
def test_a_reason_is_required_where_the_verdict_is_invalid(name):
    reason = load_task(name, TASKS).feature("invalid_reason")
    assert reason.required_when == "verdict == 'invalid'"


def test_judge_and_reviewer_have_the_same_verdicts_and_reasons():
    tasks = [load_task(name, TASKS) for name in ("dataset_judge", "dataset_reasoning")]
    for feature in ("verdict", "invalid_reason"):
        first, second = (task.feature(feature) for task in tasks)
        assert isinstance(first, Classification)
        assert isinstance(second, Classification)
        assert first.label_list == second.label_list


@pytest.mark.parametrize("name", papers())
def test_a_paper_is_what_its_text_makes(name):
    paper = papers()[name]
    path = PROJECT / "examples" / "papers" / f"{name}.pdf"
    assert path.read_bytes() == pdf_bytes(pages_of(paper), title=paper["title"]), (
        "run python -m examples.papers.make_papers"
    )


def test_all_pdfs_have_a_text_and_are_small_together():
    files = list((PROJECT / "examples" / "papers").glob("*.pdf"))
    assert {file.stem for file in files} == set(papers())
    assert sum(file.stat().st_size for file in files) < 60_000


def test_known_datasets_have_one_id_each(project):
    rows = (project / "config" / "known_datasets.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert len({row.split(",")[0] for row in rows}) == len(rows) > 0


def test_the_study_s_models_and_providers_are_named_once(project):
    text = (project / "config" / "studies" / "dataset_mentions.yaml").read_text(encoding="utf-8")
    stages = yaml.safe_load(text)["stages"]
    assert {stage["provider"] for stage in stages.values() if "task" in stage} == {"annotator"}


def with_commented_stages(text: str) -> str:
    """The study with its filter and its second extraction, as its comments say to take them in."""
    signed = r"(?m)^  # (?=(?:prefilter|extraction_b):\n)((?:.*\n(?:  #   .*\n)*))"
    text = re.sub(signed, lambda found: "  " + found[1].replace("\n  # ", "\n  "), text)
    text = text.replace("input: {source: papers}\n    task", "input: {stage: prefilter}\n    task")
    return text.replace("{stage: extraction, explode", "{stage: [extraction, extraction_b], explode")


def test_the_stages_behind_signs_fit_the_study(project, tmp_path):
    path = project / "config" / "studies" / "dataset_mentions.yaml"
    (tmp_path / path.name).write_text(with_commented_stages(path.read_text(encoding="utf-8")))
    study = load_study(tmp_path / path.name)
    assert set(study.stages) == {
        "prefilter",
        "extraction",
        "extraction_b",
        "located",
        "judge",
        "reasoning",
        "clusters",
    }
    assert study.stages["located"].input.stages == ["extraction", "extraction_b"]
