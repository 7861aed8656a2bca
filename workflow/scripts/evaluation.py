"""Predictions and a gold set -> how good they are, and how surely."""

from goldpan.cli.logs import logging_to
from goldpan.evaluation.run import evaluate_in_project
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config = snakemake.config
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    report = evaluate_in_project(project, snakemake.wildcards.evaluation)
    log(f"{report.name}: written")
