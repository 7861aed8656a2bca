"""Merged labels -> the frozen gold set with its card."""

import goldpan.interrupt
from goldpan.waves.steps.run import WaveRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    gold = WaveRun(project, snakemake.wildcards.wave).freeze()
    log(f"{len(gold.items)} items")
