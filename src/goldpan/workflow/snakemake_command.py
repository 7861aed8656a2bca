"""The Snakemake command that `goldpan run` stands for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from goldpan.errors import StudyError
from goldpan.study.installed import installed_project, workflow_file
from goldpan.study.model import SETTINGS_OF_A_RUN
from goldpan.study.paths import studies_folder
from goldpan.study.yaml_file import read_yaml

# Where Snakemake looks for a workflow.
_SNAKEFILES = ("Snakefile", "snakefile", "workflow/Snakefile", "workflow/snakefile")
# Options that say how much runs at a time, or where; a default would overrule a profile's.
_PLACES = ("--cores", "-c", "--jobs", "-j", "--profile", "--executor", "-e")
_CONFIG = ("--config", "-C")


def snakemake_command(root: Path, config: Mapping[str, str | None], others: Sequence[str]) -> list[str]:
    """The command line, to be run in the project's folder.

    Settings stand before what `others` holds after `--`, and else last: `--config` takes all that follows it.

    Args:
        root: the project's folder.
        config: settings of the project for this run, e.g. `study`; None for those that are not given.
        others: what else was given: files to make, `mode=online` and other settings, options of Snakemake.

    Raises:
        StudyError: the folder holds no project.
    """
    options, settings = _without_settings(others)
    settings |= {key: value for key, value in config.items() if value is not None}
    options = [*_defaults(root, options, settings), *options]
    end = options.index("--") if "--" in options else len(options)
    given = ["--config", *(f"{key}={value}" for key, value in settings.items())] if settings else []
    return [sys.executable, "-m", "snakemake", *options[:end], *given, *options[end:]]


def _without_settings(others: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """What Snakemake is given as it is, and the settings that stand in it, after `--config` or alone."""
    options: list[str] = []
    settings: dict[str, str] = {}
    in_config = False
    for at, word in enumerate(others):
        if word == "--":
            return [*options, *others[at:]], settings
        key, equals, value = word.partition("=")
        if word in _CONFIG:
            in_config = True
        elif equals and key in _CONFIG:
            in_config = True
            name, _, value = value.partition("=")
            settings[name] = value
        elif equals and not word.startswith("-") and (in_config or key in SETTINGS_OF_A_RUN):
            settings[key] = value
        else:
            in_config = False
            options.append(word)
    return options, settings


def workflow_options(root: Path, options: Sequence[str] = ()) -> list[str]:
    """Where Snakemake finds the workflow and its profile, as far as a folder or other options do not say it.

    Args:
        root: the project's folder.
        options: of Snakemake, that are given besides.

    Raises:
        StudyError: goldpan was installed without them.
    """
    found: list[str] = []
    if not _has_workflow(root, options):
        found += ("--snakefile", workflow_file())
    if not _default_profile(root).exists() and not _names(options, ("--workflow-profile",)):
        found += ("--workflow-profile", str(_default_profile(installed_project()).parent))
    return found


def _has_workflow(root: Path, options: Sequence[str]) -> bool:
    is_named = _names(options, ("--snakefile", "-s"))
    return is_named or any((root / name).exists() for name in _SNAKEFILES)


def _default_profile(root: Path) -> Path:
    return root / "profiles" / "default" / "config.yaml"


def _defaults(root: Path, options: Sequence[str], settings: Mapping[str, str]) -> Iterator[str]:
    """What Snakemake needs and neither the command line nor the folder says."""
    if not (_has_workflow(root, options) or "study" in settings or studies_folder(root).is_dir()):
        raise StudyError(
            "this folder holds no project: neither a Snakefile nor studies",
            where=str(root.resolve()),
            remedy="make one: goldpan init FOLDER, or name its folder: --root DIR",
        )
    defaults = workflow_options(root, options)
    yield from defaults
    profile = _default_profile(installed_project() if "--workflow-profile" in defaults else root)
    is_known = profile.exists()
    says_where = _names(options, _PLACES) or "SNAKEMAKE_PROFILE" in os.environ
    if not says_where and not (is_known and {"cores", "jobs", "executor"} & read_yaml(profile).keys()):
        yield from ("--cores", "all")


def _names(options: Sequence[str], names: Sequence[str]) -> bool:
    """Whether options hold one of these, as `--cores 2`, `--cores=2`, `-c 2` or `-c2`."""
    return any(
        option.partition("=")[0] == name or (len(name) == 2 and option.startswith(name) and option[1] != "-")
        for option in options
        for name in names
    )
