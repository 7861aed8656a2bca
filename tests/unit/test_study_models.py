"""What a study says of embeddings, heads and annotated files: names that lead nowhere are errors."""

import pytest
import yaml

from goldpan.cli import main
from goldpan.errors import GoldpanError, SeveralErrors, StudyError
from goldpan.heads.check import check_models
from goldpan.heads.columns_check import check_annotated_columns
from goldpan.study import load_project, load_study
from goldpan.study.embedding import Embedding
from goldpan.waves.steps.check import check_waves
from goldpan.workflow.before_run import check_before_run
from tests.corpus_projects import MODEL, corpus_study
from tests.projects import TOPIC_TASK, WorkflowProject, notes_study

REMOVED = object()


def changed(path: str, value) -> dict:
    """The study with the value at a dotted path replaced, or removed."""
    study = yaml.safe_load(yaml.safe_dump(corpus_study()))
    *parents, last = path.split(".")
    place = study
    for name in parents:
        place = place.setdefault(name, {})
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return study


@pytest.fixture
def write(tmp_path):
    """Write a study and return its project."""
    made = WorkflowProject.create(tmp_path / "project", study="corpus")
    made.write(f"{MODEL}/config.json", "{}")

    def write(study):
        made.write_study(study)
        return made.root

    return write


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (
            "embeddings.tiny.source",
            "texts",
            "embeddings.tiny.source: there is no source `texts`; there are: notes",
        ),
        (
            "heads.length.embedding",
            "small",
            "heads.length.embedding: there is no embedding `small`; there are: tiny",
        ),
        (
            "heads.length.labels",
            {"wave": "w"},
            "heads.length.labels.wave: there is no wave `w`; there are: none",
        ),
        (
            "heads.length.labels",
            {"stage": "s"},
            "heads.length.labels.stage: there is no stage `s`; there are: none",
        ),
        (
            "heads.length.labels",
            {"source": "x"},
            "heads.length.labels.source: there is no source `x`; there are: notes",
        ),
        (
            "annotated.all.embedding",
            "small",
            "annotated.all.embedding: there is no embedding `small`; there are: tiny",
        ),
        ("annotated.all.heads", "tall", "annotated.all.heads: there is no head `tall`; there are: length"),
        (
            "selections.long.annotated",
            "x",
            "selections.long.annotated: there is no set of annotated files `x`; there are: all",
        ),
        (
            "heads.tall-ones",
            {},
            "'tall-ones' cannot name a column: a letter (a to z), then letters, digits and `_`",
        ),
        (
            "waves",
            {"w": {"stage": "s", "annotators": ["ann"], "stratify": {"by": "feature.x"}, "sample": 1}},
            "'feature.x' names no strata: write `features.NAME`",
        ),
        ("embeddings.tiny.shards", 0, "embeddings.tiny.shards: Input should be greater than or equal to 1"),
    ],
)
def test_a_name_that_leads_nowhere_is_told_with_those_there_are(write, path, value, says):
    root = write(changed(path, value))
    with pytest.raises(StudyError) as caught:
        load_study(root / "config/studies/corpus.yaml")
    assert says in str(caught.value)


def test_a_study_without_stages_needs_no_provider(write):
    root = write(changed("providers", REMOVED))
    assert load_study(root / "config/studies/corpus.yaml").providers == {}


def test_labels_of_records_that_are_not_embedded_are_refused(write):
    study = changed("sources.others", {"files": ["others/*.jsonl"]})
    study["heads"]["length"]["labels"] = {"source": "others"}
    root = write(study)
    with pytest.raises(StudyError, match="none of the labels is about a record that `tiny` embeds"):
        load_study(root / "config/studies/corpus.yaml")


def test_an_evaluation_of_a_head_that_does_not_annotate_is_refused(write):
    study = corpus_study()
    study["stages"] = {
        "topics": {"input": {"source": "notes"}, "task": "topic", "provider": "main", "model": "m"}
    }
    study["waves"] = {"check": {"stage": "topics", "sample": 9, "annotators": ["ann"]}}
    study["evaluations"] = {
        "e": {"wave": "check", "predictions": {"h": {"annotated": "all", "heads": {"topic": "subject"}}}}
    }
    root = write(study)
    with pytest.raises(
        StudyError, match=r"predictions\.h\.heads: there is no head `subject`; there are: length"
    ):
        load_study(root / "config/studies/corpus.yaml")


