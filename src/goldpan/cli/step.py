"""`goldpan step`: the steps that Snakemake's rules run, one by one and by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from goldpan.cli import add_project_options
from goldpan.providers.patience import say_on_stderr

if TYPE_CHECKING:
    from goldpan.batches.messages import MessageCount
    from goldpan.batches.progress import Progress
    from goldpan.batches.stage import StageRun
    from goldpan.study import Project


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan step` to the command line."""
    parser = commands.add_parser("step", help="run one step of a stage by hand, as the workflow does")
    parser.add_argument("step", choices=sorted([*_STEPS, "threshold", "optimise"]))
    parser.add_argument("stage", help="name of the stage; for optimise, of the search")
    parser.add_argument("--round", type=int, default=1, metavar="N")
    parser.add_argument("--shard", metavar="NAME", help="for requests, submit, answer and fetch")
    parser.add_argument(
        "--go-on", default="", metavar="STAGE[,STAGE]", help="for plan: ask on although most answers are bad"
    )
    parser.add_argument("--mode", metavar="MODE", help="batch or online, whatever the study says")
    parser.add_argument("--replay", action="store_true", help="never ask anybody: the ledger has all answers")
    add_project_options(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int | None:
    from goldpan.cli.project import project_of, stage_of
    from goldpan.errors import StudyError

    project = project_of(options)
    if options.step == "optimise":
        from goldpan.optimise.run import optimise_in_project

        optimise_in_project(project, options.stage)
        return None
    if options.stage in project.study.local_stages:
        _run_local(project, options)
        return None
    run = stage_of(project, options.stage)
    if options.step == "threshold":
        raise StudyError(f"stage `{options.stage}` is no filter, so it has no threshold")
    if options.step in ("requests", "submit", "answer", "fetch") and options.shard is None:
        raise StudyError(f"`goldpan step {options.step}` needs --shard NAME")
    return _STEPS[options.step](run, options)


def _run_local(project: Project, options: argparse.Namespace) -> None:
    """A step of a stage that asks nobody."""
    from goldpan.chains.answer import answer_locally
    from goldpan.chains.filter.threshold_step import choose_threshold
    from goldpan.chains.filter.threshold_text import threshold_text
    from goldpan.errors import StudyError
    from goldpan.stages.make import make_records

    if options.step == "records":
        say_on_stderr(f"{options.stage}: {make_records(project, options.stage)}")
    elif options.step == "threshold":
        chosen = choose_threshold(project, options.stage)
        say_on_stderr(f"{options.stage}: {threshold_text(chosen.as_json())}")
    elif options.step == "features":
        say_on_stderr(f"{options.stage}: {answer_locally(project, options.stage).records} records")
    else:
        raise StudyError(
            f"stage `{options.stage}` asks nobody, so it has no step `{options.step}`",
            where=str(project.study_file),
            remedy="its steps are `records`, `threshold` (of a filter) and `features`",
        )


def _plan(run: StageRun, options: argparse.Namespace) -> None:
    go_on = run.name in options.go_on.split(",")
    plan = run.plan(options.round, go_on=go_on)
    counts = plan.requests
    say_on_stderr(
        f"{run.name}, round {plan.round}: {plan.records} records, {counts['total']} requests;"
        f" {counts['asked']} to ask in {len(plan.shards)} shards, {counts['answered']} answered before,"
        f" {counts['pending']} under way"
        + (f", {counts['shared']} with the answer of another" if counts["shared"] else "")
        + (f", {counts['later']} after the pilot" if counts["later"] else "")
        + f"; estimated cost in USD {cost_text(plan.estimate)}"
    )
    for note in plan.notes if counts["asked"] else ():
        say_on_stderr(f"{run.name}: note: {note}")
    if counts["asked"] and plan.estimate["cost_usd"]:
        say_on_stderr(f"{run.name}: the length of answers is {plan.estimate['completion_basis']}")
    if settled := plan.spent.get("settled_usd"):
        say_on_stderr(f"{run.name}: has cost {settled:.4f} USD so far")


def cost_text(estimate: dict[str, Any]) -> str:
    """The estimated cost of a plan in USD with its range, for people."""
    cost = estimate["cost_usd"]
    if cost is None:
        return "unknown"
    low, high = estimate.get("cost_usd_range") or (cost, cost)
    return f"{cost:.4f}" + (f" ({low:.4f} to {high:.4f})" if high > low else "")


def _requests(run: StageRun, options: argparse.Namespace) -> None:
    run.place(options.round, options.shard)


def _submit(run: StageRun, options: argparse.Namespace) -> None:
    submission = run.submit(options.round, options.shard)
    what = (
        f"batch {submission.batch_id}" if submission.batch_id else "nothing to send: others ask its requests"
    )
    say_on_stderr(f"{run.name}, round {options.round}, shard {options.shard}: {what}")


def _wait(run: StageRun, options: argparse.Namespace) -> int:
    from goldpan.errors import PendingError

    title = f"{run.name}, round {options.round}"
    try:
        run.wait(options.round, ProgressLines(title))
    except PendingError as pending:
        say_on_stderr(f"{title}: {pending}")
        return pending.exit_code
    return 0


def _answer(run: StageRun, options: argparse.Namespace) -> None:
    title = f"{run.name}, round {options.round}, shard {options.shard}"
    answered = run.answer(options.round, options.shard, lambda line: say_on_stderr(f"{title}: {line}"))
    say_on_stderr(f"{title}: {answered}")


def _fetch(run: StageRun, options: argparse.Namespace) -> None:
    run.fetch(options.round, options.shard)


def _settle(run: StageRun, options: argparse.Namespace) -> None:
    from goldpan.batches.answered_twice import notes_on

    settled = run.settle(options.round)
    outcomes = ", ".join(f"{count} {state}" for state, count in settled.outcomes.items()) or "nothing asked"
    say_on_stderr(f"{run.name}, round {options.round}: {outcomes}; {settled.left} left to ask again")
    _say_messages(settled.messages)
    for note in notes_on(settled.noticed):
        say_on_stderr(f"  {note}")


def _features(run: StageRun, options: argparse.Namespace) -> None:
    _say_messages(run.consolidate().messages)


def _say_messages(messages: list[MessageCount]) -> None:
    from goldpan.batches.messages import message_lines

    for line in message_lines(messages):
        say_on_stderr(f"  {line}")


def _records(run: StageRun, options: argparse.Namespace) -> None:
    say_on_stderr(f"{run.name}: {run.make_records()}")


def _tables(run: StageRun, options: argparse.Namespace) -> None:
    run.tables()


_STEPS: dict[str, Callable[[StageRun, argparse.Namespace], int | None]] = {
    "plan": _plan,
    "requests": _requests,
    "submit": _submit,
    "answer": _answer,
    "wait": _wait,
    "fetch": _fetch,
    "settle": _settle,
    "records": _records,
    "features": _features,
    "tables": _tables,
}


class ProgressLines:
    """Writes the progress of a round to stderr: one changing line on a terminal, else a line per change."""

    def __init__(self, title: str):
        self._title = title
        self._last = ""

    def __call__(self, progress: Progress) -> None:
        line = f"{self._title}: {progress.line()}"
        if sys.stderr.isatty():
            print(
                f"\r\033[K{line}", end="\n" if progress.terminal == progress.batches else "", file=sys.stderr
            )
            sys.stderr.flush()
            return
        if progress.counts() != self._last:
            self._last = progress.counts()
            say_on_stderr(line)
