"""Embeddings and labels -> a head, and what it can do."""

from goldpan.cli.logs import logging_to
from goldpan.heads.run import train_in_project
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    metrics = train_in_project(project, snakemake.wildcards.head)
    log(f"{metrics['labelled']} labelled records, best epoch {metrics['best_epoch']}")
