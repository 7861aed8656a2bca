"""One layer of a BERT, for texts that lie end to end, in memory that is used again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from goldpan.embeddings.layers.within_texts import Neighbours, attend

if TYPE_CHECKING:
    from torch import Tensor


class Workspace:
    """Memory for what layers compute on their way: one after the other takes the same.

    Memory fresh from the system comes page by page and is in no cache: to write a bias or a GELU there takes
    three times as long. For one thread.
    """

    def __init__(self) -> None:
        self._parts: dict[str, Tensor] = {}

    def part(self, name: str, like: Tensor, width: int) -> Tensor:
        """[T, width] memory with anything in it, for as many tokens as `like` [T, ...] has, of its dtype."""
        tokens = like.shape[0]
        part = self._parts.get(name)
        if part is None or part.shape[0] < tokens:
            self._parts.pop(name, None)
            part = self._parts[name] = torch.empty(tokens, width, dtype=like.dtype)
        return part[:tokens]


class PostNormLayer:
    """Self-attention and feed-forward part of a BERT, each added to its input and then normalised.

    Vaswani et al. 2017, section 3.1; with queries, keys and values from one product instead of three.

    Args:
        layer: the model's own, whose weights are shared.
        activation: its name in the model's configuration.
    """

    def __init__(self, layer: Any, activation: Any) -> None:
        attention, output = layer.attention.self, layer.attention.output.dense
        self._shape = (3, attention.num_attention_heads, attention.attention_head_size)
        self._scaling = attention.scaling
        self._projection = _side_by_side((attention.query, attention.key, attention.value))
        # The bias of the keys adds the same to all scores of a query, whose weights do not depend on it. That
        # of the values adds itself to any weighted mean of them, so it can be added later.
        self._query_bias = attention.query.bias.detach()
        of_values = output.weight.detach().double() @ attention.value.bias.detach().double()
        self._attention_output = _Dense(output.weight, (output.bias + of_values).to(output.bias.dtype))
        self._attention_norm = layer.attention.output.LayerNorm
        inner, output = layer.intermediate, layer.output
        self._inner = _Dense(inner.dense.weight, inner.dense.bias)
        self._activate = torch.ops.aten.gelu_ if activation == "gelu" else inner.intermediate_act_fn
        self._output = _Dense(output.dense.weight, output.dense.bias)
        self._norm = output.LayerNorm

    def __call__(self, hidden: Tensor, neighbours: Sequence[Neighbours], workspace: Workspace) -> Tensor:
        """[T, H] vectors of tokens to the next layer's; what was in their memory is lost."""
        width = len(self._query_bias)
        projected = workspace.part("projected", hidden, 3 * width)
        torch.mm(hidden, self._projection, out=projected)
        projected[:, :width] += self._query_bias
        attended = workspace.part("attended", hidden, hidden.shape[1])
        query, key, value = projected.unflatten(1, self._shape).unbind(1)
        attend(query, key, value, neighbours, self._scaling, attended)
        hidden = self._attention_norm(self._attention_output.add_to(hidden, attended))
        inner = self._activate(self._inner(hidden, workspace.part("inner", hidden, self._inner.width)))
        return self._norm(self._output.add_to(hidden, inner))


class _Dense:
    """A dense layer that writes where it is told to."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._weight, self._bias = weight.detach().t(), bias.detach()
        self.width = len(bias)

    def __call__(self, values: Tensor, out: Tensor) -> Tensor:
        """[T, width] of [T, ...]."""
        return torch.addmm(self._bias, values, self._weight, out=out)

    def add_to(self, before: Tensor, values: Tensor) -> Tensor:
        """The same, added to [T, width] `before` in place."""
        return before.add_(self._bias).addmm_(values, self._weight)


def _side_by_side(parts: Sequence[nn.Linear]) -> Tensor:
    """[in, out] weights of several dense layers for one product; theirs become views of it."""
    joined = torch.cat([part.weight.detach() for part in parts])
    for part, rows in zip(parts, joined.split([part.out_features for part in parts]), strict=True):
        part.weight.data = rows
    return joined.t()
