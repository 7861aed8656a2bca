"""From a study's provider settings to a provider that can be called, with its key (see keys)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from goldpan.errors import ProviderError
from goldpan.providers.base import BatchProvider
from goldpan.providers.keys import Keys
from goldpan.providers.patience import Patience
from goldpan.study.model import Provider

# Read whether or not this provider is asked there: what is there may be echoed.
ADDRESS_VARIABLES = ("OPENAI_BASE_URL", "AZURE_API_BASE")
OPENAI_URL = "https://api.openai.com/v1"


def connect(
    provider: Provider, *, local_folder: Path, keys: Keys | None = None, others: Iterable[Provider] = ()
) -> BatchProvider:
    """Make the provider that the settings describe; nothing is called yet.

    Args:
        provider: settings as they stand in the study.
        local_folder: where the local engine keeps its state.
        keys: where to look for keys and addresses; default the environment alone.
        others: the study's other providers, whose keys are taken out of what this one says, too.

    Raises:
        ProviderError: the key or the address of the service is missing.
    """
    if provider.kind == "local":
        from goldpan.providers.local import LocalProvider

        return LocalProvider(local_folder)
    if provider.kind == "replay":
        from goldpan.providers.replay import ReplayProvider

        return ReplayProvider()
    keys = keys or Keys(None)
    options: dict[str, Any] = {
        "patience": Patience(provider.patience_seconds),
        "secrets": _secrets([provider, *others], keys),
    }
    if provider.kind == "openai":
        from goldpan.providers.openai import OpenAIProvider

        return OpenAIProvider(*_openai_address(provider, keys), provider.timeout_seconds, **options)

    return _litellm(provider, keys, options)


def service_of(provider: Provider, keys: Keys) -> str:
    """Who is asked, as the ledger remembers it: kind and address of the service, without key or password.

    Two providers of one service know each other's batches.
    """
    if provider.kind in ("local", "replay"):
        return f"{provider.kind} {provider.folder or ''}".strip()
    url = urlsplit(_address(provider, keys) or "")
    return f"{_kind_of_service(provider)} {url.netloc.rpartition('@')[2]}{url.path.rstrip('/')}".strip()


def _kind_of_service(provider: Provider) -> str:
    return (provider.kind == "litellm" and provider.custom_llm_provider) or "openai"


def _address(provider: Provider, keys: Keys) -> str | None:
    """Where the service is: as the study says, or else a variable. As for the SDK itself, OPENAI_BASE_URL is
    the default address of OpenAI."""
    if provider.base_url or provider.kind in ("local", "replay"):
        return provider.base_url
    service = _kind_of_service(provider)
    if service == "openai":
        return keys.get("OPENAI_BASE_URL") or OPENAI_URL
    return keys.get("AZURE_API_BASE") if service == "azure" else None


def _secrets(providers: list[Provider], keys: Keys) -> list[str | None]:
    """Keys that the environment holds, and passwords within addresses."""
    known: list[str | None] = [*keys.secrets(item.api_key_env for item in providers if item.api_key_env)]
    addresses = [provider.base_url for provider in providers]
    for address in [*addresses, *keys.values(ADDRESS_VARIABLES)]:
        password = urlsplit(address or "").password
        known += [password, unquote(password or "")]
    return known


def _litellm(provider: Provider, keys: Keys, options: dict[str, Any]) -> BatchProvider:
    from goldpan.providers.litellm import LiteLLMProvider

    service = provider.custom_llm_provider or "openai"
    base_url: str | None = provider.base_url
    api_key: str | None = None
    if service == "openai":
        base_url, api_key = _openai_address(provider, keys)
    elif service == "azure":
        base_url = base_url or keys.require("AZURE_API_BASE", "the address of the Azure resource")
        api_key = _key(keys, provider.api_key_env or "AZURE_API_KEY")
    elif provider.api_key_env:
        api_key = _key(keys, provider.api_key_env)
    if service == "hosted_vllm" and base_url is None:
        # litellm would send the requests to OpenAI.
        raise ProviderError(
            "`custom_llm_provider: hosted_vllm` needs a `base_url`",
            remedy="give the address of the server, e.g. `base_url: http://127.0.0.1:8000/v1`",
        )
    return LiteLLMProvider(service, base_url, api_key, provider.timeout_seconds, **options)


def _openai_address(provider: Provider, keys: Keys) -> tuple[str, str | None]:
    """Base URL and key.

    OPENAI_API_KEY goes to OpenAI and to the address of OPENAI_BASE_URL, and to no other that a study names.
    """
    base_url = _address(provider, keys) or OPENAI_URL
    if provider.api_key_env is None and provider.base_url is not None and not _is_openai(base_url):
        return base_url, None
    return base_url, _key(keys, provider.api_key_env or "OPENAI_API_KEY")


def _is_openai(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def _key(keys: Keys, variable: str) -> str:
    key = keys.require(variable, "the API key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ProviderError(
            f"the environment variable {variable} holds what cannot be an API key",
            remedy="look for spaces, line breaks and quotes in it",
        )
    return key
