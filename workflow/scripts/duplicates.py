"""Records of a stage -> those that share an answer, group by group."""

from pathlib import Path

import goldpan.interrupt
from goldpan.stages.duplicates import write_groups
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(write_groups(Path(snakemake.input[0]), snakemake.params.share, Path(snakemake.output[0])))
