"""Large stages are planned and settled with a helper process, and come out byte for byte as without."""

import shutil
import sqlite3
from random import Random

import pytest

from goldpan import helper
from goldpan.batches.settle import settle_round
from goldpan.errors import PromptError
from goldpan.ledger import Ledger
from goldpan.providers.base import Batch
from tests.projects import note_rows
from tests.scripted_provider import answer_line, error_line
from tests.stage_builders import STAGE, asked_of, at, make_stage, send, with_records

GOOD = {"topic": "animals", "topic_rationale": "a cat", "urgent_detected": False, "length": 2}
ROWS = 700


@pytest.fixture
def started(monkeypatch):
    """Which loops were run with a helper; how many bytes it takes to get one is left to the test."""
    found = []

    class Watched(helper.Helped):
        def __init__(self, pieces, work):
            found.append(work)
            super().__init__(pieces, work)

    monkeypatch.setattr(helper, "Helped", Watched)
    return found


def set_helper(monkeypatch, wanted: bool) -> None:
    monkeypatch.setattr(helper, "_LEAST_BYTES", 0 if wanted else 1 << 40)
    monkeypatch.setattr(helper.os, "sched_getaffinity", lambda process: {0, 1})


def test_a_plan_is_the_same_with_a_helper(tmp_path, monkeypatch, started):
    rows = note_rows(ROWS)
    # Some share a request with another, and some cannot be asked.
    rows += [{**row, "id": f"again{number}"} for number, row in enumerate(rows[::7])]
    plans = []
    for helped in (False, True):
        set_helper(monkeypatch, helped)
        run = make_stage(tmp_path / str(helped), rows, limits={"requests": 100}, samples=2)
        plan = run.plan(1)
        spooled = {path.name: path.read_bytes() for path in (run.project.ledger.parent / "spool").iterdir()}
        plans.append((plan, at(run, run.paths.asked(STAGE, 1)).read_bytes(), spooled))
    assert plans[0] == plans[1]
    assert len(started) == 1
    assert plans[0][0].requests["asked"] > ROWS


def test_a_prompt_that_fails_is_reported_with_its_record(tmp_path, monkeypatch, started):
    set_helper(monkeypatch, True)
    run = make_stage(tmp_path, note_rows(ROWS))
    template = tmp_path / "config" / "tasks" / "topic.user.j2"
    template.write_text("{{ data.text }}{% if id == 'n450' %}{{ 1 // 0 }}{% endif %}")
    with pytest.raises(PromptError, match=r"record 'n450'"):
        with_records(tmp_path).plan(1)
    assert started
    assert not at(run, run.paths.plan(STAGE, 1)).exists()


def raw_lines() -> bytes:
    """Lines in no order: good, bad, failed, twice, damaged, of nobody; and some that are missing."""
    draw, lines = Random(4), []
    for number in range(ROWS):
        identity = f"req__n{number}"
        match draw.randrange(10):
            case 0:
                lines.append(answer_line(identity, {**GOOD, "topic": "plants"}))
            case 1:
                lines.append(error_line(identity, 500, "server_error"))
            case 2:
                lines += [answer_line(identity, {**GOOD, "length": "long"}), answer_line(identity, GOOD)]
            case 3:
                lines += [answer_line(identity, GOOD), answer_line(f"nobody{number}", GOOD), b'{"custom_id"']
            case 4:
                continue
            case _:
                lines.append(answer_line(identity, {**GOOD, "length": number % 4}))
    draw.shuffle(lines)
    return b"".join(line + b"\n" for line in lines)


def test_a_settlement_is_the_same_with_a_helper(tmp_path, monkeypatch, started):
    set_helper(monkeypatch, False)
    run = make_stage(tmp_path / "project", note_rows(ROWS))
    plan = run.plan(1)
    send(run, plan)
    raw = tmp_path / "raw.jsonl"
    raw.write_bytes(raw_lines())
    with sqlite3.connect(run.project.ledger) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    shutil.copyfile(run.project.ledger, tmp_path / "before")
    found = []
    for helped in (False, True):
        set_helper(monkeypatch, helped)
        shutil.copyfile(tmp_path / "before", run.project.ledger)
        batch = Batch("batch_1", "completed", total=ROWS)
        with Ledger(run.project.ledger) as ledger:
            settled = settle_round(
                ledger, run.project, plan, [("0000", 1, batch, raw)],
                at(run, run.paths.asked(STAGE, 1)), tmp_path / "settled.json",
            )  # fmt: skip
            found.append((settled, list(ledger.all_answers())))
    assert found[0] == found[1]
    assert len(started) == 1
    assert {"ok", "invalid", "failed", "missing"} <= set(found[0][0].outcomes)
    assert all(found[0][0].noticed["0000"].values())
    assert len(found[0][1]) == len(asked_of(run))


def test_the_project_is_small_enough_to_be_planned_alone(tmp_path, started):
    make_stage(tmp_path, note_rows(10)).plan(1)
    assert not started
