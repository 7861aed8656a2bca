"""Which weights answer: a hash over the files that shape what a model says, its adapter included."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from goldpan.errors import EmbeddingError
from goldpan.files import canonical_json, sha256_file, sha256_hex
from goldpan.models.folders import is_model_folder, shaping_files

ADAPTER_CONFIG = "adapter_config.json"


def weights_fingerprint(folder: Path, adapter: Path | None = None) -> str:
    """SHA-256 in hexadecimal over names and bytes of configuration, weights, tokenizer and chat template.

    A file is read again in a process only after it has changed, as `weights_state` sees it.

    Args:
        folder: a Hugging Face model.
        adapter: of PEFT, over it.

    Raises:
        EmbeddingError: there is no model in `folder`, or no adapter in `adapter`.
    """
    if not is_model_folder(folder):
        raise EmbeddingError(
            "there is no model here: no config.json", where=str(folder), remedy="give a model's own folder"
        )
    parts = {"model": _hashes(folder)}
    if adapter is not None:
        if not (adapter / ADAPTER_CONFIG).is_file():
            raise EmbeddingError(
                f"there is no adapter here: no {ADAPTER_CONFIG}",
                where=str(adapter),
                remedy="give the folder that `save_pretrained` of a PEFT model has made",
            )
        parts["adapter"] = _hashes(adapter)
    return sha256_hex(canonical_json(parts))


def weights_state(folder: Path, adapter: Path | None = None) -> list[list[Any]]:
    """By what a change of the files behind `weights_fingerprint` is seen without reading them: for each its
    name, size, times of contents and of everything, and number in its file system.

    Raises:
        OSError: a file cannot be looked at.
    """
    parts = [("", folder), *([("adapter/", adapter)] if adapter else [])]
    return [
        [f"{prefix}{name}", *_state(path)]
        for prefix, part in parts
        for name, path in sorted(shaping_files(part).items())
    ]


def _hashes(folder: Path) -> dict[str, str]:
    return {
        name: _hash_once(os.fspath(path.resolve()), _state(path))
        for name, path in shaping_files(folder).items()
    }


def _state(path: Path) -> tuple[int, int, int, int]:
    """A file that takes another's place with its size and time of contents has another number or time."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


@functools.lru_cache(maxsize=1024)
def _hash_once(path: str, state: tuple[int, int, int, int]) -> str:
    return sha256_file(path)
