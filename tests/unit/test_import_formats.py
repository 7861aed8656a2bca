"""Exports written by the real tools (tests/data/imports) become filled sheets that say the same."""

import orjson
import pytest

from goldpan.errors import SheetError
from goldpan.imports.annotations.formats import read_exports
from goldpan.imports.annotations.mapping import AnnotationMap
from tests.imported_waves import (
    EXPORTS,
    KETTLE,
    LETTERS,
    LID,
    SPANS_AS_OBJECTS,
    answers_by,
    imported,
    spans_by,
)
from tests.wave_builders import ORDER, TEXTS, TONE, TOPICS

PEOPLE = {"ann@example.org": "ann", "ben@example.org": "ben"}
USERS = {"1" * 8 + "-1111-4111-8111-" + "1" * 12: "ann", "2" * 8 + "-2222-4222-8222-" + "2" * 12: "ben"}
LABEL_STUDIO = {"key": "url", "annotators": PEOPLE, "features": {"parts": SPANS_AS_OBJECTS}}
ANN_ON_LID = {
    "tone": "Negative",
    "topics": ["quality", "delivery"],
    "complaint": True,
    "stars": 1,
    "gist": "It broke",
    "parts": [LID, LETTERS],
}
BEN_ON_KETTLE = {
    "tone": "Positive",
    "topics": ["price", "quality"],
    "complaint": False,
    "stars": 4,
    "gist": "Good",
}


def lines(*rows):
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


@pytest.mark.parametrize("file", ["label_studio.json", "label_studio_min.json", "label_studio.csv"])
def test_label_studio_labels_spans_annotators_and_times(tmp_path, file):
    outcome, collected = imported(tmp_path, EXPORTS / file, LABEL_STUDIO)
    assert answers_by(collected, "ann", "r2") == ANN_ON_LID
    assert answers_by(collected, "ben", "r1") == BEN_ON_KETTLE
    assert spans_by(collected, "ann", "r2") == [(4, 7, "lid"), (50, 57, "letters")]
    assert collected.seconds["ann"][next(iter(collected.ratings["tone"]))] == 7.5
    assert outcome.taken == 4 and outcome.refused_times == {"time spent: less than nothing": 1}
    assert outcome.times == {"times spent": 3, "times of answering": 4}


def test_label_studio_says_which_annotations_are_none(tmp_path):
    outcome, _ = imported(tmp_path, EXPORTS / "label_studio.json", LABEL_STUDIO)
    assert outcome.left_out == {"skipped by the annotator": 1, "no annotation": 1}
    assert outcome.read == 6


def test_when_an_answer_was_given_is_kept_in_the_sheet(tmp_path):
    imported(tmp_path, EXPORTS / "label_studio.json", LABEL_STUDIO)
    (sheet,) = tmp_path.glob("ann.imported-*.json")
    document = orjson.loads(sheet.read_bytes())
    assert document["answers"][0]["answered_at"] == "2026-03-01T10:00:00Z"
    assert document["imported"]["files"][0]["format"] == "label_studio"


@pytest.mark.parametrize("file", ["potato_output", "potato.jsonl", "potato.csv", "potato.tsv"])
def test_potato_labels_spans_and_annotators(tmp_path, file):
    settings = {"features": {"parts": SPANS_AS_OBJECTS}, "texts": {"text": "text"}}
    outcome, collected = imported(tmp_path, EXPORTS / file, settings)
    assert answers_by(collected, "ann", "r2") == ANN_ON_LID
    # Whoever marks nothing is not told from whoever was not asked to.
    assert answers_by(collected, "ben", "r1") == BEN_ON_KETTLE
    assert spans_by(collected, "ann", "r1") == [(4, 10, "kettle")]
    assert (outcome.key, outcome.taken) == ("id", 4)


def test_potato_keeps_the_time_spent(tmp_path):
    settings = {"features": {"parts": SPANS_AS_OBJECTS}, "texts": {"text": "text"}}
    _, collected = imported(tmp_path, EXPORTS / "potato_output", settings)
    assert set(collected.seconds["ben"].values()) == {9.5}


def test_argilla_json(tmp_path):
    settings = {"annotators": USERS, "features": {"parts": SPANS_AS_OBJECTS}}
    outcome, collected = imported(tmp_path, EXPORTS / "argilla.json", settings)
    said = {"tone": "Positive", "topics": ["quality"], "stars": 5, "parts": [KETTLE]}
    assert answers_by(collected, "ann", "r1") == said
    assert answers_by(collected, "ben", "r1") == {"tone": "Positive"}
    assert outcome.unused == {"order": 1} and outcome.left_out == {"no annotation": 1}
    assert any("still pending" in note for note in outcome.notes)


