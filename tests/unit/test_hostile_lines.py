"""Whatever a service sends, a line comes to a state with a reason or says that nobody can join it."""

from __future__ import annotations

import copy
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from goldpan.errors import AnswerError
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.batch_lines import damaged_lines, read_batch_line, row_failure
from goldpan.tasks.failures import LONGEST_MESSAGE
from goldpan.tasks.task import load_task
from goldpan.tasks.usage import usage_of

FOLDER = Path(__file__).parent / "answer_lines"
LINES = [path.read_bytes().rstrip(b"\n") for path in sorted(FOLDER.glob("*.jsonl"))]
READERS = [AnswerReader(load_task("t", FOLDER), output) for output in ("tool", "json_schema")]
STATES = {"ok", "invalid", "refused", "truncated", "failed", "expired"}


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value] if depth % 2 else {"error": value}
    return value


HOSTILE: list[Any] = [
    None, True, 0, -1, 200, 1.5, 10**30, "", "200", "{", '{"a": 1}', "[1]", "\u001b[2J", "<html>no</html>",
    "x" * 10**5, [], [None], [[]], {}, {"error": {}}, {"message": {"a": []}}, {"code": [], "message": 5},
    nested(201), nested(200),
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where anything stands within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    changed = copy.deepcopy(value)
    if not path:
        return other
    part = changed
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = other
    return changed


def come_to(line: bytes) -> str | None:
    """State of a line; None if nobody can join it. All that is said of it can be written."""
    try:
        row = read_batch_line(line)
    except AnswerError:
        return None
    if row.damaged:
        assert row.custom_id in [part.custom_id for part in damaged_lines(line)]
    usage = usage_of(row.body)
    assert all(0 <= count < 1 << 62 for count in usage)
    failure = row_failure(row)
    if failure is not None:
        said: list[Any] = [failure.state, failure.reason, failure.reason]
    else:
        for reader in READERS:
            reading = reader.read(row.body)
            (verdict,) = reader.judge_all([row.body])
            assert verdict == (reading.state, reading.reason, reading.retryable)
            said = [reading.state, reading.reason, "" if reading.reason is None else reading.reason]
            orjson.dumps([*said, reading.predictions, reading.adjusted, row.notes])
    assert said[0] in STATES and (said[0] == "ok") == (said[1] is None)
    assert len(said[2]) < 2 * LONGEST_MESSAGE and said[2].isprintable()
    orjson.dumps(said)
    return said[0]


def good_lines() -> list[Any]:
    rows = []
    for line in LINES:
        try:
            rows.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue
    return rows


@pytest.mark.parametrize("row", good_lines(), ids=lambda row: "")
def test_anything_in_any_place_of_a_line_comes_to_a_state(row):
    for path in places(row):
        for other in HOSTILE:
            try:
                line = orjson.dumps(put(row, path, other))
            except TypeError:  # Numbers that JSON has and orjson does not write.
                continue
            state = come_to(line)
            assert state is not None or path in ((), ("custom_id",))


def test_a_line_cut_anywhere_or_with_any_byte_changed_comes_to_a_state():
    draw = Random(9)
    for line in LINES:
        for _ in range(20):
            at = draw.randrange(len(line))
            come_to(line[:at])
            come_to(line[at:])
            come_to(line[:at] + bytes([draw.randrange(256)]) + line[at + 1 :])
            come_to(line[:at] + draw.choice(LINES))


@pytest.mark.parametrize("damage", [b"\xff", b"\x00", b"{", b'"', b"\\"])
def test_a_damaged_line_is_known_by_its_custom_id_wherever_it_stands(damage):
    first = b'{"custom_id": "req__\\u0041\\"", "response": {"status_code": 200' + damage
    last = b'{"response": {"status_code": 200, "body": {"custom' + damage + b'": , "custom_id" : "req__A\\""}'
    for line in (first, last):
        row = read_batch_line(line)
        assert row.custom_id == 'req__A"'
        assert row_failure(row).state == "invalid" and row_failure(row).reason.startswith("damaged line: ")


def test_a_custom_id_that_an_answer_quotes_is_not_taken_for_the_lines_own():
    line = b'{"response": {"body": {"text": "\\"custom_id\\": \\"req__2\\""}, , "custom_id": "req__1"}'
    assert [row.custom_id for row in damaged_lines(line)] == ["req__1"]


def test_very_long_lines_come_to_a_state():
    text = "\\ud83d " * 50_000
    line = (
        b'{"custom_id": "c", "response": {"status_code": 200, "body": {"choices": [], "x": "%s"}}}'
        % text.encode()
    )
    assert come_to(line) == "invalid"
    assert come_to(line[:-3]) == "invalid"
    assert come_to(b'{"custom_id": "c", "x": ' + b"[" * 100_000) == "invalid"
    assert come_to(b'{"custom_id": "c", "x": "' + b'\\"' * 100_000) == "invalid"
