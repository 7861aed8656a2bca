"""Filters by a head of the study, and by a sequence-classification model over windows of tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goldpan.embeddings.provenance import Provenance
from goldpan.errors import EmbeddingError, HeadError, ReconciliationError, StudyError
from goldpan.heads.checkpoint import save_head
from goldpan.heads.model import HeadModel, Linear
from goldpan.heads.targets import Target
from goldpan.stages.make import make_records
from tests.filter_builders import SIEVE, answered, filter_project, kept, notes
from tests.head_builders import PROVENANCE, read_rows, write_embeddings

torch = pytest.importorskip("torch", reason="classifiers need the extra `models`")
pytest.importorskip("h5py")

from tests.tiny_models import save_encoder  # noqa: E402

EMBEDDINGS = {"small": {"source": "notes", "model": "made-up"}}
YES_NO = Target("relevant", "h", "classification", ("no", "yes"))


def by_head(
    root: Path,
    logits: list[float | None],
    settings: dict[str, Any] | None = None,
    target: Target = YES_NO,
    trained: dict[str, Any] | None = None,
    parts: dict[str, Any] | None = None,
) -> Any:
    """A project that filters notes by a head; a note's embedding is the output of `yes`, None for none."""
    rows = [{"id": f"n{number}", "text": f"note {number}"} for number in range(1, len(logits) + 1)]
    heads = {"h": {"embedding": "small", "labels": {"source": "notes"}, "targets": [target.name]}}
    project = filter_project(
        root,
        rows,
        {"head": "h", "threshold": 0.5, **(settings or {})},
        **{"embeddings": EMBEDDINGS, "heads": heads, **(parts or {})},
    )
    weight = np.zeros((target.width, 1), dtype=np.float32)
    weight[-1] = 1
    layer = Linear(weight, np.zeros(target.width, dtype=np.float32))
    made = Provenance(**(PROVENANCE | (trained or {})), dimension=1, source_sha256="")
    folder = (root / project.paths.head("h", "x")).parent
    folder.mkdir(parents=True)
    save_head(folder, HeadModel("h", (layer,), (target,), {}, made))
    records = root / project.paths.records("notes", "a.jsonl")
    skip = {f"n{number}": "empty_text: none" for number, logit in enumerate(logits, 1) if logit is None}
    vectors = np.array([[logit] for logit in logits if logit is not None], dtype=np.float32)
    write_embeddings(
        root / project.paths.embeddings("small", "notes", "a.jsonl"), records, vectors, skip=skip
    )
    return project


def test_a_head_keeps_what_it_scores_high_enough(tmp_path: Path) -> None:
    rows = answered(by_head(tmp_path, [3.0, -3.0, 0.0]))
    assert kept(rows) == ["n1", "n3"]
    scores = [row["features"]["score"]["score"] for row in rows]
    assert scores == pytest.approx([0.952574, 0.047426, 0.5])
    assert [row["features"]["label"]["text"] for row in rows] == ["yes", "no", "no"]


def test_a_record_without_an_embedding_is_left_out_without_a_score(tmp_path: Path) -> None:
    project = by_head(tmp_path, [3.0, None, 3.0])
    rows = answered(project)
    assert kept(rows) == ["n1", "n3"]
    assert list(rows[1]["features"]) == ["kept"]
    make_records(project, "topics")
    skipped = read_rows(tmp_path / project.paths.stage_records("topics"))[1]["skip"]
    assert skipped == "filtered: by stage sieve: the head `h` scores it below the threshold"


def test_scores_are_joined_by_id_and_not_by_place(tmp_path: Path) -> None:
    project = by_head(tmp_path, [3.0, -3.0, 2.0])
    path = tmp_path / project.paths.stage_records(SIEVE)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(reversed(lines)))
    assert kept(answered(project)) == ["n3", "n1"]


def test_keywords_keep_what_the_head_would_not(tmp_path: Path) -> None:
    rows = answered(by_head(tmp_path, [-3.0, 3.0, -3.0], {"keywords": ["note 1"]}))
    assert kept(rows) == ["n1", "n2"]


def test_the_probabilities_of_the_labels_that_are_sought_add_up(tmp_path: Path) -> None:
    target = Target("topic", "h", "classification", ("law", "nature", "water"))
    sought = {"head": {"name": "h", "label": ["nature", "water"]}, "threshold": 0.6}
    rows = answered(by_head(tmp_path, [0.0, -5.0], sought, target))
    assert kept(rows) == ["n1"]
    assert rows[0]["features"]["score"]["score"] == pytest.approx(2 / 3, abs=1e-6)


def test_a_regression_is_compared_with_a_threshold_in_its_units(tmp_path: Path) -> None:
    target = Target("stars", "h", "regression")
    rows = answered(by_head(tmp_path, [3.5, 2.0], {"threshold": 3.0}, target))
    assert kept(rows) == ["n1"]
    assert "label" not in rows[0]["features"]


@pytest.mark.parametrize(
    ("head", "what"),
    [("h", "must be said which are sought"), ({"name": "h", "label": "nture"}, "did you mean `nature`")],
)
def test_labels_without_an_order_must_be_named(tmp_path: Path, head: Any, what: str) -> None:
    target = Target("topic", "h", "classification", ("law", "nature"))
    with pytest.raises(StudyError, match=what):
        answered(by_head(tmp_path, [0.0], {"head": head}, target))


def test_a_head_of_other_embeddings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HeadError, match="trained on other embeddings"):
        answered(by_head(tmp_path, [0.0], trained={"pooling": "cls"}))


