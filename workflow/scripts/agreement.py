"""Answers -> who agreed with whom, and how surely."""

import goldpan.interrupt
from goldpan.waves.steps.run import WaveRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(WaveRun(project, snakemake.wildcards.wave).measure())
