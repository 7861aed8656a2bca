"""Batches of the trace critic from Python: what is sent, once, and what comes back."""

import contextlib
import re
import shutil
import time

import openai
import orjson
import pytest
import yaml

from goldpan import batch_annotate, get_batch_results, segment_of_messages
from goldpan.batches.stage import StageRun
from goldpan.cli import main
from goldpan.crashpoints import Killed, on_reaching
from goldpan.errors import BudgetError, GoldpanError, LedgerError, StudyError, TaskError
from goldpan.files import iter_lines
from goldpan.providers.engine import completion
from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from goldpan.study.load import load_project
from tests.stage_builders import records_made

CREATE = "POST", "/v1/batches"
MODEL = "gpt-4.1-mini"


def nothing_detected(body, custom_id):
    """A valid answer to either rubric, which takes no time."""
    fields = body["tools"][0]["function"]["parameters"]["properties"]
    values = {"boolean": False, "string": "A text."}
    answer = {name: field.get("enum", [values[field["type"]]])[0] for name, field in fields.items()}
    return completion(body, answer, custom_id)


@pytest.fixture
def here(tmp_path, monkeypatch, project):
    """A project with the shipped rubrics, which one works in."""
    shutil.copytree(project / "config" / "tasks", tmp_path / "config" / "tasks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
    return tmp_path


@pytest.fixture
def serve(tmp_path):
    """A function that starts a server with the faults it is given; returns it and how to call it."""
    with contextlib.ExitStack() as stack:

        def start(*faults):
            plan = FaultPlan.of(*faults)
            server = stack.enter_context(
                running_server(
                    tmp_path / "engine", answerer=nothing_detected, faults=plan, api_key="sk-test-key"
                )
            )
            settings = {"kind": "openai", "base_url": server.base_url, "api_key_env": "OPENAI_API_KEY"}
            return server, {**settings, "grace_seconds": 0.1, "patience_seconds": 1}

        yield start


@pytest.fixture(scope="module")
def segments(project):
    """The twelve segments that are shipped as an example."""
    path = project / "examples" / "traces" / "segments.jsonl"
    return [orjson.loads(line) for _, line in iter_lines(path)]


def results(folder="annotations"):
    """The results of a folder once its batches have ended."""
    give_up_at = time.monotonic() + 30
    while (answer := get_batch_results(folder))[0].status == "in_progress":
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    return answer


def test_the_snippets_of_the_page_run(here, serve, segments, project, capsys):
    server, provider = serve()
    page = (project / "docs" / "trace_critic.md").read_text("utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(snippets) == 3
    one_with_follow_up = next(row for row in segments if row["trace_segment"].get("follow_up_user_message"))
    names = {
        "segment": segments[0],
        "segments": segments,
        "messages": [
            *one_with_follow_up["trace_segment"]["trace"],
            one_with_follow_up["trace_segment"]["follow_up_user_message"],
        ],
        "tools": None,
        "client": openai.OpenAI(base_url=server.base_url, api_key="sk-test-key"),
    }
    at_server = repr(provider | {"base_url": server.base_url})
    for snippet in snippets:
        snippet = re.sub(r"provider = \{.*?\}", f"provider = {at_server}", snippet)
        exec(
            snippet.replace('get_batch_results("annotations")', "results()"),
            names | {"results": results},
            names,
        )
    assert names["status"].request_counts == {"total": 12, "ok": 12}
    assert names["status"].status == "completed" and names["batch_ids"] == names["status"].batch_ids
    assert [row["id"] for row in names["rows"]] == [
        f"conv_{row['conversation_id']}__seg_{row['segment_id']}" for row in segments
    ]
    (features,) = (here / "annotations").rglob("features.jsonl")
    assert names["rows"] == [orjson.loads(line) for _, line in iter_lines(features)]
    assert names["body"]["tools"][0]["function"]["name"] == "annotate_conversation_with_user"


def test_nothing_is_asked_twice_though_the_folder_is_gone_or_another_one(here, serve, segments):
    server, provider = serve()
    assert len(batch_annotate(segments, "annotations", model=MODEL, provider=provider, max_requests=5)) == 3
    again = batch_annotate(segments, "annotations", model=MODEL, provider=provider, max_requests=5)
    first = results()[1]
    assert len(again) == 3 and server.calls[CREATE] == 3
    shutil.rmtree("annotations")
    for folder in ("annotations", "other"):
        assert batch_annotate(segments, folder, model=MODEL, provider=provider) == []
        status, annotations = get_batch_results(folder)
        assert (status.status, status.batch_ids, server.calls[CREATE]) == ("completed", [], 3)
        assert [item.predictions for item in annotations] == [item.predictions for item in first]
    assert len(batch_annotate(segments, "other", model=MODEL, provider=provider, temperature=0)) == 1


def test_what_the_workflow_has_asked_is_not_asked_again(here, serve, segments, project):
    """The study that is shipped makes the same requests as a call with its parameters."""
    _, provider = serve()
    study = yaml.safe_load((project / "config" / "studies" / "trace_critic.yaml").read_text("utf-8"))
    study["providers"]["openai"] = provider
    study["sources"]["traces"]["files"] = "traces.jsonl"
    (here / "traces.jsonl").write_bytes(b"\n".join(map(orjson.dumps, segments)))
    (here / "config" / "studies").mkdir()
    (here / "config" / "studies" / "trace_critic.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    given = {"model": MODEL, "provider": provider, "temperature": 0, "max_completion_tokens": 6000}
    assert len(batch_annotate(segments, "annotations", **given)) == 1
    assert results()[0].status == "completed"
    run = StageRun(load_project("trace_critic", root=here), "critic")
    assert records_made(run).plan(1).requests["answered"] == 12


def test_another_ledger_does_not_make_it_pay_again(here, serve, segments):
    server, provider = serve()
    batch_annotate(segments, "annotations", model=MODEL, provider=provider)
    with pytest.raises(LedgerError, match="take-in"):
        batch_annotate(segments, "annotations", model=MODEL, provider=provider, ledger=here / "empty.sqlite")
    assert server.calls[CREATE] == 1
    batch_annotate(segments, "annotations", model=MODEL, provider=provider)
    assert results()[0].status == "completed" and server.calls[CREATE] == 1


def test_the_commands_of_goldpan_take_the_folder_for_a_study(here, segments, capsys):
    (here / "config" / "studies").mkdir()
    (batch_id,) = batch_annotate(
        segments, "annotations", model="goldpan-baseline-1", provider={"kind": "local"}
    )
    assert main(["batches", "list", "--study", "annotations/study.yaml", "--results", "annotations"]) == 0
    assert batch_id in capsys.readouterr().out


def test_new_segments_alone_are_asked(here, serve, segments):
    server, provider = serve()
    batch_annotate(segments[:4], "annotations", model=MODEL, provider=provider)
    assert results()[0].request_counts == {"total": 4, "ok": 4}
    batch_annotate(segments, "annotations", model=MODEL, provider=provider)
    status, annotations = results()
    assert status.request_counts == {"total": 12, "ok": 12}
    assert server.calls[CREATE] == 2
    assert len({item.to_dict()["batch_id"] for item in annotations}) == 2


def test_what_has_ended_is_there_while_a_batch_is_open(here, serve, segments):
    _, provider = serve({"fault": "stalled", "batches": [2]})
    batch_annotate(segments, "annotations", model=MODEL, provider=provider, max_requests=6)
    give_up_at = time.monotonic() + 30
    while (answer := get_batch_results("annotations"))[0].request_counts.get("ok", 0) < 6:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    status, annotations = answer
    assert status.status == "in_progress" and len(status.batch_ids) == 2
    assert status.request_counts == {"total": 12, "ok": 6, "pending": 6}
    assert [item.state for item in annotations] == ["ok"] * 6 + ["pending"] * 6
    assert annotations[-1].predictions == {} and status.batch_ids[1] in annotations[-1].reason


def test_bad_answers_are_asked_again_by_the_next_call_and_up_to_max_rounds(here, serve, segments):
    server, provider = serve({"fault": "missing_field", "every": 4})
    given = {"model": MODEL, "provider": provider, "max_rounds": 2}
    batch_annotate(segments, "annotations", **given)
    status, annotations = results()
    assert (status.status, status.request_counts) == ("incomplete", {"total": 12, "ok": 9, "pending": 3})
    assert all("invalid" in str(item.reason) for item in annotations if item.state == "pending")
    assert get_batch_results("annotations")[0] == status and server.calls[CREATE] == 1
    batch_annotate(segments, "annotations", **given)
    assert results()[0].request_counts == {"total": 12, "ok": 12}
    assert server.calls[CREATE] == 2


def test_what_stays_without_an_answer_says_why(here, serve, segments):
    _, provider = serve({"fault": "refused", "every": 6})
    unusable = {"conversation_id": "x", "segment_id": "1", "trace_segment": {"trace": []}}
    batch_annotate([*segments, unusable], "annotations", model=MODEL, provider=provider)
    status, annotations = results()
    assert status.status == "completed"
    assert status.request_counts == {"total": 13, "ok": 10, "refused": 2, "skipped": 1}
    assert annotations[-1].reason.startswith("empty_trace")


@pytest.mark.parametrize("place", ["intent_written", "created"])
def test_a_call_that_is_killed_goes_on_without_paying_twice(here, serve, segments, place):
    server, provider = serve()
    passed = []

    def kill_in_the_second_batch(reached):
        passed.append(reached)
        if passed.count(place) == 2:
            raise Killed(place)

    given = {"model": MODEL, "provider": provider, "max_requests": 4}
    with on_reaching(kill_in_the_second_batch), pytest.raises(Killed):
        batch_annotate(segments, "annotations", **given)
    assert get_batch_results("annotations")[0].status == "incomplete"
    batch_annotate(segments, "annotations", **given)
    assert results()[0].request_counts == {"total": 12, "ok": 12}
    assert server.calls[CREATE] == 3


def test_over_the_budget_nothing_is_sent(here, serve, segments):
    server, provider = serve()
    with pytest.raises(BudgetError):
        batch_annotate(segments, "annotations", model=MODEL, provider=provider, budget_usd=0.000001)
    assert server.calls[CREATE] == 0
    status, annotations = get_batch_results("annotations")
    assert (status.status, annotations[0].state) == ("incomplete", "pending")
    assert "over_budget" in str(annotations[0].reason)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"messages": [], "tools": []}, "segment_of_messages"),
        ({"trace_segment": {"trace": [object()]}}, "JSON"),
        ([{"role": "user", "content": "Fix it."}], "segment 13"),
    ],
)
def test_what_is_no_segment_is_named_and_nothing_is_lost(here, serve, segments, wrong, says):
    server, provider = serve()
    batch_annotate(segments, "annotations", model=MODEL, provider=provider)
    with pytest.raises(StudyError, match=says):
        batch_annotate([*segments, wrong], "annotations", model=MODEL, provider=provider)
    assert results()[0].request_counts == {"total": 12, "ok": 12}
    assert server.calls[CREATE] == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"provider": {"kind": "nobody"}}, "providers"),
        ({"provider": {"kind": "openai", "api_key_env": "sk-abc/def"}}, "never the key itself"),
        ({"max_requests": 0}, "limits.requests"),
        ({"tools": []}, "cannot stand in `params`"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(here, segments, changes, says):
    with pytest.raises(StudyError, match=re.escape(says)):
        batch_annotate(segments, "annotations", model=MODEL, **changes)
    assert not (here / "annotations").exists()


def test_a_folder_without_batches_says_so(here):
    with pytest.raises(GoldpanError, match="batch_annotate"):
        get_batch_results("annotations")


def test_a_task_folder_outside_of_a_project_is_refused(here, segments):
    with pytest.raises(TaskError, match="config/tasks"):
        batch_annotate(segments, "annotations", model=MODEL, folder=here)


def test_bare_messages_are_annotated(here):
    messages = [{"role": "user", "content": "Fix it."}, {"role": "assistant", "content": "Done."}]
    said = {"role": "user", "content": "No, undo that."}
    bare = [segment_of_messages(messages), segment_of_messages([*messages, said], has_follow_up=True)]
    batch_annotate(bare, "0 odd näme", model="goldpan-baseline-1", provider={"kind": "local"})
    status, annotations = get_batch_results("0 odd näme", wait=True)
    assert status.to_dict()["request_counts"] == {"total": 2, "ok": 2}
    assert [len(item.predictions) for item in annotations] == [19, 28]


@pytest.mark.parametrize("own", ["config/studies/mine.yaml", "config/config.yaml", "notes.txt"])
def test_what_is_paid_goes_to_the_ledger_of_the_project_one_works_in_or_nothing_is_sent(
    own, tmp_path, monkeypatch, serve, segments
):
    server, provider = serve()
    work = tmp_path / "work"
    (work / own).parent.mkdir(parents=True, exist_ok=True)
    (work / own).write_text("study: mine\n")
    monkeypatch.chdir(work)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-key")
    with pytest.raises(TaskError, match=r"trace_critic|in no goldpan project"):
        batch_annotate(segments[:1], "annotations", model=MODEL, provider=provider)
    assert server.calls[CREATE] == 0
    assert not (work / "annotations").exists()


def test_a_slip_in_an_argument_is_refused_before_anything_is_sent(here, serve, segments):
    server, provider = serve()
    for slip, meant in (("max_request", "max_requests"), ("temprature", "temperature")):
        with pytest.raises(StudyError, match=f"no argument `{slip}`; did you mean `{meant}`") as caught:
            batch_annotate(segments, "annotations", model=MODEL, provider=provider, **{slip: 1})
        assert "parameters={" in caught.value.remedy
    assert not (here / "annotations").exists() and server.calls[CREATE] == 0
    given = {"temperature": 0, "parameters": {"top_k": 3}}
    assert len(batch_annotate(segments, "annotations", model=MODEL, provider=provider, **given)) == 1
    (sent, *_) = (here / "annotations").rglob("round1/requests/*.jsonl")
    body = orjson.loads(sent.read_bytes().splitlines()[0])["body"]
    assert (body["top_k"], body["temperature"]) == (3, 0)


def test_a_second_call_on_a_folder_at_once_is_refused_and_the_first_goes_on(here, serve, segments):
    server, provider = serve()
    refused = []

    def call_again(place):
        if place != "intent_written" or refused:
            return
        for call in (
            lambda: batch_annotate(segments, "annotations", model=MODEL, provider=provider),
            lambda: get_batch_results("annotations"),
        ):
            with pytest.raises(LedgerError, match=r"another run works on .*annotations") as caught:
                call()
            refused.append(caught.value)

    with on_reaching(call_again):
        batch_annotate(segments, "annotations", model=MODEL, provider=provider)
    assert len(refused) == 2
    status, _ = results()
    assert (status.request_counts, server.calls[CREATE]) == ({"total": 12, "ok": 12}, 1)


def test_several_may_look_at_results_at_once_and_nothing_is_sent_meanwhile(here, serve, segments):
    server, provider = serve()
    given = {"model": MODEL, "provider": provider}
    batch_annotate(segments[:2], "annotations", **given)
    seen = []

    def look_too(place):
        if place == "polling" and not seen:
            seen.append("")
            seen.append(get_batch_results("annotations")[0].status)
            with pytest.raises(LedgerError, match="another run works on"):
                batch_annotate(segments, "annotations", **given)

    with on_reaching(look_too):
        results()
    assert seen[1] in ("in_progress", "completed")
    assert server.calls[CREATE] == 1
