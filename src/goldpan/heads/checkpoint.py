"""A head as a folder: `config.json` says what it predicts and from which embeddings, beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.embeddings.provenance import Provenance
from goldpan.errors import HeadError, SourceError
from goldpan.files import read_json, sha256_file, sha256_hex, write_bytes, write_json
from goldpan.heads.model import HeadModel, Linear
from goldpan.heads.targets import Target

if TYPE_CHECKING:
    import numpy as np

FORMAT = "goldpan head"
FORMAT_VERSION = 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"


def save_head(folder: Path, head: HeadModel) -> None:
    """Write a checkpoint; the same head gives the same bytes. The configuration is written last."""
    from safetensors.numpy import save

    assert head.embedding is not None
    tensors: dict[str, np.ndarray] = {}
    for place, layer in enumerate(head.layers):
        tensors[f"layers.{place}.weight"] = layer.weight
        tensors[f"layers.{place}.bias"] = layer.bias
    for target, thresholds in head.thresholds.items():
        tensors[f"thresholds.{target}"] = thresholds
    weights = save(tensors, metadata={"format": "pt"})
    write_bytes(folder / WEIGHTS, weights)
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": head.name,
        "architecture": "linear" if len(head.layers) == 1 else "mlp",
        "dimension": head.dimension,
        "weights_sha256": sha256_hex(weights),
        "targets": [
            {"name": target.name, "column": target.column, "kind": target.kind, "labels": list(target.labels)}
            for target in head.targets
        ],
        "embedding": head.embedding.as_attributes(),
    }
    write_json(folder / CONFIG, config)


def load_head(folder: Path) -> HeadModel:
    """Read a checkpoint that `save_head` wrote.

    Raises:
        HeadError: it is missing, damaged, or not one of goldpan's.
    """
    config = _config(folder)
    tensors = read_safetensors(folder / WEIGHTS)
    if sha256_file(folder / WEIGHTS) != config.get("weights_sha256"):
        raise damaged_head(folder, "its weights are not those that its configuration is about")
    try:
        count = 1 if config["architecture"] == "linear" else 2
        targets = tuple(
            Target(target["name"], target["column"], target["kind"], tuple(target["labels"]))
            for target in config["targets"]
        )
        head = HeadModel(
            name=config["name"],
            layers=tuple(_layer(tensors, f"layers.{place}") for place in range(count)),
            targets=targets,
            thresholds={
                target.name: tensors[f"thresholds.{target.name}"] for target in targets if target.thresholds
            },
            embedding=Provenance.from_attributes(config["embedding"]),
        )
        _check_shapes(head, folder)
    except (KeyError, TypeError, ValueError) as error:
        raise damaged_head(folder, f"it lacks or cannot use {error}") from None
    return head


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file by name, those of half precision as float32.

    Raises:
        HeadError: the file is missing or damaged.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: as_array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise damaged_head(path, "there is no such file") from None
    except (SafetensorError, OSError, torch.OutOfMemoryError) as error:
        raise damaged_head(path, f"it is not a whole safetensors file ({error})") from None


def as_array(tensor: Any) -> np.ndarray:
    """A tensor as a NumPy array on the CPU; floating-point numbers as float32."""
    tensor = tensor.detach().cpu()
    return tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy()


def damaged_head(path: Path, what: str) -> HeadError:
    """The error for a head that cannot be read."""
    return HeadError(
        f"this head cannot be used: {what}",
        where=str(path),
        remedy="train it again, or copy it again from where it came from",
    )


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = read_json(folder / CONFIG)
    except (OSError, SourceError) as error:
        raise damaged_head(folder / CONFIG, f"it cannot be read ({error})") from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise HeadError(
            "this is not a head that goldpan trained",
            where=str(folder / CONFIG),
            remedy="name heads made elsewhere under `regression_head_checkpoints`",
        )
    if config.get("format_version") != FORMAT_VERSION:
        raise damaged_head(folder / CONFIG, f"its format has version {config.get('format_version')}")
    return config


def _layer(tensors: Mapping[str, np.ndarray], name: str) -> Linear:
    return Linear(tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def _check_shapes(head: HeadModel, folder: Path) -> None:
    """Check that layers, targets, thresholds and embedding fit each other; all must be finite."""
    inputs = head.embedding.dimension if head.embedding else head.dimension
    for place, layer in enumerate(head.layers):
        outputs = (
            sum(target.width for target in head.targets) if layer is head.layers[-1] else len(layer.bias)
        )
        if layer.weight.shape != (outputs, inputs) or layer.bias.shape != (outputs,):
            raise damaged_head(folder, f"layer {place} is {layer.weight.shape}, not {(outputs, inputs)}")
        check_finite(folder, layer)
        inputs = outputs
    for target in head.targets:
        if target.thresholds and head.thresholds[target.name].shape != (target.thresholds,):
            raise damaged_head(folder, f"the thresholds of `{target.name}` do not fit its labels")


def check_finite(path: Path, layer: Linear) -> None:
    """Check that a layer holds neither NaN nor infinity.

    Raises:
        HeadError: it does.
    """
    import numpy as np

    if not (np.isfinite(layer.weight).all() and np.isfinite(layer.bias).all()):
        raise damaged_head(path, "its weights hold NaN or infinity")
