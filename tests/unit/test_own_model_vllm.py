"""`kind: vllm` against a stand-in for `vllm run-batch` that does what the real one does, or may do."""

import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from goldpan.errors import ProviderError
from goldpan.providers.base import Surroundings
from goldpan.providers.keys import Keys
from goldpan.providers.model_facts import CHAT_URL
from goldpan.providers.own_model.identity import OwnModel
from goldpan.providers.own_model.provider import VllmProvider
from goldpan.study.provider import OpenAISettings, VllmSettings
from goldpan.tasks.batch_lines import read_batch_line
from goldpan.tasks.device_time import device_time_of
from goldpan.tasks.failures import failure_of
from tests.chat_batches import batch_row, chat_body, write_rows
from tests.projects import CHECKOUT, until

FAKE = f"{sys.executable} {CHECKOUT / 'tests' / 'fake_vllm.py'}"
IDENTITY = "tiny@0123456789ab"


class Vllm:
    """A provider of the kind with a batch of some rows, and the stand-in's orders."""

    def __init__(self, root, monkeypatch, rows=6, **settings):
        self.root, self.orders = root, root / "fake.json"
        (root / "model").mkdir()
        (root / "model" / "config.json").write_text("{}")
        monkeypatch.setenv("FAKE_VLLM", str(self.orders))
        monkeypatch.setenv("SECRET_KEY_OF_ANOTHER", "sk-not-to-be-seen-anywhere")
        self.settings = VllmSettings(kind="vllm", model="model", **{"command": FAKE, **settings})
        self.model = OwnModel("tiny", root / "model", fingerprint="0123456789ab")
        self.said = []
        self.batch_id = self.batch(rows)

    @property
    def provider(self):
        other = OpenAISettings(kind="openai", api_key_env="SECRET_KEY_OF_ANOTHER")
        around = Surroundings(self.root, self.root / ".goldpan", Keys(self.root), (other,))
        return VllmProvider.connected(self.settings, around)

    def batch(self, rows, endpoint=CHAT_URL, **body):
        requests = [
            batch_row(f"r{at}", url=endpoint, body=chat_body(f"text {at}", **{"model": IDENTITY, **body}))
            for at in range(rows)
        ]
        stored = self.provider.upload(write_rows(self.root / "requests.jsonl", requests), "shard")
        return self.provider.create(stored.id, endpoint, {}).id

    def order(self, **misdeeds):
        self.orders.write_text(json.dumps(misdeeds))

    def work(self):
        return self.provider.work(self.batch_id, self.model, self.said.append)

    @property
    def calls(self):
        calls = self.orders.with_suffix(".calls")
        return [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []

    def lines(self):
        """custom_id -> line, of both files of the batch."""
        batch, lines = self.provider.retrieve(self.batch_id), {}
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            self.provider.download(file, self.root / "file.jsonl")
            for line in (self.root / "file.jsonl").read_bytes().split(b"\n"):
                if line:
                    row = read_batch_line(line)
                    assert row.custom_id not in lines
                    lines[row.custom_id] = row
        return lines


@pytest.fixture
def vllm(tmp_path, monkeypatch):
    return Vllm(tmp_path, monkeypatch)


def verdicts(vllm):
    return {
        name: failure_of(line.error_code, line.error_message, line.status_code)
        for name, line in vllm.lines().items()
        if line.error_code
    }


def test_all_requests_are_answered_by_one_run_and_each_answer_says_what_it_cost(vllm):
    batch = vllm.work()
    assert (batch.status, batch.completed, batch.failed) == ("completed", 6, 0)
    [call] = vllm.calls
    assert call["arguments"][-2:] == ["--dtype", "auto"]
    assert call["arguments"][5:9] == ["--model", str(vllm.root / "model"), "--served-model-name", IDENTITY]
    bodies = [line.body for line in vllm.lines().values()]
    assert {body["model"] for body in bodies} == {IDENTITY}
    times = [device_time_of(body) for body in bodies]
    assert {time.device for time in times} == {"vllm on 1 GPU"}
    assert sum(time.seconds for time in times) > 0
    assert not (vllm.root / ".goldpan" / "engines" / "vllm" / vllm.batch_id).exists()
    # Once more nothing is asked.
    assert vllm.work().status == "completed" and len(vllm.calls) == 1


def test_looking_cancelling_and_ending_never_run_it(vllm):
    assert vllm.provider.retrieve(vllm.batch_id).status == "validating"
    assert vllm.provider.cancel(vllm.batch_id).status == "cancelled"
    vllm.batch_id = vllm.batch(2)
    assert vllm.provider.end(vllm.batch_id).status == "expired"
    assert not vllm.calls


def test_rows_are_joined_by_their_id_whatever_the_order_and_however_often_they_come(vllm):
    vllm.order(reversed=True, doubled=True, garbage=True)
    assert vllm.work().completed == 6
    assert sorted(vllm.lines()) == [f"r{at}" for at in range(6)]
    said = " ".join(vllm.said)
    assert "6 lines of vLLM's output were passed over: a second answer" in said
    assert "2 lines of vLLM's output were passed over: no line of an answer" in said


def test_rows_that_are_missing_are_left_to_be_asked_again(vllm):
    vllm.order(missing=["r1", "r4"])
    batch = vllm.work()
    assert (batch.completed, batch.failed) == (4, 2)
    failures = verdicts(vllm)
    assert sorted(failures) == ["r1", "r4"]
    assert all(failure.state == "failed" and failure.retryable for failure in failures.values())


@pytest.mark.parametrize("old", [False, True])
def test_errors_in_its_output_are_read_as_those_of_a_service(vllm, old):
    too_long = "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens."
    vllm.order(errors={"r0": [400, too_long], "r2": [500, "EngineCore died"]}, old=old)
    batch = vllm.work()
    assert (batch.status, batch.completed, batch.failed) == ("completed", 4, 2)
    failures = verdicts(vllm)
    assert too_long in failures["r0"].reason and not failures["r0"].retryable
    assert "EngineCore died" in failures["r2"].reason and failures["r2"].retryable


def test_a_run_that_fails_half_way_keeps_its_answers_and_the_next_asks_the_others(vllm):
    vllm.order(
        after=2, exit=1, says="torch.OutOfMemoryError: CUDA out of memory. key sk-not-to-be-seen-anywhere"
    )
    with pytest.raises(ProviderError) as caught:
        vllm.work()
    assert "ended with status 1" in str(caught.value) and "CUDA out of memory" in str(caught.value)
    assert "a smaller `max_length`" in str(caught.value)
    assert "sk-not-to-be-seen" not in str(caught.value)
    vllm.order()
    assert vllm.work().completed == 6
    assert [call["asked"] for call in vllm.calls] == [
        [f"r{at}" for at in range(6)],
        ["r2", "r3", "r4", "r5"],
    ]


def test_no_key_of_another_provider_reaches_it_and_it_is_told_to_stay_offline(vllm):
    vllm.work()
    [call] = vllm.calls
    assert "SECRET_KEY_OF_ANOTHER" not in call["environment"]
    assert call["environment"]["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize(
    ("misdeeds", "says", "helps"),
    [
        ({"signal": "SIGKILL", "after": 0}, "was ended by SIGKILL (out of memory?)", "run again"),
        (
            {"exit": 1, "after": 0, "says": "RuntimeError: No CUDA GPUs are available"},
            "status 1",
            "--profile slurm",
        ),
        ({"exit": 0, "after": 0}, "ended well, and left no line that answers a request", "run again"),
        (
            {"missing": [f"r{at}" for at in range(6)], "garbage": True},
            "left no line that answers",
            "run again",
        ),
    ],
)
def test_a_run_that_answers_nothing_is_an_error_with_its_last_words(vllm, misdeeds, says, helps):
    vllm.order(**misdeeds)
    with pytest.raises(ProviderError) as caught:
        vllm.work()
    assert says in str(caught.value) and helps in str(caught.value)
    assert vllm.provider.retrieve(vllm.batch_id).status == "in_progress"


def test_what_does_not_know_the_model_or_an_option_says_so(tmp_path, monkeypatch):
    vllm = Vllm(tmp_path, monkeypatch, options=["--no-such-option"])
    with pytest.raises(
        ProviderError, match=r"unrecognized arguments: --no-such-option(.|\n)*--help` lists them"
    ):
        vllm.work()
    vllm.settings = vllm.settings.model_copy(update={"options": []})
    (tmp_path / "model" / "config.json").unlink()
    with pytest.raises(ProviderError, match="not a valid model identifier"):
        vllm.work()


@pytest.mark.parametrize("command", ["no-such-vllm", "/no/such/vllm", "sh -c 'no_such_command' --"])
def test_where_it_is_not_installed_the_error_names_it(tmp_path, monkeypatch, command):
    vllm = Vllm(tmp_path, monkeypatch, command=command)
    with pytest.raises(ProviderError, match=r"vLLM is not installed here(.|\n)*pip install vllm"):
        vllm.work()


def test_one_that_is_silent_for_too_long_is_ended(tmp_path, monkeypatch):
    vllm = Vllm(tmp_path, monkeypatch, silence_minutes=1 / 60)
    vllm.order(after=3, hangs=True, silent=True)
    with pytest.raises(ProviderError, match="neither said nor written anything for"):
        vllm.work()
    vllm.order()
    assert vllm.work().completed == 6 and vllm.calls[-1]["asked"] == ["r3", "r4", "r5"]


def test_a_batch_that_is_cancelled_meanwhile_keeps_its_answers(vllm):
    vllm.order(after=3, hangs=True)
    worker = threading.Thread(target=vllm.work)
    worker.start()
    until(lambda: len(vllm.calls) == 1)
    assert vllm.provider.is_worked_on(vllm.batch_id)
    assert vllm.provider.cancel(vllm.batch_id).status == "cancelling"
    worker.join(60)
    batch = vllm.provider.retrieve(vllm.batch_id)
    assert (batch.status, batch.completed) == ("cancelled", 3)
    assert all(not failure.retryable for failure in verdicts(vllm).values())


def test_a_process_that_it_leaves_behind_is_ended_with_it(vllm):
    vllm.order(leaves=True)
    assert vllm.work().completed == 6
    left = int(vllm.orders.with_suffix(".left").read_text())
    assert not Path(f"/proc/{left}/cmdline").exists() or not Path(f"/proc/{left}/cmdline").read_bytes()


def test_a_job_that_is_killed_takes_it_along_and_what_it_had_written_is_not_asked_again(vllm):
    vllm.order(after=4, hangs=True)
    if (child := os.fork()) == 0:
        try:
            vllm.work()
        finally:
            os._exit(1)
    output = vllm.root / ".goldpan" / "engines" / "vllm" / vllm.batch_id / "answers.jsonl"
    until(lambda: output.exists() and output.read_bytes().count(b"\n") == 4)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pattern = str(output).encode()
    until(lambda: not any(pattern in line for line in command_lines()))
    vllm.order()
    assert vllm.work().completed == 6
    assert vllm.calls[-1]["asked"] == ["r4", "r5"]
    assert "4 answers are there of a run of vLLM that was stopped" in vllm.said


def command_lines():
    """Those of all processes."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (process / "cmdline").read_bytes()


@pytest.mark.parametrize("gpus", [0, 1])
def test_two_jobs_of_one_batch_do_not_both_answer(tmp_path, monkeypatch, gpus):
    vllm = Vllm(tmp_path, monkeypatch, gpus=gpus)
    workers = [threading.Thread(target=vllm.work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert vllm.provider.retrieve(vllm.batch_id).completed == 6
    assert len(vllm.calls) == 1


def test_requests_for_other_weights_expire_and_are_not_answered_by_these(vllm):
    vllm.batch_id = vllm.batch(3, model="tiny@ffffffffffff")
    batch = vllm.work()
    assert (batch.status, batch.completed) == ("expired", 0)
    assert not vllm.calls
    assert {failure.state for failure in verdicts(vllm).values()} == {"expired"}


def test_a_type_that_it_does_not_have_is_refused():
    with pytest.raises(ValueError, match="float64` is for kind: transformers"):
        VllmSettings(kind="vllm", model="m", compute_dtype="float64")


@pytest.mark.parametrize(
    ("options", "key"),
    [
        (["--model", "x"], "`model`"),
        (["--max_model_len=3"], "`max_length`"),
        (["-o", "x"], "goldpan says it"),
    ],
)
def test_options_that_goldpan_gives_are_refused_with_their_key(options, key):
    with pytest.raises(ValueError, match=key):
        VllmSettings(kind="vllm", model="m", options=options)
