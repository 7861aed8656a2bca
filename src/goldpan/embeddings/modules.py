"""What a sentence-transformers folder says is done around the encoder: limits, prompt, pooling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldpan.errors import EmbeddingError
from goldpan.files import read_json

POOLING_MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")

_LEGACY_MODES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_TRANSFORMER_CONFIGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)


@dataclass(frozen=True)
class Modules:
    """The steps around an encoder, as its folder describes them.

    Attributes:
        transformer: folder of the encoder itself.
        max_length: the limit the model was made for, special tokens included.
        lower_case: texts are put in lower case before they are tokenised.
        prompt: what stands before each text by default.
        pooling: modes whose vectors are put side by side; empty when the folder does not say.
        pools_prompt: whether the prompt's tokens take part in the pooling.
        dense: folders of the dense layers after the pooling.
        normalize: whether vectors are scaled to length 1.
    """

    transformer: Path
    max_length: int | None = None
    lower_case: bool = False
    prompt: str = ""
    pooling: tuple[str, ...] = ()
    pools_prompt: bool = True
    dense: tuple[Path, ...] = ()
    normalize: bool = False


def read_modules(folder: Path) -> Modules:
    """Read `modules.json` and what it points to; a folder without it is a plain encoder.

    Raises:
        EmbeddingError: a module is of a kind that is not known here.
    """
    path = folder / "modules.json"
    if not path.is_file():
        return Modules(transformer=folder)
    entries = [(entry["type"].rsplit(".", 1)[-1], folder / entry["path"]) for entry in read_json(path)]
    kinds = [kind for kind, _ in entries]
    known = ["Transformer", "Pooling", *["Dense"] * kinds.count("Dense")]
    if kinds not in (known, [*known, "Normalize"]):
        raise EmbeddingError(
            f"its modules are {', '.join(kinds)}; known are Transformer, Pooling, any Dense, then Normalize",
            where=str(path),
            remedy="give the folder of its encoder, and say `pooling` and `normalize` in the study",
        )
    (_, transformer), (_, pooling), *_ = entries
    modes, pools_prompt = _pooling(pooling)
    settings = _transformer_settings(transformer)
    return Modules(
        transformer=transformer,
        max_length=settings.get("max_seq_length"),
        lower_case=bool(settings.get("do_lower_case", False)),
        prompt=_default_prompt(folder),
        pooling=modes,
        pools_prompt=pools_prompt,
        dense=tuple(place for kind, place in entries if kind == "Dense"),
        normalize="Normalize" in kinds,
    )


def _pooling(folder: Path) -> tuple[tuple[str, ...], bool]:
    """The modes of a Pooling module, and whether the prompt takes part."""
    path = folder / "config.json"
    config = read_json(path)
    if "pooling_mode" in config:
        mode_or_modes = config["pooling_mode"]
        modes = (mode_or_modes,) if isinstance(mode_or_modes, str) else tuple(mode_or_modes)
    else:
        modes = tuple(mode for key, mode in _LEGACY_MODES.items() if config.get(key)) or ("mean",)
    unknown = [mode for mode in modes if mode not in POOLING_MODES]
    if unknown:
        raise EmbeddingError(
            f"pooling {', '.join(unknown)} is not known; known are {', '.join(POOLING_MODES)}",
            where=str(path),
        )
    return modes, bool(config.get("include_prompt", True))


def _transformer_settings(folder: Path) -> dict[str, Any]:
    for name in _TRANSFORMER_CONFIGS:
        if (folder / name).is_file():
            return dict(read_json(folder / name))
    return {}


def _default_prompt(folder: Path) -> str:
    path = folder / "config_sentence_transformers.json"
    config = read_json(path) if path.is_file() else {}
    name = config.get("default_prompt_name")
    return str(config.get("prompts", {}).get(name) or "") if name else ""
