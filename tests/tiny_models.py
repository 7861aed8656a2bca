"""Tiny encoders with random weights, and records files to embed with them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import orjson

os.environ["HF_HUB_OFFLINE"] = "1"

Family = Literal["bert", "roberta", "camembert", "xlm_roberta", "llama", "t5", "albert", "distilbert"]

WORDS = [f"w{number}" for number in range(200)]
WIDTH = 32
POSITIONS = 64
_ROBERTAS = {"roberta": "Roberta", "camembert": "Camembert", "xlm_roberta": "XLMRoberta"}
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def save_encoder(folder: Path, family: Family = "bert", *, seed: int = 0) -> Path:
    """Save an encoder of a family of models, with a tokenizer that has a token for each of WORDS."""
    _tokenizer(family).save_pretrained(folder)
    tiny_model(family, seed=seed).save_pretrained(folder)
    return folder


def tiny_model(family: Family, *, seed: int = 0, **settings: Any) -> Any:
    """An encoder of a family of models, with settings of its configuration."""
    import torch

    torch.manual_seed(seed)
    return _model(family, settings).eval()


def save_modules(folder: Path, pooling: dict[str, Any], *, normalize: bool, max_length: int = 64) -> Path:
    """Make an encoder's folder one of sentence-transformers."""
    kinds = ["Transformer", "Pooling", *(["Normalize"] if normalize else [])]
    modules = [
        {
            "idx": place,
            "name": str(place),
            "path": f"{place}_{kind}" if place else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for place, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_bytes(orjson.dumps(modules))
    (folder / "sentence_bert_config.json").write_bytes(orjson.dumps({"max_seq_length": max_length}))
    (folder / "1_Pooling").mkdir()
    config = {"word_embedding_dimension": WIDTH, **pooling}
    (folder / "1_Pooling" / "config.json").write_bytes(orjson.dumps(config))
    return folder


def random_texts(count: int, *, longest: int = 50, seed: int = 0) -> list[str]:
    """Texts of WORDS, of very different lengths."""
    import random

    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, longest))) for _ in range(count)]


def write_records(path: Path, texts: Iterable[str] = (), rows: Iterable[dict[str, Any]] = ()) -> Path:
    """Write a records file: a record for each text, called d1, d2, ..., and then some rows as given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    given = itertools.chain(({"data": {"text": text}} for text in texts), rows)
    with path.open("wb") as handle:
        for line, row in enumerate(given, 1):
            record = {"id": f"d{line}", "source": "notes", "file": "a.jsonl", "line": line, "data": {}, **row}
            handle.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    return path


def _tokenizer(family: Family) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: place for place, token in enumerate(_SPECIAL + WORDS)}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if family == "llama":
        core.post_processor = processors.TemplateProcessing(
            single="$A [SEP]", special_tokens=[("[SEP]", vocabulary["[SEP]"])]
        )
    else:
        core.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="[PAD]", unk_token="[UNK]", model_max_length=POSITIONS
    )


def _model(family: Family, settings: dict[str, Any]) -> Any:
    import transformers

    if family == "t5":
        config = transformers.T5Config(
            vocab_size=len(_SPECIAL) + len(WORDS),
            d_model=WIDTH,
            d_kv=8,
            d_ff=64,
            num_layers=2,
            num_heads=4,
            pad_token_id=0,
            decoder_start_token_id=0,
        )
        return transformers.T5Model(config)
    shape = {
        "vocab_size": len(_SPECIAL) + len(WORDS),
        "hidden_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "pad_token_id": 0,
        # Weights large enough for attention to tell tokens apart.
        "initializer_range": 0.3,
        **settings,
    }
    if family == "albert":
        return transformers.AlbertModel(
            transformers.AlbertConfig(max_position_embeddings=POSITIONS, embedding_size=16, **shape)
        )
    if family == "distilbert":
        return transformers.DistilBertModel(
            transformers.DistilBertConfig(
                vocab_size=shape["vocab_size"],
                dim=WIDTH,
                hidden_dim=64,
                n_layers=2,
                n_heads=4,
                max_position_embeddings=POSITIONS,
                pad_token_id=0,
                initializer_range=0.3,
            )
        )
    if family == "llama":
        return transformers.LlamaModel(
            transformers.LlamaConfig(max_position_embeddings=POSITIONS, num_key_value_heads=2, **shape)
        )
    if family in _ROBERTAS:
        # They begin to count positions after the number of the padding token, which is 0 here.
        name = _ROBERTAS[family]
        config = getattr(transformers, f"{name}Config")(
            max_position_embeddings=POSITIONS + 1, type_vocab_size=1, **shape
        )
        return getattr(transformers, f"{name}Model")(config)
    return transformers.BertModel(transformers.BertConfig(max_position_embeddings=POSITIONS, **shape))
