"""What is known of lines of imported answers while they are joined."""

from __future__ import annotations

from typing import NamedTuple


class AnswerFile(NamedTuple):
    """A file of answers: its name, without folders, and the SHA-256 of its bytes."""

    name: str
    sha256: str


class JoinedLine(NamedTuple):
    """A line with the request of the stage that it belongs to.

    Attributes:
        number: of the line, over all files.
        file, line: where it stands.
        key: by which it was joined.
        service, model: who answered, as far as the line says it.
        service_id: by which the service told its requests apart.
        record, custom_id, task: of the request; `record` is None where no record has the key.
        request_key, former_keys: of the request.
        text: what the stage asks, as JSON of `AskedText`.
        skip: why the stage does not ask the record.
        other: another record that has the key as well.
    """

    number: int
    file: int
    line: int
    key: str
    service: str
    model: str | None
    service_id: str | None
    record: str | None
    custom_id: str
    task: str
    request_key: bytes
    former_keys: bytes
    text: bytes
    skip: str | None
    other: str | None


class Portion(NamedTuple):
    """Answers of one file that are to be entered together.

    Attributes:
        number: of the file, from 0.
        file: the file.
        prompt: `compared` or `unknown`.
        answers: how many they are.
        service, model: who answered; of several models the commonest, None where no line says it.
    """

    number: int
    file: AnswerFile
    prompt: str
    answers: int
    service: str
    model: str | None
