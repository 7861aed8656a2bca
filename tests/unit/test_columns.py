"""Rows of features.jsonl as columns, in Parquet and in the summary's counts."""

from pyarrow import parquet

from goldpan.batches.summary import Summary
from goldpan.stages.columns import ParquetRows, columns_of
from goldpan.study.stage import Input, Stage
from goldpan.tasks.features import parse_feature

FEATURES = [
    parse_feature({"description": "d", **keys}, "test")
    for keys in (
        {"name": "urgent", "type": "binary", "abstain": True, "rationale": True},
        {"name": "topic", "type": "classification", "labels": ["a", "b"]},
        {"name": "tags", "type": "multilabel", "labels": ["x", "y"]},
        {"name": "depth", "type": "score", "min": 0, "max": 3},
        {"name": "names", "type": "extraction", "fields": [{"name": "who", "type": "string"}]},
    )
]


def row(number, state="ok", **features):
    return {
        "id": f"r{number}", "source": "s", "file": "f", "state": state, "reason": None, "batch_id": "b",
        "custom_id": f"req__r{number}", "model": "m", "task": "t", "features": features,
    }  # fmt: skip


def answered(number, urgent, topic, tags, depth):
    given = {"type": "BinaryPrediction", "detected": urgent, "rationale": "why"}
    return row(
        number,
        urgent={**given, "abstained": True} if urgent is None else given,
        topic={"type": "ClassificationPrediction", "label": topic},
        tags={"type": "MultilabelPrediction", "labels": tags},
        depth={"type": "ScorePrediction", "score": depth},
        names={"type": "ExtractionPrediction", "items": [{"who": topic}]},
    )


ROWS = [
    answered(0, True, "a", ["x"], 1),
    answered(1, None, "b", [], 3),
    row(2, state="failed"),
    answered(3, False, "a", ["x", "y"], 1),
]


def write(path, rows, chunk):
    with ParquetRows(path, FEATURES) as table:
        for start in range(0, len(rows), chunk):
            part = rows[start : start + chunk]
            table.add(part, columns_of(part, FEATURES))
    return parquet.read_table(path).to_pylist()


def test_parquet_holds_every_row_in_order_with_typed_values(tmp_path):
    rows = write(tmp_path / "f.parquet", ROWS, chunk=4)
    assert [one["id"] for one in rows] == ["r0", "r1", "r2", "r3"]
    assert [one["urgent"] for one in rows] == [True, None, None, False]
    assert [one["urgent_rationale"] for one in rows] == ["why", "why", None, "why"]
    assert [one["tags"] for one in rows] == [["x"], [], None, ["x", "y"]]
    assert [one["depth"] for one in rows] == [1, 3, None, 1]
    assert rows[0]["names"] == '[{"who":"a"}]'


def test_parquet_does_not_depend_on_how_rows_come_in_chunks(tmp_path):
    assert write(tmp_path / "a.parquet", ROWS, chunk=1) == write(tmp_path / "b.parquet", ROWS, chunk=3)


def test_nothing_is_left_of_a_parquet_file_that_broke_off(tmp_path):
    try:
        with ParquetRows(tmp_path / "f.parquet", FEATURES) as table:
            table.add(ROWS, columns_of(ROWS, FEATURES))
            raise RuntimeError
    except RuntimeError:
        pass
    assert list(tmp_path.iterdir()) == []


def test_labels_and_abstentions_are_counted_and_rows_without_answers_are_not():
    stage = Stage(input=Input(source="s"), task="t", provider="p", model="goldpan-baseline-1")
    with Summary("study", "stage", stage, []) as counts:
        for start in (0, 2):
            part = ROWS[start : start + 2]
            counts.add(part, columns_of(part, FEATURES), [], lambda answer: True)
        summary = counts.as_dict()
    assert summary["labels"] == {
        "urgent": {"(abstained)": 1, "false": 1, "true": 1},
        "topic": {"a": 2, "b": 1},
        "tags": {"(none)": 1, "x": 2, "y": 1},
        "depth": {"1": 2, "3": 1},
    }
    assert summary["feature_records"] == {"urgent": 3, "topic": 3, "tags": 3, "depth": 3, "names": 3}
    assert summary["mean_scores"] == {"depth": round(5 / 3, 6)}
    assert summary["states"]["failed"] == 1 and summary["states"]["ok"] == 3
