"""What a stage is to be asked, with skips and their reasons."""

import goldpan.interrupt
from goldpan.stages.make import make_records
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(make_records(project, snakemake.wildcards.stage))
