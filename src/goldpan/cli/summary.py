"""What a study has made so far, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from goldpan.batches.answered_twice import settled_notes
from goldpan.batches.budget import Spending, overspent, spending_of
from goldpan.batches.messages import message_lines
from goldpan.batches.summary import request_notes
from goldpan.chains.counts import read_chain
from goldpan.cli.chain_table import print_chain
from goldpan.cli.tables import print_table
from goldpan.errors import GoldpanError, LedgerError, SourceError
from goldpan.ledger import Ledger
from goldpan.records.limit import trial_of, trial_text
from goldpan.report.artifacts import Artifact, StudyArtifacts
from goldpan.stages.upstream import failures_before, failures_text
from goldpan.study import Project
from goldpan.visible_text import printable

_NOT_YET = "not made yet"
_DAMAGED = "cannot be read: delete it and run again, which makes it anew"


def print_summary(project: Project) -> None:
    """Print counts by state, how far the waves are, what the models can do, and where to look."""
    artifacts = StudyArtifacts(project)
    _print_stages(artifacts)
    _print_chains(artifacts)
    parts = (
        (project.study.waves, ["wave", "items", "answers", "look at"], _wave),
        (
            project.study.embeddings,
            ["embedding", "records", "embedded", "truncated", "skipped", "counts"],
            _embedding,
        ),
        (project.study.heads, ["head", "labelled", "on the test split (95 % interval)", "metrics"], _head),
        (project.study.annotated, ["annotated", "records", "annotated", "skipped", "counts"], _annotated),
        (project.study.selections, ["selection", "records", "selected", "where", "rows"], _selection),
        (project.study.evaluations, ["evaluation", "items evaluated", "look at"], _evaluation),
        (project.study.errors, ["errors", "worse slices", "clusters", "doubtful gold", "look at"], _errors),
        (project.study.optimised, ["search", "tried", "proposed", "look at"], _search),
        (project.study.exports, ["export", "train", "valid", "test", "left out", "look at"], _export),
        (project.study.finetunes, ["finetune", "rows", "steps", "loss on valid", "look at"], _training),
    )
    for names, head, row in parts:
        if names:
            print()
            print_table(head, [_row(artifacts, name, row, len(head)) for name in names], empty="")
    _print_head_warnings(artifacts)
    print_trial(project)
    print_wave_changes(project)
    _print_next_steps(artifacts)


def _print_next_steps(artifacts: StudyArtifacts) -> None:
    from goldpan.report.next_steps import next_steps

    # That a file is damaged, and how, stands in its row.
    with suppress(KeyError, TypeError, AttributeError, SourceError):
        for step in next_steps(artifacts):
            if step.kind not in ("look", "mend"):
                print(printable(f"next: {step.text_elsewhere}"))


def _row(
    artifacts: StudyArtifacts, name: str, cells: Callable[[StudyArtifacts, str], list[Any]], width: int
) -> list[Any]:
    """A row of a table; of a damaged file only that it is one, so that the others are shown."""
    try:
        return [name, *cells(artifacts, name)]
    except (KeyError, TypeError, AttributeError, SourceError):
        return [name, *[None] * (width - 2), _DAMAGED]


def _print_stages(artifacts: StudyArtifacts) -> None:
    project = artifacts.project
    head = ["stage", "records", "ok", "others", "answers USD", "spent USD", "features"]
    rows = [_row(artifacts, stage, _stage, len(head)) for stage in project.study.stages]
    starred = [stage for stage in project.study.stages if _is_by_baseline(artifacts, stage)]
    for row in rows:
        row[0] = f"{row[0]} *" if row[0] in starred else row[0]
    print_table(head, rows, empty="no stages")
    print_failures(project)
    _print_thresholds(artifacts)
    for stage in project.study.stages:
        with suppress(AttributeError, TypeError, SourceError):
            for note in request_notes(_made(artifacts.summary(stage)) or {}):
                print(f"{stage}: {note}")
        with suppress(AttributeError, KeyError, TypeError, SourceError):
            for earlier, failures in failures_before(project, stage).items():
                print(f"{stage}: {failures_text(earlier, failures)}; skipped here")
    if starred:
        print("* answered by goldpan's built-in baseline, a weak annotator for trying things out")


def _print_thresholds(artifacts: StudyArtifacts) -> None:
    """Print what the thresholds of filters that were chosen from a gold set cost."""
    for stage in artifacts.study.local_stages:
        threshold = artifacts.threshold(stage)
        try:
            made = _made(threshold)
            if made is not None:
                # Only here, as what it is computed with takes a second to load.
                from goldpan.chains.filter.threshold_text import threshold_text

                print(f"{stage}: {threshold_text(made)}; {threshold.path}")
        except (KeyError, TypeError, AttributeError, SourceError):
            print(f"{stage}: {threshold.path} {_DAMAGED}")


def _print_chains(artifacts: StudyArtifacts) -> None:
    for stage in artifacts.study.stages:
        chain = artifacts.chain(stage)
        if not chain.is_there:
            continue
        print()
        try:
            print_chain(read_chain(artifacts.project.root / chain.path))
        except SourceError as error:
            print(printable(str(error)))
            continue
        if chain.is_stale:
            print("older than the features: run again")


def _stage(artifacts: StudyArtifacts, stage: str) -> list[Any]:
    project, summary = artifacts.project, artifacts.summary(stage)
    made, features = _made(summary), str(Path(summary.path).with_name("features.jsonl"))
    if made is None:
        return [None, None, _NOT_YET, None, _spent(project, stage), features]
    others = [f"{count} {state}" for state, count in made["states"].items() if count and state != "ok"]
    if made.get("trial"):
        others.append(trial_text(made["trial"]))
    if summary.is_stale:
        others.append("older than what is to be asked: run again")
    cost = made["cost_usd"]
    return [
        *(made["records"], made["states"]["ok"], ", ".join(others) or "-"),
        *("unknown" if cost is None else f"{cost:.4f}", _spent(project, stage), features),
    ]


def _is_by_baseline(artifacts: StudyArtifacts, stage: str) -> bool:
    made = artifacts.summary(stage).made
    return isinstance(made, dict) and bool(made.get("baseline"))


def print_failures(project: Project, file: TextIO | None = None) -> None:
    """Print the commonest whole messages of each stage whose rows came to nothing.

    Args:
        file: where to; default standard output.
    """
    artifacts = StudyArtifacts(project)
    for stage in project.study.stages:
        # Summaries that were made before there were messages have none.
        with suppress(KeyError, TypeError):
            for line in message_lines((artifacts.summary(stage).made or {})["messages"]):
                print(f"{stage}: {line}", file=file)
        for note in settled_notes(project, stage):
            print(f"{stage}: {note}", file=file)
        settings = project.study.asked_stages.get(stage)
        if settings is not None and settings.budget_usd is not None:
            spending = _spending(project, stage)
            if spending and (too_much := overspent(settings, spending)):
                print(f"{stage}: {too_much}", file=file)


def print_trial(project: Project, file: TextIO | None = None) -> None:
    """Print which sources were read only in part, if any, and what that means.

    Args:
        file: where to; default standard output.
    """
    # That the files of a source are gone is told by what reads them.
    with suppress(GoldpanError):
        trial = trial_of(project, project.study.sources)
        if trial:
            print(
                f"{trial_text(trial)}; a run without the limit goes on from here, and pays for the other rows"
                " alone; a wave that is drawn now stays one of these rows",
                file=file,
            )


def print_wave_changes(project: Project, file: TextIO | None = None) -> None:
    """Print what has changed since waves were given out, as the last run saw it.

    Args:
        file: where to; default standard output.
    """
    from goldpan.waves.steps.changes import changes_left

    for wave in project.study.waves:
        for note in changes_left(project, wave).notes_with_remedy():
            print(printable(f"wave {wave}: {note}"), file=file)


def _spending(project: Project, stage: str) -> Spending | None:
    """What a stage has cost by the ledger; None where there is none that can be read, which other commands
    say."""
    if not project.ledger.exists():
        return None
    with suppress(LedgerError), Ledger(project.ledger) as ledger:
        return spending_of(ledger, project.study.study, stage, project.study.asked_stages[stage])
    return None


def _spent(project: Project, stage: str) -> str | None:
    if not project.ledger.exists():
        return None
    if stage not in project.study.asked_stages:
        return "-"
    spending = _spending(project, stage)
    return "unknown" if spending is None or spending.unpriced else f"{spending.total_usd:.4f}"


def _made(artifact: Artifact) -> Any:
    """What an artifact holds; None while it is not there.

    Raises:
        SourceError: it is damaged.
    """
    if artifact.damage is not None:
        raise SourceError(artifact.damage, where=artifact.path)
    return artifact.made


def _wave(artifacts: StudyArtifacts, wave: str) -> list[Any]:
    """Items of a wave, how far its annotators are, and the file that says most about it."""
    paths = artifacts.paths
    counts = _made(artifacts.sample(wave))
    if counts is None:
        return [None, "not drawn yet", paths.sample(wave)]
    status = _made(artifacts.wave_status(wave))
    if status is None:
        return [counts["sampled"], "sheets are out", str(Path(paths.sheet(wave, "x")).parent)]
    return [counts["sampled"], status["state"], paths.agreement(wave, "html")]


def _embedding(artifacts: StudyArtifacts, embedding: str) -> list[Any]:
    summary = artifacts.embedding(embedding)
    made = _made(summary)
    if made is None:
        return [None, None, None, _NOT_YET, summary.path]
    return [made["rows"], made["embedded"], made["truncated"], _reasons(made["skipped"]), summary.path]


def _head(artifacts: StudyArtifacts, head: str) -> list[Any]:
    metrics = artifacts.head(head)
    made = _made(metrics)
    if made is None:
        waiting = artifacts.study.heads[head].labels.wave
        return [None, f"waits for the sheets of {waiting}" if waiting else _NOT_YET, metrics.path]
    return [made["labelled"], head_figures(made), metrics.path]


def head_figures(metrics: dict[str, Any]) -> str:
    """The main figure of each target of a head with its interval, from its metrics.json."""
    from goldpan.heads.measured import MAIN_FIGURE

    figures = []
    for target, report in metrics["targets"].items():
        name = MAIN_FIGURE[report["kind"]]
        figures.append(f"{target}: {name} {_figure(report['figures'][name])}")
        if metrics["measured_on"] != "test":
            figures[-1] += f" on {metrics['measured_on']}"
    return "; ".join(figures)


def _figure(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return f"undefined ({figure['reason']})" if figure.get("reason") else "undefined"
    interval = figure["interval"]
    if interval:
        return f"{figure['value']:.2f} [{interval['low']:.2f}, {interval['high']:.2f}]"
    # Metrics that were made before figures had reasons have no interval where groups are too few.
    return f"{figure['value']:.2f} ({figure.get('reason', 'too few groups for an interval')})"


def _print_head_warnings(artifacts: StudyArtifacts) -> None:
    for head in artifacts.study.heads:
        # A damaged file is told in the table; metrics of earlier versions have no warnings.
        with suppress(TypeError, AttributeError):
            metrics = artifacts.head(head).made or {}
            if metrics.get("trial"):
                print(f"! head {head}: learned from, and measured on, {trial_text(metrics['trial'])}")
            for warning in metrics.get("warnings", []):
                print(f"! head {head}: {warning}")


def _annotated(artifacts: StudyArtifacts, annotated: str) -> list[Any]:
    summary = artifacts.annotated(annotated)
    made = _made(summary)
    if made is None:
        return [None, None, _NOT_YET, summary.path]
    return [made["rows"], made["annotated"], _reasons(made["skipped"]), summary.path]


def _selection(artifacts: StudyArtifacts, selection: str) -> list[Any]:
    settings = artifacts.study.selections[selection]
    rows = artifacts.paths.selection(selection, settings.suffix)
    made = _made(artifacts.selection(selection))
    if made is None:
        return [None, None, settings.where, _NOT_YET]
    return [made["rows"], made["selected"], made["where"], rows]


def _evaluation(artifacts: StudyArtifacts, evaluation: str) -> list[Any]:
    made = _made(artifacts.evaluation(evaluation))
    if made is None:
        return [None, _NOT_YET]
    items = max((feature["items"]["evaluated"] for feature in made["features"]), default=0)
    return [items, artifacts.paths.evaluation(evaluation, "html")]


def _errors(artifacts: StudyArtifacts, errors: str) -> list[Any]:
    made = _made(artifacts.errors(errors))
    if made is None:
        return [None, None, None, _NOT_YET]
    models = [model for feature in made["features"] for model in feature["models"]]
    return [
        sum(known["is_significant"] for model in models for known in model["slices"]["slices"]),
        sum(len(model["clusters"]["clusters"]) for model in models),
        sum(len(feature["suspects"]["suspects"]) for feature in made["features"]),
        artifacts.paths.errors(errors, "html"),
    ]


def _training(artifacts: StudyArtifacts, finetune: str) -> list[Any]:
    training = artifacts.training(finetune)
    made = _made(training)
    if made is None:
        return [None, None, _NOT_YET, training.path]
    loss = f"{made['valid_loss']:.4f}, untuned {made['untuned_valid_loss']:.4f}"
    rows = made["data"]["train"]["rows"]
    return [rows, made["steps"], loss, artifacts.paths.finetuned(finetune, "card.md")]


def _search(artifacts: StudyArtifacts, optimised: str) -> list[Any]:
    made = _made(artifacts.search(optimised))
    if made is None:
        return [None, None, _NOT_YET]
    decision, page = made["decision"], artifacts.paths.optimised(optimised, "search.html")
    return [decision["tried"], decision["proposed"] or "none", page]


def _export(artifacts: StudyArtifacts, export: str) -> list[Any]:
    made = _made(artifacts.export(export))
    if made is None:
        return [None, None, None, None, _NOT_YET]
    rows = [counts["rows"] for counts in made["splits"].values()]
    return [*rows, sum(made["left_out"].values()), artifacts.paths.export(export, "card.md")]


def _reasons(skipped: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in skipped.items()) or "-"
