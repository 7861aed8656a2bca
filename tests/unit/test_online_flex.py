"""`tier: flex`: half the price where there is room, and what a study says where there is none."""

import pytest

from goldpan.batches.budget import spending_of
from goldpan.batches.stage import StageRun
from goldpan.cli import main
from goldpan.errors import BudgetError, OnlineError, StudyError
from goldpan.files import read_json, read_whole_unpacked
from goldpan.ledger import Ledger, Outcome
from goldpan.providers.base import Surroundings
from goldpan.providers.connect import connect
from goldpan.providers.engine import completion
from goldpan.providers.online import OnlineProvider
from goldpan.providers.online.address import online_address
from goldpan.providers.online.answerer import seconds_for_last_answers
from goldpan.providers.online.calls import OnlineCalls
from goldpan.providers.online.pace import FIRST_AT_ONCE
from goldpan.providers.online.tier import AskedTier, tier_of
from goldpan.providers.prices import price_of
from goldpan.serve import running_server
from goldpan.study import load_project
from tests.faults.conftest import scripted_answer
from tests.online_service import ANSWER, Say, error_body, online_service
from tests.projects import WorkflowProject, note_rows, notes_study
from tests.provider_settings import provider_settings
from tests.stage_builders import STAGE, answer_all, at, make_stage, records_made, states
from tests.unit.test_ledger import intend, settle

ROWS = 12
NO_ROOM = error_body(429, "resource_unavailable", "Resource Unavailable")
# A prompt token costs 1, a completion token 2 millionths at the ordinary price, and half of it at flex.
MONEY = {"price_usd_per_million": [1, 2]}


def make(root, service, *, rows=ROWS, flex=None, provider=None, **stage) -> StageRun:
    settings = {"kind": "openai", "base_url": service.base_url, "grace_seconds": 0.2, **(provider or {})}
    asked = {"mode": "online", "tier": "flex", **({"flex": flex} if flex else {}), **stage}
    return make_stage(root, note_rows(rows), settings, **{"model": "m", **MONEY, **asked})


def summary(run: StageRun) -> dict:
    return read_json(at(run, run.paths.summary(STAGE)))


def without_room(*texts: str):
    """A service that has no room at flex for some notes; for all where none is named."""

    def script(call):
        is_for = not texts or call.text.partition(":")[0] in texts
        return Say(429, body=NO_ROOM) if call.tier == "flex" and is_for else Say(tier=call.tier or "default")

    return script


def test_flex_is_asked_for_and_paid_at_half_the_price(tmp_path):
    with online_service() as service:
        run = make(tmp_path, service)
        answer_all(run)
        assert {call.tier for call in service.calls} == {"flex"}
    with Ledger(run.project.ledger) as ledger:
        (submission,) = ledger.submissions()
        spent = spending_of(ledger, "notes", STAGE, run.stage)
    assert (submission.tier, submission.paid) == ("flex", ROWS)
    assert submission.flex_prompt_tokens == submission.prompt_tokens > 0
    ordinary = (submission.prompt_tokens + 2 * submission.completion_tokens) / 1e6
    made = summary(run)
    assert made["cost_usd"] == spent.settled_usd == pytest.approx(ordinary / 2, abs=1e-6)
    assert made["tiers"] == {"flex": ROWS}
    plan = read_json(at(run, run.paths.plan(STAGE, 1)))["estimate"]["price"]
    assert (plan["prompt_usd_per_million"], plan["completion_usd_per_million"]) == (0.5, 1.0)


@pytest.mark.parametrize(("first", "then"), [("flex", None), (None, "flex")])
def test_an_answer_at_one_tier_counts_for_the_other(first, then, tmp_path):
    with online_service() as service:
        run = make(tmp_path, service, tier=first)
        answer_all(run)
        (requests,) = at(run, run.paths.round(STAGE, 1)).glob("requests/0000.*.zst")
        assert b"service_tier" not in read_whole_unpacked(requests), "the tier is no part of what is asked"
        for path in at(run, run.paths.stage(STAGE)).rglob("*.json"):
            path.unlink()
        provider = {"kind": "openai", "base_url": service.base_url}
        study = notes_study(provider, model="m", mode="online", tier=then, **MONEY)
        WorkflowProject(tmp_path).write_study(study)
        answer_all(records_made(StageRun(load_project("notes", root=tmp_path), STAGE)))
        assert len(service.calls) == ROWS and states(run) == {"ok": ROWS}


