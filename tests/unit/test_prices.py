"""Prices, context windows and token counts from litellm's tables, read as files."""

import subprocess
import sys

import pytest

from goldpan.providers.prices import Price, TokenCounter, context_window, price_of

MILLION = 1_000_000


def per_million(model: str) -> tuple[float, float]:
    price = price_of(model)
    assert price is not None
    return round(price.prompt * MILLION, 6), round(price.completion * MILLION, 6)


def rule(model: str) -> str:
    price = price_of(model)
    assert price is not None
    return price.rule


def test_a_model_with_a_batch_price_has_it():
    assert per_million("gpt-4o-mini") == (0.075, 0.3)
    assert rule("gpt-4o-mini") == "litellm's table: batch price"


def test_an_openai_model_without_a_batch_price_has_half_of_the_ordinary_one():
    assert per_million("azure/gpt-35-turbo") == (0.25, 0.75)
    assert rule("azure/gpt-35-turbo") == "litellm's table: half the ordinary price"


def test_another_model_without_a_batch_price_has_the_ordinary_one():
    assert per_million("deepseek/deepseek-coder") == (0.14, 0.28)
    assert rule("deepseek/deepseek-coder").startswith("litellm's table: ordinary price")


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "litellm_proxy/gpt-4o-mini"])
def test_a_routing_prefix_makes_no_difference(name):
    assert price_of(name) == price_of("gpt-4o-mini")


def test_a_fine_tuned_model_has_the_price_of_its_kind():
    assert price_of("ft:gpt-4o-mini-2024-07-18:lab::a1b2") == price_of("ft:gpt-4o-mini-2024-07-18")
    assert price_of("ft:gpt-4o-mini-2024-07-18:lab::a1b2") != price_of("gpt-4o-mini-2024-07-18")


@pytest.mark.parametrize(
    "name", ["no-such-model", "hosted_vllm/gpt-4o", "azure/my-deployment", "sample_spec:x"]
)
def test_an_unknown_model_has_no_price(name):
    assert price_of(name) is None


def test_each_token_is_paid_once_at_the_rate_of_its_kind():
    price = Price(prompt=4.0, completion=10.0, cached=1.0, cache_write=5.0, rule="")
    assert price.cost(100, 7) == 470
    assert price.cost(100, 7, cached_tokens=30, cache_write_tokens=20) == 50 * 4 + 30 + 20 * 5 + 70
    # Without rates of their own they are paid as any.
    assert Price(4.0, 10.0, "").cost(100, 7, 30, 20) == 470


def test_the_baseline_costs_nothing():
    assert per_million("goldpan-baseline-1") == (0.0, 0.0)


def test_the_context_window_is_what_a_prompt_may_hold():
    assert context_window("gpt-4o-mini") == 128_000
    assert context_window("openai/o3-mini") == 200_000


def test_an_unknown_model_has_no_context_window():
    assert context_window("no-such-model") is None


def test_tokens_are_counted_with_the_models_own_encoding():
    newer, older = TokenCounter("openai/gpt-4o-mini"), TokenCounter("gpt-4")
    text = "お誕生日おめでとう"  # OpenAI's own example, with the counts OpenAI gives for it
    assert (newer.name, newer.count(text)) == ("o200k_base", 8)
    assert (older.name, older.count(text)) == ("cl100k_base", 9)


def test_a_stand_in_says_that_it_is_one():
    counter = TokenCounter("claude-sonnet-4-5")
    assert counter.name == "o200k_base (approximation: the tokenizer of claude-sonnet-4-5 is not bundled)"
    assert counter.count("hello world") == 2


def test_the_baseline_counts_bytes_as_it_does_in_its_answers():
    counter = TokenCounter("goldpan-baseline-1")
    assert (counter.name, counter.count("ééé")) == ("bytes/4", 2)


def test_text_that_looks_like_a_special_token_is_counted_as_text():
    assert TokenCounter("gpt-4o").count("<|endoftext|>") > 1


def test_slices_of_a_long_text_add_up():
    counter = TokenCounter("gpt-4o")
    assert counter.count("hello world " * 20_000) == pytest.approx(40_001, abs=8)


def test_nothing_is_imported_or_fetched_for_a_price():
    code = (
        "import sys, socket\n"
        "socket.socket = None\n"
        "from goldpan.providers.prices import Price, TokenCounter, context_window, price_of\n"
        "price_of('gpt-4o'), context_window('gpt-4o'), TokenCounter('gpt-4o').count('x')\n"
        "print(sorted({'litellm', 'openai'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
