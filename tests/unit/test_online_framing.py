"""Answers that are not framed or written as they should be: what came whole is an answer, for it is paid."""

import gzip
import zlib
from functools import partial

import orjson
import pytest

from goldpan.files import read_whole_unpacked
from goldpan.providers.engine import completion
from goldpan.providers.online.content import as_utf8
from tests.online_service import ANSWER, Call, Say, online_service
from tests.stage_builders import answer_all, make_online, states

ROWS = 4
JSON = "application/json"


make = partial(make_online, rows=ROWS)


def answer(call: Call) -> bytes:
    return orjson.dumps(completion(call.body, ANSWER, call.text))


def framed(content: bytes, *headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *headers, "", ""]).encode() + content


def in_chunks(content: bytes) -> bytes:
    """One chunk, and not the last one."""
    return framed(
        b"%x\r\n%s\r\n" % (len(content), content), f"Content-Type: {JSON}", "Transfer-Encoding: chunked"
    )


def sized(content: bytes, size: int, *headers: str) -> bytes:
    return framed(content, f"Content-Length: {size}", *headers)


def plain(content: bytes, *headers: str) -> bytes:
    return sized(content, len(content), *headers)


WHOLE = {
    "no last chunk": in_chunks,
    "a length that is too large": lambda content: sized(content, len(content) + 40, f"Content-Type: {JSON}"),
    "says gzip and is none": lambda content: plain(content, "Content-Encoding: gzip"),
    "gzip": lambda content: plain(gzip.compress(content), "Content-Encoding: gzip"),
    "gzip without its end": lambda content: sized(
        gzip.compress(content)[:-8], 10_000, "Content-Encoding: gzip"
    ),
    "gzip in two parts": lambda content: plain(
        gzip.compress(content[:50]) + gzip.compress(content[50:]), "Content-Encoding: gzip"
    ),
    "deflate without a head": lambda content: plain(
        zlib.compress(content)[2:-4], "Content-Encoding: deflate"
    ),
    "a byte order mark": lambda content: plain(b"\xef\xbb\xbf" + content, f"Content-Type: {JSON}"),
    "UTF-16": lambda content: plain(
        content.decode().encode("utf-16"), f'Content-Type: {JSON}; charset="UTF-16"'
    ),
    "an encoding that is none": lambda content: plain(content, f"Content-Type: {JSON}; charset=klingon"),
    "an encoding that is not so": lambda content: plain(content, f"Content-Type: {JSON}; charset=utf-16-be"),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_json_that_came_whole_is_an_answer_however_it_was_sent(kind, tmp_path):
    with online_service(lambda call: Say(raw=WHOLE[kind](answer(call)))) as service:
        run = make(tmp_path, service, timeout_seconds=5)
        answer_all(run)
        assert states(run) == {"ok": ROWS} and len(service.calls) == ROWS


def test_a_key_that_is_echoed_in_another_encoding_is_kept_nowhere(tmp_path):
    key = "sk-test-0123456789abcdef"

    def script(call):
        content = orjson.dumps({**completion(call.body, ANSWER, call.text), "echo": key})
        return Say(raw=WHOLE["UTF-16"](content))

    with online_service(script) as service:
        (tmp_path / ".env").write_text(f"A_KEY={key}\n")
        answer_all(make(tmp_path, service, api_key_env="A_KEY"))
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".env"]
    contents = [read_whole_unpacked(path) for path in files]
    assert any(b"[key]" in content for content in contents)
    assert not any(key.encode() in content or key.encode("utf-16-le") in content for content in contents)


def test_an_answer_that_breaks_off_is_asked_for_three_times_a_round_whatever_the_patience(tmp_path):
    def script(call):
        content = answer(call)
        whole = not call.text.startswith("Note 2:")
        return Say() if whole else Say(raw=sized(content[:-40], len(content), f"Content-Type: {JSON}"))

    with online_service(script) as service:
        run = make(tmp_path, service, stage={"max_rounds": 2})
        answer_all(run)
        assert states(run) == {"ok": ROWS - 1, "failed": 1}
        assert max(service.texts().values()) == 3 * 2


def test_what_is_unpacked_has_a_bound():
    packed = gzip.compress(bytes(300 << 20), compresslevel=1)
    assert len(as_utf8(packed, {"content-encoding": "gzip"})) <= 128 << 20
