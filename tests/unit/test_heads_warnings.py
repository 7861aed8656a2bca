"""What is said of a head that has learned little, and of labels that are noisy."""

import numpy as np
import pytest

from goldpan.heads.fitting import Fitted
from goldpan.heads.label_agreement import label_agreement
from goldpan.heads.labels import read_labels
from goldpan.heads.targets import Target
from goldpan.heads.train import train_head
from goldpan.heads.training_warnings import training_warnings
from goldpan.study.head import Head
from goldpan.waves.gold.gold_set import write_gold_lines
from tests.evaluation_builders import gold_item, prediction, stage_row
from tests.head_builders import head_settings, random_vectors, write_embeddings, write_records, write_rows
from tests.wave_builders import STARS

pytest.importorskip("torch", reason="heads need the extra `models`")

COUNT = 200


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Records r0, r1, ... with a label that their vectors tell and one that is pure chance."""
    folder = tmp_path_factory.mktemp("corpus")
    vectors = random_vectors(COUNT, 6)
    chance = np.random.default_rng(8).integers(0, 2, COUNT)
    rows = [
        {
            "id": f"r{place}",
            "clear": bool(vector[0] > 0),
            "chance": bool(chance[place]),
        }
        for place, vector in enumerate(vectors)
    ]
    records = write_records(folder / "a.jsonl", rows)
    return records, write_embeddings(folder / "a.h5", records, vectors), vectors


def warnings_of(corpus, output, targets, **changes):
    records, embeddings, _ = corpus
    return train_head("h", head_settings(targets, **changes), [embeddings], [records], output)["warnings"]


@pytest.mark.parametrize(
    ("epochs", "best_epoch", "says"),
    [(12, 1, "The first epoch was the best"), (11, 0, "nothing was learned"), (1, 1, None), (30, 2, None)],
)
def test_a_first_epoch_that_is_the_best_is_a_warning(epochs, best_epoch, says):
    learned = {"a": {"train": 0.5, "dev": 0.4}}
    fitted = Fitted((), {}, {"a": 0.3}, learned, epochs=epochs, best_epoch=best_epoch)
    warnings = training_warnings(fitted, {})
    assert len(warnings) == bool(says)
    assert all(says in warning and "`learning_rate`" in warning for warning in warnings)


def test_a_target_that_is_worse_than_a_constant_answer_is_named_beside_one_that_has_learned():
    learned = {"a": {"train": 0.5, "dev": 0.4}, "b": {"train": 0.2, "dev": -0.1}}
    fitted = Fitted((), {}, {"a": 0.3, "b": 0.7}, learned, epochs=30, best_epoch=9)
    (warning,) = training_warnings(fitted, {})
    assert warning.startswith("`b`: the head is rid of nothing of a constant answer's loss")


def test_a_head_that_learned_from_a_targeted_sample_says_so():
    fitted = Fitted((), {}, {"a": 0.3}, {"a": {"train": 0.5, "dev": 0.4}}, epochs=30, best_epoch=9)
    (warning,) = training_warnings(fitted, {}, targeted_by=["hard"])
    assert "error analysis hard" in warning and "say nothing about the corpus" in warning
    assert training_warnings(fitted, {}) == []


def test_a_head_that_names_keys_of_adamw_is_not_trained_anew_by_an_upgrade():
    given = {"embedding": "small", "labels": {"source": "notes"}, "targets": ["chance"]}
    named = Head.model_validate({**given, "max_epochs": Head.model_fields["max_epochs"].default})
    assert '"fit"' not in named.as_setting()
    # These two are fitted in different ways, though their keys have the same values.
    assert named.as_setting() != Head.model_validate(given).as_setting()
    assert Head.model_validate({**given, "fit": "adamw"}).as_setting() != named.as_setting()


def test_one_epoch_in_all_is_no_warning(corpus, tmp_path):
    assert warnings_of(corpus, tmp_path, ["clear"], max_epochs=1) == []


def test_labels_by_chance_are_a_warning_however_the_head_is_fitted(corpus, tmp_path):
    records, embeddings, _ = corpus
    split = {"train": 0.4, "dev": 0.4, "test": 0.2}
    by_adamw = warnings_of(corpus, tmp_path / "a", ["chance"], learning_rate=0.01, split=split)
    given = {"embedding": "small", "labels": {"source": "notes"}, "targets": ["chance"]}
    plain = Head(**given, learning_curve=[], split=split)
    metrics = train_head("h", plain, [embeddings], [records], tmp_path / "b")
    for warnings in (by_adamw, metrics["warnings"]):
        assert any(
            "nothing was learned" in warning or "of a constant answer's loss" in warning
            for warning in warnings
        )


def test_a_head_that_has_learned_has_no_warning(corpus, tmp_path):
    assert warnings_of(corpus, tmp_path, ["clear"]) == []


@pytest.mark.parametrize("target", ["clear", "chance"])
def test_a_dev_split_too_small_to_choose_by_is_a_warning_and_labels_are_not_blamed(corpus, tmp_path, target):
    records, embeddings, _ = corpus
    split = {"train": 0.9, "dev": 0.02, "test": 0.08}
    given = {"embedding": "small", "labels": {"source": "notes"}, "targets": [target]}
    plain = Head(**given, learning_curve=[], split=split)
    metrics = train_head("h", plain, [embeddings], [records], tmp_path)
    count = metrics["splits"]["dev"]
    assert 0 < count < 20
    first, *others = metrics["warnings"]
    assert first.startswith(f"`{target}`: the strength of the penalty was chosen on {count} record")
    assert not any("noisy" in warning or "Label more" in warning for warning in others)


@pytest.mark.parametrize(("agree", "noisy"), [(0.97, False), (0.6, True)])
def test_answers_of_two_llms_that_disagree_are_noisy_labels(corpus, tmp_path, agree, noisy):
    _, embeddings, vectors = corpus
    generator = np.random.default_rng(1)
    stars = np.clip(np.round(2.5 + vectors[:, 0]), 1, 5).astype(int)
    other = np.where(generator.random(COUNT) < agree, stars, generator.integers(1, 6, COUNT))
    files = [
        write_rows(
            tmp_path / f"{name}.jsonl",
            [stage_row(n, {"stars": prediction(STARS, int(value))}) for n, value in enumerate(values)],
        )
        for name, values in (("a", stars), ("b", other))
    ]
    settings = head_settings(["stars"], labels={"stage": ["a", "b"], "aggregate": "mean"}, max_epochs=20)
    metrics = train_head("h", settings, [embeddings], files, tmp_path / "h")
    agreement = metrics["label_agreement"]["stars"]
    assert agreement["records"] == metrics["splits"]["train"]
    assert (agreement["alpha"] < 0.667) is noisy
    assert any("the labels are noisy" in warning for warning in metrics["warnings"]) is noisy


def test_single_answers_say_nothing_of_agreement(corpus, tmp_path):
    records, embeddings, _ = corpus
    settings = head_settings(["clear"], max_epochs=1)
    metrics = train_head("h", settings, [embeddings], [records], tmp_path)
    assert metrics["label_agreement"] == {"clear": None}


@pytest.mark.parametrize(
    ("shares", "resolution", "answers"),
    [
        ({"3": 1.0}, "agreement", ["3", "3"]),
        ({"3": 0.5, "4": 0.5}, "adjudicated", ["3", "4"]),
        ({"3": 0.93, "4": 0.07}, "dawid_skene", []),
        ({"3": 1.0}, "dawid_skene", []),
        ({"3": 1.0}, "single", []),
        ({}, "agreement", []),
    ],
)
def test_the_answers_of_annotators_are_known_by_their_shares(tmp_path, shares, resolution, answers):
    item = gold_item(
        0,
        {"stars": 3},
        annotators=("anna", "ben"),
        soft_labels={"stars": shares},
        resolutions={"stars": resolution},
    )
    write_gold_lines(tmp_path / "gold.jsonl", [item])
    labels = read_labels(head_settings(["stars"], labels={"wave": "first"}), [tmp_path / "gold.jsonl"])
    assert sorted(labels["r0"].all_answers["stars"]) == answers


@pytest.mark.parametrize(
    ("shares", "answers"),
    [({"3": 0.6667, "4": 0.3333}, ["3", "3", "4"]), ({"3": 0.5, "4": 0.5}, ["3", "4"])],
)
def test_one_of_three_annotators_may_have_no_answer(tmp_path, shares, answers):
    item = gold_item(0, {"stars": 3}, annotators=("a", "b", "c"), soft_labels={"stars": shares})
    write_gold_lines(tmp_path / "gold.jsonl", [item])
    labels = read_labels(head_settings(["stars"], labels={"wave": "first"}), [tmp_path / "gold.jsonl"])
    assert sorted(labels["r0"].all_answers["stars"]) == answers


def test_near_misses_count_less_where_labels_have_an_order():
    answers = [[n % 5, (n % 5) + (n % 2) * (1 if n % 5 < 4 else -1)] for n in range(60)]
    kinds = {
        kind: label_agreement(Target("t", "t", kind, tuple("01234")), answers).alpha
        for kind in ("ordinal", "classification")
    }
    assert kinds["ordinal"] > 0.8 > 0.5 > kinds["classification"]
    assert label_agreement(Target("t", "t", "ordinal", tuple("01234")), answers[:9]) is None
