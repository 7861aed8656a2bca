"""Lines as services have sent them, from the file they come in to the row of features, by the real parts."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import yaml

from goldpan.batches.fetch import fetch_batch
from goldpan.ledger import Ledger
from goldpan.ledger.exchange import export_ledger, import_ledger
from goldpan.providers.base import Batch
from tests.projects import WorkflowProject, note_rows
from tests.scripted_provider import ScriptedProvider
from tests.stage_builders import STAGE, at, make_stage, send, with_records

FOLDER = Path(__file__).parent / "answer_lines"

# File -> state of its row, what its reason or its notes say, and whether it is asked again.
EXPECTED: dict[str, tuple[str, str, bool]] = {
    "nan_logprob": ("ok", "read NaN or Infinity", False),
    "minus_infinity": ("ok", "read NaN or Infinity", False),
    "lone_surrogate_reasoning": ("ok", "put U+FFFD for half a character", False),
    "bom": ("ok", "", False),
    "latin1_byte": ("ok", "put U+FFFD for a byte that is not UTF-8", False),
    "same_call_twice": ("ok", "took one of 2 tool calls, which are all the same", False),
    "same_call_nine_times": ("ok", "took one of 9 tool calls, which are all the same", False),
    "two_different_calls": ("invalid", "2 tool calls that differ", True),
    "finish_safety": ("refused", "the service's content filter withheld the answer (SAFETY)", False),
    "finish_sensitive": ("refused", "the service's content filter withheld the answer (sensitive)", False),
    "finish_max_tokens": ("truncated", "at the limit of completion tokens (MAX_TOKENS)", False),
    "finish_error_on_choice": ("failed", "the service reports: Upstream lost", True),
    "filter_wrapped": ("refused", "ContentPolicyViolationError", False),
    "status_zero": ("failed", "status 0", True),
    "cached_and_reasoning_usage": ("ok", "", False),
    "responses_usage": ("ok", "", False),
    "anthropic_error": ("failed", "overloaded_error: Overloaded", True),
}


def answered_by(folder: Path, line: bytes, rows: int = 1):
    """A study of some notes, by default one, whose file of answers is this line or these lines.

    Returns:
        The run, the line, the ledger's first answer, and the first row of features; of several all rows.
    """
    make_stage(folder, note_rows(rows))
    project = WorkflowProject(folder)
    task = yaml.safe_load((FOLDER / "t.yaml").read_text())
    project.write_task({**task, "task": "topic"})
    (folder / "config" / "tasks" / "t.user.j2").write_bytes((FOLDER / "t.user.j2").read_bytes())
    run = with_records(folder)
    plan = run.plan(1)
    send(run, plan)
    run.wait(1, lambda progress: None)
    raw = at(run, run.paths.raw(STAGE, 1, plan.shards[0].name))
    raw.parent.mkdir(parents=True, exist_ok=True)
    named = line.replace(b'"custom_id": "c"', b'"custom_id": "req__n0"').replace(
        b'"name": "t"', b'"name": "topic"'
    )
    with Ledger(run.project.ledger) as ledger:
        (submission,) = ledger.submissions()
        provider = ScriptedProvider(files={"out": [named]})
        batch = Batch("batch_1", "completed", total=rows, completed=rows, output_file_id="out")
        fetch_batch(ledger, provider, batch, submission.id, raw)
    run.settle(1)
    run.consolidate()
    with Ledger(run.project.ledger) as ledger:
        _, answer = next(ledger.all_answers())
    features = [orjson.loads(row) for row in at(run, run.paths.features(STAGE)).open("rb")]
    return run, named, answer, features[0] if rows == 1 else features


# What is not JSON as it should be is read in another way, which must not hang on the end of the line.
@pytest.mark.parametrize(
    ("name", "ending"),
    [
        *((name, b"\n") for name in EXPECTED),
        *(
            (name, b"")
            for name in ("nan_logprob", "lone_surrogate_reasoning", "bom", "latin1_byte", "status_zero")
        ),
    ],
)
def test_each_line_comes_to_its_state_and_says_why(name, ending, tmp_path):
    line = (FOLDER / f"{name}.jsonl").read_bytes().rstrip(b"\n")
    _, _, answer, row = answered_by(tmp_path, line + ending)
    state, says, again = EXPECTED[name]
    assert (row["state"], answer.state, answer.retryable) == (state, state, again)
    assert says in "; ".join(row.get("adjusted", [])) if state == "ok" else says in row["reason"]


@pytest.mark.parametrize("name", ["nan_logprob", "lone_surrogate_reasoning", "latin1_byte"])
def test_a_damaged_line_between_others_is_read_where_it_is_paid_for(name, tmp_path):
    good = (FOLDER / "same_call_twice.jsonl").read_bytes().rstrip(b"\n")
    line = (FOLDER / f"{name}.jsonl").read_bytes().rstrip(b"\n")
    others = [good.replace(b'"custom_id": "c"', b'"custom_id": "req__n%d"' % at) for at in (1, 2)]
    rows = answered_by(tmp_path, b"\n".join([others[0], line, others[1]]) + b"\n", rows=3)[-1]
    assert [(row["id"], row["state"]) for row in rows] == [("n0", "ok"), ("n1", "ok"), ("n2", "ok")]


def test_every_line_has_its_state_here():
    assert sorted(EXPECTED) == sorted(path.stem for path in FOLDER.glob("*.jsonl"))


@pytest.mark.parametrize(
    ("name", "usage"),
    [("cached_and_reasoning_usage", (2000, 1300, 1920, 0, 1280)), ("responses_usage", (10, 5, 0, 0, 0))],
)
def test_usage_has_the_same_keys_whatever_the_endpoint(name, usage, tmp_path):
    _, _, answer, row = answered_by(tmp_path, (FOLDER / f"{name}.jsonl").read_bytes())
    keys = ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
    assert row["usage"] == dict(zip(keys, usage, strict=True))
    assert tuple(getattr(answer, key) for key in keys) == usage


def test_a_line_with_a_bad_byte_is_kept_as_it_came_and_goes_round_by_export(tmp_path):
    run, named, answer, _ = answered_by(tmp_path, (FOLDER / "latin1_byte.jsonl").read_bytes())
    assert answer.line == named.rstrip(b"\n")
    exported = tmp_path / "export.jsonl.zst"
    with Ledger(run.project.ledger) as ledger:
        assert export_ledger(ledger, exported).answers == 1
    with Ledger(tmp_path / "other.sqlite") as other:
        assert import_ledger(other, exported) == 1
        ((_, taken),) = other.all_answers()
    assert taken.line == answer.line
