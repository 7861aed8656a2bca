"""What the annotation and adjudication pages export, read back."""

import orjson
import pytest

from goldpan.errors import SheetError
from goldpan.waves.collect.adjudication import read_decisions
from goldpan.waves.collect.collected import read_collected, write_collected
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from tests.wave_builders import COMPLAINT, PARTS, STARS, TONE, TOPICS, codebook, items, wave

BOOK = codebook(TONE, COMPLAINT, TOPICS, STARS)
FIRST, SECOND, *_ = items()
ANSWER = {"tone": "Neutral", "complaint": False, "topics": [], "stars": 3}


def export(given, /, **changes):
    """An export of ann's page with these answers by item id."""
    return {
        "kind": "goldpan answers",
        "format": 1,
        "study": "shop",
        "wave": "first",
        "annotator": "ann",
        "task_hash": BOOK.task_hash,
        "codebook_hash": BOOK.hash,
        "exported_at": "2026-01-01T00:00:00Z",
        "answers": [{"item_id": item_id, "values": values} for item_id, values in given.items()],
    } | changes


def collected(folder, *documents):
    for number, document in enumerate(documents):
        (folder / f"{number}.json").write_bytes(orjson.dumps(document))
    return collect(folder, GivenOut("shop", "first", wave(), BOOK, items()))


def refusal(folder, *documents):
    with pytest.raises(SheetError) as error:
        collected(folder, *documents)
    return str(error.value)


def test_an_export_is_read(tmp_path):
    result = collected(tmp_path, export({FIRST: ANSWER, SECOND: dict.fromkeys(ANSWER)}))
    assert result.ratings["topics"] == {FIRST: {"ann": []}, SECOND: {"ann": None}}


def test_flags_notes_and_times_are_read(tmp_path):
    document = export({FIRST: {}})
    document["answers"][0] |= {"flag": True, "note": "odd", "seconds": 4.2, "skipped": True}
    result = collected(tmp_path, document)
    assert result.flags == {FIRST: ["ann"]} and result.seconds == {"ann": {FIRST: 4.2}}
    assert result.status.annotators["ann"].answered == 0


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "ann.json").write_bytes(b"\xef\xbb\xbf" + orjson.dumps(export({FIRST: ANSWER})))
    given_out = GivenOut("shop", "first", wave(), BOOK, items())
    assert collect(tmp_path, given_out).ratings["stars"] == {FIRST: {"ann": 3}}


def test_a_later_export_of_the_same_page_adds_to_the_earlier(tmp_path):
    result = collected(tmp_path, export({FIRST: ANSWER}), export({FIRST: ANSWER, SECOND: ANSWER}))
    assert result.status.annotators["ann"].answered == 2


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (export({FIRST: ANSWER}, wave="second"), "a sheet of the wave `second`"),
        (export({FIRST: ANSWER}, codebook_hash="0" * 64), "accept_codebooks: [000000000000]"),
        (export({FIRST: ANSWER}, annotator="cat"), "no annotator `cat`"),
        (export({FIRST: ANSWER}, annotator="adjudication"), "no annotator `adjudication`"),
        (export({FIRST: ANSWER | {"tone": "Sad"}}), "not one of the labels"),
        (export({FIRST: ANSWER | {"stars": 9}}), "outside 1 to 5"),
        (export({FIRST: ANSWER | {"complaint": "no"}}), "not true or false"),
        (export({FIRST: ANSWER | {"mood": "x"}}), "does not ask for `mood`"),
        (export({"i0": ANSWER}), "has no item `i0`"),
        (export({}, answers="none"), "not the form expected: answers"),
    ],
)
def test_an_export_that_cannot_be_used_is_refused(tmp_path, document, message):
    assert message in refusal(tmp_path, document)


def test_an_export_of_another_wave_need_not_be_exported_again(tmp_path):
    assert refusal(tmp_path, export({FIRST: ANSWER}, wave="second")).endswith("the folder of its own wave")


def test_two_exports_that_contradict_each_other_are_refused(tmp_path):
    other = export({FIRST: ANSWER | {"tone": "Positive"}})
    assert "`ann` answers `tone` with `Positive` here" in refusal(tmp_path, export({FIRST: ANSWER}), other)


# Decisions

GIVEN_OUT = GivenOut("shop", "first", wave(), BOOK, items())


def decided(*decisions, **changes):
    return export({}, kind="goldpan decisions", annotator="adjudication", decisions=list(decisions)) | changes


def decision(item_id=FIRST, feature="tone", value="Neutral", cause="slip", note=""):
    return {"item_id": item_id, "feature": feature, "value": value, "cause": cause, "note": note}


