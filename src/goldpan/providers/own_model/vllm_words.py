"""What vLLM said before it ended, and what helps against it."""

from __future__ import annotations

import re
from pathlib import Path

from goldpan.providers.scrubber import Scrubber
from goldpan.visible_text import printable

_LINES, _CHARACTERS, _BYTES = 12, 2_000, 64 << 10
_PREFIX = re.compile(r"^(\(\w+ pid=\d+\)\s*)?((INFO|WARNING|ERROR) [\d-]+ [\d:]+ \[[^\]]*\]\s*)?")
_REMEDIES = (
    (
        r"no cuda gpus|failed to infer device type|cuda driver|no gpu|found no nvidia|libcuda",
        "it finds no GPU: run the job where there is one (`snakemake --profile slurm`), or ask the stage of"
        " `kind: transformers`, which also runs on a CPU",
    ),
    (
        r"is larger than the number of available gpus|world size \(\d+\)",
        "the job has fewer GPUs than `gpus` of the provider says; on a cluster let jobs have as many:"
        " `resources: {gpu: N}` in a profile of yours (docs/engines.md)",
    ),
    (
        r"out of memory|no available memory for the cache blocks|kv cache is needed|free memory on device",
        "the model does not fit: a smaller `max_length`, more `gpus`, or `options: [--gpu-memory-utilization,"
        " '0.95']`",
    ),
    (
        r"does not recognize this architecture|are not supported for now|no module or parameter named"
        r"|is not a valid model identifier|unknown model",
        "this version of vLLM does not know the model: a newer one may, or ask the stage of"
        " `kind: transformers`",
    ),
    (
        r"unrecognized arguments|invalid choice|error: argument",
        "this version of vLLM does not take one of these options: `vllm run-batch --help` lists them",
    ),
    (
        r"chat template",
        "the model's folder has no chat template: put `chat_template.jinja` into it",
    ),
)
_ANY = "read the log; run again, and only what has no answer is asked"


def last_words(log: Path, scrubber: Scrubber) -> str:
    """The last lines of a log, without secrets, fit for a terminal; empty where it says nothing."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _BYTES))
            content = scrubber.content(file.read())
    except OSError:
        return ""
    # A bar of progress writes over its line again and again.
    lines = content.decode("utf-8", "replace").replace("\r", "\n").split("\n")
    said = [printable(_PREFIX.sub("", line).rstrip()) for line in lines if line.strip()]
    return "\n".join(f"    {line}" for line in said[-_LINES:])[-_CHARACTERS:]


def what_helps(words: str) -> str:
    """What a person may do about these last words."""
    said = words.lower()
    return next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, said)), _ANY)
