"""What is generated: from the configuration model JSON schemas for editors and the list of keys in the docs,
from the table of the keyword modules their list in the docs.

`python -m goldpan.study.schema` writes all of it again after a change.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import BaseModel, Field, create_model

from goldpan.files import write_bytes
from goldpan.study.base import Model
from goldpan.study.load import validate
from goldpan.study.model import ProjectSettings, Study
from goldpan.study.modules import ModuleTable
from goldpan.study.paths import tasks_folder
from goldpan.study.provider import PROVIDER_MODELS
from goldpan.study.reference import key_reference, module_reference, with_reference
from goldpan.study.yaml_file import read_yaml

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS: dict[str, type[BaseModel]] = {
    "config/schema/study.schema.json": Study,
    "config/schema/project.schema.json": ProjectSettings,
}
REFERENCE = "docs/study.md"
MODULES, MODULES_PAGE = "config/modules.yaml", "docs/keywords.md"
COMMAND = "python -m goldpan.study.schema"


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a configuration file, as a person may write it."""
    schema = {"$schema": DIALECT, **model.model_json_schema(mode="validation")}
    if model is Study:
        _show_one_provider(schema)
        # Modules bring sources of their own.
        schema["required"].remove("sources")
        schema["anyOf"] = [{"required": ["sources"]}, {"required": ["modules"]}]
    return schema


def _show_one_provider(schema: dict[str, Any]) -> None:
    """Replace the settings of the kinds of providers by one object with the keys of all, limits of time last.

    Editors complete the keys of an object, and the docs list them once.
    """
    fields = {key: field for model in PROVIDER_MODELS.values() for key, field in model.model_fields.items()}
    about = "; ".join(
        f"{kind}: {model.model_fields['kind'].description}" for kind, model in PROVIDER_MODELS.items()
    )
    kind = Field(description=f"{about}.")
    keys: dict[str, Any] = {
        key: (fields[key].annotation, fields[key]) for key in sorted(fields, key=_is_time)
    }
    provider = create_model(
        "Provider",
        __base__=Model,
        __doc__="Who answers. Keys and secrets are named by environment variable, never written here.",
        **keys | {"kind": (Literal[tuple(PROVIDER_MODELS)], kind)},
    )
    (names,) = schema["properties"]["providers"]["patternProperties"]
    schema["properties"]["providers"]["patternProperties"] = {names: {"$ref": "#/$defs/Provider"}}
    kinds = {model.__name__ for model in PROVIDER_MODELS.values()}
    others = {name: model for name, model in schema["$defs"].items() if name not in kinds}
    schema["$defs"] = dict(sorted((others | {"Provider": provider.model_json_schema()}).items()))


def _is_time(key: str) -> bool:
    return key.endswith("_seconds")


def generated_files(root: Path) -> dict[Path, bytes]:
    """All files below the project root that are generated from the model, with what they should hold."""
    files = {
        root / name: orjson.dumps(schema_of(model), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        for name, model in SCHEMAS.items()
    }
    page = root / REFERENCE
    tables = key_reference([schema_of(model) for model in SCHEMAS.values()])
    files[page] = with_reference(page.read_text(encoding="utf-8"), tables, COMMAND).encode()
    modules = validate(ModuleTable, read_yaml(root / MODULES), root / MODULES)
    tasks = {name: tasks_folder(root) / f"{row.task or name}.yaml" for name, row in modules.modules.items()}
    descriptions = {name: str(read_yaml(path)["description"]) for name, path in tasks.items()}
    page = root / MODULES_PAGE
    table = module_reference(modules, descriptions)
    text = with_reference(page.read_text(encoding="utf-8"), table, COMMAND, "modules", MODULES)
    files[page] = text.encode()
    return files


def main() -> None:
    """Write all generated files of a project."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(), help="project root; default: here")
    for path, content in generated_files(parser.parse_args().root).items():
        write_bytes(path, content)
        print(path)


if __name__ == "__main__":
    main()
