"""What a run has made, and what it cost: a line for each thing that people look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from goldpan.report.artifacts import Artifact, StudyArtifacts
from goldpan.study import Project


def made_since(project: Project, since: float) -> list[str]:
    """What was made or made anew.

    Args:
        since: Unix seconds.
    """
    artifacts = StudyArtifacts(project)
    study, paths = project.study, project.paths
    lines: list[str] = []
    parts: list[tuple[Any, Callable[[str], Artifact], Callable[[str, Any], str]]] = [
        (study.stages, artifacts.summary, lambda name, made: _stage(artifacts, name, made)),
        (study.waves, artifacts.agreement, lambda name, _: f"wave {name}: {paths.agreement(name, 'html')}"),
        (study.embeddings, artifacts.embedding, _embedding),
        (
            study.heads,
            artifacts.head,
            lambda name, made: f"head {name}: learned from {learned_from(made['splits'])}",
        ),
        (study.annotated, artifacts.annotated, _annotated),
        (
            study.selections,
            artifacts.selection,
            lambda name, made: (
                f"selection {name}: {made['selected']} of {made['rows']} rows,"
                f" {paths.selection(name, study.selections[name].suffix)}"
            ),
        ),
        (
            study.evaluations,
            artifacts.evaluation,
            lambda name, _: f"evaluation {name}: {paths.evaluation(name, 'html')}",
        ),
        (study.errors, artifacts.errors, lambda name, _: f"errors {name}: {paths.errors(name, 'html')}"),
        (
            study.optimised,
            artifacts.search,
            lambda name, made: f"search {name}: {_proposed(made)}; {paths.optimised(name, 'search.html')}",
        ),
        (
            study.exports,
            artifacts.export,
            lambda name, made: f"export {name}: {made['exported']:,} rows; {paths.export(name, 'card.md')}",
        ),
        (study.finetunes, artifacts.training, _training),
    ]
    for names, read, line in parts:
        lines += _new(project, names, read, line, since)
    for wave in study.waves:
        card = project.root / paths.gold(wave, "card.md")
        if card.exists() and card.stat().st_mtime >= since:
            lines.append(f"gold set of wave {wave}: {paths.gold(wave, 'card.md')}")
    return lines


def learned_from(splits: Mapping[str, int]) -> str:
    """What a head learned from, in words: the records of `train`. The others only say when to stop, and how
    good it is."""
    others = ", ".join(f"{count:,} {split}" for split, count in splits.items() if split != "train")
    return f"{splits['train']:,} records" + (f" ({others})" if others else "")


def _new(
    project: Project,
    names: Any,
    read: Callable[[str], Artifact],
    line: Callable[[str, Any], str],
    since: float,
) -> Iterator[str]:
    for name in names:
        artifact = read(name)
        # A file of another version may lack what is told here, and what is damaged is told elsewhere.
        with suppress(KeyError, TypeError, AttributeError, OSError):
            if artifact.made is not None and (project.root / artifact.path).stat().st_mtime >= since:
                yield line(name, artifact.made)


def _stage(artifacts: StudyArtifacts, name: str, made: Any) -> str:
    states = ", ".join(f"{count:,} {state}" for state, count in made["states"].items() if count)
    return f"stage {name}: {made['records']:,} records: {states or 'none'}{_cost(artifacts, name, made)}"


def _cost(artifacts: StudyArtifacts, name: str, made: Any) -> str:
    if name not in artifacts.study.asked_stages:
        return ""
    if made.get("baseline"):
        return "; by goldpan's built-in baseline, which is weak and free"
    return "; what it cost is not known" if made["cost_usd"] is None else f"; {made['cost_usd']:.4f} USD"


def _embedding(name: str, made: Any) -> str:
    return f"embedding {name}: {made['embedded']:,} of {made['rows']:,} records"


def _proposed(made: Any) -> str:
    proposed = made["decision"]["proposed"]
    return f"proposes {proposed}" if proposed else "proposes no other prompt"


def _training(name: str, made: Any) -> str:
    return (
        f"finetune {name}: learned from {made['data']['train']['rows']:,} rows; the loss on valid is"
        f" {made['valid_loss']:.4f}, before it was {made['untuned_valid_loss']:.4f}"
    )


def _annotated(name: str, made: Any) -> str:
    return f"annotated {name}: {made['annotated']:,} of {made['rows']:,} records"
