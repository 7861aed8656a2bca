"""Kept while its users move: the module is `goldpan.cells`."""

from goldpan.cells import neutralise, restore

__all__ = ["neutralise", "restore"]
