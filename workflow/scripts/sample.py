"""The draw of a wave -> its items, one a line, and their counts."""

import goldpan.interrupt
from goldpan.waves.steps.run import WaveRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    counts = WaveRun(project, snakemake.wildcards.wave).write_sample()
    log(f"{counts.sampled} items drawn from {counts.population} records")
