"""The embedded provider behind the protocol that all providers share."""

import subprocess
import sys

import pytest

from goldpan.errors import ProviderError, StudyError
from goldpan.providers.base import BatchProvider, Surroundings
from goldpan.providers.keys import Keys
from goldpan.providers.local import LocalProvider
from goldpan.providers.model_facts import CHAT_URL
from goldpan.study.provider import LocalSettings
from tests.chat_batches import echo, ids_of, lines_of, write_requests


@pytest.fixture
def provider(tmp_path) -> BatchProvider:
    return LocalProvider(tmp_path / "engine", answerer=echo)


def test_a_batch_is_finished_by_looking_at_it(provider, tmp_path):
    stored = provider.upload(write_requests(tmp_path / "requests.jsonl", 3), "shard-0")
    batch = provider.create(stored.id, CHAT_URL, {"goldpan_key": "k"})
    for _ in range(5):
        batch = provider.retrieve(batch.id)
    assert (batch.status, batch.completed, batch.metadata) == ("completed", 3, {"goldpan_key": "k"})
    provider.download(batch.output_file_id, tmp_path / "output.jsonl")
    assert ids_of(lines_of(tmp_path / "output.jsonl")) == ["row-1", "row-2", "row-3"]


def test_an_upload_is_found_by_its_name_and_size(provider, tmp_path):
    older = provider.upload(write_requests(tmp_path / "requests.jsonl", 3), "shard-0")
    newer = provider.upload(tmp_path / "requests.jsonl", "shard-0")
    assert provider.find_upload("shard-0", older.bytes) == newer
    assert provider.find_upload("shard-0", older.bytes + 1) is None
    assert provider.find_upload("shard-1", older.bytes) is None


def test_batches_come_newest_first(provider, tmp_path):
    stored = provider.upload(write_requests(tmp_path / "requests.jsonl", 1), "shard-0")
    made = [provider.create(stored.id, CHAT_URL, {}).id for _ in range(2)]
    assert [batch.id for batch in provider.batches()] == made[::-1]


def test_a_cancelled_batch_ends_cancelled(provider, tmp_path):
    stored = provider.upload(write_requests(tmp_path / "requests.jsonl", 1), "shard-0")
    batch = provider.create(stored.id, CHAT_URL, {})
    assert provider.cancel(batch.id).status == "cancelling"
    assert provider.retrieve(batch.id).status == "cancelled"


def test_what_is_not_there_is_a_provider_error(provider, tmp_path):
    with pytest.raises(ProviderError) as refusal:
        provider.download("file-18ea02c89394e1897e565413", tmp_path / "output.jsonl")
    assert refusal.value.status == 404
    assert not refusal.value.retryable


def answered_by(answers, folder) -> BatchProvider:
    settings = LocalSettings(kind="local", answers=answers)
    return LocalProvider.connected(settings, Surroundings(folder, folder / "state"))


def test_a_function_of_the_project_answers_in_place_of_the_baseline(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from goldpan.providers.engine.completions import completion\n"
        "def answer(body, custom_id):\n"
        "    return completion(body, 'mine', custom_id)\n"
    )
    provider = answered_by("mine.py:answer", tmp_path)
    stored = provider.upload(write_requests(tmp_path / "requests.jsonl", 1), "shard-0")
    batch = provider.create(stored.id, CHAT_URL, {})
    while batch.status != "completed":
        batch = provider.retrieve(batch.id)
    provider.download(batch.output_file_id, tmp_path / "output.jsonl")
    (line,) = lines_of(tmp_path / "output.jsonl")
    assert line["response"]["body"]["choices"][0]["message"]["content"] == "mine"


def test_who_answers_is_part_of_the_service():
    services = {
        LocalProvider.service(LocalSettings(kind="local", answers=answers), Keys(None))
        for answers in (None, "mine.py:answer", "mine.py:other")
    }
    assert len(services) == 3


@pytest.mark.parametrize("answers", ["none.py:answer", "mine.py:none"])
def test_a_function_that_is_not_there_is_an_error_of_the_study(answers, tmp_path):
    (tmp_path / "mine.py").write_text("")
    with pytest.raises(StudyError, match=r"mine\.py|none\.py"):
        answered_by(answers, tmp_path)


def test_the_demo_runs_without_the_faults_and_the_server():
    code = (
        "import sys, goldpan.batches.stage, goldpan.providers.engine.engine\n"
        "print([name for name in sys.modules if 'goldpan' in name and ('fault' in name or 'serve' in name)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
