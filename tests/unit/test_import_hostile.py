"""Files that are no exports, or not what they seem: each is refused in words, and nothing is written."""

import gzip
import io
import zipfile

import orjson
import pyarrow
import pytest
from pyarrow import parquet

from goldpan.errors import GoldpanError, SheetError
from goldpan.waves.items import item_id
from tests.imported_waves import FEATURES, imported
from tests.wave_builders import TEXTS

ROW = {"id": "r1", "annotator": "ann", "tone": "Negative"}
TASK = {"id": 1, "data": {"id": "r1", "text": TEXTS[0]}}


def task(**annotation):
    return orjson.dumps([TASK | {"annotations": [{"completed_by": "ann", **annotation}]}])


def result(value, kind="choices", name="tone"):
    return task(result=[{"from_name": name, "to_name": "text", "type": kind, "value": value}])


def argilla(responses, **more):
    record = {"id": "r1", "fields": {"text": TEXTS[0]}, "metadata": {}, "responses": responses, **more}
    return orjson.dumps([record])


def prodigy(**more):
    return orjson.dumps({"text": TEXTS[0], "id": "r1", "_task_hash": 1, "answer": "accept", **more})


def potato(**more):
    return orjson.dumps({"instance_id": "r1", "user_id": "ann", **more})


def packed():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../all.jsonl", orjson.dumps(ROW))
    return buffer.getvalue()


def as_parquet(columns):
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


HOSTILE = {
    # No files of rows
    "empty.json": (b"", "not valid JSON"),
    "empty.jsonl": (b"", "there are no rows"),
    "empty.csv": (b"", "empty"),
    "no_rows.csv": (b"id,tone\n", "there are no rows"),
    "empty_list.json": (b"[]", "there are no rows"),
    "number.json": (b"3", "no list of rows"),
    "one_object.json": (orjson.dumps(ROW), "no list of rows"),
    "numbers.json": (b"[1, 2]", "no JSON object"),
    "cut.json": (task(result=[])[:-9], "not valid JSON"),
    "cut.jsonl": (orjson.dumps(ROW) + b"\n" + orjson.dumps(ROW)[:9], "line 2"),
    "nan.json": (b'[{"id": "r1", "annotator": "ann", "stars": NaN}]', "not valid JSON"),
    "deep.json": (b"[" * 100_000 + b"]" * 100_000, "not valid JSON"),
    "latin1.csv": ("id,tone\nr1,f\xe4\n".encode("latin-1"), "not valid UTF-8"),
    "utf16.csv": ("id,tone\nr1,Negative\n".encode("utf-16-le"), "UTF-16"),
    "quotes.csv": (b'id,tone\nr1,"Negative\n', "not valid CSV"),
    "more_cells.csv": (b"id,tone\nr1,Negative,x\n", "3 cells, and the header has 2"),
    "two_columns.csv": (b"id,tone,tone\nr1,Negative,Positive\n", "two columns `tone`"),
    "no.parquet": (b"PAR1 and nothing else PAR1", "not a whole Parquet file"),
    "bytes.parquet": (as_parquet({"id": ["r1"], "tone": [b"\xff\xfe"]}), "not UTF-8"),
    "no.arrow": (b"ARROW1\0\0 nothing", "not a whole Arrow file"),
    "bomb.jsonl.gz": (gzip.compress(orjson.dumps(ROW))[:-12], "bomb.jsonl.gz"),
    "packed.zip": (packed(), "unpack it"),
    "data.pkl": (b"\x80\x04cos\nsystem\n", "a pickle may run anything"),
    "sheet.xlsx": (b"PK", "save it as CSV"),
    "page.html": (b"<p>", "cannot be read as an export"),
    "own_page.json": (b'{"kind": "goldpan answers", "answers": []}', "nothing needs to be imported"),
    # Rows of several kinds, or of one that they are not
    "mixed.jsonl": (prodigy(label="X") + b"\n" + orjson.dumps(ROW), "has `answer`, and this has not"),
    "mixed.json": (b'[{"data": {"id": "r1"}}, {"id": "r1"}]', "has `data`, and this has not"),
    # Label Studio
    "result_is_text.json": (task(result="Negative"), "not the form expected"),
    "value_is_text.json": (result("Negative"), "not the form expected"),
    "annotations_are_numbers.json": (orjson.dumps([TASK | {"annotations": [1]}]), "not the form expected"),
    "two_labels.json": (result({"choices": ["Positive", "Negative"]}), "only one can hold"),
    "unknown_label.json": (result({"choices": ["Negativ"]}), "did you mean `Negative`"),
    "label_is_object.json": (result({"choices": [{"a": 1}]}), "not one of the labels"),
    "image.json": (result({"x": 1, "rectanglelabels": ["A"]}, "rectanglelabels"), "nothing that can be read"),
    "region.json": (result({"start": 1, "end": 2, "choices": ["Negative"]}), "a choice for a marked region"),
    "html_spans.json": (
        result({"start": "/p[1]", "end": "/p[1]", "hypertextlabels": ["A"]}, "hypertextlabels", "parts"),
        "without offsets",
    ),
    "other_text.json": (
        result({"start": 0, "end": 3, "text": "Lid", "labels": ["part"]}, "labels", "parts"),
        "`text` has no 'Lid' at 0 to 3",
    ),
    "outside.json": (
        result({"start": 9000, "end": 9003, "text": "lid", "labels": ["part"]}, "labels", "parts"),
        "has no 'lid' at 9000",
    ),
    "unknown_kind.json": (
        result({"start": 4, "end": 10, "text": "kettle", "labels": ["THING"]}, "labels", "parts"),
        "kind",
    ),
    # Argilla
    "responses_are_text.json": (argilla("yes"), "none can be taken"),
    "two_ranks.json": (
        argilla(
            {"tone": [{"value": [{"value": "a", "rank": 1}, {"value": "b", "rank": 1}], "user_id": "ann"}]}
        ),
        "two items have one rank",
    ),
    "nobody.json": (argilla({"tone": [{"value": "Negative", "user_id": None}]}), "nothing says who"),
    "offsets_are_text.json": (
        argilla({"parts": [{"value": [{"label": "part", "start": "4", "end": "9"}], "user_id": "ann"}]}),
        "neither a list of labels",
    ),
    # doccano
    "ann.jsonl": (
        orjson.dumps({"text": TEXTS[0], "item_id": item_id("r1"), "label": [], "Comments": []}),
        "none can be taken",
    ),
    "of_an_older_doccano.jsonl": (
        orjson.dumps({"id": 7, "text": TEXTS[0], "label": [], "item_id": item_id("r1")}),
        "--format doccano, or --format table",
    ),
    # Prodigy
    "accept_is_text.jsonl": (prodigy(accept="Negative"), "not the form expected"),
    "spans_without_ends.jsonl": (prodigy(spans=[{"start": 1}]), "not the form expected"),
    # Potato
    "labels_are_lists.jsonl": (
        potato(labels={"tone": {"Negative": "x", "Positive": "y"}}),
        "only one can hold",
    ),
    "spans_are_text.jsonl": (potato(labels={}, spans={"parts": "lid"}), "no list of start, end and name"),
    "user_state.json": (
        b'{"user_id": "ann", "instance_id_to_label_to_value": ["r1"]}',
        "not the state of an annotator",
    ),
    # Plain tables
    "stars.jsonl": (orjson.dumps(ROW | {"stars": 77}), "`stars` is 77"),
    "formula.csv": (b"id,annotator,stars\nr1,ann,=1+1\n", "not a number"),
    "huge_number.jsonl": (orjson.dumps(ROW | {"stars": 1e300}), "stars"),
    "answer_is_object.jsonl": (
        orjson.dumps(ROW | {"tone": {"label": "Negative"}}),
        "an object, not an answer",
    ),
    "annotator.jsonl": (orjson.dumps(ROW | {"annotator": "../ann"}), "is no annotator of the wave"),
    "terminal.jsonl": (orjson.dumps(ROW | {"tone": "\x1b[31mred"}), "not one of the labels"),
}


