"""What a stage is to be asked, with skips and their reasons."""

import goldpan.interrupt
from goldpan.batches.stage import StageRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(StageRun(project, snakemake.wildcards.stage).make_records())
