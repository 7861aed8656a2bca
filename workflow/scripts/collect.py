"""Filled sheets -> answers joined by item id."""

import goldpan.interrupt
from goldpan.waves.agreement.wave import wave_notes
from goldpan.waves.steps.run import WaveRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    status = WaveRun(project, snakemake.wildcards.wave).collect()
    log(status.state)
    for note in wave_notes(status):
        log(note)
