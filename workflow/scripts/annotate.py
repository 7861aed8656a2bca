"""Embeddings and heads -> one row for each record."""

import goldpan.interrupt
from goldpan.heads.files import annotated_source_file
from goldpan.heads.run import annotate_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    wildcards = snakemake.wildcards
    file = annotated_source_file(project, wildcards.source, wildcards.file)
    counts = annotate_in_project(
        project, wildcards.annotated, wildcards.source, file, threads=snakemake.threads
    )
    log(counts.as_json())
