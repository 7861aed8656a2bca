"""Texts one after the other as if they were one, each attending to itself only: nothing is padded."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from goldpan.embeddings.layers.post_norm import PostNormLayer, Workspace
from goldpan.embeddings.layers.within_texts import neighbours_of
from goldpan.embeddings.layouts import TokenVectors
from goldpan.embeddings.positions import first_position

if TYPE_CHECKING:
    from torch import Tensor

# Their layers are alike and the only part in which the tokens of a text meet. A model that brings its own
# code may give itself one of these types and yet compute something else, so the class counts, not the type.
MODELS = {
    "bert": "BertModel",
    "camembert": "CamembertModel",
    "roberta": "RobertaModel",
    "xlm_roberta": "XLMRobertaModel",
}
"""Module of transformers -> the class of it that can be laid end to end."""

_CLASSES = frozenset(f"transformers.models.{name}.modeling_{name}.{model}" for name, model in MODELS.items())


def can_lie_end_to_end(model: Any) -> bool:
    """Whether texts can be laid end to end for a model."""
    name = f"{type(model).__module__}.{type(model).__qualname__}"
    return name in _CLASSES and not model.config.is_decoder


class EndToEnd:
    """A model on the CPU that takes the texts of a batch end to end.

    Only the attention of such a model looks beyond a token, so only that need know where a text ends. It is
    computed text by text, which on a CPU costs little.

    Args:
        model: one for which `can_lie_end_to_end`, on the CPU. It can still be used by itself.
    """

    def __init__(self, model: Any) -> None:
        self._embeddings, self._first_position = model.embeddings, first_position(model)
        self._layers = [PostNormLayer(layer, model.config.hidden_act) for layer in model.encoder.layer]
        self._of_thread = threading.local()

    def cost(self, length: int, longest: int) -> int:
        """Tokens that a text takes in a batch: its own."""
        return length

    @torch.inference_mode()
    def __call__(self, ids: Sequence[np.ndarray]) -> TokenVectors:
        """Run the texts with these token ids through the model together."""
        lengths = [len(text) for text in ids]
        hidden = self._hidden(ids, lengths)
        if len(ids) > 1 and not hidden.sum(dtype=torch.float32).isfinite():
            # Other texts' keys get weight 0, but 0 times NaN is NaN: only alone is a text sure of its own.
            hidden = torch.cat([self._hidden([text], [len(text)]) for text in ids])
        return TokenVectors(
            nn.utils.rnn.pad_sequence(hidden.split(lengths), batch_first=True),
            torch.tensor(lengths),
            torch.zeros(len(lengths), dtype=torch.int64),
        )

    def _hidden(self, ids: Sequence[np.ndarray], lengths: Sequence[int]) -> Tensor:
        """[T, H] vectors of all tokens."""
        positions = np.concatenate([np.arange(length) for length in lengths]) + self._first_position
        tokens = torch.from_numpy(np.concatenate(ids).astype(np.int64))[None]
        hidden = self._embeddings(
            input_ids=tokens,
            token_type_ids=torch.zeros_like(tokens),
            position_ids=torch.from_numpy(positions)[None],
        )[0]
        neighbours = list(neighbours_of(lengths, hidden.dtype))
        workspace = self._workspace()
        for layer in self._layers:
            hidden = layer(hidden, neighbours, workspace)
        return hidden

    def _workspace(self) -> Workspace:
        """That of the thread."""
        if not hasattr(self._of_thread, "workspace"):
            self._of_thread.workspace = Workspace()
        return self._of_thread.workspace
