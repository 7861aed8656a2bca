"""`goldpan experiments sheets|golden`: rows of modules go out to people, and what they decide comes back."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from goldpan.cli import add_project_options

if TYPE_CHECKING:
    from goldpan.experiments.golden_version import GoldenVersion
    from goldpan.study import Project


def add_commands(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to `goldpan experiments`."""
    sheets = actions.add_parser("sheets", help="sheets for people, about answered rows of modules")
    sheets.add_argument("module", nargs="*", help="modules with right answers in their rows")
    sheets.add_argument("--all", action="store_true", help="all that are enabled")
    sheets.add_argument("--sample", type=int, default=100, metavar="N", help="rows of each (default: 100)")
    sheets.add_argument("--seed", type=int, default=42, help="of the draw (default: 42)")
    sheets.add_argument("--no-shuffle", action="store_true", help="rows in the order of the data")
    sheets.add_argument("--annotators", metavar="NAMES", help="who answers, e.g. anna,ben (default: a,b)")
    sheets.add_argument("--blind", action="store_true", help="a sheet for each, without the LLM's answers")
    sheets.add_argument("--cores", type=int, default=2, help="of snakemake (default: 2)")
    sheets.add_argument("--dry-run", action="store_true", help="say what would be made, and make no sheets")
    sheets.set_defaults(run=_sheets)
    golden = actions.add_parser("golden", help="take what people decided into a new version of a golden set")
    golden.add_argument("module", metavar="MODULE", help="whose golden set")
    golden.add_argument("--from", dest="wave", required=True, metavar="WAVE", help="its wave, or STUDY/WAVE")
    golden.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
    golden.set_defaults(run=_golden)
    for action in (sheets, golden):
        add_project_options(action)


def _sheets(options: argparse.Namespace) -> int:
    from goldpan.cli.project import project_with_runs
    from goldpan.experiments.command import options_of, run_snakemake
    from goldpan.experiments.sheets import (
        ANNOTATORS,
        SheetSettings,
        add_waves,
        modules_with_sheets,
        sheets_of,
        sheets_project,
    )

    project = project_with_runs(options)
    people = (
        tuple(name.strip() for name in options.annotators.split(",")) if options.annotators else ANNOTATORS
    )
    settings = SheetSettings(options.sample, options.seed, not options.no_shuffle, people, options.blind)
    modules = modules_with_sheets(project) if options.all else options.module
    waves = add_waves(project, modules, settings)
    of_project = {"ledger": options.ledger, "results": options.results}
    study = sheets_project(project)
    assert study is not None
    missing = [path for path in sheets_of(study, list(waves.values())) if not (study.root / path).exists()]
    if missing:
        arguments = [*missing, *options_of(study, options.cores, of_project)]
        status = run_snakemake(study, arguments, dry_run=options.dry_run)
        if status or options.dry_run:
            return status
    from goldpan.study.run_again import run_command

    for module, wave in waves.items():
        _print_wave(study, module, wave, settings.sample, set(missing))
    print(f"then: {run_command(study.study.study, '--cores', str(options.cores))}")
    return 0


def _print_wave(study: Project, module: str, wave: str, sample: int, written: set[str]) -> None:
    from goldpan.experiments.sheets import sheets_of
    from goldpan.waves.steps.run import WaveRun

    run = WaveRun(study, wave)
    counts = run.draw_given_out().sample.counts
    asked = f", all there are of {counts.asked}" if counts.shortfall else f" of {counts.population}"
    print(f"{module}: wave {wave}, {counts.sampled} rows{asked}")
    if counts.asked != sample:
        print(f"  drawn with sample {counts.asked} as its study says, not with the {sample} asked for here")
    if not run.wave.blind:
        print("  not blind: people see the LLM's answers and each other's; --blind hides both")
    for path in sheets_of(study, [wave]):
        print(f"  {path}" + ("" if path in written else " (as it was; nothing is written over)"))
    print(f"  filled sheets go into {run.wave.annotations_folder(study.study.study, wave)}/")


def _golden(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_with_runs
    from goldpan.experiments.golden import take_into_golden
    from goldpan.experiments.wave_gold import find_wave, read_wave_gold

    project = project_with_runs(options)
    gold = read_wave_gold(*find_wave(project, options.wave))
    found = take_into_golden(project, options.module, gold, writes=not options.dry_run)
    print_version(found, project, options.module, dry_run=options.dry_run)


def print_version(found: GoldenVersion, project: Project, module: str, *, dry_run: bool) -> None:
    """Print what came of taking answers into the golden set of a module."""
    from goldpan.files import canonical_json
    from goldpan.visible_text import printable

    for change in found.changed:
        before, after = (canonical_json(value).decode() for value in (change.before, change.after))
        print(printable(f"{change.id}: {change.feature} {before} -> {after}"))
    for name in found.added:
        print(printable(f"{name}: new"))
    changed = {change.id for change in found.changed}
    for name, why in found.kept.items():
        what = "otherwise stays as it is" if name in changed else "stays as it is"
        print(printable(f"{name}: {'is not added' if name in found.not_added else what}; {why}"))
    for note in found.notes:
        print(printable(note))
    print(f"{len(found.changed)} answers changed, {found.confirmed} confirmed, {len(found.added)} rows added")
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in found.rows.items())
    print(f"{sum(found.rows.values())} rows of {found.read}: {outcomes}")
    if not found.is_new:
        print(f"{found.file} stays as it is, version {found.number}: nothing was written")
        return
    study = f" --study {project.study.study}"
    would_be = "would be " if dry_run else ""
    print(
        f"{found.file}: {would_be}version {found.number}; what was measured before refers to the file before"
    )
    if not dry_run:
        print(f"then: goldpan experiments check {module}{study}")
        print(f"and:  goldpan experiments run {module}{study}")
