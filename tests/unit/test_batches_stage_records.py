"""A later stage is asked about exactly the records that an earlier one answered as it wishes, by id."""

import orjson
import pytest

from goldpan.errors import ReconciliationError, SourceError, WhereError
from goldpan.stages.earlier import EarlierStage
from goldpan.stages.records import follow_stage, gather_records
from goldpan.tasks.features import Score
from goldpan.tasks.where import Where

SCORE = Score(name="score", type="score", description="Score.", min=0, max=3)


def record(identity: str, **more) -> dict:
    return {"id": identity, "source": "s", "file": "f", "line": 1, "data": {"text": identity}, **more}


def row(identity: str, score: int | None = None, state: str = "ok") -> dict:
    features = {} if score is None else {"score": {"type": "ScorePrediction", "score": score}}
    place = {"source": "s", "file": "f"}
    return {"id": identity, **place, "state": state, "reason": None, "features": features}


def write(path, rows):
    path.write_bytes(b"".join(orjson.dumps(given) + b"\n" for given in rows))
    return path


@pytest.fixture
def follow(tmp_path):
    def run(records, features, where="score >= 2"):
        output = tmp_path / "out.jsonl"
        first = EarlierStage(
            "first",
            write(tmp_path / "records.jsonl", records),
            write(tmp_path / "features.jsonl", features),
        )
        follow_stage(first, output, where=where and Where.parse(where, [SCORE]))
        return [orjson.loads(line) for line in output.open("rb")]

    return run


def test_records_that_do_not_pass_are_kept_as_skipped(follow):
    made = follow([record("a"), record("b"), record("c")], [row("a", 1), row("b", 2), row("c", 3)])
    assert [given.get("skip") for given in made] == ["filtered: not (score >= 2)", None, None]
    assert [given["id"] for given in made] == ["a", "b", "c"]


def test_answers_travel_with_the_record_under_the_name_of_their_stage(follow):
    earlier = {"zeroth": {"topic": "x"}}
    (made,) = follow([record("a", answers=earlier)], [row("a", 2)])
    assert made["answers"] == {**earlier, "first": {"score": 2}}
    assert made["data"] == {"text": "a"}


@pytest.mark.parametrize("state", ["invalid", "refused", "truncated", "failed", "expired", "missing"])
def test_a_record_that_was_not_answered_is_never_taken_for_filtered(state, follow):
    (made,) = follow([record("a")], [row("a", state=state)])
    assert made["skip"] == f"upstream: stage first is {state} for this record"


def test_a_record_skipped_earlier_keeps_its_reason(follow):
    (made,) = follow([record("a", skip="blank: empty")], [row("a", state="skipped")])
    assert made["skip"] == "blank: empty"


def test_without_a_filter_all_answered_records_are_taken(follow):
    made = follow([record("a"), record("b")], [row("a", 0), row("b", state="failed")], where=None)
    assert ["skip" in given for given in made] == [False, True]


@pytest.mark.parametrize(
    ("records", "features", "says"),
    [
        ("ab", "ba", "expected the row of record 'a', found that of 'b'"),
        ("ab", "a", "expected the row of record 'b', found that of None"),
        ("a", "ab", "expected the row of record None, found that of 'b'"),
    ],
)
def test_files_that_do_not_fit_are_an_error_and_nothing_is_written(records, features, says, follow, tmp_path):
    with pytest.raises(ReconciliationError, match=says):
        follow([record(name) for name in records], [row(name, 2) for name in features])
    assert not (tmp_path / "out.jsonl").exists()


def test_a_filter_that_does_not_fit_the_features_is_an_error(follow):
    with pytest.raises(WhereError, match="scores"):
        follow([], [], where="scores >= 2")


def test_sources_are_put_together_in_order(tmp_path):
    files = [
        write(tmp_path / "1.jsonl", [record("b"), record("a")]),
        write(tmp_path / "2.jsonl", [record("c")]),
    ]
    assert gather_records(files, tmp_path / "out.jsonl") == 3
    assert (tmp_path / "out.jsonl").read_bytes() == b"".join(file.read_bytes() for file in files)


def test_an_id_in_two_files_is_an_error_that_names_both_places(tmp_path):
    first = write(tmp_path / "1.jsonl", [record("a")])
    second = write(tmp_path / "2.jsonl", [record("b"), {**record("a"), "file": "g", "line": 9}])
    with pytest.raises(SourceError, match=r"the id 'a' occurs twice: here and at s/f:1") as caught:
        gather_records([first, second], tmp_path / "out.jsonl")
    assert caught.value.where == "s/g:9"
    assert not (tmp_path / "out.jsonl").exists()
