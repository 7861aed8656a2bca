"""What people labelled: samples, sheets, agreement and gold sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from goldpan.dot_plot import Dot, dot_plot
from goldpan.heat_map import coefficient_map
from goldpan.html import Markup, element, table
from goldpan.report.artifacts import StudyArtifacts
from goldpan.report.index.part import (
    DrawnInterval,
    Links,
    Part,
    captioned,
    estimate_text,
    old,
    text_paragraph,
    told,
)
from goldpan.study.paths import GOLD_FILES

_MOST_FEATURES = 40


def waves_part(artifacts: StudyArtifacts, links: Links) -> Part:
    """Each wave: what was drawn, who answered how much, how well they agree, and the gold set."""
    content: list[Markup] = []
    for wave in artifacts.study.waves:
        content.append(element("h3", wave, id=f"wave-{wave}"))
        content += _wave(artifacts, links, wave)
    return Part("waves", "What people labelled", content)


def _wave(artifacts: StudyArtifacts, links: Links, wave: str) -> Iterator[Markup]:
    paths, study = artifacts.paths, artifacts.study
    folder = study.waves[wave].annotations_folder(study.study, wave)
    yield from told(artifacts.sample(wave), _sample, missing="Not drawn yet.")
    yield from told(artifacts.wave_changes(wave), lambda made: _changes(paths.sample(wave), made))
    yield from told(
        artifacts.wave_status(wave),
        _status,
        missing=f"No filled sheets yet: put them into {folder} and run again.",
    )
    sheets = [paths.sheet(wave, name) for name in artifacts.sheet_names(wave)]
    yield links.list(*sheets)
    yield from told(artifacts.agreement(wave), _agreement)
    yield links.list(
        paths.agreement(wave, "html"), paths.adjudication(wave), paths.disagreements(wave), paths.merged(wave)
    )
    splits = artifacts.gold_rows(wave)
    if splits is not None:
        items = ", ".join(f"{count:,} {split}" for split, count in splits.items())
        yield text_paragraph(element("b", "Gold set: "), f"{sum(splits.values()):,} items ({items}).")
        yield links.list(*(paths.gold(wave, name) for name in GOLD_FILES))


def _sample(made: Any) -> Iterator[Markup]:
    drawn = f"{made['sampled']:,} of {made['population']:,} records were drawn"
    outside = sum(dict(made.get("outside") or {}).values())
    yield text_paragraph(
        f"{drawn}, with seed {made['seed']}" + (f"; {outside:,} could not be drawn." if outside else ".")
    )
    if made.get("targeted"):
        yield text_paragraph(made["targeted"]["note"], class_="warn")
    strata = made.get("strata") or []
    if len(strata) > 1:
        rows = [
            [
                stratum["stratum"],
                f"{stratum['population']:,}",
                f"{stratum['sampled']:,}",
                f"{stratum['inclusion_probability']:.3f}",
            ]
            for stratum in strata
        ]
        header = ["Stratum", "Population", "Drawn", "Inclusion probability"]
        yield table(header, rows, caption="Strata of the draw")


def _changes(path: str, made: Any) -> Iterator[Markup]:
    for note in [*made["study_notes"], *made["record_notes"]]:
        yield old(path, f"given out before the study or its records changed: {note}")


def _status(made: Any) -> Iterator[Markup]:
    blind = {True: "blind", False: "not blind"}.get(made.get("blind"), "not known whether blind")
    rows = [
        [
            name,
            f"{counts['answered']:,} of {counts['assigned']:,}",
            f"{counts['repeats_answered']:,} of {counts['repeats_assigned']:,}",
            "–" if counts.get("seconds") is None else f"{counts['seconds'] / 60:.0f}",
        ]
        for name, counts in made["annotators"].items()
    ]
    header = ["Annotator", "Items answered", "Asked twice", "Minutes"]
    yield table(header, rows, caption=f"Annotators: {made['state']}, {blind}")


def _agreement(made: Any) -> Iterator[Markup]:
    from goldpan.waves.agreement.formatting import TITLES

    for note in made.get("notes") or []:
        yield text_paragraph(note, class_="warn")
    for feature in made["features"]:
        for note in feature.get("notes") or []:
            yield text_paragraph(f"{feature['feature']}: {note}", class_="soft")
    rows, dots = [], []
    for feature in made["features"]:
        quoted = next(
            (known for known in feature["coefficients"] if known["name"] == feature["headline"]), None
        )
        observed = feature["observed_agreement"]["value"]
        if quoted is not None and quoted["value"] is not None:
            dots.append(
                Dot(feature["feature"], quoted["value"], DrawnInterval.of(quoted["interval"]), observed)
            )
        rows.append(
            [
                feature["feature"],
                TITLES.get(quoted["name"], quoted["name"]) if quoted else "–",
                (quoted.get("band") or "") if quoted else "",
                estimate_text(quoted),
                estimate_text(feature["observed_agreement"]),
                f"{feature['paired_items']:,}",
            ]
        )
    if dots:
        caption = (
            "Agreement beyond chance by feature, with its 95 % interval; hollow: observed agreement, which"
            " chance alone raises"
        )
        yield captioned(dot_plot(dots[:_MOST_FEATURES], "Coefficient", min(0.0, *_lows(dots))), caption)
    header = ["Feature", "Coefficient", "Band", "Value", "Observed", "Items"]
    yield table(header, rows, caption="Agreement, with 95 % intervals", text_columns=3)
    for feature in made["features"]:
        yield from _matrix(feature, TITLES)


def _lows(dots: list[Dot]) -> list[float]:
    """Where intervals begin, to a tenth, but no lower than -1."""
    lows = [dot.interval.low for dot in dots if dot.interval] + [dot.value for dot in dots if dot.value]
    return [max(-1.0, int(low * 10 - 1) / 10) if low < 0 else 0.0 for low in [*lows, 0.0]]


def _matrix(feature: dict[str, Any], titles: Mapping[str, str]) -> Iterator[Markup]:
    """Who agrees with whom, of three annotators and more."""
    if matrix := feature.get("matrix"):
        title = titles.get(matrix["name"], matrix["name"])
        groups = matrix.get("groups") or ()
        picture = coefficient_map(title, matrix["annotators"], matrix["values"], groups)
        yield captioned(picture, f"{feature['feature']}: {title} of each pair of annotators")
