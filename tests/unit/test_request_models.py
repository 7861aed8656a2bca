"""What models of today take: what is sent to them, and what is said before a day is lost."""

import json
from datetime import date
from pathlib import Path

import pytest

from goldpan.batches.check import check_stages
from goldpan.batches.questions import Questioner
from goldpan.batches.request_check import request_findings
from goldpan.errors import SeveralErrors, StudyError
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.model_facts import facts_of, retirement
from goldpan.records.inputs import source_files
from goldpan.records.read import build_records, iter_records
from goldpan.study import load_project
from goldpan.study.provider import Provider
from goldpan.study.stage import Stage
from goldpan.tasks.task import load_task
from tests.projects import TOPIC_TASK, WorkflowProject, note_rows, notes_study, shipped_study
from tests.provider_settings import provider_settings
from tests.stage_builders import STAGE, answer, asked_of, at, make_stage, with_records
from tests.strict_service import refusals

CASES = json.loads((Path(__file__).parents[1] / "cases" / "requests" / "models.json").read_bytes())
OPENAI = provider_settings(kind="openai")
CURRENT = [
    "gpt-5.6-luna",
    "gpt-5.5",
    "gpt-5.4-mini",
    "gpt-5.2",
    "gpt-5-mini",
    "o4-mini",
    "gpt-4.1-mini",
    "gpt-5-pro",
]


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    project = WorkflowProject.create(tmp_path_factory.mktemp("tasks") / "project")
    return project.root / "config" / "tasks"


def stage(model, **settings) -> Stage:
    given = {"input": {"source": "notes"}, "task": "topic", "provider": "main", "model": model, **settings}
    return Stage.model_validate(given)


def lines(settings: Stage, tasks: Path, provider: Provider = OPENAI) -> list[dict]:
    """The requests of a stage about one note."""
    questioner = Questioner(settings, tasks, None, provider)
    record = {"id": "n1", "source": "notes", "file": "a", "line": 1, "data": {"text": "A cat."}}
    asked = questioner.ask(record)
    assert isinstance(asked, list)
    return [json.loads(b"".join(questioner.line_parts(question))) for question in asked]


def said(settings: Stage, tasks: Path, provider: Provider = OPENAI) -> tuple[list[str], list[str]]:
    """Errors and notes about a stage's requests."""
    findings = request_findings(settings, provider, [load_task("topic", tasks)])
    return (
        [finding.text for finding in findings if finding.is_error],
        [finding.text for finding in findings if not finding.is_error],
    )


def case(number: int) -> Stage:
    return stage(CASES[number]["model"], output=CASES[number]["output"], params=CASES[number]["params"])


def test_a_family_that_refuses_tools_at_chat_is_not_sent_them_there(tasks):
    for settings in (case(0), stage("gpt-5.6-luna"), stage("gpt-5.5"), stage("gpt-5.6")):
        (line,) = lines(settings, tasks)
        assert not (line["url"] == "/v1/chat/completions" and "tools" in line["body"])
        assert refusals(line) == []
        assert said(settings, tasks)[0] == []


def test_tools_at_chat_are_left_to_5_4_only_without_an_effort(tasks):
    for params, has_tools in (({}, True), ({"reasoning_effort": "low"}, False)):
        (line,) = lines(stage("gpt-5.4", params=params), tasks)
        assert ("tools" in line["body"]) == has_tools
        assert refusals(line) == []


@pytest.mark.parametrize(
    ("number", "named"),
    [
        (1, ["`gpt-5-mini` takes no `temperature`"]),
        (2, ["`gpt-5-mini` takes `max_completion_tokens` in place of `max_tokens`"]),
        (3, ["`o4-mini` takes no `temperature`", "`o4-mini` takes no `stop`"]),
        (5, ["there is no parameter `tempratur`; did you mean `temperature`?"]),
    ],
)
def test_parameters_that_the_model_refuses_are_named(number, named, tasks):
    errors, _ = said(case(number), tasks)
    assert len(errors) == len(named)
    assert all(any(words in error for error in errors) for words in named)
    assert refusals(lines(case(number), tasks)[0])


def test_a_model_without_chat_completions_is_named_and_asked_elsewhere(tasks):
    errors, notes = said(case(4), tasks)
    assert errors == []
    assert "`gpt-5-pro` has no chat completions" in notes[0]
    (line,) = lines(case(4), tasks)
    assert line["url"] == "/v1/responses"
    assert refusals(line) == []


@pytest.mark.parametrize("number", [6, 7])
def test_what_the_model_takes_passes(number, tasks):
    assert said(case(number), tasks) == ([], [])
    assert refusals(lines(case(number), tasks)[0]) == []


