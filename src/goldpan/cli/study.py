"""`goldpan validate`, `goldpan plan` and `goldpan summary`: looking at a study without spending."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.cli import add_project_options

if TYPE_CHECKING:
    from goldpan.errors import ErrorGatherer
    from goldpan.study import Project


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these commands to the command line."""
    validate = commands.add_parser("validate", help="check study, tasks, prompts and files; spends nothing")
    validate.set_defaults(run=_validate)
    plan = commands.add_parser("plan", help="count what each stage would ask and cost; spends nothing")
    plan.add_argument("--json", action="store_true", help="print the plans as JSON")
    plan.set_defaults(run=_plan)
    summary = commands.add_parser("summary", help="what was made: counts by state, and where to look")
    summary.set_defaults(run=_summary)
    for parser in (validate, plan, summary):
        parser.add_argument("name", nargs="?", help="study, as --study")
        add_project_options(parser)
    for parser in (validate, plan):
        parser.add_argument(
            "--limit", metavar="N", help="of a trial: only the first N rows of each source, as the run does"
        )
        parser.add_argument("--mode", metavar="MODE", help="batch or online, for all stages, as the run does")


def _project(options: argparse.Namespace, wrong: ErrorGatherer | None = None) -> Project:
    from goldpan.cli.project import project_of

    options.study = options.name or options.study
    return project_of(options, wrong)


def _validate(options: argparse.Namespace) -> None:
    from goldpan.batches.check import check_stages
    from goldpan.chains.check import check_local_stages
    from goldpan.chains.tables.check import check_tables
    from goldpan.error_analysis.check import check_error_analyses
    from goldpan.errors import ErrorGatherer, GoldpanError
    from goldpan.evaluation.check import check_evaluations
    from goldpan.finetune.check import check_finetunes
    from goldpan.finetune.exports.check import check_exports
    from goldpan.heads.check import check_models
    from goldpan.optimise.check import check_searches
    from goldpan.providers.keys import Keys
    from goldpan.records.first_rows import first_records, note_on_delimiter
    from goldpan.records.inputs import source_files
    from goldpan.tracking.connect import unset_variables
    from goldpan.waves.steps.check import check_waves

    wrong = ErrorGatherer()
    try:
        project = _project(options, wrong)
    except GoldpanError as error:
        # Told together with what was found in the file before.
        wrong.add(error)
        wrong.finish()
        raise
    for name, source in project.study.sources.items():
        with wrong.gather():
            limited = f", of which the first {source.limit:,} rows are read" if source.limit else ""
            print(f"source {name}: {len(source_files(source, project.root))} files{limited}")
            with tempfile.TemporaryDirectory(prefix="goldpan-validate-") as folder:
                for records in first_records(project, name, Path(folder)):
                    if note := note_on_delimiter(records):
                        print(f"source {name}: note: {note}")
    with wrong.gather():
        for checked in check_stages(project):
            print(f"stage {checked.name}: {checked.features} features, {checked.properties} answer fields")
            for warning in checked.warnings:
                print(f"stage {checked.name}: note: {warning}")
    checks = (check_local_stages, check_waves, check_models, check_tables, check_evaluations)
    for check in (*checks, check_error_analyses, check_searches, check_exports, check_finetunes):
        with wrong.gather():
            for line in check(project):
                print(line)
    keys = Keys(project.root)
    for name, provider in project.study.providers.items():
        if provider.api_key_env and keys.get(provider.api_key_env) is None:
            print(f"provider {name}: note: {provider.api_key_env} is not set; sending batches needs it")
    for name, tracker in project.study.trackers.items():
        for variable in unset_variables(tracker, keys):
            print(f"tracker {name}: note: {variable} is not set; uploading needs it")
    wrong.finish()
    print(f"{project.study_file}: no errors")


def _plan(options: argparse.Namespace) -> None:
    from dataclasses import asdict

    import orjson

    from goldpan.batches.prompt_cache import LEAST_TOKENS, STEP_TOKENS
    from goldpan.chains.preview import Preview, preview
    from goldpan.cli.step import cost_text
    from goldpan.cli.tables import print_table
    from goldpan.errors import ErrorGatherer
    from goldpan.finetune.check import check_finetunes
    from goldpan.optimise.cost_bound import search_cost_lines

    previews: list[Preview] = []
    wrong = ErrorGatherer()
    project = _project(options)
    with wrong.gather():
        for planned in preview(project):
            previews.append(planned)
    if options.json or not previews:
        wrong.finish()
    if options.json:
        rows = [
            {"stage": item.stage, "note": item.note, "plan": item.plan and asdict(item.plan)}
            for item in previews
        ]
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    under_way = any(item.plan is not None and item.plan.requests["pending"] for item in previews)
    head = ["stage", "records", "skipped", "answered", *(["under way"] if under_way else []), "to ask",
            "prompt tokens", "cost USD", "spent USD", "note"]  # fmt: skip
    table: list[list[Any]] = []
    for item in previews:
        if item.plan is None:
            table.append([item.stage, *[None] * (len(head) - 2), item.note])
            continue
        plan = item.plan
        table.append(
            [item.stage, plan.records, sum(plan.skipped.values()), plan.requests["answered"],
             *([plan.requests["pending"]] if under_way else []),
             plan.requests["asked"], plan.estimate["prompt_tokens"],
             cost_text(plan.estimate), "unknown" if plan.unpriced else f"{plan.spent['settled_usd']:.4f}",
             plan.over_budget or item.note or ""]
        )  # fmt: skip
    print_table(head, table, empty="the study has no stages")
    for item in previews:
        if item.plan is not None and item.plan.requests["asked"] and item.plan.estimate["cost_usd"]:
            print(f"{item.stage}: the length of answers is {item.plan.estimate['completion_basis']}")
            if share := item.plan.estimate.get("cached_share"):
                print(
                    f"{item.stage}: {share:.0%} of the prompt tokens may come from the service's cache,"
                    f" if it takes prompts that begin alike from {LEAST_TOKENS:,} tokens on, in steps of"
                    f" {STEP_TOKENS}; the cost does not count on it"
                )
        for note in item.plan.notes if item.plan else ():
            print(f"stage {item.stage}: note: {note}")
    with wrong.gather():
        for line in search_cost_lines(project, {item.stage: item.plan for item in previews if item.plan}):
            print(line)
    with wrong.gather():
        for line in check_finetunes(project):
            print(line)
    print("nothing was sent and nothing was paid")
    wrong.finish()


def _summary(options: argparse.Namespace) -> None:
    from goldpan.cli.summary import print_summary

    print_summary(_project(options))
