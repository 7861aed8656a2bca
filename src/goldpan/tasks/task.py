"""A task: a prompt and its features, read from `config/tasks/NAME.yaml` and the files beside it."""

from __future__ import annotations

import contextlib
import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import BaseModel, Field

from goldpan.errors import ErrorGatherer, StudyError, TaskError
from goldpan.files import sha256_hex
from goldpan.study.base import Model, Name
from goldpan.study.load import validate
from goldpan.study.yaml_file import read_yaml
from goldpan.tasks.expected import Expected, check_expected
from goldpan.tasks.features import FOR_PEOPLE, Binary, Exclusive, Feature, parse_feature
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.required import requirements_of

Material = Literal["record", "trace"]

RECORD_NAMES = ("id", "source", "file", "line", "data", "answers")
"""What every prompt and filter may name beside features; no feature can be called so."""

_CONSTANT_NAMES = ("true", "false", "null", "none")
_REMEDY = "`goldpan validate` checks again; docs/tasks.md lists all keys"


@dataclass(frozen=True)
class Task:
    """What is asked of a record and how its answer is read.

    Attributes:
        name: name of the task.
        description: what it is for, in a sentence.
        features: the typed things it finds out, in the order they are asked.
        user_template: Jinja2 text of the user message; empty where nobody but people are asked.
        system_template: Jinja2 text of the system message, if there is one.
        exclusive: groups of binary features of which at most one may hold.
        material: what a row holds; `trace` rows are rendered by `tasks.traces` first.
        function_name, function_description: the tool the annotator is made to call.
        user_file, system_file: where the templates came from, for error messages.
        files: all files the task was read from.
        answer_model: Pydantic model that answers must satisfy besides, for a task given as one.
        answer_model_source: text of the Python file that holds it.
        expected: where rows with known answers have the right ones, by feature. It is not part of the hash.

    Raises:
        TaskError: features clash, an exclusivity group names something that is no binary feature, a
            `required_when` cannot be checked, or what is expected cannot be compared.
    """

    name: str
    description: str
    features: tuple[Feature, ...]
    user_template: str
    system_template: str | None = None
    exclusive: tuple[Exclusive, ...] = ()
    material: Material = "record"
    function_name: str = ""
    function_description: str = ""
    user_file: Path | None = None
    system_file: Path | None = None
    files: tuple[Path, ...] = ()
    answer_model: type[BaseModel] | None = None
    answer_model_source: str | None = None
    expected: Mapping[str, Expected] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "function_name", self.function_name or self.name)
        object.__setattr__(self, "function_description", self.function_description or self.description)
        if not self.features:
            raise TaskError(f"task `{self.name}` has no features")
        _check_names(self.features)
        _check_exclusive(self.exclusive, self.features)
        requirements_of(self.features)
        check_expected(self.expected, self.features)

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of everything that changes what is asked or how an answer is read."""
        content = {
            "features": [
                feature.model_dump(exclude=set(FOR_PEOPLE), exclude_defaults=True)
                for feature in self.features
            ],
            "exclusive": [group.order for group in self.exclusive],
            "function": [self.function_name, self.function_description],
            "material": self.material,
            "prompt": [self.system_template, self.user_template],
            "model": self.answer_model_source,
        }
        # Not canonical_json: it sorts keys, and the order of labels is part of what is asked.
        return sha256_hex(orjson.dumps(content))

    def feature(self, name: str) -> Feature:
        """The feature called `name`. Raises TaskError, with the nearest one, when there is none."""
        for feature in self.features:
            if feature.name == name:
                return feature
        known = suggestion(name, (feature.name for feature in self.features))
        raise TaskError(f"task `{self.name}` has no feature `{name}`; {known}")


class _Function(Model):
    name: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = Field(None, min_length=1)


class _Prompt(Model):
    user: str = Field(min_length=1)
    system: str | None = Field(None, min_length=1)


class _TaskFile(Model):
    """A task file; its features are checked one by one, so that errors can name them."""

    task: Name
    description: str = Field(min_length=1)
    include: tuple[Name, ...] = ()
    prompt: _Prompt | None = None
    function: _Function = _Function()
    material: Material = "record"
    features: list[dict[str, Any]] | None = Field(None, min_length=1)
    model: str | None = Field(None, pattern=r"^[^:]+\.py:[A-Za-z_][A-Za-z0-9_]*$")
    exclusive: tuple[Exclusive, ...] = ()
    expected: dict[Name, Expected] = Field(default_factory=dict)


def load_task(name: str, folder: Path, needs_prompt: bool = True) -> Task:
    """Read the task `name` from `folder`.

    Args:
        needs_prompt: whether an LLM is asked; people are not.

    Raises:
        TaskError: the file or one beside it is missing or wrong; file, key and what is allowed are named.
    """
    path = _task_path(name, folder)
    with _as_task_error(str(path)):
        chain = _with_included(name, folder)
        content = chain[-1].content
        if content.prompt is None and needs_prompt:
            raise TaskError("prompt: this key is required where an LLM is asked")
        user, system = (content.prompt.user, content.prompt.system) if content.prompt else (None, None)
        user_file = _beside(path, user, "prompt.user") if user else None
        system_file = _beside(path, system, "prompt.system") if system else None
        files = [
            path,
            *([user_file] if user_file else []),
            *([system_file] if system_file else []),
            *(file.path for file in chain[:-1]),
        ]
        model: type[BaseModel] | None = None
        source: str | None = None
        if content.model is not None:
            from goldpan.tasks.pydantic_tasks import features_of_model, load_pydantic_model

            module, class_name = content.model.rsplit(":", 1)
            model_file = _beside(path, module, "model")
            files.append(model_file)
            source = _read_text(model_file)
            model = load_pydantic_model(model_file, class_name)
            features = features_of_model(model, str(model_file))
        else:
            features = tuple(
                feature for file in chain for feature in _features(file.content.features or [], file.path)
            )
        return Task(
            name=content.task,
            description=content.description,
            features=features,
            user_template=_read_text(user_file) if user_file else "",
            system_template=_read_text(system_file) if system_file else None,
            exclusive=tuple(group for file in chain for group in file.content.exclusive),
            material=content.material,
            function_name=content.function.name or "",
            function_description=content.function.description or "",
            user_file=user_file,
            system_file=system_file,
            files=tuple(files),
            answer_model=model,
            answer_model_source=source,
            expected=content.expected,
        )


def task_files(name: str, folder: Path) -> list[str]:
    """The files a task is made of, found by reading its YAML only (for input functions of rules).

    Raises:
        TaskError: the YAML file is missing or wrong.
    """
    path = _task_path(name, folder)
    with _as_task_error(str(path)):
        *included, (_, content) = _with_included(name, folder)
    prompts = [content.prompt.user, content.prompt.system] if content.prompt else []
    beside = [*prompts, content.model and content.model.rsplit(":", 1)[0]]
    return [
        str(path),
        *(str(path.parent / file) for file in beside if file),
        *(str(file.path) for file in included),
    ]


@contextlib.contextmanager
def _as_task_error(where: str) -> Iterator[None]:
    """Turn errors of YAML and of the models into TaskErrors that name a place."""
    try:
        yield
    except StudyError as error:
        raise TaskError(error.what, where=error.where or where, remedy=_REMEDY) from None
    except TaskError as error:
        error.where = error.where or where
        error.remedy = error.remedy or _REMEDY
        raise


def _task_path(name: str, folder: Path) -> Path:
    path = folder / f"{name}.yaml"
    if not path.exists():
        known = suggestion(name, sorted(file.stem for file in folder.glob("*.yaml")))
        raise TaskError(
            f"there is no task `{name}`" + (f"; {known}" if known else ""),
            where=str(folder),
            remedy=f"name one of them in the study, or write {path}",
        )
    return path


class _ReadFile(NamedTuple):
    path: Path
    content: _TaskFile


def _with_included(name: str, folder: Path, outer: tuple[str, ...] = ()) -> list[_ReadFile]:
    """The task file `name`, and before it the files it includes, each once."""
    path = _task_path(name, folder)
    if name in outer:
        raise TaskError(f"include: `{name}` includes itself, through {' > '.join(outer)}", where=str(path))
    content = _read_task_file(name, path)
    chain: list[_ReadFile] = []
    for included in content.include:
        for file in _with_included(included, folder, (*outer, name)):
            if file.content.model is not None:
                raise TaskError(f"include: `{included}` is made from a Pydantic model", where=str(path))
            if file not in chain:
                chain.append(file)
    return [*chain, _ReadFile(path, content)]


def _read_task_file(name: str, path: Path) -> _TaskFile:
    content = validate(_TaskFile, read_yaml(path), path)
    if content.task != name:
        raise TaskError(f"task: is `{content.task}` but the file is called `{name}.yaml`", where=str(path))
    if (content.features is None) == (content.model is None):
        raise TaskError("give either `features` or `model`", where=str(path))
    if content.model is not None and content.include:
        raise TaskError("include: goes with `features`, not with `model`", where=str(path))
    return content


def _features(entries: list[dict[str, Any]], path: Path) -> tuple[Feature, ...]:
    features: list[Feature] = []
    wrong = ErrorGatherer()
    for number, entry in enumerate(entries):
        where = f"{path}, features.{number}" + (f" `{entry['name']}`" if "name" in entry else "")
        with wrong.gather():
            features.append(parse_feature(entry, where))
    wrong.finish()
    return tuple(features)


def _beside(task_path: Path, name: str, key: str) -> Path:
    """A file named in a task file, which must lie in the same folder or below it."""
    path = task_path.parent / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise TaskError(f"{key}: `{name}` must lie beside the task file", where=str(task_path))
    if not path.is_file():
        known = suggestion(name, sorted(file.name for file in task_path.parent.glob(f"*{path.suffix}")))
        raise TaskError(
            f"{key}: there is no file `{name}` beside it" + (f"; {known}" if known else ""),
            where=str(task_path),
        )
    return path


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"cannot be read: {error}", where=str(path), remedy="save it as UTF-8") from None


def _check_names(features: tuple[Feature, ...]) -> None:
    """Names must differ, also as flat keys of an answer, and be usable in a filter."""
    owner: dict[str, str] = {}
    names: set[str] = set()
    for feature in features:
        name = feature.name
        if name in names:
            raise TaskError(f"two features are called `{name}`")
        names.add(name)
        if name in RECORD_NAMES or name in _CONSTANT_NAMES or keyword.iskeyword(name):
            raise TaskError(f"a feature cannot be called `{name}`: the name is reserved")
        for key in filter(None, (feature.key, feature.rationale_key)):
            if key in owner:
                raise TaskError(f"features `{owner[key]}` and `{name}` both answer in the field `{key}`")
            owner[key] = name


def _check_exclusive(groups: tuple[Exclusive, ...], features: tuple[Feature, ...]) -> None:
    by_name = {feature.name: feature for feature in features}
    seen: set[str] = set()
    for number, group in enumerate(groups):
        for name in group.order:
            feature = by_name.get(name)
            place = f"exclusive.{number}"
            if feature is None:
                raise TaskError(f"{place}: there is no feature `{name}`; {suggestion(name, by_name)}")
            if not isinstance(feature, Binary):
                raise TaskError(f"{place}: `{name}` is a {feature.type}; only binary features can exclude")
            if name in seen:
                raise TaskError(f"{place}: `{name}` is named twice")
            seen.add(name)
