"""The evaluation as a self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goldpan.evaluation.feature_section import anchor, feature_section
from goldpan.evaluation.formatting import HEADLINES, KINDS, figure_title, money, quoted
from goldpan.evaluation.judged import JUDGE_KAPPA, JUDGED_RIGHT, JudgedText
from goldpan.evaluation.pictures import STYLE
from goldpan.evaluation.report import EvaluationReport, FeatureEvaluation, ModelEvaluation, ModelSource
from goldpan.html import Markup, element, page, table, with_contents
from goldpan.report_provenance import provenance_section
from goldpan.statistics.figures import Figure, figure
from goldpan.statistics.samples import FEWEST_UNITS
from goldpan.statistics.scales import value_text


def evaluation_page(report: EvaluationReport, mistakes: int) -> str:
    """The page as text; the same report gives the same bytes.

    Args:
        report: what was found.
        mistakes: how many mistakes of each model to show for a feature.
    """
    heading = f"Evaluation: {report.name}"
    body: list[Markup] = [element("h1", heading), element("p", _what(report))]
    body += [element("p", note, class_="warn") for note in _warnings(report)]
    body += _overview(report.features)
    for feature in report.features:
        body += feature_section(feature, mistakes)
    body += _judged(report.judged)
    body += [element("h2", "Where the numbers come from"), _sources(report)]
    body += _methods()
    body += provenance_section(report.provenance)
    return page(heading, with_contents(body), style=STYLE)


def _what(report: EvaluationReport) -> str:
    models = ", ".join(source.model for source in report.sources)
    if report.gold_fields:
        fields = ", ".join(f"{name}: {field}" for name, field in report.gold_fields.fields.items())
        sources = ", ".join(report.gold_fields.sources)
        if not fields:
            return f"{models} on the records of {sources}, as another stage judges; {report.drawn:,} records."
        text = (
            f"{models} against labels that the records of {sources} have in"
            f" their own fields ({fields}); {report.drawn:,} records."
        )
        if report.without_any_label:
            text += f" {report.without_any_label:,} of them have no label and are not evaluated."
        return text
    text = (
        f"{models} against the gold set of wave {report.wave}, split {', '.join(report.splits)};"
        f" {report.drawn:,} items were drawn."
    )
    if report.without_any_label:
        text += f" {report.without_any_label:,} of them have no gold label at all."
    if report.look is not None:
        text += f" This is look number {report.look:,} at the test split: {_LOOKS[report.look > 1]}."
    return text


_LOOKS = {
    False: "nobody has seen figures of it before",
    True: "whoever chose by an earlier one has figures here that are a little too good",
}
"""What a look at the test split means, by whether there were others before."""


def _warnings(report: EvaluationReport) -> Iterator[str]:
    yield from report.notes
    for source in report.sources:
        if source.is_baseline:
            yield (
                f"{source.model} is goldpan's built-in baseline annotator, which is there to try things out;"
                " its figures are those of no LLM."
            )


def _overview(features: Sequence[FeatureEvaluation]) -> Iterator[Markup]:
    """One table for each kind of feature."""
    for kind in HEADLINES:
        some = [feature for feature in features if feature.kind == kind and feature.models]
        for group, is_binary in (
            ([feature for feature in some if feature.type == "binary"], True),
            ([feature for feature in some if feature.type != "binary"], False),
        ):
            if group:
                yield _overview_of(group, "Yes or no" if is_binary else KINDS[kind], is_binary)


def _overview_of(features: Sequence[FeatureEvaluation], kind: str, is_binary: bool) -> Markup:
    names = HEADLINES[features[0].kind]
    of_yes = ("precision", "recall", "f1") if is_binary else ()
    rows = []
    for feature in features:
        weighted = feature.items.is_weighted
        # Of scores the last is the mean, which is the harder one to beat.
        baseline = figure(feature.baselines[-1].figures, names[0])
        for model in feature.models:
            link = element("a", feature.feature, href=f"#{anchor(feature.feature)}")
            rows.append(
                [
                    link,
                    model.model,
                    f"{feature.items.evaluated:,}",
                    quoted(model.figure(names[0]), weighted),
                    quoted(baseline, weighted).partition(" ")[0],
                    *(quoted(_of_label(model, value_text(True), name), weighted) for name in of_yes),
                    *(
                        quoted(model.figure(name), weighted)
                        for name in names[1:]
                        if not is_binary or name != "f1_macro"
                    ),
                ]
            )
    header = [
        "Feature",
        "Model",
        "Items",
        figure_title(names[0]),
        "Baseline",
        *(f"{figure_title(name)} of yes" for name in of_yes),
        *(figure_title(name) for name in names[1:] if not is_binary or name != "f1_macro"),
    ]
    return table(header, rows, caption=f"{kind}: figures with 95 % intervals", text_columns=2)


def _of_label(model: ModelEvaluation, label: str, name: str) -> Figure | None:
    of_label = next((known for known in model.labels if known.label == label), None)
    return None if of_label is None else figure(of_label.figures, name)


def _judged(texts: Sequence[JudgedText]) -> Iterator[Markup]:
    """Free texts, with what another stage says of them and what people say of that stage."""
    if not texts:
        return
    yield element("h2", "Judged by another stage")
    yield element(
        "p",
        "Whether a text is right is said by another model. What failed, and what was not judged, counts as"
        " not right. The figure is as good as its judge: that one's kappa with people stands beside it.",
    )
    rows = []
    for text in texts:
        kappa = figure(text.figures, JUDGE_KAPPA)
        people = "nobody has measured it"
        if kappa is not None and text.measured is not None:
            people = f"{quoted(kappa, False)} ({text.measured['items']:,} items)"
        counts = [f"{text.right:,}", f"{text.wrong:,}", _counted(text.failed), _counted(text.not_judged)]
        share = quoted(figure(text.figures, JUDGED_RIGHT), False)
        rows.append([text.feature, text.model, text.judge, people, f"{text.items:,}", share, *counts])
    header = ["Feature", "Model", "Judge", "The judge's kappa", "Items", figure_title(JUDGED_RIGHT)]
    yield table([*header, "Right", "Wrong", "Failed", "Not judged"], rows, text_columns=4)


def _sources(report: EvaluationReport) -> Markup:
    rows = [
        [
            source.model,
            f"{source.kind} {source.source}",
            _counted(source.answered_by),
            _counted(source.states),
            ", ".join(f"{task} {hash_[:12]}" for task, hash_ in source.tasks.items()),
            money(source.cost_usd),
            money(source.cost_per_record_usd),
            _tokens(source),
        ]
        for source in report.sources
    ]
    header = ["Model", "From", "Answered by", "Records by state", "Task", "Cost", "Cost per record", "Tokens"]
    return table(header, rows, text_columns=5)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _tokens(source: ModelSource) -> str:
    return " + ".join(f"{count:,}" for count in source.tokens.values()) or "–"


def _methods() -> Iterator[Markup]:
    yield element("h2", "How the numbers are made")
    for text in (
        "Predictions are joined to the gold set by item id. A prediction that failed, was refused, is missing"
        " or abstains where that is no label counts as wrong; for errors of scores it counts as far off as"
        " one can be, and Spearman's rho and the bias leave it out. Items whose gold label an LLM decided are"
        " left out.",
        "Weighted figures give each item the inverse of its inclusion probability (Horvitz and Thompson 1952;"
        " Hajek 1971); items of a stratum that cannot be used are made up for by the others of that stratum."
        " Without weights, a sample that holds rare answers more often than the corpus does gives the wrong"
        " recall.",
        "Intervals at 95 %: shares of items that weigh the same, and F1 of one label, have that of Clopper"
        " and Pearson (1934), all else that of a stratified bootstrap over items (Rao and Wu 1988) with two"
        " pseudo-items and expanded percentiles (Hesterberg 2015). Figures of fewer than"
        f" {FEWEST_UNITS} items have none. They say how far another sample of items would move a figure, not"
        " how far other annotators would. Differences of models come from the same resampled items.",
        "Macro figures are means over the labels that occur in gold or predictions; the precision of a label"
        " that is never predicted counts as 0 in them. The baselines are found on the evaluated items.",
        "Prevalence is post-stratified by the predicted label (Tenenbein 1970), with intervals after Zou,"
        " Huang and Zhang (2009). The alternative annotator test is that of Calderon, Reichart and Dror"
        " (2025).",
    ):
        yield element("p", text)
