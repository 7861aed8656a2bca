"""The head that few labels get: fitted to convergence, with a penalty chosen on the dev split."""

import numpy as np
import pytest
from pydantic import ValidationError

from goldpan.heads.checkpoint import load_head
from goldpan.heads.fitting import Examples
from goldpan.heads.fused import FusedHeads
from goldpan.heads.model import HeadModel
from goldpan.heads.targets import Target
from goldpan.heads.train import train_head
from goldpan.study.head import Head
from tests.head_builders import random_vectors, read_rows, write_embeddings, write_records

pytest.importorskip("torch", reason="heads need the extra `models`")

NUMBER = Target("number", "number", "regression")
GRADE = Target("grade", "grade", "classification", ("0", "1", "2"))
GRADE_IN_ORDER = Target("order", "order", "ordinal", ("0", "1", "2"))
SIDE = Target("side", "side", "classification", ("0", "1"))
SIDE_IN_ORDER = Target("side_order", "side_order", "ordinal", ("0", "1"))


def settings(**changes):
    """Settings that name no way of fitting."""
    given = {"embedding": "small", "labels": {"source": "notes"}, "targets": ["number"], "learning_curve": []}
    return Head(**(given | changes))


def examples(count=120, dimension=20, seed=0, noise=1.0):
    """Embeddings of unequal spread, a number that depends on them, and grades of it."""
    generator = np.random.default_rng(seed)
    embeddings = (random_vectors(count, dimension, seed) * np.linspace(0.1, 3, dimension) + 5).astype(
        "float32"
    )
    signal = (embeddings - 5) @ np.random.default_rng(99).normal(size=dimension)
    number = signal / signal.std() + noise * generator.normal(size=count)
    return embeddings, number, np.digitize(number, [-0.7, 0.7]).astype(float)


def fitted(targets, train, dev, **changes):
    from goldpan.heads.training import fit

    return fit(settings(**changes), targets, train, dev, "converged")


def predicted(head, targets, embeddings):
    """What a fitted head says, target by target."""
    model = HeadModel("h", head.layers, tuple(targets), head.thresholds)
    return [part.predicted for part in FusedHeads([model]).predict(embeddings)]


def standardised(embeddings, train):
    return (embeddings - train.mean(0, dtype="float64")) / train.std(0, dtype="float64")


@pytest.mark.parametrize("dimension", [20, 200])
def test_a_regression_is_ridge_with_the_strength_that_is_best_on_dev(dimension):
    from sklearn.linear_model import Ridge

    from goldpan.heads.converged import STRENGTHS

    train, number, _ = examples(120, dimension, noise=3.0)
    dev, dev_number, _ = examples(60, dimension, seed=1, noise=3.0)
    head = fitted([NUMBER], Examples(train, [number]), Examples(dev, [dev_number]))
    errors, answers = {}, {}
    for strength in STRENGTHS:
        # The same problem: squares summed, not meant, and half the penalty.
        ridge = Ridge(alpha=len(train) * strength / 2).fit(standardised(train, train), number)
        answers[strength] = ridge.predict(standardised(dev, train))
        errors[strength] = np.mean((answers[strength] - dev_number) ** 2)
    best = min(errors, key=errors.__getitem__)
    assert head.strengths == {"number": pytest.approx(best)}
    np.testing.assert_allclose(predicted(head, [NUMBER], dev)[0].score, answers[best], atol=2e-4)


@pytest.mark.parametrize(("target", "weights"), [(GRADE, "none"), (GRADE, "balanced"), (SIDE, "none")])
def test_labels_are_penalised_logistic_regression_to_convergence(target, weights):
    from sklearn.linear_model import LogisticRegression

    (train, _, grades), (dev, _, dev_grades) = examples(), examples(60, seed=1)
    grades, dev_grades = (np.minimum(values, len(target.labels) - 1) for values in (grades, dev_grades))
    head = fitted([target], Examples(train, [grades]), Examples(dev, [dev_grades]), class_weights=weights)
    strength = head.strengths[target.name]
    # One weight vector for two labels, where we have two that share the penalty.
    penalty = strength / 2 if len(target.labels) == 2 else strength
    model = LogisticRegression(
        C=1 / (len(train) * penalty),
        class_weight=None if weights == "none" else "balanced",
        tol=1e-10,
        max_iter=10_000,
    ).fit(standardised(train, train), grades)
    expected = model.predict_proba(standardised(dev, train))
    np.testing.assert_allclose(predicted(head, [target], dev)[0].probabilities, expected, atol=1e-4)


def test_two_labels_in_an_order_are_logistic_regression_too():
    from sklearn.linear_model import LogisticRegression

    (train, _, grades), (dev, _, dev_grades) = examples(), examples(60, seed=1)
    sides, dev_sides = np.minimum(grades, 1), np.minimum(dev_grades, 1)
    head = fitted([SIDE_IN_ORDER], Examples(train, [sides]), Examples(dev, [dev_sides]))
    c = 1 / (len(train) * head.strengths["side_order"])
    model = LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(standardised(train, train), sides)
    expected = model.predict_proba(standardised(dev, train))
    np.testing.assert_allclose(predicted(head, [SIDE_IN_ORDER], dev)[0].probabilities, expected, atol=1e-4)


