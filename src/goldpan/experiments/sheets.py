"""Sheets for modules: people answer what a module was asked about, each time as a wave of its own.

The waves of a study's modules stand in a study beside it, so that nobody's file is edited: it takes those
modules that have waves, and keeps each wave that it was ever given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from goldpan.errors import StudyError
from goldpan.experiments.data_set import DataSet
from goldpan.experiments.identity import table_of_modules
from goldpan.files import sha256_hex, write_bytes
from goldpan.study.load import Project, load_project, validate
from goldpan.study.paths import studies_folder
from goldpan.study.wave import Wave
from goldpan.study.yaml_file import read_yaml
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.task import load_task
from goldpan.waves.sheets.write import sheet_names
from goldpan.waves.steps.given_out import wave_given_out

ANNOTATORS = ("a", "b")
"""Who answers where nobody is named."""

_SUFFIX = "_sheets"
_HEAD = "# Waves of study `{study}`, added by `goldpan experiments sheets`. Commit it with annotations/.\n"
_LONGEST = 64
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class SheetSettings:
    """What is given out.

    Attributes:
        sample: rows of each module; all where it has fewer.
        seed: of the draw, and of the order on the sheets.
        shuffle: whether rows are in the order of the draw; else in that of the data.
        annotators: who answers.
        blind: whether each annotator gets a sheet of their own, without the LLM's answers; else all of them
            share one, with its answers beside them.
    """

    sample: int
    seed: int
    shuffle: bool = True
    annotators: tuple[str, ...] = ANNOTATORS
    blind: bool = False

    def wave_name(self, module: str) -> str:
        """The name of a module's wave: other settings have another name."""
        order = "" if self.shuffle else "-ordered"
        people = "" if self.annotators == ANNOTATORS else "-" + "-".join(self.annotators)
        name = f"{module}-n{self.sample}-s{self.seed}{order}{'-blind' if self.blind else ''}"
        if len(name + people) <= _LONGEST and (not people or _NAME.fullmatch(people)):
            # Names are parted by what may stand in a name, so two lists could look alike.
            is_plain = all("-" not in annotator for annotator in self.annotators)
            if is_plain and people not in ("-ordered", "-blind"):
                return name + people
        digest = sha256_hex("\0".join(self.annotators).encode())[:8]
        return f"{name[: _LONGEST - 9]}-{digest}"


def sheets_study_name(study: str) -> str:
    """The study that has the waves of a study's modules."""
    name = study + _SUFFIX
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}-{sha256_hex(study.encode())[:8]}"


def modules_with_sheets(project: Project) -> list[str]:
    """The modules of a study that sheets can be made for: those with right answers in their rows.

    Raises:
        StudyError: the study has no such modules.
    """
    settings = project.study.modules
    if settings is None or settings.is_chain:
        raise StudyError(
            "sheets are made for modules that have a data set each",
            where=str(project.study_file),
            remedy="name such a study with --study; other studies have `waves:` of their own (docs/waves.md)",
        )
    with_gold = {name for name, evaluation in project.study.evaluations.items() if evaluation.gold}
    return [name for name in table_of_modules(project) if name in with_gold and name in project.study.stages]


def add_waves(project: Project, modules: Sequence[str], settings: SheetSettings) -> dict[str, str]:
    """Add a wave for each module to the study beside this one; what stands there stays as it is.

    Args:
        project: a study with a data set for each module.
        modules: which.
        settings: of the waves; the same settings are the same waves.

    Returns:
        module -> name of its wave.

    Raises:
        StudyError: no module, an unknown one, settings that no wave can have, or a file that is in the way.
    """
    known = modules_with_sheets(project)
    if not modules:
        raise StudyError(
            "no module is named", where=str(project.study_file), remedy="name some, or say --all"
        )
    for module in modules:
        if module not in known:
            raise StudyError(
                f"`{module}` is no module of study `{project.study.study}` that has right answers;"
                f" {suggestion(module, known) or 'there is none'}",
                where=str(project.study_file),
                remedy="`goldpan experiments list` shows them; one that is not enabled is named in `only`",
            )
    path = studies_folder(project.root) / f"{sheets_study_name(project.study.study)}.yaml"
    before = _waves_before(project, path)
    waves = {module: settings.wave_name(module) for module in modules}
    new = {
        name: _wave(project, module, settings, path)
        for module, name in waves.items()
        if name not in (before.get("waves") or {})
    }
    content = _with_waves(project, before, modules, new)
    if content != before:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        write_bytes(path, (_HEAD.format(study=project.study.study) + text).encode())
    return waves


