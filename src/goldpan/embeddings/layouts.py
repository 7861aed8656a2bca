"""How the texts of a batch lie in memory on their way through a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from goldpan.embeddings.positions import takes_plain_positions

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

_GPU_MULTIPLE = 8


class TokenVectors(NamedTuple):
    """What a model gives for a batch.

    Attributes:
        hidden: [B, L, H] vectors of tokens, padding included.
        lengths: [B] numbers of real tokens.
        first: [B] places of the first real token; not 0 where padding stands at the left.
    """

    hidden: Tensor
    lengths: Tensor
    first: Tensor


class LaidOutModel(Protocol):
    """A model that takes batches of texts laid out in one way. Threads may share one."""

    def cost(self, length: int, longest: int) -> int:
        """Tokens that a text takes in a batch, from its own and the greatest length there."""
        ...

    def __call__(self, ids: Sequence[np.ndarray]) -> TokenVectors:
        """Run the texts with these token ids through the model together."""
        ...


def layout_for(
    model: torch.nn.Module,
    *,
    device: str,
    pad_id: int,
    padding: Literal["left", "right"],
    layers: Literal["auto", "transformers"] = "auto",
) -> LaidOutModel:
    """The fastest layout that a model can take.

    Args:
        model: called with `input_ids` and `attention_mask`, gives `last_hidden_state` [B, L, H].
        device: where the model lies.
        pad_id: token id of the padding.
        padding: side of the padding, where there is any.
        layers: `transformers` leaves the forward pass to the model itself.
    """
    if device == "cpu" and layers == "auto":
        from goldpan.embeddings.layers.end_to_end import EndToEnd, can_lie_end_to_end

        if can_lie_end_to_end(model):
            return EndToEnd(model)
    return Padded(model, device=device, pad_id=pad_id, padding=padding)


class Padded:
    """Texts side by side, the shorter ones padded to the longest: for any model, on any device."""

    def __init__(
        self, model: torch.nn.Module, *, device: str, pad_id: int, padding: Literal["left", "right"]
    ) -> None:
        self._model, self._device = model, device
        self._pad_id, self._padding = pad_id, padding
        self._multiple = 1 if device == "cpu" else _GPU_MULTIPLE
        self._takes_positions = padding == "left" and takes_plain_positions(model)

    def cost(self, length: int, longest: int) -> int:
        """The longest length, rounded up."""
        return -(-longest // self._multiple) * self._multiple

    def __call__(self, ids: Sequence[np.ndarray]) -> TokenVectors:
        """Run the texts with these token ids through the model together."""
        import numpy as np

        lengths = np.fromiter((len(text) for text in ids), dtype=np.int64, count=len(ids))
        longest = self.cost(0, int(lengths.max()))
        padded = np.full((len(ids), longest), self._pad_id, dtype=np.int64)
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
        return TokenVectors(hidden, self._to_device(lengths), self._to_device(first))

    def _to_device(self, array: np.ndarray) -> Tensor:
        import torch

        tensor = torch.from_numpy(array)
        if self._device.startswith("cuda"):
            return tensor.pin_memory().to(self._device, non_blocking=True)
        return tensor.to(self._device)
