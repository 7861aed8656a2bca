"""Bringing a batch's output and error files home."""

import pytest

from goldpan.batches.fetch import fetch_batch
from goldpan.errors import ProviderError
from goldpan.ledger import Asked, Ledger, Outcome
from goldpan.providers.base import Batch


class Shelf:
    """A provider that gives, at each download of a file, the next of the contents set for it."""

    kind = "shelf"

    def __init__(self, **files):
        self.files = {name: list(contents) for name, contents in files.items()}

    def download(self, file_id, destination):
        contents = self.files.get(file_id)
        if not contents:
            raise ProviderError(f"no such file {file_id}")
        destination.write_bytes(contents.pop(0) if len(contents) > 1 else contents[0])


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        yield ledger


@pytest.fixture
def submission(ledger):
    return ledger.record_intent(
        [Asked("req__a", bytes(32), "t")], shard="s", provider="p", study="s", stage="g", round=1, task="t",
        task_hash="h", model="m", requests=1, bytes=1,
    ).id  # fmt: skip


def batch(output=None, errors=None, completed=0, failed=0):
    return Batch(
        "b", "completed", output_file_id=output, error_file_id=errors, completed=completed, failed=failed
    )


def fetched(ledger, shelf, batch, submission, tmp_path):
    (tmp_path / "raw").mkdir(exist_ok=True)
    fetch_batch(ledger, shelf, batch, submission, tmp_path / "raw" / "0000.jsonl")
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["0000.jsonl"]
    return (tmp_path / "raw" / "0000.jsonl").read_bytes()


def test_one_file_comes_as_it_is(ledger, submission, tmp_path):
    shelf = Shelf(out=[b'{"a":1}\n{"b":2}\n'])
    raw = fetched(ledger, shelf, batch("out", completed=2), submission, tmp_path)
    assert raw == b'{"a":1}\n{"b":2}\n'


def test_errors_follow_the_output_on_lines_of_their_own(ledger, submission, tmp_path):
    shelf = Shelf(out=[b'{"a":1}'], err=[b'{"b":2}'])
    raw = fetched(ledger, shelf, batch("out", "err", 1, 1), submission, tmp_path)
    assert raw == b'{"a":1}\n{"b":2}\n'


def test_a_batch_without_files_has_no_lines(ledger, submission, tmp_path):
    assert fetched(ledger, Shelf(), batch(), submission, tmp_path) == b""


def test_a_file_with_too_few_lines_is_read_again(ledger, submission, tmp_path):
    shelf = Shelf(out=[b'{"a":1}\n', b'{"a":1}\n{"b":2}\n'])
    raw = fetched(ledger, shelf, batch("out", completed=2), submission, tmp_path)
    assert raw == b'{"a":1}\n{"b":2}\n'


def test_a_file_that_stays_broken_is_an_error_and_leaves_nothing(ledger, submission, tmp_path):
    shelf = Shelf(out=[b'{"a":1}\n{"b":'])
    (tmp_path / "raw").mkdir()
    with pytest.raises(ProviderError, match="line 2"):
        fetched(ledger, shelf, batch("out", completed=2), submission, tmp_path)
    assert list((tmp_path / "raw").iterdir()) == []


def test_lines_that_the_provider_has_forgotten_come_from_the_ledger(ledger, submission, tmp_path):
    line = b'{"custom_id":"req__a"}'
    outcome = Outcome(bytes(32), "ok", None, False, line)
    ledger.settle(submission, [outcome], status="completed", note=lambda: "")
    assert fetched(ledger, Shelf(), batch("gone", completed=1), submission, tmp_path) == line + b"\n"
