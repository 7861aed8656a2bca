"""The draw of a wave and what there is now -> what has changed since it was given out."""

import goldpan.interrupt
from goldpan.waves.steps.changes import write_changes
from goldpan.waves.steps.run import WaveRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    for note in write_changes(WaveRun(project, snakemake.wildcards.wave)).notes_with_remedy():
        log(note)
