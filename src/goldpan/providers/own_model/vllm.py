"""Chat requests answered by `vllm run-batch`, which reads a file of them and writes a file of answers.

What it takes and writes: vllm/entrypoints/openai/run_batch.py. A line of its output has `custom_id`, a
`response` with `status_code` and `body`, and an `error`, which is a text or OpenAI's object. Older versions
write the output at their end, newer ones as they go; so what a killed run has left is read first.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import ProviderError, SourceError
from goldpan.files import iter_lines_cut, read_json, write_json
from goldpan.providers.engine.answerers import Reply, Request, WireReply
from goldpan.providers.keys import USUAL_VARIABLES, Keys
from goldpan.providers.own_model.identity import OwnModel
from goldpan.providers.own_model.vllm_words import last_words, what_helps
from goldpan.providers.scrubber import Scrubber
from goldpan.study.provider import VllmSettings

_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "VLLM_API_KEY")
# It loads the model from where goldpan found it, and tells nobody.
_OFFLINE = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 20.0
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


def _names_sizes_times(state: list[list[Any]]) -> list[list[Any]]:
    """What a copied file keeps of a `weights_state`."""
    return [file[:3] for file in state]


class VllmAnswerer:
    """Answers all requests of a batch by one run of `vllm run-batch`; fulfils `Answerer`.

    Args:
        settings: of the provider.
        model: with its folder.
        workplace: folder of this batch, whose lock is held; removed once all is answered.
        secrets: where values are looked for that no error may show.
        variables: environment variables with keys of other providers.
        endpoint: of the requests.
        is_cancelled: whether the batch is to be cancelled.
        say: told what people should know, a line at a time.
    """

    def __init__(
        self,
        settings: VllmSettings,
        model: OwnModel,
        workplace: Path,
        *,
        secrets: Keys,
        variables: Sequence[str],
        endpoint: str,
        is_cancelled: Callable[[], bool],
        say: Callable[[str], None],
    ):
        self._settings, self._model, self._workplace = settings, model, workplace
        self._kept_back = {*_TOKENS, *USUAL_VARIABLES, *variables}
        self._scrubber = Scrubber(secrets.secrets(self._kept_back))
        self._endpoint, self._is_cancelled, self._say = endpoint, is_cancelled, say
        self._input, self._output = workplace / "requests.jsonl", workplace / "answers.jsonl"
        self._log, self._of = workplace / "vllm.log", workplace / "weights.json"

    def answers(self, requests: Iterator[Request]) -> Iterator[tuple[int, Reply]]:
        """As `Answerer.answers`: takes all requests, then has them answered.

        Raises:
            ProviderError: vLLM is not installed, or ended otherwise than well; what it had answered by then
                is given first.
        """
        self._workplace.mkdir(parents=True, exist_ok=True)
        places = self._write(requests)
        if not places:
            return
        if self._output.exists() and not self._is_of_these_weights():
            self._say("answers of a stopped run of vLLM are not taken: the model's files were changed since")
            self._output.unlink()
        if self._output.exists():
            before = len(places)
            # Refusals of a run that was stopped may have come of its being stopped.
            yield from self._read(places, only_answers=True)
            self._say(f"{before - len(places)} answers are there of a run of vLLM that was stopped")
            self._output.unlink()
        if places:
            self._keep_only(places)
            write_json(self._of, self._model.state)
            failure = self._run(len(places))
            asked = len(places)
            try:
                self._model.check_unchanged()
            except ProviderError:
                self._output.unlink(missing_ok=True)
                raise
            if self._output.exists():
                yield from self._read(places, only_answers=failure is not None)
            if failure is None and len(places) == asked:
                failure = self._failed("ended well, and left no line that answers a request")
            if failure is not None:
                # What was answered is journalled by now.
                self._output.unlink(missing_ok=True)
                raise failure
            for place in places.values():
                yield place, self._without_answer()
        shutil.rmtree(self._workplace, ignore_errors=True)

    def _is_of_these_weights(self) -> bool:
        """Whether the files of the model are as they were when the output was begun, or copies of them."""
        if self._model.state is None:
            return True
        try:
            return _names_sizes_times(read_json(self._of)) == _names_sizes_times(self._model.state)
        except (OSError, SourceError, TypeError):
            return False

    def _without_answer(self) -> WireReply:
        if self._is_cancelled():
            return WireReply(None, code="batch_cancelled", message="This request was not run.")
        return WireReply(None, code="no_answer", message="vLLM's output has no line for this request.")

    def _write(self, requests: Iterator[Request]) -> dict[str, int]:
        """Write the input file; custom_id -> place of each request."""
        places: dict[str, int] = {}
        with self._input.open("wb") as file:
            for place, request in enumerate(requests):
                places[request.custom_id] = place
                row = {"custom_id": request.custom_id, "method": "POST", "url": self._endpoint}
                file.write(orjson.dumps({**row, "body": request.body}, option=orjson.OPT_APPEND_NEWLINE))
        return places

    def _keep_only(self, places: dict[str, int]) -> None:
        """Leave the requests that are not answered in the input file."""
        kept = self._input.with_suffix(".part")
        with self._input.open("rb") as lines, kept.open("wb") as file:
            file.writelines(line for line in lines if orjson.loads(line)["custom_id"] in places)
        kept.replace(self._input)

    def _read(self, places: dict[str, int], *, only_answers: bool) -> Iterator[tuple[int, Reply]]:
        """What the output says of requests, each once; those are taken out of `places`."""
        passed_over: Counter[str] = Counter()
        seen: set[str] = set()
        for _, line in iter_lines_cut(self._output):
            row = _row(line)
            if row is None:
                passed_over["no line of an answer"] += bool(line.strip())
                continue
            custom_id, reply = row
            if custom_id not in places:
                passed_over[
                    "a second answer" if custom_id in seen else "of a request that was not asked"
                ] += 1
            elif self._is_of_another(reply):
                passed_over["of another model"] += 1
            elif reply is None or (only_answers and not reply.is_answer):
                passed_over["without answer and error"] += reply is None
            else:
                seen.add(custom_id)
                yield places.pop(custom_id), reply
        for what, count in sorted((+passed_over).items()):
            self._say(f"{count} lines of vLLM's output were passed over: {what}")

    def _is_of_another(self, reply: Reply | None) -> bool:
        if not isinstance(reply, WireReply) or not reply.is_answer or not isinstance(reply.body, dict):
            return False
        return reply.body.get("model") not in (None, self._model.identity)

    def _command(self) -> list[str]:
        settings = self._settings
        command = [
            *shlex.split(settings.command),
            "run-batch",
            "-i",
            str(self._input),
            "-o",
            str(self._output),
        ]
        command += ["--model", str(self._model.folder), "--served-model-name", self._model.identity]
        command += ["--dtype", settings.compute_dtype]
        if settings.max_length is not None:
            command += ["--max-model-len", str(settings.max_length)]
        if settings.gpus > 1:
            command += ["--tensor-parallel-size", str(settings.gpus)]
        if settings.trust_remote_code:
            command.append("--trust-remote-code")
        return [*command, *settings.options]

    def _run(self, count: int) -> ProviderError | None:
        """Run it to its end; why it ended otherwise than well, if it did."""
        self._say(f"vLLM answers {count} requests; what it says is in {self._log}")
        environment = {name: value for name, value in os.environ.items() if name not in self._kept_back}
        try:
            with self._log.open("wb") as log:
                process = subprocess.Popen(
                    self._command(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**environment, **_OFFLINE},
                    start_new_session=True,
                    preexec_fn=_end_with_its_parent,
                )
        except OSError as error:
            return _not_there(self._settings.command, error)
        try:
            silent = self._watch(process)
        finally:
            _stop(process)
        if self._is_cancelled():
            return None
        if silent:
            minutes = f"{self._settings.silence_minutes:g}"
            return self._failed(f"had neither said nor written anything for {minutes} minutes, and was ended")
        status = process.returncode
        if status == 127:
            return _not_there(self._settings.command, None)
        if status < 0:
            name = signal.Signals(-status).name
            return self._failed(f"was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else ""))
        return self._failed(f"ended with status {status}") if status else None

    def _watch(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait for its end; True where it is silent for too long."""
        grown, since = [-1, -1], time.monotonic()
        while process.poll() is None:
            if self._is_cancelled():
                return False
            now = [path.stat().st_size if path.exists() else 0 for path in (self._log, self._output)]
            if now != grown:
                grown, since = now, time.monotonic()
            if time.monotonic() - since > 60 * self._settings.silence_minutes:
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def _failed(self, how: str) -> ProviderError:
        words = last_words(self._log, self._scrubber)
        return ProviderError(
            f"`{self._settings.command} run-batch` {how}" + (f"; its last lines:\n{words}" if words else ""),
            where=str(self._log),
            remedy=what_helps(words),
        )


