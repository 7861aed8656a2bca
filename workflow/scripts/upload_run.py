"""A run -> a tracker of the study; the receipt, also in the project's history."""

import goldpan.interrupt
from goldpan.tracking.upload import upload_stage
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    receipt = upload_stage(project, snakemake.wildcards.tracker, snakemake.wildcards.stage)
    log(f"run {receipt.run}: {receipt.status} as {receipt.experiment}")