def test_a_sound_study_is_told_in_a_line_for_each_part(write):
    found = list(check_models(load_project("corpus", root=write(corpus_study()))))
    assert found == [f"embedding tiny: the model {MODEL} is here", "head length: 1 targets"]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("embeddings.tiny.model", "models/none/here", "there is no model here"),
        ("embeddings.tiny.model", "package:no_such_package", "there is no Python package `no_such_package`"),
        (
            "annotated.all.regression_head_checkpoints",
            {"edu": "models/edu"},
            "there is no file or folder `models/edu`",
        ),
        (
            "selections.long.where",
            "score_lenght > 3",
            "there is no column `score_lenght`; did you mean `score_length`?",
        ),
        ("selections.long.where", "score_length >", "not a condition: invalid syntax"),
    ],
)
def test_a_check_without_data_finds_what_a_run_would_stumble_over(write, path, value, says):
    project = load_project("corpus", root=write(changed(path, value)))
    with pytest.raises(GoldpanError) as caught:
        list(check_models(project))
    assert says in str(caught.value)
    assert path.rpartition(".")[0] in str(caught.value)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ({"topik": "classification"}, "there is no feature `topik`; did you mean `topic`?"),
        ({"gist": "classification"}, "`gist` is a text, which a head cannot learn"),
    ],
)
def test_a_target_must_be_a_feature_that_a_head_can_learn(write, tmp_path, target, says):
    study = corpus_study()
    study["stages"] = {
        "topics": {"input": {"source": "notes"}, "task": "gist", "provider": "main", "model": "m"}
    }
    study["heads"]["length"].update(labels={"stage": "topics"}, targets=target)
    root = write(study)
    (root / "config/tasks/gist.yaml").write_text(
        yaml.safe_dump(
            {
                "task": "gist",
                "description": "d",
                "prompt": {"user": "topic.user.j2"},
                "features": [
                    {"name": "topic", "type": "classification", "description": "d", "labels": ["a", "b"]},
                    {"name": "gist", "type": "text", "description": "d"},
                ],
            }
        )
    )
    with pytest.raises(StudyError) as caught:
        list(check_models(load_project("corpus", root=root)))
    assert says in str(caught.value)


def test_heads_whose_columns_collide_are_refused(write):
    study = corpus_study()
    two = {**study["heads"]["length"], "targets": {"words": "regression", "tone": "auto"}}
    study["heads"] |= {"a": two, "a_words": study["heads"]["length"]}
    study["annotated"]["all"]["heads"] = ["length", "a", "a_words"]
    with pytest.raises(StudyError, match="would both write the column `score_a_words`"):
        list(check_models(load_project("corpus", root=write(study))))


def test_a_file_that_holds_no_head_is_found_before_anything_is_embedded(write):
    pytest.importorskip("torch", reason="heads need the extra `models`")
    root = write(changed("annotated.all.regression_head_checkpoints", {"edu": "models/edu.pt"}))
    (root / "models" / "edu.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(GoldpanError, match="cannot be loaded as plain weights"):
        list(check_models(load_project("corpus", root=root)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"formats": ["doccano"]}, "waves.check.formats: doccano has labels only"),
        ({"features": ["topik"]}, "there is no feature `topik`; did you mean `topic`?"),
        ({"guidelines": "none.md"}, "waves.check.guidelines: the guidelines cannot be read"),
        (
            {"strategy": "majority_llm", "annotators": ["ann", "bob", "eve"], "overlap": 2},
            "`majority_llm` needs exactly 2 annotators, between whom the LLM decides, but there are 3",
        ),
        (
            {"strategy": "dawid_skene", "annotators": ["ann", "bob", "eve"], "features": ["gist"]},
            "`dawid_skene` needs labels of a closed set",
        ),
    ],
)
def test_a_wave_that_could_not_be_given_out_is_found_before_anything_is_asked(write, changes, says):
    study = notes_study()
    study["waves"] = {"check": {"stage": "topics", "sample": 5, "annotators": ["ann"]} | changes}
    root = write(corpus_study())
    (root / "config/studies/notes.yaml").write_text(yaml.safe_dump(study))
    gist = {"name": "gist", "type": "text", "description": "What it says."}
    task = {**TOPIC_TASK, "features": [*TOPIC_TASK["features"], gist]}
    (root / "config/tasks/topic.yaml").write_text(yaml.safe_dump(task))
    with pytest.raises(StudyError) as caught:
        list(check_waves(load_project("notes", root=root)))
    assert says in str(caught.value)


