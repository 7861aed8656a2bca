"""Counts of annotated files -> their sums."""

from goldpan.cli.logs import logging_to
from goldpan.heads.run import summarize_annotated
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    log(summarize_annotated(project, snakemake.wildcards.annotated))
