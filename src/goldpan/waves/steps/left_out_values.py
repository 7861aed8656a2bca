"""What records that were left out stand for, from what the study says of a wave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldpan.errors import AnswerError, StudyError
from goldpan.study.left_out import LeftOut
from goldpan.tasks.features import Feature, prediction_of
from goldpan.tasks.nearest import suggestion
from goldpan.waves.collect.cell_values import read_cell
from goldpan.waves.sampling.left_out import LeftOutValues


def left_out_values(left_out: LeftOut, features: Mapping[str, Feature], where: str) -> LeftOutValues:
    """What records stand for, from what the study says.

    Args:
        left_out: of the wave.
        features: those of the wave, by name: of each, something must be said.
        where: place of the wave in the study, for errors.

    Raises:
        StudyError: a feature that is not there or of which nothing is said, or a value that it cannot have.
    """
    predictions: dict[str, dict[str, dict[str, Any]]] = {}
    for code, said in left_out.by_code.items():
        place = f"{where}.left_out.{code}"
        for name in said:
            if name not in features:
                raise StudyError(f"there is no feature `{name}`; {suggestion(name, features)}", where=place)
        for name in features:
            if name not in said:
                raise StudyError(
                    f"nothing is said about `{name}`, which annotators answer",
                    where=place,
                    remedy=f"say which value such records stand for (`{name}: …`), or leave the feature out"
                    " of the wave's `features`",
                )
        predictions[code] = {name: _prediction(features[name], value, place) for name, value in said.items()}
    return LeftOutValues(predictions)


def _prediction(feature: Feature, value: Any, where: str) -> dict[str, Any]:
    try:
        # A list without members is a value here, where an empty cell is none.
        read = value if value == [] else read_cell(feature, value, cannot_tell=False).value
    except AnswerError as error:
        raise StudyError(error.what, where=where) from None
    return prediction_of(feature.type, read)
