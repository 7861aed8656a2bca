"""Reading a service's list of batches page by page, and not trusting it blindly.

A batch that may be paid for is looked for in this list. So a list that cannot be read to its end is an error:
from "not there" follows a second payment. What came before the error is handed out all the same, for what is
seen is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from goldpan.errors import ProviderError
from goldpan.providers.base import Batch, batch_from_dict

PAGE_SIZE = 100
LONGEST_LIST = 10_000


@dataclass(frozen=True)
class Page:
    """Some objects as the service describes them, and whether others follow; None where it does not say."""

    items: list[Any]
    has_more: bool | None

    @property
    def is_last(self) -> bool:
        """Whether there is nothing to be asked for after it."""
        return self.has_more is False or not self.items


def page_from_dict(answer: dict[str, Any]) -> Page:
    """Read OpenAI's list object.

    Raises:
        ProviderError: it is not a list of objects.
    """
    items = answer.get("data")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ProviderError(
            "the service's list is not one of OpenAI's list objects",
            remedy="check that the provider's `base_url` is that of an OpenAI-compatible service",
        )
    has_more = answer.get("has_more")
    return Page(items, None if has_more is None else bool(has_more))


def last_id(page: Page) -> str | None:
    """After which object the next page begins: the last one of this page that has an id."""
    return next((str(item["id"]) for item in reversed(page.items) if item.get("id")), None)


def listed(pages: Iterable[Page]) -> Iterator[Batch]:
    """The batches of a list, each once, in the order of the service; pages are asked for as they are needed.

    Entries that cannot be understood are handed out as far as they can: see `_listed`.

    Raises:
        ProviderError: after the last batch that could be read, when there may be others.
    """
    seen: set[str] = set()
    before: Page | None = None
    for page in pages:
        if page.has_more and not page.items:
            raise _unreliable("says that its list goes on, and sends an empty page")
        batches = [batch for item in page.items if (batch := _listed(item)) is not None]
        unseen = [batch for batch in batches if not batch.id or batch.id not in seen]
        if before is not None and page.has_more is not False and batches and not unseen:
            # Some services count the object to begin after among those that follow.
            if len(batches) == 1 and batches[0].id == last_id(before) and page.has_more is None:
                return
            raise _unreliable("sends the same page of its list again")
        for batch in unseen:
            seen.add(batch.id)
            yield batch
        if len(seen) > LONGEST_LIST:
            raise _unreliable(f"lists more than {LONGEST_LIST:,} batches")
        before = page
    if before is not None and not before.is_last:
        raise _unreliable("does not say how its list goes on")


def _listed(item: dict[str, Any]) -> Batch | None:
    """One entry of a list. It may be another account's, of a kind not known here.

    Returns:
        The batch, with what can be read of it where it is odd (the id may be empty); None where nothing tells
        whose it is.
    """
    batch_id = str(item.get("id") or "")
    if not batch_id:
        metadata = item.get("metadata")
        if not isinstance(metadata, dict) or "nonce" not in metadata:
            return None
    return replace(batch_from_dict({**item, "id": batch_id or "none"}), id=batch_id)


def _unreliable(what: str) -> ProviderError:
    return ProviderError(
        f"the service {what}: what is not found in it may be there all the same",
        remedy="look for the batch in the service's own interface",
        retryable=True,
    )
