"""Settled rounds -> one row of features per record."""

import goldpan.interrupt
from goldpan.batches.messages import message_lines
from goldpan.batches.stage import StageRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    summary = StageRun(project, snakemake.wildcards.stage).consolidate()
    log(summary.as_dict())
    for line in message_lines(summary.messages):
        log(line)
