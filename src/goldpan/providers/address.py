"""Where a service that speaks OpenAI's API is, whose key it takes, and what of both is never repeated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from goldpan.errors import ProviderError
from goldpan.providers.base import Rules, Surroundings
from goldpan.providers.keys import Keys
from goldpan.providers.patience import Patience
from goldpan.study.provider import NetworkSettings, Provider

# Read whether or not this provider is asked there: what is there may be echoed.
ADDRESS_VARIABLES = ("OPENAI_BASE_URL", "AZURE_API_BASE")
OPENAI_URL = "https://api.openai.com/v1"


def openai_address(settings: NetworkSettings, keys: Keys) -> tuple[str, str | None]:
    """Base URL and key.

    As for the SDK itself, OPENAI_BASE_URL is the default address of OpenAI. OPENAI_API_KEY goes to OpenAI and
    to that address, and to no other that a study names.

    Raises:
        ProviderError: a key is needed, and there is none or one that cannot be.
    """
    base_url = openai_url(settings, keys)
    if settings.api_key_env is None and settings.base_url is not None and not _is_openai(base_url):
        return base_url, None
    return base_url, api_key(keys, settings.api_key_env or "OPENAI_API_KEY")


def openai_url(settings: NetworkSettings, keys: Keys) -> str:
    """Where a service is that is OpenAI unless the study or a variable says otherwise."""
    return settings.base_url or keys.get("OPENAI_BASE_URL") or OPENAI_URL


def openai_rules(settings: NetworkSettings, keys: Keys) -> Rules:
    """Whose rules hold at the address of a service that speaks OpenAI's API."""
    url = openai_url(settings, keys)
    if (urlsplit(url).hostname or "").endswith((".openai.azure.com", ".services.ai.azure.com")):
        return "azure"
    return "openai" if _is_openai(url) else "other"


def api_key(keys: Keys, variable: str) -> str:
    """The key that a variable holds.

    Raises:
        ProviderError: it holds none, or what cannot be one.
    """
    key = keys.require(variable, "the API key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ProviderError(
            f"the environment variable {variable} holds what cannot be an API key",
            remedy="look for spaces, line breaks and quotes in it",
        )
    return key


def service_at(service: str, url: str | None) -> str:
    """A service and its address, without password, as the ledger remembers it."""
    parts = urlsplit(url or "")
    return f"{service} {parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}".strip()


def calling_options(settings: NetworkSettings, surroundings: Surroundings) -> dict[str, Any]:
    """How long a provider is patient, and what it takes out of all that the service says."""
    secrets = known_secrets([settings, *surroundings.others], surroundings.keys)
    return {"patience": Patience(settings.patience_seconds), "secrets": secrets}


def known_secrets(providers: Iterable[NetworkSettings | Provider], keys: Keys) -> list[str | None]:
    """Keys that the environment holds, and passwords within addresses."""
    providers = list(providers)
    known: list[str | None] = [*keys.secrets(item.api_key_env for item in providers if item.api_key_env)]
    addresses = [provider.base_url for provider in providers]
    for address in [*addresses, *keys.values(ADDRESS_VARIABLES)]:
        password = urlsplit(address or "").password
        known += [password, unquote(password or "")]
    return known


def _is_openai(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host == "api.openai.com" or host.endswith(".api.openai.com")
