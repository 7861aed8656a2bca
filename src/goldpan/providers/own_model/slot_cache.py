"""A key-value cache in which the token at position p of a row lies in slot p.

Rows of a batch are at different positions. Where a cache is filled at one place for all of them, shorter rows
hold padding between their tokens, and what a row attends to then depends on its neighbours. Here nothing lies
between a row's tokens, so its mask follows from positions alone: for shared prefixes, for several new
tokens at once, and for layers that look back only so far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transformers.cache_utils import Cache, CacheLayerMixin

if TYPE_CHECKING:
    from torch import Tensor


class SlotCache(Cache):
    """Keys and values of a batch; memory is taken once, for as many slots as will be needed.

    Args:
        layers: of the model.
        rows: of the batch.
        capacity: positions of a row.
        prefix: of one row, whose slots 0 to `prefix_length` each row of this one begins with.
    """

    def __init__(
        self,
        layers: int,
        rows: int,
        capacity: int,
        *,
        prefix: SlotCache | None = None,
        prefix_length: int = 0,
    ):
        self.rows, self.capacity = rows, capacity
        self.prefix, self.prefix_length = prefix, prefix_length
        self.slots: Any = None
        self.length = 0
        self._own = [_SlotLayer(self, layer) for layer in range(layers)]
        super().__init__(layers=[*self._own])

    def aim(self, slots: Tensor, length: int) -> None:
        """Say where the next keys and values go.

        Args:
            slots: [B, Q] of each token; `capacity` for padding, which is kept nowhere that is looked at.
            length: slots that are looked at.
        """
        self.slots, self.length = slots, length

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only."""
        self.rows = len(rows)
        for layer in self._own:
            if layer.keys is not None and layer.values is not None:
                layer.keys, layer.values = layer.keys[rows], layer.values[rows]


class _SlotLayer(CacheLayerMixin):
    def __init__(self, cache: SlotCache, place: int):
        super().__init__()
        self._cache, self._place = cache, place

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.keys, self.values = self._room("keys", key_states), self._room("values", value_states)
        self.is_initialized = True

    def _room(self, name: str, states: Tensor) -> Tensor:
        cache = self._cache
        _, heads, _, width = states.shape
        room = states.new_zeros(cache.rows, heads, cache.capacity + 1, width)
        if cache.prefix is not None:
            shared = getattr(cache.prefix.layers[self._place], name)
            room[:, :, : cache.prefix_length] = shared[:, :, : cache.prefix_length]
        return room

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        import torch

        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        slots, length = self._cache.slots, self._cache.length
        rows = torch.arange(len(slots), device=slots.device)[:, None]
        assert self.keys is not None and self.values is not None
        self.keys[rows, :, slots] = key_states.transpose(1, 2)
        self.values[rows, :, slots] = value_states.transpose(1, 2)
        return self.keys[:, :, :length], self.values[:, :, :length]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self._cache.length, 0

    def get_seq_length(self) -> int:
        return self._cache.length

    def get_max_length(self) -> int:
        return self._cache.capacity
