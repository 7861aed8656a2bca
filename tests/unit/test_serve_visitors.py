"""Who may call `goldpan serve`, and what strangers send: over real sockets, byte by byte."""

import asyncio
import json
import socket
import time
from types import SimpleNamespace

import pytest

from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.engine.store import LEAST_FREE_BYTES, Store
from goldpan.serve import running_server
from goldpan.serve.visitors import HEAD_SECONDS, MAX_CONNECTIONS, Visitors
from tests.chat_batches import echo


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("serve"), answerer=echo) as running:
        yield running


def send(server, head: bytes, body: bytes = b"") -> tuple[int, dict]:
    """Send bytes as they are, with a Content-Length; (status, JSON) of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        length = f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        connection.sendall(head + length + body)
        answer = b""
        while piece := connection.recv(1 << 16):
            answer += piece
    top, _, content = answer.partition(b"\r\n\r\n")
    # What cannot be read as HTTP at all is refused by aiohttp itself, in a line of text.
    return int(top.split()[1]), json.loads(content) if content.startswith(b"{") else {}


def get(
    server, *headers: bytes, path: bytes = b"/v1/models", host: bytes | None = None
) -> tuple[int, str | None]:
    """(status, error code) of a GET with such headers."""
    host = f"127.0.0.1:{server.port}".encode() if host is None else host
    lines = [b"GET " + path + b" HTTP/1.1", b"Host: " + host, *headers]
    status, content = send(server, b"\r\n".join(lines) + b"\r\n")
    return status, content.get("error", {}).get("code")


def post(server, path: str, body: bytes, content_type: str = "application/json") -> tuple[int, str]:
    """(status, error message) of a POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{server.port}\r\nContent-Type: {content_type}\r\n"
    status, content = send(server, head.encode(), body)
    return status, content.get("error", {}).get("message", "")


# Host and Origin.


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "LOCALHOST:8100", "[::1]:8100", "127.0.0.2"])
def test_this_machine_may_be_called_by_all_its_names(server, host):
    assert get(server, host=host.encode()) == (200, None)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8100", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1",
     "localhost@evil.example", "evil.example/localhost", "[::2]", "", ":8100", "localhost:x"],
)  # fmt: skip
def test_another_host_is_refused(server, host):
    assert get(server, host=host.encode()) == (403, "host_not_allowed")


def test_another_host_in_the_request_line_is_refused(server):
    assert get(server, path=b"http://evil.example/v1/models") == (403, "host_not_allowed")


def test_another_host_gets_no_health_and_no_404_either(server):
    for path in (b"/healthz", b"/nowhere"):
        assert get(server, path=path, host=b"evil.example") == (403, "host_not_allowed")


def test_a_request_says_one_host(server):
    assert get(server, b"Host: evil.example")[0] == 400
    assert send(server, b"GET /v1/models HTTP/1.1\r\n")[0] == 400


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", ""]
)
def test_a_page_from_elsewhere_is_refused(server, origin):
    assert get(server, b"Origin: " + origin.encode()) == (403, "origin_not_allowed")


def test_a_page_that_hides_its_origin_is_refused(server):
    assert get(server, b"Sec-Fetch-Site: cross-site") == (403, "origin_not_allowed")


def test_its_own_origin_may_call(server):
    assert get(server, f"Origin: http://127.0.0.1:{server.port}".encode()) == (200, None)


@pytest.mark.parametrize(
    ("bound", "host", "is_admitted"),
    [
        ("node17", "node17:8100", True),
        ("node17", "node18:8100", False),
        ("192.0.2.7", "192.0.2.7:8100", True),
        ("192.0.2.7", "192.0.2.8:8100", False),
        ("0.0.0.0", "192.0.2.8:8100", True),
        ("::", f"{socket.gethostname()}:8100", True),
        ("0.0.0.0", "evil.example", False),
    ],
)
def test_the_host_that_is_listened_at_may_be_called(bound, host, is_admitted):
    from aiohttp.test_utils import make_mocked_request

    request = make_mocked_request("GET", "/v1/models", headers={"Host": host})
    if is_admitted:
        Visitors(bound).check(request)
    else:
        with pytest.raises(ServiceError, match="are not answered here"):
            Visitors(bound).check(request)


# Bytes that are none of HTTP's.


@pytest.mark.parametrize(
    "header", [b"Authorization: Bearer \xff\xfe", b"X-Any: caf\xe9", b"Authorization: Bearer \xed\xa0\x80"]
)
def test_a_header_that_is_not_utf8_is_refused(server, header):
    assert get(server, header) == (400, "invalid_header")


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/files/%ff%fe",
        b"/v1/files/\xff\xfe",
        b"/v1/batches/%ed%a0%80",
        b"/v1/%ff",
        b"/v1/files/../../secret",
        b"/v1/files/%2e%2e%2f%2e%2e%2fsecret/content",
        b"/v1/files/file-0123456789abcdef01234567%00",
    ],
)
def test_a_path_that_leads_nowhere_is_not_found(server, path):
    assert get(server, path=path)[0] in (400, 404)


@pytest.mark.parametrize("query", [b"limit=" + b"9" * 5_000, b"limit=%ff", b"limit=-1"])
def test_a_limit_that_is_none_is_refused(server, query):
    assert get(server, path=b"/v1/batches?" + query) == (400, "invalid_value")


