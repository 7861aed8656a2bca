"""How embeddings were made: kept as attributes of their HDF5 group, and compared before they are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from goldpan import __version__
from goldpan.embeddings.loading import LoadedModel
from goldpan.files import canonical_json

if TYPE_CHECKING:
    from goldpan.study.embedding import Embedding

_LISTS = frozenset({"text", "labels"})
_NOT_WRITTEN = {"layers": "auto"}
_MUST_AGREE = ("model_sha256", "pooling", "normalize", "dimension", "max_length", "on_long", "prefix")


@dataclass(frozen=True)
class Provenance:
    """All that shapes the embeddings of one file, and where they come from.

    Attributes:
        model: as the study names it.
        revision: commit of the hub, or empty.
        model_sha256: hash over all files of the model that shape embeddings.
        pooling: mode, as sentence-transformers calls it; several are joined by `+`.
        normalize: whether vectors have length 1.
        dimension: numbers in a vector.
        max_length: tokens of a text or chunk, special ones included.
        on_long: `truncate` or `chunk`.
        prefix: what stands before each text.
        text: fields of the record that make the text.
        separator: what stands between them; empty with a template.
        template: what makes the text, or empty.
        labels: fields stored as labels.
        compute_dtype: what the model computed in.
        storage_dtype: what is stored.
        block_size: documents sorted and batched together.
        batch_tokens: token budget of a batch.
        padding: side of the padding.
        source_sha256: hash of the records file.
        goldpan_version, torch_version, transformers_version: what made the file.
        layers: as the study says. Files say it only where it is not `auto`: older ones do not have it.
    """

    model: str
    revision: str
    model_sha256: str
    pooling: str
    normalize: bool
    dimension: int
    max_length: int
    on_long: str
    prefix: str
    text: tuple[str, ...]
    separator: str
    template: str
    labels: tuple[str, ...]
    compute_dtype: str
    storage_dtype: str
    block_size: int
    batch_tokens: int
    padding: str
    source_sha256: str
    goldpan_version: str
    torch_version: str
    transformers_version: str
    layers: str = "auto"

    def as_attributes(self) -> dict[str, Any]:
        """Names and values as HDF5 attributes; lists are JSON text."""
        return {
            name: canonical_json(list(value)).decode() if name in _LISTS else value
            for name, value in asdict(self).items()
            if _NOT_WRITTEN.get(name) != value
        }

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Provenance:
        """Read what `as_attributes` wrote.

        Raises:
            KeyError: an attribute is missing.
        """
        import orjson

        attributes = {**_NOT_WRITTEN, **attributes}
        values = {field.name: _plain(attributes[field.name]) for field in fields(cls)}
        for name in _LISTS:
            values[name] = tuple(orjson.loads(values[name]))
        return cls(**values)


def provenance_of(settings: Embedding, model: LoadedModel, source_sha256: str) -> Provenance:
    """The provenance of what `model` makes of a records file."""
    import torch
    import transformers

    return Provenance(
        model=settings.model,
        revision=model.files.revision or "",
        model_sha256=model.files.sha256,
        pooling="+".join(model.pooler.modes),
        normalize=model.pooler.normalize,
        dimension=model.dimension,
        max_length=model.max_length,
        on_long=settings.on_long,
        prefix=model.prefix,
        text=tuple(settings.text_fields),
        separator="" if settings.template else settings.separator,
        template=settings.template or "",
        labels=tuple(settings.labels),
        compute_dtype=model.compute_dtype,
        storage_dtype=settings.storage_dtype,
        block_size=settings.block_size,
        batch_tokens=model.budget,
        padding=model.padding,
        source_sha256=source_sha256,
        goldpan_version=__version__,
        torch_version=str(torch.__version__),
        transformers_version=transformers.__version__,
        layers=settings.layers,
    )


def differences(trained: Provenance, applied: Provenance) -> list[str]:
    """What keeps a head trained on one kind of embeddings from being applied to another.

    Which text was embedded, on what machine and in what precision may differ; how it becomes a vector may
    not.

    Returns:
        One line for each attribute that differs, such as `pooling: mean, not cls`; empty when they fit.
    """
    return [
        f"{name}: {getattr(applied, name)!r}, not {getattr(trained, name)!r}"
        for name in _MUST_AGREE
        if getattr(applied, name) != getattr(trained, name)
    ]


def _plain(value: Any) -> Any:
    """A Python value for a NumPy scalar."""
    return value.item() if hasattr(value, "item") else value
