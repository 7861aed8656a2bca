"""The draw of a wave and what there is now -> what has changed since it was given out."""

from goldpan.cli.logs import logging_to
from goldpan.study import load_project
from goldpan.waves.steps.changes import write_changes
from goldpan.waves.steps.run import WaveRun

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    for note in write_changes(WaveRun(project, snakemake.wildcards.wave)).notes_with_remedy():
        log(note)
