"""The rows of two runs in pairs: which may be held against each other, and how their figures differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldpan.errors import GoldpanError
from goldpan.evaluation.coding import FAILED, FeatureValues
from goldpan.evaluation.comparison import McNemar, difference
from goldpan.evaluation.judged import JUDGED_RIGHT
from goldpan.evaluation.predictions import OK
from goldpan.experiments.figures import main_figure
from goldpan.experiments.rows import INPUT, RunRow
from goldpan.experiments.run import Run
from goldpan.statistics.figures import Estimate
from goldpan.statistics.sampling_design import equal_design
from goldpan.tasks.features import Binary, Feature
from goldpan.waves.collect.cell_values import read_cell
from goldpan.waves.collect.record_fields import field_path

Right = Mapping[str, Mapping[str, bool]]
"""feature -> id of a row -> whether its answer is right, of the rows that are evaluated."""


def p_value_of(first: Right, second: Right, feature: str) -> float | None:
    """McNemar's exact p of two runs over the same data; None unless they evaluated the very same rows."""
    import numpy as np

    one, two = first.get(feature, {}), second.get(feature, {})
    if not one or one.keys() != two.keys():
        return None
    right = np.array([[one[row], two[row]] for row in one], dtype=bool)
    return McNemar.of(right[:, 0], right[:, 1]).p_value


def is_evaluated(one: RunRow, two: RunRow, feature: str) -> bool:
    """Whether both rows were asked about the same input, and measured by the same expected value."""
    same = one.expected.get(feature) == two.expected.get(feature) and not has_other_input(one, two)
    return same and feature in one.right and feature in two.right


def has_other_input(one: RunRow, two: RunRow) -> bool:
    """Whether two rows of one id are about different things: rows of two data sets may be numbered alike."""
    first, second = (
        {name: text for name, text in row.inputs.items() if name.startswith(INPUT) and not _is_note(name)}
        for row in (one, two)
    )
    shared = first.keys() & second.keys()
    # A field that was added to all rows makes no other rows of them.
    return any(first[name] != second[name] for name in shared) or bool(not shared and (first or second))


def _is_note(column: str) -> bool:
    """Whether a column holds metadata, which no prompt shows."""
    return column.startswith(f"{INPUT}metadata.")


def difference_of(runs: tuple[Run, Run], feature: str, pairs: Sequence[tuple[RunRow, RunRow]]) -> Estimate:
    """The main figure of the second run less that of the first, on rows of both; of what is judged the
    difference of the shares judged right.

    The answers are read back from the rows; the difference is given only where what they come to is what the
    rows say is right.

    Args:
        runs: the two.
        feature: that both measure.
        pairs: rows that both evaluated with the same input and expected value.
    """
    names = {_main_name(run, feature) for run in runs}
    settings = [_settings_of(run, feature) for run in runs]
    groups = [_group_of(run, feature) for run in runs]
    if len(names) > 1 or settings[0] != settings[1]:
        return Estimate(None, reason="the two runs are not measured by the same figure")
    if groups[0] != groups[1]:
        return Estimate(None, reason="the two runs do not have the same groups of rows")
    if not pairs:
        return Estimate(None, reason="no row is evaluated in both runs")
    (name,) = names
    design = equal_design(len(pairs), _groups_of(groups[0], pairs))
    if name == JUDGED_RIGHT:
        verdict = FeatureValues(Binary(name="right", type="binary", description="whether it is right"))
        coded = verdict.code(
            [verdict.key(True)] * len(pairs),
            [[verdict.key(pair[which].right[feature]) for pair in pairs] for which in (1, 0)],
        )
        return difference("accuracy", coded, verdict, design).raw
    try:
        first, second = (_feature_of(run, feature) for run in runs)
        values = FeatureValues(second, settings[0].get("match"), settings[0].get("tolerance"))
        gold = [values.key(_value(second, pair[1].expected[feature])) for pair in pairs]
        keys = [
            [_key(values, asked, pair[which]) for pair in pairs] for which, asked in ((1, second), (0, first))
        ]
        coded = values.code(gold, keys)
    except (GoldpanError, ValueError, KeyError):
        return Estimate(None, reason="the answers cannot be read from the rows of the runs")
    if values.right(coded).tolist() != [[two.right[feature], one.right[feature]] for one, two in pairs]:
        return Estimate(None, reason="the rows of the runs were not measured as they would be now")
    if name is None:
        return Estimate(None, reason="the runs have no figure")
    return difference(name, coded, values, design).raw


def _main_name(run: Run, feature: str) -> str | None:
    figure = next((main_figure(of.figures) for of in run.metrics if of.feature == feature), None)
    return figure["name"] if figure else None


def _settings_of(run: Run, feature: str) -> dict[str, Any]:
    """What an evaluation says of how the answers of a feature compare."""
    for gold in run.what.get("gold", ()):
        if feature in gold["fields"]:
            return {key: gold.get(key, {}).get(feature) for key in ("match", "tolerance")}
    return {}


def _group_of(run: Run, feature: str) -> str | None:
    """The field by which the rows that a feature is measured on are in groups.

    A text that is judged has no field of gold, and a run does not say by which of its evaluations it was: the
    first that has groups is taken.
    """
    entries = run.what.get("gold", ())
    of_feature = [gold.get("group") for gold in entries if feature in gold["fields"]]
    if of_feature:
        return of_feature[0]
    return next((gold["group"] for gold in entries if gold.get("group")), None)


def _groups_of(field: str | None, pairs: Sequence[tuple[RunRow, RunRow]]) -> list[str] | None:
    """The group of each row; one without is a group of its own."""
    if field is None:
        return None
    columns = (field_path(field), f"{INPUT}{field_path(field)}")
    # Of an object each part is a column of its own.
    within = tuple(f"{column}." for column in columns)
    texts = [
        [text for name, text in row.inputs.items() if text and (name in columns or name.startswith(within))]
        for _, row in pairs
    ]
    return [
        f"group {text}" if text else f"record {row.id}" for text, (_, row) in zip(texts, pairs, strict=True)
    ]


def _feature_of(run: Run, name: str) -> Feature:
    from pydantic import TypeAdapter

    found = next(of for prompt in run.prompts for of in prompt.features if of["name"] == name)
    feature: Feature = TypeAdapter(Feature).validate_python(found)
    return feature


def _value(feature: Feature, cell: str) -> Any:
    return read_cell(feature, cell, cannot_tell=True).value


def _key(values: FeatureValues, asked: Feature, row: RunRow) -> Any:
    """The key of a row's answer; `FAILED` of one that failed or abstains where that is no answer."""
    name = asked.name
    value = _value(asked, row.answer[name]) if row.state == OK and name in row.answer else FAILED
    if value is FAILED or (value is None and not values.can_abstain):
        return FAILED
    return values.key(value)
