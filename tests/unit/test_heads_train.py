"""What a head learns, from which records, and that it can be told how good it is."""

import numpy as np
import pytest

from goldpan.errors import HeadError, ReconciliationError, StudyError
from goldpan.heads.checkpoint import load_head
from goldpan.heads.fused import FusedHeads
from goldpan.heads.train import train_head
from tests.head_builders import head_settings, random_vectors, read_rows, write_embeddings, write_records

pytest.importorskip("torch", reason="heads need the extra `models`")

COUNT = 400


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Records whose labels depend on their vectors; every fourth has no `topic`. Not to be changed."""
    folder = tmp_path_factory.mktemp("corpus")
    vectors = random_vectors(COUNT) * np.linspace(0.01, 3, 8, dtype=np.float32) + 5
    hidden = (vectors - 5) / np.linspace(0.01, 3, 8, dtype=np.float32)
    rows = [
        {
            "length": round(100 + 20 * float(one[0]) + 5 * float(one[1]), 3),
            "stars": int(np.clip(np.round(2 + one[1] + one[2]), 0, 4)),
            "topic": ["law", "art", "war"][int(one[:3].argmax())] if place % 4 else None,
            "good": bool(one[3] > 0),
            "writer": f"w{place // 4}",
            "xor": "odd" if (one[4] > 0) != (one[5] > 0) else "even",
        }
        for place, one in enumerate(hidden)
    ]
    records = write_records(folder / "a.jsonl", rows)
    return records, write_embeddings(folder / "a.h5", records, vectors), rows, vectors


def train(corpus, output, targets, **changes):
    """Train a head called `h` on the corpus; returns its metrics."""
    records, embeddings, *_ = corpus
    return train_head("h", head_settings(targets, **changes), [embeddings], [records], output)


def figure(metrics, target, name):
    """Value of a figure of a target."""
    return metrics["targets"][target]["figures"][name]["value"]


def test_a_regression_finds_a_linear_relation(corpus, tmp_path):
    metrics = train(corpus, tmp_path, {"length": "regression"})
    assert figure(metrics, "length", "spearman") > 0.98
    assert figure(metrics, "length", "mae") < 3


def test_an_ordinal_head_finds_ordered_labels(corpus, tmp_path):
    metrics = train(corpus, tmp_path, {"stars": "ordinal"})
    report = metrics["targets"]["stars"]
    assert report["labels"] == ["0", "1", "2", "3", "4"]
    assert figure(metrics, "stars", "cohen_kappa_quadratic") > 0.9
    assert report["baselines"]["majority"]["gain"]["accuracy"]["interval"]["low"] > 0


def test_a_classification_finds_labels_without_an_order(corpus, tmp_path):
    metrics = train(corpus, tmp_path, {"topic": "classification"})
    assert figure(metrics, "topic", "f1_macro") > 0.85


def test_truth_values_become_no_and_yes(corpus, tmp_path):
    metrics = train(corpus, tmp_path, ["good"])
    assert metrics["targets"]["good"]["labels"] == ["no", "yes"]
    assert figure(metrics, "good", "accuracy") > 0.9


def test_two_layers_find_what_one_cannot(corpus, tmp_path):
    linear = train(corpus, tmp_path / "linear", ["xor"])
    deep = train(
        corpus,
        tmp_path / "deep",
        ["xor"],
        architecture="mlp",
        hidden=32,
        learning_rate=0.01,
        max_epochs=200,
        patience=40,
    )
    assert figure(linear, "xor", "accuracy") < 0.7 < 0.85 < figure(deep, "xor", "accuracy")


def test_several_targets_are_learned_together_though_some_labels_are_missing(corpus, tmp_path):
    metrics = train(corpus, tmp_path, {"length": {}, "stars": "ordinal", "topic": {}})
    counted = [metrics["targets"]["topic"]["counts"][split]["records"] for split in metrics["splits"]]
    assert sum(counted) == COUNT * 3 // 4
    assert figure(metrics, "length", "spearman") > 0.95
    assert figure(metrics, "topic", "f1_macro") > 0.8
    head = load_head(tmp_path)
    assert [target.column for target in head.targets] == ["h_length", "h_stars", "h_topic"]
    assert head.outputs == 1 + 1 + 3


def test_the_same_labels_give_the_same_bytes(corpus, tmp_path):
    for name in ("one", "two"):
        train(
            corpus,
            tmp_path / name,
            {"stars": "ordinal", "topic": {}},
            architecture="mlp",
            learning_curve=[0.5],
            max_epochs=5,
        )
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["config.json", "labels.jsonl", "metrics.json", "model.safetensors"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_seed_gives_other_splits(corpus, tmp_path):
    for seed in (0, 1):
        train(corpus, tmp_path / str(seed), ["good"], seed=seed, max_epochs=1)
    splits = [[row["split"] for row in read_rows(tmp_path / str(seed) / "labels.jsonl")] for seed in (0, 1)]
    assert splits[0] != splits[1]


def test_no_group_is_in_two_splits(corpus, tmp_path):
    train(corpus, tmp_path, ["good"], group="data.writer", max_epochs=1)
    splits = {}
    for row in read_rows(tmp_path / "labels.jsonl"):
        splits.setdefault(row["group"], set()).add(row["split"])
    assert len(splits) == COUNT // 4
    assert all(len(some) == 1 for some in splits.values())


def test_a_group_key_that_a_record_lacks_is_an_error(corpus, tmp_path):
    with pytest.raises(StudyError, match=r"has no `data.author`"):
        train(corpus, tmp_path, ["good"], group="data.author")


def test_figures_are_those_of_the_head_on_the_test_split(corpus, tmp_path):
    *_, vectors = corpus
    metrics = train(corpus, tmp_path, {"length": "regression"})
    rows = read_rows(tmp_path / "labels.jsonl")
    places = [place for place, row in enumerate(rows) if row["split"] == "test"]
    (prediction,) = FusedHeads([load_head(tmp_path)]).predict(vectors[places])
    truth = np.array([rows[place]["values"]["length"] for place in places])
    assert metrics["measured_on"] == "test"
    assert figure(metrics, "length", "mae") == pytest.approx(
        np.abs(prediction.predicted.score - truth).mean(), 1e-4
    )


def test_without_a_test_split_the_dev_split_is_measured_and_named(corpus, tmp_path):
    metrics = train(corpus, tmp_path, ["good"], split={"train": 0.8, "dev": 0.2, "test": 0}, max_epochs=1)
    assert metrics["measured_on"] == "dev"


def test_a_split_without_labels_is_an_error(corpus, tmp_path):
    with pytest.raises(HeadError, match="the dev split has no label of the target `good`"):
        train(corpus, tmp_path, ["good"], split={"train": 0.8, "dev": 0, "test": 0.2})


def test_balanced_weights_let_rare_labels_count(tmp_path):
    vectors = random_vectors(600, 4)
    rare = vectors[:, 0] + random_vectors(600, 1, seed=1)[:, 0] > 2.2
    records = write_records(tmp_path / "a.jsonl", [{"rare": bool(one)} for one in rare])
    embeddings = write_embeddings(tmp_path / "a.h5", records, vectors)
    found = {}
    for weights in ("none", "balanced"):
        settings = head_settings(["rare"], class_weights=weights)
        train_head("h", settings, [embeddings], [records], tmp_path / weights)
        (prediction,) = FusedHeads([load_head(tmp_path / weights)]).predict(vectors)
        found[weights] = (prediction.predicted.label[rare] == 1).mean()
    assert found["none"] < 0.4 < 0.7 < found["balanced"]


def test_labels_given_in_their_order_need_not_be_numbers(tmp_path):
    vectors = random_vectors(300, 4)
    names = ["poor", "fair", "good"]
    rows = [{"grade": names[int(np.digitize(one[0], [-0.5, 0.5]))]} for one in vectors]
    records = write_records(tmp_path / "a.jsonl", rows)
    embeddings = write_embeddings(tmp_path / "a.h5", records, vectors)
    settings = head_settings({"grade": {"kind": "ordinal", "labels": names}})
    metrics = train_head("h", settings, [embeddings], [records], tmp_path / "h")
    assert figure(metrics, "grade", "cohen_kappa_quadratic") > 0.8


def test_names_without_an_order_cannot_be_ordinal_by_themselves(corpus, tmp_path):
    with pytest.raises(HeadError, match="no order by themselves"):
        train(corpus, tmp_path, {"topic": "ordinal"})


def test_a_label_that_is_not_declared_is_an_error_with_its_record(corpus, tmp_path):
    with pytest.raises(HeadError, match=r"'4' is not among the labels of the target `stars`") as caught:
        train(corpus, tmp_path, {"stars": {"kind": "ordinal", "labels": [0, 1, 2, 3]}})
    assert "record 'd" in caught.value.where


def test_labels_of_records_without_an_embedding_are_counted(corpus, tmp_path):
    records, _, rows, vectors = corpus
    skip = {"d3": "empty_text: nothing there"}
    embeddings = write_embeddings(tmp_path / "b.h5", records, np.delete(vectors, 2, axis=0), skip=skip)
    settings = head_settings(["good"], max_epochs=1)
    metrics = train_head("h", settings, [embeddings], [records], tmp_path / "h")
    assert (metrics["labelled"], metrics["without_embedding"]) == (len(rows), 1)


def test_embeddings_are_joined_by_id_and_not_by_place(corpus, tmp_path):
    records, _, rows, vectors = corpus
    order = np.random.default_rng(5).permutation(COUNT)
    shuffled = write_records(
        tmp_path / "b.jsonl", [{"id": f"d{place + 1}", **rows[place]} for place in order]
    )
    embeddings = write_embeddings(tmp_path / "b.h5", shuffled, vectors[order])
    metrics = train_head("h", head_settings(["good"]), [embeddings], [records], tmp_path / "h")
    assert figure(metrics, "good", "accuracy") > 0.9


def test_one_id_in_two_embeddings_files_is_an_error(corpus, tmp_path):
    records, embeddings, *_ = corpus
    with pytest.raises(ReconciliationError, match=r"'d1' has one embedding here and another in"):
        train_head("h", head_settings(["good"]), [embeddings, embeddings], [records], tmp_path)


def test_embeddings_files_that_were_made_differently_are_an_error(corpus, tmp_path):
    records, embeddings, _, vectors = corpus
    other = write_embeddings(tmp_path / "b.h5", records, vectors, pooling="cls")
    with pytest.raises(HeadError, match="pooling: 'cls', not 'mean'"):
        train_head("h", head_settings(["good"]), [embeddings, other], [records], tmp_path)


def test_a_target_that_nobody_labelled_is_an_error(corpus, tmp_path):
    with pytest.raises(HeadError, match="no record has both a label and an embedding"):
        train(corpus, tmp_path, ["mood"])


def test_a_learning_curve_uses_growing_shares_of_the_training_split(corpus, tmp_path):
    metrics = train(corpus, tmp_path, {"stars": "ordinal"}, learning_curve=[0.25, 0.5], max_epochs=5)
    curve = metrics["targets"]["stars"]["learning_curve"]
    counts = [point["records"] for point in curve["points"]]
    assert [point["share"] for point in curve["points"]] == [0.25, 0.5, 1.0]
    assert counts == sorted(counts)
    assert counts[-1] == metrics["splits"]["train"]
    assert curve["compared_with"] == 0.5
    assert curve["figure"] == "cohen_kappa_quadratic"


@pytest.mark.slow
def test_more_labels_help_where_few_are_not_enough(tmp_path):
    vectors = random_vectors(900, 200)
    truth = vectors @ random_vectors(1, 200, seed=3)[0]
    records = write_records(tmp_path / "a.jsonl", [{"value": float(one)} for one in truth])
    embeddings = write_embeddings(tmp_path / "a.h5", records, vectors)
    verdicts = {}
    for dimensions, split in (("many", 0.3), ("enough", 0.7)):
        settings = head_settings(
            ["value"],
            learning_curve=[0.5],
            split={"train": split, "dev": 0.1, "test": 0.9 - split},
            learning_rate=0.01,
        )
        metrics = train_head("h", settings, [embeddings], [records], tmp_path / dimensions)
        verdicts[dimensions] = metrics["targets"]["value"]["learning_curve"]["more_labels_help"]
    assert verdicts == {"many": "yes", "enough": "no"}
