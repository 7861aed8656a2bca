"""Embeddings and heads -> one row for each record."""

from goldpan.cli.logs import logging_to
from goldpan.heads.run import annotate_in_project
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config, wildcards = snakemake.config, snakemake.wildcards
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    counts = annotate_in_project(
        project, wildcards.annotated, wildcards.source, wildcards.file, threads=snakemake.threads
    )
    log(counts.as_json())
