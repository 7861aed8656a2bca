"""What became of each row: from the rows of the sources through all stages, by state and reason."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from goldpan.html import Markup, table
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.asked import source_counts
from goldpan.report.index.bars import Bar, Segment, bars, legend
from goldpan.report.index.part import Links, Part, captioned, held, old, reasons_text, text_paragraph, told
from goldpan.study.run_again import run_as_usual

_LEGEND = (("ok", "ok"), ("skipped", "skipped"), ("failed", "came to nothing"), ("pending", "pending"))


def funnel_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """The picture of the funnel, its table, and what of it is open, old or damaged."""
    if not artifacts.study.stages:
        return Part("funnel", "What became of the records", [])
    content = [*_notes(artifacts)]
    steps = [*_sources(artifacts), *_stages(artifacts)]
    if steps:
        picture = bars([_bar(step) for step in steps], "Rows of each source and stage by what became of them")
        shown = {segment.kind for step in steps for segment in _segments(step["states"])}
        content.append(
            captioned(picture, "Rows of each source and stage. A stage that takes answers apart has more.")
        )
        content.append(legend([entry for entry in _LEGEND if entry[0] in shown]))
        content.append(_table(steps))
    content += _messages(artifacts)
    content += [_files(artifacts, links, stage) for stage in artifacts.study.stages]
    return Part("funnel", "What became of the records", content)


def _files(artifacts: StudyArtifacts, links: Links, stage: str) -> Markup:
    paths = artifacts.paths
    made = [paths.features(stage), paths.features_parquet(stage), paths.summary(stage), paths.chain(stage)]
    return links.list(*made, paths.duplicates(stage), paths.clusters(stage), of=stage)


def _notes(artifacts: StudyArtifacts) -> Iterator[Markup]:
    name = artifacts.study.study
    for stage in artifacts.study.stages:
        chain, summary = artifacts.chain(stage), artifacts.summary(stage)
        yield from told(
            summary,
            lambda made: _of_summary(stage, made),  # noqa: B023 - it is called at once
            missing=f"{stage} has no features yet: {run_as_usual(name)} to make them.",
        )
        yield from told(chain, lambda made: _does_not_fit(chain.path, stage, made, summary.made))  # noqa: B023
        if waiting := artifacts.waiting(stage):
            yield from told(waiting, lambda made: _waits(stage, made))  # noqa: B023


def _of_summary(stage: str, made: Any) -> Iterator[Markup]:
    states = dict(made["states"])
    if pending := states.get("pending"):
        yield text_paragraph(f"{stage}: {pending:,} records are not answered yet.", class_="warn")
    if trial := made.get("trial"):
        rows = ", ".join(f"the first {limit:,} rows of {source}" for source, limit in trial.items())
        yield text_paragraph(f"{stage}: a trial: only {rows}.", class_="warn")


def _does_not_fit(path: str, stage: str, made: Any, summary: Any) -> Iterator[Markup]:
    counts = next(counts for counts in made["stages"] if counts["stage"] == stage)
    if isinstance(summary, dict) and counts["rows"] != summary.get("records"):
        yield old(path, f"it counts {counts['rows']:,} rows of {stage}, whose features have others")


def _waits(stage: str, made: Any) -> Iterator[Markup]:
    yield text_paragraph(f"{stage}, round {made['round']}: {made['open']}.", class_="warn")


def _sources(artifacts: StudyArtifacts) -> Iterator[dict[str, Any]]:
    for name, counts in source_counts(artifacts).items():
        skipped = dict(counts.get("skipped") or {})
        states = {"ok": counts["records"], "skipped": sum(skipped.values())}
        yield {"step": name, "rows": counts["rows"], "states": states, "reasons": {"skipped": skipped}}


def _stages(artifacts: StudyArtifacts) -> Iterator[dict[str, Any]]:
    for stage in artifacts.study.stages:
        counts = held(artifacts.summary(stage), _of_stage)
        if counts is not None:
            yield {"step": stage, **counts}


def _of_stage(made: Any) -> dict[str, Any]:
    states = {str(state): int(count) for state, count in made["states"].items()}
    reasons = {str(state): dict(codes) for state, codes in made["reasons"].items()}
    return {"rows": int(made["records"]), "states": states, "reasons": reasons}


def _segments(states: dict[str, int]) -> list[Segment]:
    other = [state for state in states if state not in ("ok", "skipped", "pending")]
    parts = [
        ("ok", "ok", states.get("ok", 0)),
        *((("failed", state, states[state])) for state in other),
        ("pending", "pending", states.get("pending", 0)),
        ("skipped", "skipped", states.get("skipped", 0)),
    ]
    return [Segment(count, kind, f"{name}: {count:,}") for kind, name, count in parts if count]


def _bar(step: dict[str, Any]) -> Bar:
    ok = step["states"].get("ok", 0)
    return Bar(step["step"], _segments(step["states"]), f"{ok:,} of {step['rows']:,}")


def _table(steps: list[dict[str, Any]]) -> Markup:
    states = list(dict.fromkeys(name for step in steps for name, count in step["states"].items() if count))
    rows = [
        [
            step["step"],
            f"{step['rows']:,}",
            *(f"{step['states'].get(state, 0):,}" for state in states),
            "; ".join(
                reasons_text(codes) if state == "skipped" else f"{state}: {reasons_text(codes)}"
                for state, codes in step["reasons"].items()
                if codes
            ),
        ]
        for step in steps
    ]
    classes = [None, "number", *("number" for _ in states), "text"]
    return table(["Step", "Rows", *states, "Why"], rows, caption="Rows by state", classes=classes)


def _messages(artifacts: StudyArtifacts) -> Iterator[Markup]:
    rows: list[list[str]] = []
    for stage in artifacts.study.stages:
        rows += held(artifacts.summary(stage), partial(_messages_of, stage=stage)) or []
    if rows:
        yield table(
            ["Stage", "State", "Rows", "Message"],
            rows,
            caption="The commonest messages of rows that came to nothing",
            classes=[None, None, "number", "text"],
        )


def _messages_of(made: Any, stage: str) -> list[list[str]]:
    return [
        [stage, known["state"], f"{known['count']:,}", known["reason"]]
        for known in made.get("messages") or []
    ]
