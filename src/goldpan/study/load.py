"""Reading study and project files; every error names the file, the key and what is allowed there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from goldpan.errors import ErrorGatherer, StudyError
from goldpan.study.base import WHAT_FITS
from goldpan.study.local_stage import ASK
from goldpan.study.model import ProjectSettings, Study
from goldpan.study.modules import Module, ModulesTaken, ModuleTable, with_modules
from goldpan.study.paths import Paths, derived_studies_folder, studies_folder, tasks_folder
from goldpan.study.run_again import run_command
from goldpan.study.sound_part import sound_part
from goldpan.study.stage import Mode
from goldpan.study.yaml_file import read_yaml

ModelT = TypeVar("ModelT", bound=BaseModel)
PartT = TypeVar("PartT")


@dataclass(frozen=True)
class Project:
    """A study with the places it belongs to.

    Attributes:
        root: folder that relative paths of the study start from.
        study: the study.
        study_file: the file it was read from.
        ledger: the SQLite file of the project.
        paths: names of the study's artifacts.
        runs: folder of the project's runs.
        replays: nobody is asked, whatever the study says; see `ProjectSettings.replay`.
        task_folder: folder of the task files where these are not the project's own, as of a search that tries
            other prompts.
    """

    root: Path
    study: Study
    study_file: Path
    ledger: Path
    paths: Paths
    runs: Path = Path("runs")
    replays: bool = False
    task_folder: Path | None = None

    @property
    def tasks(self) -> Path:
        """Folder of the task files."""
        return self.task_folder or tasks_folder(self.root)

    def named(self, kind: str, known: Mapping[str, PartT], name: str) -> PartT:
        """A part of the study by its name.

        Args:
            kind: what it is, for the error.
            known: the parts of this kind.
            name: the one that is wanted.

        Raises:
            StudyError: there is none; the message lists those there are.
        """
        if name not in known:
            raise StudyError(
                f"there is no {kind} `{name}`; there are: {', '.join(known) or 'none'}",
                where=str(self.study_file),
            )
        return known[name]

    def left(self, path: str, needed_by: str) -> Path:
        """A file that an earlier step has left.

        Args:
            path: the artifact, relative to the project root.
            needed_by: what needs it, for the error.

        Raises:
            StudyError: it is not there.
        """
        if not (self.root / path).exists():
            raise StudyError(
                f"{needed_by} is not so far yet: the step before has to leave this file first",
                where=path,
                remedy=f"run it, or: {run_command(self.study.study, path)}",
            )
        return self.root / path


_STUDY_REMEDY = "`goldpan validate` checks again; docs/study.md lists all keys"


def validate(model: type[ModelT], value: dict[str, Any], path: Path, remedy: str = _STUDY_REMEDY) -> ModelT:
    """Build `model` from what a file holds.

    Raises:
        StudyError: one line for each wrong key, with what is allowed there.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        lines = [_describe(item, model, value) for item in error.errors()]
        raise StudyError(
            "\n  ".join(["this file has errors:", *lines]),
            where=str(path),
            remedy=remedy,
        ) from None


def _describe(item: Any, model: type[BaseModel], value: dict[str, Any]) -> str:
    place = ".".join(_keys_written(item["loc"], value))
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] in ("union_tag_invalid", "union_tag_not_found"):
        # `kind` or `fault`, which says of what kind the object around it is.
        place += f".{item['ctx']['discriminator'].strip(chr(39))}"
    if item["type"] == "extra_forbidden":
        allowed = _allowed_keys(model, item["loc"][:-1])
        message = "no such key" + (f"; allowed: {', '.join(allowed)}" if allowed else "")
    elif item["type"] == "union_tag_invalid":
        message = f"must be one of {item['ctx']['expected_tags']} (given: {item['ctx']['tag']!r})"
    elif item["type"] in ("missing", "union_tag_not_found"):
        message = "this key is required"
    elif item["loc"][-1:] == ("api_key_env",):
        # The value is not shown: it may be the key itself.
        message = "must be the name of an environment variable that holds the key, never the key itself"
    elif item.get("ctx", {}).get("pattern") in WHAT_FITS:
        message = f"{item['input']!r} {WHAT_FITS[item['ctx']['pattern']]}"
    elif isinstance(item.get("input"), str | int | float | bool):
        message += f" (given: {item['input']!r})"
    return f"{place}: {message}" if place else message


