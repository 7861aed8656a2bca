"""litellm, for the batch services behind it: OpenAI, Azure, Vertex AI, hosted vLLM, and litellm's own proxy.

What is true of litellm 1.106 and decides how it is called here:

- Only the asynchronous `aretrieve_batch` downloads a finished batch's results to reckon its cost, at every
  poll; the synchronous calls used here do not.
- For Azure, the SDK client is cached without regard to `max_retries`, so a client that an earlier call made
  would repeat the paid call. The cache is emptied before `create`.
- For Azure, `max_retries` does not reach every call, so litellm's client repeats some as well.
- On import it reads a `.env` file of the working folder and fetches its price table, unless told not to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeVar

from goldpan.errors import ProviderError
from goldpan.providers.base import Batch, StoredFile, batch_from_dict, stored_file_from_dict
from goldpan.providers.download import Reading, download_whole, range_headers, reading
from goldpan.providers.openai import NO_KEY, UPLOAD_PAGES
from goldpan.providers.paging import PAGE_SIZE, Page, listed
from goldpan.providers.patience import Patience
from goldpan.providers.scrubber import Scrubber
from goldpan.providers.service_errors import (
    NOT_OFFERED,
    headers_of,
    server_time,
    service_error,
    unreadable_answer,
)
from goldpan.providers.uploads import is_upload, wait_until_processed

Service = Literal["openai", "azure", "vertex_ai", "hosted_vllm"]
# What was gathered for a chunk is lost when a read breaks off.
_CHUNK = 1 << 14
_Answer = TypeVar("_Answer")


class LiteLLMProvider:
    """`BatchProvider` over litellm's synchronous calls.

    Azure: files are downloaded into memory; the API version comes from AZURE_API_VERSION.

    Vertex AI is written by litellm's code alone and was never run against the service. What that code says:
    credentials, project, region and bucket come from litellm's own variables (VERTEXAI_CREDENTIALS,
    VERTEXAI_PROJECT, VERTEXAI_LOCATION, GCS_BUCKET_NAME); request files are rewritten for Gemini in memory;
    batches keep no metadata and carry a random name, so a batch whose answer was lost cannot be recognised.
    `batches` therefore refuses there, and a submission in doubt stops for a person to look.

    `server_time` is known from refusals and downloads alone: litellm passes on no headers of other answers.

    Args:
        custom_llm_provider: the service, as litellm calls it.
        base_url: where the service or a proxy is; None for litellm's default.
        api_key: None where none is needed. It is in no error and no answer.
        timeout: limit of one call, in seconds.
        patience: how long a call that costs nothing is repeated.
        secrets: what else is taken out of all that the service says.
    """

    kind = "litellm"

    def __init__(
        self,
        custom_llm_provider: Service,
        base_url: str | None,
        api_key: str | None,
        timeout: float = 600.0,
        *,
        patience: Patience | None = None,
        secrets: Iterable[str | None] = (),
    ):
        self._service = custom_llm_provider
        self._patience = patience or Patience()
        self._scrubber = Scrubber([api_key, *secrets])
        self.server_time: float | None = None
        self._target: dict[str, Any] = {
            "custom_llm_provider": custom_llm_provider,
            "api_base": base_url,
            # Without a key litellm would take OPENAI_API_KEY, whoever the service is.
            "api_key": api_key or (None if custom_llm_provider == "vertex_ai" else NO_KEY),
            "timeout": timeout,
            "max_retries": 0,
        }

    @cached_property
    def _litellm(self) -> ModuleType:
        return _import_litellm()

    def upload(self, path: Path, name: str) -> StoredFile:
        """Upload a request file under `name`, and give the service a moment to process it."""

        def send() -> Any:
            with path.open("rb") as handle:
                return self._litellm.create_file(
                    file=(name, handle, "application/jsonl"), purpose="batch", **self._target
                )

        described = self._read(self._ask_again(send))
        if self._service == "vertex_ai":
            # It is in its bucket, and nothing processes it.
            return stored_file_from_dict(described)
        return wait_until_processed(described, self._described)

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """The newest file uploaded under `name` with `size` bytes, among the first the service lists.

        Also None where the service does not list its files, as Vertex AI.
        """
        if self._service == "vertex_ai":
            return None
        try:
            page = self._ask_again(partial(self._litellm.file_list, purpose="batch", **self._target))
        except ProviderError as error:
            if error.status not in NOT_OFFERED:
                raise
            return None
        files = [self._read(item) for item in (page.data or [])[: UPLOAD_PAGES * PAGE_SIZE]]
        same = [item for item in files if is_upload(item, name, size)]
        if not same:
            return None
        newest = max(same, key=lambda item: item.get("created_at") or 0)
        return wait_until_processed(newest, self._described)

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Create the batch, with one request and never a second.

        Raises:
            ProviderError: with `in_doubt` where no answer came that can be understood.
        """
        # See the module's docstring: a cached client may have retries.
        self._litellm.in_memory_llm_clients_cache.flush_cache()
        answer = self._ask(
            partial(
                self._litellm.create_batch,
                completion_window="24h",
                endpoint=endpoint,
                input_file_id=file_id,
                metadata=metadata,
                **self._target,
            )
        )
        try:
            return batch_from_dict(self._read(answer))
        except ProviderError as error:
            raise unreadable_answer(error.what) from None

    def retrieve(self, batch_id: str) -> Batch:
        """The present state of a batch. A batch just made may not be found yet, so 404 is `retryable`."""
        call = partial(self._litellm.retrieve_batch, batch_id=batch_id, **self._target)
        try:
            return batch_from_dict(self._read(self._ask_again(call)))
        except ProviderError as error:
            error.retryable = error.retryable or error.status == 404
            raise

    def batches(self) -> Iterator[Batch]:
        """All batches of the account in the service's order; see `listed`.

        Raises:
            ProviderError: always for Vertex AI, see the class.
        """
        if self._service == "vertex_ai":
            raise ProviderError(
                "litellm keeps no metadata with a batch of Vertex AI, so none can be recognised",
                remedy="look for the batch in the Google Cloud console, by its input file",
            )
        return listed(self._pages())

    def cancel(self, batch_id: str) -> Batch:
        """Ask for a batch to be cancelled."""
        call = partial(self._litellm.cancel_batch, batch_id=batch_id, **self._target)
        return batch_from_dict(self._read(self._ask_again(call)))

    def download(self, file_id: str, destination: Path) -> bool:
        """Write a file to `destination`, reading on or again until it is whole (see `download_whole`)."""
        open_at = self._content if self._service in ("openai", "hosted_vllm") else self._content_in_memory
        return download_whole(
            partial(open_at, file_id),
            destination,
            expected=self._size(file_id),
            name=f"file {file_id}",
            patience=self._patience,
            scrubber=self._scrubber,
        )

    @contextmanager
    def _content(self, file_id: str, start: int) -> Iterator[Reading]:
        result = self._ask(
            partial(
                self._litellm.file_content,
                file_id=file_id,
                stream=True,
                chunk_size=_CHUNK,
                extra_headers=range_headers(start),
                **self._target,
            )
        )
        self._note_time(result.headers)
        yield reading(result.headers, self._translated(result.stream_iterator))

    @contextmanager
    def _content_in_memory(self, file_id: str, start: int) -> Iterator[Reading]:
        call = partial(
            self._litellm.file_content, file_id=file_id, extra_headers=range_headers(start), **self._target
        )
        response = self._ask(call).response
        self._note_time(response.headers)
        yield reading(response.headers, [response.content])

    def _translated(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from chunks
        except Exception as error:
            raise service_error(error, self._scrubber) from None

    def _note_time(self, headers: Mapping[str, str]) -> None:
        self.server_time = server_time(headers) or self.server_time

    def _size(self, file_id: str) -> int | None:
        """Bytes of a file according to the service, where it says."""
        try:
            return self._described(file_id).get("bytes") or None
        except ProviderError as error:
            if error.retryable:
                raise
            return None

    def _described(self, file_id: str) -> dict[str, Any]:
        return self._read(self._ask_again(partial(self._litellm.file_retrieve, file_id, **self._target)))

    def _pages(self) -> Iterator[Page]:
        page = self._ask_again(partial(self._litellm.list_batches, limit=PAGE_SIZE, **self._target))
        while True:
            yield Page([self._read(item) for item in page.data or []], page.has_more)
            if not page.has_next_page():
                return
            page = self._ask_again(page.get_next_page)

    def _ask_again(self, call: Callable[[], _Answer]) -> _Answer:
        """Make a call that costs nothing, until it is answered or has failed for too long."""
        return self._patience.ask(lambda: self._ask(call))

    def _read(self, answer: Any) -> dict[str, Any]:
        """An answer of litellm as the service gave it, without keys."""
        return self._scrubber.value(answer.model_dump())

    def _ask(self, call: Callable[[], _Answer]) -> _Answer:
        try:
            return call()
        except Exception as error:
            # litellm raises whatever its services' code runs into, of no common kind.
            self._note_time(headers_of(error))
            raise service_error(error, self._scrubber) from None


def _import_litellm() -> ModuleType:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    return litellm
