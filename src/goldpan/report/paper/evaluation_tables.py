"""Tables of how good predictions are, how frequent labels really are, and what heads can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.evaluation.formatting import TITLES
from goldpan.heads.measured import MAIN_FIGURE
from goldpan.report.learning_curve import different_heads
from goldpan.report.paper.material import Material, model_name
from goldpan.report.paper.table import Estimated, PaperColumn, PaperTable, table_of
from goldpan.report.paper.wave_tables import features_of_wave_stage

_OF_A_LABEL = tuple(map(PaperColumn, ("evaluation", "feature", "predictions", "label")))
"""The columns that say whose label a row is about."""


def evaluation_tables(material: Material) -> Iterator[PaperTable]:
    """The tables for which something is there."""
    for table in (
        _evaluation(material),
        _by_label(material),
        _comparisons(material),
        _prevalence(material),
        _heads(material),
        _learning_curves(material),
        _embeddings(material),
    ):
        if table.rows:
            yield table


def _evaluation(material: Material) -> PaperTable:
    rows = []
    for evaluation, feature in features_of_wave_stage(material.evaluations):
        items = feature["items"]["evaluated"]
        answered = [(baseline_name(base), base["figures"]) for base in feature["baselines"]]
        answered += [(model["model"], model["figures"]) for model in feature["models"]]
        rows += [
            [
                *(evaluation, feature["feature"], items, name, TITLES.get(figure["name"], figure["name"])),
                *(Estimated.of(figure["raw"]), Estimated.of(figure["weighted"])),
            ]
            for name, figures in answered
            for figure in figures
        ]
    columns = [
        *(
            PaperColumn("evaluation"),
            PaperColumn("feature"),
            PaperColumn("items", "count"),
            PaperColumn("predictions"),
        ),
        *(
            PaperColumn("figure"),
            PaperColumn("over the items", "estimate"),
            PaperColumn("over the population", "estimate"),
        ),
    ]
    caption = (
        "Predictions against gold, and what one gets without a model. Over the population: each item"
        " weighted by the inverse of its inclusion probability. Rows without a prediction count as wrong."
    )
    return table_of("evaluation", caption, columns, rows)


def baseline_name(baseline: dict[str, Any]) -> str:
    """What a baseline is called in tables and text."""
    return {"nothing": "never anything", "mean": "always the mean"}.get(
        baseline["name"], f"always {baseline['answer']}"
    )


def _by_label(material: Material) -> PaperTable:
    rows = []
    for evaluation, feature in features_of_wave_stage(material.evaluations):
        quoted = quoted_way(feature)
        for model in feature["models"]:
            for label in model["labels"]:
                figures = {figure["name"]: Estimated.of(figure[quoted]) for figure in label["figures"]}
                values = [figures.get(name) for name in ("precision", "recall", "f1")]
                counts = [label["gold"], label["predicted"]]
                rows.append(
                    [evaluation, feature["feature"], model["model"], label["label"], *counts, *values]
                )
    columns = [
        *_OF_A_LABEL,
        *(PaperColumn("gold", "count"), PaperColumn("predicted", "count")),
        *(PaperColumn(name, "estimate") for name in ("precision", "recall", "F1")),
    ]
    caption = "Each label against all others; weighted where items stand for different numbers of records."
    return table_of("evaluation_by_label", caption, columns, rows)


def quoted_way(feature: dict[str, Any]) -> str:
    """Which value of a figure is quoted: `weighted` where items stand for different numbers of records."""
    return "weighted" if feature["items"]["is_weighted"] else "raw"


def _comparisons(material: Material) -> PaperTable:
    rows = []
    for evaluation, feature in features_of_wave_stage(material.evaluations):
        quoted = quoted_way(feature)
        compared = [model["over_baseline"] for model in feature["models"]] + feature["comparisons"]
        for pair in filter(None, compared):
            p_value = (pair.get("mcnemar") or {}).get("p_value")
            rows += [
                [
                    *(evaluation, feature["feature"], pair["first"], pair["second"], pair["items"]),
                    *(TITLES.get(difference["name"], difference["name"]), Estimated.of(difference[quoted])),
                    p_value,
                ]
                for difference in pair["differences"]
            ]
    columns = [
        *(
            PaperColumn("evaluation"),
            PaperColumn("feature"),
            PaperColumn("first"),
            PaperColumn("second"),
            PaperColumn("items", "count"),
        ),
        *(
            PaperColumn("figure"),
            PaperColumn("first less second", "estimate"),
            PaperColumn("McNemar p", "number"),
        ),
    ]
    return table_of(
        "comparisons", "Pairs of predictions, and predictions against the baseline.", columns, rows
    )


def _prevalence(material: Material) -> PaperTable:
    rows = []
    for evaluation, feature in features_of_wave_stage(material.evaluations):
        for model in feature["models"]:
            prevalence = model["prevalence"] or {}
            for label in prevalence.get("labels") or []:
                counts = [prevalence["records"], prevalence["items"]]
                shares = [label["predicted"], Estimated.of(label["corrected"])]
                rows.append(
                    [evaluation, feature["feature"], model["model"], label["label"], *counts, *shares]
                )
    columns = [
        *_OF_A_LABEL,
        *(PaperColumn("records", "count"), PaperColumn("gold items", "count")),
        *(PaperColumn("share predicted", "number"), PaperColumn("share corrected", "estimate")),
    ]
    caption = "How frequent each label is in the whole corpus: as predicted, and corrected by the gold items."
    return table_of("prevalence", caption, columns, rows)


def targets_of(material: Material) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Each target of each head: head, target, its report, and the head's metrics."""
    for head, artifact in material.heads.items():
        made = artifact.made or {}
        for target, report in (made.get("targets") or {}).items():
            yield head, target, report, made


