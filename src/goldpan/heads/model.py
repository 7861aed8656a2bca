"""A trained head: its layers, its targets, and what the outputs of the layers mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldpan.embeddings.provenance import Provenance, differences
from goldpan.errors import HeadError
from goldpan.heads.targets import Target

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Linear:
    """A linear layer, y = x W^T + b.

    Attributes:
        weight: W, [out, in] float32.
        bias: b, [out] float32.
    """

    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class HeadModel:
    """One linear layer, or two with a ReLU between them, from embeddings to the outputs of all targets.

    Attributes:
        name: as the study calls it.
        layers: one or two; the outputs of the last are those of the targets one after the other.
        targets: what it predicts.
        thresholds: target -> [K - 1] float32, growing; for ordinal targets.
        embedding: how the embeddings were made that it was trained on; None for a head made elsewhere.
    """

    name: str
    layers: tuple[Linear, ...]
    targets: tuple[Target, ...]
    thresholds: dict[str, np.ndarray] = field(default_factory=dict)
    embedding: Provenance | None = None

    @property
    def dimension(self) -> int:
        """Numbers in an embedding."""
        return int(self.layers[0].weight.shape[1])

    @property
    def outputs(self) -> int:
        """Outputs of the last layer."""
        return int(self.layers[-1].weight.shape[0])

    def check_fits(self, embedding: Provenance, where: str) -> None:
        """Check that embeddings were made the way the head was trained.

        Args:
            embedding: how they were made.
            where: name of their file.

        Raises:
            HeadError: they were not; with the attributes that differ.
        """
        different = differences(self.embedding, embedding) if self.embedding else []
        if self.embedding is None and embedding.dimension != self.dimension:
            different = [f"dimension: {embedding.dimension}, not {self.dimension}"]
        if different:
            raise HeadError(
                f"the head `{self.name}` was trained on other embeddings; these have {'; '.join(different)}",
                where=where,
                remedy="train the head on this embedding, or apply it to the one it was trained on",
            )


@dataclass(frozen=True)
class HeadPredictions:
    """What a head predicts for n records.

    Attributes:
        score: [n] float64: the number, the expected place among ordered labels, or the probability of `yes`;
            None for labels without an order.
        label: [n] places among the labels; None for a regression.
        probabilities: [n, K] float64; None for a regression.
    """

    score: np.ndarray | None
    label: np.ndarray | None = None
    probabilities: np.ndarray | None = None


def predict(target: Target, outputs: np.ndarray, thresholds: np.ndarray | None) -> HeadPredictions:
    """What the outputs of a target mean.

    An ordinal target is a cumulative logit model, P(label <= k) = sigmoid(threshold_k - output) (McCullagh
    1980, J R Stat Soc B 42:109-142). Its label is the median of the distribution, which has the least
    expected distance from the truth, and its score the mean of the labels' places.

    Args:
        target: which.
        outputs: [n, target.width].
        thresholds: [K - 1] for an ordinal target.
    """
    import numpy as np

    outputs = outputs.astype(np.float64)
    if target.kind == "regression":
        return HeadPredictions(outputs[:, 0])
    if target.kind == "ordinal":
        assert thresholds is not None
        below = _sigmoid(thresholds.astype(np.float64) - outputs)
        edges = np.concatenate([np.zeros((len(below), 1)), below, np.ones((len(below), 1))], axis=1)
        probabilities = np.diff(edges, axis=1)
        return HeadPredictions(probabilities @ target.positions, (below < 0.5).sum(axis=1), probabilities)
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    score = probabilities[:, 1] if target.is_yes_no else None
    return HeadPredictions(score, probabilities.argmax(axis=1), probabilities)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), in the form that cannot overflow."""
    import numpy as np

    return 0.5 * (1 + np.tanh(x / 2))
