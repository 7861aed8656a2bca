"""The OpenAI provider against a real server on loopback that behaves badly."""

import time
from collections.abc import Iterator
from email.utils import formatdate
from itertools import count
from pathlib import Path

import pytest

from goldpan.errors import ProviderError
from goldpan.providers.model_facts import CHAT_URL
from goldpan.providers.openai import OpenAIProvider
from goldpan.providers.paging import Page, listed
from goldpan.providers.patience import Patience
from tests.scripted_service import (
    DROPPED,
    Answer,
    ScriptedService,
    answer,
    batch_object,
    by_ranges,
    file_object,
    listing,
    refusal,
    scripted_service,
)

KEY = "sk-secret-0123456789"
CONTENT = b"".join(b'{"custom_id": "%d"}\n' % number for number in range(1000))


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    with scripted_service() as running:
        yield running


@pytest.fixture
def provider(service: ScriptedService) -> OpenAIProvider:
    return OpenAIProvider(service.base_url, KEY, timeout=5)


def create(provider: OpenAIProvider) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.create("file-1", CHAT_URL, {"nonce": "n"})
    return caught.value


# Creating: one request, and what its failure means.


def test_create_sends_the_file_the_endpoint_the_window_and_the_metadata(service, provider):
    service.on("POST", "/batches", answer(batch_object()))
    provider.create("file-1", CHAT_URL, {"nonce": "n"})
    assert service.heard("POST", "/batches")[0].json == {
        "input_file_id": "file-1",
        "endpoint": CHAT_URL,
        "completion_window": "24h",
        "metadata": {"nonce": "n"},
    }


@pytest.mark.parametrize(
    "failure",
    [DROPPED, refusal(500, "oops"), refusal(503, "busy"), refusal(429, "slow down"), refusal(409, "locked")],
    ids=["dropped", "500", "503", "429", "409"],
)
def test_create_is_sent_exactly_once_whatever_goes_wrong(service, provider, failure):
    service.on("POST", "/batches", failure)
    create(provider)
    assert service.count("POST", "/batches") == 1


@pytest.mark.parametrize(
    "failure",
    [DROPPED, refusal(500, "oops"), refusal(409, "locked"), refusal(408, "too slow")],
    ids=["dropped", "500", "409", "408"],
)
def test_create_without_a_definite_answer_is_in_doubt_and_retryable(service, provider, failure):
    service.on("POST", "/batches", failure)
    error = create(provider)
    assert error.in_doubt and error.retryable


def test_create_whose_answer_does_not_come_in_time_is_in_doubt(service):
    def too_late(request):
        time.sleep(1.0)
        return answer(batch_object())

    service.on("POST", "/batches", too_late)
    error = create(OpenAIProvider(service.base_url, KEY, timeout=0.2))
    assert error.in_doubt and error.what == "no answer in time (ReadTimeout)"


@pytest.mark.parametrize(
    "unreadable",
    [
        Answer(200, b"<html>gateway</html>", {"Content-Type": "text/html"}),
        answer({"object": "batch"}),
        Answer(200, b'{"id": "batch_1", "status": "val', {"Content-Type": "application/json"}),
    ],
    ids=["html", "no id", "cut short"],
)
def test_create_with_an_unreadable_answer_is_in_doubt(service, provider, unreadable):
    service.on("POST", "/batches", unreadable)
    assert create(provider).in_doubt


def test_create_whose_answer_breaks_off_is_in_doubt(service, provider):
    service.on("POST", "/batches", Answer(200, b'{"id": "batch_1", "status": "validating"}', sent=10))
    assert create(provider).in_doubt


def test_a_refused_connection_is_not_in_doubt():
    with scripted_service() as gone:
        address = gone.base_url
    error = create(OpenAIProvider(address, KEY, timeout=5))
    assert error.retryable and not error.in_doubt


def test_a_definite_refusal_is_neither_in_doubt_nor_retryable(service, provider):
    service.on("POST", "/batches", refusal(400, "no such endpoint", "invalid_value"))
    error = create(provider)
    assert (error.status, error.code, error.in_doubt, error.retryable) == (400, "invalid_value", False, False)


