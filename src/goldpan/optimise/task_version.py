"""A task with other texts: what may be rewritten of it, and the files of a task that has been rewritten."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from goldpan.errors import StudyError
from goldpan.files import canonical_json, sha256_hex, write_bytes
from goldpan.optimise.candidate import Components
from goldpan.study.optimised import Part
from goldpan.tasks.features import Feature, Labelled
from goldpan.tasks.task import Task

SYSTEM, USER = "system", "user"
_FEATURE, _LABEL = "feature.", "label."
_OPENING = ("{{", "{%", "{#")


def components_of(task: Task, improves: list[Part], where: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The texts of a task, and which of them may be rewritten.

    Args:
        improves: what the study lets be rewritten.
        where: place of the search in the study, for errors.

    Returns:
        Its prompts, and, where `improves` names them, its descriptions; the keys that may be rewritten.

    Raises:
        StudyError: the task lacks a part that is to be rewritten.
    """
    texts = {USER: task.user_template}
    if task.system_template is not None:
        texts = {SYSTEM: task.system_template, **texts}
    elif SYSTEM in improves:
        raise StudyError(
            f"the task `{task.name}` has no system prompt to improve",
            where=f"{where}.improves",
            remedy="give it one (`prompt: {system: FILE}`), or write `improves: user`",
        )
    if "descriptions" not in improves:
        return texts, tuple(name for name in texts if name in improves)
    if task.answer_model is not None:
        raise StudyError(
            f"the features of `{task.name}` are a Pydantic model's, whose descriptions stand in Python",
            where=f"{where}.improves",
            remedy="leave `descriptions` out",
        )
    descriptions = {}
    for feature in task.features:
        descriptions[_FEATURE + feature.name] = feature.description
        if isinstance(feature, Labelled) and isinstance(feature.labels, dict):
            for label, description in feature.labels.items():
                descriptions[f"{_LABEL}{feature.name}.{label}"] = description
    return {**texts, **descriptions}, (*(name for name in texts if name in improves), *descriptions)


def about_component(part: str) -> str:
    """What a component is, in words for whoever rewrites it."""
    if part.startswith(_FEATURE):
        return f"the description of the feature `{part.removeprefix(_FEATURE)}`"
    if part.startswith(_LABEL):
        feature, label = part.removeprefix(_LABEL).split(".", 1)
        return f"the description of the label `{label}` of the feature `{feature}`"
    return f"the {part} prompt"


def literal(text: str) -> str:
    """A text as a template that renders to it, whatever braces it holds."""
    return "".join(_literal_pieces(text))


def _literal_pieces(text: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    while True:
        found = [(place, mark) for mark in _OPENING if (place := text.find(mark, start)) >= 0]
        if not found:
            return [*pieces, text[start:]]
        place, mark = min(found)
        pieces += [text[start:place], f'{{{{ "{mark}" }}}}']
        start = place + len(mark)


def components_hash(components: Components) -> str:
    """SHA-256 (hex) of the texts of a candidate."""
    return sha256_hex(canonical_json(dict(components)))


def length_of(components: Components) -> int:
    """Characters of all texts of a candidate."""
    return sum(map(len, components.values()))


def write_task_version(
    task: Task, components: Components, folder: Path, *, name: str | None = None, header: str = ""
) -> Path:
    """Write a task with the texts of a candidate: `NAME.yaml` and its prompts beside it.

    With the texts that the task has, it has the same hash. What it includes is written out.

    Args:
        task: the first version.
        components: its texts; parts that are not among them stay as they are.
        folder: of the files.
        name: of the task that is written; default its own. Its function keeps its name, so that what is
            asked is the same.
        header: comment lines that the YAML file begins with.

    Returns:
        The YAML file.
    """
    own = name or task.name
    prompts = {SYSTEM: components.get(SYSTEM, task.system_template), USER: components[USER]}
    content: dict[str, Any] = {
        "task": own,
        "description": task.description,
        "prompt": {role: f"{own}.{role}.j2" for role in (USER, SYSTEM) if prompts[role] is not None},
        "function": {
            "name": task.function_name,
            "description": task.function_description,
        },
    }
    if task.material != "record":
        content["material"] = task.material
    if task.answer_model is not None:
        assert task.answer_model_source is not None
        content["model"] = f"{own}.py:{task.answer_model.__name__}"
        write_bytes(folder / f"{own}.py", task.answer_model_source.encode())
    else:
        content["features"] = [_feature_keys(feature, components) for feature in task.features]
    if task.exclusive:
        content["exclusive"] = [group.model_dump() for group in task.exclusive]
    if task.expected:
        content["expected"] = {
            key: value.model_dump(mode="json", exclude_defaults=True) for key, value in task.expected.items()
        }
    for role, text in prompts.items():
        if text is not None:
            write_bytes(folder / f"{own}.{role}.j2", text.encode())
    written = folder / f"{own}.yaml"
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1_000_000)
    write_bytes(written, (header + body).encode())
    return written


def _feature_keys(feature: Feature, components: Components) -> Mapping[str, Any]:
    """The keys of a feature in a task file, with the descriptions of a candidate."""
    keys = feature.model_dump(mode="json", exclude_defaults=True)
    keys = {"name": feature.name, "type": feature.type, **keys}
    keys["description"] = components.get(_FEATURE + feature.name, feature.description)
    if isinstance(feature, Labelled) and isinstance(feature.labels, dict):
        keys["labels"] = {
            label: components.get(f"{_LABEL}{feature.name}.{label}", description)
            for label, description in feature.labels.items()
        }
    return keys
