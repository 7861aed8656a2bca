"""What becomes of a file after it was uploaded: a batch can be made of it only once it is processed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from goldpan.errors import ProviderError
from goldpan.providers.base import StoredFile, stored_file_from_dict

# Some services leave a file at "uploaded" for ever, so waiting has an end, and that is not an error.
_BEING_PROCESSED = frozenset({"uploaded", "pending", "running"})
_LONGEST_WAIT_SECONDS, _FIRST_PAUSE_SECONDS = 10.0, 0.2


def is_upload(described: dict[str, Any], name: str, size: int) -> bool:
    """Whether a file object is that of a usable upload under `name` with `size` bytes."""
    is_same = described.get("filename") == name and described.get("bytes") == size
    return is_same and described.get("status") != "error"


def wait_until_processed(described: dict[str, Any], look: Callable[[str], dict[str, Any]]) -> StoredFile:
    """Give the service up to ten seconds to process a file.

    Args:
        described: the file object it answered the upload with.
        look: asks for the file object again, by file id.

    Raises:
        ProviderError: the file could not be processed.
    """
    file = stored_file_from_dict(described)
    deadline, pause = time.monotonic() + _LONGEST_WAIT_SECONDS, _FIRST_PAUSE_SECONDS
    while described.get("status") in _BEING_PROCESSED and time.monotonic() < deadline:
        time.sleep(pause)
        pause *= 2
        described = look(file.id)
    if described.get("status") == "error":
        reason = described.get("status_details") or "no reason is given"
        raise ProviderError(
            f"the service could not process the uploaded file: {reason}",
            where=f"file {file.id} ({file.name})",
            remedy="run again; nothing was paid",
        )
    return file


def stored_size(look: Callable[[str], dict[str, Any]], file_id: str) -> int | None:
    """Bytes of a file according to the service, where it says; `look` asks for the file object."""
    try:
        return look(file_id).get("bytes") or None
    except ProviderError as error:
        if error.retryable:
            raise
        return None
