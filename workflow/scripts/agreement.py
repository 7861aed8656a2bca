"""Answers -> who agreed with whom, and how surely."""

from goldpan.cli.logs import logging_to
from goldpan.study import load_project
from goldpan.waves.steps.run import WaveRun

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    log(WaveRun(project, snakemake.wildcards.wave).measure())