def test_a_record_that_was_never_embedded_is_refused(tmp_path: Path) -> None:
    project = by_head(tmp_path, [0.0])
    path = tmp_path / project.paths.stage_records(SIEVE)
    path.write_bytes(path.read_bytes().replace(b'"n1"', b'"n2"'))
    with pytest.raises(ReconciliationError, match="record 'n2' has no embedding"):
        answered(project)


def save_classifier(folder: Path, labels: list[str], **config: Any) -> Path:
    """A classifier of which the last label is the likelier the more often a text has `w7`."""
    from transformers import BertConfig, BertForSequenceClassification

    save_encoder(folder)
    torch.manual_seed(0)
    settings = json.loads((folder / "config.json").read_text())
    settings |= {"id2label": dict(enumerate(labels)), "label2id": {name: n for n, name in enumerate(labels)}}
    model = BertForSequenceClassification(BertConfig(**(settings | config)))
    model.save_pretrained(folder)
    return folder


def by_classifier(root: Path, texts: list[str], settings: dict[str, Any], **stage: Any) -> Any:
    """A project that filters notes by the classifier in `model/`."""
    classifier = {"model": "model", "device": "cpu", **settings}
    return filter_project(root, notes(*texts), {"classifier": classifier, "threshold": 0.5, **stage})


def scores(project: Any) -> list[float | None]:
    """The score of each note."""
    return [row["features"].get("score", {}).get("score") for row in answered(project)]


def expected(folder: Path, text: str, place: int = 1) -> float:
    """The probability of a label by transformers' own reading of one text."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        logits = model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).logits[0]
    return float(logits.softmax(0)[place])


def test_a_classifier_scores_a_short_text_as_transformers_does(tmp_path: Path) -> None:
    model = save_classifier(tmp_path / "model", ["other", "nature"])
    texts = ["w1 w2 w3", "w7", "w9 w9 w7 w150 w3 w4"]
    rows = answered(by_classifier(tmp_path, texts, {"label": "nature"}))
    assert [row["features"]["score"]["score"] for row in rows] == pytest.approx(
        [expected(model, text) for text in texts], abs=1e-5
    )
    assert {row["features"]["label"]["text"] for row in rows} <= {"other", "nature"}


def test_of_a_long_text_the_best_of_its_overlapping_windows_counts(tmp_path: Path) -> None:
    model = save_classifier(tmp_path / "model", ["other", "nature"])
    words = [f"w{number % 200}" for number in range(0, 900, 7)]
    sizes = {"window_tokens": 18, "overlap_tokens": 6}
    project = by_classifier(tmp_path, [" ".join(words)], {"label": "nature", **sizes})
    windows = [" ".join(words[start : start + 16]) for start in range(0, len(words) - 6, 10)]
    assert scores(project) == pytest.approx([max(expected(model, window) for window in windows)], abs=1e-5)


def test_a_text_without_words_has_no_score_and_is_left_out(tmp_path: Path) -> None:
    save_classifier(tmp_path / "model", ["other", "nature"])
    project = by_classifier(tmp_path, ["w1", " \n", ""], {"label": "nature"}, threshold=0.0)
    rows = answered(project)
    assert kept(rows) == ["n1"]
    assert list(rows[1]["features"]) == ["kept"]


def test_the_score_of_a_text_does_not_depend_on_the_others(tmp_path: Path) -> None:
    model = save_classifier(tmp_path / "model", ["other", "nature"])
    texts = [" ".join(f"w{number}" for number in range(length)) for length in (1, 40, 7, 60, 3)] * 30
    project = by_classifier(tmp_path, texts, {"label": "nature"})
    assert scores(project)[:5] == pytest.approx([expected(model, text) for text in texts[:5]], abs=1e-5)


def test_of_labels_that_may_all_hold_the_likeliest_sought_one_counts(tmp_path: Path) -> None:
    save_classifier(tmp_path / "model", ["a", "b", "c"], problem_type="multi_label_classification")
    one, other, both = (
        scores(by_classifier(tmp_path / f"p{n}", ["w1 w2"], {"model": "../model", "label": label}))[0]
        for n, label in enumerate(["a", "b", ["a", "b"]])
    )
    assert both == max(one, other)


def test_the_number_of_a_regression_is_the_score(tmp_path: Path) -> None:
    save_classifier(tmp_path / "model", ["LABEL_0"], problem_type="regression")
    project = by_classifier(tmp_path, ["w1 w2", "w3"], {}, threshold=-1000)
    assert len(set(scores(project))) == 2
    assert kept(answered(project)) == ["n1", "n2"]


def test_a_model_that_cannot_classify_is_refused_rather_than_made_up(tmp_path: Path) -> None:
    save_encoder(tmp_path / "model")
    with pytest.raises(EmbeddingError, match="cannot classify: it lacks 2 weights, such as classifier"):
        answered(by_classifier(tmp_path, ["w1"], {"label": "LABEL_1"}))


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({}, "it must be said which are sought"),
        ({"label": "natur"}, "did you mean `nature`"),
        ({"label": "nature", "window_tokens": 1000}, "the model takes 64 at most"),
    ],
)
def test_what_the_model_does_not_have_is_refused_in_words(
    tmp_path: Path, settings: dict[str, Any], what: str
) -> None:
    save_classifier(tmp_path / "model", ["other", "nature"])
    with pytest.raises(StudyError, match=what):
        answered(by_classifier(tmp_path, ["w1"], settings))


def test_a_folder_without_a_tokenizer_or_weights_is_refused(tmp_path: Path) -> None:
    folder = save_classifier(tmp_path / "model", ["other", "nature"])
    (folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(EmbeddingError, match="the model cannot be loaded"):
        answered(by_classifier(tmp_path, ["w1"], {"label": "nature"}))