def _heads(material: Material) -> PaperTable:
    rows = []
    for head, target, report, metrics in targets_of(material):
        measured = report["counts"].get(metrics["measured_on"], {}).get("records")
        learned = report["counts"].get("train", {}).get("records")
        answered = [(f"always {base['answer']}", base["figures"]) for base in report["baselines"].values()]
        for name, figures in [(head, report["figures"]), *answered]:
            rows += [
                [
                    *(head, target, name, learned, metrics["measured_on"], measured),
                    *(TITLES.get(figure, figure), Estimated.of(value)),
                ]
                for figure, value in figures.items()
            ]
    columns = [
        *(
            PaperColumn("head"),
            PaperColumn("target"),
            PaperColumn("predictions"),
            PaperColumn("learned from", "count"),
        ),
        *(PaperColumn("measured on"), PaperColumn("records", "count"), PaperColumn("figure")),
        PaperColumn("value and 95 % interval", "estimate"),
    ]
    return table_of("heads", "What the heads can do, and the best constant answers.", columns, rows)


def _learning_curves(material: Material) -> PaperTable:
    rows = []
    for head, target, report, _ in targets_of(material):
        figure = MAIN_FIGURE[report["kind"]]
        points = different_heads(report["learning_curve"])
        for point in points if len(points) > 1 else ():
            value = Estimated.of(point["figure"])
            rows.append([head, target, point["share"], point["records"], TITLES.get(figure, figure), value])
    columns = [
        *(PaperColumn("head"), PaperColumn("target"), PaperColumn("share of the groups", "share")),
        *(
            PaperColumn("records", "count"),
            PaperColumn("figure"),
            PaperColumn("value and 95 % interval", "estimate"),
        ),
    ]
    return table_of("learning_curves", "Heads that learned from some of the labels.", columns, rows)


def _embeddings(material: Material) -> PaperTable:
    rows = []
    for name, artifact in material.embeddings.items():
        made = artifact.made or {}
        for model in made.get("models", []):
            counts = [made[key] for key in ("rows", "embedded", "truncated")]
            shape = [model["pooling"], model["dimension"], model["max_length"]]
            rows.append([name, model_name(model["model"]), model["model_sha256"], *shape, *counts])
    columns = [
        *(
            PaperColumn("embedding"),
            PaperColumn("model"),
            PaperColumn("SHA-256", "hash"),
            PaperColumn("pooling"),
        ),
        *(
            PaperColumn("dimension", "count"),
            PaperColumn("most tokens", "count"),
            PaperColumn("records", "count"),
        ),
        *(PaperColumn("embedded", "count"), PaperColumn("truncated", "count")),
    ]
    return table_of("embeddings", "Embedding models, and what became of the records.", columns, rows)
