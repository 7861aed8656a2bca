"""What both ways of fitting a head share: examples, scaling, weights of labels, the layers made of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldpan.heads.model import Linear
from goldpan.heads.targets import Target
from goldpan.models.threads import torch_threads
from goldpan.study.head import Head

if TYPE_CHECKING:
    import numpy as np

    from goldpan.heads.network import HeadNetwork

Tensors = tuple[Any, list[Any]]
"""Standardised embeddings [n, D], and for each target [n], as float32 tensors."""

_SMALLEST_DEVIATION = 1e-6


@dataclass(frozen=True)
class Examples:
    """Embeddings with what they should be mapped to.

    Attributes:
        embeddings: [n, D] float32.
        truths: for each target [n] float64: numbers or places among the labels, NaN where not known.
    """

    embeddings: np.ndarray
    truths: list[np.ndarray]

    def take(self, rows: np.ndarray) -> Examples:
        """Some of the examples."""
        return Examples(self.embeddings[rows], [values[rows] for values in self.truths])


@dataclass(frozen=True)
class Fitted:
    """A head as training left it.

    Attributes:
        layers: for embeddings as they are; no scaling is needed before them.
        thresholds: target -> [K - 1] float32, for ordinal targets.
        dev_losses: target -> its loss on the dev split.
        learned: target -> the shares of a constant answer's loss on the train and the dev split that the head
            is rid of; for a regression R2, for labels McFadden's (1974) pseudo-R2. None where that loss is 0.
        epochs: how many were run; None after a fit to convergence.
        best_epoch: the one whose weights were kept; 0 when none was better than a constant answer.
        strengths: target -> strength of the penalty after a fit to convergence; None where a constant answer
            was the best.
    """

    layers: tuple[Linear, ...]
    thresholds: dict[str, np.ndarray]
    dev_losses: dict[str, float]
    learned: dict[str, dict[str, float | None]]
    epochs: int | None = None
    best_epoch: int | None = None
    strengths: dict[str, float | None] | None = None

    @property
    def dev_loss(self) -> float:
        """The sum of the losses of all targets."""
        return sum(self.dev_losses.values())


@dataclass(frozen=True)
class Scaling:
    """How embeddings and numbers to predict are standardised: by the training split.

    Attributes:
        centre, deviation: [D] float64, of the embeddings.
        numbers: for each target the mean and deviation of its numbers; (0, 1) for labels.
    """

    centre: np.ndarray
    deviation: np.ndarray
    numbers: list[tuple[float, float]]


def scaling_of(targets: Sequence[Target], train: Examples) -> Scaling:
    import numpy as np

    deviation = train.embeddings.std(axis=0, dtype=np.float64)
    numbers = []
    for target, values in zip(targets, train.truths, strict=True):
        if target.kind != "regression":
            numbers.append((0.0, 1.0))
            continue
        numbers.append((float(np.nanmean(values)), max(float(np.nanstd(values)), _SMALLEST_DEVIATION)))
    return Scaling(
        centre=train.embeddings.mean(axis=0, dtype=np.float64),
        # A number that hardly varies in training would be blown up wherever it does.
        deviation=np.maximum(deviation, max(_SMALLEST_DEVIATION, 0.01 * float(deviation.mean()))),
        numbers=numbers,
    )


def tensors_of(examples: Examples, scaling: Scaling) -> tuple[Any, list[Any]]:
    """Standardised embeddings [n, D] and truths [n] as float32 tensors."""
    import torch

    embeddings = (examples.embeddings - scaling.centre) / scaling.deviation
    truths = [
        (values - mean) / deviation
        for values, (mean, deviation) in zip(examples.truths, scaling.numbers, strict=True)
    ]
    return torch.from_numpy(embeddings.astype("float32")), [
        torch.from_numpy(values.astype("float32")) for values in truths
    ]


def shares_of(target: Target, values: np.ndarray) -> Any:
    """Shares of the labels, float32 [K]; empty for a regression."""
    import numpy as np
    import torch

    known = values[~np.isnan(values)].astype(int)
    counts = np.bincount(known, minlength=len(target.labels)) if target.labels else np.empty(0)
    return torch.from_numpy((counts / max(len(known), 1)).astype("float32"))


def weights_of(settings: Head, shares: Any) -> Any:
    """Weights of the labels, [K]; balanced ones are 1 / (labels that occur x share), and 0 where none is."""
    import torch

    if settings.class_weights == "none" or not len(shares):
        return torch.ones_like(shares)
    occurs = shares > 0
    return torch.where(occurs, 1 / (occurs.sum() * shares.clamp_min(1e-12)), torch.zeros_like(shares))


def smoothed(shares: Any) -> Any:
    """Shares with a little for labels that do not occur, so that their logarithms are finite."""
    return (shares + 1e-3) / (shares + 1e-3).sum() if len(shares) else shares


def folded(network: HeadNetwork, targets: Sequence[Target], scaling: Scaling) -> tuple[Linear, ...]:
    """The layers with the standardisation in them, so that they take embeddings as they are."""
    import numpy as np

    modules = [network.last] if network.first is None else [network.first, network.last]
    layers = [
        (
            module.weight.detach().numpy().astype(np.float64),
            module.bias.detach().numpy().astype(np.float64),
        )
        for module in modules
    ]
    weight, bias = layers[0]
    weight = weight / scaling.deviation
    layers[0] = (weight, bias - weight @ scaling.centre)
    widths = [target.width for target in targets]
    factors = np.repeat([deviation for _, deviation in scaling.numbers], widths)
    shifts = np.repeat([mean for mean, _ in scaling.numbers], widths)
    weight, bias = layers[-1]
    layers[-1] = (weight * factors[:, None], bias * factors + shifts)
    return tuple(Linear(weight.astype(np.float32), bias.astype(np.float32)) for weight, bias in layers)


@contextlib.contextmanager
def seeded(settings: Head) -> Iterator[None]:
    """One thread, the study's seed, and on the CPU deterministic algorithms; afterwards all as it was."""
    import torch

    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(settings.device == "cpu")
    try:
        with torch_threads(1), torch.random.fork_rng():
            torch.manual_seed(settings.seed)
            yield
    finally:
        torch.use_deterministic_algorithms(before)
