"""Tables of what people did: how items were drawn, who annotated, agreement, the gold set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.records.splits import SPLITS
from goldpan.report.paper.material import Material
from goldpan.report.paper.merging_words import RESOLUTIONS
from goldpan.report.paper.methods_people import repeated_by
from goldpan.report.paper.table import Estimated, PaperColumn, PaperTable, table_of
from goldpan.waves.agreement.formatting import TITLES


def wave_tables(material: Material) -> Iterator[PaperTable]:
    """The tables for which something is there."""
    for table in (
        _sampling(material),
        _annotators(material),
        _agreement(material),
        _agreement_by_label(material),
        _self_agreement(material),
        _gold_splits(material),
        _gold_labels(material),
        _resolutions(material),
    ):
        if table.rows:
            yield table


def _sampling(material: Material) -> PaperTable:
    rows = [
        [
            wave,
            stratum["stratum"],
            stratum["population"],
            stratum["sampled"],
            stratum["inclusion_probability"],
        ]
        for wave, sample in material.samples.items()
        for stratum in (sample.made or {}).get("strata", [])
    ]
    columns = [
        *(
            PaperColumn("wave"),
            PaperColumn("stratum"),
            PaperColumn("population", "count"),
            PaperColumn("sampled", "count"),
        ),
        PaperColumn("inclusion probability", "number"),
    ]
    return table_of("sampling", "How the items of each wave were drawn.", columns, rows)


def _annotators(material: Material) -> PaperTable:
    rows = [
        [
            wave,
            material.annotator(wave, name),
            *(counts[key] for key in ("assigned", "answered", "repeats_answered")),
            counts["seconds"],
        ]
        for wave, status in material.statuses.items()
        for name, counts in (status.made or {}).get("annotators", {}).items()
    ]
    columns = [
        *(PaperColumn("wave"), PaperColumn("annotator"), PaperColumn("items given", "count")),
        *(PaperColumn("items answered", "count"), PaperColumn("answered twice", "count")),
        PaperColumn("seconds, where measured", "number"),
    ]
    return table_of("annotators", "Who annotated how much.", columns, rows)


def _agreement(material: Material) -> PaperTable:
    rows = []
    for wave, feature in features_of_wave_stage(material.agreements):
        for coefficient in [feature["observed_agreement"], *feature["coefficients"]]:
            name = TITLES.get(coefficient["name"], coefficient["name"])
            is_first = coefficient["name"] == feature["headline"]
            rows.append(
                [
                    *(wave, feature["feature"], feature["paired_items"], name, Estimated.of(coefficient)),
                    *(coefficient.get("band") or "", "yes" if is_first else ""),
                ]
            )
    columns = [
        *(
            PaperColumn("wave"),
            PaperColumn("feature"),
            PaperColumn("items", "count"),
            PaperColumn("coefficient"),
        ),
        *(
            PaperColumn("value and 95 % interval", "estimate"),
            PaperColumn("band"),
            PaperColumn("to quote first"),
        ),
    ]
    caption = "Agreement of the annotators, before anything was merged."
    return table_of("agreement", caption, columns, rows)


def _agreement_by_label(material: Material) -> PaperTable:
    rows = [
        [
            *(wave, feature["feature"], label["label"], sum(label["counts"])),
            *(Estimated.of(label["specific_agreement"]), Estimated.of(label["kappa"])),
        ]
        for wave, feature in features_of_wave_stage(material.agreements)
        for label in feature["labels"]
    ]
    columns = [
        *(
            PaperColumn("wave"),
            PaperColumn("feature"),
            PaperColumn("label"),
            PaperColumn("times given", "count"),
        ),
        *(PaperColumn("specific agreement", "estimate"), PaperColumn("kappa against the others", "estimate")),
    ]
    return table_of("agreement_by_label", "Agreement on each label.", columns, rows)


def _self_agreement(material: Material) -> PaperTable:
    rows = []
    for wave, feature in features_of_wave_stage(material.agreements):
        for repeat in feature.get("repeats") or ():
            person = material.annotator(wave, repeated_by(repeat))
            for coefficient in [repeat["observed_agreement"], *repeat["coefficients"]]:
                name = TITLES.get(coefficient["name"], coefficient["name"])
                rows.append(
                    [wave, feature["feature"], person, repeat["items"], name, Estimated.of(coefficient)]
                )
    columns = [
        *(PaperColumn("wave"), PaperColumn("feature"), PaperColumn("annotator")),
        *(PaperColumn("items shown twice", "count"), PaperColumn("coefficient")),
        PaperColumn("value and 95 % interval", "estimate"),
    ]
    caption = "Agreement of each annotator with themselves, on items that they were shown twice."
    return table_of("self_agreement", caption, columns, rows)


def _gold_splits(material: Material) -> PaperTable:
    rows = [
        [wave, split, counts["items"], counts["groups"]]
        for wave, gold in material.golds.items()
        for split, counts in (gold.made or {}).get("splits", {}).items()
    ]
    columns = [
        PaperColumn("wave"),
        PaperColumn("split"),
        PaperColumn("items", "count"),
        PaperColumn("groups", "count"),
    ]
    return table_of("gold_splits", "The gold sets and their splits; no group is in two.", columns, rows)


def _gold_labels(material: Material) -> PaperTable:
    rows = []
    for wave, gold in material.golds.items():
        for feature, labels in (gold.made or {}).get("labels", {}).items():
            for label, counts in labels.items():
                shares = [counts["items"], counts["share"], counts["weighted"]]
                rows.append([wave, feature, label, *shares, *(counts[split] for split in SPLITS)])
    columns = [
        *(PaperColumn("wave"), PaperColumn("feature"), PaperColumn("label"), PaperColumn("items", "count")),
        *(PaperColumn("share", "share"), PaperColumn("weighted", "share")),
        *(PaperColumn(split, "count") for split in SPLITS),
    ]
    caption = (
        "Gold labels; weighted: the share in the population, by the inverse of the inclusion probabilities,"
        " items without a label made up for by the others of their stratum; empty for a targeted sample,"
        " which stands for no population, and where a stratum has no label."
    )
    return table_of("gold_labels", caption, columns, rows)


def _resolutions(material: Material) -> PaperTable:
    rows = [
        [wave, feature, RESOLUTIONS[resolution], count]
        for wave, merged in material.merged.items()
        for feature, counts in (merged.made or {}).items()
        for resolution, count in counts.items()
    ]
    columns = [
        PaperColumn("wave"),
        PaperColumn("feature"),
        PaperColumn("resolution"),
        PaperColumn("items", "count"),
    ]
    caption = "How answers became gold labels; those of a feature add up to the items of the wave."
    return table_of("gold_resolutions", caption, columns, rows)


def features_of_wave_stage(artifacts: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each feature of agreements or evaluations, with the name of the wave or evaluation."""
    for name, artifact in artifacts.items():
        for feature in (artifact.made or {}).get("features", []):
            yield name, feature
