"""A batch service in memory, at its worst on demand, and a clock that passes when somebody sleeps.

What truly happened is kept beside what is shown, so that a test can count what was paid for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from goldpan.crashpoints import Killed
from goldpan.errors import ProviderError
from goldpan.providers.base import Batch, BatchProvider, StoredFile
from goldpan.providers.paging import Page, last_id, listed

# What may become of a paid call. Those named `lost` and `killed` leave the caller without an answer.
OUTCOMES = (
    "made",
    "refused",
    "unreached",
    "lost_before",
    "lost_after",
    "late",
    "killed_before",
    "killed_after",
)


class SimulatedClock:
    """Time that passes by sleeping; what is due happens on the way.

    Attributes:
        start: Unix seconds at which it begins.
    """

    def __init__(self, start: float = 1_700_000_000.0):
        self.start, self._passed = start, 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        """Unix seconds."""
        return self.start + self._passed

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Let time pass, and what is due by then happen."""
        end = self._passed + seconds
        while self._due and min(self._due)[0] <= end:
            entry = min(self._due)
            self._due.remove(entry)
            self._passed = max(self._passed, entry[0])
            entry[2]()
        self._passed = end

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Have something happen in so many seconds."""
        self._due.append((self._passed + seconds, len(self._due), act))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is due any more."""
        return not self._due


@dataclass
class Manner:
    """How a service behaves; the defaults are those of a good one.

    Attributes:
        clock_offset: its clock minus ours, in seconds.
        says_time: its answers carry its time.
        keeps_metadata: its batches carry the metadata they were made with.
        reuses_file_ids: an upload gets the id of a file that a batch was made from, if there is one.
        lag: a batch is not listed until so many seconds after it was made.
        late: a paid call of outcome `late` takes effect after so many seconds.
        shows_batches: False lists none at all, for ever.
        order: of its list.
        page: batches on a page.
        says_more: its pages say whether others follow.
        knows_after: it heeds after which batch a page begins; else each page is the first.
        counts_after: the batch to begin after is on the page, too.
    """

    clock_offset: float = 0.0
    says_time: bool = True
    keeps_metadata: bool = True
    reuses_file_ids: bool = False
    lag: float = 0.0
    late: float = 120.0
    shows_batches: bool = True
    order: str = "newest"
    page: int = 100
    says_more: bool = True
    knows_after: bool = True
    counts_after: bool = False


@dataclass
class Made:
    """A batch as it truly is: what it was made of, when (our clock), and as the service describes it."""

    batch: Batch
    nonce: str
    texts: dict[str, str]
    made_at: float


@dataclass
class SimulatedService:
    """What the service has. Several providers may be connected to it."""

    clock: SimulatedClock
    manner: Manner = field(default_factory=Manner)
    made: list[Made] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    uploads: list[StoredFile] = field(default_factory=list)
    used_files: list[str] = field(default_factory=list)

    @property
    def time(self) -> float:
        """Unix seconds by its own clock."""
        return self.clock.now() + self.manner.clock_offset

    def store(self, content: bytes, name: str) -> StoredFile:
        """Keep a request file."""
        reused = self.used_files if self.manner.reuses_file_ids else []
        file_id = reused[0] if reused else f"file-{len(self.uploads)}"
        stored = StoredFile(file_id, name, len(content), int(self.time))
        self.files[file_id] = content
        self.uploads.append(stored)
        self.used_files = [used for used in self.used_files if used != file_id]
        return stored

    def make(self, content: bytes, file_id: str, metadata: dict[str, str]) -> Batch:
        """Make a batch: from here on it is paid for."""
        rows = [orjson.loads(line) for line in content.splitlines()]
        batch = Batch(
            id=f"batch-{len(self.made)}",
            status="in_progress",
            created_at=int(self.time),
            total=len(rows),
            input_file_id=file_id,
            metadata=dict(metadata) if self.manner.keeps_metadata else {},
        )
        texts = {row["custom_id"]: row["text"] for row in rows}
        self.made.append(Made(batch, metadata["nonce"], texts, self.clock.now()))
        self.used_files.append(file_id)
        return batch

    def add_strangers(self, count: int) -> None:
        """Batches of other people in the same account. (Within one second even a service that drops metadata
        and reuses file ids can be told nothing by its times: that much is not promised.)"""
        self.clock.sleep(2.0)
        for _ in range(count):
            content = b"\n".join(orjson.dumps({"custom_id": x, "text": "a stranger's"}) for x in "xy")
            file_id = self.store(content, f"stranger-{len(self.made)}").id
            self.make(content, file_id, {"nonce": f"stranger-{len(self.made)}"})
        self.clock.sleep(2.0)

    def complete_all(self) -> None:
        """Answer every batch: each row with its own text."""
        for made in self.made:
            if made.batch.status != "in_progress":
                continue
            output = f"output-{made.batch.id}"
            self.files[output] = b"".join(_answer(*row) for row in made.texts.items())
            made.batch = replace(
                made.batch, status="completed", completed=len(made.texts), output_file_id=output
            )

    def pages(self) -> Iterator[Page]:
        """The list of batches as it is shown now."""
        manner = self.manner
        shown = [
            made.batch
            for made in self.made
            if manner.shows_batches and made.made_at + manner.lag <= self.clock.now()
        ]
        if manner.order == "newest":
            shown.reverse()
        elif manner.order == "mixed":
            random.Random(len(shown)).shuffle(shown)
        start = 0
        while True:
            part = shown[start : start + manner.page]
            more = start + manner.page < len(shown)
            page = Page([_described(batch) for batch in part], more if manner.says_more else None)
            yield page
            if page.is_last or last_id(page) is None:
                return
            if manner.knows_after:
                start += len(part) - manner.counts_after


