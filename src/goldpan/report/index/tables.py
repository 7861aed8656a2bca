"""Links to what is a page or table of its own: tables of chains and stages, runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.html import Markup, element, table
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.part import Links, Part, held, text_paragraph

_MOST_TABLES = 20


def tables_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """The tables of chains and of stages."""
    study, paths = artifacts.study, artifacts.paths
    content: list[Markup] = []
    for name, settings in study.tables.items():
        files = [links.to(paths.table(name, suffix), f"{name}.{suffix}") for suffix in settings.suffixes]
        by = f", by {', '.join(settings.by)}" if settings.by else ""
        content.append(
            text_paragraph(
                element("b", name), f" of the chain to {settings.stage}{by}: ", *_with_commas(files)
            )
        )
    for stage in study.stages:
        made = artifacts.stage_tables(stage)
        if made:
            shown = [links.to(path, path.split("/tables/", 1)[-1]) for path in made[:_MOST_TABLES]]
            more = f" and {len(made) - _MOST_TABLES:,} more" if len(made) > _MOST_TABLES else ""
            content.append(
                text_paragraph(element("b", stage), ", a table for each file: ", *_with_commas(shown), more)
            )
    return Part("tables", "Tables", content)


def _with_commas(parts: list[Markup]) -> Iterator[Markup]:
    for place, part in enumerate(parts):
        yield part if place == 0 else Markup(", ") + part


def runs_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """The runs of stages that are evaluated on gold in fields."""
    rows = []
    for stage in artifacts.study.asked_stages:
        run = held(artifacts.run(stage), lambda made: dict(made))
        if run is not None:
            rows.append(
                [
                    stage,
                    _shown(run, "id"),
                    _shown(run, "module"),
                    links.to(artifacts.paths.run(stage, "json")),
                ]
            )
    content = []
    if rows:
        content.append(table(["Stage", "Run", "Module", "File"], rows, caption="Runs", text_columns=4))
        for tracker in artifacts.study.trackers:
            content.append(text_paragraph(f"Uploaded to {tracker} when all else is made.", class_="soft"))
    return Part("runs", "Runs", content)


def _shown(run: dict[str, Any], key: str) -> str:
    return str(run.get(key) or "–")
