"""The pages' own words, in the language of a wave: one file a language in `page_assets/words`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import orjson

from goldpan.study.wave import Language
from goldpan.tasks.features import Extraction, Feature, Multilabel, Score


@cache
def page_words(language: Language) -> Mapping[str, str]:
    """Word -> its text in a language. `{name}` in a text stands for a value."""
    path = files("goldpan.waves.sheets") / "page_assets" / "words" / f"{language}.json"
    words: dict[str, str] = orjson.loads(path.read_bytes())
    return words


def guidelines_shown(guidelines: str, is_targeted: bool, words: Mapping[str, str]) -> str:
    """The guidelines as the guide of a sheet has them. Of a targeted sample it says that the items were
    chosen, but not for what: that would tell what the model or another annotator had answered."""
    return "\n\n".join(part for part in (words["targeted_sample"] if is_targeted else "", guidelines) if part)


def word_of_cause(cause: str) -> str:
    """The word that a cause of disagreement is called by; what it means is `about_` and that word."""
    return f"cause_{cause.replace(' ', '_')}"


def how_on_page(feature: Feature, words: Mapping[str, str]) -> str:
    """How a feature is answered on the page, in a sentence."""
    values: dict[str, object] = {}
    word = f"how_{feature.type}"
    if isinstance(feature, Score):
        values = {"min": f"{feature.min:g}", "max": f"{feature.max:g}"}
        word = "how_whole_score" if feature.integer else "how_score"
    if isinstance(feature, Extraction):
        values = {"fields": ", ".join(field.name for field in feature.fields)}
    if isinstance(feature, Multilabel):
        most = len(feature.labels) if feature.max_labels is None else feature.max_labels
        values = {"min": feature.min_labels, "max": most}
    return words[word].format(**values)
