"""Free texts that another stage judges: how many are right, and how well that judge agrees with people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from goldpan.as_json import AsJson
from goldpan.errors import SourceError, StudyError
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.predictions import ABSTAINED, MISSING, NOT_ASKED, OK, read_stage
from goldpan.files import read_json
from goldpan.stages.features import all_features_of_stage
from goldpan.stages.rows import read_features
from goldpan.statistics.figures import Estimate, Figure, figures
from goldpan.statistics.interval import Interval
from goldpan.statistics.joined_measures import PickedMeasures
from goldpan.statistics.label_measures import LabelMeasures
from goldpan.statistics.samples import sample_of_predictions
from goldpan.statistics.sampling_design import equal_design
from goldpan.study.evaluation import Evaluation
from goldpan.study.load import Project
from goldpan.tasks.features import Binary, Feature, Text
from goldpan.tasks.nearest import suggestion
from goldpan.waves.items import item_id

JUDGED_RIGHT = "judged_right"
JUDGE_KAPPA = "judge_cohen_kappa"


@dataclass(frozen=True)
class Judge:
    """Who judges the texts of one feature, and from what.

    Attributes:
        stage, verdict: the judging stage and its yes-or-no feature, of type `verdict`.
        judged, feature: the stage whose texts it judges, and their feature.
        model: the name of that stage in the evaluation.
        measured: the evaluation that holds the judge's verdicts against people's, if there is one.
        name_there: what the judge is called in it.
    """

    stage: str
    verdict: Feature
    judged: str
    feature: Text
    model: str
    measured: str | None = None
    name_there: str = ""


@dataclass(frozen=True)
class JudgedText(AsJson):
    """How a stage's texts were judged. What failed and what was not judged stays in the denominator.

    Attributes:
        feature, model: whose texts.
        judge: `STAGE.FEATURE` of the verdicts.
        items: the records.
        right, wrong: those with such a verdict.
        failed: records without a text, by state.
        not_judged: records with a text and no verdict, by state of the judge's row.
        figures: the share of items that were judged right; of a judge that people have measured its kappa.
        measured: the evaluation that this kappa is from, and the items it rests on.
        verdicts: item id -> whether it counts as right, of all items, as the figure counts them.
    """

    feature: str
    model: str
    judge: str
    items: int
    right: int
    wrong: int
    failed: dict[str, int]
    not_judged: dict[str, int]
    figures: tuple[Figure, ...]
    measured: dict[str, Any] | None = None
    verdicts: dict[str, bool] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; the verdicts stand in the judging stage's own files."""
        return {name: value for name, value in super().as_json().items() if name != "verdicts"}


def judges_of(project: Project, name: str) -> list[Judge]:
    """Who judges which texts in the evaluation `name`.

    Raises:
        StudyError: a text, a verdict or the measurement of a judge is not there, or is none.
        TaskError: a task cannot be loaded.
    """
    study, found = project.study, []
    settings = project.named("evaluation", study.evaluations, name)
    for feature, says in settings.judged.items():
        where = f"evaluations.{name}.judged.{feature}"
        before = study.stages_to(says.stage)[1:]
        model = next((m for m, p in settings.predictions.items() if p.stage in before), None)
        if model is None:
            raise StudyError(
                f"the stage `{says.stage}` follows none of the stages that are evaluated, so it judges none",
                where=where,
                remedy=f"let it follow one: `stages: {says.stage}: {{input: {{stage: …}}}}`",
            )
        stage = settings.predictions[model].stage or ""
        text = _feature_of(project, stage, feature, where)
        if not isinstance(text, Text):
            raise StudyError(
                f"`{feature}` is a {text.type}, which is compared with the right one and not judged",
                where=where,
                remedy="say with `gold` in which field the right one stands",
            )
        verdict = _feature_of(project, says.stage, says.feature, where)
        if not isinstance(verdict, Binary):
            raise StudyError(
                f"`{says.by}` is a {verdict.type}, and a verdict is yes or no",
                where=where,
                remedy="let the judge's task have a binary feature: the text is right",
            )
        found.append(
            Judge(says.stage, verdict, stage, text, model, *_measurement(study.evaluations, says, where))
        )
    return found


def _feature_of(project: Project, stage: str, name: str, where: str) -> Feature:
    known = {feature.name: feature for feature in all_features_of_stage(project, stage)}
    if name not in known:
        raise StudyError(f"stage `{stage}` has no feature `{name}`; {suggestion(name, known)}", where=where)
    return known[name]


