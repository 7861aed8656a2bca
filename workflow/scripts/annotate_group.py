"""Embeddings and heads -> one row for each record of several files."""

import goldpan.interrupt
from goldpan.heads.run import annotate_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    for source, file in snakemake.params.places:
        annotated = snakemake.params.annotated
        counts = annotate_in_project(project, annotated, source, file, threads=snakemake.threads)
        log(f"{source}/{file}: {counts.as_json()}")
