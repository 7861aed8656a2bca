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
_NOT_WRITTEN = {"layers": "auto", "label_dtype": "auto", "layout": ""}
_MUST_AGREE = ("pooling", "normalize", "dimension", "max_length", "on_long", "prefix")


NOT_STATED = "not stated"


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
        label_dtype: likewise.
        layout: of a file made elsewhere, else empty. With `ml_filter` the study states all this; what it does
            not state is `NOT_STATED`, `max_length` 0 and, of a model that is not here, `model_sha256` empty.
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
    label_dtype: str = "auto"
    layout: str = ""

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
        label_dtype=settings.label_dtype,
    )


def stated_provenance(
    settings: Embedding, *, model_sha256: str, dimension: int, normalize: bool, storage_dtype: str
) -> Provenance:
    """The provenance of a file that says nothing of itself, as the study states it.

    Args:
        settings: what the study says.
        model_sha256: of the model's files where they are here, else empty.
        dimension, normalize, storage_dtype: as the vectors are.
    """
    return Provenance(
        model=settings.model,
        revision=settings.revision or "",
        model_sha256=model_sha256,
        pooling=NOT_STATED if settings.pooling == "model" else settings.pooling,
        normalize=normalize if settings.normalize == "model" else settings.normalize,
        dimension=dimension,
        max_length=settings.max_length or 0,
        on_long=settings.on_long,
        prefix=settings.prefix or "",
        text=tuple(settings.text_fields),
        separator="" if settings.template else settings.separator,
        template=settings.template or "",
        labels=tuple(settings.labels),
        compute_dtype=NOT_STATED if settings.compute_dtype == "auto" else settings.compute_dtype,
        storage_dtype=storage_dtype,
        block_size=0,
        batch_tokens=0,
        padding=settings.padding,
        source_sha256="",
        goldpan_version=__version__,
        torch_version="",
        transformers_version="",
        layout=settings.layout,
    )


def differences(trained: Provenance, applied: Provenance) -> list[str]:
    """What keeps a head trained on one kind of embeddings from being applied to another.

    Which text was embedded, on what machine and in what precision may differ; how it becomes a vector may
    not.

    Returns:
        One line for each attribute that differs, such as `pooling: mean, not cls`; empty when they fit.
    """
    # Of a model that is only stated no hash is known: then its name, and revision, must agree.
    names = ["model_sha256"] if trained.model_sha256 and applied.model_sha256 else ["model"]
    if names == ["model"] and trained.revision and applied.revision:
        names.append("revision")
    return [
        f"{name}: {getattr(applied, name)!r}, not {getattr(trained, name)!r}"
        for name in (*names, *_MUST_AGREE)
        if getattr(applied, name) != getattr(trained, name)
    ]


def _plain(value: Any) -> Any:
    """A Python value for a NumPy scalar."""
    return value.item() if hasattr(value, "item") else value
