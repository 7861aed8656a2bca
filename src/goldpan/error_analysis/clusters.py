"""Groups of wrong rows that are alike, in places where right rows are few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from goldpan.error_analysis.cluster_words import cluster_name, telling_words
from goldpan.error_analysis.extra import check_analysis_packages
from goldpan.error_analysis.items import ErrorItem, ErrorItems
from goldpan.error_analysis.parts import ErrorCluster, ErrorClusters
from goldpan.error_analysis.row_texts import row_texts
from goldpan.error_analysis.row_vectors import embedded_vectors, unit_length, word_vectors
from goldpan.error_analysis.rows import listed_row
from goldpan.error_analysis.slices import group_numbers
from goldpan.evaluation.formatting import percent
from goldpan.statistics.figures import Estimate, too_few
from goldpan.statistics.interval import clopper_pearson_interval
from goldpan.statistics.permutations import out_of_reach
from goldpan.statistics.samples import FEWEST_UNITS
from goldpan.statistics.scan import Scan, scan
from goldpan.study.error_analysis import ErrorAnalysis

BY_WORDS = "words (TF-IDF)"
FEWEST_ROWS, FEWEST_WRONG = 40, 8
"""With fewer rows, or fewer wrong ones, no cluster is looked for."""
_EXAMPLES = 5
_ALIKE = 0.8
_METHOD = (
    "Scan statistic (Kulldorff 1997): each row with those nearest to it, in several numbers, against all"
    " other rows; the most extreme against that of {permutations:,} permutations of right and wrong{groups}"
)


def error_clusters(
    items: ErrorItems,
    settings: ErrorAnalysis,
    alpha: float | None = None,
    embeddings: Sequence[Path] = (),
    group: str = "train",
) -> ErrorClusters:
    """The clusters of wrong rows: regions of like rows in which the model is wrong more often than elsewhere.

    Topics that the rows fall into by themselves are no clusters, unless errors are frequent there.

    Args:
        items: the evaluated rows of one feature and one model.
        settings: what the study says.
        alpha: how often any cluster may be reported where there is none; default `settings.alpha`.
        embeddings: files of the embedding that rows are compared by; none to compare their words.
        group: of these HDF5 files that holds the vectors.

    Raises:
        StudyError: scikit-learn is not installed, or embeddings are named and h5py is not.
        EmbeddingError: an embeddings file cannot be read.
    """
    alpha = settings.alpha if alpha is None else alpha
    by = settings.embedding if embeddings and settings.embedding else BY_WORDS
    space = _space(items, settings.seed, embeddings, group)
    wrong = np.array([not item.is_right for item in space.items], dtype=bool)
    all_wrong = sum(not item.is_right for item in items.items)
    if reason := _why_not(len(items.items), all_wrong, wrong) or out_of_reach(alpha):
        return ErrorClusters(
            finding=reason, reason=reason, notes=space.notes, by=by, alone=all_wrong, alpha=alpha
        )
    groups = group_numbers(space.items)
    scanned = scan(space.vectors, wrong, alpha, settings.seed, groups)
    regions = _merged(space.vectors, [zone.rows for zone in scanned.zones])
    texts = row_texts([item.data for item in space.items])
    found = [_Found.of(space, wrong, rows, texts, number) for number, rows in enumerate(regions, 1)]
    found.sort(key=lambda cluster: (-len(cluster.members), cluster.examples))
    names = _distinct([cluster.name for cluster in found])
    listed = [
        listed_row(
            items,
            space.items[row],
            "clusters",
            likeness,
            f"{percent(float(wrong[cluster.rows].mean()))} of the {len(cluster.rows):,} rows there are wrong,"
            f" {percent(float(wrong.mean()))} of all",
            name=name,
            show=settings.show,
        )
        for cluster, name in zip(found, names, strict=True)
        for row, likeness in zip(cluster.members, cluster.likeness, strict=True)
    ]
    return ErrorClusters(
        finding=_finding(names, found, wrong, scanned, alpha),
        notes=space.notes,
        rows=tuple(listed),
        clusters=tuple(
            cluster.as_reported(space.items, wrong, groups is not None, name)
            for cluster, name in zip(found, names, strict=True)
        ),
        by=by,
        alone=all_wrong - sum(len(of.members) for of in found),
        p_value=scanned.p_value,
        p_above=alpha if scanned.p_value is None else None,
        alpha=alpha,
        method=_METHOD.format(
            permutations=scanned.permutations, groups="" if groups is None else " of whole groups"
        ),
    )


@dataclass(frozen=True)
class _Space:
    """Rows with their places.

    Attributes:
        items: the n rows.
        vectors: of length 1, shape (n, d).
        notes: what was left out.
    """

    items: list[ErrorItem]
    vectors: np.ndarray
    notes: tuple[str, ...] = ()


def _space(items: ErrorItems, seed: int, embeddings: Sequence[Path], group: str) -> _Space:
    rows = list(items.items)
    if len(rows) < FEWEST_ROWS:
        return _Space(rows, np.zeros((len(rows), 1)))
    if not embeddings:
        check_analysis_packages("clusters of errors", "sklearn")
        vectors = word_vectors(row_texts([item.data for item in rows]), seed)
        has_words = np.linalg.norm(vectors, axis=1) > 0
        kept = [item for item, has in zip(rows, has_words.tolist(), strict=True) if has]
        without = len(rows) - len(kept)
        notes = (f"{without:,} rows have no words in common with others and are left out.",)
        return _Space(kept, unit_length(vectors[has_words]), notes if without else ())
    by_id = embedded_vectors(embeddings, group, {item.id for item in rows})
    kept = [item for item in rows if item.id in by_id]
    without = len(rows) - len(kept)
    notes = (f"{without:,} rows have no embedding and are left out.",)
    vectors = np.array([by_id[item.id] for item in kept], dtype=float).reshape(len(kept), -1)
    return _Space(kept, unit_length(vectors) if kept else np.zeros((0, 1)), notes if without else ())


def _why_not(evaluated: int, all_wrong: int, wrong: np.ndarray) -> str | None:
    """Why no cluster is looked for, by all evaluated rows and by those that have a place."""
    if not evaluated:
        return "No row is evaluated, so there are no clusters."
    if not all_wrong:
        return f"All {evaluated:,} evaluated rows are right."
    if all_wrong == evaluated:
        return f"All {evaluated:,} evaluated rows are wrong, so none lie where errors are more frequent."
    if not len(wrong):
        return "No evaluated row has a place among others, so there are no clusters."
    if len(wrong) < FEWEST_ROWS or wrong.sum() < FEWEST_WRONG or wrong.all():
        return (
            f"{int(wrong.sum()):,} of {len(wrong):,} evaluated rows are wrong: clusters are looked for from"
            f" {FEWEST_WRONG} of {FEWEST_ROWS} on, with right ones among them."
        )
    return None


def _merged(vectors: np.ndarray, zones: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Zones, of which those are one that lie nearly as near to each other as their own rows do.

    A cluster of an odd shape is found as several round zones. As the zones are significant each, this only
    says what is one and what are two.
    """
    regions: list[np.ndarray] = []
    for rows in zones:
        for number, region in enumerate(regions):
            own = min(_likeness(vectors[rows], vectors[rows]), _likeness(vectors[region], vectors[region]))
            if _likeness(vectors[rows], vectors[region]) >= _ALIKE * own > 0:
                regions[number] = np.concatenate([region, rows])
                break
        else:
            regions.append(rows)
    return regions


