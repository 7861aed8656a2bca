"""A task given as a Pydantic model: its features, and the model's own say on an answer.

| annotation | feature |
|---|---|
| `bool` | binary |
| `Literal["a", "b"]`, an Enum of texts | classification |
| `list[Literal[...]]`, `list[Enum]` | multilabel |
| `int`, `float` with `ge` and `le` | score |
| `str` | text with `bare: true` |
| `list[AnotherModel]` | extraction |
| `X | None` | abstention is allowed |

A field `<name>_rationale: str` right after `<name>` is its rationale.
"""

from __future__ import annotations

import enum
import importlib.util
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from goldpan.errors import AnswerError, TaskError
from goldpan.files import sha256_hex
from goldpan.tasks.features import PREDICTION_TYPES, Feature, parse_feature, value_of
from goldpan.tasks.nearest import suggestion

_SUFFIX = "_rationale"
_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def load_pydantic_model(path: Path, class_name: str) -> type[BaseModel]:
    """Run a Python file and take a Pydantic model from it.

    The file is the user's own code and runs with the user's rights, as a study's other code does.

    Raises:
        TaskError: the file fails, or holds no such model.
    """
    module_name = f"goldpan_task_{sha256_hex(str(path.resolve()).encode())[:16]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None, "the caller checked that it ends in .py"
    module = importlib.util.module_from_spec(spec)
    # Annotations given as text are looked up in the module by its name.
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise TaskError(f"fails when it is run: {type(error).__name__}: {error}", where=str(path)) from error
    model = getattr(module, class_name, None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        models = [
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, BaseModel) and value is not BaseModel
        ]
        raise TaskError(
            f"holds no Pydantic model `{class_name}`; {suggestion(class_name, models)}", where=str(path)
        )
    return model


def features_of_model(model: type[BaseModel], where: str) -> tuple[Feature, ...]:
    """The features that a model's fields stand for, in their order.

    Args:
        model: the model of an answer.
        where: named in errors.

    Raises:
        TaskError: a field has no description, or a type that stands for no feature.
    """
    features: list[Feature] = []
    fields = list(model.model_fields.items())
    for number, (name, info) in enumerate(fields):
        if number and name == fields[number - 1][0] + _SUFFIX and info.annotation is str:
            continue
        place = f"{where}, {model.__name__}.{name}"
        following = fields[number + 1] if number + 1 < len(fields) else None
        rationale: bool | str = False
        if following is not None and following[0] == name + _SUFFIX and following[1].annotation is str:
            rationale = following[1].description or True
        if not info.description:
            raise TaskError(
                "needs a description: it is what the annotator is told",
                where=place,
                remedy=f'write {name}: ... = Field(description="...")',
            )
        kind = _unwrap(info)
        try:
            keys = _feature_type(kind, place)
        except RecursionError:
            raise TaskError("a model that holds itself cannot be asked for", where=place) from None
        settings = {
            "name": name,
            "description": info.description,
            "rationale": rationale,
            "abstain": kind.optional,
            **keys,
        }
        features.append(parse_feature(settings, place))
    return tuple(features)


def model_check(model: type[BaseModel], features: tuple[Feature, ...]) -> Callable[[dict[str, Any]], None]:
    """A function that validates predictions by the model and takes over what its validators changed.

    The function raises AnswerError with the first failure's message, and TaskError when a validator itself
    is broken.
    """
    keys = [(feature.name, PREDICTION_TYPES[feature.type][1]) for feature in features]
    rationales = [feature.name for feature in features if feature.rationale]

    def apply(predictions: dict[str, Any]) -> None:
        values = {name: value_of(predictions[name]) for name, _ in keys}
        values.update({name + _SUFFIX: predictions[name]["rationale"] for name in rationales})
        try:
            accepted = model.model_validate(values, by_name=True).model_dump(mode="json")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or model.__name__
            message = first["msg"].removeprefix("Value error, ")
            raise AnswerError(f"`{place}`: {message}") from None
        except Exception as error:
            # Not a ValueError, so no verdict on the answer: asking again would cost money and change nothing.
            raise TaskError(
                f"a validator of {model.__name__} fails: {type(error).__name__}: {error}",
                where=model.__module__,
                remedy="let it raise ValueError where an answer is wrong",
            ) from error
        for name, key in keys:
            predictions[name][key] = accepted[name]
        for name in rationales:
            predictions[name]["rationale"] = accepted[name + _SUFFIX]

    return apply


