"""Answering in batches with a shared beginning, against one request after the other without it.

python -m pytest tests/bench/test_own_model.py
"""

import time

import pytest

from goldpan.providers.engine.answerers import Request

pytest.importorskip("llguidance", reason="own models need the extra `models`")

REQUESTS = 16
REPEATS = 2


def test_batches_and_the_shared_beginning_save_time(tmp_path, finding):
    from tests.bench.gpu_engine import made_up_requests
    from tests.own_models import answerer
    from tests.tiny_llm import make_tiny_llm

    engine = answerer(make_tiny_llm(tmp_path, hidden=128, context=8192))
    requests = [
        Request({**request.body, "max_completion_tokens": 150}, request.custom_id)
        for request in made_up_requests(REQUESTS)
    ]

    def one_by_one():
        return [reply for request in requests for _, reply in engine.answers(iter([request]))]

    def together():
        return [reply for _, reply in engine.answers(iter(requests))]

    taken = {}
    for way in (one_by_one, together) * REPEATS:
        start = time.perf_counter()
        way()
        taken[way] = min(taken.get(way, float("inf")), time.perf_counter() - start)
    ratio = taken[one_by_one] / taken[together]
    finding(
        f"an own model, {REQUESTS} requests on one thread: {taken[together]:.1f} s in batches with their"
        f" beginning shared, {taken[one_by_one]:.1f} s one by one: {ratio:.1f} times as fast"
    )
    assert ratio > 1.5
