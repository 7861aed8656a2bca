"""Sheets as one self-contained HTML page: it opens from a disk, asks nobody, and exports a JSON file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from goldpan.html import Markup, data_block, escape, page
from goldpan.study.wave import Language, Wave
from goldpan.tasks.features import Binary, Feature, value_of
from goldpan.waves.answer_text import answer_text, field_text, is_conversation
from goldpan.waves.codebook import Choice, Codebook, choices
from goldpan.waves.items import Item
from goldpan.waves.sheets.disagreement_causes import CAUSES
from goldpan.waves.sheets.sheet import ADJUDICATION, Sheet, SheetId, SheetRow, shown_fields
from goldpan.waves.sheets.words import guidelines_shown, how_on_page, page_words, word_of_cause

ANSWERS = "goldpan answers"
"""What the export of an annotation page says it is."""

DECISIONS = "goldpan decisions"
"""What the export of an adjudication page says it is."""

SCRIPTS = (
    "dom",
    "words",
    "store",
    "stopwatch",
    "offsets",
    "marks",
    "item",
    "history",
    "answers",
    "view",
    "choice_control",
    "multilabel_control",
    "typed_controls",
    "ranking_control",
    "extraction_control",
    "codebook",
    "exports",
    "page",
    "questions",
    "keyboard",
    "start",
)
"""The parts of the page's script in `page_assets/js`, in their order."""

CAUSE = "(cause)"
"""The question after each decision; no feature can be called so."""

_WORD = re.compile(r"\[\[(\w+)\]\]")


@dataclass(frozen=True)
class Disagreement:
    """One item and feature on which annotators differ.

    Attributes:
        answers: annotator -> answer; None is "cannot tell".
        notes: annotator -> what they wrote beside the item.
    """

    item_id: str
    feature: str
    answers: Mapping[str, Any]
    notes: Mapping[str, str]


def annotation_page(sheet: Sheet, folder: str) -> str:
    """The page of one annotator.

    Args:
        sheet: what it asks.
        folder: where the exported file is to be put, as shown to the annotator.
    """
    codebook = sheet.codebook
    names = [feature.name for feature in codebook.features]
    rows = [
        {
            "row_id": row.item_id,
            "item_id": row.item_id,
            "asks": names,
            "fields": _fields(row.fields),
            "llm": _llm_texts(row, codebook),
            "answers": [],
            **({} if row.place is None else {"place": row.place}),
        }
        for row in sheet.rows
    ]
    words = page_words(sheet.language)
    asked = [_feature(feature, codebook.cannot_tell, words) for feature in codebook.features]
    about = _About(sheet.blind, folder, sheet.language, sheet.is_targeted)
    return _page(ANSWERS, sheet.id, codebook, asked, rows, about)


def adjudication_page(
    study: str,
    name: str,
    wave: Wave,
    codebook: Codebook,
    items: Mapping[str, Item],
    disagreements: Sequence[Disagreement],
) -> str:
    """The page on which disagreements are decided: one question a time, the annotators' answers side by side.

    Args:
        study, name, wave: the study's name, the wave's name, and the wave.
        codebook: what was asked.
        items: the sample by item id.
        disagreements: what is to be decided, in this order.
    """
    rows = [
        {
            "row_id": f"{disagreement.item_id}/{disagreement.feature}",
            "item_id": disagreement.item_id,
            "asks": [disagreement.feature, CAUSE],
            "fields": _fields(shown_fields(items[disagreement.item_id].data, wave.show)),
            "llm": {},
            "answers": [
                {
                    "annotator": annotator,
                    "value": value,
                    "note": disagreement.notes.get(annotator, ""),
                }
                for annotator, value in sorted(disagreement.answers.items())
            ],
        }
        for disagreement in disagreements
    ]
    words = page_words(wave.language)
    asked = [_feature(feature, codebook.cannot_tell, words) for feature in codebook.features]
    asked.append(_cause(words))
    sheet_id = SheetId(study, name, ADJUDICATION, codebook.short_hash)
    folder = wave.annotations_folder(study, name)
    about = _About(True, folder, wave.language, wave.among is not None)
    return _page(DECISIONS, sheet_id, codebook, asked, rows, about)


