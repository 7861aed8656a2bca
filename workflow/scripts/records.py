"""One source file -> its records."""

from pathlib import Path

from goldpan.cli.logs import logging_to
from goldpan.records.inputs import linked_file
from goldpan.records.read import build_records
from goldpan.study import load_project

with logging_to(snakemake.log[0]) as log:
    config, wildcards = snakemake.config, snakemake.wildcards
    project = load_project(config["study"], ledger=config["ledger"], results=config["results"])
    counts = build_records(
        project.study.sources[wildcards.source],
        wildcards.source,
        wildcards.file,
        linked_file(Path(snakemake.input[0])),
        Path(snakemake.output[0]),
    )
    log(counts)