def test_files_stay_in_their_shard_when_others_come():
    shards = Embedding(source="notes", model="m", shards=7)
    first = {f"f{place}": shards.shard_of("notes", f"f{place}") for place in range(200)}
    assert set(first.values()) == set(range(7))
    assert first == {name: shards.shard_of("notes", name) for name in first}
    assert {Embedding(source="notes", model="m").shard_of("notes", name) for name in first} == {0}


@pytest.mark.parametrize(
    ("head", "annotated", "says"),
    [
        ({}, {"output_keys": "score_length"}, "would write the column `score_length`, too"),
        (
            {"targets": {"topic": "classification"}},
            {"output_keys": "label_length"},
            "would write the column `label_length`",
        ),
        (
            {"targets": {"topic": "ordinal"}},
            {"output_keys": "probabilities_length", "probabilities": True},
            "write the column `probabilities_length`",
        ),
        ({}, {"output_keys": ["text", "id"]}, "every annotated row has a column `id` of its own"),
        ({}, {"output_keys": ["text", "reason"]}, "every annotated row has a column `reason` of its own"),
        ({}, {"output_keys": ["text", "text"]}, "`text` is named twice"),
    ],
)
def test_keys_that_collide_are_found_from_the_study_alone(write, head, annotated, says):
    study = corpus_study()
    study["heads"]["length"].update(head)
    study["annotated"]["all"] = {**study["annotated"]["all"], "output_keys": [], **annotated}
    project = load_project("corpus", root=write(study))
    with pytest.raises(StudyError) as caught:
        check_annotated_columns(project)
    assert says in str(caught.value)
    assert "annotated.all." in str(caught.value)


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ({"words": "regression"}, "label_length"),
        ({"words": "regression"}, "score_lengths"),
        ({"words": {"kind": "classification", "labels": ["a", "b"]}}, "score_length"),
        ({"words": "classification"}, "probabilities_length"),  # unless `probabilities: true` is said
    ],
)
def test_a_key_that_no_head_writes_is_taken(write, target, key):
    study = corpus_study()
    study["heads"]["length"]["targets"] = target
    study["annotated"]["all"]["output_keys"] = [key]
    check_annotated_columns(load_project("corpus", root=write(study)))


@pytest.mark.parametrize(
    ("head", "annotated", "says"),
    [
        (
            {"targets": {"topic": "auto"}},
            {"output_keys": "label_length"},
            "may write the column `label_length`",
        ),
        (
            {"targets": {"topic": "auto"}},
            {"output_keys": "score_length"},
            "may write the column `score_length`",
        ),
        (
            {"targets": {"topic": "classification"}},
            {"output_keys": "score_length"},
            "may write the column `score_length`",
        ),
        (
            {},
            {"output_keys": "score_edu_1", "regression_head_checkpoints": {"edu": "models/edu.pt"}},
            "the checkpoint `edu` may write the column `score_edu_1`, too",
        ),
    ],
)
def test_what_may_collide_is_said_and_stops_no_run(write, head, annotated, says):
    study = corpus_study()
    study["heads"]["length"].update(head)
    study["annotated"]["all"] = {**study["annotated"]["all"], **annotated}
    project = load_project("corpus", root=write(study))
    (note,) = check_before_run(project)
    assert note.startswith("annotated.all.output_keys: ")
    assert says in note


def test_validate_says_what_may_collide(write, capsys):
    study = changed("annotated.all.output_keys", ["label_length"])
    study["heads"]["length"]["targets"] = {"topic": "auto"}
    main(["validate", "corpus", "--root", str(write(study))])
    assert (
        "note: annotated.all.output_keys: target `topic` of head `length` may write"
        in capsys.readouterr().out
    )


def test_all_collisions_are_told_at_once(write):
    study = corpus_study()
    study["annotated"]["all"]["output_keys"] = ["score_length", "state", "text", "text"]
    with pytest.raises(SeveralErrors) as caught:
        list(check_models(load_project("corpus", root=write(study))))
    assert len(caught.value.errors) == 3


def test_a_run_stops_at_a_collision_before_it_begins(write):
    project = load_project("corpus", root=write(changed("annotated.all.output_keys", ["score_length"])))
    with pytest.raises(StudyError, match="would write the column `score_length`, too"):
        check_before_run(project)
