"""Embeddings and heads -> one row for each record."""

import goldpan.interrupt
from goldpan.heads.run import annotate_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    wildcards = snakemake.wildcards
    counts = annotate_in_project(
        project, wildcards.annotated, wildcards.source, wildcards.file, threads=snakemake.threads
    )
    log(counts.as_json())
