"""The Pydantic model of an embedding in the study file: which text, which model, pooled and stored how."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from goldpan.study.base import Model, Name, Revision, TrustRemoteCode, as_before, each_once, one_or_many
from goldpan.study.classic_keys import EMBEDDING_KEYS, answer_classic_keys

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
"""A field in a template, `{title}`."""

LabelType = Literal["auto", "float64", "float32", "float16", "int64", "int32", "int16", "int8", "text"]
_OF_MAKING = ("batch_tokens", "block_size", "shards", "device", "layers", "trust_remote_code", "label_dtype")
"""Keys that say how embeddings are made here, and nothing of those that are there."""


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
    files: list[str] | dict[str, list[str]] | None = Field(
        None,
        exclude_if=as_before(None),
        description="Embeddings that are there already: HDF5 files or globs, found for files of the"
        " source by their names, or `file of the source: HDF5 files`. They are read where they lie, and"
        " nothing is embedded; all else then states how they were made.",
    )
    layout: Literal["goldpan", "ml_filter"] = Field(
        "goldpan",
        exclude_if=as_before("goldpan"),
        description="Of `files`: `goldpan` for those that goldpan made, `ml_filter` for a group with"
        " `embeddings`, `document_id` and maybe `labels`, without attributes.",
    )
    document_id: list[str] | None = Field(
        None,
        min_length=1,
        exclude_if=as_before(None),
        description="Of `files`: fields that make a row's `document_id`, joined by `__` (missing ones are"
        " empty); default the record's id.",
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
    label_dtype: LabelType = Field(
        "auto",
        exclude_if=as_before("auto"),
        description="How labels are stored: `auto` as float64, or as text as soon as one of them is text. A"
        " label that does not fit is an error.",
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

    _one_id_field_is_a_list = one_or_many("document_id", of=list[str] | str | None)

    _none_is_named_twice = each_once("source", "text", "labels", "document_id")

    @model_validator(mode="before")
    @classmethod
    def _classic_keys_are_answered(cls, value: Any) -> Any:
        answer_classic_keys(value, EMBEDDING_KEYS, cls.model_fields)
        return value

    @field_validator(
        "files", mode="before", json_schema_input_type=str | list[str] | dict[str, str | list[str]] | None
    )
    @classmethod
    def _one_file_is_a_list(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [value]
        if isinstance(value, dict):
            return {name: [files] if isinstance(files, str) else files for name, files in value.items()}
        return value

    @field_validator("label_dtype", mode="before")
    @classmethod
    def _half_floats_have_a_type(cls, value: Any) -> Any:
        if value == "bfloat16":
            raise ValueError("HDF5 has no bfloat16: write `float32`, which holds all its values")
        return value

    @model_validator(mode="after")
    def _keys_of_files_go_with_files(self) -> Embedding:
        given = self.model_fields_set
        if self.files is None:
            unused = sorted({"layout", "document_id"} & given)
            if unused:
                raise ValueError(
                    f"{' and '.join(unused)} goes with `files`: embeddings that are there already"
                )
            return self
        if not self.files or (isinstance(self.files, dict) and not all(self.files.values())):
            raise ValueError("`files` names no file")
        unused = [key for key in _OF_MAKING if key in given]
        if unused:
            raise ValueError(f"{' and '.join(unused)}: with `files` nothing is embedded here; leave it out")
        return self

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
