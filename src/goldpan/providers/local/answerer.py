"""The baseline annotator: real and deterministic, but weak. It compares words and understands nothing.

Each sentence of the user messages is compared, by TF-IDF, with what the schema says of each property and
label: a boolean holds from a certain similarity on, a label is the nearest one, a number grows with
similarity, a text is the nearest sentence. Answers always fit the schema. Without one the answer is an
extractive summary, or, to whoever asks for a better prompt, the prompt with words added.
"""

from __future__ import annotations

import functools
from typing import Any

import orjson

from goldpan.providers.baseline import BASELINE_MODEL
from goldpan.providers.engine.completions import completion, schema_asked_for
from goldpan.providers.local.evidence import sentences_of, user_text
from goldpan.providers.local.improving import IMPROVER_INSTRUCTIONS, rewritten
from goldpan.providers.local.schema_answers import SchemaAnswerer
from goldpan.providers.local.tfidf import Tfidf

BASELINE_FINGERPRINT = "goldpan-baseline"
SUMMARY_SENTENCES = 3


def answer(body: dict[str, Any], custom_id: str) -> dict[str, Any]:
    """Answer a chat request."""
    schema = schema_asked_for(body)
    text = user_text(body)
    values: dict[str, Any] | str
    if schema is not None:
        values = _answerer_of(orjson.dumps(schema)).answer(text)
    elif (body.get("response_format") or {}).get("type") == "json_object":
        values = {"summary": summarise(text)}
    elif any(message.get("content") == IMPROVER_INSTRUCTIONS for message in body["messages"]):
        values = rewritten(text)
    else:
        values = summarise(text)
    return completion(body, values, custom_id, model=BASELINE_MODEL, fingerprint=BASELINE_FINGERPRINT)


@functools.lru_cache(maxsize=64)
def _answerer_of(schema_json: bytes) -> SchemaAnswerer:
    return SchemaAnswerer(orjson.loads(schema_json))


def summarise(text: str) -> str:
    """The three sentences that have most in common with the rest of the text, in its order."""
    sentences = sentences_of(text)
    if len(sentences) <= SUMMARY_SENTENCES:
        return " ".join(sentences)
    tfidf = Tfidf(sentences)
    sums = [0.0] * tfidf.size
    for vector in tfidf.vectors:
        for stem, weight in vector:
            sums[stem] += weight
    centrality = [sum(weight * sums[stem] for stem, weight in vector) for vector in tfidf.vectors]
    chosen = sorted(range(len(sentences)), key=lambda position: -centrality[position])[:SUMMARY_SENTENCES]
    return " ".join(sentences[position] for position in sorted(chosen))
