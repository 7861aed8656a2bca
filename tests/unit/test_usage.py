"""Tokens of an answer, whatever service counted them."""

from __future__ import annotations

from typing import Any

import pytest

from goldpan.tasks.usage import Usage, usage_of

REPORTED: dict[str, tuple[Any, Usage]] = {
    "chat": ({"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}, Usage(100, 20)),
    "chat with parts": (
        {
            "prompt_tokens": 2000,
            "completion_tokens": 1300,
            "total_tokens": 3300,
            "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 1280},
        },
        Usage(2000, 1300, 1920, 0, 1280),
    ),
    "chat, parts are null": (
        {
            "prompt_tokens": 7,
            "completion_tokens": 2,
            "prompt_tokens_details": None,
            "completion_tokens_details": None,
        },
        Usage(7, 2),
    ),
    "responses": ({"input_tokens": 10, "output_tokens": 5}, Usage(10, 5)),
    "responses with parts": (
        {
            "input_tokens": 75,
            "output_tokens": 1186,
            "total_tokens": 1261,
            "input_tokens_details": {"cached_tokens": 64},
            "output_tokens_details": {"reasoning_tokens": 1024},
        },
        Usage(75, 1186, 64, 0, 1024),
    ),
    "Anthropic": (
        {
            "input_tokens": 50,
            "cache_creation_input_tokens": 248,
            "cache_read_input_tokens": 1800,
            "output_tokens": 503,
        },
        Usage(2098, 503, 1800, 248),
    ),
    "Anthropic through litellm": (
        {
            "prompt_tokens": 2098,
            "completion_tokens": 503,
            "total_tokens": 2601,
            "prompt_tokens_details": {"cached_tokens": 1800, "cache_creation_tokens": 248},
            "cache_creation_input_tokens": 248,
            "cache_read_input_tokens": 1800,
        },
        Usage(2098, 503, 1800, 248),
    ),
    "a gateway that counts the cache apart": (
        {"prompt_tokens": 50, "completion_tokens": 3, "cache_read_input_tokens": 1800},
        Usage(1850, 3, 1800),
    ),
    "DeepSeek": (
        {
            "prompt_tokens": 80,
            "completion_tokens": 9,
            "prompt_cache_hit_tokens": 64,
            "prompt_cache_miss_tokens": 16,
        },
        Usage(80, 9, 64),
    ),
    "xAI leaves reasoning out": (
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 135,
            "completion_tokens_details": {"reasoning_tokens": 94},
        },
        Usage(32, 103, 0, 0, 94),
    ),
    "Gemini in OpenAI's form": (
        {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 530},
        Usage(10, 520, 0, 0, 500),
    ),
    "no number": (
        {"prompt_tokens": "12", "completion_tokens": None, "prompt_tokens_details": "none"},
        Usage(),
    ),
    "impossible numbers": ({"prompt_tokens": -3, "completion_tokens": 1 << 63}, Usage()),
    "whole number as a float": ({"prompt_tokens": 12.0, "completion_tokens": True}, Usage(12)),
    "half a token": (
        {"prompt_tokens": 100.6, "completion_tokens": 20.2, "total_tokens": 120.8},
        Usage(101, 20),
    ),
    "more read from the cache than was asked": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 5000, "cache_write_tokens": 7},
        },
        Usage(100, 20, 100),
    ),
    "no numbers": ({"prompt_tokens": float("nan"), "completion_tokens": float("inf")}, Usage()),
    "a list": ([], Usage()),
    "a text": ("12 tokens", Usage()),
    "nothing": (None, Usage()),
}


@pytest.mark.parametrize("service", REPORTED)
def test_tokens_are_told_alike_whatever_the_service(service: str) -> None:
    usage, expected = REPORTED[service]
    assert usage_of({"usage": usage}) == expected


def test_gemini_counts_thoughts_beside_candidates() -> None:
    body = {
        "usageMetadata": {
            "promptTokenCount": 40,
            "cachedContentTokenCount": 30,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 60,
        }
    }
    assert usage_of(body) == Usage(40, 65, 30, 0, 60)


@pytest.mark.parametrize("body", [None, [], "text", 3, {}])
def test_what_is_no_body_used_nothing(body: Any) -> None:
    assert usage_of(body) == Usage()


def test_all_keys_are_there_always() -> None:
    assert Usage(1, 2).as_dict() == {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "cached_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
    }
