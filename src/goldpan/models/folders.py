"""Where a model's files lie: in a folder, inside an installed Python package, or on the Hugging Face hub."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from goldpan.errors import EmbeddingError
from goldpan.files import canonical_json, sha256_file, sha256_hex

PACKAGE = "package:"
_ALWAYS = ("*.json", "*.txt", "*.model", "*.jinja")
_SAFE_WEIGHTS = "*.safetensors"
_PICKLED_WEIGHTS = "pytorch_model*.bin"
_CODE = "*.py"
# Other forms of the same weights, which are not read.
_UNUSED_FOLDERS = frozenset({"onnx", "openvino", "coreml", "tflite"})


@dataclass(frozen=True)
class ModelFiles:
    """A model on this machine.

    Attributes:
        name: as the study gives it.
        folder: where its files lie.
        revision: commit of the hub, or None for a folder or package.
        sha256: hash over the names and bytes of all files that shape the embeddings.
    """

    name: str
    folder: Path
    revision: str | None
    sha256: str


def find_model(
    name: str, *, root: Path = Path(), revision: str | None = None, trust_remote_code: bool = False
) -> ModelFiles:
    """Find a model by what the study calls it; from the hub it is downloaded unless it was before.

    Args:
        name: a folder, `package:NAME`, or a hub name.
        root: where relative folders start.
        revision: hub only.
        trust_remote_code: also fetch the model's own Python code from the hub.

    Raises:
        EmbeddingError: there is no such model, or it cannot be had.
    """
    folder, commit = local_model(name, root), None
    if folder is None:
        folder, commit = hub_snapshot(name, revision, trust_remote_code)
    if revision is not None and commit is None:
        raise EmbeddingError(
            "`revision` goes with a model of the hub only", where=name, remedy="leave `revision` out"
        )
    return ModelFiles(name, folder, commit, folder_hash(folder))


def local_model(name: str, root: Path) -> Path | None:
    """The folder of a model that is on this machine by its name; None for one of the hub.

    Args:
        name: as of `find_model`.
        root: where relative folders start.

    Raises:
        EmbeddingError: the name can only mean a folder or package, and there is no model.
    """
    if name.startswith(PACKAGE):
        return _package_folder(name)
    if is_model_folder(root / name):
        return root / name
    if (root / name).exists() or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise EmbeddingError(
            "there is no model here: neither config.json nor modules.json",
            where=name,
            remedy="give a model's own folder, `package:NAME`, or its name on the hub",
        )
    owner, slash, _ = name.partition("/")
    if slash and (root / owner).is_dir():
        # It may still be an owner of the hub, who is called like a folder of the project: hardly.
        raise EmbeddingError(
            f"there is no folder `{name}`, though there is a folder `{owner}`",
            where=name,
            remedy=f"correct the name, or put the model there; if one of the hub is meant: hf download {name}"
            f" --local-dir {name}",
        )
    return None


def is_model_folder(folder: Path) -> bool:
    """Whether a folder holds a model."""
    return (folder / "config.json").is_file() or (folder / "modules.json").is_file()


def shaping_files(folder: Path) -> dict[str, Path]:
    """The files of a model's folder that shape embeddings, by their names in it."""
    patterns = [*_ALWAYS, _weights_pattern(folder), _CODE]
    return {
        path.relative_to(folder).as_posix(): path
        for pattern in patterns
        for path in folder.rglob(pattern)
        if path.is_file() and not _UNUSED_FOLDERS & set(path.relative_to(folder).parts)
    }


def folder_hash(folder: Path) -> str:
    """SHA-256 over the names and hashes of a folder's files that shape embeddings, in hexadecimal."""
    files = shaping_files(folder)
    return sha256_hex(canonical_json({name: sha256_file(path) for name, path in files.items()}))


def stated_model_hash(name: str, root: Path) -> str:
    """Hash of the files of a model that is stated, not used: empty where they are not on this machine, and
    for those of the hub, of which nobody can say what state of them is meant."""
    try:
        folder = local_model(name, root)
    except EmbeddingError:
        return ""
    return "" if folder is None else folder_hash(folder)


def _weights_pattern(folder: Path) -> str:
    return _SAFE_WEIGHTS if any(folder.rglob(_SAFE_WEIGHTS)) else _PICKLED_WEIGHTS


def _package_folder(name: str) -> Path:
    """The folder of a package, or one right inside it, that holds a model; the package is not imported."""
    package = name.removeprefix(PACKAGE)
    try:
        spec = importlib.util.find_spec(package.replace("-", "_"))
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddingError(
            f"there is no Python package `{package}` here",
            where=name,
            remedy=f"install it: python -m pip install {package.replace('_', '-')}",
        )
    roots = [Path(place) for place in spec.submodule_search_locations]
    inside = sorted(folder for root in roots for folder in root.iterdir() if folder.is_dir())
    folders = [folder for folder in (*roots, *inside) if (folder / "config.json").is_file()]
    if len(folders) != 1:
        raise EmbeddingError(
            f"this package carries {len(folders)} models, not one"
            + (f": {', '.join(str(folder) for folder in folders)}" if folders else ""),
            where=name,
            remedy="give the folder of the model itself",
        )
    return folders[0]


def hub_snapshot(
    name: str, revision: str | None, trust_remote_code: bool, *, local_files_only: bool = False
) -> tuple[Path, str]:
    """The local snapshot of a hub model and its commit.

    Args:
        name, revision, trust_remote_code: as of `find_model`.
        local_files_only: nothing is downloaded.

    Raises:
        EmbeddingError: it cannot be had.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = [*_ALWAYS, *([_CODE] if trust_remote_code else [])]
    ignored = [f"{folder}/*" for folder in sorted(_UNUSED_FOLDERS)]

    def download(weights: str) -> Path:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=[*patterns, weights],
                ignore_patterns=ignored,
                local_files_only=local_files_only,
            )
        )

    try:
        folder = download(_SAFE_WEIGHTS)
        if not any(folder.rglob(_SAFE_WEIGHTS)):
            folder = download(_PICKLED_WEIGHTS)
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise EmbeddingError(
            f"cannot be had from the Hugging Face hub: {str(error).splitlines()[0]}",
            where=name,
            remedy="check the name and the network; offline, give a local folder or `package:NAME`",
        ) from None
    return folder, folder.name