def test_no_room_is_waited_for(tmp_path):
    def script(call):
        return Say(429, body=NO_ROOM) if call.of_text == 1 and call.number > 1 else Say()

    with online_service(script) as service:
        run = make(tmp_path, service)
        answer_all(run)
        assert states(run) == {"ok": ROWS} and set(service.answered.values()) == {1}
        assert {call.tier for call in service.calls} == {"flex"} and len(service.calls) == 2 * ROWS - 1


@pytest.mark.parametrize(("body", "kind"), [(NO_ROOM, "no room at flex"), (None, "429")])
def test_no_room_does_not_slow_down_as_a_rate_limit_does(body, kind, tmp_path):
    def script(call):
        return Say(429, body=body, headers={"retry-after-ms": "1"}) if call.of_text == 1 else Say(body="{}")

    with online_service(script) as service:
        run = make(tmp_path, service)
        address = online_address(run.project.study.providers["main"], Surroundings(tmp_path, tmp_path))
        bodies = [{"messages": [{"role": "user", "content": f"Note {number}"}]} for number in range(4)]
        with OnlineCalls(address, "/v1/chat/completions", tier_of(run.stage)) as calls:
            calls.send(list(enumerate(bodies)))
            came = []
            while len(came) < 4:
                came.extend(calls.arrivals(1.0))
            assert calls.traffic.refusals == {kind: 4}
            assert (calls.traffic.at_once >= FIRST_AT_ONCE) == (body is NO_ROOM)


def test_without_room_for_too_long_a_run_that_waits_stops_and_goes_on_later(tmp_path):
    with online_service(lambda call: Say() if call.number <= 3 else Say(429, body=NO_ROOM)) as service:
        run = make(tmp_path, service, flex={"fallback": "wait", "patience_seconds": 0.8})
        with pytest.raises(OnlineError, match="resource_unavailable"):
            answer_all(run)
        assert states(run) == {"ok": 3}
        service._script = lambda call: Say()
        answer_all(run)
        assert states(run) == {"ok": ROWS} and set(service.answered.values()) == {1}


def test_what_finds_no_room_is_asked_at_the_ordinary_price_where_the_study_says_so(tmp_path, capfd):
    with online_service(without_room("Note 3", "Note 5")) as service:
        run = make(tmp_path, service, flex={"fallback": "standard", "patience_seconds": 0})
        answer_all(run)
        assert states(run) == {"ok": ROWS} and set(service.answered.values()) == {1}
        standard = {call.text.partition(":")[0] for call in service.calls if call.tier is None}
        assert standard == {"Note 3", "Note 5"}
    made = summary(run)
    assert made["tiers"] == {"default": 2, "flex": 10}
    with Ledger(run.project.ledger) as ledger:
        (one,) = ledger.submissions()
        spent = spending_of(ledger, "notes", STAGE, run.stage)
    at_flex = (one.flex_prompt_tokens + 2 * one.flex_completion_tokens) / 2e6
    rest = (
        one.prompt_tokens - one.flex_prompt_tokens + 2 * (one.completion_tokens - one.flex_completion_tokens)
    ) / 1e6
    assert at_flex > 0 and rest > 0
    assert made["cost_usd"] == spent.settled_usd == pytest.approx(at_flex + rest, abs=1e-6)
    assert "another tier" not in capfd.readouterr().err, "it was asked for"


def test_once_the_tier_has_no_room_each_request_need_not_find_that_out_for_itself(tmp_path):
    with online_service(without_room()) as service:
        run = make(
            tmp_path, service, rows=60, flex={"fallback": "standard", "patience_seconds": 0.6},
            provider={"concurrency": 2},
        )  # fmt: skip
        answer_all(run)
        at_flex = sum(call.tier == "flex" for call in service.calls)
        assert states(run) == {"ok": 60} and at_flex < 60 + 2 * 8


