"""Labels of other tools become a new version of a module's golden set, by `goldpan import annotations`."""

import orjson
import pytest

from goldpan.cli import main
from goldpan.cli.import_annotations import FORMATS
from goldpan.imports.annotations.formats import format_names
from goldpan.imports.annotations.mapping import AnnotationMap, FeatureSource
from goldpan.study import load_project
from goldpan.study.yaml_file import read_yaml
from goldpan.waves.steps.run import WaveRun
from tests.projects import CHECKOUT, WorkflowProject
from tests.wave_builders import make_project

TABLE = "modules:\n  topic: {name: ClassifyTopic, kind: classification, funnel: first}\n"
STUDY = """
study: golden
modules:
  table: config/modules.yaml
  data: golden
  stage: {provider: here, model: goldpan-baseline-1}
providers: {here: {kind: local}}
"""
TASK = {
    "task": "topic",
    "description": "What a note is about.",
    "prompt": {"user": "topic.user.j2"},
    "features": [
        {
            "name": "topic",
            "type": "classification",
            "description": "What the note is about.",
            "labels": ["cat", "engine", "rain"],
        }
    ],
    "expected": {"topic": {"field": "expected.topic"}},
}
NOTES = ("The cat sleeps.", "The engine is loud.", "Rain falls all day.", "It purrs.")


def row(number, topic):
    return {"id": f"r{number}", "input": {"text": NOTES[number]}, "expected": {"topic": topic}}


@pytest.fixture
def project(tmp_path):
    project = WorkflowProject.create(tmp_path, study="golden")
    project.write("config/modules.yaml", TABLE)
    project.write("config/studies/golden.yaml", STUDY)
    project.write_task(TASK)
    project.write("config/tasks/topic.user.j2", "{{ data.input.text }}")
    project.write_rows("golden/topic.jsonl", [row(0, "cat"), row(1, "engine"), row(2, "engine")])
    return project