def test_a_marker_that_is_no_text_is_taken_for_one(server):
    assert get(server, path=b"/v1/batches?after=%ff&limit=1") == (200, None)


# Bodies.


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", "nested too deeply"),
        (b'{"input_file_id": ["x"]}', "input_file_id"),
        (b'{"a": "\\ud800"}', "not valid JSON"),
    ],
)
def test_a_body_that_is_not_plain_json_is_refused(server, body, says):
    status, message = post(server, "/v1/batches", body)
    assert (status, says in message) == (400, True), message


def test_a_body_that_is_too_large_is_refused_before_it_has_come(server):
    head = f"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Length: {1 << 40}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head + b"{" * 100)
        assert b" 413 " in connection.recv(1 << 16)


FORM = "multipart/form-data; boundary=cut"
FILE = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{}\r\n'
END = b"--cut--\r\n"


def purpose(text: bytes) -> bytes:
    return b'--cut\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n' + text + b"\r\n"


def files_of(server) -> set:
    return {file.name for file in (server.engine.store.folder / "files").iterdir()}


@pytest.mark.parametrize(
    ("content_type", "form", "says"),
    [
        (FORM, purpose(b"user_data") + FILE + END, "'purpose' must be 'batch'; given: 'user_data'"),
        (FORM, FILE + purpose(b"vision") + END, "'purpose' must be 'batch'; given: 'vision'"),
        (FORM, purpose(b"\xff") + FILE + END, "'purpose' must be 'batch'"),
        (FORM, FILE + END, "'purpose' must be 'batch'; given: None"),
        (FORM, purpose(b"batch") + END, "Missing required parameter: 'file'"),
        (FORM, purpose(b"x" * 70_000) + FILE + END, "The form's fields have more than 65,536 bytes"),
        (FORM, (b"--cut\r\n\r\n\r\n" * 200) + END, "The form has more than 99 parts"),
        (FORM, b"no form at all", "The multipart form is malformed"),
        (FORM, b"", "The multipart form is malformed"),
        ("multipart/form-data", FILE + END, "The multipart form is malformed"),
        ("multipart/form-data; boundary=" + "x" * 100, FILE, "The multipart form is malformed"),
        (FORM, b"--cut\r\n" + b"A: b\r\n" * 9_000 + b"\r\n\r\n" + END, "The multipart form is malformed"),
        (FORM, b"--cut\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n--in--\r\n" + END, "form within"),
        ("text/plain", b"x", "Send a multipart form"),
    ],
)
def test_a_form_that_is_none_is_refused_and_leaves_nothing(server, content_type, form, says):
    before = files_of(server)
    status, message = post(server, "/v1/files", form, content_type)
    assert (status, says in message) == (400, True), message
    assert files_of(server) == before


def test_a_file_has_a_limit_whatever_its_purpose(server):
    head = f"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM}\r\n"
    head += f"Content-Length: {1 << 40}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode() + purpose(b"user_data"))
        assert b"File is too large" in connection.recv(1 << 16)


def test_a_file_that_does_not_say_its_length_has_a_limit_too(tmp_path):
    with (
        pytest.raises(ServiceError, match="File is too large"),
        Store(tmp_path).receiving("a", None) as upload,
    ):
        for _ in range(201):
            upload.write(bytes(1_000_000))
    assert list((tmp_path / "files").iterdir()) == []


def test_all_files_together_have_a_limit(tmp_path):
    store = Store(tmp_path)
    with (tmp_path / "files" / "hole.bin").open("wb") as handle:
        handle.truncate(100_000_000_000 - LEAST_FREE_BYTES // 16)
    with (
        pytest.raises(ServiceError, match="no room for more files") as refusal,
        store.receiving("a", "batch"),
    ):
        pass
    assert refusal.value.status == 507


def test_the_name_of_a_file_is_only_a_name(server):
    name = b"../../" + b"\xff" * 400
    form = purpose(b"batch") + FILE.replace(b"a.jsonl", name) + END
    assert post(server, "/v1/files", form, FORM)[0] == 200
    newest = next(server.engine.store.files())
    assert len(newest.filename) <= 255
    assert not (server.engine.store.folder / ".." / newest.filename).exists()


# Connections.


def test_a_connection_without_a_request_is_closed_after_a_while():
    aborted = []

    class Connection:
        def __init__(self, number):
            self.transport = SimpleNamespace(abort=lambda: aborted.append(number))

    silent = Connection("silent")
    visitors, listening = Visitors("127.0.0.1"), SimpleNamespace(connections=[silent])
    visitors.close_idle(listening, 0.0)
    visitors.close_idle(listening, HEAD_SECONDS)
    assert aborted == []
    visitors.close_idle(listening, HEAD_SECONDS + 1)
    assert aborted == ["silent"]


def test_a_server_holds_so_many_connections_and_no_more(tmp_path):
    with running_server(tmp_path, answerer=echo) as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(MAX_CONNECTIONS + 20)]
        deadline = time.monotonic() + 30
        while asyncio.run_coroutine_threadsafe(_count(server), server._loop).result() > MAX_CONNECTIONS:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for connection in held:
            connection.close()
        assert get(server) == (200, None)


async def _count(server) -> int:
    return len(server._runner.server.connections)
