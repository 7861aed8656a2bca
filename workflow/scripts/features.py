"""Settled rounds -> one row of features per record."""

from goldpan.batches.messages import message_lines
from goldpan.batches.stage import StageRun
from goldpan.cli.logs import logging_to
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    summary = StageRun(project, snakemake.wildcards.stage).consolidate()
    log(summary.as_dict())
    for line in message_lines(summary.messages):
        log(line)
