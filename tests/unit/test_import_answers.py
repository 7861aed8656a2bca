"""Answers that were made elsewhere, from files as services leave them to the rows of features."""

import csv
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import replace

import orjson
import pytest
import yaml

from goldpan.batches.stage import StageRun
from goldpan.crashpoints import Killed, on_reaching
from goldpan.errors import LedgerError, StudyError
from goldpan.imports.answers.report import ENTERED, WHY_NOT
from goldpan.ledger import Asked, Ledger, Outcome, RunLock
from goldpan.ledger.database import PAGE_BYTES
from goldpan.ledger.exchange import export_ledger, import_ledger
from goldpan.ledger.imported import enter_imported
from goldpan.ledger.repair import repair
from goldpan.stages.rows import read_features
from goldpan.study import load_project
from tests.answers_elsewhere import (
    KEYS,
    MODELS,
    answer_line,
    completion,
    fates_of,
    label_of,
    note_text,
    openai_line,
    request_line,
    stage_asked_elsewhere,
    take_answers,
    write_lines,
)
from tests.projects import note_rows, until
from tests.stage_builders import STAGE, answer, answer_all, asked_of, at, make_stage


def lines_for(service, numbers, **changes):
    return [answer_line(service, f"row-n{at}", label_of(at, **changes), at) for at in numbers]


def features_so_far(run):
    """The rows of features, with whatever is asked yet pending."""
    run.plan(1, go_on=True)
    run.consolidate_so_far()
    path = at(run, run.paths.partial(STAGE, "features.jsonl"))
    return [row for _, row in read_features(path)]


@pytest.fixture
def file(tmp_path):
    """Write a file of lines."""

    def write(lines, name="out.jsonl"):
        return write_lines(tmp_path / "elsewhere" / name, lines)

    return write


