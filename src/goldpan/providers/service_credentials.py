"""What litellm is told of a service, so that it can ask it: its address, and its key or other credentials."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

from goldpan.errors import ProviderError
from goldpan.providers.address import api_key
from goldpan.providers.keys import Keys
from goldpan.providers.openai import NO_KEY
from goldpan.study.provider import LiteLLMSettings

# Where the variable is not `{SERVICE}_API_KEY`: the first that is set counts.
_KEY_VARIABLES = {
    "ai21_chat": ("AI21_API_KEY",),
    "anthropic_text": ("ANTHROPIC_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "fireworks_ai": ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "huggingface": ("HUGGINGFACE_API_KEY", "HF_TOKEN"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "replicate": ("REPLICATE_API_KEY", "REPLICATE_API_TOKEN"),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY"),
}
_AWS = {
    "aws_access_key_id": "AWS_ACCESS_KEY_ID",
    "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "aws_session_token": "AWS_SESSION_TOKEN",
    "aws_region_name": "AWS_REGION_NAME",
}
_VERTEX = {
    "vertex_project": "VERTEXAI_PROJECT",
    "vertex_location": "VERTEXAI_LOCATION",
    "vertex_credentials": "VERTEXAI_CREDENTIALS",
}
# What litellm takes beside a key, and the variables that hold it.
_OTHER_VARIABLES = {
    "azure": {"api_version": "AZURE_API_VERSION"},
    "azure_ai": {"api_base": "AZURE_AI_API_BASE"},
    "bedrock": _AWS,
    "sagemaker": _AWS,
    "sagemaker_chat": _AWS,
    "vertex_ai": _VERTEX,
}
# They have no key, or litellm finds what they want instead in variables of their own.
_WITHOUT_KEY = frozenset(
    {
        "bedrock", "bedrock_mantle", "chatgpt", "cloudflare", "databricks", "docker_model_runner",
        "gigachat", "github_copilot", "lemonade", "llamafile", "lm_studio", "oci", "ollama", "ollama_chat",
        "oobabooga", "sagemaker", "sagemaker_chat", "sap", "snowflake", "triton", "vertex_ai", "watsonx",
        "watsonx_text", "xinference",
    }
)  # fmt: skip
_SECRET_NAME = re.compile(r".*(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)", re.IGNORECASE)


@dataclass(frozen=True)
class ServiceCredentials:
    """How litellm reaches a service.

    Attributes:
        service: as litellm calls it.
        options: arguments of each call: `api_base`, `api_key` and what else the service wants.
        secrets: what is to be taken out of all that comes back.
    """

    service: str
    options: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def service_credentials(settings: LiteLLMSettings, keys: Keys) -> ServiceCredentials:
    """Address and credentials of a service behind litellm.

    Raises:
        ProviderError: the service wants a key, and there is none.
    """
    service = settings.custom_llm_provider or "openai"
    variables = _OTHER_VARIABLES.get(service, {})
    options: dict[str, Any] = {option: keys.get(name) for option, name in variables.items()}
    base_url = settings.base_url or options.get("api_base")
    if service == "azure":
        base_url = base_url or keys.require("AZURE_API_BASE", "the address of the Azure resource")
    options.update(api_base=base_url, api_key=_key(settings, service, keys))
    told = [value for option, value in options.items() if _SECRET_NAME.fullmatch(option) and value]
    # litellm looks for some by itself.
    others = secrets_of_environment(keys)
    return ServiceCredentials(
        service, {name: value for name, value in options.items() if value is not None}, (*told, *others)
    )


def secrets_of_environment(keys: Keys) -> list[str]:
    """What the variables hold that are called like a secret, and those of the services that litellm knows."""
    known = (name for names in _KEY_VARIABLES.values() for name in names)
    return keys.values({*known, *(name for name in os.environ if _SECRET_NAME.fullmatch(name))})


def _key(settings: LiteLLMSettings, service: str, keys: Keys) -> str | None:
    if settings.api_key_env is not None:
        return api_key(keys, settings.api_key_env)
    names = _KEY_VARIABLES.get(service, (f"{service.upper().replace('-', '_')}_API_KEY",))
    name = next((name for name in names if keys.get(name)), None)
    if name is not None:
        return api_key(keys, name)
    if service in _WITHOUT_KEY:
        return None
    if settings.base_url is not None and service != "azure":
        # A server of one's own. Without any, litellm would take a key that is meant for somebody else.
        return NO_KEY
    try:
        return api_key(keys, names[0])
    except ProviderError as error:
        error.remedy = f"{error.remedy}; if it is in another variable, name that as `api_key_env`"
        raise
