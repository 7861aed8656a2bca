"""The Pydantic model of an evaluation in the study file: whose predictions, against which gold."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from goldpan.study.base import Model, Name, Tolerance, as_before, one_or_many

SplitName = Literal["train", "dev", "test"]


class Predicted(Model):
    """Where predictions come from: the answers of a stage, those a wave was drawn by, or what heads wrote."""

    stage: Name | None = Field(None, description="A stage whose answers are evaluated.")
    wave: Name | None = Field(
        None,
        exclude_if=as_before(None),
        description="The LLM's answers that the wave was drawn by; those of a table have no stage.",
    )
    annotated: Name | None = Field(None, description="Annotated files whose heads are evaluated.")
    heads: dict[str, Name] = Field(
        default_factory=dict,
        description="`annotated` only: feature -> head that predicts it; default the head of the same name.",
    )
    features: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict,
        exclude_if=as_before({}),
        description="`stage` only: feature of the gold -> feature of the stage that predicts it, as"
        " `{relevant: kept}` of a filter; default the one of the same name.",
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Predicted:
        if [self.stage, self.wave, self.annotated].count(None) != 2:
            raise ValueError("give either `stage` or `annotated` or `wave`")
        if self.heads and self.annotated is None:
            raise ValueError("`heads` goes with `annotated`")
        if self.features and self.stage is None:
            raise ValueError("`features` goes with `stage`")
        return self


class JudgedBy(Model):
    """Who judges the texts of a feature: another stage, which says of each whether it is right."""

    by: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_]*$",
        description="`STAGE.FEATURE`: a stage that follows the evaluated one, and its binary feature.",
    )
    measured: Name | None = Field(
        None,
        description="The evaluation that holds the judge's verdicts against people's, in a wave over its"
        " stage. Its kappa stands beside the judge's figure once sheets of the wave are back.",
    )

    @property
    def stage(self) -> str:
        """The judging stage."""
        return self.by.partition(".")[0]

    @property
    def feature(self) -> str:
        """The feature that says whether a text is right."""
        return self.by.partition(".")[2]


class Evaluation(Model):
    """Predictions of one or several models, measured against the gold set of a wave, or against labels that
    the records of a source have in their own fields."""

    wave: Name | None = Field(
        None, exclude_if=as_before(None), description="The wave whose gold set is the truth."
    )
    source: list[Name] | None = Field(
        None,
        min_length=1,
        exclude_if=as_before(None),
        description="In place of `wave`: sources whose records carry the right labels.",
    )
    gold: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict,
        min_length=1,
        exclude_if=as_before({}),
        description="With `source`: feature -> field of the record that holds its label (`a.b` goes inside).",
    )
    every_record: bool = Field(
        False,
        exclude_if=as_before(False),
        description="With `source`: a record without a label ends the evaluation with an error; default it is"
        " left out and counted.",
    )
    group: str | None = Field(
        None,
        min_length=1,
        exclude_if=as_before(None),
        description="With `source`: field of the record that rows which may be alike have in common, e.g. one"
        " product. Intervals are then of groups; default each row is one of its own.",
    )
    split: list[SplitName] | Literal["all"] = Field(
        "all",
        description="Which splits of the gold set to measure on. For a head that learned from the gold set:"
        " `test`.",
    )
    predictions: dict[Name, Predicted] = Field(
        default_factory=dict,
        min_length=1,
        description="What is evaluated, by the name it has in the report; the name of a stage will do. With"
        " `source` default the stages that are asked about it.",
    )
    features: list[str] | None = Field(
        None, min_length=1, description="Which features to evaluate; default all of the gold set but texts."
    )
    match: dict[str, list[str]] = Field(
        default_factory=dict,
        description="For an extraction: fields that tell whether two objects are the same; default all.",
    )
    tolerance: dict[str, Tolerance] = Field(
        default_factory=dict,
        exclude_if=as_before({}),
        description="For a score: how far off an answer may be that counts as right; default not at all.",
    )
    judged: dict[str, JudgedBy] = Field(
        default_factory=dict,
        exclude_if=as_before({}),
        description="With `source`: free texts that another stage judges.",
    )
    compare: list[tuple[Name, Name]] | None = Field(
        None, description="Pairs of predictions to compare; default every pair, `[]` for none."
    )
    epsilon: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Of the alternative annotator test: by how much an LLM may do worse than a person and"
        " still be preferred, being cheaper; 0.1 for crowd workers, 0.15 for skilled annotators, 0.2 for"
        " experts.",
    )
    show: list[str] | None = Field(
        None, min_length=1, description="Fields of the record beside each mistake; default all."
    )
    mistakes: Annotated[int, Field(ge=0)] = Field(
        50, description="How many mistakes of a model the page shows for a feature; errors.csv has all."
    )

    @field_validator(
        "predictions",
        mode="before",
        json_schema_input_type=dict[Name, Predicted | Name] | list[Name] | Name,
    )
    @classmethod
    def _a_stage_by_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [value]
        if isinstance(value, list) and all(isinstance(name, str) for name in value):
            return {name: {"stage": name} for name in value}
        if isinstance(value, dict):
            return {
                name: {"stage": predicted} if isinstance(predicted, str) else predicted
                for name, predicted in value.items()
            }
        return value

    @field_validator("judged", mode="before", json_schema_input_type=dict[str, JudgedBy | str])
    @classmethod
    def _a_judge_by_name(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: {"by": by} if isinstance(by, str) else by for name, by in value.items()}

    @field_validator(
        "split", mode="before", json_schema_input_type=list[SplitName] | SplitName | Literal["all"]
    )
    @classmethod
    def _one_split_is_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) and value != "all" else value

    _one_is_a_list = one_or_many("features", "show", of=list[str] | str | None)
    _one_source_is_a_list = one_or_many("source", of=list[Name] | Name | None)

    @model_validator(mode="after")
    def _one_origin_of_gold(self) -> Evaluation:
        if (self.wave is None) == (self.source is None):
            raise ValueError("give either `wave` or `source`: whose labels are the truth?")
        if self.judged and self.source is None:
            raise ValueError("`judged` goes with `source`: it is said of all records of a stage")
        if (self.source is None) == bool(self.gold or self.judged):
            raise ValueError("`source` and `gold` go together: `gold: {FEATURE: FIELD}` says which labels")
        if self.every_record and self.source is None:
            raise ValueError("`every_record` goes with `source`: not every record is in a wave")
        if self.group and self.source is None:
            raise ValueError("`group` goes with `source`; the items of a wave are drawn one by one")
        for name, predicted in self.predictions.items():
            if predicted.wave is not None and predicted.wave != self.wave:
                raise ValueError(
                    f"predictions.{name}.wave: the answers that a wave was drawn by go with its own gold set"
                )
        if self.wave and not self.predictions:
            raise ValueError("`predictions` is required: what is evaluated?")
        if self.source and self.split != "all":
            raise ValueError("only the gold set of a `wave` has splits; leave `split` out")
        for name in self.features or []:
            if self.gold and name not in self.gold:
                raise ValueError(f"features: `gold` names no field for `{name}`")
        return self

    @model_validator(mode="after")
    def _pairs_name_predictions(self) -> Evaluation:
        for first, second in self.compare or []:
            for name in (first, second):
                if name not in self.predictions:
                    raise ValueError(
                        f"compare: there are no predictions `{name}`; there are:"
                        f" {', '.join(self.predictions)}"
                    )
            if first == second:
                raise ValueError(f"compare: `{first}` cannot be compared with itself")
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of predictions to compare."""
        if self.compare is None:
            return list(itertools.combinations(self.predictions, 2))
        return list(self.compare)
