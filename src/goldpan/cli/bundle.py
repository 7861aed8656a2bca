"""`goldpan bundle` and `goldpan replay`: one archive from which others repeat a study, and its replay."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from goldpan.cli import add_project_options


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the command line."""
    bundle = commands.add_parser(
        "bundle", help="write one archive from which others repeat a study without a key"
    )
    bundle.add_argument("name", nargs="?", help="study, as --study")
    bundle.add_argument("--no-sources", action="store_true", help="leave the data out; their hashes stay")
    bundle.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the archive; default STUDY.goldpan.zip here"
    )
    add_project_options(bundle)
    bundle.set_defaults(run=_bundle)

    replay = commands.add_parser("replay", help="repeat a study from its bundle, and say what differs")
    replay.add_argument("bundle", type=Path, help="an archive of `goldpan bundle`")
    replay.add_argument(
        "--into", type=Path, metavar="FOLDER", help="where it is unpacked and run; default STUDY-replay here"
    )
    replay.add_argument("--cores", type=int, default=2, metavar="N", help="of Snakemake; default 2")
    replay.add_argument(
        "--run-code", action="store_true", help="run Python code that came with the bundle; read it first"
    )
    replay.set_defaults(run=_replay)


def _bundle(options: argparse.Namespace) -> None:
    from goldpan.bundle.is_current import check_is_current
    from goldpan.bundle.make import bundle
    from goldpan.cli.project import project_of
    from goldpan.workflow.inputs import Inputs

    options.study = options.name or options.study
    project = project_of(options)
    path = options.output or Path(f"{project.study.study}.goldpan.zip")
    check_is_current(project, {"ledger": options.ledger, "results": options.results})
    targets = list(Inputs(project).everything())
    made = bundle(project, path, targets, with_sources=not options.no_sources)
    manifest = made.manifest
    print(
        f"{path}: {len(manifest.files) + 1} files, {manifest.answers} answers,"
        f" {len(manifest.expected)} artifacts to be made again"
    )
    for link in made.links:
        print(f"note: {link} is a link here; what it leads to is in the bundle")
    for note in manifest.notes:
        print(f"note: {note}")
    if manifest.data_license is None:
        print("note: the study does not state the licence of its data (`statement: {data_license: …}`)")
    print(f"sha256 of its manifest: {manifest.id}")
    print(f"try it: goldpan replay {path} --into SOME_FOLDER")


def _replay(options: argparse.Namespace) -> int:
    from goldpan.bundle.archive import opened
    from goldpan.bundle.replay import replay

    folder = options.into
    if folder is None:
        with opened(options.bundle) as archive:
            folder = Path(f"{archive.manifest.study}-replay")
    replayed = replay(
        options.bundle,
        folder,
        cores=options.cores,
        run_code=options.run_code,
        say=lambda line: print(line, flush=True),
    )
    for line in replayed.comparison.lines():
        print(line)
    for line in replayed.lacking:
        print(f"note: {line}, so what models compute was not made again")
    if replayed.versions and not replayed.is_repeated:
        print(f"note: other versions than where it was made: {'; '.join(replayed.versions)}")
    if replayed.workflow_status:
        print("the workflow did not run to its end; its errors stand above", file=sys.stderr)
    print(f"results: {replayed.project.root / replayed.project.paths.base}")
    return 0 if replayed.is_repeated else 1