def test_a_fine_tuned_model_is_sent_no_bounds_and_it_is_said(tasks):
    text = json.dumps(lines(case(8), tasks)[0])
    assert not [bound for bound in ("minimum", "maximum", "minItems", "maxItems") if f'"{bound}":' in text]
    assert refusals(lines(case(8), tasks)[0]) == []
    errors, (note,) = said(case(8), tasks)
    assert errors == []
    assert "they are left out of what is sent" in note


def test_azure_is_sent_no_bounds_and_a_second_call_is_forbidden(tasks):
    azure = provider_settings(
        kind="litellm", custom_llm_provider="azure", base_url="https://x.openai.azure.com"
    )
    (line,) = lines(stage("azure/gpt-4o-mini"), tasks, azure)
    assert '"minimum"' not in json.dumps(line)
    assert line["body"]["parallel_tool_calls"] is False
    assert "Azure refuses minimum" in said(stage("azure/gpt-4o-mini"), tasks, azure)[1][0]


def test_every_case_is_looked_at():
    assert len(CASES) == 9


@pytest.mark.parametrize(
    ("model", "settings", "named"),
    [
        ("text-embedding-3-small", {}, "is a model of mode embedding"),
        ("gpt-5.1-codex", {}, "has no batch endpoint"),
        ("gpt-5-mini", {"params": {"reasoning_effort": "none"}}, "it has: high, low, medium, minimal"),
        ("gpt-4.1-mini", {"params": {"reasoning_effort": "low"}}, "it does not reason"),
        ("gpt-4o-mini", {"params": {"max_tokens": 20_000}}, "at most 16,384 tokens; 20,000 are too many"),
        ("gpt-4.1", {"params": {"max_tokens": 9, "max_completion_tokens": 9}}, "not both"),
        ("gpt-4.1", {"params": {"max_output_tokens": 9}}, "is written `max_completion_tokens`"),
        ("gpt-5-pro", {"params": {"seed": 1}}, "/v1/responses has no `seed`"),
        ("gpt-5-pro", {"params": {"text": {}}}, "`text` is set by goldpan"),
        ("gpt-5-mini", {"params": {"top_p": 0.5}}, "takes no `top_p`"),
    ],
)
def test_what_is_certain_to_fail_is_an_error(model, settings, named, tasks):
    errors, _ = said(stage(model, **settings), tasks)
    assert [error for error in errors if named in error]


def test_an_effort_of_none_gives_the_sampling_parameters_back(tasks):
    settings = stage("gpt-5.4-mini", params={"reasoning_effort": "none", "temperature": 0})
    assert said(settings, tasks) == ([], [])
    assert refusals(lines(settings, tasks)[0]) == []


def test_little_room_for_reasoning_is_noted(tasks):
    errors, (note,) = said(stage("gpt-5-mini", params={"max_completion_tokens": 300}), tasks)
    assert errors == []
    assert "both must fit into 300 tokens" in note


