"""Two studies of one project that share rows: what one asks the other does not pay for."""

from types import SimpleNamespace

import pytest

from goldpan.batches.doubt import DoubtResolver
from goldpan.batches.shard import asked_rows
from goldpan.batches.stage import StageRun
from goldpan.batches.submit import submit_shard
from goldpan.errors import PendingError, ReconciliationError
from goldpan.ledger import Asked, Ledger
from goldpan.providers.connect import service_of
from goldpan.providers.keys import Keys
from goldpan.records.read import build_records
from goldpan.study import load_project
from tests.projects import WorkflowProject, note_rows, notes_study
from tests.provider_settings import provider_settings
from tests.stage_builders import STAGE, answer, at, finish, send


def study_of(project: WorkflowProject, name: str, files: str, shard: int = 100, **provider) -> StageRun:
    """The stage of a study of its own name over these files, with its records made."""
    study = {**notes_study({"kind": "local", **provider}, limits={"requests": shard}), "study": name}
    study["sources"]["notes"]["files"] = [files]
    project.write_study(study)
    run = StageRun(load_project(name, root=project.root), STAGE)
    for (source, file), path in run.input_files().items():
        output = at(run, run.paths.records(source, file))
        output.parent.mkdir(parents=True, exist_ok=True)
        build_records(run.project.study.sources[source], source, file, path, output)
    run.make_records()
    return run


@pytest.fixture
def project(tmp_path):
    made = WorkflowProject.create(tmp_path / "project")
    made.write_rows("notes/a.jsonl", note_rows(6))
    made.write_rows("more/a.jsonl", note_rows(8, start=2))
    return made


@pytest.fixture
def both(project):
    """Two studies that share the notes 2 to 5, each planned before the other has asked anything."""
    first, second = study_of(project, "first", "notes/*"), study_of(project, "second", "more/*")
    return SimpleNamespace(first=first, second=second, plans=[first.plan(1), second.plan(1)])


def rounds(run: StageRun, number: int) -> int:
    """Take a study from this round to its end; returns the last round."""
    while answer(run, number).left:
        number += 1
    return number


def states(run: StageRun) -> dict[str, int]:
    return {state: count for state, count in run.consolidate().states.items() if count}


@pytest.mark.parametrize("second_first", [False, True])
def test_rows_that_another_study_asked_since_the_plan_are_not_asked_again(both, project, second_first):
    send(both.first, both.plans[0])
    send(both.second, both.plans[1])
    assert [plan.requests["asked"] for plan in both.plans] == [6, 8]
    assert project.paid() == 10
    if second_first:
        assert finish(both.second, both.plans[1]).left == 4
        assert rounds(both.second, 2) == 2
        assert finish(both.first, both.plans[0]).left == 0
    else:
        assert finish(both.first, both.plans[0]).left == 0
        assert finish(both.second, both.plans[1]).left == 0
    assert project.paid() == 10
    assert (states(both.first), states(both.second)) == ({"ok": 6}, {"ok": 8})


def test_what_is_uploaded_are_the_rows_that_the_ledger_says(both, project):
    send(both.first, both.plans[0])
    send(both.second, both.plans[1])
    files = project.root.glob(".goldpan/local/files/*")
    uploads = [count for path in files if (count := path.read_bytes().count(b'{"custom_id"'))]
    assert sorted(uploads) == [4, 6]
    assert not list(project.root.glob(".goldpan/spool/.*"))


def test_a_shard_that_another_study_asks_whole_is_closed_without_a_call(project):
    first, twin = study_of(project, "first", "notes/*", 3), study_of(project, "twin", "notes/*")
    plans = [first.plan(1), twin.plan(1)]
    send(first, plans[0])
    send(twin, plans[1])
    with project.ledger() as ledger:
        *asked, closed = ledger.submissions()
        assert (closed.state, closed.requests, closed.batch_id) == ("void", 0, None)
        assert closed.note.startswith("6 requests are under way or answered elsewhere")
    # Its settlement waits for nobody; the next round finds the other study's batch and takes part in it.
    assert finish(twin, plans[1]).left == 6
    again = twin.plan(2)
    assert (again.requests["pending"], again.requests["asked"]) == (6, 0)
    send(twin, again)
    assert finish(twin, again).left == 0
    assert finish(first, plans[0]).left == 0
    assert project.paid() == 6
    assert states(first) == states(twin) == {"ok": 6}
    with project.ledger() as ledger:
        assert [given.state for given in ledger.submissions()] == ["settled", "settled", "void"]
        assert {given.study for given in asked} == {"first"}


def test_rows_answered_for_good_since_the_plan_are_not_asked_again(both, project):
    send(both.first, both.plans[0])
    finish(both.first, both.plans[0])
    send(both.second, both.plans[1])
    assert project.paid() == 10
    assert finish(both.second, both.plans[1]).left == 0
    assert states(both.second) == {"ok": 8}


def test_the_open_submission_of_a_shard_is_used_as_it_is(both, project):
    """As after a crash between intent and batch id: what was left out then stays left out."""
    send(both.first, both.plans[0])
    send(both.second, both.plans[1])
    with project.ledger() as ledger:
        before = ledger.submissions()
    both.second.submit(1, "0000")
    with project.ledger() as ledger:
        assert ledger.submissions() == before


