"""Imported annotations are joined by a stated key, fit in labels and offsets, and each is accounted for."""

import orjson
import pytest

from goldpan.errors import AnswerError, SheetError
from goldpan.imports.annotations.exported import ExportedAnnotation, MarkedSpan
from goldpan.imports.annotations.joining import JoinIndex, JoinKey, NotJoinedError
from goldpan.imports.annotations.offsets import RecordText, place_spans
from goldpan.imports.annotations.times import TimeReader
from goldpan.waves.items import item_id
from tests.imported_waves import MARKED, answers_by, imported, spans_by
from tests.wave_builders import COMPLAINT, TEXTS, TONE, TOPICS


@pytest.fixture
def table(tmp_path):
    """Writes rows as JSON Lines; returns the file."""

    def write(*rows, name="rows.jsonl"):
        path = tmp_path / name
        path.write_bytes(b"".join(orjson.dumps({"annotator": "ann", **row}) + b"\n" for row in rows))
        return path

    return write


def refused(tmp_path, file, settings=None, *features, **options):
    with pytest.raises(SheetError) as error:
        imported(tmp_path / "sheets", file, settings, *features, **options)
    assert not list((tmp_path / "sheets").glob("*")), "nothing may be written"
    return str(error.value)


@pytest.mark.parametrize(
    ("key", "row"),
    [
        (None, {"item_id": item_id("r2")}),
        (None, {"id": "r2"}),
        ("url", {"url": "https://example.org/2"}),
        ("data.url", {"url": "https://example.org/2"}),
        ("link=url", {"link": "https://example.org/2"}),
        ("body=text", {"body": f"{TEXTS[1]}\r\n"}),
        ("meta.link=url", {"meta": {"link": "https://example.org/2"}}),
    ],
)
def test_rows_are_joined_by_any_stated_key(tmp_path, table, key, row):
    file = table({**row, "tone": "Negative"})
    outcome, collected = imported(tmp_path / "sheets", file, {}, TONE, key=key)
    assert answers_by(collected, "ann", "r2") == {"tone": "Negative"}
    assert outcome.taken == 1


def test_rows_in_another_order_make_no_difference(tmp_path, table):
    rows = [{"id": f"r{n}", "tone": tone} for n, tone in ((3, "Neutral"), (1, "Positive"), (2, "Negative"))]
    _, collected = imported(tmp_path / "sheets", table(*rows), {}, TONE)
    assert [answers_by(collected, "ann", f"r{n}")["tone"] for n in (1, 2, 3)] == [
        "Positive", "Negative", "Neutral"
    ]  # fmt: skip


def test_what_is_not_joined_is_counted_with_its_reason(tmp_path, table):
    rows = [{"id": "r1"}, {"id": "r9"}, {"id": ""}, {"id": True}, {"x": 1}, {"id": "r2", "text": "Another."}]
    file = table(*({**row, "tone": "Negative"} for row in rows))
    outcome, _ = imported(tmp_path / "sheets", file, {}, TONE)
    assert (outcome.read, outcome.taken) == (6, 1)
    assert outcome.not_joined == {
        "no row here has its `id`": 1,
        "with nothing in `id` that could be a key": 2,
        "without a field `id`": 1,
        "its `text` is another text than ours": 1,
    }
    assert outcome.examples["no row here has its `id`"].place == "rows.jsonl, line 2"


@pytest.mark.parametrize(
    "column", ["text", "body", {"item": "nested"}], ids=["of our name", "of another name", "nested"]
)
def test_a_text_of_another_item_is_noticed_wherever_it_stands(tmp_path, table, column):
    def with_text(number):
        text = TEXTS[number]
        return {"item": {"nested": text}} if isinstance(column, dict) else {column: text}

    # The column of the texts is sorted by itself; a day that all rows share tells nothing.
    rows = [
        {"id": f"r{n + 1}", "day": "2024-03-01", "tone": "Neutral", **with_text((n + 1) % 4)}
        for n in range(4)
    ]
    text = refused(tmp_path, table(*rows), {}, TONE)
    assert "of 4 annotations none can be taken" in text and "is another text than ours" in text
    rows = [{"id": f"r{n + 1}", "tone": "Neutral", **with_text(n)} for n in range(4)]
    outcome, _ = imported(tmp_path / "sheets", table(*rows), {}, TONE)
    assert outcome.taken == 4 and not outcome.notes


