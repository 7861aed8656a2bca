"""The budget of a stage is a limit on what it truly costs, over all its runs and rounds."""

from pathlib import Path

import orjson
import pytest

from goldpan.batches.budget import spending_of
from goldpan.batches.doubt import DoubtResolver
from goldpan.batches.estimate import HERE, LEARN_FROM, REASONING_ALLOWANCE, answer_length
from goldpan.batches.stage import StageRun
from goldpan.batches.submit import spending_lock, submit_shard
from goldpan.cli.summary import print_summary
from goldpan.errors import BudgetError, LedgerError
from goldpan.ledger import Asked, Ledger, Orphan, Outcome, Spent
from goldpan.providers.base import GIVEN_UP
from goldpan.providers.openai import OpenAIProvider
from goldpan.providers.prices import price_of
from goldpan.study.stage import Stage
from goldpan.tasks.task import load_task
from tests.projects import TOPIC_TASK, WorkflowProject, note_rows
from tests.simulated_clock import SimulatedClock
from tests.simulated_service import SimulatedService
from tests.stage_builders import STAGE, make_stage, with_records

PRICE = (10.0, 40.0)


def priced_stage(root: Path, rows, **stage):
    """A stage whose answers cost what a test settles it with."""
    settings = {"model": "priced-1", "price_usd_per_million": list(PRICE), **stage}
    return make_stage(root, rows, {"kind": "local"}, **settings)


def settle_plan(
    run, plan, *, prompt: int, completion: int, state: str = "ok", rows: slice = slice(None)
) -> None:
    """Submit a round's shards and settle them with answers of so many tokens; rows outside fail at 500."""
    for shard in plan.shards:
        run.place(plan.round, shard.name)
        submission = run.submit(plan.round, shard.name)
        with Ledger(run.project.ledger) as ledger:
            keys = [key for key, _ in ledger.asked_by(submission.id).values()]
            answered = set(keys[rows])
            ledger.settle(
                submission.id,
                [
                    Outcome(key, state, None, state != "ok", None, prompt, completion)
                    if key in answered
                    else Outcome(key, "failed", "500", True, None)
                    for key in keys
                ],
                status="completed",
                note=lambda: "{}",
            )


def estimate_of(root: Path, count: int) -> float:
    return priced_stage(root, note_rows(count)).plan(1).estimate["cost_usd"]


def test_answers_that_cost_300_times_the_estimate_stop_the_next_round(tmp_path):
    expected = estimate_of(tmp_path / "look", 20)
    run = priced_stage(tmp_path / "run", note_rows(20), budget_usd=3 * expected)
    first = run.plan(1)
    assert first.over_budget is None
    tokens = 300 * first.estimate["completion_tokens"] // 20
    settle_plan(run, first, prompt=100, completion=tokens, rows=slice(10))

    second = run.plan(2)
    true_cost = 10 * (100 * PRICE[0] + tokens * PRICE[1]) / 1e6
    assert second.spent == {"settled_usd": pytest.approx(true_cost, abs=1e-6), "open_usd": 0.0}
    assert second.requests["asked"] == 10
    assert f"{true_cost:.4f} USD are spent" in second.over_budget
    with pytest.raises(BudgetError, match="nothing was uploaded"):
        run.place(2, "0000")
        run.submit(2, "0000")


