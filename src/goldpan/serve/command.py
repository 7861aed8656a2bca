"""`goldpan serve`: run the endpoint until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from goldpan.errors import GoldpanError, StudyError


def run(
    *,
    folder: str | Path,
    host: str = "127.0.0.1",
    port: int = 8100,
    port_file: str | Path | None = None,
    fault_plan: str | Path | None = None,
    answers: str | None = None,
    seconds_per_batch: float = 0.0,
    workers: int = 1,
    api_key_env: str | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; the address is printed once calls are accepted.

    Args:
        folder: where files and batches are kept; an earlier one is gone on with.
        host, port: address to listen at; port 0 picks a free one.
        port_file: write the port to this file, once calls are accepted.
        fault_plan: YAML or JSON file with the faults to play.
        answers: FILE.py:function or a JSONL file of known answers, instead of the baseline.
        seconds_per_batch: a batch takes at least this long.
        workers: how many batches are worked on at a time.
        api_key_env: environment variable with the API key that calls must bear.

    Raises:
        StudyError: the fault plan, the answers or the key cannot be had.
        GoldpanError: the address is taken.
    """
    from goldpan.providers.engine.engine import Engine
    from goldpan.providers.local.answerer import answer
    from goldpan.providers.local.scripted import load_answerer
    from goldpan.serve.app import create_app
    from goldpan.serve.batch_faults import hook_of
    from goldpan.serve.fault_plan import NO_FAULTS, FaultPlan
    from goldpan.serve.visitors import LOOPBACK

    api_key = _key_from(api_key_env)
    if api_key is None and host not in LOOPBACK:
        print(f"goldpan serve: anybody who reaches {host} can use this server", file=sys.stderr)
    faults = FaultPlan.load(fault_plan) if fault_plan else NO_FAULTS
    engine = Engine(
        Path(folder),
        load_answerer(answers) if answers else answer,
        hook=hook_of(faults),
        seconds_per_batch=seconds_per_batch,
    )
    app = create_app(engine, faults=faults, host=host, workers=workers, api_key=api_key)
    asyncio.run(_serve(app, host, port, Path(port_file) if port_file else None))


def _key_from(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise StudyError(
            f"the environment variable {variable} is not set", remedy="set it to the key that calls must bear"
        )
    return key


async def _serve(app, host: str, port: int, port_file: Path | None) -> None:
    from aiohttp import web

    from goldpan.files import write_bytes
    from goldpan.serve.visitors import VISITORS

    # Before the address is known to anybody, since whoever knows it may send a signal.
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise GoldpanError(
                f"cannot listen at {host}:{port}: {error.strerror}", remedy="choose another --port, or 0"
            ) from None
        port = runner.addresses[0][1]
        if port_file is not None:
            write_bytes(port_file, f"{port}\n".encode())
        print(f"goldpan serve: http://{host}:{port}/v1", flush=True)
        watching = asyncio.create_task(app[VISITORS].watch(runner.server))
        await stopped.wait()
        watching.cancel()
    finally:
        await runner.cleanup()