class SimulatedProvider(BatchProvider):
    """`BatchProvider` over a simulated service, for one run.

    Args:
        service: who is asked.
        outcomes: what becomes of its paid calls, in turn; after them all are made.
    """

    kind = "simulated"

    def __init__(self, service: SimulatedService, outcomes: tuple[str, ...] = ()):
        self._service, self._outcomes = service, list(outcomes)
        self.server_time: float | None = None

    def _note_time(self) -> None:
        if self._service.manner.says_time:
            self.server_time = float(int(self._service.time))

    def upload(self, path: Path, name: str) -> StoredFile:
        """Keep a request file."""
        self._note_time()
        return self._service.store(path.read_bytes(), name)

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """The upload of that name."""
        self._note_time()
        newest = {file.id: file for file in self._service.uploads}
        return next((file for file in newest.values() if file.name == name and file.bytes == size), None)

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Make a batch, or what else is to become of this call."""
        outcome = self._outcomes.pop(0) if self._outcomes else "made"
        service = self._service
        if outcome == "unreached":
            raise ProviderError("could not be reached", retryable=True)
        if outcome == "killed_before":
            raise Killed
        if outcome == "refused":
            self._note_time()
            raise ProviderError("slow down", status=429, retryable=True, retry_after=5.0)
        content = service.files[file_id]
        if outcome == "late":
            service.clock.later(service.manner.late, lambda: service.make(content, file_id, metadata))
        if outcome in ("late", "lost_before"):
            raise ProviderError("gateway timeout", status=504, retryable=True, in_doubt=True)
        batch = service.make(content, file_id, metadata)
        if outcome == "killed_after":
            raise Killed
        if outcome == "lost_after":
            raise ProviderError("the connection broke off", retryable=True, in_doubt=True)
        self._note_time()
        return batch

    def retrieve(self, batch_id: str) -> Batch:
        """The present state of a batch."""
        self._note_time()
        for made in self._service.made:
            if made.batch.id == batch_id:
                return made.batch
        raise ProviderError("no such batch", status=404)

    def batches(self) -> Iterator[Batch]:
        """The list, through goldpan's own reading of pages."""
        self._note_time()
        return listed(self._service.pages())

    def cancel(self, batch_id: str) -> Batch:
        """Nothing is cancelled here."""
        return self.retrieve(batch_id)

    def download(self, file_id: str, destination: Path) -> bool:
        """Write a file, whose length is known."""
        destination.write_bytes(self._service.files[file_id])
        return True


def _described(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "status": batch.status,
        "created_at": batch.created_at,
        "input_file_id": batch.input_file_id,
        "metadata": batch.metadata,
        "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
    }


def _answer(custom_id: str, text: str) -> bytes:
    message = {"role": "assistant", "content": f"answer to {text}"}
    body = {"model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": message}], "usage": {}}
    return (
        orjson.dumps({"custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None})
        + b"\n"
    )
