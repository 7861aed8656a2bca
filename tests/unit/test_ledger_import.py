"""What an export from elsewhere may hold: each row is checked, and one bad row keeps out all."""

import json
import time
from dataclasses import fields, replace

import orjson
import pytest
import zstandard

from goldpan.errors import LedgerError, SourceError
from goldpan.files import LONGEST_LINE
from goldpan.ledger import Asked, Ledger, Outcome
from goldpan.ledger.exchange import ExportSelection, export_ledger, import_ledger
from goldpan.ledger.exchange_rows import _Answer, _Submission
from goldpan.ledger.rows import Answer, Submission

SUBMISSION = {
    "id": 7, "shard": "abc123", "nonce": "0123456789abcdef", "state": "settled", "provider": "openai",
    "study": "s", "stage": "one", "round": 1, "task": "t", "task_hash": "h", "model": "openai/gpt-4o-mini",
    "requests": 2, "bytes": 100, "intent_at": 1_700_000_000.0, "file_id": "file-1", "batch_id": "batch_1",
    "created_at": 1_700_000_001, "status": "completed", "completed": 2, "failed": 0,
    "checked_at": 1_700_000_100.0, "settled_at": 1_700_000_101.0, "note": "{}",
}  # fmt: skip
ANSWER = {
    "state": "ok", "reason": None, "retryable": False, "attempts": 1, "forgiven": 0, "prompt_tokens": 10,
    "completion_tokens": 2, "submission": 7, "line": '{"custom_id":"req__1"}',
}  # fmt: skip
KEYS = ["00" * 31 + "01", "ff" * 32]


@pytest.fixture
def take_in(tmp_path):
    """Import rows into an empty ledger; gives what was added, and the ledger."""
    with Ledger(tmp_path / "ledger.sqlite") as ledger:

        def take_in(*rows):
            path = tmp_path / "export.jsonl"
            lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
            path.write_bytes(b"\n".join([b'{"format":"goldpan-ledger/1"}', *lines]) + b"\n")
            return import_ledger(ledger, path), ledger

        take_in.ledger = ledger
        yield take_in


def answer_row(**changes):
    return {"key": KEYS[1], "answer": ANSWER | changes}


GOOD = [{"submission": SUBMISSION}, {"key": KEYS[0], "answer": ANSWER}]


def test_an_export_of_the_first_format_is_taken_in_with_defaults(take_in):
    added, ledger = take_in(*GOOD, answer_row(state="failed", line=None, retryable=True))
    assert added == 2
    (submission,) = ledger.submissions()
    assert (submission.batch_id, submission.service, submission.paid) == ("batch_1", "", 1)
    answers = ledger.answers([bytes.fromhex(key) for key in KEYS])
    assert [answer.paid for answer in answers.values()] == [1, 0]


