"""Annotated rows -> those that a condition holds for."""

from goldpan.cli.logs import logging_to
from goldpan.heads.run import select_in_project
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    log(select_in_project(project, snakemake.wildcards.selection).as_json())
