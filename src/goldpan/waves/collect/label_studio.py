"""Reading Label Studio's JSON export."""

from __future__ import annotations

from typing import Any

from goldpan.errors import AnswerError
from goldpan.waves.codebook import CANNOT_TELL
from goldpan.waves.collect.filled import Answer, FilledSheet, GivenOut, Problems, SheetIdCheck
from goldpan.waves.collect.tool_values import read_picked, read_typed
from goldpan.waves.sheets.label_studio import CANNOT_TELL_SUFFIX, FLAG, FLAGGED, NOTES

_REMEDY = "correct it in Label Studio and export the project again as JSON"


def is_label_studio(document: Any) -> bool:
    """Whether a JSON document is an export of Label Studio (or the tasks given to it)."""
    return isinstance(document, list) and all(
        isinstance(task, dict) and isinstance(task.get("data"), dict) for task in document
    )


def read_label_studio(file: str, document: list[dict[str, Any]], given_out: GivenOut) -> FilledSheet:
    """The answers of an export; cancelled annotations, drafts and predictions are no answers.

    Raises:
        SheetError: another wave or codebook, or an answer that the codebook does not allow.
    """
    problems = Problems(file)
    sheet_ids = SheetIdCheck(given_out, problems)
    filled = FilledSheet(file)
    for number, task in enumerate(document, 1):
        data = task["data"]
        place = f"task {number} ({data.get('item_id')})"
        annotator = sheet_ids.annotator(str(data.get("sheet")), place)
        if annotator is None:
            continue
        done = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
        for annotation in done or [{}]:
            answer = Answer(str(data.get("item_id")), annotator, file, place, {})
            answer.seconds = annotation.get("lead_time")
            for result in annotation.get("result") or []:
                _read_result(result, answer, given_out, problems)
            filled.answers.append(answer)
    problems.raise_if_any(_REMEDY)
    return filled


def _read_result(result: dict[str, Any], answer: Answer, given_out: GivenOut, problems: Problems) -> None:
    name, value = str(result.get("from_name")), result.get("value") or {}
    if name == NOTES:
        answer.note = _text(value)
        return
    if name == FLAG:
        answer.flag = FLAGGED in value.get("choices", [])
        return
    cannot_tell = given_out.codebook.cannot_tell
    abstains = name.endswith(CANNOT_TELL_SUFFIX) and value.get("choices") == [CANNOT_TELL]
    feature = given_out.codebook.by_name.get(name.removesuffix(CANNOT_TELL_SUFFIX))
    try:
        if feature is None:
            raise AnswerError(f"the wave does not ask for `{name}`")
        if abstains:
            read: Any = None
        elif "choices" in value:
            read = read_picked(feature, value["choices"], cannot_tell)
        elif "number" in value:
            read = read_typed(feature, f"{value['number']:.15g}", cannot_tell)
        else:
            read = read_typed(feature, _text(value), cannot_tell)
        if answer.values.setdefault(feature.name, read) != read:
            raise AnswerError(f"`{feature.name}` has two answers")
    except AnswerError as error:
        problems.add(answer.place, error.what)


def _text(value: dict[str, Any]) -> str:
    text = value.get("text", "")
    return "\n".join(text) if isinstance(text, list) else str(text)