class _Kind(NamedTuple):
    """An annotation without `None` and `Annotated`, and the limits found on the way."""

    annotation: Any
    optional: bool
    limits: dict[str, Any]


def _unwrap(info: FieldInfo) -> _Kind:
    annotation: Any = info.annotation
    metadata = list(info.metadata)
    optional = False
    while True:
        origin = typing.get_origin(annotation)
        arguments = typing.get_args(annotation)
        if origin is typing.Annotated:
            annotation = arguments[0]
            for item in arguments[1:]:
                metadata += item.metadata if isinstance(item, FieldInfo) else [item]
        elif origin in (typing.Union, types.UnionType) and type(None) in arguments and len(arguments) == 2:
            annotation = next(argument for argument in arguments if argument is not type(None))
            optional = True
        else:
            break
    limits = {
        limit: getattr(item, limit)
        for item in metadata
        for limit in ("ge", "le", "min_length", "max_length")
        if getattr(item, limit, None) is not None
    }
    return _Kind(annotation, optional, limits)


def _feature_type(kind: _Kind, place: str) -> dict[str, Any]:
    """The keys of a feature that follow from the field's type."""
    annotation, limits = kind.annotation, kind.limits
    labels = _labels(annotation, place)
    if labels is not None:
        return {"type": "classification", "labels": labels}
    if annotation is bool:
        return {"type": "binary"}
    if annotation is str:
        return {"type": "text", "bare": True, "max_chars": limits.get("max_length")}
    if annotation in (int, float):
        if "ge" not in limits or "le" not in limits:
            raise TaskError("a number needs both bounds", where=place, remedy="write Field(ge=..., le=...)")
        return {"type": "score", "min": limits["ge"], "max": limits["le"], "integer": annotation is int}
    if typing.get_origin(annotation) is list:
        (item,) = typing.get_args(annotation)
        labels = _labels(item, place)
        if labels is not None:
            least, most = limits.get("min_length", 0), limits.get("max_length")
            return {"type": "multilabel", "labels": labels, "min_labels": least, "max_labels": most}
        if _is_model(item):
            fields = _extracted_fields(item, place)
            return {"type": "extraction", "fields": fields, "max_items": limits.get("max_length")}
    raise TaskError(
        f"the type {_type_name(annotation)} stands for no feature",
        where=place,
        remedy="bool, Literal, Enum, int, float, str, list[Literal] and list[a model] do; see docs/tasks.md",
    )


def _extracted_fields(model: type[BaseModel], place: str) -> list[dict[str, Any]]:
    fields = []
    for name, info in model.model_fields.items():
        kind = _unwrap(info)
        field = {"name": name, "description": info.description or "", "nullable": kind.optional}
        fields.append({**field, **_extracted_type(kind.annotation, f"{place}.{name}")})
    return fields


def _extracted_type(annotation: Any, place: str) -> dict[str, Any]:
    labels = _labels(annotation, place)
    if labels is not None:
        return {"type": "string", "labels": labels}
    if annotation in _SCALARS:
        return {"type": _SCALARS[annotation]}
    if _is_model(annotation):
        return {"type": "object", "fields": _extracted_fields(annotation, place)}
    if typing.get_origin(annotation) is list:
        (item,) = typing.get_args(annotation)
        if _is_model(item):
            return {"type": "list", "fields": _extracted_fields(item, place)}
        labels = _labels(item, place)
        if item is str or labels is not None:
            return {"type": "list", "labels": labels}
    raise TaskError(
        f"the type {_type_name(annotation)} cannot be extracted",
        where=place,
        remedy="str, int, float, bool, Literal, Enum, a model, and lists of str, Literal or a model can",
    )


def _labels(annotation: Any, place: str) -> list[str] | None:
    """The labels of a Literal or an Enum; None for anything else."""
    if typing.get_origin(annotation) is typing.Literal:
        labels = list(typing.get_args(annotation))
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        labels = [member.value for member in annotation]
    else:
        return None
    if not all(isinstance(label, str) for label in labels):
        raise TaskError("labels must be texts", where=place)
    return labels


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _type_name(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
