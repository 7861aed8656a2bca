"""The Pydantic model of a wave in the study file: which items, for whom, on what sheets, merged how."""

from __future__ import annotations

import itertools
import string
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from goldpan.study.base import (
    GROUP_PATTERN,
    STRATUM_PATTERN,
    Model,
    Name,
    PersonName,
    as_before,
    each_once,
    one_or_many,
)
from goldpan.study.left_out import FeatureValue, LeftOut
from goldpan.study.paths import TEST_LOOKS

StratumKey = Annotated[str, StringConstraints(pattern=STRATUM_PATTERN)]
FieldPath = Annotated[str, StringConstraints(min_length=1)]
Format = Literal["html", "xlsx", "csv", "label_studio", "doccano", "argilla", "prodigy"]
Strategy = Literal[
    "adjudicate",
    "majority",
    "majority_llm",
    "conservative",
    "annotator_a",
    "annotator_b",
    "dawid_skene",
    "dawid_skene_full",
    "dawid_skene_shrunk",
    "dawid_skene_one_coin",
]
Language = Literal["en", "de", "es", "fr", "zh", "ar"]
"""Languages of the pages' own words."""
Order = Literal["drawn", "uncertain", "choice"]
FEWEST_ANNOTATORS: dict[str, int] = {
    "majority": 3,
    "dawid_skene": 3,
    "dawid_skene_full": 3,
    "dawid_skene_shrunk": 3,
    "dawid_skene_one_coin": 3,
    "majority_llm": 2,
    "annotator_b": 2,
}
"""Strategies that need more than one."""
RESERVED_ANNOTATORS = frozenset({"llm", "side_by_side", "adjudication", "gold"})
_SHOW_LLM_ANSWERS = frozenset({"html", "xlsx", "csv"})


class Stratify(Model):
    """How the population is divided before items are drawn."""

    by: list[StratumKey] = Field(
        default_factory=list,
        description="`features.NAME` (the LLM's answer), `confidence.NAME`, `answers.STAGE.NAME` (that of an"
        " earlier stage), `source`, `file`, `data.FIELD`."
        " Not needed with `left_out`, which makes strata of its own.",
    )
    bins: dict[StratumKey, list[float]] = Field(
        default_factory=dict,
        description="Inner edges that turn the numbers of a key into intervals [a, b). Without them each"
        " number is a stratum of its own, and a confidence is cut at 0.5, 0.7 and 0.9.",
    )
    allocation: Literal["proportional", "equal"] | dict[str, Annotated[int, Field(ge=0)]] = Field(
        "proportional", description="Or the number of items for each stratum by its name."
    )

    _one_key_is_a_list = one_or_many("by", of=list[StratumKey] | StratumKey)

    @field_validator("allocation", mode="before")
    @classmethod
    def _stratum_names_are_text(cls, value: Any) -> Any:
        # YAML reads an unquoted `yes:` as true and `1:` as a number.
        if isinstance(value, dict):
            return {
                {True: "yes", False: "no"}[k] if isinstance(k, bool) else str(k): n for k, n in value.items()
            }
        return value

    @model_validator(mode="after")
    def _bins_fit_the_keys(self) -> Stratify:
        for key, edges in self.bins.items():
            if key not in self.by:
                raise ValueError(f"bins: `{key}` is not among the keys of `by`")
            if not edges or any(b <= a for a, b in itertools.pairwise(edges)):
                raise ValueError(f"bins: the edges of `{key}` must grow, and there must be at least one")
        return self


class Split(Model):
    """Shares of the gold set, by group."""

    train: float = Field(0.7, ge=0, le=1, description="To learn from.")
    dev: float = Field(0.15, ge=0, le=1, description="To choose by.")
    test: float = Field(0.15, ge=0, le=1, description="To measure on, once.")

    @model_validator(mode="after")
    def _shares_make_a_whole(self) -> Split:
        total = self.train + self.dev + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train, dev and test must add up to 1 (they make {total:g})")
        return self


