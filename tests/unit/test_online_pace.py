"""How fast a service is asked, by a clock that a test moves."""

import pytest

from goldpan.providers.online.pace import FIRST_AT_ONCE, Pace, PaceLimits, duration
from tests.simulated_clock import SimulatedClock


class Caller:
    """Sends as a pace allows, and moves the clock where it says to wait."""

    def __init__(self, **limits):
        self.clock = SimulatedClock()
        self.pace = Pace(PaceLimits(**limits), self.clock.monotonic)

    def send(self, tokens: float = 10) -> float:
        wait = self.pace.wait(tokens)
        while wait:
            self.clock.sleep(wait)
            wait = self.pace.wait(tokens)
        assert wait == 0, "all that may be under way are"
        return self.pace.sent(tokens)

    def answer(self, sent_at=None, *, seconds=0.1, used=None, tokens=10, **headers) -> None:
        sent_at = self.send(tokens) if sent_at is None else sent_at
        self.clock.sleep(seconds)
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pace.answered(sent_at, tokens, used, said)

    def seconds_to_next(self) -> float:
        before = self.clock.monotonic()
        return self.send() - before


def test_it_starts_low_and_grows_with_each_answer_to_what_is_allowed():
    caller = Caller(at_once=20)
    grown = [caller.pace.at_once]
    for _ in range(30):
        caller.answer()
        grown.append(caller.pace.at_once)
    assert grown[:3] == [FIRST_AT_ONCE, FIRST_AT_ONCE + 1, FIRST_AT_ONCE + 2]
    assert max(grown) == grown[-1] == 20
    assert Caller(at_once=3).pace.at_once == 3


def test_requests_that_are_refused_together_halve_it_once_and_it_grows_slowly_from_then_on():
    caller = Caller(at_once=16)
    for _ in range(20):
        caller.answer()
    together = [caller.send() for _ in range(16)]
    assert caller.pace.wait(10) is None
    caller.clock.sleep(0.5)
    for sent_at in together:
        caller.pace.refused(sent_at, None, {})
    assert caller.pace.at_once == 8
    for _ in range(8):
        caller.answer()
    assert caller.pace.at_once in (8, 9), "one more for as many answers as are under way at once"
    caller.pace.refused(caller.send(), None, {})
    assert caller.pace.at_once == 4
    for _ in range(10):
        caller.clock.sleep(100)
        caller.pace.refused(caller.send(), None, {})
    assert caller.pace.at_once == 1


def test_nothing_is_sent_before_the_service_wants_it():
    caller = Caller(at_once=8)
    caller.pace.refused(caller.send(), 30.0, {})
    assert caller.seconds_to_next() == 30
    caller.pace.failed()
    caller.clock.sleep(1)
    caller.pace.refused(caller.send(), None, {})
    first = caller.seconds_to_next()
    caller.pace.refused(caller.clock.monotonic(), None, {})
    assert 0 < first < caller.seconds_to_next(), "without a word from it pauses grow"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"remaining_requests": "0", "reset_requests": "20s"}, 20),
        ({"remaining_requests": "0", "limit_requests": "100", "reset_requests": "1m40s"}, 1),
        ({"remaining_tokens": "0", "limit_tokens": "1000", "reset_tokens": "10s"}, 0.1),
        ({"remaining_tokens": "500", "limit_tokens": "1000", "reset_tokens": "10s"}, 0),
        ({"remaining_requests": "3", "reset_requests": "20s"}, 0),
        ({"remaining_requests": "0", "reset_requests": "2026-01-01T00:00:00Z"}, 0),
        ({"remaining_requests": "none", "reset_requests": "20s"}, 0),
    ],
)
def test_what_a_service_says_is_left_is_heeded(headers, seconds):
    caller = Caller(at_once=8)
    caller.answer(**{f"x_ratelimit_{name}": value for name, value in headers.items()})
    assert caller.seconds_to_next() == pytest.approx(seconds)


def test_requests_and_tokens_a_minute_are_kept():
    caller = Caller(at_once=1000, requests_per_minute=120)
    for _ in range(240):
        caller.answer(seconds=0)
    assert caller.clock.monotonic() == pytest.approx(115, abs=1), "but for the first few seconds' worth"
    caller = Caller(at_once=1000, tokens_per_minute=6000)
    for _ in range(60):
        caller.answer(seconds=0, tokens=100, used=200)
    assert caller.clock.monotonic() == pytest.approx(115, abs=5), "by what the service says was used"
    big = Caller(at_once=5, tokens_per_minute=60)
    big.answer(tokens=100_000, seconds=0)
    assert big.seconds_to_next() > 60, "what is larger than the allowance goes, and is paid off"


def test_answers_that_take_longer_and_longer_let_it_grow_no_more():
    caller = Caller(at_once=500)
    for _ in range(10):
        caller.answer(seconds=0.1)
    for _ in range(60):
        caller.answer(seconds=1.0)
    size = caller.pace.at_once
    for _ in range(50):
        caller.answer(seconds=1.0)
    assert caller.pace.at_once == size < 80


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("1s", 1), ("6m0s", 360), ("12ms", 0.012), ("1h2m3.5s", 3723.5), ("7", 7)),
        *(("", None), ("soon", None), ("1s later", None), ("-3", None), ("nan", None), ("1767225600", None)),
    ],
)
def test_durations_as_services_write_them(text, seconds):
    assert duration(text) == (pytest.approx(seconds) if seconds is not None else None)
