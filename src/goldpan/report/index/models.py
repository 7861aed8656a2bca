"""How good the predictions are: evaluations against gold, and heads with what they were applied to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from goldpan.dot_plot import Dot, dot_plot
from goldpan.evaluation.formatting import HEADLINES, figure_title
from goldpan.heat_map import heat_map
from goldpan.html import Markup, element, table
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.part import (
    DrawnInterval,
    Links,
    Part,
    captioned,
    estimate_text,
    held,
    old,
    reasons_text,
    text_paragraph,
    told,
)
from goldpan.report.learning_curve import different_heads
from goldpan.report.made import learned_from
from goldpan.study.run_again import run_as_usual

_MOST_LABELS, _MOST_PICTURES = 15, 6


def evaluation_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """Each evaluation: its headline figures, confusion and calibration."""
    content: list[Markup] = []
    for name in artifacts.study.evaluations:
        content.append(element("h3", name, id=f"evaluation-{name}"))
        content += told(
            artifacts.evaluation(name),
            lambda made: _evaluation(made),
            missing=f"Not made yet: {_what_lacks(artifacts, name)}",
        )
        paths = artifacts.paths
        content.append(links.list(paths.evaluation(name, "html"), paths.evaluation(name, "errors.csv")))
    return Part("evaluation", "How good the predictions are", content)


def _what_lacks(artifacts: StudyArtifacts, name: str) -> str:
    wave = artifacts.study.evaluations[name].wave
    if wave is not None and artifacts.gold_rows(wave) is None:
        return f"it waits for the filled sheets of wave {wave}."
    return f"{run_as_usual(artifacts.study.study)} to make it."


def _evaluation(made: Any) -> Iterator[Markup]:
    gold = f"the gold set of wave {made['wave']}" if made["wave"] else "labels in fields of the records"
    yield text_paragraph(f"Against {gold}, splits {', '.join(made['splits']) or '–'}.")
    yield from _evaluation_notes(made)
    rows = []
    for feature in made["features"]:
        how = "weighted" if feature["items"]["is_weighted"] else "raw"
        for name in HEADLINES.get(feature["kind"], ()):
            for model in feature["models"]:
                measured = _named(model["figures"], name)
                baseline = _named((feature["baselines"] or [{"figures": []}])[0]["figures"], name)
                if measured is not None:
                    rows.append(
                        [
                            feature["feature"],
                            model["model"],
                            figure_title(name),
                            estimate_text(measured[how]),
                            estimate_text(baseline[how] if baseline else None),
                            f"{feature['items']['evaluated']:,}",
                        ]
                    )
    header = ["Feature", "Model", "Figure", "Value", "Majority baseline", "Items"]
    caption = "Headline figures with 95 % intervals; failed predictions count as wrong"
    yield table(header, rows, caption=caption, text_columns=3)
    stages = {model["model"] for model in made["models"] if model["kind"] == "stage"}
    pictures = [picture for feature in made["features"] for picture in _pictures(feature, stages)]
    if pictures:
        yield element("div", *pictures[:_MOST_PICTURES], class_="plots")
    if len(pictures) > _MOST_PICTURES:
        number = len(pictures) - _MOST_PICTURES
        yield text_paragraph(f"{number} more pictures are on the evaluation's own page.", class_="soft")


def _evaluation_notes(made: Any) -> Iterator[Markup]:
    for note in made["notes"]:
        yield text_paragraph(note, class_="warn")
    # Features of one wave mostly say the same.
    by_note: dict[str, list[str]] = {}
    for feature in made["features"]:
        for note in feature["notes"]:
            by_note.setdefault(note, []).append(feature["feature"])
        for model in feature["models"]:
            for note in (model.get("prevalence") or {}).get("notes") or []:
                whose = f"{feature['feature']}, prevalence by {model['model']}"
                by_note.setdefault(note, []).append(whose)
    for note, of_features in by_note.items():
        yield text_paragraph(f"{', '.join(of_features)}: {note}", class_="warn")


def _named(figures: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((known for known in figures if known["name"] == name), None)


def _pictures(feature: dict[str, Any], stages: Collection[str]) -> Iterator[Markup]:
    """Confusion, calibration and prevalence; that of `stages` stands beside their answers."""
    for model in feature["models"]:
        whose = f"{feature['feature']}, {model['model']}"
        confusion, calibration = model.get("confusion"), model.get("calibration")
        if confusion and len(confusion["gold"]) <= _MOST_LABELS:
            picture = heat_map(
                "Gold", "Predicted", confusion["gold"], confusion["predicted"], confusion["counts"]
            )
            yield captioned(picture, f"{whose}: items by gold and predicted label")
        if calibration:
            yield captioned(_calibration(calibration["bins"]), f"{whose}: is the model's confidence right?")
        prevalence = model.get("prevalence") or {}
        if model["model"] not in stages and prevalence.get("labels") and not prevalence.get("reason"):
            yield captioned(
                dot_plot(_prevalence(prevalence), "Share of records"),
                f"{whose}: share of each label in {prevalence['records']:,} records, corrected by"
                f" {prevalence['items']:,} that people labelled; hollow: as the model says",
            )


def _prevalence(prevalence: dict[str, Any]) -> list[Dot]:
    return [
        Dot(
            known["label"],
            known["corrected"]["value"],
            DrawnInterval.of(known["corrected"]["interval"]),
            known["predicted"],
        )
        for known in prevalence["labels"][:_MOST_LABELS]
    ]


def _calibration(bins: list[dict[str, Any]]) -> Markup:
    # Only here: of what these are made, numpy takes a while to load.
    from goldpan.evaluation.calibration import Bin
    from goldpan.evaluation.pictures import calibration_plot
    from goldpan.statistics.figures import Estimate
    from goldpan.statistics.interval import Interval

    def accuracy(known: dict[str, Any]) -> Estimate:
        interval = known["interval"]
        return Estimate(known["value"], Interval(**interval) if interval else None, known.get("reason"))

    return calibration_plot([Bin(**{**known, "accuracy": accuracy(known["accuracy"])}) for known in bins])


def heads_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """Embeddings, heads, what they were applied to, and what was selected of it."""
    study = artifacts.study
    content: list[Markup] = [*_embeddings(artifacts)]
    for head in study.heads:
        content.append(element("h3", f"Head {head}", id=f"head-{head}"))
        waits = study.heads[head].labels.wave
        missing = (
            f"Not trained yet: it waits for the filled sheets of {waits}." if waits else "Not trained yet."
        )
        content += told(artifacts.head(head), _head, missing=missing)
        content.append(links.list(artifacts.paths.head(head, "metrics.json")))
    content += _applied(artifacts, links)
    return Part("heads", "Embeddings, heads and selections", content)


def _embeddings(artifacts: StudyArtifacts) -> Iterator[Markup]:
    rows = []
    for name, settings in artifacts.study.embeddings.items():
        summary = artifacts.embedding(name)

        def read(made: Any, name: str = name) -> list[Any]:
            model = made["models"][0]
            return [
                *(name, model["model"], model["pooling"], f"{model['dimension']:,}"),
                *(f"{made[key]:,}" for key in ("rows", "embedded", "truncated")),
                reasons_text(made["skipped"]),
            ]

        row = held(summary, read)
        rows.append(row or [name, settings.model, "", "–", "–", "–", "–", "not made yet"])
        yield from told(summary, lambda made: read(made) and [])
    if rows:
        header = [
            "Embedding",
            "Model",
            "Pooling",
            "Dimensions",
            "Records",
            "Embedded",
            "Truncated",
            "Skipped",
        ]
        classes = [None, "text", None, "number", "number", "number", "number", "text"]
        yield table(header, rows, caption="Embeddings", classes=classes)


def _head(made: Any) -> Iterator[Markup]:
    yield text_paragraph(f"Learned from {learned_from(made['splits'])}; measured on {made['measured_on']}.")
    for warning in made.get("warnings") or []:
        yield text_paragraph(warning, class_="warn")
    rows = []
    for target, report in made["targets"].items():
        baselines: dict[str, Any] = report.get("baselines") or {}
        baseline: dict[str, Any] = next(iter(baselines.values()), {"figures": {}})
        for name, measured in report["figures"].items():
            known = baseline["figures"].get(name)
            rows.append([target, figure_title(name), estimate_text(measured), estimate_text(known)])
    header = ["Target", "Figure", "Value", "Constant answer"]
    yield table(header, rows, caption="Figures with 95 % intervals", text_columns=2)
    for target, report in made["targets"].items():
        for note in report.get("notes") or []:
            yield text_paragraph(f"{target}: {note}", class_="warn")
        if curve := report.get("learning_curve"):
            yield _learning_curve(target, curve)


def _learning_curve(target: str, curve: dict[str, Any]) -> Markup:
    points = different_heads(curve)
    if len(points) == 1:
        return text_paragraph(
            f"{target}: no learning curve, for each share of the labels holds the same"
            f" {points[0]['records']:,} records: they are of one group, or of too few to be divided.",
            class_="soft",
        )
    dots = [
        Dot(
            f"{point['records']:,} labels ({point['share']:.0%})",
            point["figure"]["value"],
            DrawnInterval.of(point["figure"]["interval"]),
        )
        for point in points
    ]
    lowest = min((dot.interval.low if dot.interval else dot.value or 0.0 for dot in dots), default=0.0)
    low = 0.0 if lowest >= 0 else max(-1.0, int(lowest * 10 - 1) / 10)
    verdict = {"yes": "more labels would help", "no": "more labels would hardly help"}
    said = verdict.get(str(curve.get("more_labels_help")), "whether more labels would help is not clear")
    caption = f"{target}: learning curve, from few labels to all; {said}"
    return captioned(dot_plot(dots, figure_title(curve["figure"]), low), caption)


def _applied(artifacts: StudyArtifacts, links: Links) -> Iterator[Markup]:
    study, paths = artifacts.study, artifacts.paths
    for name in study.annotated:
        yield element("h3", f"Annotated: {name}", id=f"annotated-{name}")
        yield from told(artifacts.annotated(name), _annotated, missing="Not made yet.")
        yield links.list(paths.annotated_summary(name))
    for name, selection in study.selections.items():
        yield element("h3", f"Selection: {name}", id=f"selection-{name}")
        path = paths.selection(name, selection.suffix)
        yield from told(
            artifacts.selection(name),
            lambda made: _selection(made, path, selection.where),  # noqa: B023 - it is called at once
            missing="Not made yet.",
        )
        yield links.list(path)


def _annotated(made: Any) -> Iterator[Markup]:
    said = f"{made['annotated']:,} of {made['rows']:,} records by {', '.join(made['heads'])}"
    skipped = reasons_text(made["skipped"])
    yield text_paragraph(said + (f"; skipped: {skipped}." if skipped else "."))


def _selection(made: Any, path: str, where: str) -> Iterator[Markup]:
    if made["where"] != where:
        yield old(path, f"selected by another condition than the study has now, {where}")
    yield text_paragraph(
        f"{made['selected']:,} of {made['rows']:,} rows, where ", element("code", made["where"]), "."
    )
