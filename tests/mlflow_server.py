"""A real MLflow server on loopback, over a SQLite file and a folder of artifacts."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

_LONGEST_START_SECONDS = 180.0


@contextlib.contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Its address, as long as the block runs.

    Args:
        folder: of its data and its log.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    # Nothing is looked up outside.
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            env={**os.environ, **quiet},
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(server, address, folder / "log")
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_until_up(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    until = time.monotonic() + _LONGEST_START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"MLflow did not start: {log.read_text(errors='replace')[-2000:]}")
