"""Whether a tool's row shows the same texts as the row of ours that it is joined to.

Fields of one name are compared, wherever they stand. Other fields of the tool's are compared, too, where most
of what stands in them are texts of ours: so a text is known by itself, whatever its column is called.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from goldpan.cells import restore
from goldpan.imports.annotations.exported import ExportedAnnotation
from goldpan.imports.annotations.joining import JoinKey, NotJoinedError, shortened_key
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.records.look_up import look_up
from goldpan.waves.collect.shown_records import shows
from goldpan.waves.sheets.spreadsheet import fold, readings

_LONG = 20
"""Characters from which on a text is hardly that of another row."""
_DISTINCT = 0.8
"""Share of rows with texts of their own from which on also short ones tell rows apart."""
_ADDRESS = re.compile(r"\w+://\S*")
_IDS = ("id", "item_id")


class TextComparison:
    """Compares texts of an export with ours.

    Args:
        records: the data of all our rows.
        settings: the map, whose `texts` pairs other names.
        answers_in: fields of the tool's rows that are answers.
        key: by which rows are joined.

    Attributes:
        fields: of the tool's rows, those that are compared.
    """

    def __init__(
        self,
        records: Iterable[Mapping[str, Any]],
        settings: AnnotationMap,
        answers_in: set[str],
        key: JoinKey,
    ):
        self._settings, self._answers_in, self._key = settings, answers_in, key
        self._texts: dict[str, set[str]] = {}
        rows: Counter[str] = Counter()
        for record in records:
            for path, text in text_leaves(record).items():
                if _is_words(text):
                    self._texts.setdefault(path, set()).add(fold(text))
                    rows[path] += 1
        self._distinct = {path for path, texts in self._texts.items() if len(texts) >= _DISTINCT * rows[path]}
        self._pairs: dict[str, str] = {}
        self.fields: set[str] = {key.theirs, *settings.texts.values()}

    def learn(self, joined: Sequence[tuple[ExportedAnnotation, Mapping[str, Any]]]) -> None:
        """Find out in which fields of the tool's rows the texts of ours stand.

        Args:
            joined: annotations, each with the data of the row of ours that it is joined to.
        """
        filled: Counter[str] = Counter()
        known: Counter[tuple[str, str]] = Counter()
        agreeing: Counter[tuple[str, str]] = Counter()
        for annotation, record in joined:
            own = {path: fold(text) for path, text in text_leaves(record).items()}
            for column, text in self._theirs(annotation).items():
                self.fields |= {column} if column in own else set()
                if not _is_words(text):
                    continue
                filled[column] += 1
                plain = fold(restore(text))
                for path in [column] if column in own else self._distinct:
                    known[column, path] += plain in self._texts.get(path, ())
                    agreeing[column, path] += plain == own.get(path)
        mostly = {pair for pair, count in agreeing.items() if 2 * count >= filled[pair[0]]}
        for column, count in filled.items():
            likely = [pair for pair in known if pair[0] == column and 2 * known[pair] >= count]
            if not likely:
                continue
            best = max(likely, key=lambda pair: (agreeing[pair], known[pair]))
            # Beside the text itself there may be those of its neighbours.
            if best in mostly or not any(path == best[1] for _, path in mostly):
                self._pairs[column] = best[1]
                self.fields.add(column)

    def check(
        self,
        annotation: ExportedAnnotation,
        shown: Mapping[str, Any],
        record: Mapping[str, Any],
        may_hold_more: bool,
    ) -> bool:
        """Check that the tool's row shows the same texts as ours.

        Returns whether a text was compared that tells rows apart: not only a day, a number or an address.

        Args:
            annotation: with the tool's row.
            shown: the fields of our row that people see.
            record: all of it.
            may_hold_more: whether a text of the tool's may have all of our fields in it.

        Raises:
            NotJoinedError: a text is another one, so that the annotation is about something else.
        """
        theirs, seen = self._theirs(annotation), text_leaves(shown)
        own = text_leaves(record) | seen
        pairs = [(path, column) for column, path in self._pairs.items()]
        pairs += [(name, name) for name in theirs if name in own and (name in seen or _is_long(own[name]))]
        compared = [
            (name, column, theirs.get(column), own.get(name)) for name, column in dict.fromkeys(pairs)
        ]
        for name, column in self._settings.texts.items():
            text = look_up(annotation.data, column)[1]
            compared.append((name, column, text, own.get(name, look_up(dict(record), name)[1])))
        has_told = _is_long(own.get(self._key.ours, ""))
        for name, column, text, our_text in compared:
            if not (isinstance(text, str) and isinstance(our_text, str) and text.strip()):
                continue
            if not shows(text, our_text) and not (may_hold_more and fold(our_text) in fold(text)):
                raise NotJoinedError(f"its `{column}` is another text than ours", f"`{shortened_key(text)}`")
            has_told = has_told or (name not in _IDS and self._tells(name, our_text))
        return has_told

    def _theirs(self, annotation: ExportedAnnotation) -> dict[str, str]:
        """The texts of the tool's row that are no answers."""
        return {
            path: text
            for path, text in text_leaves(annotation.data).items()
            if path != self._key.theirs and not self._answers_in.intersection((path, path.partition(".")[0]))
        }

    def _tells(self, path: str, text: str) -> bool:
        return _is_long(text) or (_is_words(text) and path in self._distinct and path != self._key.ours)


def text_leaves(data: Mapping[str, Any]) -> dict[str, str]:
    """All texts of a row, those inside of objects and lists too, by their paths (`input.parts.0.name`)."""
    leaves: dict[str, str] = {}
    waiting: list[tuple[str, Any]] = [(str(name), value) for name, value in data.items()]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str):
            leaves[path] = value
        elif isinstance(value, dict):
            waiting += [(f"{path}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}.{number}", inner) for number, inner in enumerate(value)]
    return leaves


def _is_words(text: str) -> bool:
    """Whether a text is one, and no number, day or address."""
    is_one = any(character.isalpha() for character in text) and not _ADDRESS.fullmatch(text.strip())
    return is_one and not readings(text)


def _is_long(text: str) -> bool:
    return len(text.strip()) >= _LONG and _is_words(text)
