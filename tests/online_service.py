"""A chat endpoint on loopback that answers each call as a test says: late, in part, never, or with errors."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

from goldpan.providers.engine import completion

ANSWER = {"topic": "animals", "topic_rationale": "it is", "urgent_detected": False, "length": 1}


@dataclass
class Say:
    """What becomes of one call.

    Attributes:
        status, body, headers: of the answer; without a body the request is answered.
        answer: that answer.
        after: seconds until then.
        cut: after so many bytes of the body the connection is broken off; 0 before anything is sent.
        stall: for so many seconds after the cut the connection stays open and silent.
        raw: what is sent in place of all that, status line and headers too; then the connection is closed.
        tier: that the answer says; default the one that was asked for, as services do that have it.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0
    cut: int | None = None
    answer: dict[str, Any] = field(default_factory=lambda: ANSWER)
    stall: float = 0.0
    tier: str | None = None
    raw: bytes | None = None


@dataclass
class Call:
    """A call as it came: the note it asks about, its number among the calls, from 1, and about this note;
    `body` is all that was asked, `url` where."""

    text: str
    number: int
    of_text: int
    headers: dict[str, str]
    at: float
    body: dict[str, Any]
    url: str = ""

    @property
    def tier(self) -> str | None:
        """At which the call asks."""
        return self.body.get("service_tier")


Script = Callable[[Call], Say]


class OnlineService:
    """The endpoint. `calls` are those that came, `answered` counts the 200s by note, `most` is how many calls
    were under way at once. A class that derives from this one speaks another API."""

    path = "/v1/chat/completions"
    version = "/v1"

    def text_of(self, asked: dict[str, Any]) -> str:
        """What a request asks about: its last line."""
        return asked["messages"][-1]["content"].splitlines()[-1]

    def success(self, asked: dict[str, Any], answer: dict[str, Any], text: str) -> dict[str, Any]:
        """The body of an answer."""
        return completion(asked, answer, text)

    def refusal(self, status: int) -> dict[str, Any]:
        """The body of a refusal that says nothing special."""
        return error_body(status)

    def __init__(self, script: Script):
        self._script = script
        self.calls: list[Call] = []
        self.answered: Counter[str] = Counter()
        self.most = self._now = 0
        self.base_url = ""
        self._loop = asyncio.new_event_loop()

    def texts(self) -> Counter[str]:
        """How often each note was asked about."""
        return Counter(call.text for call in self.calls)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        text = self.text_of(body)
        seen = sum(call.text == text for call in self.calls)
        call = Call(
            text,
            len(self.calls) + 1,
            seen + 1,
            dict(request.headers),
            time.monotonic(),
            body,
            request.path_qs,
        )
        self.calls.append(call)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            say = self._script(call)
            await asyncio.sleep(say.after)
            return await self._respond(request, body, call, say)
        finally:
            self._now -= 1

    async def _respond(
        self, request: web.Request, asked: dict[str, Any], call: Call, say: Say
    ) -> web.StreamResponse:
        if say.raw is not None:
            return await self._respond_raw(request, say.raw)
        said = say.body
        if said is None:
            is_answer = say.status == 200
            said = self.success(asked, say.answer, call.text) if is_answer else self.refusal(say.status)
            if say.status == 200 and (tier := say.tier or call.tier):
                said["service_tier"] = tier
        if isinstance(said, str):
            response: web.StreamResponse = web.Response(text=said, status=say.status, headers=say.headers)
        else:
            response = web.json_response(said, status=say.status, headers=say.headers)
        if say.cut is None:
            self.answered[call.text] += say.status == 200
            return response
        assert request.transport is not None
        if say.cut:
            content = response.body
            partial = web.StreamResponse(status=say.status, headers={"Content-Length": str(len(content))})
            await partial.prepare(request)
            await partial.write(content[: say.cut])
            await asyncio.sleep(say.stall)
        request.transport.abort()
        return response

    async def _respond_raw(self, request: web.Request, content: bytes) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(content)
        request.transport.close()
        return web.Response()


_Service = TypeVar("_Service", bound=OnlineService)


def error_body(status: int, code: str | None = None, message: str = "no") -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": f"e{status}", "param": None, "code": code}}


@contextlib.contextmanager
def online_service(
    script: Script = lambda call: Say(), speaks: type[_Service] = OnlineService
) -> Iterator[_Service]:
    """The endpoint, as long as the block runs."""
    service = speaks(script)
    loop = service._loop
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post(service.path, service.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        service.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}{service.version}"
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
