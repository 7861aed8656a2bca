"""Features have one row for each record, in one state, with where it came from; or the files do not fit."""

import orjson
import pyarrow.parquet
import pytest

from goldpan.batches.check import check_stages
from goldpan.errors import ReconciliationError, TaskError
from goldpan.files import read_json
from goldpan.ledger import Ledger
from tests.projects import DETAIL_TASK, TOPIC_TASK, WorkflowProject, note_rows
from tests.scripted_provider import answer_line, error_line
from tests.stage_builders import STAGE, answer, asked_of, at, make_stage, send, with_records

GOOD = {"topic": "animals", "topic_rationale": "a cat", "urgent_detected": True, "length": 2}


def settle_with(run, lines: list[bytes]) -> None:
    """Send the first round, and settle it with these lines."""
    plan = run.plan(1)
    send(run, plan)
    run.wait(1, lambda progress: None)
    raw = at(run, run.paths.raw(STAGE, 1, plan.shards[0].name))
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_bytes(b"".join(line + b"\n" for line in lines))
    run.settle(1)


def rows_of(run) -> list[dict]:
    return [orjson.loads(line) for line in at(run, run.paths.features(STAGE)).open("rb")]


def drop_line(path, number: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))


def test_a_row_says_what_was_answered_and_where_it_came_from(tmp_path):
    run = make_stage(tmp_path, note_rows(1), model="scripted-1")
    settle_with(run, [answer_line("req__n0", GOOD)])
    run.consolidate()
    (row,) = rows_of(run)
    (asked,) = asked_of(run)
    with Ledger(run.project.ledger) as ledger:
        (submission,) = ledger.submissions()
    assert row == {
        "id": "n0",
        "source": "notes",
        "file": "a.jsonl",
        "state": "ok",
        "reason": None,
        "batch_id": submission.batch_id,
        "custom_id": "req__n0",
        "model": "scripted-1-2026",
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "cached_tokens": 0,
            "cache_write_tokens": 0,
            "reasoning_tokens": 0,
        },
        "features": {
            "topic": {"type": "ClassificationPrediction", "label": "animals", "rationale": "a cat"},
            "urgent": {"type": "BinaryPrediction", "detected": True},
            "length": {"type": "ScorePrediction", "score": 2},
        },
        "feature_count": 3,
        "task": "topic",
        "task_hash": submission.task_hash,
        "request_key": asked["key"],
        "round": 1,
        "answered_at": 1_700_000_000,
    }


def test_every_state_has_its_row_and_the_counts_add_up(tmp_path):
    rows = [*note_rows(4), {"id": "n4", "text": "skip me"}]
    run = make_stage(tmp_path, rows, task=[{"task": "topic", "when": "data.text != 'skip me'"}])
    lines = [answer_line("req__n0", GOOD), answer_line("req__n1", {"topic": "x"}), error_line("req__n2", 400)]
    settle_with(run, lines)
    summary = run.consolidate()
    assert [row["state"] for row in rows_of(run)] == ["ok", "invalid", "failed", "missing", "skipped"]
    assert all(row["reason"] for row in rows_of(run)[1:])
    made = summary.as_dict()
    assert made["records"] == sum(made["states"].values()) == 5
    assert made["reasons"]["skipped"] == {"filtered": 1}
    # What failed or is missing was not answered, and so not paid for.
    assert made["requests_paid"] == 2
    tokens = {"prompt": 200, "completion": 40, "cached": 0, "cache_write": 0, "reasoning": 0}
    assert made["tokens"] == tokens
    assert made["labels"] == {"topic": {"animals": 1}, "urgent": {"true": 1}, "length": {"2": 1}}


def test_the_first_good_sample_stands_for_the_record_with_all_beside_it(tmp_path):
    run = make_stage(tmp_path, note_rows(1), samples=3)
    second, third = {**GOOD, "topic": "machines"}, {**GOOD, "topic": "weather"}
    lines = [
        answer_line("req__n0__s2", third),
        answer_line("req__n0", {"topic": "no such label"}),
        answer_line("req__n0__s1", second),
    ]
    settle_with(run, lines)
    summary = run.consolidate()
    (row,) = rows_of(run)
    assert (row["state"], row["custom_id"]) == ("ok", "req__n0__s1")
    assert row["features"]["topic"]["label"] == "machines"
    assert row["sample_states"] == {"invalid": 1, "ok": 2}
    labels = [sample["features"].get("topic", {}).get("label") for sample in row["samples"]]
    assert labels == [None, "machines", "weather"]
    assert (summary.records, summary.states["ok"]) == (1, 1)


