"""Linear layers whose weights lie in memory as the processor reads them, with GELU computed on the way."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

# The operators are those that PyTorch's own compiler calls. They are not public, hence the guard below.
_OPERATORS = ("_reorder_linear_weight", "_linear_pointwise")
_PROCESSORS = ("x86_64", "AMD64")
# Layouts differ a little with the number of tokens they are made for; any number may be given later.
_TYPICAL_TOKENS = 1024
# In the BERT, DistilBERT and ALBERT families: a layer, and the activation that alone takes its output.
_ACTIVATED = (("dense", "intermediate_act_fn"), ("lin1", "activation"), ("ffn", "activation"))


class PackedLinear(nn.Module):
    """A linear layer for inference on a CPU, by oneDNN.

    The weights are laid out once, where a plain layer does so in each call, and the bias and the activation
    are applied to the product while it is in the cache.

    Args:
        linear: a float32 layer on the CPU; not held on to.
        gelu: apply the exact GELU to the output.
    """

    bias: Tensor | None

    def __init__(self, linear: nn.Linear, *, gelu: bool = False) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self._activation = "gelu" if gelu else "none"
        with torch.inference_mode():
            self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight, _TYPICAL_TOKENS)
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach())

    @property
    def weight(self) -> Tensor:
        """[out_features, in_features] a copy, for models that look at the weights of their layers."""
        return self._packed.to_dense()

    def forward(self, values: Tensor) -> Tensor:
        """[..., in_features] to [..., out_features]."""
        return torch.ops.mkldnn._linear_pointwise(
            values, self._packed, self.bias, self._activation, [], "none"
        )


def pack_linear_layers(model: nn.Module) -> None:
    """Put a packed layer in the place of each plain linear layer of a float32 model on the CPU.

    Does nothing where this build of PyTorch or this processor has no such layers. A layer of another class
    or dtype stays as it is.
    """
    if not _can_pack():
        return
    for parent in list(model.modules()):
        activations = _gelus(parent)
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Linear and layer.weight.dtype == torch.float32:
                setattr(parent, name, PackedLinear(layer, gelu=name in activations))
                if name in activations:
                    setattr(parent, activations[name], nn.Identity())


def _can_pack() -> bool:
    return (
        platform.machine() in _PROCESSORS
        and torch.backends.mkldnn.is_available()
        and all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS)
    )


def _gelus(parent: nn.Module) -> dict[str, str]:
    """Names of a module's layers that an exact GELU follows, and the names of those GELUs."""
    return {
        layer: activation
        for layer, activation in _ACTIVATED
        if hasattr(parent, layer) and _is_exact_gelu(getattr(parent, activation, None))
    }


def _is_exact_gelu(activation: object) -> bool:
    if isinstance(activation, nn.GELU):
        return activation.approximate == "none"
    return getattr(activation, "act", activation) is nn.functional.gelu
