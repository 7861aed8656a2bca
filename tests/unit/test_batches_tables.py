"""One table per input file: its rows and columns as they were, then what was answered."""

import csv
import resource

import orjson
import pytest

from goldpan.cells import restore
from goldpan.errors import ReconciliationError
from goldpan.stages.tables import write_tables
from goldpan.tasks.features import Binary, Classification, Multilabel, Score, Text

TOPIC = Classification(
    name="topic", type="classification", description="Topic.", labels=["animals", "weather"], rationale=True
)
URGENT = Binary(name="urgent", type="binary", description="Urgent.", rationale=True)
LENGTH = Score(name="length", type="score", description="Length.", min=0, max=5)
GIST = Text(name="gist", type="text", description="Gist.")
TAGS = Multilabel(name="tags", type="multilabel", description="Tags.", labels=["a", "b"])

TOPIC_ANSWER = {"type": "ClassificationPrediction", "label": "animals", "rationale": "a cat"}


@pytest.fixture
def write(tmp_path):
    """Write the tables of records (file, data) with these features; returns head and rows of each file."""

    def run(schema, *given, files=("a",)):
        records, features = [], []
        for number, (file, data, predictions) in enumerate(given):
            head = {"id": f"n{number}", "source": "notes", "file": file}
            records.append({**head, "line": number + 1, "data": data})
            row = {**head, "state": "ok", "reason": None, "batch_id": "batch_1", "answered_at": 1_700_000_000}
            if predictions is None:
                row |= {"state": "skipped", "reason": "blank: empty", "batch_id": None, "answered_at": None}
            features.append({**row, "features": predictions or {}})
        paths = {"records": tmp_path / "records.jsonl", "features": tmp_path / "features.jsonl"}
        for name, rows in (("records", records), ("features", features)):
            paths[name].write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        outputs = {("notes", file): tmp_path / f"{file}.csv" for file in files}
        write_tables(paths["records"], paths["features"], outputs, list(schema))
        tables = []
        for path in outputs.values():
            with path.open(encoding="utf-8", newline="") as handle:
                tables.append(list(csv.reader(handle)))
        return tables

    return run


def test_a_row_has_its_columns_then_features_with_reasons_then_where_it_came_from(write):
    answers = {
        "topic": TOPIC_ANSWER,
        "urgent": {"type": "BinaryPrediction", "detected": True, "rationale": "now"},
        "length": {"type": "ScorePrediction", "score": 2},
    }
    ((head, row),) = write([TOPIC, URGENT, LENGTH], ("a", {"text": "A cat.", "year": 2020}, answers))
    assert head == [
        *("text", "year", "topic", "topic_rationale", "urgent", "urgent_rationale", "length"),
        *("state", "reason", "source_file", "record_id", "batch_id", "answered_at"),
    ]
    assert row == [
        *("A cat.", "2020", "animals", "a cat", "True", "now", "2"),
        *("ok", "", "a", "n0", "batch_1", "2023-11-14T22:13:20+00:00"),
    ]


def test_a_row_without_an_answer_has_its_state_and_empty_cells(write):
    ((_, row),) = write([LENGTH], ("a", {"text": " "}, None))
    assert row == [" ", "", "skipped", "blank: empty", "a", "n0", "", ""]


def test_the_only_reason_is_called_explanation(write):
    ((head, _),) = write([TOPIC, LENGTH], ("a", {}, {"topic": TOPIC_ANSWER}))
    assert head[:3] == ["topic", "explanation", "length"]


def test_free_texts_stand_behind_the_scores_they_explain(write):
    ((head, _),) = write([GIST, LENGTH], ("a", {}, {}))
    assert head[:2] == ["length", "gist"]


def test_lists_and_objects_are_cells_of_json(write):
    answers = {"tags": {"type": "MultilabelPrediction", "labels": ["a", "b"]}}
    ((_, row),) = write([TAGS], ("a", {"authors": [{"name": "Ann"}]}, answers))
    assert row[:2] == ['[{"name":"Ann"}]', '["a","b"]']


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-a", "@SUM(A1)", "\t=1", "'=1", "'quoted"])
def test_cells_that_a_spreadsheet_would_run_are_made_safe_and_can_be_restored(text, write):
    answers = {"gist": {"type": "TextPrediction", "text": text}}
    ((head, row),) = write([GIST], ("a", {text: text}, answers))
    for cell in (head[0], row[0], row[1]):
        assert cell[0] not in "=+-@\t"
        assert restore(cell) == text


@pytest.mark.parametrize("text", ["-1", "+0.5", "1e-3", "plain"])
def test_numbers_and_plain_text_stay_as_they_are(text, write):
    ((_, row),) = write([], ("a", {"x": text}, {}))
    assert row[0] == text


def test_columns_of_ours_make_way_for_those_of_the_input(write):
    data = {"length": "short", "length_answer": "?", "state": "Ohio", "batch_id": "7"}
    ((head, row),) = write([LENGTH], ("a", data, {"length": {"type": "ScorePrediction", "score": 2}}))
    assert len(set(head)) == len(head)
    cells = dict(zip(head, row, strict=True))
    assert {name: cells[name] for name in data} == data
    assert cells["length_answer_answer"] == "2"
    assert cells["state_answer"] == "ok"
    assert cells["batch_id_answer"] == "batch_1"


def test_each_file_has_its_own_columns_and_rows(write):
    rows = [("a", {"x": 1}, {}), ("b", {"y": 2}, {}), ("a", {"x": 3, "z": 4}, {})]
    first, second = write([LENGTH], *rows, files=("a", "b"))
    assert first[0][:3] == ["x", "z", "length"]
    assert [row[:2] for row in first[1:]] == [["1", ""], ["3", "4"]]
    assert second[0][:2] == ["y", "length"]
    assert [row[-3] for row in second[1:]] == ["n1"]


def test_a_file_without_rows_has_a_table_with_a_head(write):
    _, empty = write([LENGTH], ("a", {"x": 1}, {}), files=("a", "b"))
    assert len(empty) == 1


def test_a_row_of_another_file_is_an_error_and_no_table_is_left(write, tmp_path):
    with pytest.raises(ReconciliationError, match="the file of record 'n0' has no table"):
        write([LENGTH], ("elsewhere", {"x": 1}, {}))
    assert list(tmp_path.glob("*.csv")) == []


def test_a_lone_carriage_return_begins_no_row(write):
    texts = ["one\r=cmd()", "two\rlines", "\r=HYPERLINK(1)"]
    ((_, *rows),) = write([GIST], *(("a", {"text": text}, {}) for text in texts))
    assert [restore(row[0]) for row in rows] == texts


def test_more_tables_than_files_can_be_open_at_once(write):
    files = [f"f{number}" for number in range(60)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (50, hard))
    try:
        rows = [(file, {"text": f"{file}, {turn}"}, {}) for turn in range(2) for file in files]
        tables = write([LENGTH], *rows, files=files)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [[row[0] for row in table[1:]] for table in tables] == [[f"{f}, 0", f"{f}, 1"] for f in files]


def test_rows_that_are_saved_in_parts_are_all_there_in_their_order(write):
    long = "x" * 100_000
    rows = [("ab"[number % 2], {"text": f"{number} {long}"}, {}) for number in range(120)]
    tables = write([LENGTH], *rows, files=("a", "b"))
    assert [[row[0] for row in table[1:]] for table in tables] == [
        [f"{number} {long}" for number in range(start, 120, 2)] for start in (0, 1)
    ]
