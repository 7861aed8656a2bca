"""A tier of a service at which requests cost less, and for which it sometimes has no room.

"No room" is said with status 429, as a rate limit is, but is none: it says nothing of how fast may be asked,
and costs nothing. (https://developers.openai.com/api/docs/guides/flex-processing)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from goldpan.errors import ProviderError
from goldpan.study.stage import Stage


@dataclass(frozen=True)
class AskedTier:
    """At which tier requests are asked, and what is done while there is no room.

    Attributes:
        name: as requests name it.
        fallback: what becomes of requests for which there was no room for so long.
        patience: seconds for which room is waited for; None for as long as one request is repeated else.
        timeout: seconds for one call.
    """

    name: str
    fallback: Literal["wait", "standard", "batch"]
    patience: float | None
    timeout: float


def tier_of(stage: Stage) -> AskedTier | None:
    """At which tier a stage's requests are asked online; None for the service's ordinary one."""
    name, flex = stage.asked_tier, stage.flex
    if name is None:
        return None
    return AskedTier(name, flex.fallback, flex.patience_seconds, flex.timeout_seconds)


def tier_lacks_room(error: ProviderError) -> bool:
    """Whether a refusal says that the tier has no room, and is no rate limit."""
    plain = f"{error.code} {error.what}".lower().replace("_", "").replace(" ", "")
    return error.status == 429 and "resourceunavailable" in plain