def test_texts_of_neighbours_beside_the_text_itself_are_no_contradiction(tmp_path, table):
    rows = [{"id": f"r{n + 1}", "body": TEXTS[n], "next": TEXTS[n - 1], "tone": "Neutral"} for n in range(4)]
    outcome, _ = imported(tmp_path / "sheets", table(*rows), {}, TONE)
    assert outcome.taken == 4 and not outcome.notes


def test_a_field_that_tells_no_rows_apart_is_no_compared_text(tmp_path, table):
    rows = [{"id": "r1", "url": "https://example.org/1", "tone": "Neutral"}]
    outcome, _ = imported(tmp_path / "sheets", table(*rows), {}, TONE)
    assert any("no text of the export was compared" in note for note in outcome.notes)
    rows.append({"id": "r2", "text": TEXTS[1], "tone": "Neutral"})
    outcome, _ = imported(tmp_path / "both", table(*rows), {}, TONE)
    assert any("compared with ours in 1 of 2 annotations" in note for note in outcome.notes)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_answers_that_differ_neither_is_taken(tmp_path, table, turned):
    rows = [{"id": "r1", "tone": tone} for tone in ("Negative", "Positive", "Positive")]
    rows = [*(rows[::-1] if turned else rows), {"id": "r2", "tone": "Neutral", "seconds": 3}]
    outcome, collected = imported(tmp_path / "sheets", table(*rows), {}, TONE, leaves_out=True)
    assert (outcome.taken, outcome.unfit) == (1, 3)
    assert answers_by(collected, "ann", "r1") == {} and outcome.times == {"times spent": 1}


def test_what_was_read_is_not_said_to_be_no_feature(tmp_path, table):
    row = {"id": "r1", "text": TEXTS[0], "tone": "Neutral", "seconds": 3, "notes": "odd", "thema": "price"}
    outcome, _ = imported(tmp_path / "sheets", table(row), {}, TONE)
    assert outcome.unused == {"thema": 1}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"features": {"tone": "tonee"}}, "no such question; did you mean `tone`"),
        ({"features": {"tone": {"labels": {"NEGATIVE": "Negative"}}}}, "`NEGATIVE`; did you mean `Negative`"),
        ({"texts": {"txt": "body"}}, "no row here has; did you mean `text`"),
        ({"texts": {"text": "bodyy"}}, "no such field; did you mean `body`"),
        ({"seconds": "secs"}, "no such field"),
    ],
)
def test_a_map_that_names_what_is_not_there_is_refused(tmp_path, table, settings, why):
    file = table({"id": "r1", "body": TEXTS[0], "tone": "Negative"})
    assert why in refused(tmp_path, file, settings, TONE)


def test_two_people_do_not_become_one(tmp_path, table):
    file = table({"id": "r1", "tone": "Negative"}, {"id": "r2", "annotator": "ben", "tone": "Negative"})
    text = refused(tmp_path, file, {}, TONE, annotator="ben")
    assert "all is by `ben`, and the export has what `ann` said" in text


def test_a_key_of_several_rows_joins_none():
    index = JoinIndex(
        JoinKey.parse("title=text"), ["a", "b", "c"], lambda row, _: ["twice" if row < "c" else 3]
    )
    with pytest.raises(NotJoinedError, match="several rows here have its `text`: `twice`"):
        index.of(ExportedAnnotation("t.csv, row 2", {"title": "twice "}))
    assert index.of(ExportedAnnotation("t.csv, row 3", {"title": 3.0})) == "c"


@pytest.mark.parametrize("key", ["", "=", "text=", "=id", "data."])
def test_half_a_key_is_refused(key):
    with pytest.raises(SheetError, match="is no key"):
        JoinKey.parse(key)


def test_without_a_key_nothing_is_guessed(tmp_path, table):
    assert "nothing says which row" in refused(tmp_path, table({"row": 1, "tone": "Negative"}), {}, TONE)


def test_a_key_that_no_row_has_is_named(tmp_path, table):
    text = refused(tmp_path, table({"idd": "r1", "tone": "Negative"}), {}, TONE, key="idx=id")
    assert "no row of the export has a field `idx`; did you mean `idd`?" in text


def test_labels_that_do_not_fit_are_named_by_file_and_row(tmp_path, table):
    file = table({"id": "r1", "tone": "Postive"}, {"id": "r2", "tone": "Negative"})
    text = refused(tmp_path, file, {}, TONE)
    assert "1 of 2 annotations do not fit" in text
    assert "rows.jsonl, line 1: `tone`: `Postive` is not one of the labels; did you mean `Positive`?" in text


