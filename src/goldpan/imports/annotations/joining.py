"""Joining annotations to rows of ours by what stands in both: an id or a stated field. Never by position."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from goldpan.errors import SheetError
from goldpan.imports.annotations.exported import ExportedAnnotation
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.records.look_up import look_up
from goldpan.tasks.nearest import suggestion

RowT = TypeVar("RowT")
_SHORT = 60


@dataclass(frozen=True)
class JoinKey:
    """What an annotation and a row of ours have in common.

    Attributes:
        theirs: field of the tool's row.
        ours: `item_id`, `id` or a path into the data of the record.
    """

    theirs: str
    ours: str

    def __str__(self) -> str:
        return self.theirs if self.theirs == self.ours else f"{self.theirs}={self.ours}"

    @classmethod
    def parse(cls, text: str) -> JoinKey:
        """`FIELD`, or `THEIRS=OURS`; `data.` may stand before each. Raises SheetError where one is empty."""
        theirs, equals, ours = (part.strip() for part in text.partition("="))
        key = cls(theirs.removeprefix("data."), (ours if equals else theirs).removeprefix("data."))
        if not key.theirs or not key.ours:
            raise SheetError(f"`{text}` is no key", remedy="say --key FIELD, or --key THEIR_FIELD=OUR_FIELD")
        return key


class NotJoinedError(ValueError):
    """An annotation is about no row of ours, or nobody can say about which.

    Args:
        why: in a few words, the same for all of a kind.
        detail: of this one.
    """

    def __init__(self, why: str, detail: str = ""):
        self.why, self.detail = why, detail
        super().__init__(f"{why}: {detail}" if detail else why)


class JoinIndex(Generic[RowT]):
    """Finds rows of ours by a key.

    Args:
        key: by which.
        rows: ours.
        values_of: all that a row of ours goes by under the key.
    """

    def __init__(self, key: JoinKey, rows: Iterable[RowT], values_of: Callable[[RowT, str], Iterable[Any]]):
        self.key = key
        self._rows: dict[str, list[RowT]] = {}
        for row in rows:
            for text in {join_text(value) for value in values_of(row, key.ours)} - {None, ""}:
                assert text is not None
                self._rows.setdefault(text, []).append(row)

    @property
    def is_empty(self) -> bool:
        """Whether no row of ours has the key."""
        return not self._rows

    def of(self, annotation: ExportedAnnotation) -> RowT:
        """The row that an annotation is about.

        Raises:
            NotJoinedError: none, or several.
        """
        has, value = look_up(annotation.data, self.key.theirs)
        if not has:
            raise NotJoinedError(f"without a field `{self.key.theirs}`")
        text = join_text(value)
        if not text:
            raise NotJoinedError(f"with nothing in `{self.key.theirs}` that could be a key")
        rows = self._rows.get(text, [])
        if len(rows) == 1:
            return rows[0]
        if rows:
            raise NotJoinedError(f"several rows here have its `{self.key.ours}`", f"`{shortened_key(text)}`")
        # Programs write ids and days anew (`1` for `001`), so one of ours is shown beside it.
        like = next(iter(self._rows), None)
        ours = "" if like is None else f", where ours are written as `{shortened_key(like)}`"
        raise NotJoinedError(f"no row here has its `{self.key.ours}`", f"`{shortened_key(text)}`{ours}")

    def is_new(self, row: RowT) -> bool:
        """Whether a row was made of what annotations tell, and is none of ours yet."""
        return False

    def has_rows_of(self, annotation: ExportedAnnotation) -> bool:
        """Whether any row of ours has the key of an annotation."""
        return bool(self._rows.get(join_text(look_up(annotation.data, self.key.theirs)[1]) or ""))


def shortened_key(text: str) -> str:
    """A text as messages show it."""
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


def join_text(value: Any) -> str | None:
    """What a value of a key is compared by; None where it can be none.

    Texts are the same whatever their line ends, outer space and way of writing accents; a whole number is the
    same as its digits.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else None
    return unicodedata.normalize("NFC", str(value).replace("\r\n", "\n")).strip()


def chosen_key(
    said: str | None, settings: AnnotationMap, annotations: Sequence[ExportedAnnotation], usual: Sequence[str]
) -> JoinKey:
    """The key to join by.

    Args:
        said: by whoever imports.
        settings: the map, which may say it.
        annotations: of all exports.
        usual: fields that are keys where nothing is said, in this order.

    Raises:
        SheetError: nothing is said, and no annotation has such a field; or none has the one that is said.
    """
    known = dict.fromkeys(name for annotation in annotations for name in annotation.data)
    text = said or settings.key
    if text is not None:
        key = JoinKey.parse(text)
        if not any(look_up(annotation.data, key.theirs)[0] for annotation in annotations):
            raise SheetError(
                f"no row of the export has a field `{key.theirs}`; {suggestion(key.theirs, known)}",
                remedy="name a field that rows of both sides have: --key THEIR_FIELD=OUR_FIELD",
            )
        return key
    for name in usual:
        if name in known:
            return JoinKey(name, name)
    listed = suggestion("", known) or "it has no fields"
    keys = "` or `".join(usual)
    raise SheetError(
        f"nothing says which row an annotation is about: the export has no `{keys}`; {listed}",
        remedy="say it with --key THEIR_FIELD=OUR_FIELD; a text may be a key, too",
    )
