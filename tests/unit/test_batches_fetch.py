"""What a batch left is brought home whole, or it is an error; never a part of it."""

from dataclasses import replace

import pytest

from goldpan.batches.fetch import WHOLE_FILES_SECONDS, fetch_batch
from goldpan.errors import InDoubtError, ProviderError
from goldpan.ledger import Asked, Ledger, Outcome
from goldpan.providers.base import Batch
from tests.scripted_provider import ScriptedProvider, answer_line
from tests.simulated_clock import SimulatedClock

GONE = ProviderError("No such file.", status=404)
LINES = [answer_line(f"req__{number}", {"topic": "animals"}) for number in range(3)]
WHOLE = b"".join(line + b"\n" for line in LINES)
ONE, TWO = LINES[0] + b"\n", LINES[0] + b"\n" + LINES[1] + b"\n"
OTHERS = b"".join(answer_line(f"req__x{number}", {"topic": "animals"}) + b"\n" for number in range(3))
PATIENCE = 600.0


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


@pytest.fixture
def submission(ledger):
    asked = [Asked(f"req__{number}", number.to_bytes(32, "big"), "topic") for number in range(3)]
    return ledger.record_intent(
        asked, shard="shard", provider="main", study="notes", stage="topics", round=1, task="topic",
        task_hash="hash", model="m", requests=3, bytes=100,
    ).id  # fmt: skip


@pytest.fixture
def clock():
    return SimulatedClock()


@pytest.fixture
def fetch(ledger, submission, tmp_path, clock):
    """Fetch a batch from a service with these files; returns the raw bytes and the service."""

    def run(output=None, error=None, *, later=(), tells_lengths=True, **described):
        files = {"file-out": output, "file-err": error}
        batch = Batch(
            "batch_1",
            **{
                "status": "completed",
                "total": 3,
                "output_file_id": "file-out" if output else None,
                "error_file_id": "file-err" if error else None,
                **described,
            },
        )
        provider = ScriptedProvider(
            {"batch_1": [replace(batch, **changes) for changes in later] or [batch]},
            {name: given for name, given in files.items() if given},
            tells_lengths=tells_lengths,
        )
        raw = tmp_path / "raw" / "0000.jsonl"
        raw.parent.mkdir(exist_ok=True)
        try:
            fetch_batch(ledger, provider, batch, submission, raw, patience=PATIENCE, clock=clock)
        finally:
            assert [path.name for path in raw.parent.iterdir()] in ([], [raw.name])
        return raw.read_bytes(), provider

    return run


def test_output_and_error_lines_are_put_together(fetch, clock):
    second = LINES[1] + b"\n" + LINES[2] + b"\n"
    assert fetch([ONE], [second], completed=1, failed=2)[0] == WHOLE
    assert clock.pauses == []


@pytest.mark.parametrize("files", [([WHOLE], None), (None, [WHOLE])])
def test_one_file_of_the_two_is_enough(files, fetch, clock):
    assert fetch(*files)[0] == WHOLE
    assert clock.pauses == []


def test_files_without_a_last_newline_do_not_run_into_each_other(fetch):
    raw, _ = fetch([LINES[0] + b"\n" + LINES[1]], [LINES[2]], completed=2, failed=1)
    assert raw == WHOLE


def test_a_file_with_fewer_lines_than_counted_is_read_again(fetch):
    raw, provider = fetch([ONE, WHOLE], completed=3)
    assert raw == WHOLE
    assert provider.calls.count(("download", "file-out")) == 2


def test_a_whole_file_that_stays_short_is_taken_as_it_is(fetch, clock):
    assert fetch([TWO], completed=3)[0] == TWO
    assert WHOLE_FILES_SECONDS <= clock.monotonic() < PATIENCE


def test_a_file_of_unknown_length_that_stays_short_is_in_doubt(fetch, clock):
    with pytest.raises(InDoubtError, match="it counts 3 rows, and its files hold 2 lines") as caught:
        fetch([TWO], completed=3, tells_lengths=False)
    assert "goldpan batches give-up batch_1 --ask-again" in caught.value.remedy
    assert PATIENCE <= clock.monotonic() < 2 * PATIENCE


@pytest.mark.parametrize("tells_lengths", [True, False])
def test_rows_that_nobody_claims_to_have_done_may_be_in_neither_file(tells_lengths, fetch):
    assert fetch([TWO], completed=2, tells_lengths=tells_lengths)[0] == TWO


@pytest.mark.parametrize("counts", [{}, {"total": 0}, {"completed": 1}, {"completed": 9, "total": 9}])
def test_counts_that_are_absent_late_or_wrong_do_no_harm_where_each_request_has_its_line(
    counts, fetch, clock
):
    assert fetch([WHOLE], tells_lengths=False, **counts)[0] == WHOLE
    assert clock.pauses == []


