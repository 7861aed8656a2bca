"""One batch through the model, and halving when memory runs out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from goldpan.embeddings.layouts import LaidOutModel
from goldpan.embeddings.pooling import Pooler
from goldpan.errors import EmbeddingError
from goldpan.models.device import is_out_of_memory
from goldpan.models.packing import pack

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class BatchForward:
    """Runs batches through a model. Threads may share one.

    Args:
        layout: the model.
        pooler: what follows it.
        device: where the model lies.
        budget: tokens of a batch, padding included; it halves when memory runs out.
    """

    def __init__(self, layout: LaidOutModel, pooler: Pooler, *, device: str, budget: int) -> None:
        self.budget = budget
        self._layout, self._pooler, self._device = layout, pooler, device

    def batches(self, lengths: np.ndarray) -> list[np.ndarray]:
        """Places of the texts of each batch, of [C] texts with these numbers of tokens."""
        return pack(lengths, self.budget, self._layout.cost)

    def __call__(self, ids: Sequence[np.ndarray]) -> Tensor:
        """Embed texts, given by their token ids, together if memory allows.

        Returns:
            [B, D] float32 on the device, in the order given.

        Raises:
            EmbeddingError: memory does not suffice for even one of them.
        """
        import torch

        longest = max(len(text) for text in ids)
        size = sum(self._layout.cost(len(text), longest) for text in ids)
        if len(ids) > 1 and size > self.budget:
            return self._in_halves(ids)
        try:
            with torch.inference_mode():
                return self._pooler(*self._layout(ids))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Outside of `except`: the error holds on to the tensors of the pass that failed.
        if self._device.startswith("cuda"):
            torch.cuda.empty_cache()
        if len(ids) == 1:
            raise EmbeddingError(
                f"memory does not suffice for one text of {size} tokens",
                where=f"the model on {self._device}",
                remedy="lower `max_length` of the embedding, or take a larger machine",
            )
        self.budget = min(self.budget, size // 2)
        return self._in_halves(ids)

    def _in_halves(self, ids: Sequence[np.ndarray]) -> Tensor:
        import torch

        middle = len(ids) // 2
        return torch.cat([self(ids[:middle]), self(ids[middle:])])