@dataclass(frozen=True)
class _About:
    """What a page says of itself.

    Attributes:
        blind: whether it hides the LLM's answers and the other annotators'.
        folder: where the exported file is to be put.
        language: of the page's own words.
        is_targeted: whether its items were chosen for what they are.
    """

    blind: bool
    folder: str
    language: Language
    is_targeted: bool


def _page(
    kind: str,
    sheet_id: SheetId,
    codebook: Codebook,
    features: list[dict[str, Any]],
    rows: list[dict[str, Any]],
    about: _About,
) -> str:
    words = page_words(about.language)
    data = {
        "kind": kind,
        "study": sheet_id.study,
        "wave": sheet_id.wave,
        "title": f"{sheet_id.study} · {sheet_id.wave}",
        "annotator": sheet_id.annotator,
        "task_hash": codebook.task_hash,
        "codebook_hash": codebook.hash,
        **({"redraw": sheet_id.redraw} if sheet_id.redraw else {}),
        "blind": about.blind,
        "folder": about.folder,
        "guidelines": guidelines_shown(codebook.guidelines, about.is_targeted, words),
        "features": features,
        "exclusive": [group.order for group in codebook.exclusive],
        "rows": rows,
        "words": words,
    }
    title = f"{sheet_id.wave} · {sheet_id.annotator}"
    shell = _WORD.sub(lambda found: str(escape(words[found[1]])), _asset("page.html"))
    body = [Markup(shell), data_block("data", data)]
    return page(title, body, style=_asset("page.css"), script=_script(), language=about.language)


def _cause(words: Mapping[str, str]) -> dict[str, Any]:
    """The question after each decision, as the page's script reads it."""
    causes = [
        Choice(cause, words[word_of_cause(cause)], words[f"about_{word_of_cause(cause)}"], str(number))
        for number, cause in enumerate(CAUSES, 1)
    ]
    return {
        "name": CAUSE,
        "title": words["cause"],
        "heading": words["cause"],
        "short": words["cause"],
        "type": "classification",
        "description": words["about_cause"],
        "choices": [asdict(cause) for cause in causes],
        "cannot_tell": False,
        "how": words["how_cause"],
    }


def _feature(feature: Feature, cannot_tell: bool, words: Mapping[str, str]) -> dict[str, Any]:
    """A feature as the page's script reads it."""
    options = choices(feature)
    if isinstance(feature, Binary):
        options = [replace(yes_or_no, text=words[yes_or_no.text]) for yes_or_no in options or ()]
    about = feature.model_dump(exclude={"labels", "items", "rationale", "abstain"}, exclude_none=True)
    return {
        **about,
        "title": feature.title or feature.name,
        "heading": feature.question or feature.title or feature.name,
        # Where it is named beside others: in words, if there are any.
        "short": feature.title or feature.question or feature.name,
        "choices": None if options is None else [asdict(option) for option in options],
        "cannot_tell": cannot_tell,
        "how": how_on_page(feature, words),
    }


def _fields(shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Fields as the page's script reads them; all but conversations as text, so that no number is rounded."""
    fields = []
    for name, value in shown.items():
        kind = "text" if isinstance(value, str) else "conversation" if is_conversation(value) else "json"
        fields.append(
            {"name": name, "kind": kind, "value": value if kind == "conversation" else field_text(value)}
        )
    return fields


def _llm_texts(row: SheetRow, codebook: Codebook) -> dict[str, str]:
    texts = {}
    for name, prediction in row.llm.items():
        if name in codebook.by_name:
            reason = prediction.get("rationale")
            text = answer_text(codebook.by_name[name], value_of(prediction))
            texts[name] = f"{text} ({reason})" if reason else text
    return texts


def _script() -> str:
    parts = [_asset(f"js/{name}.js") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


@cache
def _asset(name: str) -> str:
    return (files("goldpan.waves.sheets") / "page_assets" / name).read_text(encoding="utf-8")
