"""Which stratum of the population a record belongs to."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from goldpan.errors import StudyError
from goldpan.records.look_up import look_up
from goldpan.records.skips import FILTERED, NO_ITEMS
from goldpan.stages.aggregate import confidence_of
from goldpan.stages.rows import FeatureRow
from goldpan.study.wave import Stratify
from goldpan.tasks.features import Feature, value_of
from goldpan.tasks.nearest import suggestion
from goldpan.waves.sampling.left_out import left_out_code

WHOLE = "all"
"""The only stratum of a wave that is not stratified."""

MISSING = "(missing)"
ABSTAINED = "(cannot tell)"
ANSWERED = "(answered)"
"""In a wave that has records that were left out, the stratum of the others, unless they are stratified."""
LEFT_OUT: dict[str, str] = {FILTERED: "(filtered)", NO_ITEMS: "(no items)"}
"""Code of a skip -> the stratum, or its first part, of records that were left out for it."""
_CONFIDENCE_EDGES = [0.5, 0.7, 0.9]
_COUNTABLE = frozenset({"binary", "classification", "multilabel", "score"})


class Strata:
    """Names the stratum of each record.

    Args:
        stratify: what the study says; None puts all records in one stratum.
        features: the features of the stage's task by name.
        where: place of the wave in the study, for errors.
        has_left_out: whether records that were left out are drawn, too.

    Raises:
        StudyError: a key names no feature, or one whose answers do not fall into strata.
    """

    def __init__(
        self, stratify: Stratify | None, features: dict[str, Feature], where: str, has_left_out: bool = False
    ):
        self._whole = ANSWERED if has_left_out else WHOLE
        self._keys = stratify.by if stratify else []
        self._bins = dict(stratify.bins) if stratify else {}
        self.needs_data = any(key.startswith(("data.", "answers.")) for key in self._keys)
        for key in self._keys:
            kind, _, name = key.partition(".")
            if kind not in ("features", "confidence"):
                continue
            if name not in features:
                raise StudyError(
                    f"stratify: there is no feature `{name}`; {suggestion(name, features)}", where=where
                )
            if kind == "features" and features[name].type not in _COUNTABLE:
                raise StudyError(
                    f"stratify: the answers to `{name}` ({features[name].type}) do not fall into strata",
                    where=where,
                    remedy=f"features that do: {', '.join(sorted(_COUNTABLE))}; or use confidence.{name}",
                )
            if kind == "confidence":
                self._bins.setdefault(key, _CONFIDENCE_EDGES)

    def name(self, row: FeatureRow, data: dict[str, Any]) -> str:
        """The stratum of one record.

        One that was left out was answered by nobody: it has a stratum of its own, divided only by what is
        known of it, its source, file and fields.

        Args:
            row: its line of `features.jsonl`.
            data: the record itself; may be empty unless `needs_data`.
        """
        code = left_out_code(row)
        keys = self._keys if code is None else [key for key in self._keys if not _is_of_answers(key)]
        parts = [] if code is None else [LEFT_OUT[code]]
        parts += [self._part(key, row, data) for key in keys]
        if len(parts) > 1:
            # So that ("a | b", "c") and ("a", "b | c") stay two strata.
            parts = [part.replace("|", "\\|") for part in parts]
        return " | ".join(parts) if parts else self._whole

    def _part(self, key: str, row: FeatureRow, data: dict[str, Any]) -> str:
        kind, _, name = key.partition(".")
        if key in ("source", "file"):
            return row["source"] if key == "source" else row["file"]
        if kind in ("data", "answers"):
            has, value = look_up(data if kind == "data" else row.get("answers", {}), name)
            return self._shown(key, value) if has and value is not None else MISSING
        prediction = row["features"].get(name)
        if prediction is None:
            return MISSING
        if kind == "confidence":
            confidence = confidence_of(row, name)
            return MISSING if confidence is None else self._shown(key, confidence)
        value = value_of(prediction)
        return ABSTAINED if value is None else self._shown(key, value)

    def _shown(self, key: str, value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int | float):
            return bin_name(value, self._bins[key]) if key in self._bins else f"{value:g}"
        if isinstance(value, list):
            return " + ".join(sorted(map(str, value))) or "(none)"
        return str(value)


def _is_of_answers(key: str) -> bool:
    return key.startswith(("features.", "confidence.", "answers."))


def bin_name(value: float, edges: list[float]) -> str:
    """The interval of `edges` that holds `value`, as text: `0.5 to 0.7` holds 0.5 but not 0.7."""
    place = bisect_right(edges, value)
    if place == 0:
        return f"below {edges[0]:g}"
    if place == len(edges):
        return f"{edges[-1]:g} and more"
    return f"{edges[place - 1]:g} to {edges[place]:g}"
