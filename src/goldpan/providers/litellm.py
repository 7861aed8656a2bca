"""litellm, for the batch services behind it: OpenAI, Azure, Vertex AI, hosted vLLM, and litellm's own proxy.

What is true of litellm 1.106 and decides how it is called here:

- Only the asynchronous `aretrieve_batch` downloads a finished batch's results to reckon its cost, at every
  poll; the synchronous calls used here do not.
- For Azure, the SDK client is cached without regard to `max_retries`, so a client that an earlier call made
  would repeat the paid call. The cache is emptied before `create`.
- For Azure, `max_retries` does not reach every call, so litellm's client repeats some as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from goldpan.errors import ProviderError
from goldpan.providers.address import (
    api_key,
    calling_options,
    openai_address,
    openai_rules,
    openai_url,
    service_at,
)
from goldpan.providers.base import (
    Batch,
    BatchProvider,
    Rules,
    StoredFile,
    Surroundings,
    batch_from_dict,
    stored_file_from_dict,
)
from goldpan.providers.download import FileResponse, download_whole, range_headers, reading
from goldpan.providers.keys import Keys
from goldpan.providers.litellm_library import import_litellm
from goldpan.providers.no_batches import NoBatches
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
from goldpan.providers.uploads import is_upload, stored_size, wait_until_processed
from goldpan.study.provider import LiteLLMSettings

# What was gathered for a chunk is lost when a read breaks off.
_CHUNK = 1 << 14
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class _Traits:
    """What is true of a service as litellm calls it.

    Attributes:
        url: where it is, as far as study and environment say.
        address: base URL and key. Raises ProviderError where one of them is missing.
        rules: whose rules hold for requests.
        takes_key: without one litellm would take OPENAI_API_KEY, whoever the service is.
        processes_files: a batch can be made of an uploaded file only after a while.
        has_list: its files and batches can be listed, and its batches keep their metadata.
        streams: a download need not fit into memory.
    """

    url: Callable[[LiteLLMSettings, Keys], str | None]
    address: Callable[[LiteLLMSettings, Keys], tuple[str | None, str | None]]
    rules: Callable[[LiteLLMSettings, Keys], Rules] = lambda settings, keys: "other"
    takes_key: bool = True
    processes_files: bool = True
    has_list: bool = True
    streams: bool = False


def _study_url(settings: LiteLLMSettings, keys: Keys) -> str | None:
    return settings.base_url


def _study_address(settings: LiteLLMSettings, keys: Keys) -> tuple[str | None, str | None]:
    return settings.base_url, api_key(keys, settings.api_key_env) if settings.api_key_env else None


def _azure_url(settings: LiteLLMSettings, keys: Keys) -> str | None:
    return settings.base_url or keys.get("AZURE_API_BASE")


def _azure_address(settings: LiteLLMSettings, keys: Keys) -> tuple[str | None, str | None]:
    base_url = settings.base_url or keys.require("AZURE_API_BASE", "the address of the Azure resource")
    return base_url, api_key(keys, settings.api_key_env or "AZURE_API_KEY")


def _vllm_address(settings: LiteLLMSettings, keys: Keys) -> tuple[str | None, str | None]:
    if settings.base_url is None:
        # litellm would send the requests to OpenAI.
        raise ProviderError(
            "`custom_llm_provider: hosted_vllm` needs a `base_url`",
            remedy="give the address of the server, e.g. `base_url: http://127.0.0.1:8000/v1`",
        )
    return _study_address(settings, keys)


_SERVICES = {
    "openai": _Traits(openai_url, openai_address, openai_rules, streams=True),
    "azure": _Traits(_azure_url, _azure_address, lambda settings, keys: "azure"),
    "vertex_ai": _Traits(_study_url, _study_address, takes_key=False, processes_files=False, has_list=False),
    "hosted_vllm": _Traits(_study_url, _vllm_address, streams=True),
}


# Of a service that is asked online only, no more is known.
_OTHER = _Traits(_study_url, _study_address)
BATCH_SERVICES = frozenset(_SERVICES)
"""Those of which goldpan makes batches."""


def base_address(settings: LiteLLMSettings, keys: Keys) -> tuple[str | None, str | None]:
    """Base URL and key of one of `BATCH_SERVICES`, where it is known.

    Raises:
        ProviderError: one of them is needed and missing.
    """
    return _SERVICES[settings.custom_llm_provider or "openai"].address(settings, keys)


class LiteLLMProvider(BatchProvider):
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
        custom_llm_provider: str,
        base_url: str | None,
        api_key: str | None,
        timeout: float = 600.0,
        *,
        patience: Patience | None = None,
        secrets: Iterable[str | None] = (),
    ):
        self._traits = _SERVICES[custom_llm_provider]
        self._patience = patience or Patience()
        self._scrubber = Scrubber([api_key, *secrets])
        self._target: dict[str, Any] = {
            "custom_llm_provider": custom_llm_provider,
            "api_base": base_url,
            "api_key": api_key or (NO_KEY if self._traits.takes_key else None),
            "timeout": timeout,
            "max_retries": 0,
        }

    @classmethod
    def connected(cls, settings: LiteLLMSettings, surroundings: Surroundings) -> BatchProvider:
        """As for any provider; one that has no batches where goldpan makes none of the service."""
        service = settings.custom_llm_provider or "openai"
        if service not in BATCH_SERVICES:
            return NoBatches(cls.kind, service)
        address = base_address(settings, surroundings.keys)
        return cls(service, *address, settings.timeout_seconds, **calling_options(settings, surroundings))

    @classmethod
    def service(cls, settings: LiteLLMSettings, keys: Keys) -> str:
        """The service behind litellm, as if it were asked without it."""
        service = settings.custom_llm_provider or "openai"
        return service_at(service, _SERVICES.get(service, _OTHER).url(settings, keys))

    @classmethod
    def rules(cls, settings: LiteLLMSettings, keys: Keys) -> Rules:
        """Those of the service behind litellm."""
        return _SERVICES.get(settings.custom_llm_provider or "openai", _OTHER).rules(settings, keys)

    @cached_property
    def _litellm(self) -> ModuleType:
        return import_litellm()

    def upload(self, path: Path, name: str) -> StoredFile:
        """Upload a request file under `name`, and give the service a moment to process it."""

        def send() -> Any:
            with path.open("rb") as handle:
                return self._litellm.create_file(
                    file=(name, handle, "application/jsonl"), purpose="batch", **self._target
                )

        described = self._read(self._ask_again(send))
        if self._traits.processes_files:
            return wait_until_processed(described, self._described)
        return stored_file_from_dict(described)

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """The newest file uploaded under `name` with `size` bytes, among the first the service lists.

        Also None where the service does not list its files, as Vertex AI.
        """
        if not self._traits.has_list:
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
        if not self._traits.has_list:
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
        open_at = self._content if self._traits.streams else self._content_in_memory
        return download_whole(
            partial(open_at, file_id),
            destination,
            expected=stored_size(self._described, file_id),
            name=f"file {file_id}",
            patience=self._patience,
            scrubber=self._scrubber,
        )

    @contextmanager
    def _content(self, file_id: str, start: int) -> Iterator[FileResponse]:
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
    def _content_in_memory(self, file_id: str, start: int) -> Iterator[FileResponse]:
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
