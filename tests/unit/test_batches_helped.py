"""A large stage is planned with a helper process, and its plan comes out byte for byte as without."""

import pytest

from goldpan import helper
from goldpan.errors import PromptError
from tests.projects import note_rows
from tests.stage_builders import STAGE, at, make_stage, with_records

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
    # Other tests leave threads behind that hold nothing this one needs.
    monkeypatch.setattr(helper.threading, "active_count", lambda: 1)


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


def test_the_project_is_small_enough_to_be_planned_alone(tmp_path, started):
    make_stage(tmp_path, note_rows(10)).plan(1)
    assert not started
