"""`goldpan import answers`: output files of batch services, made elsewhere, into the ledger."""

from __future__ import annotations

import argparse
from pathlib import Path

from goldpan.cli import add_project_options


def add_command(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add it to `goldpan import`."""
    parser = actions.add_parser(
        "answers", help="answers of batch services that were paid for elsewhere: into the ledger"
    )
    parser.add_argument("file", type=Path, nargs="+", metavar="FILE", help="output files, JSONL")
    parser.add_argument("--stage", required=True, metavar="STAGE", help="whose requests they answer")
    parser.add_argument(
        "--key",
        required=True,
        metavar="FIELD",
        help="where their key stands: custom_id, or a path in the line",
    )
    parser.add_argument(
        "--custom-id", metavar="PATTERN", help="what stands there for a record, e.g. 'row-{data.id}'"
    )
    parser.add_argument(
        "--requests",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="the request file (repeatable)",
    )
    parser.add_argument(
        "--prompt-unknown", action="store_true", help="take answers of which nobody can tell what was asked"
    )
    parser.add_argument(
        "--other-model", action="store_true", help="take answers of another model than the stage asks"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what became of each line, as CSV")
    parser.add_argument("--dry-run", action="store_true", help="write nothing to the ledger")
    parser.set_defaults(run=_answers)
    add_project_options(parser)


def _answers(options: argparse.Namespace) -> int:
    from goldpan.cli.project import project_of, stage_of
    from goldpan.imports.answers.fates import Allowed
    from goldpan.imports.answers.run import AnswerImport, import_answers
    from goldpan.visible_text import printable

    project = project_of(options)
    stage_of(project, options.stage)
    wanted = AnswerImport(
        files=options.file,
        key=options.key,
        pattern=options.custom_id,
        requests=options.requests,
        allowed=Allowed(options.prompt_unknown, options.other_model),
        report_file=options.report,
    )
    report = import_answers(project, options.stage, wanted, dry_run=options.dry_run)
    for line in report.words():
        print(printable(line))
    if report.is_dry_run:
        print("nothing was written")
    return int(report.needs_a_look)
