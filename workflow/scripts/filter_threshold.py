"""The records of a filter and a gold set -> the score from which on a record is kept, and what that costs."""

import goldpan.interrupt
from goldpan.chains.filter.threshold_step import choose_threshold
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(choose_threshold(project, snakemake.wildcards.stage).as_json())
