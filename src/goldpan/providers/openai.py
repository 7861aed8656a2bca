"""The official OpenAI SDK, for OpenAI itself and for every service that speaks its batch API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.address import calling_options, openai_address, openai_rules, openai_url, service_at
from goldpan.providers.base import (
    Batch,
    BatchProvider,
    Rules,
    StoredFile,
    Surroundings,
    batch_from_dict,
)
from goldpan.providers.download import FileResponse, download_whole, range_headers, reading
from goldpan.providers.keys import Keys
from goldpan.providers.paging import PAGE_SIZE, Page, last_id, listed, page_from_dict
from goldpan.providers.patience import Patience
from goldpan.providers.scrubber import Scrubber
from goldpan.providers.service_errors import (
    NOT_OFFERED,
    headers_of,
    is_service_error,
    server_time,
    service_error,
    unreadable_answer,
)
from goldpan.providers.uploads import is_upload, stored_size, wait_until_processed
from goldpan.study.provider import OpenAISettings

if TYPE_CHECKING:
    import openai

# What is sent where a service needs no key; the SDK will not go without.
NO_KEY = "unused"
# Uploads are looked for among so many of the newest files; not to find one costs an upload and no money.
UPLOAD_PAGES = 3
_CONNECT_SECONDS = 30.0
# By this header the SDK is asked for an answer as it came; its own `with_raw_response` sends the same.
_RAW_RESPONSE = "X-Stainless-Raw-Response"


class OpenAIProvider(BatchProvider):
    """`BatchProvider` over the official SDK, in its majors 2 and 3.

    The SDK repeats no call; every call but `create` is repeated here.

    Args:
        base_url: where the service is, with its version (`https://host/v1`); None for OpenAI.
        api_key: None for a service that needs none. It is in no error and no answer.
        timeout: limit of one call, in seconds, from one byte to the next.
        patience: how long a call that costs nothing is repeated.
        secrets: what else is taken out of all that the service says.
    """

    kind = "openai"

    def __init__(
        self,
        base_url: str | None,
        api_key: str | None,
        timeout: float = 600.0,
        *,
        patience: Patience | None = None,
        secrets: Iterable[str | None] = (),
    ):
        self._base_url, self._api_key, self._timeout = base_url, api_key, timeout
        self._patience = patience or Patience()
        self._scrubber = Scrubber([api_key, *secrets])

    @classmethod
    def connected(cls, settings: OpenAISettings, surroundings: Surroundings) -> OpenAIProvider:
        """As for any provider."""
        address = openai_address(settings, surroundings.keys)
        return cls(*address, settings.timeout_seconds, **calling_options(settings, surroundings))

    @classmethod
    def service(cls, settings: OpenAISettings, keys: Keys) -> str:
        """As for any provider."""
        return service_at("openai", openai_url(settings, keys))

    @classmethod
    def rules(cls, settings: OpenAISettings, keys: Keys) -> Rules:
        """Those of whom the address belongs to."""
        return openai_rules(settings, keys)

    @cached_property
    def _client(self) -> openai.OpenAI:
        import openai

        return openai.OpenAI(
            base_url=self._base_url,
            api_key=self._api_key or NO_KEY,
            timeout=openai.Timeout(self._timeout, connect=min(self._timeout, _CONNECT_SECONDS)),
            max_retries=0,
        )

    def upload(self, path: Path, name: str) -> StoredFile:
        """Upload a request file under `name`, and give the service a moment to process it."""
        files = self._client.files.with_raw_response

        def send() -> Any:
            # Opened for each try: a try that failed has read some of it.
            with path.open("rb") as handle:
                return files.create(file=(name, handle, "application/jsonl"), purpose="batch")

        return wait_until_processed(self._ask_again(send), self._described)

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """The newest file uploaded under `name` with `size` bytes, among the service's newest files.

        Also None where the service does not list its files.
        """
        pages = self._pages(partial(self._client.files.with_raw_response.list, purpose="batch", order="desc"))
        try:
            for page in islice(pages, UPLOAD_PAGES):
                for item in page.items:
                    if is_upload(item, name, size):
                        return wait_until_processed(item, self._described)
        except ProviderError as error:
            if error.status not in NOT_OFFERED:
                raise
        return None

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Create the batch, with one request and never a second.

        Raises:
            ProviderError: with `in_doubt` where no answer came that can be understood.
        """
        batches = self._client.batches.with_raw_response
        answer = self._ask(
            lambda: batches.create(
                input_file_id=file_id,
                endpoint=cast(Any, endpoint),
                completion_window="24h",
                metadata=metadata,
            )
        )
        try:
            return batch_from_dict(answer)
        except ProviderError as error:
            raise unreadable_answer(error.what) from None

    def retrieve(self, batch_id: str) -> Batch:
        """The present state of a batch. A batch just made may not be found yet, so 404 is `retryable`."""
        batches = self._client.batches.with_raw_response
        try:
            return batch_from_dict(self._ask_again(lambda: batches.retrieve(batch_id)))
        except ProviderError as error:
            error.retryable = error.retryable or error.status == 404
            raise

    def batches(self) -> Iterator[Batch]:
        """All batches of the account in the service's order, in pages of 100; see `listed`."""
        return listed(self._pages(self._client.batches.with_raw_response.list))

    def cancel(self, batch_id: str) -> Batch:
        """Ask for a batch to be cancelled."""
        batches = self._client.batches.with_raw_response
        return batch_from_dict(self._ask_again(lambda: batches.cancel(batch_id)))

    def download(self, file_id: str, destination: Path) -> bool:
        """Write a file to `destination`, reading on or again until it is whole (see `download_whole`)."""
        return download_whole(
            partial(self._content, file_id),
            destination,
            expected=stored_size(self._described, file_id),
            name=f"file {file_id}",
            patience=self._patience,
            scrubber=self._scrubber,
        )

    @contextmanager
    def _content(self, file_id: str, start: int) -> Iterator[FileResponse]:
        try:
            headers = {"Accept": "application/binary", **range_headers(start)}
            response = self._get(f"{_path(file_id)}/content", "stream", headers)
            with closing(response) as whole:
                self._note_time(whole.headers)
                # As it comes: what was gathered for a chunk of some size is lost when a read breaks off.
                yield reading(whole.headers, whole.iter_bytes())
        except Exception as error:
            raise self._understood(error) from None

    def _understood(self, error: Exception) -> Exception:
        """What to raise for an exception of a call: the SDK's as ours, and others as they are."""
        if not is_service_error(error):
            return error
        self._note_time(headers_of(error))
        return service_error(error, self._scrubber)

    def _note_time(self, headers: Mapping[str, str]) -> None:
        self.server_time = server_time(headers) or self.server_time

    def _described(self, file_id: str) -> dict[str, Any]:
        return self._ask_again(partial(self._get, _path(file_id), "true", {}))

    def _get(self, path: str, raw: str, headers: dict[str, str]) -> Any:
        """Ask for a path; `raw` is "true" for an answer read to its end, "stream" for one to read yet."""
        return self._client.get(path, cast_to=object, options={"headers": {_RAW_RESPONSE: raw, **headers}})

    def _pages(self, ask_for_list: Callable[..., Any]) -> Iterator[Page]:
        following: dict[str, str] = {}
        while True:
            page = page_from_dict(self._ask_again(partial(ask_for_list, limit=PAGE_SIZE, **following)))
            yield page
            after = last_id(page)
            if page.is_last or after is None:
                return
            following = {"after": after}

    def _ask_again(self, call: Callable[[], Any]) -> dict[str, Any]:
        """Make a call that costs nothing, until it is answered or has failed for too long."""
        return self._patience.ask(lambda: self._ask(call))

    def _ask(self, call: Callable[[], Any]) -> dict[str, Any]:
        """Make a call, and read its answer here: the SDK's models let anything through.

        Args:
            call: of the SDK, for its raw response.
        """
        try:
            response = call().http_response
        except Exception as error:
            raise self._understood(error) from None
        self._note_time(response.headers)
        try:
            answer = orjson.loads(self._scrubber.content(response.content))
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            kind = self._scrubber.text(response.headers.get("content-type", "no content type"))[:100]
            raise unreadable_answer(f"the service answered {response.status_code} with {kind}, not with JSON")
        return answer


def _path(file_id: str) -> str:
    """A file's path at the service.

    Files are asked for by path: `client.files` would import what the SDK knows of all its other endpoints,
    which takes as long as downloading 20,000 answers does.
    """
    return f"/files/{quote(file_id, safe='')}"
