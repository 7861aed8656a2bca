"""Joining lines to requests by custom ids that a service did not give back letter by letter."""

from __future__ import annotations

from collections.abc import Collection


class Spellings:
    """The custom ids of a shard, for services that give them back in other case or with spaces around."""

    def __init__(self, asked: Collection[str]):
        self._asked = asked
        self._by_spelling: dict[str, str | None] | None = None

    def asked_as(self, custom_id: str) -> str | None:
        """The custom id that was asked; None if there is none, or if it may be one of several."""
        if custom_id in self._asked:
            return custom_id
        if self._by_spelling is None:
            self._by_spelling = {}
            for known in self._asked:
                spelling = known.casefold()
                self._by_spelling[spelling] = None if spelling in self._by_spelling else known
        return self._by_spelling.get(custom_id.strip().casefold())
