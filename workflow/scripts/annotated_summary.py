"""Counts of annotated files -> their sums."""

import goldpan.interrupt
from goldpan.heads.run import summarize_annotated
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(summarize_annotated(project, snakemake.wildcards.annotated))
