"""The draw of a wave -> its items, one a line, and their counts."""

from goldpan.cli.logs import logging_to
from goldpan.study import load_project
from goldpan.waves.steps.run import WaveRun

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    counts = WaveRun(project, snakemake.wildcards.wave).write_sample()
    log(f"{counts.sampled} items drawn from {counts.population} records")
