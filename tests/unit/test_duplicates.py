"""`duplicates: share`: records with the same text are asked once, in whatever files they are, and stay so."""

import csv
import shutil
import subprocess
import sys
from collections import Counter

import orjson
import pytest

from goldpan.batches.stage import StageRun
from goldpan.chains.preview import preview
from goldpan.errors import StudyError
from goldpan.files import read_json
from goldpan.providers.engine import ServiceError, completion
from goldpan.providers.local import answer as answer_weakly
from goldpan.records.shared_texts import SharedTexts
from goldpan.serve import running_server
from goldpan.stages.duplicates import comparable_text, share_duplicates, write_groups
from goldpan.stages.rows import read_features
from goldpan.study import load_project
from goldpan.study.stage import Stage
from tests.projects import CHECKOUT, DETAIL_TASK, WorkflowProject, notes_study
from tests.stage_builders import STAGE, answer_all, asked_of, at, make_stage, records_made

NFC, NFD = "Le caf\u00e9 ferme", "Le cafe\u0301 ferme"


def note(identity, text, **more):
    return {"id": identity, "text": text, **more}


def again(run: StageRun, rows=None, **stage) -> StageRun:
    """The stage over other rows or with other settings, from its records on; the ledger stays."""
    root = run.project.root
    shutil.rmtree(root / "results")
    if rows is not None:
        WorkflowProject(root).write_rows("notes/a.jsonl", rows)
    if stage:
        WorkflowProject(root).write_study(notes_study(**{"duplicates": "share", **stage}))
    return records_made(StageRun(load_project("notes", root=root), STAGE))


def asked(run: StageRun) -> int:
    """How many requests the next round asks."""
    return run.plan(1).requests["asked"]


def made(run: StageRun) -> dict:
    return {row["id"]: row for _, row in read_features(at(run, run.paths.features(STAGE)))}


def groups(run: StageRun) -> list[dict]:
    output = at(run, run.paths.duplicates(STAGE))
    write_groups(at(run, run.paths.stage_records(STAGE)), "data.text", output)
    with output.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def shared(tmp_path):
    """Makes a stage that shares over rows."""

    def make(rows, share="share", **stage):
        return make_stage(tmp_path / "project", rows, duplicates=share, **stage)

    return make


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (NFC, NFD),
        ("two  words", " two\n\twords\u00a0"),
        ("\ufb01sh and \uff21", "fish and A"),
        ("agri\u00adculture", "agriculture"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("a\u2028b", "a b"),
        ("\ud55c", "\u1112\u1161\u11ab"),
        ("a\r\nb", "a\nb"),
    ],
)
def test_spellings_that_nobody_can_tell_apart_are_the_same_text(one, other):
    assert comparable_text(one) == comparable_text(other)
    assert comparable_text(comparable_text(one)) == comparable_text(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10\u00b2 km", "102 km"),
        ("CO\u2082", "CO2"),
        ("1\u00bd cups", "11/2 cups"),
        ("\u2460 first", "1 first"),
        ("US", "us"),
        ("now here", "nowhere"),
        ("co-op", "coop"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645"),
    ],
)
def test_texts_that_mean_something_else_are_not_the_same(one, other):
    assert comparable_text(one) != comparable_text(other)


def test_each_text_is_asked_once_and_all_who_have_it_get_its_answer(shared):
    run = shared([note("b", NFD), note("a", NFC), note("c", "Another"), note("d", NFC)])
    assert asked(run) == 2
    answer_all(run)
    rows = made(run)
    assert [rows[name].get("shared_with") for name in "abcd"] == [None, "a", None, "a"]
    assert {rows[name]["state"] for name in "abcd"} == {"ok"}
    assert rows["a"]["features"] == rows["b"]["features"] == rows["d"]["features"]
    assert len({rows[name]["request_key"] for name in "abd"}) == 1


def test_what_a_shared_answer_costs_is_counted_once(shared):
    run = shared([note("a", "same"), note("b", "same "), note("c", "same")])
    answer_all(run)
    rows, summary = made(run), read_json(at(run, run.paths.summary(STAGE)))
    assert [rows[name]["usage"] for name in "bc"] == [None, None]
    assert summary["tokens"]["prompt"] == rows["a"]["usage"]["prompt_tokens"]
    assert summary["requests_paid"] == 1
    assert summary["states"]["ok"] == 3


