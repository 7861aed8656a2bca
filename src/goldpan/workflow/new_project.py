"""A project to start from: a study that ships, with its tasks and data, over the installed workflow."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from goldpan.errors import StorageError, StudyError
from goldpan.study.installed import installed_project
from goldpan.study.load import load_study
from goldpan.study.paths import studies_folder
from goldpan.workflow.project_readme import project_readme

SNAKEFILE = """\
# The workflow that is installed with goldpan, over the studies of this folder. Rules of your own may follow.
from goldpan import workflow_file
workflow.include(workflow_file(), overwrite_default_target=True)
"""
GITIGNORE = """\
# What is made anew, and what is yours alone. `.goldpan/` holds the ledger: what was paid for. Back it up.
results/
.goldpan/
.snakemake/
.env
"""


@dataclass(frozen=True)
class Template:
    """What a project is made from.

    Attributes:
        studies: names of studies that ship; the first is the one that runs when none is named.
        files: patterns of what else they need, in the installed project.
    """

    studies: tuple[str, ...]
    files: tuple[str, ...]


TEMPLATES: Mapping[str, Template] = {
    "letters": Template(("letters",), ("config/tasks/letter.*", "examples/letters/*")),
    "trace_critic": Template(("trace_critic",), ("config/tasks/trace_critic*", "examples/traces/*.jsonl")),
    "two_step": Template(
        ("two_step",),
        (
            "config/tasks/assetization_features_*",
            "config/tasks/investment_activity_*",
            "config/tasks/paragraph.user.j2",
            "config/keywords/nature.txt",
            "examples/paragraphs/*.csv",
            "examples/reports/*.pdf",
        ),
    ),
    "dataset_mentions": Template(
        ("dataset_mentions",),
        ("config/tasks/dataset_*", "config/known_datasets.csv", "examples/papers/*.pdf"),
    ),
    "keywords": Template(
        ("keywords_golden", "keywords_synthetic", "keywords_chain"),
        (
            "config/modules.yaml",
            "config/tasks/m[0-9]*.yaml",
            "config/tasks/uses.yaml",
            "config/tasks/keywords/*.j2",
            "examples/keywords/golden/*.jsonl",
            "examples/keywords/synthetic/*.jsonl",
            "examples/keywords/marketplace/*.py",
            "examples/keywords/marketplace/words.yaml",
        ),
    ),
}
DEFAULT_TEMPLATE = "letters"


def make_project(folder: Path, template: str = DEFAULT_TEMPLATE) -> list[str]:
    """Write a project into a folder, which is made if need be; what is there stays as it is.

    Args:
        folder: the project's; one that holds other things is taken if none of them would be overwritten.
        template: one of `TEMPLATES`.

    Returns:
        The paths in the folder that were written, sorted.

    Raises:
        StudyError: something would be overwritten; all of that is named, and nothing is written.
        StorageError: the folder cannot be made or written to.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise StudyError(
            "there is a file, or a link that leads nowhere, in place of the folder",
            where=str(folder),
            remedy="name another folder",
        )
    files, links = _files(template), dict(_links())
    try:
        in_the_way = sorted({path for name in [*files, *links] for path in _in_the_way(folder, name)})
        if in_the_way:
            raise StudyError(
                f"what a new project would write is there already: {', '.join(in_the_way)}",
                where=str(folder),
                remedy="name another folder, or move these away; nothing was written",
            )
        _write_all(folder, files, links)
    except OSError as error:
        raise StorageError(
            f"the project cannot be written: {error.strerror}",
            where=str(folder),
            remedy="name another folder; nothing is left of what was written",
        ) from None
    return sorted([*files, *links])


def _files(template: str) -> dict[str, bytes]:
    """Path in the project -> content, of all its files."""
    installed, chosen = installed_project(), TEMPLATES[template]
    study_files = [studies_folder(installed) / f"{name}.yaml" for name in chosen.studies]
    studies = [load_study(path) for path in study_files]
    patterns = (*chosen.files, "profiles/*/config.yaml")
    copied = [*study_files, *(path for pattern in patterns for path in sorted(installed.glob(pattern)))]
    written = {
        "Snakefile": SNAKEFILE,
        ".gitignore": GITIGNORE,
        "README.md": project_readme(studies),
        "config/config.yaml": (
            "# What all studies of this project share. `goldpan run --study NAME` picks another study.\n"
            f"study: {chosen.studies[0]}\n"
            "ledger: .goldpan/ledger.sqlite\n"
            "results: results\n"
        ),
    }
    return {path.relative_to(installed).as_posix(): path.read_bytes() for path in copied} | {
        name: text.encode() for name, text in written.items()
    }


def _links() -> Iterator[tuple[str, str]]:
    """Path in the project -> what the link leads to: Snakemake looks for a profile where it is started."""
    for profile in sorted(path.parent.name for path in installed_project().glob("profiles/*/config.yaml")):
        if profile != "default":
            yield profile, f"profiles/{profile}"


def _in_the_way(folder: Path, name: str) -> Iterator[str]:
    """What keeps a file of the project from being written: itself, or a file or link in place of a folder."""
    for parent in list(Path(name).parents)[:-1]:
        # A link could lead out of the folder.
        if (folder / parent).is_symlink() or ((folder / parent).exists() and not (folder / parent).is_dir()):
            yield parent.as_posix()
    if os.path.lexists(folder / name):
        yield name


def _write_all(folder: Path, files: Mapping[str, bytes], links: Mapping[str, str]) -> None:
    """Write the files; where one cannot be written, those that were are removed again."""
    made: list[Path] = []
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # Never over a file, even if it came between the check and now.
            with path.open("xb") as file:
                made.append(path)
                file.write(content)
        for name, target in links.items():
            (folder / name).symlink_to(target)
            made.append(folder / name)
    except BaseException:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink()
        raise
