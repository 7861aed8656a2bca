"""Embeddings -> what became of the records, in all."""

import goldpan.interrupt
from goldpan.embeddings.run import EmbeddingRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(EmbeddingRun(project, snakemake.wildcards.embedding).summarize())
