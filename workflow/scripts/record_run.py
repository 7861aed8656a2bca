"""What a stage was asked, answered and measured -> a run, also in the project's history."""

import goldpan.interrupt
from goldpan.experiments.record import record_run
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    run = record_run(project, snakemake.wildcards.stage)
    log(f"{run.module}: run {run.id}, prompt version {run.prompt_version}")
