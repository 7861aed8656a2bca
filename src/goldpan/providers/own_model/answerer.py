"""Chat requests answered with a Hugging Face causal model on this machine."""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from goldpan.errors import ProviderError
from goldpan.files import sha256_hex
from goldpan.models.device import is_out_of_memory
from goldpan.models.packing import pack
from goldpan.models.threads import torch_threads
from goldpan.providers.engine.answerers import Reply, Request
from goldpan.providers.engine.completions import schema_asked_for
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.own_model.answer_rows import AnswerRow, AskedFor
from goldpan.providers.own_model.causal_model import CausalModel
from goldpan.providers.own_model.chat_text import ChatTemplate, ChatWriter
from goldpan.providers.own_model.completion_bodies import completion_of
from goldpan.providers.own_model.decoding import Decoder, SharedPrefix
from goldpan.providers.own_model.prompts import PromptTokeniser

FINGERPRINT = "goldpan-transformers"
GPU_BATCH_TOKENS, CPU_BATCH_TOKENS = 262_144, 65_536
USUAL_ANSWER = 4_096
"""Tokens that an answer may have where the request does not say."""
_TAKEN_AT_ONCE = 512
"""Requests that are taken, to be sorted by length; each waits in memory with its prompt."""


class _Loaded(NamedTuple):
    model: CausalModel
    decoder: Decoder
    prompter: PromptTokeniser


