"""The folder an engine keeps its files and batches in; several processes may use it at once.

    files/{id}.bin, {id}.json      content and description; a file exists once its description does
    batches/{id}.json              the batch, with the checkpoint of its processing
    batches/{id}.cancel            someone asked for it to be cancelled
    journals/{id}.answers, .index  answers so far (see `journals`)
    locks/{name}                   held while a batch is being advanced or created

Ids begin with the time of creation, so that names sort by age.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from goldpan.files import of_known_keys, read_json, replacing, write_json
from goldpan.providers.base import BatchError
from goldpan.providers.engine.objects import BatchRecord, FileRecord
from goldpan.providers.engine.refusal import ServiceError

MAX_FILE_BYTES = 200_000_000
MAX_STORED_BYTES = 100_000_000_000
"""Bytes of all files together, as OpenAI's organisations once had."""
LEAST_FREE_BYTES = 1 << 30
"""Room on the disk that uploads of whoever calls leave to others."""
PURPOSE = "batch"
"""The only purpose of uploads: the service offers nothing that files of another could be used for."""
MAX_FILENAME = 255
_ID = re.compile(r"([a-z]+_)?(file-|batch_)[0-9a-f]{24}")


class Upload:
    """A file that is being received; `record` is set once it is stored.

    `purpose` may be set late, since a form may send its fields in any order.
    """

    def __init__(self, handle: BinaryIO, purpose: str | None):
        self._handle = handle
        self.purpose = purpose
        self.bytes = 0
        self.record: FileRecord | None = None

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            ServiceError: 400 when it grows over 200,000,000 bytes.
        """
        self.bytes += len(chunk)
        if self.bytes > MAX_FILE_BYTES:
            raise ServiceError(
                400,
                f"File is too large: more than {MAX_FILE_BYTES:,} bytes.",
                code="file_too_large",
                param="file",
            )
        self._handle.write(chunk)

    def finish(self) -> str:
        """Check the whole and give its purpose. Raises ServiceError 400 for another one than `batch`."""
        if self.purpose != PURPOSE:
            raise ServiceError(
                400,
                f"'purpose' must be '{PURPOSE}'; given: {self.purpose!r}.",
                code="invalid_value",
                param="purpose",
            )
        return self.purpose


class Store:
    """Files, batches and locks in a folder.

    Args:
        folder: made if it is not there.
        prefix: all ids begin so: letters and `_`.
    """

    def __init__(self, folder: Path, prefix: str = ""):
        self.folder, self.prefix = Path(folder), prefix
        self._files, self._batches = self.folder / "files", self.folder / "batches"
        self._locks = self.folder / "locks"
        self.journals = self.folder / "journals"
        for part in (self._files, self._batches, self._locks, self.journals):
            part.mkdir(parents=True, exist_ok=True)

    # Files

    @contextlib.contextmanager
    def receiving(
        self,
        filename: str,
        purpose: str | None,
        *,
        size: int = MAX_FILE_BYTES,
        reserve: int = LEAST_FREE_BYTES,
    ) -> Iterator[Upload]:
        """Receive a file in pieces by `upload.write(chunk)`; it is stored when the block ends well.

        Args:
            size: bytes that it has at most.
            reserve: bytes of the disk that it leaves free.

        Raises:
            ServiceError: 400, another purpose than `batch`, or over 200,000,000 bytes; 507, no room for it.
        """
        self._check_room(min(size, MAX_FILE_BYTES), reserve)
        file_id = new_id(f"{self.prefix}file-")
        with replacing(self._content(file_id)) as handle:
            upload = Upload(handle, purpose)
            yield upload
            purpose = upload.finish()
        upload.record = self.describe_file(file_id, filename, purpose)

    def _check_room(self, size: int, reserve: int) -> None:
        with os.scandir(self._files) as entries:
            stored = sum(entry.stat().st_size for entry in entries)
        free = shutil.disk_usage(self._files).free
        if stored + size > MAX_STORED_BYTES:
            problem = f"{stored:,} bytes are stored, and with {size:,} more it were over {MAX_STORED_BYTES:,}"
            remedy = "delete files that are not needed any more"
        elif free < size + reserve:
            problem = (
                f"it needs {size + reserve:,} bytes of the disk free, {size:,} of them for the file,"
                f" and {free:,} are"
            )
            remedy = f"make room for {size + reserve - free:,} bytes more and try again"
        else:
            return
        raise ServiceError(
            507,
            f"There is no room for more files: {problem}.",
            code="storage_full",
            param="file",
            where=str(self._files),
            remedy=remedy,
        )

    def writing(self, file_id: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """A handle for the content of file `file_id`, which is there, whole, when the block ends well."""
        return replacing(self._content(file_id))

    def describe_file(self, file_id: str, filename: str, purpose: str) -> FileRecord:
        """Write the description that makes the content of `file_id` a file."""
        record = FileRecord(
            file_id,
            clean_filename(filename),
            purpose,
            self._content(file_id).stat().st_size,
            int(time.time()),
        )
        write_json(self._files / f"{file_id}.json", asdict(record))
        return record

    def file(self, file_id: str) -> FileRecord:
        """Raises ServiceError 404 when there is no such file."""
        raw = _read_if_there(self._files, file_id)
        if raw is None:
            raise ServiceError(404, f"No such File object: {file_id}", param="id")
        return FileRecord(**raw)

    def content(self, file_id: str) -> Path:
        """Where the bytes of a file lie. Raises ServiceError 404 when there is no such file."""
        self.file(file_id)
        return self._content(file_id)

    def files(self) -> Iterator[FileRecord]:
        """All files, newest first."""
        for file_id in _names_newest_first(self._files):
            with contextlib.suppress(ServiceError):  # deleted since the folder was listed
                yield self.file(file_id)

    def delete_file(self, file_id: str) -> None:
        """Raises ServiceError 404 when there is no such file."""
        self.file(file_id)
        (self._files / f"{file_id}.json").unlink(missing_ok=True)
        self._content(file_id).unlink(missing_ok=True)

    def _content(self, file_id: str) -> Path:
        return self._files / f"{file_id}.bin"

    # Batches

    def batch(self, batch_id: str) -> BatchRecord:
        """A batch as it stands; one that is to be cancelled shows as `cancelling`.

        Raises:
            ServiceError: 404, there is no such batch.
        """
        record = self.checkpoint(batch_id)
        if record.is_open and record.status != "cancelling" and self.cancel_requested(batch_id):
            record.enter("cancelling", self._cancel_time(batch_id))
        return record

    def checkpoint(self, batch_id: str) -> BatchRecord:
        """A batch as it was last saved. Raises ServiceError 404 when there is no such batch."""
        raw = _read_if_there(self._batches, batch_id)
        if raw is None:
            raise ServiceError(404, f"No batch found with id '{batch_id}'.", param="batch_id")
        record = of_known_keys(
            BatchRecord, raw | {"errors": [BatchError(**error) for error in raw["errors"]]}
        )
        if "output_bytes" in raw and record.is_open:
            # An earlier goldpan was at work on it, whose journals had another form. What is answered here
            # costs nothing, so it is asked anew.
            record.count_again()
            if (record.status, record.ending) == ("finalizing", "completed"):
                record.status = "in_progress"
        return record

    def batches(self) -> Iterator[BatchRecord]:
        """All batches, newest first."""
        return (self.batch(batch_id) for batch_id in self.batch_ids())

    def batch_ids(self) -> list[str]:
        """Ids of all batches, newest first."""
        return _names_newest_first(self._batches)

    def save(self, record: BatchRecord) -> None:
        """Write the batch; the checkpoint that a later process goes on from."""
        write_json(self._batches / f"{record.id}.json", asdict(record))

    def forget(self, is_settled: Callable[[str], bool]) -> None:
        """Remove the files of those batches whose answers are safe elsewhere; the batches stay in the list.

        Args:
            is_settled: tells by its id whether a batch is one of them; asked of such as have ended.
        """
        for record in self.batches():
            if not record.is_open and is_settled(record.id):
                for file_id in (record.input_file_id, record.output_file_id, record.error_file_id):
                    with contextlib.suppress(ServiceError):  # it has none, or it was removed before
                        self.delete_file(file_id or "")

    def request_cancel(self, batch_id: str) -> None:
        """Leave word that the batch is to be cancelled; whoever advances it will see."""
        self._cancel_marker(batch_id).touch()

    def cancel_requested(self, batch_id: str) -> bool:
        """Someone left word that the batch is to be cancelled."""
        # Asked for each row: a path object would take five times as long.
        return os.path.exists(f"{self._batches}/{batch_id}.cancel")  # noqa: PTH110

    def _cancel_marker(self, batch_id: str) -> Path:
        return self._batches / f"{batch_id}.cancel"

    def _cancel_time(self, batch_id: str) -> int:
        return int(self._cancel_marker(batch_id).stat().st_mtime)

    # Locks

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock `name`, waiting for it; the system frees it when the process dies."""
        with (self._locks / name).open("ab") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def locked_if_free(self, name: str) -> Iterator[bool]:
        """Hold the lock `name` if nobody else does; yields whether it is held."""
        with (self._locks / name).open("ab") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def clean_filename(name: str) -> str:
    """A file's name as it can be written down: it comes from outside, may be long and need not be Unicode."""
    return name.encode("utf-8", "replace").decode()[:MAX_FILENAME]


def new_id(prefix: str) -> str:
    """A new id that sorts by the time it was made."""
    return f"{prefix}{time.time_ns():016x}{secrets.token_hex(4)}"


def _names_newest_first(folder: Path) -> list[str]:
    return sorted((path.stem for path in folder.glob("*.json") if _ID.fullmatch(path.stem)), reverse=True)


def _read_if_there(folder: Path, name: str) -> dict[str, Any] | None:
    # An id comes from outside: only the form the engine gives out may become a path.
    if not _ID.fullmatch(name):
        return None
    try:
        return read_json(folder / f"{name}.json")
    except FileNotFoundError:
        return None
