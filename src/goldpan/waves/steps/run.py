"""The steps of one wave, each from the files it reads to the files it leaves."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from goldpan.files import write_bytes, write_json
from goldpan.study.load import Project
from goldpan.study.wave import Wave
from goldpan.tasks.task import Task, load_task
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.text import report_text
from goldpan.waves.agreement.wave import measure_wave, wave_notes
from goldpan.waves.codebook import Codebook, wave_features
from goldpan.waves.collect.adjudication import read_decisions
from goldpan.waves.collect.collected import CollectedWave, WaveStatus, read_collected, write_collected
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.gold.card import GoldDescription
from goldpan.waves.gold.files import write_gold
from goldpan.waves.gold.gold_set import GoldSet, freeze_gold
from goldpan.waves.items import Item, read_items, read_llm_predictions
from goldpan.waves.merging.dawid_skene_strategy import few_items_notes
from goldpan.waves.merging.files import read_merged, shown_by, write_disagreements, write_merged
from goldpan.waves.merging.merged import Merged
from goldpan.waves.merging.wave import awaiting_notes, disagreements, merge_wave
from goldpan.waves.sampling.sample import SampleCounts, SampleFiles, draw_sample
from goldpan.waves.sheets.html_page import adjudication_page
from goldpan.waves.sheets.sheet import shown_fields
from goldpan.waves.sheets.shown import with_fields_to_show
from goldpan.waves.sheets.write import write_sheets


class WaveRun:
    """One wave of a project.

    Args:
        project: the project.
        name: the wave's name.

    Raises:
        StudyError: the study has no wave of that name.
    """

    def __init__(self, project: Project, name: str):
        self.project, self.name = project, name
        self.wave = project.named("wave", project.study.waves, name)
        self.study, self.paths = project.study.study, project.paths

    def _at(self, path: str) -> Path:
        return self.project.root / path

    @cached_property
    def tasks(self) -> list[Task]:
        """The tasks of the wave's stage."""
        stage = self.project.study.stages[self.wave.stage]
        return [load_task(choice.task, self.project.tasks) for choice in stage.task]

    @cached_property
    def codebook(self) -> Codebook:
        """What annotators are asked."""
        by_task = [{feature.name: feature for feature in task.features} for task in self.tasks]
        features = wave_features(self.wave.features, by_task, f"waves.{self.name}")
        groups = {group.order[0]: group for task in self.tasks for group in task.exclusive}
        guidelines = self.wave.guidelines
        return Codebook(
            features=tuple(features.values()),
            task_hash=" ".join(task.hash for task in self.tasks),
            exclusive=tuple(group for group in groups.values() if set(group.order) <= set(features)),
            guidelines=self._at(guidelines).read_text(encoding="utf-8") if guidelines else "",
            cannot_tell=self.wave.cannot_tell,
        )

    @property
    def is_drawn(self) -> bool:
        """Whether there is a sample."""
        return self._at(self.paths.sample(self.name)).exists()

    @cached_property
    def items(self) -> dict[str, Item]:
        """The sample by item id, as it was when first looked at."""
        return read_items(self._at(self.paths.sample(self.name)))

    @cached_property
    def shown_wave(self) -> Wave:
        """The wave with the fields that its sheets show."""
        return with_fields_to_show(
            self.wave, self.name, list(self.items.values()), self.project.study.sources
        )

    @property
    def given_out(self) -> GivenOut:
        """The wave as filled sheets are checked against it."""
        return GivenOut(self.study, self.name, self.wave, self.codebook, self.items)

    @property
    def annotations(self) -> Path:
        """The folder of the filled sheets; an input only."""
        return self._at(self.wave.annotations_folder(self.study, self.name))

    def draw(self) -> SampleCounts:
        """Write sample.jsonl, llm.jsonl and sample.json."""
        features = {feature.name: feature for task in self.tasks for feature in task.features}
        files = SampleFiles(
            features=self._at(self.paths.features(self.wave.stage)),
            records=self._at(self.paths.stage_records(self.wave.stage)),
            sample=self._at(self.paths.sample(self.name)),
            llm=self._at(self.paths.sample_llm(self.name)),
            counts=self._at(self.paths.sample_counts(self.name)),
        )
        return draw_sample(self.study, self.name, self.wave, features | self.codebook.by_name, files)

    def write_sheets(self) -> list[Path]:
        """Write the sheets to give out."""
        folder = self._at(self.paths.sheet(self.name, "x")).parent
        llm = read_llm_predictions(self._at(self.paths.sample_llm(self.name)))
        return write_sheets(folder, self.study, self.name, self.shown_wave, self.codebook, self.items, llm)

    def read_sheets(self) -> CollectedWave:
        """The filled sheets as they lie there now; writes nothing."""
        return collect(self.annotations, self.given_out)

    def collect(self) -> WaveStatus:
        """Read the filled sheets, and write answers.jsonl and status.json."""
        collected = self.read_sheets()
        write_collected(
            collected, self._at(self.paths.answers(self.name)), self._at(self.paths.wave_status(self.name))
        )
        return collected.status

    def measure(self) -> str:
        """Write agreement.json, .html and .txt; returns the text."""
        report = measure_wave(self._collected(), self.codebook, self.wave.annotators)
        text = report_text(report, verbose=True)
        write_json(self._at(self.paths.agreement(self.name, "json")), report.as_json())
        write_bytes(self._at(self.paths.agreement(self.name, "html")), agreement_page(report).encode())
        write_bytes(self._at(self.paths.agreement(self.name, "txt")), text.encode())
        return text

    def merged(self, collected: CollectedWave) -> list[Merged]:
        """One label for each item and feature, from these answers and the decisions in the folder."""
        return merge_wave(
            self.codebook,
            list(self.items),
            self.wave.annotators,
            collected.ratings,
            self.wave.strategy,
            read_llm_predictions(self._at(self.paths.sample_llm(self.name))),
            read_decisions(self.annotations, self.given_out),
        )

    def merge(self) -> list[Merged]:
        """Write merged.csv, disagreements.csv and adjudication.html."""
        collected = self._collected()
        rows = self.merged(collected)
        show = shown_by(self.codebook.features)
        # Those who decide see what the annotators saw, and no more.
        shown = {name: shown_fields(item.data, self.shown_wave.show) for name, item in self.items.items()}
        write_merged(self._at(self.paths.merged(self.name)), rows, show, shown)
        write_disagreements(self._at(self.paths.disagreements(self.name)), rows, show, shown)
        open_rows = disagreements(rows, collected.notes)
        page = adjudication_page(self.study, self.name, self.shown_wave, self.codebook, self.items, open_rows)
        write_bytes(self._at(self.paths.adjudication(self.name)), page.encode())
        return rows

    def freeze(self) -> GoldSet:
        """Write the gold set with its data card and metadata."""
        rows = read_merged(self._at(self.paths.merged(self.name)), self.codebook.features)
        gold = freeze_gold(self.items, rows, self.wave.gold, self.wave.seed, self.wave.annotators)
        collected = self._collected()
        about = GoldDescription(
            study=self.study,
            wave=self.name,
            description=self.project.study.description,
            strategy=self.wave.strategy,
            codebook_hash=self.codebook.hash,
            task_hash=self.codebook.task_hash,
        )
        write_gold(
            self._at(self.paths.gold(self.name, "x")).parent,
            gold,
            self.codebook.features,
            about,
            measure_wave(collected, self.codebook, self.wave.annotators),
            [*wave_notes(collected.status), *awaiting_notes(rows), *self._model_notes(rows)],
        )
        return gold

    def _model_notes(self, rows: list[Merged]) -> list[str]:
        return few_items_notes(rows) if self.wave.strategy == "dawid_skene" else []

    def _collected(self) -> CollectedWave:
        return read_collected(
            self._at(self.paths.answers(self.name)), self._at(self.paths.wave_status(self.name))
        )
