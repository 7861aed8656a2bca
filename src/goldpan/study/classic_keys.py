"""Keys of ml_filter's embedding and annotation jobs, and how goldpan says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EMBEDDING_KEYS = {
    "truncation": "write `on_long: truncate` (or `chunk`); a longer text is never passed on as it is",
    "batch_size": "write `batch_tokens`: batches are made by their tokens, not by their texts",
    "writer_batch_size": "write `block_size`: so many documents are written together",
    "embedding_model": "write `model`",
    "embedder_model_id": "write `model`",
    "model_dtype": "write `compute_dtype`",
    "embedding_dtype": "write `storage_dtype`",
    "text_field": "write `text`",
    "text_key": "write `text`",
    "save_labels": "write `labels: score` (the fields to store beside the vectors)",
    "keys_to_index": "write `id` in the source; of files made elsewhere, `document_id` here",
    "hdf5_dataset_name": "write `group`",
    "dataset_name": "write `group`",
    "input_dir": "write `files` in the source",
    "glob_pattern": "write `files` in the source",
    "embeddings_directory": "write `files: DIRECTORY/**/*.h5` with `layout: ml_filter`",
    "embedding_dir": "leave it out: files are named by the study and the embedding",
    "output_dir": "leave it out: `results` in config/config.yaml says where results go",
    "device_overwrite": "write `device: cuda:N`",
}
"""Key of an `embedding_job.yaml` -> what to write in an embedding."""

ANNOTATED_KEYS = {
    "batch_size": "leave it out: rows are annotated in blocks, and no score depends on them",
    "embeddings_directory": "write `files: DIRECTORY/**/*.h5` with `layout: ml_filter` in the embedding",
    "hdf5_dataset_name": "write `group` in the embedding",
    "dataset_name": "write `group` in the embedding",
    "model_dtype": "leave it out: heads are computed in float32",
    "embedding_dtype": "leave it out: embeddings are read as they are stored, and heads computed in float32",
    "label_dtype": "write it in the embedding that stores labels",
    "output_dir": "leave it out: `results` in config/config.yaml says where results go",
    "device_overwrite": "write `device: cuda:N`",
}
"""Key of an `annotation_job.yaml` -> what to write in a set of annotated files."""

PADDING = (
    "`padding` says the side: `auto`, `left` or `right`. Leave it out for `true` and `longest`, which is what"
    " is done; `max_length` only makes batches larger and changes no vector"
)


def answer_classic_keys(value: Any, answers: Mapping[str, str], known: Mapping[str, Any]) -> None:
    """Refuse keys of the classic jobs by the name of the key that says the same.

    Args:
        value: what the study says of an embedding, or of annotated files.
        answers: classic key -> what to write.
        known: keys of goldpan's own.

    Raises:
        ValueError: it has such keys; all are named.
    """
    if not isinstance(value, Mapping):
        return
    said = [f"`{key}`: {answers[key]}" for key in value if key in answers and key not in known]
    padding = value.get("padding")
    if answers is EMBEDDING_KEYS and (isinstance(padding, bool) or padding in ("longest", "max_length")):
        said.append(PADDING)
    if said:
        raise ValueError("; ".join(said))
