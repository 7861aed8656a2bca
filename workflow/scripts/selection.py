"""Annotated rows -> those that a condition holds for."""

import goldpan.interrupt
from goldpan.heads.run import select_in_project
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(select_in_project(project, snakemake.wildcards.selection).as_json())
