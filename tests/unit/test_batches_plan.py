"""A plan asks what is not known yet, within the limits, once."""

import shutil
from dataclasses import asdict

import orjson
import pytest

from goldpan.batches.plan import preview_round
from goldpan.errors import PromptError, ReconciliationError, ReplayMissError, SourceError
from goldpan.ledger import Ledger
from goldpan.stages.plan import Plan, Shard, read_plan
from goldpan.stages.rows import read_asked
from tests.projects import note_rows
from tests.stage_builders import STAGE, answer, asked_of, at, finish, make_stage, send, with_records


def shard_lines(run, plan) -> list[list[bytes]]:
    """The lines of each request file."""
    for shard in plan.shards:
        run.place(plan.round, shard.name)
    files = [at(run, run.paths.requests(STAGE, plan.round, shard.name)) for shard in plan.shards]
    return [file.read_bytes().splitlines(keepends=True) for file in files]


def test_shards_hold_no_more_requests_than_the_limit(tmp_path):
    run = make_stage(tmp_path, note_rows(10), limits={"requests": 4})
    plan = run.plan(1)
    assert [(shard.name, shard.requests) for shard in plan.shards] == [("0000", 4), ("0001", 4), ("0002", 2)]
    lines = shard_lines(run, plan)
    assert [len(shard) for shard in lines] == [4, 4, 2]
    ids = [orjson.loads(line)["custom_id"] for shard in lines for line in shard]
    assert ids == [f"req__n{at}" for at in range(10)]


def test_shards_hold_no_more_bytes_than_the_limit_and_as_many_as_fit(tmp_path):
    size = len(shard_lines(run := make_stage(tmp_path / "one", note_rows(1)), run.plan(1))[0][0])
    limit = 4 * size
    run = make_stage(tmp_path / "more", note_rows(20), limits={"bytes": limit})
    plan = run.plan(1)
    lines = shard_lines(run, plan)
    for shard, following in zip(lines, [*lines[1:], None], strict=True):
        assert sum(map(len, shard)) <= limit
        assert following is None or sum(map(len, shard)) + len(following[0]) > limit
    assert [shard.bytes for shard in plan.shards] == [sum(map(len, shard)) for shard in lines]
    assert sum(map(len, lines)) == 20


def test_shards_hold_no_more_prompt_tokens_than_the_limit(tmp_path):
    everything = make_stage(tmp_path / "one", note_rows(20)).plan(1)
    (only,) = everything.shards
    limit = only.prompt_tokens // 4
    plan = make_stage(tmp_path / "more", note_rows(20), limits={"prompt_tokens": limit}).plan(1)
    assert len(plan.shards) >= 4
    assert all(shard.prompt_tokens <= limit for shard in plan.shards)
    assert sum(shard.requests for shard in plan.shards) == 20


def test_a_request_larger_than_a_file_may_be_is_recorded_and_not_sent(tmp_path):
    rows = note_rows(3)
    rows[1]["text"] = "long " * 2000
    run = make_stage(tmp_path, rows, limits={"bytes": 5000})
    plan = run.plan(1)
    assert (plan.requests["oversize"], plan.requests["asked"]) == (1, 2)
    assert [row["do"] for row in asked_of(run)] == ["asked", "oversize", "asked"]
    send(run, plan)
    finish(run, plan)
    summary = run.consolidate()
    assert (summary.states["ok"], summary.states["failed"]) == (2, 1)
    row = orjson.loads(at(run, run.paths.features(STAGE)).read_bytes().splitlines()[1])
    assert row["reason"].startswith("oversize: the request has 1")


def test_records_of_one_text_are_asked_once_and_share_the_answer(tmp_path):
    rows = [{"id": f"n{number}", "text": "The same cat."} for number in range(600)]
    run = make_stage(tmp_path, [*rows, {"id": "other", "text": "Rain."}])
    plan = run.plan(1)
    assert (plan.requests["asked"], plan.requests["shared"]) == (2, 599)
    send(run, plan)
    finish(run, plan)
    run.consolidate()
    features = [orjson.loads(line) for line in at(run, run.paths.features(STAGE)).open("rb")]
    assert {row["state"] for row in features} == {"ok"}
    assert all(row["features"] == features[0]["features"] for row in features[:600])


def test_planning_again_gives_the_same_bytes(tmp_path):
    run = make_stage(tmp_path, note_rows(30), limits={"requests": 12})
    files = [at(run, run.paths.plan(STAGE, 1)), at(run, run.paths.asked(STAGE, 1))]
    plan = run.plan(1)
    first = [file.read_bytes() for file in files]
    first_shards = shard_lines(run, plan)
    plan = run.plan(1)
    assert [file.read_bytes() for file in files] == first
    assert shard_lines(run, plan) == first_shards


def test_what_is_answered_is_not_asked_again(tmp_path):
    run = make_stage(tmp_path, note_rows(5))
    answer(run)
    plan = run.plan(1)
    assert (plan.requests["asked"], plan.requests["answered"], plan.shards) == (0, 5, [])
    assert plan.estimate["cost_usd"] == 0.0


def test_skipped_records_are_counted_by_reason(tmp_path):
    run = make_stage(tmp_path, note_rows(3), task=[{"task": "topic", "when": "data.id == 'n1'"}])
    plan = run.plan(1)
    assert (plan.records, plan.requests["total"], plan.skipped) == (3, 1, {"filtered": 2})


