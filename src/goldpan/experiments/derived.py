"""Studies derived from another: the same modules over some of the rows, or asked of another model.

A derived study is a file like any other, with results of its own. The ledger is shared: a request that was
answered for one of them is not paid for again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import yaml

from goldpan.errors import StudyError
from goldpan.files import iter_lines, sha256_hex, write_bytes
from goldpan.records.draw import rank
from goldpan.study.load import Project
from goldpan.study.paths import derived_studies_folder
from goldpan.study.yaml_file import read_yaml

_LONGEST = 64


def derived_study(
    project: Project, stages: Sequence[str], *, samples: int | None, seed: int, model: str | None
) -> str:
    """Write the derived study, and the rows that are drawn; the same arguments give the same files.

    Args:
        project: the study it is derived from, which takes its modules from a table.
        stages: the modules that are to be run.
        samples: rows of each data set; a larger sample has all the rows of a smaller one.
        seed: of the draw.
        model: asked in place of the study's.

    Returns:
        Path of the study's file below the root.

    Raises:
        StudyError: the study has no modules, or `samples` is not a number of rows.
    """
    settings = project.study.modules
    if settings is None or any(stage not in project.study.asked_stages for stage in stages):
        raise StudyError(
            "only studies that take modules from a table can be run with other rows or another model",
            where=str(project.study_file),
            remedy="write a study of your own for it: copy this file under another name, and change that",
        )
    if samples is not None and samples < 1:
        raise StudyError(f"--samples must be a whole number from 1, not {samples}")
    name = _name(project.study.study, samples, seed, model)
    folder = derived_studies_folder(project.root).relative_to(project.root).as_posix()
    content: dict[str, Any] = dict(read_yaml(project.study_file))
    modules = dict(content["modules"])
    if samples is not None:
        modules["data"] = _drawn(project, settings.data, settings.is_chain, f"{folder}/{name}", samples, seed)
    if model is not None:
        modules["stage"] = {**(modules.get("stage") or {}), "model": model}
        own = content.get("stages") or {}
        # Who judges stays the same: else each model would be its own judge.
        judges = {by.stage for one in project.study.evaluations.values() for by in one.judged.values()}
        content["stages"] = {
            stage: {**keys, "model": model} if isinstance(keys, dict) and stage not in judges else keys
            for stage, keys in own.items()
        }
        if not own:
            del content["stages"]
    file = f"{folder}/{name}.yaml"
    text = yaml.safe_dump({**content, "study": name, "modules": modules}, sort_keys=False, allow_unicode=True)
    head = f"# Derived from study `{project.study.study}` by `goldpan experiments run`; it is written anew.\n"
    if not (project.root / file).exists() or (project.root / file).read_text("utf-8") != head + text:
        write_bytes(project.root / file, (head + text).encode())
    return file


def _name(study: str, samples: int | None, seed: int, model: str | None) -> str:
    parts = [study]
    if samples is not None:
        parts.append(f"n{samples}-s{seed}")
    if model is not None:
        parts.append(re.sub(r"[^A-Za-z0-9_-]+", "_", model))
    name = "-".join(parts)
    digest = sha256_hex(f"{study}\0{samples}\0{seed}\0{model}".encode())[:8]
    is_exact = model is None or re.fullmatch(r"[A-Za-z0-9_-]+", model)
    return name if is_exact and len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}-{digest}"


def _drawn(project: Project, data: str, is_chain: bool, folder: str, samples: int, seed: int) -> str:
    """Write the drawn rows of each data set below `folder`; returns what `modules.data` is then."""
    if is_chain:
        files = {project.root / data: f"{folder}/{Path(data).name.split('.')[0]}.jsonl"}
    else:
        files = {
            path: f"{folder}/{path.name}"
            for stage in project.study.asked_stages.values()
            for source in stage.input.source or []
            for path in (project.root / file for file in project.study.sources[source].files)
            if path.parent == project.root / data
        }
    for path, output in files.items():
        lines = [line for _, line in iter_lines(path)]
        order = sorted(range(len(lines)), key=lambda place: (rank(seed, _row_id(lines[place])), place))
        content = b"".join(lines[place] + b"\n" for place in sorted(order[:samples]))
        target = project.root / output
        if not target.exists() or target.read_bytes() != content:
            write_bytes(target, content)
    return next(iter(files.values())) if is_chain else folder


def _row_id(line: bytes) -> str:
    """What a row is drawn by: its id, so that an edit of its text draws no other rows."""
    try:
        return str(orjson.loads(line)["id"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return sha256_hex(line)
