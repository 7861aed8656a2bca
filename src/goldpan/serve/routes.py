"""The handlers of the endpoint: each turns a request into one call of the engine."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from goldpan.providers.baseline import BASELINE_MODEL
from goldpan.providers.engine.engine import COMPLETION_WINDOW, Engine
from goldpan.providers.engine.objects import BatchRecord, FileRecord
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.engine.store import MAX_FILE_BYTES, Upload
from goldpan.providers.model_facts import RESPONSES_URL
from goldpan.serve.fault_counts import CallFaults
from goldpan.serve.responses import BODY_SECONDS, json_body, json_response, limit_of, list_object
from goldpan.serve.worker import Worker

ENGINE: web.AppKey[Engine] = web.AppKey("engine", Engine)
WORKER: web.AppKey[Worker] = web.AppKey("worker", Worker)
FAULTS: web.AppKey[CallFaults] = web.AppKey("faults", CallFaults)
MAX_BATCHES_PAGE, MAX_FILES_PAGE = 100, 10_000
MAX_FIELDS_BYTES, MAX_PARTS = 64 << 10, 100
_CHUNK = 1 << 18


async def upload_file(request: web.Request) -> web.Response:
    """POST /v1/files: a multipart form with `purpose` and `file`, streamed to disk."""
    if request.content_type != "multipart/form-data":
        raise ServiceError(400, "Send a multipart form with 'purpose' and 'file'.")
    # Before it is read: a client is spared sending what would be refused.
    if (request.content_length or 0) > MAX_FILE_BYTES + MAX_FIELDS_BYTES:
        raise ServiceError(400, "File is too large.", code="file_too_large", param="file")
    try:
        upload = await _receive(request)
    except TimeoutError:
        raise ServiceError(408, f"Nothing came for {BODY_SECONDS:g} seconds.") from None
    except (HttpProcessingError, ValueError, AssertionError, LookupError, RuntimeError) as error:
        # What aiohttp raises for boundaries, headers and encodings of parts that are none.
        raise ServiceError(400, f"The multipart form is malformed: {error}") from None
    assert upload.record is not None
    return json_response(upload.record.as_openai())


async def _receive(request: web.Request) -> Upload:
    """Read a form through: the file goes to disk, and fields have MAX_FIELDS_BYTES in all."""
    upload: Upload | None = None
    purpose = None
    fields = 0
    with contextlib.ExitStack() as receiving:
        parts = await request.multipart()
        for _ in range(MAX_PARTS):
            if (part := await asyncio.wait_for(parts.next(), BODY_SECONDS)) is None:
                break
            if not isinstance(part, BodyPartReader):
                raise ServiceError(400, "A form within the form is not supported.")
            is_file = part.name == "file" and upload is None
            if is_file:
                filename = part.filename or "upload"
                # The form is a little longer than its file; one that does not say its length may be long.
                size = MAX_FILE_BYTES if request.content_length is None else request.content_length
                store = request.app[ENGINE].store
                upload = receiving.enter_context(store.receiving(filename, purpose, size=size))
            field = bytearray()
            while chunk := await asyncio.wait_for(part.read_chunk(_CHUNK), BODY_SECONDS):
                if is_file and upload is not None:
                    upload.write(chunk)
                    continue
                field += chunk
                if fields + len(field) > MAX_FIELDS_BYTES:
                    raise ServiceError(400, f"The form's fields have more than {MAX_FIELDS_BYTES:,} bytes.")
            fields += len(field)
            if part.name == "purpose":
                purpose = field.decode("utf-8", "replace")
        else:
            raise ServiceError(400, f"The form has more than {MAX_PARTS - 1} parts.")
        if upload is None:
            raise ServiceError(
                400, "Missing required parameter: 'file'.", code="missing_required_parameter", param="file"
            )
        upload.purpose = purpose
    return upload


async def list_files(request: web.Request) -> web.Response:
    """GET /v1/files: newest first, or oldest first with order=asc; of one purpose; after a file."""
    limit = limit_of(request, MAX_FILES_PAGE, MAX_FILES_PAGE)
    purpose, after = request.query.get("purpose"), request.query.get("after")
    oldest_first = request.query.get("order") == "asc"
    files = list(request.app[ENGINE].store.files())
    if oldest_first:
        files.reverse()

    def is_wanted(file: FileRecord) -> bool:
        # By comparing ids, not by looking for `after`: it may have been deleted between two pages.
        comes_later = after is None or (file.id > after if oldest_first else file.id < after)
        return comes_later and purpose in (None, file.purpose)

    return json_response(list_object(filter(is_wanted, files), limit, FileRecord.as_openai))


async def show_file(request: web.Request) -> web.Response:
    """GET /v1/files/{file_id}."""
    return json_response(request.app[ENGINE].store.file(request.match_info["file_id"]).as_openai())


async def send_content(request: web.Request) -> web.StreamResponse:
    """GET /v1/files/{file_id}/content: the bytes, or a range of them."""
    return web.FileResponse(request.app[ENGINE].store.content(request.match_info["file_id"]))


async def delete_file(request: web.Request) -> web.Response:
    """DELETE /v1/files/{file_id}."""
    file_id = request.match_info["file_id"]
    request.app[ENGINE].store.delete_file(file_id)
    return json_response({"id": file_id, "object": "file", "deleted": True})


async def create_batch(request: web.Request) -> web.Response:
    """POST /v1/batches."""
    body = await json_body(request)
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not isinstance(body.get(name), str):
            raise ServiceError(
                400, f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name
            )
    record = request.app[ENGINE].create_batch(
        body["input_file_id"], body["endpoint"], body["completion_window"], body.get("metadata")
    )
    request.app[WORKER].wake()
    return json_response(record.as_openai())


async def list_batches(request: web.Request) -> web.Response:
    """GET /v1/batches: newest first, at most 100 on a page."""
    limit, after = limit_of(request, 20, MAX_BATCHES_PAGE), request.query.get("after")
    store, faults = request.app[ENGINE].store, request.app[FAULTS]
    visible = [
        batch_id
        for batch_id in store.batch_ids()
        if (after is None or batch_id < after) and not faults.hides("list_batches", batch_id)
    ]
    return json_response(list_object(map(store.batch, visible), limit, BatchRecord.as_openai))


async def show_batch(request: web.Request) -> web.Response:
    """GET /v1/batches/{batch_id}."""
    return json_response(request.app[ENGINE].batch(request.match_info["batch_id"]).as_openai())


async def cancel_batch(request: web.Request) -> web.Response:
    """POST /v1/batches/{batch_id}/cancel."""
    record = request.app[ENGINE].cancel_batch(request.match_info["batch_id"])
    request.app[WORKER].wake()
    return json_response(record.as_openai())


async def complete_chat(request: web.Request) -> web.Response:
    """POST /v1/chat/completions: answered at once, in a thread."""
    body = await json_body(request)
    return json_response(await asyncio.to_thread(request.app[ENGINE].complete, body))


async def respond(request: web.Request) -> web.Response:
    """POST /v1/responses: answered at once, in a thread; nothing is stored."""
    body = await json_body(request)
    return json_response(await asyncio.to_thread(request.app[ENGINE].complete, body, RESPONSES_URL))


async def list_models(request: web.Request) -> web.Response:
    """GET /v1/models. Requests may name any model; the answers name the one that gave them."""
    model = {"id": BASELINE_MODEL, "object": "model", "created": 0, "owned_by": "goldpan"}
    return json_response({"object": "list", "data": [model]})


async def show_health(request: web.Request) -> web.Response:
    """GET /healthz."""
    return json_response({"status": "ok", "completion_window": COMPLETION_WINDOW})


ROUTES = [
    web.post("/v1/files", upload_file, name="upload"),
    web.get("/v1/files", list_files, name="list_files"),
    web.get("/v1/files/{file_id}", show_file, name="file"),
    web.get("/v1/files/{file_id}/content", send_content, name="content"),
    web.delete("/v1/files/{file_id}", delete_file, name="delete_file"),
    web.post("/v1/batches", create_batch, name="create"),
    web.get("/v1/batches", list_batches, name="list_batches"),
    web.get("/v1/batches/{batch_id}", show_batch, name="retrieve"),
    web.post("/v1/batches/{batch_id}/cancel", cancel_batch, name="cancel"),
    web.post("/v1/chat/completions", complete_chat, name="chat"),
    web.post("/v1/responses", respond, name="responses"),
    web.get("/v1/models", list_models, name="models"),
    web.get("/healthz", show_health, name="healthz"),
]
"""The names are those of `faults.Route`."""
