"""From real documents with scores to a head, annotated rows and their evaluation.

The embeddings are hashed TF-IDF vectors, which are quick to make; the path from a language
model's embeddings is tested with the whole workflow.
"""

import numpy as np
import pytest

from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.predictions import read_annotated
from goldpan.heads.annotate import annotate_file
from goldpan.heads.load import load_heads
from goldpan.heads.select import select
from goldpan.heads.train import train_head
from goldpan.records.read import build_records, iter_records
from goldpan.study.head import Annotated, Selection
from goldpan.study.model import Source
from goldpan.tasks.features import Score
from goldpan.waves.items import item_id
from tests.head_builders import head_settings, read_rows, write_embeddings

pytestmark = pytest.mark.slow

pytest.importorskip("torch", reason="heads need the extra `models`")

SCORE = {"field": "scores.score", "kind": "ordinal", "labels": [0, 1, 2, 3, 4, 5]}


@pytest.fixture(scope="module")
def documents(shared_data, tmp_path_factory):
    """Records and embeddings of 1,000 web documents with a score from 0 to 5. Not to be changed."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    folder = tmp_path_factory.mktemp("documents")
    source = shared_data / "scored_documents" / "annotated_fineweb_train_1000_samples.jsonl"
    records = folder / "docs" / "a.jsonl"
    build_records(Source(files=["a.jsonl"], id=["id"]), "docs", "a.jsonl", source, records)
    texts = [record["data"]["text"] for record in iter_records(records)]
    counts = HashingVectorizer(n_features=4096, alternate_sign=False, stop_words="english").transform(texts)
    tf_idf = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    vectors = TruncatedSVD(128, random_state=0).fit_transform(tf_idf).astype(np.float32)
    return records, write_embeddings(folder / "a.h5", records, vectors)


def train(documents, output, **changes):
    """Train a head called `edu`; 20 % of the documents are kept for the test."""
    records, embeddings = documents
    split = {"train": 0.7, "dev": 0.1, "test": 0.2}
    training = {"learning_rate": 1e-3, "max_epochs": 200} | changes
    settings = head_settings({"score": SCORE}, split=split, **training)
    return train_head("edu", settings, [embeddings], [records], output)


@pytest.fixture(scope="module")
def trained(documents, tmp_path_factory):
    """The folder of a head, and its metrics."""
    folder = tmp_path_factory.mktemp("trained") / "edu"
    return folder, train(documents, folder, class_weights="balanced", learning_curve=[0.5])


def test_a_head_is_clearly_better_than_the_baselines(trained):
    _, metrics = trained
    report = metrics["targets"]["score"]
    figures, majority = report["figures"], report["baselines"]["majority"]
    assert figures["spearman"]["interval"]["low"] > 0.2
    assert figures["cohen_kappa_quadratic"]["interval"]["low"] > 0.1
    assert majority["gain"]["f1_macro"]["interval"]["low"] > 0.03
    assert majority["answer"] == "1"
    assert sum(sum(one["labels"].values()) for one in report["counts"].values()) == 1000


def test_a_second_run_gives_the_same_bytes(documents, tmp_path):
    records, embeddings = documents
    for name in ("one", "two"):
        train(documents, tmp_path / name / "edu", max_epochs=5)
        heads = load_heads({"edu": tmp_path / name / "edu"}, {})
        settings = Annotated(embedding="small", heads="edu", output_keys="scores", device="cpu")
        annotate_file(settings, embeddings, records, heads, tmp_path / name / "a.jsonl")
    for file in ("edu/model.safetensors", "edu/config.json", "edu/metrics.json", "a.jsonl"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_annotated_rows_can_be_evaluated_and_selected(documents, trained, tmp_path):
    records, embeddings = documents
    folder, _ = trained
    settings = Annotated(embedding="small", heads="edu", output_keys="scores", device="cpu")
    heads = load_heads({"edu": folder}, {})
    annotate_file(settings, embeddings, records, heads, tmp_path / "docs" / "a.jsonl")

    feature = Score(name="score", type="score", description="How educational?", min=0, max=5)
    wanted = [item_id(record["id"]) for record in iter_records(records)]
    values = {"score": FeatureValues(feature)}
    found = read_annotated("edu", [tmp_path / "docs" / "a.jsonl"], values, wanted, {"score": "edu"})
    assert {found.of("score", item).state for item in wanted} == {"ok"}

    where = Selection(annotated="all", where="score_edu >= 2 and scores.score >= 2")
    counts = select(where, [tmp_path / "docs" / "a.jsonl"], tmp_path / "good.jsonl", tmp_path / "counts.json")
    rows = read_rows(tmp_path / "good.jsonl")
    assert 0 < len(rows) == counts.as_json()["selected"] < 300
    assert all(row["score_edu"] >= 2 and row["scores"]["score"] >= 2 for row in rows)
