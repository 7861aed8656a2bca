"""Loading tasks: what a task file holds, and what its errors say."""

from pathlib import Path

import pytest
import yaml

from goldpan.errors import TaskError
from goldpan.tasks.task import load_task, task_files

TASKS = Path(__file__).parent / "tasks"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A task folder of its own, with the files of `every_type`."""
    for file in TASKS.glob("*"):
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def edited(folder: Path, **changes) -> Path:
    """The folder, with keys of `every_type.yaml` replaced."""
    path = folder / "every_type.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}, sort_keys=False))
    return folder


def with_feature(folder: Path, **feature) -> Path:
    """The folder, with `every_type` asking for one feature only."""
    return edited(folder, features=[{"description": "What.", **feature}], exclusive=[])


def error_of(folder: Path, name: str = "every_type") -> str:
    with pytest.raises(TaskError) as caught:
        load_task(name, folder)
    return str(caught.value)


def test_features_keep_the_order_of_the_file():
    names = [feature.name for feature in load_task("every_type", TASKS).features]
    assert names == [
        "relevant",
        "topic",
        "tools",
        "depth",
        "share",
        "summary",
        "places",
        "urgency",
        "praise",
        "blame",
    ]


def test_the_function_is_called_like_the_task_unless_it_has_a_name():
    assert load_task("every_type", TASKS).function_name == "record_paragraph"
    assert load_task("from_model", TASKS).function_name == "from_model"


def test_files_are_the_task_file_its_prompts_and_its_model():
    assert [file.name for file in load_task("every_type", TASKS).files] == [
        "every_type.yaml",
        "every_type.user.j2",
        "every_type.system.j2",
    ]
    assert "answer_models.py" in [file.name for file in load_task("from_model", TASKS).files]


@pytest.mark.parametrize("name", ["every_type", "from_model"])
def test_files_for_rules_are_those_of_the_loaded_task(name):
    assert sorted(task_files(name, TASKS)) == sorted(map(str, load_task(name, TASKS).files))


def test_the_hash_does_not_depend_on_where_the_files_lie(folder):
    assert load_task("every_type", folder).hash == load_task("every_type", TASKS).hash


@pytest.mark.parametrize("file", ["every_type.user.j2", "every_type.system.j2"])
def test_an_edited_prompt_changes_the_hash(folder, file):
    before = load_task("every_type", folder).hash
    (folder / file).write_text((folder / file).read_text() + "More.")
    assert load_task("every_type", folder).hash != before


def test_an_edited_answer_model_changes_the_hash(folder):
    before = load_task("from_model", folder).hash
    (folder / "answer_models.py").write_text((folder / "answer_models.py").read_text() + "\nX = 1\n")
    assert load_task("from_model", folder).hash != before


def test_the_order_of_labels_changes_the_hash(folder):
    labels = {"Water": "Wet.", "Soil": "Dry."}
    before = load_task(
        "every_type", with_feature(folder, name="t", type="classification", labels=labels)
    ).hash
    turned = dict(reversed(labels.items()))
    after = load_task("every_type", with_feature(folder, name="t", type="classification", labels=turned)).hash
    assert after != before


def test_the_order_of_an_exclusive_group_changes_the_hash(folder):
    before = load_task("every_type", folder).hash
    assert load_task("every_type", edited(folder, exclusive=[{"order": ["praise", "blame"]}])).hash != before


def test_an_unknown_feature_is_refused_with_the_nearest_one():
    with pytest.raises(TaskError, match="did you mean `summary`"):
        load_task("every_type", TASKS).feature("sumary")


def test_an_unknown_task_is_refused_with_the_nearest_one():
    assert "did you mean `every_type`?" in error_of(TASKS, "every_typ")


def test_the_task_must_be_called_like_its_file(folder):
    (folder / "other.yaml").write_text((folder / "every_type.yaml").read_text())
    assert "is `every_type` but the file is called `other.yaml`" in error_of(folder, "other")


def test_an_unknown_key_is_named_with_the_file_and_the_allowed_keys(folder):
    message = error_of(edited(folder, promt={"user": "x"}))
    assert "every_type.yaml" in message and "promt: no such key; allowed: task," in message


def test_a_missing_prompt_file_is_named_with_the_nearest_one(folder):
    message = error_of(edited(folder, prompt={"user": "every_typ.user.j2"}))
    assert "prompt.user" in message and "did you mean `every_type.user.j2`?" in message


def test_a_prompt_file_elsewhere_is_refused(folder):
    assert "must lie beside" in error_of(edited(folder, prompt={"user": "../every_type.user.j2"}))


def test_a_prompt_that_is_not_utf8_is_refused(folder):
    (folder / "every_type.user.j2").write_bytes(b"caf\xe9")
    assert "every_type.user.j2: cannot be read" in error_of(folder)


def test_features_and_model_exclude_each_other(folder):
    assert "either `features` or `model`" in error_of(edited(folder, model="answer_models.py:Paragraph"))


def test_an_unknown_feature_type_is_refused_with_the_types_there_are(folder):
    message = error_of(with_feature(folder, name="x", type="boolean"))
    assert "features.0 `x`: there is no type 'boolean'; allowed: binary, classification" in message


def test_an_unknown_feature_key_is_named_with_its_feature(folder):
    message = error_of(with_feature(folder, name="x", type="binary", labels=["a", "b"]))
    assert "features.0 `x`" in message and "labels: no such key; allowed: name," in message


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"type": "classification", "labels": [True, False]}, "label True is not text: quote it"),
        ({"type": "classification", "labels": [1, 2]}, "label 1 is not text"),
        ({"type": "classification", "labels": ["a", "a"]}, "label `a` is given twice"),
        ({"type": "classification", "labels": ["a"]}, "at least 2"),
        ({"type": "classification", "labels": ["a", " "]}, "a label is empty"),
        ({"type": "multilabel", "labels": ["a", "b"], "max_labels": 3}, "max_labels <= 2"),
        ({"type": "score", "min": 3, "max": 0}, "min must be below max"),
        ({"type": "score", "min": 0, "max": 0.5}, "whole bounds"),
        ({"type": "score", "min": 0}, "max: this key is required"),
        ({"type": "score", "min": 0, "max": float("inf")}, "finite"),
        ({"type": "extraction", "fields": [{"name": "a"}, {"name": "a"}]}, "field `a` is given twice"),
        ({"type": "extraction", "fields": [{"name": "a", "type": "object"}]}, "needs `fields`"),
        ({"type": "ranking", "items": ["a", "a"]}, "label `a` is given twice"),
        ({"type": "binary", "name": "not a name"}, "cannot name a column"),
    ],
)
def test_a_feature_that_cannot_be_answered_is_refused(folder, feature, message):
    assert message in error_of(with_feature(folder, **{"name": "x", **feature}))


@pytest.mark.parametrize("name", ["data", "id", "class", "true"])
def test_a_name_that_filters_need_is_refused(folder, name):
    assert f"cannot be called `{name}`" in error_of(with_feature(folder, name=name, type="binary"))


def test_two_features_of_one_name_are_refused(folder):
    features = [{"name": "x", "type": "binary", "description": "What."}] * 2
    assert "two features are called `x`" in error_of(edited(folder, features=features, exclusive=[]))


def test_two_features_that_answer_in_one_field_are_refused(folder):
    features = [
        {"name": "x", "type": "binary", "description": "What."},
        {"name": "x_detected", "type": "text", "bare": True, "description": "What."},
    ]
    message = error_of(edited(folder, features=features, exclusive=[]))
    assert "both answer in the field `x_detected`" in message


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (["prais", "blame"], "exclusive.0: there is no feature `prais`; did you mean `praise`?"),
        (["praise", "topic"], "`topic` is a classification"),
        (["praise", "praise"], "`praise` is named twice"),
    ],
)
def test_an_exclusive_group_that_makes_no_sense_is_refused(folder, order, message):
    assert message in error_of(edited(folder, exclusive=[{"order": order}]))


def test_an_included_file_comes_first_and_counts_as_a_file(folder):
    more = {
        "task": "more",
        "description": "More.",
        "include": ["every_type"],
        "prompt": {"user": "every_type.user.j2"},
        "features": [{"name": "extra", "type": "binary", "description": "What."}],
    }
    (folder / "more.yaml").write_text(yaml.safe_dump(more))
    task = load_task("more", folder)
    assert [task.features[0].name, task.features[-1].name] == ["relevant", "extra"]
    assert task.exclusive == load_task("every_type", folder).exclusive
    assert str(folder / "every_type.yaml") in task_files("more", folder)


def test_a_task_that_includes_itself_is_refused(folder):
    assert "includes itself" in error_of(edited(folder, include=["every_type"]))
