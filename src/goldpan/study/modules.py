"""Modules: tasks that are developed side by side, each with data sets whose right answers are known.

One table says which there are. A study that names the table gets a source, a stage and an evaluation for each
module, as if they stood in its file; what does stand there wins, key by key.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, model_validator

from goldpan.errors import GoldpanError, StudyError
from goldpan.files import iter_lines
from goldpan.study.base import Model, Name, as_before, one_or_many
from goldpan.study.data_versions import newest_version, version_file
from goldpan.study.paths import tasks_folder
from goldpan.study.yaml_file import read_yaml

_TAKEN = {"gold": "field", "match": "match", "tolerance": "tolerance", "judged": "judged_by"}
"""Keys of an evaluation, and of `expected` in a task, which they are made from."""
_ROWS_LOOKED_AT = 1_000
"""Of a chain, for right answers of its modules: studies are loaded by each step."""


class Module(Model):
    """One row of the table of modules."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")]
    kind: Literal["extraction", "classification", "ranking", "validation"]
    funnel: str = Field(min_length=1)
    task: Name | None = None
    data: Name | None = None
    enabled: bool = True
    after: Name | None = None
    where: str | None = None


class ModuleTable(Model):
    """The file that says which modules there are, by id."""

    modules: dict[Name, Module] = Field(min_length=1)

    @model_validator(mode="after")
    def _rows_fit_together(self) -> ModuleTable:
        names = Counter(module.name for module in self.modules.values())
        for name, module in self.modules.items():
            if names[module.name] > 1:
                raise ValueError(f"`{name}`: another module has the name {module.name}, too")
            if module.where is not None and module.after is None:
                raise ValueError(f"`{name}`: `where` is about the answers of the module that `after` names")
            before, follows = {name}, module.after
            while follows is not None:
                if follows not in self.modules:
                    raise ValueError(f"`{name}`: `after: {follows}` names no module of this table")
                if follows in before:
                    raise ValueError(f"`{name}` comes after itself, by `after`")
                before.add(follows)
                follows = self.modules[follows].after
        return self


class ModulesTaken(Model):
    """Takes the modules of a table into a study."""

    table: str = Field(min_length=1, description="File with the table of modules, e.g. config/modules.yaml.")
    data: str = Field(
        min_length=1,
        description="A folder with a data set for each module; or one file of rows that all of them are asked"
        " about, each after the module it follows in the table.",
    )
    only: list[Name] | None = Field(
        None, min_length=1, description="Some of the modules; default all that are enabled."
    )
    stage: dict[str, Any] = Field(
        default_factory=dict, description="Keys of all their stages, e.g. provider, model and params."
    )
    versions: dict[Name, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        exclude_if=as_before({}),
        description="Module -> version of its data set: 1 is `ID.jsonl`, 2 is `ID.v2.jsonl`; default the"
        " newest in the folder.",
    )

    _one_is_a_list = one_or_many("only", of=list[Name] | Name | None)

    @property
    def is_chain(self) -> bool:
        """Whether all modules are asked about one file of rows, each after the one it follows."""
        return self.data.endswith((".jsonl", ".jsonl.gz", ".jsonl.zst"))

    def data_file(self, name: str, module: Module, root: Path) -> str:
        """The data set that a module is asked about, relative to the project root.

        Args:
            name, module: a row of the table.
            root: the project root, in which versions are looked for.
        """
        if self.is_chain:
            return self.data
        data_set = module.data or name
        number = self.versions.get(name) or newest_version(root / self.data, data_set)
        return f"{self.data}/{version_file(data_set, number)}"


def chosen_modules(settings: ModulesTaken, table: ModuleTable, where: str) -> dict[str, Module]:
    """The modules that a study takes, by id, in the table's order.

    Raises:
        StudyError: `only` names one that the table lacks; it may name one that is not enabled.
    """
    if settings.only is None:
        return {name: module for name, module in table.modules.items() if module.enabled}
    unknown = [name for name in settings.only if name not in table.modules]
    if unknown:
        raise StudyError(
            f"there is no module {', '.join(f'`{name}`' for name in unknown)}; there are:"
            f" {', '.join(table.modules)}",
            where=f"{where}: modules.only",
            remedy=f"name one of them, or add a row to {settings.table}",
        )
    return {name: module for name, module in table.modules.items() if name in settings.only}


