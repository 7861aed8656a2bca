"""All that the study has made -> the study on one page."""

import goldpan.interrupt
from goldpan.report.index.page import write_index
from goldpan.workflow.script import project_and_log

with project_and_log(snakemake) as (project, log):
    log(write_index(project))
