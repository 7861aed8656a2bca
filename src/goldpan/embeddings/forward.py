"""One batch through the model: padding, the forward pass, and halving when memory runs out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from goldpan.embeddings.packing import padded_length
from goldpan.embeddings.pooling import Pooler
from goldpan.embeddings.positions import takes_plain_positions
from goldpan.errors import EmbeddingError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

_GPU_MULTIPLE = 8
_CPU_OUT_OF_MEMORY = "DefaultCPUAllocator"


class BatchForward:
    """Runs batches through a model. Threads may share one.

    Args:
        model: called with `input_ids` and `attention_mask`, gives `last_hidden_state` [B, L, H].
        pooler: what follows it.
        device: where the model lies.
        pad_id: token id of the padding.
        padding: side of the padding.
        budget: tokens of a batch, padding included; it halves when memory runs out.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        pooler: Pooler,
        *,
        device: str,
        pad_id: int,
        padding: Literal["left", "right"],
        budget: int,
    ) -> None:
        self.budget = budget
        self.multiple = 1 if device == "cpu" else _GPU_MULTIPLE
        self._model, self._pooler, self._device = model, pooler, device
        self._pad_id, self._padding = pad_id, padding
        self._takes_positions = padding == "left" and takes_plain_positions(model)

    def __call__(self, ids: Sequence[np.ndarray]) -> Tensor:
        """Embed texts, given by their token ids, together if memory allows.

        Returns:
            [B, D] float32 on the device, in the order given.

        Raises:
            EmbeddingError: memory does not suffice for even one of them.
        """
        import torch

        longest = padded_length(max(len(text) for text in ids), self.multiple)
        if len(ids) > 1 and longest * len(ids) > self.budget:
            return self._in_parts(ids, max(1, self.budget // longest))
        try:
            with torch.inference_mode():
                return self._forward(ids, longest)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
        # Outside of `except`: the error holds on to the tensors of the pass that failed.
        if self._device.startswith("cuda"):
            torch.cuda.empty_cache()
        if len(ids) == 1:
            raise EmbeddingError(
                f"memory does not suffice for one text of {longest} tokens",
                where=f"the model on {self._device}",
                remedy="lower `max_length` of the embedding, or take a larger machine",
            )
        self.budget = min(self.budget, longest * len(ids) // 2)
        return self._in_parts(ids, max(1, self.budget // longest))

    def _in_parts(self, ids: Sequence[np.ndarray], size: int) -> Tensor:
        import torch

        return torch.cat([self(ids[start : start + size]) for start in range(0, len(ids), size)])

    def _forward(self, ids: Sequence[np.ndarray], longest: int) -> Tensor:
        import numpy as np

        padded = np.full((len(ids), longest), self._pad_id, dtype=np.int64)
        lengths = np.fromiter((len(text) for text in ids), dtype=np.int64, count=len(ids))
        first = longest - lengths if self._padding == "left" else np.zeros_like(lengths)
        for row, begin, text in zip(padded, first, ids, strict=True):
            row[begin : begin + len(text)] = text
        inputs: dict[str, Any] = {"input_ids": self._to_device(padded)}
        if (lengths < longest).any():
            # Without padding there is no mask, which lets faster attention kernels be chosen.
            places = np.arange(longest)
            real = (places >= first[:, None]) & (places < (first + lengths)[:, None])
            inputs["attention_mask"] = self._to_device(real.astype(np.int64))
            if self._takes_positions:
                inputs["position_ids"] = self._to_device(np.maximum(places - first[:, None], 0))
        hidden = self._model(**inputs).last_hidden_state
        return self._pooler(hidden, self._to_device(lengths), self._to_device(first))

    def _to_device(self, array: np.ndarray) -> Tensor:
        import torch

        tensor = torch.from_numpy(array)
        if self._device.startswith("cuda"):
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)


def _is_out_of_memory(error: RuntimeError) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or _CPU_OUT_OF_MEMORY in str(error)
