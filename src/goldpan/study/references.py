"""Names in a study lead to what they name; checked once all parts of the study are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from goldpan.study.filter_references import check_filters, made_from
from goldpan.study.finetune import TRAINED_FORMATS
from goldpan.study.provider import OwnModelSettings
from goldpan.study.stage import Stage
from goldpan.study.stage_input import PARENT
from goldpan.study.targeted_waves import check_targeted_waves

if TYPE_CHECKING:
    from goldpan.study.error_analysis import ErrorAnalysis
    from goldpan.study.evaluation import Evaluation
    from goldpan.study.export import Export
    from goldpan.study.finetune import FineTune
    from goldpan.study.model import Study
    from goldpan.study.optimised import Optimised


def check_references(study: Study) -> None:
    """Check that every name in a study is there, and that what it names can be used so.

    Raises:
        ValueError: a line for each that is not so, with the place, the name, and the names there are.
    """
    wrong: list[str] = []
    _check_stages(study, wrong)
    _check_models(study, wrong)
    folders: dict[str, str] = {}
    for name, wave in study.waves.items():
        if wave.stage is not None:
            _check("stage", wave.stage, study.stages, f"waves.{name}.stage", wrong)
        if wave.among is not None:
            place = f"waves.{name}.among"
            _check("error analysis", wave.among.errors or "", study.errors, f"{place}.errors", wrong)
        for source in wave.from_.source if wave.from_ else []:
            _check("source", source, study.sources, f"waves.{name}.from.source", wrong)
        other = folders.setdefault(wave.draw_file(study.study, name), name)
        if other != name:
            wrong.append(
                f"waves.{name}.annotations: the wave `{other}` has the same folder; give each its own"
            )
    for name, embedding in study.embeddings.items():
        for source in embedding.source:
            _check("source", source, study.sources, f"embeddings.{name}.source", wrong)
    _check_heads(study, wrong)
    _check_annotated(study, wrong)
    _check_evaluations(study, wrong)
    for name, errors in study.errors.items():
        _check_errors(study, name, errors, wrong)
    for name, optimised in study.optimised.items():
        _check_optimised(study, name, optimised, wrong)
    for name, export in study.exports.items():
        _check_export(study, name, export, wrong)
    for name, finetune in study.finetunes.items():
        _check_finetune(study, f"finetunes.{name}", finetune, wrong)
    for name, table in study.tables.items():
        _check("stage", table.stage, study.stages, f"tables.{name}.stage", wrong)
    # Known only where all names lead somewhere.
    wrong += check_filters(study) if not wrong else ()
    if not wrong:
        check_targeted_waves(study, wrong)
    if wrong:
        raise ValueError("\n  ".join(wrong))


def _check_finetune(study: Study, place: str, finetune: FineTune, wrong: list[str]) -> None:
    _check("export", finetune.export, study.exports, f"{place}.export", wrong)
    export = study.exports.get(finetune.export)
    if export is not None and export.format not in TRAINED_FORMATS:
        wrong.append(
            f"{place}.export: `{finetune.export}` has `format: {export.format}`, which is for other programs;"
            f" a model is fine-tuned here on {', '.join(TRAINED_FORMATS)}"
        )


def _check_stages(study: Study, wrong: list[str]) -> None:
    earlier: set[str] = set()
    for name, stage in study.stages.items():
        for source in stage.input.source or []:
            _check("source", source, study.sources, f"stages.{name}.input.source", wrong)
        for before in stage.input.stages:
            if before in earlier:
                continue
            if before in study.stages:
                wrong.append(f"stages.{name}.input.stage: `{before}` must stand before `{name}`")
            else:
                _check("stage", before, earlier, f"stages.{name}.input.stage", wrong)
        if _leads_to_sources(study, name):
            _check_parts(study, name, wrong)
            _check_tables(study, name, wrong)
        if isinstance(stage, Stage):
            _check("provider", stage.provider, study.providers, f"stages.{name}.provider", wrong)
        earlier.add(name)


def _check_models(study: Study, wrong: list[str]) -> None:
    """Whether each stage has a model that answers it, and no model learns from its own answers."""
    for name, provider in study.providers.items():
        if isinstance(provider, OwnModelSettings) and provider.finetuned is not None:
            place = f"providers.{name}.finetuned"
            _check("fine-tuning", provider.finetuned, study.finetunes, place, wrong)
    for name, stage in study.asked_stages.items():
        if stage.provider not in study.providers:
            continue
        provider = study.providers[stage.provider]
        if not isinstance(provider, OwnModelSettings):
            if not stage.model:
                wrong.append(
                    f"stages.{name}.model: this key is required: `{stage.provider}` (kind: {provider.kind})"
                    " is asked for a model by name"
                )
        elif provider.finetuned in study.finetunes:
            path = made_from(study, ("finetune", provider.finetuned or ""), ("stage", name))
            if path:
                through = " <- ".join(f"{kind} `{named}`" for kind, named in path)
                wrong.append(
                    f"stages.{name}.provider: the fine-tuning `{provider.finetuned}` would learn from its own"
                    f" answers ({through}); ask this stage of another provider"
                )


def _check_parts(study: Study, name: str, wrong: list[str]) -> None:
    """Whether what a stage explodes or groups can be, as far as it can be told without tasks."""
    settings = study.stages[name].input
    first, *others = settings.stages or [""]
    for other in others:
        if study.stages[other].input != study.stages[first].input:
            wrong.append(
                f"stages.{name}.input.stage: `{first}` and `{other}` have not the same `input`, so their"
                " items are not of the same records"
            )
    if settings.group and settings.group.by == PARENT and study.parts_of(first)[-1:] != ("item",):
        wrong.append(
            f"stages.{name}.input.group: the records of `{first}` are no items, so they have no parent;"
            " group by a field, or after a stage with `explode`"
        )


def _leads_to_sources(study: Study, stage: str) -> bool:
    """Whether all that stands before a stage is there: else nothing can be told of its records."""
    seen: set[str] = set()
    to_look_at = [stage]
    while to_look_at:
        name = to_look_at.pop()
        if name in seen or name not in study.stages:
            return False
        seen.add(name)
        # Of several stages, which have one input, the first stands for all.
        to_look_at += study.stages[name].input.stages[:1]
        if not all(before in study.stages for before in study.stages[name].input.stages):
            return False
    return True


def _check_tables(study: Study, name: str, wrong: list[str]) -> None:
    stage = study.stages[name]
    if isinstance(stage, Stage) and stage.tables and "group" in study.parts_of(name):
        wrong.append(
            f"stages.{name}.tables: its records gather rows of several input files, so there is no table of"
            " each; leave it out"
        )


def _check_are_sources_records(study: Study, stage: str, place: str, wrong: list[str]) -> None:
    """Labels of items, or of groups, are about nothing that has an embedding or gold in fields."""
    parts = study.parts_of(stage) if _leads_to_sources(study, stage) else ()
    if parts:
        what = "items" if parts[-1] == "item" else "groups"
        wrong.append(
            f"{place}: the records of `{stage}` are {what} of the sources' records, and are joined to none of"
            " these; gather them by their parent first, or take a wave over that stage as gold"
        )


def _check_heads(study: Study, wrong: list[str]) -> None:
    for name, head in study.heads.items():
        place = f"heads.{name}"
        _check("embedding", head.embedding, study.embeddings, f"{place}.embedding", wrong)
        if head.labels.wave:
            _check("wave", head.labels.wave, study.waves, f"{place}.labels.wave", wrong)
            wave = study.waves.get(head.labels.wave)
            if wave is not None and wave.stage is not None:
                _check_are_sources_records(study, wave.stage, f"{place}.labels.wave", wrong)
        for stage in head.labels.stage or []:
            _check("stage", stage, study.stages, f"{place}.labels.stage", wrong)
            _check_are_sources_records(study, stage, f"{place}.labels.stage", wrong)
        for source in head.labels.source or []:
            _check("source", source, study.sources, f"{place}.labels.source", wrong)
        # Known only where all names lead somewhere.
        if not wrong and not study.label_sources(name):
            embedded = ", ".join(study.embeddings[head.embedding].source)
            wrong.append(
                f"{place}.labels: none of the labels is about a record that `{head.embedding}` embeds"
                f" (sources: {embedded})"
            )


def _check_annotated(study: Study, wrong: list[str]) -> None:
    for name, annotated in study.annotated.items():
        _check("embedding", annotated.embedding, study.embeddings, f"annotated.{name}.embedding", wrong)
        for head in annotated.heads:
            _check("head", head, study.heads, f"annotated.{name}.heads", wrong)
    for name, selection in study.selections.items():
        _check(
            "set of annotated files",
            selection.annotated,
            study.annotated,
            f"selections.{name}.annotated",
            wrong,
        )


def _check_evaluations(study: Study, wrong: list[str]) -> None:
    for name, evaluation in study.evaluations.items():
        if evaluation.wave is not None:
            _check("wave", evaluation.wave, study.waves, f"evaluations.{name}.wave", wrong)
        for source in evaluation.source or []:
            _check("source", source, study.sources, f"evaluations.{name}.source", wrong)
        if not study.predictions_of(evaluation):
            wrong.append(f"evaluations.{name}.predictions: no stage is asked about the source")
        for model, predicted in evaluation.predictions.items():
            place = f"evaluations.{name}.predictions.{model}"
            if predicted.stage is not None:
                _check("stage", predicted.stage, study.stages, f"{place}.stage", wrong)
                if evaluation.source:
                    _check_are_sources_records(study, predicted.stage, f"{place}.stage", wrong)
            if predicted.annotated is not None:
                _check(
                    "set of annotated files",
                    predicted.annotated,
                    study.annotated,
                    f"{place}.annotated",
                    wrong,
                )
            if predicted.annotated in study.annotated:
                for column in predicted.heads.values():
                    _check("head", column, _columns(study, predicted.annotated), f"{place}.heads", wrong)
        for feature, judged in evaluation.judged.items():
            place = f"evaluations.{name}.judged.{feature}"
            _check("stage", judged.stage, study.stages, f"{place}.by", wrong)
            if judged.measured is not None:
                _check("evaluation", judged.measured, study.evaluations, f"{place}.measured", wrong)
        if evaluation.source and not wrong:
            # What predictions are about can be told once all names lead somewhere.
            _check_about(study, name, evaluation, wrong)


def _check_errors(study: Study, name: str, errors: ErrorAnalysis, wrong: list[str]) -> None:
    place, evaluation = f"errors.{name}", errors.evaluation or name
    _check("evaluation", evaluation, study.evaluations, f"{place}.evaluation", wrong)
    if evaluation in study.evaluations:
        known = study.predictions_of(study.evaluations[evaluation])
        for model in errors.predictions or []:
            _check("prediction", model, known, f"{place}.predictions", wrong)
    if errors.embedding is not None:
        _check("embedding", errors.embedding, study.embeddings, f"{place}.embedding", wrong)
    for stage in errors.paraphrases:
        _check("stage", stage, study.stages, f"{place}.paraphrases", wrong)


def _check_optimised(study: Study, name: str, optimised: Optimised, wrong: list[str]) -> None:
    place = f"optimised.{name}"
    _check("stage that asks somebody", optimised.stage, study.asked_stages, f"{place}.stage", wrong)
    evaluation = optimised.evaluation or optimised.stage
    _check("evaluation", evaluation, study.evaluations, f"{place}.evaluation", wrong)
    _check("provider", optimised.improver.provider, study.providers, f"{place}.improver.provider", wrong)
    if optimised.ceiling is not None:
        _check("wave", optimised.ceiling, study.waves, f"{place}.ceiling", wrong)
    if evaluation in study.evaluations:
        has_splits = study.evaluations[evaluation].wave is not None
        if has_splits and optimised.split is not None:
            wrong.append(f"{place}.split: the gold set of a wave has splits; leave it out")


def _check_export(study: Study, name: str, export: Export, wrong: list[str]) -> None:
    place = f"exports.{name}"
    if export.gold is not None:
        _check("wave", export.gold, study.waves, f"{place}.gold", wrong)
    stage = export.stage
    if stage is None and export.gold in study.waves:
        stage = study.waves[export.gold].stage
    if stage is None:
        return
    _check("stage", stage, study.stages, f"{place}.stage", wrong)
    if stage in study.local_stages:
        wrong.append(
            f"{place}.stage: `{stage}` asks nobody, so it has no prompt; there are:"
            f" {', '.join(sorted(study.asked_stages)) or 'none'}"
        )


def _check_about(study: Study, name: str, evaluation: Evaluation, wrong: list[str]) -> None:
    for model, predicted in evaluation.predictions.items():
        sources = study.sources_predicted(predicted)
        if not set(evaluation.source or []) & set(sources):
            wrong.append(
                f"evaluations.{name}.predictions.{model}: these predictions are about"
                f" `{'`, `'.join(sources)}`, not about `{'`, `'.join(evaluation.source or [])}`, whose labels"
                " are the gold"
            )


def _columns(study: Study, annotated: str) -> list[str]:
    """What the columns of annotated files are called after `score_` and `label_`."""
    settings = study.annotated[annotated]
    own = [
        study.heads[head].column_of(head, target)
        for head in settings.heads
        if head in study.heads
        for target in study.heads[head].targets
    ]
    return [*own, *settings.regression_head_checkpoints]


def _check(kind: str, name: str, known: Iterable[str], place: str, wrong: list[str]) -> None:
    if name not in known:
        wrong.append(f"{place}: there is no {kind} `{name}`; there are: {', '.join(sorted(known)) or 'none'}")