class TransformersAnswerer:
    """Answers chat requests with a causal model, many at a time; fulfils `Answerer`.

    The model is loaded when the first request comes, or by `load`. Answers depend on their requests alone:
    on a CPU, where `auto` computes in float64, also in the last digit that matters; at lower precision two
    tokens that are nearly as likely may change places with the batch they are computed in.

    Args:
        model: a folder, `package:NAME`, or a name on the hub.
        adapter: folder of a PEFT adapter over it.
        revision: commit, of a model of the hub.
        trust_remote_code: let the model's own Python code run.
        device: `auto` is the first GPU, else the CPU.
        compute_dtype: `auto` (bfloat16 on a GPU, float64 on a CPU), bfloat16, float16, float32 or float64.
        batch_tokens: tokens that a batch may hold, prompts and answers; None: what suits the device.
        max_length: tokens that prompt and answer may have together; None: what the model allows.
        chat_template: `model` takes the model's own; `plain` writes the messages one after the other, for
            base models.
        show_schema: tell the model the schema of its answer where its template does not.
        threads: of the CPU; None: as many as PyTorch takes.
        say: told what people should know, a line at a time.
    """

    def __init__(
        self,
        model: Path | str,
        *,
        adapter: Path | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
        device: str = "auto",
        compute_dtype: str = "auto",
        batch_tokens: int | None = None,
        max_length: int | None = None,
        chat_template: ChatTemplate = "model",
        show_schema: bool = True,
        threads: int | None = None,
        say: Callable[[str], None] | None = None,
    ):
        self._make_model = functools.partial(
            CausalModel,
            model,
            adapter=adapter,
            revision=revision,
            trust_remote_code=trust_remote_code,
            device=device,
            compute_dtype=compute_dtype,
        )
        self._budget, self._max_length = batch_tokens, max_length
        self._chat_template, self._show_schema = chat_template, show_schema
        self._threads = threads
        self._say = say or (lambda line: None)
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        """Load the model unless it is.

        Raises:
            EmbeddingError, ProviderError: it cannot be had, or not be asked this way.
        """
        with self._lock, self._computing():
            self._ready()

    def answers(self, requests: Iterator[Request]) -> Iterator[tuple[int, Reply]]:
        """As `Answerer.answers`. Some hundred requests are taken before the first is answered."""
        numbered = enumerate(requests)
        while taken := [*itertools.islice(numbered, _TAKEN_AT_ONCE)]:
            with self._lock, self._computing():
                loaded = self._ready()
                asked, refused = self._read(loaded, taken)
            yield from refused
            for group in _alike(asked):
                yield from self._answer(loaded, group)

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            model = self._make_model()
            writer = ChatWriter(
                model.tokenizer, self._chat_template, show_schema=self._show_schema, where=model.name
            )
            prompter = PromptTokeniser(model.tokenizer, writer, begins=self._chat_template == "plain")
            self._loaded = _Loaded(model, Decoder(model), prompter)
            if self._budget is None:
                on_gpu = model.device.startswith("cuda")
                self._budget = GPU_BATCH_TOKENS if on_gpu else CPU_BATCH_TOKENS
        return self._loaded

    def _computing(self) -> contextlib.AbstractContextManager[None]:
        return torch_threads(self._threads) if self._threads else contextlib.nullcontext()

    # reading requests

    def _read(
        self, loaded: _Loaded, taken: list[tuple[int, Request]]
    ) -> tuple[list[AskedFor], list[tuple[int, Reply]]]:
        asked: list[AskedFor] = []
        refused: list[tuple[int, Reply]] = []
        for place, request in taken:
            try:
                asked.append(self._asked_for(loaded, place, request))
            except ServiceError as error:
                refused.append((place, error))
        return asked, refused

    def _asked_for(self, loaded: _Loaded, place: int, request: Request) -> AskedFor:
        body = request.body
        schema = _schema(body)
        prompt = loaded.prompter.prompt(body)
        room = self._context(loaded) - len(prompt.ids)
        wanted = body.get("max_completion_tokens") or body.get("max_tokens") or USUAL_ANSWER
        held = None if schema is None else loaded.decoder.closer.held(schema, prompt.separators)
        if room < 1:
            raise self._too_long(loaded, len(prompt.ids))
        stops = body.get("stop") or ()
        return AskedFor(
            place,
            prompt,
            min(wanted, room),
            held,
            (stops,) if isinstance(stops, str) else tuple(stops),
            body,
            request.custom_id,
        )

    def _context(self, loaded: _Loaded) -> int:
        limits = [limit for limit in (self._max_length, loaded.model.context) if limit]
        return min(limits, default=USUAL_ANSWER)

    def _too_long(self, loaded: _Loaded, length: int) -> ServiceError:
        return ServiceError(
            400,
            f"This model's maximum context length is {self._context(loaded)} tokens."
            f" Your messages have {length} tokens.",
            code="context_length_exceeded",
            param="messages",
        )

    # answering

    def _answer(self, loaded: _Loaded, group: list[AskedFor]) -> Iterator[tuple[int, Reply]]:
        """Answer requests that have a prefix in common, the longest first."""
        import numpy as np

        with self._lock, self._computing():
            prefix = loaded.decoder.share([asked.prompt.ids for asked in group])
        waiting = group
        while waiting:
            assert self._budget is not None
            lengths = np.array([asked.tokens for asked in waiting])
            first = pack(lengths, self._budget, lambda _, longest: longest)[0].tolist()
            batch = [waiting[place] for place in first]
            with self._lock, self._computing():
                rows = self._decoded(loaded, batch, prefix)
            if rows is None:
                continue
            for row in rows:
                yield (
                    row.asked.place,
                    completion_of(row, loaded.model.tokenizer, shared=prefix.length, fingerprint=FINGERPRINT),
                )
            chosen = {*first}
            waiting = [asked for place, asked in enumerate(waiting) if place not in chosen]

    def _decoded(
        self, loaded: _Loaded, batch: Sequence[AskedFor], prefix: SharedPrefix
    ) -> list[AnswerRow] | None:
        """The answers of a batch; None where memory does not suffice and the budget has been halved."""
        try:
            return loaded.decoder.decode(batch, prefix)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Outside of `except`: the error holds on to the tensors of the pass that failed.
        if loaded.model.device.startswith("cuda"):
            import torch

            torch.cuda.empty_cache()
        size = len(batch) * max(asked.tokens for asked in batch)
        if len(batch) == 1:
            raise ProviderError(
                f"memory does not suffice for one request of {size} tokens, prompt and answer",
                where=f"{loaded.model.name} on {loaded.model.device}",
                remedy="lower `max_completion_tokens` or `max_length`, or take a larger machine",
            )
        self._budget = size // 2
        self._say(
            f"memory ran out with {len(batch)} requests at once; batches now hold {self._budget} tokens"
        )
        return None


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    schema = schema_asked_for(body)
    if schema is None and (body.get("response_format") or {}).get("type") == "json_object":
        return {"type": "object"}
    return schema


def _alike(asked: list[AskedFor]) -> list[list[AskedFor]]:
    """Requests by what they begin with: their schema and the system's words."""
    import json

    groups: dict[str, list[AskedFor]] = defaultdict(list)
    for one in asked:
        body = one.body
        system = [message for message in body["messages"] if message["role"] in ("system", "developer")]
        key = json.dumps([body.get("tools"), body.get("response_format"), system])
        groups[sha256_hex(key.encode())].append(one)
    return [*groups.values()]
