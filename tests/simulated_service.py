"""A batch service within this process, whose time is a test's, and which behaves as badly as it is told to.

It keeps what a real one keeps: files, batches that are paid for, a list. What it says of them, and when, is
up to faults (a call fails, with or without its effect, or takes effect later) and views (an answer differs
from the truth).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.base import Batch, BatchProvider, StoredFile, batch_from_dict
from tests.scripted_provider import answer_line
from tests.simulated_clock import SimulatedClock

GOOD = {"topic": "animals", "topic_rationale": "a cat", "urgent_detected": False, "length": 2}
SECONDS_PER_BATCH = 60.0


@dataclass
class Made:
    """A batch that was made, and is paid for."""

    id: str
    file_id: str
    metadata: dict[str, str]
    made_at: float
    requests: list[str]
    cancelled: bool = False


@dataclass
class Fault:
    """What befalls calls of one kind.

    Attributes:
        call: upload, find_upload, create, list, retrieve, download or cancel.
        error: what is raised.
        effect: the call takes effect all the same.
        late: it does so many seconds later; None for at once.
        times: so many calls are struck; None for all.
        until: only calls before this many seconds after the service began.
        batch: only calls about this batch.
    """

    call: str
    error: ProviderError
    effect: bool = False
    late: float | None = None
    times: int | None = 1
    until: float | None = None
    batch: str | None = None


@dataclass
class SimulatedService(BatchProvider):
    """A `BatchProvider`.

    Attributes:
        faults: played in order; those that are spent are passed over.
        views: call -> what is made of the true answer, given the service, what was asked for and the answer:
            for retrieve and cancel OpenAI's batch object, for list a list of them, for download the content
            or None for a file that is not there.
        tells_lengths: downloads come with their length.
        skew: how far the service's clock is ahead of ours, in seconds.
    """

    clock: SimulatedClock
    faults: list[Fault] = field(default_factory=list)
    views: dict[str, Callable[[SimulatedService, str, Any], Any]] = field(default_factory=dict)
    tells_lengths: bool = True
    skew: float = 0.0
    kind: str = "simulated"

    def __post_init__(self) -> None:
        self.files: dict[str, tuple[str, bytes]] = {}
        self.batches_made: list[Made] = []
        self._due: list[tuple[float, Callable[[], Any]]] = []
        self.began = self.clock.now()

    @property
    def age(self) -> float:
        """Seconds since the service began."""
        return self.clock.now() - self.began

    @property
    def server_time(self) -> float:
        """The service's clock."""
        return self.clock.now() + self.skew

    def paid(self) -> int:
        """Batches that were made, or will be by calls that are still on their way.

        One that failed for lack of room costs nothing.
        """
        for _, effect in self._due:
            effect()
        self._due = []
        return sum(self._described("retrieve", made.id)["status"] != "failed" for made in self.batches_made)

    # The protocol.

    def upload(self, path: Path, name: str) -> StoredFile:
        content = path.read_bytes()

        def store() -> StoredFile:
            file_id = f"file-{len(self.files)}"
            self.files[file_id] = (name, content)
            return self._seen("upload", file_id, StoredFile(file_id, name, len(content)))

        return self._do("upload", "", store)

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        def look() -> StoredFile | None:
            ids = [
                key for key, (known, content) in self.files.items() if (known, len(content)) == (name, size)
            ]
            return self._seen("find_upload", name, StoredFile(ids[-1], name, size) if ids else None)

        return self._do("find_upload", "", look)

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        def make() -> Batch:
            if file_id not in self.files:
                raise ProviderError(f"no such file {file_id}", status=404)
            return batch_from_dict(self.described(self.make(file_id, metadata)))

        return self._do("create", "", make)

    def make(self, file_id: str, metadata: dict[str, str]) -> Made:
        """Make a batch, whoever asks."""
        rows = [orjson.loads(line) for line in self.files[file_id][1].splitlines()]
        made = Made(
            f"batch_{len(self.batches_made) + 1}", file_id, metadata, self.clock.now(),
            [row["custom_id"] for row in rows],
        )  # fmt: skip
        self.batches_made.append(made)
        return made

    def retrieve(self, batch_id: str) -> Batch:
        return self._do("retrieve", batch_id, lambda: batch_from_dict(self._described("retrieve", batch_id)))

    def batches(self) -> Iterator[Batch]:
        def look() -> list[Batch]:
            newest = [self.described(made) for made in reversed(self.batches_made)]
            return [batch_from_dict(item) for item in self._seen("list", "", newest)]

        yield from self._do("list", "", look)

    def cancel(self, batch_id: str) -> Batch:
        def stop() -> Batch:
            made = self._made(batch_id)
            if self.described(made)["status"] in ("completed", "expired", "cancelled"):
                raise ProviderError("Cannot cancel a batch that has ended.", status=409, in_doubt=True)
            made.cancelled = True
            return batch_from_dict(self._described("cancel", batch_id))

        return self._do("cancel", batch_id, stop)

    def download(self, file_id: str, destination: Path) -> bool:
        def write() -> bool:
            kind, _, batch_id = file_id.partition("-")
            made = self._made(batch_id)
            assert kind == "out", "it makes no error files"
            lines = [answer_line(custom_id, GOOD) + b"\n" for custom_id in made.requests]
            content = self._seen("download", batch_id, b"".join(lines))
            if content is None:
                raise ProviderError(f"no such file {file_id}", status=404)
            destination.write_bytes(content)
            return self.tells_lengths

        return self._do("download", file_id, write)

    # What is true.

    def described(self, made: Made) -> dict[str, Any]:
        """OpenAI's object for a batch as it truly is."""
        age, rows = self.clock.now() - made.made_at, len(made.requests)
        done = rows if age >= SECONDS_PER_BATCH else 0
        status = "cancelled" if made.cancelled else "completed" if done else "in_progress"
        return {
            "id": made.id,
            "status": status,
            "created_at": int(made.made_at + self.skew),
            "input_file_id": made.file_id,
            "output_file_id": f"out-{made.id}" if done and not made.cancelled else None,
            "error_file_id": None,
            "request_counts": {"total": rows, "completed": 0 if made.cancelled else done, "failed": 0},
            "metadata": made.metadata,
        }

    def _made(self, batch_id: str) -> Made:
        for made in self.batches_made:
            if made.id == batch_id:
                return made
        raise ProviderError(f"no such batch {batch_id}", status=404, retryable=True)

    def _described(self, call: str, batch_id: str) -> dict[str, Any]:
        return self._seen(call, batch_id, self.described(self._made(batch_id)))

    # What comes of it.

    def _seen(self, call: str, about: str, answer: Any) -> Any:
        view = self.views.get(call)
        return answer if view is None else view(self, about, answer)

    def _do(self, call: str, about: str, effect: Callable[[], Any]) -> Any:
        self._take_late_effects()
        for fault in self.faults:
            is_struck = fault.call == call and fault.times != 0 and fault.batch in (None, about)
            if is_struck and (fault.until is None or self.age < fault.until):
                if fault.times is not None:
                    fault.times -= 1
                if fault.effect and fault.late is None:
                    effect()
                elif fault.effect:
                    self._due.append((self.clock.now() + (fault.late or 0.0), effect))
                raise fault.error
        return effect()

    def _take_late_effects(self) -> None:
        now = self.clock.now()
        due = [effect for at, effect in self._due if at <= now]
        self._due = [(at, effect) for at, effect in self._due if at > now]
        for effect in due:
            effect()
