"""Reports of error analyses made by hand, for what shows them."""

from __future__ import annotations

from goldpan.error_analysis.items import Listed
from goldpan.error_analysis.parts import (
    CalibrationErrors,
    ConfusedPair,
    ConfusionPairs,
    ErrorCluster,
    ErrorClusters,
    Instability,
    InstabilitySource,
    OverconfidentBin,
    Slice,
    Slices,
    SuspectedLabel,
    SuspectedLabels,
)
from goldpan.error_analysis.report import ErrorReport, FeatureErrors, ModelErrors
from goldpan.evaluation.calibration import Bin, Calibration
from goldpan.evaluation.report import Confusion
from goldpan.records.record_slice import RecordSlice
from goldpan.report_provenance import ReportInput, ReportProvenance
from goldpan.statistics.figures import Estimate, Figure
from goldpan.statistics.interval import clopper_pearson_interval

PROVENANCE = ReportProvenance(
    (ReportInput("gold.csv", "0123456789abcdef" * 4, "2026-01-31"),), 2000, "7", ("Northcutt et al. 2021",)
)
SENTENCE = "The delivery came three weeks late, and nobody answered when I called about it. "
LONG_WORD = "Donaudampfschifffahrtsgesellschaft" * 4
LABELS = ("positive", "negative", "mixed feelings", "neither of these")
HOSTILE = "<script>window.stolen = 1</script><img src=x onerror='window.stolen = 1'>\"&"


def share(part: int, whole: int) -> Estimate:
    """A share with its interval."""
    return Estimate(part / whole, clopper_pearson_interval(part, whole))


def listed(list_: str, name: str, number: int, **changes: object) -> Listed:
    """A row of a list, every third with a long text."""
    text = SENTENCE * (30 if number % 3 == 0 else 2) + f"End of text {number}."
    fields = {"text": text, "meta.channel": "mail", "url": f"https://example.org/{LONG_WORD}/{number}"}
    values: dict[str, object] = {
        "list": list_,
        "name": name,
        "feature": "tone",
        "model": "gpt",
        "item_id": f"item-{number:04}",
        "id": f"reviews/2024/{number}",
        "gold": LABELS[number % 4],
        "predicted": LABELS[(number + 1) % 4],
        "score": 1 / (1 + number),
        "why": f"the model is sure (0.9{number % 10}), and the gold says otherwise",
        "fields": fields,
    }
    return Listed(**(values | changes))  # type: ignore[arg-type]


def a_slice(value: str, wrong: int, items: int, p_adjusted: float, **changes: object) -> Slice:
    """A slice among 400 rows, 80 of them wrong."""
    return Slice(
        condition=RecordSlice("data.topic", "value", value),
        items=items,
        wrong=wrong,
        error_rate=share(wrong, items),
        outside=share(80 - wrong, 400 - items),
        difference=Estimate(wrong / items - (80 - wrong) / (400 - items)),
        p_adjusted=p_adjusted,
        is_significant=p_adjusted < 0.01,
        **changes,  # type: ignore[arg-type]
    )


