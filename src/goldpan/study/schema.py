"""What is generated from the configuration model: JSON schemas for editors, and the list of keys in the docs.

`python -m goldpan.study.schema` writes them again after a change of the model.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from goldpan.files import write_bytes
from goldpan.study.model import ProjectSettings, Study
from goldpan.study.reference import key_reference, with_reference

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMAS: dict[str, type[BaseModel]] = {
    "config/schema/study.schema.json": Study,
    "config/schema/project.schema.json": ProjectSettings,
}
REFERENCE = "docs/study.md"
COMMAND = "python -m goldpan.study.schema"


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a configuration file, as a person may write it."""
    return {"$schema": DIALECT, **model.model_json_schema(mode="validation")}


def generated_files(root: Path) -> dict[Path, bytes]:
    """All files below the project root that are generated from the model, with what they should hold."""
    files = {
        root / name: orjson.dumps(schema_of(model), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        for name, model in SCHEMAS.items()
    }
    page = root / REFERENCE
    tables = key_reference([schema_of(model) for model in SCHEMAS.values()])
    files[page] = with_reference(page.read_text(encoding="utf-8"), tables, COMMAND).encode()
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