@pytest.mark.parametrize(
    "provider", [{"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}, {"kind": "local"}]
)
def test_with_another_service_the_same_is_but_a_note(provider, tasks):
    errors, notes = said(case(3), tasks, provider_settings(**provider))
    assert errors == []
    assert len([note for note in notes if note.startswith("params:")]) == 2


def test_an_endpoint_given_in_the_study_is_taken_at_its_word(tasks):
    settings = stage("gpt-5.6-luna", endpoint="chat", output="tool")
    errors, notes = said(settings, tasks)
    assert errors == []
    assert "takes no function tools at chat completions" in notes[0]
    (line,) = lines(settings, tasks)
    assert line["url"] == "/v1/chat/completions" and "tools" in line["body"]


def test_a_replay_sends_nothing_so_nothing_is_found(tasks):
    assert said(case(3), tasks, provider_settings(kind="replay")) == ([], [])


def test_params_reasoning_stand_in_place_of_params_where_the_model_reasons():
    settings = {"params": {"temperature": 0}, "params_reasoning": {"reasoning_effort": "low"}}
    assert asked_stage(stage("gpt-5-mini", **settings)).params == {"reasoning_effort": "low"}
    assert asked_stage(stage("gpt-4.1-mini", **settings)).params == {"temperature": 0}
    assert asked_stage(asked_stage(stage("gpt-5-mini", **settings))).params == {"reasoning_effort": "low"}


def test_a_model_that_nobody_knows_is_asked_as_ever():
    asked = asked_stage(stage("my-own-model"))
    assert (asked.output, asked.endpoint) == ("tool", "chat")
    assert not facts_of("my-own-model").known


# What a task can do wrong


def checked(root, features, description="What a note is about.", **stage_settings):
    project = WorkflowProject.create(root)
    project.write_task({**TOPIC_TASK, "features": features, "description": description})
    project.write_study(notes_study({"kind": "openai"}, **{"model": "gpt-4.1-mini", **stage_settings}))
    project.write_rows("notes/a.jsonl", note_rows(1))
    return list(check_stages(load_project("notes", root=root)))


def test_an_address_in_dotenv_makes_the_requests_those_of_azure(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=https://x.openai.azure.com/openai/v1\n")
    (stage,) = checked(tmp_path, labels(["a", "b"]))
    assert any("Azure refuses minimum" in warning for warning in stage.warnings)


def labels(values):
    return [{"name": "topic", "type": "classification", "description": "Topic.", "labels": values}]


def extraction(levels):
    fields = [{"name": "deepest"}]
    for level in range(levels):
        fields = [{"name": f"level_{level}", "type": "object", "fields": fields}]
    return [{"name": "items", "type": "extraction", "description": "Items.", "fields": fields}]


@pytest.mark.parametrize(
    ("features", "description", "says"),
    [
        (labels(["animals", "ma\nchines"]), "Topic.", "the label 'ma\\nchines' has a line break"),
        (labels([f"label {at}" for at in range(1_001)]), "Topic.", "1,001 labels in all"),
        (labels([f"{at:0100}" for at in range(251)]), "Topic.", "25,100 characters in one set of labels"),
        (labels(["a", "b"]), "Topic. " * 200, "has 1,399 characters; a service takes 1,024"),
        (extraction(12), "Items.", "levels of nesting; a strict schema may have 10"),
    ],
)
def test_a_task_that_no_strict_schema_can_hold_is_an_error(features, description, says, tmp_path):
    with pytest.raises(StudyError, match="every request would be refused") as error:
        checked(tmp_path, features, description)
    assert says in str(error.value)


def test_validate_says_all_that_is_wrong_at_once(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    study = notes_study({"kind": "openai"}, model="gpt-5-mini", params={"temperature": 0, "stop": "x"})
    study["sources"]["other"] = {"files": ["nowhere/*.jsonl"]}
    study["stages"]["details"] = {
        "input": {"stage": "topics", "where": "topc == 'animals'"},
        "task": "detial",
        "provider": "main",
        "model": "text-embedding-3-small",
    }
    project.write_study(study)
    project.write_rows("notes/a.jsonl", note_rows(1))
    done = project.goldpan("validate", check=False)
    assert done.returncode == 1
    for words in ("`temperature`", "`stop`", "nowhere/*.jsonl", "topc", "detial", "of mode embedding"):
        assert words in done.stdout
    assert "6 errors:" in done.stdout
    assert "no errors" not in done.stdout


def test_one_error_is_shown_as_ever(tmp_path):
    with pytest.raises(StudyError) as error:
        checked(tmp_path, TOPIC_TASK["features"], params={"tempratur": 0})
    assert not isinstance(error.value, SeveralErrors)


# The plan


def test_a_plan_of_requests_that_would_all_be_refused_is_refused(tmp_path):
    run = make_stage(
        tmp_path, note_rows(3), {"kind": "openai"}, model="gpt-5-mini", params={"temperature": 0}
    )
    with pytest.raises(StudyError, match="takes no `temperature`"):
        run.plan(1)
    assert not at(run, run.paths.plan(STAGE, 1)).exists()


def test_what_was_answered_before_proves_the_table_wrong(tmp_path):
    run = make_stage(tmp_path, note_rows(3), model="gpt-5-mini", params={"temperature": 0})
    answer(run)
    project = WorkflowProject(tmp_path)
    project.write_study(notes_study({"kind": "openai"}, model="gpt-5-mini", params={"temperature": 0}))
    project.write_rows("notes/a.jsonl", note_rows(4))
    plan = with_records(tmp_path).plan(1)
    assert (plan.requests["answered"], plan.requests["asked"]) == (3, 1)
    assert "takes no `temperature`" in plan.notes[0]


def test_what_was_answered_in_a_former_shape_is_not_asked_again(tmp_path):
    former = {"model": "gpt-5.6-luna", "endpoint": "chat", "output": "tool"}
    before = make_stage(tmp_path, note_rows(3), **former)
    answer(before)
    WorkflowProject(tmp_path).write_study(notes_study(model="gpt-5.6-luna"))
    run = with_records(tmp_path)
    plan = run.plan(1)
    assert (plan.output, plan.requests["answered"], plan.requests["asked"]) == ("json_schema", 3, 0)
    answer(run)
    summary = run.consolidate()
    assert summary.states == {"ok": 3}


def test_what_is_under_way_in_a_former_shape_is_not_asked_again(tmp_path):
    former = {"model": "gpt-5.6-luna", "endpoint": "chat", "output": "tool"}
    before = make_stage(tmp_path, note_rows(3), **former)
    plan = before.plan(1)
    for shard in plan.shards:
        before.place(1, shard.name)
        before.submit(1, shard.name)
    WorkflowProject(tmp_path).write_study(notes_study(model="gpt-5.6-luna"))
    run = with_records(tmp_path)
    settled = answer(run)
    assert settled.outcomes == {"ok": 3}
    assert {row["do"] for row in asked_of(run)} == {"pending"}
    assert run.consolidate().states == {"ok": 3}


# The studies that ship with goldpan


@pytest.mark.parametrize("model", CURRENT)
@pytest.mark.parametrize("name", ["quickstart", "trace_critic", "two_step"])
def test_a_shipped_study_runs_with_a_current_model_by_its_name_alone(name, model, tmp_path, project):
    made, study = shipped_study(tmp_path, name)
    study["providers"] = {key: {"kind": "openai"} for key in study["providers"]}
    for settings in study["stages"].values():
        if "task" in settings:
            settings["model"] = model
    made.write_study(study)
    (tmp_path / "examples").symlink_to(project / "examples")
    loaded = load_project(name, root=tmp_path)
    assert [checked.name for checked in check_stages(loaded)] == list(loaded.study.asked_stages)
    for stage_name, settings in loaded.study.asked_stages.items():
        for line in first_requests(loaded, stage_name, settings, tmp_path):
            assert refusals(line) == []


def first_requests(project, name, settings, folder):
    """Requests of a stage about the first records of its sources."""
    provider = project.study.providers[settings.provider]
    questioner = Questioner(settings, project.tasks, None, provider)
    found = []
    for source in project.study.sources_of(name):
        given = project.study.sources[source]
        for file, path in list(source_files(given, project.root).items())[:1]:
            build_records(given, source, file, path, folder / f"{file}.records")
            for record in list(iter_records(folder / f"{file}.records"))[:3]:
                asked = questioner.ask(record)
                found += [
                    json.loads(b"".join(questioner.line_parts(question)))
                    for question in (asked if isinstance(asked, list) else [])
                ]
    assert found
    return found


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"temperature": "0"}, "`temperature` is a number from 0 to 2"),
        ({"temperature": 9}, "`temperature` is a number from 0 to 2"),
        ({"top_p": 7}, "`top_p` is a number from 0 to 1"),
        ({"max_completion_tokens": "200"}, "`max_completion_tokens` is a whole number from 1"),
        ({"max_completion_tokens": True}, "`max_completion_tokens` is a whole number from 1"),
        ({"max_completion_tokens": -5}, "`max_completion_tokens` is a whole number from 1"),
        ({"max_tokens": 200.5}, "`max_tokens` is a whole number from 1"),
        ({"max_tokens": [1]}, "`max_tokens` is a whole number from 1"),
        ({"seed": -1.5}, "`seed` is a whole number"),
        ({"stop": 5}, "`stop` is a text or up to four"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "`stop` is a text or up to four"),
        ({"top_logprobs": 5}, "`top_logprobs` needs `logprobs: true`"),
    ],
)
def test_values_that_every_request_would_fail_with_are_named(params, words, tasks):
    errors, _ = said(stage("gpt-4.1-mini", params=params), tasks)
    assert any(words in error for error in errors), errors


