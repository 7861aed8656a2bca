"""Where the requests of a provider go when they are not put into a batch."""

from __future__ import annotations

from dataclasses import dataclass

from goldpan.errors import StudyError
from goldpan.providers.address import calling_options, openai_address
from goldpan.providers.base import Surroundings
from goldpan.providers.litellm import base_address
from goldpan.providers.online.pace import PaceLimits
from goldpan.providers.scrubber import Scrubber
from goldpan.study.provider import LiteLLMSettings, NetworkSettings, Provider

DEFAULT_CONCURRENCY = 32


@dataclass(frozen=True)
class Address:
    """Where requests go, and how.

    Attributes:
        base_url: of the service, with its version (`https://host/v1`).
        key: None where none is needed.
        timeout: seconds for one call, from its beginning to the last byte of its answer.
        patience: seconds for which one request is repeated while the service fails.
        scrubber: takes keys out of all that comes back.
        limits: what is asked at once, and in a minute.
    """

    base_url: str
    key: str | None
    timeout: float
    patience: float
    scrubber: Scrubber
    limits: PaceLimits

    @property
    def url_shown(self) -> str:
        """The address without a password."""
        return self.scrubber.text(self.base_url)

    def url(self, endpoint: str) -> str:
        """Of an endpoint as batches name it: `/v1/chat/completions`."""
        return self.base_url.rstrip("/") + endpoint.removeprefix("/v1")


def check_online(settings: Provider) -> None:
    """Check that a provider can be asked online.

    Raises:
        StudyError: it does not speak OpenAI's API, so goldpan does not know how to ask it.
    """
    service = settings.custom_llm_provider if isinstance(settings, LiteLLMSettings) else None
    if service in ("azure", "vertex_ai"):
        raise StudyError(
            f"`mode: online` does not ask `custom_llm_provider: {service}`",
            where="providers",
            remedy="leave `mode` out; or name an address of it that speaks OpenAI's API, with `kind: openai`"
            " and `base_url`",
        )


def online_address(settings: NetworkSettings, surroundings: Surroundings) -> Address:
    """Where the requests of a provider that `check_online` passes go.

    Raises:
        ProviderError: its key or its address is missing.
    """
    if isinstance(settings, LiteLLMSettings):
        base_url, key = base_address(settings, surroundings.keys)
    else:
        base_url, key = openai_address(settings, surroundings.keys)
    assert base_url is not None, "every service but Vertex AI has an address"
    secrets = calling_options(settings, surroundings)["secrets"]
    return Address(
        base_url=base_url,
        key=key,
        timeout=settings.timeout_seconds,
        patience=settings.patience_seconds,
        scrubber=Scrubber([key, *secrets]),
        limits=PaceLimits(
            settings.concurrency or DEFAULT_CONCURRENCY,
            settings.requests_per_minute,
            settings.tokens_per_minute,
        ),
    )
