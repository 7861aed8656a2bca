"""Fitting a head: by a loop that stops when the dev split gets no better, or to convergence."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from goldpan.errors import HeadError
from goldpan.heads.fitting import (
    Examples,
    Fitted,
    Tensors,
    folded,
    scaling_of,
    seeded,
    shares_of,
    smoothed,
    tensors_of,
    weights_of,
)
from goldpan.heads.targets import Target
from goldpan.models.device import available_device
from goldpan.study.head import FitMethod, Head

if TYPE_CHECKING:
    from goldpan.heads.network import HeadNetwork

_LEAST_GAIN = 1e-5
"""How much the dev loss must fall for an epoch to count as better."""


def fit(settings: Head, targets: Sequence[Target], train: Examples, dev: Examples, by: FitMethod) -> Fitted:
    """Fit a head: with AdamW, or by a penalised fit to convergence; the dev split tells when or how strong.

    Embeddings and numbers are standardised, which is folded into the layers afterwards. On the CPU the same
    examples give the same bytes.

    Args:
        settings: what the study says.
        targets: what is predicted.
        train, dev: each with a known value of every target.
        by: `adamw`, or for one layer `converged`.

    Raises:
        HeadError: the loss is not a number any more.
        EmbeddingError: there is no such device, which `adamw` alone uses.
    """
    from goldpan.heads.converged import converge
    from goldpan.heads.network import HeadNetwork

    scaling = scaling_of(targets, train)
    shares = [shares_of(target, values) for target, values in zip(targets, train.truths, strict=True)]
    with seeded(settings):
        weights = [weights_of(settings, share) for share in shares]
        beginnings = [smoothed(share * weight) for share, weight in zip(shares, weights, strict=True)]
        network = HeadNetwork(
            train.embeddings.shape[1],
            settings.hidden if settings.architecture == "mlp" else None,
            settings.dropout,
            targets,
            beginnings,
        )
        splits = {"train": tensors_of(train, scaling), "dev": tensors_of(dev, scaling)}
        constant = _losses(network, splits, weights)
        epochs = best_epoch = converged = None
        if by == "converged":
            converged = converge(network, beginnings, weights, splits["train"], splits["dev"])
        else:
            epochs, best_epoch = _Fitting(settings, network, weights).run(splits["train"], splits["dev"])
        losses = _losses(network, splits, weights)
        thresholds = {
            target.name: network.thresholds(place).detach().numpy()
            for place, target in enumerate(targets)
            if target.thresholds
        }
    names = [target.name for target in targets]
    return Fitted(
        folded(network, targets, scaling),
        thresholds,
        dev_losses=dict(zip(names, losses["dev"], strict=True)),
        learned={
            name: {split: _learned(constant[split][place], losses[split][place]) for split in splits}
            for place, name in enumerate(names)
        },
        epochs=epochs,
        best_epoch=best_epoch,
        strengths=None if converged is None else dict(zip(names, converged, strict=True)),
    )


def _losses(network: HeadNetwork, splits: dict[str, Tensors], weights: list[Any]) -> dict[str, list[float]]:
    """Losses of all targets by split."""
    import torch

    network.eval()
    with torch.no_grad():
        return {
            split: [float(loss) for loss in network.losses(*tensors, weights)]
            for split, tensors in splits.items()
        }


def _learned(constant: float, loss: float) -> float | None:
    return 1 - loss / constant if constant > 0 else None


class _Fitting:
    """The training loop of AdamW."""

    def __init__(self, settings: Head, network: HeadNetwork, weights: Sequence[Any]) -> None:
        self._settings = settings
        self._device = available_device(settings.device)
        self._network = network.to(self._device)
        self._weights = [weight.to(self._device) for weight in weights]

    def run(self, train: Tensors, dev: Tensors) -> tuple[int, int]:
        """Train; leaves the best weights in the network.

        Returns:
            Epochs run, and the best of them.
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
        return epoch, best_epoch

    def _epoch(self, optimizer: Any, train: Tensors) -> None:
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

    def _loss(self, examples: Tensors) -> float:
        import torch

        self._network.eval()
        with torch.no_grad():
            loss = float(self._network.loss(*examples, self._weights))
        if loss != loss:
            raise HeadError("the loss is not a number any more", remedy="lower `learning_rate`")
        return loss

    def _placed(self, examples: Tensors) -> Tensors:
        embeddings, truths = examples
        return embeddings.to(self._device), [truth.to(self._device) for truth in truths]
