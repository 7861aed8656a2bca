"""What a filter names leads somewhere, and does not hang on what the filter itself lets through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from goldpan.study.filter import GoldThreshold
from goldpan.study.local_stage import FilterStage
from goldpan.study.provider import OwnModelSettings
from goldpan.study.stage import Stage

if TYPE_CHECKING:
    from goldpan.study.model import Study


def check_filters(study: Study) -> Iterator[str]:
    """What is wrong with the names in the filters of a study, where all others lead somewhere."""
    for name, stage in study.stages.items():
        if isinstance(stage, FilterStage):
            names = list(_unknown_names(study, name, stage))
            yield from names or _circles(study, name, stage)


def waves_awaited(study: Study, stage: str) -> set[str]:
    """The waves whose gold set decides what a stage gets, or who answers it: through filters before it and
    their heads, and through what a model of one's own has learned from."""
    return {wave for place in _needs(study, ("stage", stage)) if (wave := _name(place, "wave"))}


def _unknown_names(study: Study, name: str, stage: FilterStage) -> Iterator[str]:
    place = f"stages.{name}"
    if stage.head is not None:
        head = study.heads.get(stage.head.name)
        if head is None:
            yield f"{place}.head: there is no head `{stage.head.name}`; there are: {_listed(study.heads)}"
        else:
            embedded = study.embeddings[head.embedding].source
            lacking = [source for source in study.sources_of(name) if source not in embedded]
            if lacking:
                yield (
                    f"{place}.head: `{head.embedding}`, which the head was trained on, does not embed"
                    f" `{'`, `'.join(lacking)}`, whose records are filtered"
                )
            target = stage.head.target
            if target is not None and target not in head.targets:
                yield (
                    f"{place}.head.target: the head `{stage.head.name}` has no target `{target}`; it has:"
                    f" {_listed(head.targets)}"
                )
            if target is None and len(head.targets) > 1:
                yield (
                    f"{place}.head: `{stage.head.name}` has several targets; name one:"
                    f" {_listed(head.targets)}"
                )
    threshold = stage.threshold
    if not isinstance(threshold, GoldThreshold) or not threshold.wave:
        return
    if threshold.wave not in study.waves:
        yield (
            f"{place}.threshold.wave: there is no wave `{threshold.wave}`; there are: {_listed(study.waves)}"
        )
        return
    asked = study.waves[threshold.wave].features
    if asked is not None and threshold.feature not in asked:
        yield (
            f"{place}.threshold.feature: the wave `{threshold.wave}` does not ask `{threshold.feature}`; it"
            f" asks: {_listed(asked)}"
        )


def _circles(study: Study, name: str, stage: FilterStage) -> Iterator[str]:
    """A filter may not need, to decide, what it has let through itself."""
    threshold = stage.threshold
    parts = []
    if stage.head is not None:
        parts.append((f"stages.{name}.head", ("head", stage.head.name)))
    if isinstance(threshold, GoldThreshold) and threshold.wave:
        parts.append((f"stages.{name}.threshold.wave", ("wave", threshold.wave)))
    for place, part in parts:
        path = made_from(study, part, ("stage", name))
        if path:
            through = " <- ".join(f"{kind} `{named}`" for kind, named in path)
            yield (
                f"{place}: the filter `{name}` would need what it lets through itself ({through}); take"
                " labels of records that it does not decide about, as of a stage that reads the source"
            )


_Part = tuple[str, str]
"""Kind and name: stage, head, wave, finetune or export."""


def _before(study: Study, part: _Part) -> Iterator[_Part]:
    """What a stage, head, wave, fine-tuned model or export is made from."""
    kind, name = part
    if kind == "stage" and name in study.stages:
        stage = study.stages[name]
        yield from (("stage", before) for before in stage.input.stages)
        if isinstance(stage, FilterStage):
            if stage.head is not None:
                yield "head", stage.head.name
            if isinstance(stage.threshold, GoldThreshold) and stage.threshold.wave:
                yield "wave", stage.threshold.wave
        provider = study.providers.get(stage.provider) if isinstance(stage, Stage) else None
        if isinstance(provider, OwnModelSettings) and provider.finetuned:
            yield "finetune", provider.finetuned
    if kind == "finetune" and name in study.finetunes:
        yield "export", study.finetunes[name].export
    if kind == "export" and name in study.exports:
        export = study.exports[name]
        yield from (("stage", stage) for stage in [export.stage] if stage)
        yield from (("wave", wave) for wave in [export.gold] if wave)
    if kind == "head" and name in study.heads:
        labels = study.heads[name].labels
        yield from (("stage", stage) for stage in labels.stage or [])
        if labels.wave:
            yield "wave", labels.wave
    if kind == "wave" and name in study.waves and study.waves[name].stage:
        yield "stage", study.waves[name].stage or ""


def made_from(study: Study, start: _Part, goal: _Part) -> list[_Part]:
    """How `goal` is among what `start` is made from, each by kind and name; empty where it is not."""
    paths: dict[_Part, list[_Part]] = {start: [start]}
    waiting = [start]
    while waiting:
        part = waiting.pop()
        if part == goal:
            return paths[part]
        for before in _before(study, part):
            if before not in paths:
                paths[before] = [*paths[part], before]
                waiting.append(before)
    return []


def _needs(study: Study, part: _Part) -> set[_Part]:
    """All that a part is made from, and itself."""
    met, waiting = {part}, [part]
    while waiting:
        new = set(_before(study, waiting.pop())) - met
        met |= new
        waiting += new
    return met


def _name(part: _Part, kind: str) -> str | None:
    return part[1] if part[0] == kind else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