@pytest.mark.parametrize("service", MODELS)
def test_answers_of_each_service_become_rows_that_say_so(tmp_path, file, service):
    run = stage_asked_elsewhere(tmp_path / "p", service)
    done = take_answers(run, [file(lines_for(service, range(6)))], key=KEYS[service])
    assert (fates_of(done), done.requests - done.answered) == ({"ok": 6}, 0)
    rows = features_so_far(run)
    assert [row["features"]["topic"]["label"] for row in rows] == ["animals", "machines", "weather"] * 2
    # Vertex AI gives back what was asked, so it is compared there.
    prompt = "compared" if service == "vertex" else "unknown"
    for row in rows:
        assert row["imported"] == {"paid": "elsewhere", "file": "out.jsonl", "prompt": prompt}
        assert row["batch_id"].startswith("imported_")
        assert (
            row["model"].startswith(MODELS[service].removesuffix("-latest"))
            and row["model"] != MODELS[service]
        )
        assert row["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("service", MODELS)
def test_the_prompt_is_compared_with_the_request_file_of_each_service(tmp_path, file, service):
    run = stage_asked_elsewhere(tmp_path / "p", service)
    answers = file(lines_for(service, range(3)))
    asked = [request_line(service, f"row-n{at}", at) for at in range(2)]
    other = request_line(service, "row-n2", 2, system="You label jokes.")
    if service in ("bare", "vertex"):
        # A body alone says its id in its metadata only, and Vertex AI gives back the request itself.
        return
    requests = [file([*asked, other], "in.jsonl")]
    done = take_answers(run, [answers], requests=requests, unknown_prompt=False)
    assert fates_of(done) == {"ok": 2, "other_prompt": 1}
    assert "has 'You label jokes.' where the stage's has 'You label notes.'" in " ".join(done.words())
    assert features_so_far(run)[0]["imported"]["prompt"] == "compared"


def test_a_request_that_the_service_gives_back_is_compared(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p", "vertex")
    lines = lines_for("vertex", range(2))
    lines[1]["request"]["contents"][0]["parts"][0]["text"] = "Note:\nsomething else"
    done = take_answers(run, [file(lines)], key=KEYS["vertex"], unknown_prompt=False)
    assert fates_of(done) == {"ok": 1, "other_prompt": 1}


def test_without_the_request_file_nothing_is_taken_unless_a_person_says_so(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    answers = [file(lines_for("openai", range(6)))]
    done = take_answers(run, answers, unknown_prompt=False)
    assert (fates_of(done), done.needs_a_look) == ({"unknown_prompt": 6}, True)
    with run_ledger(run) as ledger:
        assert not ledger.counts() and not ledger.submissions()
    requests = [file([request_line("openai", "row-n0", 0)], "in.jsonl")]
    assert fates_of(take_answers(run, answers, requests=requests, unknown_prompt=False)) == {
        "ok": 1,
        "unknown_prompt": 5,
    }


def test_a_key_may_stand_in_the_request_alone(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    lines, asked = [], []
    for number in range(6):
        lines.append(openai_line(f"anything-{number * 7}", completion(label_of(number))))
        asked.append(request_line("openai", f"anything-{number * 7}", number))
        asked[-1]["body"]["metadata"]["row"] = f"n{number}"
    done = take_answers(
        run,
        [file(lines)],
        key="metadata.row",
        pattern=None,
        requests=[file(asked, "in.jsonl")],
        unknown_prompt=False,
    )
    assert fates_of(done) == {"ok": 6}


def test_lines_in_any_order_are_joined_by_key_and_never_by_position(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    take_answers(run, [file(lines_for("openai", [4, 1, 5, 0]))])
    topics = {row["id"]: row["features"]["topic"]["label"] for row in features_so_far(run) if row["features"]}
    assert topics == {"n0": "animals", "n1": "machines", "n4": "machines", "n5": "weather"}


def test_goldpans_own_requests_that_somebody_sent_by_hand_come_back_by_their_own_ids(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    plan = run.plan(1)
    run.place(1, plan.shards[0].name)
    requests = at(run, run.paths.requests(STAGE, 1, plan.shards[0].name))
    ids = [orjson.loads(line)["custom_id"] for line in requests.read_bytes().splitlines()]
    answers = file([openai_line(own, completion(label_of(number))) for number, own in enumerate(ids)])
    done = take_answers(run, [answers], pattern=None, requests=[requests], unknown_prompt=False)
    assert fates_of(done) == {"ok": 6}


def run_ledger(run):
    return Ledger(run.project.ledger)


def test_a_run_asks_only_the_rest_and_what_was_imported_is_in_no_cost(tmp_path, file):
    run = make_stage(
        tmp_path / "p", note_rows(6), model="goldpan-baseline-1", price_usd_per_million=[100.0, 400.0]
    )
    lines = [openai_line(f"row-n{at}", completion(label_of(at), "goldpan-baseline-1")) for at in (1, 2, 3, 4)]
    take_answers(run, [file(lines)])
    answer_all(run)
    assert [row["do"] for row in asked_of(run)] == ["asked", *["answered"] * 4, "asked"]
    made = orjson.loads(at(run, run.paths.summary(STAGE)).read_bytes())
    assert made["states"]["ok"] == 6 and made["requests_paid"] == 2
    assert made["imported"] == {
        "answers": 4,
        "models": {"goldpan-baseline-1": 4},
        "tokens": {"prompt": 440, "completion": 120, "cached": 0, "cache_write": 0, "reasoning": 0},
    }
    other = make_stage(
        tmp_path / "q", [note_rows(6)[0], note_rows(6)[5]], price_usd_per_million=[100.0, 400.0]
    )
    answer_all(other)
    alone = orjson.loads(at(other, other.paths.summary(STAGE)).read_bytes())
    assert made["cost_usd"] == alone["cost_usd"] > 0
    assert made["tokens"] == alone["tokens"]


def test_what_was_planned_before_is_planned_anew(tmp_path, file):
    run = make_stage(tmp_path / "p", note_rows(6), model="goldpan-baseline-1")
    run.plan(1)
    lines = [openai_line(f"row-n{at}", completion(label_of(at), "goldpan-baseline-1")) for at in range(6)]
    take_answers(run, [file(lines)])
    assert not at(run, run.paths.plan(STAGE, 1)).exists()
    assert run.plan(1).requests["answered"] == 6


def test_nothing_that_is_answered_is_overwritten(tmp_path, file):
    run = make_stage(tmp_path / "p", note_rows(3))
    answer_all(run)
    before = features_so_far(run)
    lines = [
        openai_line(f"row-n{at}", completion(label_of(at, length=5), "goldpan-baseline-1")) for at in range(3)
    ]
    done = take_answers(run, [file(lines)])
    assert (fates_of(done), done.needs_a_look) == ({"other_answer": 3}, False)
    assert "line 1 (n0): it is ok" in "\n".join(done.words())
    assert features_so_far(run) == before and not any("imported" in row for row in before)
    with run_ledger(run) as ledger:
        assert len(ledger.submissions()) == 1


def test_a_request_under_way_is_left_to_its_batch(tmp_path, file):
    run = make_stage(tmp_path / "p", note_rows(3))
    plan = run.plan(1)
    run.place(1, plan.shards[0].name)
    run.submit(1, plan.shards[0].name)
    lines = [openai_line("row-n0", completion(label_of(0), "goldpan-baseline-1"))]
    assert fates_of(take_answers(run, [file(lines)])) == {"under_way": 1}


def test_importing_again_changes_nothing(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    path = file(lines_for("openai", range(6)))
    take_answers(run, [path])
    before = dump(run)
    assert fates_of(take_answers(run, [path])) == {"answered": 6}
    assert dump(run) == before


def dump(run):
    """All that the ledger holds, but for the time."""
    with run_ledger(run) as ledger:
        answers = [(key, repr(answer)) for key, answer in ledger.all_answers()]
        submissions = [(row.nonce, row.requests, row.note, row.batch_id) for row in ledger.submissions()]
    return answers, submissions


def test_answers_are_checked_as_any_answer_is(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    truncated, refused = completion(label_of(1)), completion(label_of(2))
    truncated["choices"][0]["finish_reason"] = "length"
    refused["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I cannot."}
    lines = [
        openai_line("row-n0", completion(label_of(0, topic="ghosts"))),
        openai_line("row-n1", truncated),
        openai_line("row-n2", refused),
        openai_line("row-n3", {"error": {"code": "content_filter", "message": "flagged"}}, 400),
        openai_line("row-n4", {"error": {"code": "rate_limit", "message": "slow down"}}, 429),
        {"custom_id": "row-n5", "response": None, "error": {"code": "batch_expired", "message": "late"}},
    ]
    done = take_answers(run, [file(lines)], other_model=True)
    assert fates_of(done) == {"invalid": 1, "truncated": 1, "refused": 2, "no_answer": 2}
    rows = features_so_far(run)
    assert [row["state"] for row in rows] == [
        "pending",
        "truncated",
        "refused",
        "refused",
        "pending",
        "pending",
    ]
    # What does not fit is asked again, and the import was none of the stage's rounds.
    assert [row["do"] for row in asked_of(run)] == ["asked", *["answered"] * 3, "asked", "asked"]


def test_an_answer_betters_one_of_ours_that_is_no_answer_and_its_cost_stays(tmp_path, file):
    run = make_stage(tmp_path / "p", note_rows(1), {"kind": "local"}, max_rounds=1)
    answer(run)
    with run_ledger(run) as ledger, ledger.transaction():
        ledger.db.execute("UPDATE answers SET state = 'invalid', reason = 'x', retryable = 1")
    line = openai_line("row-n0", completion(label_of(0), "goldpan-baseline-1"))
    with run_ledger(run) as ledger:
        ((key, before),) = ledger.outcomes([key for key, _ in ledger.all_answers()]).items()
    assert fates_of(take_answers(run, [file([line])])) == {"ok": 1}
    with run_ledger(run) as ledger:
        after = ledger.outcomes([key])[key]
    assert (after.state, after.attempts, after.forgiven) == ("ok", 2, 1)
    assert after.prompt_tokens == before.prompt_tokens > 0 and after.paid == before.paid == 1


def test_answers_to_one_row_that_differ_are_refused_by_name(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    lines = [*lines_for("openai", range(3)), *lines_for("openai", [1], length=0)]
    done = take_answers(run, [file(lines), file(lines_for("openai", [2]), "again.jsonl")])
    assert fates_of(done) == {"ok": 2, "contradicting": 2, "repeated": 1}
    assert done.needs_a_look
    said = "\n".join(done.words())
    assert "out.jsonl, line 2 (n1): out.jsonl line 2 and out.jsonl line 4 differ" in said


def test_a_failure_beside_an_answer_takes_nothing_from_it(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    failed = openai_line("row-n0", {"error": {"message": "no"}}, 500)
    assert fates_of(take_answers(run, [file([failed, *lines_for("openai", [0]), failed])])) == {
        "no_answer": 2,
        "ok": 1,
    }


@pytest.mark.parametrize(
    ("model", "fate"),
    [
        ("gpt-4o-mini", "ok"),
        ("openai/gpt-4o-mini", "ok"),
        ("gpt-4o", "other_model"),
        ("gpt-4o-mini-audio-preview", "other_model"),
        ("gpt-4.1-mini", "other_model"),
        (None, "other_model"),
    ],
)
def test_the_model_that_answered_is_compared(tmp_path, file, model, fate):
    run = stage_asked_elsewhere(tmp_path / "p", rows=1)
    path = file([openai_line("row-n0", completion(label_of(0), model))])
    assert fates_of(take_answers(run, [path])) == {fate: 1}
    if fate != "ok":
        assert fates_of(take_answers(run, [path], other_model=True)) == {"ok": 1}
        assert features_so_far(run)[0]["model"] == (model or "unknown")


def test_every_line_is_counted_once_and_the_report_names_it(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    lines = [
        *lines_for("openai", range(2)),
        b"{not json",
        answer_line("openai", "row-n99", label_of(0)),
        {**completion(label_of(0)), "metadata": {}},
        request_line("openai", "row-n3", 3),
        answer_line("openai", "=row-n98", label_of(0)),
    ]
    done = take_answers(run, [file(lines)], report_file=tmp_path / "report.csv")
    assert fates_of(done) == {"ok": 2, "unreadable": 2, "no_record": 2, "no_key": 1}
    rows = list(csv.DictReader((tmp_path / "report.csv").open(encoding="utf-8")))
    assert [(row["line"], row["fate"]) for row in rows] == [
        ("1", "ok"),
        ("2", "ok"),
        ("3", "unreadable"),
        ("4", "no_record"),
        ("5", "no_key"),
        ("6", "unreadable"),
        ("7", "no_record"),
    ]
    assert rows[6]["key"] == "'=row-n98"
    assert "give its file with --requests" in rows[5]["reason"]


def test_a_key_that_two_records_share_joins_neither(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    rows = [{**row, "group": "a" if at < 2 else f"b{at}"} for at, row in enumerate(note_rows(4))]
    write_lines(tmp_path / "p" / "notes" / "a.jsonl", rows)
    study = tmp_path / "p" / "config" / "studies" / "notes.yaml"
    text = yaml.safe_load(study.read_text())
    text["sources"]["notes"]["fields"]["group"] = "string"
    study.write_text(yaml.safe_dump(text))
    run = StageRun(load_project("notes", root=tmp_path / "p"), STAGE)
    lines = [openai_line(name, completion(label_of(0))) for name in ("a", "b2")]
    done = take_answers(run, [file(lines)], pattern="{data.group}")
    assert fates_of(done) == {"ambiguous": 1, "ok": 1}
    assert "'n0' and 'n1'" in "\n".join(done.words())


def test_rows_that_ask_the_same_share_one_answer(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    rows = note_rows(2)
    write_lines(tmp_path / "p" / "notes" / "a.jsonl", [rows[0], {**rows[0], "id": "n1"}])
    lines = [openai_line(f"row-n{at}", completion(label_of(0, length=at))) for at in range(2)]
    done = take_answers(run, [file(lines)])
    assert (fates_of(done), done.requests) == ({"ok": 1, "shared": 1}, 1)


def test_each_sample_has_its_own_key(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p", rows=2, samples=2, params={"temperature": 1})
    keys = [f"n{record}/{sample}" for record in range(2) for sample in range(2)]
    path = file([openai_line(key, completion(label_of(at))) for at, key in enumerate(keys)])
    with pytest.raises(StudyError, match="asks each record 2 times"):
        take_answers(run, [path], pattern="{data.id}")
    assert fates_of(take_answers(run, [path], pattern="{data.id}/{sample}")) == {"ok": 4}


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("row-{line}", "position"),
        ("row-{i}", "position"),
        ("row", "tells one record from another"),
        ("{source}", "tells one record from another"),
        ("{text}", "records have no `text`"),
        ("{data.id", "tells one record from another"),
        ("{}", "records have no ``"),
    ],
)
def test_a_pattern_that_tells_no_records_apart_is_refused(tmp_path, file, pattern, says):
    run = stage_asked_elsewhere(tmp_path / "p", rows=1)
    with pytest.raises(StudyError, match=says):
        take_answers(run, [file([])], pattern=pattern)


@pytest.mark.parametrize("place", ["data.nope", "data.id!r", "data.__class__", "file.nope"])
def test_a_pattern_with_a_field_that_no_record_has_is_refused(tmp_path, file, place):
    run = stage_asked_elsewhere(tmp_path / "p", rows=2)
    with pytest.raises(StudyError, match=f"no record of the stage has .* `{place}`"):
        take_answers(run, [file(lines_for("openai", range(2)))], pattern=f"row-{{{place}}}")


def test_records_that_lack_a_field_of_the_pattern_are_still_to_be_asked(tmp_path, file):
    rows = note_rows(3)
    rows[0]["row"] = 0
    run = make_stage(tmp_path / "p", rows, {"kind": "openai"}, model=MODELS["openai"])
    done = take_answers(run, [file(lines_for("openai", [0]))], pattern="row-n{data.row}")
    assert (fates_of(done), done.requests - done.answered) == ({"ok": 1}, 2)


def test_a_dry_run_enters_nothing_and_says_the_same(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    path = file(lines_for("openai", range(4)))
    run.plan(1)
    planned = take_answers(run, [path], dry_run=True)
    with run_ledger(run) as ledger:
        assert not ledger.counts()
    assert at(run, run.paths.plan(STAGE, 1)).exists()
    done = take_answers(run, [path])
    assert fates_of(planned) == fates_of(done) and planned.answered == done.answered == 4


def test_an_export_keeps_the_mark(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    take_answers(run, [file(lines_for("openai", range(6)))])
    here = features_so_far(run)
    other = stage_asked_elsewhere(tmp_path / "q")
    with run_ledger(run) as ledger:
        export_ledger(ledger, tmp_path / "x.jsonl.zst")
    with run_ledger(other) as ledger:
        assert import_ledger(ledger, tmp_path / "x.jsonl.zst") == 6
    assert features_so_far(other) == here
    # The same file, imported on both sides, is one.
    other = stage_asked_elsewhere(tmp_path / "r")
    take_answers(other, [file(lines_for("openai", range(6)))])
    with run_ledger(other) as ledger:
        assert import_ledger(ledger, tmp_path / "x.jsonl.zst") == 0
        assert len(ledger.submissions()) == 1


def test_while_a_run_works_on_the_study_nothing_is_imported(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p", rows=1)
    path = file(lines_for("openai", [0]))
    results = run.project.root / run.project.paths.base
    with RunLock(run.project.ledger, results):
        with pytest.raises(LedgerError, match="another run"):
            take_answers(run, [path])
        assert take_answers(run, [path], dry_run=True).entered == 1


def test_stopped_between_two_files_it_goes_on(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    files = [file(lines_for("openai", range(at, at + 2)), f"{at}.jsonl") for at in (0, 2, 4)]
    reached = []

    def kill(name):
        reached.append(name)
        if len(reached) == 2:
            raise Killed

    with on_reaching(kill), pytest.raises(Killed):
        take_answers(run, files)
    assert fates_of(take_answers(run, files)) == {"answered": 2, "ok": 4}
    whole = stage_asked_elsewhere(tmp_path / "q")
    take_answers(whole, files)
    assert dump(run) == dump(whole)


def test_killed_in_the_middle_the_same_command_gives_the_same(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p")
    path = file(lines_for("openai", range(6)))
    marker = tmp_path / "marker"
    command = [
        *(sys.executable, "-m", "goldpan", "import", "answers", str(path), "--stage", STAGE),
        *("--key", "custom_id", "--custom-id", "row-{data.id}", "--prompt-unknown", "--study", "notes"),
    ]
    stops = {**os.environ, "GOLDPAN_STOP_AT": "importing", "GOLDPAN_STOP_FILE": str(marker)}
    stopped = subprocess.Popen(command, cwd=tmp_path / "p", env=stops)
    until(lambda: marker.exists() and marker.read_text() == str(stopped.pid), None)
    stopped.send_signal(signal.SIGKILL)
    assert stopped.wait() == -signal.SIGKILL
    with run_ledger(run) as ledger:
        assert not ledger.counts() and not ledger.submissions()
    again = subprocess.run(command, cwd=tmp_path / "p", capture_output=True, text=True, check=True)
    assert "6 answers entered as paid elsewhere: 6 ok" in again.stdout
    assert "gpt-4o-mini-2024-07-18 (6); stage `topics` asks gpt-4o-mini" in again.stdout
    assert "of 6 requests of the stage 0 are left" in again.stdout


def test_an_edited_prompt_makes_them_answers_to_another_request(tmp_path, file):
    """An import is to the requests as they are now; after an edit they are asked, as with any answer."""
    run = stage_asked_elsewhere(tmp_path / "p")
    take_answers(run, [file(lines_for("openai", range(6)))])
    (tmp_path / "p" / "config" / "tasks" / "topic.system.j2").write_text("You label all notes.")
    assert run.plan(1).requests["asked"] == 6
    assert note_text(0).startswith("Note:")


def test_the_page_has_every_fate_and_its_example_is_what_is_printed(tmp_path, project, capsys):
    from goldpan.cli import main

    page = (project / "docs" / "imports.md").read_text(encoding="utf-8")
    rows = "".join(line for line in page.splitlines() if line.startswith("| `"))
    assert {name for name in (*ENTERED, *WHY_NOT) if f"`{name}`" not in rows} == set()
    root = tmp_path / "p"
    stage_asked_elsewhere(root, rows=12)
    changes = {4: {"topic": "ghosts"}}
    lines = [openai_line(f"row-n{at}", completion(label_of(at, **changes.get(at, {})))) for at in range(8)]
    failure = {"error": {"code": "server_error", "message": "The server had an error"}}
    lines += [openai_line("row-n8", failure, 500), openai_line("row-n77", completion(label_of(0)))]
    write_lines(root / "batch_out.jsonl", lines)
    asked = [request_line("openai", f"row-n{at}", at) for at in range(9)]
    asked[7] = request_line("openai", "row-n7", 7, system="You label jokes.")
    write_lines(root / "batch_in.jsonl", asked)
    half = page[page.index("## Answers that were paid for elsewhere") :]
    command, printed = half.split("```\n")[1:4:2]
    arguments = shlex.split(command.replace("\\\n", ""))[1:]
    places = [str(root / part) if part.endswith(".jsonl") else part for part in arguments]
    assert main([*places, "--root", str(root), "--study", "notes"]) == 0
    assert capsys.readouterr().out == printed


def test_a_repair_does_not_count_what_was_paid_elsewhere(tmp_path, file):
    run = make_stage(tmp_path / "p", note_rows(1), max_rounds=1)
    answer(run)
    with run_ledger(run) as ledger, ledger.transaction():
        ledger.db.execute("UPDATE answers SET state = 'invalid', reason = 'x', retryable = 1")
    line = openai_line("row-n0", completion(label_of(0), "goldpan-baseline-1"))
    take_answers(run, [file([line])])
    with run_ledger(run) as ledger:
        spent = ledger.spent("notes", STAGE)
        pages = ledger.db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'orphans'").fetchone()
        ledger.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(run.project.ledger.read_bytes())
    content[(pages[0] - 1) * PAGE_BYTES : pages[0] * PAGE_BYTES] = bytes(PAGE_BYTES)
    run.project.ledger.write_bytes(content)
    assert repair(run.project.ledger) is not None
    with run_ledger(run) as ledger:
        assert ledger.spent("notes", STAGE) == spent and sum(row.prompt_tokens for row in spent) > 0


@pytest.mark.parametrize("model", ["\x1b[2Jgpt\nroot", "x" * 5000, "\u202egpt", " "])
def test_a_ledger_with_any_name_of_a_model_can_be_published(tmp_path, file, model):
    run = stage_asked_elsewhere(tmp_path / "p", rows=1)
    take_answers(run, [file([openai_line("row-n0", completion(label_of(0), model))])], other_model=True)
    with run_ledger(run) as ledger:
        export_ledger(ledger, tmp_path / "x.jsonl.zst")
    other = stage_asked_elsewhere(tmp_path / "q", rows=1)
    with run_ledger(other) as ledger:
        assert import_ledger(ledger, tmp_path / "x.jsonl.zst") == 1


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o"])
def test_of_a_refusal_that_names_no_model_the_request_does(tmp_path, file, model):
    run = stage_asked_elsewhere(tmp_path / "p", rows=1)
    refused = file([openai_line("row-n0", {"error": {"code": "content_filter", "message": "flagged"}}, 400)])
    assert fates_of(take_answers(run, [refused])) == {"other_model": 1}
    asked = request_line("openai", "row-n0", 0)
    asked["body"]["model"] = model
    done = take_answers(run, [refused], requests=[file([asked], "in.jsonl")], unknown_prompt=False)
    assert fates_of(done) == {"refused" if model == "gpt-4o-mini" else "other_model": 1}


def test_what_another_process_has_answered_or_asked_meanwhile_is_passed_over(tmp_path, file):
    run = stage_asked_elsewhere(tmp_path / "p", rows=3)
    take_answers(run, [file(lines_for("openai", [0]))])
    with run_ledger(run) as ledger:
        ((answered, _),) = ledger.all_answers()
        (before,) = ledger.submissions()
        asked, new = b"\1" * 32, b"\2" * 32
        about = {"provider": "main", "study": "notes", "stage": STAGE, "round": 1, "task": "topic"}
        ledger.record_intent(
            [Asked("a", asked, "topic")],
            **about,
            shard="s",
            task_hash="h",
            model="m",
            requests=1,
            bytes=1,
        )
        outcomes = [Outcome(key, "ok", None, False, b"{}") for key in (answered, asked, new)]
        late = replace(before, id=0, nonce="imported_late", requests=3)
        assert enter_imported(ledger, late, outcomes) == {answered, asked}
        assert [row.requests for row in ledger.submissions() if row.is_imported] == [1, 1]
        none = replace(before, id=0, nonce="imported_none", requests=2)
        assert enter_imported(ledger, none, outcomes[:2]) == {answered, asked}
        assert len(ledger.submissions()) == 3