def test_without_the_key_nothing_is_marked_and_spellings_are_asked_apart(tmp_path):
    run = make_stage(tmp_path / "project", [note("a", NFC), note("b", NFD)])
    assert asked(run) == 2
    assert b"shared" not in at(run, run.paths.stage_records(STAGE)).read_bytes()


def test_a_stage_that_begins_to_share_pays_for_nothing_that_is_answered(tmp_path):
    rows = [note("a", NFD), note("b", NFC), note("c", "one  two"), note("d", "three")]
    run = make_stage(tmp_path / "project", rows)
    answer_all(run)
    assert asked(again(run, duplicates="share")) == 0


@pytest.mark.parametrize("gone", ["a", "b", "c"])
def test_whichever_record_of_a_group_is_taken_away_the_others_are_not_paid_for_again(shared, gone):
    rows = [note("a", NFD), note("b", " " + NFC), note("c", NFC + "\n")]
    run = shared(rows)
    answer_all(run)
    left = [row for row in rows if row["id"] != gone]
    assert asked(again(run, left)) == 0
    assert asked(again(run, left[:1])) == 0


def test_the_first_row_with_another_text_is_asked_anew_and_alone(shared):
    run = shared([note("a", NFD), note("b", NFC), note("c", NFC)])
    answer_all(run)
    changed = again(run, [note("a", "Something else"), note("b", NFC), note("c", NFC)])
    assert asked(changed) == 1
    answer_all(changed)
    assert [made(changed)[name].get("shared_with") for name in "abc"] == [None, None, "b"]


def test_the_order_of_rows_decides_nothing(shared):
    rows = [note("a", NFD, page=1), note("b", NFC, page=2), note("c", NFC, page=3)]
    run = shared(rows)
    before = run.plan(1)
    changed = again(run, rows[::-1])
    assert [shard.hash for shard in changed.plan(1).shards] != []
    answer_all(changed)
    assert asked(again(changed, rows)) == 0
    assert before.requests["asked"] == 1


def test_all_else_in_the_prompt_is_that_of_the_record_that_is_asked(shared, tmp_path):
    run = shared([note("b", NFC, page=7), note("a", NFC, page=3)])
    WorkflowProject(run.project.root).write(
        "config/tasks/topic.user.j2", "{{ id }} {{ line }} page {{ data.page }}: {{ data.text }}"
    )
    plan = run.plan(1)
    run.place(1, plan.shards[0].name)
    request = orjson.loads(at(run, run.paths.requests(STAGE, 1, plan.shards[0].name)).read_bytes())
    assert request["body"]["messages"][-1]["content"] == f"a 2 page 3: {NFC}"
    assert plan.requests["asked"] == 1


def test_texts_are_asked_as_they_are_spelt_unless_they_are_spelt_differently(shared):
    run = shared([note("a", "line\nline"), note("b", "line\nline"), note("c", "x\ny"), note("d", "x y")])
    plan = run.plan(1)
    run.place(1, plan.shards[0].name)
    lines = at(run, run.paths.requests(STAGE, 1, plan.shards[0].name)).read_bytes().splitlines()
    prompts = [orjson.loads(line)["body"]["messages"][-1]["content"] for line in lines]
    assert prompts == ["Note:\nline\nline", "Note:\nx y"]


def test_a_request_file_that_left_the_spool_is_made_again_as_planned(shared):
    run = shared([note("b", NFD), note("a", NFC), note("c", "Another")])
    plan = run.plan(1)
    spool = run.project.ledger.parent / "spool"
    run.place(1, plan.shards[0].name)
    path = at(run, run.paths.requests(STAGE, 1, plan.shards[0].name))
    before = path.read_bytes()
    shutil.rmtree(spool)
    path.unlink()
    run.place(1, plan.shards[0].name)
    assert path.read_bytes() == before


def test_records_without_text_share_nothing(shared):
    rows = [note("a", ""), note("b", " \n"), note("c", "\u00a0"), note("d", "\u200b"), note("e", "text")]
    run = shared(rows)
    assert groups(run) == []
    answer_all(run)
    assert not [row for row in made(run).values() if "shared_with" in row]


