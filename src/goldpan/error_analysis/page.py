"""The error analysis as a self-contained HTML page: what was found where, and the rows to look at."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan import dot_plot
from goldpan.error_analysis import page_parts, page_rows
from goldpan.error_analysis.page_parts import PARTS, finding, part_anchor, suspects_part
from goldpan.error_analysis.report import ErrorReport, FeatureErrors, ModelErrors
from goldpan.evaluation.formatting import estimate
from goldpan.html import Markup, element, page, table, with_contents
from goldpan.report_provenance import provenance_section


def errors_page(report: ErrorReport) -> str:
    """The page as text; the same report gives the same bytes.

    It links to the table of rows and the JSON by their names, which lie beside it.
    """
    heading, table_file = f"Errors: {report.name}", f"{report.name}.csv"
    body: list[Markup] = [element("h1", heading), element("p", _what(report))]
    body += [element("p", note, class_="warn") for note in report.notes]
    files = (element("a", name, href=name) for name in (table_file, f"{report.name}.json"))
    body.append(element("p", "All rows that are listed, with their ids: ", next(files)))
    body.append(element("p", "All figures: ", next(files)))
    body += [element("h2", "Overview"), *_overview(report)]
    for feature in report.features:
        body += _feature(feature, table_file)
    body += [*_methods(report), *provenance_section(report.provenance)]
    return page(heading, with_contents(body), style=dot_plot.STYLE + page_rows.STYLE + page_parts.STYLE)


def _what(report: ErrorReport) -> str:
    return (
        f"Where the predictions of evaluation {report.evaluation} are wrong, held against {report.gold}. A"
        " prediction that failed counts as wrong."
    )


def _overview(report: ErrorReport) -> Iterator[Markup]:
    if not report.has_findings:
        yield element(
            "p",
            element("b", "No test found anything: "),
            "no slice is worse than elsewhere, no mistakes lie together, no gold label is doubtful and no"
            " confidence too high, beyond what chance does. Such a search may also be too small to see what"
            " is there.",
        )
    rows = [_overview_row(feature, model) for feature in report.features for model in feature.models]
    header = ["Feature", "Model", "Rows", "Wrong", "Error rate", "Slices", "Confused pairs", "Clusters"]
    yield table(
        [*header, "Bins too sure", "Unstable rows", "Doubtful gold"],
        rows,
        caption="What was found; a dash where it could not be looked for. Error rates with 95 % intervals",
        text_columns=2,
    )


def _overview_row(feature: FeatureErrors, model: ModelErrors) -> list[Markup | str]:
    """A line of the overview; its counts lead to the parts."""
    suspects, overconfident = feature.suspects, model.calibration.overconfident
    counts = {
        "slices": len(model.slices.significant),
        "confusion": len(model.confusion.pairs),
        "clusters": len(model.clusters.clusters),
        "calibration": sum(known.is_significant for known in overconfident),
        "instability": model.instability.unstable,
    }
    return [
        element("a", feature.feature, href=f"#{part_anchor('feature', feature)}"),
        model.model,
        f"{model.items:,}",
        f"{model.wrong:,}",
        estimate(model.error_rate),
        *(
            _count(getattr(model, part).reason, counts[part], part_anchor(part, feature, model))
            for part in PARTS
        ),
        _count(suspects.reason, len(suspects.suspects), part_anchor("suspects", feature)),
    ]


def _count(reason: str | None, count: int, target: str) -> Markup:
    return element("a", "–" if reason is not None else f"{count:,}", href=f"#{target}")


def _feature(feature: FeatureErrors, table_file: str) -> Iterator[Markup]:
    yield element("h2", feature.feature, id=part_anchor("feature", feature))
    for note in feature.notes:
        yield element("p", note, class_="warn")
    if not feature.models:
        yield element("p", "No predictions of it were evaluated.")
    for model in feature.models:
        yield element("h3", model.model, id=part_anchor("model", feature, model))
        yield element("p", _wrong(model))
        for name, (title, show) in PARTS.items():
            yield element("h4", title, id=part_anchor(name, feature, model))
            part = getattr(model, name)
            yield from finding(part)
            yield from show(part, table_file)
    yield element("h3", "Doubtful gold labels", id=part_anchor("suspects", feature))
    yield from finding(feature.suspects)
    yield from suspects_part(feature.suspects, table_file)


def _wrong(model: ModelErrors) -> str:
    said = f"{model.wrong:,} of {model.items:,} evaluated rows are wrong: {estimate(model.error_rate)}."
    if model.failed:
        states = ", ".join(f"{state} {count:,}" for state, count in model.failed.items())
        said += f" {sum(model.failed.values()):,} of them have no prediction ({states})."
    return said


def _methods(report: ErrorReport) -> Iterator[Markup]:
    yield element("h2", "How it is found")
    for text in (
        f"Each test finds something where nothing is in at most {100 * report.each_alpha:.3g} % of cases, so"
        f" that the whole analysis does in at most {100 * report.alpha:.3g} %: slices, clusters and"
        " calibration of each model are tested, and the doubtful gold labels of each feature. Pairs of labels"
        " and unstable rows are counted, not tested.",
        "Figures of a slice or a cluster that was found for being the worst of many are worse than they will"
        " be on other rows. Intervals of single slices are not corrected for having looked at many; the p"
        " value is.",
        "What is listed here was chosen for being wrong or doubtful. A wave that is drawn from it is a"
        " targeted sample: its figures speak of its own rows and are not weighted up to the corpus.",
    ):
        yield element("p", text)
    for text in dict.fromkeys(_how_tested(report)):
        yield element("p", f"{text.rstrip('.')}.")


def _how_tested(report: ErrorReport) -> Iterator[str]:
    for feature in report.features:
        for model in feature.models:
            yield from filter(None, (model.slices.method, model.clusters.method))
