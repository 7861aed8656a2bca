"""What a provider may do, call by call, and what goldpan makes of it: as many batches are paid as expected.

Each row plays a whole stage (two shards of three notes) through the real steps, with a simulated service
and a simulated clock. The rows are the table in docs/exactly_once.md.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from goldpan.batches.stage import StageRun
from goldpan.errors import GoldpanError, InDoubtError, ProviderError
from goldpan.files import read_json
from goldpan.ledger import Ledger
from goldpan.stages.plan import read_plan
from goldpan.study import load_project
from tests.projects import WorkflowProject, note_rows
from tests.simulated_clock import SimulatedClock
from tests.simulated_service import Fault, SimulatedService
from tests.stage_builders import STAGE, at, make_stage

MINUTE, HOUR = 60.0, 3600.0
SHARDS, ROWS = 2, 6

SAME = "goes on: the same features"
AGAIN = "a named error; the same command goes on to the same features"
DOUBT = "stops in doubt: nothing is settled from it, nothing paid again"
DOUBT_AGAIN = "stops in doubt; a later run finds it: the same features"
ERROR = "a named error, and nothing is paid"
ASKED_AGAIN = "asked again: the same features"
RECORDED = "recorded, and asked again only by `goldpan retry`"


def lost(call: str, *, effect: bool, **more: Any) -> Fault:
    """The connection breaks after the request was sent."""
    error = ProviderError("the connection broke off", retryable=True, in_doubt=True)
    return Fault(call, error, effect, **more)


def says(call: str, status: int, *, effect: bool = False, **more: Any) -> Fault:
    """The service, or a gateway before it, answers with an error."""
    error = ProviderError(
        f"the service answered {status}",
        status=status,
        retryable=status == 429 or status >= 500,
        in_doubt=status >= 500,
    )
    return Fault(call, error, effect, **more)


def unreachable(call: str, **more: Any) -> Fault:
    """No connection is made, so nothing was sent."""
    return Fault(call, ProviderError("the service could not be reached", retryable=True), **more)


@dataclass(frozen=True)
class Behaviour:
    """A row of the table.

    Attributes:
        call: which call of the provider.
        what: what it does, in words.
        outcome: what comes of it.
        faults, views, service: for `SimulatedService`.
        paid: batches that are paid in the end.
        error: what a run that stops says.
        before_waiting: is done between submission and waiting.
        stage: settings of the stage.
    """

    call: str
    what: str
    outcome: str
    faults: Callable[[], list[Fault]] = list
    views: dict[str, Callable[[SimulatedService, str, Any], Any]] = field(default_factory=dict)
    service: dict[str, Any] = field(default_factory=dict)
    paid: int = SHARDS
    error: str = ""
    before_waiting: Callable[[SimulatedService], None] = lambda service: None
    after_stop: Callable[[SimulatedService], None] = lambda service: None


# Views.


def first_batch(change: Callable[[SimulatedService, Any], Any], until: float | None = None) -> Callable:
    """A view that changes what is said of the first batch that was made, for good or for a time."""

    def view(service: SimulatedService, about: str, answer: Any) -> Any:
        is_struck = about == "batch_1" and (until is None or service.age < until)
        return change(service, answer) if is_struck else answer

    return view


def with_keys(**keys: Any) -> Callable:
    return lambda service, answer: {**answer, **keys}


def once_completed(**keys: Any) -> Callable:
    """Keys of a batch that differ from the truth once it is completed."""
    return lambda service, answer: {**answer, **keys} if answer["status"] == "completed" else answer


def counted(total: int, completed: int, failed: int = 0) -> dict[str, Any]:
    return {"request_counts": {"total": total, "completed": completed, "failed": failed}}


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable:
    return lambda service, answer: b"".join(change(answer.splitlines(keepends=True)))


def of_another_batch(service: SimulatedService, answer: bytes) -> bytes:
    return answer.replace(b"req__n", b"req__other")


def lagging(seconds: float) -> Callable:
    """A list that shows a batch so late."""

    def view(service: SimulatedService, about: str, answer: list[dict]) -> list[dict]:
        ids = {made.id for made in service.batches_made if service.clock.now() - made.made_at >= seconds}
        return [item for item in answer if item["id"] in ids]

    return view


def others_follow(service: SimulatedService, about: str, answer: list[dict]) -> list[dict]:
    """A list in which another account member's batches come up all the time."""
    created = int(service.server_time)
    other = {"id": f"x_{created}", "status": "paused", "created_at": created, "input_file_id": "x"}
    return [other, *answer]


