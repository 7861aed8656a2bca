"""Rendering prompts: one pass, nothing undefined, nothing dangerous, the same text each time."""

from pathlib import Path
from typing import Any

import pytest
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from goldpan.errors import PromptError
from goldpan.tasks.features import parse_feature
from goldpan.tasks.prompt_names import check_template_names
from goldpan.tasks.prompts import PromptRenderer
from goldpan.tasks.task import Task, load_task

TASKS = Path(__file__).parent / "tasks"
FEATURE = parse_feature({"name": "x", "type": "binary", "description": "What."}, "test")


def context(**data: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "source": "reports",
        "file": "a.csv",
        "data": data,
        "answers": {"first": {"score": 1}},
    }


def render(template: str, **data: Any) -> str:
    task = Task("t", "d", (FEATURE,), template)
    return PromptRenderer(task).messages(context(**data))[0]["content"]


def error_of(template: str, **data: Any) -> str:
    with pytest.raises(PromptError) as caught:
        render(template, **data)
    return str(caught.value)


def test_the_system_message_comes_before_the_users():
    renderer = PromptRenderer(load_task("every_type", TASKS))
    assert renderer.messages(context(text="Trees.")) == [
        {"role": "system", "content": "You annotate paragraphs of reports."},
        {"role": "user", "content": "Paragraph r1:\nTrees."},
    ]


def test_a_task_without_a_system_prompt_sends_no_system_message():
    assert [message["role"] for message in PromptRenderer(Task("t", "d", (FEATURE,), "Hi")).messages({})] == [
        "user"
    ]


def test_braces_in_the_data_stay_as_they_are():
    assert render("{{ data.text }}", text="{{ id }} {% if %}") == "{{ id }} {% if %}"


def test_nothing_is_escaped_for_html():
    assert render("{{ data.text }}", text="<a> & 'b'") == "<a> & 'b'"


def test_a_null_is_empty_text():
    assert render("[{{ data.text }}]", text=None) == "[]"


def test_a_column_called_like_a_method_is_the_column():
    assert render("{{ data.items }} {{ data.keys }}", items="1", keys="2") == "1 2"


def test_answers_of_earlier_stages_can_be_used():
    assert render("Score {{ answers.first.score }}") == "Score 1"


def test_json_is_written_as_json():
    assert render("{{ data.row | tojson }}", row={"a": "<é>"}) == '{"a":"<é>"}'


def test_elide_cuts_the_middle_and_says_how_much():
    text = render("{{ data.text | elide(200) }}", text="a" * 1000 + "z" * 1000)
    assert (
        len(text) <= 200 and text.startswith("aaa") and text.endswith("zzz") and "characters left out" in text
    )


def test_elide_leaves_a_short_text_alone():
    assert render("{{ data.text | elide(200) }}", text="short") == "short"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("One\n{{ dta.text }}", "line 2: `dta` is not defined; did you mean `data`?"),
        ("One\n\n{{ data.txt }}", "line 3: `txt` is not there; did you mean `text`?"),
        ("{{ data['txt'] }}", "`txt` is not there; did you mean `text`?"),
        ("{{ data.text.deeper }}", "`deeper` is not there"),
        ("{% for x in data.list %}{% endfor %}", "`list` is not there"),
        ("{% if data.flag %}a{% endif %}", "`flag` is not there"),
    ],
)
def test_an_undefined_name_is_an_error_with_its_line(template, message):
    assert message in error_of(template, text="Trees.")


def test_a_name_can_be_tested_before_it_is_used():
    assert render("{% if data.note is defined %}{{ data.note }}{% else %}none{% endif %}") == "none"


def test_errors_name_the_template_file():
    renderer = PromptRenderer(load_task("every_type", TASKS))
    with pytest.raises(PromptError, match=r"every_type\.user\.j2, line 2: `text` is not there"):
        renderer.messages(context(other="x"))


def test_an_empty_prompt_is_an_error():
    assert "the prompt is empty" in error_of("{{ data.text }}", text=" \n")


def test_a_failing_expression_is_an_error_with_its_line():
    assert "line 2: ZeroDivisionError" in error_of("One\n{{ 1 / 0 }}")


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ data.update({'text': 1}) }}",
        "{{ data.text.format.__globals__ }}",
        "{% include 'other' %}",
    ],
)
def test_a_template_cannot_leave_its_sandbox(template):
    error_of(template, text="Trees.")


def test_the_data_cannot_be_changed_by_a_template():
    values = context(words=["a"])
    with pytest.raises(PromptError):
        PromptRenderer(Task("t", "d", (FEATURE,), "{{ data.words.append('b') }}")).messages(values)
    assert values["data"] == {"words": ["a"]}


@pytest.mark.parametrize("template", ["{{ data.list | random }}", "{{ lipsum() }}"])
def test_nothing_random_can_be_written(template):
    error_of(template, list=[1, 2])


@pytest.mark.parametrize("template", ["{% if %}", "{{ data.text", "{% endfor %}"])
def test_a_broken_template_is_an_error_before_rendering(template):
    with pytest.raises(PromptError, match="line 1: not a valid template"):
        PromptRenderer(Task("t", "d", (FEATURE,), template))


