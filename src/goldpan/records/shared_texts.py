"""Texts that several records share, on disk: memory is flat."""

from __future__ import annotations

from dataclasses import dataclass

from goldpan.records.temporary_database import TemporaryDatabase


@dataclass(frozen=True, slots=True)
class SharedText:
    """What is known of the records that have one text.

    Attributes:
        leader: the smallest of their ids.
        place: where the leader is, as `add` was told.
        records: how many there are.
        is_spelt_alike: they spell the text alike, byte by byte.
    """

    leader: str
    place: int
    records: int
    is_spelt_alike: bool


class SharedTexts(TemporaryDatabase):
    """Texts that were seen, by a hash of each, with the records that have them."""

    def __init__(self) -> None:
        super().__init__(
            "seen (text BLOB PRIMARY KEY, leader TEXT NOT NULL, place INTEGER NOT NULL,"
            " records INTEGER NOT NULL, spelling BLOB NOT NULL, varies INTEGER NOT NULL) WITHOUT ROWID"
        )

    def add(self, text: bytes, spelling: bytes, id: str, place: int) -> None:
        """Note that the record `id` has a text.

        Args:
            text: hash of the text, equal for those that count as the same.
            spelling: hash of it as it is spelt.
            place: where the record is.
        """
        # All expressions see the row as it was before.
        self.connection.execute(
            "INSERT INTO seen VALUES (?, ?, ?, 1, ?, 0) ON CONFLICT (text) DO UPDATE SET"
            " records = records + 1, varies = varies OR spelling != excluded.spelling,"
            " place = CASE WHEN excluded.leader < leader THEN excluded.place ELSE place END,"
            " leader = min(leader, excluded.leader)",
            (text, id, place, spelling),
        )

    def group(self, text: bytes) -> SharedText | None:
        """The records with this text; None where nothing with it was noted."""
        row = self.connection.execute(
            "SELECT leader, place, records, varies FROM seen WHERE text = ?", (text,)
        ).fetchone()
        return None if row is None else SharedText(row[0], row[1], row[2], not row[3])