def test_the_rest_is_imported_where_one_says_so(tmp_path, table):
    file = table({"id": "r1", "tone": "Postive"}, {"id": "r2", "tone": "Negative"})
    outcome, collected = imported(tmp_path / "sheets", file, {}, TONE, leaves_out=True)
    assert (outcome.taken, outcome.unfit, outcome.read) == (1, 1, 2)
    assert answers_by(collected, "ann", "r1") == {}


def test_a_map_renames_questions_labels_and_people(tmp_path, table):
    file = table(
        {"id": "r1", "annotator": "7", "labels": ["POS", "RUDE"]},
        {"id": "r2", "annotator": "8", "labels": ["NEG"]},
    )
    settings = {
        "annotators": {"7": "ben", "8": None},
        "features": {
            "tone": {"from": "labels", "labels": {"POS": "Positive", "NEG": "Negative", "RUDE": None}},
            "complaint": {"from": "labels", "labels": {"RUDE": True}, "otherwise": False},
        },
    }
    outcome, collected = imported(tmp_path / "sheets", file, settings, TONE, COMPLAINT)
    assert answers_by(collected, "ben", "r1") == {"tone": "Positive", "complaint": True}
    assert outcome.left_out == {"by an annotator whom the map leaves out": 1}


def test_an_annotator_whom_the_wave_does_not_have_is_no_guess(tmp_path, table):
    file = table({"id": "r1", "annotator": "anne", "tone": "Negative"})
    assert "`anne` is no annotator of the wave; did you mean `ann`?" in refused(tmp_path, file, {}, TONE)
    outcome, _ = imported(tmp_path / "sheets", file, {}, TONE, annotator="ben")
    assert outcome.written[0].rpartition("/")[2].startswith("ben.imported-")


def test_two_answers_of_one_annotator_name_both_rows(tmp_path, table):
    file = table({"id": "r1", "tone": "Negative"}, {"id": "r1", "tone": "Positive"})
    text = refused(tmp_path, file, {}, TONE)
    assert (
        'line 2: `ann` answers `tone` with "Positive" here, but with "Negative" in rows.jsonl, line 1' in text
    )


def test_the_same_import_twice_writes_nothing_and_a_contradiction_is_refused(tmp_path, table):
    file = table({"id": "r1", "tone": "Negative"})
    first, _ = imported(tmp_path / "sheets", file, {}, TONE)
    again, _ = imported(tmp_path / "sheets", file, {}, TONE)
    assert first.written == again.unchanged and not again.written
    other = table({"id": "r1", "tone": "Positive"}, name="other.jsonl")
    with pytest.raises(SheetError, match='answers `tone` with "Positive" here, but with "Negative"') as error:
        imported(tmp_path / "sheets", other, {}, TONE)
    assert "other.jsonl, line 1" in str(error.value) and "delete that file" in str(error.value)
    rest = table({"id": "r1", "tone": "Positive"}, {"id": "r2", "tone": "Neutral"}, name="rest.jsonl")
    outcome, _ = imported(tmp_path / "sheets", rest, {}, TONE, leaves_out=True, writes=False)
    assert (outcome.taken, outcome.unfit) == (1, 1)
    assert len(list((tmp_path / "sheets").iterdir())) == 1


def test_a_dry_run_writes_nothing(tmp_path, table):
    outcome, collected = imported(
        tmp_path / "sheets", table({"id": "r1", "tone": "Negative"}), {}, TONE, writes=False
    )
    assert len(outcome.written) == 1 and not collected.answers
    assert not (tmp_path / "sheets").exists()


def test_an_empty_list_is_none_of_the_labels_and_an_empty_cell_no_answer(tmp_path, table):
    file = table({"id": "r1", "topics": []}, {"id": "r2", "topics": None})
    outcome, collected = imported(tmp_path / "sheets", file, {}, TOPICS)
    assert answers_by(collected, "ann", "r1") == {"topics": []}
    assert outcome.left_out == {"without an answer to any feature": 1}


# Marked places

EMOJI = "😀 the 👍 lid broke, the lid"


def placed(text, *spans, unit=None, others=()):
    texts = [
        RecordText("text", (), text),
        *(RecordText(f"field{n}", (), other) for n, other in enumerate(others)),
    ]
    return [(span.of.field, span.start, span.end, span.text) for span in place_spans(spans, texts, [], unit)]


