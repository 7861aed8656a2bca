"""A service that fails for some minutes is waited out; time is the test's own."""

from email.utils import formatdate

import pytest

from goldpan.errors import ProviderError
from goldpan.providers.patience import Patience
from goldpan.providers.service_errors import retry_after


class Time:
    """A clock that moves when somebody sleeps, and what was said meanwhile."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.said: list[str] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def patience(self, seconds: float = 600.0) -> Patience:
        return Patience(
            seconds, clock=lambda: self.now, sleep=self.sleep, jitter=lambda: 0.5, say=self.said.append
        )


def failing(*errors: ProviderError):
    """A call that raises these one after the other, and the last for ever; None answers."""
    left = list(errors)

    def call() -> str:
        error = left.pop(0) if len(left) > 1 else left[0]
        if error is None:
            return "answer"
        raise error

    return call


def busy(status: int = 503, **more) -> ProviderError:
    return ProviderError(f"the service answered {status}: busy", status=status, retryable=True, **more)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_three_failures_in_a_row_are_waited_out(status):
    time = Time()
    assert time.patience().ask(failing(*[busy(status)] * 3, None)) == "answer"
    assert time.pauses == [0.5, 1.0, 2.0]


def test_a_service_that_is_down_is_asked_for_ten_minutes_and_then_given_up():
    time = Time()
    with pytest.raises(
        ProviderError, match=r"busy \(tried \d+ times in 9:\d\d; goldpan waits 10:00"
    ) as caught:
        time.patience().ask(failing(busy()))
    assert 540 < sum(time.pauses) <= 600 and max(time.pauses) == 30.0
    assert (caught.value.status, caught.value.retryable) == (503, True)


def test_the_time_is_counted_from_the_first_failure_of_a_call():
    time = Time()
    patience = time.patience(10.0)
    for _ in range(20):
        assert patience.ask(failing(busy(), busy(), None)) == "answer"
    assert sum(time.pauses) > 10.0


def test_retry_after_is_obeyed():
    time = Time()
    time.patience().ask(failing(busy(429, retry_after=42.0), None))
    assert time.pauses == [42.0]


def test_who_asks_for_more_time_than_there_is_is_told_so_at_once():
    time = Time()
    with pytest.raises(ProviderError, match=r"asks to come again in 1:00:00; goldpan waits 10:00") as caught:
        time.patience().ask(failing(busy(429, retry_after=3600.0)))
    assert (time.pauses, caught.value.retry_after) == ([], 3600.0)


def test_what_does_not_pass_by_waiting_is_raised_at_once():
    time = Time()
    with pytest.raises(ProviderError, match="no such batch"):
        time.patience().ask(failing(ProviderError("no such batch", status=404)))
    assert time.pauses == []


def test_a_wait_is_said_with_its_reason_and_how_long_it_lasts():
    time = Time()
    time.patience().ask(failing(*[busy()] * 4, None))
    assert time.said == [
        "the service answers 503; waiting, tried 3 times in 0:02, again in 0:02",
        "the service answers 503; waiting, tried 4 times in 0:04, again in 0:04",
    ]


def test_a_date_to_come_again_is_one_by_the_services_clock():
    # The service is three hours behind.
    behind = 1_800_000_000.0 - 3 * 3600
    headers = {"retry-after": formatdate(behind + 90, usegmt=True), "date": formatdate(behind, usegmt=True)}
    assert retry_after(headers) == 90.0


@pytest.mark.parametrize("value", ["nan", "inf", "soon", "", "Sun, 99 Nov 1994"])
def test_a_retry_after_that_makes_no_sense_is_passed_over(value):
    assert retry_after({"retry-after": value}) is None
