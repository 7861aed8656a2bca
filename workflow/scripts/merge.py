"""Answers and decisions -> one label for each item and feature."""

from goldpan.cli.logs import logging_to
from goldpan.study import load_project
from goldpan.waves.merging.merged import resolution_counts
from goldpan.waves.steps.run import WaveRun

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    log(resolution_counts(WaveRun(project, snakemake.wildcards.wave).merge()))
