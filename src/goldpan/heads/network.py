"""The network of a head and its loss. Imports PyTorch, so import it only where it is needed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from goldpan.heads.targets import Target

_FAR = 1e4
"""A threshold below or above all outputs."""


class HeadNetwork(nn.Module):
    """One linear layer, or two with a ReLU between them, for all targets together.

    The last layer begins at zero and the biases and thresholds at the shares of the labels: training begins
    at the best constant answer.

    Args:
        dimension: numbers in an embedding.
        hidden: units of the hidden layer; None for one layer.
        dropout: share of hidden units dropped in training.
        targets: what is predicted.
        shares: for each target the shares of its labels in training, [K]; empty for a regression.
    """

    def __init__(
        self,
        dimension: int,
        hidden: int | None,
        dropout: float,
        targets: Sequence[Target],
        shares: Sequence[Tensor],
    ) -> None:
        super().__init__()
        self.targets = list(targets)
        self._widths = [target.width for target in targets]
        self.first = None if hidden is None else nn.Linear(dimension, hidden)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(dimension if hidden is None else hidden, sum(self._widths))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self._lowest, self._gaps = nn.ParameterList(), nn.ParameterList()
        biases = self.last.bias.data.split(self._widths)
        for target, bias, share in zip(targets, biases, shares, strict=True):
            if target.kind == "classification":
                bias += share.log()
            places = torch.logit(share.cumsum(0)[: target.thresholds])
            # The inverse of softplus, so that thresholds can only grow from label to label.
            self._gaps.append(nn.Parameter(places.diff().expm1().log()))
            self._lowest.append(nn.Parameter(places[:1]))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Outputs [n, sum of widths] for embeddings [n, D]."""
        if self.first is not None:
            embeddings = self.dropout(self.first(embeddings).relu())
        return self.last(embeddings)

    def thresholds(self, place: int) -> Tensor:
        """The thresholds of the target at a place, [K - 1], growing; empty unless it is ordinal."""
        lowest = self._lowest[place]
        return torch.cat([lowest, lowest + functional.softplus(self._gaps[place]).cumsum(0)])

    def loss(self, embeddings: Tensor, truths: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        """The sum of the losses of all targets."""
        return sum(self.losses(embeddings, truths, weights), embeddings.new_zeros(()))

    def losses(self, embeddings: Tensor, truths: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
        """For each target the mean loss of the examples that have it; 0 where none has.

        Args:
            embeddings: [n, D].
            truths: for each target [n]: standardised numbers or places among the labels, NaN where not known.
            weights: for each target [K], weights of its labels; empty for a regression.
        """
        losses = []
        parts = self(embeddings).split(self._widths, dim=1)
        for place, (outputs, truth, weight) in enumerate(zip(parts, truths, weights, strict=True)):
            known = ~truth.isnan()
            losses.append(
                self._loss_of(place, outputs[known], truth[known], weight)
                if known.any()
                else embeddings.new_zeros(())
            )
        return losses

    def parameters_of(self, place: int) -> list[Tensor]:
        """The rows of the last layer, its biases and the thresholds of the target at a place, to be read or
        overwritten."""
        rows = [tensor.split(self._widths)[place] for tensor in (self.last.weight.data, self.last.bias.data)]
        return [*rows, self._lowest[place].data, self._gaps[place].data]

    def _loss_of(self, place: int, outputs: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
        target = self.targets[place]
        if target.kind == "regression":
            return functional.mse_loss(outputs[:, 0], truth)
        places = truth.long()
        if target.kind == "classification":
            return functional.cross_entropy(outputs, places, weight=weight)
        each = _ordinal_loss(outputs[:, 0], self.thresholds(place), places)
        return (weight[places] * each).sum() / weight[places].sum()


def _ordinal_loss(outputs: Tensor, thresholds: Tensor, places: Tensor) -> Tensor:
    """-log(sigmoid(a) - sigmoid(b)) for the thresholds above and below each true label, less the output.

    Computed as sigmoid(a) sigmoid(-b) (1 - exp(b - a)), which loses no digits where both are far from 0.
    """
    far = thresholds.new_full((1,), _FAR)
    edges = torch.cat([-far, thresholds, far])
    above, below = edges[places + 1] - outputs, edges[places] - outputs
    gap = (above - below).clamp_min(1e-6)
    return -(functional.logsigmoid(above) + functional.logsigmoid(-below) + torch.log(-torch.expm1(-gap)))
