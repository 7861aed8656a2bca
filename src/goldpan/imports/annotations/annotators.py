"""Who said what: the names of a tool and those of a study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from goldpan.errors import AnswerError, SheetError
from goldpan.imports.annotations.exported import ExportedAnnotation, ToolExport
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.records.look_up import look_up
from goldpan.tasks.nearest import suggestion
from goldpan.waves.sheets.sheet import SheetId

LEFT_OUT_BY_MAP = "by an annotator whom the map leaves out"


def sheet_of_ours(annotation: ExportedAnnotation) -> str | None:
    """The id of the sheet that goldpan gave out for the tool, where the row still has one."""
    sheet = annotation.data.get("sheet")
    return sheet if isinstance(sheet, str) and SheetId.parse(sheet) else None


def with_fields_of_map(
    exports: Sequence[ToolExport], settings: AnnotationMap
) -> Iterator[ExportedAnnotation]:
    """All annotations, with what the map says of fields that have annotators, times and notes.

    A row of a table in which each annotator has columns of their own becomes an annotation of each.
    """
    by_annotator = settings.columns_by_annotator
    for annotation in (annotation for export in exports for annotation in export.annotations):
        told = _with_fields(annotation, settings)
        if not by_annotator:
            yield told
        for annotator in by_annotator:
            yield replace(told, place=f"{told.place}, {annotator}", annotator=annotator)


def _with_fields(annotation: ExportedAnnotation, settings: AnnotationMap) -> ExportedAnnotation:
    fields = {
        "annotator": settings.annotator,
        "seconds": settings.seconds,
        "answered_at": settings.answered_at,
        "note": settings.note,
    }
    changed: dict[str, Any] = {}
    for name, field in fields.items():
        if field is None:
            continue
        has, value = look_up(annotation.data, field)
        if has and value is not None:
            changed[name] = str(value).strip() if name in ("annotator", "note") else value
    return replace(annotation, **changed) if changed else annotation


def name_here(annotation: ExportedAnnotation, settings: AnnotationMap, known: Sequence[str]) -> str | None:
    """What the annotator is called here; None for one whom the map leaves out.

    Args:
        annotation: whose annotator is meant.
        settings: the map.
        known: annotators of the wave; none where anybody will do.

    Raises:
        AnswerError: nobody is told, or one whom nobody knows.
    """
    names = [name for name in (annotation.annotator, annotation.may_be_annotator) if name]
    for name in names:
        if name in settings.annotators:
            return settings.annotators[name]
        if name in known:
            return name
    if not known:
        return annotation.annotator
    listed = ", ".join(known)
    if not names:
        raise AnswerError(f"nothing says who it is by ({listed}); say it with --annotator NAME")
    near = suggestion(names[0], known)
    hint = near if near.startswith("did") else f"the wave has {listed}"
    raise AnswerError(
        f"`{names[0]}` is no annotator of the wave; {hint}; name them under `annotators` of a map"
    )


def check_one_annotator(
    said: str | None, annotations: Sequence[ExportedAnnotation], settings: AnnotationMap, known: Sequence[str]
) -> None:
    """Check that an export does not tell of others than the one who is said to have made all of it.

    Args:
        said: as `--annotator`; None where the exports tell.
        annotations: of all exports.
        settings: the map.
        known: annotators of the wave; none where anybody will do.

    Raises:
        SheetError: it names two people, or another annotator of the wave.
    """
    if said is None:
        return
    told = {one.annotator for one in annotations if one.annotator and not one.left_out}
    names = {settings.annotators.get(name, name) for name in told} - {None}
    others = sorted(name for name in names if name and name != said and (name in known or len(names) > 1))
    if others:
        raise SheetError(
            f"--annotator says that all is by `{said}`, and the export has what `{others[0]}` said, too",
            remedy="leave --annotator out, or say with `annotators` of a map who is who",
        )
