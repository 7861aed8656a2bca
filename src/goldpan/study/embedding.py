"""The Pydantic model of an embedding in the study file: which text, which model, pooled and stored how."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from pydantic import Field, model_validator

from goldpan.study.base import Model, Name, Revision, TrustRemoteCode, as_before, each_once, one_or_many

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
"""A field in a template, `{title}`."""


class Embedding(Model):
    """A model applied to the records of sources; one HDF5 file for each records file."""

    source: list[Name] = Field(
        min_length=1, description="Sources whose records are embedded; one name or a list."
    )
    model: str = Field(
        min_length=1,
        description="Folder of a Hugging Face or sentence-transformers model, `package:NAME` for one that an"
        " installed Python package carries, or its name on the Hugging Face hub.",
    )
    revision: Revision = None
    trust_remote_code: TrustRemoteCode = False

    text: list[str] = Field(
        ["text"],
        min_length=1,
        description="Fields that make the text, in this order (`a.b` goes inside); empty ones are left out.",
    )
    separator: str = Field("\n\n", description="What stands between the fields of the text.")
    template: str | None = Field(
        None,
        min_length=1,
        description="Makes the text instead of `text` and `separator`; its fields stand in braces:"
        " `{title}: {body}`.",
    )
    prefix: str | None = Field(
        None,
        description="Stands before each text, such as `query: ` or `passage: `; without it the model's own"
        " default prompt, if it has one.",
    )
    labels: list[str] = Field(
        default_factory=list,
        description="Fields stored beside the embeddings: numbers, or else texts (`a.b` goes inside).",
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop",
        description="What a record does whose text is empty, whose field is missing or whose id occurs twice:"
        " `stop` the run, or be recorded as skipped with its reason.",
    )

    pooling: Literal["model", "cls", "mean", "last"] = Field(
        "model",
        description="How tokens become one vector: `model` as its own modules.json says, `cls` the first"
        " token, `mean` of all tokens, `last` the last token.",
    )
    normalize: Literal["model"] | bool = Field(
        "model", description="Scale vectors to length 1; `model` as its own modules.json says, else not."
    )
    max_length: int | None = Field(
        None, ge=3, description="Tokens of a text, special ones included; default the model's own limit."
    )
    on_long: Literal["truncate", "chunk"] = Field(
        "truncate",
        description="What becomes of a longer text: cut off and flagged, or embedded in chunks whose vectors"
        " are averaged by their numbers of tokens.",
    )
    padding: Literal["auto", "left", "right"] = Field(
        "auto", description="Side of the padding; `auto` is left for last-token pooling, else right."
    )

    batch_tokens: int | None = Field(
        None,
        ge=1,
        description="Tokens of a batch, padding included; default 65,536 on a GPU, 1,024 on a CPU. It halves"
        " when memory runs out.",
    )
    block_size: int = Field(
        2048,
        ge=1,
        description="Documents sorted by length and written together; what a killed job may lose.",
    )
    shards: int | None = Field(
        None,
        ge=1,
        description="Deal the files to so many jobs, each of which loads the model once: for many small"
        " files. Without it each file is a job of its own.",
    )
    device: str = Field(
        "auto",
        pattern=r"^(auto|cpu|mps|cuda(:[0-9]+)?)$",
        description="`auto` takes the first GPU, else the CPU.",
    )
    compute_dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="`auto` is bfloat16 on a GPU that computes it, else float32."
    )
    layers: Literal["auto", "transformers"] = Field(
        "auto",
        exclude_if=as_before("auto"),
        description="Who computes encoders of the BERT and RoBERTa families on a CPU: `auto` our own layers,"
        " which pad nothing; `transformers` the model's own forward pass. Equal but for rounding.",
    )

    group: str = Field(
        "train",
        pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$",
        description="Group of the HDF5 file that holds the datasets.",
    )
    storage_dtype: Literal["float32", "float16"] = Field(
        "float32", description="Type of the stored embeddings."
    )
    compression: Literal["none", "gzip", "lzf"] = Field(
        "none", description="Compression of the HDF5 datasets; embeddings hardly get smaller by it."
    )

    _one_source_is_a_list = one_or_many("source", of=list[Name] | Name)

    _one_field_is_a_list = one_or_many("text", "labels", of=list[str] | str)

    _none_is_named_twice = each_once("source", "text", "labels")

    @model_validator(mode="after")
    def _text_is_said_once(self) -> Embedding:
        if self.template is None:
            return self
        both = sorted({"text", "separator"} & self.model_fields_set)
        if both:
            raise ValueError(f"`template` makes the text alone; leave {' and '.join(both)} out")
        if not PLACEHOLDER.search(self.template):
            raise ValueError("`template` names no field; write fields in braces, such as `{title}`")
        return self

    @model_validator(mode="after")
    def _float16_is_computed_on_a_gpu(self) -> Embedding:
        if self.compute_dtype == "float16" and self.device == "cpu":
            raise ValueError("`compute_dtype: float16` is for GPUs; on the CPU use float32 or bfloat16")
        return self

    def shard_of(self, source: str, file: str) -> int:
        """The shard that a file is dealt to, from 0; it stays there when other files come or go."""
        digest = hashlib.sha256(f"{source}/{file}".encode()).digest()
        return int.from_bytes(digest[:8]) % (self.shards or 1)

    @property
    def text_fields(self) -> list[str]:
        """The fields the text is made of, in the order they occur."""
        if self.template is None:
            return self.text
        return list(dict.fromkeys(PLACEHOLDER.findall(self.template)))
