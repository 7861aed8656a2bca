"""A server in a thread of this process, for tests and scripts."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from goldpan.providers.engine.answerers import Answerer, AnswerOne
from goldpan.providers.engine.engine import Engine
from goldpan.providers.local.answerer import answer
from goldpan.serve.batch_faults import hook_of
from goldpan.serve.fault_plan import NO_FAULTS, FaultPlan

HOST = "127.0.0.1"


class RunningServer:
    """The endpoint on loopback; it may be stopped and started again on the same folder and port.

    Attributes:
        engine: the engine behind it.
        calls: number of calls by (method, path pattern), e.g. ("POST", "/v1/batches"), over all starts.
        port: 0 until the first start picks a free one.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        faults: FaultPlan = NO_FAULTS,
        workers: int = 1,
        api_key: str | None = None,
        port: int = 0,
    ):
        self.engine = engine
        self._faults = faults
        self.port = port
        self.calls: Counter[tuple[str, str]] = Counter()
        self._workers, self._api_key = workers, api_key
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """What OpenAI clients call `base_url` and litellm `api_base`."""
        return f"http://{HOST}:{self.port}/v1"

    def start(self) -> None:
        """Serve, and return once calls are accepted."""
        loop = self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="goldpan-serve", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), loop).result()
        except BaseException:
            self._end_loop(loop)
            raise

    def stop(self) -> None:
        """Stop accepting calls and working on batches; nothing is lost. A stopped server stays so."""
        if self._loop is not None:
            loop = self._loop
            asyncio.run_coroutine_threadsafe(self._close(), loop).result()
            self._end_loop(loop)

    async def _open(self) -> None:
        from aiohttp import web

        from goldpan.serve.app import create_app
        from goldpan.serve.visitors import VISITORS

        app = create_app(
            self.engine,
            faults=self._faults,
            workers=self._workers,
            api_key=self._api_key,
            calls=self.calls,
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()
        self.port = self._runner.addresses[0][1]
        assert self._runner.server is not None
        self._watching = asyncio.create_task(app[VISITORS].watch(self._runner.server))

    async def _close(self) -> None:
        self._watching.cancel()
        await self._runner.cleanup()

    def _end_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(loop.stop)
        assert self._thread is not None
        self._thread.join()
        loop.close()
        self._loop = None


@contextlib.contextmanager
def running_server(
    folder: Path,
    *,
    answerer: Answerer | AnswerOne = answer,
    faults: FaultPlan = NO_FAULTS,
    seconds_per_batch: float = 0.0,
    workers: int = 1,
    api_key: str | None = None,
    port: int = 0,
) -> Iterator[RunningServer]:
    """Serve `folder` on loopback while the block runs; arguments are those of `Engine` and `create_app`."""
    engine = Engine(folder, answerer, hook=hook_of(faults), seconds_per_batch=seconds_per_batch)
    server = RunningServer(engine, faults=faults, workers=workers, api_key=api_key, port=port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
