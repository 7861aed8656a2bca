"""`goldpan waves plan|status`, and `goldpan agreement` and `goldpan merge` on plain tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.cli import add_project_options

if TYPE_CHECKING:
    from goldpan.study import Project
    from goldpan.waves.plain_commands import Values
    from goldpan.waves.plain_table import Layout
    from goldpan.waves.progress import WaveProgress

# Written here, too, so that `goldpan --help` need not import the library; a test keeps them in step.
WEIGHTINGS = ("unweighted", "linear", "quadratic")
STRATEGIES = (
    "adjudicate",
    "majority",
    "majority_llm",
    "conservative",
    "annotator_a",
    "annotator_b",
    "dawid_skene",
)


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan waves`, `goldpan agreement` and `goldpan merge` to the command line."""
    parser = commands.add_parser("waves", help="plan how many items to annotate; see how far a wave is")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_plan(actions.add_parser("plan", help="how surely kappa will be known with how many items"))
    _add_status(actions.add_parser("status", help="who has answered how much, and what is still disagreed"))
    _add_agreement(commands.add_parser("agreement", help="agreement in a plain table of answers"))
    _add_merge(commands.add_parser("merge", help="one label from several in a plain table of answers"))


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "With --study: what each wave of the study gives, with its task's labels and its number of items."
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--items", type=int, nargs="+", metavar="N", help="numbers of items (default: usual)")
    size.add_argument("--half-width", type=float, metavar="W", help="find the items that give kappa +/- W")
    parser.add_argument("--kappa", type=float, default=0.6, help="true kappa to reckon with (default: 0.6)")
    parser.add_argument("--prevalence", type=float, metavar="P", help="share of the rarest label, e.g. 0.05")
    parser.add_argument("--labels", type=int, metavar="K", help="number of labels (default: 2)")
    parser.add_argument("--weights", choices=WEIGHTINGS, help="of kappa (default: unweighted)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_project_options(parser)
    parser.set_defaults(run=_plan)


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("wave", nargs="?", help="name of the wave (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_project_options(parser)
    parser.set_defaults(run=_status)


def _add_agreement(parser: argparse.ArgumentParser) -> None:
    _add_table_options(parser)
    parser.add_argument("--verbose", action="store_true", help="also each pair, and how intervals are made")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page, too")
    parser.set_defaults(run=_agreement)


def _add_merge(parser: argparse.ArgumentParser) -> None:
    _add_table_options(parser)
    parser.add_argument(
        "--strategy", choices=STRATEGIES, default="adjudicate", help="who decides differences"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the labels here")
    parser.add_argument("--disagreements", type=Path, metavar="FILE", help="write what is to be decided here")
    parser.add_argument("--decisions", type=Path, metavar="FILE", help="such a file, filled in")
    parser.set_defaults(run=_merge)


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "FILE is CSV or TSV with a column for each annotator (annotator_a, annotator_b, or --columns), or"
        " with the columns item_id, annotator and label. Several files are parts of one table."
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--columns", nargs="+", metavar="A", help="annotators' columns, by name or number")
    parser.add_argument("--item", metavar="COL", help="column of item ids (default: item_id or id)")
    parser.add_argument("--llm", metavar="COL", help="column of the LLM's answers (default: llm)")
    parser.add_argument("--no-header", action="store_true", help="the first row holds answers already")
    parser.add_argument(
        "--scale", choices=("auto", "nominal", "ordered"), default="auto",
        help="auto: three or more different numbers are ordered",
    )  # fmt: skip
    parser.add_argument("--order", nargs="+", metavar="LABEL", help="ordered labels, the lowest first")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _plan(options: argparse.Namespace) -> None:
    if options.study is not None:
        _plan_study(options)
        return
    from goldpan.waves import power

    expected = power.expectation(
        options.labels or 2, options.kappa, options.prevalence, options.weights or "unweighted"
    )
    if options.half_width is not None:
        plans = [power.items_for(options.half_width, expected)]
    else:
        plans = [power.plan(items, expected) for items in options.items or power.USUAL_SIZES]
    if options.json:
        _print_json([one.as_json() for one in plans])
    else:
        print(power.plan_text(expected, plans), end="")


def _plan_study(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.cli.tables import print_table
    from goldpan.errors import StudyError
    from goldpan.waves.run import WaveRun
    from goldpan.waves.wave_plan import plan_wave

    given = ("items", "half_width", "labels", "weights")
    if refused := [name for name in given if getattr(options, name) is not None]:
        raise StudyError(
            f"--{refused[0].replace('_', '-')} cannot go with --study: the study says it",
            remedy="leave one of them out",
        )
    project = project_of(options)
    plans = [
        plan
        for name in project.study.waves
        for plan in plan_wave(WaveRun(project, name), options.kappa, options.prevalence)
    ]
    if options.json:
        _print_json([one.as_json() for one in plans])
        return
    rows: list[list[Any]] = []
    for one in plans:
        width = one.plan.half_width if one.plan else None
        note = one.note or ("" if width else "kappa will most often be undefined")
        weights = one.weighting if one.plan else None
        rows.append(
            [one.wave, one.feature, one.labels, one.plan and one.plan.items, weights,
             width and f"+/- {width:.3f}", note]
        )  # fmt: skip
    print_table(
        ["wave", "feature", "labels", "items", "weights", "kappa known to within", "note"],
        rows,
        empty="the study has no waves",
    )
    if plans:
        share = "labels as frequent as each other" if options.prevalence is None else "the rarest label at"
        share += "" if options.prevalence is None else f" {options.prevalence:g}"
        print(f"for two answers to each item, a true kappa of {options.kappa:g} and {share}")
        if any(wave.per_item > 2 for wave in project.study.waves.values()):
            print("where more than two answer an item, kappa over all of them is known more surely")


def _status(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.waves.progress import progress_of
    from goldpan.waves.run import WaveRun

    project = project_of(options)
    names = [options.wave] if options.wave else list(project.study.waves)
    found = [progress_of(WaveRun(project, name)) for name in names]
    if options.json:
        _print_json([one.as_json() for one in found])
        return
    if not found:
        print("the study has no waves")
    for one in found:
        _print_progress(project, one)


def _print_progress(project: Project, found: WaveProgress) -> None:
    from goldpan.cli.tables import print_table

    print(f"wave {found.wave}: {found.state}" + (f", {found.items} items" if found.items else ""))
    if found.state == "not drawn":
        print(f"  snakemake draws it: {project.paths.sample(found.wave)}")
        return
    print_table(
        ["annotator", "given", "answered", "begun", "left", "repeats", "minutes", "files"],
        [
            [name, one.assigned, one.answered, one.started, one.left,
             f"{one.repeats_answered} of {one.repeats_assigned}",
             one.seconds and round(one.seconds / 60, 1), ", ".join(one.files) or None]
            for name, one in found.annotators.items()
        ],
        empty="",
    )  # fmt: skip
    print_table(
        ["feature", "compared", "differ", "to decide", "so far"],
        [
            [one.feature, one.compared, one.disagreed, len(one.to_decide),
             ", ".join(f"{count} {name}" for name, count in one.resolutions.items())]
            for one in found.features
        ],
        empty="",
    )  # fmt: skip
    folder = project.study.waves[found.wave].annotations_folder(project.study.study, found.wave)
    if found.state == "partial":
        print(f"filled sheets go into {folder}/")
    if not found.is_decided:
        page, table = project.paths.adjudication(found.wave), project.paths.disagreements(found.wave)
        print(f"decide on {page} or in a copy of {table}; the file goes into {folder}/")


def _agreement(options: argparse.Namespace) -> None:
    from goldpan.waves.plain_commands import agreement_command

    layout, values = _table(options)
    text = agreement_command(options.files, layout, values, options.json, options.verbose, options.html)
    print(text, end="")


def _merge(options: argparse.Namespace) -> None:
    from goldpan.waves.plain_commands import merge_command

    layout, values = _table(options)
    text = merge_command(
        options.files, layout, values, options.strategy, options.out,
        disagreements=options.disagreements, decisions=options.decisions, as_json=options.json,
    )  # fmt: skip
    print(text, end="")


def _table(options: argparse.Namespace) -> tuple[Layout, Values]:
    from goldpan.waves.plain_commands import Values
    from goldpan.waves.plain_table import Layout

    columns = tuple(options.columns) if options.columns else None
    layout = Layout(columns, options.llm, options.item, header=not options.no_header)
    return layout, Values(options.scale, tuple(options.order) if options.order else None)


def _print_json(value: Any) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
