"""A service that repeats the key wherever it can: afterwards no piece of it is anywhere.

One real run and the commands that look at it, against a server that echoes the Authorization header in
refusals, batches, rows and files; then every file, every line the ledger keeps, every word printed and every
command line that was to be seen meanwhile is searched.
"""

import contextlib
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import zstandard

from goldpan.cli import main
from goldpan.files import read_whole_unpacked
from tests.faults.conftest import scripted_answer
from tests.projects import WorkflowProject, note_rows, notes_study
from tests.scripted_service import (
    Answer,
    Request,
    ScriptedService,
    answer,
    batch_object,
    by_ranges,
    file_object,
    listing,
    refusal,
    scripted_service,
)

KEY = "sk-canary-Zq8/vT3+nB6yLw0RjX4cPm9KdH7sGf2UaE5tJ="
PIECE = 12
PIECES = [KEY[start : start + PIECE].encode() for start in range(len(KEY) - PIECE + 1)]
ROWS, SHARD_ROWS = 6, 3
# Error texts are kept to 500 characters: the key lies across their end.
FILLER = "x" * 480


def echo(request: Request, status: int, **headers: str) -> Answer:
    """A refusal whose text has the key from its 480th to its 528th character."""
    assert request.headers["authorization"] == f"Bearer {KEY}"
    return refusal(status, f"{FILLER}{KEY} was sent", f"code-{KEY}", **headers)


class EchoingService:
    """Batches of the OpenAI API, over a script: the first batch fails as a whole, the second is answered."""

    def __init__(self, service: ScriptedService):
        self._service = service
        self._uploads: list[list[dict]] = []
        service.on("GET", "/files", lambda request: echo(request, 503), listing())
        service.on("POST", "/files", lambda request: echo(request, 500), self._upload)
        service.on("POST", "/batches", lambda request: echo(request, 429, Retry_After="0"), self._create)

    def _upload(self, request: Request) -> Answer:
        lines = [line for line in request.body.split(b"\n") if line.startswith(b'{"custom_id"')]
        self._uploads.append([orjson.loads(line) for line in lines])
        number = len(self._uploads)
        return answer(file_object(f"file-{number}", bytes=0, status_details=f"sent with {KEY}"))

    def _create(self, request: Request) -> Answer:
        number = request.json["input_file_id"].removeprefix("file-")
        batch_id, echoed = f"batch_{number}", {"echo": f"Bearer {KEY}", **request.json["metadata"]}
        batch = batch_object(batch_id, input_file_id=f"file-{number}", metadata=echoed)
        if number == "1":
            message = f"{FILLER}{KEY}: no such model; headers were {dict(request.headers)}"
            errors = {"object": "list", "data": [{"code": f"bad {KEY}", "message": message, "line": 1}]}
            done = {**batch, "status": "failed", "errors": errors}
        else:
            done = {**batch, "status": "completed", "output_file_id": "file-out", "error_file_id": "file-err"}
            self._write_files(self._uploads[int(number) - 1], request)
        self._service.on(
            "GET", f"/batches/{batch_id}", lambda request: echo(request, 502, Retry_After="0"), answer(done)
        )
        return answer(batch)

    def _write_files(self, rows: list[dict], request: Request) -> None:
        """One answer and two errors, each with the headers, in a file that breaks off within the key."""
        headers = dict(request.headers)
        body = scripted_answer(rows[0]["body"], rows[0]["custom_id"]) | {"request_headers": headers}
        call = body["choices"][0]["message"]["tool_calls"][0]["function"]
        arguments = orjson.loads(call["arguments"]) | {"topic_rationale": f"You sent Bearer {KEY}."}
        call["arguments"] = orjson.dumps(arguments).decode()
        lines = [{"custom_id": rows[0]["custom_id"], "response": {"status_code": 200, "body": body}}]
        errors = []
        for row in rows[1:]:
            error = {"message": f"{FILLER}{KEY} refused", "code": f"c-{KEY}", "headers": headers}
            response = {"status_code": 400, "headers": headers, "body": {"error": error}}
            errors.append({"custom_id": row["custom_id"], "response": response, "error": None})
        for name, content in (("out", jsonl(lines)), ("err", jsonl(errors))):
            # Before the first slash, which is escaped.
            within = content.index(KEY[:12].encode()) + 20
            path = f"/files/file-{name}"
            self._service.on("GET", path, answer(file_object(f"file-{name}", bytes=len(content))))
            self._service.on("GET", f"{path}/content", by_ranges(content, longest=within))