def test_argilla_tables_tell_drafts(tmp_path):
    settings = {"annotators": USERS, "features": {"parts": SPANS_AS_OBJECTS}, "texts": {"text": "text"}}
    outcome, collected = imported(tmp_path, EXPORTS / "argilla.parquet", settings)
    assert answers_by(collected, "ann", "r1")["parts"] == [KETTLE]
    assert answers_by(collected, "ben", "r2") == {}
    assert outcome.left_out["a draft, not submitted"] == 1


def test_argilla_ranks_become_an_order(tmp_path):
    _, collected = imported(tmp_path, EXPORTS / "argilla.json", {"annotators": USERS}, ORDER)
    assert answers_by(collected, "ann", "r2") == {"order": ["price", "looks", "strength"]}


def test_argilla_1_feedback_and_older_datasets(tmp_path):
    feedback = [
        {
            "fields": {"text": TEXTS[0]},
            "external_id": "r1",
            "metadata": {},
            "responses": [
                {"user_id": "ann", "status": "submitted", "values": {"tone": {"value": "Positive"}}},
                {"user_id": "ben", "status": "discarded", "values": {"tone": {"value": "Negative"}}},
            ],
        }
    ]
    older = {
        "text": TEXTS[1],
        "id": "r2",
        "annotation": "Negative",
        "annotation_agent": "ann",
        "status": "Validated",
    }
    (tmp_path / "feedback.json").write_bytes(orjson.dumps(feedback))
    (tmp_path / "older.jsonl").write_bytes(
        lines({**older, "status": "Validated", "prediction": None, "metadata": {}})
    )
    sheets = tmp_path / "sheets"
    outcome, collected = imported(sheets, tmp_path / "feedback.json", {}, TONE)
    assert answers_by(collected, "ann", "r1") == {"tone": "Positive"}
    assert outcome.left_out == {"discarded by the annotator": 1}
    _, collected = imported(sheets, tmp_path / "older.jsonl", {"features": {"tone": "annotation"}}, TONE)
    assert answers_by(collected, "ann", "r2") == {"tone": "Negative"}


@pytest.mark.parametrize("file", ["doccano/ann.jsonl", "doccano/ann.json", "doccano/ann.csv"])
def test_doccano_labels(tmp_path, file):
    settings = {"key": "url", "features": {"tone": "label"}}
    outcome, collected = imported(tmp_path, EXPORTS / file, settings)
    assert answers_by(collected, "ann", "r2") == {"tone": "Negative"}
    assert next(iter(collected.notes.values())) == {"ann": "odd"}
    assert outcome.left_out == {"without an answer to any feature": 1}


def test_doccano_spans(tmp_path):
    settings = {"key": "text", "features": {"parts": {"from": "label", **SPANS_AS_OBJECTS}}}
    _, collected = imported(tmp_path, EXPORTS / "doccano_spans", settings)
    assert answers_by(collected, "ann", "r2") == {"parts": [LID, LETTERS]}
    assert spans_by(collected, "ann", "r2") == [(4, 7, "lid"), (50, 57, "letters")]


def test_doccanos_own_number_is_no_key(tmp_path):
    with pytest.raises(SheetError, match="nothing says which row"):
        imported(tmp_path, EXPORTS / "doccano" / "ann.jsonl", {"features": {"tone": "label"}})


@pytest.mark.parametrize("file", ["hf_dataset", "hf_splits", "hf.parquet"])
def test_hugging_face_datasets(tmp_path, file):
    tones = {"pos": "Positive", "neu": "Neutral", "neg": "Negative"}
    outcome, collected = imported(tmp_path, EXPORTS / file, {"features": {"tone": {"labels": tones}}})
    assert answers_by(collected, "ann", "r2") == {
        "tone": "Negative", "topics": ["quality", "delivery"], "stars": 1
    }  # fmt: skip
    assert answers_by(collected, "ann", "r3") == {"tone": "Neutral", "topics": [], "stars": 3}
    # -1 is how that library writes that there is no label.
    assert answers_by(collected, "ann", "r4") == {"topics": ["price"]}
    assert outcome.times == {"times of answering": 4}


def test_the_formats_are_told_by_content():
    names = (
        "label_studio.json",
        "label_studio.csv",
        "argilla.parquet",
        "potato.csv",
        "doccano",
        "hf_dataset",
    )
    formats = [export.format for export in read_exports([EXPORTS / name for name in names])]
    assert formats == ["label_studio", "label_studio_min", "argilla", "potato", *["doccano"] * 3, "datasets"]


def prodigy(row, answer="accept", **more):
    task = {"text": TEXTS[row - 1], "meta": {"id": f"r{row}"}, "_input_hash": row, "_task_hash": row}
    return {
        **task,
        "answer": answer,
        "_annotator_id": "shop-ann",
        "_session_id": "shop-ann",
        "_timestamp": 1772359200,
        **more,
    }


