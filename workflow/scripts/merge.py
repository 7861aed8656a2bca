"""Answers and decisions -> one label for each item and feature."""

import goldpan.interrupt
from goldpan.waves.merging.merged import resolution_counts
from goldpan.waves.steps.run import WaveRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(resolution_counts(WaveRun(project, snakemake.wildcards.wave).merge()))
