"""HDF5 files of embeddings as ml_filter writes them: a group with three datasets, no attributes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def write_classic(
    path: Path,
    ids: Sequence[Any],
    vectors: np.ndarray,
    *,
    group: str = "train",
    labels: np.ndarray | None = None,
    compression: str | None = "gzip",
    id_type: Any = None,
    batch: int = 7,
) -> Path:
    """Write a file batch by batch, with datasets that grow.

    Args:
        ids: of the rows.
        vectors: [n, D].
        labels: [n] or [n, T].
        id_type: of the stored ids; default UTF-8 of any length.
        batch: rows that are written together.
    """
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        held = file.create_group(group)
        text = h5py.string_dtype(encoding="utf-8") if id_type is None else id_type
        columns = {
            "embeddings": vectors,
            "document_id": np.array(ids, dtype=object if id_type is None else id_type),
        }
        if labels is not None:
            columns["labels"] = labels
        for name, values in columns.items():
            held.create_dataset(
                name,
                shape=(0, *values.shape[1:]),
                maxshape=(None, *values.shape[1:]),
                dtype=text if name == "document_id" else values.dtype,
                compression=compression,
                chunks=True,
            )
        for begin in range(0, len(ids), batch):
            for name, values in columns.items():
                rows = values[begin : begin + batch]
                held[name].resize(begin + len(rows), axis=0)
                held[name][begin : begin + len(rows)] = rows
    return path
