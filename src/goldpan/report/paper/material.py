"""What a paper kit is made of: the artifacts of a study, each read once, its tasks and its own words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath, PureWindowsPath
from typing import Any

from goldpan.errors import GoldpanError
from goldpan.report.artifacts import Artifact, StudyArtifacts
from goldpan.report.counted_rows import answer_days, gold_counts, merged_counts, open_counts
from goldpan.report.next_steps import NextStep, next_steps
from goldpan.report.paper.private_names import without_names
from goldpan.study import Project
from goldpan.study.run_again import run_as_usual
from goldpan.tasks.task import Task, load_task


@dataclass(frozen=True)
class Missing:
    """A part that the kit would tell of, and cannot.

    Attributes:
        what: the part.
        path: the artifact, relative to the project root.
        remedy: what to do.
    """

    what: str
    path: str
    remedy: str


class Material:
    """All that a kit is made of.

    Args:
        project: the study with the places it belongs to.

    Attributes:
        study, paths, statement: of the project.
    """

    def __init__(self, project: Project):
        self.project, self.study, self.paths = project, project.study, project.paths
        self.statement = project.study.statement
        self._artifacts = StudyArtifacts(project)

    @cached_property
    def study_file(self) -> Artifact:
        """The settings of the study, as an artifact that numbers can be quoted from."""
        file = self.project.study_file.resolve()
        root = self.project.root.resolve()
        path = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
        return Artifact(path, self.study.model_dump(mode="json", by_alias=True))

    @cached_property
    def summaries(self) -> dict[str, Artifact]:
        """stage -> its summary."""
        needed = ("records", "states", "reasons")
        return {stage: _with(self._artifacts.summary(stage), needed) for stage in self.study.stages}

    @cached_property
    def plans(self) -> dict[str, Artifact]:
        """stage that asks somebody -> the plan of its first round."""
        return {stage: self._artifacts.plan(stage, 1) for stage in self.study.asked_stages}

    @cached_property
    def chains(self) -> dict[str, Artifact]:
        """stage -> the counts of its chain, of those that have them."""
        return {stage: chain for stage, chain in self._all_chains.items() if chain.made is not None}

    @cached_property
    def _all_chains(self) -> dict[str, Artifact]:
        needed = ("sources", "stages")
        return {stage: _with(self._artifacts.chain(stage), needed) for stage in self.study.stages}

    @cached_property
    def answered(self) -> dict[str, Artifact]:
        """stage that asks somebody -> the days on which it was answered."""
        return {stage: answer_days(self.project, stage) for stage in self.study.asked_stages}

    @cached_property
    def samples(self) -> dict[str, Artifact]:
        """wave -> population and sample."""
        needed = ("sampled", "population", "seed", "strata", "annotators")
        return {wave: _with(self._artifacts.sample(wave), needed) for wave in self.study.waves}

    @cached_property
    def statuses(self) -> dict[str, Artifact]:
        """wave -> who has answered how much."""
        needed = ("annotators", "blind")
        return {wave: _with(self._artifacts.wave_status(wave), needed) for wave in self.study.waves}

    @cached_property
    def agreements(self) -> dict[str, Artifact]:
        """wave -> its agreement."""
        needed = ("features", "provenance")
        return {
            wave: self._without_names(wave, _with(self._artifacts.agreement(wave), needed))
            for wave in self.study.waves
        }

    @cached_property
    def changes(self) -> dict[str, Artifact]:
        """wave -> what has changed since it was given out."""
        needed = ("study_notes", "record_notes")
        return {wave: _with(self._artifacts.wave_changes(wave), needed) for wave in self.study.waves}

    @cached_property
    def merged(self) -> dict[str, Artifact]:
        """wave -> how its answers became labels."""
        return {wave: merged_counts(self.project, wave) for wave in self.study.waves}

    @cached_property
    def open_answers(self) -> dict[str, Artifact]:
        """wave -> how many of its answers a person has yet to decide."""
        return {wave: open_counts(self.project, wave) for wave in self.study.waves}

    @cached_property
    def golds(self) -> dict[str, Artifact]:
        """wave -> what its gold set holds."""
        return {
            wave: gold_counts(self.project, wave, self._kinds(wave), sample)
            for wave, sample in self.samples.items()
        }

    @cached_property
    def embeddings(self) -> dict[str, Artifact]:
        """embedding -> what became of its records."""
        needed = ("models", "rows", "embedded", "truncated")
        return {name: _with(self._artifacts.embedding(name), needed) for name in self.study.embeddings}

    @cached_property
    def heads(self) -> dict[str, Artifact]:
        """head -> what it can do."""
        needed = ("targets", "measured_on", "settings")
        return {name: _with(self._artifacts.head(name), needed) for name in self.study.heads}

    @cached_property
    def evaluations(self) -> dict[str, Artifact]:
        """evaluation -> its figures."""
        needed = ("features", "models", "wave", "splits", "provenance")
        return {name: _with(self._artifacts.evaluation(name), needed) for name in self.study.evaluations}

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """Tasks of stages that ask somebody, by name; those that cannot be read are left out."""
        names = [choice.task for stage in self.study.asked_stages.values() for choice in stage.task]
        tasks = {}
        for name in dict.fromkeys(names):
            try:
                tasks[name] = load_task(name, self.project.tasks)
            except GoldpanError:
                continue
        return tasks

    def asked_hash(self, task: str) -> str | None:
        """The hash of a task as it was asked, by the summaries; None where it was not asked yet."""
        for summary in self.summaries.values():
            if summary.made and task in (asked := summary.made.get("tasks") or {}):
                return str(asked[task]["hash"])
        return None

    def is_as_asked(self, task: Task) -> bool:
        """Whether a task's files are still what was asked."""
        return self.asked_hash(task.name) in (None, task.hash)

    def annotator(self, wave: str, name: str) -> str:
        """What an annotator is called in a paper, as names are private: `A1`, `A2`, ... as in the study."""
        annotators = self.study.waves[wave].annotators
        return f"A{annotators.index(name) + 1}" if name in annotators else "A?"

    @cached_property
    def private_keys(self) -> dict[tuple[str, str | int], str]:
        """(path of an artifact, name of an annotator) -> what the annotator is called in a paper."""
        return {
            (path, name): self.annotator(wave, name)
            for wave, settings in self.study.waves.items()
            for path in (self.paths.sample_counts(wave), self.paths.wave_status(wave))
            for name in settings.annotators
        }

    def _without_names(self, wave: str, artifact: Artifact) -> Artifact:
        """An agreement with its annotators called as in a paper."""
        names = {name: self.annotator(wave, name) for name in self.study.waves[wave].annotators}
        return replace(artifact, made=without_names(artifact.made, names))

    @property
    def by_baseline(self) -> list[str]:
        """Stages of which the built-in baseline gave answers."""
        return [
            name for name, summary in self.summaries.items() if summary.made and summary.made.get("baseline")
        ]

    @cached_property
    def missing(self) -> list[Missing]:
        """Parts that are not there, cannot be read, or are older than what they are made from."""
        run = run_as_usual(self.study.study)
        missing = []
        for kind, artifacts in (
            ("the answers of stage", self.summaries),
            ("the counts of the chain to", _at_fault(self._all_chains)),
            ("the sample of wave", self.samples),
            ("the answers of wave", _at_fault(self.statuses)),
            ("the agreement of wave", self.agreements),
            ("the merged answers of wave", _at_fault(self.merged)),
            ("the gold set of wave", self.golds),
            ("the embedding", self.embeddings),
            ("the head", self.heads),
            ("the annotated records", _at_fault(self._annotated)),
            ("the selection", _at_fault(self._selections)),
            ("the evaluation", self.evaluations),
        ):
            for name, artifact in artifacts.items():
                what = f"{kind} {name}"
                if artifact.damage is not None:
                    missing.append(Missing(f"{what}: cannot be read", artifact.path, f"delete it and {run}"))
                elif artifact.made is None:
                    missing.append(
                        Missing(f"{what}: not made yet", artifact.path, self._remedy(kind, name, run))
                    )
                elif artifact.is_stale:
                    what = f"{what}: stale, older than what it is made from"
                    missing.append(Missing(what, artifact.path, run))
        return [*missing, *self._not_all_answered(), *self._given_out_before()]

    def _not_all_answered(self) -> Iterator[Missing]:
        """Waves of which somebody is not done; `next_steps` would name who by name."""
        for wave, status in self.statuses.items():
            people = (status.made or {}).get("annotators", {})
            left = [self.annotator(wave, name) for name, counts in people.items() if counts.get("left")]
            if left:
                folder = self.study.waves[wave].annotations_folder(self.study.study, wave)
                yield Missing(
                    f"the answers of wave {wave}: not complete, {', '.join(left)} did not answer all items",
                    status.path,
                    f"put the filled sheets into `{folder}/`, then {run_as_usual(self.study.study)}",
                )

    def _given_out_before(self) -> Iterator[Missing]:
        """Waves that are not of the study as it is now."""
        for wave, changes in self.changes.items():
            if changes.made and (changes.made["study_notes"] or changes.made["record_notes"]):
                yield Missing(
                    f"the wave {wave}: stale, given out before the study or its records changed",
                    changes.path,
                    "see what has changed; the wave stays as it was given out until it is drawn anew"
                    f" (goldpan waves redraw {wave} --study {self.study.study})",
                )

    @cached_property
    def steps(self) -> list[NextStep]:
        """What is to be done that `missing` does not say: batches, retries, adjudication; no names in it."""
        try:
            steps = next_steps(self._artifacts)
        except (KeyError, TypeError):
            # Artifacts of another form, which `missing` names.
            return []
        return [step for step in steps if step.kind in ("wait", "retry", "adjudicate")]

    @property
    def _annotated(self) -> dict[str, Artifact]:
        return {name: self._artifacts.annotated(name) for name in self.study.annotated}

    @property
    def _selections(self) -> dict[str, Artifact]:
        return {name: self._artifacts.selection(name) for name in self.study.selections}

    def _remedy(self, kind: str, name: str, run: str) -> str:
        if kind not in ("the agreement of wave", "the gold set of wave") or self.samples[name].made is None:
            return run
        folder = self.study.waves[name].annotations_folder(self.study.study, name)
        return f"put the filled sheets into `{folder}/`, then {run}"

    def _kinds(self, wave: str) -> dict[str, str]:
        agreement = self.agreements[wave].made
        return {feature["feature"]: feature["kind"] for feature in (agreement or {}).get("features", [])}


