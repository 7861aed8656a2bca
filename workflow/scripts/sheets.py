"""Items -> the sheets given to annotators."""

from goldpan.cli.logs import logging_to
from goldpan.study import load_project
from goldpan.waves.steps.run import WaveRun

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    for path in WaveRun(project, snakemake.params.wave).write_sheets():
        log(path.name)
