"""Which labels a model takes for which, with the rows that tell most about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from goldpan.error_analysis.items import ErrorItem, ErrorItems
from goldpan.error_analysis.parts import ConfusedPair, ConfusionPairs
from goldpan.error_analysis.rows import listed_row
from goldpan.error_analysis.slices import share_of_rows
from goldpan.evaluation.baselines import key_text
from goldpan.evaluation.formatting import percent
from goldpan.evaluation.label_figures import FAILED_LABEL
from goldpan.evaluation.predictions import OK
from goldpan.evaluation.report import Confusion
from goldpan.study.error_analysis import ErrorAnalysis

NOT_GIVEN, NOT_IN_GOLD, ANY_GOLD = "(not given)", "(not in gold)", "(any labels)"
"""Stand in pairs of sets of labels for a label that was missed, one that was given in excess,
and for the gold of a prediction that failed."""
_MOST_LABELS = 50
_MOST_NUMBERS = 11
_EXAMPLES = 5
_NAMED = 3
_SINGLE = ("binary", "classification")

_Pair = tuple[str, str]


def confusion_pairs(items: ErrorItems, settings: ErrorAnalysis | None = None) -> ConfusionPairs:
    """The pairs of gold label and wrong prediction, the most frequent first.

    Of sets of labels a pair is a label that was missed, or one that was given in excess. Extractions,
    rankings and scores of more numbers than a rating scale have none.

    Args:
        items: the evaluated rows of one feature and one model.
        settings: what the study says, for the fields that are shown.
    """
    is_rating = items.kind == "score" and 0 < len(items.labels) <= _MOST_NUMBERS
    if not (items.kind in _SINGLE or items.kind == "multilabel" or is_rating):
        reason = (
            f"Answers to `{items.feature}` ({items.kind}) are no labels, so that there are no pairs of them."
        )
        return ConfusionPairs(finding=reason, reason=reason)
    if not items.items:
        reason = "No row is evaluated, so there are no pairs of labels."
        return ConfusionPairs(finding=reason, reason=reason)
    rows: dict[_Pair, list[ErrorItem]] = defaultdict(list)
    for item in items.items:
        for labels in () if item.is_right else _pairs_of(items, item):
            rows[labels].append(item)
    having: dict[str, list[ErrorItem]] = defaultdict(list)
    for item in items.items:
        for label in _gold_labels(items, item):
            having[label].append(item)
    pairs, listed = [], []
    show = settings.show if settings else None
    for (gold, predicted), of_pair in sorted(rows.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        at_risk = _rows_at_risk(items, having, (gold, predicted))
        in_pair = {item.item_id for item in of_pair}
        surest_first = sorted(of_pair, key=lambda item: (-_sureness(item), item.item_id))
        pair = ConfusedPair(
            gold=gold,
            predicted=predicted,
            items=len(of_pair),
            of_gold=len(at_risk),
            share=share_of_rows(at_risk, [item.item_id in in_pair for item in at_risk]),
            examples=tuple(item.item_id for item in surest_first[:_EXAMPLES]),
            least_sure=_least_sure(surest_first),
        )
        pairs.append(pair)
        listed += [
            listed_row(
                items,
                item,
                "confusion",
                max(_sureness(item), 0.0),
                _why(pair, item),
                name=pair.name,
                show=show,
            )
            for item in surest_first
        ]
    return ConfusionPairs(
        finding=_finding(pairs, len(items.items)),
        notes=tuple(_notes(items)),
        rows=tuple(listed),
        pairs=tuple(pairs),
        matrix=_matrix(items),
    )


def _pairs_of(items: ErrorItems, item: ErrorItem) -> Iterator[_Pair]:
    """The pairs that a wrong row belongs to."""
    if not _is_answered(item):
        yield _gold_text(items, item), item.state
    elif items.kind != "multilabel":
        yield key_text(item.gold_key), key_text(item.predicted_key)
    else:
        gold, predicted = set(item.gold_key or ()), set(item.predicted_key or ())
        yield from ((label, NOT_GIVEN) for label in sorted(gold - predicted))
        yield from ((NOT_IN_GOLD, label) for label in sorted(predicted - gold))


def _gold_text(items: ErrorItems, item: ErrorItem) -> str:
    return ANY_GOLD if items.kind == "multilabel" else key_text(item.gold_key)


def _rows_at_risk(
    items: ErrorItems, having: Mapping[str, Sequence[ErrorItem]], pair: _Pair
) -> Sequence[ErrorItem]:
    """Rows that could be in a pair: those with its gold label; of one in excess, those without that label."""
    gold, predicted = pair
    if gold == NOT_IN_GOLD:
        has_it = {item.item_id for item in having[predicted]}
        return [item for item in items.items if item.item_id not in has_it]
    return items.items if gold == ANY_GOLD else having[gold]


def _gold_labels(items: ErrorItems, item: ErrorItem) -> Sequence[str]:
    return tuple(item.gold_key or ()) if items.kind == "multilabel" else (key_text(item.gold_key),)


def _is_answered(item: ErrorItem) -> bool:
    return item.state == OK


def _sureness(item: ErrorItem) -> float:
    return -1.0 if item.confidence is None else item.confidence


def _least_sure(surest_first: Sequence[ErrorItem]) -> tuple[str, ...]:
    """The rows where the model was nearest to saying something else, the least sure first."""
    known = [item for item in surest_first if item.confidence is not None]
    return tuple(item.item_id for item in known[_EXAMPLES:][::-1][:_EXAMPLES])


def _why(pair: ConfusedPair, item: ErrorItem) -> str:
    sure = "" if item.confidence is None else f", with a confidence of {item.confidence:.2f}"
    if pair.gold == NOT_IN_GOLD:
        return f"said to be {pair.predicted}, which gold does not say{sure}"
    if pair.predicted == NOT_GIVEN:
        return f"gold says {pair.gold}, which the prediction leaves out{sure}"
    if not _is_answered(item):
        return f"no prediction ({item.state}); gold says {item.gold}"
    return f"{pair.gold} taken for {pair.predicted}{sure}"


def _matrix(items: ErrorItems) -> Confusion | None:
    """All evaluated rows by gold and predicted label; None of sets, and of more labels than can be read."""
    if items.kind == "multilabel":
        return None
    counts = Counter(
        (
            key_text(item.gold_key),
            key_text(item.predicted_key) if _is_answered(item) else FAILED_LABEL,
        )
        for item in items.items
    )
    occur = {label for pair in counts for label in pair} - {FAILED_LABEL}
    declared = [label for label in map(key_text, items.labels) if label in occur]
    labels = (*declared, *sorted(occur.difference(declared)))
    if len(labels) > _MOST_LABELS:
        return None
    columns = (*labels, FAILED_LABEL) if any(column == FAILED_LABEL for _, column in counts) else labels
    return Confusion(
        gold=labels,
        predicted=columns,
        counts=tuple(tuple(counts[row, column] for column in columns) for row in labels),
    )


def _finding(pairs: Sequence[ConfusedPair], evaluated: int) -> str:
    if not pairs:
        return f"All {evaluated:,} evaluated rows are right."
    named = "; ".join(
        f"{pair.name} ({pair.items:,} of {pair.of_gold:,}, {percent(pair.share.value)})"
        for pair in pairs[:_NAMED]
    )
    more = f"; and {len(pairs) - _NAMED:,} more" if len(pairs) > _NAMED else ""
    return (
        f"The most frequent of {len(pairs):,}: {named}{more}."
        if len(pairs) > 1
        else f"There is one: {named}."
    )


def _notes(items: ErrorItems) -> Iterator[str]:
    golds: set[Any] = {label for item in items.items for label in _gold_labels(items, item)}
    if len(golds) == 1 and items.kind != "multilabel":
        yield f"All gold labels are {golds.pop()}, so that nothing is known of the others."
    if all(item.confidence is None for item in items.items):
        yield "No confidence is known, so the rows of a pair come in the order of their ids."
