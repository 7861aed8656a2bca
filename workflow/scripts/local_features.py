"""Records -> one row of features per record, of a stage that asks nobody."""

import goldpan.interrupt
from goldpan.chains.answer import answer_locally
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(answer_locally(project, snakemake.wildcards.stage).as_dict())
