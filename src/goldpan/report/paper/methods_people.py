"""The methods text on people: how items were drawn, who annotated, how far they agree, the gold set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.report.artifacts import Artifact
from goldpan.report.paper.document import Block, Cite, Code, Heading, Inline, paragraph
from goldpan.report.paper.material import Material
from goldpan.report.paper.merging_words import RESOLUTIONS, STRATEGIES, WITHOUT_A_LABEL
from goldpan.report.paper.quoting import Quoter
from goldpan.report.paper.references import References
from goldpan.study.wave import Wave
from goldpan.waves.agreement.formatting import TITLES

_ORDERS = {
    "uncertain": "Items came in the order of the model's confidence, the least sure first among those it"
    " answered alike.",
    "choice": "On the page annotators could have the items first of which the model was least sure, among"
    " those it answered alike.",
}
_BLIND = {
    True: "Annotators saw neither the model's answers nor each other's.",
    False: "Annotators saw the model's answers or each other's, which raises agreement.",
    None: "Whether annotators saw the model's answers or each other's is not recorded.",
}
_ONE_BLIND = {
    True: "The annotator did not see the model's answers.",
    False: "The annotator saw the model's answers.",
    None: "Whether the annotator saw the model's answers is not recorded.",
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
            yield from _agreement(quoter, references, agreement, len(wave.annotators))
            yield from _self_agreement(material, quoter, name)
        if material.merged[name].made:
            yield from _merging(material, quoter, name, wave)
        if gold.made is not None:
            yield from _gold(quoter, wave, gold)


def _sampling(material: Material, quoter: Quoter, name: str, wave: Wave, sample: Artifact) -> Iterator[Block]:
    made: dict[str, Any] = sample.made or {}
    drawn_from: list[Inline] = ["a table of answers, whose model goldpan does not know"]
    if wave.stage:
        drawn_from = ["the answers of stage ", Code(wave.stage)]
    yield paragraph(
        f"{quoter.count(sample, 'sampled')} items were drawn from the {quoter.count(sample, 'population')}"
        " records that could be drawn, from ",
        *drawn_from,
        f", by a hash of the record's id with seed {quoter.value(sample, 'seed')}, so that the order of the"
        " records makes no difference.",
    )
    if made.get("targeted"):
        yield paragraph(quoter.value(sample, "targeted", "note"))
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
    order = (material.statuses[name].made or {}).get("order", wave.order)
    if order in _ORDERS:
        yield paragraph(_ORDERS[order])


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
    blind = (_ONE_BLIND if len(people) == 1 else _BLIND)[status.made.get("blind")]
    return paragraph("; ".join(told), f". {blind}")


def _agreement(
    quoter: Quoter, references: References, agreement: Artifact, annotators: int
) -> Iterator[Block]:
    made: dict[str, Any] = agreement.made or {}
    if annotators == 1:
        yield paragraph("One annotator answered, so that agreement between people cannot be measured.")
    for place, feature in enumerate(made["features"] if annotators > 1 else ()):
        at = ("features", place)
        if not feature["paired_items"]:
            yield paragraph(
                f"On {feature['feature']}, no item was answered by two annotators, so that their agreement"
                " cannot be measured."
            )
            continue
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
    if not keys:
        return
    replicates = quoter.count(agreement, "provenance", "replicates")
    yield paragraph(
        f"Agreement was measured before anything was merged. Intervals by bootstrap are of {replicates}"
        " replicates; coefficients and intervals follow ",
        Cite(keys),
        ".",
    )


def _self_agreement(material: Material, quoter: Quoter, name: str) -> Iterator[Block]:
    """How far annotators agree with themselves on items that they were shown twice."""
    agreement = material.agreements[name]
    told = []
    for place, feature in enumerate((agreement.made or {})["features"]):
        for number, repeat in enumerate(feature.get("repeats") or ()):
            at = ("features", place, "repeats", number)
            person = material.annotator(name, repeated_by(repeat))
            told.append(
                f"{person} on {feature['feature']} {quoter.figure(agreement, *at, 'observed_agreement')}, of"
                f" {quoter.count(agreement, *at, 'items')} items"
            )
    if told:
        yield paragraph(
            "Shown an item a second time, annotators agreed with themselves so often (share of the same"
            f" answers): {'; '.join(told)}."
        )


def repeated_by(repeat: dict[str, Any]) -> str:
    """Whose answers a pair of `repeats` compares, which it calls `NAME, first` and `NAME, second`."""
    return str(repeat["annotators"][0]).removesuffix(", first")


def _merging(material: Material, quoter: Quoter, name: str, wave: Wave) -> Iterator[Block]:
    """How answers became labels: of all items, also those that have none."""
    merged, unsettled = material.merged[name], material.open_answers[name]
    made: dict[str, dict[str, int]] = merged.made or {}
    if len(wave.annotators) > 1:
        how = STRATEGIES[wave.strategy]
        yield paragraph(f"Answers were merged by the strategy {wave.strategy}: {how}.")
    for feature, resolutions in made.items():
        counted = {
            resolution: f"{quoter.count(merged, feature, resolution)} {RESOLUTIONS[resolution]}"
            for resolution in resolutions
        }
        open_ones = [counted.pop(resolution) for resolution in WITHOUT_A_LABEL if resolution in counted]
        text = f"Labels of {feature} came about so: {', '.join(counted.values()) or 'none yet'}"
        yield paragraph(text, f"; without a label: {', '.join(open_ones)}." if open_ones else ".")
    if any("adjudicated" in resolutions for resolutions in made.values()):
        yield paragraph(
            "Whoever adjudicated is a person and saw the annotators' answers; who it was is not recorded."
        )
    if unsettled.made and unsettled.made["to_decide"]:
        yield paragraph(f"Answers that a person has yet to decide: {quoter.count(unsettled, 'to_decide')}.")


def _gold(quoter: Quoter, wave: Wave, gold: Artifact) -> Iterator[Block]:
    splits = [
        f"{quoter.count(gold, 'splits', split, 'items')} in {split}" for split in (gold.made or {})["splits"]
    ]
    group: list[Inline] = [", ".join(splits), "."]
    if wave.gold.group:
        group = [", ".join(splits), ", no ", Code(wave.gold.group), " in two of them."]
    yield paragraph(
        f"The gold set holds {quoter.count(gold, 'items')} items with a label: ",
        *group,
    )
    is_weighted = False
    for feature, labels in (gold.made or {})["labels"].items():
        told = []
        for label, counts in labels.items():
            at = ("labels", feature, label)
            share = f"{quoter.share(gold, *at, 'share')} of these items"
            if counts["weighted"] is not None:
                share = f"{quoter.share(gold, *at, 'weighted')} of the population by the weights"
            told.append(f"{_quoted(label)} {quoter.count(gold, *at, 'items')} ({share})")
        if told and len(told) <= _MOST_STRATA:
            yield paragraph(f"Gold labels of {feature}: ", "; ".join(told), ".")
            is_weighted |= any(counts["weighted"] is not None for counts in labels.values())
    if is_weighted:
        yield paragraph(
            "The weights are the inverse of the inclusion probabilities; items without a label are made up"
            " for by the others of their stratum, as in the evaluations."
        )
