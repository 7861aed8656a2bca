"""The gold set of a wave, as a golden set takes it over: what people decided, and where that is from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from goldpan.errors import StudyError
from goldpan.experiments.sheets import sheets_project
from goldpan.study.load import Project, load_project
from goldpan.study.paths import GOLD_FILES
from goldpan.study.run_again import run_as_usual
from goldpan.study.wave import Wave
from goldpan.tasks.features import Feature
from goldpan.waves.codebook import what_is_asked
from goldpan.waves.collect.collected import read_collected
from goldpan.waves.collect.listing import all_files
from goldpan.waves.gold.gold_set import GoldItem, GoldSet, read_gold
from goldpan.waves.steps.run import WaveRun


@dataclass(frozen=True)
class WaveGold:
    """The frozen labels of a wave.

    Attributes:
        project: the study that has the wave.
        name, wave: the wave, as it was given out.
        asked: feature -> what people were asked.
        items: with at least one label, by the record's id.
        open: ids of the other records of the wave.
        hash: of the gold set, as its card has it.
        date: the day of the newest sheet that tells its day; None where none does.
    """

    project: Project
    name: str
    wave: Wave
    asked: dict[str, Feature]
    items: list[GoldItem]
    open: list[str]
    hash: str
    date: str | None

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"wave `{self.name}`"

    @property
    def stage(self) -> str | None:
        """The stage whose rows people saw."""
        return self.wave.stage

    @property
    def features(self) -> list[str]:
        """What people were asked for."""
        return list(self.asked)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Where labels are from, for the row that takes one over; the same gold says the same."""
        date = {"date": self.date} if self.date else {}
        return {"study": self.project.study.study, "wave": self.name, "gold": self.hash, **date}

    def asked_otherwise(self, name: str, feature: Feature) -> bool:
        """Whether a feature of the wave was another question than `feature` is."""
        return name in self.asked and what_is_asked(self.asked[name]) != what_is_asked(feature)

    def undecided(self, item: GoldItem, feature: str) -> str | None:
        """Why people have not decided a feature of an item; None where they have."""
        if feature not in item.labels:
            return item.resolutions.get(feature, "unanswered").replace("_", " ")
        if item.labels[feature] is None:
            return "people cannot tell"
        if item.llm_decided(feature):
            return "the LLM's answer tipped the scales"
        if item.is_single(feature) and self.wave.per_item > 1:
            return f"only one of {self.wave.per_item} annotators has answered"
        return None


def find_wave(project: Project, name: str) -> tuple[Project, str]:
    """The study that has a wave, and the wave's name.

    Args:
        project: the study that is looked in, and in the one that has the waves of its modules.
        name: of the wave; `STUDY/WAVE` for that of another study.

    Raises:
        StudyError: there is no such wave; those there are are named.
    """
    study, _, wave = name.rpartition("/")
    if study:
        other = load_project(
            study, root=project.root, ledger=str(project.ledger), results=project.paths.results
        )
        other.named("wave", other.study.waves, wave)
        return other, wave
    beside = sheets_project(project)
    studies = [project, *([beside] if beside else [])]
    for of_study in studies:
        if wave in of_study.study.waves:
            return of_study, wave
    known = [each for of_study in studies for each in of_study.study.waves]
    raise StudyError(
        f"there is no wave `{wave}`; there are: {', '.join(known) or 'none'}",
        where=str(project.study_file),
        remedy="name that of another study STUDY/WAVE; `goldpan experiments sheets` makes waves of modules",
    )


def read_wave_gold(project: Project, name: str) -> WaveGold:
    """Read the gold set of a wave.

    Raises:
        StudyError: it is not there yet, or sheets came back since it was made.
        ReconciliationError: it is damaged.
    """
    run, paths = WaveRun(project, name), project.paths
    files = [project.left(paths.gold(name, file), "taking over what people decided") for file in GOLD_FILES]
    _check_is_up_to_date(run, min(file.stat().st_mtime for file in files))
    items = read_gold(project.root / path for path in paths.gold_splits(name))
    listed = tuple(sorted(items, key=lambda item: item.item_id))
    features = run.codebook.by_name
    frozen = GoldSet(tuple(features), listed, (), tuple(run.wave.annotators))
    status = read_collected(project.root / paths.answers(name), project.root / paths.wave_status(name)).status
    labelled = {item.id for item in items}
    return WaveGold(
        project=project,
        name=name,
        wave=run.wave,
        asked=dict(features),
        items=sorted(items, key=lambda item: item.id),
        open=sorted({item.id for item in run.items.values()} - labelled),
        hash=frozen.content_hash,
        date=max((sheet.date for sheet in status.sheets if sheet.date), default=None),
    )


def _check_is_up_to_date(run: WaveRun, made_at: float) -> None:
    newer = [path for path in all_files(run.annotations) if path.stat().st_mtime > made_at]
    if newer:
        raise StudyError(
            f"the gold set of wave `{run.name}` is older than what came back",
            where=str(newer[0]),
            remedy=f"{run_as_usual(run.study)} to make it anew",
        )