def test_columns_of_a_later_goldpan_are_passed_over(take_in):
    row = {"submission": SUBMISSION | {"colour": "red"}, "more": 1}
    assert take_in(row, answer_row(colour="red"))[0] == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": "created"}, "only settled submissions are taken in"),
        ({"state": "intent"}, "only settled submissions are taken in"),
        ({"batch_id": "../../etc/passwd"}, "submission.batch_id: is a path, not an id"),
        ({"batch_id": "/etc/passwd"}, "submission.batch_id: is a path, not an id"),
        ({"batch_id": "a/./b"}, "submission.batch_id: is a path, not an id"),
        ({"batch_id": "..\\secret"}, "submission.batch_id: is a path, not an id"),
        ({"batch_id": "b\x1b[2J"}, "submission.batch_id: holds characters that cannot be printed"),
        ({"batch_id": ""}, "submission.batch_id: String should have at least 1 character"),
        ({"file_id": "file:///etc/passwd"}, "submission.file_id: is a path, not an id"),
        ({"shard": "../x"}, "submission.shard"),
        ({"nonce": "a b"}, "submission.nonce"),
        ({"nonce": "taken-in-../a"}, "submission.nonce"),
        ({"note": "x" * 10_001}, "submission.note"),
        ({"study": "../s"}, "submission.study"),
        ({"stage": "one\ntwo"}, "submission.stage"),
        ({"model": "m\r\n"}, "submission.model: holds characters that cannot be printed"),
        ({"requests": -1}, "submission.requests: Input should be greater than or equal to 0"),
        ({"requests": True}, "submission.requests: Input should be a valid integer"),
        ({"prompt_tokens": 1 << 60}, "submission.prompt_tokens"),
        ({"estimated_usd": -5}, "submission.estimated_usd"),
        ({"intent_at": 5.0}, "submission.intent_at: is no time at which this can have been"),
        ({"settled_at": time.time() + 10 * 86_400}, "submission.settled_at: is no time at which"),
        ({"id": "7"}, "submission.id: Input should be a valid integer"),
    ],
)
def test_a_submission_that_is_none_is_refused(take_in, changes, says):
    with pytest.raises(LedgerError) as caught:
        take_in({"submission": SUBMISSION | changes}, *GOOD[1:])
    assert "export.jsonl, line 2: this line is damaged: " in str(caught.value)
    assert says in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert (take_in.ledger.submissions(), take_in.ledger.counts()) == ([], {})


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (answer_row(state="pending"), "answer.state: Input should be 'ok', 'invalid'"),
        (answer_row(attempts=-1), "answer.attempts"),
        (answer_row(forgiven=2), "more attempts are forgiven than were made"),
        (answer_row(flex_prompt_tokens=11), "more tokens came at flex than in all"),
        (answer_row(retryable=1), "answer.retryable"),
        (answer_row(completion_tokens=1.5), "answer.completion_tokens"),
        (answer_row(submission=8), "the answer is of a submission that the file does not have"),
        (answer_row(line=None), "line: an answer that is ok has one"),
        (answer_row(line="no json"), "line: is not a JSON object"),
        (answer_row(line="[1]"), "line: is not a JSON object"),
        (answer_row(line='{"a":' + "[" * 100_000), "line: is not a JSON object"),
        (answer_row(line='{}\n{"custom_id":"another"}'), "line: is more than one line"),
        (answer_row() | {"line_base64": "*"}, "line_base64: is not base64"),
        ({"key": KEYS[1][:-2], "answer": ANSWER}, "key: String should match pattern"),
        ({"key": 5, "answer": ANSWER}, "key: Input should be a valid string"),
        ({"answer": ANSWER}, "neither a submission nor an answer with its key"),
        ({"key": KEYS[1]}, "neither a submission nor an answer with its key"),
        ({}, "neither a submission nor an answer with its key"),
        ({"submission": SUBMISSION | {"id": 8, "nonce": "b"}}, "a submission stands behind answers"),
        (b"[]", "Input should be an object"),
        (b"\xff", "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON"),
    ],
)
def test_one_bad_row_keeps_out_all(take_in, row, says):
    with pytest.raises(LedgerError) as caught:
        take_in(*GOOD, row)
    assert "export.jsonl, line 4: this line is damaged: " in str(caught.value)
    assert says in str(caught.value)
    assert (take_in.ledger.submissions(), take_in.ledger.counts()) == ([], {})


def test_a_submission_stands_in_a_file_once(take_in):
    for again in (SUBMISSION, SUBMISSION | {"id": 8}):
        with pytest.raises(LedgerError, match=r"line 3: .*stands in the file already"):
            take_in({"submission": SUBMISSION}, {"submission": again})


def test_a_line_without_end_is_refused(take_in):
    with pytest.raises(SourceError, match="line 4: this line has more than"):
        take_in(*GOOD, b"x" * (LONGEST_LINE + 1))
    assert take_in.ledger.counts() == {}


@pytest.mark.parametrize(
    "batch_id", ["batches/abc", "projects/p/jobs/1", "arn:aws:bedrock:us-east-1:1:job/a"]
)
def test_ids_of_services_may_have_slashes(take_in, batch_id):
    assert take_in({"submission": SUBMISSION | {"batch_id": batch_id}}, GOOD[1])[0] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"task": " ".join(f"task_about_something_{number}" for number in range(40))},
        {"nonce": "taken-in-batches/" + "x" * 200},
    ],
)
def test_what_goldpan_writes_itself_is_taken_in(take_in, changes):
    assert take_in({"submission": SUBMISSION | changes}, GOOD[1])[0] == 1


@pytest.mark.parametrize("line", [b'{"a":"caf\xe9"}', b'{"a":NaN}', b'{"a":"\\ud800"}', '{"a":"ü"}'.encode()])
def test_a_line_comes_out_of_an_export_as_it_went_in(tmp_path, line):
    with Ledger(tmp_path / "a.sqlite") as ledger, Ledger(tmp_path / "b.sqlite") as other:
        settled(ledger, "s", "one", [1], line=line)
        export_ledger(ledger, tmp_path / "export.zst")
        assert import_ledger(other, tmp_path / "export.zst") == 1
        assert other.answers([key(1)])[key(1)].line == line


