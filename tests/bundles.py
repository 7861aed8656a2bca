"""Bundles of a small study, and archives that are none."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from goldpan.batches.stage import StageRun
from goldpan.bundle.make import Bundled, bundle
from goldpan.files import sha256_hex
from goldpan.study import Project, load_project
from tests.stage_builders import STAGE

Members = dict[str, bytes]


def features_of(run: StageRun) -> list[str]:
    """The artifacts of a study of one stage."""
    return [run.paths.features(STAGE), run.paths.summary(STAGE)]


def bundled(run: StageRun, path: Path, **options: Any) -> Bundled:
    """The bundle of a study of one stage, as its files say now."""
    project = load_project(run.project.study.study, root=run.project.root)
    return bundle(project, path, features_of(run), **options)


def members_of(path: Path) -> Members:
    """What the files of an archive hold."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path: Path, members: Members) -> Path:
    """Write an archive as anybody may."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_manifest(members: Members, change: Callable[[dict[str, Any]], None]) -> Members:
    """The members with a changed manifest."""
    manifest = orjson.loads(members["manifest.json"])
    change(manifest)
    return {**members, "manifest.json": orjson.dumps(manifest)}


def with_member(members: Members, name: str, content: bytes, role: str = "list") -> Members:
    """The members with one more or another file, which the manifest lists as it is: a forged bundle."""

    def enter(manifest: dict[str, Any]) -> None:
        files = [file for file in manifest["files"] if file["path"] != name]
        entry = {"path": name, "role": role, "bytes": len(content), "sha256": sha256_hex(content)}
        manifest["files"] = [*files, entry]

    return {**with_manifest(members, enter), name: content}


def replayed_project(folder: Path) -> Project:
    """The project that a bundle was unpacked to."""
    return load_project(root=folder / "project")
