"""A real HTTP server on loopback whose answers a test writes down beforehand, faults included."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to send.

    Attributes:
        sent: of the body, so many bytes are sent and then the connection is dropped; None sends all.
        chunked: send no Content-Length.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    chunked: bool = False


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON."""
    return Answer(status, orjson.dumps(value), {"Content-Type": "application/json", **headers})


def refusal(status: int, message: str, code: str | None = None, **headers: str) -> Answer:
    """A refusal with OpenAI's error object."""
    return answer(
        {"error": {"message": message, "type": "t", "param": None, "code": code}}, status, **headers
    )


DROPPED = Answer(status=0)
"""The connection is dropped after the request was read, and nothing is answered."""


class ScriptedService:
    """What a test says to it and what it heard; paths are without `/v1` and `/openai`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.port = 0
        self._script: dict[tuple[str, str], list[Answer | Callable[[Request], Answer]]] = {}
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def on(self, method: str, path: str, *answers: Answer | Callable[[Request], Answer]) -> None:
        """Give these answers, in this order; the last one is given again for every further request."""
        self._script.setdefault((method, path), []).extend(answers)

    def count(self, method: str, path: str) -> int:
        """How many requests came."""
        return len(self.heard(method, path))

    def heard(self, method: str, path: str) -> list[Request]:
        """The requests that came."""
        return [request for request in self.requests if (request.method, request.path) == (method, path)]

    def respond(self, request: Request) -> Answer:
        """The next answer of the script, or 404."""
        with self._lock:
            self.requests.append(request)
            script = self._script.get((request.method, request.path))
            if not script:
                return refusal(404, f"nothing is written for {request.method} {request.path}")
            following = script.pop(0) if len(script) > 1 else script[0]
        return following if isinstance(following, Answer) else following(request)


@contextlib.contextmanager
def scripted_service() -> Iterator[ScriptedService]:
    """Serve on loopback while the block runs."""
    service = ScriptedService()
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    service.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: ScriptedService

    def _respond(self) -> None:
        address = urlsplit(self.path)
        path = address.path.removeprefix("/openai").removeprefix("/v1")
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        found = self.service.respond(Request(self.command, path, query, headers, self._body()))
        if found.status == 0:
            self.close_connection = True
            return
        self.send_response_only(found.status)
        if "Date" not in found.headers:
            self.send_header("Date", self.date_time_string())
        for name, value in found.headers.items():
            self.send_header(name.replace("_", "-"), value)
        if found.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(found.body), found.body))
            return
        self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        self.wfile.write(found.body[: found.sent])
        if found.sent is not None:
            self.close_connection = True

    do_GET = do_POST = _respond

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline(), 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def log_message(self, *args: Any) -> None:
        pass


def batch_object(id: str = "batch_1", status: str = "validating", **more: Any) -> dict[str, Any]:
    """A batch as OpenAI describes it."""
    return {
        "id": id,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "input_file_id": "file-in",
        "status": status,
        "created_at": 1_700_000_000,
        "metadata": {},
        **more,
    }


def file_object(id: str = "file-1", **more: Any) -> dict[str, Any]:
    """A file as OpenAI describes it."""
    return {
        "id": id,
        "object": "file",
        "purpose": "batch",
        "filename": "requests.jsonl",
        "bytes": 10,
        "created_at": 1_700_000_000,
        "status": "processed",
        **more,
    }


def listing(*items: dict[str, Any], has_more: bool | None = False) -> Answer:
    """OpenAI's list object."""
    return answer({"object": "list", "data": list(items), "has_more": has_more})


def by_ranges(content: bytes, longest: int) -> Callable[[Request], Answer]:
    """A file served with ranges, of which no answer brings more than `longest` bytes before it is dropped."""

    def respond(request: Request) -> Answer:
        wanted = request.headers.get("range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if start >= len(content):
            return Answer(416, headers={"Content-Range": f"bytes */{len(content)}"})
        rest = content[start:]
        sent = longest if len(rest) > longest else None
        if not wanted:
            return Answer(200, rest, sent=sent)
        place = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Answer(206, rest, {"Content-Range": place}, sent=sent)

    return respond