def test_a_create_that_finds_no_file_is_not_retryable(service, provider):
    service.on("POST", "/batches", refusal(404, "no such file"))
    error = create(provider)
    assert (error.status, error.retryable) == (404, False)


def test_429_is_retryable_and_not_in_doubt_and_says_how_long_to_wait(service, provider):
    service.on("POST", "/batches", refusal(429, "slow down", "rate_limit_exceeded", Retry_After="7"))
    error = create(provider)
    assert (error.retryable, error.in_doubt, error.retry_after) == (True, False, 7.0)


def test_retry_after_may_be_a_date(service, provider):
    service.on(
        "POST", "/batches", refusal(429, "slow", Retry_After=formatdate(time.time() + 3600, usegmt=True))
    )
    assert create(provider).retry_after == pytest.approx(3600, abs=60)


def test_retry_after_that_makes_no_sense_is_passed_over(service, provider):
    service.on("POST", "/batches", refusal(429, "slow", Retry_After="soon"))
    assert create(provider).retry_after is None


def test_429_for_want_of_credit_is_not_retryable(service, provider):
    service.on("POST", "/batches", refusal(429, "You exceeded your current quota", "insufficient_quota"))
    error = create(provider)
    assert not error.retryable and "credit" in str(error)


# The service's clock.

NOON = "Sun, 06 Nov 1994 12:00:00 GMT"


def test_the_services_clock_is_known_from_its_answers_and_refusals(service, provider):
    assert provider.server_time is None
    service.on("GET", "/batches/batch_1", answer(batch_object(), Date=NOON))
    provider.retrieve("batch_1")
    assert provider.server_time == 784_123_200.0
    service.on("POST", "/batches", refusal(400, "no", Date=NOON.replace("12:", "13:")))
    create(provider)
    assert provider.server_time == 784_126_800.0


def test_an_answer_without_a_date_leaves_the_services_clock_as_it_was(service, provider):
    service.on("GET", "/batches/batch_1", answer(batch_object(), Date=NOON), answer(batch_object(), Date=""))
    provider.retrieve("batch_1")
    provider.retrieve("batch_1")
    assert provider.server_time == 784_123_200.0


# Errors tell no secret.


def test_the_key_is_taken_out_of_what_the_service_echoes(service, provider):
    service.on("POST", "/batches", refusal(401, f"Incorrect API key provided: {KEY}.", "invalid_api_key"))
    error = create(provider)
    assert KEY not in str(error) and "Incorrect API key provided: [key]." in error.what


@pytest.mark.parametrize("before", range(470, 505, 3))
def test_a_key_across_the_end_of_what_is_kept_leaves_no_piece(service, provider, before):
    service.on("POST", "/batches", refusal(400, "x" * before + KEY, f"code {KEY}"))
    error = create(provider)
    assert "sk-s" not in f"{error} {error.code}"


def test_the_key_is_taken_out_of_what_is_said_of_a_batch(service, provider):
    echoed = {"data": [{"code": f"c {KEY}", "message": f"sent Bearer {KEY}", "param": KEY}]}
    described = batch_object(status="failed", errors=echoed, metadata={"echo": KEY})
    service.on("GET", "/batches/batch_1", answer(described))
    batch = provider.retrieve("batch_1")
    assert KEY not in str(batch) and batch.errors[0].message == "sent Bearer [key]"