def _keys_written(location: tuple[Any, ...], value: Any) -> Iterator[str]:
    """The parts of an error's place that a person has written: between them pydantic names the member of a
    union that the object around it says it is."""
    for part in location:
        if isinstance(value, dict) and part not in value and (part in value.values() or part == ASK):
            continue
        if part != "[key]":
            yield str(part)
        is_there = part in value if isinstance(value, dict) else isinstance(part, int)
        value = value[part] if is_there and isinstance(value, dict | list) else None


def _allowed_keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """The keys allowed at a place of the model, found by walking its JSON schema."""
    schema = model.model_json_schema()
    node: dict[str, Any] = schema
    for part in location:
        node = _resolve(schema, node)
        members = node.get("discriminator", {}).get("mapping", {})
        if part in members:
            node = {"$ref": members[part]}
        elif isinstance(part, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(part) or next(
                iter(node.get("patternProperties", {}).values()), node.get("additionalProperties") or {}
            )
        if not isinstance(node, dict):
            return []
    return list(_resolve(schema, node).get("properties", {}))


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while True:
        options = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
        if options:
            node = options[0]
        elif len(node.get("allOf", [])) == 1:
            node = node["allOf"][0]
        elif "$ref" in node:
            node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
        else:
            return node


def project_root(study_file: Path) -> Path:
    """The folder a study's relative paths start from.

    For `ROOT/config/studies/NAME.yaml` that is ROOT; elsewhere the nearest folder above with a
    `Snakefile` or a `config/` folder, else the study file's own folder.
    """
    folder = study_file.resolve().parent
    if folder.name == "studies" and folder.parent.name == "config":
        return folder.parent.parent
    for candidate in (folder, *folder.parents):
        if (candidate / "Snakefile").exists() or studies_folder(candidate).is_dir():
            return candidate
    return folder


def project_settings(root: Path, study: str) -> ProjectSettings:
    """What a project's `config/config.yaml` says; without one the defaults, for `study`.

    Raises:
        StudyError: it does not fit the model.
    """
    path = root / "config" / "config.yaml"
    return validate(ProjectSettings, read_yaml(path), path) if path.exists() else ProjectSettings(study=study)


def load_study(path: str | Path, wrong: ErrorGatherer | None = None, disabled_modules: bool = False) -> Study:
    """Read and check a study file.

    Args:
        path: the file.
        wrong: where errors of the study are noted, so that the rest of it can be checked, too; without it
            they are raised.
        disabled_modules: whether modules that are not enabled are taken, too, where none needs another.

    Raises:
        StudyError: the file is missing, not YAML, or does not fit the model.
    """
    path = Path(path)
    value = read_yaml(path)
    if value.get("modules") is not None:
        value = _with_its_modules(value, path, disabled_modules)
    try:
        return validate(Study, value, path)
    except StudyError as error:
        study, lines = (None, []) if wrong is None else sound_part(value)
        if wrong is None or study is None:
            raise
        wrong.add(error)
        for line in lines:
            if line not in error.what:
                wrong.add(StudyError(line, where=str(path), remedy=_STUDY_REMEDY))
        return study


class _Modular(BaseModel):
    """A study file of which only the modules are looked at."""

    modules: ModulesTaken


def _with_its_modules(study: dict[str, Any], path: Path, disabled_modules: bool) -> dict[str, Any]:
    """What a study file says, with what its modules add. Raises StudyError as `load_study`."""
    settings, root = validate(_Modular, study, path).modules, project_root(path)
    table = module_table(settings, root)
    if disabled_modules and not settings.is_chain:
        enabled = {name: row.model_copy(update={"enabled": True}) for name, row in table.modules.items()}
        table = ModuleTable(modules=enabled)
    return with_modules(study, settings, table, root, str(path))


def module_table(settings: ModulesTaken, root: Path) -> ModuleTable:
    """The table of modules that a study names. Raises StudyError where it does not fit the model."""
    path = root / settings.table
    return validate(ModuleTable, read_yaml(path), path)


def modules_of(project: Project) -> dict[str, Module]:
    """The modules that a project's study takes, by id, as the table has them.

    Raises:
        StudyError: it takes none, or the table does not fit its model.
    """
    settings = project.study.modules
    if settings is None:
        raise StudyError(
            f"the study `{project.study.study}` takes no modules",
            where=str(project.study_file),
            remedy="name one that has `modules:` with --study",
        )
    table = module_table(settings, project.root)
    return {name: row for name, row in table.modules.items() if name in project.study.stages}


def _limit_of_run(limit: object) -> int:
    """The rows that a run is limited to. Raises StudyError where that is no number of rows."""
    if type(limit) is not int or limit < 1:
        raise StudyError(
            f"the limit of a run must be a whole number from 1, not {limit!r}",
            where="limit",
            remedy="say how many rows of each source are read, e.g. `--config limit=20`; without it, all are",
        )
    return limit


def _mode_of_run(mode: object) -> Mode:
    """How all stages of a run are asked. Raises StudyError for anything else than a mode."""
    for known in get_args(Mode):
        if mode == known:
            return known
    raise StudyError(
        f"the mode of a run is one of {', '.join(get_args(Mode))}, not {mode!r}",
        where="mode",
        remedy="e.g. `--config mode=online`; without it, each stage has the mode that the study says",
    )


def _replays_in_run(replay: object) -> bool:
    """Whether a run asks nobody. Raises StudyError for anything else than yes or no, lest it pays unasked."""
    word = str(replay).lower()
    if word not in ("true", "false"):
        raise StudyError(
            f"whether a run replays is `true` or `false`, not {replay!r}",
            where="replay",
            remedy="e.g. `--config replay=true`; without it, the study's providers are asked",
        )
    return word == "true"


def find_study(name: str, root: Path) -> Path:
    """The file of a study given by name (`config/studies/NAME.yaml`, or a derived one) or by path.

    Raises:
        StudyError: there is no such study; the message lists those there are.
    """
    folder = studies_folder(root)
    if name.endswith((".yaml", ".yml")):
        path = Path(name) if Path(name).is_absolute() else root / name
        return path if path.exists() or not Path(name).exists() else Path(name)
    path = folder / f"{name}.yaml"
    if not path.exists():
        if (derived := derived_studies_folder(root) / f"{name}.yaml").exists():
            return derived
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml"))) or "none"
        raise StudyError(
            f"there is no study `{name}`; there are: {known}",
            where=str(folder),
            remedy="name one of them, or give the path of a .yaml file",
        )
    return path


def load_project(
    study: str | None = None,
    *,
    root: str | Path = ".",
    ledger: str | None = None,
    results: str | None = None,
    runs: str | None = None,
    limit: object = None,
    mode: object = None,
    replay: object = False,
    wrong: ErrorGatherer | None = None,
    disabled_modules: bool = False,
) -> Project:
    """Load a study with the settings of its project's `config/config.yaml` (optional).

    Args:
        study: name or path of the study; default: the one `config/config.yaml` names.
        root: where to look for `config/` when the study is given by name.
        ledger, results, runs: override the project's settings; relative to the project root.
        limit: overrides the project's; rows of each source that are read at most, as a person gave it.
        mode: overrides the project's and the stages': `batch` or `online`, as a person gave it.
        replay: whether nobody is asked, whatever the project's settings say, as a person gave it.
        wrong, disabled_modules: as of `load_study`.

    Raises:
        StudyError: something named is missing or does not fit the model.
    """
    root = Path(root)
    settings_file = root / "config" / "config.yaml"
    if study is None and not settings_file.exists():
        raise StudyError(
            "no study is named, and no file says which one is meant",
            where=str(settings_file),
            remedy="name it: --study NAME",
        )
    if study is None:
        study = validate(ProjectSettings, read_yaml(settings_file), settings_file).study
    path = find_study(study, root)
    root = project_root(path)
    settings = project_settings(root, study)
    limit = settings.limit if limit is None else _limit_of_run(limit)
    loaded = load_study(path, wrong, disabled_modules)
    loaded = loaded if limit is None else loaded.limited_to(limit)
    mode_of_run = settings.mode if mode is None else _mode_of_run(mode)
    loaded = loaded if mode_of_run is None else loaded.in_mode(mode_of_run)
    namesake = path.with_name(f"{loaded.study}{path.suffix}")
    if path.stem != loaded.study and namesake.exists():
        raise StudyError(
            f"`study: {loaded.study}` is the name of another study: both would write the same results",
            where=str(path),
            remedy=f"call this one `study: {path.stem}`; the other one is {namesake}",
        )
    return Project(
        root=root,
        study=loaded,
        study_file=path,
        ledger=root / (ledger or settings.ledger),
        paths=Paths(results or settings.results, loaded.study),
        runs=root / (runs or settings.runs),
        replays=_replays_in_run(replay) or settings.replay,
    )
