"""Items -> the sheets given to annotators."""

import goldpan.interrupt
from goldpan.waves.steps.run import WaveRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    for path in WaveRun(project, snakemake.params.wave).write_sheets():
        log(path.name)
