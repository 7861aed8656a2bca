"""Whether what a map names stands in the export and in our rows: a slip of the pen would else go unseen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from goldpan.errors import SheetError
from goldpan.imports.annotations.exported import ExportedAnnotation
from goldpan.imports.annotations.mapping import AnnotationMap, FeatureSource
from goldpan.imports.annotations.values import label_text
from goldpan.records.look_up import look_up
from goldpan.tasks.nearest import suggestion

_REMEDY = "correct the map, or take out of it what this export does not have"


def check_names_of_map(
    settings: AnnotationMap, annotations: Sequence[ExportedAnnotation], records: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Check that questions, fields and labels of a map are there; returns notes on labels that no row has.

    Args:
        settings: the map.
        annotations: of all exports.
        records: the data of our rows.

    Raises:
        SheetError: one is not there; of labels, where none is, or one that is much alike.
    """
    fields = dict.fromkeys(name for one in annotations for name in one.data)
    questions = dict.fromkeys(name for one in annotations for name in (*one.questions, *one.unanswered))
    own = list(records)
    notes = []
    for feature, source in settings.features.items():
        asked = source.question if isinstance(source.question, dict) else {"": source.question or feature}
        for name in filter(None, asked.values()):
            is_there = name in questions or any(
                look_up(one.data, name)[0] or look_up(one.answers, name)[0] for one in annotations
            )
            if not is_there and (source.question is not None or source.labels):
                raise _not_there(f"`{feature}` is read from `{name}`", "question", name, questions | fields)
        notes += _labels_not_there(feature, source, annotations, set(asked.values()))
    # A pair of one name also says which of our texts marked places are in, of tools that export none.
    pairs = {f"texts.{ours}": theirs for ours, theirs in settings.texts.items() if ours != theirs}
    pairs |= {f"rows.{ours}": theirs for ours, theirs in settings.rows.items()}
    stated: dict[str, str | None] = {
        "annotator": settings.annotator,
        "seconds": settings.seconds,
        "answered_at": settings.answered_at,
        "note": settings.note,
        **pairs,
    }
    for place, their_field in stated.items():
        if their_field is not None and not any(look_up(one.data, their_field)[0] for one in annotations):
            raise _not_there(f"`{place}` is `{their_field}`", "field", their_field, fields)
    for ours in settings.texts:
        if own and not any(look_up(dict(record), ours)[0] for record in own):
            known = dict.fromkeys(name for record in own for name in record)
            raise SheetError(
                f"the map: `texts` names `{ours}`, which no row here has; {suggestion(ours, known)}",
                remedy=_REMEDY,
            )
    return notes


def _not_there(said: str, kind: str, name: str, known: Iterable[str]) -> SheetError:
    return SheetError(
        f"the map: {said}, and the export has no such {kind}; {suggestion(name, known)}", remedy=_REMEDY
    )


def _labels_not_there(
    feature: str, source: FeatureSource, annotations: Sequence[ExportedAnnotation], questions: Iterable[str]
) -> list[str]:
    picked: dict[str, None] = {}
    for name in filter(None, questions):
        for one in annotations:
            said = look_up(one.answers, name)[1]
            values = said if isinstance(said, list) else [said]
            picked.update(dict.fromkeys(label_text(value) for value in values if value not in (None, "")))
            picked.update(dict.fromkeys(span.label for span in one.spans.get(name, ())))
    missing = [label for label in source.labels if label not in picked]
    unnamed = [label for label in picked if label not in source.labels]
    for label in missing if picked else ():
        near = suggestion(label, unnamed)
        if near.startswith("did") or len(missing) == len(source.labels):
            raise SheetError(
                f"the map: no answer for `{feature}` has the label `{label}`; {suggestion(label, picked)}",
                remedy=_REMEDY,
            )
    listed = ", ".join(f"`{label}`" for label in missing)
    return [f"`{feature}`: no row has these labels of the map: {listed}"] if missing else []
