"""Answered records -> what is given out of a wave, drawn once."""

import goldpan.interrupt
from goldpan.waves.steps.run import WaveRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    draw = WaveRun(project, snakemake.params.wave).draw()
    log(f"{draw.sample.counts.sampled} items drawn from {draw.sample.counts.population} records")