class Gold(Model):
    """How the gold set of a wave is split."""

    group: str | None = Field(
        None,
        pattern=GROUP_PATTERN,
        description="Items of one group stay in one split: `data.FIELD`, `file` or `source`.",
    )
    split: Split = Field(Split(), description="Shares of the splits.")


class AnsweredTable(Model):
    """Answers of an LLM that were made outside of goldpan and stand in fields of a source's records."""

    source: list[Name] = Field(min_length=1, description="The source, or several: the tables.")
    task: Name = Field(
        description="The task file that says what the features are; it needs no prompt, for nobody is asked."
    )
    answers: dict[str, FieldPath] = Field(
        default_factory=dict,
        description="Feature -> field of the record that holds the LLM's answer (`a.b` goes inside); default"
        " `llm_FEATURE`.",
    )
    confidence: dict[str, FieldPath] = Field(
        default_factory=dict, description="Feature -> field that holds the LLM's confidence, from 0 to 1."
    )
    rationale: dict[str, FieldPath] = Field(
        default_factory=dict, description="Feature -> field that holds the LLM's reasons."
    )

    _one_source_is_a_list = one_or_many("source", of=list[Name] | Name)

    def answer_field(self, feature: str) -> str:
        """The field that holds the LLM's answer to a feature."""
        return self.answers.get(feature, f"llm_{feature}")


_ERRORS = "errors"
ShortFromErrors = Annotated[str, StringConstraints(pattern=r"^errors(\.[A-Za-z][A-Za-z0-9_-]*)?$")]
"""What `from` may be in place of a table: short for `among`."""
ErrorList = Literal["slices", "confusion", "clusters", "suspects", "unstable"]


class FromErrors(Model):
    """Rows that an error analysis has listed: a targeted sample, which says nothing about the corpus."""

    errors: Name | None = Field(
        None, description="The error analysis; not needed where the study has only one."
    )
    lists: list[ErrorList] = Field(
        ["slices", "confusion", "clusters", "suspects", "unstable"],
        min_length=1,
        description="Which of its lists are drawn from; a row of several is drawn once.",
    )
    predictions: list[Name] | None = Field(
        None,
        min_length=1,
        exclude_if=as_before(None),
        description="Only what is listed for these predictions of its evaluation; default those of the wave's"
        " stage, or all where it looks at none of these. Suspected gold labels are of no predictions.",
    )
    feature: str | None = Field(
        None, description="Only what is listed for this feature; default for the features of the wave."
    )

    _one_list_is_a_list = one_or_many("lists", of=list[ErrorList] | ErrorList)
    _one_prediction_is_a_list = one_or_many("predictions", of=list[Name] | Name | None)


