"""The lines of answer and request files, and the requests of the stage they may belong to, on disk.

Memory is constant in the number of lines: they wait in a temporary database for the records to come by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from goldpan.batches.questions import Question
from goldpan.errors import AnswerError
from goldpan.files import iter_lines_cut, sha256_file
from goldpan.imports.answers.asked_text import AskedText, asked_text
from goldpan.imports.answers.joined_lines import AnswerFile, JoinedLine, Portion
from goldpan.imports.answers.report import LineFate
from goldpan.imports.answers.service_lines import (
    CUSTOM_ID,
    body_of_request,
    key_at,
    model_of_line,
    read_request_line,
    read_service_line,
)
from goldpan.ledger import Outcome
from goldpan.providers.scrubber import Scrubber
from goldpan.records.temporary_database import TemporaryDatabase

_AT_A_TIME = 500


class GatheredLines(TemporaryDatabase):
    """What was read, without keys. A context manager.

    Args:
        scrubber: takes keys out of each line before anything is read of it: a service may have echoed them.

    Attributes:
        files: of answers, in their order.
        unreadable_requests: how many lines of request files could not be read.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__(
            "lines (number INTEGER PRIMARY KEY, file INTEGER, line INTEGER, key TEXT, service_id TEXT,"
            " service TEXT, model TEXT, content BLOB)",
            "fates (number INTEGER PRIMARY KEY, fate TEXT, reason TEXT, record TEXT)",
            "wanted (key TEXT PRIMARY KEY, record TEXT, custom_id TEXT, task TEXT, request_key BLOB,"
            " former_keys BLOB, text BLOB, skip TEXT, other TEXT)",
            "requests (service_id TEXT PRIMARY KEY, key TEXT, model TEXT, text BLOB, is_clear INTEGER)",
            "taken (request_key BLOB PRIMARY KEY, number INTEGER, file INTEGER, prompt TEXT, state TEXT,"
            " reason TEXT, retryable INTEGER, stored BLOB)",
        )
        self._scrubber = scrubber
        self.files: list[AnswerFile] = []
        self.unreadable_requests = 0

    def read_requests(self, paths: Iterable[Path], key: str) -> None:
        """Take what the lines of request files ask, by the service's id; of `key` what stands there.

        Raises:
            SourceError: a file cannot be read to its end.
        """
        for path in paths:
            for _, line in iter_lines_cut(path):
                try:
                    service_id, whole = read_request_line(self._scrubber.content(line))
                except AnswerError:
                    self.unreadable_requests += 1
                    continue
                body = body_of_request(whole)
                stated = service_id if key == CUSTOM_ID else key_at(whole, key) or key_at(body, key)
                if service_id is None:
                    self.unreadable_requests += 1
                    continue
                self.connection.execute(
                    "INSERT INTO requests VALUES (?, ?, ?, ?, 1) ON CONFLICT (service_id) DO UPDATE SET"
                    " is_clear = is_clear AND text = excluded.text AND key IS excluded.key"
                    " AND model IS excluded.model",
                    (service_id, stated, key_at(body, "model"), orjson.dumps(asked_text(body))),
                )

    def read_answers(self, paths: Iterable[Path], key: str) -> None:
        """Take the lines of output files; `key` says where on a line, or in its request, its key stands.

        Raises:
            SourceError: a file cannot be read to its end.
        """
        for path in paths:
            self.files.append(AnswerFile(path.name, sha256_file(path)))
            for number, line in iter_lines_cut(path):
                self._add_line(number, self._scrubber.content(line), key)
        self.connection.execute("CREATE INDEX lines_by_key ON lines (key)")

    def _add_line(self, number: int, line: bytes, key: str) -> None:
        place = (len(self.files) - 1, number)
        try:
            read = read_service_line(line)
        except AnswerError as error:
            added = self.connection.execute("INSERT INTO lines (file, line) VALUES (?, ?)", place)
            self._decide(added.lastrowid, "unreadable", error.what, None)
            return
        own = read.service_id
        key_asked, model_asked = self._said_of_request(own)
        stated, model = read.key(key) or key_asked, model_of_line(read) or model_asked
        added = self.connection.execute(
            "INSERT INTO lines (file, line, key, service_id, service, model, content)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*place, stated, own, read.service, model, line),
        )
        if stated is None:
            self._decide(added.lastrowid, "no_key", None, None)

    def _said_of_request(self, service_id: str | None) -> tuple[str | None, str | None]:
        """The key and the model that a request file has for an answer; None for what it does not say."""
        row = self.connection.execute(
            "SELECT key, model FROM requests WHERE service_id = ? AND is_clear", (service_id,)
        ).fetchone()
        return row or (None, None)

    def asked_of(self, service_id: str | None) -> tuple[AskedText | None, bool]:
        """What a request file says that was asked, None where it does not say it; and whether it is clear:
        two requests of one id are not."""
        row = self.connection.execute(
            "SELECT text, is_clear FROM requests WHERE service_id = ?", (service_id,)
        ).fetchone()
        return (orjson.loads(row[0]), bool(row[1])) if row else (None, True)

    def want(self, wanted: Sequence[tuple[str, str, Question | None, str | None]]) -> None:
        """Take those of some requests for whose key there is a line.

        Args:
            wanted: key, record id, and the request, or why there is none.
        """
        keys = list({key for key, *_ in wanted})
        known: set[str] = set()
        for start in range(0, len(keys), _AT_A_TIME):
            part = keys[start : start + _AT_A_TIME]
            marks = ", ".join("?" * len(part))
            known.update(
                key
                for (key,) in self.connection.execute(f"SELECT key FROM lines WHERE key IN ({marks})", part)
            )
        self.connection.executemany(
            "INSERT INTO wanted VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)"
            " ON CONFLICT (key) DO UPDATE SET other = excluded.record",
            (_wanted_row(*row) for row in wanted if row[0] in known),
        )

    def joined(self) -> Iterator[list[JoinedLine]]:
        """The lines of each key together, in the order of the files."""
        rows = self.connection.execute(
            "SELECT lines.number, file, line, lines.key, service, model, service_id, wanted.record,"
            " custom_id, task, request_key, former_keys, text, skip, other"
            " FROM (SELECT key, min(number) AS first FROM lines WHERE key IS NOT NULL GROUP BY key) AS keys"
            " JOIN lines ON lines.key = keys.key LEFT JOIN wanted ON wanted.key = keys.key"
            " ORDER BY first, lines.number"
        )
        for _, group in groupby(map(JoinedLine._make, rows), lambda line: line.key):
            yield list(group)

    def content(self, number: int) -> bytes:
        """A line as it was read."""
        (content,) = self.connection.execute(
            "SELECT content FROM lines WHERE number = ?", (number,)
        ).fetchone()
        return bytes(content)

    def decide(self, line: JoinedLine, fate: str, reason: str | None = None) -> None:
        """Write down what becomes of a line."""
        self._decide(line.number, fate, reason, line.record)

    def _decide(self, number: int | None, fate: str, reason: str | None, record: str | None) -> None:
        self.connection.execute("INSERT INTO fates VALUES (?, ?, ?, ?)", (number, fate, reason, record))

    def is_taken(self, request_key: bytes) -> bool:
        """Whether there is an answer to a request already that is to be entered."""
        rows = self.connection.execute("SELECT 1 FROM taken WHERE request_key = ?", (request_key,))
        return rows.fetchone() is not None

    def take(self, line: JoinedLine, outcome: Outcome, prompt: str) -> None:
        """Keep an answer that is to be entered.

        Args:
            prompt: `compared` or `unknown`.
        """
        values = (outcome.state, outcome.reason, outcome.retryable, outcome.line)
        self.connection.execute(
            "INSERT INTO taken VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (outcome.key, line.number, line.file, prompt, *values),
        )
        self.decide(line, outcome.state, outcome.reason)

    def portions(self) -> list[Portion]:
        """What is to be entered, by file and by whether what was asked was compared."""
        rows = self.connection.execute(
            "SELECT taken.file, prompt, count(*), max(service) FROM taken JOIN lines USING (number)"
            " GROUP BY taken.file, prompt ORDER BY taken.file, prompt"
        ).fetchall()
        return [
            Portion(file, self.files[file], prompt, count, service, self._commonest_model(file, prompt))
            for file, prompt, count, service in rows
        ]

    def _commonest_model(self, file: int, prompt: str) -> str | None:
        row = self.connection.execute(
            "SELECT model FROM taken JOIN lines USING (number)"
            " WHERE taken.file = ? AND prompt = ? AND model IS NOT NULL"
            " GROUP BY model ORDER BY count(*) DESC, model LIMIT 1",
            (file, prompt),
        ).fetchone()
        return row[0] if row else None

    def outcomes_of(self, portion: Portion) -> Iterator[Outcome]:
        """The outcomes of a portion, in the order of its file."""
        for key, state, reason, retryable, stored in self.connection.execute(
            "SELECT request_key, state, reason, retryable, stored FROM taken WHERE file = ? AND prompt = ?"
            " ORDER BY number",
            (portion.number, portion.prompt),
        ):
            yield Outcome(key, state, reason, bool(retryable), stored)

    def undo(self, request_key: bytes, fate: str) -> None:
        """Write down that an answer was not entered after all, as another process was faster."""
        self.connection.execute(
            "UPDATE fates SET fate = ?, reason = NULL"
            " WHERE number = (SELECT number FROM taken WHERE request_key = ?)",
            (fate, request_key),
        )

    def fates(self) -> Iterator[LineFate]:
        """What became of every line, in their order."""
        for file, *rest in self.connection.execute(
            "SELECT file, line, key, record, fate, reason FROM lines JOIN fates USING (number)"
            " ORDER BY number"
        ):
            yield LineFate(self.files[file].name, *rest)

    def models(self) -> Counter[str]:
        """How many answers to records each model gave."""
        return Counter(
            dict(
                self.connection.execute(
                    "SELECT model, count(*) FROM lines JOIN fates USING (number)"
                    " WHERE record IS NOT NULL AND model IS NOT NULL AND fate != 'no_answer' GROUP BY model"
                )
            )
        )


def _wanted_row(key: str, record: str, question: Question | None, skip: str | None) -> tuple[Any, ...]:
    if question is None:
        return (key, record, "", "", b"", b"", b"", skip)
    text = asked_text({"messages": orjson.loads(b"".join(question.messages))})
    keys = (question.key, b"".join(question.former_keys))
    return (key, record, question.custom_id, question.task, *keys, orjson.dumps(text), None)
