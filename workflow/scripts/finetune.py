"""An export and a base model -> an adapter, and the model with the adapter merged into it."""

import goldpan.interrupt
from goldpan.finetune.run import fine_tune_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    report = fine_tune_in_project(project, snakemake.wildcards.finetune, threads=snakemake.threads, say=log)
    log(
        f"step {report.best_step} of {report.steps} was taken; the loss on valid is"
        f" {report.valid_loss:.4f}, of the model as it was {report.untuned_valid_loss:.4f}"
    )
    for warning in report.warnings:
        log(f"warning: {warning}")
