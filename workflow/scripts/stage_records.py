"""What a stage is to be asked, with skips and their reasons."""

from goldpan.batches.stage import StageRun
from goldpan.cli.logs import logging_to
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    log(StageRun(project, snakemake.wildcards.stage).make_records())