class Wave(Model):
    """One sample of an LLM's answers, given to annotators."""

    stage: Name | None = Field(None, description="The stage whose answers are sampled.")
    from_: AnsweredTable | None = Field(
        None,
        alias="from",
        exclude_if=as_before(None),
        description="In place of `stage`: answers of an LLM that already stand in a table.",
    )
    among: FromErrors | None = Field(
        None,
        exclude_if=as_before(None),
        description="Draw only from rows of the stage that an error analysis has listed: a targeted sample."
        " `from: errors` (or `from: errors.NAME`) is short for it. `stage` is then by default the one whose"
        " predictions are analysed.",
    )
    features: list[str] | None = Field(
        None,
        min_length=1,
        description="Which features people answer; default all of the stage's task, or those of"
        " `from.answers`.",
    )
    sample: Annotated[int, Field(ge=1)] | Literal["all"] | None = Field(
        None, description="How many items; not needed when `stratify.allocation` names the numbers."
    )
    seed: int = Field(0, description="Of the draw and of each annotator's order.")
    stratify: Stratify | None = Field(None, description="Draw from each of several strata.")
    left_out: LeftOut | None = Field(
        None,
        exclude_if=as_before(None),
        description="What the records stand for that a filter left out (`{FEATURE: VALUE}`, or by reason):"
        " they are then drawn, too, as strata of their own, so that the chain's recall can be measured.",
    )
    shuffle: bool = Field(True, description="False: annotators get their items in the order of the corpus.")
    order: Order = Field(
        "drawn",
        exclude_if=as_before("drawn"),
        description="`uncertain`: items of which the LLM was least sure come first, among those it answered"
        " alike; `choice`: on the page annotators may switch to that.",
    )
    annotators: list[PersonName] = Field(min_length=1, description="Who answers; each gets a sheet.")
    overlap: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        "all", description="How many annotators answer each item."
    )
    repeats: float = Field(
        0.0, ge=0, le=0.5, description="Share of an annotator's items shown twice, for self-agreement."
    )
    show: list[str] | None = Field(
        None, min_length=1, description="Fields of the record to show, in this order (`a.b` goes inside)."
    )
    guidelines: str | None = Field(None, description="Text file with the guidelines shown in the codebook.")
    cannot_tell: bool = Field(True, description="Offer `cannot tell` as an answer to every feature.")
    language: Language = Field(
        "en",
        exclude_if=as_before("en"),
        description="Language of the pages' own words; data, labels and questions stay as they are.",
    )
    formats: list[Format] = Field(["html"], min_length=1, description="What sheets to write.")
    layout: Literal["task", "side_by_side"] = Field(
        "task", description="One sheet per annotator, or all of them beside each other in one."
    )
    blind: bool = Field(True, description="Hide the LLM's answers and the other annotators'.")
    accept_codebooks: list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12,64}$")]] = Field(
        default_factory=list, description="Hashes of earlier codebooks whose answers still hold."
    )
    strategy: Strategy = Field("adjudicate", description="How the annotators' answers become one label.")
    annotations: str = Field(
        "annotations/{study}/{wave}", description="Folder of the filled sheets, relative to the project root."
    )
    gold: Gold = Field(Gold(), description="How the gold set is split.")

    _one_is_a_list = one_or_many("features", "show", "formats", of=list[str] | str | None)

    @model_validator(mode="before")
    @classmethod
    def _short_for_among(cls, value: Any) -> Any:
        origin = value.get("from") if isinstance(value, dict) else None
        if not isinstance(origin, str):
            return value
        kind, _, name = origin.partition(".")
        if kind != _ERRORS or (not name and "." in origin):
            raise ValueError(
                f"from: `{origin}` is no table; write `errors`, `errors.NAME`, or a table's keys"
            )
        among = {"errors": name or None, **(value.get("among") or {})}
        if name and among["errors"] != name:
            raise ValueError(f"`from: {origin}` and `among.errors: {among['errors']}` name two analyses")
        return {**{key: said for key, said in value.items() if key != "from"}, "among": among}

    # The short form is replaced before any field is read; this tells the schema of it.
    @field_validator("from_", mode="before", json_schema_input_type=AnsweredTable | ShortFromErrors | None)
    @classmethod
    def _a_table(cls, value: Any) -> Any:
        return value

    @field_validator("left_out", mode="before", json_schema_input_type=LeftOut | dict[str, FeatureValue])
    @classmethod
    def _what_a_filter_left_out(cls, value: Any) -> Any:
        # No value of a feature is an object: values stand either for features or for reasons.
        if isinstance(value, dict) and value and not any(isinstance(said, dict) for said in value.values()):
            return {"filtered": value}
        return value

    _none_is_named_twice = each_once("features", "show", "formats")

    @field_validator("annotators")
    @classmethod
    def _annotators_can_be_told_apart(cls, value: list[str]) -> list[str]:
        seen: set[str] = set()
        for name in value:
            if name.lower() in RESERVED_ANNOTATORS:
                raise ValueError(f"`{name}` is kept for goldpan's own files; give the annotator another name")
            if name.casefold() in seen:
                raise ValueError(
                    f"`{name}` is named twice (capitals do not tell file names apart everywhere)"
                )
            seen.add(name.casefold())
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> Wave:
        if self.among is not None:
            self._check_among()
        elif (self.stage is None) == (self.from_ is None):
            raise ValueError("give either `stage` or `from`: whose answers are sampled?")
        if self.left_out and self.from_ is not None:
            raise ValueError("`left_out` goes with `stage`: nothing is left out of a table")
        if self.stratify and not self.stratify.by and not self.left_out:
            raise ValueError("stratify: `by` is required: what makes the strata?")
        return self

    def _check_among(self) -> None:
        if self.from_ is not None:
            raise ValueError("`among` goes with `stage`: an error analysis lists no rows of a table")
        if self.left_out:
            raise ValueError(
                "`left_out` measures the recall of a chain, of which a targeted sample (`among`) tells"
                " nothing; make a wave of its own for it"
            )

    @model_validator(mode="after")
    def _sample_is_said_once(self) -> Wave:
        numbers = self.stratify and isinstance(self.stratify.allocation, dict)
        if numbers and self.sample is not None:
            raise ValueError("`stratify.allocation` already says how many items; leave `sample` out")
        if not numbers and self.sample is None:
            raise ValueError("`sample` is required: a number of items, or `all`")
        return self

    @model_validator(mode="after")
    def _annotators_suffice(self) -> Wave:
        count = len(self.annotators)
        if self.overlap != "all" and self.overlap > count:
            raise ValueError(f"overlap: {self.overlap} annotators for each item, but there are only {count}")
        needed = FEWEST_ANNOTATORS.get(self.strategy, 1)
        if count < needed:
            raise ValueError(f"strategy `{self.strategy}` needs {needed} annotators, but there are {count}")
        if self.strategy == "majority_llm" and count > needed:
            raise ValueError(
                f"strategy `majority_llm` needs exactly {needed} annotators, between whom the LLM decides,"
                f" but there are {count}; use `majority` or `adjudicate`"
            )
        return self

    @model_validator(mode="after")
    def _layout_fits(self) -> Wave:
        if self.layout == "side_by_side":
            if self.blind:
                raise ValueError(
                    "a side-by-side sheet is never blind; add `blind: false` to have it all the same"
                )
            if len(self.annotators) > len(string.ascii_lowercase):
                raise ValueError("a side-by-side sheet has room for 26 annotators")
            if self.repeats:
                raise ValueError("a side-by-side sheet cannot show an item twice; leave `repeats` out")
            if self.overlap not in ("all", len(self.annotators)):
                raise ValueError(
                    "a side-by-side sheet shows all items to all annotators; leave `overlap` out"
                )
            self._allow_formats({"xlsx", "csv"}, "layout: side_by_side")
        if self.order == "choice" and "html" not in self.formats:
            raise ValueError("order: annotators can choose on the page only; add `html` to `formats`")
        if self.order != "drawn" and not self.shuffle:
            raise ValueError(f"`shuffle: false` and `order: {self.order}` do not go together; leave one out")
        if not self.blind:
            self._allow_formats(_SHOW_LLM_ANSWERS, "blind: false")
        return self

    def _allow_formats(self, allowed: set[str] | frozenset[str], reason: str) -> None:
        others = [name for name in self.formats if name not in allowed]
        if others:
            raise ValueError(
                f"formats: {', '.join(others)} cannot go with `{reason}`;"
                f" allowed: {', '.join(sorted(allowed))}"
            )

    @property
    def per_item(self) -> int:
        """How many annotators answer each item."""
        return len(self.annotators) if self.overlap == "all" else self.overlap

    def annotations_folder(self, study: str, wave: str) -> str:
        """The folder of the filled sheets, relative to the project root."""
        return self.annotations.replace("{study}", study).replace("{wave}", wave)

    def draw_file(self, study: str, wave: str) -> str:
        """What was given out, beside the folder of the filled sheets; relative to the project root."""
        return f"{self.annotations_folder(study, wave).rstrip('/')}.draw.jsonl"

    def looks_file(self, study: str, wave: str) -> str:
        """Looks at the test split, beside the folder of the filled sheets; relative to the project root."""
        return f"{self.annotations_folder(study, wave).rstrip('/')}{TEST_LOOKS}"
