"""Settings of a provider, of whatever kind they name."""

from __future__ import annotations

from typing import Any

from goldpan.study.provider import PROVIDER_MODELS, Provider


def provider_settings(**keys: Any) -> Provider:
    """As they would stand under `providers` of a study."""
    return PROVIDER_MODELS[keys["kind"]].model_validate(keys)