def test_a_study_that_grows_over_three_runs_stays_within_its_budget(tmp_path):
    expected = estimate_of(tmp_path / "look", 10)
    run = priced_stage(tmp_path / "run", note_rows(10), budget_usd=2.5 * expected)
    for number in range(3):
        name = tmp_path / "run" / "notes" / f"more{number}.jsonl"
        if number:
            name.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in note_rows(10, start=10 * number)))
            run = with_records(tmp_path / "run")
        plan = run.plan(1)
        assert plan.requests["asked"] == 10
        assert (plan.over_budget is None) == (number < 2), plan.over_budget
        if plan.over_budget is None:
            tokens = plan.estimate["completion_tokens"] // 10
            settle_plan(run, plan, prompt=plan.estimate["prompt_tokens"] // 10, completion=tokens)
    assert "are spent" in plan.over_budget


def test_a_plan_that_fitted_once_is_refused_when_money_was_spent_since(tmp_path):
    expected = estimate_of(tmp_path / "look", 20)
    run = priced_stage(tmp_path / "run", note_rows(20), budget_usd=1.2 * expected, limits={"requests": 10})
    plan = run.plan(1)
    assert [shard.requests for shard in plan.shards] == [10, 10]
    first, second = plan.shards
    plan.shards[:] = [first]
    settle_plan(run, plan, prompt=100, completion=5_000)
    run.place(1, second.name)
    with pytest.raises(BudgetError, match=r"are spent, what is next is estimated at .* above the budget"):
        run.submit(1, second.name)
    with Ledger(run.project.ledger) as ledger:
        assert len(ledger.submissions()) == 1


def test_what_is_under_way_counts_by_its_estimate(tmp_path):
    run = priced_stage(tmp_path, note_rows(10))
    plan = run.plan(1)
    run.place(1, "0000")
    run.submit(1, "0000")
    with Ledger(run.project.ledger) as ledger:
        spending = spending_of(ledger, "notes", STAGE, run.stage)
    assert (spending.settled_usd, spending.open_usd) == (0.0, plan.estimate["cost_usd"])
    again = run.plan(1)
    assert again.over_budget is None and again.spent["open_usd"] == plan.estimate["cost_usd"]


def test_what_was_given_up_and_what_is_an_orphan_may_have_been_paid_for(tmp_path):
    run = priced_stage(tmp_path, note_rows(10))
    cost = run.plan(1).estimate["cost_usd"]
    run.place(1, "0000")
    submission = run.submit(1, "0000")
    with Ledger(run.project.ledger) as ledger:
        ledger.record_orphan(Orphan("batch_9", submission.id, "completed", 5, None, 1.0))
        ledger.record_orphan(Orphan("batch_8", submission.id, "failed", 10, None, 1.0))
        assert spending_of(ledger, "notes", STAGE, run.stage).open_usd == pytest.approx(1.5 * cost, abs=2e-6)
        key = next(iter(ledger.asked_by(submission.id).values()))[0]
        outcomes = [Outcome(key, "ok", None, False, b"{}", 1, 1)]
        ledger.settle(submission.id, outcomes, status=GIVEN_UP, note=lambda: "{}")
        spending = spending_of(ledger, "notes", STAGE, run.stage)
    assert spending.settled_usd == pytest.approx(5e-5)
    assert spending.total_usd == pytest.approx(max(cost, 5e-5) + 0.5 * cost, abs=2e-6)


def test_no_other_shard_of_the_stage_is_written_down_while_the_budget_is_checked(tmp_path):
    run = priced_stage(tmp_path, note_rows(2))
    plan = run.plan(1)
    run.place(1, "0000")
    checked = []
    with Ledger(run.project.ledger) as ledger:

        def check(estimate):
            with pytest.raises(LedgerError):
                spending_lock(ledger, "notes", STAGE, patience=0.0).__enter__()
            spending_lock(ledger, "notes", "another", patience=0.0).__enter__().__exit__()
            checked.append(estimate)

        submit_shard(
            ledger, run.connect(), plan, plan.shards[0], check_budget=check, provider_name="main",
            service="local", asked=tmp_path / run.paths.asked(STAGE, 1),
            requests=tmp_path / run.paths.requests(STAGE, 1, "0000"),
            doubts=DoubtResolver(1.0, list_is_exact=True),
        )  # fmt: skip
    assert checked == [plan.cost_of(plan.shards[0])]


def test_requests_that_were_not_answered_cost_nothing(tmp_path):
    run = priced_stage(tmp_path, note_rows(10))
    settle_plan(run, run.plan(1), prompt=100, completion=100, rows=slice(0))
    assert run.plan(2, go_on=True).spent == {"settled_usd": 0.0, "open_usd": 0.0}


def test_a_shard_that_is_with_the_provider_is_no_longer_a_matter_of_budget(tmp_path):
    run = priced_stage(tmp_path, note_rows(4))
    run.plan(1)
    run.place(1, "0000")
    submission = run.submit(1, "0000")
    study = tmp_path / "config" / "studies" / "notes.yaml"
    study.write_text(study.read_text() + "    budget_usd: 0.0\n")
    run = with_records(tmp_path)
    assert run.stage.budget_usd == 0.0
    assert run.submit(1, "0000") == submission


def length(run, spent=(), spent_on_any=(), **changes):
    settings = Stage(**{**run.stage.model_dump(exclude_unset=True), **changes})
    return answer_length(load_task("topic", run.project.tasks), settings, spent, spent_on_any)


def test_a_model_that_reasons_has_an_allowance_by_its_effort(tmp_path):
    run = priced_stage(tmp_path, note_rows(1))
    plain = length(run, model="gpt-4.1-mini")
    assert plain.reasoning == 0 and "reasoning" not in plain.basis
    default = length(run, model="gpt-5-mini")
    assert (default.reasoning, default.tokens) == (1_000, plain.tokens + 1_000)
    assert "1000 tokens of reasoning an answer (effort medium)" in default.basis
    for effort in ("minimal", "low", "high"):
        asked = length(run, model="gpt-5-mini", params={"reasoning_effort": effort})
        assert asked.reasoning == REASONING_ALLOWANCE[effort] > 0
    # 5.4 answers at once unless an effort is asked for.
    assert length(run, model="gpt-5.4").reasoning == 0
    assert length(run, model="gpt-5.4", params={"reasoning_effort": "high"}).reasoning == 4_000


def test_the_requests_own_limit_bounds_answers_with_their_reasoning(tmp_path):
    run = priced_stage(tmp_path, note_rows(1))
    bounded = length(run, model="gpt-5-mini", params={"max_completion_tokens": 500})
    assert (bounded.tokens, bounded.high) == (500, 500)
    assert "at most 500 by the request's limit" in bounded.basis


def test_the_length_of_answers_is_learned_from_the_first_of_the_stage(tmp_path):
    run = priced_stage(tmp_path, note_rows(1))
    tokens = [900, 1_100] * (LEARN_FROM // 2)
    squares = float(sum(count**2 for count in tokens))
    spent = Spent("gpt-5-mini", 10, sum(tokens), 0, 0, 800 * len(tokens), len(tokens), squares)
    learned = length(run, [spent], model="gpt-5-mini")
    assert (learned.tokens, learned.reasoning) == (1_000, 800)
    assert learned.low < 1_000 < learned.high < 1_100
    assert learned.basis == f"learned from {LEARN_FROM} answers of this stage"
    few = Spent("gpt-5-mini", 10, 90_000, 0, 0, 0, LEARN_FROM - 1, 1e9)
    assert "guess" in length(run, [few], model="gpt-5-mini").basis
    other = Spent("gpt-4.1", 10, 90_000, 0, 0, 0, 100, 1e9)
    assert "guess" in length(run, [other], model="gpt-5-mini").basis


def test_what_was_learned_of_another_version_of_the_task_only_widens_the_guess(tmp_path):
    run = priced_stage(tmp_path, note_rows(1))
    guess = length(run)
    for tokens in (2, 5_000):
        before = Spent("priced-1", 10, 40 * tokens, 0, 0, 0, 40, 40.0 * tokens**2)
        wide = length(run, spent_on_any=[before])
        assert wide.low == min(guess.low, tokens) and wide.high == max(guess.high, tokens)
        assert wide.tokens == max(guess.tokens, tokens)
        assert f"with another version of the task answers had {tokens} tokens" in wide.basis
        assert "guess" in wide.basis


def test_a_field_more_makes_a_plan_guess_again(tmp_path):
    run = priced_stage(tmp_path, note_rows(LEARN_FROM))
    settle_plan(run, run.plan(1), prompt=100, completion=7)
    report = {"name": "report", "type": "text", "description": "All that there is to say."}
    WorkflowProject(tmp_path).write_task({**TOPIC_TASK, "features": [*TOPIC_TASK["features"], report]})
    again = with_records(tmp_path).plan(1)
    assert again.requests["asked"] == LEARN_FROM
    assert "guess" in again.estimate["completion_basis"]
    assert again.estimate["cost_usd_range"][1] > 3 * again.estimate["cost_usd_range"][0]


def test_a_stage_that_cost_more_than_its_budget_is_told(tmp_path, capsys):
    run = priced_stage(tmp_path, note_rows(20), budget_usd=1)
    settle_plan(run, run.plan(1), prompt=100, completion=90_000)
    run.consolidate()
    said = "more than its budget of 1.0000 USD; nothing more is asked of it"
    assert any(said in note for note in run.plan(1).notes)
    print_summary(run.project)
    assert said in capsys.readouterr().out


def test_a_budget_held_against_a_guess_is_told_of_a_pilot(tmp_path):
    many, few = note_rows(120), note_rows(20)
    notes = priced_stage(tmp_path / "many", many, budget_usd=100).plan(1).notes
    assert any("`pilot: 20` asks so many first" in note for note in notes)
    for name, rows, keys in (
        ("few", few, {}),
        ("pilot", many, {"pilot": 20}),
        ("free", many, {"budget_usd": ...}),
    ):
        settings = {key: value for key, value in {"budget_usd": 100, **keys}.items() if value is not ...}
        assert not any(
            "pilot" in note for note in priced_stage(tmp_path / name, rows, **settings).plan(1).notes
        )


def test_an_answer_that_cost_nothing_leaves_no_interval_below_nothing(tmp_path):
    run = priced_stage(tmp_path, note_rows(1))
    learned = length(run, [Spent("priced-1", 0, 30, 0, 0, 0, 10, 900.0)], model="priced-1")
    assert (learned.tokens, learned.low) == (3, 0.0)


@pytest.mark.parametrize(
    ("model", "cached", "cache_write"),
    [
        ("gpt-5-mini", 1.25e-8, None),
        ("gpt-5.6-luna", 1e-8, 1.25e-7),
        ("claude-sonnet-4-5", 1.5e-7, 1.875e-6),
        # The table has no batch price for cached tokens of this model.
        ("gpt-4.1-nano", None, None),
    ],
)
def test_cached_tokens_have_the_rates_of_the_table(model, cached, cache_write):
    price = price_of(model)
    assert (price.cached, price.cache_write) == (cached, cache_write)


def test_the_true_cost_knows_cached_prompts_and_pays_reasoning_as_completion():
    # 2,000 prompt tokens of which 1,920 were cached, 1,300 completion tokens of which 1,280 were reasoning.
    price = price_of("gpt-5-mini")
    assert price.cost(2_000, 1_300, 1_920) == pytest.approx(80 * 1.25e-7 + 1_920 * 1.25e-8 + 1_300 * 1e-6)
    written = price_of("claude-sonnet-4-5")
    assert written.cost(1_000, 0, 300, 600) == pytest.approx(100 * 1.5e-6 + 300 * 1.5e-7 + 600 * 1.875e-6)


def test_a_budget_is_not_kept_by_guessing_the_price_of_an_earlier_model(tmp_path):
    provider = {"kind": "openai", "base_url": "http://127.0.0.1:9"}
    run = make_stage(tmp_path, note_rows(4), provider, model="gpt-4.1-mini", budget_usd=1.0)
    with Ledger(run.project.ledger) as ledger:
        earlier = ledger.record_intent(
            [Asked("req__n0", bytes(32), "topic")], shard="earlier", provider="main", study="notes",
            stage=STAGE, round=1, task="topic", task_hash="hash", model="nobody-knows-1", requests=1, bytes=9,
            service="openai http://127.0.0.1:9",
        )  # fmt: skip
        answered = Outcome(bytes(32), "ok", None, False, None, 10, 10)
        ledger.settle(earlier.id, [answered], status="completed", note=lambda: "{}")
    plan = run.plan(1)
    assert "no price is known for model 'nobody-knows-1', so the budget cannot be kept" in plan.over_budget


def test_what_the_engine_on_this_machine_answers_costs_nothing_whatever_the_model_is_called(tmp_path):
    run = make_stage(tmp_path, note_rows(LEARN_FROM), {"kind": "local"}, model="gpt-4.1-mini")
    plan = run.plan(1)
    assert (plan.estimate["cost_usd"], plan.estimate["price"]["rule"]) == (0.0, HERE.rule)
    settle_plan(run, plan, prompt=100, completion=40)
    assert run.consolidate().as_dict()["cost_usd"] == 0.0

    study = tmp_path / "config" / "studies" / "notes.yaml"
    study.write_text(
        study.read_text().replace("kind: local", "kind: openai\n    base_url: http://127.0.0.1:9")
    )
    (tmp_path / "notes" / "b.jsonl").write_bytes(orjson.dumps(note_rows(1, start=90)[0]) + b"\n")
    plan = with_records(tmp_path).plan(1)
    assert plan.requests["asked"] == 1
    assert plan.spent == {"settled_usd": 0.0, "open_usd": 0.0}
    # Nor are the answers of another answerer a measure for how long these will be.
    assert plan.estimate["cost_usd"] > 0 and "guess" in plan.estimate["completion_basis"]


def test_a_service_that_costs_nothing_is_neither_priced_nor_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(OpenAIProvider, "costs_money", False)
    service = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key_env": "NO_KEY"}
    run = make_stage(tmp_path, note_rows(4), service, model="gpt-4.1-mini", budget_usd=0.000001)
    clock = SimulatedClock()
    provider = SimulatedService(clock, [], {})
    provider.costs_money = False
    run = StageRun(run.project, STAGE, provider=provider, clock=clock)
    plan = run.plan(1)
    assert (plan.estimate["cost_usd"], plan.over_budget) == (0.0, None)
    settle_plan(run, plan, prompt=1_000_000, completion=1_000_000)
    with Ledger(run.project.ledger) as ledger:
        assert [spent.is_free for spent in ledger.spent("notes", STAGE)] == [True]
        assert spending_of(ledger, "notes", STAGE, run.stage).total_usd == 0.0
