"""Texts that another stage judges: each record counts in the rows as in the figure."""

from types import SimpleNamespace

import pytest

from goldpan.evaluation.evaluate import EvaluationInputs, evaluate
from goldpan.evaluation.judged import Judge, judge_texts
from goldpan.experiments.row_fields import unread_fields
from goldpan.study.evaluation import Evaluation
from goldpan.study.paths import Paths
from goldpan.tasks.features import Binary, Text
from goldpan.waves.items import item_id
from tests.evaluation_builders import prediction, stage_row, write_lines

RIGHT = Binary(name="right", type="binary", description="Is it right?")
GIST = Text(name="gist", type="text", description="The gist")


@pytest.fixture
def judge_of(tmp_path):
    """Six records: right, wrong, no text, the judge failed, could not tell, was not asked."""
    paths = Paths("results", "s")
    texts = [stage_row(n, {} if n == 2 else {"gist": prediction(GIST, "a")}) for n in range(6)]
    texts[2] = stage_row(2, {}, state="failed")
    verdicts = [
        stage_row(0, {"right": prediction(RIGHT, True)}),
        stage_row(1, {"right": prediction(RIGHT, False)}),
        stage_row(3, {}, state="failed"),
        stage_row(4, {"right": prediction(RIGHT, None)}),
    ]
    write_lines(tmp_path / paths.features("answers"), texts)
    write_lines(tmp_path / paths.features("judge"), verdicts)
    project = SimpleNamespace(paths=paths, root=tmp_path)
    judge = Judge("judge", RIGHT, "answers", GIST, "answers")
    ids = [item_id(f"r{n}") for n in range(6)]
    return lambda groups=None: judge_texts(
        project, judge, ids, groups and dict(zip(ids, groups, strict=True))
    )


@pytest.fixture
def judged(judge_of):
    return judge_of()


def test_the_share_of_texts_judged_right_has_an_interval_of_groups_where_records_have_them(judge_of):
    one_by_one, of_five = judge_of().figures[0].raw, judge_of("abcdee").figures[0].raw
    assert one_by_one.interval.method == "Clopper-Pearson"
    assert of_five.interval.method.startswith("bootstrap over groups")
    assert judge_of("aabbcc").figures[0].raw.reason == "no interval: 3 groups, 5 are needed"


def test_a_text_without_a_verdict_is_wrong_in_its_row_as_in_the_figure(judged):
    assert len(judged.verdicts) == judged.items == 6
    assert sum(judged.verdicts.values()) / len(judged.verdicts) == judged.figures[0].raw.value == 1 / 6


def test_texts_without_a_verdict_are_counted_apart_from_wrong_ones(judged):
    assert (judged.right, judged.wrong) == (1, 1)
    assert judged.failed == {"failed": 1}
    assert judged.not_judged == {"abstained": 1, "failed": 1, "missing": 1}


def test_where_texts_are_judged_and_nothing_is_compared_no_row_is_said_to_be_lacking(tmp_path):
    settings = Evaluation.model_validate(
        {"source": "shop", "predictions": "answers", "judged": {"gist": "judge.right"}}
    )
    records = [{"id": "r0", "source": "shop", "file": "f", "line": 1, "data": {"text": "a"}}]
    files = EvaluationInputs(
        gold=[write_lines(tmp_path / "records.jsonl", records)],
        predictions={
            "answers": [write_lines(tmp_path / "f.jsonl", [stage_row(0, {"gist": prediction(GIST, "a")})])]
        },
    )
    assert evaluate("e", settings, {}, files).notes == ()


def test_the_right_answer_that_a_judge_is_shown_is_a_field_that_is_read():
    row = {"input": {"text": "a"}, "expected": {"gist": "b"}, "other": 1}
    assert [fault.split(";")[0] for fault in unread_fields(row, {"metadata"}, (), {"gist"})] == [
        "nothing reads the field `other`"
    ]
    assert len(list(unread_fields(row, {"metadata"}, ()))) == 2
