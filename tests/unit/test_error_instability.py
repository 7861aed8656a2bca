"""Rows whose answer is not always the same, from files of stages."""

import orjson
import pytest

from goldpan.error_analysis.instability import MOST_LISTED, unstable_rows
from goldpan.error_analysis.items import AnswerFiles
from goldpan.errors import SourceError
from goldpan.evaluation.coding import FeatureValues
from goldpan.study.error_analysis import ErrorAnalysis
from goldpan.tasks.features import prediction_of
from goldpan.waves.items import item_id
from tests.error_items import evaluated_row, of_rows
from tests.wave_builders import GIST, TONE

SETTINGS = ErrorAnalysis()
VALUES = FeatureValues(TONE)
P, N, U = "Positive", "Negative", "Neutral"


def stage(root, name, answers, feature="tone"):
    """The files of a stage: record id -> its answer, or several samples of which the first is taken, or the
    state that it failed in."""
    features, records = root / f"{name}.jsonl", root / f"{name}.records.jsonl"
    with features.open("wb") as rows, records.open("wb") as of_records:
        for line, (id, answer) in enumerate(answers, 1):
            head = {"id": id, "source": "notes", "file": "a"}
            said = answer if isinstance(answer, list) else [answer]
            is_answered = said[0] in (P, N, U)
            row = {**head, "state": "ok" if is_answered else said[0], "features": {}}
            if is_answered:
                row["features"] = {feature: prediction_of("classification", said[0])}
            if len(said) > 1:
                row["samples"] = [
                    {"features": {feature: prediction_of("classification", label)}} for label in said
                ]
            rows.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            record = {**head, "line": line, "data": {"text": f"text of {id}", "n": line}}
            of_records.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    return AnswerFiles(name, feature, features, records)


def gold(*ids, wrong=()):
    rows = [
        evaluated_row(
            number, P, N if id in wrong else P, item_id=item_id(id), id=id, data={"text": f"text of {id}"}
        )
        for number, id in enumerate(ids)
    ]
    return of_rows(rows, feature="tone")


def test_rows_whose_samples_differ_are_listed_also_where_nobody_labelled_them(tmp_path):
    files = stage(
        tmp_path,
        "ask",
        [("a", [P, P, P, P]), ("b", [P, P, P, N]), ("c", [P, N, U, U]), ("d", "failed"), ("e", [N, N])],
    )
    found = unstable_rows(gold("a", "c", wrong=["c"]), VALUES, files, (), SETTINGS)
    assert (found.compared, found.unstable) == (4, 2)
    assert [(row.id, row.gold, row.predicted) for row in found.listed()] == [("c", P, P), ("b", "", P)]
    first, second = found.listed()
    assert 1 > first.score > second.score > 0
    assert second.why == "4 samples: Positive 3, Negative 1"
    assert second.fields == {"text": "text of b", "n": "2"}
    assert second.item_id == item_id("b")
    assert (found.wrong_if_unstable.value, found.wrong_if_stable.value) == (1, 0)
    assert [(source.name, source.compared, source.unstable) for source in found.sources] == [
        ("samples", 4, 2)
    ]


def test_stages_that_ask_in_other_words_are_joined_by_id(tmp_path):
    own = stage(tmp_path, "ask", [("a", P), ("b", P), ("c", N), ("d", U), ("e", "refused")])
    again = stage(tmp_path, "again", [("d", U), ("x", P), ("b", N), ("a", P), ("e", P)], feature="mood")
    other = stage(tmp_path, "other", [("a", N), ("b", N)])
    found = unstable_rows(gold("a"), VALUES, own, (again, other), SETTINGS)
    assert {row.id: row.why for row in found.listed()} == {
        "a": "again: Positive; other: Negative",
        "b": "again: Negative; other: Negative",
    }
    sources = {source.name: (source.compared, source.unstable, source.unjoined) for source in found.sources}
    # On one side only: `c` here, `x` and `e` there; and c, d of `other`.
    assert sources == {"again": (3, 1, 3), "other": (2, 2, 2)}
    assert (found.compared, found.unstable) == (3, 2)


def test_the_share_of_unstable_rows_has_an_interval(tmp_path):
    files = stage(tmp_path, "ask", [(f"r{n}", [P, N] if n % 5 == 0 else [P, P]) for n in range(100)])
    found = unstable_rows(gold(), VALUES, files, (), SETTINGS)
    assert found.share.value == 0.2
    assert found.share.interval.low < 0.2 < found.share.interval.high
    assert "20 of 100 rows" in found.finding


def test_stable_rows_are_said_to_be_stable(tmp_path):
    files = stage(tmp_path, "ask", [(f"r{n}", [P, P, P]) for n in range(30)])
    found = unstable_rows(gold(), VALUES, files, (), SETTINGS)
    assert found.finding == "All 30 rows with several answers have the same one each time."
    assert not found.rows


def test_of_very_many_the_least_stable_are_listed_and_all_are_counted(tmp_path):
    answers = [(f"r{n:06}", [P, N, U] if n % 100 == 0 else [P, P, N]) for n in range(MOST_LISTED + 500)]
    found = unstable_rows(gold(), VALUES, stage(tmp_path, "ask", answers), (), SETTINGS)
    assert found.unstable == MOST_LISTED + 500
    rows = list(found.listed())
    assert len(rows) == MOST_LISTED
    assert [row.score for row in rows] == sorted((row.score for row in rows), reverse=True)
    least_stable = {row.id for row in rows if row.score == 1}
    assert least_stable == {id for id, answer in answers if len(set(answer)) == 3}
    assert any(f"{MOST_LISTED:,} least stable" in note for note in found.notes)


def test_where_nothing_is_asked_twice_the_reason_stands_there(tmp_path):
    files = stage(tmp_path, "ask", [("a", P), ("b", N)])
    assert "asked once" in unstable_rows(gold("a"), VALUES, files, (), SETTINGS).reason
    assert "no answers of a stage" in unstable_rows(gold("a"), VALUES, None, (), SETTINGS).reason
    texts = of_rows([], kind="text")
    assert "Free texts" in unstable_rows(texts, FeatureValues(GIST), files, (), SETTINGS).reason
    empty = stage(tmp_path, "empty", [])
    assert unstable_rows(gold(), VALUES, empty, (), SETTINGS).reason


def test_two_rows_of_one_record_and_damaged_lines_are_errors(tmp_path):
    own = stage(tmp_path, "ask", [("a", P)])
    twice = stage(tmp_path, "twice", [("a", P), ("a", N)])
    with pytest.raises(SourceError, match="two rows of record `a`") as caught:
        unstable_rows(gold("a"), VALUES, own, (twice,), SETTINGS)
    assert "twice.jsonl, line 2" in str(caught.value)
    own.features.write_bytes(own.features.read_bytes() + b'{"id": "b"}\n')
    with pytest.raises(SourceError, match=r"lacks"):
        unstable_rows(gold("a"), VALUES, own, (), SETTINGS)
