"""Attention for texts that lie end to end: each text to itself only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import scaled_dot_product_attention

if TYPE_CHECKING:
    from torch import Tensor

_KEYS_MULTIPLE = 16


class Neighbours(NamedTuple):
    """Texts of one length that lie one after the other, and the keys that each looks at.

    PyTorch's attention is up to twice as fast where the number of keys is a multiple of 16, as it goes
    through the rest one by one. So the keys of other texts nearby are taken in, and given no weight.

    Attributes:
        texts: how many.
        length: tokens of each.
        start: place of the first token.
        first_key: place of the first key of the first text.
        keys: how many each looks at.
        mask: [texts, 1, length, keys] what is added to the scores: 0, or minus infinity for tokens of other
            texts.
    """

    texts: int
    length: int
    start: int
    first_key: int
    keys: int
    mask: Tensor | None


def neighbours_of(lengths: Sequence[int], dtype: torch.dtype) -> Iterator[Neighbours]:
    """Find what attention can do in one call, in texts of these lengths; masks are of this dtype."""
    total = sum(lengths)

    def window(text: tuple[int, int]) -> tuple[int, int, int]:
        """A text's length, its number of keys, and how many of them lie before it: none but at the end."""
        start, length = text
        keys = -(-length // _KEYS_MULTIPLE) * _KEYS_MULTIPLE
        return (length, length, 0) if keys > total else (length, keys, max(0, start + keys - total))

    starts = accumulate(lengths, initial=0)
    for (length, keys, before), group in groupby(zip(starts, lengths, strict=False), window):
        (start, _), *others = group
        texts, mask = 1 + len(others), None
        if keys > length:
            mask = torch.full((keys,), -torch.inf, dtype=dtype)
            mask[before : before + length] = 0
            mask = mask.expand(texts, 1, length, keys)
        yield Neighbours(texts, length, start, start - before, keys, mask)


def attend(
    query: Tensor, key: Tensor, value: Tensor, neighbours: Sequence[Neighbours], scaling: float, out: Tensor
) -> None:
    """Scaled dot-product attention within each text.

    Args:
        query: [T, heads, width] of all tokens.
        key: likewise.
        value: likewise.
        neighbours: the texts.
        scaling: factor of the scores.
        out: [T, heads · width] where the result goes.
    """
    result = out.view(query.shape)
    for texts, length, start, first_key, keys, mask in neighbours:
        attended = scaled_dot_product_attention(
            _windows(query, texts, length, start, length),
            _windows(key, texts, length, first_key, keys),
            _windows(value, texts, length, first_key, keys),
            attn_mask=mask,
            scale=scaling,
        )
        _windows(result, texts, length, start, length).copy_(attended)


def _windows(values: Tensor, count: int, step: int, start: int, size: int) -> Tensor:
    """[count, heads, size, width] views of [T, heads, width], each `step` tokens after the one before."""
    _, heads, width = values.shape
    of_token, of_head, of_number = values.stride()
    return values.as_strided(
        (count, heads, size, width),
        (step * of_token, of_head, of_token, of_number),
        values.storage_offset() + start * of_token,
    )
