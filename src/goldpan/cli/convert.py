"""`goldpan convert`: embedding and annotation jobs of ml_filter as a study."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan convert` to the command line."""
    parser = commands.add_parser(
        "convert", help="write the study of an embedding_job.yaml or annotation_job.yaml"
    )
    parser.add_argument("file", type=Path, nargs="+", metavar="FILE", help="a job, or one of each kind")
    parser.add_argument("--name", help="name of the study; default that of the first file")
    parser.add_argument("--model", help="that made the embeddings, where only an annotation job is given")
    parser.add_argument("--root", default=".", help="folder of the project (default: this one)")
    parser.add_argument("--force", action="store_true", help="write over files that say something else")
    parser.add_argument("--dry-run", action="store_true", help="say what becomes of each key; write nothing")
    parser.set_defaults(run=_convert)


def _convert(options: argparse.Namespace) -> None:
    from goldpan.imports.classic.convert import convert_jobs
    from goldpan.visible_text import printable

    conversion = convert_jobs(options.file, root=Path(options.root), name=options.name, model=options.model)
    written = [] if options.dry_run else conversion.write(options.force)
    for line in conversion.words():
        print(printable(line))
    for path in conversion.files:
        fate = "written" if path in written else "not written" if options.dry_run else "was there already"
        print(printable(f"{path}: {fate}"))
    if not options.dry_run:
        profile = (
            "" if conversion.profile is None else f" --profile slurm --profile profiles/{conversion.name}"
        )
        print(
            printable(
                f"next: goldpan validate {conversion.name}; goldpan run --study {conversion.name}{profile}"
            )
        )
