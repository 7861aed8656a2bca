"""Records and features of a chain -> counts that add up from its sources to its last stage."""

import goldpan.interrupt
from goldpan.chains.counts import write_chain
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(write_chain(project, snakemake.wildcards.stage))
