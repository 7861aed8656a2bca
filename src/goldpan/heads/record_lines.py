"""Lines of a records file as bytes: most are recognised and carried over without being parsed.

The first keys of a record are `id`, `source`, `file` and `line`, in this order. Within a JSON string quotes
are escaped, so a key with its quotes and its colon is found nowhere else before.
"""

from __future__ import annotations

import orjson

from goldpan.errors import SourceError
from goldpan.records.model import Record

_AFTER_FILE = b',"line":'


def line_start(id: str) -> bytes:
    """How the line of the record with this id begins, and that of no other record."""
    return b'{"id":%b,"source":' % orjson.dumps(id)


def row_start(line: bytes, state: bytes) -> bytes:
    """The start of an annotated row: `id`, `source` and `file` of a record's line, and a state."""
    return b'%b,"state":"%b",' % (line[: line.index(_AFTER_FILE)], state)


def parsed(line: bytes, where: str) -> Record:
    """The whole record of a line.

    Raises:
        SourceError: it is none.
    """
    try:
        record: Record = orjson.loads(line)
        if isinstance(record, dict) and {"id", "line", "data"} <= record.keys():
            return record
        problem = "it is not a record"
    except orjson.JSONDecodeError as error:
        problem = str(error)
    raise SourceError(
        f"this records file is damaged: {problem}",
        where=where,
        remedy="delete it; the next run makes it again",
    )
