"""Events of a tracker as rows of a table, whoever wrote them and whatever they name."""

import csv
import io

from goldpan.tracking.events import table_of_events


def rows_of(*events):
    return list(csv.DictReader(io.StringIO(table_of_events(events, {}).decode("utf-8-sig"))))


def test_metadata_that_is_called_as_a_kind_of_column_stands_beside_the_answers():
    (row,) = rows_of(
        {
            "id": "e1",
            "output": {"f": "yes"},
            "metadata": {"answer": {"f": "old"}, "expected": "x", "right": 1, "reasoning": "r", "note": "n"},
        }
    )
    assert (row["answer.f"], row["metadata.answer.f"]) == ("yes", "old")
    assert (row["metadata.expected"], row["metadata.right"], row["metadata.reasoning"]) == ("x", "1", "r")
    assert row["note"] == "n"


def test_metadata_of_others_does_not_take_the_place_of_what_a_row_is_itself():
    mine = {"id": 7, "state": "Texas", "reason": "why", "input": "i", "model": "m", "score.f": "s"}
    (row,) = rows_of({"id": "e1", "input": "text", "scores": {"f": 0.5}, "metadata": mine})
    assert (row["id"], row["state"], row["reason"], row["input"]) == ("e1", "ok", "", "text")
    assert row["score.f"] == "0.5" and row["model"] == "m"
    beside = {name: row[f"metadata.{name}"] for name in ("id", "state", "reason", "input", "score.f")}
    assert beside == {"id": "7", "state": "Texas", "reason": "why", "input": "i", "score.f": "s"}


def test_two_columns_of_one_name_are_both_there():
    (row,) = rows_of({"id": "e1", "metadata": {"metadata": {"state": "inner"}, "state": "outer"}})
    assert sorted([row["metadata.state"], row["metadata.metadata.state"]]) == ["inner", "outer"]