@pytest.fixture
def called(project, capsys):
    """Calls `goldpan import annotations`; returns its exit code and what it printed."""

    def call(*arguments, to=("--to-golden", "topic")):
        code = main(["import", "annotations", *map(str, arguments), *to, "--root", str(project.root)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return call


def exported(project, *said, name="export.json"):
    """A Label Studio export: (id or text, annotator -> label) of each row."""
    tasks = [
        {
            "id": number,
            "data": data,
            "annotations": [
                {
                    "completed_by": who,
                    "created_at": "2026-03-01T10:00:00Z",
                    "result": [{"from_name": "topic", "type": "choices", "value": {"choices": [label]}}],
                }
                for who, label in labels.items()
            ],
        }
        for number, (data, labels) in enumerate(said, 1)
    ]
    return project.write(name, orjson.dumps(tasks).decode())


def version(project, number):
    path = project.root / "golden" / f"topic.v{number}.jsonl"
    return {row["id"]: row for row in map(orjson.loads, path.read_bytes().splitlines())}


def test_labels_become_a_new_version_and_the_old_one_stays(project, called):
    before = (project.root / "golden/topic.jsonl").read_bytes()
    file = exported(project, ({"id": "r2"}, {"a": "rain", "b": "rain"}), ({"id": "r0"}, {"a": "cat"}))
    code, said = called(file)
    assert code == 0 and 'r2: topic "engine" -> "rain"' in said
    assert "3 annotations read: 3 taken" in said
    assert "1 answers changed, 1 confirmed, 0 rows added" in said
    rows = version(project, 2)
    assert rows["r2"]["expected"] == {"topic": "rain"} and rows["r0"] == row(0, "cat")
    (decided,) = rows["r2"]["metadata"]["people"]
    assert decided["was"] == {"topic": "engine"}
    origin = decided["imported"]
    assert (origin["files"][0]["name"], origin["files"][0]["format"]) == ("export.json", "label_studio")
    assert (origin["annotators"], origin["date"], origin["key"]) == (2, "2026-03-01", "id")
    assert (project.root / "golden/topic.jsonl").read_bytes() == before


def test_the_same_import_again_writes_nothing(project, called):
    file = exported(project, ({"id": "r2"}, {"a": "rain"}))
    called(file)
    code, said = called(file)
    assert code == 0 and "1 taken over before" in said and "nothing was written" in said
    assert not (project.root / "golden/topic.v3.jsonl").exists()


def test_a_row_on_which_annotators_differ_stays(project, called):
    file = exported(project, ({"id": "r2"}, {"a": "rain", "b": "cat"}), ({"id": "r0"}, {"a": "cat"}))
    code, said = called(file)
    assert code == 0 and "r2: stays as it is; `topic`: annotators differ: a says rain; b says cat" in said
    assert "3 annotations read: 1 taken" in said and "2 annotators of the row differ" in said
    assert not (project.root / "golden/topic.v2.jsonl").exists()


def test_a_dry_run_says_what_would_change_and_writes_nothing(project, called):
    code, said = called(exported(project, ({"id": "r2"}, {"a": "rain"})), "--dry-run")
    assert code == 0 and "would be version 2" in said
    assert not (project.root / "golden/topic.v2.jsonl").exists()


def test_a_text_may_be_the_key(project, called):
    file = exported(project, ({"text": NOTES[2]}, {"a": "rain"}), ({"text": "Nowhere."}, {"a": "cat"}))
    code, said = called(file, "--key", "text=input.text")
    assert code == 0 and version(project, 2)["r2"]["expected"] == {"topic": "rain"}
    assert "not joined: 1 no row here has its `input.text`" in said and "`Nowhere.`" in said


def test_a_label_of_another_text_is_not_taken(project, called):
    map_ = project.write("map.yaml", "texts: {input.text: text}\n")
    file = exported(project, ({"id": "r2", "text": NOTES[0]}, {"a": "cat"}))
    code, said = called(file, "--map", map_)
    assert code == 1 and "its `text` is another text than ours" in said


def test_new_rows_are_added_only_where_one_says_so(project, called):
    map_ = project.write("map.yaml", "rows: {input.text: text}\n")
    file = exported(
        project, ({"id": "r9", "text": NOTES[3]}, {"a": "cat", "b": "cat"}), ({"id": "r0"}, {"a": "cat"})
    )
    code, said = called(file, "--map", map_)
    assert code == 0 and "2 no row here has its `id`" in said
    code, said = called(file, "--map", map_, "--add-rows")
    assert code == 0 and "r9: new" in said
    added = version(project, 2)["r9"]
    assert (added["input"], added["expected"]) == ({"text": NOTES[3]}, {"topic": "cat"})


def test_a_new_row_on_which_annotators_differ_is_counted_and_named_as_not_added(project, called):
    map_ = project.write("map.yaml", "rows: {input.text: text}\n")
    file = exported(
        project, ({"id": "r9", "text": NOTES[3]}, {"a": "cat", "b": "rain"}), ({"id": "r2"}, {"a": "rain"})
    )
    code, said = called(file, "--map", map_, "--add-rows")
    assert code == 0 and "3 annotations read: 1 taken" in said
    assert "r9: is not added; `topic`: annotators differ: a says cat; b says rain" in said
    assert version(project, 2).keys() == {"r0", "r1", "r2"}
    _, told = called(file, "--map", map_, "--add-rows", "--json")
    counts = orjson.loads(told)
    assert counts["taken"] == 1 and counts["left_out"] == {"annotators of the row differ": 2}
    assert "annotators differ" in counts["not_taken"]["r9"]


@pytest.mark.parametrize("as_object", [True, False])
def test_metadata_that_new_rows_do_not_get_is_named(project, called, as_object):
    map_ = project.write("map.yaml", "rows: {input.text: text}\n")
    told = {"metadata": {"page": 3, "by": "x"}} if as_object else {"metadata.page": 3, "metadata.by": "x"}
    file = exported(project, ({"id": "r9", "text": NOTES[3], **told}, {"a": "cat"}))
    code, said = called(file, "--map", map_, "--add-rows")
    assert code == 0 and "r9: new" in said
    assert "new rows do not get `metadata.page`, `metadata.by`" in said
    assert version(project, 2)["r9"]["metadata"].keys() == {"people"}


def test_a_new_row_that_lacks_what_all_have_is_not_added(project, called):
    code, said = called(
        exported(project, ({"id": "r9"}, {"a": "cat"}), ({"id": "r2"}, {"a": "rain"})), "--add-rows"
    )
    assert code == 0 and "as a new row it lacks what all rows have" in said
    assert version(project, 2).keys() == {"r0", "r1", "r2"}


def test_a_new_row_with_the_text_of_another_is_not_added(project, called):
    map_ = project.write("map.yaml", "rows: {input.text: text}\n")
    file = exported(project, ({"id": "r9", "text": NOTES[0]}, {"a": "cat"}))
    code, said = called(file, "--map", map_, "--add-rows")
    assert code == 0 and "r9: is not added; the same input stands already under the id `r0`" in said
    assert "1 annotations read: 0 taken" in said and "1 of a new row that is not added" in said
    assert not (project.root / "golden/topic.v2.jsonl").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("features: {tpoic: topic}", "did you mean `topic`"),
        ("features: {topic: {form: x}}", "form"),
        ("feature: {topic: x}", "feature"),
        ("annotators: [a]", "annotators"),
        ("offsets: bytes", "offsets"),
        ("features: {topic: {text_to: name}}", "has no field `name`"),
        ("[", "map.yaml"),
    ],
)
def test_a_map_with_a_mistake_is_refused(project, called, text, why):
    code, said = called(
        exported(project, ({"id": "r2"}, {"a": "rain"})), "--map", project.write("map.yaml", text)
    )
    assert code == 1 and why in said and "map.yaml" in said


