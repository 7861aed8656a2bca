"""Places of rows in a space in which like rows are near: from their words, or from an embedding."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from goldpan.embeddings.reader import EmbeddingFile
from goldpan.error_analysis.row_texts import row_words

_MOST_DIMENSIONS = 50
_MOST_WORDS = 20_000
_FEWEST_TEXTS, _LARGEST_SHARE = 2, 0.5


def word_vectors(texts: Sequence[str], seed: int) -> np.ndarray:
    """Texts by latent semantic analysis of their TF-IDF, shape (n, d), d at most 50; 0 where no word is.

    Words count that stand in two texts and in no more than half of them.

    Args:
        texts: n of them.
        seed: of the decomposition.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        tokenizer=row_words,
        token_pattern=None,
        lowercase=False,
        sublinear_tf=True,
        min_df=_FEWEST_TEXTS,
        max_df=_LARGEST_SHARE,
        max_features=_MOST_WORDS,
    )
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError:
        # No word is left: all texts are empty, the same, or have nothing in common.
        return np.zeros((len(texts), 1))
    dimensions = min(_MOST_DIMENSIONS, *(size - 1 for size in weights.shape))
    if dimensions < 1:
        return np.asarray(weights.toarray())
    return np.asarray(TruncatedSVD(dimensions, random_state=seed).fit_transform(weights))


def embedded_vectors(paths: Sequence[Path], group: str, ids: Collection[str]) -> dict[str, np.ndarray]:
    """Record id -> embedding, of the records that have one; the files are read block by block.

    Args:
        paths: embeddings files.
        group: of each that holds the vectors.
        ids: of the records.

    Raises:
        EmbeddingError: a file is not there, or not whole.
    """
    wanted = set(ids)
    vectors: dict[str, np.ndarray] = {}
    for path in paths:
        with EmbeddingFile(path, group) as file:
            for block in file.blocks():
                for row, id in enumerate(block.document_ids):
                    if id in wanted:
                        vectors[id] = block.embeddings[row].copy()
    return vectors


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """The same vectors of length 1; those of length 0 stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))
