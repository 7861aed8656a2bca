"""A shard of requests -> its answers, by a model of one's own."""

import goldpan.interrupt
from goldpan.batches.stage import StageRun
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    of = snakemake.wildcards
    log(StageRun(project, of.stage).answer(int(of.round), of.shard, log))
