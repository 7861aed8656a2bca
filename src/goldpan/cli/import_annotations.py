"""`goldpan import annotations`: labels of other tools into a golden set or the sheets of a wave."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from goldpan.cli import add_project_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldpan.imports.annotations.outcome import ImportOutcome

# Written here, too, so that `goldpan --help` need not import the library; a test keeps it in step.
FORMATS = ("prodigy", "label_studio", "label_studio_min", "argilla", "potato", "doccano", "table")

_MOST_FAULTS = 20


def add_command(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add it to `goldpan import`."""
    parser = actions.add_parser(
        "annotations", help="labels of other tools: into a golden set, or the sheets of a wave"
    )
    parser.add_argument("file", type=Path, nargs="+", metavar="FILE", help="exports, or folders of them")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--to-wave", metavar="WAVE", help="as filled sheets of this wave")
    target.add_argument("--to-golden", metavar="MODULE", help="as a new version of this module's golden set")
    parser.add_argument("--format", choices=FORMATS, help="of the exports (default: told by their content)")
    parser.add_argument("--key", metavar="THEIRS[=OURS]", help="field to join by (default: item_id or id)")
    parser.add_argument("--map", type=Path, metavar="FILE", help="YAML: their questions, labels and people")
    parser.add_argument("--annotator", metavar="NAME", help="who said all of it")
    parser.add_argument("--add-rows", action="store_true", help="add rows that the golden set lacks")
    parser.add_argument("--leave-out", action="store_true", help="import the rest where some do not fit")
    parser.add_argument("--dry-run", action="store_true", help="say what would be written, and write nothing")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parser.set_defaults(run=_annotations)
    add_project_options(parser)


def _annotations(options: argparse.Namespace) -> None:
    if options.to_wave is not None:
        _into_wave(options)
    else:
        _into_golden(options)


def _into_wave(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.errors import StudyError
    from goldpan.imports.annotations.formats import read_exports
    from goldpan.imports.annotations.mapping import read_annotation_map
    from goldpan.imports.annotations.to_wave import import_into_wave
    from goldpan.tasks.nearest import suggestion
    from goldpan.waves.steps.run import WaveRun

    if options.add_rows:
        raise StudyError("--add-rows goes with --to-golden: a wave has the items that were drawn")
    run = WaveRun(project_of(options), options.to_wave)
    known = run.wave.annotators
    if options.annotator is not None and options.annotator not in known:
        raise StudyError(
            f"the wave has no annotator `{options.annotator}`; {suggestion(options.annotator, known)}"
        )
    given_out = run.given_out
    outcome = import_into_wave(
        given_out,
        run.annotations,
        read_exports(options.file, options.format),
        read_annotation_map(options.map, given_out.codebook.by_name),
        key=options.key,
        annotator=options.annotator,
        leaves_out=options.leave_out,
        writes=not options.dry_run,
    )
    if options.json:
        _print_json(outcome)
        return
    _print_outcome(outcome)
    _print_files(outcome, options.dry_run)
    if outcome.written and not options.dry_run:
        print(f"then: goldpan waves status {options.to_wave}; `goldpan run` collects the sheets")


def _into_golden(options: argparse.Namespace) -> None:
    from goldpan.cli.golden import print_version
    from goldpan.cli.project import project_with_runs
    from goldpan.imports.annotations.formats import read_exports
    from goldpan.imports.annotations.mapping import read_annotation_map
    from goldpan.imports.annotations.to_golden import golden_features, import_into_golden

    project, module = project_with_runs(options), options.to_golden
    _, features = golden_features(project, module)
    outcome, version = import_into_golden(
        project,
        module,
        read_exports(options.file, options.format),
        read_annotation_map(options.map, features),
        key=options.key,
        annotator=options.annotator,
        adds_rows=options.add_rows,
        leaves_out=options.leave_out,
        writes=not options.dry_run,
    )
    if options.json:
        _print_json(outcome)
        return
    _print_outcome(outcome)
    print_version(version, project, module, dry_run=options.dry_run)


def _print_json(outcome: ImportOutcome) -> None:
    from goldpan.cli.tables import json_text

    print(json_text(outcome.as_json()), end="")


def _print_outcome(outcome: ImportOutcome) -> None:
    from goldpan.visible_text import printable

    for file, form in outcome.files.items():
        print(printable(f"{file}: {form}"))
    print(printable(f"joined by {outcome.key}"))
    print(f"{outcome.read:,} annotations read: {outcome.taken:,} taken")
    _print_counts("left out", outcome.left_out)
    _print_counts("not joined", outcome.not_joined)
    for example in outcome.examples.values():
        print(printable(f"    such as {example.place}: {example.what}"))
    if outcome.unfit:
        print(f"  do not fit, left out: {outcome.unfit:,}")
    for fault in outcome.faults[:_MOST_FAULTS]:
        print(printable(f"    {fault.place}: {fault.what}"))
    if len(outcome.faults) > _MOST_FAULTS:
        print(f"    and {len(outcome.faults) - _MOST_FAULTS:,} more; --json has all of them")
    _print_counts("times kept", outcome.times)
    _print_counts("times not kept", outcome.refused_times)
    _print_counts("asked there, and no feature here", outcome.unused)
    for note in outcome.notes:
        print(printable(f"  {note}"))


def _print_counts(title: str, counts: Mapping[str, int]) -> None:
    from goldpan.visible_text import printable

    if counts:
        listed = ", ".join(f"{count:,} {what}" for what, count in counts.items())
        print(printable(f"  {title}: {listed}"))


def _print_files(outcome: ImportOutcome, dry_run: bool) -> None:
    from goldpan.visible_text import printable

    for path in outcome.written:
        print(printable(f"{'would be written' if dry_run else 'written'}: {path}"))
    for path in outcome.unchanged:
        print(printable(f"as it was: {path}"))
