"""What is doubt and what is not, when a connection fails: real sockets, both providers.

A call that was certainly never sent is no doubt; whatever fails after that is. `make test-sdk` runs this
against both ends of the SDK's range, for its majors raise the exceptions of different HTTP libraries.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from goldpan.errors import ProviderError
from goldpan.providers.base import BatchProvider
from goldpan.providers.litellm import LiteLLMProvider
from goldpan.providers.model_facts import CHAT_URL
from goldpan.providers.openai import OpenAIProvider
from goldpan.providers.patience import Patience

KEY = "sk-secret-0123456789"


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reset_unread(connection: socket.socket) -> None:
    connection.recv(1, socket.MSG_PEEK)
    reset(connection)


def reset_after_reading(connection: socket.socket) -> None:
    read_request(connection)
    reset(connection)


def close_after_reading(connection: socket.socket) -> None:
    read_request(connection)
    connection.close()


def never_answer(connection: socket.socket) -> None:
    connection.settimeout(20)
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass
    connection.close()


def answer_nonsense(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"NOT HTTP\r\n\r\n")
    connection.close()


def break_off(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id"')
    connection.close()


def answer_in_clear(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.close()


def read_request(connection: socket.socket) -> None:
    """The whole of a request, so that to close the connection resets nothing."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(65536)
    headers, _, body = head.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in headers.lower().split(b"\r\n") if b"content-length:" in line]
    length = int(lengths[0]) if lengths else 0
    while len(body) < length:
        body += connection.recv(65536)


@contextlib.contextmanager
def listening(behave: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[int]]]:
    """A port where each connection is treated so, and a list with an entry for each."""
    accepted: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                accepted.append(1)
                threading.Thread(target=behave, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], accepted
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def connected(name: str, address: str) -> BatchProvider:
    patience = Patience(0)
    if name == "openai":
        return OpenAIProvider(f"{address}/v1", KEY, timeout=0.5, patience=patience)
    service = name.removeprefix("litellm ")
    base_url = address if service == "azure" else f"{address}/v1"
    return LiteLLMProvider(service, base_url, KEY, timeout=0.5, patience=patience)  # type: ignore[arg-type]


def create(provider: BatchProvider) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.create("file-1", CHAT_URL, {"nonce": "n"})
    return caught.value


AFTER_SENDING = [
    reset_unread,
    reset_after_reading,
    close_after_reading,
    never_answer,
    answer_nonsense,
    break_off,
]
each_provider = pytest.mark.parametrize("name", ["openai", "litellm openai", "litellm azure"])


@each_provider
@pytest.mark.parametrize(
    "behave",
    [reset_unread, reset_after_reading, close_after_reading, never_answer, answer_nonsense, break_off],
)
def test_whatever_fails_after_something_was_sent_is_in_doubt_and_sent_once(name, behave):
    with listening(behave) as (port, accepted):
        error = create(connected(name, f"http://127.0.0.1:{port}"))
        assert (error.in_doubt, error.retryable, len(accepted)) == (True, True, 1)


@each_provider
def test_a_connection_that_is_refused_is_no_doubt(name):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    error = create(connected(name, f"http://127.0.0.1:{port}"))
    assert (error.in_doubt, error.retryable) == (False, True) and "nothing was sent" in str(error)


@each_provider
def test_a_host_that_has_no_address_is_no_doubt(name):
    error = create(connected(name, "http://no-such-host.invalid"))
    assert (error.in_doubt, error.retryable) == (False, True)


@each_provider
def test_a_tls_handshake_that_fails_is_no_doubt(name):
    with listening(answer_in_clear) as (port, _):
        error = create(connected(name, f"https://127.0.0.1:{port}"))
    assert (error.in_doubt, error.retryable) == (False, True)


@each_provider
def test_an_address_that_is_none_is_no_doubt_and_no_use_to_repeat(name):
    error = create(connected(name, "ftp://127.0.0.1"))
    assert (error.in_doubt, error.retryable) == (False, False)


@each_provider
@pytest.mark.parametrize("behave", [reset_after_reading, never_answer])
def test_a_question_whose_answer_is_lost_may_be_repeated(name, behave):
    with listening(behave) as (port, _):
        with pytest.raises(ProviderError) as caught:
            connected(name, f"http://127.0.0.1:{port}").retrieve("batch_1")
        assert caught.value.retryable