def model_errors(model: str = "gpt", hostile: str = "sport") -> ModelErrors:
    """A model with something in each part."""
    slices = (
        a_slice("delivery", 30, 60, 0.0004, aliases=("channel: mail", f"url: {LONG_WORD}")),
        a_slice(hostile, 22, 50, 0.003),
        *(a_slice(f"topic number {number}", 8 - number, 30, 0.2 + number / 10) for number in range(6)),
    )
    counts = ((90, 3, 2, 0, 1), (12, 85, 9, 1, 0), (8, 14, 70, 4, 2), (1, 3, 9, 80, 6))
    pairs = (
        ("negative", "positive", 12, 107),
        ("mixed feelings", "negative", 14, 98),
        (hostile, "none", 2, 9),
    )
    bins = tuple(
        Bin(place / 10, (place + 1) / 10, 20 + 10 * place, place / 10 + 0.05, share(4 + place, 14 + place))
        for place in range(3, 10)
    )
    brier = Figure("brier", share(20, 100), share(20, 100))
    unsure = Estimate(0.2, reason="no interval: 3 items, 5 are needed")
    return ModelErrors(
        model=model,
        items=400,
        wrong=80,
        failed={"refused": 3, "invalid": 6},
        error_rate=share(80, 400),
        slices=Slices(
            finding="2 of 41 slices are worse than elsewhere; the worst is topic: delivery.",
            notes=("Slices of two fields are not looked at.",),
            slices=slices,
            looked_at=41,
            overall=share(80, 400),
            alpha=0.01,
            method="Permutation of right and wrong over rows, 10,000 times; the statistic is the largest.",
            rows=tuple(
                listed("slices", name, number)
                for name, count in (("topic: delivery", 30), (f"topic: {hostile}", 4))
                for number in range(count)
            ),
        ),
        confusion=ConfusionPairs(
            finding="negative is taken for positive 12 times.",
            pairs=tuple(
                ConfusedPair(gold=gold, predicted=said, items=items, of_gold=all_, share=share(items, all_))
                for gold, said, items, all_ in pairs
            ),
            matrix=Confusion(LABELS, (*LABELS, "(no prediction)"), counts),
            rows=tuple(
                listed("confusion", f"{gold} -> {said}", number, gold=gold, predicted=said)
                for gold, said, items, _ in pairs
                for number in range(min(items, 5))
            ),
        ),
        clusters=ErrorClusters(
            finding="Wrong rows form 2 groups.",
            clusters=tuple(
                ErrorCluster(
                    name=" · ".join(words),
                    words=words,
                    items=9,
                    examples=(),
                    near=14,
                    error_rate=share(9, 14),
                )
                for words in (("late", "delivery", "courier"), (hostile, LONG_WORD))
            ),
            by="words (TF-IDF)",
            alone=31,
            p_value=0.0005,
            alpha=0.01,
            method="k-means of TF-IDF vectors; the number of groups has the largest silhouette.",
            rows=tuple(listed("clusters", "late · delivery · courier", number) for number in range(9)),
        ),
        calibration=CalibrationErrors(
            finding="The model is surer than it is right from 0.9 on.",
            calibration=Calibration(300, 100, 0.12, 0.03, 0.001, brier, bins),
            overconfident=(
                OverconfidentBin(bin=bins[-1], gap=0.38, p_adjusted=0.0001, is_significant=True),
                OverconfidentBin(bin=bins[0], gap=0.05, p_adjusted=0.6, is_significant=False),
            ),
        ),
        instability=Instability(
            finding="Of 1,200 rows 84 have answers that differ.",
            sources=(
                InstabilitySource(name="samples", compared=1200, unstable=60, share=share(60, 1200)),
                InstabilitySource(
                    name="in_other_words", compared=1180, unstable=40, share=share(40, 1180), unjoined=20
                ),
            ),
            compared=1200,
            unstable=84,
            share=share(84, 1200),
            wrong_if_unstable=share(20, 30),
            wrong_if_stable=unsure,
            rows=tuple(
                listed("unstable", "", number, gold="" if number % 2 else LABELS[0]) for number in range(25)
            ),
        ),
    )


def nothing_found(model: str) -> ModelErrors:
    """A model of which nothing could be looked at, or nothing was found."""
    no_confidence = {"finding": "Not looked at: no confidence is known.", "reason": "no confidence is known"}
    return ModelErrors(
        model=model,
        items=400,
        wrong=0,
        failed={},
        error_rate=Estimate(0.0, clopper_pearson_interval(0, 400)),
        slices=Slices(finding="No slice is worse than elsewhere.", looked_at=41, overall=share(0, 400)),
        confusion=ConfusionPairs(finding="No row is wrong."),
        clusters=ErrorClusters(finding="Too few rows are wrong.", reason="0 wrong rows, 10 are needed"),
        calibration=CalibrationErrors(**no_confidence),
        instability=Instability(finding="No row has several answers.", reason="every row has one answer"),
    )


def error_report(hostile: str = "sport") -> ErrorReport:
    """Two models of one feature with everything, and one of another feature with nothing."""
    rows = tuple(
        listed(
            "suspects", "", number, model="", gold="negative", predicted="positive", why=f"{hostile} {number}"
        )
        for number in range(6)
    )
    suspects = SuspectedLabels(
        finding="6 of 400 gold labels are doubtful.",
        suspects=tuple(
            SuspectedLabel(
                item_id=row.item_id,
                id=row.id,
                gold=row.gold,
                suggested="positive",
                score=row.score,
                why=row.why,
            )
            for row in rows
        ),
        method="confident learning",
        models=("gpt", "head"),
        looked_at=400,
        expected=0.4,
        p_value=0.0002,
        alpha=0.01,
        rows=rows,
    )
    return ErrorReport(
        name="reviews",
        evaluation="reviews",
        gold="the gold set of wave first, splits dev, test",
        alpha=0.05,
        each_alpha=0.05 / 11,
        features=(
            FeatureErrors(
                feature="tone",
                type="classification",
                models=(model_errors("gpt", hostile), model_errors("head_of_embeddings", hostile)),
                suspects=suspects,
                notes=(f"9 gold items are gone from the sources: {hostile}",),
            ),
            FeatureErrors(
                feature="is_complaint",
                type="binary",
                models=(nothing_found("gpt"),),
                suspects=SuspectedLabels(finding="No gold label is doubtful.", looked_at=400),
            ),
        ),
        notes=("gpt is goldpan's built-in baseline annotator; its figures are those of no LLM.",),
        provenance=PROVENANCE,
    )


def report_of_nothing() -> ErrorReport:
    """An analysis that found nothing."""
    whole = error_report()
    return ErrorReport(
        name="reviews",
        evaluation="reviews",
        gold=whole.gold,
        alpha=0.05,
        each_alpha=0.05 / 4,
        features=whole.features[1:],
        provenance=PROVENANCE,
    )
