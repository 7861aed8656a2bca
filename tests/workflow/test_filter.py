"""Filters in a real run: what they leave out is neither asked nor lost; a changed list pays for its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.filter_builders import filter_study
from tests.projects import WorkflowProject, ran
from tests.tiny_models import save_encoder

pytest.importorskip("torch", reason="heads need the extra `models`")
pytest.importorskip("h5py")


@pytest.mark.timeout(400)
def test_a_filter_by_keywords_and_a_head_with_a_chosen_threshold(tmp_path: Path) -> None:
    project = WorkflowProject.create(tmp_path)
    save_encoder(tmp_path / "model")
    rows = [
        {
            "id": f"n{number}",
            "text": f"w{number % 2} w{number % 7} n{number}",
            "gold": "yes" if number % 2 else "no",
        }
        for number in range(120)
    ]
    project.write_rows("notes/a.jsonl", rows)
    project.write("words.txt", "# words\nw6\n")
    threshold = {"recall": 0.9, "field": "gold"}
    study = filter_study(
        {"keywords": "words.txt", "head": "h", "threshold": threshold},
        embeddings={"tiny": {"source": "notes", "model": "model", "pooling": "mean", "device": "cpu"}},
        heads={
            "h": {
                "embedding": "tiny",
                "labels": {"source": "notes"},
                "targets": {"gold": {"kind": "classification", "labels": ["no", "yes"]}},
                "learning_curve": [],
            }
        },
        evaluations={
            "loss": {
                "source": "notes",
                "gold": {"relevant": "gold"},
                "predictions": {"sieve": {"stage": "sieve", "features": {"relevant": "kept"}}},
            }
        },
    )
    del study["stages"]["first"]
    project.write_study(study)
    assert {"head", "filter_threshold", "classified_features", "evaluation"} <= ran(project.run())

    chosen = project.json("stages/sieve/threshold.json")
    assert chosen["here"]["recall"]["value"] >= 0.9
    features = project.rows("stages/sieve/features.jsonl")
    decided = {row["id"]: row["features"] for row in features}
    assert all(
        said["kept"]["detected"]
        == (bool(said["keywords"]["items"]) or said["score"]["score"] >= chosen["threshold"])
        for said in decided.values()
    )
    kept = {id for id, said in decided.items() if said["kept"]["detected"]}
    assert 0 < len(kept) < 120
    summary = project.json("stages/topics/summary.json")
    assert (summary["states"]["ok"], summary["states"]["skipped"]) == (len(kept), 120 - len(kept))
    assert summary["reasons"]["skipped"] == {"filtered": 120 - len(kept)}
    assert project.paid() == len(kept)
    assert "recall" in project.goldpan("summary").stdout

    # Another list keeps others, with another threshold; only what is new is paid for.
    project.write("words.txt", "w6\nw0\n")
    again = ran(project.run())
    assert {"filter_threshold", "classified_features"} <= again and "head" not in again
    features = project.rows("stages/sieve/features.jsonl")
    now = {row["id"] for row in features if row["features"]["kept"]["detected"]}
    assert now - kept
    assert project.paid() == len(now | kept)
