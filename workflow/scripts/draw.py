"""Answered records -> what is given out of a wave, drawn once."""

from goldpan.cli.logs import logging_to
from goldpan.study import load_project
from goldpan.waves.steps.run import WaveRun

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    draw = WaveRun(project, snakemake.params.wave).draw()
    log(f"{draw.sample.counts.sampled} items drawn from {draw.sample.counts.population} records")
