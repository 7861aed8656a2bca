"""Braintrust's REST interface on loopback, as far as runs need it, with faults that tests ask for.

The facts are those of its OpenAPI document (github.com/braintrustdata/braintrust-openapi, openapi/spec.json):

- Bearer token; a refusal is text or JSON; 429 has Retry-After.
- POST /v1/project, /v1/experiment, /v1/dataset give what has the name already, unmodified.
- GET of these lists `objects`, newest first, in pages (`limit`, `starting_after`), by name and project.
- POST .../insert takes `events` and answers `row_ids`, one for each in their order; a row with the id of
  another replaces it.
- POST .../fetch gives `events` and a `cursor`, newest first; later pages may give older versions of a row.
- PATCH merges objects deeply.
- Scores are numbers from 0 to 1.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import orjson

KEY = "sk-tracker-0123456789abcdef"
_TEXT, _OBJECT = {"type": "string"}, {"type": "object"}
_NULLABLE_OBJECT, _TAGS = {"type": ["object", "null"]}, {"type": "array", "items": _TEXT}
_EVENT = {
    "input": {},
    "expected": {},
    "metadata": {
        "type": ["object", "null"],
        "properties": {"model": {"type": ["string", "null"]}},
    },
    "tags": _TAGS,
    "id": {"type": ["string", "null"]},
    "created": _TEXT,
    "_is_merge": {"type": "boolean"},
}
_SCORE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}


def _closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


BODIES = {
    "POST project": _closed(["name"], name={**_TEXT, "minLength": 1}, description=_TEXT, org_name=_TEXT),
    "POST experiment": _closed(
        ["project_id"],
        project_id={**_TEXT, "format": "uuid"},
        name={**_TEXT, "minLength": 1},
        description=_TEXT,
        metadata=_NULLABLE_OBJECT,
        tags=_TAGS,
        dataset_id=_TEXT,
        dataset_version=_TEXT,
        repo_info=_closed([], commit=_TEXT, branch=_TEXT, dirty={"type": "boolean"}),
        ensure_new={"type": "boolean"},
    ),
    "POST dataset": _closed(
        ["project_id", "name"],
        project_id=_TEXT,
        name={**_TEXT, "minLength": 1},
        description=_TEXT,
        metadata=_NULLABLE_OBJECT,
        tags=_TAGS,
    ),
    "PATCH experiment": _closed([], name=_TEXT, description=_TEXT, metadata=_NULLABLE_OBJECT, tags=_TAGS),
    "PATCH dataset": _closed([], name=_TEXT, description=_TEXT, metadata=_NULLABLE_OBJECT, tags=_TAGS),
    "POST experiment/insert": _closed(
        ["events"],
        events={
            "type": "array",
            "items": _closed(
                [],
                **_EVENT,
                output={},
                error={},
                scores={"type": ["object", "null"], "additionalProperties": _SCORE},
            ),
        },
    ),
    "POST dataset/insert": _closed(["events"], events={"type": "array", "items": _closed([], **_EVENT)}),
    "POST experiment/fetch": _closed([], limit={"type": "integer"}, cursor=_TEXT),
    "POST dataset/fetch": _closed([], limit={"type": "integer"}, cursor=_TEXT),
}


@dataclass
class Fault:
    """What is done in place of a good answer.

    Attributes:
        status, body, headers: of the answer; without a status the good one, cut after `cut` bytes.
        acts: whether the call has its effect all the same.
        cut: the connection is reset after so many bytes of the body.
    """

    status: int | None = None
    body: str = "no"
    headers: dict[str, str] = field(default_factory=dict)
    acts: bool = False
    cut: int | None = None


@dataclass
class Call:
    """A call: `kind` as in BODIES, and its number among those of its kind, from 1."""

    kind: str
    number: int


Script = Callable[[Call], Fault | None]


class BraintrustService:
    """The service. `calls` counts calls by kind, `wrong` has what did not fit the schema, `put` counts how
    often each row was put, `things` and `rows` are what is stored."""

    def __init__(self) -> None:
        self.script: Script = lambda call: None
        self.calls: Counter[str] = Counter()
        self.put: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.things: dict[str, list[dict[str, Any]]] = {"project": [], "experiment": [], "dataset": []}
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.base_url = ""
        self._lock = threading.Lock()

    @property
    def experiments(self) -> list[dict[str, Any]]:
        return self.things["experiment"]

    def rows_of(self, name: str) -> list[dict[str, Any]]:
        """The rows of an experiment or data set."""
        (thing,) = [
            thing
            for kind in ("experiment", "dataset")
            for thing in self.things[kind]
            if thing["name"] == name
        ]
        return list(self.rows[thing["id"]].values())

    def answer(self, method: str, target: str, headers: Any, content: bytes) -> tuple[Fault | None, int, Any]:
        """A fault if one is due, and the good answer."""
        with self._lock:
            parts = urlsplit(target).path.removeprefix("/v1/").split("/")
            kind = f"{method} {parts[0]}" + (f"/{parts[2]}" if len(parts) > 2 else "")
            self.calls[kind] += 1
            fault = self.script(Call(kind, self.calls[kind]))
            if headers.get("Authorization") != f"Bearer {KEY}":
                return None, 401, "No valid API key provided"
            if fault is not None and not fault.acts and fault.cut is None:
                return fault, 0, None
            if fault is not None and fault.cut == 0 and not fault.acts:
                return fault, 200, {}
            body = orjson.loads(content) if content else None
            if body is not None:
                try:
                    jsonschema.validate(body, BODIES[kind])
                except (jsonschema.ValidationError, KeyError) as error:
                    self.wrong.append(f"{kind}: {error}")
                    return None, 400, f"{kind} does not fit"
            query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
            return fault, 200, self._done(method, parts, query, body)

    def _done(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Any:
        kind = parts[0]
        if len(parts) == 1:
            return self._list(kind, query) if method == "GET" else self._made(kind, body)
        thing = next(thing for thing in self.things[kind] if thing["id"] == parts[1])
        if method == "PATCH":
            thing["metadata"] = _merged(thing.get("metadata") or {}, body.get("metadata") or {})
            return thing
        if parts[2] == "summarize":
            return {f"{kind}_url": f"https://app.example/{thing['name']}"}
        if parts[2] == "insert":
            for event in body["events"]:
                self.put[event["id"]] += 1
                self.rows[thing["id"]][event["id"]] = event
                self.versions[thing["id"]].insert(0, event)
            return {"row_ids": [event["id"] for event in body["events"]]}
        start = int(body.get("cursor") or 0)
        page = self.versions[thing["id"]][start : start + 7]
        # A page of rows that are there in a newer version, too, as after a row was replaced.
        return {"events": page, "cursor": str(start + len(page)) if page else None}

    def _list(self, kind: str, query: dict[str, str]) -> Any:
        newest = self.things[kind][::-1]
        of_project = query.get("project_id")
        listed = [thing for thing in newest if of_project in (None, thing.get("project_id"))]
        if name := query.get(f"{kind}_name"):
            listed = [thing for thing in listed if thing["name"] == name]
        if after := query.get("starting_after"):
            listed = listed[[thing["id"] for thing in listed].index(after) + 1 :]
        return {"objects": listed[: int(query.get("limit", 1000))]}

    def _made(self, kind: str, body: dict[str, Any]) -> Any:
        for thing in self.things[kind]:
            if (thing["name"], thing.get("project_id")) == (body["name"], body.get("project_id")):
                return thing
        thing = {**body, "id": str(uuid.uuid4()), "public": False}
        self.things[kind].append(thing)
        self.rows[thing["id"]], self.versions[thing["id"]] = {}, []
        return thing


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    both = old | new
    for name in old.keys() & new.keys():
        if isinstance(old[name], dict) and isinstance(new[name], dict):
            both[name] = _merged(old[name], new[name])
    return both


@contextlib.contextmanager
def braintrust_service() -> Iterator[BraintrustService]:
    """The service, as long as the block runs."""
    service = BraintrustService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *arguments: Any) -> None:
            pass

        def _handle(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault, status, answer = service.answer(self.command, self.path, self.headers, content)
            text, headers = orjson.dumps(answer), {"Content-Type": "application/json"}
            if fault is not None and fault.status is not None:
                status, text, headers = fault.status, fault.body.encode(), fault.headers
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            if fault is not None and fault.cut is not None:
                if fault.cut:
                    self.end_headers()
                    self.wfile.write(text[: fault.cut])
                # With no time to linger, closing is a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _handle

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    service.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