def test_skipped_records_neither_lead_nor_share(shared, tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    study = notes_study(duplicates="share")
    study["sources"]["notes"]["not_blank"] = ["by"]
    project.write_study(study)
    project.write_rows(
        "notes/a.jsonl", [note("a", NFC, by=""), note("b", NFC, by="x"), note("c", NFC, by="y")]
    )
    run = records_made(StageRun(load_project("notes", root=project.root), STAGE))
    assert [(row["id"], row["asked"]) for row in groups(run)] == [("b", "yes"), ("c", "")]


def test_records_of_different_tasks_share_nothing(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    project.write_task({**DETAIL_TASK, "prompt": {"user": "topic.user.j2"}})
    task = [
        {"task": "detail", "when": "data.kind == 'deep'"},
        {"task": "topic", "when": "data.kind == 'flat'"},
    ]
    project.write_study(notes_study(duplicates="share", task=task))
    kinds = ["deep", "flat", "deep", "other", "other"]
    project.write_rows("notes/a.jsonl", [note(f"n{at}", NFC, kind=kind) for at, kind in enumerate(kinds)])
    run = records_made(StageRun(load_project("notes", root=project.root), STAGE))
    assert asked(run) == 2
    assert [row["id"] for row in groups(run)] == ["n0", "n2"]


def test_the_table_names_each_record_of_a_group_with_its_place(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    study = notes_study(duplicates="share", input={"source": ["notes", "letters"]})
    study["sources"]["letters"] = {"files": ["letters/*.jsonl"], "id": ["id"]}
    project.write_study(study)
    project.write_rows(
        "notes/a.jsonl", [note("x", "=1+1 " + "long " * 40), note("z", "alone"), note("m", NFC)]
    )
    project.write_rows("letters/a.jsonl", [note("k", NFD), note("y", "=1+1 " + "long  " * 40)])
    run = records_made(StageRun(load_project("notes", root=project.root), STAGE))
    places = [tuple(row.values())[:6] for row in groups(run)]
    assert places == [
        ("1", "x", "notes", "a.jsonl", "1", "yes"),
        ("1", "y", "letters", "a.jsonl", "2", ""),
        ("2", "m", "notes", "a.jsonl", "3", ""),
        ("2", "k", "letters", "a.jsonl", "1", "yes"),
    ]
    assert groups(run)[0]["text"].startswith("'=1+1 long")
    assert max(len(row["text"]) for row in groups(run)) <= 81


class _Unwilling:
    """Breaks or refuses to answer one text, so often."""

    def __init__(self, failures, refuses=False):
        self.failures, self.refuses, self.asked = failures, refuses, Counter()

    def __call__(self, body, custom_id):
        text = body["messages"][-1]["content"]
        self.asked[text] += 1
        if "hard" in text and self.asked[text] <= self.failures:
            if not self.refuses:
                raise ServiceError(500, "Out of order")
            body = completion(body, "no", custom_id)
            body["choices"][0]["message"] |= {"content": None, "refusal": "I will not"}
            return body
        return answer_weakly(body, custom_id)


def _asked_of(annotator, tmp_path):
    with running_server(tmp_path / "server", answerer=annotator) as server:
        provider = {"kind": "openai", "base_url": server.base_url}
        easy = [note(f"e{at}", f"easy {at}") for at in range(9)]
        rows = [note("a", "hard  one"), note("b", "hard one"), *easy, note("d", "hard one")]
        run = make_stage(
            tmp_path / "project", rows, provider, duplicates="share", poll={"first": 0.05, "longest": 0.1}
        )
        answer_all(run)
    return run


def test_a_group_whose_request_failed_is_asked_again_once_and_all_get_the_answer(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    annotator = _Unwilling(failures=1)
    run = _asked_of(annotator, tmp_path)
    assert {row["state"] for row in made(run).values()} == {"ok"}
    assert annotator.asked.pop("Note:\nhard one") == 2
    assert set(annotator.asked.values()) == {1}
    assert {row["do"] for row in asked_of(run, 2) if row["id"] in "abd"} == {"asked", "shared"}


@pytest.mark.parametrize("refuses", [False, True])
def test_a_group_whose_request_came_to_nothing_has_one_state_and_one_reason(refuses, monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    rows = made(_asked_of(_Unwilling(failures=9, refuses=refuses), tmp_path))
    assert {rows[name]["state"] for name in "abd"} == {"refused" if refuses else "failed"}
    assert len({rows[name]["reason"] for name in "abd"}) == 1
    assert rows["e1"]["state"] == "ok"


def test_a_field_that_no_record_has_is_named_with_the_nearest(shared):
    with pytest.raises(
        StudyError, match=r"no record has the field `data\.texd`.*did you mean `data\.text`"
    ) as error:
        shared([note("a", "x")], share={"share": "data.texd"})
    assert error.value.where == "stages.topics.duplicates"


def test_without_records_there_is_no_field_to_miss(shared):
    run = shared([])
    assert groups(run) == []


@pytest.mark.parametrize("share", ["text", "data", "answers", "itemx", 3, ["data.text"]])
def test_what_is_no_path_of_a_text_is_refused(shared, share):
    with pytest.raises(StudyError, match="duplicates"):
        shared([note("a", "x")], share={"share": share})


def test_a_plan_before_the_run_knows_what_will_be_shared(shared):
    run = shared([note("a", NFC), note("b", NFD), note("c", "more")])
    (planned,) = preview(run.project)
    assert planned.plan.requests["asked"] == 2


def test_what_one_stage_shares_does_not_reach_the_next(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    study = notes_study(duplicates="share")
    study["stages"]["details"] = {**study["stages"][STAGE], "input": {"stage": STAGE}, "task": "detail"}
    del study["stages"]["details"]["duplicates"]
    project.write_study(study)
    project.write_rows("notes/a.jsonl", [note("a", NFC), note("b", NFD)])
    run = records_made(StageRun(load_project("notes", root=project.root), STAGE))
    answer_all(run)
    StageRun(run.project, "details").make_records()
    rows = at(run, run.paths.stage_records("details")).read_bytes().splitlines()
    assert [sorted(orjson.loads(row)) for row in rows] == [
        ["answers", "data", "file", "id", "line", "source"]
    ] * 2


def test_several_samples_are_shared_each_with_its_own(shared):
    run = shared([note("a", NFC), note("b", NFD)], samples=3)
    assert asked(run) == 3
    answer_all(run)
    rows = made(run)
    assert rows["a"]["samples"] == rows["b"]["samples"]


def test_half_a_code_point_is_a_text_as_any_other():
    with SharedTexts() as texts:
        texts.add(b"x", b"y", "a", 0)
        assert texts.group(b"z") is None
    assert comparable_text("a\ud800b") == "a\ud800b"


_MANY = """
import sys, resource, orjson
from pathlib import Path
from goldpan.stages.duplicates import share_duplicates, write_groups
from goldpan.study.stage import Stage
folder, number = Path(sys.argv[1]), int(sys.argv[2])
text = "A paragraph about wetlands. " * 20
with (folder / "r.jsonl").open("wb") as out:
    for at in range(number):
        own = text if at % 2 else f"{text}{at // 4}"
        row = {"id": f"n{at:07}", "source": "s", "file": "f", "line": at + 1, "data": {"text": own}}
        out.write(orjson.dumps(row) + b"\\n")
asked = {"input": {"source": "s"}, "task": "t", "provider": "p", "model": "m"}
stage = Stage.model_validate({**asked, "duplicates": "share"})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
counts = share_duplicates(folder / "r.jsonl", "x", stage)
groups = write_groups(folder / "r.jsonl", "data.text", folder / "d.csv")
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(counts["groups"], counts["records"], groups, grown)
"""


def test_a_hundred_thousand_duplicates_are_grouped_in_flat_memory(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _MANY, str(tmp_path), "100000"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    groups, records, listed, kib = map(int, done.stdout.split())
    assert (groups, records, listed) == (25_001, 99_999 - 25_000, 25_001)
    # Two tables with a cache of 16 MiB each, and not the 100 MiB of the texts.
    assert kib < 70_000


def test_settings_of_stages_without_the_keys_stay_as_they_were():
    stage = Stage.model_validate({"input": {"source": "s"}, "task": "t", "provider": "p", "model": "m"})
    dumped = stage.model_dump(mode="json")
    assert "duplicates" not in dumped and "upstream" not in dumped
    share = stage.model_copy(update={"duplicates": None})
    assert share == stage


def test_records_and_features_of_an_earlier_version_are_read(shared):
    run = shared([note("a", "x"), note("b", "y")])
    answer_all(run)
    rows = made(run)
    assert all("shared_with" not in row for row in rows.values())
    assert share_duplicates(at(run, run.paths.stage_records(STAGE)), STAGE, run.stage) == {}
