"""The Pydantic models of heads in the study file: what they learn, where they go, what is selected."""

from __future__ import annotations

import typing
from typing import Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from goldpan.study.base import ColumnName, Model, Name, one_or_many
from goldpan.study.classic_keys import ANNOTATED_KEYS, answer_classic_keys
from goldpan.study.wave import Split

TargetKind = Literal["regression", "ordinal", "classification"]
Aggregate = Literal["mean", "median", "min", "max", "majority"]
FitMethod = Literal["adamw", "converged"]
Compression = Literal["none", "gzip", "zstd"]
Share = typing.Annotated[float, Field(gt=0, lt=1)]


ENOUGH_FOR_ADAMW = 1_000
"""Training records from which on a head is trained with AdamW, unless the study says otherwise."""

_ADAMW_KEYS = ("learning_rate", "weight_decay", "batch_size", "max_epochs", "patience")
_DEVICE = r"^(auto|cpu|mps|cuda(:[0-9]+)?)$"


class Target(Model):
    """One thing a head predicts."""

    field: str | None = Field(
        None,
        min_length=1,
        description="Feature, or with `labels.source` field of the record (`a.b` goes inside), that it is"
        " learned from; default the target's own name.",
    )
    kind: Literal["auto"] | TargetKind = Field(
        "auto",
        description="`regression` of a number, `ordinal` for labels in an order, `classification` for labels"
        " without; `auto` is regression where all values are numbers, else classification.",
    )
    labels: list[str] | None = Field(
        None,
        min_length=2,
        description="All labels, for `ordinal` in their order; default those that occur, numbers sorted.",
    )

    @field_validator("labels", mode="before", json_schema_input_type=list[str | int | float | bool] | None)
    @classmethod
    def _labels_are_text(cls, value: Any) -> Any:
        # YAML reads `yes` as true and `1` as a number; in labels they stand for themselves.
        if not isinstance(value, list):
            return value
        return [
            {True: "yes", False: "no"}[label] if isinstance(label, bool) else _text(label) for label in value
        ]

    @model_validator(mode="after")
    def _labels_fit_the_kind(self) -> Target:
        for label in self.labels or []:
            if self.labels and self.labels.count(label) > 1:
                raise ValueError(f"the label `{label}` is given twice")
        if self.labels and self.kind == "regression":
            raise ValueError("a regression has no labels; use `kind: ordinal`, or leave `labels` out")
        return self


class LabelsFrom(Model):
    """Where the labels come from that a head learns."""

    wave: Name | None = Field(None, description="The gold set of a wave, in its own splits.")
    stage: list[Name] | None = Field(
        None, min_length=1, description="What an LLM answered in a stage, or several LLMs in several stages."
    )
    source: list[Name] | None = Field(
        None, min_length=1, description="Sources whose records carry the labels in their own fields."
    )
    aggregate: Aggregate | None = Field(
        None,
        description="`stage` only: how several answers about a record (of several stages, or samples of one)"
        " become one label. Without it the first answer that is ok. Records whose `majority` is a tie are"
        " left out.",
    )

    _one_is_a_list = one_or_many("stage", "source", of=list[Name] | Name | None)

    @model_validator(mode="after")
    def _exactly_one_origin(self) -> LabelsFrom:
        origins = [name for name in ("wave", "stage", "source") if getattr(self, name) is not None]
        if len(origins) != 1:
            raise ValueError("give one of `wave`, `stage` and `source`")
        if self.aggregate and self.stage is None:
            raise ValueError("`aggregate` goes with `stage`")
        if self.stage and len(self.stage) > 1 and self.aggregate is None:
            raise ValueError("several stages need `aggregate`: how do their answers become one label?")
        return self


