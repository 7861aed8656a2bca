"""A linear head fitted to convergence with an L2 penalty, whose strength is chosen on the dev split.

For numbers this is ridge regression, for labels multinomial or cumulative logistic regression: minimised is
the mean loss plus strength / 2 times the squared weights of the standardised embeddings, without biases and
thresholds. Imports PyTorch, so import it only where it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from goldpan.heads.fitting import Tensors
from goldpan.heads.network import HeadNetwork
from goldpan.heads.targets import Target

STRENGTHS = tuple(10 ** (half / 2) for half in range(6, -9, -1))
"""From 1,000, where next to nothing is learned, to 0.0001, which hardly penalises."""

_LEAST_GAIN = 1e-5
_PATIENCE = 4
"""Weaker penalties are not tried after so many that were no better; they take longest to converge."""
_STEPS = 1_000


def converge(
    network: HeadNetwork, shares: Sequence[Tensor], weights: Sequence[Tensor], train: Tensors, dev: Tensors
) -> list[float | None]:
    """Fit each target of a network of one layer; what has the least dev loss is left in it.

    Args:
        network: as it begins, at the best constant answers.
        shares: as the network was given them.
        weights: for each target [K], weights of its labels.
        train, dev: examples.

    Returns:
        The strength chosen for each target; None where none is better than the constant answer.
    """
    (train_x, train_truths), (dev_x, dev_truths) = (_doubled(split) for split in (train, dev))
    chosen = []
    for place, target in enumerate(network.targets):
        known = ~train_truths[place].isnan()
        strength, best = _fit_target(
            target,
            shares[place],
            weights[place].double(),
            (train_x[known], [train_truths[place][known]]),
            (dev_x, [dev_truths[place]]),
        )
        chosen.append(strength)
        if best is not None:
            for kept, fitted in zip(network.parameters_of(place), best, strict=True):
                kept.copy_(fitted)
    return chosen


def _fit_target(
    target: Target, share: Tensor, weight: Tensor, train: Tensors, dev: Tensors
) -> tuple[float | None, list[Tensor] | None]:
    """The best strength for a target, and its parameters as `HeadNetwork.parameters_of` has them."""
    # Weights lie in the span of the examples. Along its principal axes, each scaled by what the penalised
    # squared loss curves there, all directions are alike, and the fit takes few steps.
    axes, lengths, directions = torch.linalg.svd(train[0], full_matrices=False)
    is_used = lengths > 1e-9 * lengths.max()
    axes, lengths, directions = axes[:, is_used], lengths[is_used], directions[is_used]
    if not len(lengths):
        return None, None
    dev_along = dev[0] @ directions.T
    network = HeadNetwork(len(lengths), None, 0.0, [target], [share]).double()
    scale, chosen, best, tried_since = torch.ones_like(lengths), None, None, 0
    least = _loss(network, dev_along, dev[1], weight)
    for strength in STRENGTHS:
        before, scale = scale, (lengths.square() / len(train[0]) + strength).rsqrt()
        network.last.weight.data *= before / scale
        _minimise(network, (axes * lengths * scale, train[1]), weight, strength * scale.square())
        loss = _loss(network, dev_along * scale, dev[1], weight)
        tried_since += 1
        if loss < least - _LEAST_GAIN:
            least, chosen, tried_since = loss, strength, 0
            rows, *others = (tensor.clone() for tensor in network.parameters_of(0))
            best = [(rows * scale) @ directions, *others]
        elif chosen is not None and tried_since >= _PATIENCE:
            break
    return chosen, best


def _loss(network: HeadNetwork, embeddings: Tensor, truths: list[Tensor], weight: Tensor) -> float:
    with torch.no_grad():
        return float(network.loss(embeddings, truths, [weight]))


def _minimise(network: HeadNetwork, train: Tensors, weight: Tensor, penalties: Tensor) -> None:
    """Minimise the loss plus half the sum of `penalties` [D] times the squared weights, by L-BFGS."""
    optimizer = torch.optim.LBFGS(
        network.parameters(),
        max_iter=_STEPS,
        tolerance_grad=1e-7,
        tolerance_change=1e-12,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def objective() -> Tensor:
        optimizer.zero_grad()
        loss = network.loss(*train, [weight]) + (network.last.weight.square() * penalties).sum() / 2
        loss.backward()
        return loss

    optimizer.step(objective)


def _doubled(examples: Tensors) -> tuple[Tensor, list[Tensor]]:
    embeddings, truths = examples
    return embeddings.double(), [truth.double() for truth in truths]
