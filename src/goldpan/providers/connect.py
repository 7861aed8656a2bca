"""From a study's provider settings to whom they mean, and to a provider that can be called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from goldpan.providers.base import BatchProvider, Rules, Surroundings
from goldpan.providers.keys import Keys
from goldpan.study.load import Project
from goldpan.study.provider import LocalSettings, NetworkSettings, OwnModelSettings, Provider
from goldpan.study.stage import Mode


def _openai() -> type[BatchProvider]:
    from goldpan.providers.openai import OpenAIProvider

    return OpenAIProvider


def _litellm() -> type[BatchProvider]:
    from goldpan.providers.litellm import LiteLLMProvider

    return LiteLLMProvider


def _local() -> type[BatchProvider]:
    from goldpan.providers.local import LocalProvider

    return LocalProvider


def _transformers() -> type[BatchProvider]:
    from goldpan.providers.own_model.provider import TransformersProvider

    return TransformersProvider


def _vllm() -> type[BatchProvider]:
    from goldpan.providers.own_model.provider import VllmProvider

    return VllmProvider


def _replay() -> type[BatchProvider]:
    from goldpan.providers.replay import ReplayProvider

    return ReplayProvider


PROVIDERS: dict[str, Callable[[], type[BatchProvider]]] = {
    "openai": _openai,
    "litellm": _litellm,
    "local": _local,
    "transformers": _transformers,
    "vllm": _vllm,
    "replay": _replay,
}
"""kind -> whom a study means by it; only who is meant is imported, for it takes long."""


def provider_class(settings: Provider) -> type[BatchProvider]:
    """Whom settings mean; its attributes say what it can do."""
    return PROVIDERS[settings.kind]()


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
        from goldpan.providers.replay import ReplayProvider

        return ReplayProvider()
    settings, others = project.study.providers[name], tuple(project.study.providers.values())
    keys = Keys(project.root)
    surroundings = Surroundings(project.root, project.ledger.parent, keys, others)
    if not isinstance(settings, NetworkSettings):
        return connect(settings, surroundings)
    from goldpan.providers.online import OnlineProvider
    from goldpan.providers.online.address import check_service, online_address

    check_service(settings)
    provider = connect(settings, surroundings)
    address = online_address(settings, surroundings) if mode == "online" else None
    return OnlineProvider(provider, surroundings.state / "online", mode, address)


def engine_folders(project: Project, name: str) -> list[Path]:
    """The folders of the engines of our own that a provider of the study has left files in."""
    settings, state = project.study.providers[name], project.ledger.parent
    folder = state / "online"
    if isinstance(settings, OwnModelSettings):
        from goldpan.providers.own_model.provider import engines_folder

        folder = engines_folder(settings, project.root, state)
    elif isinstance(settings, LocalSettings):
        folder = project.root / settings.folder if settings.folder else state / "local"
    return [folder] if folder.exists() else []


def service_of(settings: Provider, keys: Keys) -> str:
    """Who is asked, as the ledger remembers it; see `BatchProvider.service`."""
    return provider_class(settings).service(settings, keys)


def rules_of(settings: Provider | None, keys: Keys | None = None) -> Rules:
    """Whose rules hold where a provider sends requests; where none is named, those of OpenAI."""
    return "openai" if settings is None else provider_class(settings).rules(settings, keys or Keys(None))