def test_all_columns_of_a_submission_come_over(tmp_path):
    with Ledger(tmp_path / "a.sqlite") as ledger, Ledger(tmp_path / "b.sqlite") as other:
        settled(ledger, "s", "one", [1])
        export_ledger(ledger, tmp_path / "export.zst")
        import_ledger(other, tmp_path / "export.zst")
        (there,), (here,) = ledger.submissions(), other.submissions()
        assert isinstance(here, Submission)
        assert replace(here, id=there.id) == there


# What a study uses.


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def settled(ledger, study, stage, numbers, line=b"{}"):
    asked = [Asked(f"req__{number}", key(number), "t") for number in numbers]
    submission = ledger.record_intent(
        asked, shard=f"{study}{stage}", provider="p", study=study, stage=stage, round=1, task="t",
        task_hash="h", model="m", requests=len(asked), bytes=1,
    )  # fmt: skip
    outcomes = [Outcome(row.key, "ok", None, False, line, 10, 2) for row in asked]
    ledger.settle(submission.id, outcomes, status="completed", note=lambda: "{}")
    return submission


def test_an_export_holds_what_is_wanted_whoever_paid(tmp_path):
    with Ledger(tmp_path / "a.sqlite") as ledger, Ledger(tmp_path / "b.sqlite") as other:
        settled(ledger, "first", "one", [1, 2])
        own = settled(ledger, "second", "two", [3])
        settled(ledger, "third", "three", [4])
        exported = export_ledger(ledger, tmp_path / "x.zst", ExportSelection({key(2), key(9)}, {own.id}))
        assert exported == (2, 1)
        import_ledger(other, tmp_path / "x.zst")
        assert set(other.outcomes([key(n) for n in range(10)])) == {key(2), key(3)}
        assert [row.study for row in other.submissions()] == ["first", "second"]


def test_the_command_exports_what_the_study_uses_after_an_import(tmp_path, capsys):
    from goldpan.cli import main

    studies = tmp_path / "config" / "studies"
    studies.mkdir(parents=True)
    (tmp_path / "Snakefile").touch()
    for study in ("first", "second"):
        (studies / f"{study}.yaml").write_text(
            f"study: {study}\nsources:\n  a: {{files: x.jsonl}}\nproviders:\n  p: {{kind: replay}}\n"
            "stages:\n  one: {input: {source: a}, task: t, provider: p, model: m}\n"
        )
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        settled(ledger, "first", "one", [1, 2, 3])
    asked = tmp_path / "results" / "second" / "stages" / "one" / "round1" / "requests" / "asked.jsonl"
    asked.parent.mkdir(parents=True)
    answered = {"sample": 0, "task": "t", "custom_id": "req__x", "do": "answered"}
    rows = [{"id": name, "key": key(number).hex(), **answered} for name, number in (("a", 2), ("b", 8))]
    rows.append({"id": "c", "skip": "blank"})
    asked.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    where = ["--ledger", "ledger.sqlite", "--results", "results"]
    for study, says in (("second", "1 answers written"), ("first", "3 answers written")):
        assert (
            main(
                [
                    "ledger",
                    "export",
                    str(tmp_path / "x.zst"),
                    "--study",
                    str(studies / f"{study}.yaml"),
                    *where,
                ]
            )
            == 0
        )
        out = capsys.readouterr().out
        assert says in out
        assert ("1 of the study's requests have no answer yet" in out) == (study == "second")


def test_an_import_does_not_change_what_a_stage_has_cost(tmp_path):
    with Ledger(tmp_path / "a.sqlite") as ledger, Ledger(tmp_path / "empty.sqlite") as empty:
        for shard, outcome in (
            ("a", Outcome(key(1), "invalid", "x", True, b"{}", 1000, 500)),
            ("b", Outcome(key(1), "failed", "x", True, b"{}")),
        ):
            number = intend(ledger, shard, [1]).id
            ledger.settle(number, [outcome], status="completed", note=lambda: "{}")
        before = ledger.spent("s", "one")
        export_ledger(empty, tmp_path / "empty.zst")
        assert import_ledger(ledger, tmp_path / "empty.zst") == 0
        assert ledger.spent("s", "one") == before
        export_ledger(ledger, tmp_path / "full.zst")
        import_ledger(empty, tmp_path / "full.zst")
        assert empty.spent("s", "one") == before