def test_a_module_that_is_none_is_refused(project, called):
    file = exported(project, ({"id": "r2"}, {"a": "rain"}))
    code, said = called(file, to=("--to-golden", "topics"))
    assert code == 1 and "there is no module `topics`" in said


def test_a_golden_set_of_ours_comes_back_the_same(project, called):
    map_ = project.write("map.yaml", "features: {topic: expected.topic}\n")
    code, said = called(project.root / "golden" / "topic.jsonl", "--map", map_)
    assert code == 0 and "0 answers changed, 3 confirmed" in said and "nothing was written" in said


def test_counts_as_json_add_up(project, called):
    file = exported(project, ({"id": "r2"}, {"a": "rain"}), ({"id": "r8"}, {"a": "cat"}), ({"id": "r1"}, {}))
    _, said = called(file, "--json", "--dry-run")
    counts = orjson.loads(said)
    told = [*counts["left_out"].values(), *counts["not_joined"].values(), counts["taken"], counts["unfit"]]
    assert counts["read"] == 3 == sum(told)


# Waves, as the command takes them


@pytest.fixture
def notes(tmp_path):
    project = make_project(tmp_path)
    wave_of(project).draw()
    return project


def wave_of(project):
    return WaveRun(load_project("notes", root=project.root), "check")


def test_sheets_of_a_wave_are_written_where_it_collects_them(notes, capsys):
    notes.write("t.csv", "id,annotator,topic,urgent\nn1,ann,machines,no\nn2,ben,weather,yes\n")
    command = [
        "import",
        "annotations",
        str(notes.root / "t.csv"),
        "--to-wave",
        "check",
        "--root",
        str(notes.root),
    ]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "2 annotations read: 2 taken" in said and "written: " in said
    collected = wave_of(notes).read_sheets()
    assert {answer.annotator: answer.values for answer in collected.answers} == {
        "ann": {"topic": "machines", "urgent": False},
        "ben": {"topic": "weather", "urgent": True},
    }
    assert main(command) == 0 and "as it was: " in capsys.readouterr().out


def test_a_wave_that_was_not_given_out_is_refused(tmp_path, capsys):
    project = make_project(tmp_path)
    file = project.write("t.csv", "id,annotator,topic\nn1,ann,machines\n")
    assert main(["import", "annotations", str(file), "--to-wave", "check", "--root", str(tmp_path)]) == 1
    assert "was not given out yet" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--annotator", "anne"], ["--add-rows"], ["--key", "="]])
def test_options_that_make_no_sense_are_refused(notes, capsys, more):
    file = notes.write("t.csv", "id,annotator,topic\nn1,ann,machines\n")
    command = ["import", "annotations", str(file), "--to-wave", "check", "--root", str(notes.root), *more]
    assert main(command) == 1 and capsys.readouterr().err.startswith("goldpan: ")
    assert not wave_of(notes).read_sheets().answers


def test_the_formats_that_can_be_named_are_those_that_are_read():
    assert list(FORMATS) == format_names()


def test_the_map_on_the_page_is_one_and_names_every_key(tmp_path):
    page = (CHECKOUT / "docs" / "imports.md").read_text(encoding="utf-8").split("\n## Answers that")[0]
    path = tmp_path / "map.yaml"
    path.write_text(page.split("```yaml\n")[1].split("```")[0])
    shown = AnnotationMap.model_validate(read_yaml(path))
    assert shown.model_fields_set == AnnotationMap.model_fields.keys()
    keys = {key for source in shown.features.values() for key in source.model_fields_set}
    assert keys == FeatureSource.model_fields.keys()
    assert all(f"`{name}`" in page for name in FORMATS)