def test_names_are_checked_before_anything_is_rendered():
    task = Task("t", "d", (FEATURE,), "{{ data.text }} {{ trce }}")
    with pytest.raises(PromptError, match="`trce` is not defined; did you mean `trace`"):
        check_template_names(task, ["data", "trace"])


def test_names_set_within_the_template_are_no_errors():
    template = "{% set n = 1 %}{% for word in data.words %}{{ word }}{{ n }}{{ range(3) }}{% endfor %}"
    check_template_names(Task("t", "d", (FEATURE,), template))


@pytest.mark.parametrize("name", ["trace_critic", "trace_critic_follow_up"])
def test_a_task_on_traces_may_name_their_parts(project, name):
    check_template_names(load_task(name, project / "config" / "tasks"))


def test_a_task_on_records_may_not_name_parts_of_traces():
    with pytest.raises(PromptError, match="`follow_up` is not defined"):
        check_template_names(Task("t", "d", (FEATURE,), "{{ follow_up }}"))


# What is not there, met by whatever a template may do with it.

ITEMS = [{"name": "a"}]
ARGUMENTS = {
    "round": "(1)",
    "elide": "(100)",
    "attr": "('x')",
    "batch": "(2)",
    "slice": "(2)",
    "format": "(1)",
}
ARGUMENTS |= {"replace": "('a', 'b')", "groupby": "('x')", "map": "('upper')"}
TEST_ARGUMENTS = {"sameas": "(1)", "divisibleby": "(1)", "in": "(['a'])"} | dict.fromkeys(
    (
        "eq",
        "equalto",
        "==",
        "ne",
        "!=",
        "gt",
        "greaterthan",
        ">",
        "ge",
        ">=",
        "lt",
        "lessthan",
        "<",
        "le",
        "<=",
    ),
    "(1)",
)


@pytest.mark.parametrize(
    "template",
    [
        "{{ data.items | map(attribute='nme') | list }}",
        "{{ data.items | map(attribute='nme') | join(', ') }}",
        "{{ data.items | map(attribute='nme') | list | tojson }}",
        "{{ data.items | map(attribute='nme') | list | string }}",
        "{{ data.items | map(attribute='nme') | list | pprint }}",
        "{{ data.items | map(attribute='nme') | map('upper') | list }}",
        "{{ data.items | join(', ', attribute='nme') }}",
        "{{ data.items | sort(attribute='nme') }}",
        "{{ data.items | max(attribute='nme') }}",
        "{{ data.items | min(attribute='nme') }}",
        "{{ data.items | unique(attribute='nme') | list }}",
        "{{ data.items | sum(attribute='nme') }}",
        "{{ data.items | groupby('nme') }}",
        "{{ data.items | selectattr('nme') | list }}",
        "{{ data.items | rejectattr('nme', 'none') | list }}",
        "{{ data.items | selectattr('nme', 'equalto', 1) | list }}",
        "{{ [data.nme] }}",
        "{{ (data.nme, 1) }}",
        "{{ {'a': [data.nme]} }}",
        "{{ {'a': [data.nme]} | tojson }}",
        "{{ '%s' | format([data.nme]) }}",
        "{{ '{}'.format([data.nme]) }}",
        "{{ 'a' ~ data.nme }}",
        "{{ data.nme | items | list }}",
        "{{ data.nme is none }}",
        "{% set x = [data.nme] %}{{ x }}",
        "{% macro m(x) %}{{ [x] }}{% endmacro %}{{ m(data.nme) }}",
        "{{ data.nme | default(data.nmae) }}",
    ],
)
def test_what_is_not_there_is_an_error_also_inside_of_something(template):
    assert "is not there; did you mean `" in error_of("x" + template, items=ITEMS, name="a")


def test_a_parameter_that_a_macro_was_not_given_is_an_error():
    assert "parameter 'x' was not provided" in error_of("{% macro m(x) %}{{ [x] }}{% endmacro %}{{ m() }}")


@pytest.mark.parametrize("name", sorted(FILTERS.keys() - {"default", "d", "random"} | {"elide"}))
def test_every_filter_refuses_what_is_not_there(name):
    assert "`nme` is not there" in error_of(f"x{{{{ data.nme | {name}{ARGUMENTS.get(name, '')} }}}}", a=1)


@pytest.mark.parametrize("name", sorted(TESTS.keys() - {"defined", "undefined"}))
def test_every_test_refuses_what_is_not_there(name):
    if name.isidentifier():
        template = f"x{{{{ data.nme is {name}{TEST_ARGUMENTS.get(name, '')} }}}}"
    else:
        template = f"x{{{{ [data.nme] | select('{name}', 1) | list }}}}"
    assert "`nme` is not there" in error_of(template, a=1)


def test_what_is_not_there_may_be_asked_for_and_replaced():
    template = (
        "{{ data.nme | default('none') }} {{ data.nme is defined }} {{ data.nme is undefined }}"
        " {{ data.items | map(attribute='nme', default='-') | join }}"
        " {{ data.items | selectattr('nme', 'defined') | list }}"
        " {{ data.items | map(attribute='nme') | select('defined') | list }}"
        " {{ data.items | sort(attribute='name') | map(attribute='name') | list }}"
    )
    assert render(template, items=ITEMS) == "none False True - [] [] ['a']"
