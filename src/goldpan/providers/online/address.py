"""Where the requests of a provider go when they are not put into a batch."""

from __future__ import annotations

from dataclasses import dataclass

from goldpan.errors import StudyError
from goldpan.providers.address import calling_options, openai_address
from goldpan.providers.base import Surroundings
from goldpan.providers.litellm import BATCH_SERVICES, base_address
from goldpan.providers.litellm_library import litellm_services
from goldpan.providers.online.http_transport import HttpTransport
from goldpan.providers.online.litellm_transport import LiteLLMTransport
from goldpan.providers.online.pace import PaceLimits
from goldpan.providers.online.transport import Transport
from goldpan.providers.scrubber import Scrubber
from goldpan.providers.service_credentials import ServiceCredentials, service_credentials
from goldpan.study.provider import LiteLLMSettings, NetworkSettings, Provider
from goldpan.study.stage import Stage
from goldpan.tasks.nearest import suggestion

DEFAULT_CONCURRENCY = 32
# Services that speak OpenAI's API: their requests go to them as they are.
_ITSELF = frozenset({"openai", "hosted_vllm"})
# Services that litellm asks, with a responses endpoint of their own.
_HAVE_RESPONSES = frozenset({"azure"})


@dataclass(frozen=True)
class Address:
    """Where requests go, and how.

    Attributes:
        base_url: of the service, with its version (`https://host/v1`); its name where litellm knows the rest.
        key: None where none is needed, or litellm has it.
        timeout: seconds for one call, from its beginning to the last byte of its answer.
        patience: seconds for which one request is repeated while the service fails.
        scrubber: takes keys out of all that comes back.
        limits: what is asked at once, and in a minute.
        credentials: of a service that litellm asks; None where it speaks OpenAI's API.
    """

    base_url: str
    key: str | None
    timeout: float
    patience: float
    scrubber: Scrubber
    limits: PaceLimits
    credentials: ServiceCredentials | None = None

    @property
    def url_shown(self) -> str:
        """The address without a password."""
        return self.scrubber.text(self.base_url)

    def url(self, endpoint: str) -> str:
        """Of an endpoint as batches name it: `/v1/chat/completions`."""
        return self.base_url.rstrip("/") + endpoint.removeprefix("/v1")

    def transport(self, endpoint: str) -> Transport:
        """What makes the calls to an endpoint."""
        if self.credentials is None:
            return HttpTransport(self.url(endpoint), self.key, self.scrubber)
        return LiteLLMTransport(self.credentials, endpoint, self.limits.at_once, self.scrubber)


def check_service(settings: Provider) -> None:
    """Check that a provider names a service that there is.

    Raises:
        StudyError: litellm knows none of that name.
    """
    service = _service(settings)
    if service not in _ITSELF | BATCH_SERVICES and service not in litellm_services():
        raise StudyError(
            f"litellm knows no service `{service}`; {suggestion(service, sorted(litellm_services()))}",
            where="providers",
            remedy="give `custom_llm_provider` as litellm calls it: https://docs.litellm.ai/docs/providers",
        )


def check_asked(settings: Provider, stage: Stage) -> None:
    """Check that a provider can be asked in the way that a stage asks.

    Args:
        stage: as its requests are made (`asked_stage`).

    Raises:
        StudyError: it has no such service, makes no batches, or has no such tier or endpoint.
    """
    check_service(settings)
    service = _service(settings)
    if service in _ITSELF:
        return
    if stage.mode == "batch":
        if service in BATCH_SERVICES:
            return
        what, remedy = "batches with", "ask the stage with `mode: online`"
    elif stage.tier is not None:
        what, remedy = "requests at a tier of", "leave `tier` out; flex is asked of OpenAI"
    elif stage.endpoint == "responses" and service not in _HAVE_RESPONSES:
        what, remedy = "requests to /v1/responses of", "ask the stage with `endpoint: chat`"
    else:
        return
    raise StudyError(
        f"goldpan makes no {what} `custom_llm_provider: {service}`", where="providers", remedy=remedy
    )


def online_address(settings: NetworkSettings, surroundings: Surroundings) -> Address:
    """Where the requests of a provider go that `check_service` passes.

    Raises:
        ProviderError: its key or its address is missing.
    """
    secrets = calling_options(settings, surroundings)["secrets"]
    credentials, key = None, None
    if _service(settings) not in _ITSELF:
        assert isinstance(settings, LiteLLMSettings)
        credentials = service_credentials(settings, surroundings.keys)
        base_url = credentials.options.get("api_base") or credentials.service
        secrets += credentials.secrets
    elif isinstance(settings, LiteLLMSettings):
        base_url, key = base_address(settings, surroundings.keys)
    else:
        base_url, key = openai_address(settings, surroundings.keys)
    assert base_url is not None, "only Vertex AI has no address, and litellm asks it"
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
        credentials=credentials,
    )


def _service(settings: Provider | NetworkSettings) -> str:
    return (isinstance(settings, LiteLLMSettings) and settings.custom_llm_provider) or "openai"
