"""What a bundle says of itself: its files with their hashes, what a replay must make, and what was left out.

A bundle may come from anybody, so every value has a form, and a manifest of another format is refused.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from goldpan.errors import BundleError
from goldpan.files import sha256_hex
from goldpan.study.base import Name
from goldpan.study.stage import Mode

FORMAT = "goldpan-bundle/1"
MANIFEST, README, LEDGER = "manifest.json", "README.md", "ledger.jsonl.zst"
PROJECT, GOLD = "project", "gold"
"""Folders of a bundle: what becomes the project's folder, and the gold sets for those who only want these."""

Role = Literal[
    "readme", "settings", "study", "task", "list", "source", "annotations", "head", "gold", "ledger"
]
_MOST = 2**53
_DRIVE = re.compile(r"[A-Za-z]:")
# Snakemake, Python and goldpan read these by themselves where they lie in a project's folder.
_READ_UNASKED = frozenset({"snakefile", "workflow", "rules", "profiles", "results", "runs"})


def fault_of_member(name: str) -> str | None:
    """Why a file of a bundle may not be called so; None where it may.

    It must stay within the folder it is unpacked to, on any system, and be none that programs read unasked.
    """
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or ":" in name or len(name.encode(errors="replace")) > 1_000:
        return "it has characters that not every system takes in a name, or too many of them"
    if _DRIVE.match(name) or any(part in ("", ".", "..") for part in parts):
        return "it does not stay within the folder"
    if any(part.startswith(".") for part in parts):
        return "it is hidden, and programs read such files unasked"
    if parts[0] == PROJECT and (len(parts) < 2 or parts[1].lower() in _READ_UNASKED):
        return "programs read files of this name unasked, or it is where results are made"
    return None


def _member(name: str) -> str:
    if (fault := fault_of_member(name)) is not None:
        raise ValueError(fault)
    return name


def _within(path: str) -> str:
    if not path.isprintable() or "\\" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("is no path within a folder")
    return path


Count = Annotated[int, Field(ge=0, le=_MOST)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Member = Annotated[str, Field(max_length=1_000), AfterValidator(_member)]
Within = Annotated[str, Field(max_length=1_000), AfterValidator(_within)]
Text = Annotated[str, Field(max_length=10_000)]


class _Part(BaseModel):
    # Keys that are not known here are passed over: a newer goldpan may have written them.
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)


class BundledFile(_Part):
    """A file by its name in the bundle, or one that was left out and belongs there."""

    path: Member
    role: Role
    bytes: Count
    sha256: Sha256


class ExpectedArtifact(_Part):
    """An artifact that a replay makes.

    Attributes:
        path: relative to the study's folder of results.
        by_model: it is computed by models on this machine, or from what they computed: another processor or
            version of a library may round otherwise.
    """

    path: Within
    bytes: Count
    sha256: Sha256
    by_model: bool = False


class UsedModel(_Part):
    """A model that embeddings or a filter need, which is not in the bundle. `sha256` is that of its files."""

    needed_by: Text
    name: Text
    revision: Text | None = None
    sha256: Sha256 | None = None


class Environment(_Part):
    """With what the artifacts were made, or at least bundled."""

    goldpan: Text
    python: Text
    system: Text
    packages: dict[str, Text]


class RunSettings(_Part):
    """Settings of the project that shape what is made."""

    limit: Annotated[int, Field(ge=1)] | None = None
    mode: Mode | None = None


class Manifest(_Part):
    """All that a bundle says of itself.

    Attributes:
        study_file: in the bundle.
        data_license: as the study states it; None where it says nothing.
        files: all but the manifest, by name.
        left_out: sources that were left out, by the name at which they belong.
        expected: what a replay makes, with its hash.
        notes: what people should know, in words.
    """

    format: Literal["goldpan-bundle/1"]
    study: Name
    study_file: Member
    description: str = ""
    data_license: str | None = None
    settings: RunSettings = RunSettings()
    environment: Environment
    answers: Count
    models: list[UsedModel] = []
    notes: list[Text] = []
    files: list[BundledFile]
    left_out: list[BundledFile] = []
    expected: list[ExpectedArtifact]

    def as_bytes(self) -> bytes:
        """The bytes of `manifest.json`."""
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(self.model_dump(mode="json"), option=options)

    @property
    def id(self) -> str:
        """What tells this bundle from any other: the SHA-256 of its manifest, which has that of each file."""
        return sha256_hex(self.as_bytes())


def read_manifest(content: bytes, where: str) -> Manifest:
    """The manifest of a bundle.

    Args:
        content: the bytes of `manifest.json`.
        where: the bundle, for the error.

    Raises:
        BundleError: it is of another format, or not what a manifest must be.
    """
    try:
        raw: Any = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _no_manifest(f"it is not JSON ({error})", where) from None
    told = raw.get("format") if isinstance(raw, dict) else None
    if not isinstance(told, str) or not told.startswith("goldpan-bundle/"):
        raise _no_manifest("it does not say that it is that of a bundle", where)
    if told != FORMAT:
        raise BundleError(
            f"this bundle has the format {told[:40]!r}, and this goldpan reads {FORMAT}",
            where=where,
            remedy="use the goldpan that wrote it, or a later one (`pip install --upgrade goldpan`)",
        )
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _no_manifest(f"{place}: {first['msg'].removeprefix('Value error, ')}", where) from None


def _no_manifest(fault: str, where: str) -> BundleError:
    return BundleError(
        f"its {MANIFEST} cannot be used: {fault}",
        where=where,
        remedy="get the bundle anew from where it was published; make one with `goldpan bundle STUDY`",
    )
