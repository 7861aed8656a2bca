"""What a study has made so far, read from its artifacts: one reader for all that tell people of it."""

from __future__ import annotations

import contextlib
import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldpan.batches.rounds import rounds_to_settle
from goldpan.errors import SourceError
from goldpan.files import iter_lines, read_json
from goldpan.finetune.exports.files import CARD_JSON
from goldpan.finetune.files import LEARNED_SPLITS
from goldpan.study import Project


@dataclass(frozen=True)
class Artifact:
    """A JSON artifact as it lies there.

    Attributes:
        path: its name, relative to the project root.
        made: what it holds; None while it is not there, or where it cannot be read.
        damage: why it cannot be read; None where it can, or is not there.
        is_stale: what it is made from is newer, so that another run would make it anew.
    """

    path: str
    made: Any | None
    damage: str | None = None
    is_stale: bool = False

    @property
    def is_there(self) -> bool:
        """Whether the file is there, readable or not."""
        return self.made is not None or self.damage is not None


class StudyArtifacts:
    """The JSON artifacts of a study by what they are about; each is read when it is asked for.

    Args:
        project: the study with the places it belongs to.
    """

    def __init__(self, project: Project):
        self.project, self.study, self.paths = project, project.study, project.paths

    def summary(self, stage: str) -> Artifact:
        """Counts by state, tokens and cost of a stage; of its partial features where it has not ended."""
        partial = self._read(self.paths.partial(stage, "summary.json"))
        if partial.is_there:
            return partial
        return self._read(self.paths.summary(stage), self.paths.stage_records(stage))

    def plan(self, stage: str, number: int) -> Artifact:
        """Counts, tokens and expected cost of a round."""
        return self._read(self.paths.plan(stage, number), self.paths.stage_records(stage))

    def waiting(self, stage: str) -> Artifact | None:
        """What the last round of a stage waits for; None where it waits for nothing."""
        number = len(rounds_to_settle(self.paths, stage, self.project.root))
        note = self._read(self.paths.waiting(stage, number))
        is_complete = (self.project.root / self.paths.completion(stage, number)).exists()
        return note if note.is_there and not is_complete else None

    def chain(self, stage: str) -> Artifact:
        """Counts from the rows of the sources to those of a stage."""
        return self._read(self.paths.chain(stage), self.paths.features(stage))

    def threshold(self, stage: str) -> Artifact:
        """The threshold of a filter that was chosen from a gold set."""
        return self._read(self.paths.threshold(stage))

    def stage_tables(self, stage: str) -> list[str]:
        """Names of the tables of a stage that are there, one for each file of its sources."""
        folder = self.project.root / self.paths.stage(stage) / "tables"
        return sorted(
            f"{self.paths.stage(stage)}/tables/{path.relative_to(folder).as_posix()}"
            for path in folder.glob("*/*.csv")
        )

    def sheet_names(self, wave: str) -> list[str]:
        """Names of the files that were given out to the annotators of a wave."""
        folder = (self.project.root / self.paths.sheet(wave, "x")).parent
        return sorted(path.name for path in folder.glob("*") if path.is_file())

    def wave_changes(self, wave: str) -> Artifact:
        """What has changed since a wave was given out."""
        return self._read(self.paths.wave_changes(wave))

    def gold_rows(self, wave: str) -> dict[str, int] | None:
        """Items of a gold set by split; None while there is none."""
        files = {Path(path).stem: self.project.root / path for path in self.paths.gold_splits(wave)}
        if not all(file.exists() for file in files.values()):
            return None
        return {split: sum(1 for _ in iter_lines(file)) for split, file in files.items()}

    def sample(self, wave: str) -> Artifact:
        """Population and sample of a wave, by stratum."""
        return self._read(self.paths.sample_counts(wave))

    def wave_status(self, wave: str) -> Artifact:
        """Who has answered how much of a wave."""
        return self._read(self.paths.wave_status(wave), self.paths.sample(wave))

    def to_decide(self, wave: str) -> int | None:
        """How many answers of a wave a person has to decide; None while they are not merged or unreadable."""
        file = self.project.root / self.paths.disagreements(wave)
        if not file.exists():
            return None
        with (
            contextlib.suppress(OSError, UnicodeDecodeError, csv.Error),
            file.open(encoding="utf-8-sig", newline="") as lines,
        ):
            return sum(1 for _ in csv.DictReader(lines))
        return None

    def agreement(self, wave: str) -> Artifact:
        """Who agreed with whom, and how surely."""
        return self._read(self.paths.agreement(wave, "json"), self.paths.answers(wave))

    def embedding(self, embedding: str) -> Artifact:
        """What became of the records of an embedding."""
        return self._read(self.paths.embedding_summary(embedding))

    def head(self, head: str) -> Artifact:
        """What a head learned from, and what it can do."""
        origin = self.study.heads[head].labels
        labels = [*map(self.paths.features, origin.stage or []), *self._gold(origin.wave)]
        return self._read(self.paths.head(head, "metrics.json"), *labels)

    def annotated(self, annotated: str) -> Artifact:
        """What became of the records that heads were applied to."""
        return self._read(self.paths.annotated_summary(annotated), *self._heads_of(annotated))

    def selection(self, selection: str) -> Artifact:
        """How many rows were selected."""
        settings = self.study.selections[selection]
        counts = self.paths.selection_counts(selection, settings.suffix)
        return self._read(counts, *self._heads_of(settings.annotated))

    def evaluation(self, evaluation: str) -> Artifact:
        """How good predictions are, against gold."""
        return self._read(self.paths.evaluation(evaluation, "json"), *self._evaluated(evaluation))

    def errors(self, errors: str) -> Artifact:
        """Where the predictions of an evaluation are wrong."""
        evaluation = self.study.errors[errors].evaluation or errors
        return self._read(self.paths.errors(errors, "json"), *self._evaluated(evaluation))

    def search(self, optimised: str) -> Artifact:
        """What a search for a better prompt found."""
        settings = self.study.optimised[optimised]
        evaluation = self.study.evaluations[settings.evaluation or settings.stage]
        made_from = [self.paths.stage_records(settings.stage), *self._gold(evaluation.wave)]
        return self._read(self.paths.optimised(optimised, "search.json"), *made_from)

    def export(self, export: str) -> Artifact:
        """What is in the fine-tuning data of an export."""
        settings = self.study.exports[export]
        features = [self.paths.features(settings.stage)] if settings.stage else []
        return self._read(self.paths.export(export, CARD_JSON), *features, *self._gold(settings.gold))

    def training(self, finetune: str) -> Artifact:
        """What a model was fine-tuned on, and how its loss fell."""
        export = self.study.finetunes[finetune].export
        data = [self.paths.export(export, f"{split}.jsonl") for split in LEARNED_SPLITS]
        return self._read(self.paths.finetuned(finetune, "training.json"), *data)

    def run(self, stage: str) -> Artifact:
        """What a stage was asked and how good it was, in one file."""
        return self._read(self.paths.run(stage, "json"), self.paths.features(stage))

    def _evaluated(self, evaluation: str) -> list[str]:
        """What an evaluation reads."""
        settings = self.study.evaluations[evaluation]
        stages = [known.stage for known in settings.predictions.values() if known.stage]
        annotated = [known.annotated for known in settings.predictions.values() if known.annotated]
        made_from = [*map(self.paths.features, stages), *self._gold(settings.wave)]
        return made_from + [path for name in annotated for path in self._heads_of(name)]

    def _gold(self, wave: str | None) -> list[str]:
        return [] if wave is None else self.paths.gold_splits(wave)

    def _heads_of(self, annotated: str) -> list[str]:
        heads = self.study.annotated[annotated].heads
        return [self.paths.head(name, "metrics.json") for name in heads if name in self.study.heads]

    def _read(self, path: str, *made_from: str) -> Artifact:
        file = self.project.root / path
        if not file.exists():
            return Artifact(path, None)
        try:
            made = read_json(file)
        except SourceError as error:
            return Artifact(path, None, damage=str(error))
        if made is None:
            return Artifact(path, None, damage="it holds nothing")
        written = file.stat().st_mtime
        sources = [self.project.root / source for source in made_from]
        return Artifact(
            path, made, is_stale=any(it.exists() and it.stat().st_mtime > written for it in sources)
        )


class JustMade(StudyArtifacts):
    """The artifacts as a run of Snakemake has left them: by its own look at their inputs, none is stale.

    It compares contents where times differ, so what is older than its inputs may well be what they give.
    """

    def _read(self, path: str, *made_from: str) -> Artifact:
        return replace(super()._read(path, *made_from), is_stale=False)
