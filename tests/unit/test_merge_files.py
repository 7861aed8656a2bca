"""`merged.csv` and `disagreements.csv`: what is written is read back, whatever it holds."""

import csv
import io

import pytest

from goldpan.errors import SheetError
from goldpan.tasks.features import (
    Binary,
    Classification,
    Extraction,
    Field_,
    Multilabel,
    Ranking,
    Score,
    Text,
)
from goldpan.waves.merging.files import read_merged, shown_by, write_disagreements, write_merged
from goldpan.waves.merging.merged import Merged, Resolution

LABELS = ["=1+1", "NA", "null", "1.0", "TRUE", "-1", "it's", "'=x", "a;b", 'say "hi"', "<b>", "x"]
FEATURES = [
    Binary(type="binary", name="toxic", description="d"),
    Classification(type="classification", name="topic", description="d", labels=LABELS),
    Multilabel(type="multilabel", name="topics", description="d", labels=["p", "q", "r"]),
    Score(type="score", name="grade", description="d", min=-2, max=5),
    Text(type="text", name="reason", description="d"),
    Ranking(type="ranking", name="order", description="d", items=["p", "q", "r"]),
    Extraction(type="extraction", name="people", description="d", fields=[Field_(name="name")]),
]
SHOW = shown_by(FEATURES)


def row(feature, first, second, final=None, resolution=Resolution.NEEDS_REVIEW, item="i1"):
    return Merged(
        item, feature, final, resolution, first == second, {"x": 0.5}, {"ann": first, "ben": second}
    )


def resolved(feature, value):
    return row(feature, value, value, value, Resolution.AGREEMENT)


VALUES = [
    ("toxic", True),
    ("toxic", False),
    ("toxic", None),
    *(("topic", label) for label in LABELS),
    ("topics", []),
    ("topics", ["p", "r"]),
    ("topics", None),
    ("grade", -2),
    ("grade", 0),
    ("reason", "=HYPERLINK(1)"),
    ("reason", 'two\nlines, \u2028 and a quote "'),
    ("reason", "None"),
    ("order", ["q", "p", "r"]),
    ("people", [{"name": "=A1"}, {"name": "B"}]),
    ("people", []),
]


@pytest.mark.parametrize(("feature", "value"), VALUES, ids=str)
def test_a_row_comes_back_as_it_was(feature, value, tmp_path):
    written = [resolved(feature, value), row(feature, value, None)]
    write_merged(tmp_path / "merged.csv", written, SHOW)
    assert read_merged(tmp_path / "merged.csv", FEATURES) == written


def test_an_answer_that_is_missing_stays_missing_and_is_no_abstention(tmp_path):
    missing = Merged("i1", "toxic", True, Resolution.SINGLE, None, {"yes": 1.0}, {"ann": True})
    abstained = Merged("i2", "toxic", None, Resolution.AGREEMENT, True, {}, {"ann": None, "ben": None})
    nobody = Merged("i3", "toxic", None, Resolution.UNANSWERED, None, {}, {})
    write_merged(tmp_path / "merged.csv", [missing, abstained, nobody], SHOW)
    assert read_merged(tmp_path / "merged.csv", FEATURES) == [missing, abstained, nobody]


def cells_of(path):
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_the_columns_are_those_promised(tmp_path):
    write_merged(tmp_path / "merged.csv", [resolved("toxic", True)], SHOW)
    header, line = cells_of(tmp_path / "merged.csv")
    assert dict(zip(header, line, strict=True)) == {
        "item_id": "i1",
        "feature": "toxic",
        "final_label": "yes",
        "resolution": "agreement",
        "annotator_agreement": "yes",
        "llm_decided": "no",
        "soft_label": '{"x":0.5}',
        "annotator_ann": "yes",
        "annotator_ben": "yes",
    }


def test_no_cell_of_either_file_begins_a_formula(tmp_path):
    rows = [row("topic", "=1+1", "x", item="=i1"), row("reason", "@SUM(1)", "-x")]
    write_merged(tmp_path / "merged.csv", rows, SHOW)
    fields = {"=i1": {"text": "+cmd", "=name": "\ttab"}}
    write_disagreements(tmp_path / "disagreements.csv", rows, SHOW, fields)
    for name in ("merged.csv", "disagreements.csv"):
        for line in cells_of(tmp_path / name):
            assert not [cell for cell in line if cell[:1] in tuple("=+-@\t\r")]


def test_disagreements_are_the_open_rows_with_their_fields_and_room_for_a_decision(tmp_path):
    rows = [resolved("topic", "x"), row("topic", "x", "NA", item="i2")]
    write_disagreements(tmp_path / "d.csv", rows, SHOW, {"i2": {"text": "Öl"}, "i1": {"other": "not shown"}})
    header, line = cells_of(tmp_path / "d.csv")
    assert dict(zip(header, line, strict=True)) == {
        "item_id": "i2",
        "feature": "topic",
        "annotator_ann": "x",
        "annotator_ben": "NA",
        "final_label": "",
        "cause": "",
        "notes": "",
        "resolution": "needs_review",
        "field_text": "Öl",
    }
    assert (tmp_path / "d.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("one.csv", "two.csv"):
        write_merged(tmp_path / name, [resolved(*value) for value in VALUES], SHOW)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "item_id,final_label\n1,x\n"])
def test_another_table_is_refused(text, tmp_path):
    (tmp_path / "merged.csv").write_text(text)
    with pytest.raises(SheetError, match="not a table of merged answers"):
        read_merged(tmp_path / "merged.csv", FEATURES)


def test_a_feature_that_the_task_lacks_is_refused_by_row(tmp_path):
    write_merged(tmp_path / "merged.csv", [resolved("toxic", True)], SHOW)
    with pytest.raises(SheetError, match="row 2"):
        read_merged(tmp_path / "merged.csv", FEATURES[1:])


def test_a_table_cut_at_any_byte_is_named_with_what_to_do_unless_whole_rows_are_left(tmp_path):
    path = tmp_path / "merged.csv"
    written = [resolved(*value) for value in VALUES[:3]]
    write_merged(path, written, SHOW)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            rows = read_merged(path, FEATURES)
        except SheetError as error:
            assert str(path) in error.where
            assert error.remedy == "delete the file and run again: it is made from the filled sheets"
        else:
            assert whole[:length].endswith(b"\n") and rows == written[: len(rows)]
