"""Reading a service's list of batches page by page, and not trusting it blindly.

A batch that may be paid for is looked for in this list. So a list that cannot be read to its end is an error:
from "not there" follows a second payment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from goldpan.errors import ProviderError
from goldpan.providers.base import Batch, batch_from_dict

PAGE_SIZE = 100


@dataclass(frozen=True)
class Page:
    """Some objects as the service describes them, and whether others follow."""

    items: list[dict[str, Any]]
    has_more: bool


def page_from_dict(answer: dict[str, Any]) -> Page:
    """Read OpenAI's list object; where `has_more` is missing, a full page means there is more.

    Raises:
        ProviderError: it is not a list of objects.
    """
    items = answer.get("data")
    if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("id") for item in items):
        raise ProviderError(
            "the service's list is not one of OpenAI's list objects",
            remedy="check that the provider's `base_url` is that of an OpenAI-compatible service",
        )
    has_more = answer.get("has_more")
    return Page(items, bool(items) and (len(items) >= PAGE_SIZE if has_more is None else bool(has_more)))


def newest_first(pages: Iterable[Page]) -> Iterator[Batch]:
    """The batches of a list, newest first; pages are asked for only as far as they are needed.

    Raises:
        ProviderError: the service lists the oldest first, or sends the same page again and again.
    """
    last_id = None
    for page in pages:
        batches = [batch_from_dict(item) for item in page.items]
        if page.has_more:
            if batches[-1].id == last_id:
                raise _unreliable("sends the same page of its list again")
            if _created(batches[0]) < _created(batches[-1]):
                raise _unreliable("lists the oldest batches first")
            last_id = batches[-1].id
        yield from sorted(batches, key=_created, reverse=True)


def _created(batch: Batch) -> int:
    return batch.created_at or 0


def _unreliable(what: str) -> ProviderError:
    return ProviderError(
        f"the service {what}: what is not found in it may be there all the same",
        remedy="look for the batch in the service's own interface",
    )
