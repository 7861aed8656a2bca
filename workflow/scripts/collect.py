"""Filled sheets -> answers joined by item id."""

from goldpan.cli.logs import logging_to
from goldpan.study import load_project
from goldpan.waves.agreement.wave import wave_notes
from goldpan.waves.steps.run import WaveRun

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    status = WaveRun(project, snakemake.wildcards.wave).collect()
    log(status.state)
    for note in wave_notes(status):
        log(note)