def test_an_error_file_that_comes_later_is_waited_for(fetch):
    rest = LINES[1] + b"\n" + LINES[2] + b"\n"
    later = [{"error_file_id": None}] * 8 + [{"error_file_id": "file-err"}]
    raw, _ = fetch([ONE], [rest], completed=1, failed=2, error_file_id=None, later=later)
    assert raw == WHOLE


IN_DOUBT = {
    "no file at all": ({"output": None, "completed": 3}, "names no output file"),
    "neither counts nor files": ({"output": None}, "names neither an output nor an error file"),
    "an error file that never comes": ({"output": [ONE], "completed": 1, "failed": 2}, "names no error file"),
    "the file of another batch": ({"output": [OTHERS], "completed": 3}, "were not asked in it"),
    "another number of requests": (
        {"output": [TWO], "completed": 2, "total": 2},
        "it counts 2 requests where 3",
    ),
    "no counts and no length": ({"output": [TWO], "tells_lengths": False}, "neither how many rows"),
    "a file that is gone": ({"output": [GONE], "completed": 3}, "No such file"),
    "a file that breaks off": (
        {"output": [WHOLE[:-20]], "completed": 3, "tells_lengths": False},
        "file-out breaks off or is not JSON at line 3",
    ),
    "expired, its answers not there": (
        {"output": [ONE], "status": "expired", "completed": 2, "tells_lengths": False},
        "it counts 2 rows",
    ),
    "open again": (
        {"output": [ONE], "completed": 3, "later": [{"status": "in_progress"}]},
        "it was called terminal, and is in_progress again",
    ),
}


@pytest.mark.parametrize("name", IN_DOUBT)
def test_what_goes_on_contradicting_itself_is_in_doubt_and_leaves_nothing(name, fetch, clock):
    described, says = IN_DOUBT[name]
    with pytest.raises(InDoubtError, match=says):
        fetch(**described)
    assert PATIENCE <= clock.monotonic() < 2 * PATIENCE


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_partial_files_of_a_batch_that_broke_off_are_taken_at_once(status, fetch, clock):
    assert fetch([ONE], status=status, completed=1, failed=2)[0] == ONE
    assert clock.pauses == []


@pytest.mark.parametrize("status", ["expired", "cancelled", "failed"])
def test_a_batch_that_broke_off_before_its_first_row_leaves_an_empty_file(status, fetch):
    assert fetch(status=status)[0] == b""


def test_a_line_that_breaks_off_is_read_again(fetch):
    assert fetch([WHOLE[:-20], WHOLE], completed=3, tells_lengths=False)[0] == WHOLE


@pytest.mark.parametrize("last", [b'{"custom_id": "req__2", "caf\xe9', b"\xff\xfe", LINES[2][:-20]])
def test_a_file_as_long_as_announced_is_whole_however_its_last_line_is_damaged(last, fetch):
    raw, provider = fetch([b"\n".join([*LINES[:2], last])], completed=3, tells_lengths=True)
    assert raw == b"\n".join([*LINES[:2], last, b""])
    assert len(provider.calls) == 1


@pytest.mark.parametrize("last", [b'{"custom_id": "req__2", "caf\xe9\n', b"\xff\xfe\n"])
def test_a_damaged_last_line_that_ends_was_not_cut_off(last, fetch):
    raw, provider = fetch([b"\n".join([*LINES[:2], last])], completed=3)
    assert raw.endswith(last)
    assert len(provider.calls) == 1


def test_a_last_line_that_is_nearly_json_is_whole(fetch):
    last = LINES[2].replace(b"animals", b"caf\xe9").replace(b"1700000000", b"NaN")
    assert fetch([b"\n".join([*LINES[:2], last])], completed=3)[0].endswith(last + b"\n")


def test_a_failed_download_is_tried_again(fetch):
    assert fetch([GONE, WHOLE], completed=3)[0] == WHOLE


def test_a_refused_key_is_an_error_at_once(fetch, clock):
    with pytest.raises(ProviderError, match="Incorrect API key"):
        fetch([ProviderError("Incorrect API key", status=401)], completed=3)
    assert clock.pauses == []


def test_files_that_are_gone_after_they_were_settled_come_from_the_ledger(fetch, ledger, submission):
    outcomes = [
        Outcome(number.to_bytes(32, "big"), "ok", None, False, line) for number, line in enumerate(LINES)
    ]
    ledger.settle(submission, outcomes, status="completed", note=lambda: "{}")
    assert fetch([ONE], [GONE], completed=2, failed=1)[0] == WHOLE
