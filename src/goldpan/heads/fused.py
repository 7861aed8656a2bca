"""Several heads applied to the same embeddings in one matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldpan.heads.model import HeadModel, HeadPredictions, predict
from goldpan.heads.targets import Target

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class TargetPrediction:
    """What one head predicts of one target."""

    head: HeadModel
    target: Target
    predicted: HeadPredictions


class FusedHeads:
    """The first layers of all heads as one matrix; second layers act on their own columns of the product.

    Args:
        heads: at least one, all for embeddings of one dimension.
        device: of PyTorch.
    """

    def __init__(self, heads: Sequence[HeadModel], device: str = "cpu") -> None:
        import torch

        self.heads = list(heads)
        self._device = device
        firsts = [head.layers[0] for head in heads]
        self._weight = torch.cat([self._tensor(layer.weight) for layer in firsts])
        self._bias = torch.cat([self._tensor(layer.bias) for layer in firsts])
        self._widths = [len(layer.bias) for layer in firsts]
        self._seconds = [
            (self._tensor(head.layers[1].weight), self._tensor(head.layers[1].bias))
            if len(head.layers) == 2
            else None
            for head in heads
        ]

    def outputs(self, embeddings: np.ndarray) -> list[np.ndarray]:
        """The raw outputs of each head, [n, head.outputs] float32, for embeddings [n, D]."""
        import torch
        from torch.nn.functional import linear

        with torch.inference_mode():
            fused = linear(self._tensor(embeddings), self._weight, self._bias)
            by_head = []
            for part, second in zip(fused.split(self._widths, dim=1), self._seconds, strict=True):
                outputs = part if second is None else linear(part.relu(), *second)
                by_head.append(outputs.cpu().numpy())
        return by_head

    def predict(self, embeddings: np.ndarray) -> list[TargetPrediction]:
        """What all heads say of all their targets, for embeddings [n, D]."""
        predictions = []
        for head, outputs in zip(self.heads, self.outputs(embeddings), strict=True):
            start = 0
            for target in head.targets:
                own = outputs[:, start : start + target.width]
                start += target.width
                thresholds = head.thresholds.get(target.name)
                predictions.append(TargetPrediction(head, target, predict(target, own, thresholds)))
        return predictions

    def _tensor(self, values: np.ndarray) -> Any:
        import torch

        return torch.from_numpy(values).to(self._device)
