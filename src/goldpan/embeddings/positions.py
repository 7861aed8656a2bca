"""How a model counts the positions of its tokens."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def takes_plain_positions(model: torch.nn.Module) -> bool:
    """Whether positions counted from 0 must be given with left padding."""
    return "position_ids" in inspect.signature(model.forward).parameters and not _counts_itself(model)


def most_positions(model: Any) -> float:
    """How many tokens a model has positions for; infinite where positions are relative."""
    positions = getattr(model.config, "max_position_embeddings", None)
    if not positions or positions < 0:
        return math.inf
    return positions - first_position(model)


def first_position(model: Any) -> int:
    """The position of a text's first token."""
    return model.config.pad_token_id + 1 if _counts_itself(model) else 0


def _counts_itself(model: torch.nn.Module) -> bool:
    """Whether the model counts from its padding token's id on, as the RoBERTa family does."""
    return any(hasattr(part, "create_position_ids_from_inputs_embeds") for part in model.modules())
