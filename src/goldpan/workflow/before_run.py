"""What is looked at before a run begins, for which Snakemake has no words or which it would remove."""

from __future__ import annotations

import os

from goldpan.batches.batch_file import batch_files
from goldpan.batches.prompt_check import check_prompts
from goldpan.batches.take_in import check_ledger_knows
from goldpan.chains.check import check_local_stages
from goldpan.chains.tables.check import check_tables
from goldpan.errors import ErrorGatherer, StorageError
from goldpan.evaluation.check import check_gold_values
from goldpan.finetune.base_folder import bases_that_are_gone
from goldpan.finetune.exports.check import check_exports, unsplittable_exports
from goldpan.finetune.untaught import untaught_fields
from goldpan.heads.columns_check import check_annotated_columns
from goldpan.ledger import Ledger
from goldpan.optimise.check import check_searches
from goldpan.study.load import Project


def check_before_run(project: Project) -> list[str]:
    """Check that the results may be written, and that the ledger knows what they were paid for: Snakemake
    removes the files of a step that it runs anew, and what a batch was asked stands in one of them. Prompts
    must name what there will be, columns have names of their own, gold in fields be labels, and searches and
    exports have what they need: else it would be seen only after what stands before them was paid for or
    embedded. What may be wrong, but need not be, stops no run.

    Returns:
        What may be wrong, with its place.

    Raises:
        PromptError, TaskError, StudyError: as `check_prompts` and `check_annotated_columns`.
        SourceError: as `check_gold_values` and `check_searches`.
        LedgerError: as `check_ledger_knows`.
        StorageError: the results may not be written.
    """
    results = project.root / project.paths.results
    if results.exists() and not os.access(results, os.W_OK):
        raise StorageError(
            "the disk does not take it: the folder of results may not be written",
            where=str(results),
            remedy="make it writable, or name another (`results` in config/config.yaml), and run the same"
            " command again; nothing that was paid is lost",
        )
    wrong = ErrorGatherer()
    notes: list[str] = []
    with wrong.gather():
        notes += check_prompts(project)
    with wrong.gather():
        notes += check_annotated_columns(project)
    with wrong.gather():
        list(check_local_stages(project))
    with wrong.gather():
        list(check_tables(project))
    for name in project.study.evaluations:
        with wrong.gather():
            check_gold_values(project, name)
    with wrong.gather():
        list(check_searches(project))
    with wrong.gather():
        list(check_exports(project))
    with wrong.gather():
        notes += [
            *unsplittable_exports(project),
            *bases_that_are_gone(project),
            *untaught_fields(project),
        ]
    wrong.finish()
    stages = [stage for stage in project.study.asked_stages if any(batch_files(project, stage))]
    if stages:
        with Ledger(project.ledger) as ledger:
            for stage in stages:
                check_ledger_knows(ledger, project, stage)
    return notes
