"""litellm itself: imported where it is used, and silent; and what its files say without an import."""

from __future__ import annotations

import logging
import os
from functools import cache
from types import ModuleType

import orjson

from goldpan.errors import StudyError
from goldpan.providers.model_table import litellm_folder

_SERVICES_FILE = "provider_endpoints_support_backup.json"
_LOGGERS = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy")


def import_litellm() -> ModuleType:
    """litellm, which calls nobody by itself, logs nothing and reports to nobody.

    On import it would read a `.env` file of the working folder and fetch its price table.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    # What it logs of a failure may hold the whole request; what failed is told by its exception.
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return litellm


def check_can_ask_online(litellm: ModuleType) -> None:
    """Raise StudyError where this litellm lacks what is needed to ask its services one request at a time."""
    if not all(
        hasattr(litellm, name) for name in ("close_litellm_async_clients", "in_memory_llm_clients_cache")
    ):
        raise _too_old()


def _too_old() -> StudyError:
    return StudyError(
        "the installed litellm is too old to ask other services in `mode: online`",
        where="custom_llm_provider",
        remedy="pip install -U litellm",
    )


@cache
def litellm_services() -> frozenset[str]:
    """Names of the services that litellm knows, as `custom_llm_provider`. Raises StudyError: too old."""
    try:
        described = orjson.loads((litellm_folder() / _SERVICES_FILE).read_bytes())
    except FileNotFoundError:
        raise _too_old() from None
    # A name with a slash is a part of a service.
    return frozenset(name for name in described["providers"] if "/" not in name)