def sheets_project(project: Project) -> Project | None:
    """The study that has the waves of a study's modules, with the same ledger and results; None while there
    is none."""
    name = sheets_study_name(project.study.study)
    if not (studies_folder(project.root) / f"{name}.yaml").exists():
        return None
    results = project.paths.results
    return load_project(name, root=project.root, ledger=str(project.ledger), results=results)


def sheets_of(project: Project, waves: Sequence[str]) -> list[str]:
    """All sheets of some waves, as they were or will be given out."""
    return [
        project.paths.sheet(name, sheet)
        for name in waves
        for sheet in sheet_names(wave_given_out(project, name) or project.study.waves[name])
    ]


def _waves_before(project: Project, path: Path) -> dict[str, Any]:
    """What the study with the waves holds so far; nothing where there is none.

    Raises:
        StudyError: the file is another study, or this study is itself one of waves.
    """
    if project.study_file.exists() and _is_made(project.study_file):
        raise StudyError(
            f"study `{project.study.study}` has the waves of another one",
            where=str(project.study_file),
            remedy="name the study whose modules are to be looked at",
        )
    if not path.exists():
        return {}
    if not _is_made(path):
        raise StudyError(
            "a study of this name is there, which `goldpan experiments sheets` has not made",
            where=str(path),
            remedy="rename it",
        )
    return read_yaml(path)


def _is_made(path: Path) -> bool:
    return path.read_text("utf-8").startswith(_HEAD.partition("{")[0])


def _with_waves(
    project: Project, before: Mapping[str, Any], modules: Sequence[str], new: Mapping[str, Any]
) -> dict[str, Any]:
    """The study with the waves: modules, models and services as their study has them now."""
    own = read_yaml(project.study_file)
    table = table_of_modules(project)
    taken = {*modules, *(before.get("modules") or {}).get("only", ())}
    parts = {"providers": own.get("providers") or {}}
    for part in ("sources", "stages", "evaluations"):
        # What the study says of other modules would be stages of their own here.
        entries = {
            name: says
            for name, says in (own.get(part) or {}).items()
            if name in taken or (part == "sources" and name not in table)
        }
        parts[part] = {**(before.get(part) or {}), **entries}
    return {
        "study": sheets_study_name(project.study.study),
        "description": f"What people say about the modules of {project.study.study}.",
        **before,
        "modules": {**own["modules"], "only": [name for name in table if name in taken]},
        **{part: entries for part, entries in parts.items() if entries},
        "waves": {**(before.get("waves") or {}), **new},
    }


def _wave(project: Project, module: str, settings: SheetSettings, path: Path) -> dict[str, Any]:
    """A new wave as the study's file has it. Raises StudyError where no wave can be so."""
    data_set = DataSet(project, module, load_task)
    layout = (
        {"formats": ["html", "xlsx"]}
        if settings.blind
        else {"layout": "side_by_side", "blind": False, "formats": ["xlsx", "csv"]}
    )
    wave = {
        "stage": module,
        "features": list(data_set.evaluation.gold),
        "sample": settings.sample,
        "seed": settings.seed,
        **({} if settings.shuffle else {"shuffle": False}),
        "annotators": list(settings.annotators),
        "show": data_set.fields_to_show(),
        **layout,
    }
    validate(Wave, wave, path, "give other values to `goldpan experiments sheets`")
    return wave
