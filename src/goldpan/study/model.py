"""The Pydantic model of a study file. The JSON schema in `config/schema/` is generated from it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from goldpan.study.base import ColumnName, Model, Name, RowLimit, as_before, no_number, one_or_many
from goldpan.study.embedding import Embedding
from goldpan.study.error_analysis import ErrorAnalysis
from goldpan.study.evaluation import Evaluation, Predicted
from goldpan.study.export import Export
from goldpan.study.finetune import FineTune
from goldpan.study.head import Annotated, Head, Selection
from goldpan.study.local_stage import AnyLocalStage, StageOfAnyKind
from goldpan.study.modules import ModulesTaken
from goldpan.study.optimised import Optimised
from goldpan.study.pdf import PdfSettings
from goldpan.study.provider import Provider
from goldpan.study.references import check_references
from goldpan.study.stage import Mode, Stage
from goldpan.study.stage_input import PARENT
from goldpan.study.statement import Statement
from goldpan.study.table import Table
from goldpan.study.targeted_waves import complete_targeted_waves
from goldpan.study.tracker import Tracker
from goldpan.study.wave import Wave

Part = Literal["item", "group"]
FieldType = Literal["string", "integer", "number", "boolean", "object", "array"]


class Source(Model):
    """Input files and how to read them."""

    files: list[str] = Field(min_length=1, description="Paths or globs, relative to the project root.")
    format: Literal["auto", "jsonl", "csv", "parquet", "xlsx", "traces", "pdf", "hdf5"] = Field(
        "auto",
        description="`auto` goes by the name: .jsonl, .csv, .tsv, .parquet, .xlsx, .pdf, .h5 (before .gz,"
        " .zst, .bz2 or .xz), and a PDF is known by its first bytes where the name tells nothing.",
    )
    id: list[str] | None = Field(
        None,
        min_length=1,
        description="Fields whose values make the record id; without it the id is a hash of the content.",
    )
    fields: dict[str, FieldType] = Field(
        default_factory=dict, description="Fields each row must have, and their types."
    )
    rename: dict[str, str] = Field(
        default_factory=dict,
        exclude_if=as_before({}),
        description="Fields that records call otherwise, `name in the file: name in the record`, so that"
        " sources have the same things under one name. Other keys of the source go by the names in the file.",
    )
    not_blank: list[str] = Field(
        default_factory=list,
        description="Fields that must hold more than white space; a row without is recorded as skipped:"
        " blank, and nobody is asked.",
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="What a bad row does: `stop` the run, or be recorded as skipped with its reason."
    )
    limit: RowLimit | None = Field(
        None,
        description="For a trial: read only so many rows, of its files in the order of their paths.",
    )
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="CSV only; default by name.")
    page: str | None = Field(
        None,
        exclude_if=as_before(None),
        description="XLSX only: name of the page; default the first visible one.",
    )
    pdf: PdfSettings | None = Field(
        None,
        exclude_if=as_before(None),
        description="PDF only: what becomes a record, and how large a file may be.",
    )
    group: str | None = Field(
        None,
        exclude_if=as_before(None),
        description="HDF5 only: group that holds the rows; default the only one with `document_id`.",
    )
    encoding: str = Field(
        "utf-8-sig", description="CSV only; `utf-8-sig` is UTF-8 with or without a byte order mark."
    )

    @field_validator("rename")
    @classmethod
    def _new_names_differ(cls, value: dict[str, str]) -> dict[str, str]:
        repeated = [name for name in value.values() if list(value.values()).count(name) > 1]
        if repeated:
            raise ValueError(f"two fields cannot both be called `{repeated[0]}`")
        return value

    _one_file_is_a_list = one_or_many("files", of=list[str] | str)
    _limit_is_a_number = field_validator("limit", mode="before")(no_number)


class Study(Model):
    """One study: sources, providers and stages by name."""

    study: Name = Field(description="Name of the study, and of its folder under `results/`.")
    description: str = Field("", description="What it is about, for people.")
    sources: dict[Name, Source] = Field(min_length=1, description="Input files by name.")
    providers: dict[Name, Provider] = Field(
        default_factory=dict, description="Who answers, by name; only stages need one."
    )
    stages: dict[Name, StageOfAnyKind] = Field(
        default_factory=dict, description="What is asked, by name; a stage stands after those it reads."
    )
    waves: dict[Name, Wave] = Field(
        default_factory=dict, description="Samples of an LLM's answers given to annotators, by name."
    )
    embeddings: dict[Name, Embedding] = Field(
        default_factory=dict, description="Models applied to the records of sources, by name."
    )
    heads: dict[ColumnName, Head] = Field(
        default_factory=dict, description="Small models from embeddings to labels, by name."
    )
    annotated: dict[Name, Annotated] = Field(
        default_factory=dict, description="Heads applied to all records of an embedding, by name."
    )
    selections: dict[Name, Selection] = Field(
        default_factory=dict, description="Annotated records that a condition holds for, by name."
    )
    evaluations: dict[Name, Evaluation] = Field(
        default_factory=dict, description="Predictions measured against gold labels, by name."
    )
    errors: dict[Name, ErrorAnalysis] = Field(
        default_factory=dict,
        exclude_if=as_before({}),
        description="Evaluations whose mistakes are analysed, by name.",
    )
    optimised: dict[Name, Optimised] = Field(
        default_factory=dict,
        exclude_if=as_before({}),
        description="Searches for better prompts, by name.",
    )
    exports: dict[Name, Export] = Field(
        default_factory=dict,
        exclude_if=as_before({}),
        description="Fine-tuning data of answers and gold labels, by name.",
    )
    finetunes: dict[Name, FineTune] = Field(
        default_factory=dict,
        exclude_if=as_before({}),
        description="Language models that learn from exports, by name.",
    )
    modules: ModulesTaken | None = Field(
        None, description="Tasks of a table, each with a data set whose right answers are known."
    )
    tables: dict[Name, Table] = Field(
        default_factory=dict,
        description="What chains of stages found out, side by side or by group, by name.",
    )
    trackers: dict[Name, Tracker] = Field(
        default_factory=dict, description="Where the runs of the study are uploaded to, by name."
    )
    statement: Statement = Field(
        Statement(),
        exclude_if=as_before(Statement()),
        description="What only people know of the study, for its paper and checklists.",
    )

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> Study:
        complete_targeted_waves(self)
        check_references(self)
        for name, evaluation in self.evaluations.items():
            predictions = self.predictions_of(evaluation)
            self.evaluations[name] = evaluation.model_copy(update={"predictions": predictions})
        return self

    @property
    def asked_stages(self) -> dict[str, Stage]:
        """The stages that ask somebody, by name."""
        return {name: stage for name, stage in self.stages.items() if isinstance(stage, Stage)}

    @property
    def local_stages(self) -> dict[str, AnyLocalStage]:
        """The stages that spend nothing, by name."""
        return {name: stage for name, stage in self.stages.items() if not isinstance(stage, Stage)}

    def sources_of(self, stage: str) -> list[str]:
        """The sources a stage's records come from, through all the stages before it."""
        settings = self.stages[stage].input
        return self.sources_of(settings.stages[0]) if settings.stages else list(settings.source or [])

    def sources_of_wave(self, wave: str) -> list[str]:
        """The sources a wave's records come from, through its stage or its table."""
        settings = self.waves[wave]
        if settings.stage is not None:
            return self.sources_of(settings.stage)
        return list(settings.from_.source) if settings.from_ else []

    def predictions_of(self, evaluation: Evaluation) -> dict[str, Predicted]:
        """What an evaluation measures: what it names, else the stages that are asked about its sources."""
        asked = {
            name: Predicted.model_validate({"stage": name})
            for name, stage in self.asked_stages.items()
            if set(stage.input.source or []) & set(evaluation.source or [])
        }
        return evaluation.predictions or asked

    def stages_to(self, stage: str) -> list[str]:
        """A stage and those that it follows, the first last."""
        before = self.stages[stage].input.stages
        # Several stages have one input, so what stands before the last of them stands before all.
        return [stage, *before[:-1], *(self.stages_to(before[-1]) if before else [])]

    def chain_to(self, stage: str) -> list[str]:
        """A stage and all that it follows, in the order of the study."""
        reached = set(self.stages_to(stage))
        return [name for name in self.stages if name in reached]

    def parts_of(self, stage: str) -> tuple[Part, ...]:
        """What a stage's records are of its sources' records: nothing but these, or `item` for each `explode`
        that `group: {by: parent}` did not take back, after `group` where a field gathered them."""
        settings = self.stages[stage].input
        parts = self.parts_of(settings.stages[0]) if settings.stages else ()
        if settings.explode:
            return (*parts, "item")
        if settings.group is None:
            return parts
        return parts[:-1] if settings.group.by == PARENT else ("group",)

    def stages_about_items(self, stage: str) -> list[str]:
        """The stages whose answers are about the items that a stage's records are, from those it follows back
        to the one that exploded their parents; none where they are no items."""
        if self.parts_of(stage)[-1:] != ("item",):
            return []
        depth = len(self.parts_of(stage))
        about: list[str] = []
        for name in self.stages_to(stage):
            about.append(name)
            if self.stages[name].input.explode and len(self.parts_of(name)) == depth:
                return about
        raise AssertionError("items come of a stage that explodes")

    def sources_predicted(self, predicted: Predicted) -> list[str]:
        """The sources whose records some predictions are about."""
        if predicted.stage is not None:
            return self.sources_of(predicted.stage)
        if predicted.wave is not None:
            return self.sources_of_wave(predicted.wave)
        return self.embeddings[self.annotated[predicted.annotated or ""].embedding].source

    def limited_to(self, rows: int) -> Study:
        """The same study with so many rows of each source at most."""
        sources = {
            name: source.model_copy(update={"limit": min(rows, source.limit or rows)})
            for name, source in self.sources.items()
        }
        return self.model_copy(update={"sources": sources})

    def in_mode(self, mode: Mode) -> Study:
        """The same study with all its stages asked in one mode."""
        asked = {name: stage.model_copy(update={"mode": mode}) for name, stage in self.asked_stages.items()}
        return self.model_copy(update={"stages": {**self.stages, **asked}})

    def label_sources(self, head: str) -> list[str]:
        """The sources a head learns from: those that its labels are about, as far as they are embedded."""
        settings = self.heads[head]
        origin = settings.labels
        labelled = {source for stage in origin.stage or [] for source in self.sources_of(stage)}
        labelled |= set(origin.source or []) | set(self.sources_of_wave(origin.wave) if origin.wave else [])
        return [source for source in self.embeddings[settings.embedding].source if source in labelled]


class ProjectSettings(Model):
    """`config/config.yaml`: what all studies of a project share."""

    study: str = Field(description="Name of a study in config/studies/, or a path to a study file.")
    ledger: str = Field(
        ".goldpan/ledger.sqlite", description="The file that remembers what was asked, paid for and answered."
    )
    results: str = Field("results", description="Folder of everything that is made.")
    runs: str = Field(
        "runs",
        description="Folder of the runs that were recorded; like the ledger it is kept when results go.",
    )
    limit: RowLimit | None = Field(
        None,
        description="For a trial: read only so many rows of each source; better given to one run,"
        " `--config limit=20`.",
    )
    mode: Mode | None = Field(
        None,
        description="How all stages are asked, whatever the study says; better given to one run, `--config"
        " mode=online`.",
    )
    replay: bool = Field(
        False,
        description="Nobody is ever asked, whatever the study says: all answers come from the ledger, and one"
        " that it does not have is an error. A replayed bundle has it.",
    )

    _limit_is_a_number = field_validator("limit", mode="before")(no_number)


SETTINGS_OF_A_RUN = (*ProjectSettings.model_fields, "go_on")
"""What `--config` may say: the settings, and the stages to go on with although their answers are bad."""
