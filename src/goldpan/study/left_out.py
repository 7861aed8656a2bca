"""The Pydantic model of a wave's `left_out`: what records stand for that its chain left out."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from goldpan.study.base import Model

FeatureValue = bool | int | float | str | list[Any]
LeftOutCode = Literal["filtered", "no_items"]
"""Why a record was left out before anybody was asked: the codes of such skips."""


class LeftOut(Model):
    """What the records stand for that were left out before the stage was asked about them."""

    filtered: dict[str, FeatureValue] = Field(
        default_factory=dict,
        description="Feature -> value: what the chain says of a record that a filter or a `where` left out.",
    )
    no_items: dict[str, FeatureValue] = Field(
        default_factory=dict,
        description="Feature -> value: what the chain says of a record that had nothing to explode.",
    )

    @model_validator(mode="after")
    def _something_is_said(self) -> LeftOut:
        if not self.filtered and not self.no_items:
            raise ValueError("say what such records stand for, e.g. `left_out: {dataset_used: false}`")
        return self

    @property
    def by_code(self) -> dict[LeftOutCode, dict[str, FeatureValue]]:
        """Code of the skip -> feature -> value, of the codes that something is said of."""
        said: dict[LeftOutCode, dict[str, FeatureValue]] = {
            "filtered": self.filtered,
            "no_items": self.no_items,
        }
        return {code: values for code, values in said.items() if values}
