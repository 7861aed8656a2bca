"""From a study's provider settings to whom they mean, and to a provider that can be called."""

from __future__ import annotations

from goldpan.providers.base import BatchProvider, Rules, Surroundings
from goldpan.providers.keys import Keys
from goldpan.providers.litellm import LiteLLMProvider
from goldpan.providers.local import LocalProvider
from goldpan.providers.online import OnlineProvider
from goldpan.providers.online.address import check_service, online_address
from goldpan.providers.openai import OpenAIProvider
from goldpan.providers.replay import ReplayProvider
from goldpan.study.load import Project
from goldpan.study.provider import NetworkSettings, Provider
from goldpan.study.stage import Mode

PROVIDERS: dict[str, type[BatchProvider]] = {
    provider.kind: provider for provider in (OpenAIProvider, LiteLLMProvider, LocalProvider, ReplayProvider)
}
"""kind -> whom a study means by it."""


def provider_class(settings: Provider) -> type[BatchProvider]:
    """Whom settings mean; its attributes say what it can do."""
    return PROVIDERS[settings.kind]


def connect(settings: Provider, surroundings: Surroundings) -> BatchProvider:
    """The provider that settings describe, as `BatchProvider.connected`."""
    return provider_class(settings).connected(settings, surroundings)


def connect_to(project: Project, name: str, mode: Mode = "batch") -> BatchProvider:
    """The provider that the study has under a name, with its key from the environment or `.env`.

    A service comes with what was asked of it online, whatever the mode. In a project that replays, it is the
    one that refuses every call.

    Args:
        mode: how new requests are asked; of a service only, others have no batches that take a day.

    Raises:
        StudyError: litellm knows no such service.
        ProviderError: the key or the address of the service is missing.
    """
    if project.replays:
        return ReplayProvider()
    settings, others = project.study.providers[name], tuple(project.study.providers.values())
    keys = Keys(project.root)
    surroundings = Surroundings(project.root, project.ledger.parent, keys, others)
    check_service(settings)
    provider = connect(settings, surroundings)
    if not isinstance(settings, NetworkSettings):
        return provider
    address = online_address(settings, surroundings) if mode == "online" else None
    return OnlineProvider(provider, surroundings.state / "online", mode, address)


def service_of(settings: Provider, keys: Keys) -> str:
    """Who is asked, as the ledger remembers it; see `BatchProvider.service`."""
    return provider_class(settings).service(settings, keys)


def rules_of(settings: Provider | None, keys: Keys | None = None) -> Rules:
    """Whose rules hold where a provider sends requests; where none is named, those of OpenAI."""
    return "openai" if settings is None else provider_class(settings).rules(settings, keys or Keys(None))