PRODIGY_MAP = {"key": "id", "annotators": {"shop-ann": "ann"}}


def test_prodigy_choices_binary_labels_spans_and_typed_text(tmp_path):
    options = [{"id": name, "text": name} for name in ("Positive", "Negative", "Neutral")]
    (tmp_path / "db.jsonl").write_bytes(
        lines(
            prodigy(1, options=options, accept=["Positive"], _view_id="choice"),
            prodigy(2, options=options, accept=["Negative"], _view_id="choice", answer="ignore"),
            prodigy(1, label="COMPLAINT", _view_id="classification", answer="reject"),
            prodigy(2, label="COMPLAINT", _view_id="classification"),
            prodigy(
                2, spans=[{"start": 4, "end": 7, "label": "PART", "token_start": 1}], _view_id="ner_manual"
            ),
            prodigy(3, spans=[], _view_id="ner_manual"),
            prodigy(1, user_input="A good kettle", _view_id="text_input"),
        )
    )
    features = {
        "tone": "accept",
        "complaint": "COMPLAINT",
        "parts": {"from": "spans", **SPANS_AS_OBJECTS},
        "gist": "user_input",
    }
    outcome, collected = imported(
        tmp_path / "sheets", tmp_path / "db.jsonl", {**PRODIGY_MAP, "features": features}
    )
    assert answers_by(collected, "ann", "r1") == {
        "tone": "Positive", "complaint": False, "gist": "A good kettle"
    }  # fmt: skip
    assert answers_by(collected, "ann", "r2") == {"complaint": True, "parts": [LID]}
    assert answers_by(collected, "ann", "r3") == {"parts": []}
    assert outcome.left_out == {"ignored by the annotator": 1}
    assert outcome.times == {"times of answering": 6}


def test_prodigys_notes_on_a_task_are_a_key_by_their_own_path_too(tmp_path):
    task = prodigy(1, label="COMPLAINT", _view_id="classification", meta={"ref": "https://example.org/1"})
    (tmp_path / "db.jsonl").write_bytes(lines(task))
    settings = PRODIGY_MAP | {"key": "meta.ref=url", "features": {"complaint": "COMPLAINT"}}
    _, collected = imported(tmp_path / "sheets", tmp_path / "db.jsonl", settings)
    assert answers_by(collected, "ann", "r1") == {"complaint": True}


def test_labels_that_are_numbers_may_stand_in_a_map_and_truth_values_must_be_in_quotes(tmp_path):
    (tmp_path / "t.csv").write_text("id,annotator,tone\nr1,ann,1\n")
    settings = {"features": {"tone": {"labels": {1: "Positive", 2: "Negative"}}}}
    _, collected = imported(tmp_path / "sheets", tmp_path / "t.csv", settings)
    assert answers_by(collected, "ann", "r1") == {"tone": "Positive"}
    with pytest.raises(ValueError, match="in quotes"):
        AnnotationMap.model_validate({"features": {"tone": {"labels": {True: "Positive"}}}})


def test_plain_tables_with_a_row_for_each_annotator(tmp_path):
    (tmp_path / "t.csv").write_text(
        "id;annotator;tone;topics;seconds\nr1;ann;positive;price; quality;3\n".replace(
            "price; quality", "price"
        )
        + "r1;ben;Neutral;(none);\nr2;ann;(cannot tell);quality;4\n",
        encoding="utf-8-sig",
    )
    outcome, collected = imported(tmp_path / "sheets", tmp_path / "t.csv", {}, TONE, TOPICS)
    assert answers_by(collected, "ann", "r1") == {"tone": "Positive", "topics": ["price"]}
    assert answers_by(collected, "ben", "r1") == {"tone": "Neutral", "topics": []}
    assert answers_by(collected, "ann", "r2") == {"tone": None, "topics": ["quality"]}
    assert outcome.notes[0].startswith("no text") and "'positive' for 'Positive'" in outcome.notes[1]


def test_plain_tables_with_columns_for_each_annotator(tmp_path):
    (tmp_path / "t.tsv").write_text("id\ta_tone\tb_tone\nr1\tPositive\tNegative\nr2\t\tNeutral\n")
    settings = {"features": {"tone": {"from": {"ann": "a_tone", "ben": "b_tone"}}}}
    outcome, collected = imported(tmp_path / "sheets", tmp_path / "t.tsv", settings, TONE)
    assert answers_by(collected, "ann", "r1") == {"tone": "Positive"}
    assert answers_by(collected, "ben", "r2") == {"tone": "Neutral"}
    assert outcome.left_out == {"without an answer to any feature": 1}
