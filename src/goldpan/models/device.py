"""Which device PyTorch computes on, and whether its memory has run out."""

from __future__ import annotations

from goldpan.errors import EmbeddingError

_CPU_OUT_OF_MEMORY = "DefaultCPUAllocator"


def available_device(name: str) -> str:
    """The device a study asks for, in PyTorch's words; `auto` is the first GPU, else the CPU.

    Raises:
        EmbeddingError: this machine has no such device.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not has[name.partition(":")[0]]:
        raise EmbeddingError(
            f"there is no device `{name}` here",
            where="device",
            remedy="run on a machine that has one, or set `device: auto`",
        )
    return name


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether what PyTorch raised says that the device's memory does not suffice."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or _CPU_OUT_OF_MEMORY in str(error)
