"""The steps of one wave, each from the files it reads to the files it leaves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from goldpan.errors import SheetError, StudyError
from goldpan.files import write_bytes, write_json
from goldpan.records.source_rows import place_of
from goldpan.records.splits import group_of
from goldpan.statistics.scales import scale_of
from goldpan.study.load import Project
from goldpan.study.targeted_waves import features_listed
from goldpan.study.wave import Wave
from goldpan.tasks.features import Feature
from goldpan.waves.agreement.item_groups import ItemGroups
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.agreement.text import report_text
from goldpan.waves.agreement.wave import measure_wave, wave_notes
from goldpan.waves.codebook import Codebook
from goldpan.waves.collect.adjudication import read_decisions
from goldpan.waves.collect.collected import CollectedWave, WaveStatus, read_collected, write_collected
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.collect.record_fields import field_path
from goldpan.waves.gold.card import GoldDescription, look_notes
from goldpan.waves.gold.files import write_gold
from goldpan.waves.gold.gold_set import GoldSet, freeze_gold
from goldpan.waves.items import Item
from goldpan.waves.merging.dawid_skene_strategy import model_notes
from goldpan.waves.merging.files import read_merged, shown_by, write_disagreements, write_merged
from goldpan.waves.merging.merged import Merged
from goldpan.waves.merging.wave import awaiting_notes, disagreements, merge_wave
from goldpan.waves.sampling.answered import Answered, StageFiles
from goldpan.waves.sampling.draw import draw_sample
from goldpan.waves.sampling.draw_file import (
    Draw,
    DrawHead,
    EarlierDraws,
    given_out_settings,
    read_draw,
    read_draw_head,
)
from goldpan.waves.sampling.left_out import AnsweredOrLeftOut
from goldpan.waves.sampling.sample import SampleCounts, read_sample
from goldpan.waves.sampling.targeted import AnsweredAndListed, read_targets
from goldpan.waves.sheets.html_page import adjudication_page
from goldpan.waves.sheets.sheet import GivenBefore, shown_fields
from goldpan.waves.sheets.shown import with_fields_to_show
from goldpan.waves.sheets.write import render_sheets, write_sheets
from goldpan.waves.steps.answered_table import AnsweredRows
from goldpan.waves.steps.given_out import (
    compared_with,
    given_out_before,
    sample_files,
    trial_of_wave,
    wave_given_out,
)
from goldpan.waves.steps.left_out_values import left_out_values
from goldpan.waves.steps.questions import Questions, questions_of


class WaveRun:
    """One wave of a project.

    Once it is given out it is as it was then, whatever the study, its tasks and the corpus have become
    (`study_wave` and `study_codebook` are as they are now).

    Args:
        project: the project.
        name: the wave's name.

    Raises:
        StudyError: the study has no wave of that name.
    """

    def __init__(self, project: Project, name: str):
        self.project, self.name = project, name
        self.study_wave = project.named("wave", project.study.waves, name)
        self.study, self.paths = project.study.study, project.paths
        self.draw_file = self._at(self.study_wave.draw_file(self.study, name))

    @cached_property
    def wave(self) -> Wave:
        """The wave as it was given out; as the study has it while it was not."""
        return wave_given_out(self.project, self.name) or self.study_wave

    def _at(self, path: str) -> Path:
        return self.project.root / path

    @cached_property
    def _questions(self) -> Questions:
        return questions_of(self.project, self.name)

    @cached_property
    def study_codebook(self) -> Codebook:
        """What annotators would be asked if the wave were given out now."""
        return self._questions.codebook()

    @cached_property
    def codebook(self) -> Codebook:
        """What annotators are asked."""
        if not self.draw_file.exists():
            return self.study_codebook
        return read_draw_head(self.draw_file, self.study, self.name).codebook

    @cached_property
    def drawn(self) -> Draw | None:
        """What was given out, as it was when first looked at; None while nothing was.

        Earlier versions of goldpan kept no draw: of their waves it is the sample in `results/` whose sheets
        are out.

        Raises:
            SourceError: the draw is damaged, or that of another wave.
        """
        if self.draw_file.exists():
            return read_draw(self.draw_file, self.study, self.name)
        if given_out_before(self.project, self.name) is None:
            return None
        sample = read_sample(sample_files(self.project, self.name))
        return Draw(self._head(self.wave, list(sample.items.values())), sample)

    def draw_given_out(self) -> Draw:
        """What was given out. Raises StudyError while nothing was."""
        if self.drawn is None:
            raise StudyError(
                f"the wave `{self.name}` was not given out yet",
                where=str(self.draw_file),
                remedy=f"a run draws it: {self.paths.sample(self.name)}",
            )
        return self.drawn

    @property
    def items(self) -> dict[str, Item]:
        """The sample by item id."""
        return self.draw_given_out().sample.items

    @property
    def llm(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The LLM's predictions when the wave was drawn: item id -> feature -> prediction."""
        return {item: row["features"] for item, row in self.draw_given_out().sample.llm.items()}

    @property
    def shown_wave(self) -> Wave:
        """The wave with the fields that its sheets show."""
        return self.wave.model_copy(update={"show": self.draw_given_out().head.show})

    @property
    def given_out(self) -> GivenOut:
        """The wave as filled sheets are checked against it."""
        return self.given_out_by(self.draw_given_out())

    def given_out_by(self, draw: Draw) -> GivenOut:
        """The wave as filled sheets are checked against a draw of it."""
        earlier, wave = draw.head.earlier, draw.head.wave_given_out(self.study_wave)
        return GivenOut(
            self.study,
            self.name,
            wave.model_copy(update={"show": draw.head.show}),
            draw.head.codebook,
            draw.sample.items,
            earlier_items=earlier.shown - draw.sample.shown,
            earlier_annotators=frozenset(earlier.annotators) - set(wave.annotators),
            edited_records=frozenset(earlier.edited),
            edits=earlier.edits,
            redraws=earlier.redraws,
        )

    @property
    def annotations(self) -> Path:
        """The folder of the filled sheets; an input only."""
        return self._at(self.wave.annotations_folder(self.study, self.name))

    def draw(self) -> Draw:
        """What was given out. A wave that was not is drawn now, and the draw is kept: from here on it is out.

        Raises:
            StudyError: nothing to draw from, or sheets that cannot be written.
            SheetError: sheets have come back that do not fit what is drawn now.
        """
        if not self.draw_file.exists():
            draw = self.drawn
            if draw is None:
                draw = self.new_draw()
                self.drawn = draw
                self._check_against_what_came_back()
            draw.write(self.draw_file)
        return self.draw_given_out()

    def _check_against_what_came_back(self) -> None:
        """Of a wave whose draw was lost: rather none than another one, which refuses all that came back."""
        try:
            self.read_sheets()
        except SheetError as error:
            raise SheetError(
                f"a sheet that came back does not fit what would be drawn now: {error.what}",
                where=error.where,
                remedy=f"{error.remedy}; or, where the wave was drawn before, put back its draw"
                f" ({self.study_wave.draw_file(self.study, self.name)}), its sample in results/, or the"
                " corpus as it was",
            ) from None

    def new_draw(self, earlier: EarlierDraws | None = None) -> Draw:
        """The draw as study, corpus and answers are now; nothing is written.

        Raises:
            StudyError: nothing to draw from, or sheets that cannot be written.
        """
        features = self._questions.by_name
        wave, codebook = self.study_wave, self.study_codebook
        asked = wave.model_copy(update={"features": list(codebook.by_name)})
        answered = self._listed(wave, codebook.by_name, self.answered(wave, codebook.by_name))
        sample = draw_sample(self.study, self.name, asked, features | codebook.by_name, answered)
        sample.counts.trial.update(trial_of_wave(self.project, wave))
        head = self._head(wave, list(sample.items.values()), sample.fingerprint, earlier or EarlierDraws())
        draw = Draw(head, sample)
        # A wave is given out with its sheets; while they cannot be written it is not.
        for _ in self.sheets_of(draw):
            pass
        return draw

    def _head(
        self,
        wave: Wave,
        items: list[Item],
        fingerprint: str = "",
        earlier: EarlierDraws = EarlierDraws(),  # noqa: B008 - it is frozen
    ) -> DrawHead:
        return DrawHead(
            study=self.study,
            wave=self.name,
            settings=given_out_settings(wave),
            show=with_fields_to_show(
                wave, self.name, items, self.project.study.sources, self._label_fields(wave)
            ).show,
            codebook=self.study_codebook,
            fingerprint=fingerprint,
            earlier=earlier,
        )

    def _label_fields(self, wave: Wave) -> list[str]:
        """Fields of the records that evaluations have their gold in: a targeted sample is drawn from rows
        that carry labels, which blind sheets do not show."""
        evaluations = self.project.study.evaluations.values() if wave.among else ()
        return [field_path(field) for of in evaluations for field in of.gold.values()]

    def _listed(self, wave: Wave, features: Collection[str], answered: Answered) -> Answered:
        """Of a targeted sample, only the rows that its error analysis lists for the features of the wave."""
        if wave.among is None or wave.among.errors is None:
            return answered
        path = self._at(self.paths.errors(wave.among.errors, "json"))
        wanted = features_listed(self.project.study, wave, features)
        return AnsweredAndListed(answered, read_targets(path, wave.among, f"waves.{self.name}.among", wanted))

    def answered(self, wave: Wave, features: Mapping[str, Feature], is_strict: bool = True) -> Answered:
        """What the wave is drawn from, of a targeted sample with the rows that are not listed.

        Args:
            wave: as it was given out, or as the study has it.
            features: those that annotators answer.
            is_strict: as of `AnsweredRows`.
        """
        files = [self._at(path) for path in compared_with(self.project, wave)]
        if wave.from_ is None:
            stage = StageFiles(records=files[0], features=files[1])
            if wave.left_out is None:
                return stage
            return AnsweredOrLeftOut(stage, left_out_values(wave.left_out, features, f"waves.{self.name}"))
        place = place_of(self.project, wave.from_.source)
        return AnsweredRows(wave.from_, features, files, place, f"waves.{self.name}.from", is_strict)

    def write_sample(self) -> SampleCounts:
        """Write sample.jsonl, llm.jsonl and sample.json."""
        sample = self.draw_given_out().sample
        sample.write(sample_files(self.project, self.name))
        return sample.counts

    def sheets_of(self, draw: Draw) -> Iterator[tuple[str, bytes]]:
        """The sheets of a draw: name -> bytes."""
        wave = draw.head.wave_given_out(self.study_wave).model_copy(update={"show": draw.head.show})
        llm = {item: row["features"] for item, row in draw.sample.llm.items()}
        before = GivenBefore(draw.head.earlier.redraws, draw.head.earlier.answered)
        return render_sheets(self.study, self.name, wave, draw.head.codebook, draw.sample.items, llm, before)

    @property
    def sheets_folder(self) -> Path:
        """Where the sheets lie that are given out."""
        return self._at(self.paths.sheet(self.name, "x")).parent

    def write_sheets(self) -> list[Path]:
        """Write the sheets to give out, as far as they are not there."""
        return write_sheets(self.sheets_folder, self.sheets_of(self.draw_given_out()))

    def read_sheets(self) -> CollectedWave:
        """The filled sheets as they lie there now; writes nothing."""
        return collect(self.annotations, self.given_out)

    def collect(self) -> WaveStatus:
        """Read the filled sheets, and write answers.jsonl and status.json."""
        collected = self.read_sheets()
        counts = self.draw_given_out().sample.counts
        collected.status.trial.update(counts.trial)
        collected.status.targeted = counts.targeted
        write_collected(
            collected, self._at(self.paths.answers(self.name)), self._at(self.paths.wave_status(self.name))
        )
        return collected.status

    def _agreement(self, collected: CollectedWave) -> AgreementReport:
        """Agreement in the wave; items of one group by `gold.group` are drawn together."""
        key, groups = self.wave.gold.group, None
        if key is not None:
            setting = "`gold.group` of the wave"
            of_item = {name: group_of(vars(item), key, setting) for name, item in self.items.items()}
            groups = ItemGroups(key, of_item)
        return measure_wave(collected, self.codebook, self.wave.annotators, groups)

    def measure(self) -> str:
        """Write agreement.json, .html and .txt; returns the text."""
        report = self._agreement(self._collected())
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
            self.llm,
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
        scales = {feature.name: scale_of(feature) for feature in self.codebook.features}
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
            self._agreement(collected),
            [
                *wave_notes(collected.status),
                *awaiting_notes(rows),
                *model_notes(rows, scales, self.wave.strategy),
                *look_notes(gold, self.project.root, self.study_wave.looks_file(self.study, self.name)),
            ],
        )
        return gold

    def _collected(self) -> CollectedWave:
        return read_collected(
            self._at(self.paths.answers(self.name)), self._at(self.paths.wave_status(self.name))
        )