def test_there_are_enough_of_them():
    assert len(HOSTILE) >= 50


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_words(tmp_path, name):
    content, why = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GoldpanError) as error:
        imported(tmp_path / "sheets", tmp_path / name, {}, *FEATURES)
    said = str(error.value)
    assert why in said
    # Whoever reads it knows which file it is about, or which row of it.
    assert name.split(".")[0] in said
    assert "\x1b" not in said and not (tmp_path / "sheets").exists()


def dataset(folder, **changed):
    table = pyarrow.table({"id": ["r1"], "annotator": ["ann"], "tone": ["Negative"]})
    files = {
        "data.arrow": None,
        "state.json": {"_data_files": [{"filename": "data.arrow"}]},
        "dataset_info.json": {},
    }
    folder.mkdir()
    for name, content in (files | changed).items():
        if content is not None:
            (folder / name).write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    if "data.arrow" not in changed:
        with pyarrow.ipc.new_stream(str(folder / "data.arrow"), table.schema) as writer:
            writer.write_table(table)
    return folder


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"state.json": {"_data_files": [{"filename": "../../secret.arrow"}]}},
            "is not the name of a file in it",
        ),
        ({"state.json": {"_data_files": [{"filename": "/etc/passwd"}]}}, "is not the name of a file in it"),
        ({"state.json": {"_data_files": [{"filename": "gone.arrow"}]}}, "`gone.arrow` is not there"),
        ({"state.json": {"_data_files": "data.arrow"}}, "does not name its files"),
        ({"state.json": b"{"}, "cannot be read"),
        ({"state.json": []}, "not a JSON object"),
        ({"data.arrow": b"\xff" * 64}, "not a whole Arrow file"),
        ({"dataset_dict.json": {"splits": [".."]}}, "is not the name of a file in it"),
    ],
)
def test_a_hostile_dataset_folder_is_refused(tmp_path, changed, why):
    folder = dataset(tmp_path / "set", **changed)
    with pytest.raises(SheetError, match=why):
        imported(tmp_path / "sheets", folder, {}, *FEATURES)


def test_a_link_out_of_a_dataset_folder_is_refused(tmp_path):
    folder = dataset(tmp_path / "set")
    (folder / "data.arrow").rename(tmp_path / "elsewhere.arrow")
    (folder / "data.arrow").symlink_to(tmp_path / "elsewhere.arrow")
    with pytest.raises(SheetError, match="is not there"):
        imported(tmp_path / "sheets", folder, {}, *FEATURES)


def test_a_folder_without_exports_is_refused(tmp_path):
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(SheetError, match="no file that may be an export"):
        imported(tmp_path / "sheets", tmp_path, {}, *FEATURES)