def test_a_fallback_is_held_against_the_budget_at_its_own_price(tmp_path):
    """The budget holds all at flex, and not the half of them at the ordinary price."""
    usage = {"prompt_tokens": 10_000, "completion_tokens": 10_000, "total_tokens": 20_000}

    def script(call):
        if call.tier == "flex" and call.number > 1:
            return Say(429, body=NO_ROOM)
        body = completion(call.body, ANSWER, call.text)
        return Say(body={**body, "usage": usage, "service_tier": call.tier or "default"}, after=0.01)

    with online_service(script) as service:
        # 0.015 USD at flex, 0.03 USD else.
        flex = {"fallback": "standard", "patience_seconds": 0}
        run = make(tmp_path, service, rows=40, flex=flex, budget_usd=0.16)
        with pytest.raises(BudgetError, match="above the budget"):
            answer_all(run)
        with Ledger(run.project.ledger) as ledger:
            spending = spending_of(ledger, "notes", STAGE, run.stage)
        assert states(run) == {"ok": 5}
        assert spending.settled_usd == pytest.approx(0.015 + 4 * 0.03) and spending.total_usd <= 0.16


def test_what_finds_no_room_is_left_to_a_batch_where_the_study_says_so(tmp_path, capfd):
    """Half of the notes find room; the next round asks the others in a batch, as if they were new."""
    with running_server(tmp_path / "server", answerer=scripted_answer) as batches:
        with online_service(lambda call: Say() if call.number <= 6 else Say(429, body=NO_ROOM)) as service:
            run = make(
                tmp_path / "project", service, flex={"fallback": "batch", "patience_seconds": 0},
                max_rounds=1, provider={"concurrency": 1},
            )  # fmt: skip
            answer_all(StageRun(run.project, STAGE, provider=two_addresses(run, batches)))
            assert states(run) == {"ok": ROWS} and sum(service.answered.values()) == 6
            assert sum(batch.total for batch in batches.engine.list_batches()) == 6
        with Ledger(run.project.ledger) as ledger:
            online, batch = ledger.submissions()
        assert (online.is_online, online.tier, online.paid) == (True, "flex", 6)
        assert (batch.is_online, batch.tier, batch.round) == (False, "", 2)
        assert summary(run)["tiers"] == {"batch": 6, "flex": 6}
        assert "6 are asked in a batch next" in capfd.readouterr().err


def two_addresses(run, batches) -> OnlineProvider:
    """A service whose batch API is at another address than its chat completions."""
    surroundings = Surroundings(run.project.root, run.project.ledger.parent)
    by_batch = connect(provider_settings(kind="openai", base_url=batches.base_url), surroundings)
    address = online_address(run.project.study.providers["main"], surroundings)
    return OnlineProvider(by_batch, run.project.ledger.parent / "online", "online", address)


def test_a_service_that_answers_at_another_tier_is_told_and_paid_as_it_says(tmp_path, capfd):
    with online_service(lambda call: Say(tier="default")) as service:
        run = make(tmp_path, service)
        answer_all(run)
    said = capfd.readouterr().err
    assert said.count("asked at the tier `flex`, and the answer says that it was answered at `default`") == 1
    with Ledger(run.project.ledger) as ledger:
        (one,) = ledger.submissions()
    made = summary(run)
    assert made["tiers"] == {"default": ROWS}
    assert made["cost_usd"] == pytest.approx((one.prompt_tokens + 2 * one.completion_tokens) / 1e6, abs=1e-6)


def test_calls_at_flex_have_a_time_limit_of_their_own(tmp_path):
    with online_service(lambda call: Say(after=0.6)) as service:
        run = make(tmp_path, service, rows=3, provider={"timeout_seconds": 0.2})
        answer_all(run)
        assert len(service.calls) == 3
    with online_service(lambda call: Say(after=5 if call.of_text == 1 and call.number > 1 else 0)) as service:
        run = make(tmp_path / "short", service, rows=3, flex={"timeout_seconds": 0.3})
        answer_all(run)
        assert len(service.calls) == 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mode": "batch", "tier": "flex"}, "write `mode: online`"),
        ({"mode": "online", "flex": {"fallback": "wait", "patience_seconds": 9}}, "write that, too"),
        (
            {"mode": "online", "tier": "flex", "params": {"service_tier": "flex"}},
            "either `tier` or `service_tier`",
        ),
        ({"mode": "online", "tier": "flexible"}, "tier"),
        ({"mode": "online", "tier": "flex", "flex": {"fallback": "pray"}}, "fallback"),
    ],
)
def test_a_tier_that_makes_no_sense_is_refused(settings, words, tmp_path):
    project = WorkflowProject.create(tmp_path)
    project.write_study(notes_study({"kind": "openai"}, model="m", **settings))
    with pytest.raises(StudyError, match=words):
        load_project("notes", root=tmp_path)


