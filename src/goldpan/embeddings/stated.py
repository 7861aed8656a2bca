"""How vectors that are there already were made: what their files say of it, and what the study states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.embeddings.existing import ExistingPart
from goldpan.embeddings.provenance import Provenance, differences, stated_provenance
from goldpan.errors import EmbeddingError
from goldpan.study.embedding import Embedding

if TYPE_CHECKING:
    import numpy as np

_UNIT = 2e-2
"""How far from 1 the length of a normalised vector may be that is stored in half precision."""


@dataclass
class SeenVectors:
    """What the vectors are: which are finite, whether all have length 1, and their checksum."""

    finite: np.ndarray
    shortest: float
    longest: float
    checksum: int

    @property
    def has_length_1(self) -> bool:
        """Whether all vectors have length 1; not where there are none."""
        return abs(self.shortest - 1) <= _UNIT and abs(self.longest - 1) <= _UNIT


def provenance_of_parts(
    settings: Embedding, parts: Sequence[ExistingPart], model_sha256: str, seen: SeenVectors
) -> Provenance:
    """How the vectors were made, as the files say or the study states.

    Args:
        settings: what the study says.
        parts: the files, one at least.
        model_sha256: of the stated model's files where they are here, else empty.
        seen: what was seen of the vectors.

    Raises:
        EmbeddingError: these differ, or the vectors are not what is stated.
    """
    if settings.layout != "goldpan":
        if settings.normalize is True and seen.longest and not seen.has_length_1:
            raise EmbeddingError(
                f"the study states `normalize: true`, but the vectors have lengths from"
                f" {seen.shortest:.3g} to {seen.longest:.3g}",
                where=str(parts[0].path),
                remedy="leave `normalize` out: it is then seen from the vectors",
            )
        return stated_provenance(
            settings,
            model_sha256=model_sha256,
            dimension=parts[0].dimension,
            normalize=seen.has_length_1,
            storage_dtype=parts[0].dtype,
        )
    made = parts[0].provenance
    assert made is not None
    for part in parts[1:]:
        assert part.provenance is not None
        _raise_if(part.path, differences(made, part.provenance), f"the vectors of {parts[0].path}")
    stated: dict[str, Any] = {
        name: getattr(settings, name)
        for name in ("pooling", "normalize", "max_length", "on_long", "prefix")
        if name in settings.model_fields_set and getattr(settings, name) not in ("model", None)
    }
    wrong = [
        f"{name}: {getattr(made, name)!r}, not {value!r}"
        for name, value in stated.items()
        if getattr(made, name) != value
    ]
    if made.model != settings.model and made.model_sha256 != model_sha256:
        wrong.insert(0, f"model: {made.model!r}, not {settings.model!r}")
    _raise_if(parts[0].path, wrong, "what the study states")
    return replace(made, layout="goldpan")


def _raise_if(path: Path, wrong: Sequence[str], other: str) -> None:
    if wrong:
        raise EmbeddingError(
            f"its vectors were not made like {other}: {'; '.join(wrong)}",
            where=str(path),
            remedy="state how they were made, or name other files",
        )