def test_studies_that_call_the_same_text_otherwise_share_its_batch(project):
    renamed = [{**row, "id": f"other-{row['id']}"} for row in note_rows(6)]
    project.write_rows("renamed/a.jsonl", renamed)
    first = study_of(project, "first", "notes/*")
    sent = first.plan(1)
    send(first, sent)
    other = study_of(project, "other", "renamed/*")
    plan = other.plan(1)
    assert plan.requests["pending"] == 6
    send(other, plan)
    finish(other, plan)
    assert states(other) == {"ok": 6}
    assert project.paid() == 6


def test_a_pending_shard_that_its_study_has_settled_meanwhile_needs_no_request_file(project):
    first = study_of(project, "first", "notes/*")
    sent = first.plan(1)
    send(first, sent)
    second = study_of(project, "second", "more/*")
    plan = second.plan(1)
    assert (plan.requests["pending"], plan.requests["asked"]) == (4, 4)
    finish(first, sent)
    send(second, plan)
    finish(second, plan)
    assert states(second) == {"ok": 8}
    assert project.paid() == 10


def test_a_pending_shard_that_its_study_gave_up_is_asked_by_the_one_that_waits(project):
    renamed = [{**row, "id": f"other-{row['id']}"} for row in note_rows(8, start=2)]
    project.write_rows("renamed/a.jsonl", renamed)
    first = study_of(project, "first", "notes/*")
    send(first, first.plan(1))
    second = study_of(project, "second", "renamed/*")
    plan = second.plan(1)
    for shard in plan.shards:
        second.place(1, shard.name)
    with project.ledger() as ledger:
        ledger.void(ledger.submissions()[0].id, "refused")
    for shard in plan.shards:
        second.submit(1, shard.name)
    finish(second, plan)
    assert states(second) == {"ok": 8}
    with project.ledger() as ledger:
        assert [given.requests for given in ledger.submissions()][1:] == [4, 4]


def test_a_batch_at_another_service_is_left_to_the_study_that_asks_it(project):
    first = study_of(project, "first", "notes/*")
    sent = first.plan(1)
    send(first, sent)
    second = study_of(project, "second", "more/*", folder="another")
    plan = second.plan(1)
    send(second, plan)
    with pytest.raises(PendingError, match=r"under way at another service.*of study `first`, at local") as e:
        finish(second, plan)
    assert "goldpan run --study first" in str(e.value)
    finish(first, sent)
    finish(second, plan)
    assert states(second) == {"ok": 8}
    assert project.paid() == 10


def test_another_studys_intent_at_another_service_is_not_touched(project):
    first = study_of(project, "first", "notes/*")
    plan = first.plan(1)
    with project.ledger() as ledger:
        shard = plan.shards[0]
        rows = asked_rows(at(first, first.paths.asked(STAGE, 1)), shard.name)
        intent = ledger.record_intent(
            rows, shard=shard.hash, provider="main", study="second", stage=STAGE, round=1, task="topic",
            task_hash="h", model="m", requests=6, bytes=1, service="openai a",
        )  # fmt: skip
        same = submit_shard(
            ledger, first.connect(), plan, shard, asked=at(first, first.paths.asked(STAGE, 1)),
            requests=project.root / "none", provider_name="main", service="openai b", doubts=DoubtResolver(0),
        )  # fmt: skip
    assert same == intent


def test_a_request_file_that_lacks_a_row_is_not_uploaded(project):
    first = study_of(project, "first", "notes/*")
    first.plan(1)
    first.place(1, "0000")
    file = at(first, first.paths.requests(STAGE, 1, "0000"))
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(ReconciliationError, match="holds 5 of the 6 rows"):
        first.submit(1, "0000")
    assert not list(project.root.glob(".goldpan/local/batches/*"))


def test_a_service_is_known_by_its_address_without_secrets():
    keys = Keys(None, {"OPENAI_BASE_URL": "http://user:secret@10.0.0.1:8000/v1/"})
    openai = service_of(provider_settings(kind="openai"), keys)
    assert openai == "openai 10.0.0.1:8000/v1"
    assert openai == service_of(provider_settings(kind="litellm", custom_llm_provider="openai"), keys)
    assert (
        service_of(provider_settings(kind="openai", base_url="http://10.0.0.2/v1"), keys)
        == "openai 10.0.0.2/v1"
    )
    assert service_of(provider_settings(kind="local"), keys) == "local"


def test_a_request_is_in_one_open_submission_at_most(tmp_path):
    def rows(*numbers):
        return [Asked(f"req__{number}", bytes([number]) * 32, "task") for number in numbers]

    def intend(ledger, shard, asked):
        return ledger.record_intent(
            asked, shard=shard, provider="p", study=shard, stage="t", round=1, task="task",
            task_hash="h", model="m", requests=len(asked), bytes=1,
        )  # fmt: skip

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        intend(ledger, "a", rows(1, 2))
        second = intend(ledger, "b", rows(2, 3, 3))
        assert second.requests == 1
        assert list(ledger.asked_by(second.id)) == ["req__3"]
        third = intend(ledger, "c", rows(1, 3))
        assert (third.state, third.requests) == ("void", 0)
        ledger.void(second.id, "refused")
        assert intend(ledger, "c", rows(1, 3)).requests == 1