def test_what_is_under_way_is_not_asked_again_after_results_are_deleted(tmp_path):
    run = make_stage(tmp_path, note_rows(6), limits={"requests": 3})
    first = run.plan(1)
    send(run, first)
    shutil.rmtree(tmp_path / "results")
    (tmp_path / "notes" / "b.jsonl").write_bytes(orjson.dumps(note_rows(1, start=6)[0]) + b"\n")

    run = with_records(tmp_path)
    plan = run.plan(1)
    assert (plan.requests["asked"], plan.requests["pending"]) == (1, 6)
    pending = [shard for shard in plan.shards if shard.pending]
    assert {shard.hash for shard in pending} == {shard.hash for shard in first.shards}
    send(run, plan)
    finish(run, plan)
    assert run.consolidate().states["ok"] == 7
    with Ledger(run.project.ledger) as ledger:
        assert [given.requests for given in ledger.submissions()] == [3, 3, 1]


def test_a_shard_under_way_is_made_again_when_its_file_is_gone_too(tmp_path):
    rows = note_rows(6)
    rows.insert(3, {**rows[0], "id": "twin of n0"})
    run = make_stage(tmp_path, rows, limits={"requests": 3})
    first = run.plan(1)
    send(run, first)
    files = [at(run, run.paths.requests(STAGE, 1, shard.name)).read_bytes() for shard in first.shards]
    shutil.rmtree(tmp_path / "results")
    shutil.rmtree(tmp_path / ".goldpan" / "spool")
    run = with_records(tmp_path)
    plan = run.plan(1)
    assert sorted(b"".join(lines) for lines in shard_lines(run, plan)) == sorted(files)


def test_a_request_that_came_to_nothing_too_often_is_not_asked_again(tmp_path):
    provider = {"kind": "local", "folder": "engine"}
    run = make_stage(tmp_path, note_rows(2), provider, max_rounds=1)
    plan = run.plan(1)
    send(run, plan)
    shutil.rmtree(tmp_path / "engine" / "files")
    run.wait(1, lambda progress: None)
    run.fetch(1, "0000")
    settled = run.settle(1)
    assert (settled.outcomes, settled.left) == ({"failed": 2}, 0)
    again = run.plan(1)
    assert (again.requests["asked"], again.requests["exhausted"]) == (0, 2)


def test_replay_names_the_record_the_ledger_has_no_answer_for(tmp_path):
    run = make_stage(tmp_path, note_rows(2), {"kind": "replay"})
    with pytest.raises(ReplayMissError, match="no answer for record 'n0'"):
        run.plan(1)


def test_the_estimate_says_how_sure_it_is_and_where_the_price_comes_from(tmp_path):
    limited = {"max_completion_tokens": 10}
    run = make_stage(tmp_path, note_rows(200), price_usd_per_million=[2.0, 8.0], params=limited)
    estimate = run.plan(1).estimate
    assert estimate["sampled"] == 100
    assert 0 < estimate["prompt_tokens_margin"] < estimate["prompt_tokens"]
    assert estimate["completion_tokens"] == 200 * 10
    assert estimate["price"]["rule"] == "study: price_usd_per_million"
    expected = estimate["prompt_tokens"] * 2e-6 + estimate["completion_tokens"] * 8e-6
    assert estimate["cost_usd"] == pytest.approx(expected, abs=1e-6)


def test_a_preview_counts_the_same_and_leaves_no_request_file(tmp_path):
    run = make_stage(tmp_path, note_rows(10), limits={"requests": 4})
    preview = preview_round(run.project, STAGE, at(run, run.paths.stage_records(STAGE)))
    assert not (tmp_path / ".goldpan" / "spool").exists()
    assert preview == run.plan(1)
    assert read_plan(at(run, run.paths.plan(STAGE, 1)), STAGE, 1) == preview


def test_a_shard_that_the_plan_does_not_have_is_an_error_that_names_those_it_has(tmp_path):
    plan = make_stage(tmp_path, note_rows(4), limits={"requests": 2}).plan(1)
    with pytest.raises(ReconciliationError, match="has no shard '0009'; it has: 0000, 0001"):
        plan.shard("0009")


def test_a_plan_of_another_version_is_read_and_a_foreign_file_is_named(tmp_path):
    path = tmp_path / "plan.json"
    plan = Plan(
        *("s", "t", 1, "p", "m", {"task": "hash"}, 1, {}, {"total": 1}, [Shard("0000", "h", 1, 2, 3)]),
        *({"cost_usd": 1.0}, None, None),
    )
    raw = asdict(plan)
    path.write_bytes(orjson.dumps({**raw, "shards": [{**raw["shards"][0], "later": 1}], "later": [1]}))
    assert read_plan(path, plan.stage, plan.round) == plan
    for foreign in ({**raw, "shards": [{"name": "0000"}]}, {"study": "s"}, {**raw, "shards": 3}):
        path.write_bytes(orjson.dumps(foreign))
        with pytest.raises(SourceError, match="not a plan that this goldpan can read") as caught:
            read_plan(path, plan.stage, plan.round)
        assert "delete the file and run again" in str(caught.value)


def test_a_damaged_row_of_what_was_asked_is_named(tmp_path):
    asked = tmp_path / "asked.jsonl"
    asked.write_bytes(b'{"id": "a", "skip": "empty: no text"}\n{"id": "b"')
    with pytest.raises(SourceError, match=r"not valid JSON") as caught:
        list(read_asked(asked))
    assert caught.value.where == f"{asked}, line 2"


def test_a_prompt_that_fails_is_reported_with_its_record(tmp_path):
    run = make_stage(tmp_path, note_rows(60))
    template = tmp_path / "config" / "tasks" / "topic.user.j2"
    template.write_text("{{ data.text }}{% if id == 'n45' %}{{ 1 // 0 }}{% endif %}")
    with pytest.raises(PromptError, match=r"record 'n45'"):
        with_records(tmp_path).plan(1)
    assert not at(run, run.paths.plan(STAGE, 1)).exists()
