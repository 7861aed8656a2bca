"""What the stages answered: how frequent each label is, by the model, and corrected where there is gold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from goldpan.dot_plot import Dot, dot_plot
from goldpan.html import Markup, element, table
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.part import (
    DrawnInterval,
    Links,
    Part,
    captioned,
    estimate_text,
    held,
    text_paragraph,
)
from goldpan.report.stage_labels import stage_labels

_MOST_LABELS, _MOST_OPEN_STAGES, _MOST_PLOTS = 15, 8, 12
Corrected = Mapping[tuple[str, str], Mapping[str, Any]]
"""(stage, feature) -> what an evaluation says of the prevalence of its labels."""


@dataclass
class _Feature:
    """The labels of a feature: `counts` of how many records have each, of `records` that were answered."""

    name: str
    counts: dict[str, int]
    records: int
    is_binary: bool = False
    corrected: Mapping[str, Any] = field(default_factory=dict)


def answers_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """Label distributions, stage by stage."""
    corrected = corrected_prevalences(artifacts)
    stages = []
    for stage in artifacts.study.stages:
        read = held(artifacts.summary(stage), partial(_read, stage=stage, corrected=corrected)) or []
        # Numbers of a stage that asks nobody are places in a text and the like, which nobody wants drawn.
        is_asked = stage in artifacts.study.asked_stages
        features = [feature for feature in read if is_asked or not _is_number(feature)]
        stages += [(stage, features)] if features else []
    if not stages:
        return Part("answers", "Answers", [])
    content = [
        text_paragraph(
            "Hollow: the share of answered records to which the model gives a label. Filled, with its 95 %"
            " interval: the share in the whole corpus as corrected by people's labels, where an evaluation"
            " has them. A model's share alone is off by the model's errors, however many records there are.",
        )
    ]
    for stage, features in stages:
        plots = element("div", *_plots(features), class_="plots")
        is_open = len(stages) <= _MOST_OPEN_STAGES
        content.append(element("details", element("summary", element("b", stage)), plots, open=is_open))
    content += _means(artifacts, corrected)
    return Part("answers", "Answers", content)


def corrected_prevalences(artifacts: StudyArtifacts) -> Corrected:
    """The corrected prevalences of features of stages, from the first evaluation that has them."""
    corrected: dict[tuple[str, str], Mapping[str, Any]] = {}
    for name, settings in artifacts.study.evaluations.items():
        for model, feature, measured in held(artifacts.evaluation(name), _measured_models) or []:
            predicted, prevalence = settings.predictions.get(model), measured.get("prevalence")
            if predicted is not None and predicted.stage is not None and isinstance(prevalence, dict):
                own = predicted.features.get(feature, feature)
                if not prevalence.get("reason"):
                    corrected.setdefault((predicted.stage, own), prevalence)
    return corrected


def _measured_models(made: Any) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (model["model"], feature["feature"], model)
        for feature in made["features"]
        for model in feature["models"]
    ]


def _read(made: Any, stage: str, corrected: Corrected) -> list[_Feature]:
    return [
        _Feature(of.feature, of.counts, of.records, of.is_binary, corrected.get((stage, of.feature), {}))
        for of in stage_labels(made)
        if of.counts
    ]


def _plots(features: list[_Feature]) -> Iterator[Markup]:
    binary = [feature for feature in features if feature.is_binary]
    if binary:
        dots = [_binary_dot(feature) for feature in binary]
        yield captioned(dot_plot(dots, "Share of yes"), _binary_caption(binary))
    others = [feature for feature in features if not feature.is_binary]
    for feature in others[:_MOST_PLOTS]:
        yield captioned(dot_plot(_label_dots(feature), "Share of records"), _caption(feature))
    if len(others) > _MOST_PLOTS:
        names = ", ".join(feature.name for feature in others[_MOST_PLOTS:])
        yield text_paragraph(f"Not drawn, but in the stage's summary.json: {names}.", class_="soft")


def _binary_dot(feature: _Feature) -> Dot:
    share = feature.counts.get("yes", 0) / feature.records
    return _with_correction(feature, feature.name, share, ("yes", "true"))


def _binary_caption(features: list[_Feature]) -> str:
    numbers = sorted({feature.records for feature in features})
    records = f"{numbers[0]:,}" if len(numbers) == 1 else f"{numbers[0]:,} to {numbers[-1]:,}"
    return f"Yes-or-no features, of {records} answered records each"


def _label_dots(feature: _Feature) -> list[Dot]:
    # What only people found is part of the whole, too.
    only_people = {str(known["label"]): 0 for known in feature.corrected.get("labels") or []}
    counts = {**only_people, **feature.counts}
    if _is_number(feature):
        counts = dict(sorted(counts.items(), key=lambda item: int(item[0])))
    else:
        counts = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return [
        _with_correction(feature, label, count / feature.records, (label,))
        for label, count in list(counts.items())[:_MOST_LABELS]
    ]


def _is_number(feature: _Feature) -> bool:
    return all(label.removeprefix("-").isdecimal() for label in feature.counts)


def _with_correction(feature: _Feature, label: str, share: float, names: tuple[str, ...]) -> Dot:
    for known in feature.corrected.get("labels") or []:
        if known["label"] in names:
            estimate = known["corrected"]
            return Dot(label, estimate["value"], DrawnInterval.of(estimate["interval"]), share)
    return Dot(label, None, None, share)


def _caption(feature: _Feature) -> str:
    said = f"{feature.name}: {feature.records:,} answered records"
    if len(feature.counts) > _MOST_LABELS:
        said += f"; the {_MOST_LABELS} commonest of {len(feature.counts):,} labels"
    if feature.corrected:
        said += f"; corrected by {feature.corrected['items']:,} records that people labelled"
    return said


def _means(artifacts: StudyArtifacts, corrected: Corrected) -> Iterator[Markup]:
    rows = []
    for stage in artifacts.study.asked_stages:
        means = held(artifacts.summary(stage), lambda made: dict(made.get("mean_scores") or {})) or {}
        for name, mean in means.items():
            estimate = (corrected.get((stage, name)) or {}).get("corrected_mean")
            rows.append([stage, str(name), f"{float(mean):.3f}", estimate_text(estimate)])
    if rows:
        header = ["Stage", "Score", "Mean by the model", "Corrected, 95 % interval"]
        yield table(header, rows, caption="Mean scores", text_columns=2)
