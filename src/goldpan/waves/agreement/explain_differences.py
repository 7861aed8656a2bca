"""What a reader must know about differences in one direction: who, which way, how often, and what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from goldpan.statistics.interval import clopper_pearson_interval
from goldpan.statistics.marginal_homogeneity import MarginalTest
from goldpan.waves.agreement.formatting import p_value_text
from goldpan.waves.agreement.report import FeatureAgreement, KappaMatrix, PairAgreement

_LEVEL = 0.05
_MOST_BIASES = 6
_FEWEST_ITEMS = 5
"""Items two annotators share below which it may be chance that they have no label in common."""
_MOST_LABELS_NAMED = 4


def notes_on_differences(result: FeatureAgreement) -> Iterator[str]:
    """Notes on the pair of two annotators, on each of several, on their groups and on second showings.

    Where two annotators have no label in common there is that note alone: all others would be about spelling.
    """
    if result.kind == "nominal" and (apart := list(_without_common_labels(result))):
        yield from apart
        return
    for pair in [*(result.pairs if len(result.annotators) == 2 else ()), *result.repeats]:
        yield from _pair(pair)
    if len(result.annotators) > 2:
        yield from _biases(result)
    if result.matrix and result.matrix.groups:
        yield _groups(result.matrix)


def note_on_labels_apart(names: tuple[str, str], labels: tuple[Collection[str], Collection[str]]) -> str:
    """What to say about two annotators who have no label in common."""
    first, second = (_few(of_one) for of_one in labels)
    return (
        f"{names[0]} and {names[1]} have NO LABEL IN COMMON: {names[0]} gives {first}, {names[1]} gives "
        f"{second}. They seem to write the same labels in two ways, or to answer different questions, so no "
        "figure about the two says how well they agree, and merging finds no agreement. Give each label one "
        "spelling and run again."
    )


def are_labels_apart(first: Collection[str], second: Collection[str], items: int) -> bool:
    """Whether it is hardly chance that two annotators have no label in common on the items both answered."""
    return items >= _FEWEST_ITEMS and not set(first) & set(second)


def _few(labels: Collection[str]) -> str:
    names = sorted(labels)
    more = ", …" if len(names) > _MOST_LABELS_NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_LABELS_NAMED]) + more


def _without_common_labels(result: FeatureAgreement) -> Iterator[str]:
    for pair in result.pairs:
        if matrix := pair.confusion:
            given = tuple(
                [label for label, count in zip(matrix.labels, matrix.counts.sum(axis), strict=True) if count]
                for axis in (1, 0)
            )
            if are_labels_apart(given[0], given[1], pair.items):
                yield note_on_labels_apart((pair.first, pair.second), (given[0], given[1]))


def _pair(pair: PairAgreement) -> Iterator[str]:
    """At most one note on two annotators: on the scale, else on the labels, else on what is confused."""
    bias, matrix = pair.bias, pair.confusion
    if bias is None or matrix is None:
        return
    sign, mcnemar = bias.test("sign"), bias.test("mcnemar")
    if sign and _is_clear(sign.p_value) and bias.first_higher is not None and bias.second_higher is not None:
        higher, lower, more, fewer = pair.first, pair.second, bias.first_higher, bias.second_higher
        if fewer > more:
            higher, lower, more, fewer = lower, higher, fewer, more
        yield (
            f"{higher} is higher than {lower} in {_of_disagreements(more, fewer, sign)}, lower in {fewer:,}: "
            f"on balance in {_percent(more - fewer, pair.items)} of the {pair.items:,} items. That the two "
            "differ in one direction is clear; whether by so much that it matters no p-value says. Look at "
            "these items with both; a mean of the two is no neutral label."
        )
    elif mcnemar and _is_clear(mcnemar.p_value):
        # Rows are the first annotator's labels: the lower left is where the first alone gave the last label.
        more, fewer, name, other = matrix.counts[1, 0], matrix.counts[0, 1], pair.first, pair.second
        if fewer > more:
            more, fewer, name, other = fewer, more, other, name
        yield (
            f"Where {pair.first} and {pair.second} differ, it is {name} who gives `{matrix.labels[1]}` in "
            f"{_of_disagreements(more, fewer, mcnemar)}: on balance in "
            f"{_percent(more - fewer, pair.items)} of the {pair.items:,} items {name} gives it and {other} "
            "does not. Look at these items with both."
        )
    else:
        yield from _labels_of_pair(pair)


def _of_disagreements(more: float, fewer: float, test: MarginalTest) -> str:
    """How many of the disagreements go one way, with the interval of that share."""
    interval = clopper_pearson_interval(more, more + fewer)
    assert interval is not None
    return (
        f"{int(more):,} of {int(more + fewer):,} disagreements ({more / (more + fewer):.0%}, 95 % interval "
        f"{interval.low:.0%} to {interval.high:.0%}; {p_value_text(test.p_value)})"
    )


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %"


def _labels_of_pair(pair: PairAgreement) -> Iterator[str]:
    bias, matrix = pair.bias, pair.confusion
    if bias is None or matrix is None:
        return
    homogeneity, symmetry = bias.test("stuart_maxwell"), bias.test("bowker")
    if homogeneity and _is_clear(homogeneity.p_value):
        first, second = matrix.counts.sum(1), matrix.counts.sum(0)
        label = int(np.abs(first - second).argmax())
        yield (
            f"{pair.first} and {pair.second} do not use the labels alike (Stuart-Maxwell test, "
            f"{p_value_text(homogeneity.p_value)}), `{matrix.labels[label]}` least of all: given "
            f"{int(first[label]):,} and {int(second[label]):,} times. Settle with them what belongs under it."
        )
    elif symmetry and _is_clear(symmetry.p_value):
        difference = matrix.counts - matrix.counts.T
        row, column = np.unravel_index(int(difference.argmax()), difference.shape)
        yield (
            f"{pair.first} and {pair.second} give each label about as often, but confuse some in one "
            f"direction (Bowker test, {p_value_text(symmetry.p_value)}): `{matrix.labels[row]}` of "
            f"{pair.first} is `{matrix.labels[column]}` of {pair.second} {int(matrix.counts[row, column]):,} "
            f"times, the reverse {int(matrix.counts[column, row]):,} times. Look at these items with both."
        )


def _biases(result: FeatureAgreement) -> Iterator[str]:
    clear = [bias for bias in result.biases if bias.difference is not None and _is_clear(bias.p_value)]
    clear.sort(key=lambda bias: (-abs(bias.difference or 0.0), bias.annotator))
    for bias in clear[:_MOST_BIASES]:
        difference, surely = bias.difference or 0.0, p_value_text(bias.p_value)
        items = f"on the {bias.items:,} items they share ({surely}, corrected for all that was tested)"
        if bias.label is None:
            way = "higher" if difference > 0 else "lower"
            yield (
                f"{bias.annotator} is {abs(difference):.2f} {way} on the scale than the others, {items}. "
                "Settle with all where each level begins."
            )
        else:
            way = "more" if difference > 0 else "less"
            yield (
                f"{bias.annotator} gives `{bias.label}` {100 * abs(difference):.1f} percentage points {way} "
                f"often than the others, {items}. Look at the items on which only {bias.annotator} differs."
            )
    if len(clear) > _MOST_BIASES:
        yield f"{len(clear) - _MOST_BIASES} more such differences are in the tables and in agreement.json."


def _groups(matrix: KappaMatrix) -> str:
    groups = "; ".join(
        f"{', '.join(group)} (kappa {mean:.2f})"
        for group, mean in zip(matrix.groups, matrix.within, strict=True)
    )
    across = 0.0 if matrix.across is None else matrix.across
    return (
        f"Annotators fall into {len(matrix.groups)} groups that agree within and less across: {groups}; "
        f"across groups {across:.2f} ({p_value_text(matrix.p_value)}). Each group seems to read the codebook "
        "in its own way: discuss items on which groups differ before merging, or the larger group decides by "
        "its size."
    )


def _is_clear(p_value: float | None) -> bool:
    return p_value is not None and p_value < _LEVEL
