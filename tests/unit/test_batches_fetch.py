"""What a batch left is brought home whole, or it is an error; never a part of it."""

import pytest

from goldpan.batches.fetch import DOWNLOAD_ATTEMPTS, fetch_batch
from goldpan.errors import ProviderError
from goldpan.ledger import Asked, Ledger, Outcome
from goldpan.providers.base import Batch
from tests.scripted_provider import ScriptedProvider, answer_line

GONE = ProviderError("No such file.", status=404)
LINES = [answer_line(f"req__{number}", {"topic": "animals"}) for number in range(3)]
WHOLE = b"".join(line + b"\n" for line in LINES)


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
def fetch(ledger, submission, tmp_path):
    """Fetch a batch from a service with these files; returns the raw bytes and the service."""

    def run(output=None, error=None, *, completed=0, failed=0, tells_lengths=False):
        files = {"file-out": output, "file-err": error}
        provider = ScriptedProvider(
            files={name: given for name, given in files.items() if given}, tells_lengths=tells_lengths
        )
        batch = Batch(
            "batch_1", "completed", total=3, completed=completed, failed=failed,
            output_file_id="file-out" if output else None, error_file_id="file-err" if error else None,
        )  # fmt: skip
        raw = tmp_path / "raw" / "0000.jsonl"
        raw.parent.mkdir(exist_ok=True)
        try:
            fetch_batch(ledger, provider, batch, submission, raw)
        finally:
            assert [path.name for path in raw.parent.iterdir()] in ([], [raw.name])
        return raw.read_bytes(), provider

    return run


def test_output_and_error_lines_are_put_together(fetch):
    first, second = WHOLE[: WHOLE.index(b"\n") + 1], LINES[1] + b"\n"
    assert fetch([first], [second], completed=1, failed=1)[0] == first + second


@pytest.mark.parametrize("files", [([WHOLE], None), (None, [WHOLE])])
def test_one_file_of_the_two_is_enough(files, fetch):
    assert fetch(*files)[0] == WHOLE


def test_a_batch_without_files_leaves_an_empty_one(fetch):
    assert fetch()[0] == b""


def test_files_without_a_last_newline_do_not_run_into_each_other(fetch):
    raw, _ = fetch([LINES[0] + b"\n" + LINES[1]], [LINES[2]], completed=2, failed=1)
    assert raw == WHOLE


def test_a_file_with_fewer_lines_than_counted_is_read_again(fetch):
    raw, provider = fetch([LINES[0] + b"\n", WHOLE], completed=3)
    assert raw == WHOLE
    assert len(provider.calls) == 2


def test_a_file_that_stays_short_is_taken_as_it_is(fetch):
    raw, provider = fetch([LINES[0] + b"\n"], completed=3)
    assert raw == LINES[0] + b"\n"
    assert len(provider.calls) == DOWNLOAD_ATTEMPTS


def test_a_line_that_breaks_off_is_read_again(fetch):
    raw, _ = fetch([WHOLE[:-20], WHOLE], completed=3)
    assert raw == WHOLE


def test_a_file_that_keeps_breaking_off_is_an_error_that_names_the_line(fetch):
    with pytest.raises(ProviderError, match="file file-out breaks off or is not JSON at line 3") as caught:
        fetch([WHOLE[:-20]], completed=3)
    assert caught.value.retryable


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


def test_files_that_are_gone_before_they_were_settled_are_an_error(fetch):
    with pytest.raises(ProviderError, match="No such file"):
        fetch([GONE], completed=3)


def test_files_that_are_gone_after_they_were_settled_come_from_the_ledger(fetch, ledger, submission):
    outcomes = [
        Outcome(number.to_bytes(32, "big"), "ok", None, False, line) for number, line in enumerate(LINES)
    ]
    ledger.settle(submission, outcomes, status="completed", note=lambda: "{}")
    assert fetch([WHOLE[: len(LINES[0]) + 1]], [GONE], completed=2, failed=1)[0] == WHOLE
