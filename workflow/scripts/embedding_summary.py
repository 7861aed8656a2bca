"""Embeddings -> what became of the records, in all."""

from goldpan.cli.logs import logging_to
from goldpan.embeddings.run import EmbeddingRun
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    log(EmbeddingRun(project, snakemake.wildcards.embedding).summarize())
