"""What a service's prompt cache may save: requests that begin alike, one soon after the other.

A request's shared part comes first: model, parameters, schema or tools, the system prompt, and of the user's
prompt what stands before the first thing that is a record's own. Services look for whole steps of tokens from
the beginning on; here those of OpenAI are reckoned with, which others follow or are finer than
(https://developers.openai.com/api/docs/guides/prompt-caching).
"""

from __future__ import annotations

from collections.abc import Sequence

# Tokens from which on a prompt is looked for in the cache, and in which steps.
LEAST_TOKENS, STEP_TOKENS = 1_024, 128


def cached_tokens(shared: float) -> int:
    """How many of the first tokens of a prompt, which the one before it began with, come from the cache."""
    return 0 if shared < LEAST_TOKENS else int(shared) // STEP_TOKENS * STEP_TOKENS


class CacheEstimator:
    """Compares requests with the one before them that asks the same task."""

    def __init__(self) -> None:
        self._before: dict[str, bytes] = {}
        self._tokens = self._cached = 0.0

    def see(self, task: str, size: int, parts: Sequence[bytes], tokens_per_byte: float) -> None:
        """Take a request of `size` bytes into account; all but its messages, `parts`, is as in the others."""
        messages = b"".join(parts)
        before = self._before.get(task)
        self._before[task] = messages
        if before is not None:
            shared = size - len(messages) + _same_at_start(before, messages)
            self._cached += cached_tokens(shared * tokens_per_byte)
            self._tokens += size * tokens_per_byte

    @property
    def share(self) -> float:
        """Of prompt tokens that may come from the cache, but for the first request of each task."""
        return self._cached / self._tokens if self._tokens else 0.0


def _same_at_start(one: bytes, other: bytes) -> int:
    """How many bytes two texts begin with that are the same."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least
