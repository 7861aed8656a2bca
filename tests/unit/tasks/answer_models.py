"""Answer models as a user would write them."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator, model_validator


class Tone(Enum):
    WARM = "warm"
    COLD = "cold"


class Place(BaseModel):
    name: str = Field(description="As written.")
    population: int | None = None
    aliases: list[str]


class Paragraph(BaseModel):
    relevant: bool = Field(description="Is it about nature?")
    relevant_rationale: str = Field(description="Quote the words.")
    topic: Literal["Water", "Soil"] | None = Field(description="What it is about.")
    tone: Tone = Field(description="How it sounds.")
    tools: list[Literal["law", "tax"]] = Field(description="Tools named.", max_length=1)
    depth: int = Field(description="How deep it goes.", ge=0, le=3)
    share: Annotated[float, Field(ge=0, le=1)] = Field(description="Share of the text.")
    summary: str = Field(description="One sentence.", max_length=40)
    places: list[Place] = Field(description="Places named.")

    @field_validator("summary")
    @classmethod
    def without_spaces_around(cls, value: str) -> str:
        return value.strip()

    @model_validator(mode="after")
    def relevant_paragraphs_have_depth(self) -> Paragraph:
        if self.relevant and self.depth == 0:
            raise ValueError("a relevant paragraph has a depth of at least 1")
        return self


class Undescribed(BaseModel):
    topic: Literal["a", "b"]


class Unbounded(BaseModel):
    depth: int = Field(description="How deep.")


class Unfit(BaseModel):
    scores: dict[str, int] = Field(description="Scores by name.")
