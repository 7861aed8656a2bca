"""Croissant 1.0 metadata of a gold set (JSON-LD, https://docs.mlcommons.org/croissant/docs/croissant-spec.html)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from goldpan.files import sha256_file
from goldpan.records.splits import SPLITS, SplitName
from goldpan.waves.gold.card import GoldDescription
from goldpan.waves.gold.gold_set import GoldSet

_ENCODINGS = {".jsonl": "application/jsonlines", ".csv": "text/csv", ".md": "text/markdown"}
_CHANCE = "Chance of the record to be in the wave."
_CHANCE_IN_LIST = (
    "Targeted sample: chance of the record to be in the wave among the rows that an error analysis had"
    " listed. It must not be used to weigh anything up to the corpus."
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TERMS = (
    "citeAs",
    "column",
    "equivalentProperty",
    "extract",
    "field",
    "fileProperty",
    "fileObject",
    "fileSet",
    "format",
    "includes",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{term: f"cr:{term}" for term in _TERMS},
}


def croissant(
    gold: GoldSet, about: GoldDescription, files: Mapping[str, Path], notes: Sequence[str] = ()
) -> dict[str, Any]:
    """The metadata as a JSON-able dictionary; what is not known is left out.

    Record sets describe the JSON Lines files, one for each split that has items. Fields whose values are
    objects, or whose names are not plain words, are in the files but cannot be described.

    Args:
        gold: the gold set.
        about: what people know about it.
        files: name in the published folder -> the file as written; read for its size and hash.
        notes: sentences about its limits.
    """
    known = {
        "license": about.license,
        "url": about.url,
        "citeAs": about.citation,
        "datePublished": about.date_published,
        "version": about.version,
        "rai:dataLimitations": list(notes) or None,
        "creator": [{"@type": "Person", "name": name} for name in about.creators] or None,
    }
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": about.name,
        "description": about.description,
        **{name: value for name, value in known.items() if value},
        "distribution": [_file(name, path) for name, path in files.items()],
        "recordSet": [
            _records(gold, name) for name in SPLITS if gold.split(name) and f"{name}.jsonl" in files
        ],
    }


def _file(name: str, path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": _ENCODINGS.get(path.suffix, "application/octet-stream"),
        "sha256": sha256_file(path),
    }


def _records(gold: GoldSet, split: SplitName) -> dict[str, Any]:
    fields = [
        _field(split, "item_id", "Id of the item in the wave.", ["text"]),
        _field(split, "id", "Id of the record.", ["text"]),
        _field(split, "split", "The split it is in.", ["text"]),
        _field(split, "group", "Items of one group are in one split.", ["text"]),
        _field(split, "inclusion_probability", _CHANCE_IN_LIST if gold.is_targeted else _CHANCE, [0.5]),
    ]
    if gold.is_targeted:
        fields.append(_field(split, "targeted", "The error analysis that had listed the record.", ["text"]))
    for name in gold.features:
        labels = [item.labels.get(name) for item in gold.items]
        fields.append(_field(split, "labels", f"Final label of {name}.", labels, name))
    for name in dict.fromkeys(name for item in gold.items for name in item.data):
        values = [item.data.get(name) for item in gold.items]
        fields.append(_field(split, "data", f"The record's {name}.", values, name))
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "key": {"@id": f"{split}/item_id"},
        "field": [described for described in fields if described],
    }


def _field(
    split: str, column: str, description: str, values: list[Any], inside: str | None = None
) -> dict[str, Any] | None:
    """One field: a column of the lines, or what lies `inside` an object there; None without a data type."""
    present = [value for value in values if value is not None]
    repeated = bool(present) and all(isinstance(value, list) for value in present)
    data_type = _data_type([member for value in present for member in value] if repeated else present)
    if data_type is None or (inside and not _WORD.fullmatch(inside)):
        return None
    name = f"{split}/{column}" if inside is None else f"{split}/{column}/{inside}"
    source = {"fileObject": {"@id": f"{split}.jsonl"}, "extract": {"column": column}}
    return {
        "@type": "cr:Field",
        "@id": name,
        "name": name,
        "description": description,
        "dataType": data_type,
        **({"repeated": True} if repeated else {}),
        "source": {**source, "transform": {"jsonPath": f"$.{inside}"}} if inside else source,
    }


def _data_type(values: list[Any]) -> str | None:
    if any(isinstance(value, dict | list) for value in values):
        return None
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return "sc:Boolean"
    if kinds == {int}:
        return "sc:Integer"
    if kinds and kinds <= {int, float}:
        return "sc:Float"
    return "sc:Text"