@pytest.mark.parametrize(
    ("aggregate", "topic", "length"),
    [(None, "machines", 3), ("first", "weather", 2), ("median", "machines", 3)],
)
def test_what_is_paid_three_times_counts_three_times(tmp_path, aggregate, topic, length):
    run = make_stage(tmp_path, note_rows(1), samples=3, **({"aggregate": aggregate} if aggregate else {}))
    settle_with(
        run,
        [
            answer_line("req__n0", {**GOOD, "topic": "weather"}),
            answer_line("req__n0__s1", {**GOOD, "topic": "machines", "length": 3}),
            answer_line("req__n0__s2", {**GOOD, "topic": "machines", "length": 3}),
        ],
    )
    run.consolidate()
    (row,) = rows_of(run)
    assert (row["features"]["topic"]["label"], row["features"]["length"]["score"]) == (topic, length)
    assert row["aggregated"]["topic"]["agreement"] == 0.666667
    made = read_json(at(run, run.paths.summary(STAGE)))
    assert made["labels"]["topic"] == {topic: 1}
    table = pyarrow.parquet.read_table(at(run, run.paths.features_parquet(STAGE))).to_pylist()
    assert (table[0]["topic"], table[0]["length"]) == (topic, length)


def test_an_answer_is_read_by_the_task_as_it_is_now(tmp_path):
    run = make_stage(tmp_path, note_rows(1))
    settle_with(run, [answer_line("req__n0", GOOD)])
    stricter = {**TOPIC_TASK["features"][2], "max": 1}
    WorkflowProject(tmp_path).write_task({**TOPIC_TASK, "features": [*TOPIC_TASK["features"][:2], stricter]})
    run.consolidate()
    (row,) = rows_of(run)
    assert row["state"] == "invalid"
    assert row["features"] == {}


def test_parquet_has_the_same_rows_as_typed_columns(tmp_path):
    run = make_stage(tmp_path, note_rows(2))
    settle_with(run, [answer_line("req__n0", GOOD)])
    run.consolidate()
    table = pyarrow.parquet.read_table(at(run, run.paths.features_parquet(STAGE)))
    assert {name: str(table.schema.field(name).type) for name in ("topic", "urgent", "length")} == {
        "topic": "string",
        "urgent": "bool",
        "length": "int64",
    }
    assert table.column("id").to_pylist() == ["n0", "n1"]
    assert table.column("state").to_pylist() == ["ok", "missing"]
    assert table.column("topic").to_pylist() == ["animals", None]
    assert table.column("topic_rationale").to_pylist() == ["a cat", None]
    assert table.column("urgent").to_pylist() == [True, None]
    assert table.column("length").to_pylist() == [2, None]


def test_a_record_that_the_plan_does_not_know_is_an_error(tmp_path):
    run = make_stage(tmp_path, note_rows(3))
    answer(run)
    WorkflowProject(tmp_path).write_rows("notes/a.jsonl", note_rows(4))
    run = with_records(tmp_path)
    with pytest.raises(ReconciliationError, match="expected the row of record 'n3', found that of None"):
        run.consolidate()
    assert not at(run, run.paths.features(STAGE)).exists()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_row_of_the_plan_without_its_record_is_an_error(number, tmp_path):
    run = make_stage(tmp_path, note_rows(3))
    answer(run)
    drop_line(at(run, run.paths.stage_records(STAGE)), number)
    with pytest.raises(ReconciliationError, match=f"found that of 'n{number}'"):
        run.consolidate()


def test_a_request_without_an_outcome_is_an_error_that_names_its_record(tmp_path):
    run = make_stage(tmp_path, note_rows(2))
    run.plan(1)
    with pytest.raises(ReconciliationError, match="of record 'n0' has no outcome in the ledger"):
        run.consolidate()


def test_features_of_one_name_and_two_types_are_refused_before_anything_is_asked(tmp_path):
    choices = [{"task": "topic", "when": "data.id == 'n0'"}, {"task": "detail"}]
    make_stage(tmp_path, note_rows(1), task=choices)
    clash = {"name": "topic", "type": "text", "description": "What it is about."}
    WorkflowProject(tmp_path).write_task({**DETAIL_TASK, "features": [clash]})
    WorkflowProject(tmp_path).write("config/tasks/detail.user.j2", "{{ data.text }}")
    run = with_records(tmp_path)
    says = "feature `topic` is a classification in one task of the stage and a text in another"
    with pytest.raises(TaskError, match=says):
        list(check_stages(run.project))
    with pytest.raises(TaskError, match=says):
        run.plan(1)


def test_a_feature_called_as_a_column_of_ours_has_another_name_in_parquet(tmp_path):
    make_stage(tmp_path, note_rows(1))
    clash = {"name": "reason", "type": "score", "min": 0, "max": 3, "description": "How well reasoned."}
    WorkflowProject(tmp_path).write_task({**TOPIC_TASK, "features": [clash]})
    run = with_records(tmp_path)
    settle_with(run, [answer_line("req__n0", {"reason": 2})])
    run.consolidate()
    table = pyarrow.parquet.read_table(at(run, run.paths.features_parquet(STAGE)))
    assert table.column("reason").to_pylist() == [None]
    assert table.column("reason_answer").to_pylist() == [2]
