"""How much a filter loses: its predictions against gold of another name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from goldpan.errors import StudyError
from goldpan.evaluation.check import check_evaluations
from goldpan.evaluation.run import evaluate_in_project
from goldpan.study import Project, load_project
from tests.filter_builders import SIEVE, answered, filter_project, filter_study
from tests.projects import WorkflowProject

KEPT = {"stage": SIEVE, "features": {"relevant": "kept"}}


def evaluated(
    root: Path, rows: list[dict[str, Any]], predictions: dict[str, Any] | None = None, gold: str = "relevant"
) -> dict[str, Any]:
    """The report on the feature `relevant` of a filter that keeps notes with `nature`."""
    evaluation = {"source": "notes", "gold": {gold: "gold"}, "predictions": {"sieve": predictions or KEPT}}
    project = filter_project(root, rows, {"keywords": ["nature"]}, evaluations={"loss": evaluation})
    answered(project)
    assert list(check_evaluations(project))
    evaluate_in_project(project, "loss")
    report = orjson.loads((root / project.paths.evaluation("loss", "json")).read_bytes())
    return report["features"][0]


def rows_of(*kinds: tuple[str, str, int]) -> list[dict[str, Any]]:
    """Notes of these texts and gold, so many of each kind."""
    each = [(text, gold) for text, gold, count in kinds for _ in range(count)]
    return [{"id": f"n{number}", "text": text, "gold": gold} for number, (text, gold) in enumerate(each)]


def test_the_recall_of_a_filter_stands_in_the_evaluation_with_its_interval(tmp_path: Path) -> None:
    report = evaluated(
        tmp_path, rows_of(("nature", "yes", 9), ("else", "yes", 3), ("nature", "no", 2), ("else", "no", 20))
    )
    labels = {label["label"]: label for label in report["models"][0]["labels"]}
    figures = {figure["name"]: figure["raw"] for figure in labels["yes"]["figures"]}
    assert figures["recall"]["value"] == 0.75
    assert figures["recall"]["interval"]["low"] == pytest.approx(0.428, abs=0.001)
    assert figures["recall"]["interval"]["method"] == "Clopper-Pearson"
    assert figures["precision"]["value"] == pytest.approx(9 / 11, abs=1e-6)


def test_what_a_filter_lost_is_among_the_mistakes(tmp_path: Path) -> None:
    evaluated(tmp_path, rows_of(("nature", "yes", 5), ("lost", "yes", 1)))
    mistakes = (tmp_path / "results/notes/evaluation/loss.errors.csv").read_text().splitlines()
    assert len(mistakes) == 2 and "lost" in mistakes[1]


@pytest.mark.parametrize(
    ("predictions", "gold", "what"),
    [
        ({"stage": SIEVE, "features": {"relevant": "kpt"}}, "relevant", "did you mean `kept`"),
        (
            {"stage": "first", "features": {"relevant": "topic"}},
            "urgent",
            "there is no gold feature `relevant`",
        ),
    ],
)
def test_a_mapping_that_leads_nowhere_is_told_before_a_run(
    tmp_path: Path, predictions: dict[str, Any], gold: str, what: str
) -> None:
    evaluation = {"source": "notes", "gold": {gold: "gold"}, "predictions": {"sieve": predictions}}
    project = _unmade(tmp_path, {"loss": evaluation})
    with pytest.raises(StudyError) as error:
        list(check_evaluations(project))
    assert what in str(error.value)


def test_features_of_other_types_cannot_be_compared(tmp_path: Path) -> None:
    predictions = {"sieve": KEPT, "llm": {"stage": "first", "features": {"relevant": "topic"}}}
    evaluation = {"source": "notes", "gold": {"relevant": "gold"}, "predictions": predictions}
    with pytest.raises(StudyError, match="`relevant` is not the same in all"):
        list(check_evaluations(_unmade(tmp_path, {"loss": evaluation})))


def test_features_are_mapped_for_stages_only(tmp_path: Path) -> None:
    evaluation = {"wave": "w", "predictions": {"a": {"annotated": "x", "features": {"relevant": "kept"}}}}
    with pytest.raises(StudyError, match="`features` goes with `stage`"):
        _unmade(tmp_path, {"loss": evaluation})


def _unmade(root: Path, evaluations: dict[str, Any]) -> Project:
    files = WorkflowProject.create(root)
    files.write_rows("notes/a.jsonl", rows_of(("nature", "yes", 2)))
    files.write_study(filter_study({"keywords": ["nature"]}, evaluations=evaluations))
    return load_project("notes", root=root)
