"""The methods text on people: how items were drawn, who annotated, how far they agree, the gold set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.report.artifacts import Artifact
from goldpan.report.paper.document import Block, Cite, Code, Heading, Inline, paragraph
from goldpan.report.paper.material import Material
from goldpan.report.paper.quoting import Quoter
from goldpan.report.paper.references import References
from goldpan.study.wave import Wave
from goldpan.waves.agreement.formatting import TITLES

_BLIND = {
    True: "Annotators saw neither the model's answers nor each other's.",
    False: "Annotators saw the model's answers or each other's, which raises agreement.",
    None: "Whether annotators saw the model's answers or each other's is not recorded.",
}


def people_section(material: Material, quoter: Quoter, references: References) -> Iterator[Block]:
    """The waves."""
    if not material.study.waves:
        return
    yield Heading(2, "Annotation by people")
    for name, wave in material.study.waves.items():
        yield Heading(3, f"Wave {name}")
        sample, agreement, gold = material.samples[name], material.agreements[name], material.golds[name]
        if sample.made is None:
            yield paragraph("This wave is not drawn yet; see the end of this text.")
            continue
        yield from _sampling(material, quoter, name, wave, sample)
        yield _annotators(material, quoter, name)
        if agreement.made is None:
            yield paragraph("Agreement is not measured yet; see the end of this text.")
        else:
            yield from _agreement(quoter, references, agreement)
        if gold.made is not None:
            yield from _gold(quoter, wave, gold)


def _sampling(material: Material, quoter: Quoter, name: str, wave: Wave, sample: Artifact) -> Iterator[Block]:
    made: dict[str, Any] = sample.made or {}
    drawn_from = ["the answers of stage ", Code(wave.stage)] if wave.stage else ["a table of answers"]
    yield paragraph(
        f"{quoter.count(sample, 'sampled')} items were drawn from the {quoter.count(sample, 'population')}"
        " records that could be drawn, from ",
        *drawn_from,
        f", by a hash of the record's id with seed {quoter.value(sample, 'seed')}, so that the order of the"
        " records makes no difference.",
    )
    strata = made.get("strata") or []
    if wave.stratify and wave.stratify.by:
        allocation = wave.stratify.allocation
        how = allocation if isinstance(allocation, str) else "stated by stratum"
        yield paragraph(
            "Strata are made by ", Code(", ".join(wave.stratify.by)), f"; the allocation is {how}."
        )
    if len(strata) <= _MOST_STRATA:
        told = []
        for place, stratum in enumerate(strata):
            at = ("strata", place)
            told.append(
                f"{quoter.count(sample, *at, 'sampled')} of {quoter.count(sample, *at, 'population')}"
                + (f" in stratum {_quoted(stratum['stratum'])}" if len(strata) > 1 else "")
                + f" (inclusion probability {quoter.number(sample, *at, 'inclusion_probability')})"
            )
        yield paragraph("Drawn were ", "; ".join(told), ".")
    else:
        yield paragraph(
            "The table ", Code("tables/sampling"), " has each stratum with its inclusion probability."
        )
    if made.get("outside"):
        reasons = [f"{quoter.count(sample, 'outside', reason)} ({reason})" for reason in made["outside"]]
        yield paragraph("Records of the stage that could not be drawn: ", ", ".join(reasons), ".")


_MOST_STRATA = 12


def _quoted(text: str) -> str:
    return f"“{text}”"


def _annotators(material: Material, quoter: Quoter, name: str) -> Block:
    status, sample = material.statuses[name], material.samples[name]
    people = (status.made or sample.made or {})["annotators"]
    if status.made is None:
        given = [
            f"{material.annotator(name, person)} {quoter.count(sample, 'annotators', person)}"
            for person in people
        ]
        return paragraph(f"Items given out: {', '.join(given)}. No answers are collected yet.")
    told = []
    for person, counts in people.items():
        at = ("annotators", person)
        text = (
            f"{material.annotator(name, person)} answered {quoter.count(status, *at, 'answered')} of"
            f" {quoter.count(status, *at, 'assigned')} items"
        )
        if counts["repeats_assigned"]:
            repeats = [quoter.count(status, *at, f"repeats_{what}") for what in ("answered", "assigned")]
            text += f" and {repeats[0]} of {repeats[1]} a second time"
        told.append(text)
    return paragraph("; ".join(told), f". {_BLIND[status.made.get('blind')]}")


def _agreement(quoter: Quoter, references: References, agreement: Artifact) -> Iterator[Block]:
    made: dict[str, Any] = agreement.made or {}
    for place, feature in enumerate(made["features"]):
        at = ("features", place)
        text = (
            f"On {feature['feature']}, {quoter.count(agreement, *at, 'paired_items')} items were answered"
            " by two annotators or more; observed agreement is"
            f" {quoter.figure(agreement, *at, 'observed_agreement')}"
        )
        names = [coefficient["name"] for coefficient in feature["coefficients"]]
        if feature["headline"] in names:
            number = names.index(feature["headline"])
            title = TITLES.get(feature["headline"], feature["headline"])
            text += f", {title} {quoter.figure(agreement, *at, 'coefficients', number)}"
        yield paragraph(text, ".")
    provenance = made["provenance"]
    keys = references.add_all(provenance["references"])
    replicates = quoter.count(agreement, "provenance", "replicates")
    yield paragraph(
        f"Agreement was measured before anything was merged. Intervals by bootstrap are of {replicates}"
        " replicates; coefficients and intervals follow ",
        Cite(keys),
        ".",
    )


def _gold(quoter: Quoter, wave: Wave, gold: Artifact) -> Iterator[Block]:
    splits = [
        f"{quoter.count(gold, 'splits', split, 'items')} in {split}" for split in (gold.made or {})["splits"]
    ]
    group: list[Inline] = [", ".join(splits), "."]
    if wave.gold.group:
        group = [", ".join(splits), ", no ", Code(wave.gold.group), " in two of them."]
    yield paragraph(
        f"The gold set holds {quoter.count(gold, 'items')} items with a label, merged by the strategy"
        f" {wave.strategy}: ",
        *group,
    )
    for feature, resolutions in (gold.made or {})["resolutions"].items():
        told = [
            f"{quoter.count(gold, 'resolutions', feature, resolution)} by {resolution.replace('_', ' ')}"
            for resolution in resolutions
        ]
        yield paragraph(f"Labels of {feature} came about so: ", ", ".join(told), ".")
    for feature, labels in (gold.made or {})["labels"].items():
        told = [
            f"{_quoted(label)} {quoter.count(gold, 'labels', feature, label, 'items')}"
            f" ({quoter.share(gold, 'labels', feature, label, 'weighted')} of the population by the weights)"
            for label in labels
        ]
        if told and len(told) <= _MOST_STRATA:
            yield paragraph(f"Gold labels of {feature}: ", "; ".join(told), ".")
