"""The model that is fine-tuned: its tokenizer, weights, and the layers that adapters can stand beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from goldpan.errors import FineTuneError
from goldpan.models.pretrained import load_fast_tokenizer, not_loaded
from goldpan.study.finetune import ALL_LINEAR, FineTune, Lora
from goldpan.tasks.nearest import suggestion

_ADAPTER_OF_OUTPUT = "an adapter on the output layer cannot be trained"


def load_tokenizer(folder: Path, trust_remote_code: bool) -> Any:
    """The tokenizer of a model; padding is by a token of its own, or else by the one that ends a text.

    Raises:
        EmbeddingError: it cannot be loaded.
        FineTuneError: it has no token to pad with.
    """
    tokenizer = load_fast_tokenizer(folder, trust_remote_code)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token is None:
        raise FineTuneError("the tokenizer names neither `pad_token` nor `eos_token`", where=str(folder))
    return tokenizer


def stop_tokens(folder: Path) -> list[int]:
    """The tokens with which a model ends an answer, as its generation_config.json says; none without one."""
    from transformers import GenerationConfig

    if not (folder / "generation_config.json").is_file():
        return []
    try:
        ends = GenerationConfig.from_pretrained(folder, local_files_only=True).eos_token_id
    except (OSError, ValueError) as error:
        raise not_loaded("generation_config.json", folder, error) from None
    return [] if ends is None else ends if isinstance(ends, list) else [ends]


def positions_of(folder: Path, trust_remote_code: bool) -> int | None:
    """Tokens that a model has positions for, as its config.json says; None where it says nothing.

    Raises:
        EmbeddingError: there is no such file, or no model of a kind that transformers knows.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise not_loaded("config.json", folder, error) from None
    limit = getattr(config.get_text_config(), "max_position_embeddings", None)
    return int(limit) if limit else None


def check_layers(model: Any, lora: Lora) -> None:
    """Check that a model has the modules that a study names.

    Raises:
        FineTuneError: it has not; those it has are named.
    """
    import torch

    modules = [name for name, _ in model.named_modules() if name]
    linear = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    output = _output_name(model)
    if not isinstance(lora.target_modules, str):
        for wanted in lora.target_modules:
            if output is not None and _is_named(output, wanted):
                raise FineTuneError(
                    _ADAPTER_OF_OUTPUT,
                    where=f"lora.target_modules: {wanted}",
                    remedy=f"name it in `modules_to_save` to train it whole: modules_to_save: [{wanted}]",
                )
        _check_named("target_modules", lora.target_modules, modules, linear - {output or ""})
    _check_named("modules_to_save", lora.modules_to_save, modules, modules)


def _check_named(key: str, wanted: list[str], modules: list[str], shown: Any) -> None:
    has = sorted({name.rpartition(".")[2] for name in shown if not name.rpartition(".")[2].isdigit()})
    for name in wanted:
        if not any(_is_named(module, name) for module in modules):
            raise FineTuneError(
                f"the model has no module `{name}`; it has {', '.join(has)}",
                where=f"lora.{key}",
                remedy=suggestion(name, has),
            )


def _is_named(module: str, wanted: str) -> bool:
    """As PEFT takes it: the whole name, or its end after a dot."""
    return module == wanted or module.endswith(f".{wanted}")


def _output_name(model: Any) -> str | None:
    output = model.get_output_embeddings()
    return next((name for name, module in model.named_modules() if module is output), None)


def lora_config(settings: FineTune, model: Any) -> Any:
    """PEFT's configuration of the adapter."""
    from peft import LoraConfig

    lora = settings.lora
    tied = bool(getattr(model.config.get_text_config(), "tie_word_embeddings", False))
    targets = lora.target_modules
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.rank,
        # PEFT says a whole number, and takes any.
        lora_alpha=cast(int, lora.alpha),
        lora_dropout=lora.dropout,
        target_modules=targets if targets == ALL_LINEAR else list(targets),
        modules_to_save=list(lora.modules_to_save) or None,
        # Where input and output share one matrix, a copy trained for one of them would part them.
        ensure_weight_tying=tied and bool(lora.modules_to_save),
    )