def test_the_baseline_in_place_of_another_model_is_said(tasks):
    local = provider_settings(kind="local")
    _, notes = said(stage("gpt-4.1-mini"), tasks, local)
    assert any("the embedded baseline answers in place of `gpt-4.1-mini`" in note for note in notes)
    _, notes = said(stage("goldpan-baseline-1"), tasks, local)
    assert not any("baseline" in note for note in notes)


def test_a_model_that_nobody_knows_is_said_at_openai_and_not_elsewhere(tasks):
    elsewhere = provider_settings(kind="openai", base_url="http://127.0.0.1:9/v1")
    for model in ("gpt-5.6-lüna", "ft:gpt-4o-mni-2024-07-18:org::abc"):
        _, notes = said(stage(model), tasks)
        assert any("is not in litellm's table" in note for note in notes), model
        assert not any("litellm's table" in note for note in said(stage(model), tasks, elsewhere)[1])


def test_a_model_that_is_about_to_go_is_said():
    assert "shut down on 2026-10-23" in retirement("o4-mini", date(2026, 9, 1))[0]
    assert "was to be shut down" in retirement("o4-mini", date(2026, 11, 28))[0]
    assert retirement("o4-mini", date(2026, 1, 1)) == []
    assert retirement("goldpan-baseline-1", date(2026, 1, 1)) == []