def _row(line: bytes) -> tuple[str, WireReply | None] | None:
    """(custom_id, what it says) of a line of the output; None for a line that is none."""
    try:
        row = orjson.loads(line)
        custom_id, response, error = row["custom_id"], row.get("response"), row.get("error")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(custom_id, str):
        return None
    response = response if isinstance(response, dict) else {}
    status, body = response.get("status_code"), response.get("body")
    status = status if type(status) is int and 100 <= status < 600 else None
    if error:
        return custom_id, _refusal(error, status)
    if isinstance(body, dict) and (status is None or 200 <= status < 300):
        return custom_id, WireReply(200 if status is None else status, body)
    return custom_id, WireReply(status, body or {}) if status is not None and status >= 300 else None


def _refusal(error: Any, status: int | None) -> WireReply:
    """An error of the output, as a service that refuses says it."""
    if isinstance(error, str):
        error = {"message": error, "type": "invalid_request_error", "param": None, "code": None}
    inner = error.get("error", error) if isinstance(error, dict) else {"message": str(error)}
    code = inner.get("code") if isinstance(inner, dict) else None
    if status is None or status < 400:
        # Older versions say the status in the error alone.
        status = code if type(code) is int and 400 <= code < 600 else 500
    return WireReply(status, {"error": inner})


def _not_there(command: str, error: OSError | None) -> ProviderError:
    why = f" ({error.strerror})" if error is not None and error.strerror else ""
    return ProviderError(
        f"vLLM is not installed here: there is no command `{command}`{why}",
        remedy="on the machine with the GPU: pip install vllm, or name how it is called with `command` of the"
        " provider; `kind: transformers` answers the same requests without it",
    )


def _end_with_its_parent() -> None:
    """In the new process: die when the job dies, however it does, so that nobody holds the GPU for it."""
    try:
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGTERM)
    except (OSError, AttributeError):
        # Not Linux; there a job that is killed leaves it behind.
        return


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it has started, also where it has ended by itself: a worker that it has left would
    hold the GPU's memory."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        is_left = _signal(process, number)
        until = time.monotonic() + _GRACE_SECONDS
        while is_left and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS / 4)
            process.poll()
            is_left = _signal(process, 0)
        if not is_left:
            break
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to its group, or with 0 none; whether anything is left of it."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
