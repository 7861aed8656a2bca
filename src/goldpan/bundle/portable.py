"""What of a study holds on one machine only: paths out of the project, addresses in the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from goldpan.errors import BundleError, ErrorGatherer
from goldpan.providers.connect import rules_of
from goldpan.providers.keys import Keys
from goldpan.study.load import Project

# Keys of a study whose values are paths, or may be.
_PATH_KEYS = frozenset(
    {"files", "folder", "model", "keywords", "known", "guidelines", "annotations", "table", "data"}
    | {"regression_head_checkpoints"}
)
_ABSOLUTE = re.compile(r"[/\\~]|[A-Za-z]:[/\\]|file:")


def leads_out(path: str) -> bool:
    """Whether a path is absolute, or leads out of the folder that it starts from."""
    return bool(_ABSOLUTE.match(path)) or ".." in re.split(r"[/\\]", path)


_OF_AN_AUTHOR = (
    "copy or link it into the project (e.g. `ln -s FOLDER data`) and name it there; names of records do not"
    " change by it"
)


def check_is_portable(project: Project, remedy: str = _OF_AN_AUTHOR) -> None:
    """Check that the study names nothing outside of its project.

    Args:
        remedy: what to do about it.

    Raises:
        BundleError: it names a path that leads out; SeveralErrors where there are several.
    """
    wrong = ErrorGatherer()
    study = project.study.model_dump(mode="json", by_alias=True, exclude_none=True)
    for key, path in _paths_named(study, ""):
        if leads_out(path):
            wrong.add(
                BundleError(
                    f"`{path}` leads out of the project, so others do not have it",
                    where=f"{project.study_file}: {key}",
                    remedy=remedy,
                )
            )
    wrong.finish()


def check_rules_are_said(project: Project) -> None:
    """Check that who is asked, as far as it shapes requests, stands in the study and not in the environment.

    Raises:
        BundleError: the address in the environment shapes the requests.
    """
    for name, provider in project.study.providers.items():
        if rules_of(provider, Keys(project.root)) != rules_of(provider, Keys(None, {})):
            raise BundleError(
                "its address stands in the environment only, and shapes its requests:"
                " whoever does not have it would look for other requests",
                where=f"{project.study_file}: providers.{name}",
                remedy="write it (without a key) into the study as `base_url`; nothing is asked anew",
            )


def project_path(project: Project, path: Path) -> str:
    """The path within the project of a file, which is absolute or relative to the working folder.

    Links are not followed: what a link leads to stands in a bundle under the name of the link.

    Raises:
        BundleError: it lies outside of the project.
    """
    root = project.root.absolute()
    absolute = Path(_plain(path))
    for base in (Path(_plain(root)), root.resolve()):
        if absolute.is_relative_to(base):
            return absolute.relative_to(base).as_posix()
    raise BundleError(
        "this file lies outside of the project, so others do not have it",
        where=str(path),
        remedy="copy or link it into the project, and name it there",
    )


def _plain(path: Path) -> str:
    """The path without `.` and `..`; links are not followed."""
    from os.path import normpath

    return normpath(path.absolute())


def _paths_named(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """(key, text) of all texts of a study under keys that hold paths."""
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        at = f"{place}.{key}" if place else str(key)
        if isinstance(inner, dict):
            if key in _PATH_KEYS:
                yield from ((f"{at}.{name}", text) for name, text in inner.items() if isinstance(text, str))
            yield from _paths_named(inner, at)
        elif key in _PATH_KEYS:
            texts = inner if isinstance(inner, list) else [inner]
            # A list of keywords is no list of paths.
            if not (isinstance(inner, list) and key == "keywords"):
                yield from ((at, text) for text in texts if isinstance(text, str))
