"""What models are fine-tuned on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.finetune.exports.files import CARD, LEFT_OUT, PROVENANCE, SPLIT_FILES
from goldpan.html import Markup, element, table
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.part import Links, Part, reasons_text, text_paragraph, told
from goldpan.study.run_again import run_as_usual


def exports_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """Each export: its rows, tokens and negatives by split, and what is not in it."""
    content: list[Markup] = []
    run = run_as_usual(artifacts.study.study)
    for name, settings in artifacts.study.exports.items():
        content.append(element("h3", name, id=f"export-{name}"))
        waits = settings.gold is not None and artifacts.gold_rows(settings.gold) is None
        why = f"it waits for the filled sheets of wave {settings.gold}." if waits else f"{run} to make it."
        content += told(artifacts.export(name), _export, missing=f"Not made yet: {why}")
        files = (CARD, *SPLIT_FILES, PROVENANCE, LEFT_OUT)
        content.append(links.list(*(artifacts.paths.export(name, file) for file in files)))
    return Part("exports", "Fine-tuning data", content)


def _export(made: Any) -> Iterator[Markup]:
    header = ["Split", "Rows", "Groups", "With gold", "Negatives", "Tokens", "Longest row"]
    rows = []
    for split, counts in made["splits"].items():
        figures = [counts[key] for key in ("rows", "groups", "with_gold", "negatives")]
        figures += [counts["tokens"]["total"], counts["tokens"]["longest"]]
        rows.append([split, *(f"{figure:,}" for figure in figures)])
    caption = f"As {made['row_format']}; tokens counted by {made['tokens']['counted_by']}"
    yield table(header, rows, caption=caption, text_columns=1)
    for note in made["notes"]:
        yield text_paragraph(note, class_="warn")
    if made["left_out"]:
        yield text_paragraph(f"Not exported: {reasons_text(made['left_out'])}.", class_="soft")
