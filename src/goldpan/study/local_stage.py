"""The Pydantic models of stages that spend nothing: what is decided or computed here about each record."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from goldpan.study.base import ColumnName, Model, as_before, no_number, one_or_many
from goldpan.study.filter import HeadChoice, TextClassifier, Threshold, as_keywords
from goldpan.study.stage import UPSTREAM, Input, Stage, Upstream

Editions = Literal["together", "apart"]
LOCATE_THRESHOLD = 0.88
"""From this score on a near match counts; measured on the pairs in tests/data/mentions/located.csv."""
CLUSTER_THRESHOLD = 0.94
"""The least similarity of two words of names that are one; measured on tests/data/mentions/same_names.csv."""


class LocalStage(Model):
    """What all stages have that ask nobody."""

    input: Input = Field(description="What the stage looks at, as of a stage that asks.")
    upstream: Upstream = Field("go_on", exclude_if=as_before("go_on"), description=UPSTREAM)


class FilterStage(LocalStage):
    """A stage that decides, without asking anybody, which records go on: those that hold a keyword, or that
    a local classifier scores high enough."""

    kind: Literal["filter"] = Field(description="keywords or a local classifier decide which records go on")
    text: str = Field(
        "text",
        min_length=1,
        description="The field that is looked at: of `data`, or a path in it; `item.NAME` of an item.",
    )
    keywords: list[str] | str | None = Field(
        None,
        min_length=1,
        description="Words and phrases, any of which keeps a record: a list, or the path of a text file with"
        " one on each line.",
    )
    plural: bool = Field(False, description="Also look for the English plurals of the keywords.")
    head: HeadChoice | None = Field(
        None, description="A head of the study whose score decides; its name, or more about it."
    )
    classifier: TextClassifier | None = Field(
        None, description="A sequence-classification model whose score decides."
    )
    threshold: Threshold | None = Field(
        None,
        description="With `head` or `classifier`: a record with this score, or a higher one, is kept. A"
        " number, or how it is chosen from a gold set.",
    )

    _keywords_are_text = field_validator("keywords", mode="before")(as_keywords)

    @field_validator("head", mode="before", json_schema_input_type=HeadChoice | str | None)
    @classmethod
    def _a_head_by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _something_decides(self) -> FilterStage:
        if self.keywords is None and self.head is None and self.classifier is None:
            raise ValueError(
                "give `keywords`, or a `head` or `classifier`: what decides which records go on?"
            )
        if self.head and self.classifier:
            raise ValueError("give either `head` or `classifier`; each of them alone goes with `keywords`")
        if self.plural and self.keywords is None:
            raise ValueError("`plural` goes with `keywords`")
        if self.scores != (self.threshold is not None):
            raise ValueError(
                "`threshold` is required with `head` or `classifier`: from which score on is a record kept?"
                if self.scores
                else "`threshold` goes with `head` or `classifier`; keywords have no score"
            )
        return self

    @property
    def scores(self) -> bool:
        """Whether a classifier has a say."""
        return self.head is not None or self.classifier is not None

    @property
    def reason(self) -> str:
        """Why a record is not kept, in words that are the same for all of them."""
        reasons = []
        if self.keywords is not None:
            is_file = isinstance(self.keywords, str)
            of = f"of {self.keywords}" if is_file else f"({len(self.keywords)} in the study)"
            reasons.append(f"none of the keywords {of} is in `{self.text}`")
        if self.scores:
            who = f"head `{self.head.name}`" if self.head else f"classifier `{self.classifier.model}`"  # type: ignore[union-attr]
            reasons.append(f"the {who} scores it below the threshold")
        return ", and ".join(reasons)


_Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), BeforeValidator(no_number)]
_ONE_OR_MANY = list[str] | str


class LocateStage(LocalStage):
    """A stage that looks where a name stands in the text it was found in."""

    kind: Literal["locate"] = Field(description="where a name stands in its text is looked up")
    name: list[str] = Field(
        min_length=1,
        description="Where the name is, e.g. `item.raw_name`; of several, each is looked for where those"
        " before it are not there.",
    )
    text: str | None = Field(
        None,
        description="The field of `data` that is searched. Default: `raw` where there is one, else `text`.",
    )
    threshold: _Share = Field(
        LOCATE_THRESHOLD,
        description="From this score on what is nearly the name counts as found; 1 for nothing but the name.",
    )
    sentences: int = Field(
        1,
        ge=0,
        le=50,
        strict=True,
        description="Sentences before and after that `window` has besides its own.",
    )

    _one_name_is_a_list = one_or_many("name", of=_ONE_OR_MANY)


class ClustersStage(LocalStage):
    """A stage that puts names of the same thing together, and says which known thing it is."""

    kind: Literal["clusters"] = Field(description="names of the same thing are put together")
    name: list[str] = Field(
        min_length=1,
        description="Where the name is, e.g. `item.harmonized_name`; of several, the first not blank.",
    )
    acronym: str | None = Field(None, description="Where an acronym is that stands for it, if any.")
    document: str = Field(
        "data.document",
        description="What tells documents apart: an acronym has one meaning within a document. Where it is"
        " missing, the `parent` does.",
    )
    identifiers: list[str] | None = Field(
        None,
        min_length=1,
        description="Where DOIs and accession numbers are looked for. Default: where the name is.",
    )
    threshold: _Share = Field(
        CLUSTER_THRESHOLD,
        description="How similar the least similar words of two names are at least; 1 for the same words.",
    )
    editions: Editions = Field(
        "together", description="Whether names that differ in year, wave or version only are in one cluster."
    )
    initials: bool = Field(
        True, description="Whether an acronym that is nowhere defined joins the one name with these initials."
    )
    known: str | None = Field(
        None,
        description="A CSV of known things, relative to the project root: `id`, `names`, `acronyms`, `doi`.",
    )

    _one_is_a_list = one_or_many("name", "identifiers", of=_ONE_OR_MANY | None)


class Gathered(Model):
    """One thing that is said of a record from what was answered about its items."""

    any: str | None = Field(
        None, min_length=1, description="A condition over each item: yes or no, whether it holds for any."
    )
    count: str | None = Field(
        None, min_length=1, description="A condition over each item: the number of items it holds for."
    )
    description: str = Field("", description="What it is, for tables, sheets and annotators.")

    @model_validator(mode="after")
    def _one_condition(self) -> Gathered:
        if (self.any is None) == (self.count is None):
            raise ValueError("give either `any` or `count`, each a condition over the items")
        return self

    @property
    def condition(self) -> str:
        """The condition over each item."""
        return self.any or self.count or ""


class GatherStage(LocalStage):
    """A stage that says of a record, without asking anybody, what the answers about its items come to."""

    kind: Literal["gather"] = Field(
        description="what the answers about its items come to is said of a record"
    )
    features: dict[ColumnName, Gathered] = Field(
        min_length=1,
        description="What is said of each record, by name, e.g. `has_dataset: {any: verdict == 'valid'}`.",
    )

    @model_validator(mode="after")
    def _there_are_items(self) -> GatherStage:
        if self.input.group is None:
            raise ValueError(
                "`kind: gather` says what items come to; its `input` needs `group: {by: parent}`"
            )
        return self


AnyLocalStage = FilterStage | LocateStage | ClustersStage | GatherStage
AnyStage = Stage | AnyLocalStage
ASK = "ask"
"""The kind of a stage that names none: it asks somebody."""


def _of_some_kind(value: Any) -> Any:
    return {"kind": ASK, **value} if isinstance(value, dict) else value


_ByKind = Annotated[AnyStage, Field(discriminator="kind")]
StageOfAnyKind = Annotated[_ByKind, BeforeValidator(_of_some_kind, json_schema_input_type=_ByKind)]
"""A stage as the study file has it; without `kind` it is one that asks."""
