"""The two folders that a training leaves: the adapter, and the model with the adapter merged into it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from goldpan.errors import FineTuneError
from goldpan.files import part_of, read_json, write_json
from goldpan.models.pretrained import load_causal_weights

ADAPTER_WEIGHTS = "adapter_model.safetensors"
_CONFIG = "adapter_config.json"


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A neighbour to fill, which takes the place of `folder` in the end, and is removed on any exception."""
    part = part_of(folder)
    part.mkdir()
    try:
        yield part
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_adapter(checkpoint: Path, folder: Path, *, base: str, revision: str | None) -> None:
    """Fill a folder with the adapter of a checkpoint, as PEFT reads it; the same one gives the same bytes.

    Args:
        base: the base model, as the study names it: not where it lies on this machine.
    """
    shutil.copyfile(checkpoint / ADAPTER_WEIGHTS, folder / ADAPTER_WEIGHTS)
    config = read_json(checkpoint / _CONFIG)
    config |= {"base_model_name_or_path": base, "revision": revision, "inference_mode": True}
    # Names of layers come out of a set, whose order is another one in each process.
    made = {key: sorted(value) if _are_names(value) else value for key, value in sorted(config.items())}
    write_json(folder / _CONFIG, made)


def write_merged_model(base: Path, adapter: Path, folder: Path, *, trust_remote_code: bool) -> None:
    """Fill a folder with base and adapter as one plain model, in the type in which the base is stored.

    Args:
        base: the base model's folder; tokenizer and chat template are taken from there as they are.

    Raises:
        FineTuneError: merged weights are not finite.
    """
    import torch
    from peft import PeftModel

    model = load_causal_weights(base, "auto", trust_remote_code=trust_remote_code)
    dtype = model.dtype
    tuned = PeftModel.from_pretrained(model, str(adapter), local_files_only=True)
    try:
        merged = tuned.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise FineTuneError(
            f"the adapter cannot be merged: {error}", remedy="lower `learning_rate`"
        ) from None
    with torch.no_grad():
        merged.to(dtype)
    merged.save_pretrained(folder)
    _copy_beside(base, folder)


def _copy_beside(base: Path, folder: Path) -> None:
    """Tokenizer, chat template and the model's own code, byte for byte: writing them anew may change them."""
    made = {path.name for path in folder.iterdir()}
    for path in sorted(base.iterdir()):
        is_wanted = path.suffix in {".json", ".txt", ".model", ".jinja", ".py"} and not path.name.endswith(
            ".index.json"
        )
        if path.is_file() and is_wanted and path.name not in made and path.name != _CONFIG:
            shutil.copyfile(path, folder / path.name)
    templates = base / "additional_chat_templates"
    if templates.is_dir():
        shutil.copytree(templates, folder / templates.name)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
