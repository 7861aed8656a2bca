"""`goldpan waves plan|status|redraw`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from goldpan.cli import add_project_options
from goldpan.cli.tables import json_text, print_table
from goldpan.visible_text import printable

if TYPE_CHECKING:
    from goldpan.study import Project
    from goldpan.waves.steps.progress import WaveProgress

# Written here, too, so that `goldpan --help` need not import the library; a test keeps it in step.
WEIGHTINGS = ("unweighted", "linear", "quadratic")
MEASURES = ("kappa", "alpha", "accuracy", "recall", "f1")

_MOST_RECORDS_LISTED = 10


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan waves` to the command line."""
    parser = commands.add_parser("waves", help="plan a wave, see how far it is, or draw it anew")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_plan(actions.add_parser("plan", help="how surely agreement will be known with how many items"))
    _add_status(actions.add_parser("status", help="who has answered how much, and what is still disagreed"))
    _add_redraw(
        actions.add_parser("redraw", help="draw a wave that was given out anew; keeps what came back")
    )


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "With --study: what each wave of the study gives, with its task's labels and its number of items."
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--items", type=int, nargs="+", metavar="N", help="numbers of items (default: usual)")
    size.add_argument("--half-width", type=float, metavar="W", help="find the items that give +/- W")
    parser.add_argument(
        "--assurance", type=float, default=0.9, metavar="A", help="share of waves that keep W (default: 0.9)"
    )
    parser.add_argument("--measure", choices=MEASURES, default="kappa", help="what is to be known")
    parser.add_argument(
        "--value", "--kappa", type=float, metavar="V",
        help="its true value to reckon with (default: 0.6 for kappa and alpha, else 0.8)",
    )  # fmt: skip
    parser.add_argument("--annotators", type=int, metavar="M", help="answers to each item (default: 2)")
    parser.add_argument("--prevalence", type=float, metavar="P", help="share of the rarest label, e.g. 0.05")
    parser.add_argument("--labels", type=int, metavar="K", help="number of labels (default: 2)")
    parser.add_argument("--weights", choices=WEIGHTINGS, help="ordered labels (default: unweighted)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_project_options(parser)
    parser.set_defaults(run=_plan)


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("wave", nargs="?", help="name of the wave (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_project_options(parser)
    parser.set_defaults(run=_status)


def _add_redraw(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("wave", help="name of the wave")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_project_options(parser)
    parser.set_defaults(run=_redraw)


def _plan(options: argparse.Namespace) -> None:
    if options.study is not None:
        _plan_study(options)
        return
    from goldpan.waves.planning import expectation, power

    expected = expectation.expectation(
        2 if options.labels is None else options.labels,
        options.value,
        options.prevalence,
        options.weights or "unweighted",
        2 if options.annotators is None else options.annotators,
        options.measure,
    )
    if options.half_width is not None:
        plans = [power.items_for(options.half_width, expected, options.assurance)]
    else:
        sizes = options.items or power.USUAL_SIZES
        plans = [power.plan(items, expected, assurance=options.assurance) for items in sizes]
    if options.json:
        print(json_text([plan.as_json() for plan in plans]), end="")
    else:
        print(power.plan_text(expected, plans), end="")


def _plan_study(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.errors import StudyError
    from goldpan.waves.planning.expectation import USUAL_VALUE
    from goldpan.waves.planning.wave_plan import plan_wave
    from goldpan.waves.steps.run import WaveRun

    said_by_study = ("items", "half_width", "labels", "weights", "annotators")
    if refused := [name for name in said_by_study if getattr(options, name) is not None]:
        raise StudyError(
            f"--{refused[0].replace('_', '-')} cannot go with --study: the study says it",
            remedy="leave one of them out",
        )
    project = project_of(options)
    plans = [
        of_feature
        for name in project.study.waves
        for of_feature in plan_wave(
            WaveRun(project, name), options.value, options.prevalence, options.measure, options.assurance
        )
    ]
    if options.json:
        print(json_text([of_feature.as_json() for of_feature in plans]), end="")
        return
    rows: list[list[Any]] = []
    for of_feature in plans:
        plan = of_feature.plan
        width = plan.half_width if plan else None
        note = of_feature.note or ("" if width else f"{options.measure} will too often be undefined")
        told = [plan.items, of_feature.annotators, of_feature.weighting] if plan else [None] * 3
        within = width and f"+/- {width:.3f}"
        rows.append([of_feature.wave, of_feature.feature, of_feature.labels, *told, within, note])
    known = f"{options.measure} known to within"
    print_table(
        ["wave", "feature", "labels", "items", "answers", "weights", known, "note"],
        rows,
        empty="the study has no waves",
    )
    if plans:
        value = USUAL_VALUE[options.measure] if options.value is None else options.value
        share = "labels as frequent as each other" if options.prevalence is None else "the rarest label at"
        share += "" if options.prevalence is None else f" {options.prevalence:g}"
        print(f"for a true {options.measure} of {value:g} and {share}")
        print(f"known to within W: half the 95 % interval is at most W, in {options.assurance:.0%} of waves")
        if any(of_feature.plan and of_feature.weighting != "unweighted" for of_feature in plans):
            print("on ordered scales disagreements are reckoned to be mostly between neighbouring labels")


def _status(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.waves.steps.progress import progress_of
    from goldpan.waves.steps.run import WaveRun

    project = project_of(options)
    names = [options.wave] if options.wave else list(project.study.waves)
    waves = [progress_of(WaveRun(project, name)) for name in names]
    if options.json:
        print(json_text([wave.as_json() for wave in waves]), end="")
        return
    if not waves:
        print("the study has no waves")
    for wave in waves:
        _print_progress(project, wave)


def _print_progress(project: Project, wave: WaveProgress) -> None:
    print(f"wave {wave.wave}: {wave.state}" + (f", {wave.items} items" if wave.items else ""))
    if wave.state == "not drawn":
        print(f"  a run draws it: {project.paths.sample(wave.wave)}")
        return
    print_table(
        ["annotator", "given", "answered", "begun", "left", "repeats", "minutes", "files"],
        [
            [name, status.assigned, status.answered, status.started, status.left,
             f"{status.repeats_answered} of {status.repeats_assigned}",
             status.seconds and round(status.seconds / 60, 1), ", ".join(status.files) or None]
            for name, status in wave.annotators.items()
        ],
        empty="",
    )  # fmt: skip
    print_table(
        ["feature", "compared", "differ", "to decide", "so far"],
        [
            [feature.feature, feature.compared, feature.disagreed, len(feature.to_decide),
             ", ".join(f"{count} {name}" for name, count in feature.resolutions.items())]
            for feature in wave.features
        ],
        empty="",
    )  # fmt: skip
    for name, count in wave.set_aside.items():
        print(printable(f"set aside: {count} answered rows by {name} belong to an earlier draw"))
    for name, count in wave.superseded.items():
        print(
            printable(
                f"superseded: {count} answers by {name} are about a text edited since; the later ones count"
            )
        )
    for row in wave.shown_otherwise:
        columns = ", ".join(f"`{column}`" for column in row.columns)
        print(
            printable(
                f"shown otherwise: {row.where} ({row.item_id}): {columns} is not what was given out with this"
                " id; the answer counts for the id"
            )
        )
    for column in wave.not_read:
        cells = f"{column.cells} filled cells are not read, as no sheet was given out with this column"
        print(printable(f"not read: {column.file}, column `{column.name}`: {cells}"))
    for note in wave.changes:
        print(printable(f"since it was given out: {note}" if note is not wave.changes[-1] else note))
    folder = project.study.waves[wave.wave].annotations_folder(project.study.study, wave.wave)
    if wave.state == "partial":
        print(f"filled sheets go into {folder}/")
    if not wave.is_decided:
        page, table = project.paths.adjudication(wave.wave), project.paths.disagreements(wave.wave)
        print(f"decide on {page} or in a copy of {table}; the file goes into {folder}/")


def _redraw(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.ledger import RunLock
    from goldpan.waves.steps.redraw import redraw
    from goldpan.waves.steps.run import WaveRun

    project = project_of(options)
    lock = RunLock(project.ledger, project.root / project.paths.base)
    lock.acquire()
    done = redraw(WaveRun(project, options.wave))
    lock.release()
    if options.json:
        print(json_text(done.as_json()), end="")
        return
    if not done.changed:
        print(f"wave {done.wave}: a new draw is the one that was given out; nothing was changed")
        return
    print(f"wave {done.wave}: drawn anew, {done.items} items")
    parts = (
        ("new in it", done.added),
        ("no longer in it: answers to them are kept, and count no more", done.dropped),
        ("edited since: answers that came back before are about what they said then", done.edited),
    )
    for said, ids in parts:
        if ids:
            print(f"  {len(ids)} {said}:")
            for name in ids[:_MOST_RECORDS_LISTED]:
                print(printable(f"    {name}: {done.shown[name]}"))
            if len(ids) > _MOST_RECORDS_LISTED:
                print(f"    and {len(ids) - _MOST_RECORDS_LISTED} more")
    for name, rows in done.to_answer.items():
        before = done.answered.get(name)
        aside = f"; {before} answered before are not on the sheet" if before else ""
        print(printable(f"  {name}: {rows} rows to answer{aside}"))
    for note in done.notes:
        print(printable(f"  {note}"))
    for path in done.kept:
        print(printable(f"kept: {path}"))
    print(f"`goldpan run --study {project.study.study}` writes the new sheets")
