"""litellm itself: imported where it is used, and silent; and what its files say without an import."""

from __future__ import annotations

import logging
import os
from functools import cache
from types import ModuleType

import orjson

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


@cache
def litellm_services() -> frozenset[str]:
    """Names of the services that litellm knows, as `custom_llm_provider`."""
    described = orjson.loads((litellm_folder() / _SERVICES_FILE).read_bytes())
    # A name with a slash is a part of a service.
    return frozenset(name for name in described["providers"] if "/" not in name)