@pytest.mark.parametrize(("model", "noted"), [("gpt-4o-mini", True), ("gpt-5-mini", False)])
def test_a_model_without_a_price_at_flex_is_noted(model, noted, tmp_path, monkeypatch, capsys):
    project = WorkflowProject.create(tmp_path)
    project.write_study(notes_study({"kind": "openai"}, model=model, mode="online", tier="flex"))
    project.write_rows("notes/a.jsonl", note_rows(2))
    monkeypatch.chdir(tmp_path)
    assert main(["validate"]) == 0
    assert ("has no price at `tier: flex`" in "".join(capsys.readouterr())) == noted


def test_a_run_in_mode_batch_asks_no_tier(tmp_path):
    project = WorkflowProject.create(tmp_path)
    project.write_study(notes_study({"kind": "openai"}, model="m", mode="online", tier="flex"))
    stage = load_project("notes", root=tmp_path, mode="batch").study.stages[STAGE]
    assert stage.asked_tier is None


def test_flex_has_its_price_in_the_table():
    flex, ordinary = (
        price_of("gpt-5-mini", is_online=True, tier="flex"),
        price_of("gpt-5-mini", is_online=True),
    )
    assert (flex.prompt, flex.completion, flex.cached) == tuple(
        pytest.approx(value / 2) for value in (ordinary.prompt, ordinary.completion, ordinary.cached)
    )
    unknown = price_of("gpt-4o-mini", is_online=True, tier="flex")
    assert (
        unknown.prompt == price_of("gpt-4o-mini", is_online=True).prompt and "no flex price" in unknown.rule
    )


def test_attempts_at_two_tiers_are_each_counted_at_their_own_price(tmp_path):
    """The first answers to three notes are worthless; of two they come at flex, of one the second does."""
    usage = {"prompt_tokens": 100_000, "completion_tokens": 0, "total_tokens": 100_000}

    def script(call):
        note, is_first = call.text.partition(":")[0], call.of_text == 1
        is_worthless = is_first and note in ("Note 3", "Note 5", "Note 7")
        is_at_flex = (note == "Note 5" and not is_first) or (note != "Note 5" and is_worthless)
        body = completion(call.body, {"topic": 7} if is_worthless else ANSWER, call.text)
        return Say(body={**body, "usage": usage, "service_tier": "flex" if is_at_flex else "default"})

    with online_service(script) as service:
        run = make(tmp_path, service, max_rounds=2)
        answer_all(run)
        assert len(service.calls) == ROWS + 3
    with Ledger(run.project.ledger) as ledger:
        spent = spending_of(ledger, "notes", STAGE, run.stage).settled_usd
    assert summary(run)["cost_usd"] == spent == pytest.approx(ROWS * 0.1 + 3 * 0.05)


def test_a_ledger_counts_what_came_at_flex_apart(tmp_path):
    key = [bytes([number]) * 32 for number in range(2)]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        number = intend(ledger, shard="a", rows=2)
        settle(
            ledger, number, [Outcome(key[0], "ok", None, False, b"{}", 100, 10, 40, 5, 3, tier="flex"),
                             Outcome(key[1], "ok", None, False, b"{}", 7, 1, tier="default")],
        )  # fmt: skip
        (spent,) = ledger.spent(number.study, number.stage)
        assert (spent.prompt_tokens, spent.flex_prompt_tokens, spent.flex_completion_tokens) == (107, 100, 10)
        assert (spent.flex_cached_tokens, spent.flex_cache_write_tokens) == (40, 5)
        assert [answer.tier for _, answer in ledger.all_answers()] == ["flex", "default"]


@pytest.mark.parametrize(("timeout", "seconds"), [(900, 900), (5, 60)])
def test_what_is_under_way_at_a_tier_when_a_run_stops_is_waited_for_as_long_as_a_call_may_take(
    timeout, seconds
):
    assert seconds_for_last_answers(AskedTier("flex", "wait", None, timeout)) == seconds
    assert seconds_for_last_answers(None) == 60
