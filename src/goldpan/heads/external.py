"""Reading regression heads that were made elsewhere: one linear layer, or `Linear, ReLU, Linear`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.errors import HeadError, SourceError
from goldpan.files import read_json
from goldpan.heads.checkpoint import CONFIG, WEIGHTS, as_array, check_finite, damaged_head, read_safetensors
from goldpan.heads.model import HeadModel, Linear
from goldpan.heads.targets import Target

if TYPE_CHECKING:
    import numpy as np

_WRAPPERS = ("state_dict", "model_state_dict")
_PICKLED = frozenset({".pt", ".pth", ".bin", ".ckpt"})
_ACTIVATION_KEYS = ("activation", "hidden_act", "activation_function")
_REMEDY = "a head is one linear layer, or two with a ReLU between them, such as `head.mlp.0` and `head.mlp.2`"


def load_external_head(name: str, path: Path) -> HeadModel:
    """Read a regression head that was made elsewhere.

    With one output it gives one number, `score_<name>`; with several `score_<name>_0`, `score_<name>_1`, ...
    How the embeddings were made that it was trained on is not known; only their dimension is checked.

    Args:
        name: what the study calls it.
        path: a `save_pretrained` folder (`model.safetensors`, `config.json`), a .safetensors file, or a .pt,
            .pth, .bin or .ckpt file with a state dict, which is read without running any code of it.

    Raises:
        HeadError: the file is missing or damaged, or holds something else than such a head.
    """
    tensors, config = _read(path)
    layers = _layers(path, tensors)
    _check_activation(path, config, layers)
    outputs = len(layers[-1].bias)
    columns = [name] if outputs == 1 else [f"{name}_{place}" for place in range(outputs)]
    return HeadModel(name, layers, tuple(Target(column, column, "regression") for column in columns))


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The tensors by name, and the configuration beside them."""
    if path.is_dir():
        config = _config(path / CONFIG)
        if (path / WEIGHTS).exists():
            return read_safetensors(path / WEIGHTS), config
        return _read_pickled(path / "pytorch_model.bin"), config
    if path.suffix in _PICKLED:
        return _read_pickled(path), {}
    return read_safetensors(path), {}


def _config(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        config = read_json(path)
    except SourceError as error:
        raise damaged_head(path, error.what) from None
    return config if isinstance(config, dict) else {}


def _read_pickled(path: Path) -> dict[str, np.ndarray]:
    """The state dict of a file, or of the training checkpoint that holds it."""
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise damaged_head(path, "there is no such file") from None
    except Exception as error:  # torch.load raises whatever the damaged bytes lead to
        raise HeadError(
            f"this file cannot be loaded as plain weights ({type(error).__name__})",
            where=str(path),
            remedy="save the state dict alone: torch.save(model.state_dict(), ...); nothing else is loaded,"
            " for a pickle may run any code",
        ) from None
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise damaged_head(path, f"it holds {type(content).__name__}, not a state dict")
    return {str(name): as_array(value) for name, value in content.items() if isinstance(value, torch.Tensor)}


def _layers(path: Path, tensors: Mapping[str, np.ndarray]) -> tuple[Linear, ...]:
    """The linear layers, in the order of their names; nothing may be left over."""
    import numpy as np

    names = sorted({name.rpartition(".")[0] for name in tensors if name.endswith("weight")}, key=_natural)
    layers = []
    for name in names:
        weight = tensors[_joined(name, "weight")]
        if weight.ndim != 2:
            break
        bias = tensors.get(_joined(name, "bias"), np.zeros(len(weight), dtype=np.float32))
        layers.append(Linear(np.ascontiguousarray(weight), bias))
    used = {_joined(name, part) for name in names for part in ("weight", "bias")}
    chained = all(
        before.weight.shape[0] == after.weight.shape[1] for before, after in itertools.pairwise(layers)
    )
    fitting = all(layer.bias.shape == layer.weight.shape[:1] for layer in layers)
    left_over = set(tensors) - used
    if not (1 <= len(layers) <= 2 and len(layers) == len(names) and chained and fitting) or left_over:
        shapes = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in list(tensors.items())[:12])
        raise HeadError(
            f"these are not the tensors of a regression head: {shapes or 'none'}",
            where=str(path),
            remedy=_REMEDY,
        )
    for layer in layers:
        check_finite(path, layer)
    return tuple(layers)


def _check_activation(path: Path, config: Mapping[str, Any], layers: tuple[Linear, ...]) -> None:
    """Refuse another activation than ReLU, if the configuration names one."""
    for key in _ACTIVATION_KEYS:
        activation = config.get(key)
        if len(layers) > 1 and activation is not None and str(activation).lower() != "relu":
            raise HeadError(f"its `{key}` is {activation!r}, not ReLU", where=str(path), remedy=_REMEDY)


def _joined(name: str, part: str) -> str:
    return f"{name}.{part}" if name else part


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key in which `mlp.2` comes before `mlp.10`."""
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"[.]|(?<=\D)(?=\d)", name)]
