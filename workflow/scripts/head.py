"""Embeddings and labels -> a head, and what it can do."""

import goldpan.interrupt
from goldpan.heads.run import train_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    metrics = train_in_project(project, snakemake.wildcards.head)
    log(
        f"{metrics['labelled']} labelled records; fit: {metrics['fit']['method']}, as {metrics['fit']['why']}"
    )
    for warning in metrics["warnings"]:
        log(f"warning: {warning}")
