"""Checking the searches of a study as far as that is possible before anything is asked."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from goldpan.errors import ErrorGatherer, StudyError
from goldpan.optimise.gold_rows import (
    SPLIT_OF_FIELDS,
    SearchData,
    gold_names_of,
    read_search_data,
    searched_task,
    searched_values,
)
from goldpan.optimise.improver_stage import improver_stage
from goldpan.optimise.ledger_stage import single_request_price, unknown_price
from goldpan.optimise.task_version import components_of
from goldpan.providers.connect import provider_class
from goldpan.records.first_rows import FIRST_ROWS, first_records
from goldpan.records.inputs import source_files
from goldpan.stages.proposed_tasks import is_adopted
from goldpan.study.load import Project
from goldpan.study.optimised import Method, Optimised
from goldpan.waves.steps.run import WaveRun

LEAST_LOOKS = 15
"""A method that may look at fewer answers than so many times dev is refused: it could not choose."""
_NEEDS: dict[Method, tuple[str, str]] = {"gepa": ("gepa", "analysis"), "dspy_copro": ("dspy", "dspy")}
"""Method -> module that it needs, and the extra of goldpan that brings it."""


def check_searches(project: Project) -> Iterator[str]:
    """Look for what searches name, at their budgets, and at the first rows with gold in fields; yields lines
    about each, and raises in the end all that is wrong: else it would be seen only after what stands before a
    search was paid for.

    A search whose proposal is asked has done its work, and nothing is said against it.

    Raises:
        StudyError: what the study names does not fit together, the budget is too small, or rows of train or
            dev are near-duplicates of test rows.
        TaskError, SourceError, PromptError: a task, a source or a prompt cannot be used.
    """
    wrong = ErrorGatherer()
    for name, settings in project.study.optimised.items():
        if is_adopted(project, name):
            yield f"search {name}: what it proposed is asked; it is made again only where it is named"
            continue
        before = len(wrong.errors)
        with wrong.gather():
            _check_shares(project, name)
        with wrong.gather():
            check_answerers(project, name)
        with wrong.gather():
            _check_prices(project, name)
        with wrong.gather():
            _check_task(project, name)
        if len(wrong.errors) == before:
            with wrong.gather():
                _check_first_rows(project, name)
        if len(wrong.errors) > before:
            continue
        yield f"search {name}: {', '.join(settings.methods)}, up to {settings.budget.answers:,} answers each"
        for problem in _not_installed(settings.methods):
            yield f"search {name}: note: {problem}"
    wrong.finish()


def _check_shares(project: Project, name: str) -> None:
    """Check that neither train nor dev is empty by its share, and the budget enough for one row of dev."""
    settings = project.study.optimised[name]
    wave = project.study.evaluations[settings.evaluation or settings.stage].wave
    of_wave = project.study.waves[wave].gold if wave is not None else None
    split = settings.split or SPLIT_OF_FIELDS if wave is None else of_wave and of_wave.split
    place = f"waves.{wave}.gold.split" if wave is not None else f"optimised.{name}.split"
    for part in ("train", "dev"):
        if split is not None and getattr(split, part) == 0:
            raise StudyError(
                f"no row with gold is in {part}: its share is 0", where=place, remedy="give it a share"
            )
    check_answers(project, name, 1)


def check_methods_installed(methods: Sequence[Method]) -> None:
    """Check that what the methods need is installed. Raises StudyError."""
    for problem in _not_installed(methods):
        raise StudyError(problem, remedy="install it, or leave the method out")


def _not_installed(methods: Sequence[Method]) -> Iterator[str]:
    for method in methods:
        module, extra = _NEEDS.get(method, ("", ""))
        if module and find_spec(module) is None:
            yield (
                f"the method `{method}` needs {module}, which is not installed: pip install"
                f" 'goldpan[{extra}]'"
            )


def check_rows(project: Project, name: str, data: SearchData) -> None:
    """Check that there are rows, and that the budget allows a choice. Raises StudyError."""
    for split in ("train", "dev"):
        if not data.of_split(split):
            raise StudyError(
                f"no row with gold is in {split}",
                where=f"{project.study_file}: optimised.{name}",
                remedy="give more rows gold, or other shares: `split` here, `gold.split` of a wave",
            )
    check_answers(project, name, len(data.of_split("dev")))


def check_answers(project: Project, name: str, dev: int) -> None:
    """Check that the budget allows a choice by so many dev rows. Raises StudyError."""
    if project.study.optimised[name].budget.answers < LEAST_LOOKS * dev:
        raise _too_few_answers(project, name, dev)


def _too_few_answers(project: Project, name: str, dev: int) -> StudyError:
    least = LEAST_LOOKS * dev
    return StudyError(
        f"{project.study.optimised[name].budget.answers:,} answers are too few to choose among prompts by"
        f" {dev:,} dev rows: at least {LEAST_LOOKS} times as many, {least:,}, are needed",
        where=f"{project.study_file}: optimised.{name}.budget.answers",
        remedy=f"write {least}, or make dev smaller",
    )


def _check_task(project: Project, name: str) -> None:
    settings, where = project.study.optimised[name], f"optimised.{name}"
    task = searched_task(project, settings, where)
    wrong = ErrorGatherer()
    with wrong.gather():
        components_of(task, settings.improves, where)
    with wrong.gather():
        values = searched_values(project, settings, task, where)
        if settings.ceiling is not None:
            _check_ceiling(project, settings, list(gold_names_of(project, settings, values).values()), where)
    wrong.finish()


def _check_ceiling(project: Project, settings: Optimised, features: list[str], where: str) -> None:
    study, wave = project.study, settings.ceiling or ""
    of_wave, of_stage = study.sources_of_wave(wave), study.sources_of(settings.stage)
    stage = study.waves[wave].stage
    same_kind = stage is None or study.parts_of(stage) == study.parts_of(settings.stage)
    if not set(of_wave) & set(of_stage) or not same_kind:
        raise StudyError(
            f"the wave `{wave}` is not about the records of the stage `{settings.stage}`",
            where=f"{where}.ceiling",
            remedy="name a wave in which several people answered these records, or leave it out",
        )
    asked = WaveRun(project, wave).codebook.by_name
    if not set(features) & set(asked):
        raise StudyError(
            f"the wave `{wave}` asks people for none of {', '.join(features)}, but for {', '.join(asked)}",
            where=f"{where}.ceiling",
            remedy="name a wave in which several people answered that, or leave it out",
        )


def check_answerers(project: Project, name: str) -> None:
    """Check that a search asks nobody who answers in jobs.

    Raises:
        StudyError: it does: each of its many small rounds would load the model anew.
    """
    settings, providers = project.study.optimised[name], project.study.providers
    asked = {
        f"stages.{settings.stage}.provider": project.study.asked_stages[settings.stage].provider,
        f"optimised.{name}.improver.provider": settings.improver.provider,
    }
    for where, provider in asked.items():
        if provider_class(providers[provider]).answers_in_jobs and not project.replays:
            raise StudyError(
                f"a search asks in many small rounds, and `{provider}` (kind: {providers[provider].kind})"
                " answers a shard to a job",
                where=where,
                remedy="serve the model, e.g. with `vllm serve`, and name that as `kind: openai` with its"
                " `base_url` (docs/engines.md)",
            )


def _check_prices(project: Project, name: str) -> None:
    """Check that the improver can be asked, and that a limit in USD can be kept."""
    settings = project.study.optimised[name]
    stages = [project.study.asked_stages[settings.stage], improver_stage(project, name)]
    if settings.budget.usd is None or project.replays:
        return
    for stage in stages:
        if single_request_price(project, stage) is None:
            raise unknown_price(stage.model, f"optimised.{name}.budget.usd")


def _check_first_rows(project: Project, name: str) -> None:
    """Look at the first rows as the search will at all, where they are known without asking anybody."""
    study, settings = project.study, project.study.optimised[name]
    evaluation = study.evaluations[settings.evaluation or settings.stage]
    stage = study.stages[settings.stage].input
    sources = [*(stage.source or []), *(evaluation.source or [])]
    of_trial = any(study.sources[source].limit is not None for source in sources)
    if evaluation.wave is not None or stage.stages or stage.neighbours or of_trial:
        return
    with tempfile.TemporaryDirectory(prefix="goldpan-search-") as folder:
        files = {
            source: list(first_records(project, source, Path(folder))) for source in dict.fromkeys(sources)
        }
        records = [file for source in stage.source or [] for file in files[source]]
        gold = [file for source in evaluation.source or [] for file in files[source]]
        data = read_search_data(project, name, records, gold)
        is_whole = all(
            len(made) == len(source_files(study.sources[source], project.root)) and _rows(made) < FIRST_ROWS
            for source, made in files.items()
        )
    if is_whole:
        check_rows(project, name, data)
    elif settings.near_duplicates == "refuse":
        # There may be more of them, and not fewer.
        check_answers(project, name, len(data.of_split("dev")))


def _rows(files: Sequence[Path]) -> int:
    return sum(file.read_bytes().count(b"\n") for file in files)
