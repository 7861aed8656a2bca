"""A source file whose name has braces -> a link to it, which Snakemake can name."""

from pathlib import Path

import goldpan.interrupt
from goldpan.records.inputs import link_to, source_files
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    wildcards = snakemake.wildcards
    files = source_files(project.study.sources[wildcards.source], project.root)
    link_to(files[wildcards.file], Path(snakemake.output[0]))
    log("done")
