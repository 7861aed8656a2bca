"""Projects that embed notes with a tiny model, train a head on a field of theirs, and annotate them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.projects import WorkflowProject
from tests.tiny_models import random_texts, save_encoder

MODEL = "models/tiny"


def corpus_study(**parts: Any) -> dict[str, Any]:
    """A study of one embedding, one head, annotated files and a selection; `parts` change parts of it."""
    study: dict[str, Any] = {
        "study": "corpus",
        "sources": {"notes": {"files": ["notes/**/*.jsonl"], "id": ["id"]}},
        "providers": {"main": {"kind": "local"}},
        "embeddings": {"tiny": {"source": "notes", "model": MODEL, "pooling": "mean", "device": "cpu"}},
        "heads": {
            "length": {
                "embedding": "tiny",
                "labels": {"source": "notes"},
                "targets": {"words": "regression"},
                "max_epochs": 5,
                "learning_curve": [],
            }
        },
        "annotated": {
            "all": {"embedding": "tiny", "heads": "length", "output_keys": ["text"], "device": "cpu"}
        },
        "selections": {"long": {"annotated": "all", "where": "score_length >= 20"}},
    }
    for name, changes in parts.items():
        for key, value in changes.items():
            study[name][key] = {**study[name].get(key, {}), **value}
    return study


def corpus_rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Notes of random words, which know how many they have."""
    texts = random_texts(start + count)[start:]
    return [
        {"id": f"n{place}", "text": text, "words": len(text.split())}
        for place, text in enumerate(texts, start)
    ]


def corpus_project(root: Path, **parts: Any) -> WorkflowProject:
    """A project of two files of one name in different folders, with a model of its own."""
    project = WorkflowProject.create(root, study="corpus")
    project.write_study(corpus_study(**parts))
    project.write_rows("notes/2023/a.jsonl", corpus_rows(30))
    project.write_rows("notes/2024/a.jsonl", corpus_rows(30, start=30))
    save_encoder(root / MODEL)
    return project
