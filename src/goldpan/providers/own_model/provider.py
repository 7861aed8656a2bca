"""`kind: transformers` and `kind: vllm`: batches in a folder, worked on by a job that has the device.

Looking at a batch never works on it: that is what `work` does, in the process of a rule of its own. So what
waits for batches needs no device and loads no model.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from goldpan.providers.base import Batch, Surroundings
from goldpan.providers.engine.answerers import Answerer, AnswerOne, Reply, Request, WireReply, nobody
from goldpan.providers.engine.engine import NO_WINDOW_SECONDS, Engine
from goldpan.providers.engine.folder_provider import FolderProvider, batch_of
from goldpan.providers.engine.hooks import BatchHook, BrokenOff, Ends, Hook
from goldpan.providers.keys import Keys
from goldpan.providers.own_model.identity import OwnModel
from goldpan.study.provider import OwnModelSettings, TransformersSettings, VllmSettings
from goldpan.tasks.device_time import DeviceTime, note_device_time

FOLDER = "engines"
"""Of both kinds, beside the ledger: the same weights answer the same requests, whoever computes them."""
_LOOK_AGAIN_SECONDS = 2.0

Say = Callable[[str], None]


class OwnModelProvider(FolderProvider):
    """Batches in a folder, of whose requests each names the weights that are to answer it.

    Args:
        folder: where the engine keeps its state.
        settings: of the provider.
        surroundings: where the study stands.
    """

    answers_in_jobs = True
    # Whether requests go to the answerer as they were sent.
    _as_sent = False

    def __init__(self, folder: Path, settings: OwnModelSettings, surroundings: Surroundings):
        self._folder, self._settings, self._surroundings = folder, settings, surroundings
        self.engine = self._engine()

    @classmethod
    def connected(cls, settings: OwnModelSettings, surroundings: Surroundings) -> OwnModelProvider:
        """As for any provider; no model is loaded."""
        return cls(engines_folder(settings, surroundings.root, surroundings.state), settings, surroundings)

    @classmethod
    def service(cls, settings: OwnModelSettings, keys: Keys) -> str:
        """The folder of the engines; who computes there is told by the requests."""
        return " ".join(filter(None, [FOLDER, settings.folder]))

    def end(self, batch_id: str) -> Batch:
        """As `BatchProvider.end`; one that is being worked on is only described."""
        return batch_of(self._engine(hook=Ends).advance(batch_id, math.inf))

    def cancel(self, batch_id: str) -> Batch:
        """Ask for a batch to be cancelled; one that nobody is at work on ends at once."""
        self.engine.cancel_batch(batch_id)
        return batch_of(self.engine.advance(batch_id, math.inf))

    def is_worked_on(self, batch_id: str) -> bool:
        """Whether some process of this machine is at work on a batch."""
        with self.engine.store.locked_if_free(batch_id) as held:
            return not held

    def work(self, batch_id: str, model: OwnModel, say: Say) -> Batch:
        """Answer what is not answered of a batch, to its end, or wait for the process that is at work on it.

        Rows that other weights are to answer expire: these are not here any more.

        Args:
            model: with its weights.
            say: told what whoever watches the job should know.

        Raises:
            ServiceError: 404, the folder has no such batch.
            ProviderError: the model cannot answer at all; what was answered is kept.
        """
        same = _OfTheseWeights(self._answerer(batch_id, model, say), model)
        answerer = _Timed(same, self._device, self._devices)
        engine, said = self._engine(answerer, _asked_of(model.identity, say)), False
        with self._device_alone(say):
            while (record := engine.advance(batch_id, math.inf)).is_open:
                if not said:
                    say(f"another process answers {batch_id}: waiting for it")
                    said = True
                time.sleep(_LOOK_AGAIN_SECONDS)
        return batch_of(record)

    @contextlib.contextmanager
    def _device_alone(self, say: Say) -> Iterator[None]:
        """One job at a time on the same GPUs of one machine: two models would not fit into their memory."""
        if not self._settings.gpus_of_a_job:
            yield
            return
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
        device = getattr(self._settings, "device", "auto")
        name = re.sub(r"[^A-Za-z0-9.]", "_", f"{socket.gethostname()} {seen} {device}")
        with self.engine.store.locked_if_free(f"device-{name}") as held:
            if held:
                yield
                return
        say("another job computes on the same device: waiting for it")
        with self.engine.store.locked(f"device-{name}"):
            yield

    def _engine(self, answerer: Answerer | AnswerOne = nobody, hook: Hook = BatchHook) -> Engine:
        return Engine(
            self._folder, answerer, hook=hook, as_sent=self._as_sent, window_seconds=NO_WINDOW_SECONDS
        )

    def _answerer(self, batch_id: str, model: OwnModel, say: Say) -> Answerer:
        """Who answers a batch."""
        raise NotImplementedError

    def _device(self) -> str:
        """What answers are computed on; asked once there is one."""
        raise NotImplementedError

    @property
    def _devices(self) -> int:
        """How many devices share each answer."""
        return max(1, self._settings.gpus_of_a_job)


class TransformersProvider(OwnModelProvider):
    """A model that `transformers` runs in the process of the job."""

    kind = "transformers"

    def _answerer(self, batch_id: str, model: OwnModel, say: Say) -> Answerer:
        from goldpan.providers.own_model.answerer import TransformersAnswerer

        settings = self._settings
        assert isinstance(settings, TransformersSettings) and model.folder is not None
        return TransformersAnswerer(
            model.folder,
            adapter=model.adapter,
            trust_remote_code=settings.trust_remote_code,
            device=settings.device,
            compute_dtype=settings.compute_dtype,
            batch_tokens=settings.batch_tokens,
            max_length=settings.max_length,
            chat_template=settings.chat_template,
            show_schema=settings.shows_schema,
            say=say,
        )

    def _device(self) -> str:
        import torch

        settings = self._settings
        assert isinstance(settings, TransformersSettings)
        if settings.device == "cpu" or not torch.cuda.is_available():
            return "mps" if settings.device == "mps" else "cpu"
        return torch.cuda.get_device_name(None if settings.device == "auto" else settings.device)


class VllmProvider(OwnModelProvider):
    """A model that `vllm run-batch` runs in a process of its own."""

    kind = "vllm"
    _as_sent = True

    def _answerer(self, batch_id: str, model: OwnModel, say: Say) -> Answerer:
        from goldpan.providers.own_model.vllm import VllmAnswerer

        settings, engine = self._settings, self.engine
        assert isinstance(settings, VllmSettings)
        variables = [name for other in self._surroundings.others if (name := other.api_key_env)]
        return VllmAnswerer(
            settings,
            model,
            self._folder / "vllm" / batch_id,
            secrets=self._surroundings.keys,
            variables=variables,
            endpoint=engine.batch(batch_id).endpoint,
            is_cancelled=lambda: engine.store.cancel_requested(batch_id),
            say=say,
        )

    def _device(self) -> str:
        gpus = self._settings.gpus_of_a_job
        return f"vllm on {gpus} GPU{'s' if gpus > 1 else ''}" if gpus else "vllm on the CPU"


def engines_folder(settings: OwnModelSettings, root: Path, state: Path) -> Path:
    """Where the engine of a provider keeps files and batches."""
    return root / settings.folder if settings.folder else state / FOLDER


def _asked_of(identity: str, say: Say) -> Hook:
    class AskedOf(BatchHook):
        """Ends a batch that is to be answered by other weights."""

        def breaks_off(self) -> BrokenOff | None:
            """Now, with the answers that there are, where other weights are named."""
            if self.record.model in (None, identity):
                return None
            say(f"{self.record.id} is for the weights {self.record.model}; these are {identity}: it is ended")
            return BrokenOff(self.record.rows_done, "expired")

    return AskedOf


class _OfTheseWeights:
    """An answerer whose model's files are looked at when its first answer comes: by then they are loaded."""

    def __init__(self, answerer: Answerer, model: OwnModel):
        self._answerer, self._model = answerer, model

    def answers(self, requests: Iterator[Request]) -> Iterator[tuple[int, Reply]]:
        """As `Answerer.answers`. Raises ProviderError: they are not the files that were hashed."""
        for number, answer in enumerate(self._answerer.answers(requests)):
            if not number:
                self._model.check_unchanged()
            yield answer


class _Timed:
    """An answerer whose answers say what they have cost its device: together all the time that it took."""

    def __init__(self, answerer: Answerer, device: Callable[[], str], devices: int):
        self._answerer, self._device, self._devices = answerer, device, devices

    def answers(self, requests: Iterator[Request]) -> Iterator[tuple[int, Reply]]:
        """As `Answerer.answers`."""
        name, spent, began = "", 0.0, time.monotonic()
        for place, reply in self._answerer.answers(requests):
            spent += time.monotonic() - began
            body = reply.body if isinstance(reply, WireReply) and reply.is_answer else reply
            if isinstance(body, dict):
                name = name or self._device()
                note_device_time(body, DeviceTime(name, spent * self._devices))
                spent = 0.0
            yield place, reply
            began = time.monotonic()