def _at_fault(artifacts: dict[str, Artifact]) -> dict[str, Artifact]:
    """Those that are damaged or stale; the study may go without the others."""
    return {name: artifact for name, artifact in artifacts.items() if artifact.damage or artifact.is_stale}


def _with(artifact: Artifact, needed: Sequence[str]) -> Artifact:
    """An artifact, or what stands for it where it lacks a key, as one of an earlier goldpan may."""
    if artifact.made is None:
        return artifact
    made: Any = artifact.made
    lacking = [key for key in needed if not isinstance(made, dict) or key not in made]
    if not lacking:
        return artifact
    return Artifact(artifact.path, None, damage=f"lacks {', '.join(lacking)}", is_stale=artifact.is_stale)


def model_name(name: str) -> str:
    """A model as the study names it; of one in a folder of this machine the folder's own name."""
    for path in (PurePath(name), PureWindowsPath(name)):
        if path.is_absolute() or name.startswith("~"):
            return path.name
    return name


def shown_parameters(params: dict[str, Any]) -> str:
    """Parameters of a request in one line; what may name somebody, or let somebody in, is not shown."""
    shown = {key: value for key, value in params.items() if key not in _NOT_SHOWN}
    return ", ".join(f"{key} = {value}" for key, value in shown.items())


_NOT_SHOWN = frozenset({"user", "metadata", "extra_headers", "headers", "safety_identifier", "api_key"})
