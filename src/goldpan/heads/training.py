"""Fitting a head: a loop that stops when the dev split gets no better."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldpan.errors import HeadError
from goldpan.heads.model import Linear
from goldpan.heads.targets import Target
from goldpan.models.device import available_device
from goldpan.models.threads import torch_threads
from goldpan.study.head import Head

if TYPE_CHECKING:
    import numpy as np

    from goldpan.heads.network import HeadNetwork

_SMALLEST_DEVIATION = 1e-6
_LEAST_GAIN = 1e-5
"""How much the dev loss must fall for an epoch to count as better."""


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
        epochs: how many were run.
        best_epoch: the one whose weights were kept; 0 when none was better than a constant answer.
        dev_loss: loss on the dev split after it.
    """

    layers: tuple[Linear, ...]
    thresholds: dict[str, np.ndarray]
    epochs: int
    best_epoch: int
    dev_loss: float


@dataclass(frozen=True)
class _Scaling:
    """How embeddings and numbers to predict are standardised: by the training split.

    Attributes:
        centre, deviation: [D] float64, of the embeddings.
        numbers: for each target the mean and deviation of its numbers; (0, 1) for labels.
    """

    centre: np.ndarray
    deviation: np.ndarray
    numbers: list[tuple[float, float]]


def fit(settings: Head, targets: Sequence[Target], train: Examples, dev: Examples) -> Fitted:
    """Train a head with AdamW and keep the weights of the epoch with the least loss on the dev split.

    Embeddings and numbers are standardised, which is folded into the layers afterwards. On the CPU the same
    examples give the same bytes.

    Args:
        settings: what the study says.
        targets: what is predicted.
        train, dev: each with a known value of every target.

    Raises:
        HeadError: the loss is not a number any more.
        EmbeddingError: there is no such device.
    """
    from goldpan.heads.network import HeadNetwork

    scaling = _scaling(targets, train)
    shares = [_shares(target, values) for target, values in zip(targets, train.truths, strict=True)]
    with _seeded(settings):
        weights = [_weights(settings, share) for share in shares]
        network = HeadNetwork(
            train.embeddings.shape[1],
            settings.hidden if settings.architecture == "mlp" else None,
            settings.dropout,
            targets,
            [_smoothed(share * weight) for share, weight in zip(shares, weights, strict=True)],
        )
        fitting = _Fitting(settings, network, weights)
        epochs, best_epoch, dev_loss = fitting.run(*(_tensors(part, scaling) for part in (train, dev)))
        thresholds = {
            target.name: network.thresholds(place).detach().numpy()
            for place, target in enumerate(targets)
            if target.thresholds
        }
    return Fitted(_folded(network, targets, scaling), thresholds, epochs, best_epoch, dev_loss)


class _Fitting:
    """The training loop."""

    def __init__(self, settings: Head, network: HeadNetwork, weights: Sequence[Any]) -> None:
        self._settings = settings
        self._device = available_device(settings.device)
        self._network = network.to(self._device)
        self._weights = [weight.to(self._device) for weight in weights]

    def run(self, train: tuple[Any, list[Any]], dev: tuple[Any, list[Any]]) -> tuple[int, int, float]:
        """Train; leaves the best weights in the network.

        Returns:
            Epochs run, the best of them, and the loss on the dev split after it.
        """
        import torch

        settings, network = self._settings, self._network
        parameters = list(network.parameters())
        matrices = [parameter for parameter in parameters if parameter.dim() > 1]
        others = [parameter for parameter in parameters if parameter.dim() <= 1]
        parts: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(
            parts,
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        train, dev = self._placed(train), self._placed(dev)
        best_loss, best_epoch, epoch = self._loss(dev), 0, 0
        best_state = copy.deepcopy(network.state_dict())
        for epoch in range(1, settings.max_epochs + 1):
            self._epoch(optimizer, train)
            loss = self._loss(dev)
            if loss < best_loss - _LEAST_GAIN:
                best_loss, best_epoch, best_state = loss, epoch, copy.deepcopy(network.state_dict())
            if epoch - best_epoch >= settings.patience:
                break
        network.load_state_dict(best_state)
        network.cpu()
        return epoch, best_epoch, best_loss

    def _epoch(self, optimizer: Any, train: tuple[Any, list[Any]]) -> None:
        import torch

        embeddings, truths = train
        self._network.train()
        for rows in torch.randperm(len(embeddings)).to(self._device).split(self._settings.batch_size):
            optimizer.zero_grad()
            batch = [truth[rows] for truth in truths]
            loss = self._network.loss(embeddings[rows], batch, self._weights)
            if loss.requires_grad:
                loss.backward()
                optimizer.step()

    def _loss(self, examples: tuple[Any, list[Any]]) -> float:
        import torch

        self._network.eval()
        with torch.no_grad():
            loss = float(self._network.loss(*examples, self._weights))
        if loss != loss:
            raise HeadError("the loss is not a number any more", remedy="lower `learning_rate`")
        return loss

    def _placed(self, examples: tuple[Any, list[Any]]) -> tuple[Any, list[Any]]:
        embeddings, truths = examples
        return embeddings.to(self._device), [truth.to(self._device) for truth in truths]


def _scaling(targets: Sequence[Target], train: Examples) -> _Scaling:
    import numpy as np

    deviation = train.embeddings.std(axis=0, dtype=np.float64)
    numbers = []
    for target, values in zip(targets, train.truths, strict=True):
        if target.kind != "regression":
            numbers.append((0.0, 1.0))
            continue
        numbers.append((float(np.nanmean(values)), max(float(np.nanstd(values)), _SMALLEST_DEVIATION)))
    return _Scaling(
        centre=train.embeddings.mean(axis=0, dtype=np.float64),
        # A number that hardly varies in training would be blown up wherever it does.
        deviation=np.maximum(deviation, max(_SMALLEST_DEVIATION, 0.01 * float(deviation.mean()))),
        numbers=numbers,
    )


def _tensors(examples: Examples, scaling: _Scaling) -> tuple[Any, list[Any]]:
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


def _shares(target: Target, values: np.ndarray) -> Any:
    """Shares of the labels, float32 [K]; empty for a regression."""
    import numpy as np
    import torch

    known = values[~np.isnan(values)].astype(int)
    counts = np.bincount(known, minlength=len(target.labels)) if target.labels else np.empty(0)
    return torch.from_numpy((counts / max(len(known), 1)).astype("float32"))


def _weights(settings: Head, shares: Any) -> Any:
    """Weights of the labels, [K]; balanced ones are 1 / (labels that occur x share), and 0 where none is."""
    import torch

    if settings.class_weights == "none" or not len(shares):
        return torch.ones_like(shares)
    occurs = shares > 0
    return torch.where(occurs, 1 / (occurs.sum() * shares.clamp_min(1e-12)), torch.zeros_like(shares))


def _smoothed(shares: Any) -> Any:
    """Shares with a little for labels that do not occur, so that their logarithms are finite."""
    return (shares + 1e-3) / (shares + 1e-3).sum() if len(shares) else shares


def _folded(network: HeadNetwork, targets: Sequence[Target], scaling: _Scaling) -> tuple[Linear, ...]:
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
def _seeded(settings: Head) -> Iterator[None]:
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
