"""Checking the exports of a study as far as that is possible before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.errors import ErrorGatherer
from goldpan.finetune.exports.files import CARD, exported_sources, exported_stage
from goldpan.finetune.exports.groups import only_document
from goldpan.finetune.exports.material import (
    answer_form,
    answer_writers,
    check_gold_features,
    negative_test,
    table_task,
)
from goldpan.finetune.exports.prompts import Prompter, with_prompt
from goldpan.finetune.exports.tokens import check_tokenizer
from goldpan.stages.record_kinds import KINDS_OF_ANY_RECORD
from goldpan.study.export import DOCUMENT
from goldpan.study.load import Project
from goldpan.tasks.prompt_names import check_template_names


def check_exports(project: Project) -> Iterator[str]:
    """Look for what exports name: features, conditions and prompts; yields a line about each, and raises in
    the end what is wrong: else it would be seen only after what stands before an export was paid for.

    Raises:
        StudyError, TaskError: a feature or a file is not there, or what an export says does not go together.
        PromptError, WhereError: a template or a condition is not valid, or names what will not be there.
    """
    wrong = ErrorGatherer()
    for name in project.study.exports:
        with wrong.gather():
            yield _checked(project, name)
    wrong.finish()
    yield from unsplittable_exports(project)


def unsplittable_exports(project: Project) -> Iterator[str]:
    """A line about each export whose rows all come from one document, so that they cannot be split: else it
    would be told only when the export is made, after all before it was paid for and judged."""
    study = project.study
    for name, settings in study.exports.items():
        shares = (settings.split.train, settings.split.valid, settings.split.test)
        if settings.group != DOCUMENT or sum(share > 0 for share in shares) < 2:
            continue
        stage = exported_stage(study, settings)
        parts = study.parts_of(stage) if stage else ()
        file = only_document(project, exported_sources(study, settings), parts)
        if file is not None:
            yield (
                f"export {name}: note: all its rows come from {file}, and are of one group, which cannot be"
                " split: say what makes a group (`group: data.FIELD`), or write `group: id` where no two rows"
                " have anything to do with each other"
            )


def _checked(project: Project, name: str) -> str:
    settings, where = project.study.exports[name], f"exports.{name}"
    stage = exported_stage(project.study, settings)
    prompter = Prompter(project, stage, table_task(project, settings, where), settings.prompt)
    writers = answer_writers(prompter.tasks.values(), settings, where)
    check_gold_features(project, settings, writers.values(), where)
    negative_test(settings, writers.values(), f"{where}.negatives")
    if not (project.root / project.paths.export(name, CARD)).exists():
        # Whoever is given what was made of a model need not have the model.
        check_tokenizer(settings, project.root, where)
    if settings.prompt is not None:
        for task in prompter.tasks.values():
            shown = with_prompt(task, settings.prompt, project.tasks)
            check_template_names(shown, KINDS_OF_ANY_RECORD)
    form = answer_form(settings, prompter.shape.output, writers.values())
    fields = sum(len(writer.task.features) for writer in writers.values())
    origin = " and ".join(
        f"{what} {part}"
        for what, part in (("gold of wave", settings.gold), ("stage", settings.stage))
        if part
    )
    return f"export {name}: {origin} as {settings.format}, {fields} features as {form}"
