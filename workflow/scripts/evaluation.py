"""Predictions and a gold set -> how good they are, and how surely."""

import goldpan.interrupt
from goldpan.evaluation.run import evaluate_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    report = evaluate_in_project(project, snakemake.wildcards.evaluation)
    log(f"{report.name}: written")
