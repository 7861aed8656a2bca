"""Predictions and gold -> where the predictions are wrong, and the rows of each list."""

import goldpan.interrupt
from goldpan.error_analysis.run import analyse_errors_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    report = analyse_errors_in_project(project, snakemake.wildcards.errors)
    log(f"{report.name}: written")
