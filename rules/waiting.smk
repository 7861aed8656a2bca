# How a run ends: what it made, what came to nothing, what to do next, and for `wait: false` its own exit code.

from io import StringIO
from time import time

from snakemake.logging import logger

from goldpan.cli.summary import print_failures, print_trial, print_wave_changes
from goldpan.errors import PendingError
from goldpan.report.artifacts import JustMade
from goldpan.report.made import made_since
from goldpan.report.next_steps import next_steps
from snakemake_logger_plugin_goldpan.messages import pass_over_a_full_disk
from snakemake_logger_plugin_goldpan.waiting import EndsOfRuns

BEGAN = time()


def lines_of(print_notes):
    """What a function prints about the project, line by line."""
    text = StringIO()
    print_notes(PROJECT, text)
    return text.getvalue().splitlines()


def to_do_next():
    """What to do next; that a run which only waits is to be run again, it says itself, and to a run of files that
    were named it is no news that others are not made."""
    no_news = {"wait"} if ENDS.only_waits else set()
    no_news |= {"run"} if workflow.dag_settings.targets else set()
    steps = [step for step in next_steps(JustMade(PROJECT)) if step.kind not in no_news]
    return [f"next: {step.text}" for step in steps]


def say(*lines):
    """Say the last lines of a run."""
    for line in lines:
        logger.info(line, extra={"is_ending": True})


def say_ending():
    """Say how the run ended. One that only waits ends with exit code 3; Ctrl-C has said what there is to say."""
    if ENDS.stopped:
        return
    say(*made_since(PROJECT, BEGAN))
    for print_notes in (print_failures, print_trial, print_wave_changes):
        say(*lines_of(print_notes))
    if not ENDS.failed:
        say(*to_do_next())
    if ENDS.only_waits:
        say(
            "goldpan: waiting, run again: the same command goes on when the batches are done"
            f" (exit code {PendingError.exit_code}; nothing has failed)"
        )
        raise SystemExit(PendingError.exit_code)


ENDS = EndsOfRuns(after_nothing=to_do_next)
logger.addFilter(ENDS)
pass_over_a_full_disk(logger)