def _measurement(evaluations: Mapping[str, Evaluation], says: Any, where: str) -> tuple[str | None, str]:
    if says.measured is None:
        return None, ""
    measuring = evaluations[says.measured]
    names = [model for model, predicted in measuring.predictions.items() if predicted.stage == says.stage]
    if measuring.wave is None or not names:
        raise StudyError(
            f"the evaluation `{says.measured}` does not hold `{says.stage}` against the gold set of a wave",
            where=f"{where}.measured",
            remedy=f"give it a `wave` over the stage, and `predictions: {says.stage}`",
        )
    return says.measured, names[0]


def judge_texts(
    project: Project, judge: Judge, ids: Sequence[str], groups: Mapping[str, str] | None = None
) -> JudgedText:
    """Count a judge's verdicts.

    Args:
        project: whose artifacts are read.
        judge: as `judges_of` has it.
        ids: the item ids of all records.
        groups: item id -> its group, where records may be alike.

    Raises:
        SourceError: what the stages left cannot be read.
    """
    paths, root = project.paths, project.root
    values = {judge.verdict.name: FeatureValues(judge.verdict)}
    verdicts = read_stage(judge.stage, root / paths.features(judge.stage), values, ids)
    states = _text_states(root / paths.features(judge.judged), judge.feature.name)
    right: dict[str, bool] = {}
    failed: Counter[str] = Counter()
    not_judged: Counter[str] = Counter()
    for item in ids:
        state = states.get(item, MISSING)
        verdict = verdicts.of(judge.verdict.name, item)
        if state != OK:
            failed[state] += 1
            right[item] = False
        elif verdict.state == OK and verdict.value is not None:
            right[item] = verdict.value
        else:
            not_judged[ABSTAINED if verdict.state == OK else verdict.state] += 1
            right[item] = False
    found = sum(right.values())
    share = _share(right, groups)
    kappa, measured = _judge_kappa(project, judge)
    return JudgedText(
        feature=judge.feature.name,
        model=judge.model,
        judge=f"{judge.stage}.{judge.verdict.name}",
        items=len(ids),
        right=found,
        wrong=len(right) - found - failed.total() - not_judged.total(),
        failed=dict(sorted(failed.items())),
        not_judged=dict(sorted(not_judged.items())),
        figures=(Figure(JUDGED_RIGHT, share, share), *kappa),
        measured=measured,
        verdicts=right,
    )


def _text_states(path: Path, feature: str) -> dict[str, str]:
    return {
        item_id(row["id"]): NOT_ASKED
        if row["state"] == OK and feature not in row["features"]
        else row["state"]
        for _, row in read_features(path)
    }


def _share(right: Mapping[str, bool], groups: Mapping[str, str] | None) -> Estimate:
    if not right:
        return Estimate(None, None, "no item was judged")
    design = equal_design(len(right), None if groups is None else [groups[item] for item in right])
    codes = np.array([[1, is_right] for is_right in right.values()], dtype=np.int64)
    sample = sample_of_predictions(codes, design, np.array([1]))
    (share,) = figures(sample, PickedMeasures(LabelMeasures(sample.codes, 2), ("accuracy",)))
    return share.raw


def _judge_kappa(project: Project, judge: Judge) -> tuple[tuple[Figure, ...], dict[str, Any] | None]:
    """Cohen's kappa of a judge with people, as the evaluation that measured it says."""
    if judge.measured is None:
        return (), None
    path = project.root / project.paths.evaluation(judge.measured, "json")
    if not path.exists():
        # The sheets of its wave have not come back; once they have, the rule makes this evaluation anew.
        return (), None
    try:
        (feature,) = [of for of in read_json(path)["features"] if of["feature"] == judge.verdict.name]
        (model,) = [of for of in feature["models"] if of["model"] == judge.name_there]
        (found,) = [figure for figure in model["figures"] if figure["name"] == "cohen_kappa"]
        # The wave may have drawn rare verdicts more often: then only the weighted kappa is the judge's own.
        kappa = found["weighted"]
        interval = Interval(**kappa["interval"]) if kappa["interval"] else None
        estimate = Estimate(kappa["value"], interval, kappa.get("reason"))
        evaluated = feature["items"]["evaluated"]
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(
            f"does not say how well `{judge.stage}` judges `{judge.verdict.name}`: {error!r}",
            where=str(path),
            remedy="let the wave ask people for this feature; or leave `measured` out",
        ) from None
    measured = {"evaluation": judge.measured, "items": evaluated}
    return (Figure(JUDGE_KAPPA, estimate, estimate),), measured
