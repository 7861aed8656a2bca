"""Asking online takes little longer than the calls themselves would, with the ledger and the journal kept."""

import asyncio
import time
from pathlib import Path

import aiohttp
import orjson
import pytest

from goldpan.ledger import Ledger
from tests.bench.chat_endpoint import chat_endpoint
from tests.projects import note_rows
from tests.stage_builders import make_stage, send

pytestmark = pytest.mark.timeout(600)

REQUESTS, AT_ONCE, SECONDS = 1000, 50, 0.05
# A call cannot take less than SECONDS, so all of them not less than this.
LIMIT = REQUESTS * SECONDS / AT_ONCE
# On two busy cores, where the bare client itself took twice the limit.
MOST_TIMES_BARE = 3.0


async def bare_client(url: str, bodies: list[bytes]) -> float:
    """Seconds for all of them, by a client that does nothing else."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def call(session: aiohttp.ClientSession, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        async with turns, session.post(url, data=body, headers=headers) as response:
            orjson.loads(await response.read())

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        start = time.perf_counter()
        await asyncio.gather(*(call(session, body) for body in bodies))
        return time.perf_counter() - start


def test_1000_requests_beside_a_bare_client(folder: Path, finding):
    bare, ours = [], []
    with chat_endpoint(SECONDS) as base_url:
        for turn in range(3):
            provider = {"kind": "openai", "base_url": base_url, "concurrency": AT_ONCE}
            run = make_stage(folder / str(turn), note_rows(REQUESTS), provider, model="m", mode="online")
            plan = run.plan(1)
            send(run, plan)
            requests = folder / str(turn) / run.paths.requests("topics", 1, plan.shards[0].name)
            bodies = [orjson.dumps(orjson.loads(line)["body"]) for line in requests.read_bytes().splitlines()]
            bare.append(asyncio.run(bare_client(f"{base_url}/chat/completions", bodies)))
            start = time.perf_counter()
            run.wait(1, lambda progress: None)
            ours.append(time.perf_counter() - start)
            with Ledger(run.project.ledger) as ledger:
                assert ledger.counts() == {"ok": REQUESTS}
    finding(
        f"{REQUESTS} requests of {SECONDS * 1000:.0f} ms, {AT_ONCE} at once: {min(ours):.2f} s online,"
        f" {min(bare):.2f} s by a bare client, {LIMIT:.2f} s is the limit"
    )
    assert min(ours) < MOST_TIMES_BARE * min(bare)
