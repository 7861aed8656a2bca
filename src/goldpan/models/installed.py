"""Whether the packages that models need are there: they are an extra, which not everybody installs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from goldpan.errors import EmbeddingError, FineTuneError

PACKAGES = ("torch", "transformers", "safetensors", "h5py")


FINE_TUNING_PACKAGES = (*PACKAGES[:3], "accelerate", "datasets", "peft", "trl")


def check_fine_tuning_installed() -> None:
    """Check that models can be fine-tuned in this environment; imports nothing.

    Raises:
        FineTuneError: a package is missing.
    """
    missing = _missing(FINE_TUNING_PACKAGES)
    if missing:
        raise FineTuneError(
            f"fine-tuning needs {', '.join(missing)}, not installed in this environment",
            remedy="install the extras: pip install 'goldpan[models,finetune]', or pip install -r"
            " requirements-models.txt -r requirements-finetune.txt",
        )


def check_installed() -> None:
    """Check that embeddings and heads can be computed in this environment; imports nothing.

    Raises:
        EmbeddingError: a package is missing.
    """
    missing = _missing(PACKAGES)
    if missing:
        raise EmbeddingError(
            f"embeddings and heads need {', '.join(missing)}, not installed in this environment",
            remedy="`make models` installs the pinned versions, or: pip install -r requirements-models.txt",
        )


def is_installed() -> bool:
    """Whether embeddings and heads can be computed in this environment; imports nothing."""
    return not _missing(PACKAGES)


def _missing(packages: Iterable[str]) -> list[str]:
    return [name for name in packages if importlib.util.find_spec(name) is None]
