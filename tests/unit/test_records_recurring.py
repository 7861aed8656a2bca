"""A value that recurs is parsed once, and no record is other than if it were parsed alone."""

from random import Random

import orjson
import pytest

from goldpan.records.recurring import RecurringValue

TOOLS = [
    {"name": f"tool {n}", "about": 'says "tools":[ and ] and \\', "n": n, "x": [1.5, None]} for n in range(40)
]
OTHERS = [{"name": f"other {n}", "about": "x" * 40} for n in range(40)]


def line(tools, **more) -> bytes:
    return orjson.dumps({"id": "a", "data": {"text": "t", "tools": tools, **more}})


def test_records_that_share_the_value_share_the_object():
    recurring = RecurringValue("data", "tools")
    first, second = recurring.parse(line(TOOLS)), recurring.parse(line(TOOLS, text="another"))
    assert second == orjson.loads(line(TOOLS, text="another"))
    assert first["data"]["tools"] is second["data"]["tools"]


STRANGE = [
    line(OTHERS),
    line(None),
    line([]),
    line("text"),
    line(TOOLS[:-1]),
    line([*TOOLS, {}]),
    line(TOOLS, after={"tools": TOOLS}),
    line(OTHERS, after={"tools": TOOLS}),
    line(None, after={"tools": TOOLS}),
    line([{"tools": TOOLS}]),
    line(orjson.dumps({"tools": TOOLS}).decode()),
    line(None, **{'my"tools': TOOLS}),
    b'{"data":{"tools":1,"tools":' + orjson.dumps(TOOLS) + b"}}",
    b'{"data":{"tools":' + orjson.dumps(TOOLS) + b',"tools":1}}',
    b'{"data":{"tools":' + orjson.dumps(TOOLS).replace(b",", b", ") + b"}}",
    orjson.dumps({"data": []}),
    orjson.dumps({"tools": TOOLS}),
    orjson.dumps([{"tools": TOOLS}]),
    orjson.dumps({"tools": TOOLS, "data": {"tools": OTHERS}}),
    b"1",
]


@pytest.mark.parametrize("seed", range(20))
def test_every_record_is_as_if_parsed_alone(seed):
    draw, recurring = Random(seed), RecurringValue("data", "tools")
    given = draw.choices([line(TOOLS), *STRANGE], k=200)
    assert [recurring.parse(one) for one in given] == [orjson.loads(one) for one in given]


@pytest.mark.parametrize("cut", [1, 50, 500, 2_000, 3_000])
def test_a_damaged_line_is_refused_as_before(cut):
    recurring = RecurringValue("data", "tools")
    recurring.parse(line(TOOLS))
    damaged = [line(TOOLS)[:-cut], line(TOOLS) + b"]", line(TOOLS).replace(b'"id"', b"id")]
    for one in damaged:
        with pytest.raises(orjson.JSONDecodeError):
            recurring.parse(one)
