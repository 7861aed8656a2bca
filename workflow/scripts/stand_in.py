"""A source file whose name has braces -> a link to it, which Snakemake can name."""

from pathlib import Path

from goldpan.cli.logs import logging_to
from goldpan.records.inputs import link_to, source_files
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config, wildcards = snakemake.config, snakemake.wildcards
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    files = source_files(project.study.sources[wildcards.source], project.root)
    link_to(files[wildcards.file], Path(snakemake.output[0]))
    log("done")