def intend(ledger, shard, numbers):
    return ledger.record_intent(
        [Asked(f"req__{number}", key(number), "t") for number in numbers], shard=shard, provider="p",
        study="s", stage="one", round=1, task="t", task_hash="h", model="m", requests=len(numbers), bytes=1,
    )  # fmt: skip


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_batch_that_is_settled_there_and_open_here_is_counted_once(tmp_path, is_whole):
    outcomes = [
        Outcome(key(1), "ok", None, False, b"{}", 10, 5),
        Outcome(key(2), "invalid", "x", True, b"{}", 10, 5),
    ]
    with Ledger(tmp_path / "a.sqlite") as ledger:
        number = intend(ledger, "shard", [1, 2]).id
        ledger.record_batch(number, "batch_1", 1, "in_progress")
        ledger.copy_to(tmp_path / "old.sqlite")
        ledger.settle(number, outcomes, status="completed", note=lambda: "{}")
        if not is_whole:
            ledger.db.execute("DELETE FROM answers WHERE key = ?", (key(1),))
        export_ledger(ledger, tmp_path / "x.zst")
    with Ledger(tmp_path / "old.sqlite") as old:
        import_ledger(old, tmp_path / "x.zst")
        # Where the export lacks an answer the batch stays open, and nothing of it is asked again.
        assert old.submission(number).is_open != is_whole
        assert len(old.under_way([key(1), key(2)])) == (0 if is_whole else 2)
        assert old.settle(number, outcomes, status="completed", note=lambda: "{}") != is_whole
        assert [(row.attempts, row.paid) for row in old.outcomes([key(1), key(2)]).values()] == [(1, 1)] * 2
        (spent,) = old.spent("s", "one")
        assert (spent.paid, spent.prompt_tokens) == (2, 20)


def test_a_small_file_that_unpacks_to_more_than_answers_do_is_refused(take_in, tmp_path):
    path = tmp_path / "bomb.zst"
    row = orjson.dumps(answer_row(reason="x" * (1 << 20), state="failed")) + b"\n"
    with path.open("wb") as raw, zstandard.ZstdCompressor().stream_writer(raw) as out:
        out.write(b'{"format":"goldpan-ledger/1"}\n' + orjson.dumps(GOOD[0]) + b"\n")
        for _ in range(260):
            out.write(row)
    with pytest.raises(LedgerError, match="unpacks to more than"):
        import_ledger(take_in.ledger, path)
    assert take_in.ledger.counts() == {}


def test_others_may_write_while_an_import_is_read(tmp_path):
    from goldpan.ledger.incoming import Incoming

    with Ledger(tmp_path / "a.sqlite") as ledger, Ledger(tmp_path / "a.sqlite", patience=0.0) as other:
        incoming = Incoming(ledger)

        def answers():
            intend(other, "shard", [1])
            yield from ()

        incoming.add_answers(answers())
        assert len(ledger.submissions()) == 1


def test_an_export_is_checked_column_by_column():
    # A column that is added to the ledger and not here would be dropped by every import.
    assert set(_Submission.model_fields) == {column.name for column in fields(Submission)}
    assert set(_Answer.model_fields) == {column.name for column in fields(Answer)}


def test_an_answer_of_an_export_of_before_was_made_at_the_tier_that_it_names(take_in):
    at_flex = {"submission": 7, "tier": "flex", "cached_tokens": 4}
    added, ledger = take_in(GOOD[0], {"key": KEYS[0], "answer": ANSWER | at_flex}, answer_row(tier="default"))
    assert added == 2
    first, second = ledger.answers([bytes.fromhex(key) for key in KEYS]).values()
    assert (first.flex_prompt_tokens, first.flex_completion_tokens, first.flex_cached_tokens) == (10, 2, 4)
    assert second.flex_prompt_tokens == 0


def test_an_answer_that_says_what_came_at_flex_is_taken_at_its_word(take_in):
    said = {"tier": "flex", "flex_prompt_tokens": 3}
    _, ledger = take_in(GOOD[0], answer_row(**said))
    (answer,) = ledger.answers([bytes.fromhex(KEYS[1])]).values()
    assert (answer.flex_prompt_tokens, answer.flex_completion_tokens) == (3, 0)
