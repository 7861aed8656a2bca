"""Embeddings and heads -> one row for each record of several files."""

import goldpan.interrupt
from goldpan.heads.files import names_of_annotated
from goldpan.heads.run import annotate_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    annotated = snakemake.params.annotated
    names = names_of_annotated(project, annotated)
    for source, file in snakemake.params.places:
        counts = annotate_in_project(project, annotated, source, file, threads=snakemake.threads, names=names)
        log(f"{source}/{file}: {counts.as_json()}")
