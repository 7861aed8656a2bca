"""The methods text on what was measured: evaluations, corrected prevalence, embeddings and heads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.evaluation.formatting import HEADLINES, TITLES
from goldpan.heads.measured import MAIN_FIGURE
from goldpan.report.artifacts import Artifact
from goldpan.report.paper.document import Block, Cite, Code, Heading, Inline, paragraph
from goldpan.report.paper.evaluation_tables import baseline_name, quoted_way
from goldpan.report.paper.material import Material, model_name
from goldpan.report.paper.quoting import Quoter
from goldpan.report.paper.references import References


def evaluation_section(material: Material, quoter: Quoter, references: References) -> Iterator[Block]:
    """How good predictions are against gold, with the figures to quote first."""
    if not material.study.evaluations:
        return
    yield Heading(2, "Evaluation")
    for name, artifact in material.evaluations.items():
        yield Heading(3, f"Evaluation {name}")
        made = artifact.made
        if made is None:
            yield paragraph("This evaluation is not made yet; see the end of this text.")
            continue
        yield _against(made)
        for place, feature in enumerate(made["features"]):
            yield _counts(quoter, artifact, place, feature)
            for model in range(len(feature["models"])):
                yield _figures(quoter, artifact, place, model)
        yield from _comparisons(quoter, artifact)
        keys = references.add_all(made["provenance"]["references"])
        if not keys:
            continue
        replicates = quoter.count(artifact, "provenance", "replicates")
        yield paragraph(
            f"Intervals by bootstrap are of {replicates} replicates; figures and intervals follow ",
            Cite(keys),
            ".",
        )


def _against(made: dict[str, Any]) -> Block:
    models: list[Inline] = []
    for place, model in enumerate(made["models"]):
        models += [", "] * bool(place) + [Code(model["model"])]
    if made["wave"]:
        gold: list[Inline] = ["the gold set of wave ", Code(made["wave"])]
        gold.append(f", splits {', '.join(made['splits'])}")
    else:
        gold = ["labels that stand in fields of the records"]
    return paragraph("Measured are the predictions ", *models, " against ", *gold, ".")


def _counts(quoter: Quoter, artifact: Artifact, place: int, feature: dict[str, Any]) -> Block:
    at = ("features", place, "items")
    left_out = [
        f"{quoter.count(artifact, *at, name)} {said}"
        for name, said in (
            ("gone", "whose records are gone"),
            ("unresolved", "without a gold label"),
            ("cannot_tell", "that people could not tell"),
            ("llm_decided", "that the model's own answer decided"),
        )
        if feature["items"][name]
    ]
    text = (
        f"Of {quoter.count(artifact, *at, 'in_split')} items {quoter.count(artifact, *at, 'evaluated')} are"
        f" evaluated on {feature['feature']}"
    )
    if left_out:
        text += f"; left out are {', '.join(left_out)}"
    weighted = (
        ". Items stand for different numbers of records, so figures are weighted by the inverse of the"
        " inclusion probabilities."
    )
    return paragraph(text, weighted if feature["items"]["is_weighted"] else ".")


def _figures(quoter: Quoter, artifact: Artifact, place: int, number: int) -> Block:
    feature = (artifact.made or {})["features"][place]
    model, way = feature["models"][number], quoted_way(feature)
    names = [figure["name"] for figure in model["figures"]]
    at = ("features", place, "models", number)
    told = []
    for figure in HEADLINES.get(feature["kind"], ()):
        if figure not in names:
            continue
        value = quoter.figure(artifact, *at, "figures", names.index(figure), way)
        told.append(f"{TITLES.get(figure, figure)} {value}{_without(quoter, artifact, place, figure, way)}")
    test = model.get("alternative_annotator_test") or {}
    if test.get("winning_rate") is not None:
        rate, epsilon = (
            quoter.number(artifact, *at, "alternative_annotator_test", key)
            for key in ("winning_rate", "epsilon")
        )
        told.append(f"alternative annotator test, winning rate {rate} at epsilon {epsilon}")
    failed = [f"{quoter.count(artifact, *at, 'failed', state)} {state}" for state in model["failed"]]
    return paragraph(
        Code(model["model"]),
        f" on {feature['feature']}: {'; '.join(told) or 'no figure'}",
        f". Without a prediction, and counted as wrong, are {', '.join(failed)}." if failed else ".",
    )


def _comparisons(quoter: Quoter, artifact: Artifact) -> Iterator[Block]:
    """A sentence on each pair of predictions, with the first of the figures to quote."""
    features = (artifact.made or {})["features"]
    for place, feature in enumerate(features):
        for number, pair in enumerate(feature["comparisons"]):
            at = ("features", place, "comparisons", number)
            names = [difference["name"] for difference in pair["differences"]]
            for figure in [name for name in HEADLINES.get(feature["kind"], ()) if name in names][:1]:
                key = (*at, "differences", names.index(figure), quoted_way(feature))
                text = (
                    f" on {feature['feature']}, {TITLES.get(figure, figure)}: {quoter.figure(artifact, *key)}"
                    f", on {quoter.count(artifact, *at, 'items')} items that both have"
                )
                if (pair.get("mcnemar") or {}).get("p_value") is not None:
                    text += f"; McNemar's test: p {quoter.number(artifact, *at, 'mcnemar', 'p_value')}"
                yield paragraph(Code(pair["first"]), " less ", Code(pair["second"]), text, ".")
    if any(feature["comparisons"] or _over_baseline(feature) for feature in features):
        yield paragraph(
            "Differences of all figures, between predictions and to the best constant answer, are in ",
            Code("tables/comparisons"),
            ".",
        )


def _over_baseline(feature: dict[str, Any]) -> bool:
    return any(model["over_baseline"] for model in feature["models"])


def _without(quoter: Quoter, artifact: Artifact, place: int, figure: str, way: str) -> str:
    """What the first baseline has of a figure."""
    baselines = (artifact.made or {})["features"][place]["baselines"]
    for baseline in baselines[:1]:
        for number, made in enumerate(baseline["figures"]):
            if made["name"] == figure and made[way]["value"] is not None:
                at = ("features", place, "baselines", 0, "figures", number, way, "value")
                # The answer of a baseline may be a number, too.
                said = baseline_name(baseline)
                if baseline["name"] not in ("nothing", "mean"):
                    answer = ("features", place, "baselines", 0, "answer")
                    said = f"always {quoter.value(artifact, *answer)}"
                return f" ({said}: {quoter.number(artifact, *at)})"
    return ""


def prevalence_section(material: Material, quoter: Quoter) -> Iterator[Block]:
    """How frequent labels are in the whole corpus."""
    blocks = [
        block
        for artifact in material.evaluations.values()
        for place, feature in enumerate((artifact.made or {}).get("features", []))
        for number, model in enumerate(feature["models"])
        if (block := _prevalence(quoter, artifact, place, number, model)) is not None
    ]
    if blocks:
        yield Heading(2, "Prevalence in the whole corpus")
        yield paragraph(
            "Shares of labels are corrected by the gold items: within each predicted label the share that"
            " is really of a label, weighted by the number of records with that prediction. Predicted labels"
            " with few gold items are taken together, as is said where it is so."
        )
        yield from blocks


def _prevalence(
    quoter: Quoter, artifact: Artifact, place: int, number: int, model: dict[str, Any]
) -> Block | None:
    prevalence = model["prevalence"]
    if prevalence and prevalence["reason"]:
        why = quoter.value(artifact, "features", place, "models", number, "prevalence", "reason")
        return paragraph(Code(model["model"]), f": no shares are given, for {why}.")
    if not prevalence or not prevalence["labels"] or len(prevalence["labels"]) > _MOST_LABELS:
        return None
    at = ("features", place, "models", number, "prevalence")
    told = []
    for label, made in enumerate(prevalence["labels"]):
        corrected = quoter.figure(artifact, *at, "labels", label, "corrected")
        predicted = quoter.number(artifact, *at, "labels", label, "predicted")
        told.append(f"“{made['label']}” {corrected}, predicted {predicted}")
    feature = (artifact.made or {})["features"][place]["feature"]
    notes = [
        f" {quoter.value(artifact, *at, 'notes', note)}" for note in range(len(prevalence.get("notes") or ()))
    ]
    return paragraph(
        Code(model["model"]),
        f" on {feature}, {quoter.count(artifact, *at, 'records')} records by"
        f" {quoter.count(artifact, *at, 'items')} gold items: {'; '.join(told)}.",
        *notes,
    )


_MOST_LABELS = 12


def heads_section(material: Material, quoter: Quoter) -> Iterator[Block]:
    """Embeddings, and the heads on them."""
    if not material.study.embeddings:
        return
    yield Heading(2, "Embeddings and heads")
    for name, artifact in material.embeddings.items():
        for place, model in enumerate((artifact.made or {}).get("models", [])):
            at = ("models", place)
            yield paragraph(
                "Embedding ",
                Code(name),
                ": model ",
                Code(model_name(model["model"])),
                " (SHA-256 begins with ",
                Code(model["model_sha256"][:12]),
                f"), pooling by {model['pooling']}, {quoter.count(artifact, *at, 'dimension')} dimensions,"
                " at most"
                f" {quoter.count(artifact, *at, 'max_length')} tokens; {quoter.count(artifact, 'embedded')}"
                f" of {quoter.count(artifact, 'rows')} records are embedded,"
                f" {quoter.count(artifact, 'truncated')} of them truncated.",
            )
    for name, artifact in material.heads.items():
        if artifact.made is None:
            yield paragraph("Head ", Code(name), " is not trained yet; see the end of this text.")
            continue
        for target in artifact.made["targets"]:
            yield _head(quoter, artifact, name, target)


def _head(quoter: Quoter, artifact: Artifact, name: str, target: str) -> Block:
    made: dict[str, Any] = artifact.made or {}
    report, settings = made["targets"][target], made["settings"]
    figure = MAIN_FIGURE[report["kind"]]
    counts = [
        f"{quoter.count(artifact, 'targets', target, 'counts', split, 'records')} in {split}"
        for split in report["counts"]
    ]
    learned = [
        value for key, value in settings["labels"].items() if key in ("wave", "stage", "source") and value
    ]
    origin = ", ".join(", ".join(one) if isinstance(one, list) else str(one) for one in learned)
    value = quoter.figure(artifact, "targets", target, "figures", figure)
    parts: list[Inline] = ["Head ", Code(name), f" ({settings['architecture']}) on {target}"]
    parts += [", with labels of ", Code(origin)] if origin else []
    parts.append(
        f": {', '.join(counts)} records; {TITLES.get(figure, figure)} on {made['measured_on']} {value}"
    )
    for baseline in list(report["baselines"])[:1]:
        at = ("targets", target, "baselines", baseline)
        if report["baselines"][baseline]["figures"][figure]["value"] is not None:
            answer = quoter.value(artifact, *at, "answer")
            parts.append(f" (always {answer}: {quoter.number(artifact, *at, 'figures', figure, 'value')})")
    return paragraph(*parts, ".")
