"""Which token comes next, by logits and by the settings of each request."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass
class Chance:
    """How a request's tokens are drawn; without one the likeliest is taken.

    Attributes:
        temperature: logits are divided by it.
        top_p: the likeliest tokens that hold so much probability are drawn from.
        draws: gives one number for each token, by the request alone, whatever batch it is in.
    """

    temperature: float
    top_p: float
    draws: random.Random = field(repr=False)


def chance_of(body: dict[str, Any]) -> Chance | None:
    """How the tokens of a request's answer are drawn; None at temperature 0, or where none is given."""
    temperature = body.get("temperature")
    if not temperature:
        return None
    top_p = body.get("top_p")
    draws = random.Random(json.dumps(body, sort_keys=True))
    return Chance(float(temperature), 1.0 if top_p is None else float(top_p), draws)


def next_tokens(logits: Tensor, allowed: np.ndarray | None, chances: list[Chance | None]) -> list[int]:
    """The next token of each row. Of equally likely ones the first in the vocabulary is taken.

    Args:
        logits: [B, V].
        allowed: [B, words] bits, as `Grammars.allowed` gives them; None where all tokens are.
        chances: for each row.
    """
    import torch

    if allowed is not None:
        bits = torch.from_numpy(allowed).to(logits.device)
        shifts = torch.arange(32, dtype=torch.int32, device=logits.device)
        is_allowed = ((bits[:, :, None] >> shifts) & 1).flatten(1)[:, : logits.shape[1]].bool()
        logits = logits.masked_fill(~is_allowed, float("-inf"))
    tokens = logits.argmax(dim=-1)
    for row, chance in enumerate(chances):
        if chance is not None:
            tokens[row] = _drawn(logits[row].double(), chance)
    return tokens.tolist()


def _drawn(logits: Tensor, chance: Chance) -> Tensor:
    import torch

    shares = torch.softmax(logits / chance.temperature, dim=-1)
    if chance.top_p < 1:
        sorted_shares, order = torch.sort(shares, descending=True, stable=True)
        before = sorted_shares.cumsum(-1) - sorted_shares
        shares[order[before >= chance.top_p]] = 0.0
        if not shares.any():
            shares[order[0]] = 1.0
    sums = shares.cumsum(-1)
    drawn = chance.draws.random() * sums[-1]
    return torch.searchsorted(sums, drawn, right=True).clamp(max=int(shares.nonzero().max()))
