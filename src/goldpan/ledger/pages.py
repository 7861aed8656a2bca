"""Rows of an SQLite file read page by page, without the trees that lead to them.

What SQLite itself no longer finds, because a page on the way to it or the schema is damaged, is still there.
The format is that of https://www.sqlite.org/fileformat2.html; numbers of sections below are of that page.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 13, 10, 2
_MAGIC = b"SQLite format 3\0"
Row = tuple[int | None, list[Any]]


def stored_rows(path: Path, page_bytes: int) -> Iterator[Row]:
    """Every row that can be made out in a file and the log beside it: (rowid or None, values).

    Rows of all tables and indexes come mixed, also some that were deleted: the caller has to know them by
    their shape.

    Args:
        page_bytes: size of a page where the file's header does not say it.
    """
    with path.open("rb") as handle:
        head = handle.read(100)
        if head[:16] == _MAGIC:
            size = int.from_bytes(head[16:18], "big")
            page_bytes = 65_536 if size == 1 else size or page_bytes
        pages = _Pages(handle, page_bytes, _logged_pages(path.with_name(path.name + "-wal"), page_bytes))
        for number in range(1, pages.count + 1):
            yield from _rows_of(pages, number)


class _Pages:
    """The pages of a file, those in its log first."""

    def __init__(self, handle: BinaryIO, page_bytes: int, logged: dict[int, bytes]):
        self._handle, self.bytes, self._logged = handle, page_bytes, logged
        self.count = max([-(-handle.seek(0, 2) // page_bytes), *logged])

    def get(self, number: int) -> bytes:
        """A page, or fewer bytes where the file was cut."""
        if number in self._logged:
            return self._logged[number]
        self._handle.seek((number - 1) * self.bytes)
        return self._handle.read(self.bytes)


def _logged_pages(path: Path, page_bytes: int) -> dict[int, bytes]:
    """Newest pages of the committed part of a write-ahead log (section 4.1), by number."""
    if not path.exists():
        return {}
    data = path.read_bytes()
    committed: dict[int, bytes] = {}
    since: dict[int, bytes] = {}
    if len(data) < 32 or data[:4] not in (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"):
        return {}
    words = ">" if data[3] & 1 else "<"
    salts, total = data[16:24], _checksum(words, data[:24], (0, 0))
    for start in range(32, len(data) - page_bytes - 23, 24 + page_bytes):
        head, page = data[start : start + 24], data[start + 24 : start + 24 + page_bytes]
        total = _checksum(words, page, _checksum(words, head[:8], total))
        if head[8:16] != salts or struct.unpack(">II", head[16:24]) != total:
            break
        since[int.from_bytes(head[:4], "big")] = page
        if int.from_bytes(head[4:8], "big"):
            committed.update(since)
            since = {}
    return committed


def _checksum(words: str, data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    """Section 4.2."""
    first, second = start
    numbers = struct.unpack(f"{words}{len(data) // 4}I", data)
    for even, odd in zip(numbers[::2], numbers[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second


def _rows_of(pages: _Pages, number: int) -> Iterator[Row]:
    page = pages.get(number)
    at = 100 if number == 1 else 0
    kind = page[at] if len(page) > at else 0
    if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
        return
    head = at + (12 if kind == _INDEX_INTERIOR else 8)
    cells = int.from_bytes(page[at + 3 : at + 5], "big")
    for place in range(head, min(head + 2 * cells, len(page) - 1), 2):
        try:
            yield _cell(pages, page, int.from_bytes(page[place : place + 2], "big"), kind)
        except (IndexError, ValueError, struct.error):
            # This cell is damaged, or no cell at all.
            continue


def _cell(pages: _Pages, page: bytes, at: int, kind: int) -> Row:
    """Section 1.6."""
    if kind == _INDEX_INTERIOR:
        at += 4
    size, at = _varint(page, at)
    rowid = None
    usable = pages.bytes
    most = usable - 35
    if kind == _TABLE_LEAF:
        rowid, at = _varint(page, at)
    else:
        most = (usable - 12) * 64 // 255 - 23
    if size > pages.count * pages.bytes:
        raise ValueError("longer than the file")
    local = size
    if size > most:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        local = local if local <= most else least
    payload = page[at : at + local]
    if local < size:
        payload += _overflow(pages, int.from_bytes(page[at + local : at + local + 4], "big"), size - local)
    if len(payload) != size:
        raise ValueError("cut short")
    return rowid, _values(payload)


def _overflow(pages: _Pages, number: int, size: int) -> bytes:
    parts = []
    while size > 0:
        if not 1 <= number <= pages.count:
            raise ValueError("the chain is broken")
        page = pages.get(number)
        part = page[4 : 4 + size]
        if not part:
            raise ValueError("the chain is cut")
        parts.append(part)
        size -= len(part)
        number = int.from_bytes(page[:4], "big")
    return b"".join(parts)


def _values(payload: bytes) -> list[Any]:
    """Section 2.1."""
    end, at = _varint(payload, 0)
    values: list[Any] = []
    place = end
    while at < end:
        kind, at = _varint(payload, at)
        size = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind] if kind < 10 else (kind - 12) // 2
        if size < 0 or place + size > len(payload):
            raise ValueError("longer than its record")
        content = payload[place : place + size]
        place += size
        if kind == 0:
            values.append(None)
        elif kind < 7:
            values.append(int.from_bytes(content, "big", signed=True))
        elif kind == 7:
            values.append(struct.unpack(">d", content)[0])
        elif kind < 10:
            values.append(kind - 8)
        else:
            values.append(content.decode() if kind % 2 else content)
    return values


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9