def jsonl(rows: list[dict]) -> bytes:
    # The slash is escaped as many servers do.
    return b"".join(orjson.dumps(row).replace(b"/", b"\\/") + b"\n" for row in rows)


@contextlib.contextmanager
def command_lines() -> Iterator[set[bytes]]:
    """Every command line of the machine that is seen while the block runs."""
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    seen.add(path.read_bytes())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def goldpan(project: WorkflowProject, *command: str) -> str:
    """What a command prints. In this process: starting ten of them takes longer than all the rest."""
    printed = io.StringIO()
    with (
        contextlib.chdir(project.root),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        main(list(command))
    return printed.getvalue()


@pytest.fixture(scope="module")
def leftovers(tmp_path_factory) -> tuple[WorkflowProject, dict[str, bytes]]:
    """The project after all of it, and where -> what was written, printed or to be seen."""
    root = tmp_path_factory.mktemp("canary") / "project"
    with scripted_service() as service, command_lines() as seen:
        EchoingService(service)
        project = WorkflowProject.create(root)
        provider = {"kind": "openai", "base_url": service.base_url, "api_key_env": "CANARY_KEY"}
        stage = {"model": "scripted-1", "limits": {"requests": SHARD_ROWS}, "max_rounds": 1}
        poll = {"first": 0.1, "longest": 0.2}
        project.write_study(notes_study({**provider, "grace_seconds": 0.5}, **stage, poll=poll))
        project.write_rows("notes/a.jsonl", note_rows(ROWS))
        project.write(".env", f"CANARY_KEY={KEY}\n")
        printed = {"snakemake": project.run("--verbose", "--printshellcmds", check=False).stdout}
        for status in (401, 403):
            for path in ("/batches", "/batches/batch_1", "/batches/batch_2"):
                service.on("GET", path, lambda request, status=status: echo(request, status))
        commands = (
            ["batches", "list"],
            ["batches", "status"],
            ["batches", "status", "batch_2"],
            ["batches", "cancel", "batch_2", "--yes"],
            ["summary"],
            ["validate"],
            ["ledger", "show"],
            ["ledger", "export", str(root / "answers.jsonl.zst")],
        )
        for command in commands:
            printed[" ".join(command)] = goldpan(project, *command)
    found = {f"printed by {name}": text.encode() for name, text in printed.items()}
    found["command lines"] = b"\n".join(seen)
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != ".env":
            found[str(path.relative_to(root))] = read_whole_unpacked(path)
    with project.ledger() as ledger:
        for key, stored in ledger.all_answers():
            found[f"ledger, {key!r}"] = stored.line or b""
    export = (root / "answers.jsonl.zst").read_bytes()
    found["export, decoded"] = zstandard.ZstdDecompressor().stream_reader(export).read()
    return project, found


def test_no_piece_of_the_key_is_anywhere(leftovers):
    _, found = leftovers
    pattern = re.compile(b"|".join(re.escape(piece) for piece in PIECES))
    assert {
        place: pattern.search(content) for place, content in found.items() if pattern.search(content)
    } == {}


def test_the_echoes_had_come_through_so_the_search_was_no_empty_one(leftovers):
    project, found = leftovers
    raw = b"".join(content for place, content in found.items() if "/raw/" in place)
    assert b"You sent Bearer [key]." in raw and b'"authorization":"Bearer [key]"' in raw
    assert b"Bearer [key]" in found["export, decoded"]
    assert b"[key]" in project.artifact("stages/topics/round1/completion.json").read_bytes()
    assert b"[key]" in project.artifact("stages/topics/features.jsonl").read_bytes()


def test_every_row_ends_in_its_state(leftovers):
    project, _ = leftovers
    states = sorted(row["state"] for row in project.rows("stages/topics/features.jsonl"))
    assert states == ["failed"] * 5 + ["ok"]


def test_a_run_and_the_commands_find_the_key_in_dotenv(leftovers):
    _, found = leftovers
    assert b"CANARY_KEY is not set" not in found["printed by validate"]