def test_the_key_is_taken_out_of_a_file_that_still_comes_whole(service, provider, tmp_path):
    content = b'{"custom_id": "1", "echo": "Bearer %s"}\n' % KEY.encode() * 3
    service.on("GET", "/files/file-1", answer(file_object(bytes=len(content))))
    within = content.index(KEY.encode()) + 7
    service.on("GET", "/files/file-1/content", by_ranges(content, longest=within))
    provider.download("file-1", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content.replace(KEY.encode(), b"[key]")


def test_credentials_in_the_base_url_are_not_in_the_error(service):
    address = service.base_url.replace("http://", "http://user:pass-word@")
    service.on("POST", "/batches", refusal(400, "no"))
    assert "pass-word" not in str(create(OpenAIProvider(address, KEY)))


def test_a_key_that_cannot_stand_in_a_header_is_not_in_the_error(service):
    error = create(OpenAIProvider(service.base_url, KEY + "\n", timeout=5))
    assert KEY not in str(error) and not error.in_doubt


def test_the_error_names_the_call(service, provider):
    service.on("POST", "/batches", refusal(400, "no"))
    assert create(provider).where == f"POST {service.base_url}/batches"


# Other calls may be repeated.


def test_retrieve_is_repeated_after_a_server_error(service, provider):
    service.on("GET", "/batches/batch_1", refusal(500, "oops"), answer(batch_object(status="completed")))
    assert provider.retrieve("batch_1").status == "completed"


CALLS = {
    "retrieve": ("GET", "/batches/b", batch_object("b"), lambda provider, at: provider.retrieve("b")),
    "cancel": ("POST", "/batches/b/cancel", batch_object("b"), lambda provider, at: provider.cancel("b")),
    "list": ("GET", "/batches", {"data": []}, lambda provider, at: list(provider.batches())),
    "find_upload": ("GET", "/files", {"data": []}, lambda provider, at: provider.find_upload("n", 1)),
    "upload": ("POST", "/files", file_object(), lambda provider, at: provider.upload(written(at), "n")),
    "download": ("GET", "/files/f/content", {}, lambda provider, at: provider.download("f", at / "out")),
}


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("call", CALLS)
def test_three_failures_in_a_row_of_a_call_that_costs_nothing_are_waited_out(service, tmp_path, call, status):
    method, path, good, ask = CALLS[call]
    failure = refusal(status, "busy", Retry_After="9")
    service.on(method, path, failure, failure, failure, answer(good))
    pauses: list[float] = []
    patience = Patience(sleep=pauses.append, say=lambda line: None)
    ask(OpenAIProvider(service.base_url, KEY, timeout=5, patience=patience), tmp_path)
    assert (pauses, service.count(method, path)) == ([9.0, 9.0, 9.0], 4)


def test_a_call_that_the_service_does_not_offer_is_not_waited_for(service, provider):
    service.on("GET", "/batches", refusal(501, "not implemented"))
    with pytest.raises(ProviderError, match="not implemented"):
        list(provider.batches())
    assert service.count("GET", "/batches") == 1


def test_a_batch_that_is_not_found_yet_may_be_asked_for_again(service, provider):
    service.on("GET", "/batches/batch_1", refusal(404, "No batch found"))
    with pytest.raises(ProviderError) as caught:
        provider.retrieve("batch_1")
    assert (caught.value.status, caught.value.retryable) == (404, True)


def test_cancel_returns_the_batch_as_it_then_is(service, provider):
    service.on("POST", "/batches/batch_1/cancel", answer(batch_object(status="cancelling")))
    assert provider.cancel("batch_1").status == "cancelling"


# Uploading.


def test_upload_sends_name_purpose_and_content(service, provider, tmp_path):
    service.on("POST", "/files", answer(file_object("file-9", filename="r.jsonl", bytes=len(CONTENT))))
    stored = provider.upload(written(tmp_path), "r.jsonl")
    body = service.heard("POST", "/files")[0].body
    assert (stored.id, stored.name, stored.bytes) == ("file-9", "r.jsonl", len(CONTENT))
    assert b'filename="r.jsonl"' in body and b"\r\n\r\nbatch\r\n" in body and CONTENT in body


def test_an_upload_that_is_repeated_sends_the_whole_file_again(service, provider, tmp_path):
    service.on("POST", "/files", refusal(500, "oops"), answer(file_object()))
    provider.upload(written(tmp_path), "r.jsonl")
    assert [CONTENT in request.body for request in service.heard("POST", "/files")] == [True, True]


def test_upload_waits_until_the_file_is_processed(service, provider, tmp_path):
    service.on("POST", "/files", answer(file_object(status="uploaded")))
    service.on("GET", "/files/file-1", answer(file_object(status="pending")), answer(file_object()))
    provider.upload(written(tmp_path), "r.jsonl")
    assert service.count("GET", "/files/file-1") == 2


def test_an_upload_that_the_service_cannot_process_is_an_error(service, provider, tmp_path):
    service.on("POST", "/files", answer(file_object(status="error", status_details="not UTF-8")))
    with pytest.raises(ProviderError, match="could not process the uploaded file: not UTF-8"):
        provider.upload(written(tmp_path), "r.jsonl")


def test_find_upload_goes_by_name_and_size_and_takes_the_newest(service, provider):
    service.on(
        "GET",
        "/files",
        listing(
            file_object("file-3", filename="other.jsonl"),
            file_object("file-2", bytes=11),
            file_object("file-1b"),
            file_object("file-1a"),
        ),
    )
    found = provider.find_upload("requests.jsonl", 10)
    assert found is not None and found.id == "file-1b"
    assert service.heard("GET", "/files")[0].query == {"purpose": "batch", "order": "desc", "limit": "100"}


def test_find_upload_passes_over_a_file_that_could_not_be_processed(service, provider):
    service.on("GET", "/files", listing(file_object("file-2", status="error"), file_object("file-1")))
    found = provider.find_upload("requests.jsonl", 10)
    assert found is not None and found.id == "file-1"


def test_find_upload_looks_through_a_bounded_number_of_pages(service, provider):
    service.on("GET", "/files", listing(file_object(filename="other.jsonl"), has_more=True))
    assert provider.find_upload("requests.jsonl", 10) is None
    assert service.count("GET", "/files") == 3


def test_a_service_that_cannot_list_files_has_none_to_find(service, provider):
    service.on("GET", "/files", refusal(405, "method not allowed"))
    assert provider.find_upload("requests.jsonl", 10) is None


# Listing batches.


def test_batches_go_on_page_after_page(service, provider):
    service.on(
        "GET",
        "/batches",
        listing(batch_object("c"), batch_object("b"), has_more=True),
        listing(batch_object("a")),
    )
    assert [batch.id for batch in provider.batches()] == ["c", "b", "a"]
    assert [request.query for request in service.heard("GET", "/batches")] == [
        {"limit": "100"},
        {"limit": "100", "after": "b"},
    ]


def test_batches_asks_only_for_the_pages_that_are_wanted(service, provider):
    service.on("GET", "/batches", listing(batch_object("c"), has_more=True))
    next(provider.batches())
    assert service.count("GET", "/batches") == 1


def test_pages_go_on_where_the_service_does_not_say_so_until_one_is_empty(service, provider):
    service.on(
        "GET",
        "/batches",
        listing(batch_object("c"), batch_object("b"), has_more=None),
        listing(batch_object("b"), batch_object("a"), has_more=None),
        listing(has_more=None),
    )
    assert [batch.id for batch in provider.batches()] == ["c", "b", "a"]


def test_what_came_before_an_unreliable_page_is_handed_out(service, provider):
    service.on("GET", "/batches", listing(batch_object("c"), has_more=True), listing(has_more=True))
    batches = provider.batches()
    assert next(batches).id == "c"
    with pytest.raises(ProviderError, match="sends an empty page") as caught:
        next(batches)
    assert caught.value.retryable


def test_entries_that_cannot_be_understood_do_not_stop_the_list(service, provider):
    nonce = {"nonce": "n"}
    service.on(
        "GET",
        "/batches",
        listing(
            batch_object("d", status="paused"),
            batch_object("c", created_at="yesterday"),
            {"object": "batch"},
            batch_object("", metadata=nonce),
            batch_object("a", metadata="none"),
        ),
    )
    batches = list(provider.batches())
    assert [batch.id for batch in batches] == ["d", "c", "", "a"]
    assert (batches[0].status, batches[1].created_at, batches[2].metadata) == ("paused", None, nonce)


def test_a_list_without_end_is_an_error():
    pages = (
        Page([batch_object(f"b{at}") for at in range(start, start + 100)], True) for start in count(0, 100)
    )
    with pytest.raises(ProviderError, match="more than 10,000 batches"):
        list(listed(pages))


def test_a_list_that_repeats_its_page_is_an_error(service, provider):
    service.on("GET", "/batches", listing(batch_object("c"), batch_object("b"), has_more=True))
    with pytest.raises(ProviderError, match="same page"):
        list(provider.batches())


def test_the_order_of_a_list_is_that_of_the_service(service, provider):
    service.on(
        "GET",
        "/batches",
        listing(batch_object("a", created_at=1), batch_object("b", created_at=2), has_more=True),
        listing(batch_object("c", created_at=3)),
    )
    assert [batch.id for batch in provider.batches()] == ["a", "b", "c"]


def test_a_full_page_without_has_more_is_not_taken_for_the_end(service, provider):
    page = [batch_object(f"b{number}") for number in range(100)]
    service.on("GET", "/batches", listing(*page, has_more=None), listing(batch_object("z"), has_more=None))
    assert len(list(provider.batches())) == 101


# Downloading.


def test_a_download_that_breaks_off_is_taken_up_where_it_ended(service, provider, tmp_path):
    service.on("GET", "/files/file-1", answer(file_object(bytes=len(CONTENT))))
    service.on("GET", "/files/file-1/content", by_ranges(CONTENT, longest=7000))
    provider.download("file-1", tmp_path / "out")
    asked = [request.headers.get("range") for request in service.heard("GET", "/files/file-1/content")]
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert asked == [None, "bytes=7000-", "bytes=14000-"]


def test_a_service_without_ranges_is_read_again_from_the_start(service, provider, tmp_path):
    service.on("GET", "/files/file-1", answer(file_object(bytes=len(CONTENT))))
    service.on("GET", "/files/file-1/content", Answer(200, CONTENT, sent=5000), Answer(200, CONTENT))
    provider.download("file-1", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT


@pytest.mark.parametrize("chunked", [False, True], ids=["honest for what it sent", "no Content-Length"])
def test_a_short_answer_that_ends_in_order_is_found_out_by_the_files_size(
    service, provider, tmp_path, chunked
):
    service.on("GET", "/files/file-1", answer(file_object(bytes=len(CONTENT))))
    service.on(
        "GET",
        "/files/file-1/content",
        Answer(200, CONTENT[:6000], chunked=chunked),
        by_ranges(CONTENT, longest=len(CONTENT)),
    )
    provider.download("file-1", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_a_broken_download_is_found_out_when_the_service_does_not_know_the_file(service, provider, tmp_path):
    service.on("GET", "/files/file-1/content", Answer(200, CONTENT, sent=6000), Answer(200, CONTENT))
    provider.download("file-1", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_a_file_that_never_comes_whole_is_an_error(service, provider, tmp_path):
    service.on("GET", "/files/file-1", answer(file_object(bytes=len(CONTENT))))
    service.on("GET", "/files/file-1/content", Answer(200, CONTENT[:6000]))
    with pytest.raises(
        ProviderError, match=rf"file file-1 does not come whole: 6000 of {len(CONTENT)} bytes"
    ):
        provider.download("file-1", tmp_path / "out")


def test_a_file_that_is_gone_is_an_error_at_once(service, provider, tmp_path):
    with pytest.raises(ProviderError) as caught:
        provider.download("file-1", tmp_path / "out")
    assert caught.value.status == 404 and service.count("GET", "/files/file-1/content") == 1


def test_an_empty_file_is_whole(service, provider, tmp_path):
    service.on("GET", "/files/file-1/content", Answer(200, b""))
    provider.download("file-1", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b""


def test_a_longer_file_that_was_there_before_is_overwritten(service, provider, tmp_path):
    (tmp_path / "out").write_bytes(CONTENT * 2)
    service.on("GET", "/files/file-1/content", Answer(200, CONTENT))
    provider.download("file-1", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT


def written(folder: Path) -> Path:
    path = folder / "requests.jsonl"
    path.write_bytes(CONTENT)
    return path
