"""The Pydantic model of an error analysis in the study file: whose mistakes are looked at, and by what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from goldpan.study.base import GROUP_PATTERN, Model, Name, each_once, one_or_many

SliceKey = Annotated[str, StringConstraints(pattern=GROUP_PATTERN)]


class ErrorAnalysis(Model):
    """Where the predictions of an evaluation are wrong: slices, pairs, clusters, doubtful gold, calibration,
    and answers that differ from one time to the next."""

    evaluation: Name | None = Field(
        None, description="Whose predictions and gold are looked at; default the evaluation of this name."
    )
    predictions: list[Name] | None = Field(
        None, min_length=1, description="Which of its predictions; default all."
    )
    features: list[str] | None = Field(None, min_length=1, description="Which features; default all it has.")
    slices: list[SliceKey] | None = Field(
        None,
        min_length=1,
        description="`data.FIELD` (`data.a.b` goes inside), `file` or `source`; of texts their length counts."
        " Default: every field in which enough rows share a value, and the length of every text.",
    )
    smallest_slice: int = Field(20, ge=5, description="A slice has at least so many evaluated rows.")
    embedding: Name | None = Field(
        None,
        description="The embedding by which mistakes are put into clusters; default the words of the rows"
        " (TF-IDF).",
    )
    paraphrases: list[Name] = Field(
        default_factory=list,
        description="Stages that ask the same of the same records in other words: rows whose answers differ"
        " between them and the predictions are unstable.",
    )
    show: list[str] | None = Field(
        None, min_length=1, description="Fields of the record beside each row; default all."
    )
    alpha: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="Each part that reports something on data without any fault does so at most this often,"
        " whatever the number of slices that it looked at.",
    )
    seed: int = Field(0, description="Of clusters and permutations.")

    _one_is_a_list = one_or_many(
        "predictions", "features", "slices", "paraphrases", "show", of=list[str] | str | None
    )

    _none_is_named_twice = each_once("predictions", "features", "slices", "paraphrases", "show")
