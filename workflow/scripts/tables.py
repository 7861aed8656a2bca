"""Features -> one CSV per input file."""

import goldpan.interrupt
from goldpan.batches.stage import StageRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    StageRun(project, snakemake.params.stage).tables()
    log("done")
