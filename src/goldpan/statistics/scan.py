"""Where cases are more frequent than elsewhere among points in space: the scan statistic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goldpan.statistics.permutations import permutations_for

_FEWEST_CASES = 4
_SIZES = 14
_SMALLEST, _LARGEST_SHARE, _LARGEST = 6, 0.25, 400
_CENTRES = 1_000
_FEWEST_PERMUTATIONS = 199


@dataclass(frozen=True)
class Zone:
    """A point and those nearest to it, among which cases are frequent.

    Attributes:
        rows: the points, the nearest to the centre first, the centre itself among them.
        cases: how many of them are cases.
        p_value: chance that the most extreme of all zones is as extreme where cases lie at random.
    """

    rows: np.ndarray
    cases: int
    p_value: float


@dataclass(frozen=True)
class Scan:
    """What a scan found.

    Attributes:
        zones: significant ones without a point in common, the most extreme first.
        p_value: of the most extreme zone; None where it was plain before all permutations were drawn that it
            is above the level.
        permutations: how many were drawn.
    """

    zones: tuple[Zone, ...]
    p_value: float | None
    permutations: int


def scan(
    points: np.ndarray, cases: np.ndarray, alpha: float, seed: int, groups: np.ndarray | None = None
) -> Scan:
    """Find zones of points with more cases than elsewhere.

    Zones are a point with its nearest ones, in several numbers; their statistic is the likelihood ratio of
    one share of cases inside and another outside (Kulldorff 1997, Commun Stat Theory Methods 26:1481-1496).
    The most extreme of all zones is held against the most extreme of permutations of cases, so that on data
    without any zone something is found in a share `alpha` of data sets at most. Points of one group stay
    together: what is permuted are whole groups among those of the same size.

    Args:
        points: shape (n, d); near is what is near by Euclid's distance.
        cases: whether each point is a case, shape (n,).
        alpha: level of the test.
        seed: of centres and permutations.
        groups: number of each point's group, shape (n,); None where each is its own.
    """
    n, total = len(points), int(cases.sum())
    largest = min(int(n * _LARGEST_SHARE), _LARGEST)
    if not 0 < total < n or largest < _SMALLEST:
        return Scan((), 1.0, 0)
    generator = np.random.default_rng(seed)
    centres = np.arange(n) if n <= _CENTRES else np.sort(generator.choice(n, _CENTRES, replace=False))
    near = _nearest(points, centres, largest)
    sizes = np.unique(np.rint(np.geomspace(_SMALLEST, largest, _SIZES)).astype(int))
    table = _ratios(sizes, n, total)
    observed = _statistic(near, sizes, table, cases)
    best = float(observed.max())
    if best <= 0:
        return Scan((), 1.0, 0)
    planned = permutations_for(alpha, _FEWEST_PERMUTATIONS)
    shuffled = _Shuffle(cases, groups, generator)
    highest: list[float] = []
    as_extreme = 0
    for _ in range(planned):
        highest.append(float(_statistic(near, sizes, table, shuffled.draw()).max()))
        as_extreme += highest[-1] >= best - 1e-9
        # Whatever is still to come, the most extreme zone is not significant any more.
        if (1 + as_extreme) / (1 + planned) > alpha and len(highest) < planned:
            return Scan((), None, len(highest))
    sample = np.sort(highest)
    found = _distinct_zones(near, sizes, observed, sample, cases, alpha)
    return Scan(tuple(found), _p_value(sample, best), len(sample))


def _nearest(points: np.ndarray, centres: np.ndarray, size: int) -> np.ndarray:
    """The `size` nearest points of each centre, itself first, shape (c, size)."""
    squares = (points**2).sum(1)
    near = np.empty((len(centres), size), dtype=np.intp)
    for start in range(0, len(centres), 256):
        block = centres[start : start + 256]
        distances = squares - 2 * (points[block] @ points.T)
        distances[np.arange(len(block)), block] = -np.inf
        order = np.argpartition(distances, size - 1, axis=1)[:, :size]
        own = np.take_along_axis(distances, order, axis=1)
        # Ties in the order of the points: equal texts give the same zones on every machine.
        near[start : start + 256] = np.take_along_axis(order, np.lexsort((order, own), axis=1), axis=1)
    return near


def _ratios(sizes: np.ndarray, n: int, total: int) -> np.ndarray:
    """Log-likelihood ratios by size and number of cases, shape (s, largest + 1); 0 where no more than
    outside."""
    cases = np.arange(sizes.max() + 1)[None]
    inside, size = np.minimum(cases, sizes[:, None]), sizes[:, None]
    outside, rest = total - inside, n - size
    ratio = _likelihood(inside, size) + _likelihood(outside, rest) - _likelihood(np.array(total), np.array(n))
    possible = (cases <= size) & (outside >= 0) & (outside <= rest) & (inside >= _FEWEST_CASES)
    return np.where(possible & (inside * rest > outside * size), ratio, 0.0)


def _likelihood(cases: np.ndarray, of: np.ndarray) -> np.ndarray:
    from scipy.special import xlogy

    share = np.clip(cases / np.maximum(of, 1), 0, 1)
    return np.asarray(xlogy(cases, share) + xlogy(of - cases, 1 - share))


def _statistic(near: np.ndarray, sizes: np.ndarray, table: np.ndarray, cases: np.ndarray) -> np.ndarray:
    """The statistic of each zone, shape (c, s)."""
    starts = np.concatenate([[0], sizes[:-1]])
    rings = np.add.reduceat(cases[near].astype(np.int32), starts, axis=1)
    return np.asarray(table[np.arange(len(sizes)), np.cumsum(rings, axis=1)])


class _Shuffle:
    """Draws permutations of cases in which groups stay whole."""

    def __init__(self, cases: np.ndarray, groups: np.ndarray | None, generator: np.random.Generator):
        self._cases, self._generator = cases, generator
        self._blocks: list[np.ndarray] | None = None
        if groups is not None:
            order = np.argsort(groups, kind="stable")
            members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
            sizes = np.array([len(rows) for rows in members])
            self._blocks = [
                np.array([rows for rows in members if len(rows) == size]) for size in np.unique(sizes)
            ]

    def draw(self) -> np.ndarray:
        """Another order of the cases, shape (n,)."""
        if self._blocks is None:
            return self._generator.permutation(self._cases)
        drawn = np.empty_like(self._cases)
        for rows in self._blocks:
            drawn[rows] = self._generator.permutation(self._cases[rows], axis=0)
        return drawn


def _distinct_zones(
    near: np.ndarray,
    sizes: np.ndarray,
    observed: np.ndarray,
    sample: np.ndarray,
    cases: np.ndarray,
    alpha: float,
) -> list[Zone]:
    taken = np.zeros(len(cases), dtype=bool)
    zones = []
    for place in np.argsort(-observed, axis=None, kind="stable"):
        centre, size = divmod(int(place), len(sizes))
        p_value = _p_value(sample, float(observed[centre, size]))
        if p_value > alpha:
            break
        rows = near[centre, : sizes[size]]
        if not taken[rows].any():
            taken[rows] = True
            zones.append(Zone(rows, int(cases[rows].sum()), p_value))
    return zones


def _p_value(sample: np.ndarray, value: float) -> float:
    as_extreme = len(sample) - int(np.searchsorted(sample, value - 1e-9))
    return (1 + as_extreme) / (1 + len(sample))