def _likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Mean cosine of two sets of vectors of length 1."""
    return float(first.mean(0) @ second.mean(0))


@dataclass(frozen=True)
class _Found:
    """A cluster.

    Attributes:
        rows: all that lie in it, right and wrong.
        members: the wrong ones, the nearest to their centre first.
        likeness: the cosine of each and the centre, at least 0.
        words: that tell it from right rows.
        name: made of these.
        examples: item ids of the first members.
    """

    rows: np.ndarray
    members: list[int]
    likeness: list[float]
    words: tuple[str, ...]
    name: str
    examples: tuple[str, ...]

    @classmethod
    def of(cls, space: _Space, wrong: np.ndarray, rows: np.ndarray, texts: list[str], number: int) -> _Found:
        """That of a region."""
        inside = np.sort(rows[wrong[rows]])
        centre = unit_length(space.vectors[inside].mean(0)[None])[0]
        cosines = space.vectors[inside] @ centre
        order = np.argsort(-cosines, kind="stable")
        members = inside[order].tolist()
        right = [text for text, is_wrong in zip(texts, wrong.tolist(), strict=True) if not is_wrong]
        words = telling_words([texts[row] for row in members], right)
        return cls(
            rows=rows,
            members=members,
            likeness=np.clip(cosines[order], 0, 1).tolist(),
            words=words,
            name=cluster_name(words, number),
            examples=tuple(space.items[row].item_id for row in members[:_EXAMPLES]),
        )

    def as_reported(
        self, items: Sequence[ErrorItem], wrong: np.ndarray, is_grouped: bool, name: str
    ) -> ErrorCluster:
        """As the report has it."""
        near, inside = len(self.rows), len(self.members)
        if near < FEWEST_UNITS:
            rate = Estimate(inside / near, reason=too_few(near, "row"))
        elif is_grouped:
            rate = Estimate(inside / near, reason="no interval: rows of one group may be alike")
        else:
            rate = Estimate(inside / near, clopper_pearson_interval(inside, near))
        return ErrorCluster(
            name=name,
            words=self.words,
            items=inside,
            examples=self.examples,
            near=near,
            error_rate=rate,
        )


def _distinct(names: Sequence[str]) -> list[str]:
    """Names, of which the second and later of the same have a number."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return distinct


def _finding(
    names: Sequence[str], found: Sequence[_Found], wrong: np.ndarray, scanned: Scan, alpha: float
) -> str:
    if not found:
        p_value = f"> {alpha:.2g}" if scanned.p_value is None else f"= {scanned.p_value:.2g}"
        return (
            f"No cluster is reported: that the {int(wrong.sum()):,} wrong rows lie among the right ones as"
            f" they do may be chance (p {p_value})."
        )
    total = sum(len(cluster.members) for cluster in found)
    first = "; ".join(f"{name} ({len(of.members):,})" for name, of in zip(names[:3], found, strict=False))
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    clusters = "1 cluster" if len(found) == 1 else f"{len(found)} clusters"
    return (
        f"{clusters} with {total:,} of the {int(wrong.sum()):,} wrong rows: {first}{more}. Their error rates"
        " are those of places that were found because they are high, and so are somewhat too high."
    )
