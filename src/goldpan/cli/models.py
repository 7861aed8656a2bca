"""`goldpan models`: embedding, training, annotating and selecting by hand, as the workflow's rules do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goldpan.cli import add_project_options
from goldpan.visible_text import printable

if TYPE_CHECKING:
    from goldpan.embeddings.store import EmbedCounts


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan models` to the command line."""
    parser = commands.add_parser("models", help="embed, train, annotate and select by hand")
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    embed = steps.add_parser("embed", help="write the embeddings of records files")
    embed.set_defaults(run=_embed)
    train = steps.add_parser("train", help="train a head and measure it")
    train.set_defaults(run=_train)
    annotate = steps.add_parser("annotate", help="write what heads say about records")
    annotate.set_defaults(run=_annotate)
    select = steps.add_parser("select", help="write the annotated rows that a condition holds for")
    select.set_defaults(run=_select)
    for step in (embed, train, annotate, select):
        step.add_argument("name", help="as the study calls it")
        add_project_options(step)
    for step in (embed, annotate):
        step.add_argument(
            "--file", action="append", metavar="SOURCE/FILE", help="only this file; may be repeated"
        )
        step.add_argument("--threads", type=int, metavar="N", help="of the CPU")


def _embed(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.embeddings.run import EmbeddingRun

    run = EmbeddingRun(project_of(options), options.name)
    places = _chosen(options, run.files())
    made = run.embed(places, threads=options.threads, progress=_say_progress)
    for (source, file), counts in zip(places, made, strict=True):
        print(
            f"{source}/{file}: {counts.rows} records, {counts.embedded} embedded,"
            f" {counts.truncated} truncated, {sum(counts.skipped.values())} skipped"
        )


def _train(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.cli.summary import head_figures
    from goldpan.heads.run import train_in_project

    project = project_of(options)
    metrics = train_in_project(project, options.name)
    print(f"{metrics['labelled']} labelled records; {head_figures(metrics)}")
    print(project.paths.head(options.name, "metrics.json"))


def _annotate(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.heads.files import names_of_annotated
    from goldpan.heads.run import annotate_in_project

    project = project_of(options)
    names = names_of_annotated(project, options.name)
    for source, file in _chosen(options, list(names)):
        counts = annotate_in_project(
            project, options.name, source, file, threads=options.threads or 1, names=names
        )
        print(printable(f"{source}/{file}: {counts.rows} records, {counts.annotated} annotated"))


def _select(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.heads.run import select_in_project

    counts = select_in_project(project_of(options), options.name).as_json()
    print(f"{counts['selected']} of {counts['rows']} rows: {counts['where']}")


def _chosen(options: argparse.Namespace, places: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The files that `--file` names, else all."""
    from goldpan.errors import StudyError
    from goldpan.tasks.nearest import suggestion

    known = {f"{source}/{file}": (source, file) for source, file in places}
    for name in options.file or ():
        if name not in known:
            raise StudyError(f"there is no file `{name}` here; {suggestion(name, known)}", where=options.name)
    return [known[name] for name in options.file or known]


def _say_progress(records: Path, counts: EmbedCounts) -> None:
    print(printable(f"{records.name}: {counts.rows} records so far"), file=sys.stderr, flush=True)