def test_targets_are_fitted_as_each_alone_though_labels_are_missing():
    (train, number, grades), (dev, dev_number, dev_grades) = examples(), examples(60, seed=1)
    some = np.where(np.arange(len(grades)) % 3 == 0, np.nan, grades)
    targets = [NUMBER, GRADE, GRADE_IN_ORDER]
    truths, dev_truths = [number, some, some], [dev_number, dev_grades, dev_grades]
    together = fitted(targets, Examples(train, truths), Examples(dev, dev_truths))
    for place, target in enumerate(targets):
        alone = fitted([target], Examples(train, [truths[place]]), Examples(dev, [dev_truths[place]]))
        assert together.strengths[target.name] == alone.strengths[target.name]
        mine, other = predicted(together, targets, dev)[place], predicted(alone, [target], dev)[0]
        first, second = (part.score if target is NUMBER else part.probabilities for part in (mine, other))
        np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("target", [NUMBER, GRADE, GRADE_IN_ORDER])
def test_labels_that_have_nothing_to_do_with_the_embeddings_leave_the_constant_answer(target):
    generator = np.random.default_rng(3)
    train, dev = random_vectors(60, 10), random_vectors(400, 10, seed=1)
    truths = [generator.integers(0, 3, count).astype(float) for count in (60, 400)]
    head = fitted([target], Examples(train, truths[:1]), Examples(dev, truths[1:]))
    assert head.learned[target.name]["dev"] < 0.05
    same = fitted([target], Examples(np.ones((60, 10), "float32"), truths[:1]), Examples(dev * 0, truths[1:]))
    assert same.strengths == {target.name: None}
    answers = predicted(same, [target], dev)[0]
    assert np.ptp(answers.score if target is NUMBER else answers.probabilities, axis=0).max() < 1e-6


def test_a_label_that_only_dev_has_is_unlikely_and_no_fault():
    train, _, grades = examples()
    head = fitted([GRADE], Examples(train, [np.minimum(grades, 1)]), Examples(train, [grades]))
    probabilities = predicted(head, [GRADE], train)[0].probabilities
    assert np.isfinite(probabilities).all() and probabilities[:, 2].max() < 0.05


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """300 records with a number, a grade of it and a label that is pure chance. Not to be changed."""
    folder = tmp_path_factory.mktemp("corpus")
    vectors, numbers, grades = examples(300, 12)
    chance = np.random.default_rng(8).integers(0, 2, 300)
    rows = [
        {"number": float(number), "grade": int(grade), "chance": bool(side)}
        for number, grade, side in zip(numbers, grades, chance, strict=True)
    ]
    records = write_records(folder / "a.jsonl", rows)
    return records, write_embeddings(folder / "a.h5", records, vectors), vectors


def train(corpus, output, targets, **changes):
    records, embeddings, _ = corpus
    return train_head("h", settings(targets=targets, **changes), [embeddings], [records], output)


def test_it_is_the_default_for_few_labels_and_says_why(corpus, tmp_path):
    grade = {"kind": "ordinal", "labels": [0, 1, 2]}
    metrics = train(corpus, tmp_path, {"number": {}, "grade": grade}, learning_curve=[0.5])
    fit = metrics["fit"]
    assert (fit["method"], metrics["epochs"], metrics["best_epoch"]) == ("converged", None, None)
    assert fit["why"] == f"{metrics['splits']['train']} training records are fewer than 1,000"
    assert set(fit["strengths"]) == {"number", "grade"} and min(fit["strengths"].values()) > 0
    assert 0.2 < fit["learned"]["number"]["dev"] < 1
    assert metrics["targets"]["number"]["figures"]["spearman"]["value"] > 0.6
    assert metrics["warnings"] == []


def test_the_saved_head_scores_as_any_other_and_twice_the_same(corpus, tmp_path):
    *_, vectors = corpus
    for name in ("one", "two"):
        metrics = train(corpus, tmp_path / name, ["number"])
    for name in ("config.json", "labels.jsonl", "metrics.json", "model.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    (prediction,) = FusedHeads([load_head(tmp_path / "one")]).predict(vectors)
    rows = read_rows(tmp_path / "one" / "labels.jsonl")
    test = np.array([row["split"] == "test" for row in rows])
    truth = np.array([row["values"]["number"] for row in rows])
    mae = np.abs(prediction.predicted.score - truth)[test].mean()
    assert metrics["targets"]["number"]["figures"]["mae"]["value"] == pytest.approx(mae, 1e-4)
    assert "all_answers" not in rows[0]


@pytest.mark.parametrize(
    ("named", "records", "method", "why"),
    [
        ({}, 999, "converged", "999 training records are fewer than 1,000"),
        ({}, 1_000, "adamw", "there are 1,000 training records"),
        ({"architecture": "linear"}, 100, "adamw", "the study gives `architecture`"),
        ({"architecture": "mlp", "hidden": 8}, 100, "adamw", "the study gives `architecture`"),
        ({"learning_rate": 0.001, "patience": 3}, 100, "adamw", "`learning_rate`, `patience`"),
        ({"class_weights": "balanced", "seed": 3}, 100, "converged", "fewer than"),
        ({"fit": "adamw"}, 100, "adamw", "the study says `fit: adamw`"),
        ({"fit": "converged", "architecture": "linear"}, 5_000, "converged", "the study says"),
    ],
)
def test_what_the_study_names_holds_and_else_the_number_of_records(named, records, method, why):
    chosen, reason = settings(**named).fit_method(records)
    assert chosen == method and why in reason


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"learning_rate": 0.1, "max_epochs": 3}, "learning_rate and max_epochs goes with `fit: adamw`"),
        ({"architecture": "mlp"}, "one linear layer"),
    ],
)
def test_settings_that_a_fit_to_convergence_does_not_have_are_refused(changes, problem):
    with pytest.raises(ValidationError, match=problem):
        settings(fit="converged", **changes)
