"""The figures of a paper kit: the plots of our pages, from the artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from goldpan.dot_plot import Dot, dot_plot
from goldpan.evaluation.calibration import Bin
from goldpan.evaluation.formatting import HEADLINES, TITLES
from goldpan.evaluation.pictures import calibration_plot
from goldpan.files import sha256_hex
from goldpan.heads.measured import MAIN_FIGURE
from goldpan.heat_map import coefficient_map, heat_map
from goldpan.report.learning_curve import different_heads
from goldpan.report.paper.evaluation_tables import baseline_name, quoted_way, targets_of
from goldpan.report.paper.material import Material
from goldpan.report.paper.picture import picture_of
from goldpan.report.paper.table import Estimated
from goldpan.report.paper.wave_tables import features_of_wave_stage
from goldpan.statistics.figures import Estimate
from goldpan.statistics.interval import Interval
from goldpan.waves.agreement.formatting import TITLES as COEFFICIENTS

_MOST_LABELS = 30
"""Of a table of counts; with more nobody can read it on a page."""
_OTHERS = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class PaperFigure:
    """A figure.

    Attributes:
        name: of its files.
        caption: what it shows.
        picture: the SVG, styled by itself.
    """

    name: str
    caption: str
    picture: ElementTree.Element


def paper_figures(material: Material) -> Iterator[PaperFigure]:
    """All figures for which something is there."""
    for wave, feature in features_of_wave_stage(material.agreements):
        yield from _agreement_figures(material, wave, feature)
    for evaluation, feature in features_of_wave_stage(material.evaluations):
        yield from _evaluation_figures(evaluation, feature)
        for model in feature["models"]:
            yield from _model_figures(evaluation, feature, model)
    for head, target, report, _ in targets_of(material):
        yield from _learning_curve(head, target, report)


def file_name(*parts: str) -> str:
    """Parts of a name as that of a file; a hash tells those apart of which signs had to go."""
    plain = "_".join(_OTHERS.sub("-", part).strip("-") for part in parts)
    return plain if plain == "_".join(parts) else f"{plain}_{sha256_hex(chr(0).join(parts).encode())[:8]}"


def _agreement_figures(material: Material, wave: str, feature: Mapping[str, Any]) -> Iterator[PaperFigure]:
    name, matrix = feature["feature"], feature.get("matrix")
    if matrix:
        people = [material.annotator(wave, person) for person in matrix["annotators"]]
        groups = [[material.annotator(wave, person) for person in group] for group in matrix["groups"]]
        title = COEFFICIENTS.get(matrix["name"], matrix["name"])
        picture = coefficient_map(title, people, matrix["values"], groups)
        yield _figure(("agreement", wave, name), f"{title} of each pair of annotators on {name}", picture)
    for pair in feature["pairs"]:
        confusion = pair["confusion"]
        if not confusion or len(confusion["labels"]) > _MOST_LABELS:
            continue
        rows, columns = (material.annotator(wave, confusion[side]) for side in ("rows", "columns"))
        picture = heat_map(rows, columns, confusion["labels"], confusion["labels"], confusion["counts"])
        caption = f"Items by the labels of annotators {rows} and {columns} on {name}"
        yield _figure(("annotators", wave, name, rows, columns), caption, picture)


def _evaluation_figures(evaluation: str, feature: Mapping[str, Any]) -> Iterator[PaperFigure]:
    """The headline figure of all predictions beside the first baseline."""
    way, name = quoted_way(dict(feature)), feature["feature"]
    for figure in HEADLINES.get(feature["kind"], ())[:1]:
        dots = [
            _dot(model["model"], made[way], _baseline_value(feature, figure, way))
            for model in feature["models"]
            for made in model["figures"]
            if made["name"] == figure
        ]
        if not dots:
            continue
        title, baselines = TITLES.get(figure, figure), feature["baselines"]
        caption = f"{title} of the predictions of {name}, with 95 % intervals"
        if baselines:
            caption += f"; hollow: {baseline_name(baselines[0])}"
        low, high = _axis(dots)
        yield _figure(("evaluation", evaluation, name), caption, dot_plot(dots, title, low, high))


def _baseline_value(feature: Mapping[str, Any], figure: str, way: str) -> float | None:
    values = [
        made[way]["value"]
        for baseline in feature["baselines"][:1]
        for made in baseline["figures"]
        if made["name"] == figure
    ]
    return values[0] if values else None


def _axis(dots: Sequence[Dot]) -> tuple[float, float]:
    """From 0 to 1 where all lie between; else as far as they reach."""
    values = [value for dot in dots for value in (dot.value, dot.reference) if value is not None]
    values += [end for dot in dots if dot.interval for end in (dot.interval.low, dot.interval.high)]
    return min(0.0, *values) if values else 0.0, max(1.0, *values) if values else 1.0


def _model_figures(
    evaluation: str, feature: Mapping[str, Any], model: Mapping[str, Any]
) -> Iterator[PaperFigure]:
    name, predictions = feature["feature"], model["model"]
    confusion = model["confusion"]
    if confusion and len(confusion["gold"]) <= _MOST_LABELS:
        picture = heat_map(
            "Gold", "Predicted", confusion["gold"], confusion["predicted"], confusion["counts"]
        )
        caption = f"Items by gold label and prediction of {predictions} on {name}"
        yield _figure(("confusion", evaluation, name, predictions), caption, picture)
    if model["calibration"] and model["calibration"]["bins"]:
        bins = [_bin(made) for made in model["calibration"]["bins"]]
        caption = f"Share of right answers by the confidence of {predictions} on {name}"
        yield _figure(("calibration", evaluation, name, predictions), caption, calibration_plot(bins))
    labels = (model["prevalence"] or {}).get("labels") or []
    if 0 < len(labels) <= _MOST_LABELS:
        dots = [_dot(label["label"], label["corrected"], label["predicted"]) for label in labels]
        caption = (
            f"Labels of {name} in the whole corpus, corrected by the gold items, with 95 % intervals;"
            f" hollow: the share that {predictions} predicts"
        )
        plot = dot_plot(dots, "Share of the corpus")
        yield _figure(("prevalence", evaluation, name, predictions), caption, plot)


def _learning_curve(head: str, target: str, report: Mapping[str, Any]) -> Iterator[PaperFigure]:
    points = different_heads(report["learning_curve"])
    dots = [_dot(f"{point['records']:,} records", point["figure"], None) for point in points]
    if len(dots) > 1:
        title = TITLES.get(MAIN_FIGURE[report["kind"]], MAIN_FIGURE[report["kind"]])
        caption = f"{title} of head {head} on {target} by the labelled records it learned from"
        yield _figure(("learning_curve", head, target), caption, dot_plot(dots, title, *_axis(dots)))


def _dot(label: str, made: Mapping[str, Any], reference: float | None) -> Dot:
    figure = Estimated.of(made)
    return Dot(label, figure.value, _interval(made), reference)


def _bin(made: Mapping[str, Any]) -> Bin:
    accuracy = made["accuracy"]
    right = Estimate(accuracy["value"], _interval(accuracy), accuracy.get("reason"))
    return Bin(made["low"], made["high"], made["items"], made["confidence"], right)


def _interval(made: Mapping[str, Any]) -> Interval | None:
    interval = made.get("interval")
    if not interval:
        return None
    return Interval(interval["low"], interval["high"], interval["level"], interval["method"])


def _figure(name: Sequence[str], caption: str, markup: Any) -> PaperFigure:
    return PaperFigure(file_name(*name), caption, picture_of(str(markup)))
