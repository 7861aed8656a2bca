"""One evaluation of a project, from the files it reads to the files it leaves."""

from __future__ import annotations

from goldpan.evaluation.evaluate import EvaluationInputs, EvaluationOutputs, evaluate_files
from goldpan.evaluation.files import predicted_files
from goldpan.evaluation.report import EvaluationReport
from goldpan.records.limit import trial_of
from goldpan.records.splits import SPLITS
from goldpan.study.load import Project
from goldpan.waves.steps.run import WaveRun


def evaluate_in_project(project: Project, name: str) -> EvaluationReport:
    """Write the JSON, the page and the table of mistakes of the evaluation `name`.

    Raises:
        StudyError: the study has no such evaluation.
        SourceError, ReconciliationError: the files it reads do not fit together.
    """
    settings = project.named("evaluation", project.study.evaluations, name)
    root, paths, wave = project.root, project.paths, settings.wave
    inputs = EvaluationInputs(
        gold=[root / paths.gold(wave, f"{split}.jsonl") for split in SPLITS],
        predictions={
            model: [root / path for path in predicted_files(project, predicted)]
            for model, predicted in settings.predictions.items()
        },
        summaries={
            model: root / paths.summary(predicted.stage)
            for model, predicted in settings.predictions.items()
            if predicted.stage is not None
        },
        sample=root / paths.sample(wave),
        merged=root / paths.merged(wave),
        trials={
            model: trial
            for model, predicted in settings.predictions.items()
            if (trial := trial_of(project, project.study.sources_predicted(predicted)))
        },
    )
    outputs = EvaluationOutputs(
        json=root / paths.evaluation(name, "json"),
        html=root / paths.evaluation(name, "html"),
        errors=root / paths.evaluation(name, "errors.csv"),
    )
    return evaluate_files(name, settings, WaveRun(project, wave).codebook.by_name, inputs, outputs)