def test_offsets_of_javascript_are_counted_anew_where_the_text_tells_so():
    # Python counts two characters before "the", a browser three.
    assert placed(EMOJI, MarkedSpan("", 3, 6, "the")) == [("text", 2, 5, "the")]
    assert placed(EMOJI, MarkedSpan("", 2, 5, "the")) == [("text", 2, 5, "the")]
    assert placed("e\u0301 lid", MarkedSpan("", 3, 6, "lid")) == [("text", 3, 6, "lid")]


@pytest.mark.parametrize(
    "there", ["  Zo\u00eb's\nlid broke", "Zoe\u0308's\r\nlid broke ", "Zo\u00eb's\r\nlid broke"]
)
@pytest.mark.parametrize("marked", [None, "lid"])
def test_offsets_in_a_text_that_is_written_otherwise_are_counted_anew(there, marked):
    ours = RecordText("text", (), "Zo\u00eb's\nlid broke")
    at = there.index("lid")
    (span,) = place_spans([MarkedSpan("", at, at + 3, marked)], [ours], [there], None)
    assert (span.start, span.text) == (6, "lid")


def test_offsets_behind_an_emoji_without_a_text_need_a_word():
    with pytest.raises(AnswerError, match="say so with `offsets`"):
        placed(EMOJI, MarkedSpan("", 11, 14))
    assert placed(EMOJI, MarkedSpan("", 8, 11), unit="code_points") == [("text", 8, 11, "lid")]
    assert placed(EMOJI, MarkedSpan("", 10, 13), unit="utf16") == [("text", 8, 11, "lid")]


def test_offsets_that_may_mean_two_places_are_refused():
    with pytest.raises(AnswerError, match="say so with `offsets`"):
        placed("😀aaa", MarkedSpan("", 2, 3, "a"))


@pytest.mark.parametrize(
    "span",
    [
        MarkedSpan("", 0, 3, "lid"),
        MarkedSpan("", 4, 4, ""),
        MarkedSpan("", 7, 4, "lid"),
        MarkedSpan("", -4, 3),
        MarkedSpan("", 4, 400),
        MarkedSpan("", 10**18, 10**18 + 3, "lid"),
    ],
)
def test_places_that_the_text_does_not_have_are_refused(span):
    with pytest.raises(AnswerError, match="`text` has no"):
        placed("The lid broke.", span)


def test_a_place_that_fits_two_texts_needs_a_word(tmp_path, table):
    with pytest.raises(AnswerError, match="`text` and `field0`: say with `texts`"):
        placed("The lid broke.", MarkedSpan("", 4, 7, "lid"), others=["The lid held."])
    assert placed("The lid broke.", MarkedSpan("", 4, 7, "lid"), others=["No."])[0][0] == "text"


def test_marked_places_of_a_plain_table(tmp_path, table):
    spans = [{"start": 4, "end": 7, "label": "part", "text": "lid"}]
    _, collected = imported(tmp_path / "sheets", table({"id": "r2", "parts": spans}), {}, MARKED)
    assert answers_by(collected, "ann", "r2")["parts"] == [{"name": "lid", "kind": "part", "count": None}]
    assert spans_by(collected, "ann", "r2") == [(4, 7, "lid")]


def test_marked_places_are_no_label(tmp_path, table):
    file = table({"id": "r2", "tone": [[4, 7, "PART"]]})
    assert "places are marked, which are no answer to a classification" in refused(tmp_path, file, {}, TONE)


# Times


@pytest.mark.parametrize("value", [-1, "soon", float("nan"), float("inf"), True, [3], "1e999"])
def test_what_is_no_time_spent_is_counted_and_not_kept(value):
    times = TimeReader()
    assert times.seconds(value) is None and times.refused.total() == 1


@pytest.mark.parametrize(
    "value", ["yesterday", "2026-03-01T10:00:00", 0, "0001-01-01T00:00:00+00:00", 1e30, True, {"a": 1}]
)
def test_what_is_no_moment_is_counted_and_not_kept(value):
    times = TimeReader()
    assert times.answered_at(value) is None and times.refused.total() == 1


@pytest.mark.parametrize(
    "value", ["2026-03-01T11:00:00.5+01:00", 1772359200, "1772359200000", "2026-03-01T10:00:00Z"]
)
def test_moments_are_kept_in_utc(value):
    assert TimeReader().answered_at(value) == "2026-03-01T10:00:00Z"
