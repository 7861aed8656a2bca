"""How a run ends by what Snakemake says: waiting is no failure, and no failure is taken for waiting."""

import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from goldpan.errors import PendingError
from goldpan.files import write_json
from snakemake_logger_plugin_goldpan.waiting import EndsOfRuns

LAST_WORD = "Exiting because a job execution failed. Look below for error messages"


def message(text="", event=None, **details):
    record = logging.LogRecord("snakemake", logging.ERROR, "", 0, text, None, None)
    record.__dict__ |= {"event": event, **details}
    return record


def failed_command(exit_code, step="wait"):
    text = f"Command 'set -e; goldpan_step {step} topics' returned non-zero exit status {exit_code}."
    return message(text, LogEvent.ERROR)


@pytest.fixture
def round_(tmp_path):
    """The folder of a round that waits."""
    write_json(tmp_path / "waiting.json", {"stage": "topics", "round": 1, "open": "1 of 1 batches are open"})
    return tmp_path


def failed_job(round_, rule="wait", number=7):
    output = [str(round_ / "completion.json")]
    return message("", LogEvent.JOB_ERROR, rule_name=rule, output=output, jobid=number)


@pytest.mark.parametrize("rule", ["wait", "mine_wait"])
def test_a_wait_that_may_not_wait_is_told_as_what_it_waits_for(round_, rule):
    ends, job = EndsOfRuns(), failed_job(round_, rule)
    assert not ends.filter(failed_command(PendingError.exit_code))
    assert ends.filter(job)
    assert job.msg == "stage topics, round 1: 1 of 1 batches are open"
    assert (job.event, job.levelno, job.waiting_job) == (None, logging.INFO, 7)
    assert ends.only_waits and not ends.filter(message(LAST_WORD))


def test_a_run_in_which_something_failed_besides_has_failed(round_):
    ends = EndsOfRuns()
    ends.filter(failed_command(PendingError.exit_code))
    ends.filter(failed_job(round_))
    assert ends.filter(failed_job(round_, rule="records", number=8))
    assert not ends.only_waits and ends.filter(message(LAST_WORD))


@pytest.mark.parametrize(
    "said", [failed_command(1), failed_command(PendingError.exit_code, step="submit"), message("another")]
)
def test_a_wait_that_failed_otherwise_has_failed_whatever_an_earlier_run_left(round_, said):
    ends, job = EndsOfRuns(), failed_job(round_)
    assert ends.filter(said) and ends.filter(job)
    assert job.event is LogEvent.JOB_ERROR and not ends.only_waits and ends.failed


def test_a_run_with_nothing_to_do_says_what_to_do_next():
    ends, said = EndsOfRuns(lambda: ["next: look"]), message("Nothing to be done (all files are there).")
    assert ends.filter(said)
    assert said.msg == "Nothing to be done (all files are there).\nnext: look"