class Head(Model):
    """A small model from embeddings to labels, with one or several targets."""

    embedding: Name = Field(description="The embedding it is trained on.")
    labels: LabelsFrom = Field(description="What it learns from.")
    targets: dict[ColumnName, Target] = Field(
        min_length=1, description="What it predicts, by name; names of features will do."
    )
    architecture: Literal["linear", "mlp"] = Field(
        "linear", description="One linear layer, or two with a ReLU between them."
    )
    fit: Literal["auto"] | FitMethod = Field(
        "auto",
        description="`converged`: one linear layer, fitted to convergence with a penalty whose strength is"
        " chosen on the dev split; `adamw`: trained until the dev split gets no better. `auto` is `converged`"
        " below 1,000 training records where neither `architecture` nor a setting of AdamW is given.",
    )
    hidden: int = Field(256, ge=1, description="mlp only: units of the hidden layer.")
    dropout: float = Field(
        0.1, ge=0, lt=1, description="mlp only: share of hidden units dropped in training."
    )

    group: str | None = Field(
        None,
        pattern=r"^(source|file|data\..+)$",
        description="Labels of `stage` or `source`: records of one group stay in one split (`data.FIELD`,"
        " `file` or `source`); default each record is its own group. A gold set brings its groups.",
    )
    split: Split = Field(
        Split(train=0.8, dev=0.1, test=0.1),
        description="Labels of `stage` or `source`: shares of the splits. A gold set brings its splits.",
    )
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="`balanced`: all labels count the same in training, however rare."
    )
    learning_rate: float = Field(1e-3, gt=0, description="Of AdamW.")
    weight_decay: float = Field(0.01, ge=0, description="Of AdamW.")
    batch_size: int = Field(64, ge=1, description="Labelled records in a step.")
    max_epochs: int = Field(200, ge=1, description="Passes over the training split at most.")
    patience: int = Field(
        10,
        ge=1,
        description="Training ends when the loss on the dev split has not fallen for so many epochs.",
    )
    learning_curve: list[Share] = Field(
        [0.125, 0.25, 0.5],
        description="Shares of the training split to train on as well, to tell whether more labels would"
        " help; `[]` for no learning curve.",
    )
    seed: int = Field(0, ge=0, description="Of the splits, the first weights and the order of the steps.")
    device: str = Field(
        "cpu",
        pattern=_DEVICE,
        description="On the CPU the same labels give the same bytes; a GPU is worth while for millions.",
    )

    @field_validator(
        "targets",
        mode="before",
        json_schema_input_type=dict[ColumnName, Target | TargetKind] | list[ColumnName] | ColumnName,
    )
    @classmethod
    def _targets_by_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return {name: {} for name in value}
        if isinstance(value, dict):
            return {
                name: {"kind": target} if isinstance(target, str) else target
                for name, target in value.items()
            }
        return value

    @field_validator("learning_curve")
    @classmethod
    def _shares_in_order(cls, value: list[float]) -> list[float]:
        return sorted(set(value))

    @model_validator(mode="after")
    def _options_are_used(self) -> Head:
        if self.architecture == "linear":
            unused = sorted({"hidden", "dropout"} & self.model_fields_set)
            if unused:
                raise ValueError(f"{' and '.join(unused)} goes with `architecture: mlp`")
        if self.fit == "converged":
            unused = [key for key in _ADAMW_KEYS if key in self.model_fields_set]
            if unused:
                raise ValueError(f"{' and '.join(unused)} goes with `fit: adamw`")
            if self.architecture == "mlp":
                raise ValueError("`fit: converged` is of one linear layer; leave `architecture: mlp` out")
        if self.labels.wave:
            unused = sorted({"group", "split"} & self.model_fields_set)
            if unused:
                raise ValueError(
                    f"a gold set brings its own groups and splits; leave {' and '.join(unused)} out"
                )
        return self

    def column_of(self, head: str, target: str) -> str:
        """What the columns of a target are called after `score_` and `label_`.

        Args:
            head: the name of this head.
            target: one of its targets.
        """
        return head if len(self.targets) == 1 else f"{head}_{target}"

    def fit_method(self, records: int) -> tuple[FitMethod, str]:
        """How a head is fitted to so many training records, and why so."""
        if self.fit != "auto":
            return self.fit, f"the study says `fit: {self.fit}`"
        if named := self._named_for_adamw():
            return "adamw", f"the study gives {', '.join(f'`{key}`' for key in named)}"
        if records < ENOUGH_FOR_ADAMW:
            return "converged", f"{records} training records are fewer than {ENOUGH_FOR_ADAMW:,}"
        return "adamw", f"there are {records:,} training records, {ENOUGH_FOR_ADAMW:,} or more"

    def _named_for_adamw(self) -> list[str]:
        return [key for key in ("architecture", *_ADAMW_KEYS) if key in self.model_fields_set]

    def as_setting(self) -> str:
        """All that its training depends on, as text: it is trained anew where that changes.

        A head that names keys of AdamW has no `fit: auto` in it: it is trained as by versions without `fit`.
        """
        is_as_before = self.fit == "auto" and self._named_for_adamw()
        return self.model_dump_json(exclude={"fit"} if is_as_before else None)

    def field_of(self, target: str) -> str:
        """The feature or field that a target is learned from."""
        return self.targets[target].field or target


class Annotated(Model):
    """Heads applied to all records of an embedding; one JSONL for each embeddings file."""

    embedding: Name = Field(description="The embedding whose records are annotated.")
    heads: list[Name] = Field(default_factory=list, description="Heads of the study; one name or a list.")
    regression_head_checkpoints: dict[ColumnName, str] = Field(
        default_factory=dict,
        description="Heads made elsewhere, by name: a `save_pretrained` folder, a .safetensors file, or a"
        " .pt or .ckpt state dict with a linear layer or `Linear, ReLU, Linear`; relative to the project"
        " root.",
    )
    output_keys: list[str] = Field(
        default_factory=list,
        description="Fields of the original rows to carry over (`a.b` goes inside). `id`, `source` and `file`"
        " are always there; `line` may be named.",
    )
    probabilities: bool = Field(
        False, description="Write the probabilities of all labels, not only of the one that was chosen."
    )
    compression: Compression = Field("none", description="Of the JSONL files.")
    device: str = Field("auto", pattern=_DEVICE, description="`auto` takes the first GPU, else the CPU.")

    _one_is_a_list = one_or_many("heads", "output_keys", of=list[str] | str)

    @model_validator(mode="before")
    @classmethod
    def _classic_keys_are_answered(cls, value: Any) -> Any:
        answer_classic_keys(value, ANNOTATED_KEYS, cls.model_fields)
        return value

    @model_validator(mode="after")
    def _heads_can_be_told_apart(self) -> Annotated:
        names = [*self.heads, *self.regression_head_checkpoints]
        if not names:
            raise ValueError("name at least one head under `heads` or `regression_head_checkpoints`")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"there are two heads called `{name}`")
        return self

    @property
    def suffix(self) -> str:
        """How the names of its files end."""
        return file_suffix(self.compression)


class Selection(Model):
    """The annotated records that a condition holds for, in one file, with counts."""

    annotated: Name = Field(description="Annotated files to select from.")
    where: typing.Annotated[str, StringConstraints(min_length=1)] = Field(
        description="Condition over a row, e.g. `score_quality >= 3 and label_topic == 'physics'`."
    )
    compression: Compression = Field("none", description="Of the JSONL file.")

    @property
    def suffix(self) -> str:
        """How the name of its file ends."""
        return file_suffix(self.compression)


def file_suffix(compression: Compression) -> str:
    """How the name of a JSONL file ends, by its compression."""
    return {"none": ".jsonl", "gzip": ".jsonl.gz", "zstd": ".jsonl.zst"}[compression]


def _text(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value
