"""The options of `vllm run-batch` that a study may give, and which of them change answers."""

from __future__ import annotations

from collections.abc import Sequence

# What goldpan itself says to `vllm run-batch`.
_SAID_TO_VLLM = {
    "-i": "", "--input-file": "", "-o": "", "--output-file": "", "--output-tmp-dir": "",
    "--model": "`model`", "--served-model-name": "", "--revision": "`revision`",
    "--trust-remote-code": "`trust_remote_code`", "--dtype": "`compute_dtype`",
    "--max-model-len": "`max_length`", "--tensor-parallel-size": "`gpus`", "-tp": "`gpus`",
}  # fmt: skip
# Those of its options that say how fast and where it computes. By any other the same weights may answer
# otherwise, also by those that are yet to come.
_KEEP_ANSWERS = frozenset(
    {
        "--gpu-memory-utilization", "--max-num-seqs", "--max-num-batched-tokens", "--enforce-eager",
        "--swap-space", "--cpu-offload-gb", "--block-size", "--enable-prefix-caching",
        "--no-enable-prefix-caching", "--enable-chunked-prefill", "--no-enable-chunked-prefill",
        "--disable-log-stats", "--disable-log-requests", "--enable-log-requests", "--max-log-len",
        "--enable-metrics", "--host", "--port", "--url", "--uvicorn-log-level", "--download-dir",
        "--pipeline-parallel-size", "-pp", "--data-parallel-size", "-dp", "--distributed-executor-backend",
        "--max-parallel-loading-workers", "--disable-custom-all-reduce", "--num-gpu-blocks-override",
        "--kv-cache-memory-bytes", "--async-scheduling", "--no-async-scheduling",
    }
)  # fmt: skip


def check_options(options: Sequence[str]) -> None:
    """Refuse options that goldpan says itself.

    Raises:
        ValueError: one of them is said by goldpan, or by a key of the study.
    """
    for option in options:
        name = _name(option)
        if name in _SAID_TO_VLLM:
            instead = _SAID_TO_VLLM[name]
            raise ValueError(
                f"`{name}` cannot stand in `options`: "
                + (f"it is the key {instead}" if instead else "goldpan says it")
            )


def options_of_answers(options: Sequence[str]) -> list[str]:
    """Those options, with their values, by which the same weights answer otherwise."""
    kept: list[str] = []
    takes = True
    for option in options:
        if option.startswith("-"):
            takes = _name(option) not in _KEEP_ANSWERS
        if takes:
            kept.append(option)
    return kept


def _name(option: str) -> str:
    return option.partition("=")[0].replace("_", "-")