def forgotten(until: float | None = None) -> Fault:
    error = ProviderError("the service answered 404: No such batch.", status=404, retryable=True)
    return Fault("retrieve", error, times=None, until=until, batch="batch_1")


def no_room_for(seconds: float) -> Callable:
    """Batches that are made in this time fail for want of room, but for the first."""

    def view(service: SimulatedService, about: str, answer: dict) -> dict:
        made = next(made for made in service.batches_made if made.id == about)
        if about == "batch_1" or made.made_at - service.began >= seconds:
            return answer
        errors = {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached."}]}
        return {**answer, "status": "failed", "errors": errors, "output_file_id": None, **counted(0, 0)}

    return view


def broken_off(status: str) -> Callable:
    """A batch that ends after two of its three rows."""

    def change(service: SimulatedService, answer: dict) -> dict:
        if answer["status"] != "completed":
            return answer
        return {**answer, "status": status, **counted(3, 2, 1)}

    return change


def cancel_first(service: SimulatedService) -> None:
    with contextlib.suppress(ProviderError):
        service.cancel("batch_1")


def cancel_late(service: SimulatedService) -> None:
    service.clock.sleep(5 * MINUTE)
    cancel_first(service)


def hours_later(service: SimulatedService) -> None:
    service.clock.sleep(3 * HOUR)


TWO_LINES = first_batch(lines(lambda all_: all_[:2]))

BEHAVIOURS = [
    Behaviour("upload", "the answer is lost", AGAIN, lambda: [lost("upload", effect=True)]),
    Behaviour("upload", "the request is lost", AGAIN, lambda: [lost("upload", effect=False)]),
    Behaviour(
        "upload",
        "refused for good (400)",
        ERROR,
        lambda: [says("upload", 400, times=None)],
        paid=0,
        error="400",
    ),
    Behaviour("find upload", "the list of files is refused (500)", AGAIN, lambda: [says("find_upload", 500)]),
    Behaviour(
        "find upload",
        "the list of files does not show the upload whose answer was lost",
        AGAIN,
        lambda: [lost("upload", effect=True)],
        {"find_upload": lambda service, about, answer: None},
    ),
    Behaviour("create", "the answer is lost", SAME, lambda: [lost("create", effect=True)]),
    Behaviour(
        "create",
        "the request is lost, and batches made later are listed",
        SAME,
        lambda: [lost("create", effect=False)],
        {"list": others_follow},
    ),
    Behaviour(
        "create",
        "the request is lost, and nothing proves it",
        DOUBT,
        lambda: [lost("create", effect=False)],
        paid=0,
        error="nor any batch that was made later",
    ),
    Behaviour(
        "create",
        "504, and it goes through two minutes later",
        SAME,
        lambda: [says("create", 504, effect=True, late=2 * MINUTE)],
    ),
    Behaviour(
        "create",
        "504, and it goes through two hours later",
        DOUBT_AGAIN,
        lambda: [says("create", 504, effect=True, late=2 * HOUR)],
        after_stop=hours_later,
    ),
    Behaviour("create", "500 after it took effect", SAME, lambda: [says("create", 500, effect=True)]),
    Behaviour(
        "create",
        "500 before it took effect, and batches made later are listed",
        SAME,
        lambda: [says("create", 500)],
        {"list": others_follow},
    ),
    Behaviour("create", "no connection is made, twice", SAME, lambda: [unreachable("create", times=2)]),
    Behaviour("create", "busy (429), three times", SAME, lambda: [says("create", 429, times=3)]),
    Behaviour(
        "create", "refused (400)", ERROR, lambda: [says("create", 400, times=None)], paid=0, error="400"
    ),
    Behaviour("create", "the uploaded file is gone (404)", AGAIN, lambda: [says("create", 404)]),
    Behaviour(
        "list",
        "shows a batch a minute late",
        SAME,
        lambda: [lost("create", effect=True)],
        {"list": lagging(MINUTE)},
    ),
    Behaviour(
        "list",
        "is empty for ever",
        DOUBT,
        lambda: [lost("create", effect=True)],
        {"list": lambda service, about, answer: []},
        paid=1,
        error="does not show it",
    ),
    Behaviour(
        "list",
        "comes oldest first",
        SAME,
        lambda: [lost("create", effect=True, times=2)],
        {"list": lambda service, about, answer: answer[::-1]},
    ),
    Behaviour(
        "list",
        "is not offered (501)",
        DOUBT,
        lambda: [lost("create", effect=True), says("list", 501, times=None)],
        paid=1,
        error="cannot list its batches",
    ),
    Behaviour(
        "list",
        "fails three times (503)",
        SAME,
        lambda: [lost("create", effect=True), says("list", 503, times=3)],
    ),
    Behaviour(
        "list",
        "holds another account's batch of an unknown status",
        SAME,
        lambda: [lost("create", effect=True)],
        {"list": lambda service, about, answer: [{"id": "x", "status": "paused", "metadata": None}, *answer]},
    ),
    Behaviour(
        "list",
        "keeps no metadata",
        SAME,
        lambda: [lost("create", effect=True)],
        {"list": lambda service, about, answer: [{**item, "metadata": None} for item in answer]},
    ),
    Behaviour(
        "list",
        "is of a service whose clock is three hours ahead",
        SAME,
        lambda: [lost("create", effect=True)],
        service={"skew": 3 * HOUR},
    ),
    Behaviour(
        "list",
        "is of a service whose clock is three hours behind",
        SAME,
        lambda: [lost("create", effect=True)],
        service={"skew": -3 * HOUR},
    ),
    Behaviour(
        "retrieve",
        "no answer for five hours",
        SAME,
        lambda: [lost("retrieve", effect=False, times=None, until=5 * HOUR)],
    ),
    Behaviour(
        "retrieve", "fails for an hour (503)", SAME, lambda: [says("retrieve", 503, times=None, until=HOUR)]
    ),
    Behaviour("retrieve", "404 for the first five minutes", SAME, lambda: [forgotten(until=5 * MINUTE)]),
    Behaviour("retrieve", "404 for good", DOUBT, lambda: [forgotten()], error=r"does not know it \(404\)"),
    Behaviour(
        "retrieve",
        "404 until hours later",
        DOUBT_AGAIN,
        lambda: [forgotten(until=2 * HOUR)],
        after_stop=hours_later,
    ),
    Behaviour("retrieve", "the key is refused once (401)", AGAIN, lambda: [says("retrieve", 401)]),
    Behaviour(
        "retrieve",
        "an unknown status (`paused`) for hours",
        SAME,
        views={"retrieve": first_batch(with_keys(status="paused"), until=4 * HOUR)},
    ),
    Behaviour(
        "retrieve",
        "a status in capitals",
        SAME,
        views={
            "retrieve": first_batch(lambda service, answer: {**answer, "status": answer["status"].upper()})
        },
    ),
    Behaviour(
        "retrieve",
        "another batch is described, for minutes",
        SAME,
        views={"retrieve": first_batch(with_keys(id="batch_77", status="completed"), until=5 * MINUTE)},
    ),
    Behaviour(
        "retrieve",
        "`completed`, its output file named minutes later",
        SAME,
        views={"retrieve": first_batch(with_keys(output_file_id=None), until=5 * MINUTE)},
    ),
    Behaviour(
        "retrieve",
        "`completed`, its output file never named",
        DOUBT,
        views={"retrieve": first_batch(with_keys(output_file_id=None))},
        error="names no output file",
    ),
    Behaviour(
        "retrieve",
        "`completed`, without files and counts",
        DOUBT,
        views={"retrieve": first_batch(once_completed(output_file_id=None, request_counts=None))},
        error="neither an output nor an error file",
    ),
    Behaviour(
        "retrieve",
        "`completed` too early, then open again",
        SAME,
        views={"retrieve": first_batch(with_keys(status="completed"), until=30.0)},
    ),
    Behaviour(
        "retrieve",
        "gives no counts (null)",
        SAME,
        views={"retrieve": first_batch(with_keys(request_counts=None))},
    ),
    Behaviour(
        "retrieve",
        "counts lag behind the files",
        SAME,
        views={"retrieve": first_batch(once_completed(**counted(3, 1)))},
    ),
    Behaviour(
        "retrieve",
        "counts of another total, each request has its line",
        SAME,
        views={"retrieve": first_batch(once_completed(**counted(30, 30)))},
    ),
    Behaviour(
        "retrieve",
        'an error file id of nothing (`""`)',
        SAME,
        views={"retrieve": first_batch(with_keys(error_file_id=""))},
    ),
    Behaviour(
        "retrieve",
        "`failed` for lack of room, for three hours",
        SAME,
        views={"retrieve": no_room_for(3 * HOUR)},
    ),
    Behaviour(
        "retrieve",
        "`expired` before its last row",
        ASKED_AGAIN,
        views={"retrieve": first_batch(broken_off("expired")), "download": TWO_LINES},
        paid=SHARDS + 1,
    ),
    Behaviour(
        "retrieve",
        "`cancelled` by the service before its last row",
        RECORDED,
        views={"retrieve": first_batch(broken_off("cancelled")), "download": TWO_LINES},
    ),
    Behaviour(
        "download",
        "the file is there minutes later (404)",
        SAME,
        views={"download": first_batch(lambda service, answer: None, until=5 * MINUTE)},
    ),
    Behaviour(
        "download",
        "the file is gone for good (404)",
        DOUBT,
        views={"download": first_batch(lambda service, answer: None)},
        error="no such file",
    ),
    Behaviour(
        "download", "the answer is lost, four times", SAME, lambda: [lost("download", effect=False, times=4)]
    ),
    Behaviour(
        "download",
        "lines lack at first, of unknown length",
        SAME,
        views={"download": first_batch(lines(lambda all_: all_[:2]), until=3 * MINUTE)},
        service={"tells_lengths": False},
    ),
    Behaviour(
        "download",
        "lines lack for good, of unknown length",
        DOUBT,
        views={"download": TWO_LINES},
        service={"tells_lengths": False},
        error="its files hold 2 lines",
    ),
    Behaviour(
        "download", "a whole file lacks a line", ASKED_AGAIN, views={"download": TWO_LINES}, paid=SHARDS + 1
    ),
    Behaviour(
        "download",
        "the last line breaks off at first",
        SAME,
        views={"download": first_batch(lambda service, answer: answer[:-20], until=3 * MINUTE)},
        service={"tells_lengths": False},
    ),
    Behaviour(
        "download",
        "the file of another batch, for minutes",
        SAME,
        views={"download": first_batch(of_another_batch, until=5 * MINUTE)},
    ),
    Behaviour(
        "download",
        "the file of another batch, for good",
        DOUBT,
        views={"download": first_batch(of_another_batch)},
        error="were not asked in it",
    ),
    Behaviour(
        "download",
        "lines in another order, some twice",
        SAME,
        views={"download": first_batch(lines(lambda all_: [*all_[::-1], all_[1]]))},
    ),
    Behaviour(
        "download",
        "lines of others among ours",
        SAME,
        views={"download": first_batch(lambda service, answer: answer + of_another_batch(service, answer))},
    ),
    Behaviour(
        "cancel",
        "the answer is lost",
        RECORDED,
        lambda: [lost("cancel", effect=True)],
        before_waiting=cancel_first,
    ),
    Behaviour(
        "cancel",
        "the request is lost",
        SAME,
        lambda: [lost("cancel", effect=False)],
        before_waiting=cancel_first,
    ),
    Behaviour("cancel", "too late: the batch has ended (409)", SAME, before_waiting=cancel_late),
]
NAMES = [f"{behaviour.call}: {behaviour.what}" for behaviour in BEHAVIOURS]


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> Path:
    """A project whose first round is planned."""
    root = tmp_path_factory.mktemp("planned") / "project"
    provider = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}
    run = make_stage(root, note_rows(ROWS), provider, model="m", limits={"requests": ROWS // SHARDS})
    plan = run.plan(1)
    for shard in plan.shards:
        run.place(1, shard.name)
    return root


class Player:
    """Takes the stage as far as it goes, making what is not made yet, as the workflow does."""

    def __init__(self, root: Path, service: SimulatedService, clock: SimulatedClock):
        self.service = service
        self.run = StageRun(load_project("notes", root=root), STAGE, provider=service, clock=clock)

    def play(self, before_waiting: Callable[[SimulatedService], None]) -> None:
        run, paths = self.run, self.run.paths
        for number in range(1, 4):
            plan_file = at(run, paths.plan(STAGE, number))
            plan = read_plan(plan_file, STAGE, number) if plan_file.exists() else run.plan(number)
            for shard in plan.shards:
                if not at(run, paths.requests(STAGE, number, shard.name)).exists():
                    run.place(number, shard.name)
                if not at(run, paths.batch(STAGE, number, shard.name)).exists():
                    run.submit(number, shard.name)
            before_waiting(self.service)
            if not at(run, paths.completion(STAGE, number)).exists():
                run.wait(number, lambda progress: None)
            for shard in plan.shards:
                if not at(run, paths.raw(STAGE, number, shard.name)).exists():
                    run.fetch(number, shard.name)
            settled = at(run, paths.settled(STAGE, number))
            if not settled.exists():
                run.settle(number)
            if read_json(settled)["left"] == 0:
                break
        run.consolidate()

    def features(self) -> list[dict[str, Any]]:
        """The rows without what says when, in which batch and in which round they were answered."""
        rows = WorkflowProject(self.run.project.root).rows("stages/topics/features.jsonl")
        passing = {"batch_id", "answered_at", "round", "adjusted"}
        return [{key: value for key, value in row.items() if key not in passing} for row in rows]

    def settled_rows(self) -> int:
        """Requests of which the ledger has an outcome."""
        with Ledger(self.run.project.ledger) as ledger:
            return sum(ledger.counts().values())


@pytest.fixture(scope="module")
def make_player(planned, tmp_path_factory):
    def make(behaviour: Behaviour) -> Player:
        clock = SimulatedClock()
        service = SimulatedService(clock, behaviour.faults(), dict(behaviour.views), **behaviour.service)
        root = shutil.copytree(planned, tmp_path_factory.mktemp("played") / "project", symlinks=True)
        return Player(Path(root), service, clock)

    return make


@pytest.fixture(scope="module")
def undisturbed(make_player):
    """The features where nothing goes wrong."""
    played = make_player(Behaviour("none", "nothing", SAME))
    played.play(lambda service: None)
    assert played.service.paid() == SHARDS
    return played.features()


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=NAMES)
def test_what_comes_of_a_behaviour_and_what_is_paid(behaviour, make_player, undisturbed):
    played = make_player(behaviour)
    outcome = behaviour.outcome
    if outcome in (AGAIN, DOUBT, DOUBT_AGAIN, ERROR):
        expected = InDoubtError if outcome in (DOUBT, DOUBT_AGAIN) else GoldpanError
        with pytest.raises(expected, match=behaviour.error or None) as caught:
            played.play(behaviour.before_waiting)
        if expected is InDoubtError:
            assert caught.value.where and "goldpan batches " in caught.value.remedy
    if outcome == DOUBT:
        with pytest.raises(InDoubtError, match=behaviour.error):
            played.play(behaviour.before_waiting)
        if behaviour.paid == SHARDS:
            # What is whole was taken over, what is in doubt was not.
            assert played.settled_rows() == ROWS // SHARDS
    behaviour.after_stop(played.service)
    if outcome not in (DOUBT, ERROR):
        played.play(behaviour.before_waiting)
        rows = played.features()
        assert [row["id"] for row in rows] == [f"n{number}" for number in range(ROWS)]
        if outcome == RECORDED:
            assert {row["state"] for row in rows} == {"ok", "failed"}
        else:
            assert rows == undisturbed
    assert played.service.paid() == behaviour.paid


def test_no_two_rows_are_the_same():
    assert len(set(NAMES)) == len(NAMES) >= 40


def rendered() -> str:
    """The table of docs/exactly_once.md."""
    head = "| call | what the provider does | what comes of it | batches paid (of 2) |\n|---|---|---|---|\n"
    return head + "".join(f"| {row.call} | {row.what} | {row.outcome} | {row.paid} |\n" for row in BEHAVIOURS)


def test_the_table_of_the_docs_has_these_rows_and_no_others(project):
    page = (project / "docs" / "exactly_once.md").read_text(encoding="utf-8")
    assert rendered() in page, f"put this table into docs/exactly_once.md:\n{rendered()}"
