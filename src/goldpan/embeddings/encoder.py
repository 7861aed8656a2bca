"""Embedding blocks of texts: tokenising, the forward passes and the caller's own work overlap."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldpan.closing import ClosedAtEnd
from goldpan.embeddings.forward import BatchForward
from goldpan.embeddings.layouts import layout_for
from goldpan.embeddings.loading import LoadedModel, load_model
from goldpan.embeddings.tokens import TextTokenizer, Tokens

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from goldpan.study.embedding import Embedding

_GPU_FEEDERS = 2
_FIRST_CPU_WINDOW, _LAST_CPU_WINDOW = 16, 512
_CUT_AT_THE_END = 2


@dataclass(frozen=True)
class Embedded:
    """The embeddings of some texts, in their order.

    Attributes:
        vectors: [T, D] float32.
        truncated: [T] whether the end of a text was cut off.
        tokens: how many went through the model, special ones included, padding not.
    """

    vectors: np.ndarray
    truncated: np.ndarray
    tokens: int


@dataclass(frozen=True)
class _Started:
    """Tokenised texts and their batches: places of their chunks, and the vectors they will give."""

    tokens: Tokens
    batches: list[tuple[np.ndarray, Future[Tensor]]]


@dataclass(frozen=True)
class PendingBlock:
    """A block of texts on its way through an encoder."""

    _windows: list[Future[_Started]]
    _dimension: int
    _normalize: bool

    def result(self) -> Embedded:
        """Wait for the block.

        Raises:
            EmbeddingError: memory does not suffice for one of the texts.
        """
        import numpy as np

        windows = [self._embedded(window.result()) for window in self._windows]
        return Embedded(
            np.concatenate([window.vectors for window in windows]),
            np.concatenate([window.truncated for window in windows]),
            sum(window.tokens for window in windows),
        )

    def _embedded(self, started: _Started) -> Embedded:
        tokens = started.tokens
        vectors = _gathered(started.batches, len(tokens.ids), self._dimension)
        if len(tokens.ids) > len(tokens.truncated):
            vectors = _averaged(vectors, tokens, self._normalize)
        return Embedded(vectors, tokens.truncated, int(tokens.lengths.sum()))


class Encoder(ClosedAtEnd):
    """A model that embeds texts.

    On a CPU each thread takes batches of its own and waits for nobody, which is faster than all cores on one
    large batch. On a GPU a second thread prepares a batch while the first waits for the device.

    The vector of a text does not depend on the other texts but for rounding, and not at all on timing: the
    batches of a block are the same in each run.

    Args:
        settings: what the study says.
        threads: on a CPU, threads that run batches; default as many as PyTorch would use.
        model: instead of loading the one that the settings name.

    Raises:
        EmbeddingError: the model cannot be had or does not fit the settings.
    """

    def __init__(
        self, settings: Embedding, *, threads: int | None = None, model: LoadedModel | None = None
    ) -> None:
        import torch

        self.model = model or load_model(settings)
        self._tokenize = TextTokenizer(
            self.model.tokenizer, self.model.max_length, settings.on_long, self.model.prefix
        )
        self._forward = BatchForward(
            layout_for(
                self.model.encoder,
                device=self.model.device,
                pad_id=self.model.tokenizer.pad_token_id or 0,
                padding=self.model.padding,
                layers=settings.layers,
            ),
            self.model.pooler,
            device=self.model.device,
            budget=self.model.budget,
        )
        self._threads_before = torch.get_num_threads()
        on_cpu = self.model.device == "cpu"
        self._on_cpu = on_cpu
        self._streams = ThreadPoolExecutor(
            max_workers=(threads or self._threads_before) if on_cpu else _GPU_FEEDERS,
            thread_name_prefix="forward",
            initializer=torch.set_num_threads,
            initargs=(1 if on_cpu else self._threads_before,),
        )
        self._tokenizing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenize")

    def submit(self, texts: Sequence[str]) -> PendingBlock:
        """Begin to embed a block of texts. Submit the next before asking for the result: they overlap."""
        bounds = _cpu_windows(len(texts)) if self._on_cpu else [0, len(texts)]
        windows = [
            self._tokenizing.submit(self._start, texts[start:end], end == len(texts))
            for start, end in itertools.pairwise(bounds)
        ]
        return PendingBlock(windows, self.model.dimension, self.model.pooler.normalize)

    def encode(self, texts: Sequence[str]) -> Embedded:
        """Embed some texts.

        Raises:
            EmbeddingError: memory does not suffice for one of them.
        """
        return self.submit(texts).result()

    def close(self) -> None:
        """Drop what is not begun and end the threads."""
        import torch

        self._tokenizing.shutdown(cancel_futures=True)
        self._streams.shutdown(cancel_futures=True)
        torch.set_num_threads(self._threads_before)

    def _start(self, texts: Sequence[str], last: bool) -> _Started:
        tokens = self._tokenize(texts)
        batches = self._forward.batches(tokens.lengths)
        if last and self._on_cpu:
            batches = _ending_together(batches)
        return _Started(
            tokens,
            [
                (places, self._streams.submit(self._forward, [tokens.ids[place] for place in places]))
                for places in batches
            ],
        )


def _cpu_windows(count: int) -> list[int]:
    """Bounds of the parts of a block of `count` texts.

    A part goes through the model while the next is tokenised; the first is small, to begin soon.
    """
    bounds, size = [0], _FIRST_CPU_WINDOW
    while bounds[-1] + size < count:
        bounds.append(bounds[-1] + size)
        size = min(2 * size, _LAST_CPU_WINDOW)
    return [*bounds, count]


def _ending_together(batches: list[np.ndarray]) -> list[np.ndarray]:
    """Cut the last batches in halves and quarters, so that no thread has a whole one left when others end.

    How many are cut does not depend on the number of threads: vectors are to be the same on each machine.
    """
    for _ in range(2):
        before, ends = batches[:-_CUT_AT_THE_END], batches[-_CUT_AT_THE_END:]
        batches = before + [
            half for end in ends for half in (end[: len(end) // 2], end[len(end) // 2 :]) if len(half)
        ]
    return batches


def _gathered(batches: list[tuple[np.ndarray, Future[Tensor]]], count: int, dimension: int) -> np.ndarray:
    """[C, D] vectors of chunks, from batches in any order; one copy from the device for them all."""
    import numpy as np
    import torch

    vectors = np.empty((count, dimension), dtype=np.float32)
    if batches:
        places = np.concatenate([places for places, _ in batches])
        vectors[places] = torch.cat([future.result() for _, future in batches]).cpu().numpy()
    return vectors


def _averaged(chunks: np.ndarray, tokens: Tokens, normalize: bool) -> np.ndarray:
    """[T, D] means of the vectors of each text's chunks, weighted by their numbers of tokens."""
    import numpy as np

    starts = np.flatnonzero(np.diff(tokens.owner, prepend=-1))
    weights = tokens.lengths.astype(np.float32)
    sums = np.add.reduceat(chunks * weights[:, None], starts, axis=0)
    means = sums / np.add.reduceat(weights, starts)[:, None]
    if normalize:
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return means
