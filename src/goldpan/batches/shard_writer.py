"""Requests as they come, put into the request files of shards."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO

from goldpan.batches.estimate import TokenEstimator
from goldpan.batches.questions import Question, Questioner
from goldpan.batches.spool import Spool
from goldpan.stages.plan import Shard, shard_row
from goldpan.study.stage import Stage


class ShardWriter:
    """Writes requests into files of a spool, each within the limits of a stage.

    Args:
        stage: whose limits hold.
        spool: where the files go; None counts only.
        questioner: knows the lines of the requests.
        estimator: counts their tokens.

    Attributes:
        shards: the files that were ended.
    """

    def __init__(self, stage: Stage, spool: Spool | None, questioner: Questioner, estimator: TokenEstimator):
        self._limits, self._spool = stage.limits, spool
        self._questioner, self._estimator = questioner, estimator
        self.shards: list[Shard] = []
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        self._hash = hashlib.sha256()
        self._requests = self._bytes = self._tokens = 0

    def can_send(self, question: Question) -> bool:
        """Whether a request fits into a file at all."""
        return question.size <= self._limits.bytes

    def add(self, question: Question, attempts: int) -> str:
        """Put a request, asked `attempts` times before, into the current shard or a new one.

        Returns:
            The shard's name.
        """
        size = question.size
        tokens = self._estimator.see(size, question.messages, question.task)
        limit = self._limits.prompt_tokens
        if self._requests and (
            self._requests >= self._limits.requests
            or self._bytes + size > self._limits.bytes
            or (limit is not None and self._tokens + tokens > limit)
        ):
            self.close()
        if not self._requests:
            self._open()
        if self._file:
            self._file.writelines(self._questioner.line_parts(question))
        self._hash.update(shard_row(question.custom_id, question.key.hex(), attempts))
        self._requests += 1
        self._bytes += size
        self._tokens += tokens
        return f"{len(self.shards):04d}"

    def _open(self) -> None:
        self._hash = hashlib.sha256()
        self._bytes = self._tokens = 0
        if self._spool:
            self._path = self._spool.new()
            self._file = self._path.open("wb", buffering=1 << 20)

    def close(self) -> None:
        """End the current shard."""
        if not self._requests:
            return
        digest = self._hash.hexdigest()
        if self._file and self._spool and self._path:
            self._file.close()
            self._spool.put(self._path, digest)
        name = f"{len(self.shards):04d}"
        self.shards.append(Shard(name, digest, self._requests, self._bytes, self._tokens))
        self._requests = 0