def with_modules(
    study: dict[str, Any], settings: ModulesTaken, table: ModuleTable, root: Path, where: str
) -> Any:
    """A study as its file holds it, with the sources, stages and evaluations of its modules.

    Modules without a data set in its folder are left out, unless `only` names them; in a chain, those that
    follow none and of which the rows have no right answer.

    Args:
        study: what the file holds.
        root: the project root.
        where: the file, for errors.

    Raises:
        StudyError: a module is not known, has no task, or follows one that is not taken.
    """
    modules = chosen_modules(settings, table, where)
    if settings.only is None:
        modules = _with_data(modules, settings, root, study)
    is_chain = settings.is_chain
    sources: dict[str, Any] = {"rows": {"files": settings.data, "id": ["id"]}} if is_chain else {}
    stages: dict[str, Any] = {}
    evaluations: dict[str, Any] = {}
    for name, module in modules.items():
        source, task = "rows", module.task or name
        if not is_chain:
            source = name
            sources[name] = {"files": settings.data_file(name, module, root), "id": ["id"]}
        follows = {"stage": module.after, "where": module.where} if is_chain and module.after else None
        if follows and module.after not in modules:
            raise StudyError(
                f"module `{name}` follows `{module.after}`, which is not taken",
                where=f"{where}: modules",
                remedy="take both, or give a folder of data sets: then no module needs another",
            )
        stages[name] = {"input": follows or {"source": source}, "task": task, **settings.stage}
        expected = _expected(tasks_folder(root) / f"{task}.yaml")
        if expected:
            taken = {
                key: {feature: says[word] for feature, says in expected.items() if word in says}
                for key, word in _TAKEN.items()
            }
            evaluations[name] = {
                "source": source,
                **{key: of_features for key, of_features in taken.items() if of_features},
                "predictions": [name],
                "every_record": True,
            }
    made = {"sources": sources, "stages": stages, "evaluations": evaluations}
    return {**study, **{key: _over(entries, study.get(key)) for key, entries in made.items()}}


def _with_data(
    modules: dict[str, Module], settings: ModulesTaken, root: Path, study: dict[str, Any]
) -> dict[str, Module]:
    """The modules that a study has rows for, or says something of: one that is new in the table may lack data
    here, and is to stand in nobody's way."""
    parts = [study.get(part) or () for part in ("sources", "stages", "evaluations")]
    kept = {name for part in parts for name in part} | settings.versions.keys()
    if settings.is_chain:
        fields = {name: _fields(module.task or name, root) for name, module in modules.items()}
        unknown = _never_there(root / settings.data, {path for paths in fields.values() for path in paths})
        with_data = {name for name, paths in fields.items() if not paths or not paths <= unknown}
        followed = [module.after for name, module in modules.items() if name in kept | with_data]
        while followed:
            before = followed.pop()
            if before in modules and before not in with_data:
                with_data.add(before)
                followed.append(modules[before].after)
    else:
        with_data = {
            name
            for name, module in modules.items()
            if (root / settings.data_file(name, module, root)).exists()
        }
    # Where there are no data at all, each is told where its rows are read.
    return {name: modules[name] for name in modules if name in kept | with_data} if with_data else modules


def _fields(task: str, root: Path) -> set[str]:
    """The fields of rows in which the right answers of a task stand."""
    expected = _expected(tasks_folder(root) / f"{task}.yaml")
    return {says["field"].removeprefix("data.") for says in expected.values() if "field" in says}


def _never_there(path: Path, fields: set[str]) -> set[str]:
    """Those of some fields that none of the first rows of a file has; none where there are no such rows, or
    they cannot be read, which is told where rows are read."""
    lacking, rows = set(fields), 0
    try:
        for _, line in islice(iter_lines(path), _ROWS_LOOKED_AT):
            row, rows = orjson.loads(line), rows + 1
            lacking = {field for field in lacking if not _has(row, field)}
            if not lacking:
                break
    except (OSError, GoldpanError, orjson.JSONDecodeError):
        return set()
    return lacking if rows else set()


def _has(row: Any, path: str) -> bool:
    """As `records.look_up`, which is a room that is built on this one."""
    head, _, rest = path.partition(".")
    return isinstance(row, dict) and (path in row or bool(head in row and rest and _has(row[head], rest)))


def _over(made: dict[str, Any], own: Any) -> Any:
    """Entries that were made, with what the study's file says of them, and its own after them."""
    if own is None:
        return made
    if not isinstance(own, dict):
        return own
    merged = {
        name: {**entry, **own[name]} if isinstance(own.get(name), dict) else own.get(name, entry)
        for name, entry in made.items()
    }
    return merged | {name: entry for name, entry in own.items() if name not in made}


def _expected(task_file: Path) -> dict[str, dict[str, Any]]:
    """What a task's file says of where its right answers stand; it is checked where the task is loaded."""
    if not task_file.exists():
        return {}
    expected = read_yaml(task_file).get("expected")
    if not isinstance(expected, dict):
        return {}
    return {
        feature: says
        for feature, says in expected.items()
        if isinstance(says, dict) and any(isinstance(says.get(key), str) for key in ("field", "judged_by"))
    }
