"""Which files a source has. Only names are looked at: no data file is opened here."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable
from pathlib import Path

from goldpan.errors import ErrorGatherer, StudyError
from goldpan.files import check_name_is_utf8
from goldpan.study.load import Project
from goldpan.study.model import Source
from goldpan.study.paths import STAND_IN, TEST_LOOKS, file_names


def source_files(source: Source, root: Path) -> dict[str, Path]:
    """The files of a source by their short names, in the order of their paths.

    A pattern may hold `*`, `?`, `[...]` and `**`; hidden files and folders are matched only by a pattern that
    names the dot. A pattern that is itself the name of a file stands for that file. Folders are passed over,
    and so are the files in which goldpan counts looks at a test split, for they lie beside the data.

    Args:
        source: the source.
        root: folder that relative patterns start from.

    Raises:
        StudyError: a pattern matches no file; SeveralErrors where several do not.
        SourceError: the name of a file is not UTF-8.
    """
    return _files_of(source, root, _matches)


def files_to_come(source: Source, root: Path) -> dict[str, Path]:
    """As `source_files`, but what holds no wildcard names a file that other rules may still make: those of a
    workflow that this one is a part of.

    Raises:
        StudyError, SourceError: as `source_files`.
    """
    return _files_of(source, root, _matches_or_name)


def _files_of(source: Source, root: Path, match: Callable[[str, Path], list[Path]]) -> dict[str, Path]:
    files: list[Path] = []
    wrong = ErrorGatherer()
    for pattern in source.files:
        matches = match(pattern, root)
        if not matches:
            what = f"no file matches `{pattern}`" + (
                ", which is a folder" if (root / pattern).is_dir() else ""
            )
            wrong.add(StudyError(what, where=str(root), remedy=_remedy(pattern, root)))
        for path in matches:
            with wrong.gather():
                check_name_is_utf8(path)
        files += matches
    wrong.finish()
    return file_names(files, root)


def files_of_sources(project: Project, sources: Iterable[str]) -> dict[tuple[str, str], Path]:
    """(source, file) -> the user's file, for all files of some sources, in the order of the sources.

    Raises:
        StudyError: a pattern matches no file.
    """
    return {
        (source, file): path
        for source in sources
        for file, path in source_files(project.study.sources[source], project.root).items()
    }


def link_to(path: Path, link: Path) -> None:
    """Make `link` lead to a source file."""
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(path.resolve())


def linked_file(path: Path) -> Path:
    """The source file itself, where `path` is a link that `link_to` made: its name says how it is read."""
    return path.readlink() if path.suffix == STAND_IN and path.is_symlink() else path


def behind_stand_ins(project: Project, paths: Iterable[str]) -> dict[str, str]:
    """link -> the user's file that it stands in for, of those paths that are such links.

    Raises:
        StudyError: a pattern of the sources matches no file.
    """
    links = {path for path in paths if path.endswith(STAND_IN)}
    if not links:
        return {}
    files = files_of_sources(project, project.study.sources)
    stood_in = {project.paths.stand_in(*place): str(path) for place, path in files.items()}
    return {link: stood_in[link] for link in links & set(stood_in)}


def _matches(pattern: str, root: Path) -> list[Path]:
    literal = root / pattern
    if literal.is_file():
        return [literal]
    names = glob.iglob(pattern, root_dir=root, recursive=True)  # noqa: PTH207 - Path.glob takes hidden files
    paths = (root / name for name in names)
    return [path for path in paths if path.is_file() and not path.name.endswith(TEST_LOOKS)]


def _matches_or_name(pattern: str, root: Path) -> list[Path]:
    is_name = not glob.has_magic(pattern) and not (root / pattern).is_dir()
    return _matches(pattern, root) or ([root / pattern] if is_name else [])


def _remedy(pattern: str, root: Path) -> str:
    if (root / pattern).is_dir():
        return f"name the files in it, e.g. `{pattern.rstrip('/')}/*.jsonl`"
    return "check `files` of the source; paths start from the project root"
