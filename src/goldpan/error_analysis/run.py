"""One error analysis of a project, from the files it reads to the files it leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from goldpan.error_analysis.calibration import calibration_errors
from goldpan.error_analysis.clusters import error_clusters
from goldpan.error_analysis.confusion import confusion_pairs
from goldpan.error_analysis.instability import unstable_rows
from goldpan.error_analysis.page import errors_page
from goldpan.error_analysis.reading import AnalysedEvaluation, AnalysedModel, read_analysed
from goldpan.error_analysis.report import ErrorReport, FeatureErrors, ModelErrors, alpha_of_each_test
from goldpan.error_analysis.rows import write_listed_rows
from goldpan.error_analysis.slices import error_rate, worst_slices
from goldpan.error_analysis.suspects import CONFIDENT_LEARNING, suspected_labels
from goldpan.error_analysis.targets import target_lists
from goldpan.evaluation.evaluate import gold_hash, model_source
from goldpan.evaluation.predictions import OK
from goldpan.files import write_bytes, write_json
from goldpan.report_provenance import ReportInput, ReportProvenance
from goldpan.statistics.bootstrap import REPLICATES
from goldpan.statistics.references import references_of
from goldpan.statistics.samples import SEED
from goldpan.study.error_analysis import ErrorAnalysis
from goldpan.study.evaluation import Evaluation
from goldpan.study.load import Project


def analyse_errors_in_project(project: Project, name: str) -> ErrorReport:
    """Write the JSON, the page and the table of rows of the error analysis `name`.

    The JSON also has what a wave draws rows by (`targets`).

    Raises:
        StudyError: the study has no such analysis, or a feature or field is not there.
        SourceError, ReconciliationError: the files it reads do not fit together.
    """
    analysis = project.named("error analysis", project.study.errors, name)
    report = analyse_errors(name, analysis, read_analysed(project, name))
    paths, root = project.paths, project.root
    write_listed_rows(root / paths.errors(name, "csv"), report.listed())
    write_bytes(root / paths.errors(name, "html"), errors_page(report).encode())
    write_json(root / paths.errors(name, "json"), {**report.as_json(), "targets": target_lists(report)})
    return report


def analyse_errors(name: str, analysis: ErrorAnalysis, analysed: AnalysedEvaluation) -> ErrorReport:
    """Look where predictions are wrong. The same rows give the same report.

    Args:
        name: of the analysis.
        analysis: what the study says.
        analysed: the evaluated rows, and all answers of the stages.
    """
    models = max((len(of_feature) for of_feature in analysed.features.values()), default=1)
    alpha = alpha_of_each_test(analysis.alpha, models, len(analysed.features))
    features = tuple(
        _feature_errors(feature, of_feature, analysis, analysed, alpha)
        for feature, of_feature in analysed.features.items()
    )
    return ErrorReport(
        name=name,
        evaluation=analysis.evaluation or name,
        gold=_gold(analysed.settings),
        alpha=analysis.alpha,
        each_alpha=alpha,
        features=features,
        notes=analysed.notes,
        provenance=_provenance(analysis, analysed, features),
    )


def _feature_errors(
    feature: str,
    models: Sequence[AnalysedModel],
    analysis: ErrorAnalysis,
    analysed: AnalysedEvaluation,
    alpha: float,
) -> FeatureErrors:
    values = analysed.data.values[feature]
    silent = {model.name for model in analysed.data.models if not model.covers(feature)}
    return FeatureErrors(
        feature=feature,
        type=values.feature.type,
        models=tuple(_model_errors(model, analysis, analysed, alpha) for model in models),
        suspects=suspected_labels([model.items for model in models], analysis, alpha),
        notes=tuple(f"{model} does not predict this feature." for model in sorted(silent)),
    )


def _model_errors(
    model: AnalysedModel, analysis: ErrorAnalysis, analysed: AnalysedEvaluation, alpha: float
) -> ModelErrors:
    items = model.items.items
    return ModelErrors(
        model=model.items.model,
        items=len(items),
        wrong=sum(not item.is_right for item in items),
        failed=dict(sorted(Counter(item.state for item in items if item.state != OK).items())),
        error_rate=error_rate(items),
        slices=worst_slices(model.items, analysis, alpha),
        confusion=confusion_pairs(model.items, analysis),
        clusters=error_clusters(model.items, analysis, alpha, analysed.embeddings, analysed.embedding_group),
        calibration=calibration_errors(model.items, alpha),
        instability=unstable_rows(model.items, model.values, model.answers, model.paraphrases, analysis),
    )


def _gold(settings: Evaluation) -> str:
    if settings.source:
        return f"the labels in fields of {', '.join(settings.source)}"
    splits = "" if settings.split == "all" else f" ({', '.join(settings.split)})"
    return f"the gold set of wave {settings.wave}{splits}"


def _provenance(
    analysis: ErrorAnalysis, analysed: AnalysedEvaluation, features: Sequence[FeatureErrors]
) -> ReportProvenance:
    inputs = [ReportInput("gold items", gold_hash(analysed.data.data.items.values()))]
    for model in analysed.data.models:
        if model.name in (analysis.predictions or analysed.settings.predictions):
            source = model_source(model, analysed.settings, analysed.summaries.get(model.name))
            inputs += source.inputs()
    seed = f"{SEED}; of permutations {analysis.seed}"
    return ReportProvenance(tuple(inputs), REPLICATES, seed, references_of(set(_methods(features))))


def _methods(features: Sequence[FeatureErrors]) -> Iterator[str]:
    yield from ("clopper_pearson", "newcombe")
    for feature in features:
        if feature.suspects.method == CONFIDENT_LEARNING:
            yield "confident_learning"
        for model in feature.models:
            if model.clusters.method:
                yield "scan"
            if model.slices.method:
                is_grouped = "groups" in model.slices.method
                yield "many_shares_of_groups" if is_grouped else "many_shares"
            if model.calibration.calibration is not None:
                yield from ("calibration", "brier")
