"""The features of all stages of a chain -> one table."""

import goldpan.interrupt
from goldpan.chains.tables.run import make_table
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(f"{make_table(project, snakemake.params.table)} rows")
