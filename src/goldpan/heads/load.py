"""The heads that annotated files ask for, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from goldpan.heads.checkpoint import load_head
from goldpan.heads.external import load_external_head
from goldpan.heads.model import HeadModel


def load_heads(trained: Mapping[str, Path], external: Mapping[str, Path]) -> list[HeadModel]:
    """Read heads.

    Args:
        trained: name -> folder of a head that goldpan trained.
        external: name -> file or folder of a regression head that was made elsewhere.

    Raises:
        HeadError: one is missing or damaged, or not what it should be.
    """
    return [
        *(load_head(folder) for folder in trained.values()),
        *(load_external_head(name, path) for name, path in external.items()),
    ]
