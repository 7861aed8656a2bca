"""Reading many answers at once says of each what reading it alone says."""

import copy
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.task import load_task
from tests.unit.test_answers import ANSWER, TASKS, call, chat

CONFIGURED = Path(__file__).parents[2] / "config" / "tasks"
READER = AnswerReader(load_task("every_type", TASKS))
STRANGE: list[Any] = [
    None, True, False, 0, 1, -1, 2, 2.0, 1e999, 1.5, 10**6, "", "Water", "now", "x" * 5_000, [], ["law"],
    ["law", "law"], [["law"]], {}, {"name": "Oslo"}, [{"name": "Oslo"}],
]  # fmt: skip


def body(arguments: Any, **choice: Any) -> dict[str, Any]:
    return chat({"content": None, "tool_calls": [call(arguments)]}, **choice)


def plain(draw: Random) -> dict[str, Any]:
    """A good answer with values of its own."""
    return {
        **copy.deepcopy(ANSWER),
        "relevant_detected": draw.random() < 0.5,
        "depth": draw.choice([0, 1, 2]),
        "praise_detected": draw.random() < 0.5,
        "blame_detected": draw.random() < 0.5,
        "summary_text": f"Text {draw.random()}",
    }


def strange(draw: Random) -> dict[str, Any]:
    """The body of an answer with something about it that is not as it was asked for."""
    answer = plain(draw)
    key = draw.choice(list(answer))
    match draw.randrange(5):
        case 0:
            answer[key] = draw.choice(STRANGE)
        case 1:
            del answer[key]
        case 2:
            answer["more"] = "than was asked for"
        case 3:
            return body(orjson.dumps(answer).decode()[: draw.randrange(200)])
        case 4:
            return draw.choice(
                [{}, {"error": {"message": "overloaded"}}, body(answer, finish_reason="length"), chat({})]
            )
    return body(answer)


def check(reader: AnswerReader, bodies: list[dict[str, Any]]) -> None:
    alone = [reader.read(one) for one in bodies]
    together = reader.read_all(bodies)
    assert together == alone
    assert orjson.dumps([one.predictions for one in together]) == orjson.dumps(
        [one.predictions for one in alone]
    )
    assert reader.judge_all(bodies) == [(one.state, one.reason, one.retryable) for one in alone]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 1.0])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 64, 300])
def test_many_answers_are_read_as_each_alone(count, share):
    draw = Random(count)
    check(READER, [strange(draw) if draw.random() < share else body(plain(draw)) for _ in range(count)])


def test_every_strange_value_in_every_field_is_found_among_plain_answers():
    draw = Random(1)
    for key in ANSWER:
        bodies = [body({**plain(draw), key: value}) for value in STRANGE]
        check(READER, [one for strange in bodies for one in (strange, body(plain(draw)))])


def test_no_exclusive_features_are_left_together():
    draw = Random(2)
    readings = READER.read_all([body(plain(draw)) for _ in range(64)])
    found = [reading.predictions for reading in readings if reading.predictions]
    assert len(found) == 64
    assert any(reading.adjusted for reading in readings)
    assert not any(one["praise"]["detected"] and one["blame"]["detected"] for one in found)


def test_answers_to_a_task_with_a_model_of_its_own_are_read_as_each_alone():
    reader = AnswerReader(load_task("from_model", TASKS))
    keys = reader._keys
    check(reader, [body(dict.fromkeys(keys, value)) for value in STRANGE])
