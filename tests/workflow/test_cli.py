"""The commands on real projects: what they print, what they change, and how they end."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import orjson
import pytest

from tests.projects import TOPIC_TASK, WorkflowProject, printed_table, two_stage_study, until

# validate, plan, summary


def test_validate_says_what_each_part_holds_and_writes_nothing(unrun):
    before = sorted(path.name for path in unrun.root.rglob("*"))
    said = unrun.goldpan("validate").stdout
    assert "source notes: 1 files" in said
    assert "stage topics: 3 features, 4 answer fields" in said
    assert "stage details: 1 features, 1 answer fields" in said
    assert said.endswith("config/studies/notes.yaml: no errors\n")
    assert sorted(path.name for path in unrun.root.rglob("*")) == before


def break_study(project: WorkflowProject, old: str, new: str) -> None:
    path = project.root / "config" / "studies" / "notes.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "model: goldpan-baseline-1",
            "modell: x",
            "stages.topics.modell: no such key; allowed: kind, input, task,",
        ),
        ("provider: main", "provider: nobody", "there is no provider `nobody`; there are: main"),
        ("topic == 'animals'", "topic == 'plants'", "plants"),
        ("notes/*.jsonl", "nowhere/*.jsonl", "no file matches `nowhere/*.jsonl`"),
        ("task: topic", "task: topical", "topical"),
    ],
)
def test_validate_names_what_is_wrong(old, new, says, unrun):
    break_study(unrun, old, new)
    done = unrun.goldpan("validate", check=False)
    assert done.returncode == 1
    assert says in done.stdout
    assert "  -> " in done.stdout
    assert "Traceback" not in done.stdout


def test_an_unknown_study_is_answered_with_those_there_are(fresh):
    for command in (
        ["validate", "nots"],
        ["plan", "--study", "nots"],
        ["batches", "list", "--study", "nots"],
    ):
        done = fresh.goldpan(*command, check=False)
        assert done.returncode == 1
        assert "there is no study `nots`; there are: notes" in done.stdout


def test_snakemake_answers_an_unknown_study_the_same_way(fresh):
    done = fresh.run("--config", "study=nots", check=False)
    assert done.returncode == 1
    assert "there is no study `nots`; there are: notes" in done.stdout


def test_a_study_may_be_named_from_another_folder(fresh, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "goldpan", "validate", "--root", str(fresh.root), "notes"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no errors" in done.stdout


def test_a_wrong_command_line_ends_with_2(fresh):
    done = fresh.goldpan("batches", "lost", check=False)
    assert done.returncode == 2
    assert "invalid choice: 'lost'" in done.stdout


def test_plan_counts_what_would_be_asked_and_sends_nothing(unrun):
    said = unrun.goldpan("plan").stdout
    first = printed_table(said)[0]
    assert (first["stage"], first["records"], first["to ask"]) == ("topics", "30", "30")
    assert "depends on stage topics, whose features are not made yet" in said
    assert "nothing was sent and nothing was paid" in said
    assert not (unrun.root / "results").exists()
    with unrun.ledger() as ledger:
        assert ledger.submissions() == []


def test_plan_of_a_finished_study_has_nothing_to_ask(finished):
    plans = orjson.loads(finished.goldpan("plan", "--json").stdout)
    assert [plan["stage"] for plan in plans] == ["topics", "details"]
    assert [plan["plan"]["requests"]["asked"] for plan in plans] == [0, 0]
    assert plans[0]["plan"]["requests"]["answered"] == 30
    assert plans[1]["plan"]["skipped"] == {"filtered": 30 - plans[1]["plan"]["requests"]["answered"]}


def test_plan_shows_cost_and_what_is_over_the_budget(unrun):
    break_study(
        unrun,
        "    model: goldpan-baseline-1",
        "    model: gpt-4.1-mini\n    budget_usd: 0.000001\n    price_usd_per_million: [0.4, 1.6]",
    )
    first = printed_table(unrun.goldpan("plan").stdout)[0]
    cost, low, _, high = first["cost USD"].replace("(", "").replace(")", "").split()
    assert 0 < float(low) < float(cost) < float(high)
    assert "is above the budget of 0.0000 USD" in first["note"]


def test_plan_names_the_errors_of_all_stages_and_shows_the_others(unrun):
    study = two_stage_study()
    good = study["stages"].pop("details") | {"input": {"source": "notes"}}
    bad = study["stages"]["topics"] | {"model": "gpt-5-mini", "provider": "service"}
    study["providers"]["service"] = {"kind": "openai"}
    study["stages"] = {"hot": {**bad, "params": {"temperature": 0}}, "good": {**good, "task": "topic"}}
    study["stages"]["slip"] = {**bad, "params": {"tempratur": 0}}
    unrun.write_study(study)
    done = unrun.goldpan("plan", check=False)
    assert done.returncode == 1
    assert "takes no `temperature`" in done.stdout and "did you mean `temperature`?" in done.stdout
    assert [row["stage"] for row in printed_table(done.stdout)][:1] == ["good"]


def test_summary_says_what_was_made_by_whom_and_where(finished):
    said = finished.goldpan("summary").stdout
    first, second = printed_table(said.partition("\n\n")[0])
    assert (first["stage"], first["records"], first["ok"]) == ("topics *", "30", "30")
    assert second["others"] == f"{30 - int(second['ok'])} skipped"
    assert first["features"] == "results/notes/stages/topics/features.jsonl"
    assert "built-in baseline" in said


def test_summary_before_any_run_says_so(fresh):
    assert fresh.goldpan("summary").stdout.count("not made yet") == 2


# retry, step


@pytest.mark.parametrize("command", [["retry", "topic"], ["step", "plan", "topic"]])
def test_an_unknown_stage_is_answered_with_those_there_are(command, fresh):
    done = fresh.goldpan(*command, check=False)
    assert done.returncode == 1
    assert "there is no stage `topic`; there are: topics, details" in done.stdout


def test_retry_knows_its_states_and_when_there_is_nothing_to_retry(finished, fresh):
    done = finished.goldpan("retry", "topics", "--state", "bad", check=False)
    assert done.returncode == 1
    assert "no such state: bad; there are: ok, invalid, refused," in done.stdout
    assert finished.goldpan("retry", "topics").stdout == "0 requests may be asked again\n"
    assert "is not so far yet" in fresh.goldpan("retry", "topics", check=False).stdout


def test_a_step_run_by_hand_writes_what_the_rule_writes(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    target = project.artifact("stages/topics/features.jsonl")
    content = target.read_bytes()
    for step in ("plan", "wait", "settle", "features"):
        project.goldpan("step", step, "topics")
    assert target.read_bytes() == content


@pytest.mark.parametrize("step", ["requests", "submit", "wait", "fetch", "settle"])
def test_a_step_before_its_time_says_what_is_missing(step, fresh):
    done = fresh.goldpan("step", step, "topics", "--shard", "0000", check=False)
    assert done.returncode == 1
    assert "stage `topics` is not so far yet" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_step_of_a_shard_needs_its_name_and_one_there_is(finished):
    done = finished.goldpan("step", "requests", "topics", check=False)
    assert "`goldpan step requests` needs --shard NAME" in done.stdout
    done = finished.goldpan("step", "requests", "topics", "--shard", "0007", check=False)
    assert done.returncode == 1
    assert "has no shard '0007'; it has: 0000" in done.stdout


# ledger


def test_ledger_show_counts_submissions_and_answers(finished):
    said = finished.goldpan("ledger", "show").stdout
    assert ".goldpan/ledger.sqlite" in said
    assert re.search(r"^notes +topics +settled +1$", said, re.MULTILINE)
    with finished.ledger() as ledger:
        assert re.search(rf"^ok +{ledger.counts()['ok']}$", said, re.MULTILINE)


def test_an_exported_ledger_is_imported_once(finished, unrun, tmp_path):
    file = tmp_path / "answers.jsonl.zst"
    written = re.match(r"(\d+) answers written", finished.goldpan("ledger", "export", str(file)).stdout)
    assert written is not None
    first = unrun.goldpan("ledger", "import", str(file)).stdout
    assert first.startswith(f"{written[1]} answers added")
    assert unrun.goldpan("ledger", "import", str(file)).stdout.startswith("0 answers added")
    assert printed_table(unrun.goldpan("plan").stdout)[0]["answered"] == "30"


def test_importing_something_else_is_an_error_and_adds_nothing(unrun):
    done = unrun.goldpan("ledger", "import", "notes/a.jsonl", check=False)
    assert done.returncode == 1
    assert "is not a ledger export" in done.stdout
    missing = unrun.goldpan("ledger", "import", "nothing.zst", check=False)
    assert missing.returncode == 1
    assert "Traceback" not in missing.stdout
    assert "no answers" in unrun.goldpan("ledger", "show").stdout


def test_another_ledger_may_be_named(unrun):
    unrun.goldpan("plan", "--ledger", "elsewhere/ledger.sqlite")
    assert (unrun.root / "elsewhere" / "ledger.sqlite").exists()
    assert not (unrun.root / ".goldpan").exists()


# serve


def test_serve_answers_until_it_is_stopped(tmp_path):
    port_file = tmp_path / "port"
    process = subprocess.Popen(
        [sys.executable, "-m", "goldpan", "serve", "--port", "0", "--port-file", str(port_file),
         "--folder", str(tmp_path / "state")],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    until(port_file.exists)
    address = f"http://127.0.0.1:{port_file.read_text().strip()}/v1"
    assert process.stdout.readline() == f"goldpan serve: {address}\n"
    with urllib.request.urlopen(f"{address}/models") as answer:
        assert orjson.loads(answer.read())["data"][0]["id"] == "goldpan-baseline-1"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0


def test_serve_says_what_is_wrong_with_its_arguments(tmp_path, fresh):
    done = fresh.goldpan("serve", "--folder", str(tmp_path), "--answers", "nothing.py:answer", check=False)
    assert done.returncode == 1
    assert "nothing.py: there is no such Python file" in done.stdout
    done = fresh.goldpan("serve", "--folder", str(tmp_path), "--api-key-env", "NO_SUCH_KEY", check=False)
    assert done.returncode == 1
    assert "the environment variable NO_SUCH_KEY is not set" in done.stdout


def test_a_task_file_with_a_mistake_is_named(unrun):
    unrun.write_task({**TOPIC_TASK, "features": []})
    done = unrun.goldpan("validate", check=False)
    assert done.returncode == 1
    assert "config/tasks/topic.yaml" in done.stdout
