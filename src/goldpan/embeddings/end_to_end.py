"""Texts one after the other as if they were one, each attending to itself only: nothing is padded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn

from goldpan.embeddings.layouts import TokenVectors
from goldpan.embeddings.positions import first_position

if TYPE_CHECKING:
    from torch import Tensor

_KEYS_MULTIPLE = 16
# Models of these types take positions as given, hand what they do not know on to their attention, and have
# no other part in which the tokens of a text meet.
_MODEL_TYPES = frozenset({"bert", "camembert", "roberta", "xlm-roberta"})


def can_lie_end_to_end(model: nn.Module) -> bool:
    """Whether texts can be laid end to end for a model."""
    config = getattr(model, "config", None)
    return getattr(config, "model_type", None) in _MODEL_TYPES and not getattr(config, "is_decoder", False)


class EndToEnd:
    """A model on the CPU that takes the texts of a batch end to end.

    Only the attention of such a model looks beyond a token, so only that need know where a text ends. It is
    computed text by text, which on a CPU costs little.

    Args:
        model: one for which `can_lie_end_to_end`, on the CPU; its attention is replaced.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._first_position = model, first_position(model)
        for parent in list(model.modules()):
            own = getattr(parent, "self", None)
            if isinstance(own, nn.Module) and not isinstance(own, SelfAttentionWithinTexts):
                parent.self = SelfAttentionWithinTexts(parent.self)

    def cost(self, length: int, longest: int) -> int:
        """Tokens that a text takes in a batch: its own."""
        return length

    def __call__(self, ids: Sequence[np.ndarray]) -> TokenVectors:
        """Run the texts with these token ids through the model together."""
        lengths = [len(text) for text in ids]
        hidden = self._hidden(ids, lengths)
        if len(ids) > 1 and not hidden.isfinite().all():
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
        result = self._model(
            input_ids=tokens,
            token_type_ids=torch.zeros_like(tokens),
            position_ids=torch.from_numpy(positions)[None],
            neighbours=list(_neighbours(lengths)),
        )
        return result.last_hidden_state[0]


class _Neighbours(NamedTuple):
    """Texts of one length that lie one after the other, and the keys that each looks at.

    PyTorch's attention is up to twice as fast where the number of keys is a multiple of 16, as it goes
    through the rest one by one. So the keys of other texts nearby are taken in, and given no weight.

    Attributes:
        texts: how many.
        length: tokens of each.
        start: place of the first token.
        first_key: place of the first key of the first text.
        keys: how many each looks at.
        mask: [keys] what is added to the scores: 0, or minus infinity for tokens of other texts.
    """

    texts: int
    length: int
    start: int
    first_key: int
    keys: int
    mask: Tensor | None


def _neighbours(lengths: Sequence[int]) -> Iterator[_Neighbours]:
    """Find what attention can do in one call."""
    total = sum(lengths)

    def window(text: tuple[int, int]) -> tuple[int, int, int]:
        """A text's length, its number of keys, and how many of them lie before it: none but at the end."""
        start, length = text
        keys = -(-length // _KEYS_MULTIPLE) * _KEYS_MULTIPLE
        return (length, length, 0) if keys > total else (length, keys, max(0, start + keys - total))

    starts = accumulate(lengths, initial=0)
    for (length, keys, before), texts in groupby(zip(starts, lengths, strict=False), window):
        (start, _), *others = texts
        mask = None
        if keys > length:
            mask = torch.full((keys,), -torch.inf)
            mask[before : before + length] = 0
        yield _Neighbours(1 + len(others), length, start, start - before, keys, mask)


class SelfAttentionWithinTexts(nn.Module):
    """The attention of a BERT for texts that lie end to end.

    Queries, keys and values come from one product instead of three.

    Args:
        attention: the model's own; not held on to.
    """

    def __init__(self, attention: Any) -> None:
        super().__init__()
        self._heads, self._width = attention.num_attention_heads, attention.attention_head_size
        self._scaling = attention.scaling
        parts = (attention.query, attention.key, attention.value)
        weight = torch.cat([part.weight for part in parts]).detach()
        self.queries_keys_values = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
        self.queries_keys_values.weight = nn.Parameter(weight, requires_grad=False)
        bias = torch.cat([part.bias for part in parts]).detach()
        self.queries_keys_values.bias = nn.Parameter(bias, requires_grad=False)

    def forward(
        self, hidden_states: Tensor, *unused: Any, neighbours: list[_Neighbours], **also_unused: Any
    ) -> tuple[Tensor, None]:
        """[1, T, heads · width] to the same shape."""
        projected = self.queries_keys_values(hidden_states)
        shape = (*hidden_states.shape[:-1], 3, self._heads, self._width)
        query, key, value = projected.view(shape).unbind(-3)
        result = torch.empty_like(query, memory_format=torch.contiguous_format)
        for texts, length, start, first_key, keys, mask in neighbours:
            attended = nn.functional.scaled_dot_product_attention(
                _windows(query, texts, length, start, length),
                _windows(key, texts, length, first_key, keys),
                _windows(value, texts, length, first_key, keys),
                attn_mask=None if mask is None else mask.to(query.dtype).expand(texts, 1, length, keys),
                scale=self._scaling,
            )
            _windows(result, texts, length, start, length).copy_(attended)
        return result.flatten(-2), None


def _windows(values: Tensor, count: int, step: int, start: int, size: int) -> Tensor:
    """[count, heads, size, width] views of [1, T, heads, width], each `step` tokens after the one before."""
    _, _, heads, width = values.shape
    _, of_token, of_head, of_number = values.stride()
    return values.as_strided(
        (count, heads, size, width),
        (step * of_token, of_head, of_token, of_number),
        values.storage_offset() + start * of_token,
    )
