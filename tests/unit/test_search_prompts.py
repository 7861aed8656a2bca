"""What a prompt of a search may be: its files, its templates, its length, and rows that are alike."""

import dataclasses

import pytest

from goldpan.errors import StudyError
from goldpan.optimise.prompt_faults import character_fault, length_fault, template_fault
from goldpan.optimise.task_version import components_of, literal, write_task_version
from goldpan.tasks.prompts import prompt_environment
from goldpan.tasks.task import load_task

TASK = """task: note
description: What a note is.
prompt: {system: note.s.j2, user: note.u.j2}
function: {name: label_note}
exclusive: [{order: [urgent, calm]}]
features:
  - {name: topic, type: classification, description: What., labels: {cats: Of cats., dogs: ""}, title: T}
  - {name: urgent, type: binary, description: At once., rationale: true}
  - {name: calm, type: binary, description: Not at once., abstain: true}
  - {name: length, type: score, min: 0, max: 5, description: How long., integer: false}
  - {name: names, type: extraction, description: Who., fields: [{name: who}, {name: age, type: integer}]}
"""


@pytest.fixture
def task(tmp_path):
    (tmp_path / "note.yaml").write_text(TASK)
    (tmp_path / "note.s.j2").write_text("You label notes.\n")
    (tmp_path / "note.u.j2").write_text("{% if data.title %}{{ data.title }}: {% endif %}{{ data.text }}\n")
    return load_task("note", tmp_path)


def test_a_version_with_the_same_texts_is_the_same_task(task, tmp_path):
    components, parts = components_of(task, ["system", "user", "descriptions"], "x")
    assert parts == tuple(components) and "label.topic.dogs" in parts
    write_task_version(task, components, tmp_path / "same")
    same = load_task("note", tmp_path / "same")
    assert same.hash == task.hash
    assert same.features == task.features
    write_task_version(task, components, tmp_path / "same", name="other")
    assert load_task("other", tmp_path / "same").hash == task.hash


def test_all_tasks_of_the_project_come_back_the_same(project, tmp_path):
    folder = project / "config" / "tasks"
    seen = 0
    for path in sorted(folder.glob("*.yaml")):
        known = load_task(path.stem, folder, needs_prompt=False)
        if not known.user_template:
            continue
        seen += 1
        components, _ = components_of(known, [], "x")
        write_task_version(known, components, tmp_path / path.stem)
        assert load_task(known.name, tmp_path / path.stem).hash == known.hash, path.stem
    assert seen > 20


def test_descriptions_are_those_of_the_candidate(task, tmp_path):
    components, _ = components_of(task, ["descriptions"], "x")
    changed = {**components, "feature.urgent": "Now.", "label.topic.dogs": "Of dogs."}
    write_task_version(task, changed, tmp_path / "new")
    new = load_task("note", tmp_path / "new")
    assert new.feature("urgent").description == "Now."
    assert new.feature("topic").labels == {"cats": "Of cats.", "dogs": "Of dogs."}
    assert new.hash != task.hash


def test_a_task_without_a_system_prompt_has_none_to_improve(task):
    bare = dataclasses.replace(task, system_template=None)
    with pytest.raises(StudyError, match="no system prompt to improve"):
        components_of(bare, ["system"], "optimised.x")


@pytest.mark.parametrize(
    "text", ["{{ data.gold }} {% raw %} {# no #}", "{{{ a }}}", "plain", "{{", "", "{%}#}"]
)
def test_a_literal_renders_to_itself(text):
    assert prompt_environment().from_string(literal(text)).render() == text


@pytest.mark.parametrize(
    ("part", "text", "fault"),
    [
        ("system", "You label notes with care, e.g. {\"a\": 1}.", ""),
        ("user", "Title {{ data.title }}, text {% if data.title %}x{% endif %}{{ data.text }}", ""),
        ("system", "Look at {{ data.text }} twice.", ""),
        ("user", "{{ data.text }}", "no longer shows data.title"),
        ("user", "{% if data.title %}{{ data.title }}{% endif %}", "no longer shows data.text"),
        # The right answer stands in a field, too.
        ("system", "The answer is {{ data.gold }}.", "names data.gold, which the first prompt does not"),
        ("system", "{{ data }}", "names data, which"),
        ("system", "{{ data['gold'] }}", "template language"),
        ("system", "{{ id }}", "names id"),
        ("system", "{% for i in data.text %}{{ i }}{% endfor %}", "template language: For"),
        ("system", "{{ data.text * 1000000000 }}", "template language: Mul"),
        ("system", "{% include 'x' %}", "template language: Include"),
        ("system", "{% if %}", "no valid template"),
        ("system", "{{ data.text", "no valid template"),
        ("system", "  \n", "the system prompt is empty"),
    ],
)  # fmt: skip
def test_templates_of_a_candidate(task, part, text, fault):
    components, _ = components_of(task, ["system"], "x")
    said = template_fault(task, {**components, part: text})
    assert fault in said if fault else said == ""


@pytest.mark.parametrize(
    ("user", "fault"),
    [
        ("{{ data.text|trim }} of …", ""),
        ("{% if data.text %}sarcasm{% endif %}…", "no longer shows data.text|trim"),
        ("{% if data.title %}{{ data.text|trim }}{% endif %}…", "wherever"),
        ("{{ data.text|trim }}{% if data.title %}…{% endif %}", "wherever"),
        ("{{ data.text|trim|center(20000000) }}…", "not show so: data.text|trim|center(20000000)"),
        ("{{ data.text|trim }}{{ data.text|truncate(1) }}…", "data.text|truncate(1)"),
        ("{{ data.text|trim }}{{ data.text }}…", "not show so: data.text"),
        ("{% if data.note %}x{% endif %}{{ data.text|trim }}…", "the first prompt lacks: if data.note"),
        ("{{ data.text|nope }}", "no valid template"),
        ("{{ " + "(" * 3000 + "data.title" + ")" * 3000 + " }}", "no valid template: RecursionError"),
        ("{% if data.title %}" * 150 + "{% endif %}" * 150, "no valid template"),
    ],
)  # fmt: skip
def test_a_candidate_shows_fields_as_the_first_prompt_does_and_wherever_it_does(task, user, fault):
    first = (
        "{% if data.text %}Remark:\n{{ data.text|trim }}{% endif %}"
        "{% if data.title %}{{ data.title }}{% else %}no {{ data.note }}{% endif %}"
    )
    task = dataclasses.replace(task, user_template=first)
    assert template_fault(task, {"system": task.system_template, "user": first}) == ""
    user = user.replace("…", "{{ data.title }}{{ data.note }}")
    said = template_fault(task, {"system": task.system_template, "user": user})
    assert fault in said if fault else said == ""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Label it.\n\t- Grüße, 包裹, ‎عربي, 👩‍🔬", ""),
        ("Known \x07", ""),
        ("a\x00b\x1b[31m", "U+0000, U+001B"),
        ("\u202egnp", "U+202E"),
        ("\ud800", "U+D800"),
        ("\ufffd", "U+FFFD"),
        ("a\U000e0041", "U+E0041"),
    ],
)
def test_a_rewrite_brings_no_character_that_nobody_sees(text, fault):
    said = character_fault(text, {"system": "Known \x07"})
    assert fault in said if fault else said == ""


def test_length_is_that_of_all_texts():
    assert length_fault({"system": "aaaa", "user": "bb"}, {"system": "a" * 28, "user": "bb"}, 5.0) == ""
    assert "5.2 times" in length_fault(
        {"system": "aaaa", "user": "bb"}, {"system": "a" * 29, "user": "bb"}, 5.0
    )