def read(folder, *documents):
    for number, document in enumerate(documents):
        (folder / f"{number}.json").write_bytes(orjson.dumps(document))
    return read_decisions(folder, GIVEN_OUT)


def test_decisions_of_a_page_are_read_with_their_causes(tmp_path):
    decisions = read(tmp_path, decided(decision(note="see above"), decision(SECOND, "topics", ["price"], "")))
    first = decisions["tone"][FIRST]
    assert (first.value, first.cause, first.note) == ("Neutral", "slip", "see above")
    assert decisions["topics"][SECOND].value == ["price"]


def test_decisions_in_a_table_are_read(tmp_path):
    (tmp_path / "decisions.csv").write_text(
        "item_id;feature;annotator_a;final_label;cause;notes\n"
        f"{FIRST};tone;x;neutral;Edge case;\n{SECOND};stars;;;;\n",
        encoding="utf-8-sig",
    )
    decisions = read_decisions(tmp_path, GIVEN_OUT)
    assert decisions["tone"][FIRST].value == "Neutral" and decisions["tone"][FIRST].cause == "edge case"
    assert "stars" not in decisions


def test_decisions_are_no_answers_of_an_annotator(tmp_path):
    (tmp_path / "decisions.csv").write_text(f"item_id,feature,final_label\n{FIRST},tone,Neutral\n")
    assert collected(tmp_path, decided(decision())).ratings == {}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (decided(decision(value="Sad")), "not one of the labels"),
        (decided(decision(cause="bad day")), "there is no cause `bad day`"),
        (decided(decision("i0")), "has no item `i0`"),
        (decided(decision(feature="mood")), "does not ask for `mood`"),
        (decided(decision(), wave="second"), "a sheet of the wave `second`"),
        (decided(decision(), annotator="ann"), "not the decisions of an adjudication page"),
        (decided(decision(), decision(value="Positive")), "is decided otherwise in"),
    ],
)
def test_decisions_that_cannot_be_used_are_refused(tmp_path, document, message):
    with pytest.raises(SheetError) as error:
        read(tmp_path, document)
    assert message in str(error.value)


def test_two_files_that_decide_otherwise_are_refused(tmp_path):
    with pytest.raises(SheetError, match="is decided otherwise in"):
        read(tmp_path, decided(decision()), decided(decision(value="Positive")))


# Marked places

MARKED = "The 🫖👩‍🔬 lid broke; cafe\u0301 ok."
PART_BOOK = codebook(PARTS)


def marked_export(**changes):
    start = MARKED.index("lid")
    span = {"of": "part", "field": "text", "path": [], "start": start, "end": start + 3, "text": "lid"}
    answer = {
        "item_id": FIRST,
        "values": {"parts": [{"part": "lid", "count": None, "broken": True}]},
        "spans": {"parts": [[span | changes]]},
    }
    return export({}, codebook_hash=PART_BOOK.hash, answers=[answer])


def collect_marked(folder, document):
    (folder / "0.json").write_bytes(orjson.dumps(document))
    given = GivenOut("shop", "first", wave(), PART_BOOK, items([MARKED, "x"]))
    return collect(folder, given)


def test_marked_places_come_back_with_the_answer_and_survive_its_file(tmp_path):
    collected_wave = collect_marked(tmp_path, marked_export())
    write_collected(collected_wave, tmp_path / "answers.jsonl", tmp_path / "status.json")
    answer = read_collected(tmp_path / "answers.jsonl", tmp_path / "status.json").answers[0]
    ((span,),) = answer.spans["parts"]
    assert MARKED[span["start"] : span["end"]] == "lid" and span["field"] == "text"


def test_an_answer_without_marked_places_says_nothing_of_them(tmp_path):
    write_collected(
        collected(tmp_path, export({FIRST: ANSWER})), tmp_path / "answers.jsonl", tmp_path / "status.json"
    )
    assert b"spans" not in (tmp_path / "answers.jsonl").read_bytes()


@pytest.mark.parametrize(
    "changed", [{"start": 5}, {"field": "title"}, {"path": [0]}, {"start": -3, "end": 200}, {"text": "Lid"}]
)
def test_a_marked_place_that_the_item_does_not_have_is_refused(tmp_path, changed):
    with pytest.raises(SheetError, match=r"the item has no '[lL]id'"):
        collect_marked(tmp_path, marked_export(**changed))


def test_marked_places_of_another_number_of_objects_are_refused(tmp_path):
    document = marked_export()
    document["answers"][0]["values"]["parts"] = []
    with pytest.raises(SheetError, match="does not fit the number of its objects"):
        collect_marked(tmp_path, document)
