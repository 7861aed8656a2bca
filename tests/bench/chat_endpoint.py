"""A chat endpoint on loopback, in a process of its own, that answers each call after a while."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

import orjson
from aiohttp import web

from goldpan.providers.engine import completion
from tests.bench.measuring import CHECKOUT, environment
from tests.online_service import ANSWER


@contextlib.contextmanager
def chat_endpoint(seconds: float) -> Iterator[str]:
    """The base URL of an endpoint that takes so long for an answer, as long as the block runs."""
    command = [sys.executable, "-m", "tests.bench.chat_endpoint", str(seconds)]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env=environment(CHECKOUT), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def _serve(seconds: float) -> None:
    async def answer(request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        await asyncio.sleep(seconds)
        return web.Response(body=orjson.dumps(completion(asked, ANSWER, "")), content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=512).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
